//! Histograms of time spans: bounded memory, whatever the number of requests.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Time spans in nanoseconds with three significant digits, from one nanosecond to an hour; longer ones count as an hour.
#[derive(Clone, Debug)]
pub(crate) struct Spans(Histogram<u64>);

const LONGEST_NS: u64 = 3_600_000_000_000;

impl Spans {
    pub(crate) fn new() -> Self {
        Self(
            Histogram::new_with_bounds(1, LONGEST_NS, 3)
                .expect("the bounds are constant and in order"),
        )
    }

    pub(crate) fn record(&mut self, span: Duration, times: u64) {
        if times > 0 {
            let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
            self.0.saturating_record_n(nanos, times);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.0
            .add(&other.0)
            .expect("all histograms have the same bounds");
    }

    /// Adds those of another's that are longer than this, and tells how many they are.
    pub(crate) fn add_longer(&mut self, other: &Self, than: Duration) -> u64 {
        let than = u64::try_from(than.as_nanos()).unwrap_or(u64::MAX);
        let mut added = 0;
        for step in other.0.iter_recorded() {
            let (nanos, times) = (step.value_iterated_to(), step.count_at_value());
            if nanos > than {
                self.0.saturating_record_n(nanos, times);
                added += times;
            }
        }
        added
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The span that this share (0 to 1) of all spans does not exceed; zero if there are none.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(share))
    }

    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.0.max())
    }

    pub(crate) fn into_histogram(self) -> Histogram<u64> {
        self.0
    }

    /// The counts behind it, in nanoseconds.
    pub(crate) const fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }

    pub(crate) fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.0.mean() / 1e9)
    }
}

/// The latency of some requests, counted twice.
#[derive(Clone, Debug)]
pub(crate) struct Latencies {
    /// From the planned send time: what a user waits who does not know that the system is busy.
    pub(crate) corrected: Spans,
    /// From the actual send: what the server took once it was asked.
    pub(crate) raw: Spans,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        Self {
            corrected: Spans::new(),
            raw: Spans::new(),
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.corrected.merge(&other.corrected);
        self.raw.merge(&other.raw);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_is_counting_together() {
        let (mut low, mut high) = (Spans::new(), Spans::new());
        low.record(Duration::from_millis(1), 99);
        high.record(Duration::from_secs(7_200), 1);
        high.record(Duration::from_secs(5), 0);
        low.merge(&high);
        assert_eq!(low.count(), 100);
        assert!(low.quantile(0.99).abs_diff(Duration::from_millis(1)) < Duration::from_micros(2));
        assert!(
            low.max() >= Duration::from_secs(3_599),
            "saturated at an hour, not lost: {:?}",
            low.max()
        );
    }

    #[test]
    fn only_longer_ones_are_added() {
        let (mut answered, mut others) = (Spans::new(), Spans::new());
        answered.record(Duration::from_millis(1), 97);
        others.record(Duration::from_micros(100), 1_000);
        others.record(Duration::from_secs(1), 3);
        assert_eq!(answered.add_longer(&others, Duration::from_millis(5)), 3);
        assert_eq!(answered.count(), 100);
        let (p90, p99) = (answered.quantile(0.9), answered.quantile(0.99));
        assert!(p90 < Duration::from_millis(2) && p99 >= Duration::from_secs(1));
    }

    #[test]
    fn nothing_recorded_is_zero() {
        assert_eq!(Spans::new().quantile(0.5), Duration::ZERO);
        assert_eq!(Spans::new().mean(), Duration::ZERO);
    }
}
