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
    ledger::{Account, Entry, Extent, Ledger, Restoring, ShardIndex},
};
use jifen_tests::{
    journaled::entry,
    specimens::{KINDS, SETS, Set, Specimens, imaged, imaged::Imaged, kind, states, unhex},
};

fn golden(set: &Set) -> Specimens {
    let [entries, turn, states] = set.files().map(|file| fs::read(file).unwrap());
    Specimens {
        entries: String::from_utf8(entries).unwrap(),
        turn,
        states: String::from_utf8(states).unwrap(),
    }
}

/// The recorded entries of a set, each with its shard and what it says it is.
fn recorded(golden: &Specimens) -> Vec<(usize, String, Vec<u8>)> {
    let lines = golden.entries.lines().map(|line| {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let [shard, what, bytes] = parts[..] else {
            panic!("{line}")
        };
        (
            shard.parse().unwrap(),
            what.to_owned(),
            unhex(bytes).unwrap(),
        )
    });
    lines.collect()
}

#[test]
fn today_writes_what_was_written_then() {
    for (set, make) in SETS.iter().filter_map(|set| Some((set, set.make?))) {
        let (golden, made) = (golden(set), make());
        assert_eq!(golden.entries, made.entries);
        assert!(golden.turn == made.turn, "a turn is laid out differently");
        assert_eq!(golden.states, made.states);
    }
}

#[test]
fn entries_of_then_are_read_to_the_state_of_then() {
    for set in &SETS {
        let golden = golden(set);
        let mut ledgers = set.empty_ledgers();
        for (shard, what, record) in recorded(&golden) {
            assert_eq!(kind(&entry(&record).unwrap().deed), what);
            ledgers[shard].replay(&record).unwrap();
        }
        assert_eq!(states(&ledgers), golden.states);
    }
}

#[test]
fn a_turn_of_then_is_recovered() {
    for set in &SETS {
        let golden = golden(set);
        let mut journal = MemoryJournal::open(Medium::default());
        journal
            .append(1, std::slice::from_ref(&golden.turn))
            .unwrap();
        let mut ledgers = set.empty_ledgers();
        let recovered = recover(&mut journal, None, &mut ledgers).unwrap();
        assert_eq!((recovered.turn, recovered.dropped), (1, None));
        assert_eq!(recovered.entries, golden.entries.lines().count() as u64);
        assert_eq!(states(&ledgers), golden.states);
    }
}

#[test]
fn today_writes_the_images_that_were_written_then() {
    let golden = fs::read_to_string(imaged::newest()).unwrap();
    assert!(
        golden == imaged::made().unwrap(),
        "an image is laid out differently"
    );
}

/// Goal: images of every version are read, and whatever can be in one is. Method: those of the golden entries, whole and with the
/// increments that were made then, or that are made today of what came behind them.
#[test]
fn images_of_then_are_read_to_the_state_of_then() {
    for version in imaged::VERSIONS {
        for (set, shards) in SETS.iter().zip(imaged::golden(version).unwrap()) {
            let golden = golden(set);
            let records = imaged::recorded(set).unwrap();
            let mut then = Vec::new();
            let mut today = Vec::new();
            for (shard, Imaged { whole, increment }) in shards.into_iter().enumerate() {
                let mut goes_on = restored(set, shard, &[&whole]);
                let seq = goes_on.last_seq();
                let behind = usize::try_from(seq.0).unwrap();
                imaged::replay(&mut goes_on, &records[shard][behind..]).unwrap();
                let (parts, _) = imaged::image(&mut goes_on, Extent::Since(seq));
                then.push(restored(set, shard, &[&whole, &increment]));
                today.push(restored(set, shard, &[&whole, &parts]));
            }
            assert_eq!(states(&then), golden.states, "version {version}");
            assert_eq!(states(&today), golden.states, "version {version}");
        }
    }
}

fn restored(set: &Set, shard: usize, images: &[&Vec<Vec<u8>>]) -> Ledger {
    let shard = ShardIndex(u16::try_from(shard).unwrap());
    let mut restoring = Restoring::new(shard, (set.rules)());
    for part in images.iter().copied().flatten() {
        restoring.take(part).unwrap();
    }
    let no_chunk = |_| Err("no chunk is full".to_owned());
    restoring.finish(no_chunk).unwrap()
}

/// Goal: whatever a journal can hold has a specimen. Method: gather what the golden files hold.
#[test]
fn every_kind_of_entry_and_every_way_of_points_has_a_specimen() {
    let mut kinds = BTreeSet::new();
    let mut ways = BTreeSet::new();
    for (_, what, record) in SETS.iter().flat_map(|set| recorded(&golden(set))) {
        kinds.insert(what);
        let entry = Entry::decode(&record).unwrap();
        ways.extend(entry.moves.iter().map(|one| (name(one.from), name(one.to))));
    }
    assert_eq!(kinds, KINDS.map(str::to_owned).into());
    let expected = [
        ("accepted", "available"),
        ("accepted", "breakage"),
        ("accepted", "owed"),
        ("adjustment", "available"),
        ("adjustment", "owed"),
        ("available", "accepted"),
        ("available", "adjustment"),
        ("available", "breakage"),
        ("available", "held"),
        ("available", "issued"),
        ("available", "owed"),
        ("available", "transit"),
        ("held", "accepted"),
        ("held", "available"),
        ("held", "breakage"),
        ("held", "owed"),
        ("issued", "available"),
        ("issued", "breakage"),
        ("issued", "owed"),
        ("issued", "pending"),
        ("owed", "issued"),
        ("pending", "available"),
        ("pending", "breakage"),
        ("pending", "issued"),
        ("pending", "owed"),
        ("transit", "available"),
    ];
    assert_eq!(ways, expected.into());
}

const fn name(account: Account) -> &'static str {
    match account {
        Account::Available => "available",
        Account::Held => "held",
        Account::Pending => "pending",
        Account::Owed => "owed",
        Account::Issued => "issued",
        Account::Accepted(_) => "accepted",
        Account::Breakage => "breakage",
        Account::Adjustment => "adjustment",
        Account::Transit => "transit",
    }
}
