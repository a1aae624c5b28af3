//! From turns to the runs of a batch.

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::{
    ViewError,
    item::{Change, ItemKind, passed},
    run::Mark,
    store::Position,
};
use crate::{
    journal::turns::Turn,
    ledger::{Entry, MemberId, Subject},
};

/// Most members come up once in a batch.
type Marks = SmallVec<[Mark; 1]>;

/// What some turns hold of each member and each merchant.
#[derive(Default)]
pub(super) struct Gathered {
    members: HashMap<MemberId, Marks, RandomState>,
    merchants: HashMap<(u16, u32), Marks, RandomState>,
    entries: usize,
}

impl Gathered {
    /// How many entries there were, with those that nobody's list has.
    pub(super) const fn entries(&self) -> usize {
        self.entries
    }

    /// Takes a turn in, and moves the position behind it.
    pub(super) fn take(
        &mut self,
        turn: &Turn<'_>,
        position: &mut Position,
    ) -> Result<(), ViewError> {
        for block in &turn.blocks {
            for record in block.records() {
                let record = record.map_err(|bad| ViewError::Damaged(bad.to_string()))?;
                let entry =
                    Entry::decode(record).map_err(|bad| ViewError::Damaged(bad.to_string()))?;
                position.note_stamp(usize::from(block.shard.0), entry.at);
                self.entry(block.shard.0, entry);
            }
        }
        position.note_turn(turn.number, turn.chains);
        Ok(())
    }

    fn entry(&mut self, shard: u16, entry: Entry) {
        self.entries += 1;
        let (Some(kind), Some(after)) = (ItemKind::of(&entry.deed), entry.after) else {
            return;
        };
        let mark = Mark {
            seq: entry.seq,
            at: entry.at,
            kind,
            shown: Change::of(&entry).is_shown(),
            point_type: number(after.point_type.index()),
        };
        if let Some((merchant, _)) = passed(&entry) {
            let key = (shard, number(merchant.index()));
            self.merchants.entry(key).or_default().push(mark);
        }
        if let Subject::Member(member) = entry.subject {
            self.members.entry(member).or_default().push(mark);
        }
    }

    /// The marks of each member, in the order of their names: the files take sorted keys fastest.
    pub(super) fn members(&self) -> impl Iterator<Item = (&str, &[Mark])> {
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        members
            .into_iter()
            .map(|(name, marks)| (name.as_str(), marks.as_slice()))
    }

    /// The marks of each merchant in each shard, in order.
    pub(super) fn merchants(&self) -> impl Iterator<Item = ((u16, u32), &[Mark])> {
        let mut merchants: Vec<_> = self.merchants.iter().collect();
        merchants.sort_unstable_by_key(|(key, _)| **key);
        merchants
            .into_iter()
            .map(|(key, marks)| (*key, marks.as_slice()))
    }

    /// Forgets everything and keeps the room it took.
    pub(super) fn clear(&mut self) {
        self.members.clear();
        self.merchants.clear();
        self.entries = 0;
    }
}

fn number(symbol: usize) -> u32 {
    u32::try_from(symbol).expect("fewer than 2^32 names: each took an entry")
}
