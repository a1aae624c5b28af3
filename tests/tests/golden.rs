//! Goal: what was journaled once is read for ever, and means the same.
//!
//! Method: files written by `cargo run -p jifen-tests --bin golden` when the format was made. Today's code must write
//! the same bytes, and must read the old ones to the same state.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::{collections::BTreeSet, fs};

use jifen_engine::{
    journal::{
        Journal,
        memory::{Medium, MemoryJournal},
        recovery::recover,
    },
    ledger::{Ledger, Rules, ShardIndex},
};
use jifen_tests::{
    journaled::entry,
    specimens::{SHARDS, Specimens, directory, kind, made, states, unhex},
};

fn golden() -> Specimens {
    let read = |name: &str| fs::read(directory().join(name)).unwrap();
    Specimens {
        entries: String::from_utf8(read("entries.txt")).unwrap(),
        turn: read("turn.bin"),
        states: String::from_utf8(read("states.txt")).unwrap(),
    }
}

fn empty_ledgers() -> Vec<Ledger> {
    (0..SHARDS)
        .map(|shard| Ledger::new(ShardIndex(shard), Rules::default()))
        .collect()
}

#[test]
fn today_writes_what_was_written_then() {
    let (golden, made) = (golden(), made());
    assert_eq!(golden.entries, made.entries);
    assert!(golden.turn == made.turn, "a turn is laid out differently");
    assert_eq!(golden.states, made.states);
}

#[test]
fn entries_of_then_are_read_to_the_state_of_then() {
    let golden = golden();
    let mut ledgers = empty_ledgers();
    let mut kinds = BTreeSet::new();
    for line in golden.entries.lines() {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let [shard, what, bytes] = parts[..] else {
            panic!("{line}")
        };
        let record = unhex(bytes).unwrap();
        assert_eq!(kind(&entry(&record).unwrap().deed), what);
        kinds.insert(what);
        ledgers[shard.parse::<usize>().unwrap()]
            .replay(&record)
            .unwrap();
    }
    assert_eq!(states(&ledgers), golden.states);
    assert_eq!(
        kinds.len(),
        10,
        "a kind of entry has no specimen: {kinds:?}"
    );
}

#[test]
fn a_turn_of_then_is_recovered() {
    let golden = golden();
    let mut journal = MemoryJournal::open(Medium::default());
    journal
        .append(1, std::slice::from_ref(&golden.turn))
        .unwrap();
    let mut ledgers = empty_ledgers();
    let recovered = recover(&mut journal, None, &mut ledgers).unwrap();
    assert_eq!((recovered.turn, recovered.dropped), (1, None));
    assert_eq!(recovered.entries, golden.entries.lines().count() as u64);
    assert_eq!(states(&ledgers), golden.states);
}
