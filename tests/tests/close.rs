//! Goal: a server that is killed while it closes a period publishes it afterwards, once, with the very bytes that it would have
//! published. Method: the same recorded day is closed again and again, by the real server, with kills at random moments. The long
//! run is `campaign close`.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use jifen_tests::close::{Period, rounds};

#[test]
fn kills_in_the_middle_do_not_change_what_is_published() {
    let work = tempfile::tempdir().unwrap();
    let period = Period {
        merchants: 30,
        members: 300,
        redemptions: 10_000,
    };
    let met = rounds(work.path(), &period, 4, 9, &|| ());
    assert_eq!(met.published, 5);
    assert!(met.killed > 0, "no kill came in time");
}
