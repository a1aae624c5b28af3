//! A uniform sample of bounded size of what comes by, which need not be known to end. Each thing has a rank that is as good
//! as random; the sample is all things of the lowest ranks. Two samples therefore make one, in any order.

/// Whatever is sampled.
pub(crate) trait Ranked {
    /// As good as random, and always the same for the same thing.
    fn rank(&self) -> u64;
}

#[derive(Clone, Debug)]
pub(crate) struct Sample<T> {
    kept: Vec<T>,
    max: usize,
    /// What ranks above this is not kept.
    rank_max: u64,
    /// How many came by.
    offered: u64,
}

impl<T: Ranked> Sample<T> {
    pub(crate) const fn new(max: usize) -> Self {
        Self {
            kept: Vec::new(),
            max,
            rank_max: u64::MAX,
            offered: 0,
        }
    }

    pub(crate) fn offer(&mut self, thing: T) {
        self.offered += 1;
        if thing.rank() <= self.rank_max {
            self.kept.push(thing);
            self.shrink();
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.offered += other.offered;
        self.max += other.max;
        let rank_max = self.rank_max.min(other.rank_max);
        self.kept.extend(other.kept);
        if rank_max < u64::MAX {
            self.keep(rank_max);
        }
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.kept.len() > self.max {
            self.keep(self.rank_max / 2);
        }
    }

    fn keep(&mut self, rank_max: u64) {
        self.rank_max = rank_max;
        self.kept.retain(|thing| thing.rank() <= rank_max);
    }

    pub(crate) const fn offered(&self) -> u64 {
        self.offered
    }

    pub(crate) fn kept(&self) -> &[T] {
        &self.kept
    }

    pub(crate) fn into_kept(self) -> Vec<T> {
        self.kept
    }

    /// How much memory it takes.
    pub(crate) const fn bytes(&self) -> usize {
        self.kept.capacity() * size_of::<T>()
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Thing(u64);

    impl Ranked for Thing {
        fn rank(&self) -> u64 {
            xxh3_64(&self.0.to_le_bytes())
        }
    }

    fn sample(things: std::ops::Range<u64>, max: usize) -> Sample<Thing> {
        let mut sample = Sample::new(max);
        things.for_each(|thing| sample.offer(Thing(thing)));
        sample
    }

    #[test]
    fn everything_is_kept_while_there_is_room() {
        let all = sample(0..100, 100);
        assert_eq!((all.kept().len(), all.offered()), (100, 100));
    }

    #[test]
    fn a_sample_is_bounded_and_even() {
        let some = sample(0..100_000, 1_000);
        assert_eq!(some.offered(), 100_000);
        assert!(
            (400..=1_000).contains(&some.kept().len()),
            "{}",
            some.kept().len()
        );
        let early = some.kept().iter().filter(|thing| thing.0 < 50_000).count();
        let share = early as f64 / some.kept().len() as f64;
        assert!((0.4..0.6).contains(&share), "{share} of the first half");
    }

    #[test]
    fn samples_of_parts_make_a_sample_of_the_whole() {
        let mut parts = sample(0..90_000, 500);
        parts.merge(sample(90_000..100_000, 500));
        let mut kept = parts.kept().to_vec();
        kept.sort_unstable();
        let expected: Vec<Thing> = (0..100_000)
            .map(Thing)
            .filter(|thing| thing.rank() <= parts.rank_max)
            .collect();
        assert_eq!(kept, expected);
        assert_eq!(parts.offered(), 100_000);
    }
}
