//! Why a run could not take place. What goes wrong during a run is not here: it is counted.

use std::path::PathBuf;

use hyper::StatusCode;

use crate::mq::MqError;
use crate::profile::ProfileError;
use crate::replay::ReplayError;
use crate::target::Target;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The options do not fit together.
    #[error("{0}")]
    Usage(&'static str),
    /// The message queue cannot be what is meant.
    #[error(transparent)]
    Mq(#[from] MqError),
    /// Nobody takes commands from the message queue, or not these.
    #[error(
        "no load can go through {mq}: {cause}\n\
         Start the server with `jifen serve --mq {mq}`, and look at --mq-user, its password and its permissions, and at \
         --mq-principal, who must have a key."
    )]
    Queue {
        /// The brokers.
        mq: String,
        /// What they or the server said.
        cause: String,
    },
    /// The shape of load does not fit the run.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The file that is to be replayed is not good.
    #[error("cannot replay: {0}")]
    Replay(#[from] ReplayError),
    /// A result of an earlier run cannot be read.
    #[error("cannot read the result {}: {cause}", path.display())]
    Result {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// Nobody answers.
    #[error(
        "no server answers at {target}: {cause}\n\
         Start one with `jifen serve`, or name another with --url."
    )]
    Unreachable {
        /// Where it was tried.
        target: Target,
        /// What the system said.
        cause: String,
    },
    /// 401 or 403.
    #[error(
        "the server at {target} does not accept the key ({status})\n\
         Give the operator key that the server was started with, as --key or in JIFEN_OPERATOR_KEY; without one of its own \
         the server shows the key at its first start."
    )]
    Key {
        /// Where it was tried.
        target: Target,
        /// 401: nobody's key. 403: not allowed to do this.
        status: StatusCode,
    },
    /// The server does nothing under `/debug`.
    #[error(
        "the server at {target} has no {path} ({status})\n\
         It has it only when started with `jifen serve --debug-endpoints`."
    )]
    NoDebugEndpoints {
        /// Where it was tried.
        target: Target,
        /// Which endpoint.
        path: &'static str,
        /// What it said instead.
        status: StatusCode,
    },
    /// Merchants or members could not be made.
    #[error("the setup failed at {step}: {cause}")]
    Setup {
        /// What was being made.
        step: &'static str,
        /// What the server said.
        cause: String,
    },
    /// A sale could not be put.
    #[error("the sale failed at {step}: {cause}")]
    Sale {
        /// What was being done.
        step: &'static str,
        /// What the server said.
        cause: String,
    },
    /// A server of our own did not start, or not again.
    #[error("the server could not be kept running: {0}")]
    Chaos(std::io::Error),
    /// The result cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Out {
        /// The file given with `--out` or the like.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The generator's own machine does not give it what it needs.
    #[error("the generator could not run: {0}")]
    System(#[from] std::io::Error),
}

impl RunError {
    /// The exit code of the process.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::Mq(_)
            | Self::Queue { .. }
            | Self::Profile(_)
            | Self::Replay(_)
            | Self::Result { .. }
            | Self::Unreachable { .. }
            | Self::Key { .. }
            | Self::NoDebugEndpoints { .. } => 2,
            Self::Out { .. } => 2,
            Self::Setup { .. } | Self::Sale { .. } | Self::Chaos(_) | Self::System(_) => 1,
        }
    }
}
