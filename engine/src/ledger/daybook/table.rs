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
    /// The row and as much more; `None` if it has no room for that.
    fn plus(self, sum: Self::Sum) -> Option<Self>;
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
        let rows = &self.rows;
        let has_room = |at: u32| {
            let row = &rows[at as usize];
            row.key() == key && row.plus(sum).is_some()
        };
        let hash = self.hasher.hash_one(key);
        match self.index.find(hash, has_room) {
            Some(at) => {
                let row = &mut self.rows[at as usize];
                *row = row.plus(sum).expect("found to have room");
            }
            None => {
                let row = R::empty(key).plus(sum);
                self.push(row.expect("an empty row has room for any amount"));
            }
        }
    }

    fn push(&mut self, row: R) {
        let at = u32::try_from(self.rows.len()).expect("memory ends before that");
        self.index.insert(self.hasher.hash_one(row.key()), at);
        self.rows.push(row);
    }
}
