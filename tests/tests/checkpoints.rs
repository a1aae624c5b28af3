//! Goal: a start from a checkpoint gives the very state that a replay of everything gives, whatever was going on when the
//! checkpoint was taken, and whatever has become of its files since.
//!
//! Method: a whole engine on a real directory, whose epochs end after a few kilobytes, under a random load; then starts
//! from what it left, with images damaged or gone.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use jifen_engine::{
    Clock, DataDirectory, Engine, Limits, Opened, Options,
    history::Catalogue,
    journal::{
        epoch::{Epoch, EpochHead},
        epochs::{Epochs, SledEpochs},
    },
    ledger::{Rules, Seq, ShardIndex, StateHash},
    past::{FileShelf, Place, Shelf},
};
use jifen_tests::{
    ask::Ask,
    built,
    hand_clock::HandClock,
    heard::{Heard, heard},
    workload::{Shape, Workload, point_kinds},
};

const SHARDS: u16 = 4;

/// When the first command is sent, and how far the clock goes with every fifty of them. A whole second: pending points
/// are looked for by the second, and those of a second that is not over would never be found by a clock that stands.
const BEGIN: u64 = 1_790_000_000_000;
const STEP_MILLIS: u64 = 1_000;

fn options(clock: &HandClock, checkpoint_bytes: u64) -> Options {
    Options {
        clock: Arc::new(clock.clone()),
        shards: SHARDS,
        rules: Rules {
            point_types: point_kinds(),
            record_chunk_bytes: 4_096,
            request_bytes_max: 8 * 4_096,
            request_disk_bytes_max: 1 << 30,
            ..Rules::default()
        },
        limits: Limits {
            checkpoint_bytes,
            recovery_grace_seconds: 3_600,
            ..Limits::default()
        },
        view: false,
    }
}

/// A random load, and what was answered.
struct Load {
    /// It stands between the commands, so that nothing falls due while states are compared.
    clock: HandClock,
    workload: Workload,
    answered: Vec<(Ask, Heard)>,
}

impl Load {
    fn new(seed: u64) -> Self {
        let shape = Shape {
            members: 40,
            merchants: 3,
            earns_tell_when: false,
            fat: false,
        };
        Self {
            clock: HandClock::at(BEGIN),
            workload: Workload::new(seed, shape),
            answered: Vec::new(),
        }
    }

    fn open(&self, directory: &Path, checkpoint_bytes: u64) -> Opened {
        let directory = DataDirectory::lock(directory).unwrap();
        let options = options(&self.clock, checkpoint_bytes);
        directory.open(options).unwrap()
    }

    /// The same, with nothing kept for longer than two minutes.
    fn open_forgetful(&self, directory: &Path) -> Opened {
        let mut options = options(&self.clock, u64::MAX);
        options.rules.request_retention_seconds = 60;
        options.rules.reversal_window_seconds = 60;
        let directory = DataDirectory::lock(directory).unwrap();
        directory.open(options).unwrap()
    }

    async fn ask(&mut self, engine: &Engine, asks: Vec<Ask>) {
        let requests = asks.iter().map(Ask::request).collect();
        let outcomes = engine.submit_many(requests).await;
        for (ask, outcome) in asks.into_iter().zip(outcomes) {
            let heard = heard(&outcome.unwrap());
            self.workload.learn(self.clock.now().0, &heard);
            self.answered.push((ask, heard));
        }
    }

    async fn run(&mut self, engine: &Engine, batches: usize) {
        if self.answered.is_empty() {
            let opening = self.workload.opening();
            self.ask(engine, opening).await;
        }
        for _ in 0..batches {
            let now = self.clock.advance(STEP_MILLIS);
            let asks = (0..50).map(|_| self.workload.sample(now));
            let asks = asks.collect();
            self.ask(engine, asks).await;
        }
    }

    /// Waits until time has done what it had to, so that a state stays as it is.
    async fn settle(&self, engine: &Engine) {
        let now = self.clock.now();
        for shard in (0..SHARDS).map(ShardIndex) {
            let due = || {
                engine.look(shard, move |ledger| {
                    let mut members = ledger.members();
                    members.any(|member| ledger.decide_due(now, member.id()).is_some())
                })
            };
            while due().await.unwrap() {}
        }
    }

    /// Starts, looks at every shard, and stops.
    async fn look(&self, directory: &Path) -> Start {
        let opened = self.open(directory, u64::MAX);
        let start = Start {
            states: states(&opened.engine).await,
            checkpoint: opened.checkpoint,
            entries: opened.entries,
        };
        opened.engine.shut_down().await;
        start
    }
}

async fn states(engine: &Engine) -> Vec<(Seq, StateHash)> {
    let mut states = Vec::new();
    for shard in (0..SHARDS).map(ShardIndex) {
        let look = engine.look(shard, |ledger| (ledger.last_seq(), ledger.state_hash()));
        states.push(look.await.unwrap());
    }
    states
}

/// What a start gave.
struct Start {
    states: Vec<(Seq, StateHash)>,
    checkpoint: Option<Epoch>,
    entries: u64,
}

fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let files = files.map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    files
}

fn flip_a_bit(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[actix_rt::test]
async fn a_start_from_a_checkpoint_gives_what_a_replay_of_everything_gives() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut load = Load::new(1);
    let mut last = Epoch::FIRST;
    for round in 0..4 {
        let opened = load.open(&data, 100_000);
        load.run(&opened.engine, 60).await;
        if round % 2 == 1 {
            let facts = opened.engine.checkpoint().await.unwrap();
            assert!(facts.epoch > last);
            last = facts.epoch;
            load.run(&opened.engine, 10).await;
        }
        // The keeper gives way to whoever answers, and gives up when the engine ends.
        let images = data.join("images");
        while files(&images, ".json").is_empty() {
            load.run(&opened.engine, 1).await;
        }
        load.settle(&opened.engine).await;
        let before = states(&opened.engine).await;
        opened.engine.shut_down().await;
        let after = load.look(&data).await;
        assert_eq!(after.states, before, "round {round}");
        assert!(after.checkpoint.is_some(), "round {round}");
    }
    // The last two checkpoints of a round may have nothing between them; these have.
    let opened = load.open(&data, u64::MAX);
    for _ in 0..2 {
        load.run(&opened.engine, 5).await;
        opened.engine.checkpoint().await.unwrap();
    }
    load.run(&opened.engine, 5).await;
    load.settle(&opened.engine).await;
    opened.engine.shut_down().await;
    let images = data.join("images");
    let whole = load.look(&data).await;
    let newest = whole.checkpoint.unwrap();
    assert!(newest.0 > 8, "{newest:?}");
    assert!(files(&images, ".json").len() <= 2);
    assert!(files(&images, ".draft").is_empty());

    // One image of the newest checkpoint is damaged: the one before it serves.
    flip_a_bit(&images.join(format!("{newest}-0002.img")));
    let older = load.look(&data).await;
    assert_eq!(older.states, whole.states);
    assert!(older.checkpoint.unwrap() < newest && older.entries > whole.entries);

    // No image is left: the archives have everything.
    fs::remove_dir_all(&images).unwrap();
    let replayed = load.look(&data).await;
    assert_eq!(replayed.states, whole.states);
    let all: u64 = whole.states.iter().map(|(seq, _)| seq.0).sum();
    assert_eq!((replayed.checkpoint, replayed.entries), (None, all));

    // And everybody who asks again hears what was said.
    let opened = load.open(&data, u64::MAX);
    let mut asked_again = 0;
    for (ask, first) in &load.answered {
        if let Heard::Recorded { answer, .. } = first {
            let again = heard(&opened.engine.submit(ask.request()).await.unwrap());
            let expected = Heard::Recorded {
                answer: answer.clone(),
                replayed: true,
            };
            assert_eq!(again, expected, "{ask:?}");
            asked_again += 1;
        }
    }
    assert!(asked_again > 5_000, "{asked_again}");
    opened.engine.shut_down().await;
}

#[actix_rt::test]
async fn a_checkpoint_on_request_tells_the_state_that_its_images_give() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut load = Load::new(2);
    let opened = load.open(&data, u64::MAX);
    load.run(&opened.engine, 20).await;
    load.settle(&opened.engine).await;
    let facts = opened.engine.checkpoint().await.unwrap();
    let told: Vec<_> = facts
        .shards
        .iter()
        .map(|shard| (shard.seq, shard.hash))
        .collect();
    assert_eq!(told, states(&opened.engine).await);
    for file in &facts.files {
        assert!(data.join("images").join(file).exists(), "{file}");
    }
    // What a process had begun to write goes with the next start.
    let drafts = ["images/000009-0001.draft", "archive/000009.draft"];
    for draft in drafts {
        fs::write(data.join(draft), "half").unwrap();
    }
    // Nothing has happened since: it is the same one.
    assert_eq!(opened.engine.checkpoint().await.unwrap().epoch, facts.epoch);
    opened.engine.shut_down().await;
    let catalogue = Catalogue::open(&data.join("archive"), SHARDS).unwrap();
    assert_eq!(catalogue.end().unwrap().epoch, facts.epoch);
    let after = load.look(&data).await;
    assert_eq!((after.entries, after.checkpoint), (0, Some(facts.epoch)));
    assert_eq!(after.states, told);
    for draft in drafts {
        assert!(!data.join(draft).exists(), "{draft}");
    }
}

#[actix_rt::test]
async fn a_checkpoint_can_be_used_when_the_old_records_that_it_names_are_too_old() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut load = Load::new(6);
    let opened = load.open_forgetful(&data);
    let mut kept = Vec::new();
    for batches in [40, 5] {
        load.run(&opened.engine, batches).await;
        kept.push(opened.engine.checkpoint().await.unwrap().epoch);
    }
    let named = chunks(&data);
    load.clock.advance(600_000);
    load.run(&opened.engine, 30).await;
    load.settle(&opened.engine).await;
    let before = states(&opened.engine).await;
    opened.engine.shut_down().await;

    let images = data.join("images");
    let newest = images.join(format!("{}-0002.img", kept[1]));
    let start = async || {
        let opened = load.open_forgetful(&data);
        assert_eq!(states(&opened.engine).await, before);
        opened.engine.shut_down().await;
        opened.checkpoint
    };
    assert_eq!(start().await, Some(kept[1]));
    // Neither that one nor the one before it needs what was before them.
    let mut catalogue = Catalogue::open(&data.join("archive"), SHARDS).unwrap();
    assert_eq!(catalogue.forget_before(kept[0]).unwrap(), 1);
    assert_eq!(start().await, Some(kept[1]));
    flip_a_bit(&newest);
    assert_eq!(start().await, Some(kept[0]));
    flip_a_bit(&newest);

    // Two checkpoints later nothing is left of what was too old.
    let opened = load.open_forgetful(&data);
    for _ in 0..2 {
        load.run(&opened.engine, 5).await;
        opened.engine.checkpoint().await.unwrap();
    }
    opened.engine.shut_down().await;
    let left = chunks(&data);
    assert!(named.len() > 20, "{named:?}");
    let still = named.iter().filter(|chunk| left.contains(chunk)).count();
    assert!(still < named.len() / 2, "{still} of {}", named.len());
}

/// A checkpoint without one of them could not be read where the backup is restored.
#[actix_rt::test]
async fn a_backup_needs_the_old_records_that_its_checkpoint_names() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut load = Load::new(7);
    let opened = load.open(&data, u64::MAX);
    load.run(&opened.engine, 40).await;
    opened.engine.checkpoint().await.unwrap();
    opened.engine.shut_down().await;
    let chunk = chunks(&data)[0];
    FileShelf::new(&data.join("past")).clear(chunk).unwrap();
    let backup = Command::new(built::binary())
        .args(["backup", "--data"])
        .arg(&data)
        .arg("--to")
        .arg(place.path().join("backup"))
        .output()
        .unwrap();
    let said = String::from_utf8(backup.stderr).unwrap();
    assert_eq!(backup.status.code(), Some(4), "{said}");
    assert!(said.contains("old records"), "{said}");
}

/// The chunks of old records that lie on the shelf.
fn chunks(data: &Path) -> Vec<Place> {
    FileShelf::new(&data.join("past")).places().unwrap()
}

#[actix_rt::test]
async fn an_epoch_that_was_about_to_begin_is_begun_again() {
    for left_behind in [
        "nothing",
        "an empty directory",
        "an empty journal",
        "half a head",
    ] {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        let mut load = Load::new(3);
        let opened = load.open(&data, u64::MAX);
        load.run(&opened.engine, 5).await;
        opened.engine.checkpoint().await.unwrap();
        load.run(&opened.engine, 5).await;
        load.settle(&opened.engine).await;
        let before = states(&opened.engine).await;
        opened.engine.shut_down().await;
        let epochs = SledEpochs::new(&data.join("journal"));
        let next = epochs.list().unwrap().pop().unwrap().next();
        match left_behind {
            "an empty directory" => fs::create_dir(epochs.path(next)).unwrap(),
            "an empty journal" => drop(epochs.open(next).unwrap()),
            "half a head" => {
                let head = EpochHead {
                    epoch: next,
                    ..EpochHead::first(SHARDS)
                }
                .to_value();
                let mut journal = epochs.open(next).unwrap();
                journal.append(7, &[head[..40].to_vec()]).unwrap();
            }
            _ => {}
        }
        let after = load.look(&data).await;
        assert_eq!(after.states, before, "{left_behind}");
        let opened = load.open(&data, 20_000);
        load.run(&opened.engine, 30).await;
        load.settle(&opened.engine).await;
        let before = states(&opened.engine).await;
        opened.engine.shut_down().await;
        assert_eq!(load.look(&data).await.states, before, "{left_behind}");
    }
}

/// Goal: a process that has lost the lock keeps its files. Method: it has the journal open without the lock when another one
/// starts.
#[actix_rt::test]
async fn a_journal_that_another_process_has_open_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut load = Load::new(8);
    let opened = load.open(&data, u64::MAX);
    load.run(&opened.engine, 5).await;
    opened.engine.shut_down().await;
    let epochs = SledEpochs::new(&data.join("journal"));
    let journal = epochs.open(Epoch::FIRST).unwrap();
    let file = || {
        fs::metadata(epochs.path(Epoch::FIRST).join("db"))
            .unwrap()
            .ino()
    };
    let before = file();
    let options = options(&load.clock, u64::MAX);
    let error = DataDirectory::lock(&data).unwrap().open(options).err();
    let error = error.expect("it has to be refused").to_string();
    assert!(error.contains("in use by another process"), "{error}");
    assert_eq!(file(), before);
    assert_eq!(fs::read_dir(data.join("journal")).unwrap().count(), 1);
    drop(journal);
    load.look(&data).await;
}

#[actix_rt::test]
async fn a_journal_that_lacks_an_epoch_is_refused_and_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    let mut load = Load::new(4);
    let opened = load.open(&data, u64::MAX);
    load.run(&opened.engine, 5).await;
    opened.engine.checkpoint().await.unwrap();
    load.run(&opened.engine, 5).await;
    opened.engine.shut_down().await;
    let epochs = SledEpochs::new(&data.join("journal"));
    let last = epochs.list().unwrap().pop().unwrap();
    let aside = place.path().join("aside");
    fs::rename(epochs.path(last), &aside).unwrap();
    let refused = |why: &str| {
        let options = options(&load.clock, u64::MAX);
        let error = DataDirectory::lock(&data).unwrap().open(options).err();
        let error = error.expect("it has to be refused").to_string();
        assert!(error.contains(why), "{error}");
    };
    refused("is missing");
    assert_eq!(epochs.list().unwrap(), [], "nothing was made in its place");
    // An empty one in its place is no better.
    drop(epochs.open(last).unwrap());
    refused("had been durable");
    fs::remove_dir_all(epochs.path(last)).unwrap();
    // Of another journal.
    let other = place.path().join("other");
    let mut stranger = Load::new(5);
    let opened = stranger.open(&other, u64::MAX);
    stranger.run(&opened.engine, 5).await;
    opened.engine.checkpoint().await.unwrap();
    stranger.run(&opened.engine, 5).await;
    opened.engine.shut_down().await;
    fs::rename(
        other.join("journal").join(last.to_string()),
        epochs.path(last),
    )
    .unwrap();
    refused("epoch");
    fs::remove_dir_all(epochs.path(last)).unwrap();
    fs::rename(&aside, epochs.path(last)).unwrap();
    load.look(&data).await;
}
