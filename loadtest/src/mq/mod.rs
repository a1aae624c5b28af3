//! The message queue as a door: the same commands through NATS JetStream instead of over HTTP.
//!
//! | module | |
//! |---|---|
//! | `options` | where the broker is, and who we are to it, as `jifen serve` is told |
//! | `post` | a client of the broker: publishes requests, and hears answers |
//! | `sorting` | which of those who wait an answer is for; pure |
//! | `heard` | an answer of the queue, as HTTP would have given it |
//! | `probe` | does the server take commands from there, and as whose |

mod heard;
mod options;
mod post;
mod probe;
mod sorting;

pub(crate) use options::BATCH_MAX;
pub use options::{Mq, MqArgs, MqError};
pub(crate) use post::{Post, PostError};
pub(crate) use probe::probe;
