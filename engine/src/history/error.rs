//! Why what was journaled cannot be kept or read.

use std::{io, path::Path};

use crate::journal::JournalError;

/// Why what was journaled cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A file operation failed.
    #[error("{what}: {error}")]
    Io {
        /// What was tried, on which file.
        what: String,
        /// What the system said.
        error: io::Error,
    },
    /// What is stored cannot be trusted. Names the file, what is lost with it, and what to do. Nothing was touched.
    #[error("{0}")]
    Damaged(String),
    /// It was written by a newer program, or belongs to other data.
    #[error("{0}")]
    Foreign(String),
    /// What was asked for was deleted by an explicit command.
    #[error(
        "what lies behind turn {turn} was deleted; history is complete behind turn {complete_behind}"
    )]
    Forgotten {
        /// From where somebody wanted to read.
        turn: u64,
        /// From where it can be read.
        complete_behind: u64,
    },
    /// The journal of an epoch that is not archived cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl HistoryError {
    /// For `map_err`: names what was tried on which file.
    pub(super) fn io(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{what} {}", path.display());
        move |error| Self::Io { what, error }
    }
}

/// What a start needs of history stops it like the journal does.
impl From<HistoryError> for JournalError {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Io { what, error } => Self::Io { what, error },
            HistoryError::Damaged(what) => Self::Damaged(what),
            HistoryError::Foreign(what) => Self::Foreign(what),
            forgotten @ HistoryError::Forgotten { .. } => Self::Damaged(forgotten.to_string()),
            HistoryError::Journal(error) => error,
        }
    }
}
