//! The chunks of all shards: which there are, which are still to be written, and how they are read back.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crossbeam::channel::{Receiver, Sender, unbounded};

use super::{MemoryShelf, PastError, Place, Shelf, frame};
use crate::ledger::{Aged, ChunkNumber, Need, ShardIndex};

/// Something to be done on the shelf. The order does not matter: what has been overtaken does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// A chunk is to be written.
    Write(Place),
    /// A chunk is no longer needed.
    Clear(Place),
    /// Nothing more comes.
    End,
}

/// Where a chunk is.
enum Kept {
    /// In memory, until it is on the shelf. It counts, unless a ledger keeps it in memory anyhow.
    Unwritten { bytes: Arc<Vec<u8>>, counts: bool },
    /// Whether it would be there after a power failure too.
    OnShelf { synced: bool },
}

/// A chunk that is known.
struct Chunk {
    kept: Kept,
    /// Whether its ledger has dropped it. Nobody finds it any more; it stays since an image may name it.
    dropped: bool,
}

impl Chunk {
    const fn on_shelf(synced: bool) -> Self {
        Self {
            kept: Kept::OnShelf { synced },
            dropped: false,
        }
    }
}

/// What became of a need.
#[derive(Debug)]
pub struct Loaded {
    /// What was needed.
    pub need: Need,
    /// The record; `None` if it is in no chunk that there still is.
    pub record: Option<Box<[u8]>>,
}

/// The store of old records of all shards.
///
/// Shards hand chunks over and go on; [`Past::work`], on a thread of its own, brings them to the shelf. Until then they
/// are read from memory. What waits is bounded by whoever asks [`Past::is_behind`] before letting more work in.
///
/// A chunk that a ledger drops is cleared at once, unless [checkpoints](Past::beside_checkpoints) are taken: an image can be
/// read only as long as every chunk that it names is there. Then it stays until no image names it that is kept. So the
/// shelf holds what ledgers may keep on disk, and what they have journaled since the older of the kept checkpoints.
pub struct Past {
    shelf: Box<dyn Shelf>,
    chunks: Mutex<BTreeMap<Place, Chunk>>,
    /// The chunks that the images name with which the process began; `None` if no checkpoints are taken.
    named: Option<Vec<Range<u64>>>,
    /// Chunks are put on the shelf one at a time.
    putting: Mutex<()>,
    unwritten_bytes: AtomicUsize,
    unwritten_bytes_max: usize,
    sender: Sender<Job>,
    jobs: Receiver<Job>,
}

impl Past {
    /// A store on a shelf, of which it knows nothing until a replay is over: what lies there belongs to an earlier
    /// process. At `unwritten_bytes_max` of chunks in memory it [is behind](Past::is_behind).
    #[must_use]
    pub fn new(shelf: Box<dyn Shelf>, unwritten_bytes_max: usize) -> Self {
        let (sender, jobs) = unbounded();
        Self {
            shelf,
            chunks: Mutex::default(),
            named: None,
            putting: Mutex::default(),
            unwritten_bytes: AtomicUsize::new(0),
            unwritten_bytes_max,
            sender,
            jobs,
        }
    }

    /// A store in memory, which ends with its process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::new(Box::new(MemoryShelf::default()), usize::MAX)
    }

    /// Keeps chunks that were dropped until they are [released](Past::release). `named` tells for every shard which ones the
    /// images name that there are.
    #[must_use]
    pub fn beside_checkpoints(mut self, named: Vec<Range<u64>>) -> Self {
        self.named = Some(named);
        self
    }

    /// Takes over what a shard's replay made. The shelf is brought in line at once: a chunk that lies there already,
    /// byte for byte, stays; anything else in its place is written again.
    pub fn replayed(&self, shard: ShardIndex, aged: Aged) -> Result<(), PastError> {
        match aged {
            Aged::Store { chunk, bytes } | Aged::Keep { chunk, bytes } => {
                let place = Place::of(shard, chunk);
                let found = self.get(place)?;
                let same = found
                    .and_then(|found| frame::unframed(place, &found).ok())
                    .is_some_and(|found| found == **bytes);
                if !same {
                    self.put(place, &bytes)?;
                }
                self.chunks().insert(place, Chunk::on_shelf(false));
            }
            Aged::Drop { chunk } => {
                let place = Place::of(shard, chunk);
                self.chunks().remove(&place);
                // With checkpoints the end of the replay tells whether an image needs it: the start may still be refused.
                if self.named.is_none() {
                    self.clear(place)?;
                }
            }
        }
        Ok(())
    }

    /// The replay is over: clears the shelf of chunks that it did not make and no image names. An earlier process may have
    /// been ahead of what it had durable.
    pub fn end_of_replay(&self) -> Result<(), PastError> {
        let places = self.shelf.places().map_err(|error| PastError::Io {
            what: "list the chunks of old records".to_owned(),
            error,
        })?;
        for place in places {
            if self.chunks().contains_key(&place) {
                continue;
            }
            let named = self.named.as_deref();
            if named.is_some_and(|named| is_named(named, place)) {
                let mut chunk = Chunk::on_shelf(false);
                chunk.dropped = true;
                self.chunks().insert(place, chunk);
            } else {
                self.clear(place)?;
            }
        }
        Ok(())
    }

    /// Clears the shelf of chunks that were dropped and that no image names any more; `named` tells for every shard which
    /// ones those name that are kept. No image may be under way.
    pub fn release(&self, named: &[Range<u64>]) {
        self.chunks().retain(|place, chunk| {
            let stays = !chunk.dropped || is_named(named, *place);
            if !stays {
                self.forget_unwritten(Some(&chunk.kept));
                self.give(Job::Clear(*place));
            }
            stays
        });
    }

    /// Takes over what a running shard no longer keeps. From now on it is found here.
    pub fn take(&self, shard: ShardIndex, aged: Aged) {
        match aged {
            Aged::Store { chunk, bytes } => self.keep(Place::of(shard, chunk), bytes, true),
            Aged::Keep { chunk, bytes } => self.keep(Place::of(shard, chunk), bytes, false),
            Aged::Drop { chunk } => {
                let place = Place::of(shard, chunk);
                let mut chunks = self.chunks();
                if self.named.is_some() {
                    if let Some(chunk) = chunks.get_mut(&place) {
                        chunk.dropped = true;
                    }
                    return;
                }
                let dropped = chunks.remove(&place);
                drop(chunks);
                self.forget_unwritten(dropped.as_ref().map(|chunk| &chunk.kept));
                self.give(Job::Clear(place));
            }
        }
    }

    fn keep(&self, place: Place, bytes: Arc<Vec<u8>>, counts: bool) {
        let length = if counts { bytes.len() } else { 0 };
        let mut chunks = self.chunks();
        // A ledger drops a chunk once. So one that is there for an image alone was left by a process that was ahead, and may
        // be another one.
        let known = chunks.get_mut(&place).filter(|chunk| !chunk.dropped);
        match known.map(|chunk| &mut chunk.kept) {
            Some(Kept::OnShelf { .. }) => return,
            Some(Kept::Unwritten { counts: known, .. }) if *known || !counts => return,
            Some(Kept::Unwritten { counts: known, .. }) => *known = true,
            None => {
                let chunk = Chunk {
                    kept: Kept::Unwritten { bytes, counts },
                    dropped: false,
                };
                chunks.insert(place, chunk);
                self.give(Job::Write(place));
            }
        }
        self.unwritten_bytes.fetch_add(length, Ordering::Relaxed);
    }

    /// Sees to it that chunks are on the shelf and would be there after a power failure too. Those that are not kept any
    /// more are none of it.
    pub fn settle(&self, shard: ShardIndex, numbers: Range<u64>) -> Result<(), PastError> {
        for number in numbers {
            let place = Place { shard, number };
            self.run(Job::Write(place))?;
            let is_unsynced = |chunk: &Chunk| matches!(chunk.kept, Kept::OnShelf { synced: false });
            if !self.chunks().get(&place).is_some_and(is_unsynced) {
                continue;
            }
            self.shelf
                .sync(place)
                .map_err(PastError::io("sync", place))?;
            if let Some(chunk) = self.chunks().get_mut(&place) {
                chunk.kept = Kept::OnShelf { synced: true };
            }
        }
        Ok(())
    }

    /// A chunk that an image names, as an earlier process left it.
    pub fn left(&self, shard: ShardIndex, chunk: ChunkNumber) -> Result<Vec<u8>, PastError> {
        let place = Place::of(shard, chunk);
        let framed = self.get(place)?.ok_or(PastError::Damaged {
            place,
            what: "it is gone",
        })?;
        frame::unframed(place, &framed)
    }

    /// Takes over chunks that an image names and that were [left](Past::left) whole.
    pub fn restored(&self, shard: ShardIndex, numbers: Range<u64>) {
        let places = numbers.map(|number| Place { shard, number });
        let chunks = places.map(|place| (place, Chunk::on_shelf(true)));
        self.chunks().extend(chunks);
    }

    /// Whether so much waits to be written that no new work should be let in.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.unwritten_bytes() >= self.unwritten_bytes_max
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn unwritten_bytes(&self) -> usize {
        self.unwritten_bytes.load(Ordering::Relaxed)
    }

    /// Does job after job until [`Past::end`], waiting for more.
    pub fn work(&self) -> Result<(), PastError> {
        for job in &self.jobs {
            if job == Job::End {
                break;
            }
            self.run(job)?;
        }
        Ok(())
    }

    /// Ends [`Past::work`] when everything that came before is done.
    pub fn end(&self) {
        self.give(Job::End);
    }

    /// The jobs that wait, for whoever does them one by one instead of calling [`Past::work`].
    pub fn waiting(&self) -> impl Iterator<Item = Job> + '_ {
        self.jobs.try_iter()
    }

    /// Does one job. Chunks may be written in any order, even after they were dropped.
    pub fn run(&self, job: Job) -> Result<(), PastError> {
        match job {
            Job::Write(place) => self.write(place)?,
            // Numbers are never used twice, so nothing new lies there.
            Job::Clear(place) => self.clear(place)?,
            Job::End => {}
        }
        Ok(())
    }

    /// Puts a chunk on the shelf, unless it is there.
    fn write(&self, place: Place) -> Result<(), PastError> {
        let Some(bytes) = self.unwritten(place) else {
            return Ok(());
        };
        let failed = || PastError::io("write", place);
        let (head, packed) = frame::framed(place, &bytes).map_err(failed())?;
        let _one = self.putting.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have put it there meanwhile and synced it. A second file in its place would not be.
        if self.unwritten(place).is_some() {
            self.shelf.put(place, [&head, &packed]).map_err(failed())?;
            self.written(place);
        }
        Ok(())
    }

    /// A chunk that is not on the shelf yet.
    fn unwritten(&self, place: Place) -> Option<Arc<Vec<u8>>> {
        match &self.chunks().get(&place)?.kept {
            Kept::Unwritten { bytes, .. } => Some(Arc::clone(bytes)),
            Kept::OnShelf { .. } => None,
        }
    }

    /// Finds records.
    pub fn load(&self, shard: ShardIndex, needs: &[Need]) -> Result<Vec<Loaded>, PastError> {
        let mut loaded = Vec::with_capacity(needs.len());
        for needs in needs.chunk_by(|a, b| a.chunk == b.chunk) {
            self.read(Place::of(shard, needs[0].chunk), |chunk| {
                loaded.extend(needs.iter().map(|&need| {
                    let record = chunk.and_then(|chunk| need.pick(chunk));
                    let record = record.map(Box::from);
                    Loaded { need, record }
                }));
            })?;
        }
        Ok(loaded)
    }

    /// Shows a chunk, wherever it is; `None` if it is not needed any more.
    fn read<T>(&self, place: Place, show: impl FnOnce(Option<&[u8]>) -> T) -> Result<T, PastError> {
        let unwritten = match self.chunks().get(&place) {
            None | Some(Chunk { dropped: true, .. }) => return Ok(show(None)),
            Some(chunk) => match &chunk.kept {
                Kept::Unwritten { bytes, .. } => Some(Arc::clone(bytes)),
                Kept::OnShelf { .. } => None,
            },
        };
        if let Some(bytes) = unwritten {
            return Ok(show(Some(&bytes)));
        }
        match self.get(place)? {
            Some(framed) => frame::unframed(place, &framed).map(|chunk| show(Some(&chunk))),
            // It may have been dropped while we looked.
            None if self.chunks().get(&place).is_none_or(|chunk| chunk.dropped) => Ok(show(None)),
            None => Err(PastError::Damaged {
                place,
                what: "it is gone",
            }),
        }
    }

    fn written(&self, place: Place) {
        let mut chunks = self.chunks();
        let kept = chunks.get_mut(&place).map(|chunk| &mut chunk.kept);
        if let Some(kept @ Kept::Unwritten { .. }) = kept {
            let before = std::mem::replace(kept, Kept::OnShelf { synced: false });
            drop(chunks);
            self.forget_unwritten(Some(&before));
        }
    }

    fn forget_unwritten(&self, kept: Option<&Kept>) {
        if let Some(Kept::Unwritten {
            bytes,
            counts: true,
        }) = kept
        {
            self.unwritten_bytes
                .fetch_sub(bytes.len(), Ordering::Relaxed);
        }
    }

    fn put(&self, place: Place, chunk: &[u8]) -> Result<(), PastError> {
        let write = || {
            let (head, packed) = frame::framed(place, chunk)?;
            let _one = self.putting.lock().unwrap_or_else(PoisonError::into_inner);
            self.shelf.put(place, [&head, &packed])
        };
        write().map_err(PastError::io("write", place))
    }

    fn get(&self, place: Place) -> Result<Option<Vec<u8>>, PastError> {
        self.shelf.get(place).map_err(PastError::io("read", place))
    }

    fn clear(&self, place: Place) -> Result<(), PastError> {
        self.shelf
            .clear(place)
            .map_err(PastError::io("remove", place))
    }

    fn give(&self, job: Job) {
        // We hold the other end ourselves.
        let _ = self.sender.send(job);
    }

    fn chunks(&self) -> MutexGuard<'_, BTreeMap<Place, Chunk>> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_named(named: &[Range<u64>], place: Place) -> bool {
    let of_shard = named.get(usize::from(place.shard.0));
    of_shard.is_some_and(|numbers| numbers.contains(&place.number))
}

impl fmt::Debug for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<Place> = self.chunks().keys().copied().collect();
        f.debug_tuple("Past").field(&known).finish()
    }
}

#[cfg(test)]
mod tests;
