//! Why an import did not come to its end, and with which code the process then exits.

use std::{io, path::PathBuf, process::ExitCode};

use crate::ops::Failure;

/// Why an import did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// What can stop any command: wrong usage, a directory that cannot be opened, no signals.
    #[error(transparent)]
    Process(#[from] Failure),
    /// The file's first line names no columns that could be imported.
    #[error("{path}, line 1: {1}", path = .0.display())]
    Header(PathBuf, String),
    /// The file cannot be read.
    #[error("cannot read {path}: {1}", path = .0.display())]
    Read(PathBuf, io::Error),
    /// Something the import needs from the system was not to be had.
    #[error("cannot {0}: {1}")]
    System(String, io::Error),
    /// A merchant of the command line was refused.
    #[error("merchant {0} cannot be made known: {1}")]
    Merchant(String, &'static str),
    /// The data directory is in use; says how to do without it.
    #[error("{0}")]
    InUse(String),
    /// The journal failed. What is recorded shows when the import is run again.
    #[error("the journal failed: {0}; run the same import again to go on")]
    Journal(String),
    /// The engine remembers as many requests as it may.
    #[error(
        "the engine remembers as many requests as it may; run the same import again later to go on"
    )]
    Full,
    /// There is less room on the disk than `--disk-reserve`.
    #[error(
        "the disk is nearly full: free some space, enlarge the disk, or lower --disk-reserve; then run the same import \
         again to go on"
    )]
    DiskFull,
}

impl ImportError {
    /// The exit code of the contract: 1 failed, 2 usage, 3 journal, 4 data directory.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let code = match self {
            Self::Process(failure) => return failure.exit_code(),
            Self::Header(..) => 2,
            Self::Journal(_) => 3,
            Self::InUse(_) => 4,
            Self::Read(..)
            | Self::System(..)
            | Self::Merchant(..)
            | Self::Full
            | Self::DiskFull => 1,
        };
        ExitCode::from(code)
    }

    pub(super) fn usage(what: impl Into<String>) -> Self {
        Failure::Usage(what.into()).into()
    }
}
