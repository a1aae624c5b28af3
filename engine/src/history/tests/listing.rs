//! Goal: the catalogue lists the archives that were written, and notices every other file in their places.

use std::{fs, path::Path};

use super::{
    super::{Catalogue, History, HistoryError, archive_path},
    SHARDS, Scribe,
};
use crate::journal::epoch::{Epoch, EpochHead};

/// A history with so many epochs archived, and one that goes on.
fn archived(directory: &Path, epochs: u32) -> (History, Scribe) {
    let history = History::new(Catalogue::open(directory, SHARDS).unwrap(), SHARDS);
    let mut scribe = Scribe::new();
    scribe.begin(&history);
    for epoch in 0..epochs {
        for turn in 0..4 {
            scribe.write(&[vec![(0, 2), ((epoch % 2 + turn % 2) as u16, 3)]]);
            let (turn, places) = scribe.now.places.last().unwrap();
            history.durable(*turn, places);
        }
        scribe.roll();
        scribe.begin(&history);
        history.archive_oldest(&mut || {}).unwrap().unwrap();
    }
    (history, scribe)
}

#[test]
fn a_catalogue_is_read_as_written() {
    let directory = tempfile::tempdir().unwrap();
    let archives = directory.path().join("archive");
    let empty = Catalogue::open(&archives, SHARDS).unwrap();
    assert_eq!(
        (empty.archives().len(), empty.end(), empty.next_epoch()),
        (0, None, Epoch(1))
    );
    assert!(!archives.exists(), "opening makes nothing");
    empty.check_followed_by(&EpochHead::first(SHARDS)).unwrap();

    let (_, scribe) = archived(&archives, 3);
    let catalogue = Catalogue::open(&archives, SHARDS).unwrap();
    let epochs: Vec<Epoch> = catalogue
        .archives()
        .iter()
        .map(|a| a.facts().epoch())
        .collect();
    assert_eq!(epochs, [Epoch(1), Epoch(2), Epoch(3)]);
    assert_eq!(catalogue.end(), Some(scribe.now.head.clone()));
    assert_eq!(catalogue.complete_behind(), 0);
    catalogue.check_followed_by(&scribe.now.head).unwrap();
    let first = EpochHead::first(SHARDS);
    assert!(catalogue.check_followed_by(&first).is_err());
    for archive in catalogue.archives() {
        archive.verify().unwrap();
    }
}

#[test]
fn every_wrong_file_stops_the_opening() {
    type Harm = fn(&Path, &Path);
    let path = |directory: &Path, epoch| archive_path(directory, Epoch(epoch));
    let harms: [(&str, Harm, &str); 9] = [
        (
            "an archive is missing",
            |dir, _| fs::remove_file(archive_path(dir, Epoch(2))).unwrap(),
            "000002.jfa is missing",
        ),
        (
            "the last is missing",
            |dir, _| fs::remove_file(archive_path(dir, Epoch(3))).unwrap(),
            "000003.jfa is missing",
        ),
        (
            "the catalogue is missing",
            |dir, _| fs::remove_file(dir.join("catalogue.json")).unwrap(),
            "catalogue.json is missing",
        ),
        (
            "an archive of another journal",
            |dir, other| {
                fs::copy(archive_path(other, Epoch(2)), archive_path(dir, Epoch(2))).unwrap();
            },
            "not the archive that the catalogue lists",
        ),
        (
            "two are swapped",
            |dir, _| {
                let [one, two] = [1, 2].map(|epoch| archive_path(dir, Epoch(epoch)));
                let aside = dir.join("aside");
                fs::rename(&one, &aside).unwrap();
                fs::rename(&two, &one).unwrap();
                fs::rename(&aside, &two).unwrap();
            },
            "not the archive that the catalogue lists",
        ),
        (
            "an archive is cut",
            |dir, _| {
                let path = archive_path(dir, Epoch(1));
                let bytes = fs::read(&path).unwrap();
                fs::write(path, &bytes[..bytes.len() - 9]).unwrap();
            },
            "put the file back from a backup",
        ),
        (
            "the catalogue is cut",
            |dir, _| {
                let path = dir.join("catalogue.json");
                let text = fs::read(&path).unwrap();
                fs::write(path, &text[..text.len() / 2]).unwrap();
            },
            "catalogue.json",
        ),
        (
            "the catalogue is of another journal",
            |dir, other| {
                fs::copy(other.join("catalogue.json"), dir.join("catalogue.json")).unwrap();
            },
            "not the archive that the catalogue lists",
        ),
        (
            "the catalogue is of later times",
            |dir, _| {
                let path = dir.join("catalogue.json");
                let text = fs::read_to_string(&path).unwrap();
                fs::write(path, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
            },
            "version 2",
        ),
    ];
    for (what, harm, expected) in harms {
        let directory = tempfile::tempdir().unwrap();
        let [ours, other] = ["ours", "other"].map(|name| directory.path().join(name));
        archived(&ours, 3);
        other_journal(&other);
        harm(&ours, &other);
        let error = Catalogue::open(&ours, SHARDS)
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{what}: {error}");
    }
    // Told by the number of shards.
    let directory = tempfile::tempdir().unwrap();
    archived(directory.path(), 1);
    let error = Catalogue::open(directory.path(), SHARDS + 1)
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, HistoryError::Foreign(_)), "{error}");
    assert!(path(directory.path(), 1).exists());
}

/// Three epochs with other entries.
fn other_journal(directory: &Path) {
    let mut catalogue = Catalogue::open(directory, SHARDS).unwrap();
    let mut scribe = Scribe::new();
    for _ in 0..3 {
        scribe.write(&[vec![(1, 5)]]);
        let written = scribe.roll();
        let end = written.end(&scribe);
        catalogue
            .archive(&written.head, &end, &mut written.hand_over(), &mut || {})
            .unwrap();
    }
}

#[test]
fn every_flipped_bit_of_a_catalogue_shows_or_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    archived(directory.path(), 2);
    let path = directory.path().join("catalogue.json");
    let whole = fs::read(&path).unwrap();
    let facts = |catalogue: &Catalogue| -> Vec<_> {
        catalogue
            .archives()
            .iter()
            .map(|archive| archive.facts().clone())
            .collect()
    };
    let expected = facts(&Catalogue::open(directory.path(), SHARDS).unwrap());
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, damaged).unwrap();
        if let Ok(opened) = Catalogue::open(directory.path(), SHARDS) {
            assert_eq!(facts(&opened), expected, "bit {bit}");
        }
    }
}

#[test]
fn what_is_forgotten_is_gone_and_the_rest_still_follows() {
    let directory = tempfile::tempdir().unwrap();
    let (history, mut scribe) = archived(directory.path(), 4);
    assert_eq!(history.forget_before(Epoch(1)).unwrap(), 0);
    assert_eq!(history.forget_before(Epoch(3)).unwrap(), 2);
    assert_eq!(history.complete_behind(), 8);
    let there = [1, 2, 3, 4].map(|epoch| archive_path(directory.path(), Epoch(epoch)).exists());
    assert_eq!(there, [false, false, true, true]);

    // An attempt that ended before the files were removed is ended by the next one.
    fs::write(archive_path(directory.path(), Epoch(2)), "left over").unwrap();
    let mut catalogue = Catalogue::open(directory.path(), SHARDS).unwrap();
    assert_eq!(catalogue.complete_behind(), 8);
    assert_eq!(catalogue.forget_before(Epoch(3)).unwrap(), 0);
    assert!(!archive_path(directory.path(), Epoch(2)).exists());

    // All of them; what comes then follows on the last of them.
    assert_eq!(catalogue.forget_before(Epoch(5)).unwrap(), 2);
    let mut catalogue = Catalogue::open(directory.path(), SHARDS).unwrap();
    assert_eq!(
        (catalogue.archives().len(), catalogue.complete_behind()),
        (0, 16)
    );
    assert_eq!((catalogue.end(), catalogue.next_epoch()), (None, Epoch(5)));
    assert!(
        catalogue
            .check_followed_by(&EpochHead::first(SHARDS))
            .is_err()
    );
    scribe.write(&[vec![(2, 2)]]);
    let written = scribe.roll();
    let end = written.end(&scribe);
    let before = catalogue.last_hash();
    assert!(before.is_some());
    let archive = catalogue.archive(&written.head, &end, &mut written.hand_over(), &mut || {});
    assert_eq!(archive.unwrap().unwrap().facts().before, before);
    assert_eq!(
        Catalogue::open(directory.path(), SHARDS)
            .unwrap()
            .archives()
            .len(),
        1
    );
}

#[test]
fn an_archive_that_was_not_listed_yet_is_written_again() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["000001.jfa", "000001.draft", "catalogue.draft"] {
        fs::write(directory.path().join(name), "half of it").unwrap();
    }
    archived(directory.path(), 1);
    let catalogue = Catalogue::open(directory.path(), SHARDS).unwrap();
    catalogue.archives()[0].verify().unwrap();
}
