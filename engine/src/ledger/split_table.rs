//! A hash index from keys to places that grows in small steps and answers from one line of memory.
//!
//! One large table doubles by moving everything at once, and at millions of keys that stops a shard for a visible
//! moment. 256 tables, each an independent slice of the hash, double one after the other in microseconds.
//!
//! With many keys every look waits for memory. A table that keeps tags apart from places waits once to look and once more to
//! add; here both are in the same 64 bytes, so that a look, or one [ahead](super::look_ahead), has brought what adding writes to
//! (docs/decisions/0022-index-lines.md).

use std::hint::black_box;

const TABLES: usize = 256;
/// Places to a line.
const LINE: usize = 7;
/// A table is full when so many of each line's places are taken, on average: few looks go on to a second line.
const TAKEN_MAX: usize = 5;

/// Where a key's content is, with enough of its hash to move the slot without looking at the content.
#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    at: u32,
}

/// One line of the processor's caches: slots, and a byte for each that tells most of what a look asks.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line {
    marks: Marks,
    slots: [Slot; LINE],
}

impl Line {
    const EMPTY: Self = Self {
        marks: Marks(0),
        slots: [Slot { tag: 0, at: 0 }; LINE],
    };

    fn iter(&self) -> impl Iterator<Item = Slot> {
        self.marks.taken().map(|slot| self.slots[slot])
    }
}

/// A byte for each slot of a line, the lowest for the first; one is left over. A slot with a place has the highest bit and seven
/// of its tag.
#[derive(Clone, Copy)]
struct Marks(u64);

/// The mark of a slot that had no place since the table was made. A look ends at a line that has one.
const FREE: u8 = 0;
/// The mark of a slot whose place was taken out where looks may have to go on.
const GONE: u8 = 1;

impl Marks {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x0080_8080_8080_8080;

    const fn of(tag: u32) -> u8 {
        tag as u8 | 0x80
    }

    /// The slots with this mark, and at times others behind the first of them.
    const fn with(self, mark: u8) -> Chosen {
        // A byte that is 0 borrows from its highest bit, which it does not have; so may the bytes above.
        let differs = self.0 ^ (Self::ONES * mark as u64);
        Chosen(differs.wrapping_sub(Self::ONES) & !differs & Self::HIGHEST)
    }

    const fn has_free(self) -> bool {
        self.with(FREE).0 != 0
    }

    const fn taken(self) -> Chosen {
        Chosen(self.0 & Self::HIGHEST)
    }

    const fn room(self) -> Chosen {
        Chosen(!self.0 & Self::HIGHEST)
    }

    const fn get(self, slot: usize) -> u8 {
        (self.0 >> (8 * slot)) as u8
    }

    const fn set(&mut self, slot: usize, mark: u8) {
        let others = self.0 & !(0xFF << (8 * slot));
        self.0 = others | ((mark as u64) << (8 * slot));
    }
}

/// Some slots of a line, by the highest bits of their bytes.
#[derive(Clone, Copy)]
struct Chosen(u64);

impl Iterator for Chosen {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let first = (self.0 != 0).then(|| self.0.trailing_zeros() as usize / 8);
        self.0 &= self.0.wrapping_sub(1);
        first
    }
}

/// An independent slice of the hash. A tag's places are in its first line, or in those behind it up to one that has a slot that
/// is [`FREE`].
#[derive(Default)]
struct Table {
    lines: Vec<Line>,
    /// How many places there are.
    taken: usize,
    /// How many slots are [`GONE`].
    gone: usize,
}

impl Table {
    /// Where places with this tag begin.
    const fn first(&self, tag: u32) -> usize {
        // Tags that are counted up spread as well.
        let spread = tag.wrapping_mul(0x9E37_79B9) as u64;
        ((spread * self.lines.len() as u64) >> 32) as usize
    }

    const fn behind(&self, line: usize) -> usize {
        if line + 1 == self.lines.len() {
            0
        } else {
            line + 1
        }
    }

    fn find(&self, tag: u32, mut matches: impl FnMut(u32) -> bool) -> Option<(usize, usize)> {
        if self.lines.is_empty() {
            return None;
        }
        let mut at = self.first(tag);
        loop {
            let line = &self.lines[at];
            for slot in line.marks.with(Marks::of(tag)) {
                let known = line.slots[slot];
                if known.tag == tag && matches(known.at) {
                    return Some((at, slot));
                }
            }
            // There is one: a table is never full to the last slot.
            if line.marks.has_free() {
                return None;
            }
            at = self.behind(at);
        }
    }

    /// How many places there may be.
    const fn capacity(&self) -> usize {
        self.lines.len() * TAKEN_MAX
    }

    const fn is_full(&self) -> bool {
        self.taken + self.gone >= self.capacity()
    }

    /// Whether little room would soon be used up: making the table anew costs as much as making a larger one.
    const fn is_nearly_full(&self) -> bool {
        self.taken * 4 >= self.capacity() * 3
    }

    /// Makes a full table one with room.
    fn make_room(&mut self) {
        let lines = self.lines.len();
        let grows = self.is_nearly_full();
        self.rebuild(if grows { lines * 2 } else { lines });
    }

    /// Puts a place where there is room.
    fn put(&mut self, slot: Slot) {
        let mut at = self.first(slot.tag);
        loop {
            let line = &mut self.lines[at];
            if let Some(room) = line.marks.room().next() {
                self.gone -= usize::from(line.marks.get(room) == GONE);
                self.taken += 1;
                line.marks.set(room, Marks::of(slot.tag));
                line.slots[room] = slot;
                return;
            }
            at = self.behind(at);
        }
    }

    fn remove(&mut self, tag: u32, place: u32) {
        if let Some((line, slot)) = self.find(tag, |one| one == place) {
            self.clear(line, slot);
        }
    }

    /// Takes out the places that are not `alive`.
    fn clean(&mut self, mut alive: impl FnMut(u32) -> bool) {
        for at in 0..self.lines.len() {
            let line = self.lines[at];
            for slot in line.marks.taken() {
                if !alive(line.slots[slot].at) {
                    self.clear(at, slot);
                }
            }
        }
    }

    fn clear(&mut self, line: usize, slot: usize) {
        let marks = &mut self.lines[line].marks;
        let goes_on = !marks.has_free();
        marks.set(slot, if goes_on { GONE } else { FREE });
        self.gone += usize::from(goes_on);
        self.taken -= 1;
    }

    /// Makes the table anew.
    fn rebuild(&mut self, lines: usize) {
        let old = std::mem::replace(&mut self.lines, vec![Line::EMPTY; lines.max(1)]);
        (self.taken, self.gone) = (0, 0);
        for slot in old.iter().flat_map(Line::iter) {
            self.put(slot);
        }
    }
}

/// Places found by the hash of their content.
pub(super) struct SplitTable(Vec<Table>);

impl Default for SplitTable {
    fn default() -> Self {
        Self((0..TABLES).map(|_| Table::default()).collect())
    }
}

impl SplitTable {
    /// The place whose content `matches`, among those inserted under `hash`.
    pub(super) fn find(&self, hash: u64, matches: impl FnMut(u32) -> bool) -> Option<u32> {
        let (table, tag) = Self::split(hash);
        let table = &self.0[table];
        let (line, slot) = table.find(tag, matches)?;
        Some(table.lines[line].slots[slot].at)
    }

    /// Reads the line in which places under `hash` begin, and nothing that depends on what is in it, so that memory brings
    /// many lines side by side.
    pub(super) fn glance(&self, hash: u64) -> u64 {
        let (table, tag) = Self::split(hash);
        let table = &self.0[table];
        table
            .lines
            .get(table.first(tag))
            .map_or(0, |line| line.marks.0)
    }

    /// Adds a place that is not there yet.
    pub(super) fn insert(&mut self, hash: u64, at: u32) {
        let (table, tag) = Self::split(hash);
        let table = &mut self.0[table];
        if table.is_full() {
            table.make_room();
        }
        table.put(Slot { tag, at });
    }

    /// Adds places that are not there yet. Where they go is read for all of them before the first is written, so that
    /// memory brings it side by side.
    pub(super) fn insert_run(&mut self, run: &[(u64, u32)]) {
        black_box(
            run.iter()
                .fold(0, |read, (hash, _)| read ^ self.glance(*hash)),
        );
        for &(hash, at) in run {
            self.insert(hash, at);
        }
    }

    /// Adds a place that is not there yet. A table that is full is first cleaned of places that are not `alive` any
    /// more, and grows only if three quarters of them are. Either way it is made anew: slots that are only marked as gone
    /// would let looks run on, and be used up at once.
    pub(super) fn insert_sparing(&mut self, hash: u64, at: u32, alive: impl FnMut(u32) -> bool) {
        let (table, tag) = Self::split(hash);
        let table = &mut self.0[table];
        if table.is_full() {
            table.clean(alive);
            table.make_room();
        }
        table.put(Slot { tag, at });
    }

    /// Takes a place out again.
    pub(super) fn remove(&mut self, hash: u64, at: u32) {
        let (table, tag) = Self::split(hash);
        self.0[table].remove(tag, at);
    }

    const fn split(hash: u64) -> (usize, u32) {
        ((hash >> 56) as usize, hash as u32)
    }
}

#[cfg(test)]
mod tests;
