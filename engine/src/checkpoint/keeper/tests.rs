//! A keeper by itself, between a journal in memory and shards that are played.

use std::{
    fs, io,
    path::Path,
    sync::atomic::{AtomicU32, AtomicU64},
};

use super::*;
use crate::{
    clock::SystemClock,
    disk::{Endless, FreeSpace},
    history::Catalogue,
    journal::{
        epochs::MemoryEpochs,
        memory::{Medium, MemoryJournal},
    },
};

/// A keeper of one shard, its history, and how often it had the journal roll.
fn keeper(images: &Path) -> (Keeper, Arc<History>, Arc<AtomicU32>) {
    let history = Arc::new(History::new(Catalogue::nowhere(), 1));
    let epochs = MemoryEpochs::default();
    let first = epochs.open(Epoch::FIRST).unwrap();
    history.began(EpochHead::first(1), first.reader());
    let rolls = Arc::new(AtomicU32::new(0));
    let (rolling, counted) = (Arc::clone(&history), Arc::clone(&rolls));
    let order_roll = Box::new(move |roll: Roll| {
        counted.fetch_add(1, Ordering::Relaxed);
        let head = EpochHead {
            epoch: roll.epoch,
            turn: rolling.durable_turn(),
            ..EpochHead::first(1)
        };
        rolling.began(head.clone(), roll.next.reader());
        let before = Box::new(MemoryJournal::open(Medium::default()));
        roll.done.send((head, before)).unwrap();
    });
    let keeper = Keeper {
        images: Images::new(images),
        epochs: Box::new(epochs),
        history: Arc::clone(&history),
        past: Arc::new(Past::in_memory()),
        rules: Rules::default(),
        known: vec![None],
        epoch: Epoch::FIRST,
        to_roll: false,
        newest: None,
        order_image: Box::new(|_, _| ()),
        order_roll,
        stopping: Arc::default(),
        meters: Arc::new(Meters::new(1)),
        clock: Arc::new(SystemClock),
        disk: Arc::new(Disk::new(Arc::new(Endless), 0)),
    };
    (keeper, history, rolls)
}

#[test]
fn an_attempt_that_is_repeated_begins_no_epoch_of_its_own() {
    let place = tempfile::NamedTempFile::new().unwrap();
    // There can be no directory for images below a file.
    let (mut keeper, history, rolls) = keeper(&place.path().join("images"));
    history.durable(1, &[]);
    assert!(keeper.checkpoint().is_err());
    for turn in 2..9 {
        history.durable(turn, &[]);
        assert!(keeper.go_on().is_err());
    }
    assert_eq!(rolls.load(Ordering::Relaxed), 1);
    assert!(keeper.checkpoint().is_err());
    assert_eq!(
        rolls.load(Ordering::Relaxed),
        2,
        "it has grown long meanwhile"
    );
}

/// So many bytes are free.
struct Free(AtomicU64);

impl FreeSpace for Free {
    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.0.load(Ordering::Relaxed))
    }
}

/// Goal: images leave the disk's reserve alone. Method: the disk is short when an image begins, then while it is written.
#[test]
fn no_image_is_written_on_a_disk_that_is_short() {
    const RESERVE: u64 = 800;
    let place = tempfile::tempdir().unwrap();
    let images = place.path().join("images");
    let free = Arc::new(Free(AtomicU64::new(0)));
    let disk = Arc::new(Disk::new(Arc::clone(&free) as Arc<dyn FreeSpace>, RESERVE));
    let has = {
        let disk = Arc::clone(&disk);
        move |bytes| {
            free.0.store(bytes, Ordering::Relaxed);
            disk.look();
        }
    };
    let (mut keeper, history, _) = keeper(&images);
    keeper.disk = disk;
    history.durable(1, &[]);
    let is_refused = |keeper: &mut Keeper| {
        let error = keeper.checkpoint().unwrap_err();
        assert!(matches!(error, CheckpointError::DiskFull), "{error}");
    };
    is_refused(&mut keeper);
    assert!(!images.exists());

    has(2 * RESERVE);
    let fills = Arc::new(AtomicBool::new(true));
    let (filling, runs_out) = (Arc::clone(&fills), has.clone());
    keeper.order_image = Box::new(move |shard, order| {
        let mut ledger = Ledger::new(shard, Rules::default());
        let begun = ledger.begin_image(order.extent);
        order.parts.send(ImagePart::Begun(begun)).unwrap();
        while let Some(part) = ledger.next_image_part(MERGED_PART_BYTES) {
            order.parts.send(ImagePart::More(part)).unwrap();
        }
        order.parts.send(ImagePart::End).unwrap();
        order.parts.send(ImagePart::Durable).unwrap();
        if filling.load(Ordering::Relaxed) {
            runs_out(1);
        }
    });
    is_refused(&mut keeper);
    assert_eq!(fs::read_dir(&images).unwrap().count(), 0);

    has(2 * RESERVE);
    fills.store(false, Ordering::Relaxed);
    keeper.go_on().unwrap();
    assert_eq!(fs::read_dir(&images).unwrap().count(), 2);
}
