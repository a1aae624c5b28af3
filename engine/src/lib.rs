//! The engine of Jifen: a points ledger, kept by shards in memory and made durable by a journal.
//!
//! A command goes through [`Engine`] to the shard of its member, is decided and applied there by the pure [`ledger`],
//! joins the next turn of the [`journal`]'s committer, and is answered when that turn is on the device.

pub mod checkpoint;
pub mod clearing;
mod clock;
pub mod closing;
pub mod disk;
mod engine;
mod error;
pub mod feed;
pub mod history;
mod host;
pub mod journal;
pub mod ledger;
mod limits;
pub mod link;
pub mod meters;
mod open;
mod outbox;
pub mod past;
pub mod pool;
mod posting;
pub mod reads;
mod router;
pub mod shard;
mod start;
pub mod view;

pub use clock::{Clock, Stopwatch, SystemClock};
pub use engine::{Engine, Outcome};
pub use error::{CheckpointRefused, EngineError, OpenError};
pub use limits::Limits;
pub use open::{DataDirectory, Opened, Options};
pub use posting::Posted;
pub use router::{ROUTER_VERSION, Router, SHARDS_MAX};
pub use start::{Keeping, Parts};
