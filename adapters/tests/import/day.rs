//! The example day: it is what its program writes, and importing it does what its README says.

use std::{collections::BTreeMap, io::Cursor};

use jifen_adapters::file::{End, Summary};

use crate::support::{Job, Place, example};

#[allow(dead_code, reason = "the example program uses the rest")]
#[path = "../../examples/make_day/day.rs"]
mod make_day;

use make_day::{Day, Line, Size};

#[test]
fn the_day_is_what_its_program_writes() {
    let mut written = Vec::new();
    for line in Day::new(Day::SEED, Size::EXAMPLE) {
        line.write_json(&mut written).unwrap();
    }
    // Not `assert_eq!`, which would print megabytes.
    assert!(
        written == example("day.ndjson"),
        "examples/day.ndjson is not what make_day writes"
    );
    assert!(written.iter().filter(|&&byte| byte == b'\n').count() >= 10_000);
}

#[test]
fn the_small_day_is_what_its_program_writes() {
    let mut written = format!("{}\n", Line::CSV_HEADER).into_bytes();
    for line in Day::new(Day::SEED, Size::SMALL) {
        line.write_csv(&mut written).unwrap();
    }
    assert_eq!(
        String::from_utf8(written),
        String::from_utf8(example("day.csv"))
    );
}

/// Goal: importing twice is importing once. Method: the second import must recognise every accepted line, refuse the
/// same lines again, and leave the state as it was.
#[actix_rt::test]
async fn the_day_is_imported_exactly_once() {
    let place = Place::new();
    let day = example("day.ndjson");
    let first = place
        .import(Job::new("day", Cursor::new(day.clone())))
        .await;
    assert!(matches!(first.end, End::Complete), "{:?}", first.end);
    let expected = Summary {
        lines: 13_009,
        accepted: 12_996,
        refused: BTreeMap::from([("insufficient_points", 10), ("member_not_found", 3)]),
        ..Summary::default()
    };
    assert_eq!(first.summary, expected);
    assert_eq!(place.report().lines().count(), 13);
    let state = place.state().await;
    assert_eq!(place.available("m-00042").await, 430);

    let second = place.import(Job::new("day", Cursor::new(day))).await;
    assert!(matches!(second.end, End::Complete), "{:?}", second.end);
    assert_eq!(
        second.summary,
        Summary {
            accepted: 0,
            already_applied: expected.accepted,
            ..expected
        }
    );
    assert_eq!(place.state().await, state);
}

/// The small day has no request ids: its lines are recognised by their numbers.
#[actix_rt::test]
async fn rows_without_ids_are_recognised_by_their_lines() {
    let place = Place::new();
    let rows = example("day.csv");
    let first = place
        .import(Job::new("small", Cursor::new(rows.clone())).csv())
        .await;
    assert!(matches!(first.end, End::Complete), "{:?}", first.end);
    assert_eq!(first.summary.accepted, first.summary.lines - 1);
    assert_eq!(
        first.summary.refused,
        BTreeMap::from([("insufficient_points", 1)])
    );
    let state = place.state().await;

    // Other line ends are the same rows.
    let windows = String::from_utf8(rows.clone())
        .unwrap()
        .replace('\n', "\r\n");
    let second = place
        .import(Job::new("small", Cursor::new(windows)).csv())
        .await;
    assert_eq!(second.summary.already_applied, first.summary.accepted);
    assert_eq!(second.summary.refused, first.summary.refused);
    assert_eq!(place.state().await, state);

    // Another name is another sender, and means it.
    let third = place
        .import(Job::new("other", Cursor::new(rows)).csv())
        .await;
    assert_eq!(third.summary.already_applied, 0);
    assert_ne!(place.state().await, state);
}
