//! When many events of a sale are told as one: how its units stand.
//!
//! A storefront wants to know what is left, and under load that is a number that changes thousands of times a second. So
//! a burst is told one by one only at its beginning; what comes behind it is left to a level, a few times a second, until a
//! level stands for few events again.

use std::time::Duration;

use jifen_engine::feed::Cursor;
use tokio::time::Instant;

use super::sieve::Written;

/// How many events are told one by one between two levels, and for how many a level stands at most when a burst is over.
const BURST: u64 = 32;
/// How long what is left to a level waits for it.
pub(super) const EVERY: Duration = Duration::from_millis(200);

/// What of a stream is left to the next level.
pub(super) struct Folding {
    /// How many events.
    pub(super) events: u64,
    /// The place behind the last of them.
    pub(super) to: Cursor,
    /// How many more are told one by one.
    pub(super) single: u64,
    /// When the next level is due, or when counting begins again.
    until: Instant,
    /// Whether the level must come at once.
    at_once: bool,
}

impl Folding {
    pub(super) fn new() -> Self {
        Self {
            events: 0,
            to: Cursor::default(),
            single: BURST,
            until: Instant::now() + EVERY,
            at_once: false,
        }
    }

    /// Takes what was left out, and counts what was not.
    pub(super) fn take(&mut self, written: &Written) {
        self.single = self.single.saturating_sub(written.single);
        self.events += written.folded;
        self.to = written.folded_to.unwrap_or(self.to);
        self.at_once |= written.stopped;
    }

    /// When the next level is due, if there is something to tell.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = if self.at_once {
            Instant::now()
        } else {
            self.until
        };
        (self.events > 0).then_some(due)
    }

    /// Begins to count again when it is time for it.
    pub(super) fn pass_time(&mut self) {
        if self.events == 0 && self.until <= Instant::now() {
            self.begin(BURST);
        }
    }

    /// The level is told; that it stands for how many events says whether the burst is over.
    pub(super) fn told(&mut self) {
        let single = if self.events > BURST { 0 } else { BURST };
        self.begin(single);
    }

    fn begin(&mut self, single: u64) {
        *self = Self {
            single,
            ..Self::new()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(single: u64, folded: u64) -> Written {
        Written {
            text: Vec::new(),
            looked_at: 0,
            sent: single,
            single,
            folded,
            folded_to: (folded > 0).then_some(Cursor::behind(7, None)),
            stopped: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_told_by_levels_until_one_stands_for_few_events() {
        let mut folding = Folding::new();
        folding.take(&written(BURST, 0));
        assert_eq!((folding.single, folding.due()), (0, None), "nothing waits");
        folding.take(&written(0, 1_000));
        assert_eq!(folding.due(), Some(Instant::now() + EVERY));
        assert_eq!(folding.to, Cursor::behind(7, None));
        folding.told();
        assert_eq!((folding.single, folding.due()), (0, None), "it goes on");
        folding.take(&written(0, BURST));
        folding.told();
        assert_eq!(folding.single, BURST, "it is over");
    }

    #[tokio::test(start_paused = true)]
    async fn few_events_are_told_one_by_one_however_long_it_takes() {
        let mut folding = Folding::new();
        for _ in 0..10 {
            folding.take(&written(BURST, 0));
            tokio::time::advance(EVERY).await;
            folding.pass_time();
            assert_eq!(folding.single, BURST);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_wait_brings_the_level_with_it() {
        let mut folding = Folding::new();
        folding.take(&Written {
            stopped: true,
            ..written(0, 1)
        });
        assert_eq!(folding.due(), Some(Instant::now()));
    }
}
