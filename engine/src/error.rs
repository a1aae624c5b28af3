//! What can go wrong that is nobody's decision.

use crate::journal::JournalError;

/// Why a request got no decision, or none that may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The shard has as much to do as it may take on, or old records wait for the disk. Nothing was done; try again
    /// shortly.
    #[error("the shard is busy")]
    Overloaded,
    /// The engine is stopping. Nothing was done.
    #[error("the engine is stopping")]
    Stopping,
    /// The journal or the store of old records failed with the request under way: whether it is recorded shows only
    /// after a restart. Sending the same request id again tells.
    #[error("whether the request is recorded is not known")]
    OutcomeUnknown,
}

/// Why the engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The journal, or what belongs to it.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}
