//! A run as it was asked for, once everything is checked.

use std::fmt;
use std::time::Duration;

use hyper::header::HeaderValue;

use crate::names::RunId;
use crate::pacer::Pacer;
use crate::quantity::Rate;
use crate::sale::Sale;
use crate::target::Target;
use crate::workload::Mix;

/// Everything that makes a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server under load.
    pub target: Target,
    /// What the commands are authorised with.
    pub key: Key,
    /// Open loop at a rate, or closed loop.
    pub load: Load,
    /// How long is measured.
    pub duration: Duration,
    /// How long the same load runs before anything is measured.
    pub warmup: Duration,
    /// How long after the end of the plan answers are waited for, and free connections for what is still queued.
    pub drain: Duration,
    /// Connections in all, at least as many as threads.
    pub connections: u32,
    /// Worker threads.
    pub threads: u32,
    /// Commands per request; 1 uses the one-command endpoints.
    pub batch: u32,
    /// How many members the commands are spread over, evenly.
    pub members: u64,
    /// Which commands are drawn.
    pub mix: Mix,
    /// Where the draw starts.
    pub seed: u64,
    /// Makes the request ids of this run its own.
    pub run_id: RunId,
    /// Talk to the endpoints of the same server that parse and answer but decide nothing.
    pub noop: bool,
    /// Make the merchants and members first.
    pub setup: bool,
    /// What is put on sale first, where units are reserved. Such a run is followed by a look at its stock.
    pub sale: Option<Sale>,
}

impl Settings {
    /// The plan of an open-loop run; `None` in a closed loop, which has none.
    #[must_use]
    pub fn pacer(&self) -> Option<Pacer> {
        match self.load {
            Load::Open(rate) => Some(Pacer::constant(rate, u64::from(self.batch))),
            Load::Closed => None,
        }
    }

    /// From the first planned request to the end of the plan.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.warmup + self.duration
    }
}

/// When is the next request sent?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// When the plan says so, at this rate, whether or not the server has answered.
    Open(Rate),
    /// As soon as the last one on the same connection is answered.
    Closed,
}

/// The value of the `Authorization` header. Never shown.
#[derive(Clone)]
pub struct Key(HeaderValue);

impl Key {
    pub(crate) const fn authorization(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// A key that cannot be sent in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key has only visible ASCII characters")]
pub struct KeyError;

impl std::str::FromStr for Key {
    type Err = KeyError;

    fn from_str(key: &str) -> Result<Self, KeyError> {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeyError);
        }
        let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| KeyError)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}
