//! Bounds of the engine as a whole. What the ledger judges by is in `ledger::Rules`.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::{
    clock::Stopwatch,
    meters::{ShardMeters, Stage},
};

/// Sizes and times that an operator may set.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many commands may be on their way through one shard. More are refused at once with `overloaded`.
    pub commands_per_shard: usize,
    /// How many threads host the shards.
    pub host_threads: usize,
    /// How long after a start no hold expires, in seconds.
    pub recovery_grace_seconds: u64,
    /// How many bytes of old records may wait to be written to disk. At this point new commands are refused with
    /// `overloaded`; those that are inside can add a little more.
    pub past_unwritten_bytes_max: usize,
    /// How many bytes must be free on the data directory's disk. Below that new commands are refused with `disk full`,
    /// while there is still room to finish what is inside; 0 refuses none.
    pub disk_reserve_bytes: u64,
    /// How long an epoch of the journal gets before the next one begins and all shards are imaged, in bytes. A start
    /// replays up to about so much.
    pub checkpoint_bytes: u64,
    /// Whether it is measured how long commands take.
    pub metered: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            commands_per_shard: 16_384,
            host_threads: std::thread::available_parallelism().map_or(2, usize::from),
            recovery_grace_seconds: 10,
            past_unwritten_bytes_max: 64 << 20,
            disk_reserve_bytes: 512 << 20,
            checkpoint_bytes: 512 << 20,
            metered: true,
        }
    }
}

/// Counts the commands on their way through a shard. It stands in front of the actor's mailbox, whose own bound does
/// not hold: a clone of an address always gets a free slot.
#[derive(Debug)]
pub(crate) struct Gate {
    inside: AtomicUsize,
    most: usize,
    meters: Arc<ShardMeters>,
    metered: bool,
}

impl Gate {
    pub(crate) fn new(most: usize, meters: Arc<ShardMeters>, metered: bool) -> Arc<Self> {
        Arc::new(Self {
            inside: AtomicUsize::new(0),
            most,
            meters,
            metered,
        })
    }

    /// Lets `count` commands in, all or none.
    pub(crate) fn enter(self: &Arc<Self>, count: usize) -> Option<Pass> {
        let before = self.inside.fetch_add(count, Ordering::AcqRel);
        let pass = Pass {
            gate: Arc::clone(self),
            count,
            since: self.metered.then(Stopwatch::start),
        };
        // Dropping the pass takes back what was added.
        if before + count > self.most {
            self.meters.refused.add(count as u64);
            return None;
        }
        if self.metered {
            self.meters.entered.add(count as u64);
        }
        Some(pass)
    }

    /// Answers to so many commands arrived that were spoken at this time.
    pub(crate) fn heard(&self, spoken: Option<Stopwatch>, count: usize) {
        if let Some(spoken) = spoken {
            self.meters.passed(Stage::Replied, spoken.nanos(), count);
        }
    }

    /// How many are inside.
    pub(crate) fn inside(&self) -> usize {
        self.inside.load(Ordering::Relaxed)
    }

    /// How many may be.
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// What is counted here.
    pub(crate) fn meters(&self) -> &ShardMeters {
        &self.meters
    }
}

/// The right of some commands to be inside; given back when their answers have left.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    count: usize,
    /// When the stage began that the commands are in, if that is measured.
    since: Option<Stopwatch>,
}

impl Pass {
    /// The commands have gone through a stage, and the next begins. Tells when that was.
    pub(crate) fn passed(&mut self, stage: Stage) -> Option<Stopwatch> {
        let since = self.since?;
        let now = Stopwatch::start();
        let nanos = now.nanos_since(since);
        self.gate.meters.passed(stage, nanos, self.count);
        self.since = Some(now);
        self.since
    }

    /// The right of one of these commands, which goes a way of its own from here on.
    pub(crate) fn split_off(&mut self) -> Self {
        self.count -= 1;
        Self {
            gate: Arc::clone(&self.gate),
            count: 1,
            since: self.since,
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.inside.fetch_sub(self.count, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_lets_in_all_or_none_and_forgets_nobody() {
        let gate = Gate::new(3, Arc::default(), true);
        let two = gate.enter(2).unwrap();
        assert!(gate.enter(2).is_none());
        let one = gate.enter(1).unwrap();
        assert!(gate.enter(1).is_none());
        drop((one, two));
        assert!(gate.enter(3).is_some());
    }

    #[test]
    fn what_is_split_off_is_given_back_by_itself() {
        let gate = Gate::new(3, Arc::default(), true);
        let mut three = gate.enter(3).unwrap();
        let one = three.split_off();
        drop(three);
        assert!(gate.enter(3).is_none());
        assert!(gate.enter(2).is_some());
        drop(one);
        assert!(gate.enter(3).is_some());
    }
}
