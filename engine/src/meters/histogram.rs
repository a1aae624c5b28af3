//! Distributions that many threads may add to: exponential buckets, the same that native histograms of Prometheus have.
//!
//! A power of two is the bound of a bucket, so classic buckets with such bounds follow from these without a loss.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the buckets are called by: 2 to the power of this makes an octave.
pub const SCHEMA: i32 = 3;
/// How many buckets lie between a number and its double. Each bound is about 9 % above the one before.
const PER_OCTAVE: usize = 1 << SCHEMA;
/// How many doublings the buckets reach.
const OCTAVES: usize = 26;
/// One for everything up to the lowest bound, one for everything above the highest.
const BUCKETS: usize = OCTAVES * PER_OCTAVE + 2;
/// The bounds of an octave from 1 up to 2.
const BOUNDS: [f64; PER_OCTAVE] = [
    1.0,
    1.090_507_732_665_257_7,
    1.189_207_115_002_721,
    1.296_839_554_651_009_6,
    std::f64::consts::SQRT_2,
    1.542_210_825_407_940_7,
    1.681_792_830_507_429,
    1.834_008_086_409_342_4,
];
const MANTISSA: u64 = (1 << 52) - 1;

/// What is counted, and so where the buckets lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Observed in nanoseconds, shown in seconds: buckets from about a microsecond to about a minute.
    Seconds,
    /// Whole numbers of something: buckets from 1 to about 67 million.
    Whole,
}

impl Scale {
    /// The lowest bound, as a power of two.
    #[must_use]
    pub const fn lowest(self) -> i32 {
        match self {
            Self::Seconds => -20,
            Self::Whole => 0,
        }
    }

    /// The highest bound, as a power of two.
    #[must_use]
    pub const fn highest(self) -> i32 {
        self.lowest() + OCTAVES as i32
    }

    /// What is shown for a sum of what was observed.
    fn shown(self, raw: u64) -> f64 {
        match self {
            Self::Seconds => raw as f64 * 1e-9,
            Self::Whole => raw as f64,
        }
    }

    /// In which bucket a value lies; each has its upper bound.
    fn bucket(self, raw: u64) -> usize {
        let shown = self.shown(raw);
        let bits = shown.to_bits();
        // Not negative, so this is the exponent alone.
        let above = (bits >> 52) as i32 - 1_023 - self.lowest();
        if above < 0 {
            return 0;
        }
        let part = BOUNDS
            .iter()
            .filter(|bound| bound.to_bits() & MANTISSA < bits & MANTISSA)
            .count();
        (above as usize * PER_OCTAVE + part).min(BUCKETS - 1)
    }
}

/// A distribution. Adding to it takes no lock and no memory; who reads while others add may see the sum a little ahead of
/// the buckets, or behind.
#[derive(Debug)]
pub struct Histogram {
    scale: Scale,
    sum: AtomicU64,
    buckets: Box<[AtomicU64]>,
}

impl Histogram {
    /// Nothing observed yet.
    #[must_use]
    pub fn new(scale: Scale) -> Self {
        Self {
            scale,
            sum: AtomicU64::new(0),
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Observes the same value so many times. Of seconds, the value is in nanoseconds.
    pub fn observe(&self, value: u64, times: u64) {
        self.sum
            .fetch_add(value.saturating_mul(times), Ordering::Relaxed);
        self.buckets[self.scale.bucket(value)].fetch_add(times, Ordering::Relaxed);
    }

    /// What was observed so far.
    #[must_use]
    pub fn read(&self) -> Distribution {
        let mut distribution = Distribution::none(self.scale);
        distribution.add(self);
        distribution
    }
}

/// What histograms had observed when they were read.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    scale: Scale,
    sum: u64,
    buckets: Vec<u64>,
}

impl Distribution {
    /// Nothing.
    #[must_use]
    pub fn none(scale: Scale) -> Self {
        Self {
            scale,
            sum: 0,
            buckets: vec![0; BUCKETS],
        }
    }

    /// Adds what a histogram of the same scale has observed.
    pub fn add(&mut self, histogram: &Histogram) {
        debug_assert_eq!(self.scale, histogram.scale);
        self.sum += histogram.sum.load(Ordering::Relaxed);
        for (mine, other) in self.buckets.iter_mut().zip(&histogram.buckets) {
            *mine += other.load(Ordering::Relaxed);
        }
    }

    /// What is counted.
    #[must_use]
    pub const fn scale(&self) -> Scale {
        self.scale
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Their sum, in seconds or whole numbers.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.scale.shown(self.sum)
    }

    /// How many are at most the lowest bound.
    #[must_use]
    pub fn lowest(&self) -> u64 {
        self.buckets[0]
    }

    /// How many are at most 2 to this power, which lies between the lowest bound and the highest.
    #[must_use]
    pub fn at_most(&self, power: i32) -> u64 {
        let octaves = usize::try_from(power - self.scale.lowest()).unwrap_or_default();
        let up_to = (octaves * PER_OCTAVE).min(BUCKETS - 1);
        self.buckets[..=up_to].iter().sum()
    }

    /// The buckets above the lowest bound with their native indices: number `i` reaches up to 2 to the power of
    /// `i / 2^SCHEMA`. What is above the highest bound counts as the next bucket.
    pub fn native(&self) -> impl Iterator<Item = (i32, u64)> {
        let first = self.scale.lowest() * PER_OCTAVE as i32;
        (first + 1..).zip(self.buckets[1..].iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_in_the_bucket_whose_bound_it_does_not_exceed() {
        for (scale, raw, bucket) in [
            (Scale::Whole, 0, 0),
            (Scale::Whole, 1, 0),
            (Scale::Whole, 2, 8),
            (Scale::Whole, 3, 8 + 5),
            (Scale::Whole, 4, 16),
            (Scale::Whole, 1 << 26, 26 * 8),
            (Scale::Whole, (1 << 26) + 1, 26 * 8 + 1),
            (Scale::Whole, u64::MAX, 26 * 8 + 1),
            (Scale::Seconds, 0, 0),
            (Scale::Seconds, 953, 0),
            (Scale::Seconds, 954, 1),
            // An eighth of a second, and a little more.
            (Scale::Seconds, 125_000_000, 17 * 8),
            (Scale::Seconds, 125_000_001, 17 * 8 + 1),
            (Scale::Seconds, 3_600_000_000_000, 26 * 8 + 1),
        ] {
            assert_eq!(scale.bucket(raw), bucket, "{scale:?} {raw}");
        }
    }

    #[test]
    fn every_bound_is_a_power_of_the_first() {
        for (place, bound) in BOUNDS.into_iter().enumerate() {
            let exact = 2_f64.powf(place as f64 / PER_OCTAVE as f64);
            assert!((bound - exact).abs() < 1e-15, "{place}: {bound} {exact}");
        }
    }

    #[test]
    fn what_was_observed_adds_up() {
        let (one, other) = (Histogram::new(Scale::Whole), Histogram::new(Scale::Whole));
        for value in 0..1_000 {
            one.observe(value, 1);
            other.observe(value, 3);
        }
        let mut both = one.read();
        both.add(&other);
        assert_eq!(both.count(), 4_000);
        assert!((both.sum() - 4.0 * 499_500.0).abs() < 0.5);
        for power in 0..=26 {
            let expected = 4 * (1 + (1_u64 << power)).min(1_000);
            assert_eq!(both.at_most(power), expected, "2^{power}");
        }
        let native: u64 = both.native().map(|(_, count)| count).sum();
        assert_eq!(both.lowest() + native, both.count());
        assert_eq!(both.native().find(|(_, count)| *count > 0), Some((8, 4)));
    }
}
