//! How everything stands at this moment.

use crate::{engine::Engine, ledger::Footprint, limits::Gate};

/// How an engine stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gauges {
    /// Each shard.
    pub shards: Vec<ShardGauges>,
    /// The last durable turn.
    pub durable_turn: u64,
    /// Bytes of the epoch that is written.
    pub epoch_bytes: u64,
    /// The view, if it is kept.
    pub view: Option<ViewGauges>,
    /// The disk.
    pub disk: DiskGauges,
    /// Bytes of old records that wait to be written.
    pub past_unwritten_bytes: u64,
}

/// How a shard stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardGauges {
    /// The gate in front of it.
    pub gate: GateGauges,
    /// Commands that wait for old records.
    pub parked: u64,
    /// What it holds in memory.
    pub footprint: Footprint,
}

/// How a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateGauges {
    /// Commands and reads that are inside.
    pub inside: u64,
    /// How many may be.
    pub most: u64,
    /// How many were ever let in.
    pub entered: u64,
    /// How many were not, since too many were inside.
    pub refused: u64,
}

/// How far the view is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewGauges {
    /// Turns that are durable and not in it.
    pub lag_turns: u64,
    /// How old what it shows last is, in milliseconds; 0 if nothing is missing.
    pub lag_millis: u64,
    /// Entries in it.
    pub entries: u64,
    /// How often it was removed and built again.
    pub rebuilt: u64,
}

/// How much room the disk has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskGauges {
    /// Bytes that may still be written; `None` if the system does not tell.
    pub free_bytes: Option<u64>,
    /// Below so many no commands are taken.
    pub reserve_bytes: u64,
    /// Whether commands are refused for it.
    pub is_short: bool,
}

impl Engine {
    /// How it stands. Asks no shard: also an engine that is overloaded tells at once.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        let inner = &self.0;
        let meters = &inner.meters;
        let shards = inner.shards.iter().zip(&meters.shards);
        let shards = shards.map(|(shard, meters)| ShardGauges {
            gate: shard.gate.gauges(),
            parked: meters.parked(),
            footprint: meters.footprint(),
        });
        // In this order, so that the view is never ahead of what is durable.
        let progress = inner.view.as_ref().map(|view| view.progress());
        let durable_turn = inner.history.durable_turn();
        let view = progress.map(|progress| {
            let lag_turns = durable_turn.saturating_sub(progress.turn);
            let late = self.now().0.saturating_sub(progress.at.0);
            ViewGauges {
                lag_turns,
                lag_millis: if lag_turns == 0 { 0 } else { late },
                entries: progress.entries,
                rebuilt: progress.rebuilt,
            }
        });
        Gauges {
            shards: shards.collect(),
            durable_turn,
            epoch_bytes: meters.turns.epoch_bytes(),
            view,
            disk: inner.disk.gauges(),
            past_unwritten_bytes: inner.past.unwritten_bytes() as u64,
        }
    }
}

impl Gate {
    fn gauges(&self) -> GateGauges {
        GateGauges {
            inside: self.inside() as u64,
            most: self.most() as u64,
            entered: self.meters().entered.get(),
            refused: self.meters().refused.get(),
        }
    }
}
