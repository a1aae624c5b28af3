//! Pools: bounded quantities that all shards share. Pure: states, messages, and what each does to the other.
//!
//! A pool's [`Home`] hands out units; a shard sells from its [`Share`] without asking. When it is short it asks for one command at
//! a time. A refusal needs an instant at which fewer units were on sale anywhere than were asked for: home sees to that. The rules
//! are numbered as in the description of the protocol (S: at a shard, H: at home).

mod home;
mod message;
mod share;
mod units;

pub use home::{Asker, Home, Pass, Phase, Restock, Step, Waiting};
pub use message::{PoolMessage, ToHome, ToShard};
pub use share::{Place, Share};
pub use units::Units;
