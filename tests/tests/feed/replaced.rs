//! Journals that are not the one that a client followed.

use std::{fs, path::Path, process::Command};

use jifen_tests::{
    built,
    feed::{Follower, Load, Places},
    server::{KEY, Server},
};
use serde_json::Value;

/// Runs the program on two directories.
fn run(words: &[&str], first: (&str, &Path), second: (&str, &Path)) {
    let mut command = Command::new(built::binary());
    command.args(words).arg(first.0).arg(first.1);
    let done = command.arg(second.0).arg(second.1).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}

/// What there is behind a place, and the last place that was told.
fn heard_behind(server: &Server, last: Option<&str>) -> (Places, String) {
    let path = "/v1/events?from=start&until=now";
    let mut follower = Follower::open(server.url(), path, last).unwrap();
    let places = follower.by_ref().map(|told| told.place()).collect();
    (places, follower.last.unwrap())
}

/// The code with which a server refuses to go on behind a place.
fn refused(server: &Server, path: &str, last: &str) -> (u16, String) {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    let mut told = agent
        .get(format!("{}{path}", server.url()))
        .header("authorization", format!("Bearer {KEY}"))
        .header("last-event-id", last)
        .call()
        .unwrap();
    let text = told.body_mut().read_to_string().unwrap();
    let problem: Value = serde_json::from_str(&text).unwrap();
    let code = problem["code"].as_str().unwrap();
    (told.status().as_u16(), code.to_owned())
}

fn replaced() -> (u16, String) {
    (410, "events_replaced".to_owned())
}

/// A place without the name of its journal, as it was told before journals had any.
fn unnamed(place: &str) -> &str {
    place.rsplit_once('-').unwrap().0
}

/// Goal: who has followed further than a backup goes is told so once that was put back, and misses nothing; who has not, goes on.
/// Method: the journal that was put back grows past the place first, so that only its name tells the two apart.
#[test]
fn who_heard_what_a_backup_lacks_is_told_so_and_who_did_not_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let [data, to, back] = ["data", "backup", "back"].map(|name| place.path().join(name));
    let server = Server::start(&data).unwrap();
    let mut load = Load::begin(server.url(), "m", 50);
    load.insist(server.url(), 250);
    let first = Follower::open(server.url(), "/v1/events?from=start", None);
    let first = first.unwrap().next().unwrap();
    let (mut expected, end) = heard_behind(&server, first.id.as_deref());
    assert_eq!(expected.len() + 1, load.places.len());
    run(&["backup"], ("--data", &data), ("--to", &to));
    load.insist(server.url(), 250);
    let (_, late) = heard_behind(&server, Some(&end));
    server.kill();

    run(&["restore"], ("--from", &to), ("--data", &back));
    let server = Server::start(&back).unwrap();
    let mut load = Load::begin(server.url(), "n", 50);
    for _ in 0..20 {
        load.insist(server.url(), 250);
    }
    for path in [
        "/v1/events",
        "/v1/events?from=start",
        "/v1/events?until=now",
    ] {
        assert_eq!(refused(&server, path, &late), replaced());
        // Of a journal that always had a name, whatever it was put back from.
        assert_eq!(refused(&server, path, unnamed(&end)), replaced());
    }
    let from_end = heard_behind(&server, Some(&end)).0;
    assert!(from_end.is_disjoint(&expected), "what was heard before");
    expected.extend(load.places);
    expected.remove(&first.place());
    let (heard, newest) = heard_behind(&server, first.id.as_deref());
    assert_eq!(heard, expected);
    server.kill();

    // And the other way round: what the first one has is another thing.
    let server = Server::start(&data).unwrap();
    assert_eq!(refused(&server, "/v1/events", &newest), replaced());
    assert_eq!(heard_behind(&server, Some(&late)).0, Places::new());
}

/// Goal: a directory from before journals had names opens and gets one, and what was told without goes on.
#[test]
fn a_journal_that_had_no_name_goes_on_where_clients_were() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).unwrap();
    let mut load = Load::begin(server.url(), "m", 50);
    let (_, before) = heard_behind(&server, None);
    let early = load.places.clone();
    assert!(server.terminate().0.success());
    fs::remove_file(data.path().join("identity.json")).unwrap();

    let server = Server::start(data.path()).unwrap();
    load.insist(server.url(), 250);
    let (heard, newest) = heard_behind(&server, Some(unnamed(&before)));
    assert_eq!(heard, &load.places - &early);
    // It was told by a name that this journal never had.
    assert_eq!(refused(&server, "/v1/events", &before), replaced());
    assert_ne!(unnamed(&newest), newest);
    server.kill();

    let server = Server::start(data.path()).unwrap();
    for place in [unnamed(&newest), &newest] {
        assert_eq!(heard_behind(&server, Some(place)).0, Places::new());
    }
}
