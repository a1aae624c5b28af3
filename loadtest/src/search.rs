//! The search for the highest rate that is kept, apart from what keeps it: a pure struct that asks for a rate and is told.

/// Doubles the rate until it is missed, then tries the geometric middle between the highest kept and the lowest missed.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    to: u64,
    /// The search ends when the lowest missed is less than this many times the highest kept.
    close: f64,
    rate: Option<u64>,
    kept: Option<u64>,
    missed: Option<u64>,
    /// The current rate was missed once. Machines stumble, so that once is not enough.
    is_second_try: bool,
}

impl Search {
    /// Rates in commands a second, `from` at most `to`; `within` in per cent.
    pub(crate) fn new(from: u64, to: u64, within: u32) -> Self {
        Self {
            to,
            close: 1.0 + f64::from(within) / 100.0,
            rate: Some(from),
            kept: None,
            missed: None,
            is_second_try: false,
        }
    }

    /// What to try next; `None` when the search is over.
    pub(crate) const fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// The highest rate that was kept.
    pub(crate) const fn answer(&self) -> Option<u64> {
        self.kept
    }

    /// The lowest rate that was missed twice. None if the search went as far as it may.
    pub(crate) const fn missed(&self) -> Option<u64> {
        self.missed
    }

    /// Says what became of the rate that was asked for.
    pub(crate) fn learn(&mut self, is_kept: bool) {
        let Some(rate) = self.rate else { return };
        if !is_kept && !self.is_second_try {
            self.is_second_try = true;
            return;
        }
        self.is_second_try = false;
        if is_kept {
            self.kept = Some(rate);
        } else {
            self.missed = Some(rate);
        }
        self.rate = self.next();
    }

    fn next(&self) -> Option<u64> {
        match (self.kept, self.missed) {
            (Some(kept), None) => (kept < self.to).then(|| (kept * 2).min(self.to)),
            (Some(kept), Some(missed)) => {
                let middle = round((kept as f64 * missed as f64).sqrt());
                let is_close = missed as f64 <= kept as f64 * self.close;
                (!is_close && kept < middle && middle < missed).then_some(middle)
            }
            (None, _) => None,
        }
    }
}

/// To three digits, as people speak of rates.
fn round(rate: f64) -> u64 {
    let unit = 10_f64.powf((rate.log10().floor() - 2.0).max(0.0));
    ((rate / unit).round() * unit) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a server that keeps every rate up to `capacity`, and stumbles at the rates named, once each.
    fn search(from: u64, to: u64, capacity: u64, stumbles: &[u64]) -> (Vec<u64>, Search) {
        let mut search = Search::new(from, to, 5);
        let (mut tried, mut stumbles) = (Vec::new(), stumbles.to_vec());
        while let Some(rate) = search.rate() {
            assert!(tried.len() < 50, "it does not end: {tried:?}");
            tried.push(rate);
            let stumbled = stumbles.iter().position(|at| *at == rate);
            let is_kept =
                rate <= capacity && stumbled.map(|place| stumbles.remove(place)).is_none();
            search.learn(is_kept);
        }
        (tried, search)
    }

    #[test]
    fn the_highest_rate_is_found() {
        for (from, to, capacity) in [
            (1_000, 1_000_000, 47_000),
            (1_000, 1_000_000, 1_000),
            (1, 1_000_000, 3),
            (5_000, 50_000, 33_333),
            (1_000, 1_000_000_000, 612_345),
        ] {
            let (tried, search) = search(from, to, capacity, &[]);
            let answer = search.answer().expect("the first rate is kept");
            assert!(answer <= capacity, "{answer} of {capacity}: {tried:?}");
            let off = capacity as f64 / answer as f64;
            assert!(
                off <= 1.06 || capacity - answer <= 1,
                "{answer} of {capacity}: {tried:?}"
            );
            assert!(search.missed().is_some_and(|missed| missed > capacity));
        }
    }

    #[test]
    fn it_climbs_by_doubling_and_tries_what_was_missed_again() {
        let (tried, _) = search(1_000, 1_000_000, 4_500, &[2_000]);
        assert_eq!(tried[..6], [1_000, 2_000, 2_000, 4_000, 8_000, 8_000]);
        assert_eq!(tried[6], 5_660, "half way between, to three digits");
    }

    #[test]
    fn there_may_be_no_answer_or_no_end() {
        let (tried, none) = search(1_000, 1_000_000, 10, &[]);
        assert_eq!((tried, none.answer()), (vec![1_000, 1_000], None));
        let (tried, all) = search(1_000, 3_000, 1_000_000, &[]);
        assert_eq!(
            (tried, all.answer()),
            (vec![1_000, 2_000, 3_000], Some(3_000))
        );
        assert_eq!(all.missed(), None);
    }
}
