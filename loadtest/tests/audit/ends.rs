//! A server that is none any more when the load is over, or not for a while: what was measured is told all the same, and nobody is
//! accused.

use std::time::Duration;

use serde_json::Value;

use crate::books::{check, jifen_load};
use crate::ledger::{Behaviour, End, Ledger};

#[test]
fn a_server_that_is_gone_at_the_end_leaves_the_figures() {
    let audit = "the audit could not be carried out: ";
    let sale = "the sale could not be looked at: ";
    let cases = [
        (
            End::Silence,
            "",
            vec!["audit     BROKEN OFF, so nothing is proved", audit],
        ),
        (
            End::Silence,
            "--no-audit",
            vec![
                "stock     BROKEN OFF, so nothing is proved",
                sale,
                "no answer within 300ms",
            ],
        ),
        (End::Death, "", vec![audit, sale]),
        // What is gone of the stock has been answered, but nobody has heard all of it.
        (End::ReadsOnly, "", vec![audit]),
    ];
    for (end, args, says) in cases {
        let ledger = Ledger::start(Behaviour {
            loses_answers_every: Some(2),
            ends: Some((50, end)),
            ..Behaviour::default()
        });
        let directory = tempfile::tempdir().expect("a directory");
        let file = |name: &str| directory.path().join(name);
        let files = format!(
            "--out {} --html {}",
            file("run.json").display(),
            file("run.html").display()
        );
        let load = "--mix reserve --units 10M --patience 300ms --drain 100ms";
        let output = jifen_load(&ledger, &format!("{load} {files} {args}"));
        check(&output, 1, &says);
        check(&output, 1, &["reserve  ", "commands failed"]);
        let written = std::fs::read(file("run.json")).expect("the file");
        let report: Value = serde_json::from_slice(&written).expect("JSON");
        assert!(report["accepted"].as_u64() > Some(0), "{report:#}");
        assert_eq!(report["verdict"], "missed", "{report:#}");
        let page = std::fs::read_to_string(file("run.html")).expect("the file");
        assert!(page.contains("</html>"), "{page}");
    }
}

/// What was answered the first time and is in flight for the second when the run is given up is known. Every request is sent twice, so
/// that after the one in which the server stops its second sending is in flight.
#[test]
fn a_second_sending_without_an_answer_is_no_second_command() {
    for (batch, mix) in [(1, "earn"), (7, "canonical")] {
        let ledger = Ledger::start(Behaviour {
            ends: Some((50, End::Stall(Duration::from_millis(700)))),
            ..Behaviour::default()
        });
        let load = "--resend 1 --drain 100ms";
        let output = jifen_load(&ledger, &format!("{load} --mix {mix} --batch {batch}"));
        check(&output, 1, &["the books balance", "unanswered"]);
    }
}
