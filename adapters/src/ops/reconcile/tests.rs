//! Lists as clients have them, and what is told of them.

use std::{fmt::Write, fs, path::PathBuf};

use clap::Parser;

use super::{compare::Kind, *};

/// Two files and what is said on the command line.
struct Given {
    directory: tempfile::TempDir,
    args: Vec<String>,
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: ReconcileArgs,
}

impl Given {
    fn new(ours: &str, theirs: &str, args: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("ours"), ours).unwrap();
        fs::write(directory.path().join("theirs"), theirs).unwrap();
        Self {
            directory,
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        }
    }

    fn args(&self) -> ReconcileArgs {
        let path = |name| -> PathBuf { self.directory.path().join(name) };
        let files = [path("ours"), path("theirs")].map(|path| path.display().to_string());
        let words = std::iter::once("reconcile".to_owned());
        Line::parse_from(words.chain(files).chain(self.args.clone())).args
    }

    fn compare(&self) -> compare::Compared {
        let (key, ours, theirs) = lists(&self.args()).unwrap();
        compare::compare(key, ours, theirs)
    }

    /// Kinds and keys of the differences.
    fn differences(&self) -> Vec<(Kind, String)> {
        let found = self.compare().differences.into_iter();
        found.map(|found| (found.difference, found.key)).collect()
    }
}

fn item(transaction: &str, order: &str, kind: &str, points: i64) -> String {
    format!(
        r#"{{"at":"2026-10-01T00:00:00.000Z","type":"{kind}","transaction":"{transaction}","member":"m","point_type":"points","points":{points},"order":"{order}","hold":null,"reverses":null,"reference":null}}"#
    ) + "\n"
}

#[test]
fn what_is_missing_doubled_or_different_is_told() {
    let ours: String = [
        item("t1", "o1", "redeem", 100),
        item("t2", "o2", "redeem", 200),
        item("t3", "o3", "redeem", 300),
        item("t3", "o3", "redeem", 300),
        item("t4", "o4", "redeem", 400),
        item("t5", "o5", "redeem", 500),
    ]
    .concat();
    let theirs = "\u{feff}transaction,points,type,remark\r\nt6,600,redeem,\"a, b\"\r\nt5,500,earn,\r\nt4,401,redeem,\r\n\
                  t3,300,redeem,\r\nt2,200,redeem,\r\nt2,200,redeem,\r\n";
    let given = Given::new(&ours, theirs, &[]);
    let expected = [
        (Kind::MissingInTheirs, "t1"),
        (Kind::DoubledInTheirs, "t2"),
        (Kind::DoubledInOurs, "t3"),
        (Kind::Different, "t4"),
        (Kind::Different, "t5"),
        (Kind::MissingInOurs, "t6"),
    ];
    assert_eq!(
        given.differences(),
        expected.map(|(kind, key)| (kind, key.to_owned()))
    );
    assert_eq!(run(&given.args()), ExitCode::from(1));
    let table = show::table(&given.compare());
    assert!(
        table.contains("missing in theirs") && table.contains("6 differences"),
        "{table}"
    );
    let told: serde_json::Value = serde_json::from_str(&show::json(&given.compare())).unwrap();
    assert_eq!(told["equal"], false);
    assert_eq!(told["differences"][3]["ours"]["row"], 5);
    assert_eq!(told["differences"][3]["theirs"]["points"], 401);
    // The list agrees with itself, as lines and as a page.
    let page = format!(
        r#"{{"items":[{}],"next_cursor":null,"as_of":null}}"#,
        ours.trim().replace('\n', ",")
    );
    let same = Given::new(&ours, &page, &[]);
    assert_eq!(same.differences(), []);
    assert_eq!(run(&same.args()), ExitCode::SUCCESS);
}

/// BK-3: the mall has 1,204 captures of 52,980,000, the bank 1,203 of 52,936,000: one break of 44,000.
#[test]
fn bk_3_one_break() {
    let (mut ours, mut theirs) = (String::new(), "trace_no,amount,type\n".to_owned());
    for number in 0..1_204 {
        let points = if number == 0 { 48_000 } else { 44_000 };
        ours += &item("t", &format!("o-{number}"), "capture", points);
        if number != 700 {
            writeln!(theirs, "o-{number},-{points},capture").unwrap();
        }
    }
    let args = "--by order --column order=trace_no --column points=amount --ignore-sign";
    let args: Vec<&str> = args.split(' ').collect();
    let given = Given::new(&ours, &theirs, &args);
    assert_eq!(
        given.differences(),
        [(Kind::MissingInTheirs, "o-700".to_owned())]
    );
    let compared = given.compare();
    assert_eq!((compared.ours.rows, compared.theirs.rows), (1_204, 1_203));
    let points = (compared.ours.points, compared.theirs.points);
    assert_eq!(points, (52_980_000, 52_936_000));
}

#[test]
fn an_order_has_rows_of_several_types() {
    let ours = item("t1", "o1", "redeem", 100) + &item("t2", "o1", "earn", 9);
    let theirs = "order,points,type\no1,9,earn\no1,100,redeem\n";
    assert_eq!(Given::new(&ours, theirs, &[]).differences(), []);
    let other_words = "order,points,type\no1,9,E\no1,100,R\n";
    assert_eq!(Given::new(&ours, other_words, &[]).differences().len(), 4);
    assert_eq!(
        Given::new(&ours, other_words, &["--ignore-type"]).differences(),
        []
    );
}

#[test]
fn what_cannot_be_read_is_told_with_its_row() {
    for (theirs, args, said) in [
        ("order,type\no1,redeem\n", &[][..], "no column \"points\""),
        ("name,points,type\n", &[], "no column for `transaction`"),
        (
            "order,points,type\no1,1,a\no2,1.5,a\n",
            &[],
            "row 2: \"1.5\" is no whole number",
        ),
        (
            "order,points,type\n",
            &["--by", "reference"],
            "no column \"reference\"",
        ),
        ("{\"items\":[{}]}", &[], "row 1: has no `points`"),
        ("{\"points\":1", &[], "row 1: EOF"),
    ] {
        let given = Given::new("", theirs, args);
        let error = lists(&given.args()).err().map(|error| error.to_string());
        let error = error.expect("cannot be read");
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(run(&given.args()), ExitCode::from(2));
    }
    assert!(rows::renamed("points=amount").is_ok());
    for wrong in ["points", "points=", "colour=red"] {
        assert!(rows::renamed(wrong).is_err(), "{wrong}");
    }
}
