//! The command as people run it: exit codes, and what is said where.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Output, Stdio},
};

use jifen_engine::DataDirectory;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::example;

/// A directory with the small day in it, and nothing else.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("small.csv"), example("day.csv")).unwrap();
    place
}

fn jifen(place: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jifen"));
    command
        .current_dir(place)
        .env_remove("RUST_LOG")
        .arg("import");
    command
}

fn import(place: &TempDir, args: &[&str]) -> Output {
    jifen(place.path())
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const MARKET: &str = "--merchant=harbour-market=Harbour Market";

/// The journey of the README: from an empty directory in one command, and once more.
#[test]
fn a_file_is_imported_in_one_command() {
    let place = place();
    let first = import(&place, &["small.csv", MARKET]);
    assert_eq!(code(&first), Some(0), "{}", stderr(&first));
    let said = stdout(&first);
    for expected in [
        "lines",
        "accepted",
        "already applied",
        "refused: insufficient_points",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(said.contains("small.csv.refused.ndjson"), "{said}");
    let report = fs::read_to_string(place.path().join("small.csv.refused.ndjson")).unwrap();
    assert_eq!(report.lines().count(), 1);
    // Standard error is no terminal here, so it has a line for the log instead of a bar.
    assert!(stderr(&first).contains("imported"), "{}", stderr(&first));

    let second = import(&place, &["small.csv", MARKET, "--json", "--strict"]);
    assert_eq!(code(&second), Some(1), "{}", stderr(&second));
    let said: Value = serde_json::from_str(&stdout(&second)).unwrap();
    assert_eq!(said["name"], "small");
    assert_eq!(said["complete"], true);
    assert_eq!(said["accepted"], 0);
    assert_eq!(said["already_applied"], said["lines"].as_u64().unwrap() - 1);
    assert_eq!(said["refused"]["insufficient_points"], 1);
    assert_eq!(said["malformed"], 0);
    assert_eq!(said["report"], "small.csv.refused.ndjson");
}

#[test]
fn wrong_usage_is_said_before_anything_is_made() {
    let place = place();
    fs::write(place.path().join("typeless.csv"), "member,points\nann,1\n").unwrap();
    for (args, expected_code, expected) in [
        (&["-"][..], 2, "--name"),
        (&["typeless.csv"], 2, "--type"),
        (&["small.csv", "--type", "eran"], 2, "redeem"),
        (&["small.csv", "--name", "a b"], 2, "A-Z"),
        (&["small.csv", "--merchant", "nameless"], 2, "ID=NAME"),
        (&["small.csv", "--report", "./small.csv"], 2, "--report"),
        (&["small.csv", "--point-type", "a:16"], 2, "from 0 to 15"),
        (
            &["small.csv", "--point-type=a", "--point-type=a"],
            2,
            "is given twice",
        ),
        (&["small.csv", "--utc-offset", "8"], 2, "+08:00"),
        (&["small.csv", "--request-memory", "64MB"], 2, "64MiB"),
        (&["missing.ndjson"], 1, "missing.ndjson"),
    ] {
        let output = import(&place, args);
        assert_eq!(
            code(&output),
            Some(expected_code),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(expected),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(!place.path().join("jifen-data").exists(), "{args:?}");
    }
    assert_eq!(
        fs::read(place.path().join("small.csv")).unwrap(),
        example("day.csv")
    );
}

#[test]
fn a_directory_in_use_is_left_alone() {
    let place = place();
    let taken = DataDirectory::lock(&place.path().join("jifen-data")).unwrap();
    let output = import(&place, &["small.csv", MARKET]);
    drop(taken);
    assert_eq!(code(&output), Some(4));
    for expected in ["in use", "curl --data-binary @small.csv", "applied twice"] {
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

/// Goal: an import that waits for its lines can be stopped and says how to go on. Method: its standard input stays open;
/// once it says that the journal is replayed, it listens, and is told to stop.
#[test]
fn who_stops_an_import_hears_how_to_go_on() {
    let place = place();
    let mut child = jifen(place.path())
        .args(["-", "--name", "till-3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Waiting for the child would close what is still in it.
    let open = child.stdin.take();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("journal replayed") {
        line.clear();
        assert!(
            said.read_line(&mut line).unwrap() > 0,
            "it ended before it began"
        );
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let code = child.wait().unwrap().code();
    drop(open);
    assert_eq!(code, Some(1));
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("Run the same command again"), "{rest}");
}

/// What the lines do not say of their points, the command line says.
#[test]
fn the_first_point_type_is_meant() {
    let place = place();
    fs::write(
        place.path().join("day.ndjson"),
        concat!(
            r#"{"id":"1","type":"enrol","member":"ann"}"#,
            "\n",
            r#"{"id":"2","type":"earn","member":"ann","merchant":"harbour-market","points":3}"#,
            "\n",
            r#"{"id":"3","type":"redeem","member":"ann","merchant":"harbour-market","points":4}"#,
            "\n",
        ),
    )
    .unwrap();
    let kinds = ["--point-type=miles:2", "--point-type=points"];
    let done = import(&place, &[&["day.ndjson", MARKET], &kinds[..]].concat());
    assert_eq!(code(&done), Some(0), "{}", stderr(&done));
    let report = fs::read_to_string(place.path().join("day.ndjson.refused.ndjson")).unwrap();
    assert!(
        report.contains(r#""point_type":"miles","available":3"#),
        "{report}"
    );
}
