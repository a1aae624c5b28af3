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
