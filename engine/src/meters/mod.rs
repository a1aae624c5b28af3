//! What the engine counts and measures about itself. Plain numbers: how they are shown is for others.
//!
//! On the way of a command nothing here locks or takes memory. Every shard has its own, so that no two threads fight over
//! a number; whoever shows them adds them up.
//!
//! | where | what |
//! |---|---|
//! | `histogram` | distributions |
//! | `gauges` | how everything stands at this moment |

mod gauges;
mod histogram;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crossbeam::utils::CachePadded;

pub use gauges::{DiskGauges, GateGauges, Gauges, ShardGauges, ViewGauges};
pub use histogram::{Distribution, Histogram, SCHEMA, Scale};

use crate::{
    journal::committer::LastTurn,
    ledger::{Footprint, UnixMillis},
};

/// A part of the way of a command through the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// From being let in until its shard looks at it.
    Queued,
    /// Until it is decided, waiting for old records included.
    Decided,
    /// Until its entry, or what its answer is based on, is on the device.
    Durable,
    /// Until whoever submitted it has the answer in hand.
    Replied,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Decided, Self::Durable, Self::Replied];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Decided => "decided",
            Self::Durable => "durable",
            Self::Replied => "replied",
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds so many.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many there were.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything that an engine counts.
#[derive(Debug)]
pub struct Meters {
    /// Of each shard.
    pub shards: Vec<Arc<ShardMeters>>,
    /// Of the committer.
    pub turns: TurnMeters,
    /// Of the keeper of checkpoints.
    pub checkpoints: CheckpointMeters,
    /// Commands that were not let in, since the disk is nearly full.
    pub refused_for_disk: Counter,
    /// Commands that were not let in, since too many old records wait to be written.
    pub refused_for_old_records: Counter,
}

impl Meters {
    /// For so many shards.
    #[must_use]
    pub fn new(shards: usize) -> Self {
        Self {
            shards: (0..shards).map(|_| Arc::default()).collect(),
            turns: TurnMeters::default(),
            checkpoints: CheckpointMeters::default(),
            refused_for_disk: Counter::default(),
            refused_for_old_records: Counter::default(),
        }
    }

    /// How long commands were in a stage, in all shards together.
    #[must_use]
    pub fn stage(&self, stage: Stage) -> Distribution {
        let mut all = Distribution::none(Scale::Seconds);
        for shard in &self.shards {
            all.add(&shard.stages[stage as usize]);
        }
        all
    }
}

/// What is counted of one shard.
#[derive(Debug)]
pub struct ShardMeters {
    /// A batch is observed once for each of its commands.
    stages: [CachePadded<Histogram>; 4],
    /// Passes that were given, for commands and reads.
    pub(crate) entered: Counter,
    /// Passes that were not given, since too many were inside.
    pub(crate) refused: Counter,
    parked: AtomicU64,
    footprint: FootprintGauges,
}

#[derive(Debug, Default)]
struct FootprintGauges {
    members: AtomicU64,
    holds: AtomicU64,
    requests: AtomicU64,
    request_bytes: AtomicU64,
}

impl Default for ShardMeters {
    fn default() -> Self {
        Self {
            stages: [(); 4].map(|()| CachePadded::new(Histogram::new(Scale::Seconds))),
            entered: Counter::default(),
            refused: Counter::default(),
            parked: AtomicU64::new(0),
            footprint: FootprintGauges::default(),
        }
    }
}

impl ShardMeters {
    /// So many commands were in a stage for so many nanoseconds.
    pub(crate) fn passed(&self, stage: Stage, nanos: u64, commands: usize) {
        self.stages[stage as usize].observe(nanos, commands as u64);
    }

    /// How the shard stands. Told a few times a second: nobody asks a busy shard for it.
    pub(crate) fn note(&self, footprint: Footprint, parked: usize) {
        let gauges = &self.footprint;
        for (gauge, value) in [
            (&gauges.members, footprint.members),
            (&gauges.holds, footprint.holds),
            (&gauges.requests, footprint.requests),
            (&gauges.request_bytes, footprint.request_bytes),
            (&self.parked, parked as u64),
        ] {
            gauge.store(value, Ordering::Relaxed);
        }
    }

    /// What the shard holds, as it was told last.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let get = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        Footprint {
            members: get(&self.footprint.members),
            holds: get(&self.footprint.holds),
            requests: get(&self.footprint.requests),
            request_bytes: get(&self.footprint.request_bytes),
        }
    }

    /// How many commands wait for old records, as it was told last.
    #[must_use]
    pub fn parked(&self) -> u64 {
        self.parked.load(Ordering::Relaxed)
    }
}

/// What is counted of turns.
#[derive(Debug)]
pub struct TurnMeters {
    /// Entries per turn.
    pub entries: Histogram,
    /// Bytes per turn.
    pub bytes: Histogram,
    /// From handing a turn to the journal until it was durable.
    pub durable: Histogram,
    /// The part of that which the device took for its sync.
    pub syncs: Histogram,
    /// Bytes of the epoch that is written.
    epoch_bytes: AtomicU64,
}

impl Default for TurnMeters {
    fn default() -> Self {
        Self {
            entries: Histogram::new(Scale::Whole),
            bytes: Histogram::new(Scale::Whole),
            durable: Histogram::new(Scale::Seconds),
            syncs: Histogram::new(Scale::Seconds),
            epoch_bytes: AtomicU64::new(0),
        }
    }
}

impl TurnMeters {
    /// A turn is durable.
    pub(crate) fn turned(&self, turn: &LastTurn) {
        self.entries.observe(turn.entries, 1);
        self.bytes.observe(turn.bytes, 1);
        self.durable.observe(turn.nanos, 1);
        if let Some(nanos) = turn.sync_nanos {
            self.syncs.observe(nanos, 1);
        }
    }

    pub(crate) fn note_epoch(&self, bytes: u64) {
        self.epoch_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Bytes of the epoch that is written.
    #[must_use]
    pub fn epoch_bytes(&self) -> u64 {
        self.epoch_bytes.load(Ordering::Relaxed)
    }
}

/// What is counted of checkpoints.
#[derive(Debug)]
pub struct CheckpointMeters {
    /// How long those took that were completed.
    pub took: Histogram,
    /// How many could not be completed.
    pub failed: Counter,
    /// When the newest was completed, in milliseconds; 0 if there is none.
    completed_at: AtomicU64,
}

impl Default for CheckpointMeters {
    fn default() -> Self {
        Self {
            took: Histogram::new(Scale::Seconds),
            failed: Counter::default(),
            completed_at: AtomicU64::new(0),
        }
    }
}

impl CheckpointMeters {
    pub(crate) fn completed(&self, at: UnixMillis) {
        self.completed_at.store(at.0, Ordering::Relaxed);
    }

    /// When the newest was completed, by this process or an earlier one; `None` if there is none.
    #[must_use]
    pub fn completed_at(&self) -> Option<UnixMillis> {
        let at = self.completed_at.load(Ordering::Relaxed);
        (at > 0).then_some(UnixMillis(at))
    }
}
