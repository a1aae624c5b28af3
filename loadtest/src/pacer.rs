//! The plan of an open-loop run, as a pure function: no clock, no socket, no memory.

use std::time::Duration;

use crate::quantity::Rate;

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// Says when request *n* is planned and how many are due, both counted from the start of the run.
///
/// Requests are evenly spaced. A pacer may be one of several that [share](Self::share) a plan; it then counts only its own
/// requests, which lie between those of the others. Other shapes of load (ramp, step, spike) belong here too, behind the
/// same two questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacer {
    commands_per_second: u64,
    commands_per_request: u64,
    /// Which requests of the whole plan are ours: `first`, `first + step`, `first + 2 × step` …
    first: u64,
    step: u64,
}

impl Pacer {
    /// A constant rate of commands, carried by requests of `commands_per_request` each.
    #[must_use]
    pub const fn constant(rate: Rate, commands_per_request: u64) -> Self {
        Self {
            commands_per_second: rate.per_second(),
            commands_per_request,
            first: 0,
            step: 1,
        }
    }

    /// The part of this plan that worker `index` of `workers` carries out.
    #[must_use]
    pub const fn share(self, index: u64, workers: u64) -> Self {
        Self {
            first: self.first + index * self.step,
            step: self.step * workers,
            ..self
        }
    }

    /// When request `n` (from 0) is planned, to the nanosecond below. Never decreases with `n`.
    #[must_use]
    pub fn planned_at(&self, n: u64) -> Duration {
        let request = u128::from(self.first) + u128::from(n) * u128::from(self.step);
        let nanos = request * self.nanos_times_rate() / u128::from(self.commands_per_second);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many requests are planned at or before `elapsed`: those with `planned_at(n) <= elapsed`.
    #[must_use]
    pub fn due(&self, elapsed: Duration) -> u64 {
        self.planned_before(elapsed.as_nanos() + 1)
    }

    /// How many requests a run of this length has: those with `planned_at(n) < length`.
    #[must_use]
    pub fn total(&self, length: Duration) -> u64 {
        self.planned_before(length.as_nanos())
    }

    /// `planned_at` rounds down to a whole nanosecond, therefore `planned_at(n) < t` says the same as
    /// `exact(n) < t` for every whole `t`, and the count is the ceiling of where `t` falls in our own numbering.
    fn planned_before(&self, nanos: u128) -> u64 {
        let requests =
            (nanos * u128::from(self.commands_per_second)).div_ceil(self.nanos_times_rate());
        let ours = requests
            .saturating_sub(u128::from(self.first))
            .div_ceil(u128::from(self.step));
        u64::try_from(ours).unwrap_or(u64::MAX)
    }

    /// Nanoseconds between two requests of the whole plan, times the rate, so that it stays a whole number.
    fn nanos_times_rate(&self) -> u128 {
        NANOS_PER_SECOND * u128::from(self.commands_per_request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pacer(rate: &str, commands_per_request: u64) -> Pacer {
        Pacer::constant(rate.parse().expect("a rate"), commands_per_request)
    }

    #[test]
    fn planned_times() {
        let cases = [
            // rate, commands per request, request, planned at (ns)
            ("20k", 1, 0, 0),
            ("20k", 1, 1, 50_000),
            ("20k", 1, 20_000, 1_000_000_000),
            ("3", 1, 1, 333_333_333),
            ("3", 1, 2, 666_666_666),
            ("3", 1, 3, 1_000_000_000),
            ("300k", 1_000, 1, 3_333_333),
            ("300k", 1_000, 300, 1_000_000_000),
            // A day at a million a second does not drift.
            ("1M", 1, 86_400_000_000, 86_400_000_000_000),
        ];
        for (rate, commands, n, nanos) in cases {
            let planned = pacer(rate, commands).planned_at(n);
            assert_eq!(
                planned,
                Duration::from_nanos(nanos),
                "request {n} at {rate}, {commands} commands each"
            );
        }
    }

    #[test]
    fn due_and_total() {
        let cases = [
            // rate, elapsed (ns), due, total of a run as long as that
            ("20k", 0, 1, 0),
            ("20k", 49_999, 1, 1),
            ("20k", 50_000, 2, 1),
            ("20k", 50_001, 2, 2),
            ("20k", 1_000_000_000, 20_001, 20_000),
            ("3", 333_333_332, 1, 1),
            ("3", 333_333_333, 2, 1),
            ("3", 1_000_000_000, 4, 3),
        ];
        for (rate, nanos, due, total) in cases {
            let elapsed = Duration::from_nanos(nanos);
            assert_eq!(
                pacer(rate, 1).due(elapsed),
                due,
                "due at {nanos} ns, {rate}"
            );
            assert_eq!(
                pacer(rate, 1).total(elapsed),
                total,
                "total of {nanos} ns, {rate}"
            );
        }
    }

    #[test]
    fn a_request_is_due_exactly_when_it_is_planned() {
        for rate in ["1", "3", "7", "999", "20k", "123457", "1M"] {
            for commands in [1, 7, 1_000] {
                let whole = pacer(rate, commands);
                for ours in [whole, whole.share(0, 3), whole.share(2, 3)] {
                    for n in [0, 1, 2, 3, 10, 1_000, 999_983] {
                        let planned = ours.planned_at(n);
                        assert!(ours.due(planned) > n, "{ours:?} {n}");
                        assert!(ours.total(planned) <= n, "{ours:?} {n}");
                        if let Some(just_before) = planned.checked_sub(Duration::from_nanos(1)) {
                            assert!(ours.due(just_before) <= n, "{ours:?} {n}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn shares_make_up_the_whole_plan() {
        let whole = pacer("12345", 10);
        let length = Duration::from_secs(7);
        let mut planned: Vec<Duration> = (0..4)
            .map(|index| whole.share(index, 4))
            .flat_map(|ours| (0..ours.total(length)).map(move |n| ours.planned_at(n)))
            .collect();
        planned.sort_unstable();
        let expected: Vec<Duration> = (0..whole.total(length))
            .map(|n| whole.planned_at(n))
            .collect();
        assert_eq!(planned, expected);
    }
}
