//! Why a period cannot be closed.

use std::io;

use crate::{clearing::SettleError, history::HistoryError, ledger::invariants::Violation};

/// What went wrong. Nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The engine ends, or its journal has failed.
    #[error("the engine ends; closing goes on with the next start")]
    Stopping,
    /// A shard's clock is not behind the period.
    #[error("shard {0} has not come to the end of the period")]
    NotOver(u16),
    /// A shard's books do not hold.
    #[error("the books of shard {shard} do not hold: {violation}")]
    Books {
        /// Which.
        shard: u16,
        /// What is broken.
        violation: Violation,
    },
    /// The daybook begins in the middle of what is to be settled.
    #[error(
        "the daybook of shard {shard} begins with entry {from}, an image of an older version; remove the images, and the next \
         start counts from the journal"
    )]
    Partial {
        /// Which.
        shard: u16,
        /// Its first entry.
        from: u64,
    },
    /// The period's entries were deleted.
    #[error("the journal of the period was deleted, so that it cannot be counted again")]
    Forgotten,
    /// The journal cannot be read.
    #[error("the journal cannot be read: {0}")]
    History(#[from] HistoryError),
    /// A part of it is no entry.
    #[error("the journal cannot be read: {0}")]
    Unreadable(String),
    /// Counting again gives something else.
    #[error("the positions are not what the journal says: {0}")]
    Differs(String),
    /// The period cannot be settled.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// The settlement is not in balance.
    #[error("the settlement does not hold: {0}")]
    Unproven(String),
    /// The files cannot be written or read.
    #[error("the settlement's files: {0}")]
    Files(#[from] io::Error),
    /// A file is not what it was when it was written.
    #[error("{0}")]
    Damaged(String),
}
