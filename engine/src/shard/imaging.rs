//! A shard's image on its way out, piece by piece between other mail.

use std::time::Duration;

use crossbeam::channel::Sender;

use crate::ledger::{Extent, ImageBegun};

/// How much is copied at once; a shard does nothing else meanwhile, for about half a millisecond. A busy shard comes to a piece
/// only every few milliseconds, so with small ones the next epoch would be full before the image of this one is done.
pub(super) const PART_BYTES: usize = 256 << 10;
/// The pause between two pieces, in which other mail is looked at.
pub(super) const PAUSE: Duration = Duration::from_millis(1);
/// So many pieces may wait to be written.
const PARTS_MAX: usize = 16;

/// An image that a shard is to make.
pub struct ImageOrder {
    /// Of everything, or of what changed.
    pub extent: Extent,
    /// Where it goes. Dropped without an end if the shard stops.
    pub parts: Sender<ImagePart>,
}

/// A piece of an image.
#[derive(Debug)]
pub enum ImagePart {
    /// The first one.
    Begun(ImageBegun),
    /// One of the others.
    More(Vec<u8>),
    /// There are no more.
    End,
    /// The last entry that the image has is durable. Comes at any time behind the first piece.
    Durable,
}

impl ImageOrder {
    /// Whether the next piece should wait until more have been written.
    pub(super) fn is_behind(&self) -> bool {
        self.parts.len() >= PARTS_MAX
    }
}
