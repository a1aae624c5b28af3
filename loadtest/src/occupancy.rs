//! How busy the generator itself is. A generator without a moment's rest reads answers late and then believes that the
//! server was slow, so that it cannot tell from latencies alone who was out of breath.

use std::time::{Duration, Instant};

/// How much this thread had run, or had waited for a processor, at some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occupancy {
    at: Instant,
    ran: Duration,
    /// Ran, or waited for a processor.
    wanted: Duration,
}

impl Occupancy {
    /// Of the calling thread, now. `None` where the system does not tell.
    pub(crate) fn now() -> Option<Self> {
        // Linux: nanoseconds run, nanoseconds waited while ready to run, number of times scheduled. The waiting counts:
        // a server that takes all processors of a shared machine starves the generator, whose own run time looks low.
        let line = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let (ran, wanted) = ran_and_wanted(&line)?;
        Some(Self {
            at: Instant::now(),
            ran,
            wanted,
        })
    }

    /// Between an earlier moment and this one, the share of time in which the thread ran.
    pub(crate) fn ran_since(&self, earlier: &Self) -> Option<f64> {
        self.share(earlier, self.ran.saturating_sub(earlier.ran))
    }

    /// Between an earlier moment and this one, the share of time in which the thread ran or wanted to run.
    pub(crate) fn share_since(&self, earlier: &Self) -> Option<f64> {
        self.share(earlier, self.wanted.saturating_sub(earlier.wanted))
    }

    fn share(&self, earlier: &Self, time: Duration) -> Option<f64> {
        let elapsed = self.at.saturating_duration_since(earlier.at);
        (!elapsed.is_zero()).then(|| (time.as_secs_f64() / elapsed.as_secs_f64()).min(1.0))
    }
}

fn ran_and_wanted(schedstat: &str) -> Option<(Duration, Duration)> {
    let mut fields = schedstat.split_ascii_whitespace().map(str::parse::<u64>);
    let ran = fields.next()?.ok()?;
    let waited = fields.next()?.ok()?;
    Some((
        Duration::from_nanos(ran),
        Duration::from_nanos(ran + waited),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_and_waiting_to_run_both_count() {
        assert_eq!(
            ran_and_wanted("1040881491 70457 140\n"),
            Some((
                Duration::from_nanos(1_040_881_491),
                Duration::from_nanos(1_040_951_948)
            ))
        );
        assert_eq!(ran_and_wanted("12"), None);
        assert_eq!(ran_and_wanted(""), None);

        let at = Instant::now();
        let earlier = Occupancy {
            at,
            ran: Duration::ZERO,
            wanted: Duration::from_secs(1),
        };
        let later = Occupancy {
            at: at + Duration::from_secs(4),
            ran: Duration::from_secs(3),
            wanted: Duration::from_secs(2),
        };
        assert_eq!(later.ran_since(&earlier), Some(0.75));
        assert_eq!(later.share_since(&earlier), Some(0.25));
        assert_eq!(earlier.share_since(&earlier), None);
    }
}
