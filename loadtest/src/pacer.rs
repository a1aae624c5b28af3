//! The plan of an open-loop run, as a pure function: no clock, no socket, no memory that grows.

use std::sync::Arc;
use std::time::Duration;

use crate::curve::{Amount, COMMAND, Curve};
use crate::quantity::Rate;

/// Says when request *n* is planned and how many are due, both counted from the start of the run.
///
/// Requests are spaced as the [curve](Curve) of their rate has it. A pacer may be one of several that [share](Self::share)
/// a plan; it then counts only its own requests, which lie between those of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacer {
    curve: Arc<Curve>,
    commands_per_request: u64,
    /// Which requests of the whole plan are ours: `first`, `first + step`, `first + 2 × step` …
    first: u64,
    step: u64,
}

impl Pacer {
    /// A constant rate of commands, carried by requests of `commands_per_request` each.
    #[must_use]
    pub fn constant(rate: Rate, commands_per_request: u64) -> Self {
        Self::following(Curve::flat(rate.per_second()), commands_per_request)
    }

    /// A rate of commands that changes, carried by requests of `commands_per_request` each.
    pub(crate) fn following(curve: Curve, commands_per_request: u64) -> Self {
        Self {
            curve: Arc::new(curve),
            commands_per_request,
            first: 0,
            step: 1,
        }
    }

    /// The part of this plan that worker `index` of `workers` carries out.
    #[must_use]
    pub fn share(self, index: u64, workers: u64) -> Self {
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
        Duration::from_nanos(self.curve.last_with(request * self.amount_of_request()))
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

    /// How many commands the plan has between two moments of the run, in all its shares together.
    pub(crate) fn commands_between(&self, from: Duration, to: Duration) -> f64 {
        let until = |at: Duration| self.curve.planned(at.as_nanos());
        until(to).saturating_sub(until(from)) as f64 / COMMAND as f64
    }

    /// `planned_at` is the last moment before which no more is planned than the requests before the *n*th have, therefore
    /// `planned_at(n) < t` says the same as `planned before t > n requests` for every whole `t`, and the count is the
    /// ceiling of where `t` falls in our own numbering.
    fn planned_before(&self, nanos: u128) -> u64 {
        let requests = self.curve.planned(nanos).div_ceil(self.amount_of_request());
        let ours = requests
            .saturating_sub(u128::from(self.first))
            .div_ceil(u128::from(self.step));
        u64::try_from(ours).unwrap_or(u64::MAX)
    }

    fn amount_of_request(&self) -> Amount {
        COMMAND * u128::from(self.commands_per_request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    fn pacer(rate: &str, commands_per_request: u64) -> Pacer {
        Pacer::constant(rate.parse().expect("a rate"), commands_per_request)
    }

    /// Two seconds of warm-up and a minute.
    fn shaped(profile: &str, commands_per_request: u64) -> Pacer {
        let profile: Profile = profile.parse().expect("a profile");
        let curve = profile.curve(Duration::from_secs(2), Duration::from_secs(60));
        Pacer::following(curve, commands_per_request)
    }

    #[test]
    fn the_total_is_the_area_under_the_rate() {
        let cases = [
            // profile, commands per request, requests of two seconds of warm-up and a minute
            ("20k", 1, 62 * 20_000),
            ("ramp:1k..3k", 1, 2 * 1_000 + 60 * 2_000),
            ("ramp:1k..3k", 1_000, 2 + 60 * 2),
            ("step:1k,2k,6k", 1, 2 * 1_000 + 20 * 9_000),
            ("spike:1k+9k@10s/1s", 10, (62 * 1_000 + 5 * 9_000) / 10),
            ("sine:1k..3k@20s", 1, 2 * 1_000 + 60 * 2_000),
        ];
        for (profile, commands, requests) in cases {
            let whole = shaped(profile, commands);
            let length = Duration::from_secs(62);
            assert_eq!(whole.total(length), requests, "{profile}");
            let shares = (0..3).map(|index| whole.clone().share(index, 3).total(length));
            assert_eq!(shares.sum::<u64>(), requests, "{profile} shared");
        }
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
        let shapes = [
            "1",
            "3",
            "7",
            "999",
            "20k",
            "123457",
            "1M",
            "ramp:1..1M",
            "ramp:5k..1k@3s",
            "step:1,7,100k@2s",
            "spike:10+20k@1s/10ms",
            "sine:3..50k@7s",
        ];
        for shape in shapes {
            for commands in [1, 7, 1_000] {
                let whole = shaped(shape, commands);
                for ours in [whole.clone(), whole.clone().share(0, 3), whole.share(2, 3)] {
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
            .map(|index| whole.clone().share(index, 4))
            .flat_map(|ours| (0..ours.total(length)).map(move |n| ours.planned_at(n)))
            .collect();
        planned.sort_unstable();
        let expected: Vec<Duration> = (0..whole.total(length))
            .map(|n| whole.planned_at(n))
            .collect();
        assert_eq!(planned, expected);
    }
}
