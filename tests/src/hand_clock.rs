//! Time that stands still until a test moves it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use jifen_engine::{Clock, ledger::UnixMillis};

/// A clock that is set by hand. Clones show the same time.
#[derive(Clone, Debug)]
pub struct HandClock(Arc<AtomicU64>);

impl HandClock {
    /// A clock that stands at so many milliseconds.
    #[must_use]
    pub fn at(millis: u64) -> Self {
        Self(Arc::new(AtomicU64::new(millis)))
    }

    /// Moves it forward; tells the time that it shows then.
    pub fn advance(&self, millis: u64) -> u64 {
        self.0.fetch_add(millis, Ordering::SeqCst) + millis
    }
}

impl Clock for HandClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}
