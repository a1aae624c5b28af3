//! `jifen doctor` as people run it: what it says of a machine and a directory, and its exit codes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, SystemTime},
};

use jifen_engine::{
    DataDirectory, Options,
    ledger::{Enrol, MemberId, Principal, Request, RequestId},
};
use serde_json::Value;

const JIFEN: &str = env!("CARGO_BIN_EXE_jifen");

/// A directory in which something was journaled.
async fn directory() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let opened = DataDirectory::lock(data.path()).unwrap();
    let engine = opened.open(Options::default()).unwrap().engine;
    let enrol = jifen_engine::ledger::Command::Enrol(Enrol {
        member: MemberId::new("m").unwrap(),
        attributes: None,
    });
    let principal = Principal::new("app").unwrap();
    let id = RequestId::new("1").unwrap();
    let request = Request::new(principal, id, enrol, None, None);
    engine.submit(request).await.unwrap().unwrap();
    engine.shut_down().await;
    data
}

fn run(mut command: Command, data: &Path, arguments: &[&str]) -> Output {
    // No reserve: the machine that runs this may have a small disk.
    command
        .args(["doctor", "--disk-reserve=0", "--data"])
        .arg(data)
        .args(arguments)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Exit code, and what was found: check → status, found, advice.
fn examined(data: &Path) -> (i32, BTreeMap<String, [String; 3]>) {
    told(&run(Command::new(JIFEN), data, &["--json"]))
}

fn told(output: &Output) -> (i32, BTreeMap<String, [String; 3]>) {
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let code = output.status.code().unwrap();
    assert_eq!(told["ok"], code == 0, "{told}");
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks = told["checks"].as_array().unwrap().iter();
    let checks = checks.map(|check| {
        let told = ["status", "found", "advice"].map(|name| word(&check[name]));
        assert_eq!(told[0] == "ok", check["advice"].is_null(), "{check}");
        (word(&check["check"]), told)
    });
    (code, checks.collect())
}

#[track_caller]
fn assert_told(found: &BTreeMap<String, [String; 3]>, check: &str, status: &str, said: &str) {
    let told = &found[check];
    assert_eq!(told[0], status, "{check}: {told:?}");
    assert!(told.join(" ").contains(said), "{check}: {told:?}");
}

/// Every file with its bytes.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[actix_rt::test]
async fn a_healthy_directory_passes_and_is_not_touched() {
    let data = directory().await;
    let before = content(data.path());
    let (code, found) = examined(data.path());
    assert_eq!(code, 0, "{found:?}");
    for check in [
        "disk space",
        "clock",
        "versions",
        "manifest",
        "identity",
        "head",
        "journal",
        "use",
    ] {
        assert_eq!(found[check][0], "ok", "{found:?}");
    }
    assert!(found.contains_key("sync") && found.contains_key("file system"));
    assert!(found.contains_key("open files"));
    assert_told(
        &found,
        "versions",
        "ok",
        "sled 0.34.7; the directory has 16 shards",
    );
    assert_told(&found, "use", "ok", "not in use");
    assert!(before == content(data.path()), "something was touched");

    let table = run(Command::new(JIFEN), data.path(), &[]);
    assert_eq!(table.status.code(), Some(0));
    let table = String::from_utf8(table.stdout).unwrap();
    for said in ["disk space", "99th percentile", "not in use", "sled 0.34.7"] {
        assert!(table.contains(said), "{table}");
    }
}

#[actix_rt::test]
async fn it_may_be_run_beside_a_server() {
    let data = directory().await;
    let holder = DataDirectory::lock(data.path()).unwrap();
    let (code, found) = examined(data.path());
    assert_eq!(code, 0, "{found:?}");
    assert_told(&found, "use", "ok", "by a running server");
    drop(holder);
}

#[test]
fn a_new_directory_is_no_damage_and_none_is_told() {
    let data = tempfile::tempdir().unwrap();
    let (code, found) = examined(data.path());
    assert_eq!(code, 0, "{found:?}");
    assert_told(&found, "manifest", "ok", "nothing was ever journaled");
    let (code, found) = examined(&data.path().join("nowhere"));
    assert_eq!(code, 1, "{found:?}");
    assert_told(&found, "data directory", "failed", "--data");
}

/// What is done to a directory, and which check says what of it.
type Damage = (fn(&Path), &'static str, &'static str);

#[actix_rt::test]
async fn damage_is_found_and_ends_with_4() {
    let damages: [Damage; 7] = [
        (
            |data| fs::remove_file(data.join("head")).unwrap(),
            "head",
            "head is missing",
        ),
        (
            |data| fs::write(data.join("head"), [7; 9_000]).unwrap(),
            "head",
            "no readable head",
        ),
        (
            |data| fs::remove_file(data.join("manifest.json")).unwrap(),
            "manifest",
            "put back",
        ),
        (
            |data| fs::write(data.join("manifest.json"), [0xFF]).unwrap(),
            "manifest",
            "put back",
        ),
        (
            |data| fs::write(data.join("identity.json"), "{}").unwrap(),
            "identity",
            "or remove it",
        ),
        (
            |data| fs::remove_dir_all(data.join("journal")).unwrap(),
            "journal",
            "restore a backup",
        ),
        (
            |data| fs::remove_file(data.join("journal/000001/db")).unwrap(),
            "journal",
            "holds no file db",
        ),
    ];
    for (damage, check, said) in damages {
        let data = directory().await;
        damage(data.path());
        let before = content(data.path());
        let (code, found) = examined(data.path());
        assert_eq!(code, 4, "{found:?}");
        assert_told(&found, check, "failed", said);
        assert!(before == content(data.path()), "something was touched");
    }
}

#[actix_rt::test]
async fn what_fails_beside_damage_ends_with_1() {
    let data = directory().await;
    let output = Command::new(JIFEN)
        .args(["doctor", "--json", "--disk-reserve=1000000TiB", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    let (code, found) = told(&output);
    assert_eq!(code, 1, "{found:?}");
    assert_told(&found, "disk space", "failed", "lower --disk-reserve");

    let mut few = Command::new("sh");
    few.args(["-c", "ulimit -n 100; exec \"$@\"", "sh", JIFEN]);
    let (code, found) = told(&run(few, data.path(), &["--json"]));
    assert_eq!(code, 1, "{found:?}");
    assert_told(&found, "open files", "failed", "LimitNOFILE");
    let mut few = Command::new("sh");
    few.args(["-c", "ulimit -n 1000; exec \"$@\"", "sh", JIFEN]);
    let (code, found) = told(&run(few, data.path(), &["--json"]));
    assert_eq!(code, 0, "{found:?}");
    assert_told(&found, "open files", "warning", "about 744 connections");

    // The newest change is an hour ahead of the clock.
    let head = File::options().write(true).open(data.path().join("head"));
    let ahead = SystemTime::now() + Duration::from_secs(3_600);
    head.unwrap().set_modified(ahead).unwrap();
    let (code, found) = examined(data.path());
    assert_eq!(code, 1, "{found:?}");
    assert_told(&found, "clock", "failed", "s behind what was written last");
}

#[test]
fn wrong_usage_ends_with_2_and_help_has_examples() {
    let mut wrong = Command::new(JIFEN);
    let output = wrong
        .args(["doctor", "--disk-reserve=much"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let help = Command::new(JIFEN)
        .args(["doctor", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for said in [
        "Examples:",
        "jifen doctor --data",
        "Exit codes:",
        "jifen journal verify",
    ] {
        assert!(help.contains(said), "{help}");
    }
}
