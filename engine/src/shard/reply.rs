//! What a shard has to say once it is durable, and to whom.

use tokio::sync::{mpsc, oneshot};

use super::Reply;
use crate::limits::Pass;

/// Something to say as soon as what it is based on is durable. Dropping it instead tells the listener that the outcome
/// is not known.
pub enum Held {
    /// The reply to one request.
    One {
        /// What to say.
        reply: Reply,
        /// To whom.
        to: oneshot::Sender<Reply>,
        /// Given back when said.
        pass: Pass,
    },
    /// The replies to a shard's share of a batch.
    Many {
        /// What to say.
        share: Share,
        /// To whom.
        to: mpsc::UnboundedSender<Share>,
        /// Given back when said.
        pass: Pass,
    },
    /// What a read saw, or the end of a command that answers by itself.
    Spoken(Box<dyn FnOnce() + Send>),
}

/// Replies with their places in the batch.
#[derive(Debug)]
pub struct Share {
    /// Where in the batch each reply belongs.
    pub places: Vec<u32>,
    /// The replies, in the order of `places`.
    pub replies: Vec<Reply>,
}

impl Held {
    /// Says it. A listener that is gone is no concern of ours: its answer is recorded.
    pub fn speak(self) {
        match self {
            Self::One { reply, to, pass } => {
                drop(pass);
                let _ = to.send(reply);
            }
            Self::Many { share, to, pass } => {
                drop(pass);
                let _ = to.send(share);
            }
            Self::Spoken(speak) => speak(),
        }
    }
}
