use std::thread;

use super::*;
use crate::{
    history::{
        Catalogue,
        tests::{SHARDS, Scribe},
    },
    journal::epoch::Epoch,
};

/// Goal: a view that catches up while archives are deleted begins again with what there is. Method: it stands still at a
/// turn in the first epoch while two epochs are archived and forgotten.
#[test]
fn a_view_whose_next_turns_are_deleted_begins_again() {
    let place = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open(&place.path().join("archive"), SHARDS).unwrap();
    let history = Arc::new(History::new(catalogue, SHARDS));
    let directory = place.path().join("view");
    let view = Arc::new(View::new(&directory, Arc::clone(&history), SHARDS));
    let mut scribe = Scribe::new();
    scribe.begin(&history);
    let a_turn = |scribe: &mut Scribe| scribe.write_to(&history, &[vec![(0, 2), (1, 1)]]);
    for _ in 0..5 {
        a_turn(&mut scribe);
    }
    let following = {
        let view = Arc::clone(&view);
        thread::spawn(move || view.follow())
    };
    until(|| view.progress().turn == 5);
    // It goes on no further than to say how far it is.
    let still = lock(&view.progress);
    a_turn(&mut scribe);
    let written = || Some(view.snapshot()?.unwrap().position().turn);
    until(|| written() == Some(6));
    for _ in 0..2 {
        a_turn(&mut scribe);
        scribe.roll();
        scribe.begin(&history);
    }
    a_turn(&mut scribe);
    for _ in 0..2 {
        history.archive_oldest(&mut || ()).unwrap().unwrap();
    }
    assert_eq!(history.forget_before(Epoch(3)).unwrap(), 2);
    assert_eq!(history.complete_behind(), 8);
    drop(still);
    until(|| view.progress().turn == 9);
    assert_eq!(view.progress().rebuilt, 1);
    view.end();
    following.join().unwrap();
}

fn until(is_so: impl Fn() -> bool) {
    let watch = Stopwatch::start();
    while !is_so() {
        assert!(watch.micros() < 60_000_000, "it takes too long");
        thread::yield_now();
    }
}
