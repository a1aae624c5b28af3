//! What can go wrong that is nobody's decision.

use crate::{history::HistoryError, journal::JournalError};

/// Why a request got no decision, or none that may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The shard has as much to do as it may take on, or old records wait for the disk. Nothing was done; try again
    /// shortly.
    #[error("the shard is busy")]
    Overloaded,
    /// The disk has less room than its reserve. Nothing was done; try again when there is room.
    #[error("the disk is nearly full")]
    DiskFull,
    /// The view that statements are made from is not there, or cannot be read; try again shortly.
    #[error("what was asked for cannot be read")]
    Unreadable,
    /// The engine is stopping. Nothing was done.
    #[error("the engine is stopping")]
    Stopping,
    /// The journal or the store of old records failed with the request under way: whether it is recorded shows only
    /// after a restart. Sending the same request id again tells.
    #[error("whether the request is recorded is not known")]
    OutcomeUnknown,
}

/// Why no checkpoint was taken on request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointRefused {
    /// The engine keeps nothing on disk.
    #[error("the engine has no data directory")]
    NoDirectory,
    /// The engine is stopping.
    #[error("the engine is stopping")]
    Stopping,
    /// A file could not be written or read back. The journal has everything; try again.
    #[error("{0}")]
    Failed(String),
}

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The journal, or what belongs to it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An archive, or the list of archives.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}
