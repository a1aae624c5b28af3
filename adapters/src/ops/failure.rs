//! Why the process ends, and with which exit code.

use std::{io, net::SocketAddr, path::PathBuf, process::ExitCode};

use crate::mq::StartError;
use jifen_engine::{OpenError, history::HistoryError, journal::JournalError};

/// Why the process ends before it is told to.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line or the environment asks for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// The data directory cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file with the keys cannot be read or written.
    #[error("{path}: {1}", path = .0.display())]
    Keys(PathBuf, io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The queue cannot be served as it is.
    #[error("the message queue: {0}")]
    Queue(StartError),
    /// The server ended by itself.
    #[error("the server ended: {0}")]
    Server(io::Error),
    /// The system does not tell of signals.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// The journal failed under way. What is recorded shows at the next start.
    #[error("the journal failed: {0}")]
    Journal(String),
}

impl Failure {
    /// The exit code of the contract.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Queue(StartError::Refused(_) | StartError::NotReady(_)) => 2,
            Self::Open(OpenError::Journal(
                JournalError::Damaged(_) | JournalError::InUse(_) | JournalError::Foreign(_),
            ))
            | Self::Open(OpenError::History(
                HistoryError::Damaged(_)
                | HistoryError::Foreign(_)
                | HistoryError::Forgotten { .. },
            )) => 4,
            Self::Open(OpenError::Journal(_) | OpenError::History(_)) | Self::Journal(_) => 3,
            Self::Open(OpenError::Thread(_))
            | Self::Keys(..)
            | Self::Listen(..)
            | Self::Queue(StartError::Thread(_))
            | Self::Server(_)
            | Self::Signals(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        let open = |error: JournalError| Failure::Open(error.into());
        for (failure, code) in [
            (Failure::Usage(String::new()), 2),
            (open(JournalError::Damaged(String::new())), 4),
            (open(JournalError::InUse(PathBuf::new())), 4),
            (open(JournalError::Foreign(String::new())), 4),
            (open(JournalError::OnDemand), 3),
            (Failure::Journal(String::new()), 3),
            (Failure::Server(io::Error::other("")), 1),
        ] {
            assert_eq!(failure.code(), code, "{failure:?}");
        }
    }
}
