//! From turns to the runs of a batch.

use foldhash::quality::RandomState;
use hashbrown::HashMap;

use super::{
    ViewError,
    item::{Change, ItemKind, passed},
    run::Mark,
    store::Position,
};
use crate::{
    journal::turns::Turn,
    ledger::{Entry, Subject},
};

/// What some turns hold of each member and each merchant.
#[derive(Default)]
pub(super) struct Gathered {
    /// One for each mark of a member, until they are sorted in the order of the entries.
    members: Vec<MemberMark>,
    /// The names of the members, one behind the other.
    names: Vec<u8>,
    merchants: HashMap<(u16, u32), Vec<Mark>, RandomState>,
    entries: usize,
}

/// A mark, and whose it is. Most members come up once in a batch: to sort all marks takes less time than to look for the
/// member of each, which is a wait for memory.
#[derive(Clone, Copy)]
struct MemberMark {
    /// The beginning of the name as a number, in the order of names.
    order: u128,
    /// Where the name begins, and how long it is.
    name: (u32, u32),
    mark: Mark,
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
                let entry = Entry::decode_without_origin(record)
                    .map_err(|bad| ViewError::Damaged(bad.to_string()))?;
                position.note_stamp(usize::from(block.shard.0), entry.at);
                self.entry(block.shard.0, &entry);
            }
        }
        position.note_turn(turn.number, turn.chains);
        Ok(())
    }

    fn entry(&mut self, shard: u16, entry: &Entry) {
        self.entries += 1;
        let (Some(kind), Some(after)) = (ItemKind::of(&entry.deed), entry.after) else {
            return;
        };
        let mark = Mark {
            seq: entry.seq,
            at: entry.at,
            kind,
            shown: Change::of(entry).is_shown(),
            point_type: number(after.point_type.index()),
        };
        if let Some((merchant, _)) = passed(entry) {
            let key = (shard, number(merchant.index()));
            self.merchants.entry(key).or_default().push(mark);
        }
        if let Subject::Member(member) = &entry.subject {
            self.mark(member.as_str(), mark);
        }
    }

    fn mark(&mut self, member: &str, mark: Mark) {
        let name = member.as_bytes();
        self.members.push(MemberMark {
            order: order(name),
            name: (number(self.names.len()), number(name.len())),
            mark,
        });
        self.names.extend_from_slice(name);
    }

    /// Shows the marks of each member, in the order of their names: the files take sorted keys fastest.
    pub(super) fn each_member(&mut self, mut show: impl FnMut(&[u8], &[Mark])) {
        let names = &self.names;
        let name = |of: &MemberMark| &names[of.name.0 as usize..][..of.name.1 as usize];
        // Names lie in the order of the entries, and so do a member's marks when they are sorted by where their names lie.
        self.members.sort_unstable_by(|a, b| {
            let by_name = a.order.cmp(&b.order).then_with(|| name(a).cmp(name(b)));
            by_name.then_with(|| a.name.0.cmp(&b.name.0))
        });
        let mut marks = Vec::new();
        for same in self.members.chunk_by(|a, b| name(a) == name(b)) {
            marks.clear();
            marks.extend(same.iter().map(|of| of.mark));
            show(name(&same[0]), &marks);
        }
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
        self.names.clear();
        self.merchants.clear();
        self.entries = 0;
    }
}

/// The first bytes of a name as a number. Names hold no zero byte, so a name that ends before comes first, as it should.
fn order(name: &[u8]) -> u128 {
    let mut first = [0; size_of::<u128>()];
    let length = name.len().min(first.len());
    first[..length].copy_from_slice(&name[..length]);
    u128::from_be_bytes(first)
}

fn number(of: usize) -> u32 {
    u32::try_from(of)
        .expect("below 2^32: each name took an entry, and those of a batch lie in a few megabytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Seq, UnixMillis};

    fn mark(seq: u64) -> Mark {
        Mark {
            seq: Seq(seq),
            at: UnixMillis(0),
            kind: ItemKind::Earn,
            shown: true,
            point_type: 0,
        }
    }

    /// Names of one beginning, longer and shorter than the number that they are sorted by.
    #[test]
    fn members_come_in_the_order_of_their_names_and_their_marks_in_that_of_the_entries() {
        let long = "a-name-that-is-longer-than-sixteen";
        let names = ["b", long, "a", "b", &long[..16], "aa", &long[..17], "b"];
        let mut gathered = Gathered::default();
        for (name, seq) in names.iter().zip(1..) {
            gathered.mark(name, mark(seq));
        }
        let mut shown = Vec::new();
        gathered.each_member(|name, marks| {
            let name = std::str::from_utf8(name).unwrap().to_owned();
            shown.push((
                name,
                marks.iter().map(|mark| mark.seq.0).collect::<Vec<_>>(),
            ));
        });
        let expected = [
            ("a", vec![3]),
            (&long[..16], vec![5]),
            (&long[..17], vec![7]),
            (long, vec![2]),
            ("aa", vec![6]),
            ("b", vec![1, 4, 8]),
        ];
        let expected = expected.map(|(name, seqs)| (name.to_owned(), seqs));
        assert_eq!(shown, expected);
        gathered.clear();
        gathered.each_member(|name, _| panic!("{name:?} was forgotten"));
    }
}
