//! What a pool's home and the shards that sell from it tell each other.

use bincode::{BorrowDecode, Encode};

use super::Units;
use crate::ledger::Seq;

/// From a shard to the pool's home. The order of the variants is journaled: add at the end, never remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub enum ToHome {
    /// A command waits for so many units, all or none.
    Ask {
        /// The command, by the entry that began it.
        ticket: Seq,
        /// How many.
        quantity: Units,
    },
    /// The answer to a recall: what was free here, and is no more.
    Said {
        /// Which recall.
        round: u32,
        /// How many.
        units: Units,
    },
    /// Units come home that a closed shard must not keep.
    Back {
        /// How many.
        units: Units,
    },
    /// What became of the units that were granted to a command.
    Settled {
        /// The command.
        ticket: Seq,
        /// How many were granted.
        quantity: Units,
        /// Whether it took them; else they come home.
        used: bool,
    },
}

/// From a pool's home to a shard. The order of the variants is journaled: add at the end, never remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub enum ToShard {
    /// So many units for the command that asked, and some more to sell without asking.
    Grant {
        /// The command.
        ticket: Seq,
        /// For it alone.
        quantity: Units,
        /// For anybody.
        extra: Units,
    },
    /// The command is refused.
    No {
        /// The command.
        ticket: Seq,
        /// Whether the shard may refuse at once from now on: nothing is on sale.
        mark: bool,
        /// How often the pool was sold out before; older news are to be ignored by whoever shows them.
        epoch: u32,
    },
    /// Give back what is free, drop the mark, and keep nothing that comes back.
    Recall {
        /// Which recall; the answer names it.
        round: u32,
    },
    /// Units to sell, unasked.
    Allot {
        /// How many.
        extra: Units,
    },
}

/// Either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
#[allow(missing_docs)]
pub enum PoolMessage {
    ToHome(ToHome),
    ToShard(ToShard),
}
