//! The audit against a ledger that tells the truth, and against ledgers that lie in one place.

use std::process::{Command, Output};

use crate::ledger::{Behaviour, KEY, Ledger, Lies};
use jifen_load::{AuditReport, Load, Mix, Report, Sale, Settings};

/// Enough for a few hundred commands, each member with several.
const SHORT: &str = "run --closed --duration 300ms --warmup 0s --members 20 --url";

/// Three connections and a run id that is known.
pub(crate) fn jifen_load(ledger: &Ledger, args: &str) -> Output {
    jifen_load_as(ledger, &format!("--connections 3 --run-id test {args}"))
}

fn jifen_load_as(ledger: &Ledger, args: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jifen-load"));
    command
        .args(SHORT.split_whitespace())
        .arg(ledger.url())
        .args(args.split_whitespace())
        .env("JIFEN_OPERATOR_KEY", KEY);
    command.output().expect("the binary runs")
}

pub(crate) fn check(output: &Output, exit_code: i32, says: &[&str]) {
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit_code), "{text}");
    for part in says {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn the_truth_is_found_to_be_true_whatever_the_mix() {
    for mix in [
        "canonical",
        "earn",
        "transfer",
        "reserve --units 50 --price 3",
    ] {
        for batch in [1, 7] {
            let ledger = Ledger::start(Behaviour::default());
            let output = jifen_load(&ledger, &format!("--mix {mix} --batch {batch}"));
            check(
                &output,
                0,
                &[
                    "the books balance",
                    "answers: ",
                    "balances: ",
                    "statements: ",
                ],
            );
        }
    }
}

#[test]
fn a_lie_is_found_and_named() {
    let lies = |lies| Behaviour {
        lies,
        ..Behaviour::default()
    };
    let cases = [
        // The first command of the load, whatever it is, and one amid an array.
        (
            lies(Lies {
                drops: Some(1),
                ..Lies::default()
            }),
            "--mix earn",
            vec![
                "was accepted, but sent again it was not known",
                "-test-",
                "answers since make that",
            ],
        ),
        (
            lies(Lies {
                drops: Some(20),
                ..Lies::default()
            }),
            "--mix earn --batch 7",
            vec!["was accepted, but sent again it was not known"],
        ),
        (
            lies(Lies {
                restates: Some(9),
                ..Lies::default()
            }),
            "--mix canonical",
            vec!["the answer to it is another now", "t-other"],
        ),
        (
            lies(Lies {
                misnames: Some(9),
                ..Lies::default()
            }),
            "--mix earn --batch 7",
            vec!["was asked, and the answer to it is that to another"],
        ),
        (
            lies(Lies {
                doubles: Some(9),
                ..Lies::default()
            }),
            "--mix transfer",
            vec![
                "answers since make that",
                "but the server says",
                "does not foot",
            ],
        ),
        (
            lies(Lies {
                oversells: 1,
                ..Lies::default()
            }),
            "--mix reserve --units 10",
            vec!["11 units of load-s-test-0 were accepted, there are only 10"],
        ),
        (
            lies(Lies {
                oversells: 1,
                inflates: 1,
                ..Lies::default()
            }),
            "--mix reserve --units 10",
            vec![
                "load-s-test-0 has 11 units, 10 were put on sale",
                "11 units of load-s-test-0 were accepted, there are only 10",
            ],
        ),
        (
            lies(Lies {
                misprints: true,
                ..Lies::default()
            }),
            "--mix canonical",
            vec![
                "the statement of member load-u-",
                "does not foot",
                "changed that by",
            ],
        ),
        (
            lies(Lies {
                omits: true,
                ..Lies::default()
            }),
            "--mix earn",
            vec!["were accepted at merchant load-m-", "its transactions have"],
        ),
    ];
    for (behaviour, args, says) in cases {
        let output = jifen_load(&Ledger::start(behaviour), args);
        check(&output, 3, &says);
        check(&output, 3, &["THE BOOKS DO NOT BALANCE"]);
    }
}

#[test]
fn a_command_that_was_dropped_is_missed_when_it_is_looked_up() {
    // A capture comes after its hold, so that one of the first few is one.
    let found = (1..30).find_map(|drops| {
        let lies = Lies {
            drops: Some(drops),
            ..Lies::default()
        };
        let ledger = Ledger::start(Behaviour {
            lies,
            ..Behaviour::default()
        });
        let output = jifen_load_as(&ledger, "--connections 1 --run-id test --mix canonical");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.contains("capture 42-test-0-")
            .then_some((output, said))
    });
    let (output, said) = found.expect("a capture among the first thirty commands");
    check(&output, 3, &["the server does not know it any more"]);
    assert!(
        said.contains("was accepted, but the server does not know it any more"),
        "{said}"
    );
}

#[test]
fn without_the_audit_nothing_is_asked() {
    let ledger = Ledger::start(Behaviour {
        lies: Lies {
            drops: Some(1),
            ..Lies::default()
        },
        ..Behaviour::default()
    });
    let output = jifen_load(&ledger, "--mix earn --no-audit");
    check(&output, 0, &["achieved"]);
    assert!(!String::from_utf8_lossy(&output.stdout).contains("audit"));
}

fn run(ledger: &Ledger, mix: Mix, batch: u32) -> Report {
    let target = ledger.url().parse().expect("an address");
    let settings = Settings {
        load: Load::Closed,
        duration: std::time::Duration::from_millis(300),
        warmup: std::time::Duration::ZERO,
        connections: 3,
        members: 20,
        mix,
        batch,
        sale: (mix == Mix::Reserve).then_some(Sale {
            skus: 2,
            units: 60,
            price_points: 3,
            per_member_limit: Some(2),
        }),
        ..Settings::canonical(target, KEY.parse().expect("a key"))
    };
    jifen_load::run(&settings).expect("a report")
}

fn audit(report: &Report) -> &AuditReport {
    report.audit.as_ref().expect("an audit")
}

#[test]
fn lost_answers_are_asked_for_and_then_the_books_balance_to_the_point() {
    for (mix, batch) in [
        (Mix::Canonical, 1),
        (Mix::Canonical, 5),
        (Mix::Reserve, 1),
        (Mix::Transfer, 5),
    ] {
        let ledger = Ledger::start(Behaviour {
            loses_requests_every: Some(5),
            loses_answers_every: Some(7),
            ..Behaviour::default()
        });
        let report = run(&ledger, mix, batch);
        let audit = audit(&report);
        assert!(audit.is_balanced(), "{report}");
        assert!(audit.lost > audit.lost_applied, "{report}");
        let refused_for_good = report.refused.by_code.contains_key("member_limit_reached");
        assert!(audit.lost_applied > 0 || refused_for_good, "{report}");
        assert_eq!(audit.remembered, audit.acknowledged, "{report}");
        assert!(
            audit.notes.is_empty() && report.failed.total > 0,
            "{report}"
        );
        assert_eq!(
            report.verdict.exit_code(),
            1,
            "commands failed, the books balance: {report}"
        );
    }
}

#[test]
fn a_run_id_that_was_used_before_is_said_and_no_discrepancy() {
    let ledger = Ledger::start(Behaviour::default());
    let first = run(&ledger, Mix::Earn, 1);
    assert!(audit(&first).is_balanced(), "{first}");
    let args = format!("--mix earn --connections 3 --run-id {}", first.run_id);
    check(
        &jifen_load_as(&ledger, &args),
        0,
        &["request ids had been used before this run"],
    );
    assert!(ledger.commands() > 0);
}

/// Whoever marks one first answer as a replay is not let off the sums of a whole run. Where the id may have been used before,
/// nobody is accused, and it is said what is not proved.
#[test]
fn a_first_answer_that_says_it_is_a_replay_is_a_lie_unless_the_id_may_be_old() {
    let lies = Behaviour {
        lies: Lies {
            replays: Some(9),
            ..Lies::default()
        },
        ..Behaviour::default()
    };
    let says = [
        "was sent for the first time, and answered as if it had been there before",
        "statements and merchants' lists are NOT PROVED",
    ];
    let load = "--connections 3 --mix earn";
    check(&jifen_load_as(&Ledger::start(lies), load), 3, &says);
    let output = jifen_load(&Ledger::start(lies), "--mix earn");
    check(&output, 0, &says[1..]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.contains("the books balance"), "{said}");
}
