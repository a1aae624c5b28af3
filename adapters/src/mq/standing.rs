//! How the queue stands: what readiness and metrics tell of it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use super::waiting::{AllWaiting, Waiting};

/// What is known of the queue, for whoever asks. Nobody waits for it.
#[derive(Debug)]
pub struct Standing {
    /// Why nothing is taken out of the queue; `None` while all is well.
    away: Mutex<Option<String>>,
    /// Messages in the stream that are not done, as the server said last.
    undone: AtomicU64,
    /// When the oldest of them was published, in milliseconds since 1970; 0 if there is none.
    oldest_millis: AtomicU64,
    in_hand: AtomicU64,
    taken: AtomicU64,
    redelivered: AtomicU64,
    retried: AtomicU64,
    waiting: AllWaiting,
    dead: AtomicU64,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            away: Mutex::new(Some("not connected yet".to_owned())),
            undone: AtomicU64::default(),
            oldest_millis: AtomicU64::default(),
            in_hand: AtomicU64::default(),
            taken: AtomicU64::default(),
            redelivered: AtomicU64::default(),
            retried: AtomicU64::default(),
            waiting: AllWaiting::default(),
            dead: AtomicU64::default(),
        }
    }
}

/// Counts of the queue at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Whether messages are taken.
    pub connected: bool,
    /// Messages in the stream that are not in hand.
    pub pending: u64,
    /// Messages in hand.
    pub in_flight: u64,
    /// Messages in the stream that are not done, in hand or not.
    pub lag_messages: u64,
    /// How long ago the oldest of them was published, in seconds.
    pub lag_seconds: f64,
    /// Messages that were taken.
    pub taken: u64,
    /// Messages among them that had been delivered before.
    pub redelivered: u64,
    /// Messages that were put back to be tried again later.
    pub retried: u64,
    /// Messages among them that wait for that.
    pub waiting: u64,
    /// As many are of the sender of whom most do.
    pub waiting_most: u64,
    /// Messages that could not be processed.
    pub dead: u64,
}

impl Standing {
    /// Why nothing is taken out of the queue; `None` while all is well.
    #[must_use]
    pub fn away(&self) -> Option<String> {
        let away = self.away.lock();
        away.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How it stands now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (undone, in_flight) = (read(&self.undone), read(&self.in_hand));
        let (waiting, waiting_most) = self.waiting.counts();
        let oldest = read(&self.oldest_millis);
        let lag_millis = if oldest == 0 {
            0
        } else {
            now_millis().saturating_sub(oldest)
        };
        Counts {
            connected: self.away().is_none(),
            pending: undone.saturating_sub(in_flight),
            in_flight,
            lag_messages: undone,
            lag_seconds: lag_millis as f64 / 1_000.0,
            taken: read(&self.taken),
            redelivered: read(&self.redelivered),
            retried: read(&self.retried),
            waiting,
            waiting_most,
            dead: read(&self.dead),
        }
    }

    pub(super) fn set_away(&self, why: Option<String>) {
        let away = self.away.lock();
        *away.unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// A lane begins; it notes what of its messages waits to be tried again.
    pub(super) fn lane(&self) -> Arc<Waiting> {
        self.waiting.lane()
    }

    /// What the server says of the stream: how many messages are not done, where the first of them stands, and when it was
    /// published.
    pub(super) fn set_undone(&self, messages: u64, first: u64, oldest_millis: u64) {
        self.waiting.forget_before(first);
        let oldest = if messages == 0 { 0 } else { oldest_millis };
        self.undone.store(messages, Ordering::Relaxed);
        self.oldest_millis.store(oldest, Ordering::Relaxed);
    }

    /// So many messages were taken, of which so many had been delivered before.
    pub(super) fn take(&self, messages: u64, redelivered: u64) {
        self.in_hand.fetch_add(messages, Ordering::Relaxed);
        self.taken.fetch_add(messages, Ordering::Relaxed);
        self.redelivered.fetch_add(redelivered, Ordering::Relaxed);
    }

    pub(super) fn let_go(&self, messages: u64) {
        self.in_hand.fetch_sub(messages, Ordering::Relaxed);
    }

    pub(super) fn count_retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_dead(&self) {
        self.dead.fetch_add(1, Ordering::Relaxed);
    }
}

/// What this machine's clock says: the lag is compared with the clock of the server that stamped the message.
fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_hand_is_not_pending() {
        let standing = Standing::default();
        assert!(!standing.counts().connected);
        standing.set_away(None);
        standing.set_undone(10, 1, now_millis() - 5_000);
        standing.take(4, 1);
        let counts = standing.counts();
        assert!(counts.connected);
        assert_eq!((counts.pending, counts.in_flight), (6, 4));
        assert_eq!((counts.lag_messages, counts.redelivered), (10, 1));
        assert!((5.0..60.0).contains(&counts.lag_seconds), "{counts:?}");
        standing.let_go(4);
        standing.set_undone(0, 11, 1);
        let counts = standing.counts();
        assert_eq!((counts.in_flight, counts.lag_messages), (0, 0));
        assert!(counts.lag_seconds < f64::EPSILON, "nothing is late");
    }
}
