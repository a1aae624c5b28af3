//! Why a tool did not do what it was asked for, and with which code the process then exits.

use std::{io, path::Path, process::ExitCode};

use jifen_engine::{
    OpenError, checkpoint::CheckpointError, history::HistoryError, journal::JournalError,
};

use super::super::{Failure, control::ControlError};

/// Why a tool did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    /// Wrong usage, or a data directory that cannot be opened.
    #[error(transparent)]
    Process(#[from] Failure),
    /// A journal that cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// History that cannot be read.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A server that cannot be asked.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A checkpoint that cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// What is stored cannot be trusted. Says what is lost and what to do.
    #[error("{0}")]
    Damaged(String),
    /// It cannot be done as things are; says what to do.
    #[error("{0}")]
    Refused(String),
    /// A file operation failed.
    #[error("cannot {0}: {1}")]
    File(String, io::Error),
    /// Standard output cannot be written. That its reader has gone is no failure.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
}

impl ToolError {
    /// For `map_err`: what was tried on which file.
    pub(crate) fn file(what: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{what} {}", path.display());
        move |error| Self::File(what, error)
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Failure::Usage(what.into()).into()
    }

    /// Whether what is stored cannot be trusted.
    pub(crate) const fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Damaged(_)
                | Self::Checkpoint(CheckpointError::Damaged { .. } | CheckpointError::Image(_))
                | Self::Journal(JournalError::Damaged(_) | JournalError::Foreign(_))
                | Self::History(HistoryError::Damaged(_) | HistoryError::Foreign(_))
                | Self::History(HistoryError::Journal(
                    JournalError::Damaged(_) | JournalError::Foreign(_)
                ))
        )
    }

    /// The exit code of the contract: 0 done, 1 failed, 2 usage, 4 damaged or in use. Nothing is said of a reader who
    /// has seen enough.
    pub(crate) fn exit(self) -> ExitCode {
        let code = match &self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitCode::SUCCESS;
            }
            Self::Process(failure) => failure.exit_code(),
            Self::Journal(JournalError::InUse(_)) | Self::Control(ControlError::Silent(..)) => {
                ExitCode::from(4)
            }
            error if error.is_damage() => ExitCode::from(4),
            _ => ExitCode::FAILURE,
        };
        eprintln!("{self}");
        code
    }
}

impl From<OpenError> for ToolError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Journal(error) => error.into(),
            OpenError::History(error) => error.into(),
            thread @ OpenError::Thread(_) => Failure::from(thread).into(),
        }
    }
}
