//! The threads beside the shards: the committer, the keeper of the head file, and the writer of old records.

use std::{
    fs::File,
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
    error::OpenError,
    journal::{
        JournalError,
        committer::{Committer, TurnFigures, gather},
        head::{Head, HeadFile},
    },
    past::{Past, PastError},
    shard::{Held, Sealed},
};

/// How often the head file follows the journal. A longer pause would let a short journal pass unnoticed for longer.
const HEAD_EVERY: Duration = Duration::from_secs(1);

/// The running threads.
pub(crate) struct Threads {
    committer: JoinHandle<TurnFigures>,
    head: JoinHandle<()>,
    /// Dropped to end the keeper of the head.
    stop_head: Sender<()>,
    writer: JoinHandle<()>,
    /// Told to end the writer.
    past: Arc<Past>,
}

impl Threads {
    /// Waits for all to end; the shards must have let go of the committer's inbox.
    pub(crate) fn join(self) -> TurnFigures {
        let figures = self.committer.join().unwrap_or_default();
        drop(self.stop_head);
        let _ = self.head.join();
        self.past.end();
        let _ = self.writer.join();
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

    /// Old records cannot be kept or found: a shard would run out of memory, or leave commands without an answer.
    pub(crate) fn of_past(&self, error: &PastError) {
        tracing::error!(%error, "the store of old records failed");
        self.0.send_replace(Some(error.to_string()));
    }
}

/// Starts the threads.
pub(crate) fn start(
    committer: Committer,
    head: Option<HeadFile>,
    durable: Vec<Arc<AtomicU64>>,
    past: Arc<Past>,
    lock: Option<File>,
) -> Result<Running, OpenError> {
    let (inbox, blocks) = unbounded();
    let (failed, failure) = watch::channel(None);
    let (failed, failure) = (failure, Failure(failed));
    let (stop_head, stopped) = bounded(0);
    let latest = Arc::new(Mutex::new(Head {
        turn: committer.turn(),
        chains: committer.chains().to_vec(),
    }));
    let spawn = |name: &str| thread::Builder::new().name(name.to_owned());
    let keeper = {
        let (latest, failure) = (Arc::clone(&latest), failure.clone());
        spawn("jifen-head")
            .spawn(move || {
                if let Some(head) = head
                    && let Err(error) = keep_head(head, &latest, &stopped)
                {
                    failure.of_journal(&error);
                }
                drop(lock);
            })
            .map_err(OpenError::Thread)?
    };
    let writer = {
        let (past, failure) = (Arc::clone(&past), failure.clone());
        spawn("jifen-past")
            .spawn(move || {
                let _guard = StopsOnPanic("the writer of old records");
                if let Err(error) = past.work() {
                    failure.of_past(&error);
                }
            })
            .map_err(OpenError::Thread)?
    };
    let committer = {
        let failure = failure.clone();
        spawn("jifen-committer")
            .spawn(move || commit_all(committer, &blocks, &durable, &latest, &failure))
            .map_err(OpenError::Thread)?
    };
    Ok(Running {
        inbox,
        failed,
        failure,
        threads: Threads {
            committer,
            head: keeper,
            stop_head,
            writer,
            past,
        },
    })
}

/// Turn after turn until all shards are gone, or the journal fails. Whoever waits behind a failure is dropped, which
/// tells them that the outcome is not known.
fn commit_all(
    mut committer: Committer,
    blocks: &Receiver<Sealed<Held>>,
    durable: &[Arc<AtomicU64>],
    latest: &Mutex<Head>,
    failure: &Failure,
) -> TurnFigures {
    let _guard = StopsOnPanic("the committer");
    let mut turn = Vec::new();
    while gather(blocks, &mut turn) {
        if let Err(error) = committer.commit(&mut turn) {
            failure.of_journal(&error);
            break;
        }
        for (durable, chain) in durable.iter().zip(committer.chains()) {
            durable.store(chain.seq.0, Ordering::Release);
        }
        {
            let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
            latest.turn = committer.turn();
            latest.chains.copy_from_slice(committer.chains());
        }
        for block in turn.drain(..) {
            block.held.into_iter().for_each(Held::speak);
        }
    }
    committer.figures().clone()
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
