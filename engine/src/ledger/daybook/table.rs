//! Rows that are found by their key and added to.

use std::hash::{BuildHasher, Hasher};

use crate::ledger::split_table::SplitTable;

/// A row of sums under a key.
pub(super) trait Row: Copy {
    /// What the row is about.
    type Key: Copy + Eq;
    /// What is added to it.
    type Sum: Copy;

    /// A row with nothing in it.
    fn empty(key: Self::Key) -> Self;
    /// What it is about.
    fn key(&self) -> Self::Key;
    /// What of a key is hashed; different keys may have the same. Two numbers are hashed in one step, and every move of points
    /// asks for one to three rows.
    fn words(key: Self::Key) -> [u64; 2];
    /// Adds as much to it; leaves it as it is, and tells `false`, if it has no room for that.
    fn add(&mut self, sum: Self::Sum) -> bool;
}

/// Rows in the order in which they were first met, so that equal histories give equal tables.
///
/// A row that has no room for a sum is left as it is, and another is begun under the same key: readers add up. Nothing is
/// added to the one before any more: which of two is found would depend on how they came to lie in the index.
pub(super) struct Table<R: Row> {
    rows: Vec<R>,
    /// The newest row of each key.
    index: SplitTable,
    hasher: foldhash::quality::RandomState,
}

impl<R: Row> Default for Table<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            index: SplitTable::default(),
            hasher: foldhash::quality::RandomState::default(),
        }
    }
}

impl<R: Row> Table<R> {
    pub(super) fn of(rows: Vec<R>) -> Self {
        let mut table = Self::default();
        for row in rows {
            let hash = table.hash(row.key());
            let before = table.newest(hash, row.key());
            table.push(hash, before, row);
        }
        table
    }

    pub(super) fn rows(&self) -> &[R] {
        &self.rows
    }

    pub(super) fn into_rows(self) -> Vec<R> {
        self.rows
    }

    pub(super) fn add(&mut self, key: R::Key, sum: R::Sum) {
        let hash = self.hash(key);
        let newest = self.newest(hash, key);
        if newest.is_some_and(|at| self.rows[at as usize].add(sum)) {
            return;
        }
        let mut row = R::empty(key);
        assert!(row.add(sum), "an empty row has room for any amount");
        self.push(hash, newest, row);
    }

    fn hash(&self, key: R::Key) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        let [first, second] = R::words(key);
        hasher.write_u64(first);
        hasher.write_u64(second);
        hasher.finish()
    }

    fn newest(&self, hash: u64, key: R::Key) -> Option<u32> {
        let is_it = |at: u32| self.rows[at as usize].key() == key;
        self.index.find(hash, is_it)
    }

    fn push(&mut self, hash: u64, before: Option<u32>, row: R) {
        if let Some(before) = before {
            self.index.remove(hash, before);
        }
        let at = u32::try_from(self.rows.len()).expect("memory ends before that");
        self.index.insert(hash, at);
        self.rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds at most ten.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Few(u32, u32);

    impl Row for Few {
        type Key = u32;
        type Sum = u32;

        fn empty(key: u32) -> Self {
            Self(key, 0)
        }

        fn key(&self) -> u32 {
            self.0
        }

        fn words(key: u32) -> [u64; 2] {
            [key.into(), 0]
        }

        fn add(&mut self, sum: u32) -> bool {
            let fits = self.1 + sum <= 10;
            self.1 += if fits { sum } else { 0 };
            fits
        }
    }

    /// Goal: histories that are equal give equal rows, however the index came to be. Method: two rows of each of so many
    /// keys that the index was made anew often, by a table that saw all of it and by one that was restored in between.
    #[test]
    fn a_sum_goes_to_the_newest_row_of_its_key() {
        for _ in 0..8 {
            let mut table = Table::<Few>::default();
            let keys = || (0..4_000).map(|key| key * 7);
            keys().for_each(|key| table.add(key, 6));
            keys().for_each(|key| table.add(key, 5));
            let mut restored = Table::of(table.rows().to_vec());
            for both in [&mut table, &mut restored] {
                // The older row has room for it.
                keys().for_each(|key| both.add(key, 3));
                let older = keys().map(|key| Few(key, 6));
                let newer = keys().map(|key| Few(key, 8));
                assert!(both.rows().iter().copied().eq(older.chain(newer)));
            }
        }
    }
}
