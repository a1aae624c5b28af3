//! What a shard has to say once it is durable, and to whom.

use tokio::sync::{mpsc, oneshot};

use super::Reply;
use crate::{clock::Stopwatch, limits::Pass, meters::Stage};

/// Something that was said, and when, if that is measured.
#[derive(Debug)]
pub struct Said<T> {
    /// What.
    pub what: T,
    /// When.
    pub at: Option<Stopwatch>,
}

/// Something to say as soon as what it is based on is durable. Dropping it instead tells the listener that the outcome
/// is not known.
pub enum Held {
    /// The reply to one request.
    One {
        /// What to say.
        reply: Reply,
        /// To whom.
        to: oneshot::Sender<Said<Reply>>,
        /// Given back when said.
        pass: Pass,
    },
    /// Replies to some of a shard's part of a batch.
    Many {
        /// What to say.
        share: Share,
        /// To whom.
        to: mpsc::UnboundedSender<Said<Share>>,
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
        to: oneshot::Sender<Said<Reply>>,
        /// Its place inside.
        pass: Pass,
    },
    /// It came in a batch, and is answered apart from the rest.
    OfMany {
        /// Where in the batch.
        place: u32,
        /// Who waits.
        to: mpsc::UnboundedSender<Said<Share>>,
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
            Self::One { to, mut pass } => {
                pass.passed(Stage::Decided);
                Held::One { reply, to, pass }
            }
            Self::OfMany {
                place,
                to,
                mut pass,
            } => {
                pass.passed(Stage::Decided);
                let share = Share {
                    places: vec![place],
                    replies: vec![reply],
                };
                Held::Many { share, to, pass }
            }
        }
    }
}

impl Held {
    /// Says it. A listener that is gone is no concern of ours: its answer is recorded.
    pub fn speak(self) {
        match self {
            Self::One {
                reply,
                to,
                mut pass,
            } => {
                let at = pass.passed(Stage::Durable);
                drop(pass);
                let _ = to.send(Said { what: reply, at });
            }
            Self::Many {
                share,
                to,
                mut pass,
            } => {
                let at = pass.passed(Stage::Durable);
                drop(pass);
                let _ = to.send(Said { what: share, at });
            }
            Self::Spoken(speak) => speak(),
        }
    }
}
