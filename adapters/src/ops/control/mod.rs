//! The control socket: how tools ask the process that works on a data directory.
//!
//! `DIR/control` is a unix socket for the user who runs the server. A client sends one line, the server answers one
//! line of JSON, and after `values` a stream; then the connection ends.
//!
//! ```text
//! status              what runs there
//! checkpoint          everything durable at this moment goes into archives and images
//! values TURN         the values behind a turn: (length:4 value)… and a length of 0 at the end
//! forget EPOCH        deletes the archives before an epoch
//! ```
//!
//! A stream that ends without its 0 was cut off. What failed is told as `{"error": "…"}`.
//!
//! | where | what |
//! |---|---|
//! | `server` | the socket of the running server |
//! | `client` | asking it |
//! | `address` | names of sockets are short, those of directories are not |

mod address;
mod client;
mod server;

use jifen_engine::{checkpoint::CheckpointFacts, ledger::Rules};
use serde::{Deserialize, Serialize};

use super::journal::ShardState;

pub(crate) use client::{Client, ControlError, VisitValue};
pub use server::Control;

/// The socket's name in a data directory.
const NAME: &str = "control";
/// Longer than every line that a client may send.
const LINE_BYTES_MAX: u64 = 64;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Status,
    Checkpoint,
    Values { behind: u64 },
    Forget { before: u32 },
}

impl Ask {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let ask = match words.next()? {
            "status" => Self::Status,
            "checkpoint" => Self::Checkpoint,
            "values" => Self::Values {
                behind: words.next()?.parse().ok()?,
            },
            "forget" => Self::Forget {
                before: words.next()?.parse().ok()?,
            },
            _ => return None,
        };
        words.next().is_none().then_some(ask)
    }

    fn line(self) -> String {
        match self {
            Self::Status => "status\n".to_owned(),
            Self::Checkpoint => "checkpoint\n".to_owned(),
            Self::Values { behind } => format!("values {behind}\n"),
            Self::Forget { before } => format!("forget {before}\n"),
        }
    }
}

/// Told where there is nothing to tell but that it is done, and in front of a stream of values.
#[derive(Serialize, Deserialize)]
struct Nothing {}

/// One line of the server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Told<T> {
    Failed { error: String },
    Done(T),
}

/// What runs on a data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// The program's version.
    pub(crate) version: String,
    /// Its process.
    pub(crate) pid: u32,
    /// The last durable turn.
    pub(crate) turn: u64,
    /// How much each shard remembers, on which its state hash depends.
    pub(crate) keeping: Keeping,
}

/// The rules that say how much a shard remembers; two ledgers have equal state hashes only under equal ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Keeping {
    pub(crate) reversal_window_seconds: u64,
    pub(crate) request_retention_seconds: u64,
    pub(crate) request_bytes_max: usize,
    pub(crate) request_disk_bytes_max: u64,
    pub(crate) record_chunk_bytes: usize,
}

impl Keeping {
    /// What these rules say of it.
    pub(crate) const fn of(rules: &Rules) -> Self {
        Self {
            reversal_window_seconds: rules.reversal_window_seconds,
            request_retention_seconds: rules.request_retention_seconds,
            request_bytes_max: rules.request_bytes_max,
            request_disk_bytes_max: rules.request_disk_bytes_max,
            record_chunk_bytes: rules.record_chunk_bytes,
        }
    }

    /// Makes these rules say the same.
    pub(crate) const fn rule(&self, rules: &mut Rules) {
        rules.reversal_window_seconds = self.reversal_window_seconds;
        rules.request_retention_seconds = self.request_retention_seconds;
        rules.request_bytes_max = self.request_bytes_max;
        rules.request_disk_bytes_max = self.request_disk_bytes_max;
        rules.record_chunk_bytes = self.record_chunk_bytes;
    }
}

/// What a checkpoint has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Everything before this epoch is archived.
    pub(crate) epoch: u32,
    /// What every shard's image holds.
    pub(crate) states: Vec<ShardState>,
    /// The files of the images, below the data directory's `images`.
    pub(crate) files: Vec<String>,
}

impl From<CheckpointFacts> for Checkpoint {
    fn from(facts: CheckpointFacts) -> Self {
        let states = (0..).zip(&facts.shards).map(|(shard, state)| ShardState {
            shard,
            seq: state.seq.0,
            state_hash: state.hash.to_string(),
        });
        Self {
            epoch: facts.epoch.0,
            states: states.collect(),
            files: facts.files,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_understood_and_nothing_else() {
        for ask in [
            Ask::Status,
            Ask::Checkpoint,
            Ask::Values { behind: u64::MAX },
            Ask::Forget { before: u32::MAX },
        ] {
            assert_eq!(Ask::parse(&ask.line()), Some(ask));
            assert!((ask.line().len() as u64) < LINE_BYTES_MAX);
        }
        for line in ["", "stop", "values", "values x", "values -1", "status now"] {
            assert_eq!(Ask::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn a_failure_is_told_from_an_answer() {
        let read = |text: &str| serde_json::from_str::<Told<Checkpoint>>(text).unwrap();
        let done = r#"{"epoch":7,"states":[],"files":[]}"#;
        assert!(matches!(read(done), Told::Done(made) if made.epoch == 7));
        assert!(matches!(read(r#"{"error":"no"}"#), Told::Failed { error } if error == "no"));
    }
}
