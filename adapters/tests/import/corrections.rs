//! Rows of the commands that put things right.

use std::collections::BTreeMap;

use jifen_adapters::file::Summary;
use serde_json::Value;

use crate::support::{Job, Place};

const ROWS: &str = "\
type,member,merchant,points,point_type,releases_at,transaction,reason
enrol,ann,,,,,,
earn,ann,harbour-market,40,points,,,
earn,ann,harbour-market,5,,2026-12-01T00:00:00Z,,
redeem,ann,harbour-market,30,,,,
reverse,,,10,,,t0-5,sent back
reverse,,,21,,,t0-5,sent back
reverse,,,,,,t0-99,
adjust,ann,,-7,,,,counted wrongly
adjust,ann,,0,,,,counted wrongly
adjust,ann,,-8,,,,
adjust,ann,,-1.5,,,,counted wrongly
freeze,ann,,,,,,lost card
redeem,ann,harbour-market,1,,,,
unfreeze,ann,,,,,,found card
close,ann,,,,,,
erase,ann,,,,,,
earn,ann,harbour-market,1,miles,,,
";

/// Goal: every command and field of the contract can stand in a row, and whoever is refused is told like everywhere else.
/// Method: a column for each new field, a row for each new command, good ones and bad ones.
#[actix_rt::test]
async fn every_command_can_be_a_row() {
    let place = Place::new();
    let finished = place.import(Job::text("rows", ROWS).csv()).await;
    assert_eq!(
        finished.summary,
        Summary {
            lines: 17,
            accepted: 9,
            already_applied: 0,
            refused: BTreeMap::from([
                ("exceeds_transaction", 1),
                ("invalid_field", 1),
                ("member_frozen", 1),
                ("transaction_not_found", 1),
            ]),
            malformed: 4,
            unanswered: 0,
        }
    );
    assert_eq!(place.available("ann").await, 40 - 30 + 10 - 7);
    let report = place.report();
    let told: Vec<(u64, String, String)> = report
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                line["line"].as_u64().unwrap(),
                text(&line["code"]),
                text(&line["errors"][0]["pointer"]),
            )
        })
        .collect();
    let expected = [
        (7, "exceeds_transaction", ""),
        (8, "transaction_not_found", ""),
        (10, "invalid_field", "/points"),
        (11, "invalid_field", "/reason"),
        (12, "invalid_field", "/points"),
        (14, "member_frozen", ""),
        (16, "invalid_field", "/reason"),
        (18, "invalid_field", "/point_type"),
    ];
    let expected = expected.map(|(line, code, at)| (line, code.to_owned(), at.to_owned()));
    assert_eq!(told, expected);
    let exceeds = report.lines().next().unwrap();
    let reasons =
        r#""reasons":[{"code":"exceeds_transaction","limit":20,"requested":21,"frees_at":null}]"#;
    assert!(exceeds.contains(reasons), "{exceeds}");
    let command =
        r#""command":{"type":"reverse","points":21,"transaction":"t0-5","reason":"sent back"}"#;
    assert!(exceeds.contains(command), "{exceeds}");
}
