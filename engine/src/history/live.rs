//! Epochs that are not archived yet, and where their blocks lie.

use std::{
    ops::ControlFlow,
    sync::{Arc, PoisonError, RwLock},
};

use super::HistoryError;
use crate::{
    journal::{
        EpochReader, JournalError,
        block::{BadBlock, Block, ValueHead},
        epoch::EpochHead,
    },
    ledger::{Seq, ShardIndex},
};

/// So much is read of a live epoch before it is shown. Nobody shows anything while the epoch is kept from being archived.
/// Tests read little at a time, so that there are seams to find.
pub(super) const BATCH_BYTES: usize = if cfg!(test) { 512 } else { 4 << 20 };
/// How many places are kept in one piece: to grow, a piece is never copied while a turn waits for it.
const PIECE: usize = if cfg!(test) { 4 } else { 4_096 };

/// Where a block lies in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockPlace {
    /// Whose entries.
    pub shard: ShardIndex,
    /// The first of them.
    pub first: Seq,
    /// In which value of the turn.
    pub part: u16,
}

impl BlockPlace {
    /// The places of all blocks of a turn, given its values in order.
    pub fn of_turn(values: &[Vec<u8>]) -> Result<Vec<Self>, BadBlock> {
        let mut places = Vec::new();
        for (part, value) in (0..).zip(values) {
            let (_, mut rest) = ValueHead::split(value)?;
            while !rest.is_empty() {
                let (block, behind) = Block::split(rest)?;
                places.push(Self {
                    shard: block.shard,
                    first: block.first,
                    part,
                });
                rest = behind;
            }
        }
        Ok(places)
    }
}

/// Where a block begins, and in which value it lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    first: Seq,
    /// The turn in the upper 48 bits, the part in the lower 16.
    value: u64,
}

/// Where the blocks of one shard lie in one epoch, in order.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<Vec<Place>>);

impl Places {
    pub(super) fn push(&mut self, turn: u64, place: &BlockPlace) {
        let piece = match self.0.last_mut() {
            Some(piece) if piece.len() < PIECE => piece,
            _ => self.0.push_mut(Vec::with_capacity(PIECE)),
        };
        piece.push(Place {
            first: place.first,
            value: turn << 16 | u64::from(place.part),
        });
    }

    /// The turn and part where an entry lies, if it is not behind all that is here.
    pub(super) fn find(&self, seq: Seq) -> Option<(u64, u16)> {
        let behind = self.0.partition_point(|piece| piece[0].first <= seq);
        let piece = self.0.get(behind.checked_sub(1)?)?;
        let behind = piece.partition_point(|place| place.first <= seq);
        let value = piece.get(behind.checked_sub(1)?)?.value;
        Some((value >> 16, (value & 0xFFFF) as u16))
    }
}

/// An epoch that is not archived yet.
pub(super) struct Live {
    pub(super) head: EpochHead,
    /// `None` when it is archived, and to be read from there.
    reader: RwLock<Option<Arc<dyn EpochReader>>>,
}

impl Live {
    pub(super) const fn new(head: EpochHead, reader: Arc<dyn EpochReader>) -> Self {
        Self {
            head,
            reader: RwLock::new(Some(reader)),
        }
    }

    /// Lets go of the journal, as soon as nobody reads it any more.
    pub(super) fn close(&self) {
        let mut reader = self.reader.write().unwrap_or_else(PoisonError::into_inner);
        drop(reader.take());
    }

    /// `None` if it is closed.
    fn with_reader<T>(&self, read: impl FnOnce(&dyn EpochReader) -> T) -> Option<T> {
        let reader = self.reader.read().unwrap_or_else(PoisonError::into_inner);
        reader.as_deref().map(read)
    }

    /// A value of a turn that is durable; `None` if this is closed.
    pub(super) fn value(&self, turn: u64, part: u16) -> Option<Result<Vec<u8>, HistoryError>> {
        self.with_reader(|reader| {
            let value = reader.value(turn, part)?;
            value.ok_or_else(|| self.missing(turn))
        })
    }

    /// The values of some turns behind `turn` and up to `until`, at least one turn and about so many bytes; `None` if this
    /// is closed.
    pub(super) fn batch(
        &self,
        turn: u64,
        until: u64,
        most: usize,
    ) -> Option<Result<Batch, HistoryError>> {
        self.with_reader(|reader| {
            let mut batch = Batch {
                last_turn: turn,
                values: Vec::new(),
            };
            let mut bytes = 0;
            reader.read_behind(turn, &mut |value| {
                if EpochHead::is_one(value) {
                    return Ok(ControlFlow::Continue(()));
                }
                let (head, _) = ValueHead::split(value)
                    .map_err(|bad| self.damaged(&format!("a value cannot be read: {bad}")))?;
                let is_over = bytes >= most && head.turn != batch.last_turn;
                if is_over || head.turn > until {
                    return Ok(ControlFlow::Break(()));
                }
                batch.last_turn = head.turn;
                bytes += value.len();
                batch.values.push(value.to_vec());
                Ok(ControlFlow::Continue(()))
            })?;
            if batch.values.is_empty() {
                return Err(self.missing(turn + 1));
            }
            Ok(batch)
        })
    }

    fn missing(&self, turn: u64) -> HistoryError {
        let what = format!("turn {turn} was durable and is not there");
        HistoryError::Journal(self.damaged(&what))
    }

    fn damaged(&self, what: &str) -> JournalError {
        JournalError::Damaged(format!(
            "epoch {}: {what}; acknowledged entries are missing; restore a backup",
            self.head.epoch.0
        ))
    }
}

/// Whole turns of a live epoch.
pub(super) struct Batch {
    pub(super) last_turn: u64,
    pub(super) values: Vec<Vec<u8>>,
}
