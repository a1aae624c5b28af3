//! Goal: whatever happens to the files of a data directory, a start either has everything that was acknowledged, or
//! refuses, says what is lost and what to do, and leaves the directory as it is.
//!
//! Method: a directory with a history, a copy for every kind of damage, and a start on it. The message and the state of
//! every shard are checked, and every file before and after.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

mod directory;

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use jifen_engine::DataDirectory;
use jifen_tests::server::Server;

use self::directory::{Directory, Start, State, changes, cut, flip, places, remove, used};

const DB: &str = "journal/000001/db";
const SLED: &str = "journal/000001";

/// What a start must do about a kind of damage.
enum Expected {
    /// It serves, with everything there.
    Whole,
    /// It refuses and touches nothing; the message says what is lost, and what to do.
    Refused(&'static str, &'static str),
}
use Expected::{Refused, Whole};

struct Damage {
    what: &'static str,
    happen: fn(&Directory),
    expected: Expected,
}

const RESTORE: &str = "restore a backup";
const MISSING: &str = "acknowledged entries of";

const DAMAGES: &[Damage] = &[
    Damage {
        what: "nothing",
        happen: |_| {},
        expected: Whole,
    },
    Damage {
        what: "no manifest",
        happen: |data| remove(&data.file("manifest.json")),
        expected: Refused(
            "manifest.json is missing, but a journal is or was there",
            RESTORE,
        ),
    },
    Damage {
        what: "a torn manifest",
        happen: |data| cut(&data.file("manifest.json"), |length| length / 2),
        expected: Refused(
            "does not say any more which member is on which shard",
            "put back this one file",
        ),
    },
    Damage {
        what: "a manifest of garbage",
        happen: |data| fs::write(data.file("manifest.json"), [0xA5; 100]).unwrap(),
        expected: Refused(
            "does not say any more which member is on which shard",
            "put back this one file",
        ),
    },
    Damage {
        what: "no identity",
        happen: |data| remove(&data.file("identity.json")),
        expected: Whole,
    },
    Damage {
        what: "a torn identity",
        happen: |data| cut(&data.file("identity.json"), |length| length / 2),
        expected: Refused(
            "does not say any more which journal this is",
            "put back this one file from a backup, or remove it",
        ),
    },
    Damage {
        what: "no head",
        happen: |data| remove(&data.file("head")),
        expected: Refused("head is missing", RESTORE),
    },
    Damage {
        what: "a head of garbage",
        happen: |data| fs::write(data.file("head"), [0xA5; 8_192]).unwrap(),
        expected: Refused("head holds no readable head", RESTORE),
    },
    Damage {
        what: "an empty head",
        happen: |data| cut(&data.file("head"), |_| 0),
        expected: Refused("head holds no readable head", RESTORE),
    },
    Damage {
        what: "a head whose last write was torn",
        happen: |data| flip(&data.file("head"), 20),
        expected: Whole,
    },
    Damage {
        what: "a head whose write before was torn",
        happen: |data| flip(&data.file("head"), 4_096 + 20),
        expected: Whole,
    },
    Damage {
        what: "no journal",
        happen: |data| remove(&data.file("journal")),
        expected: Refused("turns had been durable", RESTORE),
    },
    Damage {
        what: "an empty journal directory",
        happen: |data| {
            remove(&data.file(SLED));
            fs::create_dir(data.file(SLED)).unwrap();
        },
        expected: Refused("journal/000001 is missing", RESTORE),
    },
    Damage {
        what: "no db",
        happen: |data| remove(&data.file(DB)),
        expected: Refused("journal/000001 is missing", RESTORE),
    },
    Damage {
        what: "an empty db",
        happen: |data| cut(&data.file(DB), |_| 0),
        expected: Refused(MISSING, RESTORE),
    },
    Damage {
        what: "a torn conf",
        happen: |data| cut(&data.file("journal/000001/conf"), |length| length / 2),
        expected: Whole,
    },
    Damage {
        what: "no conf",
        happen: |data| remove(&data.file("journal/000001/conf")),
        expected: Whole,
    },
    Damage {
        what: "a flipped bit in conf",
        happen: |data| flip(&data.file("journal/000001/conf"), 9),
        expected: Whole,
    },
    Damage {
        what: "a torn snapshot",
        happen: |data| cut(&data.only(SLED, "snap."), |length| length / 2),
        expected: Whole,
    },
    Damage {
        what: "a flipped bit in a snapshot",
        happen: |data| flip(&data.only(SLED, "snap."), 9),
        expected: Whole,
    },
    Damage {
        what: "no snapshot",
        happen: |data| remove(&data.only(SLED, "snap.")),
        expected: Whole,
    },
    Damage {
        what: "a half-made snapshot",
        happen: |data| {
            let whole = data.only(SLED, "snap.");
            let half = data.file("journal/000001/snap.7FFFFFFF.generating");
            fs::write(half, &fs::read(whole).unwrap()[..9]).unwrap();
        },
        expected: Whole,
    },
    Damage {
        what: "a value that was flipped wherever it stands, in front of the snapshot",
        happen: |data| flip_all(data, b"first-60-too"),
        expected: Refused(MISSING, RESTORE),
    },
    Damage {
        what: "a value that was flipped wherever it stands, behind the snapshot",
        happen: |data| flip_all(data, b"second-60-too"),
        expected: Refused(MISSING, RESTORE),
    },
    Damage {
        what: "the last value that was flipped wherever it stands",
        happen: |data| flip_all(data, b"second-119-too"),
        expected: Refused(MISSING, RESTORE),
    },
    Damage {
        what: "half a db",
        happen: |data| {
            let used = used(&data.file(DB));
            cut(&data.file(DB), |_| used / 2);
        },
        expected: Refused(MISSING, RESTORE),
    },
    Damage {
        what: "a db without its last value",
        happen: |data| {
            let last = places(&data.file(DB), b"second-119-too")[0];
            cut(&data.file(DB), |_| last);
        },
        expected: Refused(MISSING, RESTORE),
    },
    Damage {
        what: "a db of zeros behind its middle",
        happen: |data| {
            let used = used(&data.file(DB));
            cut(&data.file(DB), |_| used / 2);
            cut(&data.file(DB), |_| 16 << 20);
        },
        expected: Refused(MISSING, RESTORE),
    },
    Damage {
        what: "a file in blobs",
        happen: |data| {
            fs::create_dir_all(data.file("journal/000001/blobs")).unwrap();
            fs::write(data.file("journal/000001/blobs/7"), "large").unwrap();
        },
        expected: Refused("blobs holds files", RESTORE),
    },
    Damage {
        what: "no old records",
        happen: |data| remove(&data.file("past")),
        expected: Whole,
    },
    Damage {
        what: "a missing chunk of old records",
        happen: |data| remove(&data.first("past/0")),
        expected: Whole,
    },
    Damage {
        what: "a torn chunk of old records",
        happen: |data| cut(&data.first("past/0"), |length| length / 2),
        expected: Whole,
    },
    Damage {
        what: "a flipped bit in a chunk of old records",
        happen: |data| flip(&data.first("past/0"), 100),
        expected: Whole,
    },
    Damage {
        what: "a db that nobody may read",
        happen: |data| fs::set_permissions(data.file(DB), Permissions::from_mode(0o000)).unwrap(),
        expected: Refused("Permission denied", "db"),
    },
];

fn flip_all(data: &Directory, member: &[u8]) {
    let places = places(&data.file(DB), member);
    assert!(!places.is_empty());
    for at in places {
        flip(&data.file(DB), at);
    }
}

/// For the administrator there are no permissions.
fn is_administrator() -> bool {
    rustix::process::geteuid().is_root()
}

/// Damages a copy and starts on it.
async fn check(what: &str, data: &Directory, state: &State, expected: &Expected) {
    let before = data.content();
    match (data.start().await, expected) {
        (Start::Serves(found), Whole) => assert!(found == *state, "{what}: something is lost"),
        (Start::Refused { said, .. }, Refused(lost, advice)) => {
            assert!(
                said.contains(lost) && said.contains(advice),
                "{what}: {said}"
            );
            let touched = changes(&before, &data.content());
            assert!(touched.is_empty(), "{what}: {touched:?} was touched");
        }
        (Start::Serves(_), Refused(..)) => panic!("{what} was not noticed"),
        (Start::Refused { said, .. }, Whole) => panic!("{what}: {said}"),
    }
}

#[actix_rt::test]
async fn every_kind_of_damage_is_either_overcome_or_told() {
    let (whole, state) = Directory::with_history().await;
    for damage in DAMAGES {
        if damage.what.contains("nobody may read") && is_administrator() {
            continue;
        }
        let data = whole.copy();
        (damage.happen)(&data);
        check(damage.what, &data, &state, &damage.expected).await;
    }
}

/// Goal: what is whole and belongs to another directory is not taken for this one's.
#[actix_rt::test]
async fn what_belongs_to_another_directory_is_refused() {
    let (whole, state) = Directory::with_history().await;
    let empty = Directory::empty().await;
    let (other, _) = Directory::with_history().await;
    // How many turns the other one has is a matter of chance.
    let shorter_or_strange = Refused("durable", RESTORE);
    for (what, from, expected) in [
        ("journal", &empty, Refused("it ends with turn 0", RESTORE)),
        ("journal", &other, shorter_or_strange),
        ("head", &other, Refused("durable", RESTORE)),
        // Nothing is known of this journal then, and everything in it is well.
        ("head", &empty, Whole),
        ("past", &other, Whole),
    ] {
        let data = whole.copy();
        data.take(what, from);
        check(&format!("another {what}"), &data, &state, &expected).await;
    }
}

/// Goal: a bit that flips anywhere in sled's file costs nothing or is noticed; and what a refused start leaves is what
/// was there, so that the second start says the same.
#[actix_rt::test]
async fn a_flipped_bit_anywhere_is_overcome_or_noticed() {
    const FLIPS: u64 = 40;
    let (whole, state) = Directory::with_history().await;
    let used = used(&whole.file(DB));
    let (mut overcome, mut noticed) = (0, 0);
    for place in 0..FLIPS {
        let data = whole.copy();
        flip(&data.file(DB), used * (2 * place + 1) / (2 * FLIPS));
        let before = data.content();
        match data.start().await {
            Start::Serves(found) => {
                assert!(found == state, "flip {place}: something is lost");
                overcome += 1;
            }
            Start::Refused { said, is_damage } => {
                assert!(is_damage && said.contains(RESTORE), "flip {place}: {said}");
                let touched = changes(&before, &data.content());
                assert!(touched.is_empty(), "flip {place}: {touched:?} was touched");
                let again = data.start().await;
                assert!(matches!(again, Start::Refused { said: again, .. } if again == said));
                noticed += 1;
            }
        }
    }
    println!("{FLIPS} flipped bits: {overcome} cost nothing, {noticed} were noticed");
    assert!(noticed > FLIPS / 4, "only {noticed} were noticed");
}

#[actix_rt::test]
async fn a_directory_in_use_is_left_alone() {
    let (whole, state) = Directory::with_history().await;
    let holder = DataDirectory::lock(whole.path()).unwrap();
    let expected = Refused("is in use by another process", "stop it first");
    check("in use", &whole, &state, &expected).await;
    drop(holder);
    check("no longer in use", &whole, &state, &Whole).await;
}

/// Goal: the binary says the same, with exit code 4, and its standard error says what to do.
#[actix_rt::test]
async fn the_binary_ends_with_4() {
    let (whole, _) = Directory::with_history().await;
    for what in [
        "a manifest of garbage",
        "no db",
        "a value that was flipped wherever it stands, behind the snapshot",
    ] {
        let damage = DAMAGES.iter().find(|damage| damage.what == what).unwrap();
        let data = whole.copy();
        (damage.happen)(&data);
        let before = data.content();
        let ended = Server::start(data.path()).map(|_| ()).unwrap_err();
        assert_eq!(ended.code, Some(4), "{what}: {}", ended.stderr);
        let Refused(lost, advice) = damage.expected else {
            panic!("{what} is to be refused")
        };
        let told = ended.stderr.contains(lost) && ended.stderr.contains(advice);
        assert!(told, "{what}: {}", ended.stderr);
        let touched = changes(&before, &data.content());
        assert!(touched.is_empty(), "{what}: {touched:?} was touched");
    }
    let server = Server::start(whole.path()).unwrap();
    let ended = Server::start(whole.path()).map(|_| ()).unwrap_err();
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("stop it first"), "{}", ended.stderr);
    assert!(server.terminate().0.success());
}
