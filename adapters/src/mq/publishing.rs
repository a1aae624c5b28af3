//! How far events are published: what metrics tell of it.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use jifen_engine::{
    feed::{Cursor, Feed},
    ledger::{Seq, ShardIndex, UnixMillis},
};

/// What is known of the publishing of events, for whoever asks. Nobody waits for it.
#[derive(Debug)]
pub struct Publishing {
    /// Why nothing is published; `None` while all is well.
    away: Mutex<Option<String>>,
    published: AtomicU64,
    passed: Mutex<Passed>,
}

/// How far it has come.
#[derive(Debug, Default)]
struct Passed {
    shards: Vec<(ShardIndex, Seq)>,
    at: UnixMillis,
    cursor: Cursor,
}

/// Counts of the publishing of events at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PublishCounts {
    /// Whether events are published.
    pub connected: bool,
    /// Events that were published since the process started.
    pub published: u64,
    /// Entries that are durable and not published, or not looked at.
    pub lag_entries: u64,
    /// How long ago the last entry was decided that was looked at, in seconds; 0 if there is none behind it.
    pub lag_seconds: f64,
}

impl Default for Publishing {
    fn default() -> Self {
        Self {
            away: Mutex::new(Some("not connected yet".to_owned())),
            published: AtomicU64::default(),
            passed: Mutex::default(),
        }
    }
}

impl Publishing {
    /// How it stands now.
    #[must_use]
    pub fn counts(&self, feed: &Feed) -> PublishCounts {
        let passed = lock(&self.passed);
        let lag_entries = feed.lag_behind(passed.cursor, passed.shards.iter().copied());
        let lag_millis = if lag_entries == 0 || passed.at == UnixMillis::default() {
            0
        } else {
            now_millis().saturating_sub(passed.at.0)
        };
        PublishCounts {
            connected: lock(&self.away).is_none(),
            published: self.published.load(Ordering::Relaxed),
            lag_entries,
            lag_seconds: lag_millis as f64 / 1_000.0,
        }
    }

    pub(super) fn set_away(&self, why: Option<String>) {
        *lock(&self.away) = why;
    }

    /// So many more are in the stream.
    pub(super) fn count(&self, events: u64) {
        self.published.fetch_add(events, Ordering::Relaxed);
    }

    /// Everything up to here is on its way.
    pub(super) fn pass(&self, shards: Vec<(ShardIndex, Seq)>, at: UnixMillis, cursor: Cursor) {
        *lock(&self.passed) = Passed { shards, at, cursor };
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
