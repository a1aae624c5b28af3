//! The engine at work: shards in actors, one committer, and the way in for commands and reads.

use std::{
    fs::File,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use actix::{Actor, Addr, Arbiter};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    clock::Clock,
    error::{EngineError, OpenError},
    host,
    journal::{
        Journal,
        committer::{Committer, TurnFigures},
        head::HeadFile,
        recovery::Recovered,
    },
    ledger::{
        Code, Command, Details, Document, Facts, Ledger, MemberId, MerchantId, Need, Request,
        ShardIndex, Verdict,
    },
    limits::{Gate, Limits, Pass},
    past::Past,
    router::Router,
    shard::{
        Declined, Found, Reply, Search, ShardCore,
        actor::{Mail, Outlets, ShardActor},
    },
};

/// What an engine is made of.
pub struct Parts {
    /// Places members on shards.
    pub router: Router,
    /// The shards' state, replayed.
    pub ledgers: Vec<Ledger>,
    /// Where entries become durable.
    pub journal: Box<dyn Journal>,
    /// Where that journal stands, and what the ledgers do not keep in memory.
    pub recovered: Recovered,
    /// Where to note how far the journal is, if anywhere.
    pub head: Option<HeadFile>,
    /// Bounds.
    pub limits: Limits,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// The data directory's lock, given back when the engine ends.
    pub lock: Option<File>,
}

/// A running engine. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    router: Router,
    shards: Vec<Shard>,
    arbiters: Vec<Arbiter>,
    past: Arc<Past>,
    stopping: AtomicBool,
    failed: watch::Receiver<Option<String>>,
    threads: Mutex<Option<host::Threads>>,
}

struct Shard {
    address: Addr<ShardActor>,
    gate: Arc<Gate>,
}

/// What became of a request: a decision, or the reason why there is none to tell.
pub type Outcome = Result<Reply, EngineError>;

impl Engine {
    /// Starts the shards and the committer. To be called on a thread that runs an actix system.
    pub fn start(parts: Parts) -> Result<Self, OpenError> {
        let documents: Vec<Document> = parts.ledgers[usize::from(Router::DOCUMENTS.0)]
            .merchants()
            .map(crate::ledger::Merchant::document)
            .collect();
        let committer = Committer::new(parts.journal, parts.recovered.chains, parts.recovered.turn);
        let durable: Vec<Arc<AtomicU64>> = parts
            .ledgers
            .iter()
            .map(|ledger| Arc::new(AtomicU64::new(ledger.last_seq().0)))
            .collect();
        let past = Arc::new(parts.recovered.past);
        let running = host::start(
            committer,
            parts.head,
            durable.clone(),
            Arc::clone(&past),
            parts.lock,
        )?;
        let outlets = Outlets {
            committer: running.inbox,
            past: Arc::clone(&past),
            failure: running.failure,
        };
        let arbiters: Vec<Arbiter> = (0..parts.limits.host_threads.max(1))
            .map(|_| Arbiter::new())
            .collect();
        let grace = parts.limits.recovery_grace_seconds;
        let no_expiry_before = parts.clock.now().plus_seconds(grace);
        let shards = parts
            .ledgers
            .into_iter()
            .zip(durable)
            .enumerate()
            .map(|(place, (ledger, durable))| {
                let actor = ShardActor::new(
                    ShardCore::new(ledger, no_expiry_before),
                    Arc::clone(&parts.clock),
                    outlets.clone(),
                    durable,
                );
                let arbiter = arbiters[place % arbiters.len()].handle();
                Shard {
                    address: ShardActor::start_in_arbiter(&arbiter, |_| actor),
                    gate: Gate::new(parts.limits.commands_per_shard),
                }
            })
            .collect();
        let engine = Self(Arc::new(Inner {
            router: parts.router,
            shards,
            arbiters,
            past,
            stopping: AtomicBool::new(false),
            failed: running.failed,
            threads: Mutex::new(Some(running.threads)),
        }));
        // A crash may have come between shard 0's decision and its arrival elsewhere. Mail is read in order, so every
        // command that is submitted from now on finds the documents.
        drop(engine.carry(&documents));
        Ok(engine)
    }

    /// How members are placed.
    #[must_use]
    pub fn router(&self) -> Router {
        self.0.router
    }

    /// Has a request decided; answers when that is durable.
    pub async fn submit(&self, request: Request) -> Outcome {
        let Some(shard) = self.0.router.command(request.command()) else {
            return Ok(Err(no_such_shard(&request)));
        };
        let document = document_of(&request);
        let (shard, pass) = self.admit(shard, 1)?;
        let (to, reply) = oneshot::channel();
        shard.address.do_send(Mail::One { request, to, pass });
        let reply = reply.await.map_err(|_| EngineError::OutcomeUnknown)?;
        if let Some(merchant) = document {
            self.carry_accepted(&merchant, &reply).await?;
        }
        Ok(reply)
    }

    /// Has many requests decided, with one hop per shard; answers in their order when all are durable. Requests for the
    /// same member are looked at in their order.
    pub async fn submit_many(&self, requests: Vec<Request>) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(requests.len());
        let mut split: Vec<(Vec<u32>, Vec<Request>)> = Vec::new();
        split.resize_with(self.0.shards.len(), Default::default);
        let mut documents = Vec::new();
        let expected = requests.len() / self.0.shards.len() + 8;
        for (place, request) in (0_u32..).zip(requests) {
            // Stands until a reply takes its place.
            outcomes.push(Err(EngineError::OutcomeUnknown));
            match self.0.router.command(request.command()) {
                Some(shard) => {
                    documents.extend(document_of(&request).map(|merchant| (place, merchant)));
                    let (places, share) = &mut split[usize::from(shard.0)];
                    if share.is_empty() {
                        places.reserve(expected);
                        share.reserve(expected);
                    }
                    places.push(place);
                    share.push(request);
                }
                None => outcomes[place as usize] = Ok(Err(no_such_shard(&request))),
            }
        }
        let (to, mut shares) = mpsc::unbounded_channel();
        for (shard, (places, requests)) in (0..).map(ShardIndex).zip(split) {
            if requests.is_empty() {
                continue;
            }
            match self.admit(shard, requests.len()) {
                Ok((shard, pass)) => shard.address.do_send(Mail::Many {
                    places,
                    requests,
                    to: to.clone(),
                    pass,
                }),
                Err(error) => places
                    .iter()
                    .for_each(|&place| outcomes[place as usize] = Err(error)),
            }
        }
        drop(to);
        while let Some(share) = shares.recv().await {
            for (place, reply) in share.places.into_iter().zip(share.replies) {
                outcomes[place as usize] = Ok(reply);
            }
        }
        for (place, merchant) in documents {
            if let Ok(reply) = &outcomes[place as usize]
                && let Err(error) = self.carry_accepted(&merchant, reply).await
            {
                outcomes[place as usize] = Err(error);
            }
        }
        outcomes
    }

    /// Looks at a shard's ledger, and answers when all that was seen is durable. A look waits in the same queue as
    /// commands and counts as one.
    pub async fn look<T: Send + 'static>(
        &self,
        shard: ShardIndex,
        look: impl FnOnce(&Ledger) -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let pass = self.enter(shard)?;
        self.look_with(shard, None, Some(pass), look).await
    }

    /// Looks at the ledger of a member's shard, after everything that is due of the member was recorded.
    pub(crate) async fn look_at<T: Send + 'static>(
        &self,
        member: MemberId,
        look: impl FnOnce(&Ledger) -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let shard = self.router().member(&member);
        let pass = self.enter(shard)?;
        self.look_with(shard, Some(member), Some(pass), look).await
    }

    /// Looks at a shard's ledger as often as it takes to load the old records that the look needs.
    pub(crate) async fn search<T: Send + 'static>(
        &self,
        shard: ShardIndex,
        mut look: impl FnMut(&Ledger, &Facts) -> Result<T, Need> + Send + 'static,
    ) -> Result<T, EngineError> {
        let pass = self.enter(shard)?;
        let (to, seen) = oneshot::channel();
        let mut waiting = Some((to, pass));
        let search = Search::new(move |ledger, facts| {
            let seen = look(ledger, facts)?;
            let waiting = waiting.take();
            Ok(Box::new(move || {
                if let Some((to, pass)) = waiting {
                    drop(pass);
                    let _ = to.send(seen);
                }
            }) as Found)
        });
        self.shard(shard)?.address.do_send(Mail::Search(search));
        seen.await.map_err(|_| EngineError::OutcomeUnknown)
    }

    /// Waits until the journal or the store of old records fails, and tells how. Never ends while all is well.
    pub async fn failed(&self) -> String {
        let mut failed = self.0.failed.clone();
        match failed.wait_for(Option::is_some).await {
            Ok(what) => what.clone().unwrap_or_default(),
            // All threads have ended in good order.
            Err(_) => std::future::pending().await,
        }
    }

    /// Takes no more commands, answers those that were taken, and ends all threads. Tells how the turns went; `None` if
    /// that was told before.
    pub async fn shut_down(&self) -> Option<TurnFigures> {
        self.0.stopping.store(true, Ordering::Release);
        let finished: Vec<_> = self.0.shards.iter().map(Shard::finish).collect();
        for finished in finished {
            let _ = finished.await;
        }
        for arbiter in &self.0.arbiters {
            arbiter.stop();
        }
        let threads = self
            .0
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        tokio::task::spawn_blocking(|| threads.join()).await.ok()
    }

    /// Brings an accepted document to all shards; it is answered when every shard has it durable. A retry that is
    /// answered from memory waits for the same.
    async fn carry_accepted(
        &self,
        merchant: &MerchantId,
        reply: &Reply,
    ) -> Result<(), EngineError> {
        let Ok(answer) = reply else { return Ok(()) };
        if !matches!(answer.verdict, Verdict::Accepted(Details::Document { .. })) {
            return Ok(());
        }
        let merchant = merchant.clone();
        // The command was let in; what is left to do for it asks for no other pass.
        let document = self
            .look_with(Router::DOCUMENTS, None, None, move |ledger| {
                ledger.document(&merchant)
            })
            .await?;
        for arrived in self.carry(document.as_slice()) {
            arrived.await.map_err(|_| EngineError::OutcomeUnknown)?;
        }
        Ok(())
    }

    async fn look_with<T: Send + 'static>(
        &self,
        shard: ShardIndex,
        due: Option<MemberId>,
        pass: Option<Pass>,
        look: impl FnOnce(&Ledger) -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let (to, seen) = oneshot::channel();
        let look = Box::new(move |ledger: &Ledger| {
            let seen = look(ledger);
            Box::new(move || {
                drop(pass);
                let _ = to.send(seen);
            }) as Found
        });
        let address = &self.shard(shard)?.address;
        address.do_send(Mail::Look { due, look });
        seen.await.map_err(|_| EngineError::OutcomeUnknown)
    }

    fn carry(&self, documents: &[Document]) -> Vec<oneshot::Receiver<()>> {
        let elsewhere = self
            .0
            .shards
            .iter()
            .skip(usize::from(Router::DOCUMENTS.0) + 1);
        elsewhere
            .map(|shard| {
                let (done, arrived) = oneshot::channel();
                let documents = documents.to_vec();
                shard.address.do_send(Mail::Carry { documents, done });
                arrived
            })
            .collect()
    }

    /// Lets commands in.
    fn admit(&self, shard: ShardIndex, count: usize) -> Result<(&Shard, Pass), EngineError> {
        let shard = self.shard(shard)?;
        if self.0.past.is_behind() {
            return Err(EngineError::Overloaded);
        }
        let pass = shard.gate.enter(count).ok_or(EngineError::Overloaded)?;
        Ok((shard, pass))
    }

    /// Lets a read in.
    fn enter(&self, shard: ShardIndex) -> Result<Pass, EngineError> {
        let gate = &self.shard(shard)?.gate;
        gate.enter(1).ok_or(EngineError::Overloaded)
    }

    fn shard(&self, shard: ShardIndex) -> Result<&Shard, EngineError> {
        if self.0.stopping.load(Ordering::Acquire) {
            return Err(EngineError::Stopping);
        }
        Ok(&self.0.shards[usize::from(shard.0)])
    }
}

impl Shard {
    /// Tells the shard to come to an end; what it answers with is dropped when it has.
    fn finish(&self) -> oneshot::Receiver<()> {
        let (done, finished) = oneshot::channel();
        self.address.do_send(Mail::Finish(done));
        finished
    }
}

fn document_of(request: &Request) -> Option<MerchantId> {
    match request.command() {
        Command::PutMerchant(put) => Some(put.merchant.clone()),
        _ => None,
    }
}

/// Only a hold or a transaction names its shard itself.
fn no_such_shard(request: &Request) -> Declined {
    let code = match request.command() {
        Command::Reverse(_) => Code::TransactionNotFound,
        _ => Code::HoldNotFound,
    };
    Declined {
        id: request.id().clone(),
        kind: request.command().kind(),
        refusal: code.into(),
    }
}
