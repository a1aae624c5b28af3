//! Why the comparison could not go on.

use std::{io, path::PathBuf};

/// Why the comparison could not go on. Whatever goes wrong ends it: figures of a run with errors are worth nothing.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The operating system said no.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What it said.
        source: io::Error,
    },
    /// A system gave an answer that the work does not allow for.
    #[error("{system} answered: {said}")]
    Answer {
        /// Which one.
        system: &'static str,
        /// The beginning of what it said.
        said: String,
    },
    /// A program that has to be there is not.
    #[error("{program} is not there; as root: apt-get install {package}")]
    Missing {
        /// Where it was looked for.
        program: PathBuf,
        /// The Debian package that it comes with.
        package: &'static str,
    },
    /// A system did what it must not.
    #[error("{system} is wrong: {what}")]
    Wrong {
        /// Which one.
        system: &'static str,
        /// What it did.
        what: String,
    },
    /// A server did not do in time what it has to.
    #[error("{0}")]
    TooLate(String),
    /// Results that were kept cannot be read or written.
    #[error("results: {0}")]
    Results(#[from] serde_json::Error),
    /// The plot could not be drawn.
    #[error("plot: {0}")]
    Plot(String),
}

impl Trouble {
    /// For `map_err`: what was tried when the operating system said no.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |source| Self::Io { what, source }
    }

    /// An unexpected answer, shortened.
    #[must_use]
    pub fn answer(system: &'static str, said: &[u8]) -> Self {
        let said = String::from_utf8_lossy(&said[..said.len().min(500)]).into_owned();
        Self::Answer { system, said }
    }
}
