//! How much of which transaction was taken back.

use std::collections::BTreeMap;

use super::{amount::Points, command::Seq};

/// Transactions that were reversed, wholly or in part, as long as they can be found.
#[derive(Default)]
pub(super) struct Reversals(BTreeMap<Seq, Points>);

impl Reversals {
    pub(super) fn of(&self, transaction: Seq) -> Points {
        self.0.get(&transaction).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, transaction: Seq, points: Points) {
        let so_far = self.0.entry(transaction).or_default();
        *so_far = so_far
            .checked_add(points)
            .expect("decided: no more is reversed than there was");
    }

    /// Forgets transactions that cannot be found any more, and so not be reversed again.
    pub(super) fn forget_before(&mut self, first: Seq) {
        while let Some(oldest) = self.0.first_entry()
            && *oldest.key() < first
        {
            oldest.remove();
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Seq, Points)> {
        self.0.iter().map(|(&seq, &points)| (seq, points))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_what_is_not_found_any_more_is_forgotten() {
        let points = |n| Points::new(n).expect("small");
        let mut reversals = Reversals::default();
        for (seq, n) in [(3, 10), (5, 1), (3, 5)] {
            reversals.add(Seq(seq), points(n));
        }
        let all = |reversals: &Reversals| reversals.iter().collect::<Vec<_>>();
        assert_eq!(all(&reversals), [(Seq(3), points(15)), (Seq(5), points(1))]);
        reversals.forget_before(Seq(3));
        assert_eq!((reversals.len(), reversals.of(Seq(3))), (2, points(15)));
        reversals.forget_before(Seq(5));
        assert_eq!(all(&reversals), [(Seq(5), points(1))]);
        assert_eq!(reversals.of(Seq(3)), Points::ZERO);
    }
}
