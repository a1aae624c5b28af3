//! The thread that takes checkpoints and has the epochs behind them archived. It gives way to everything else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use tokio::sync::oneshot;

use super::{
    CheckpointError, CheckpointFacts, Images, Listing, ShardImage, ShardState, file::ImageWriter,
    load_shard,
};
use crate::{
    clock::{Clock, Stopwatch, millis_of},
    disk::Disk,
    history::History,
    journal::{
        Journal,
        epoch::{Epoch, EpochHead},
        epochs::Epochs,
    },
    ledger::{Extent, Ledger, Rules, ShardIndex},
    meters::Meters,
    past::Past,
    shard::{ImageOrder, ImagePart},
};

/// An image whose increments together are larger than this part of it is written anew from its own files.
const BASE_PER_INCREMENTS: u64 = 2;
/// At most so many files make up an image: each has to be there at a start.
const FILES_MAX: usize = 5;
/// After a failure, as on a full disk, the next attempt waits so long.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// What the keeper is asked to do.
pub(crate) enum Order {
    /// The epoch has grown long.
    Full,
    /// Somebody wants everything so far archived and imaged.
    Asked(oneshot::Sender<Result<CheckpointFacts, String>>),
    /// Nothing more comes.
    End,
}

/// Asks the committer to go on in another epoch.
pub(crate) struct Roll {
    pub(crate) epoch: Epoch,
    pub(crate) next: Box<dyn Journal>,
    /// Told where the epoch began, and given the storage of the one before.
    pub(crate) done: Sender<(EpochHead, Box<dyn Journal>)>,
}

/// What a keeper works on.
pub(crate) struct Keeper {
    pub(crate) images: Images,
    pub(crate) epochs: Box<dyn Epochs>,
    pub(crate) history: Arc<History>,
    pub(crate) past: Arc<Past>,
    pub(crate) rules: Rules,
    /// The image of every shard that the next one can be an increment on.
    pub(crate) known: Vec<Option<ShardImage>>,
    /// The epoch that is written to.
    pub(crate) epoch: Epoch,
    /// Whether that one is to end: it has grown long, or somebody asked.
    pub(crate) to_roll: bool,
    /// The epoch of the newest checkpoint.
    pub(crate) newest: Option<Epoch>,
    /// How an image is ordered of a shard.
    pub(crate) order_image: Box<dyn Fn(ShardIndex, ImageOrder) + Send>,
    /// Hands a roll to the committer and wakes it.
    pub(crate) order_roll: Box<dyn Fn(Roll) + Send>,
    /// Set when the engine stops.
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Images are written only while there is room.
    pub(crate) disk: Arc<Disk>,
}

impl Keeper {
    /// Follows orders until [`Order::End`].
    pub(crate) fn work(mut self, orders: &Receiver<Order>) {
        self.note_newest();
        self.told(Self::archive);
        let mut again = false;
        loop {
            let order = match orders.recv_timeout(AGAIN_AFTER) {
                Ok(order) => order,
                Err(RecvTimeoutError::Timeout) => {
                    again = again && self.told(Self::go_on).is_none();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            match order {
                Order::End => return,
                Order::Full => again = self.told(Self::checkpoint).is_none(),
                Order::Asked(to) => {
                    let taken = self.checkpoint();
                    again = taken.is_err();
                    let facts = taken.and_then(|()| self.facts());
                    let _ = to.send(facts.map_err(|error| error.to_string()));
                }
            }
        }
    }

    /// Does something of which nobody waits to hear. The journal has everything, so the engine goes on.
    fn told<T>(&mut self, work: fn(&mut Self) -> Result<T, CheckpointError>) -> Option<T> {
        match work(self) {
            Ok(done) => Some(done),
            // Whoever watches the disk has told.
            Err(CheckpointError::Stopping | CheckpointError::DiskFull) => None,
            Err(error) => {
                tracing::warn!(%error, "no checkpoint was taken; starts take longer until one is");
                None
            }
        }
    }

    /// Tells when the checkpoint was taken that an earlier process left.
    fn note_newest(&self) {
        let Some(epoch) = self.newest else { return };
        let listing = self.images.path(&format!("{epoch}.json"));
        if let Ok(written) = std::fs::metadata(listing).and_then(|file| file.modified()) {
            self.meters.checkpoints.completed(millis_of(written));
        }
    }

    /// Begins a new epoch, has all shards copied, and archives what lies before.
    fn checkpoint(&mut self) -> Result<(), CheckpointError> {
        self.to_roll = true;
        self.go_on()
    }

    /// Does what is left of that. An attempt that is repeated begins no epoch of its own: each has storage with threads and
    /// open files, and as long as nothing can be archived they would become ever more.
    fn go_on(&mut self) -> Result<(), CheckpointError> {
        let watch = Stopwatch::start();
        let taken = self.take();
        let meters = &self.meters.checkpoints;
        match &taken {
            Ok(()) => {
                meters.took.observe(watch.nanos(), 1);
                meters.completed(self.clock.now());
            }
            Err(CheckpointError::Stopping) => {}
            Err(_) => meters.failed.add(1),
        }
        taken
    }

    fn take(&mut self) -> Result<(), CheckpointError> {
        if self.to_roll {
            self.roll()?;
            self.to_roll = false;
        }
        let imaged = self.image_all();
        // Archives need no images, and make room.
        self.archive()?;
        imaged
    }

    fn image_all(&mut self) -> Result<(), CheckpointError> {
        if self.newest == Some(self.epoch) {
            return Ok(());
        }
        self.check_room()?;
        self.images.make()?;
        let mut listing = Listing {
            epoch: self.epoch,
            shards: Vec::new(),
        };
        for shard in (0..).map(ShardIndex).take(self.known.len()) {
            let image = match self.imaged(shard) {
                Some(image) => image,
                None => {
                    self.check_room()?;
                    self.image(shard)?
                }
            };
            listing.shards.push(image);
        }
        self.images.publish(&listing)?;
        self.newest = Some(self.epoch);
        let named = self.images.all_chunks_named(self.known.len());
        self.past.release(&named);
        Ok(())
    }

    /// What is kept free is the journal's: with images it would be gone before commands are refused for long.
    fn check_room(&self) -> Result<(), CheckpointError> {
        if self.disk.is_short() {
            return Err(CheckpointError::DiskFull);
        }
        Ok(())
    }

    /// Ends the epoch, if anything is in it.
    fn roll(&mut self) -> Result<(), CheckpointError> {
        let begun = self.history.live().pop();
        if begun.is_some_and(|head| head.turn == self.history.durable_turn()) {
            return Ok(());
        }
        let epoch = self.epoch.next();
        // A process that died here may have left one behind, of which nothing was used.
        self.epochs.remove(epoch)?;
        let next = self.epochs.open(epoch)?;
        let (done, rolled) = bounded(1);
        (self.order_roll)(Roll { epoch, next, done });
        let (head, before) = rolled.recv().map_err(|_| CheckpointError::Stopping)?;
        drop(before);
        self.epoch = epoch;
        tracing::debug!(epoch = head.epoch.0, turn = head.turn, "the journal rolled");
        Ok(())
    }

    /// The image that an attempt before this one took of a shard behind the epoch's beginning.
    fn imaged(&self, shard: ShardIndex) -> Option<ShardImage> {
        let known = self.known[usize::from(shard.0)].as_ref()?;
        let name = Images::name(self.epoch, shard);
        (known.files.last() == Some(&name)).then(|| known.clone())
    }

    /// Has a shard copied, and puts its image in place when that is durable.
    fn image(&mut self, shard: ShardIndex) -> Result<ShardImage, CheckpointError> {
        // Whatever goes wrong, the shard has begun to count changes anew.
        let known = self.known[usize::from(shard.0)].take();
        let extent = known
            .as_ref()
            .map_or(Extent::Whole, |known| Extent::Since(known.seq));
        let (parts, copied) = unbounded();
        (self.order_image)(shard, ImageOrder { extent, parts });
        let name = Images::name(self.epoch, shard);
        let mut image = self.write(shard, &name, &copied)?;
        if let Some(known) = known {
            image.files.splice(0..0, known.files);
            image.bytes += known.bytes;
            let whole = self.file_bytes(&image.files[0]);
            if image.files.len() >= FILES_MAX
                || (image.bytes - whole) * BASE_PER_INCREMENTS > image.bytes
            {
                image = self.merged(shard, &name, &image)?;
            }
        }
        self.known[usize::from(shard.0)] = Some(image.clone());
        Ok(image)
    }

    fn write(
        &self,
        shard: ShardIndex,
        name: &str,
        copied: &Receiver<ImagePart>,
    ) -> Result<ShardImage, CheckpointError> {
        let next = || copied.recv().map_err(|_| CheckpointError::Stopping);
        let ImagePart::Begun(begun) = next()? else {
            return Err(CheckpointError::Stopping);
        };
        let mut file = ImageWriter::begin(&self.images.path(name), shard, begun.seq)?;
        file.part(&begun.head)?;
        let (mut durable, mut whole) = (false, false);
        while !(durable && whole) {
            match next()? {
                ImagePart::Begun(_) => return Err(CheckpointError::Stopping),
                ImagePart::More(part) => {
                    self.check_room()?;
                    file.part(&part)?;
                }
                ImagePart::End => whole = true,
                ImagePart::Durable => durable = true,
            }
        }
        self.past.settle(shard, begun.chunks)?;
        let bytes = file.end()?;
        file.place()?;
        Ok(ShardImage {
            seq: begun.seq,
            files: vec![name.to_owned()],
            bytes,
        })
    }

    /// Writes an image and its increments anew, as one.
    fn merged(
        &self,
        shard: ShardIndex,
        name: &str,
        image: &ShardImage,
    ) -> Result<ShardImage, CheckpointError> {
        let mut ledger = self.load(shard, image)?;
        let begun = ledger.begin_image(Extent::Whole);
        // The increment keeps its name until the whole takes it.
        let mut file = ImageWriter::begin(&self.images.path(name), shard, begun.seq)?;
        file.part(&begun.head)?;
        while let Some(part) = ledger.next_image_part(MERGED_PART_BYTES) {
            self.check_room()?;
            file.part(&part)?;
        }
        let bytes = file.end()?;
        file.place()?;
        Ok(ShardImage {
            seq: begun.seq,
            files: vec![name.to_owned()],
            bytes,
        })
    }

    fn load(&self, shard: ShardIndex, image: &ShardImage) -> Result<Ledger, CheckpointError> {
        let loaded = load_shard(&self.images, shard, image, &self.rules, &self.past)?;
        Ok(loaded.ledger)
    }

    fn file_bytes(&self, name: &str) -> u64 {
        std::fs::metadata(self.images.path(name)).map_or(0, |file| file.len())
    }

    /// Archives every epoch that is over, and removes what it was written to. That makes room, so it goes on without any.
    fn archive(&mut self) -> Result<(), CheckpointError> {
        let stopping = Arc::clone(&self.stopping);
        while !stopping.load(Ordering::Acquire) {
            let Some(facts) = self.history.archive_oldest(&mut || ())? else {
                break;
            };
            self.epochs.remove(facts.epoch())?;
        }
        Ok(())
    }

    /// Reads the newest checkpoint back.
    fn facts(&self) -> Result<CheckpointFacts, CheckpointError> {
        let (mut shards, mut files) = (Vec::new(), Vec::new());
        for (shard, image) in (0..).map(ShardIndex).zip(&self.known) {
            let image = image.as_ref().ok_or(CheckpointError::Stopping)?;
            shards.push(ShardState {
                seq: image.seq,
                hash: self.load(shard, image)?.state_hash(),
            });
            files.extend(image.files.iter().cloned());
        }
        files.push(format!("{}.json", self.epoch));
        Ok(CheckpointFacts {
            epoch: self.epoch,
            shards,
            files,
        })
    }
}

/// In what pieces an image is written that no shard waits for.
const MERGED_PART_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests;
