//! A hash index from keys to places that grows in small steps.
//!
//! One large table doubles by moving everything at once, and at millions of keys that stops a shard for a visible
//! moment. 256 tables, each an independent slice of the hash, double one after the other in microseconds.

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
