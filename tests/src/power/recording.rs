//! The run that is recorded: the real server under clients, stopped and started again on the way.

use std::{collections::HashMap, fs, path::Path};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    disk::Disk,
    image::{self, Survival},
    record::Happened,
};
use crate::{
    kills::{begun, check, work},
    server::Server,
    shopper::{Acknowledged, Shopper},
};

/// What clients do in a run.
#[derive(Clone, Debug)]
pub struct Load {
    /// How many clients work at the same time.
    pub shoppers: u64,
    /// How many answers are heard between a start of the server and its end, one number for each.
    pub answers: Vec<usize>,
    /// So many bytes are attached to every command from the last start on, and all come in batches: turns of several
    /// values are torn in more ways than small ones.
    pub note_bytes: usize,
    /// What else is said on the server's command line.
    pub arguments: Vec<String>,
}

/// An answer that was given, and when.
#[derive(Debug)]
pub(super) struct Promise {
    /// The number of the record with which it was said.
    pub(super) said: usize,
    pub(super) acknowledged: Acknowledged,
}

/// What a process did to its files, and what it had said by when.
pub struct Recording {
    bytes: Vec<u8>,
    acknowledged: Vec<Acknowledged>,
}

impl Recording {
    /// Runs the server under a load, and checks that the recording of it leads to the very files that are there.
    ///
    /// # Panics
    ///
    /// If it does not, or if the server does not do as it should.
    #[must_use]
    pub fn of(load: &Load) -> Self {
        let place = tempfile::tempdir().unwrap();
        let here = place.path().canonicalize().unwrap();
        let (data, recording) = (here.join("data"), here.join("recording"));
        fs::create_dir(&data).unwrap();
        let arguments: Vec<&str> = load.arguments.iter().map(String::as_str).collect();
        let start = || Server::start_recorded(&data, &arguments, &recording).unwrap();
        let mut shoppers: Vec<Shopper> = (0..load.shoppers).map(Shopper::new).collect();
        for (number, answers) in (1..).zip(&load.answers) {
            let server = start();
            if number == 1 {
                shoppers = begun(&server, shoppers);
            }
            if number == load.answers.len() {
                let noting = |shopper: Shopper| shopper.noting(load.note_bytes).in_bulk();
                shoppers = shoppers.into_iter().map(noting).collect();
            }
            check(&server, &mut shoppers, false);
            // In good order: what a killed process did last would be done and not recorded.
            work(server, &mut shoppers, *answers, |server| {
                let (status, log) = server.terminate();
                assert_eq!(status.code(), Some(0), "{log}");
            });
        }
        let this = Self {
            bytes: fs::read(&recording).unwrap(),
            acknowledged: shoppers
                .iter()
                .flat_map(Shopper::acknowledged)
                .cloned()
                .collect(),
        };
        this.assert_leads_to(&data);
        this
    }

    /// How many answers were given and heard.
    #[must_use]
    pub const fn answers(&self) -> usize {
        self.acknowledged.len()
    }

    /// Its records in order.
    pub(super) fn records(&self) -> Vec<Happened<'_>> {
        let mut records = Vec::new();
        let mut rest = self.bytes.as_slice();
        while !rest.is_empty() {
            let (happened, behind) = Happened::split(rest).expect("the recording is whole");
            records.push(happened);
            rest = behind;
        }
        records
    }

    /// The answers in the order in which they were given.
    pub(super) fn promises(&self, records: &[Happened<'_>]) -> Vec<Promise> {
        let said = said(records);
        let mut promises: Vec<Promise> = self
            .acknowledged
            .iter()
            .map(|acknowledged| {
                let offset = acknowledged.1["offset"].as_str().unwrap_or_default();
                Promise {
                    said: *said.get(offset).expect("an answer that was heard was said"),
                    acknowledged: acknowledged.clone(),
                }
            })
            .collect();
        promises.sort_by_key(|promise| promise.said);
        promises
    }

    /// Whatever changes files past the layer that records shows here.
    fn assert_leads_to(&self, data: &Path) {
        let mut disk = Disk::new();
        for happened in self.records() {
            disk.happen(happened).unwrap();
        }
        let made = tempfile::tempdir().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        image::make(&disk, Survival::ALL, &mut rng, made.path()).unwrap();
        // The view is not recorded.
        let _ = fs::remove_dir_all(data.join("view"));
        assert_same(made.path(), data);
    }
}

/// With which record an answer was said first, by its offset.
fn said(records: &[Happened<'_>]) -> HashMap<String, usize> {
    const BEFORE: &[u8] = br#""offset":""#;
    /// An offset with what is around it is never longer.
    const LONGEST: usize = 64;
    let mut found = HashMap::new();
    // What a connection said last: the next words may go on in the middle.
    let mut tails: HashMap<u32, Vec<u8>> = HashMap::new();
    for (number, happened) in records.iter().enumerate() {
        let Happened::Said { fd, bytes } = happened else {
            continue;
        };
        let tail = tails.entry(*fd).or_default();
        tail.extend_from_slice(bytes);
        for at in find_all(tail, BEFORE) {
            let behind = &tail[at + BEFORE.len()..];
            if let Some(end) = behind.iter().position(|byte| *byte == b'"') {
                let offset = String::from_utf8_lossy(&behind[..end]).into_owned();
                found.entry(offset).or_insert(number);
            }
        }
        tail.drain(..tail.len().saturating_sub(LONGEST));
    }
    found
}

fn find_all(text: &[u8], wanted: &[u8]) -> Vec<usize> {
    let parts = text.windows(wanted.len()).enumerate();
    parts
        .filter(|(_, part)| *part == wanted)
        .map(|(at, _)| at)
        .collect()
}

/// Compares the regular files below two directories.
fn assert_same(made: &Path, real: &Path) {
    let names = |directory: &Path| -> Vec<_> {
        let files = fs::read_dir(directory).unwrap().map(Result::unwrap);
        // Sockets are not recorded, and nothing of theirs could be lost.
        let files = files.filter(|file| {
            let kind = file.file_type().unwrap();
            kind.is_file() || kind.is_dir()
        });
        let mut names: Vec<_> = files.map(|file| file.file_name()).collect();
        names.sort();
        names
    };
    let found = names(real);
    assert_eq!(names(made), found, "what is recorded of {}", real.display());
    for name in found {
        let (made, real) = (made.join(&name), real.join(&name));
        if real.is_dir() {
            assert_same(&made, &real);
        } else {
            let same = fs::read(&made).unwrap() == fs::read(&real).unwrap();
            assert!(same, "{} is not as recorded", real.display());
        }
    }
}
