//! What was asked for, as it stands in the result.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::sale::Sale;
use crate::scenario::Scenario;
use crate::settings::{Load, Settings};
use crate::workload::Mix;

/// What was asked for. Time spans in milliseconds.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[expect(
    missing_docs,
    reason = "the options of the command line, documented there"
)]
pub struct SettingsReport {
    pub scenario: Scenario,
    pub url: String,
    pub door: DoorReport,
    /// The brokers, if the load went through the queue.
    pub mq: Option<String>,
    pub closed: bool,
    /// The shape of the load as it is written on the command line; `recorded` if it came from a file, none in a closed loop.
    pub profile: Option<String>,
    pub duration_ms: u64,
    pub warmup_ms: u64,
    pub drain_ms: u64,
    pub connections: u32,
    pub threads: u32,
    pub batch: u32,
    pub members: u64,
    pub spread: String,
    pub merchant_spread: String,
    pub mix: Mix,
    pub resend: f64,
    /// The file that was replayed.
    pub replay: Option<String>,
    pub noop: bool,
    pub dry_run: bool,
    pub setup: bool,
    pub audit: bool,
    pub skus: Option<u64>,
    pub units: Option<u64>,
    pub price_points: Option<u64>,
    pub per_member_limit: Option<u64>,
}

impl From<&Settings> for SettingsReport {
    fn from(settings: &Settings) -> Self {
        let of_sale = |part: fn(Sale) -> Option<u64>| settings.sale.and_then(part);
        let replay = settings.replay.as_ref();
        Self {
            scenario: settings.scenario,
            url: settings.target.to_string(),
            door: settings.into(),
            mq: settings.mq.as_ref().map(ToString::to_string),
            closed: settings.load == Load::Closed,
            profile: match &settings.load {
                Load::Open(profile) => Some(profile.to_string()),
                Load::Recorded => Some("recorded".to_owned()),
                Load::Closed => None,
            },
            duration_ms: millis(settings.duration),
            warmup_ms: millis(settings.warmup),
            drain_ms: millis(settings.drain),
            connections: settings.connections,
            threads: settings.threads,
            batch: settings.batch,
            members: settings.members,
            spread: settings.member_spread.to_string(),
            merchant_spread: settings.merchant_spread.to_string(),
            mix: settings.mix,
            resend: settings.resend,
            replay: replay.map(|recording| recording.path().display().to_string()),
            noop: settings.noop,
            dry_run: settings.dry,
            setup: settings.setup,
            audit: settings.audit,
            skus: of_sale(|sale| Some(sale.skus)),
            units: of_sale(|sale| Some(sale.units)),
            price_points: of_sale(|sale| Some(sale.price_points)),
            per_member_limit: of_sale(|sale| sale.per_member_limit),
        }
    }
}

/// Where the commands go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DoorReport {
    /// One connection, one request in flight.
    Http,
    /// NATS JetStream. A connection is then a client with one message in flight.
    Queue,
}

impl From<&Settings> for DoorReport {
    fn from(settings: &Settings) -> Self {
        if settings.mq.is_some() {
            Self::Queue
        } else {
            Self::Http
        }
    }
}

pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
