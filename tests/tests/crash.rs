//! Goal: the real binary keeps what it said. Killed in the middle of work, it answers every request that it answered
//! before with the same words, and every request of unknown outcome once.
//!
//! Method: clients with books of their own work against `jifen serve` over HTTP; after so many answers the process is
//! killed with SIGKILL and started again on the same directory. This shows recovery, not the sync: the page cache
//! survives a killed process. What a lost sync does is shown by `power_loss`.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jifen_engine::{DataDirectory, Router};
use jifen_tests::{
    kills::{begun, check, rounds, shoppers, work},
    server::Server,
    shopper::Shopper,
};

const ROUNDS: u32 = 20;

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).map_or(true, |mut files| files.next().is_none())
}

#[test]
fn killed_under_load_it_keeps_every_answer() {
    let data = tempfile::tempdir().unwrap();
    let seed = 7;
    println!("seed {seed}");
    let (server, met) = rounds(data.path(), &[], ROUNDS, seed, &|| ());
    println!("{met:?} in {ROUNDS} rounds");
    assert!(met.unknown > 0, "no kill came in the middle of a request");
    let (status, log) = server.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(
        is_empty(&data.path().join("journal/000001/blobs")),
        "blobs are never synced"
    );
}

/// Goal: the same while epochs of the journal end all the time, are checkpointed and archived, and their directories removed.
#[test]
fn killed_while_epochs_end_it_keeps_every_answer() {
    let data = tempfile::tempdir().unwrap();
    let seed = 11;
    println!("seed {seed}");
    let epochs = ["--checkpoint-every", "64KiB"];
    let (server, met) = rounds(data.path(), &epochs, ROUNDS, seed, &|| ());
    println!("{met:?} in {ROUNDS} rounds");
    assert!(met.unknown > 0, "no kill came in the middle of a request");
    // On a slow machine an epoch takes longer than one round, and a checkpoint may be killed before it is whole.
    assert!(met.archived >= ROUNDS as usize / 2, "{met:?}");
    let (status, log) = server.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
}

/// The chunks of old records in a data directory of one shard.
fn chunks(data: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(data.join("past/0")).into_iter().flatten();
    let mut chunks: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    chunks.sort();
    chunks
}

/// Goal: answers that are on disk and no longer in memory survive as well, and so do chunks that did not.
///
/// Method: one shard with as little memory for records as there can be, and fat commands; between two rounds one chunk
/// is cut, as a power failure could, and another one is gone.
#[test]
fn killed_with_most_answers_on_disk_it_keeps_every_answer() {
    const MEMORY: [&str; 2] = ["--request-memory", "2MiB"];
    let data = tempfile::tempdir().unwrap();
    let directory = DataDirectory::lock(data.path()).unwrap();
    directory.make(Router::new(1, 7).unwrap()).unwrap();
    drop(directory);
    let mut server = Server::start_with(data.path(), &MEMORY).unwrap();
    let fat = (0..4).map(|number| Shopper::new(number).noting(900));
    let mut shoppers = begun(&server, fat.collect());
    for _ in 0..4 {
        work(server, &mut shoppers, 2_000, Server::kill);
        if let [first, second, ..] = &chunks(data.path())[..] {
            cut(first, 2);
            remove(second);
        }
        server = Server::start_with(data.path(), &MEMORY).unwrap();
        check(&server, &mut shoppers, false);
    }
    assert!(chunks(data.path()).len() > 3, "{:?}", chunks(data.path()));
    check(&server, &mut shoppers, true);
    let (status, log) = server.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn told_to_stop_it_answers_what_it_accepted() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).unwrap();
    let mut shoppers = shoppers(&server);
    work(server, &mut shoppers, 2_000, |server| {
        let (status, log) = server.terminate();
        assert_eq!(status.code(), Some(0), "{log}");
    });
    let server = Server::start(data.path()).unwrap();
    check(&server, &mut shoppers, true);
}

#[test]
fn a_second_server_on_the_same_directory_ends_with_4() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).unwrap();
    let Err(ended) = Server::start(data.path()) else {
        panic!("two servers on one directory")
    };
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("in use"), "{}", ended.stderr);
    // The first one does not care.
    let mut shopper = Shopper::new(0);
    shopper.begin(server.url()).unwrap();
    shopper.shop(server.url()).unwrap();
    assert_eq!(server.terminate().0.code(), Some(0));
}

/// Something that happened to a data directory.
struct Damage {
    what: &'static str,
    /// Whether it shows before sled opens its files, which it then repairs in its own way.
    shows_at_once: bool,
    happen: fn(&Path),
}

const DAMAGES: [Damage; 9] = [
    Damage {
        what: "no journal",
        shows_at_once: true,
        happen: |data| remove(&data.join("journal")),
    },
    Damage {
        what: "an empty journal",
        shows_at_once: true,
        happen: |data| {
            remove(&data.join("journal/000001"));
            fs::create_dir(data.join("journal/000001")).unwrap();
        },
    },
    Damage {
        what: "half a journal",
        shows_at_once: false,
        happen: |data| {
            let db = data.join("journal/000001/db");
            // Behind what was written there may be zeros, and nothing is lost with those.
            let mut bytes = fs::read(&db).unwrap();
            let written = bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1;
            bytes.truncate(written / 2);
            fs::write(db, bytes).unwrap();
        },
    },
    Damage {
        what: "no head",
        shows_at_once: true,
        happen: |data| remove(&data.join("head")),
    },
    Damage {
        what: "an empty head",
        shows_at_once: true,
        happen: |data| cut(&data.join("head"), usize::MAX),
    },
    Damage {
        what: "no head and no journal",
        shows_at_once: true,
        happen: |data| {
            remove(&data.join("head"));
            remove(&data.join("journal"));
        },
    },
    Damage {
        what: "no manifest and no journal",
        shows_at_once: true,
        happen: |data| {
            remove(&data.join("manifest.json"));
            remove(&data.join("journal"));
        },
    },
    Damage {
        what: "no manifest",
        shows_at_once: true,
        happen: |data| remove(&data.join("manifest.json")),
    },
    Damage {
        what: "a changed journal",
        shows_at_once: false,
        happen: |data| {
            let db = data.join("journal/000001/db");
            let mut bytes = fs::read(&db).unwrap();
            // The first command that names this member is journaled in front of much else.
            let at = bytes
                .windows(5)
                .position(|part| part == b"s0-m1")
                .expect("it was enrolled");
            bytes[at] ^= 1;
            fs::write(db, bytes).unwrap();
        },
    },
];

/// Goal: a directory that lost something is refused, and what is left of it is not touched.
#[test]
fn a_damaged_directory_ends_with_4_and_is_left_as_it_is() {
    let whole = tempfile::tempdir().unwrap();
    let server = Server::start(whole.path()).unwrap();
    let mut shoppers = shoppers(&server);
    for _ in 0..20 {
        shoppers[0].shop(server.url()).unwrap();
    }
    assert_eq!(server.terminate().0.code(), Some(0));
    for damage in DAMAGES {
        let data = tempfile::tempdir().unwrap();
        copy(whole.path(), data.path());
        (damage.happen)(data.path());
        let before = content(data.path());
        let Err(ended) = Server::start(data.path()) else {
            panic!("{} was not noticed", damage.what)
        };
        assert_eq!(ended.code, Some(4), "{}: {}", damage.what, ended.stderr);
        if damage.shows_at_once {
            let same = before == content(data.path());
            assert!(same, "{}: something was touched", damage.what);
        }
    }
    // Undamaged it still starts, and has everything.
    let server = Server::start(whole.path()).unwrap();
    check(&server, &mut shoppers, true);
}

/// Every file below a directory with its bytes.
fn content(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}

/// Keeps one part in `parts` of a file.
fn cut(file: &Path, parts: usize) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, &bytes[..bytes.len() / parts]).unwrap();
}

fn copy(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let to = to.join(file.file_name());
        if file.path().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&file.path(), &to);
        } else {
            fs::copy(file.path(), &to).unwrap();
        }
    }
}
