//! A shard is the single writer of a fixed part of the members: a pure state machine inside an actor.

pub mod actor;
pub mod core;
mod exchange;
mod imaging;
mod parking;
mod reply;
mod search;
#[cfg(test)]
mod tests;

pub use self::core::{Declined, Reply, SEALED_BYTES_MAX, Sealed, ShardCore};
pub use imaging::{ImageOrder, ImagePart};
pub use parking::{Stranger, Wait};
pub use reply::{Held, Said, Share, Ticket};
pub use search::{Found, Search};
