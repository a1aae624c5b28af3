//! All that can happen in a small pool, on the engine's own homes and shares.
//!
//! Three shards, of which the first is the pool's home and sells too. Every shard has what is in memory and what is durable, and
//! any of them becomes durable, or falls back to that, at any instant. A message is delivered whenever its sender's entry is
//! durable, again after the receiver fell back. Members ask, cancel and ask again, and operators change the units, each within a
//! budget; second looks fail within one. Extra units are given in every number that the guard allows.
//!
//! | where | what |
//! |---|---|
//! | `model` | what a model has in it, and what may go wrong in it |
//! | `models` | the models that are explored |
//! | `world` | the three shards, their links, and what is volatile |
//! | `protocol` | what follows on what, by the rules' numbers: what the ledger does around homes and shares |
//! | `action` | one thing that happens, and all that can happen next |
//! | `audit` | what must hold in every state |
//! | `search` | breadth first, with the way to what is wrong |
//! | `progress` | that nothing goes round in a circle |
//!
//! Not in here: confirmations (they move nothing between shards), time and windows, the park's limit, several pools at once, and
//! the links' own counters, which are taken as given.

mod action;
mod audit;
mod model;
mod models;
mod progress;
mod protocol;
mod search;
mod world;

pub use model::{Budget, Demand, Flaw, Grain, Model};
pub use models::{campaign, flawed, small};
pub use search::{Counterexample, Explored, explore};
