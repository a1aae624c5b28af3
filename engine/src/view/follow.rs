//! The thread that keeps the view behind the journal, and whoever asks how far it is.

use std::{
    fs, io,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;

use super::{
    ViewError,
    gather::Gathered,
    scan::Snapshot,
    store::{Position, Store},
};
use crate::{
    clock::Stopwatch,
    history::{History, HistoryError},
    journal::turns::{TurnError, Turns},
    ledger::{Seq, UnixMillis},
};

/// How many entries are written at once, at most by a turn more. Larger batches make longer runs.
const BATCH_ENTRIES: usize = 1 << 17;
/// How long the thread waits for something new before it looks whether it is to end.
const WAIT: Duration = Duration::from_millis(50);
/// How many times as long as a batch took it leaves the processors alone afterwards, unless there is a whole batch more to
/// do already: many small batches cost several times what a few large ones do.
const REST: u32 = 9;
/// How long it rests at most: statements lag behind by that.
const REST_MAX: Duration = Duration::from_millis(500);
/// How long it leaves alone what does not work.
const PAUSE: Duration = Duration::from_secs(5);
/// How often it tells how far it is while it has much to do, in microseconds.
const TELL_EVERY_MICROS: u64 = 5_000_000;
/// How many statements are read at the same time. The others wait: reads must not take the disk from commands.
const READERS: usize = 4;

/// How far the view is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last turn that is in it.
    pub turn: u64,
    /// How many entries are in it.
    pub entries: u64,
    /// The latest stamp in it.
    pub at: UnixMillis,
    /// How often it was removed and built again since the process began.
    pub rebuilt: u64,
}

/// The index that statements are made from. Shared by `Arc`; [`View::follow`] is a thread's work.
pub struct View {
    directory: PathBuf,
    history: Arc<History>,
    shards: u16,
    /// `None` until it is open, and while it is removed.
    store: RwLock<Option<Arc<Store>>>,
    progress: Mutex<Progress>,
    ended: Mutex<bool>,
    end: Condvar,
    /// Set when a reader found something wrong.
    doubted: AtomicBool,
    readers: Arc<Semaphore>,
    /// Of each shard: behind which entry nothing was decided before which instant, as far as readers found.
    sure: Mutex<Vec<(Seq, UnixMillis)>>,
}

/// Why following breaks off.
enum Break {
    /// The view is of no use.
    Useless(ViewError),
    /// It may work again later.
    Trouble(ViewError),
}

impl From<ViewError> for Break {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Damaged(_) => Self::Useless(error),
            // What does not work for the disk's sake is not made better by removing it.
            ViewError::Store(_) | ViewError::History(_) => Self::Trouble(error),
        }
    }
}

impl View {
    /// The view in `directory`, which nobody else may use. Nothing is read before [`follow`](Self::follow).
    #[must_use]
    pub fn new(directory: &Path, history: Arc<History>, shards: u16) -> Self {
        Self {
            directory: directory.to_owned(),
            history,
            shards,
            store: RwLock::new(None),
            progress: Mutex::new(Progress::default()),
            ended: Mutex::new(false),
            end: Condvar::new(),
            doubted: AtomicBool::new(false),
            readers: Arc::new(Semaphore::new(READERS)),
            sure: Mutex::new(vec![(Seq(0), UnixMillis(0)); usize::from(shards)]),
        }
    }

    /// How far it is. The lag in entries is what is durable less [`Progress::entries`].
    #[must_use]
    pub fn progress(&self) -> Progress {
        *lock(&self.progress)
    }

    /// What it is an index into.
    #[must_use]
    pub const fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// Tells the thread to come to an end.
    pub fn end(&self) {
        *lock(&self.ended) = true;
        self.end.notify_all();
    }

    /// Follows the journal until it is told to [`end`](Self::end). A view that is missing is made, one that is of no use is
    /// removed and built again; whatever else goes wrong is told in the log and tried again.
    pub fn follow(&self) {
        let mut removed = false;
        while !self.has_ended() {
            // Whatever the store's library does with files that it does not expect must not cost the process.
            let followed = catch_unwind(AssertUnwindSafe(|| self.follow_once()));
            match followed {
                Ok(Ok(())) => break,
                Ok(Err(Break::Trouble(error))) => {
                    tracing::error!(%error, "the view does not go on; there are no statements meanwhile");
                    self.close();
                    self.pause(PAUSE);
                }
                Ok(Err(Break::Useless(error))) => {
                    tracing::warn!(%error, "the view is removed and built again");
                    self.close();
                    self.remove();
                    if std::mem::replace(&mut removed, true) {
                        // What is of no use as soon as it is made is tried again later, not all the time.
                        self.pause(PAUSE);
                    }
                }
                Err(_) => {
                    tracing::error!(
                        "the view's thread broke off; the view is removed and built again"
                    );
                    self.close();
                    self.remove();
                    self.pause(PAUSE);
                }
            }
        }
        if let Some(store) = self.open_store()
            && let Err(error) = store.persist()
        {
            tracing::warn!(%error, "the view is not on the device; it goes on from further back");
        }
        self.close();
    }

    /// The view as it is now; `None` while there is none to be had.
    pub(crate) fn snapshot(&self) -> Option<Result<Snapshot, ViewError>> {
        let store = self.open_store()?;
        Some(Snapshot::new(store, self.shards))
    }

    /// What a reader goes by; see [`READERS`].
    pub(crate) fn readers(&self) -> Arc<Semaphore> {
        Arc::clone(&self.readers)
    }

    /// Before which instant nothing of a shard is missing in a view that reached this entry with this stamp, where `last` was the
    /// shard's last entry at `now` or later. Never earlier than it was told before, as long as clocks do not go back: a view that
    /// is behind is as good as it was when it was not.
    pub(crate) fn sure_of(
        &self,
        shard: usize,
        (seq, stamp): (Seq, Option<UnixMillis>),
        last: Seq,
        now: UnixMillis,
    ) -> UnixMillis {
        let stamp = stamp.unwrap_or_default();
        let known = &mut lock(&self.sure)[shard];
        if seq >= last {
            if known.1 < now {
                *known = (last, now);
            }
            return stamp.max(now);
        }
        let (behind, since) = *known;
        if seq >= behind {
            stamp.max(since.min(now))
        } else {
            stamp
        }
    }

    /// A reader found something wrong.
    pub(crate) fn doubt(&self, error: &ViewError) {
        tracing::error!(%error, "the view cannot be read");
        if matches!(error, ViewError::Store(_) | ViewError::Damaged(_)) {
            self.doubted.store(true, Ordering::Release);
        }
    }

    fn follow_once(&self) -> Result<(), Break> {
        let (store, mut position) = self.open()?;
        if position.turn > self.history.durable_turn() {
            let what = "it knows more than the journal; is this another journal?".to_owned();
            return Err(Break::Useless(ViewError::Damaged(what)));
        }
        let store = Arc::new(store);
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&store));
        self.note(&position);
        let opened_at = position.turn;
        let mut gathered = Gathered::default();
        let mut told = Stopwatch::start();
        while !self.has_ended() {
            if self.doubted.swap(false, Ordering::AcqRel) {
                let what = "a statement could not be read from it".to_owned();
                return Err(Break::Useless(ViewError::Damaged(what)));
            }
            let durable = self.history.wait_behind(position.turn, WAIT);
            if durable <= position.turn {
                continue;
            }
            let watch = Stopwatch::start();
            gathered.clear();
            let mut next = position.clone();
            match self.gather(&mut gathered, &mut next) {
                Ok(()) => {}
                // What the view has not seen is gone for good: it can only begin again with what there is. It then begins
                // behind what was deleted, and is asked for it no more.
                Err(error @ ViewError::History(HistoryError::Forgotten { .. })) => {
                    return Err(Break::Useless(error));
                }
                // Another journal's view has another turn in front of the next one. Once a turn has followed on, or if
                // there was none in front, it is history that is damaged, and building again would come to the same.
                Err(ViewError::Damaged(what)) if opened_at == position.turn && opened_at > 0 => {
                    return Err(Break::Useless(ViewError::Damaged(what)));
                }
                Err(error) => {
                    tracing::error!(%error, "the view does not go on; statements stay as they are");
                    self.pause(PAUSE);
                    continue;
                }
            }
            store.write(&mut gathered, &next)?;
            position = next;
            self.note(&position);
            if gathered.entries() < BATCH_ENTRIES {
                let took = Duration::from_nanos(watch.nanos());
                self.pause((took * REST).min(REST_MAX));
            }
            if told.micros() > TELL_EVERY_MICROS {
                let (turn, entries) = (position.turn, position.entries());
                tracing::info!(turn, durable, entries, "the view is catching up");
                told = Stopwatch::start();
            }
        }
        Ok(())
    }

    fn open(&self) -> Result<(Store, Position), Break> {
        Store::open(&self.directory, self.shards).map_err(|error| match error {
            ViewError::Store(fjall::Error::Locked) => Break::Trouble(error),
            ViewError::Store(fjall::Error::Io(io)) if is_of_the_system(&io) => {
                Break::Trouble(ViewError::Store(io.into()))
            }
            // Whatever else: files that were there and are not, or are cut short.
            error => Break::Useless(error),
        })
    }

    /// Takes in the next turns, up to the size of a batch.
    fn gather(&self, gathered: &mut Gathered, position: &mut Position) -> Result<(), ViewError> {
        let mut turns = if position.turn == 0 {
            Turns::from_an_epoch(self.shards)
        } else {
            Turns::behind(position.head())
        };
        let (mut wrong, mut full) = (None, false);
        let from = position.turn;
        let read = self.history.read_behind(from, &mut |value| {
            let taken = turns.take(value, &mut |turn| gathered.take(turn, position));
            full = gathered.entries() >= BATCH_ENTRIES;
            wrong = taken.err();
            Ok(if full || wrong.is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        });
        read?;
        if wrong.is_none() && !full {
            let last = turns.finish(&mut |turn| gathered.take(turn, position));
            wrong = last.err();
        }
        match wrong {
            None => Ok(()),
            Some(TurnError::Visitor(error)) => Err(error),
            Some(TurnError::Torn(what) | TurnError::Damaged(what)) => Err(ViewError::Damaged(what)),
        }
    }

    fn note(&self, position: &Position) {
        let mut progress = lock(&self.progress);
        progress.turn = position.turn;
        progress.entries = position.entries();
        progress.at = position.latest();
    }

    fn open_store(&self) -> Option<Arc<Store>> {
        self.store
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Lets go of the files, when the last reader has.
    fn close(&self) {
        let store = self
            .store
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(mut store) = store else { return };
        loop {
            match Arc::try_unwrap(store) {
                Ok(closed) => return drop(closed),
                Err(read) => store = read,
            }
            let ended = lock(&self.ended);
            // Readers take milliseconds, and nobody tells when they are done.
            drop(self.end.wait_timeout(ended, Duration::from_millis(2)));
        }
    }

    fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.directory)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::error!(%error, "the view cannot be removed");
            self.pause(PAUSE);
        }
        let mut progress = lock(&self.progress);
        *progress = Progress {
            rebuilt: progress.rebuilt + 1,
            ..Progress::default()
        };
    }

    fn has_ended(&self) -> bool {
        *lock(&self.ended)
    }

    fn pause(&self, time: Duration) {
        let ended = lock(&self.ended);
        let wait = self.end.wait_timeout_while(ended, time, |ended| !*ended);
        drop(wait);
    }
}

/// Whether an error speaks of the system and not of what is in the files.
fn is_of_the_system(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::OutOfMemory
            | io::ErrorKind::WouldBlock
    ) || matches!(error.raw_os_error(), Some(5 | 23 | 24))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
