//! The threads beside the shards: the committer, the keeper of the head file, the watch over the disk, the writer of
//! old records, the keeper of checkpoints and the follower of the view.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use tokio::sync::watch;

use crate::{
    checkpoint::keeper::{Keeper, Order, Roll},
    disk::Disk,
    error::OpenError,
    feed::{self, Feed},
    history::History,
    journal::{
        JournalError,
        committer::{Committer, TurnFigures, gather},
        head::{Head, HeadFile},
    },
    meters::Meters,
    past::{Past, PastError},
    shard::{Held, Sealed},
    view::View,
};

/// How often the head file follows the journal. A longer pause would let a short journal pass unnoticed for longer.
const HEAD_EVERY: Duration = Duration::from_secs(1);

/// How much less the keeper of checkpoints matters than whoever answers, in the system's steps of niceness. It must not
/// starve, or a load that lasts would fill the disk with epochs that are over: on two busy cores ten steps left it no time.
const KEEPER_NICENESS: i32 = 3;
/// The same for the follower of the view, which may lag as far as it likes. The least there is could keep a lock that others
/// wait for.
const VIEW_NICENESS: i32 = 10;
/// The same for whoever closes a period: it takes long and must come to its end under load.
const CLOSING_NICENESS: i32 = 5;
/// The same for whoever reads, and writes down, for those who follow the feed.
const FEED_NICENESS: i32 = 10;

/// What the threads work on.
pub(crate) struct Work {
    pub(crate) committer: Committer,
    pub(crate) head: Option<HeadFile>,
    /// Each shard's last durable sequence.
    pub(crate) durable: Vec<Arc<AtomicU64>>,
    pub(crate) past: Arc<Past>,
    pub(crate) disk: Arc<Disk>,
    pub(crate) history: Arc<History>,
    pub(crate) view: Option<Arc<View>>,
    pub(crate) meters: Arc<Meters>,
    /// How long an epoch gets before a checkpoint is ordered, in bytes.
    pub(crate) checkpoint_bytes: u64,
}

/// The running threads.
pub(crate) struct Threads {
    committer: JoinHandle<TurnFigures>,
    head: JoinHandle<()>,
    disk: JoinHandle<()>,
    /// Dropped to end the keeper of the head and the watch over the disk.
    stop: Sender<()>,
    writer: JoinHandle<()>,
    /// Told to end the writer.
    past: Arc<Past>,
    follower: Option<(JoinHandle<()>, Arc<View>)>,
    keeper: Option<JoinHandle<()>>,
    /// Those who read for followers.
    feed: Option<([JoinHandle<()>; 2], Arc<Feed>)>,
    /// Where the keeper's orders come from.
    orders: Sender<Order>,
}

impl Threads {
    /// Starts the keeper of checkpoints, which is told what to do through `orders`.
    pub(crate) fn start_keeper(
        &mut self,
        keeper: Keeper,
        orders: Receiver<Order>,
    ) -> Result<(), OpenError> {
        let work = move || {
            give_way(KEEPER_NICENESS);
            keeper.work(&orders);
        };
        self.keeper = Some(spawn("jifen-keeper", work)?);
        Ok(())
    }

    /// Starts to read for followers. `ask` tells the names that a shard knows.
    pub(crate) fn start_feed(&mut self, feed: &Arc<Feed>, ask: feed::Ask) -> Result<(), OpenError> {
        let (serving, watching) = (Arc::clone(feed), Arc::clone(feed));
        let threads = [
            spawn("jifen-feed", move || {
                give_way(FEED_NICENESS);
                serving.serve(ask);
            })?,
            spawn("jifen-watch", move || watching.watch())?,
        ];
        self.feed = Some((threads, Arc::clone(feed)));
        Ok(())
    }

    /// Where checkpoints are ordered.
    pub(crate) const fn orders(&self) -> &Sender<Order> {
        &self.orders
    }

    /// Waits for all to end; the shards must have let go of the committer's inbox.
    pub(crate) fn join(self) -> TurnFigures {
        // It hands rolls to the committer, so it goes first.
        let _ = self.orders.send(Order::End);
        if let Some(keeper) = self.keeper {
            let _ = keeper.join();
        }
        let figures = self.committer.join().unwrap_or_default();
        self.past.end();
        let _ = self.writer.join();
        if let Some((follower, view)) = self.follower {
            view.end();
            let _ = follower.join();
        }
        if let Some((threads, feed)) = self.feed {
            feed.end();
            for thread in threads {
                let _ = thread.join();
            }
        }
        // The head goes last: it follows whatever became durable.
        drop(self.stop);
        let _ = self.disk.join();
        let _ = self.head.join();
        figures
    }
}

/// What [`start`] answers with.
pub(crate) struct Running {
    /// Where sealed blocks go. Bounded by the gates in front of the shards, which count what is inside.
    pub(crate) inbox: Sender<Sealed<Held>>,
    /// Says what went wrong, once something has.
    pub(crate) failed: watch::Receiver<Option<String>>,
    /// Where that is said.
    pub(crate) failure: Failure,
    /// Where the committer is told to go on in another epoch, when it is woken next.
    pub(crate) rolls: Sender<Roll>,
    /// What the keeper of checkpoints is to follow.
    pub(crate) orders: Receiver<Order>,
    /// To be joined at the end.
    pub(crate) threads: Threads,
}

/// Where whatever cannot go on says so. The process stops then.
#[derive(Clone)]
pub(crate) struct Failure(watch::Sender<Option<String>>);

impl Failure {
    /// The journal failed: what it was given may or may not be durable.
    fn of_journal(&self, error: &JournalError) {
        tracing::error!(%error, "the journal failed; nothing more is acknowledged");
        self.0.send_replace(Some(error.to_string()));
    }

    /// Whether anything was said.
    pub(crate) fn is_told(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Old records cannot be kept or found: a shard would run out of memory, or leave commands without an answer.
    pub(crate) fn of_past(&self, error: &PastError) {
        tracing::error!(%error, "the store of old records failed");
        self.0.send_replace(Some(error.to_string()));
    }
}

/// Starts the threads.
pub(crate) fn start(work: Work) -> Result<Running, OpenError> {
    let (inbox, blocks) = unbounded();
    let (failed, failure) = watch::channel(None);
    let (failed, failure) = (failure, Failure(failed));
    let (stop, stopped) = bounded(0);
    let (rolls, to_roll) = unbounded();
    let (orders, to_do) = unbounded();
    let latest = Arc::new(Mutex::new(Head {
        turn: work.committer.turn(),
        chains: work.committer.chains().to_vec(),
    }));
    let disk = {
        let (disk, stopped) = (work.disk, stopped.clone());
        spawn("jifen-disk", move || {
            let _guard = StopsOnPanic("the watch over the disk");
            disk.watch(&stopped);
        })?
    };
    let head = {
        let (latest, failure) = (Arc::clone(&latest), failure.clone());
        let head = work.head;
        spawn("jifen-head", move || {
            if let Some(head) = head
                && let Err(error) = keep_head(head, &latest, &stopped)
            {
                failure.of_journal(&error);
            }
        })?
    };
    let writer = {
        let (past, failure) = (Arc::clone(&work.past), failure.clone());
        spawn("jifen-past", move || {
            let _guard = StopsOnPanic("the writer of old records");
            if let Err(error) = past.work() {
                failure.of_past(&error);
            }
        })?
    };
    let follower = match work.view {
        Some(view) => {
            let following = Arc::clone(&view);
            let thread = spawn("jifen-view", move || {
                // The threads of its store inherit this.
                give_way(VIEW_NICENESS);
                following.follow();
            })?;
            Some((thread, view))
        }
        None => None,
    };
    let committing = Committing {
        committer: work.committer,
        durable: work.durable,
        latest,
        history: work.history,
        meters: work.meters,
        rolls: to_roll,
        orders: orders.clone(),
        checkpoint_bytes: work.checkpoint_bytes,
        ordered: false,
    };
    let committer = {
        let failure = failure.clone();
        spawn("jifen-committer", move || {
            committing.commit_all(&blocks, &failure)
        })?
    };
    Ok(Running {
        inbox,
        failed,
        failure,
        rolls,
        orders: to_do,
        threads: Threads {
            committer,
            head,
            disk,
            stop,
            writer,
            past: work.past,
            follower,
            keeper: None,
            feed: None,
            orders,
        },
    })
}

fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, OpenError> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map_err(OpenError::Thread)
}

/// Makes the thread that calls it one that closes a period.
pub(crate) fn give_way_to_commands() {
    give_way(CLOSING_NICENESS);
}

/// Makes the thread that calls it, and those that it starts, give way to all others.
fn give_way(niceness: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, niceness) {
        tracing::warn!(%error, "a thread in the background keeps the priority of all others");
    }
}

/// The committer's thread.
struct Committing {
    committer: Committer,
    durable: Vec<Arc<AtomicU64>>,
    latest: Arc<Mutex<Head>>,
    history: Arc<History>,
    meters: Arc<Meters>,
    rolls: Receiver<Roll>,
    orders: Sender<Order>,
    checkpoint_bytes: u64,
    /// Whether a checkpoint was ordered for this epoch.
    ordered: bool,
}

impl Committing {
    /// Turn after turn until all shards are gone, or the journal fails. Whoever waits behind a failure is dropped, which
    /// tells them that the outcome is not known.
    fn commit_all(mut self, blocks: &Receiver<Sealed<Held>>, failure: &Failure) -> TurnFigures {
        let _guard = StopsOnPanic("the committer");
        let mut turn = Vec::new();
        while gather(blocks, &mut turn) {
            if let Err(error) = self.commit(&mut turn) {
                failure.of_journal(&error);
                break;
            }
            for block in turn.drain(..) {
                block.held.into_iter().for_each(Held::speak);
            }
            if let Err(error) = self.roll() {
                failure.of_journal(&error);
                break;
            }
        }
        self.committer.figures().clone()
    }

    fn commit(&mut self, turn: &mut [Sealed<Held>]) -> Result<(), JournalError> {
        let before = self.committer.turn();
        self.committer.commit(turn)?;
        if self.committer.turn() == before {
            return Ok(());
        }
        for (durable, chain) in self.durable.iter().zip(self.committer.chains()) {
            durable.store(chain.seq.0, Ordering::Release);
        }
        self.history
            .durable(self.committer.turn(), self.committer.places());
        self.meters.turns.turned(self.committer.last());
        self.meters.turns.note_epoch(self.committer.epoch_bytes());
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.turn = self.committer.turn();
        latest.chains.copy_from_slice(self.committer.chains());
        Ok(())
    }

    /// Goes on in the next epoch if that is ready, and asks for one if this one has grown long.
    fn roll(&mut self) -> Result<(), JournalError> {
        if let Ok(roll) = self.rolls.try_recv() {
            let reader = roll.next.reader();
            let (head, before) = self.committer.roll(roll.epoch, roll.next)?;
            self.history.began(head.clone(), reader);
            self.ordered = false;
            // The keeper may have been told to end.
            let _ = roll.done.send((head, before));
        }
        if !self.ordered && self.committer.epoch_bytes() >= self.checkpoint_bytes {
            self.ordered = true;
            let _ = self.orders.send(Order::Full);
        }
        Ok(())
    }
}

/// Stops the process when a thread breaks off: a server that can make nothing durable any more, or keeps ever more in
/// memory, and goes on listening would be an outage without a reason.
struct StopsOnPanic(&'static str);

impl Drop for StopsOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            tracing::error!("{} broke off; stopping the process", self.0);
            std::process::abort();
        }
    }
}

fn keep_head(
    mut file: HeadFile,
    latest: &Mutex<Head>,
    stopped: &Receiver<()>,
) -> Result<(), JournalError> {
    let mut written = 0;
    loop {
        let stop = stopped.recv_timeout(HEAD_EVERY) == Err(RecvTimeoutError::Disconnected);
        let head = latest
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if head.turn != written {
            file.write(&head)?;
            written = head.turn;
        }
        if stop {
            return Ok(());
        }
    }
}
