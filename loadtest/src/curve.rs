//! How many commands are planned up to a moment, and when the next one is: exact, in whole numbers, so that the two agree.

use std::time::Duration;

/// Commands times nanoseconds: what a rate adds up to. A second at one command a second is [`COMMAND`].
pub(crate) type Amount = u128;

/// One whole command.
pub(crate) const COMMAND: Amount = 1_000_000_000;

/// A part of the plan in which the rate changes evenly, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Nanoseconds.
    pub(crate) length: u64,
    /// Commands per second at the beginning and at the end.
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Stretch {
    pub(crate) fn new(length: Duration, from: u64, to: u64) -> Self {
        Self {
            length: nanos(length),
            from,
            to,
        }
    }

    /// What is planned in the first `at` nanoseconds of it, rounded down. Never decreases with `at`.
    fn planned(&self, at: u64) -> Amount {
        let (at, even) = (
            u128::from(at),
            u128::from(self.from) * u128::from(at.min(self.length)),
        );
        // Rates of curves that are not flat are bounded (`Profile::RATE_MAX`), so that this fits for a whole day.
        let bend = u128::from(self.from.abs_diff(self.to)) * at * at;
        let twice = 2 * u128::from(self.length.max(1));
        if self.to >= self.from {
            even + bend / twice
        } else {
            even - bend.div_ceil(twice)
        }
    }

    fn total(&self) -> Amount {
        self.planned(self.length)
    }

    /// The last moment, in nanoseconds, at which no more than `amount` is planned.
    fn last_with(&self, amount: Amount) -> u64 {
        if self.from == self.to {
            let flat = amount.checked_div(u128::from(self.from));
            return flat.map_or(self.length, |at| {
                u64::try_from(at).unwrap_or(u64::MAX).min(self.length)
            });
        }
        let mut low = self.guess(amount).min(self.length);
        let mut reach = 1;
        while low > 0 && self.planned(low) > amount {
            low = low.saturating_sub(reach);
            reach *= 2;
        }
        let mut high = low + 1;
        reach = 1;
        while high <= self.length && self.planned(high) <= amount {
            low = high;
            high += reach;
            reach *= 2;
        }
        high = high.min(self.length + 1);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if self.planned(middle) <= amount {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Where a quadratic equation in floating point puts it: a few nanoseconds off at most, which the caller corrects.
    fn guess(&self, amount: Amount) -> u64 {
        let (from, amount) = (self.from as f64, amount as f64);
        let slope = (self.to as f64 - from) / self.length.max(1) as f64;
        let root = (from * from + 2.0 * slope * amount).max(0.0).sqrt();
        let at = 2.0 * amount / (from + root);
        if at.is_finite() { at as u64 } else { 0 }
    }
}

/// A plan: an even rate during the warm-up, then stretches one after the other, over and over or once. Whatever comes behind
/// the last stretch goes on at its last rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Curve {
    warmup: Stretch,
    /// Each with when it begins and what is planned before it, both counted from the end of the warm-up.
    stretches: Vec<(u64, Amount, Stretch)>,
    length: u64,
    total: Amount,
    repeats: bool,
}

impl Curve {
    /// The same rate for ever.
    pub(crate) fn flat(rate: u64) -> Self {
        Self::once(Duration::ZERO, rate, [])
    }

    /// The stretches once. The warm-up runs at `rate`, and so does what follows if there are no stretches.
    pub(crate) fn once(
        warmup: Duration,
        rate: u64,
        stretches: impl IntoIterator<Item = Stretch>,
    ) -> Self {
        Self::new(warmup, rate, stretches, false)
    }

    /// The stretches over and over.
    pub(crate) fn repeating(
        warmup: Duration,
        rate: u64,
        stretches: impl IntoIterator<Item = Stretch>,
    ) -> Self {
        Self::new(warmup, rate, stretches, true)
    }

    fn new(
        warmup: Duration,
        rate: u64,
        stretches: impl IntoIterator<Item = Stretch>,
        repeats: bool,
    ) -> Self {
        let (mut begin, mut before) = (0_u64, 0);
        let mut placed = Vec::new();
        for stretch in stretches.into_iter().filter(|stretch| stretch.length > 0) {
            placed.push((begin, before, stretch));
            begin += stretch.length;
            before += stretch.total();
        }
        Self {
            warmup: Stretch::new(warmup, rate, rate),
            repeats: repeats && before > 0,
            stretches: placed,
            length: begin,
            total: before,
        }
    }

    /// What is planned before this moment, in nanoseconds from the start. Never decreases.
    pub(crate) fn planned(&self, at: u128) -> Amount {
        let warmup = u128::from(self.warmup.length);
        let Some(at) = at.checked_sub(warmup) else {
            return at * u128::from(self.warmup.from);
        };
        let before = self.warmup.total();
        if self.repeats {
            let (times, rest) = (at / u128::from(self.length), at % u128::from(self.length));
            return before + times * self.total + self.in_one_round(rest as u64);
        }
        match at.checked_sub(u128::from(self.length)) {
            None => before + self.in_one_round(at as u64),
            Some(behind) => before + self.total + behind * u128::from(self.last_rate()),
        }
    }

    /// The last moment, in nanoseconds from the start, before which no more than `amount` is planned; for ever is
    /// `u64::MAX`.
    pub(crate) fn last_with(&self, amount: Amount) -> u64 {
        let at = match amount.checked_sub(self.warmup.total()) {
            // Exactly what the warm-up has: the moment may be later, if nothing is planned at first.
            Some(amount) => u128::from(self.warmup.length) + self.behind_warmup(amount),
            None => u128::from(self.warmup.last_with(amount)),
        };
        u64::try_from(at).unwrap_or(u64::MAX)
    }

    fn behind_warmup(&self, amount: Amount) -> u128 {
        if self.repeats {
            let (times, rest) = (amount / self.total, amount % self.total);
            return times * u128::from(self.length) + u128::from(self.last_in_one_round(rest));
        }
        if amount < self.total {
            return u128::from(self.last_in_one_round(amount));
        }
        let behind = (amount - self.total).checked_div(u128::from(self.last_rate()));
        behind.map_or(u128::MAX / 2, |behind| u128::from(self.length) + behind)
    }

    fn last_rate(&self) -> u64 {
        self.stretches
            .last()
            .map_or(self.warmup.to, |(_, _, stretch)| stretch.to)
    }

    /// `at` is less than the length.
    fn in_one_round(&self, at: u64) -> Amount {
        let behind = self.stretches.partition_point(|(begin, _, _)| *begin <= at);
        let Some((begin, before, stretch)) =
            behind.checked_sub(1).map(|index| self.stretches[index])
        else {
            return 0;
        };
        before + stretch.planned(at - begin)
    }

    /// `amount` is less than the total, so that there is a stretch in which it is exceeded.
    fn last_in_one_round(&self, amount: Amount) -> u64 {
        let behind = self
            .stretches
            .partition_point(|(_, before, _)| *before <= amount);
        let Some((begin, before, stretch)) =
            behind.checked_sub(1).map(|index| self.stretches[index])
        else {
            return 0;
        };
        begin + stretch.last_with(amount - before)
    }
}

pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn stretch(seconds: u64, from: u64, to: u64) -> Stretch {
        Stretch::new(Duration::from_secs(seconds), from, to)
    }

    fn curves() -> [Curve; 5] {
        let warmup = Duration::from_millis(1_500);
        [
            Curve::flat(7),
            Curve::once(warmup, 3, [stretch(7, 3, 1_000)]),
            Curve::once(warmup, 9_999, [stretch(3, 9_999, 1), stretch(2, 5, 5)]),
            Curve::repeating(warmup, 11, [stretch(1, 11, 77), stretch(2, 77, 11)]),
            Curve::once(
                Duration::ZERO,
                1,
                [
                    stretch(1, 0, 0),
                    stretch(1, 5, 5),
                    stretch(2, 0, 0),
                    stretch(1, 3, 3),
                ],
            ),
        ]
    }

    #[test]
    fn what_is_planned_is_the_area_under_the_rate() {
        let seconds = |curve: &Curve, seconds: f64| {
            curve.planned((seconds * SECOND as f64) as u128) / COMMAND
        };
        let [flat, up, down, wave, gaps] = curves();
        assert_eq!(seconds(&flat, 10.0), 70);
        // 1.5 s at 3/s, then a ramp whose mean is 501.5/s.
        assert_eq!(seconds(&up, 8.5), (4.5 + 7.0 * 501.5) as u128);
        assert_eq!(
            seconds(&up, 9.5),
            (4.5 + 7.0 * 501.5 + 1_000.0) as u128,
            "on at the last rate"
        );
        assert_eq!(
            seconds(&down, 6.5),
            (1.5 * 9_999.0 + 3.0 * 5_000.0 + 10.0) as u128
        );
        assert_eq!(
            seconds(&wave, 1.5 + 30.0),
            (16.5 + 10.0 * 3.0 * 44.0) as u128
        );
        assert_eq!(
            [1.0, 2.0, 4.0, 5.0].map(|at| seconds(&gaps, at)),
            [0, 5, 5, 8]
        );
    }

    #[test]
    fn a_command_is_planned_at_the_last_moment_before_which_it_is_not() {
        for curve in curves() {
            for command in (0..20_000).step_by(7) {
                let amount = command * COMMAND;
                let at = curve.last_with(amount);
                if at == u64::MAX {
                    continue;
                }
                assert!(
                    curve.planned(u128::from(at)) <= amount,
                    "{command} at {at}: {curve:?}"
                );
                assert!(
                    curve.planned(u128::from(at) + 1) > amount,
                    "{command} at {at}: {curve:?}"
                );
            }
        }
    }

    #[test]
    fn a_day_of_a_steep_ramp_fits() {
        let day = Duration::from_secs(24 * 60 * 60);
        let curve = Curve::once(day, 1, [Stretch::new(day, 1, 1_000_000_000)]);
        let end = 2 * day.as_nanos();
        let total = curve.planned(end);
        assert_eq!(
            total / COMMAND,
            u128::from(day.as_secs()) * (1 + 500_000_000) + u128::from(day.as_secs()) / 2
        );
        assert!(u128::from(curve.last_with(total - COMMAND)) < end);
    }
}
