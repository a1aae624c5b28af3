//! The only place that asks the system for the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::ledger::UnixMillis;

/// Tells the time that goes into stamps.
pub trait Clock: Send + Sync {
    /// Now. May go back; the ledger never does.
    fn now(&self) -> UnixMillis;
}

/// The computer's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    fn now(&self) -> UnixMillis {
        millis_of(SystemTime::now())
    }
}

/// A time of the system, such as a file's, in milliseconds.
pub(crate) fn millis_of(time: SystemTime) -> UnixMillis {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Measures how long something took; for figures only, never for decisions.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds from an earlier start to this one; 0 if it was later.
    #[must_use]
    pub fn nanos_since(self, earlier: Self) -> u64 {
        let passed = self.0.saturating_duration_since(earlier.0);
        u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub fn nanos(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whole microseconds since the start.
    #[must_use]
    pub fn micros(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
