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
    /// Replies to some of a shard's part of a batch.
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

/// To whom the reply of a parked command goes.
#[derive(Debug)]
pub enum Ticket {
    /// It came alone.
    One {
        /// Who waits.
        to: oneshot::Sender<Reply>,
        /// Its place inside.
        pass: Pass,
    },
    /// It came in a batch, and is answered apart from the rest.
    OfMany {
        /// Where in the batch.
        place: u32,
        /// Who waits.
        to: mpsc::UnboundedSender<Share>,
        /// Its place inside.
        pass: Pass,
    },
}

/// Replies with their places in the batch.
#[derive(Debug)]
pub struct Share {
    /// Where in the batch each reply belongs.
    pub places: Vec<u32>,
    /// The replies, in the order of `places`.
    pub replies: Vec<Reply>,
}

impl Ticket {
    /// The reply, to be held back.
    #[must_use]
    pub fn with(self, reply: Reply) -> Held {
        match self {
            Self::One { to, pass } => Held::One { reply, to, pass },
            Self::OfMany { place, to, pass } => Held::Many {
                share: Share {
                    places: vec![place],
                    replies: vec![reply],
                },
                to,
                pass,
            },
        }
    }
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
