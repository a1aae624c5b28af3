//! A hash index from keys to places that grows in small steps.
//!
//! One large table doubles by moving everything at once, and at millions of keys that stops a shard for a visible
//! moment. 256 tables, each an independent slice of the hash, double one after the other in microseconds.

use std::hint::black_box;

use hashbrown::HashTable;

const TABLES: usize = 256;

/// Where a key's content is, with enough of its hash to move the slot without looking at the content.
#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    at: u32,
}

impl Slot {
    /// Spreads the tag over the 64 bits of which the table uses both ends.
    const fn hash(tag: u32) -> u64 {
        (tag as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// Places found by the hash of their content.
pub(super) struct SplitTable(Vec<HashTable<Slot>>);

impl Default for SplitTable {
    fn default() -> Self {
        Self((0..TABLES).map(|_| HashTable::new()).collect())
    }
}

impl SplitTable {
    /// The place whose content `matches`, among those inserted under `hash`.
    pub(super) fn find(&self, hash: u64, mut matches: impl FnMut(u32) -> bool) -> Option<u32> {
        let (table, tag) = Self::split(hash);
        self.0[table]
            .find(Slot::hash(tag), |slot| slot.tag == tag && matches(slot.at))
            .map(|slot| slot.at)
    }

    /// Adds a place that is not there yet.
    pub(super) fn insert(&mut self, hash: u64, at: u32) {
        let (table, tag) = Self::split(hash);
        self.0[table].insert_unique(Slot::hash(tag), Slot { tag, at }, |slot| {
            Slot::hash(slot.tag)
        });
    }

    /// Adds places that are not there yet. Where they go is read for all of them before the first is written, so that
    /// memory brings it side by side.
    pub(super) fn insert_run(&mut self, run: &[(u64, u32)]) {
        let met = run
            .iter()
            .filter(|(hash, _)| self.find(*hash, |_| true).is_some());
        black_box(met.count());
        for &(hash, at) in run {
            self.insert(hash, at);
        }
    }

    /// Adds a place that is not there yet. A table that is full is first cleaned of places that are not `alive` any
    /// more, and grows only if that made no room.
    pub(super) fn insert_sparing(
        &mut self,
        hash: u64,
        at: u32,
        mut alive: impl FnMut(u32) -> bool,
    ) {
        let (table, tag) = Self::split(hash);
        let table = &mut self.0[table];
        if table.len() == table.capacity() {
            table.retain(|slot| alive(slot.at));
            // Little room would soon be used up, and cleaning again costs as much as growing.
            if table.len() > table.capacity() / 4 * 3 {
                let more = table.capacity().max(4);
                table.reserve(more, |slot| Slot::hash(slot.tag));
            }
        }
        let slot = Slot { tag, at };
        table.insert_unique(Slot::hash(tag), slot, |slot| Slot::hash(slot.tag));
    }

    /// Takes a place out again.
    pub(super) fn remove(&mut self, hash: u64, at: u32) {
        let (table, tag) = Self::split(hash);
        if let Ok(found) = self.0[table].find_entry(Slot::hash(tag), |slot| slot.at == at) {
            found.remove();
        }
    }

    const fn split(hash: u64) -> (usize, u32) {
        ((hash >> 56) as usize, hash as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash in the first table, with this tag.
    const fn tagged(tag: u32) -> u64 {
        tag as u64
    }

    /// Goal: places are found by hash and content, and no more when they were taken out. Method: places under equal tags in one
    /// table, and under the same tag in another.
    #[test]
    fn places_are_told_apart_by_their_content() {
        let mut table = SplitTable::default();
        let other_table = 7 << 56 | tagged(5);
        table.insert(tagged(5), 1);
        table.insert_run(&[(tagged(5), 2), (other_table, 3)]);
        let find = |table: &SplitTable, hash, wanted| table.find(hash, |at| at == wanted);
        assert_eq!(find(&table, tagged(5), 2), Some(2));
        assert_eq!(find(&table, tagged(5), 3), None);
        assert_eq!(find(&table, other_table, 3), Some(3));
        assert_eq!(find(&table, tagged(6), 1), None);
        table.remove(tagged(5), 3);
        table.remove(tagged(5), 1);
        assert_eq!(find(&table, tagged(5), 1), None);
        assert_eq!(find(&table, tagged(5), 2), Some(2));
        assert_eq!(find(&table, other_table, 3), Some(3));
    }

    /// Goal: tags that are counted up spread over the whole table. Method: the bits of which a table of 2^10 slots and its
    /// groups of 2^7 kinds make use.
    #[test]
    fn tags_spread_over_both_ends_of_the_hash() {
        let count = 1 << 10;
        for shift in [0, 57] {
            let mask = if shift == 0 { count - 1 } else { 127 };
            let mut met: Vec<u64> = (0..count as u32)
                .map(|tag| Slot::hash(tag) >> shift & mask)
                .collect();
            met.sort_unstable();
            met.dedup();
            assert!(met.len() as u64 > mask / 2, "{} of {mask}", met.len());
        }
    }

    /// Goal: a full table is cleaned of what is gone, and doubles only if nearly all of it is alive. Method: filled to its
    /// capacity once with places of which a part is alive; what it can hold then, and which are left.
    #[test]
    fn a_table_grows_only_if_cleaning_it_makes_no_room() {
        // Three quarters of 28 places are 21.
        for (alive_of_28, grows) in [(28, true), (22, true), (21, false), (7, false), (0, false)] {
            let mut table = SplitTable::default();
            let mut cleaned = 0;
            let mut at = 0;
            while table.0[0].capacity() < 28 || table.0[0].len() < 28 {
                table.insert_sparing(tagged(at), at, |_| true);
                at += 1;
            }
            assert_eq!((at, table.0[0].capacity()), (28, 28));
            table.insert_sparing(tagged(at), at, |at| {
                cleaned += 1;
                at < alive_of_28
            });
            assert_eq!(cleaned, 28);
            assert_eq!(table.0[0].len(), alive_of_28 as usize + 1);
            let capacity = table.0[0].capacity();
            assert_eq!(
                capacity > 28,
                grows,
                "{alive_of_28} alive, then room for {capacity}"
            );
            for place in 0..28 {
                let found = table.find(tagged(place), |at| at == place);
                assert_eq!(found.is_some(), place < alive_of_28);
            }
        }
    }

    /// Goal: nothing is cleaned while there is room. Method: nobody is asked who is alive.
    #[test]
    fn a_table_with_room_is_left_alone() {
        let mut table = SplitTable::default();
        table.0[0].reserve(8, |_| 0);
        for at in 0..8 {
            table.insert_sparing(tagged(at), at, |_| panic!("there is room"));
        }
        assert_eq!(table.0[0].len(), 8);
    }
}
