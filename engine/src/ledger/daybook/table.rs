//! Rows that are found by their key and added to.

use std::hash::BuildHasher;

use crate::ledger::split_table::SplitTable;

/// A row of sums under a key.
pub(super) trait Row: Copy {
    /// What the row is about.
    type Key: Copy + Eq + std::hash::Hash;
    /// What is added to it.
    type Sum: Copy;

    /// A row with nothing in it.
    fn empty(key: Self::Key) -> Self;
    /// What it is about.
    fn key(&self) -> Self::Key;
    /// Adds as much to it; leaves it as it is, and tells `false`, if it has no room for that.
    fn add(&mut self, sum: Self::Sum) -> bool;
}

/// Rows in the order in which they were first met, so that equal histories give equal tables.
///
/// A row that has no room for a sum is left as it is, and another is begun under the same key: readers add up.
pub(super) struct Table<R: Row> {
    rows: Vec<R>,
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
            table.push(row);
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
        let rows = &mut self.rows;
        let added = |at: u32| {
            let row = &mut rows[at as usize];
            row.key() == key && row.add(sum)
        };
        let hash = self.hasher.hash_one(key);
        if self.index.find(hash, added).is_none() {
            let mut row = R::empty(key);
            assert!(row.add(sum), "an empty row has room for any amount");
            self.push(row);
        }
    }

    fn push(&mut self, row: R) {
        let at = u32::try_from(self.rows.len()).expect("memory ends before that");
        self.index.insert(self.hasher.hash_one(row.key()), at);
        self.rows.push(row);
    }
}
