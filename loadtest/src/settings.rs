//! A run as it was asked for, once everything is checked.

use std::fmt;
use std::time::Duration;

use hyper::header::HeaderValue;

use crate::chaos::Chaos;
use crate::mq::Mq;
use crate::names::RunId;
use crate::pacer::Pacer;
use crate::profile::Profile;
use crate::replay::Recording;
use crate::sale::Sale;
use crate::scenario::Scenario;
use crate::slo::Slo;
use crate::spread::Spread;
use crate::target::Target;
use crate::workload::Mix;

/// Everything that makes a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server under load.
    pub target: Target,
    /// Where the load is posted instead; `target` still serves what is not load.
    pub mq: Option<Mq>,
    /// What the commands are authorised with.
    pub key: Key,
    /// Which named scenario this is, if nothing of it was changed but where it goes and how long it takes.
    pub scenario: Scenario,
    /// Open loop at a rate, or closed loop.
    pub load: Load,
    /// How long is measured.
    pub duration: Duration,
    /// How long the same load runs before anything is measured.
    pub warmup: Duration,
    /// How long after the end of the plan answers are waited for, and free connections for what is still queued.
    pub drain: Duration,
    /// How long an answer is waited for to what is not load, such as the audit's questions, and how long it is asked for again.
    pub patience: Duration,
    /// Connections in all, at least as many as threads.
    pub connections: u32,
    /// Worker threads.
    pub threads: u32,
    /// Commands per request; 1 uses the one-command endpoints.
    pub batch: u32,
    /// How many members the commands are spread over.
    pub members: u64,
    /// How.
    pub member_spread: Spread,
    /// How they are spread over the merchants.
    pub merchant_spread: Spread,
    /// Which commands are drawn.
    pub mix: Mix,
    /// Share of the requests (0 to 1) that are sent once more with the same request ids.
    pub resend: f64,
    /// Commands from a file instead of drawn ones.
    pub replay: Option<Recording>,
    /// Where the draw starts.
    pub seed: u64,
    /// Makes the request ids of this run its own.
    pub run_id: RunId,
    /// Whether somebody chose the run id, who may have chosen it before. One of our own is new.
    pub is_run_id_chosen: bool,
    /// Talk to the endpoints of the same server that parse and answer but decide nothing.
    pub noop: bool,
    /// Make the merchants and members first.
    pub setup: bool,
    /// What is put on sale first, where units are reserved. Such a run is followed by a look at its stock.
    pub sale: Option<Sale>,
    /// Remember what was answered, and at the end ask the server whether it still says so.
    pub audit: bool,
    /// Run the server as a child and kill it now and then; `target` is then not used.
    pub chaos: Option<Chaos>,
    /// Plan, write and record everything, but open no connection: every request is accepted at once by nobody.
    pub dry: bool,
    /// What the run has to keep to be good, beyond carrying out its plan.
    pub slos: Vec<Slo>,
}

impl Settings {
    /// The canonical workload against this server.
    #[must_use]
    pub fn canonical(target: Target, key: Key) -> Self {
        let defaults = Scenario::Canonical.defaults();
        Self {
            target,
            mq: None,
            key,
            scenario: Scenario::Canonical,
            load: Load::Open(defaults.profile),
            duration: defaults.duration,
            warmup: defaults.warmup,
            drain: Duration::from_secs(10),
            patience: Duration::from_secs(30),
            connections: defaults.connections,
            threads: 1,
            batch: 1,
            members: defaults.members,
            member_spread: defaults.member_spread,
            merchant_spread: defaults.merchant_spread,
            mix: defaults.mix,
            resend: defaults.resend,
            replay: None,
            seed: 42,
            run_id: RunId::from_clock(jiff::Timestamp::now()),
            is_run_id_chosen: false,
            noop: false,
            setup: true,
            sale: None,
            audit: true,
            chaos: None,
            dry: false,
            slos: Vec::new(),
        }
    }

    /// The plan of an open-loop run; `None` in a closed loop, which has none.
    #[must_use]
    pub fn pacer(&self) -> Option<Pacer> {
        let curve = match &self.load {
            Load::Open(profile) => profile.curve(self.warmup, self.duration),
            Load::Recorded => self.replay.as_ref()?.curve()?,
            Load::Closed => return None,
        };
        Some(Pacer::following(curve, u64::from(self.batch)))
    }

    /// Whether the books are audited: only what a server has decided can be, and only commands that can be drawn again.
    #[must_use]
    pub const fn is_audited(&self) -> bool {
        self.audit && !self.noop && !self.dry && self.replay.is_none()
    }

    /// Whether a first answer may say that it is a replay: somebody has used the run id before, or the queue has given the
    /// command to the server twice.
    #[must_use]
    pub const fn may_be_replayed(&self) -> bool {
        self.is_run_id_chosen || self.mq.is_some()
    }

    /// From the first planned request to the end of the plan.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.warmup + self.duration
    }
}

/// When is the next request sent?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Load {
    /// When the plan says so, at this rate, whether or not the server has answered.
    Open(Profile),
    /// The same, at the times that are in the file that is replayed.
    Recorded,
    /// As soon as the last one on the same connection is answered.
    Closed,
}

/// The value of the `Authorization` header. Never shown.
#[derive(Clone)]
pub struct Key(HeaderValue);

impl Key {
    /// The key alone, as a server is given it.
    pub(crate) fn secret(&self) -> &str {
        let value = self.0.to_str().unwrap_or_default();
        value.strip_prefix("Bearer ").unwrap_or(value)
    }

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
