//! A data directory with a history, copies of it to be damaged, and what a start says of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use jifen_engine::{
    Clock, DataDirectory, Engine, OpenError, Options,
    journal::JournalError,
    ledger::{Rules, ShardIndex, StateHash, UnixMillis},
};
use jifen_tests::ask::{Ask, What};
use tempfile::TempDir;

const SHARDS: u16 = 2;
/// Members of each of the two runs that make the history; enough for old records to leave memory.
const MEMBERS: usize = 120;
const START: u64 = 1_790_000_000_000;

/// A clock that stands still.
struct Standing;

impl Clock for Standing {
    fn now(&self) -> UnixMillis {
        UnixMillis(START)
    }
}

pub(crate) fn options() -> Options {
    Options {
        shards: SHARDS,
        rules: Rules {
            request_bytes_max: 4_096,
            request_disk_bytes_max: 1 << 30,
            record_chunk_bytes: 1_024,
            ..Rules::default()
        },
        clock: Arc::new(Standing),
        ..Options::default()
    }
}

/// The state of every shard.
pub(crate) type State = Vec<StateHash>;

/// Files with their bytes.
pub(crate) type Content = BTreeMap<PathBuf, Vec<u8>>;

/// How a start ended.
pub(crate) enum Start {
    /// It refused; the message, and whether the exit code says damaged or in use.
    Refused {
        said: String,
        is_damage: bool,
    },
    Serves(State),
}

/// A data directory that goes when the test is over.
pub(crate) struct Directory(TempDir);

impl Directory {
    /// A directory with the history of two runs. What is called `first-…` was journaled before sled made its last
    /// snapshot, what is called `second-…` behind it.
    pub(crate) async fn with_history() -> (Self, State) {
        let this = Self(tempfile::tempdir().unwrap());
        let mut state = State::new();
        for run in ["first", "second"] {
            let opened = DataDirectory::lock(this.path()).unwrap().open(options());
            let engine = opened.unwrap().engine;
            for number in 0..MEMBERS {
                let asks = [
                    enrol(&format!("{run}-{number}")),
                    enrol(&format!("{run}-{number}-too")),
                ];
                let asks = asks.iter().map(Ask::request).collect();
                for outcome in engine.submit_many(asks).await {
                    outcome.unwrap().unwrap();
                }
            }
            state = state_of(&engine).await;
            engine.shut_down().await;
        }
        (this, state)
    }

    /// A directory in which nothing has happened yet.
    pub(crate) async fn empty() -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        let opened = DataDirectory::lock(this.path()).unwrap().open(options());
        opened.unwrap().engine.shut_down().await;
        this
    }

    pub(crate) fn copy(&self) -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        copy_all(self.path(), copy.path());
        copy
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The only file in a folder whose name begins like this.
    pub(crate) fn only(&self, folder: &str, beginning: &str) -> PathBuf {
        let mut found = fs::read_dir(self.file(folder))
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|path| {
                let name = path.file_name().unwrap().to_str().unwrap();
                name.starts_with(beginning)
            });
        let only = found.next().expect(beginning);
        assert_eq!(found.next(), None);
        only
    }

    /// The first file in a folder, in the order of names.
    pub(crate) fn first(&self, folder: &str) -> PathBuf {
        let files = fs::read_dir(self.file(folder)).unwrap();
        let files = files.map(|file| file.unwrap().path());
        files.min().expect(folder)
    }

    /// Takes a file or a folder from another directory in place of this one's.
    pub(crate) fn take(&self, name: &str, other: &Self) {
        remove(&self.file(name));
        let from = other.file(name);
        if from.is_dir() {
            fs::create_dir(self.file(name)).unwrap();
            copy_all(&from, &self.file(name));
        } else {
            fs::copy(from, self.file(name)).unwrap();
        }
    }

    /// Every file with its bytes, but for the lock and for old records, which are made again from whatever journal is there.
    pub(crate) fn content(&self) -> Content {
        let mut found = Content::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for file in fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                if path == self.file("lock") || path == self.file("past") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.insert(path.clone(), fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    /// Starts an engine on it, as a server does, and ends it again.
    pub(crate) async fn start(&self) -> Start {
        let opened = DataDirectory::lock(self.path()).and_then(|found| found.open(options()));
        match opened {
            Ok(opened) => {
                let state = state_of(&opened.engine).await;
                opened.engine.shut_down().await;
                Start::Serves(state)
            }
            Err(error) => Start::Refused {
                said: error.to_string(),
                is_damage: matches!(
                    error,
                    OpenError::Journal(
                        JournalError::Damaged(_)
                            | JournalError::InUse(_)
                            | JournalError::Foreign(_)
                    )
                ),
            },
        }
    }
}

/// Which files are new, gone or different.
pub(crate) fn changes(before: &Content, after: &Content) -> BTreeSet<PathBuf> {
    let all = before.keys().chain(after.keys());
    all.filter(|path| before.get(*path) != after.get(*path))
        .cloned()
        .collect()
}

fn enrol(member: &str) -> Ask {
    let what = What::Enrol {
        member: member.to_owned(),
        attributes: Some(vec![("note".to_owned(), "x".repeat(200))]),
    };
    Ask::new("app", "enrol", what)
}

async fn state_of(engine: &Engine) -> State {
    let mut state = State::new();
    for shard in (0..SHARDS).map(ShardIndex) {
        let (hash, _) = engine.audit(shard).await.unwrap().unwrap();
        state.push(hash);
    }
    state
}

pub(crate) fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}

/// Keeps the front of a file.
pub(crate) fn cut(file: &Path, length: impl FnOnce(u64) -> u64) {
    let file = fs::File::options().write(true).open(file).unwrap();
    let length = length(file.metadata().unwrap().len());
    file.set_len(length).unwrap();
}

/// Flips a bit of a byte.
pub(crate) fn flip(file: &Path, at: u64) {
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(file)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    byte[0] ^= 4;
    file.write_all_at(&byte, at).unwrap();
}

/// Where these bytes stand in a file, everywhere.
pub(crate) fn places(file: &Path, wanted: &[u8]) -> Vec<u64> {
    let bytes = fs::read(file).unwrap();
    let windows = bytes.windows(wanted.len()).zip(0..);
    let found = windows.filter_map(|(part, at)| (part == wanted).then_some(at));
    found.collect()
}

/// How much of a file is in use: up to its last byte that is not zero.
pub(crate) fn used(file: &Path) -> u64 {
    let bytes = fs::read(file).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0);
    last.map_or(0, |last| last as u64 + 1)
}

fn copy_all(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let to = to.join(file.file_name());
        if file.path().is_dir() {
            fs::create_dir(&to).unwrap();
            copy_all(&file.path(), &to);
        } else {
            fs::copy(file.path(), &to).unwrap();
        }
    }
}
