//! What is told of lines that were not accepted.

use std::collections::BTreeMap;

use jifen_adapters::file::{End, Summary};
use serde_json::Value;

use crate::support::{Job, Place};

const MIXED: &str = r#"{"id":"a1","type":"enrol","member":"ann"}
{"id":"a2","type":"earn","member":"ann","merchant":"harbour-market","points":40}

{"id":"a3","type":"redeem","member":"ann","merchant":"harbour-market","points":41,"reference":"lunch"}
{"type":"earn","member":"bob","merchant":"harbour-market","points":1}
{"id":"a2","type":"earn","member":"ann","merchant":"harbour-market","points":41}
{"id":"a4","type":"earn","member":"ann","merchant":"nobody","points":1}
{"id":"a5","type":"earn","member":"ann","points":"1","colour":"red"}
{"id":"a6","type":"earn",
earn ann 40
{"id":"a1","type":"enrol","member":"ann"}
"#;

const LUNCH: &str = concat!(
    r#"{"line":4,"id":"a3","type":"redeem","status":"refused","code":"insufficient_points","retryable":false,"#,
    r#""offset":"0:4","at":"2026-11-21T12:00:00.000Z","replayed":false,"reference":"lunch","#,
    r#""balance":{"point_type":"points","available":40,"held":0,"pending":0,"owed":0},"#,
    r#""reasons":[{"code":"insufficient_points","limit":40,"requested":41,"frees_at":null}],"#,
    r#""command":{"id":"a3","type":"redeem","member":"ann","merchant":"harbour-market","points":41,"reference":"lunch"}}"#,
);

/// What a report tells of each line: its number, its id, the code, the fields at fault, and the command as it was read.
fn told(report: &str) -> Vec<(u64, String, String, Vec<String>, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    report
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let errors = line["errors"].as_array().cloned().unwrap_or_default();
            let pointers = errors.iter().map(|error| text(&error["pointer"]));
            let command = match &line["command"] {
                Value::String(text) => text.clone(),
                object => object.to_string(),
            };
            assert_eq!(line["status"], "refused");
            (
                line["line"].as_u64().unwrap(),
                text(&line["id"]),
                text(&line["code"]),
                pointers.collect(),
                command,
            )
        })
        .collect()
}

fn check(report: &str, expected: &[(u64, &str, &str, &[&str], &str)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(line, id, code, pointers, command)| {
            let pointers: Vec<String> =
                pointers.iter().map(|&pointer| pointer.to_owned()).collect();
            // Objects are compared by their members, whose order means nothing.
            let command = serde_json::from_str::<Value>(command)
                .map_or_else(|_| (*command).to_owned(), |object| object.to_string());
            (
                *line,
                (*id).to_owned(),
                (*code).to_owned(),
                pointers,
                command,
            )
        })
        .collect();
    assert_eq!(told(report), expected);
}

/// Goal: the report names every line that was not accepted, with its number and the answer of the contract, and no
/// other line. Method: one line of each kind, and the whole report compared.
#[actix_rt::test]
async fn the_report_tells_what_was_not_accepted() {
    let place = Place::new();
    let finished = place.import(Job::text("mixed", MIXED)).await;
    assert!(matches!(finished.end, End::Complete), "{:?}", finished.end);
    assert_eq!(
        finished.summary,
        Summary {
            lines: 10,
            accepted: 2,
            already_applied: 1,
            refused: BTreeMap::from([
                ("insufficient_points", 1),
                ("member_not_found", 1),
                ("merchant_not_found", 1),
                ("request_id_reused", 1),
            ]),
            malformed: 3,
            unanswered: 0,
        }
    );
    assert_eq!(finished.report, Some(place.report_path()));
    let report = place.report();
    assert_eq!(report.lines().next(), Some(LUNCH));
    let lines: Vec<&str> = MIXED.lines().collect();
    check(
        &report,
        &[
            (4, "a3", "insufficient_points", &[], lines[3]),
            (5, "mixed:5", "member_not_found", &[], lines[4]),
            (6, "a2", "request_id_reused", &[], lines[5]),
            (7, "a4", "merchant_not_found", &[], lines[6]),
            (
                8,
                "",
                "invalid_field",
                &["/points", "/colour", "/merchant"],
                lines[7],
            ),
            (9, "", "malformed", &[""], lines[8]),
            (10, "", "malformed", &[""], lines[9]),
        ],
    );
}

/// Rows are told as the objects that were made of them, or as they were read if no object could be made.
#[actix_rt::test]
async fn the_report_tells_rows_as_commands() {
    let place = Place::new();
    let rows = "type,member,merchant,points,metadata.till\n\
                enrol,ann,,,\n\
                earn,ann,harbour-market,40,3\n\
                redeem,ann,harbour-market,41,3\n\
                earn,ann,harbour-market\n\
                earn,ann,harbour-market,forty,3\n";
    let finished = place.import(Job::text("rows", rows).csv()).await;
    assert_eq!(finished.summary.accepted, 2);
    assert_eq!(finished.summary.malformed, 2);
    let earn = r#"{"type":"earn","member":"ann","merchant":"harbour-market","points":"forty","metadata":{"till":"3"}}"#;
    check(
        &place.report(),
        &[
            (
                4,
                "rows:4",
                "insufficient_points",
                &[],
                r#"{"type":"redeem","member":"ann","merchant":"harbour-market","points":41,"metadata":{"till":"3"}}"#,
            ),
            (5, "", "malformed", &[""], "earn,ann,harbour-market"),
            (6, "", "invalid_field", &["/points"], earn),
        ],
    );
}

#[actix_rt::test]
async fn nothing_to_tell_is_no_report() {
    let place = Place::new();
    let finished = place.import(Job::text("mixed", MIXED)).await;
    assert!(finished.report.is_some());
    let fine = r#"{"id":"b1","type":"enrol","member":"bob"}"#;
    let finished = place.import(Job::text("fine", fine)).await;
    assert_eq!(finished.report, None);
    // Not even the one of the run before, which would be taken for this one's.
    assert!(!place.report_path().exists());
}
