//! Images: a shard's whole state at one sequence, copied piece by piece while the shard goes on.
//!
//! What is small is copied at once, when the image begins. Members, holds and sales are copied slot by slot; one that changes
//! before its turn is copied as it was. The chunks of answered requests never change once they are full, so an image
//! only names them; whoever keeps old records [keeps](super::Aged::Keep) those as well.
//!
//! An image of the whole can be followed by increments, which hold only the slots that changed.
//!
//! ```text
//! part      tag:1 content
//!   'H'     head: where it stands, names, merchants, system accounts, reversals, which chunks, the open chunk; from version 2 on
//!           behind that: links, errands, documents and pools of sales, transit; in versions 2 to 4 also what was sold
//!   'M'     (slot member)…
//!   'Q'     (slot hold)…
//!   'P'     (slot hold)… of version 1, which knew no reservations
//!   'S'     (slot sale)…; not before version 5
//!   'B'     the daybook; not before version 3
//! ```
//!
//! Numbers are bincode's variable-length ones. `restore` reads what `Ledger::begin_image` and `Ledger::next_image_part` wrote.

mod beyond;
mod daybook;
mod head;
mod records;
mod restore;
mod touched;

use bincode::error::DecodeError;

use super::{
    command::{Seq, ShardIndex},
    slots::Slots,
    state::Ledger,
};
pub(super) use daybook::Copying;
pub use head::chunks_named;
pub(super) use records::record;
pub use restore::Restoring;
pub(super) use touched::Touched;

/// What is written; 1 to 4 are read as well.
const VERSION: u8 = 5;
const HEAD: u8 = b'H';
const MEMBERS: u8 = b'M';
const HOLDS: u8 = b'Q';
/// Holds as version 1 wrote them.
const HOLDS_1: u8 = b'P';
const SALES: u8 = b'S';
const DAYBOOK: u8 = b'B';

/// What an image holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    Whole,
    /// What changed since the image before, which was begun at this sequence.
    Since(Seq),
}

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The bytes are no image.
    #[error("an image cannot be read: {0}")]
    Unreadable(#[from] DecodeError),
    /// Its parts do not make up a shard.
    #[error("an image is not whole: {0}")]
    Incomplete(&'static str),
    /// It was made by another version, or under other rules.
    #[error("an image does not fit: {0}")]
    Foreign(String),
    /// Its books do not hold.
    #[error("an image breaks an invariant: {0}")]
    Violation(#[from] super::invariants::Violation),
    /// A chunk of records that it names cannot be had.
    #[error("chunk {number} of records, which an image names: {what}")]
    Chunk {
        /// Which one.
        number: u64,
        /// Why not.
        what: String,
    },
}

/// An image that has begun.
#[derive(Debug)]
pub struct ImageBegun {
    /// Whose.
    pub shard: ShardIndex,
    /// Behind which entry. The image is worth something only when that entry is durable.
    pub seq: Seq,
    /// The chunks that the image names: they have to be kept, and durable, before the image is.
    pub chunks: std::ops::Range<u64>,
    /// The first part.
    pub head: Vec<u8>,
}

/// Reads of an image nothing but which entries of its shard are settled. Takes the same parts as [`Restoring`].
#[derive(Default)]
pub struct Unsettled(daybook::Gathering);

impl Unsettled {
    /// Takes the next part.
    pub fn take(&mut self, part: &[u8]) -> Result<(), ImageError> {
        match part.split_first() {
            Some((&DAYBOOK, content)) => self.0.take(content),
            _ => Ok(()),
        }
    }

    /// The first entry that was in no settlement when the image was begun: closing its period counts from there on.
    pub fn first(self) -> Result<Seq, ImageError> {
        self.0.first_unsettled()
    }
}

impl Ledger {
    /// Begins an image of the state as it is now. One that was under way is given up; an increment then has to be
    /// preceded by a whole one.
    pub fn begin_image(&mut self, extent: Extent) -> ImageBegun {
        self.requests.keep_full_chunks();
        let head = head::of(self, extent);
        let whole = extent == Extent::Whole;
        let (members, touched) = self.members.slots();
        touched.begin(whole, members.len());
        let (holds, touched) = self.holds.slots();
        touched.begin(whole, holds.len());
        let (sales, touched) = self.stocks.sold.slots();
        touched.begin(whole, sales.len());
        self.copying = Copying::begin(&self.daybook, extent);
        ImageBegun {
            shard: self.shard(),
            seq: self.last_seq(),
            chunks: self.requests.full_chunks(),
            head,
        }
    }

    /// The next part of the image that was begun, of about so many bytes; `None` if there is nothing left.
    pub fn next_image_part(&mut self, bytes: usize) -> Option<Vec<u8>> {
        // A part that holds nothing but its tag would look like the end.
        let bytes = bytes.max(2);
        let (members, touched) = self.members.slots();
        let part = copy(MEMBERS, members, touched, bytes);
        part.or_else(|| {
            let (holds, touched) = self.holds.slots();
            copy(HOLDS, holds, touched, bytes)
        })
        .or_else(|| {
            let (sales, touched) = self.stocks.sold.slots();
            copy(SALES, sales, touched, bytes)
        })
        .or_else(|| self.copying.next(bytes))
    }
}

fn copy<T: bincode::Encode>(
    tag: u8,
    slots: &Slots<T>,
    touched: &mut Touched,
    bytes: usize,
) -> Option<Vec<u8>> {
    let mut part = Vec::with_capacity(bytes + 4_096);
    part.push(tag);
    while part.len() < bytes
        && let Some((slot, saved)) = touched.next()
    {
        records::write(&mut part, &slot);
        match saved {
            Some(record) => part.extend_from_slice(&record),
            None => records::write(&mut part, &slots[slot as usize]),
        }
    }
    (part.len() > 1).then_some(part)
}

#[cfg(test)]
mod tests;
