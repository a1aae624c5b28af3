//! The binary itself: exit codes, what it says, and the file it writes.

mod stub;

use std::net::TcpListener;
use std::process::{Command, Output};

use serde_json::Value;
use stub::{Faults, KEY, Stub};

const SHORT: &str = "--closed --duration 100ms --warmup 0s --connections 2 --members 20 --no-audit";

fn jifen_load(url: &str, key: &str, args: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jifen-load"));
    command
        .args(["run", "--url", url])
        .args(args.split_whitespace())
        .env("JIFEN_OPERATOR_KEY", key);
    command.output().expect("the binary runs")
}

fn check(output: &Output, exit_code: i32, says: &str) {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(exit_code), "{text}");
    assert!(text.contains(says), "{text}");
}

#[test]
fn a_good_run_prints_a_table() {
    let stub = Stub::start(Faults::default());
    check(&jifen_load(&stub.url(), KEY, SHORT), 0, "achieved");
}

#[test]
fn a_run_with_failures_is_not_good() {
    let stub = Stub::start(Faults {
        broken_every: Some(5),
        ..Faults::default()
    });
    check(&jifen_load(&stub.url(), KEY, SHORT), 1, "500 no_code");
}

#[test]
fn json_on_standard_output_and_in_the_file_are_the_same() {
    let stub = Stub::start(Faults::default());
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("run.json");
    let args = format!("{SHORT} --run-id mine --json --out {}", out.display());
    let output = jifen_load(&stub.url(), KEY, &args);
    check(&output, 0, "jifen-load/run/1");
    let printed: Value =
        serde_json::from_slice(&output.stdout).expect("nothing but JSON on standard output");
    let written: Value =
        serde_json::from_slice(&std::fs::read(&out).expect("the file")).expect("JSON");
    assert_eq!(printed, written);
    assert_eq!(
        (printed["run_id"].as_str(), printed["verdict"].as_str()),
        (Some("mine"), Some("good"))
    );
    assert!(
        printed["all_requests"]["latency"]["raw"]["p99_us"].as_u64() > Some(0),
        "{printed:#}"
    );
    assert_eq!(printed["all_requests"]["latency"]["corrected"], Value::Null);
}

#[test]
fn nobody_there_is_said_with_what_to_do() {
    // A port that was free a moment ago; nobody listens on it now.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    check(
        &jifen_load(&url, KEY, SHORT),
        2,
        "Start one with `jifen serve`",
    );
}

#[test]
fn a_wrong_key_is_said_with_where_to_find_the_right_one() {
    let stub = Stub::start(Faults::default());
    let output = jifen_load(&stub.url(), "not-this-one", SHORT);
    check(&output, 2, "JIFEN_OPERATOR_KEY");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("not-this-one"), "keys are not shown: {said}");
}

#[test]
fn noop_needs_the_debug_endpoints() {
    let without = Stub::start(Faults::default());
    let args = format!("{SHORT} --noop");
    check(
        &jifen_load(&without.url(), KEY, &args),
        2,
        "--debug-endpoints",
    );

    let with = Stub::start(Faults {
        debug_endpoints: true,
        ..Faults::default()
    });
    check(&jifen_load(&with.url(), KEY, &args), 0, "no-op endpoint");
    check(
        &jifen_load(&with.url(), KEY, &format!("{args} --batch 10")),
        0,
        "in arrays of 10",
    );
    let seen = with.seen();
    assert_eq!(
        (seen.noop, seen.merchants.len(), seen.enrolled.len()),
        (seen.requests, 0, 0)
    );
}

#[test]
fn wrong_usage_is_said_before_anything_is_sent() {
    let nowhere = "http://127.0.0.1:9";
    check(&jifen_load(nowhere, KEY, "--rate fast"), 2, "write digits");
    check(
        &jifen_load(nowhere, KEY, "--threads 9 --connections 2"),
        2,
        "--threads must not be more",
    );
    check(
        &jifen_load(nowhere, KEY, "--out /dev/null/no"),
        2,
        "cannot write",
    );
}
