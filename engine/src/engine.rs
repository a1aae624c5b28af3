//! The engine at work: shards in actors, one committer, and the way in for commands and reads.

use std::{
    fs::File,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use actix::{Addr, Arbiter};
use tokio::sync::{oneshot, watch};

use crate::{
    checkpoint::{CheckpointFacts, keeper::Order},
    clock::{Clock, Stopwatch},
    closing::Closer,
    disk::Disk,
    error::{CheckpointRefused, EngineError},
    feed::Feed,
    history::History,
    host,
    journal::committer::TurnFigures,
    ledger::{
        Code, Command, Details, Document, Facts, Ledger, MemberId, Need, Request, ShardIndex,
        UnixMillis, Verdict,
    },
    limits::{Gate, Pass},
    meters::Meters,
    past::Past,
    posting::Posted,
    router::Router,
    shard::{
        Declined, Found, Reply, Search,
        actor::{Mail, ShardActor},
    },
    view::View,
};

/// A running engine. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) router: Router,
    pub(crate) shards: Vec<Shard>,
    pub(crate) arbiters: Vec<Arbiter>,
    pub(crate) past: Arc<Past>,
    pub(crate) disk: Arc<Disk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) history: Arc<History>,
    pub(crate) view: Option<Arc<View>>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) closer: Arc<Closer>,
    /// Where checkpoints are ordered, if any are taken.
    pub(crate) orders: Option<crossbeam::channel::Sender<Order>>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) failed: watch::Receiver<Option<String>>,
    pub(crate) threads: Mutex<Option<host::Threads>>,
    /// The data directory's, whatever fails. As long as anything of it is open nobody else may work on it.
    pub(crate) lock: Mutex<Option<File>>,
}

pub(crate) struct Shard {
    pub(crate) address: Addr<ShardActor>,
    pub(crate) gate: Arc<Gate>,
}

/// What became of a request: a decision, or the reason why there is none to tell.
pub type Outcome = Result<Reply, EngineError>;

impl Engine {
    /// How members are placed.
    #[must_use]
    pub fn router(&self) -> Router {
        self.0.router
    }

    /// Everything that was ever journaled.
    #[must_use]
    pub fn history(&self) -> &Arc<History> {
        &self.0.history
    }

    /// What statements are made from, if the engine keeps it.
    #[must_use]
    pub fn view(&self) -> Option<Arc<View>> {
        self.0.view.clone()
    }

    /// What was decided, for others to follow.
    #[must_use]
    pub fn feed(&self) -> &Arc<Feed> {
        &self.0.feed
    }

    /// Settlements that were published, and the one that is being closed.
    #[must_use]
    pub fn closer(&self) -> &Closer {
        &self.0.closer
    }

    /// Closes the period that was asked for, unless that is under way.
    pub fn close_what_is_due(&self) {
        if self.0.closer.store().is_some() {
            self.0.closer.wake();
        }
    }

    /// What it has counted and measured since it started.
    #[must_use]
    pub fn meters(&self) -> &Meters {
        &self.0.meters
    }

    /// What the engine's clock says.
    pub(crate) fn now(&self) -> UnixMillis {
        self.0.clock.now()
    }

    /// Has all shards imaged and everything archived that is durable now; answers when both are on the device and the
    /// images were read back.
    pub async fn checkpoint(&self) -> Result<CheckpointFacts, CheckpointRefused> {
        let orders = self
            .0
            .orders
            .as_ref()
            .ok_or(CheckpointRefused::NoDirectory)?;
        let (to, taken) = oneshot::channel();
        let _ = orders.send(Order::Asked(to));
        let taken = taken.await.map_err(|_| CheckpointRefused::Stopping)?;
        taken.map_err(CheckpointRefused::Failed)
    }

    /// Has a request decided; answers when that is durable.
    pub async fn submit(&self, request: Request) -> Outcome {
        let Some(shard) = self.0.router.command(request.command()) else {
            return Ok(Err(no_such_shard(&request)));
        };
        let (admitting, pass) = self.admit(shard, 1)?;
        let (to, reply) = oneshot::channel();
        self.post(usize::from(shard.0), Mail::One { request, to, pass });
        let said = reply.await.map_err(|_| EngineError::OutcomeUnknown)?;
        admitting.gate.heard(said.at, 1);
        self.follow_up(&said.what);
        Ok(said.what)
    }

    /// Does what an answer leads to outside the shards.
    pub(crate) fn follow_up(&self, reply: &Reply) {
        if let Ok(answer) = reply
            && matches!(
                answer.verdict,
                Verdict::Accepted(Details::Settlement { .. })
            )
        {
            self.close_what_is_due();
        }
    }

    /// Has many requests decided, with one hop per shard; answers in their order when all are durable. Requests for the
    /// same member are looked at in their order.
    pub async fn submit_many(&self, requests: Vec<Request>) -> Vec<Outcome> {
        self.post_many(requests).answers().await
    }

    /// Posts many requests, with one hop per shard. When this returns, each of them stands in its shard's mail or was
    /// turned away.
    #[must_use]
    pub fn post_many(&self, requests: Vec<Request>) -> Posted {
        Posted::new(self, requests)
    }

    /// Answers to so many commands arrived that were spoken at this time.
    pub(crate) fn heard(&self, spoken: Option<Stopwatch>, count: usize) {
        // Shards are shown together, so any of them may count it.
        self.0.shards[0].gate.heard(spoken, count);
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

    /// Whether commands are refused since the disk is nearly full. Reads go on then, and show what was recorded: what
    /// has fallen due since is recorded when there is room again.
    #[must_use]
    pub fn is_short_of_disk(&self) -> bool {
        self.0.disk.is_short()
    }

    /// Takes no more commands, answers those that were taken, and ends all threads. Tells how the turns went; `None` if
    /// that was told before.
    pub async fn shut_down(&self) -> Option<TurnFigures> {
        self.0.stopping.store(true, Ordering::Release);
        let closer = Arc::clone(&self.0.closer);
        let _ = tokio::task::spawn_blocking(move || closer.join()).await;
        // A shard that has nobody waiting may still have a part in what others wait for.
        let drained: Vec<_> = self.0.shards.iter().map(Shard::drain).collect();
        for drained in drained {
            let _ = drained.await;
        }
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
        let figures = tokio::task::spawn_blocking(|| threads.join()).await.ok();
        self.0.history.end();
        // The directory's lock goes last.
        let lock = &self.0.lock;
        drop(lock.lock().unwrap_or_else(PoisonError::into_inner).take());
        figures
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
        self.shard(shard)?;
        self.post(usize::from(shard.0), Mail::Look { due, look });
        seen.await.map_err(|_| EngineError::OutcomeUnknown)
    }

    pub(crate) fn carry(&self, documents: &[Document]) -> Vec<oneshot::Receiver<()>> {
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
    pub(crate) fn admit(
        &self,
        shard: ShardIndex,
        count: usize,
    ) -> Result<(&Shard, Pass), EngineError> {
        let shard = self.shard(shard)?;
        if self.0.disk.is_short() {
            self.0.meters.refused_for_disk.add(count as u64);
            return Err(EngineError::DiskFull);
        }
        if self.0.past.is_behind() {
            self.0.meters.refused_for_old_records.add(count as u64);
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
    /// Has the shard say when nobody waits for an answer any more.
    fn drain(&self) -> oneshot::Receiver<()> {
        let (done, drained) = oneshot::channel();
        self.address.do_send(Mail::Drain(done));
        drained
    }

    /// Tells the shard to come to an end; what it answers with is dropped when it has.
    fn finish(&self) -> oneshot::Receiver<()> {
        let (done, finished) = oneshot::channel();
        self.address.do_send(Mail::Finish(done));
        finished
    }
}

/// Only what the engine made names its shard itself.
pub(crate) fn no_such_shard(request: &Request) -> Declined {
    let code = match request.command() {
        Command::Reverse(_) => Code::TransactionNotFound,
        Command::Confirm(_) | Command::Cancel(_) => Code::ReservationNotFound,
        Command::UseCode(_) => Code::CodeNotFound,
        _ => Code::HoldNotFound,
    };
    Declined {
        id: request.id().clone(),
        kind: request.command().kind(),
        refusal: code.into(),
    }
}
