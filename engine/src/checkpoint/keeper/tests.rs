//! A keeper by itself, between a journal in memory and shards that are played.

use std::{path::Path, sync::atomic::AtomicU32};

use super::*;
use crate::{
    clock::SystemClock,
    history::Catalogue,
    journal::{
        epochs::MemoryEpochs,
        memory::{Medium, MemoryJournal},
    },
};

/// A keeper of one shard, its history, and how often it had the journal roll.
fn keeper(images: &Path) -> (Keeper, Arc<History>, Arc<AtomicU32>) {
    let history = Arc::new(History::new(Catalogue::nowhere(), 1));
    let epochs = MemoryEpochs::default();
    let first = epochs.open(Epoch::FIRST).unwrap();
    history.began(EpochHead::first(1), first.reader());
    let rolls = Arc::new(AtomicU32::new(0));
    let (rolling, counted) = (Arc::clone(&history), Arc::clone(&rolls));
    let order_roll = Box::new(move |roll: Roll| {
        counted.fetch_add(1, Ordering::Relaxed);
        let head = EpochHead {
            epoch: roll.epoch,
            turn: rolling.durable_turn(),
            ..EpochHead::first(1)
        };
        rolling.began(head.clone(), roll.next.reader());
        let before = Box::new(MemoryJournal::open(Medium::default()));
        roll.done.send((head, before)).unwrap();
    });
    let keeper = Keeper {
        images: Images::new(images),
        epochs: Box::new(epochs),
        history: Arc::clone(&history),
        past: Arc::new(Past::in_memory()),
        rules: Rules::default(),
        known: vec![None],
        epoch: Epoch::FIRST,
        to_roll: false,
        newest: None,
        order_image: Box::new(|_, _| ()),
        order_roll,
        stopping: Arc::default(),
        meters: Arc::new(Meters::new(1)),
        clock: Arc::new(SystemClock),
    };
    (keeper, history, rolls)
}

#[test]
fn an_attempt_that_is_repeated_begins_no_epoch_of_its_own() {
    let place = tempfile::NamedTempFile::new().unwrap();
    // There can be no directory for images below a file.
    let (mut keeper, history, rolls) = keeper(&place.path().join("images"));
    history.durable(1, &[]);
    assert!(keeper.checkpoint().is_err());
    for turn in 2..9 {
        history.durable(turn, &[]);
        assert!(keeper.go_on().is_err());
    }
    assert_eq!(rolls.load(Ordering::Relaxed), 1);
    assert!(keeper.checkpoint().is_err());
    assert_eq!(
        rolls.load(Ordering::Relaxed),
        2,
        "it has grown long meanwhile"
    );
}
