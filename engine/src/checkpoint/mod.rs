//! Checkpoints: images of all shards, so that a start need not replay everything there ever was.
//!
//! ```text
//! DIR/images/000007.json       the checkpoint that was taken when epoch 7 began: for every shard, its image
//! DIR/images/000007-0003.img   the image of shard 3: the whole, or what changed since the one before
//! ```
//!
//! The journal rolls to a new epoch; then each shard copies its state, piece by piece, between its other mail. An image
//! is put in place once its last entry is durable, and the checkpoint once all of its images are there. So whatever an
//! image lacks is in the epoch that the checkpoint is called after, or behind it.
//!
//! | where | what |
//! |---|---|
//! | `file` | an image on disk |
//! | `listing` | which checkpoints there are |
//! | `load` | from a checkpoint back to ledgers |
//! | `keeper` | the thread that takes them, and has the epochs behind them archived |

pub(crate) mod file;
pub(crate) mod keeper;
mod listing;
mod load;

use std::{io, path::PathBuf};

pub use listing::{Images, Listing, ShardImage};
pub use load::{LoadedShard, first_unsettled, load, load_shard};

use crate::{
    history::HistoryError,
    journal::{JournalError, epoch::Epoch},
    ledger::{ImageError, Seq, StateHash},
    past::PastError,
};

/// Why a checkpoint cannot be taken or used. Nothing is lost by it: the journal has everything.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file operation failed.
    #[error("{what}: {error}")]
    Io {
        /// What was tried, on which file.
        what: String,
        /// What the system said.
        error: io::Error,
    },
    /// A file is not what was written.
    #[error("{}: {what}", .path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// How it shows.
        what: String,
    },
    /// The images do not make up a ledger.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Chunks of old records could not be made durable.
    #[error(transparent)]
    Past(#[from] PastError),
    /// The next epoch could not be opened, or an old one not removed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An epoch could not be archived.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// What is free is kept for the journal.
    #[error("the disk is nearly full: no images are written until there is room again")]
    DiskFull,
    /// The engine is stopping, or the journal failed.
    #[error("the engine is stopping")]
    Stopping,
}

impl CheckpointError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }
}

/// A checkpoint that was taken on request, and read back.
#[derive(Clone, Debug)]
pub struct CheckpointFacts {
    /// Everything before this epoch is archived, and the images behind it are in place.
    pub epoch: Epoch,
    /// Where each shard's image stands, and the hash of the state that it gives when it is read.
    pub shards: Vec<ShardState>,
    /// The files of the checkpoint, below the data directory's `images`.
    pub files: Vec<String>,
}

/// The state of a shard at one sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardState {
    /// Behind which entry.
    pub seq: Seq,
    /// The ledger's state hash.
    pub hash: StateHash,
}
