//! A list whose values stay where they are.
//!
//! A `Vec` that is full moves to memory of twice the size. With hundreds of thousands of members or holds that stops a shard for
//! a visible moment, and what is new has to be cleared by the system first. Here a long list grows by a block at a time.

use std::ops::{Index, IndexMut};

/// Values to a block.
const BLOCK: usize = 1 << 10;

/// Values by their number, in blocks of which all but the last are full.
#[derive(Clone, Debug)]
pub(super) struct Slots<T>(Vec<Vec<T>>);

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Slots<T> {
    pub(super) fn len(&self) -> usize {
        self.0
            .last()
            .map_or(0, |last| (self.0.len() - 1) * BLOCK + last.len())
    }

    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.0.get(at / BLOCK)?.get(at % BLOCK)
    }

    pub(super) fn push(&mut self, value: T) {
        match self.0.last_mut() {
            Some(last) if last.len() < BLOCK => last.push(value),
            Some(_) => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(value);
                self.0.push(block);
            }
            // A short list takes little.
            None => self.0.push(vec![value]),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }

    /// How many values at the beginning are such, where none behind them is.
    pub(super) fn partition_point(&self, mut is_such: impl FnMut(&T) -> bool) -> usize {
        let blocks = self
            .0
            .partition_point(|block| block.first().is_some_and(&mut is_such));
        let Some(last) = blocks.checked_sub(1) else {
            return 0;
        };
        last * BLOCK + self.0[last].partition_point(is_such)
    }
}

impl<T> Slots<Option<T>> {
    /// The values, if all are there. Block by block, so that no two lists are in memory at once.
    pub(super) fn all(self) -> Option<Slots<T>> {
        let blocks = self.0.into_iter();
        let all = blocks.map(|block| block.into_iter().collect());
        all.collect::<Option<_>>().map(Slots)
    }
}

impl<T> Index<usize> for Slots<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.0[at / BLOCK][at % BLOCK]
    }
}

impl<T> IndexMut<usize> for Slots<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.0[at / BLOCK][at % BLOCK]
    }
}

impl<T> FromIterator<T> for Slots<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut slots = Self::default();
        values.into_iter().for_each(|value| slots.push(value));
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: values are found by their number, and a list that grows moves none of them. Method: lists of lengths around those
    /// of blocks; where the values of a full block are before and after.
    #[test]
    fn values_are_numbered_and_stay_where_they_are() {
        for length in [0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5] {
            let mut slots: Slots<usize> = (0..length).collect();
            assert_eq!(slots.len(), length);
            assert!(slots.iter().copied().eq(0..length));
            assert!((0..length).all(|at| slots[at] == at && slots.get(at) == Some(&at)));
            assert_eq!(slots.get(length), None);
            for such in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, length] {
                assert_eq!(
                    slots.partition_point(|&value| value < such),
                    such.min(length)
                );
            }
            if length >= BLOCK {
                let first: *const usize = &raw const slots[BLOCK - 1];
                (0..BLOCK).for_each(|more| slots.push(length + more));
                assert!(std::ptr::eq(first, &raw const slots[BLOCK - 1]));
                slots[BLOCK] = 7;
                assert_eq!((slots[BLOCK], slots.len()), (7, length + BLOCK));
            }
        }
    }

    #[test]
    fn a_list_with_a_gap_is_not_whole() {
        let whole: Slots<Option<usize>> = (0..BLOCK + 3).map(Some).collect();
        let mut gap = whole.clone();
        gap[BLOCK + 1] = None;
        assert!(gap.all().is_none());
        assert!(
            whole
                .all()
                .is_some_and(|all| all.iter().copied().eq(0..BLOCK + 3))
        );
    }
}
