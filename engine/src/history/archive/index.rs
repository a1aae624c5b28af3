//! Where the frames are, and what is in them.
//!
//! ```text
//! index   packed… check:8                     rows, packed by zstd
//! row     offset:8 turn:8 (first:8)…          where the frame begins, the turn it begins with, and of each shard the
//!                                             first entry in it or behind it
//! ```
//!
//! Every number of a row but those of the first is told as what it is more than in the row before.

use std::{io, ops::Range};

use super::format::{Bad, Cursor, IndexPlace, seal, unseal};
use crate::ledger::{Seq, ShardIndex};

/// Where the frames of an archive are, and what is in them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// How many numbers a row has.
    width: usize,
    numbers: Vec<u64>,
    /// Where the last frame ends; known once the index is read.
    end: u64,
}

const FIXED: usize = 2;

impl Index {
    pub(super) const fn new(shards: usize) -> Self {
        Self {
            width: FIXED + shards,
            numbers: Vec::new(),
            end: 0,
        }
    }

    /// Adds a frame: where it begins, its first turn, and of each shard the first entry in it or behind it.
    pub(super) fn push(&mut self, offset: u64, turn: u64, firsts: impl Iterator<Item = Seq>) {
        self.numbers.extend([offset, turn]);
        self.numbers.extend(firsts.map(|seq| seq.0));
        debug_assert_eq!(self.numbers.len() % self.width, 0);
    }

    pub(super) const fn frames(&self) -> usize {
        self.numbers.len() / self.width
    }

    /// How many bytes it takes in memory, and before it is packed.
    pub(super) const fn bytes(&self) -> usize {
        self.numbers.len() * 8
    }

    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut rows = Vec::with_capacity(self.bytes());
        for (at, number) in self.numbers.iter().enumerate() {
            let before = at.checked_sub(self.width).map_or(0, |at| self.numbers[at]);
            rows.extend_from_slice(&number.wrapping_sub(before).to_be_bytes());
        }
        let mut out = zstd::bulk::compress(&rows, zstd::DEFAULT_COMPRESSION_LEVEL)?;
        seal(&mut out, 0);
        Ok(out)
    }

    /// Reads the index of an archive with so many shards, whose frames begin at `start`.
    pub(super) fn read(
        bytes: &[u8],
        place: IndexPlace,
        shards: usize,
        start: u64,
    ) -> Result<Self, Bad> {
        let wrong = Bad::Damaged("its index is not what it says");
        let packed = unseal(bytes)?;
        let width = FIXED + shards;
        let unpacked = place.frames * width * 8;
        let rows = zstd::bulk::decompress(packed, unpacked).map_err(|_| wrong.clone())?;
        if rows.len() != unpacked {
            return Err(wrong);
        }
        let mut index = Self {
            width,
            numbers: Vec::with_capacity(rows.len() / 8),
            end: place.offset,
        };
        let mut cursor = Cursor(&rows);
        while !cursor.0.is_empty() {
            let at = index.numbers.len();
            let before = at.checked_sub(width).map_or(0, |at| index.numbers[at]);
            let number = before
                .checked_add(cursor.u64()?)
                .ok_or_else(|| wrong.clone())?;
            index.numbers.push(number);
        }
        let offsets = (0..index.frames()).map(|frame| index.row(frame)[0]);
        let offsets: Vec<u64> = offsets.chain([index.end]).collect();
        if offsets[0] != start || offsets.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(wrong);
        }
        Ok(index)
    }

    fn row(&self, frame: usize) -> &[u64] {
        &self.numbers[frame * self.width..(frame + 1) * self.width]
    }

    /// Where a frame lies in the file.
    pub(super) fn place(&self, frame: usize) -> Range<u64> {
        let behind = frame + 1;
        let end = if behind < self.frames() {
            self.row(behind)[0]
        } else {
            self.end
        };
        self.row(frame)[0]..end
    }

    /// The first frame with values of turns behind `turn`, if there are any.
    pub(super) fn frame_behind(&self, turn: u64) -> usize {
        // The frame in front of the first that begins behind it may end with values of the same turn.
        self.last_row(|row| row[1] <= turn).unwrap_or(0)
    }

    /// The frame that an entry is in, if it is in any.
    pub(super) fn frame_of(&self, shard: ShardIndex, seq: Seq) -> Option<usize> {
        let column = FIXED + usize::from(shard.0);
        if column >= self.width {
            return None;
        }
        self.last_row(|row| row[column] <= seq.0)
    }

    /// The turn that a frame begins with.
    pub(super) fn turn(&self, frame: usize) -> u64 {
        self.row(frame)[1]
    }

    /// The last row for which this holds; it does for those in front of it.
    fn last_row(&self, holds: impl Fn(&[u64]) -> bool) -> Option<usize> {
        let (mut low, mut high) = (0, self.frames());
        while low < high {
            let middle = low.midpoint(high);
            if holds(self.row(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }
}
