//! Where entries become durable.
//!
//! | where | what |
//! |---|---|
//! | `block` | the format |
//! | `committer` | one turn: the blocks of all shards, one device sync, then the replies |
//! | `sled_journal` | the default: sled on disk with every sync that sled leaves out |
//! | `runway` | zeros ahead of sled's file, so that a sync brings the device no new length |
//! | `sled_threads` | keeps sled's spare threads out of the way |
//! | `as_it_was` | puts back what a refused start did to the files |
//! | `memory` | its twin in memory, which tears, loses and fails on demand |
//! | `head`, `manifest`, `identity` | what is known of a journal from outside it |
//! | `whole_file` | how the small ones of such files are written |
//! | `epoch`, `epochs` | the row of epochs that a journal is, and where they are kept |
//! | `turns` | from values back to checked turns |
//! | `recovery` | from a journal back to the ledgers |

mod applying;
pub mod as_it_was;
pub mod block;
pub mod committer;
pub mod epoch;
pub mod epochs;
pub mod head;
pub mod identity;
pub mod manifest;
pub mod memory;
pub mod recovery;
mod runway;
pub mod sled_journal;
mod sled_threads;
pub mod turns;
pub(crate) mod whole_file;

use std::{io, ops::ControlFlow, path::PathBuf, sync::Arc};

/// Why a journal cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file operation failed.
    #[error("{what}: {error}")]
    Io {
        /// What was tried, on which file.
        what: String,
        /// What the system said.
        error: io::Error,
    },
    /// sled failed.
    #[error("sled: {0}")]
    Sled(#[from] sled::Error),
    /// What is stored cannot be trusted. Nothing was touched.
    #[error("the journal is damaged: {0}")]
    Damaged(String),
    /// Another process works on the directory.
    #[error("{} is in use by another process; stop it first, or name another directory with --data", .0.display())]
    InUse(PathBuf),
    /// The directory was made by a version or with settings that this program does not know.
    #[error("{0}")]
    Foreign(String),
    /// The in-memory journal was told to fail here.
    #[error("the journal failed on demand")]
    OnDemand,
}

impl JournalError {
    /// For `map_err`: names what was tried.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }
}

/// Looks at a value, and tells whether to go on.
pub type Visit<'a> = dyn FnMut(&[u8]) -> Result<ControlFlow<()>, JournalError> + 'a;

/// Reads an epoch while it is being written.
pub trait EpochReader: Send + Sync {
    /// Shows the values of turns behind `turn`, in the order of turn and part, with the epoch's head if that lies there.
    /// What was appended last may not be durable yet: the caller knows how far to go, and breaks off.
    fn read_behind(&self, turn: u64, visit: &mut Visit<'_>) -> Result<(), JournalError>;

    /// One value of a turn.
    fn value(&self, turn: u64, part: u16) -> Result<Option<Vec<u8>>, JournalError>;
}

/// Makes the turns of one epoch durable and reads them back.
pub trait Journal: Send {
    /// Stores the values of a turn; returns only when they are on the device. After an error nothing may be appended:
    /// a sync that failed is never tried again.
    fn append(&mut self, turn: u64, values: &[Vec<u8>]) -> Result<(), JournalError>;

    /// How long the device took to sync what was appended last, in nanoseconds; `None` if there is no device.
    fn last_sync_nanos(&self) -> Option<u64> {
        None
    }

    /// Shows every value in the order of turn and part. The visitor's error ends it.
    fn read(
        &mut self,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), JournalError>,
    ) -> Result<(), JournalError>;

    /// Removes what was stored behind this turn: a tail that never became durable as a whole.
    fn truncate_behind(&mut self, turn: u64) -> Result<(), JournalError>;

    /// Something that reads what is here, from any thread, for as long as it likes.
    fn reader(&self) -> Arc<dyn EpochReader>;
}
