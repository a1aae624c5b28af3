//! From a checkpoint back to ledgers.

use std::{
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
    sync::{Mutex, PoisonError},
    thread,
};

use super::{CheckpointError, Images, Listing, ShardImage, file};
use crate::{
    ledger::{Ledger, Restoring, Rules, Seq, ShardIndex, Unsettled},
    past::Past,
};

/// A ledger as an image gave it, and which chunks of old records it counts on.
pub struct LoadedShard {
    /// As it was when the image was begun.
    pub ledger: Ledger,
    /// The numbers of the chunks, all of which were found whole.
    pub chunks: Range<u64>,
}

/// Loads all shards of a checkpoint, on as many threads as there are cores. Afterwards the store of old records knows the
/// chunks that the ledgers count on.
pub fn load(
    images: &Images,
    listing: &Listing,
    rules: &Rules,
    past: &Past,
) -> Result<Vec<Ledger>, CheckpointError> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<Result<LoadedShard, CheckpointError>>>> =
        Mutex::new(listing.shards.iter().map(|_| None).collect());
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(image) = listing.shards.get(place) else {
                return;
            };
            let shard = ShardIndex(u16::try_from(place).unwrap_or(u16::MAX));
            let loaded = load_shard(images, shard, image, rules, past);
            let failed = loaded.is_err();
            done.lock().unwrap_or_else(PoisonError::into_inner)[place] = Some(loaded);
            if failed {
                next.store(usize::MAX / 2, Ordering::Relaxed);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (mut loaded, mut left_out) = (Vec::new(), false);
    for shard in done {
        match shard {
            Some(shard) => loaded.push(shard?),
            None => left_out = true,
        }
    }
    assert!(!left_out, "shards are left out only when one has failed");
    let ledgers = loaded.into_iter().map(|shard| {
        past.restored(shard.ledger.shard(), shard.chunks);
        shard.ledger
    });
    Ok(ledgers.collect())
}

/// The first entry of every shard that was in no settlement when a checkpoint was taken. What was settled since is not told.
pub fn first_unsettled(images: &Images, listing: &Listing) -> Result<Vec<Seq>, CheckpointError> {
    let shards = (0..).map(ShardIndex).zip(&listing.shards);
    let first = shards.map(|(shard, image)| {
        let mut unsettled = Unsettled::default();
        for name in &image.files {
            file::read(&images.path(name), shard, &mut |part| {
                Ok(unsettled.take(part)?)
            })?;
        }
        Ok(unsettled.first()?)
    });
    first.collect()
}

/// Loads one shard.
pub fn load_shard(
    images: &Images,
    shard: ShardIndex,
    image: &ShardImage,
    rules: &Rules,
    past: &Past,
) -> Result<LoadedShard, CheckpointError> {
    let mut restoring = Restoring::new(shard, rules.clone());
    let mut path = images.path("");
    for name in &image.files {
        path = images.path(name);
        file::read(&path, shard, &mut |part| Ok(restoring.take(part)?))?;
    }
    let mut chunks: Option<Range<u64>> = None;
    let ledger = restoring.finish(|number| {
        let chunks = chunks.get_or_insert(number.0..number.0);
        chunks.end = number.0 + 1;
        past.left(shard, number).map_err(|error| error.to_string())
    })?;
    if ledger.last_seq() != image.seq {
        return Err(CheckpointError::Damaged {
            path,
            what: format!(
                "it stands behind entry {}, not {}",
                ledger.last_seq().0,
                image.seq.0
            ),
        });
    }
    Ok(LoadedShard {
        ledger,
        chunks: chunks.unwrap_or_default(),
    })
}
