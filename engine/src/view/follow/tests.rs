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

/// Goal: how far a list goes never goes back while the view only lags. Method: a view that had caught up once, then falls behind.
#[test]
fn a_view_that_falls_behind_is_as_good_as_it_was() {
    let place = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open(&place.path().join("archive"), SHARDS).unwrap();
    let history = Arc::new(History::new(catalogue, SHARDS));
    let view = View::new(&place.path().join("view"), history, SHARDS);
    let sure = |seq, stamp, last, now| {
        let reached = (Seq(seq), Some(UnixMillis(stamp)));
        view.sure_of(0, reached, Seq(last), UnixMillis(now)).0
    };
    assert_eq!(
        sure(5, 100, 6, 900),
        100,
        "nobody knows when it was decided"
    );
    assert_eq!(sure(5, 100, 5, 1_000), 1_000);
    assert_eq!(sure(5, 100, 6, 1_010), 1_000);
    assert_eq!(sure(6, 1_005, 7, 1_020), 1_005);
    assert_eq!(
        sure(5, 100, 5, 990),
        990,
        "a reader who came late tells less"
    );
    assert_eq!(sure(5, 100, 6, 1_030), 1_000);
    // Built again, it knows less; a clock that was put back makes nothing certain.
    assert_eq!(sure(3, 50, 6, 1_040), 50);
    assert_eq!(sure(5, 100, 6, 700), 700);
}
