//! Closing a period while commands go on: `open → closing → proving → published`.
//!
//! | step | what is done | after a crash |
//! |---|---|---|
//! | closing | every shard marks the end of the period, and hands over its days | begun again: days that are over do not change |
//! | proving | the journal is counted again; the settlement is made, and proven | the same |
//! | | its files are written, synced and named | written again, with the same bytes |
//! | published | shard 0 records the hash, and tells all shards to let go of the days | nothing is left to do |
//!
//! Closing only reads, but for the marks; whatever goes wrong before the last step changes nothing, and is told.
//!
//! | where | what |
//! |---|---|
//! | `cut` | what a shard hands over |
//! | `recount` | the proof of the positions |
//! | `gather` | from the shards' days to what a settlement is made from |
//! | `store` | settlements on disk |
//! | `views` | settlements and corrections as they stand |
//! | `report` | positions and liability as they are now |

mod cut;
mod error;
mod gather;
mod recount;
mod report;
mod store;
mod views;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use actix::Addr;
use compact_str::CompactString;
use tokio::sync::oneshot;

pub use cut::{Cut, Documents};
pub use error::CloseError;
pub use recount::Recount;
pub use report::{LiabilityRow, PositionNow};
pub use store::{Files, StatementFound, Store};
pub use views::{CorrectionView, SettlementView};

use crate::{
    Router,
    clearing::{Before, Digest, Input, Settlement, prove, settle, settlement_name},
    history::History,
    host,
    ledger::{Day, Ledger, Period, Root, ShardIndex},
    shard::{
        Found,
        actor::{Mail, ShardActor},
    },
};

/// What is known of merchants from the settlement before, by name, with the kinds of points of their packs.
pub type Known = BTreeMap<CompactString, (Before, BTreeMap<CompactString, u128>)>;

/// How long closing waits before it tries again what did not work.
const PAUSE: Duration = Duration::from_secs(5);

/// How far closing has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The shards mark the period's end.
    Closing,
    /// The journal is counted again.
    Proving,
    /// It did not come to its end, and is tried again.
    Failed(String),
}

/// Makes a settlement of what the shards handed over, and proves it.
///
/// # Errors
///
/// If a shard's books do not hold, or are not complete, or the settlement does not hold.
pub fn make(
    cuts: &[Cut],
    documents: &Documents,
    period: Period,
    known: &Known,
    previous: Option<Digest>,
) -> Result<(Input, Settlement), CloseError> {
    cuts.iter().try_for_each(Cut::check)?;
    let input = gather::gather(cuts, documents, period, known);
    let settlement = settle(&input, period, &settlement_name(period), previous)?;
    let violations = prove(&settlement, &input);
    if violations.is_empty() {
        return Ok((input, settlement));
    }
    let all: Vec<String> = violations.iter().take(5).map(ToString::to_string).collect();
    let what = format!("{} faults, first {}", violations.len(), all.join("; "));
    Err(CloseError::Unproven(what))
}

/// Closes periods, one at a time, on a thread of its own.
pub struct Closer {
    shards: Vec<Addr<ShardActor>>,
    history: Arc<History>,
    store: Option<Store>,
    stopping: Arc<AtomicBool>,
    state: Mutex<State>,
    /// Told when the engine ends.
    stirred: Condvar,
}

#[derive(Default)]
struct State {
    thread: Option<thread::JoinHandle<()>>,
    /// Whether there may be something to close that the thread has not looked for.
    asked: bool,
    /// Whether the thread will look once more before it ends.
    at_work: bool,
    step: Option<(Period, Step)>,
}

impl Closer {
    pub(crate) fn new(
        shards: Vec<Addr<ShardActor>>,
        history: Arc<History>,
        store: Option<Store>,
        stopping: Arc<AtomicBool>,
    ) -> Self {
        Self {
            shards,
            history,
            store,
            stopping,
            state: Mutex::default(),
            stirred: Condvar::new(),
        }
    }

    /// Where published settlements are, if any are kept.
    #[must_use]
    pub const fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// How far the closing of a period has come, if it is under way.
    #[must_use]
    pub fn step(&self, period: Period) -> Option<Step> {
        let state = self.state();
        let (under_way, step) = state.step.as_ref()?;
        (*under_way == period).then(|| step.clone())
    }

    /// Closes what is to be closed, unless that is under way.
    pub(crate) fn wake(self: &Arc<Self>) {
        let mut state = self.state();
        state.asked = true;
        if state.at_work {
            return;
        }
        let closer = Arc::clone(self);
        let thread = thread::Builder::new().name("closing".to_owned());
        match thread.spawn(move || closer.work()) {
            Ok(thread) => {
                state.at_work = true;
                state.thread = Some(thread);
            }
            Err(error) => tracing::error!(%error, "a period cannot be closed"),
        }
    }

    /// Waits until nothing is under way; it is to be told to stop before.
    pub(crate) fn join(&self) {
        let thread = self.state().thread.take();
        self.stirred.notify_all();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    fn work(&self) {
        host::give_way_to_commands();
        while self.is_asked() {
            while let Some(period) = self.pending() {
                self.try_to_close(period);
            }
        }
    }

    /// Whether it was asked since this was looked at last. If not, whoever asks next begins anew.
    fn is_asked(&self) -> bool {
        let mut state = self.state();
        let asked = std::mem::take(&mut state.asked);
        state.at_work = asked;
        asked
    }

    fn try_to_close(&self, period: Period) {
        match self.close(period) {
            Ok(root) => {
                tracing::info!(settlement = %settlement_name(period), %root, "a settlement is published");
                self.state().step = None;
            }
            Err(CloseError::Stopping) => {}
            Err(error) => {
                tracing::error!(settlement = %settlement_name(period), %error, "a period cannot be closed");
                self.note(period, Step::Failed(error.to_string()));
                self.pause();
            }
        }
    }

    /// The period that is to be closed.
    fn pending(&self) -> Option<Period> {
        if self.is_stopping() {
            return None;
        }
        let look = |ledger: &Ledger| ledger.clearing().closing().map(|one| one.period);
        self.ask(Router::DOCUMENTS, look).ok().flatten()
    }

    fn close(&self, period: Period) -> Result<Root, CloseError> {
        self.note(period, Step::Closing);
        let documents = self.ask(Router::DOCUMENTS, Documents::of)?;
        let cuts = self.cuts(period, documents.settled(period))?;
        self.note(period, Step::Proving);
        let entries = recount::recount(&self.history, &cuts, &|| !self.is_stopping())?;
        let store = self.store.as_ref().ok_or(CloseError::Stopping)?;
        let before = documents.book.settlements.iter().rev().find_map(|one| {
            let (_, root) = one.published?;
            Some((settlement_name(one.period), root))
        });
        let known = match &before {
            Some((id, root)) => store.after(id, Digest(root.0))?,
            None => Known::new(),
        };
        let previous = before.map(|(_, root)| Digest(root.0));
        let (input, settlement) = make(&cuts, &documents, period, &known, previous)?;
        drop(cuts);
        let id = &settlement.id;
        let root = Root(store.write(&settlement, &input)?.0);
        tracing::info!(settlement = %id, entries, "the positions are what the journal says");
        self.publish(period, root)?;
        Ok(root)
    }

    /// Every shard's part, when every shard is behind the period.
    fn cuts(&self, period: Period, settled: Option<Day>) -> Result<Vec<Cut>, CloseError> {
        let shards = 0..u16::try_from(self.shards.len()).expect("at most 1,024");
        // All are asked before one is waited for.
        let asked: Vec<_> = shards
            .map(|shard| {
                self.send(ShardIndex(shard), move |ledger| {
                    Cut::of(ledger, settled, period.last)
                })
            })
            .collect();
        let mut cuts = Vec::with_capacity(asked.len());
        for told in asked {
            cuts.push(told.blocking_recv().map_err(|_| CloseError::Stopping)?);
        }
        match cuts.iter().find(|cut| !cut.is_behind(period)) {
            Some(cut) => Err(CloseError::NotOver(cut.shard.0)),
            None => Ok(cuts),
        }
    }

    fn publish(&self, period: Period, root: Root) -> Result<(), CloseError> {
        let (done, published) = oneshot::channel();
        let shard = &self.shards[usize::from(Router::DOCUMENTS.0)];
        shard.do_send(Mail::Publish { period, root, done });
        published.blocking_recv().map_err(|_| CloseError::Stopping)
    }

    fn ask<T: Send + 'static>(
        &self,
        shard: ShardIndex,
        look: impl FnOnce(&Ledger) -> T + Send + 'static,
    ) -> Result<T, CloseError> {
        let told = self.send(shard, look);
        told.blocking_recv().map_err(|_| CloseError::Stopping)
    }

    fn send<T: Send + 'static>(
        &self,
        shard: ShardIndex,
        look: impl FnOnce(&Ledger) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (to, seen) = oneshot::channel();
        let look = Box::new(move |ledger: &Ledger| {
            let seen = look(ledger);
            Box::new(move || {
                let _ = to.send(seen);
            }) as Found
        });
        self.shards[usize::from(shard.0)].do_send(Mail::Look { due: None, look });
        seen
    }

    /// Waits before what did not work is tried again, or until the engine ends.
    fn pause(&self) {
        let waited = self
            .stirred
            .wait_timeout_while(self.state(), PAUSE, |_| !self.is_stopping());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    fn note(&self, period: Period, step: Step) {
        self.state().step = Some((period, step));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
