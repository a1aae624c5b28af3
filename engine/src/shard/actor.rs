//! The actor around a shard: mail in, sealed blocks out. The thinking is in [`ShardCore`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::{Actor, AsyncContext, Context, Handler, Message};
use crossbeam::channel::Sender;
use tokio::sync::{mpsc, oneshot};

use super::{Held, Reply, Sealed, ShardCore, Share};
use crate::{
    clock::Clock,
    ledger::{Document, Ledger, Request},
    limits::Pass,
};

/// How often a shard looks for holds whose time is over.
const EXPIRY_EVERY: Duration = Duration::from_millis(100);
/// How many holds expire at most before other mail is looked at.
const EXPIRIES_PER_LOOK: usize = 256;

/// A read: looks at the ledger at once, and gives what is to be said when all that it saw is durable.
pub type Look = Box<dyn FnOnce(&Ledger) -> Box<dyn FnOnce() + Send> + Send>;

/// A shard's mail.
#[derive(Message)]
#[rtype(result = "()")]
#[allow(missing_docs)]
pub enum Mail {
    One {
        request: Request,
        to: oneshot::Sender<Reply>,
        pass: Pass,
    },
    Many {
        places: Vec<u32>,
        requests: Vec<Request>,
        to: mpsc::UnboundedSender<Share>,
        pass: Pass,
    },
    Look(Look),
    Carry {
        documents: Vec<Document>,
        done: oneshot::Sender<()>,
    },
    /// Seals what has gathered. The shard sends it to itself, so it stands behind all mail that came before.
    Seal,
    /// Seals, and stops.
    Finish,
}

/// One shard at work.
pub struct ShardActor {
    core: ShardCore<Held>,
    clock: Arc<dyn Clock>,
    committer: Sender<Sealed<Held>>,
    /// The shard's last durable sequence, as the committer tells it.
    durable: Arc<AtomicU64>,
    /// Whether a `Seal` is in the mailbox.
    sealing: bool,
}

impl ShardActor {
    /// A shard whose blocks go to `committer`.
    #[must_use]
    pub fn new(
        core: ShardCore<Held>,
        clock: Arc<dyn Clock>,
        committer: Sender<Sealed<Held>>,
        durable: Arc<AtomicU64>,
    ) -> Self {
        Self {
            core,
            clock,
            committer,
            durable,
            sealing: false,
        }
    }

    fn submit_many(&mut self, requests: &[Request]) -> Vec<Reply> {
        let now = self.clock.now();
        let mut replies = Vec::with_capacity(requests.len());
        for request in requests {
            replies.push(self.core.submit(now, request));
            if self.core.is_full() {
                self.seal();
            }
        }
        replies
    }

    fn expire_due(&mut self, ctx: &mut Context<Self>) {
        let now = self.clock.now();
        if self.core.expire_due(now, EXPIRIES_PER_LOOK) > 0 {
            self.seal_soon(ctx);
        }
    }

    fn seal_soon(&mut self, ctx: &mut Context<Self>) {
        if self.core.is_full() {
            self.seal();
        } else if !self.sealing {
            self.sealing = true;
            ctx.notify(Mail::Seal);
        }
    }

    fn seal(&mut self) {
        let Some(sealed) = self.core.seal() else {
            return;
        };
        let nothing_new = sealed.count == 0;
        if nothing_new && self.core.last_seq().0 <= self.durable.load(Ordering::Acquire) {
            sealed.held.into_iter().for_each(Held::speak);
        } else {
            // The committer is gone only after the journal failed. What is held back is then dropped, which tells
            // everybody that the outcome is not known.
            let _ = self.committer.send(sealed);
        }
    }
}

impl Actor for ShardActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(EXPIRY_EVERY, Self::expire_due);
    }
}

impl Drop for ShardActor {
    /// A panic here is a broken invariant: memory can no longer be trusted, and a process that goes on without some of
    /// its shards would be an outage without a reason. What is durable is replayed at the next start.
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(
                shard = self.core.ledger().shard().0,
                "a shard broke off; stopping the process"
            );
            std::process::abort();
        }
    }
}

impl Handler<Mail> for ShardActor {
    type Result = ();

    fn handle(&mut self, mail: Mail, ctx: &mut Self::Context) {
        match mail {
            Mail::One { request, to, pass } => {
                let reply = self.core.submit(self.clock.now(), &request);
                self.core.hold_back(Held::One { reply, to, pass });
            }
            Mail::Many {
                places,
                requests,
                to,
                pass,
            } => {
                let replies = self.submit_many(&requests);
                let share = Share { places, replies };
                self.core.hold_back(Held::Many { share, to, pass });
            }
            Mail::Look(look) => {
                let spoken = look(self.core.ledger());
                self.core.hold_back(Held::Spoken(spoken));
            }
            Mail::Carry { documents, done } => {
                let now = self.clock.now();
                documents
                    .iter()
                    .for_each(|document| self.core.carry(now, document));
                self.core.hold_back(Held::Spoken(Box::new(|| {
                    let _ = done.send(());
                })));
            }
            Mail::Seal => {
                self.sealing = false;
                self.seal();
                return;
            }
            Mail::Finish => {
                self.seal();
                actix::ActorContext::stop(ctx);
                return;
            }
        }
        self.seal_soon(ctx);
    }
}
