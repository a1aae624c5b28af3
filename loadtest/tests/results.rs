//! What a run leaves behind, and the commands that read it: files, schema, objectives, comparison, search, dry run.

mod stub;

use std::path::Path;
use std::process::{Command, Output};

use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use serde_json::Value;
use stub::{Faults, KEY, Stub};

/// A fifth of a second of load over 20 members, without the audit: the stub keeps no books.
const SHORT: &str =
    "--rate 1k --duration 200ms --warmup 0s --connections 4 --members 20 --no-audit";

fn jifen_load(args: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jifen-load"));
    command
        .args(args.split_whitespace())
        .env("JIFEN_OPERATOR_KEY", KEY);
    command.output().expect("the binary runs")
}

#[track_caller]
fn check(output: &Output, exit_code: i32, says: &str) {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(exit_code), "{text}");
    assert!(text.contains(says), "{text}");
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("the file is there")).expect("it is JSON")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the file is there")
}

#[test]
fn a_run_leaves_what_it_was_asked_for() {
    let stub = Stub::start(Faults::default());
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name);
    let short = SHORT.replace("--warmup 0s", "--warmup 100ms");
    let args = format!(
        "run --url {} {short} --out {} --hgrm {} --hlog {} --html {}",
        stub.url(),
        file("run.json").display(),
        file("run.hgrm").display(),
        file("run.hlog").display(),
        file("run.html").display()
    );
    // On a machine that is busy otherwise the run may be invalid; what it leaves is the same.
    let output = jifen_load(&args);
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("planned 1000/s"),
        "{output:?}"
    );

    let schema = jifen_load("schema");
    let schema: Value = serde_json::from_slice(&schema.stdout).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let run = json(&file("run.json"));
    let wrong: Vec<_> = validator
        .iter_errors(&run)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
    let mut without = run;
    without["generator"]["send_lag_p99_us"] = Value::Null;
    assert!(
        !validator.is_valid(&without),
        "a schema that takes everything says nothing"
    );

    let hgrm = text(&file("run.hgrm"));
    assert!(hgrm.contains("1.000000000000        200"), "{hgrm}");

    let hlog = text(&file("run.hlog"));
    let intervals: Vec<_> = IntervalLogIterator::new(hlog.as_bytes())
        .filter_map(|entry| match entry.expect("it is well formed") {
            LogEntry::Interval(interval) => Some(interval.tag().is_some()),
            _ => None,
        })
        .collect();
    let warmups = intervals.iter().filter(|is_warmup| **is_warmup).count();
    assert!(warmups > 0 && intervals.len() > warmups, "{intervals:?}");

    let html = text(&file("run.html"));
    assert_eq!(html.matches("<svg").count(), 3, "{html}");
    let elsewhere = html
        .replace("http://www.w3.org/2000/svg", "")
        .replace(&stub.url(), "");
    assert!(
        !elsewhere.contains("<script") && !elsewhere.contains("http"),
        "{html}"
    );
}

#[test]
fn objectives_decide_over_the_exit_code() {
    let stub = Stub::start(Faults::default());
    for (objectives, exit_code, says) in [
        (
            "--slo p99<1h --slo errors<=0% --slo rate>=1",
            0,
            "kept: p99<1h",
        ),
        (
            "--slo p99<1h --slo earn.max<1us",
            1,
            "missed: earn.max<1us: it was",
        ),
        ("--slo rate>1M", 1, "missed: rate>1M"),
        (
            "--slo transfer.p99<1h",
            1,
            "missed: transfer.p99<1h: it was nothing",
        ),
        (
            "--slo achieved>1%",
            1,
            "missed: achieved>1%: it was nothing",
        ),
        ("--slo p99", 2, "is not an objective"),
    ] {
        // In a closed loop the generator cannot be late, however busy the machine is.
        let closed = SHORT.replace("--rate 1k", "--closed");
        let args = format!("run --url {} {closed} {objectives}", stub.url());
        check(&jifen_load(&args), exit_code, says);
    }
}

#[test]
fn a_dry_run_needs_no_server_and_no_key() {
    for shape in [
        "",
        "--batch 100",
        "--closed",
        "--mix reserve",
        "--profile sine:5k..20k@200ms",
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jifen-load"));
        let args = format!("run --dry-run --duration 300ms --warmup 0s --json {shape}");
        let output = command
            .args(args.split_whitespace())
            .env_remove("JIFEN_OPERATOR_KEY")
            .output()
            .expect("the binary runs");
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{shape}: {error}: {output:?}"));
        assert!(report["accepted"].as_u64() > Some(0), "{shape}: {report:#}");
        assert_eq!(report["accepted"], report["commands"], "{shape}");
        assert_eq!(report["failed"]["total"], 0, "{shape}");
    }
}

#[test]
fn two_results_are_compared() {
    let stub = Stub::start(Faults::default());
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name).display().to_string();
    let run = |rate: &str, name: &str| {
        let args = format!(
            "run --url {} {SHORT} --closed --out {}",
            stub.url(),
            file(name)
        );
        let args = args.replace("--rate 1k", "").replace("--members 20", rate);
        check(&jifen_load(&args), 0, "closed loop");
    };
    run("--members 20", "a.json");
    run("--members 40", "b.json");
    let same = jifen_load(&format!("compare {} {}", file("a.json"), file("a.json")));
    check(&same, 0, "1.000");
    let output = jifen_load(&format!("compare {} {}", file("a.json"), file("b.json")));
    check(
        &output,
        0,
        "warning: the runs are not alike: they differ in members",
    );
    let output = jifen_load(&format!(
        "compare --json {} {}",
        file("a.json"),
        file("b.json")
    ));
    let comparison: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(comparison["differences"][0]["other"], 40, "{comparison:#}");

    std::fs::write(file("c.json"), "{}").expect("it is written");
    let output = jifen_load(&format!("compare {} {}", file("a.json"), file("c.json")));
    check(&output, 2, "cannot read the result");
}

/// The stub keeps any rate that one thread can do, so that the search ends where it was told to; or where the generator
/// cannot keep up, if the machine is busy otherwise.
#[test]
fn a_search_is_written_down_step_by_step() {
    let stub = Stub::start(Faults::default());
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("max.json");
    let steps = "--duration 300ms --warmup 0s --connections 4 --members 20";
    let args = format!(
        "find-max --url {} {steps} --from 100 --to 200 --slo p99<1h --out {}",
        stub.url(),
        out.display()
    );
    let output = jifen_load(&args);
    let found = json(&out);
    assert_eq!(found["steps"][0]["rate"], 100, "{found:#}");
    assert_eq!(
        found["exit_code"].as_i64(),
        output.status.code().map(i64::from)
    );
    if output.status.code() != Some(4) {
        check(&output, 0, "200/s was kept");
        assert_eq!(found["answer"], 200, "{found:#}");
    }
    assert_eq!(stub.seen().enrolled.len(), 20, "the members are made once");
    assert_eq!(stub.seen().complaints, Vec::<String>::new());
    check(
        &jifen_load("find-max --rate 5k"),
        2,
        "find-max chooses the rate itself",
    );
}
