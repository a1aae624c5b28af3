//! Reading the view as it stood at one moment.

use std::{ops::ControlFlow, sync::Arc};

use fjall::Readable;

use super::{
    ViewError,
    run::{Mark, first_mark, read_run},
    store::{Position, Store, key, member_prefix, merchant_prefix},
};
use crate::ledger::{MemberId, Seq, ShardIndex, UnixMillis};

/// Whose marks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose<'a> {
    /// A member's.
    Member(&'a MemberId),
    /// A merchant's in one shard, by the number of its symbol there.
    Merchant(ShardIndex, u32),
}

/// Looks at a mark, and tells whether to go on.
type Visit<'a> = dyn FnMut(Mark) -> ControlFlow<()> + 'a;

/// The view at one moment.
pub(crate) struct Snapshot {
    store: Arc<Store>,
    at: fjall::Snapshot,
    position: Position,
}

impl Snapshot {
    pub(super) fn new(store: Arc<Store>, shards: u16) -> Result<Self, ViewError> {
        let at = store.database.snapshot();
        let position = store.position(&at, shards)?;
        Ok(Self {
            store,
            at,
            position,
        })
    }

    /// How far the view goes.
    pub(crate) const fn position(&self) -> &Position {
        &self.position
    }

    /// Shows the marks before `before`, the newest first.
    pub(crate) fn newest_first(
        &self,
        whose: Whose<'_>,
        before: Seq,
        visit: &mut Visit<'_>,
    ) -> Result<(), ViewError> {
        let (keyspace, prefix) = (&self.store.keyspace, prefix(whose));
        let mut marks = Vec::new();
        if before == Seq(0) {
            return Ok(());
        }
        let range = key(&prefix, Seq(0))..key(&prefix, before);
        for guard in self.at.range(keyspace, range).rev() {
            marks.clear();
            read_run(&guard.value()?, &mut marks)?;
            let shown = marks.iter().rev().filter(|mark| mark.seq < before);
            for mark in shown {
                if visit(*mark).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Shows the marks from `from` on, the oldest first.
    pub(crate) fn oldest_first(
        &self,
        whose: Whose<'_>,
        from: UnixMillis,
        visit: &mut Visit<'_>,
    ) -> Result<(), ViewError> {
        let (keyspace, prefix) = (&self.store.keyspace, prefix(whose));
        // The run in front of the first one that begins then or later may end then or later.
        let behind = self.seek(whose, from, Seq(u64::MAX))?;
        let before = if behind == Seq(0) {
            None
        } else {
            let range = key(&prefix, Seq(0))..key(&prefix, behind);
            self.at.range(keyspace, range).next_back()
        };
        let first = match before {
            Some(guard) => guard.key()?.to_vec(),
            None => key(&prefix, Seq(0)),
        };
        let mut marks = Vec::new();
        for guard in self.at.range(keyspace, first..=key(&prefix, Seq(u64::MAX))) {
            marks.clear();
            read_run(&guard.value()?, &mut marks)?;
            for mark in marks.iter().filter(|mark| mark.at >= from) {
                if visit(*mark).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Where to begin reading backwards for what came before `at`: every run from there on begins then or later. At most
    /// `most`. Stamps never go back within a shard, so this is a search by halves over the sequences.
    pub(crate) fn seek(
        &self,
        whose: Whose<'_>,
        at: UnixMillis,
        most: Seq,
    ) -> Result<Seq, ViewError> {
        let (keyspace, prefix) = (&self.store.keyspace, prefix(whose));
        if most == Seq(0) {
            return Ok(most);
        }
        let last = key(&prefix, Seq(0))..key(&prefix, most);
        let Some(last) = self.at.range(keyspace, last).next_back() else {
            return Ok(most);
        };
        let (last, run) = last.into_inner()?;
        if first_mark(&run)?.at < at {
            return Ok(most);
        }
        // `first` is the first run known to begin at `at` or later, all between `high` and it do not exist; those in
        // front of `low` begin earlier.
        let mut first = sequence(&last)?;
        let (mut low, mut high) = (0, first);
        while low < high {
            let middle = low + (high - low) / 2;
            let range = key(&prefix, Seq(middle))..key(&prefix, most);
            match self.at.range(keyspace, range).next() {
                Some(guard) => {
                    let (found, run) = guard.into_inner()?;
                    let found = sequence(&found)?;
                    if first_mark(&run)?.at < at {
                        low = found + 1;
                    } else {
                        (first, high) = (found, middle);
                    }
                }
                None => high = middle,
            }
        }
        Ok(Seq(first))
    }
}

fn prefix(whose: Whose<'_>) -> Vec<u8> {
    match whose {
        Whose::Member(member) => member_prefix(member.as_str()),
        Whose::Merchant(shard, symbol) => merchant_prefix(shard.0, symbol),
    }
}

/// The sequence at the end of a key.
fn sequence(key: &[u8]) -> Result<u64, ViewError> {
    key.last_chunk()
        .map(|bytes| u64::from_be_bytes(*bytes))
        .ok_or_else(|| ViewError::Damaged("a key is too short".to_owned()))
}
