//! Images of shards, copied piece by piece while everything else goes on, and what a recovery makes of them. Whatever an
//! image names is there until the next one of its shard is in its place.

use std::ops::Range;

use jifen_engine::{
    ledger::{Extent, Ledger, Restoring, Seq, ShardIndex},
    past::Past,
};
use rand::Rng;

use super::{
    World,
    process::{Due, Process},
};

/// An image that is in its place: the parts of a whole one and of its increments.
#[derive(Clone)]
pub(super) struct Image {
    parts: Vec<Vec<u8>>,
    seq: Seq,
    chunks: Range<u64>,
}

/// An image under way.
pub(super) struct Imaging {
    image: Image,
    copied: bool,
    durable: bool,
}

impl Process {
    /// Begins an image of a shard, or copies a little more of the one under way. Answers with one that is complete.
    pub(super) fn image(
        &mut self,
        shard: usize,
        before: Option<&Image>,
        rng: &mut impl Rng,
    ) -> Result<Option<Image>, String> {
        if self.imaging[shard].is_none() {
            self.begin_image(shard, before);
            return Ok(None);
        }
        let (core, imaging) = (&mut self.cores[shard], &mut self.imaging[shard]);
        if let Some(imaging) = imaging
            && !imaging.copied
        {
            match core.next_image_part(rng.random_range(1..256)) {
                Some(part) => imaging.image.parts.push(part),
                None => imaging.copied = true,
            }
        }
        let complete = |imaging: &mut Imaging| imaging.copied && imaging.durable;
        let Some(imaging) = imaging.take_if(complete) else {
            return Ok(None);
        };
        let number = core.ledger().shard();
        let settled = self.past.settle(number, imaging.image.chunks.clone());
        settled.map_err(|error| error.to_string())?;
        self.imaged[shard] = Some(imaging.image.seq);
        self.met.count("image in its place");
        Ok(Some(imaging.image))
    }

    fn begin_image(&mut self, shard: usize, before: Option<&Image>) {
        // An increment goes on from the image that was in place when the process began, or that this process made.
        let before = before.filter(|image| self.imaged[shard] == Some(image.seq));
        let extent = before.map_or(Extent::Whole, |image| Extent::Since(image.seq));
        let begun = self.cores[shard].begin_image(extent);
        self.follow_up(shard);
        self.cores[shard].hold_back(Due::Imaged { shard });
        self.imaged[shard] = None;
        self.met.count(match extent {
            Extent::Whole => "image of the whole",
            Extent::Since(_) => "image of what changed",
        });
        let mut parts = before.map_or_else(Vec::new, |image| image.parts.clone());
        parts.push(begun.head);
        self.imaging[shard] = Some(Imaging {
            image: Image {
                parts,
                seq: begun.seq,
                chunks: begun.chunks,
            },
            copied: false,
            durable: false,
        });
    }

    /// The last entry of a shard's image is durable.
    pub(super) fn image_is_durable(&mut self, shard: usize) {
        if let Some(imaging) = &mut self.imaging[shard] {
            imaging.durable = true;
        }
    }
}

impl World {
    /// Copies a little of some shard.
    pub(super) fn image(&mut self) -> Result<(), String> {
        let shard = self.some_shard();
        for _ in 0..self.rng.random_range(1..20) {
            let before = self.images[shard].as_ref();
            if let Some(image) = self.process.image(shard, before, &mut self.rng)? {
                self.images[shard] = Some(image);
                self.release();
                break;
            }
        }
        Ok(())
    }

    /// Lets go of old records that no image names any more, of shards of which none is under way.
    fn release(&self) {
        let mut named = named(&self.images);
        for (named, imaging) in named.iter_mut().zip(&self.process.imaging) {
            if imaging.is_some() {
                *named = 0..u64::MAX;
            }
        }
        self.process.past.release(&named);
    }

    /// Ledgers to recover with: from images, where there are any and nothing is wrong with what they name.
    pub(super) fn begin_with_images(&mut self, past: &Past) -> Result<Vec<Ledger>, String> {
        let mut ledgers = self.programme.ledgers();
        for (ledger, image) in ledgers.iter_mut().zip(&self.images) {
            let Some(image) = image.as_ref().filter(|_| self.rng.random_ratio(3, 4)) else {
                continue;
            };
            match restored(ledger, image, past) {
                Ok(restored) => {
                    past.restored(ledger.shard(), image.chunks.clone());
                    *ledger = restored;
                    self.met.count("recovered from an image");
                }
                Err(what) => {
                    let shard = ledger.shard();
                    let mut damaged = self.damaged.iter();
                    if !damaged.any(|at| at.shard == shard && image.chunks.contains(&at.number)) {
                        return Err(format!("an image of {shard:?} cannot be read: {what}"));
                    }
                    self.met.count("image lost a chunk");
                }
            }
        }
        Ok(ledgers)
    }
}

/// The chunks that are named by images, for every shard.
pub(super) fn named(images: &[Option<Image>]) -> Vec<Range<u64>> {
    let named = |image: &Option<Image>| image.as_ref().map_or(0..0, |image| image.chunks.clone());
    images.iter().map(named).collect()
}

fn restored(ledger: &Ledger, image: &Image, past: &Past) -> Result<Ledger, String> {
    let shard: ShardIndex = ledger.shard();
    let mut restoring = Restoring::new(shard, ledger.rules().clone());
    for part in &image.parts {
        restoring.take(part).map_err(|error| error.to_string())?;
    }
    let chunk = |number| past.left(shard, number).map_err(|error| error.to_string());
    restoring.finish(chunk).map_err(|error| error.to_string())
}
