//! The message queue: commands in and answers out over NATS JetStream.
//!
//! The effect of a command is exactly once however often its message is delivered: that is the request ids, as through every
//! door. What is here only sees to it that no message is acknowledged before its entries are durable and its answers
//! published, so that nothing is lost; and that what can never be processed does not come back for ever.
//!
//! | where | what |
//! |---|---|
//! | `connect` | the connection, which comes back by itself |
//! | `names`, `streams` | what is called how, and what must be there |
//! | `ingress` | one lane for each sender, for as long as the connection stands |
//! | `lane` | one sender's commands, from the queue to their answers, in four stages |
//! | `take`, `decide`, `tell` | the stages |
//! | `hand` | what was taken and not acknowledged; why there can be no storm of redeliveries |
//! | `waiting` | what was put back, and whose lane stands still for it |
//! | `publish`, `publishing` | the feed of events, and how far it has come |
//! | `worker` | the threads of both |
//! | `standing` | what readiness and metrics tell |

mod connect;
mod decide;
mod hand;
mod ingress;
mod lane;
mod names;
mod publish;
mod publishing;
mod standing;
mod streams;
mod take;
mod tell;
mod waiting;
mod worker;

pub use connect::{Login, Options, Refused};
pub use ingress::{Queue, StartError};
pub use lane::Desk;
pub use names::{COMMANDS, DEAD, PART_HEADER, REASON_HEADER, RESULTS, SEQUENCE_HEADER};
pub use publish::{CURSOR_HEADER, EVENTS, Publisher, Source};
pub use publishing::{PublishCounts, Publishing};
pub use standing::{Counts, Standing};
pub use streams::{MESSAGE_BYTES_MAX, NotReady};
