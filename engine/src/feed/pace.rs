//! How the feed's thread holds back while others need the processors.

use std::{thread, time::Duration};

use rustix::time::{ClockId, clock_gettime};

use crate::clock::Stopwatch;

/// After so much work on the processor it is looked whether others are waiting, in microseconds.
const LOOK_EVERY_MICROS: u64 = 2_000;
/// How long it rests then, for each microsecond of work. A low priority alone still takes a tenth of a processor and more
/// from those who decide, and the caches with it.
const REST: u64 = 4;

/// Work, measured twice: by the clock, and by the time that the thread was on a processor.
pub(super) struct Pace {
    watch: Stopwatch,
    began_on_processor: u64,
    by_clock: u64,
    on_processor: u64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            watch: Stopwatch::start(),
            began_on_processor: 0,
            by_clock: 0,
            on_processor: 0,
        }
    }

    /// A piece of work begins.
    pub(super) fn begin(&mut self) {
        self.watch = Stopwatch::start();
        self.began_on_processor = processor_micros();
    }

    /// It is done. Rests if there were not processors enough for everybody meanwhile.
    #[allow(
        clippy::disallowed_methods,
        reason = "there is nothing to wait for but time"
    )]
    pub(super) fn end(&mut self) {
        self.by_clock += self.watch.micros();
        self.on_processor += processor_micros() - self.began_on_processor;
        if self.on_processor < LOOK_EVERY_MICROS {
            return;
        }
        let rest = rest(self.by_clock, self.on_processor);
        (self.by_clock, self.on_processor) = (0, 0);
        if !rest.is_zero() {
            thread::sleep(rest);
        }
    }
}

/// How long to rest after so many microseconds of work, by the clock and on the processor.
fn rest(by_clock: u64, on_processor: u64) -> Duration {
    // Waiting for the disk looks the same; then a rest does little harm.
    if by_clock * 4 < on_processor * 5 {
        return Duration::ZERO;
    }
    Duration::from_micros(on_processor * REST)
}

fn processor_micros() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds * 1_000_000 + nanos / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whoever_had_to_wait_for_a_processor_rests() {
        assert_eq!(rest(2_000, 2_000), Duration::ZERO);
        assert_eq!(rest(2_400, 2_000), Duration::ZERO);
        assert_eq!(rest(4_000, 2_000), Duration::from_millis(8));
        assert_eq!(rest(90_000, 2_000), Duration::from_millis(8));
    }
}
