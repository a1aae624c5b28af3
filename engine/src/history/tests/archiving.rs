//! Goal: an archive tells everything that was put into it and nothing else, whatever happens to its file.

use std::{fs, ops::ControlFlow, path::Path};

use proptest::prelude::*;

use super::{
    super::{Archive, HistoryError},
    LookUp, SHARDS, START, Scribe, Written, a_turn, behind, check_entries, gather,
};
use crate::{
    journal::epoch::Epoch,
    ledger::{ShardIndex, UnixMillis},
};

/// Two epochs that are over, and where the second ends.
fn two_epochs() -> (Written, Written, Scribe) {
    let mut scribe = Scribe::new();
    for number in 0..9 {
        scribe.write(&[vec![(number % SHARDS, 3), (0, 2)], vec![(2, 1)]]);
    }
    let first = scribe.roll();
    for number in 0..12 {
        scribe.write(&[vec![(0, 1)], vec![(number % SHARDS, 5)]]);
    }
    let second = scribe.roll();
    (first, second, scribe)
}

fn values_of(archive: &Archive, turn: u64) -> Result<Vec<Vec<u8>>, HistoryError> {
    let mut found = Vec::new();
    archive.read_behind(turn, &mut gather(&mut found))?;
    Ok(found)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Method: random turns in two epochs, archived; read from every turn, and every entry looked up.
    #[test]
    fn what_is_read_and_looked_up_is_what_was_written(
        old in prop::collection::vec(a_turn(), 0..12),
        new in prop::collection::vec(a_turn(), 0..24),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut scribe = Scribe::of(&old);
        let first = scribe.roll();
        let first = first.archive(&directory.path().join("1"), None).unwrap();
        let entries_before = scribe.entries.len();
        new.iter().for_each(|turn| scribe.write(turn));
        let written = scribe.roll();
        let archive = written.archive(&directory.path().join("2"), Some(&first)).unwrap();

        archive.verify().unwrap();
        prop_assert_eq!(archive.facts().next(), written.end(&scribe));
        prop_assert_eq!(archive.facts().entries() as usize, scribe.entries.len() - entries_before);
        for turn in 0..=scribe.turn {
            prop_assert_eq!(values_of(&archive, turn).unwrap(), behind(&written.values, turn));
        }
        let (old, new) = scribe.entries.split_at(entries_before);
        for (archive, entries) in [(&first, old), (&archive, new)] {
            for (shard, seq, record) in entries {
                let found = archive.entry(*shard, *seq).unwrap();
                prop_assert_eq!(found.as_ref(), Some(record));
            }
        }
        for (shard, seq, _) in old {
            prop_assert_eq!(archive.entry(*shard, *seq).unwrap(), None);
        }
    }
}

#[test]
fn an_archive_says_what_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second, scribe) = two_epochs();
    let first = first.archive(&directory.path().join("1"), None).unwrap();
    let archive = second
        .archive(&directory.path().join("2"), Some(&first))
        .unwrap();
    let facts = archive.facts();
    assert_eq!(
        (facts.epoch(), facts.turns(), facts.last_turn),
        (Epoch(2), 12, 21)
    );
    assert_eq!(facts.head, first.facts().next());
    assert_eq!(facts.next(), second.end(&scribe));
    assert_eq!(facts.entries(), 12 + 12 * 5);
    let of = |shard| facts.entries_of(ShardIndex(shard));
    assert_eq!([of(0), of(1), of(2), of(SHARDS)], [12 + 20, 20, 20, 0]);
    assert_eq!(facts.values, 1 + 24);
    let raw: usize = second.values.iter().map(|(_, value)| value.len()).sum();
    assert_eq!(facts.raw_bytes, raw as u64);
    assert_eq!(facts.bytes, fs::metadata(archive.path()).unwrap().len());
    assert_eq!(
        facts.stamps,
        Some((UnixMillis(START + 10), UnixMillis(START + 21)))
    );
    assert_eq!(
        (first.facts().before, facts.before),
        (None, Some(first.facts().hash))
    );
    assert_eq!(Archive::open(archive.path()).unwrap().facts(), facts);
    assert!(!directory.path().join("2.draft").exists());
}

#[test]
fn an_epoch_without_turns_can_be_archived() {
    let directory = tempfile::tempdir().unwrap();
    let mut scribe = Scribe::new();
    let empty = scribe.roll();
    let first = empty.archive(&directory.path().join("1"), None).unwrap();
    let second = scribe
        .roll()
        .archive(&directory.path().join("2"), Some(&first))
        .unwrap();
    for archive in [first, second] {
        archive.verify().unwrap();
        assert_eq!(
            (archive.facts().entries(), archive.facts().stamps),
            (0, None)
        );
        check_entries(&|shard, seq| archive.entry(shard, seq), &[]);
    }
}

#[test]
fn a_reading_ends_when_it_is_broken_off() {
    let directory = tempfile::tempdir().unwrap();
    let archive = two_epochs()
        .0
        .archive(&directory.path().join("1"), None)
        .unwrap();
    let mut left = 3;
    let mut visit = |_: &[u8]| {
        left -= 1;
        Ok(if left == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    };
    archive.read_behind(0, &mut visit).unwrap();
    assert_eq!(left, 0);
}

/// What a damaged archive may still do: fail, or tell the truth up to where the damage is.
fn check_harmless(path: &Path, values: &[Vec<u8>], scribe: &Scribe, what: &str) {
    let Ok(archive) = Archive::open(path) else {
        return;
    };
    assert!(archive.verify().is_err(), "{what}");
    let mut found = Vec::new();
    let read = archive.read_behind(0, &mut gather(&mut found));
    assert!(values.starts_with(&found), "{what}");
    assert!(read.is_err() || found.len() == values.len(), "{what}");
    let look_up: &LookUp<'_> = &|shard, seq| archive.entry(shard, seq);
    for (shard, seq, record) in scribe.entries.iter().step_by(7) {
        let found = look_up(*shard, *seq);
        assert!(
            found.is_err() || found.unwrap().as_ref() == Some(record),
            "{what}"
        );
    }
}

#[test]
fn every_flipped_bit_and_every_cut_shows() {
    let directory = tempfile::tempdir().unwrap();
    let mut scribe = Scribe::of(&[
        vec![vec![(0, 2), (1, 1)]],
        vec![vec![(1, 3)], vec![(0, 2)]],
        vec![vec![(2, 5)]],
    ]);
    let written = scribe.roll();
    let path = directory.path().join("1");
    written.archive(&path, None).unwrap();
    let values = behind(&written.values, 0);
    let whole = fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, damaged).unwrap();
        check_harmless(
            &path,
            &values,
            &scribe,
            &format!("bit {bit} of {}", whole.len() * 8),
        );
    }
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        check_harmless(&path, &values, &scribe, &format!("cut at {length}"));
    }
    let longer = [&whole[..], b"x"].concat();
    fs::write(&path, longer).unwrap();
    assert!(Archive::open(&path).is_err());
}

#[test]
fn what_does_not_follow_on_is_not_archived_and_leaves_no_archive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("1");
    let (first, second, _) = two_epochs();
    let drop_value = |at: usize| {
        let mut values = first.values.clone();
        values.remove(at);
        values
    };
    let mut swapped = first.values.clone();
    swapped.swap(2, 4);
    let mut flipped = first.values.clone();
    flipped[5].1[60] ^= 1;
    for (what, values) in [
        ("a value is missing", drop_value(3)),
        ("values are swapped", swapped),
        ("a bit is flipped", flipped),
        ("another epoch", second.values),
    ] {
        let result = Archive::write(
            &path,
            &first.head,
            None,
            &mut |sink| values.iter().try_for_each(|(_, value)| sink(value)),
            &mut || {},
        );
        assert!(
            matches!(result, Err(HistoryError::Damaged(_))),
            "{what}: {result:?}"
        );
        assert!(!path.exists(), "{what}");
    }
    first.archive(&path, None).unwrap();
}

#[test]
fn damage_is_told_with_file_loss_and_remedy_and_a_later_version_is_no_damage() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("1");
    let (first, _, _) = two_epochs();
    let archive = first.archive(&path, None).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    fs::write(&path, damaged).unwrap();
    let told = archive.verify().unwrap_err().to_string();
    for part in [
        path.to_str().unwrap(),
        "54 entries of turns 1 to 9",
        "from a backup",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let mut later = whole.clone();
    later[whole.len() - 1] = 3;
    fs::write(&path, later).unwrap();
    let told = Archive::open(&path).unwrap_err();
    assert!(
        matches!(&told, HistoryError::Foreign(what) if what.contains("version 3")),
        "{told}"
    );
}

#[test]
fn an_archive_whose_hash_is_that_of_another_file_shows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("1");
    two_epochs().0.archive(&path, None).unwrap();
    let mut forged = fs::read(&path).unwrap();
    // The foot: where the facts are, the hash, and a check of both, which is made to fit.
    let foot = forged.len() - 56;
    forged[foot + 8] ^= 1;
    let check = xxhash_rust::xxh3::xxh3_64(&forged[foot..foot + 40]);
    forged[foot + 40..foot + 48].copy_from_slice(&check.to_be_bytes());
    fs::write(&path, forged).unwrap();
    let told = Archive::open(&path).unwrap().verify().unwrap_err();
    assert!(told.to_string().contains("its hash is wrong"), "{told}");
}
