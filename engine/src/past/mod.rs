//! What no longer fits memory: records of old requests and transactions, in chunks as the ledgers fill them.
//!
//! Nothing here has to be durable for its own sake: a chunk follows from the journal's entries alone, and a replay makes
//! the very same ones. So what a start finds is kept only if it is what the replay made. Only chunks that an image names
//! are synced, before the image is put in place; and those stay, whatever has become too old meanwhile, until no image names
//! them that is kept.
//!
//! | where | what |
//! |---|---|
//! | `store` | which chunks there are, what is still to be written, and reading them back |
//! | `frame` | what stands in front of a chunk, to tell a whole one from a torn one |
//! | `files` | the shelf in a data directory: one file per chunk |
//! | `memory` | its twin in memory, for tests and for engines without a directory |

mod files;
mod frame;
mod memory;
mod store;

use std::{fmt, io};

pub use files::FileShelf;
pub use memory::MemoryShelf;
pub use store::{Job, Loaded, Past};

use crate::{
    journal::JournalError,
    ledger::{ChunkNumber, ShardIndex},
};

/// Which chunk of which shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Whose records.
    pub shard: ShardIndex,
    /// 0, 1, 2 … in the order in which they filled up.
    pub number: u64,
}

impl Place {
    /// The place of a shard's chunk.
    #[must_use]
    pub const fn of(shard: ShardIndex, chunk: ChunkNumber) -> Self {
        Self {
            shard,
            number: chunk.0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shard.0, self.number)
    }
}

/// Where framed chunks lie.
pub trait Shelf: Send + Sync {
    /// Puts a chunk in its place, given in two pieces; it is there whole or not at all for everybody who looks, though
    /// not after a power failure.
    fn put(&self, place: Place, pieces: [&[u8]; 2]) -> io::Result<()>;

    /// Sees to it that what lies in a place is there after a power failure too.
    fn sync(&self, place: Place) -> io::Result<()>;

    /// What lies in a place, if anything.
    fn get(&self, place: Place) -> io::Result<Option<Vec<u8>>>;

    /// Clears a place; it may be clear already.
    fn clear(&self, place: Place) -> io::Result<()>;

    /// Every place where something lies, in order.
    fn places(&self) -> io::Result<Vec<Place>>;
}

/// Why old records cannot be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// A file operation failed.
    #[error("{what}: {error}")]
    Io {
        /// What was tried, on which chunk.
        what: String,
        /// What the system said.
        error: io::Error,
    },
    /// A chunk that was written is gone or changed. A restart makes it again.
    #[error("chunk {place} of old records is damaged: {what}; a restart makes it again")]
    Damaged {
        /// Which one.
        place: Place,
        /// How it shows.
        what: &'static str,
    },
}

impl PastError {
    fn io(what: &str, place: Place) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{what} chunk {place} of old records");
        move |error| Self::Io { what, error }
    }
}

/// At a start old records are made from the journal, and what goes wrong there stops the start like the journal.
impl From<PastError> for JournalError {
    fn from(error: PastError) -> Self {
        match error {
            PastError::Io { what, error } => Self::Io { what, error },
            damaged @ PastError::Damaged { .. } => Self::Damaged(damaged.to_string()),
        }
    }
}
