//! sled's threads, of which a journal needs one or two.
//!
//! sled 0.34.7 starts seven threads for the whole process and wakes all of them for every write (`threadpool.rs`:
//! `notify_all`), although a turn of the committer is one write. Most of them then find nothing to do, at the expense of
//! whatever else wanted a core. There is no option for it, but a thread of the pool also runs the waker of whoever waits for
//! `flush_async`: one that does not return keeps that thread out of the way.
//!
//! One thing may make sled wait for a thread: it cuts free segments off its file's end in the pool, and whoever begins a new
//! segment waits for that with a lock that writes take too. So those that rest look up now and then, and go back to work
//! for good if a write does not come to its end.

use std::{
    io,
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use super::JournalError;

/// How many of the seven are put to rest. This is the only place that may call `flush_async`, and only while there is nothing
/// to flush: it waits on one of these threads for another.
const RESTING: usize = 5;
/// How often one that rests looks up. A write that took so long, twice, has it go back to work.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A thread that has flushed before it could be told whom to wake is not caught: that many tries in all, of some 20 µs each.
/// Five to 42 is what it took, and 64 have been too few on a busy machine.
const TRIES: usize = 10_000;
/// How long the one that is left may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// Puts most of sled's threads to rest, once in a process. Tells how many that were. Nobody else may write to `db` yet.
pub(super) fn rest_most(db: &sled::Db) -> Result<usize, JournalError> {
    static RESTING_NOW: OnceLock<Option<usize>> = OnceLock::new();
    db.flush()?;
    let resting = RESTING_NOW.get_or_init(|| {
        let caught = (0..TRIES).filter(|_| flush(db, Rest)).take(RESTING).count();
        is_one_awake(db).then_some(caught)
    });
    resting.ok_or_else(|| {
        let what =
            "wait for one of sled's threads; does a limit keep this process from having threads?";
        JournalError::io(what)(io::ErrorKind::TimedOut.into())
    })
}

/// A system that gave sled fewer threads than it wanted must not end in a journal that never answers.
fn is_one_awake(db: &sled::Db) -> bool {
    let (told, heard) = mpsc::channel();
    !flush(db, Tell(told)) || heard.recv_timeout(PATIENCE).is_ok()
}

/// Has one of sled's threads flush what is flushed already; whether it is going to wake whom it is told to.
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
fn flush(db: &sled::Db, to_wake: impl Wake + Send + Sync + 'static) -> bool {
    let waker = Waker::from(Arc::new(to_wake));
    let flushed = pin!(db.flush_async());
    flushed.poll(&mut Context::from_waker(&waker)) == Poll::Pending
}

/// Writes of all journals of the process that began and that ended.
static BEGUN: AtomicU64 = AtomicU64::new(0);
static ENDED: AtomicU64 = AtomicU64::new(0);

/// A write that sled is at, until it is dropped.
pub(super) struct Writing(());

impl Writing {
    pub(super) fn begin() -> Self {
        BEGUN.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        ENDED.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a look found: how many writes had ended, if one was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look(Option<u64>);

impl Look {
    fn now() -> Self {
        let ended = ENDED.load(Ordering::Relaxed);
        let under_way = BEGUN.load(Ordering::Relaxed) > ended;
        Self(under_way.then_some(ended))
    }

    /// Whether the write that was under way before is under way still.
    fn is_stuck_since(self, before: Self) -> bool {
        self.0.is_some() && self == before
    }
}

/// Keeps the thread that it wakes on, until a write does not come to its end.
struct Rest;

impl Wake for Rest {
    fn wake(self: Arc<Self>) {
        let mut before = Look(None);
        loop {
            thread::park_timeout(LOOK_EVERY);
            let now = Look::now();
            if now.is_stuck_since(before) {
                tracing::warn!(
                    "a write to the journal takes long; one more of sled's threads works again"
                );
                return;
            }
            before = now;
        }
    }
}

/// Tells that a thread is there.
struct Tell(mpsc::Sender<()>);

impl Wake for Tell {
    fn wake(self: Arc<Self>) {
        // Nobody hears it any more when that took too long.
        let _ = self.0.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Journal, sled_journal::SledJournal},
        *,
    };

    /// Goal: only a write that stays under way is stuck. Method: what two looks found.
    #[test]
    fn only_the_same_write_twice_is_stuck() {
        let cases = [
            ("nothing under way", None, None, false),
            ("one has begun", None, Some(7), false),
            ("another one", Some(7), Some(8), false),
            ("it has ended", Some(7), None, false),
            ("the same one", Some(7), Some(7), true),
        ];
        for (name, before, now, stuck) in cases {
            assert_eq!(Look(now).is_stuck_since(Look(before)), stuck, "{name}");
        }
    }

    /// Goal: with few threads left, several journals of a process open, take turns and are read, side by side. Method: two
    /// journals by turns, each opened again when it has segments to look through.
    #[test]
    fn few_threads_serve_all_journals() {
        let place = tempfile::tempdir().unwrap();
        let open = |name: &str| SledJournal::open(&place.path().join(name)).unwrap();
        let (mut one, mut other) = (open("one"), open("other"));
        let turns = 200_u64;
        for turn in 1..=turns {
            let value = vec![u8::try_from(turn % 251).unwrap() + 1; 90_000];
            one.append(turn, std::slice::from_ref(&value)).unwrap();
            other.append(turn, &[value]).unwrap();
        }
        drop((one, other));
        for name in ["one", "other"] {
            let db = super::super::sled_journal::configuration(&place.path().join(name))
                .open()
                .unwrap();
            assert_eq!(rest_most(&db).unwrap(), RESTING);
            assert_eq!(u64::try_from(db.len()).unwrap(), turns, "{name}");
        }
    }
}
