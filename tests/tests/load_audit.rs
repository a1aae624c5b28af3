//! The books of the real server balance although it is killed again and again under load.
//!
//! Method: the load tester runs the server as its child, kills it with SIGKILL every second, and audits it at the end: what
//! was acknowledged is there once with the same answer, and the points of every member add up.

use std::process::Command;

use jifen_tests::{built, server::KEY};
use serde_json::Value;

#[test]
fn the_books_balance_after_every_kill() {
    let place = tempfile::tempdir().unwrap();
    let load = "run --mix canonical --rate 300 --duration 4s --warmup 0s --drain 60s --members 100 --connections 8";
    let output = Command::new(built::load_tester())
        .args(load.split(' '))
        .args(["--chaos", "kill:1s", "--json", "--server"])
        .arg(built::binary())
        .arg("--chaos-data")
        .arg(place.path().join("data"))
        .env("JIFEN_OPERATOR_KEY", KEY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    let (audit, chaos) = (&report["audit"], &report["chaos"]);
    assert_eq!(audit["discrepancies_total"], 0, "{audit:#}");
    assert!(audit["broken_off"].is_null(), "{audit:#}");
    assert_eq!(audit["notes"], Value::Array(vec![]), "{audit:#}");
    let checked = |what: &str| {
        let mut checks = audit["checks"].as_array().unwrap().iter();
        checks
            .find(|check| check["what"] == what)
            .map(|check| check["checked"].clone())
    };
    assert_eq!(
        checked("answers"),
        Some(audit["acknowledged"].clone()),
        "{audit:#}"
    );
    assert!(audit["acknowledged"].as_u64() > Some(0), "{audit:#}");
    for what in ["balances", "statements", "merchants"] {
        assert!(
            checked(what).and_then(|checked| checked.as_u64()) > Some(0),
            "{what}: {audit:#}"
        );
    }
    assert!(
        !chaos["ready_after_ms"].as_array().unwrap().is_empty(),
        "{chaos:#}"
    );
    // Whether it was fast enough is not asked here, nor may the books be what was wrong.
    assert_ne!(output.status.code(), Some(3), "{report:#}");
}
