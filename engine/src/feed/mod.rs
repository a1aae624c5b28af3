//! What was decided, for others to follow: every event once it is durable, in the order of the journal, from any place on.
//!
//! Readers ask for what comes next; nobody keeps anything for them but the journal itself. A page of it is read by one thread
//! that gives way to all others, and the newest pages are kept, so that many readers that are near each other cost little
//! more than one. Shards and the committer know nothing of it.
//!
//! | where | what |
//! |---|---|
//! | `cursor` | a place in the feed |
//! | `event` | which entries are told, and of whom they are |
//! | `names` | names instead of symbols |
//! | `page` | from the journal to events |
//! | `pace` | how it holds back while others need the processors |
//! | `reader` | one that reads along |

mod cursor;
mod event;
mod names;
mod pace;
mod page;
mod reader;

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam::channel::{Receiver, Sender, unbounded};
use tokio::sync::{oneshot, watch};

pub use cursor::Cursor;
pub use event::{Event, EventKind};
pub(crate) use names::Ask;
use names::Names;
use pace::Pace;
use page::{Page, PageMaker};
pub use reader::{Events, Reader};

use crate::{
    history::{History, HistoryError},
    journal::identity::Identity,
    ledger::{Seq, ShardIndex},
};

/// How many pages are kept for whoever comes to the same place soon.
const PAGES_KEPT: usize = 8;
/// How long the watch over the journal waits before it looks whether it is to end.
const WAIT: Duration = Duration::from_millis(100);
/// How long what was just told to readers is left to gather: under load it spares them a page for every turn.
const LINGER: Duration = Duration::from_millis(5);

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With the oldest entry there is.
    Start,
    /// With what becomes durable from now on.
    Now,
    /// Behind a place.
    After(Cursor),
}

/// Why the feed does not go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FeedError {
    /// What comes behind the place was deleted by an explicit command.
    #[error("what comes next was deleted; what is left begins behind turn {oldest}")]
    Forgotten {
        /// Behind which turn everything is there.
        oldest: u64,
    },
    /// The place is of another journal, or of what this one was before it was put back from a backup.
    #[error(
        "that is a place in another journal; this one is the same up to turn {shared}, and goes on differently"
    )]
    Replaced {
        /// The last turn that both have.
        shared: u64,
    },
    /// The journal does not reach the place.
    #[error("the journal ends before that; it ends with turn {newest}")]
    Ahead {
        /// Its last turn.
        newest: u64,
    },
    /// The journal cannot be read.
    #[error("the journal cannot be read: {0}")]
    Unreadable(Arc<HistoryError>),
    /// The engine has ended.
    #[error("the engine has ended")]
    Ended,
}

impl From<HistoryError> for FeedError {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Forgotten {
                complete_behind, ..
            } => Self::Forgotten {
                oldest: complete_behind,
            },
            error => Self::Unreadable(Arc::new(error)),
        }
    }
}

/// A page that somebody waits for.
struct Wanted {
    behind: u64,
    to: oneshot::Sender<Result<Arc<Page>, FeedError>>,
}

/// What the thread that reads is told.
enum Order {
    Page(Wanted),
    Work(Box<dyn FnOnce() + Send>),
    End,
}

/// The feed of a journal. Shared by `Arc`; [`Feed::serve`] and [`Feed::watch`] are threads' work.
pub struct Feed {
    history: Arc<History>,
    /// Which journal it is.
    identity: Identity,
    /// Each shard's last durable entry.
    durable: Vec<Arc<AtomicU64>>,
    /// The newest last.
    pages: Mutex<VecDeque<Arc<Page>>>,
    orders: Sender<Order>,
    ordered: Receiver<Order>,
    /// Up to which turn readers were told that there is something. Nobody is told while nobody listens.
    grown: watch::Sender<u64>,
    ended: Mutex<bool>,
    /// Told when somebody begins to listen, and at the end.
    stirred: Condvar,
}

impl Feed {
    /// The feed of a journal whose shards have come so far.
    pub(crate) fn new(
        history: Arc<History>,
        identity: Identity,
        durable: Vec<Arc<AtomicU64>>,
    ) -> Self {
        let (orders, ordered) = unbounded();
        Self {
            history,
            identity,
            durable,
            pages: Mutex::default(),
            orders,
            ordered,
            grown: watch::Sender::new(0),
            ended: Mutex::new(false),
            stirred: Condvar::new(),
        }
    }

    /// The place behind everything that is durable.
    #[must_use]
    pub fn newest(&self) -> Cursor {
        self.behind(self.history.durable_turn())
    }

    /// The place behind a turn.
    fn behind(&self, turn: u64) -> Cursor {
        Cursor::behind(turn, self.identity.id())
    }

    /// Begins to read.
    ///
    /// # Errors
    ///
    /// If the place is not of this journal, or the journal has nothing of what comes next, or not yet what comes before.
    pub fn open(self: &Arc<Self>, begin: Begin) -> Result<Reader, FeedError> {
        let (oldest, newest) = (self.history.complete_behind(), self.newest());
        let at = match begin {
            Begin::Start => self.behind(oldest),
            Begin::Now => newest,
            Begin::After(cursor) => self.own(cursor, oldest, newest.turn)?,
        };
        Ok(Reader::new(Arc::clone(self), at, self.durable.len()))
    }

    /// A place that was told, perhaps by the journal that this one was put back from, as one in this journal.
    fn own(&self, told: Cursor, oldest: u64, newest: u64) -> Result<Cursor, FeedError> {
        let shared = self.identity.shared_with(told.journal);
        if told.is_beyond(shared) {
            return Err(FeedError::Replaced { shared });
        }
        if told.turn < oldest {
            return Err(FeedError::Forgotten { oldest });
        }
        if told.is_beyond(newest) {
            return Err(FeedError::Ahead { newest });
        }
        Ok(Cursor {
            journal: self.identity.id(),
            ..told
        })
    }

    /// How many entries are durable behind a place, up to which these were the last of their shards. Shards that had none are
    /// left out; nothing is behind the end of the journal.
    #[must_use]
    pub fn lag_behind(&self, at: Cursor, passed: impl Iterator<Item = (ShardIndex, Seq)>) -> u64 {
        if at >= self.newest() {
            return 0;
        }
        let lag = |(shard, seq): (ShardIndex, Seq)| {
            let durable = self.durable[usize::from(shard.0)].load(Ordering::Acquire);
            durable.saturating_sub(seq.0)
        };
        passed.map(lag).sum()
    }

    /// Reads pages for whoever wants them, until the end.
    pub(crate) fn serve(&self, ask: Ask) {
        let shards = u16::try_from(self.durable.len()).expect("at most 1,024 shards");
        let mut maker = PageMaker::new(&self.history, self.identity.id(), Names::new(shards, ask));
        let mut pace = Pace::new();
        while let Ok(order) = self.ordered.recv() {
            pace.begin();
            match order {
                Order::Page(wanted) => self.read(&mut maker, wanted),
                Order::Work(work) => work(),
                Order::End => break,
            }
            pace.end();
        }
        // Whoever still waits is told by that.
        while self.ordered.try_recv().is_ok() {}
    }

    fn read(&self, maker: &mut PageMaker<'_>, wanted: Wanted) {
        if wanted.to.is_closed() {
            return;
        }
        let page = match self.kept(wanted.behind) {
            Some(page) => Ok(page),
            None => maker.make(wanted.behind).map(|page| self.keep(page)),
        };
        if let Err(FeedError::Unreadable(error)) = &page {
            tracing::error!(%error, "the feed of events does not go on");
        }
        let _ = wanted.to.send(page);
    }

    /// Does a piece of work for a reader on the thread that reads for all of them, which gives way to whoever decides.
    ///
    /// # Errors
    ///
    /// If the engine has ended.
    pub async fn give_way<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FeedError> {
        let (to, done) = oneshot::channel();
        let work = Box::new(move || drop(to.send(work())));
        let _ = self.orders.send(Order::Work(work));
        self.answered(done).await
    }

    /// Waits for what was ordered.
    async fn answered<T>(&self, answer: oneshot::Receiver<T>) -> Result<T, FeedError> {
        // It may have ended since it was looked at, and nobody takes orders any more.
        if self.has_ended() {
            return Err(FeedError::Ended);
        }
        answer.await.map_err(|_| FeedError::Ended)
    }

    /// Tells readers when there is something new, until the end.
    #[allow(
        clippy::disallowed_methods,
        reason = "there is nothing to wait for but time"
    )]
    pub(crate) fn watch(&self) {
        let mut told = 0;
        while self.is_listened_to() {
            let durable = self.history.wait_behind(told, WAIT);
            if durable > told {
                told = durable;
                self.grown.send_replace(durable);
                thread::sleep(LINGER);
            }
        }
        // Readers that wait look once more, and find that it has ended.
        self.grown.send_replace(u64::MAX);
    }

    /// Tells the threads to come to an end.
    pub(crate) fn end(&self) {
        *lock(&self.ended) = true;
        self.stirred.notify_all();
        let _ = self.orders.send(Order::End);
    }

    fn has_ended(&self) -> bool {
        *lock(&self.ended)
    }

    /// Waits until there are readers; `false` at the end.
    fn is_listened_to(&self) -> bool {
        let ended = lock(&self.ended);
        let ended = self
            .stirred
            .wait_while(ended, |ended| !*ended && self.grown.receiver_count() == 0);
        !*ended.unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self) -> watch::Receiver<u64> {
        let grown = self.grown.subscribe();
        // Under the lock, or it might come between the look and the wait.
        drop(lock(&self.ended));
        self.stirred.notify_all();
        grown
    }

    async fn page(&self, behind: u64) -> Result<Arc<Page>, FeedError> {
        if let Some(page) = self.kept(behind) {
            return Ok(page);
        }
        let (to, page) = oneshot::channel();
        let _ = self.orders.send(Order::Page(Wanted { behind, to }));
        self.answered(page).await?
    }

    fn kept(&self, behind: u64) -> Option<Arc<Page>> {
        let pages = lock(&self.pages);
        let page = pages.iter().rev().find(|page| page.goes_on_behind(behind));
        page.cloned()
    }

    fn keep(&self, page: Page) -> Arc<Page> {
        let page = Arc::new(page);
        let mut pages = lock(&self.pages);
        if pages.len() == PAGES_KEPT {
            pages.pop_front();
        }
        pages.push_back(Arc::clone(&page));
        page
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("readers", &self.grown.receiver_count())
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
