use std::collections::BTreeMap;

use rand::SeedableRng;

use super::*;
use crate::power::record::Happened;

const NOTHING: Survival = Survival {
    writes: 0.0,
    torn: 0.0,
    names: NameSurvival::None,
};

fn opened(fd: u32, path: &[u8]) -> Happened<'_> {
    Happened::Opened {
        fd,
        path,
        create: true,
        truncate: false,
    }
}

fn wrote(fd: u32, bytes: &[u8]) -> Happened<'_> {
    Happened::Wrote {
        fd,
        offset: 0,
        bytes,
    }
}

fn synced(fd: u32) -> [Happened<'static>; 2] {
    [
        Happened::SyncBegan { fd, sync: 1 },
        Happened::SyncEnded { sync: 1 },
    ]
}

fn disk<'a>(happened: &[&[Happened<'a>]]) -> Disk<'a> {
    let mut disk = Disk::new();
    for happened in happened.iter().copied().flatten() {
        disk.happen(*happened).unwrap();
    }
    disk
}

/// The files of one image, by path.
fn files(disk: &Disk<'_>, survival: Survival, seed: u64) -> BTreeMap<String, Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    make(disk, survival, &mut rng, directory.path()).unwrap();
    let files = fs::read_dir(directory.path()).unwrap().map(|file| {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        (name, fs::read(file.path()).unwrap())
    });
    files.collect()
}

fn file(name: &str, bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    BTreeMap::from([(name.to_owned(), bytes.to_vec())])
}

#[test]
fn what_was_not_synced_is_gone_and_bytes_and_names_are_synced_apart() {
    let written = [opened(3, b"a"), wrote(3, b"bytes"), opened(4, b"")];
    // What was synced of it, and what is there when everything else is lost. The length may outlive the bytes.
    let nothing = BTreeMap::new();
    let bytes = [&written[..], &synced(3)];
    assert_eq!(files(&disk(&bytes), NOTHING, 0), nothing);
    assert_eq!(files(&disk(&bytes), Survival::ALL, 0), file("a", b"bytes"));
    let name = disk(&[&written, &synced(4)]);
    for seed in 0..20 {
        let left = files(&name, NOTHING, seed);
        assert!(left == file("a", b"") || left == file("a", &[0; 5]));
    }
    let both = [&written[..], &synced(3), &synced(4)];
    assert_eq!(files(&disk(&both), NOTHING, 0), file("a", b"bytes"));
}

#[test]
fn a_sync_covers_what_was_done_before_it_began_and_only_if_it_ended() {
    let begun = [opened(3, b"a"), opened(4, b""), wrote(3, b"one")];
    let name = synced(4);
    let sync = [
        Happened::SyncBegan { fd: 3, sync: 2 },
        wrote(3, b"two"),
        Happened::SyncEnded { sync: 2 },
    ];
    let ended = disk(&[&begun, &name, &sync]);
    assert_eq!(files(&ended, NOTHING, 0), file("a", b"one"));
    assert_eq!(files(&ended, Survival::ALL, 0), file("a", b"two"));
    let not_ended = disk(&[&begun, &name, &sync[..2]]);
    assert_ne!(files(&not_ended, NOTHING, 0), file("a", b"one"));
}

#[test]
fn a_rename_happens_whole_or_not_at_all() {
    let old = [opened(3, b"a"), wrote(3, b"old"), opened(4, b"")];
    let draft = [opened(5, b"draft"), wrote(5, b"new")];
    let renamed = [Happened::Renamed {
        from: b"draft",
        to: b"a",
    }];
    let disk = disk(&[&old, &synced(3), &synced(4), &draft, &synced(5), &renamed]);
    assert_eq!(files(&disk, NOTHING, 0), file("a", b"old"));
    assert_eq!(files(&disk, Survival::ALL, 0), file("a", b"new"));
    let mut seen = BTreeMap::new();
    for seed in 0..100 {
        let chance = Survival {
            names: NameSurvival::Any(0.5),
            ..NOTHING
        };
        *seen.entry(files(&disk, chance, seed)).or_insert(0) += 1;
    }
    // The draft's name, its new name, both or none survive: never neither of the two contents.
    let both = [file("a", b"old"), file("draft", b"new")].into_iter();
    let both: BTreeMap<_, _> = both.flatten().collect();
    let expected = [both, file("a", b"old"), file("a", b"new")];
    assert!(seen.keys().all(|seen| expected.contains(seen)), "{seen:?}");
    assert_eq!(seen.len(), expected.len());
}

#[test]
fn a_torn_write_is_torn_between_sectors() {
    let bytes: Vec<u8> = (1..=8).flat_map(|n| [n; 512]).collect();
    let disk = disk(&[
        &[opened(3, b"a"), opened(4, b""), wrote(3, &bytes)],
        &synced(4),
    ]);
    let torn = Survival {
        torn: 1.0,
        ..NOTHING
    };
    let mut partly = 0;
    for seed in 0..50 {
        let mut left = files(&disk, torn, seed).remove("a").unwrap();
        left.resize(bytes.len(), 0);
        for (found, whole) in left.chunks(512).zip(bytes.chunks(512)) {
            assert!(found == whole || found == [0; 512]);
        }
        partly += usize::from(left != bytes && left.iter().any(|byte| *byte != 0));
    }
    assert!(partly > 25, "{partly}");
}
