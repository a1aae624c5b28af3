//! Goal: what was archived once is read for ever.
//!
//! Method: archives written by `cargo run -p jifen-tests --bin golden` when each version of the format was made. How they are
//! packed may change with the library that packs them; what they hold may not.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::{ops::ControlFlow, path::Path};

use jifen_engine::{
    history::{Archive, ArchiveFacts, Catalogue},
    journal::{block::Block, block::ValueHead, epoch::EpochHead},
};
use jifen_tests::specimens::{
    SHARDS,
    archived::{archive, archives, end, epochs, newest},
};

fn values_of(archive: &Archive) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut visit = |value: &[u8]| {
        found.push(value.to_vec());
        Ok(ControlFlow::Continue(()))
    };
    archive.read_behind(0, &mut visit).unwrap();
    found
}

#[test]
fn archives_of_then_hold_what_was_put_into_them() {
    for directory in archives() {
        check_archives(&directory);
    }
}

fn check_archives(directory: &Path) {
    let catalogue = Catalogue::open(directory, SHARDS).unwrap();
    let epochs = epochs().unwrap();
    assert_eq!(catalogue.archives().len(), epochs.len());
    for (archive, over) in catalogue.archives().iter().zip(&epochs) {
        archive.verify().unwrap();
        assert_eq!(values_of(archive), over.values);
        assert_eq!(archive.facts().head, over.head);
        assert_eq!(archive.facts().next(), end(over).unwrap());
        for value in over.values.iter().filter(|value| !EpochHead::is_one(value)) {
            check_entries(archive, value);
        }
    }
}

fn check_entries(archive: &Archive, value: &[u8]) {
    let (_, mut rest) = ValueHead::split(value).unwrap();
    while !rest.is_empty() {
        let (block, behind) = Block::split(rest).unwrap();
        let mut seq = block.first;
        for record in block.records() {
            let found = archive.entry(block.shard, seq).unwrap();
            assert_eq!(found.as_deref(), Some(record.unwrap()));
            seq = seq.next();
        }
        rest = behind;
    }
}

/// What does not depend on how they are packed.
fn lasting(directory: &Path) -> Vec<ArchiveFacts> {
    let catalogue = Catalogue::open(directory, SHARDS).unwrap();
    let archives = catalogue.archives().iter().zip([None, Some(())]);
    let facts = archives.map(|(archive, before)| {
        let facts = archive.facts().clone();
        assert_eq!(facts.before.is_some(), before.is_some());
        ArchiveFacts {
            bytes: 0,
            hash: jifen_engine::history::ArchiveHash([0; 32]),
            before: None,
            ..facts
        }
    });
    facts.collect()
}

#[test]
fn today_archives_the_same() {
    let directory = tempfile::tempdir().unwrap();
    archive(directory.path()).unwrap();
    for then in archives() {
        assert_eq!(lasting(directory.path()), lasting(&then), "{then:?}");
    }
}

/// Goal: what a program of before would not understand, it can tell by the version. Method: the last byte of an archive.
#[test]
fn today_writes_the_version_of_the_newest_archives() {
    let directory = tempfile::tempdir().unwrap();
    archive(directory.path()).unwrap();
    let version = |directory: &Path| {
        let bytes = std::fs::read(directory.join("000001.jfa")).unwrap();
        bytes.last().copied().unwrap()
    };
    assert_eq!(version(directory.path()), version(&newest()));
    assert_eq!(archives().map(|then| version(&then)), [1, 2]);
}
