//! Pages of statements and of merchants' movements: which entries belong on them, and those entries.

use std::{collections::BTreeMap, ops::ControlFlow};

use super::{
    Mark, View, ViewError, Whose,
    item::{Counterpart, ItemKind, is_transaction},
};
use crate::ledger::{Deed, Entry, MemberId, Points, Seq, ShardIndex, Subject, Text, UnixMillis};

/// How many marks a page looks at in search of its items. What is rarer than that makes short pages.
const MARKS_MAX: usize = 50_000;

/// What of a member's statement is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Stamps from here on …
    pub(crate) from: UnixMillis,
    /// … and before this.
    pub(crate) to: UnixMillis,
    /// How many items at most.
    pub(crate) limit: usize,
    /// Only what comes before this entry.
    pub(crate) before: Seq,
    /// Only this kind.
    pub(crate) kind: Option<ItemKind>,
    /// Only this type of points, by its number in the shard.
    pub(crate) point_type: Option<u32>,
}

/// An entry, and the one that made the hold that it is about.
pub(crate) type Loaded = (Entry, Option<Entry>);

/// A part of a statement, newest first.
pub(crate) struct Page {
    /// What belongs on it.
    pub(crate) entries: Vec<Loaded>,
    /// Where to go on, if there may be more.
    pub(crate) next: Option<Seq>,
    /// The last entry of the shard that the view knows.
    pub(crate) seq: Seq,
    /// Its stamp.
    pub(crate) stamp: Option<UnixMillis>,
}

impl View {
    /// Finds and reads a part of a member's statement. `None` while the view is not open.
    pub(crate) fn statement(
        &self,
        member: &MemberId,
        shard: ShardIndex,
        wanted: &Wanted,
    ) -> Result<Option<Page>, ViewError> {
        let Some(snapshot) = self.snapshot() else {
            return Ok(None);
        };
        let snapshot = snapshot?;
        let whose = Whose::Member(member);
        // The run in front of this place may still end behind `to`.
        let before = snapshot.seek(whose, wanted.to, wanted.before)?;
        let (mut found, mut next, mut looked) = (Vec::new(), None, 0);
        snapshot.newest_first(whose, before, &mut |mark: Mark| {
            if mark.at < wanted.from {
                return ControlFlow::Break(());
            }
            let fits = wanted.fits(&mark);
            if looked == MARKS_MAX || (fits && found.len() == wanted.limit) {
                next = Some(mark.seq.next());
                return ControlFlow::Break(());
            }
            looked += 1;
            if fits {
                found.push(mark.seq);
            }
            ControlFlow::Continue(())
        })?;
        let place = usize::from(shard.0);
        let (seq, stamp) = (
            snapshot.position().seq(place),
            snapshot.position().stamp(place),
        );
        drop(snapshot);
        let (entries, whole) = self.load_all(shard, found)?;
        Ok(Some(Page {
            entries,
            next: next.filter(|_| whole),
            seq,
            stamp,
        }))
    }

    /// Reads entries with their holds; tells whether all are there. What an operator deleted ends the list.
    fn load_all(
        &self,
        shard: ShardIndex,
        wanted: Vec<Seq>,
    ) -> Result<(Vec<Loaded>, bool), ViewError> {
        let mut entries = Vec::with_capacity(wanted.len());
        let mut holds: BTreeMap<Seq, Option<Entry>> = BTreeMap::new();
        for seq in wanted {
            let Some(entry) = self.load(shard, seq)? else {
                return Ok((entries, false));
            };
            let hold = match Counterpart::of(&entry) {
                Counterpart::OfHold(hold) => match holds.get(&hold) {
                    Some(known) => known.clone(),
                    None => {
                        let loaded = self.load(shard, hold)?;
                        holds.insert(hold, loaded.clone());
                        loaded
                    }
                },
                Counterpart::Merchant(_) | Counterpart::Nobody => None,
            };
            entries.push((entry, hold));
        }
        Ok((entries, true))
    }

    /// Reads an entry; `None` if it was deleted.
    pub(crate) fn load(&self, shard: ShardIndex, seq: Seq) -> Result<Option<Entry>, ViewError> {
        match self.history().entry(shard, seq)? {
            Some(record) => {
                let entry = Entry::decode(&record);
                entry
                    .map(Some)
                    .map_err(|bad| ViewError::Damaged(format!("entry {seq:?}: {bad}")))
            }
            None if self.history().complete_behind() > 0 => Ok(None),
            None => Err(ViewError::Damaged(format!(
                "it names entry {seq:?} of shard {}, which there is not",
                shard.0
            ))),
        }
    }

    /// The order that an entry belongs to: its own, its hold's, or that of what it takes back.
    fn order_of(&self, shard: ShardIndex, entry: &Entry) -> Result<Option<Text>, ViewError> {
        let before = match &entry.deed {
            Deed::Earned { order, .. }
            | Deed::EarnedPending { order, .. }
            | Deed::Redeemed { order, .. }
            | Deed::Held { order, .. } => return Ok(order.clone()),
            Deed::Captured { hold, .. } => *hold,
            Deed::Reversed { transaction, .. } | Deed::Unsold { transaction, .. } => *transaction,
            _ => return Ok(None),
        };
        match self.load(shard, before)? {
            Some(before) => self.order_of(shard, &before),
            None => Ok(None),
        }
    }

    /// An accepted command that the ledger does not remember any more, with its hold, and how much of it was taken back.
    /// `None` while the view is not open or has not caught up with `last`: then nobody knows what was taken back.
    pub(crate) fn transaction(
        &self,
        shard: ShardIndex,
        seq: Seq,
        last: Seq,
    ) -> Result<Option<Option<(Loaded, Points)>>, ViewError> {
        let Some(record) = self.history().entry(shard, seq)? else {
            return Ok(Some(None));
        };
        let entry = Entry::decode(&record)
            .map_err(|bad| ViewError::Damaged(format!("entry {seq:?}: {bad}")))?;
        let Subject::Member(member) = &entry.subject else {
            return Ok(Some(None));
        };
        if !is_transaction(&entry) {
            return Ok(Some(None));
        }
        let Some(snapshot) = self.snapshot() else {
            return Ok(None);
        };
        let snapshot = snapshot?;
        if snapshot.position().seq(usize::from(shard.0)) < last {
            return Ok(None);
        }
        let mut reversals = Vec::new();
        snapshot.newest_first(Whose::Member(member), Seq(u64::MAX), &mut |mark: Mark| {
            if mark.seq <= seq {
                return ControlFlow::Break(());
            }
            if mark.kind == ItemKind::Reverse {
                reversals.push(mark.seq);
            }
            ControlFlow::Continue(())
        })?;
        drop(snapshot);
        let mut reversed = Points::ZERO;
        for later in reversals {
            if let Some(entry) = self.load(shard, later)?
                && let Deed::Reversed {
                    transaction,
                    points,
                    ..
                }
                | Deed::Unsold {
                    transaction,
                    points,
                    ..
                } = entry.deed
                && transaction == seq
            {
                reversed = reversed.checked_add(points).ok_or_else(|| {
                    ViewError::Damaged(format!("entry {seq:?} is taken back too often"))
                })?;
            }
        }
        let (loaded, _) = self.load_all(shard, vec![seq])?;
        Ok(Some(loaded.into_iter().next().map(|one| (one, reversed))))
    }
}

impl Wanted {
    fn fits(&self, mark: &Mark) -> bool {
        mark.shown
            && mark.at < self.to
            && self.kind.is_none_or(|kind| kind == mark.kind)
            && self
                .point_type
                .is_none_or(|point_type| point_type == mark.point_type)
    }
}

/// What of a merchant's movements is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MovementsWanted {
    /// Stamps from here on …
    pub(crate) from: UnixMillis,
    /// … and before this.
    pub(crate) to: UnixMillis,
    /// How many at most.
    pub(crate) limit: usize,
    /// Only what comes behind this one.
    pub(crate) behind: Option<(UnixMillis, ShardIndex, Seq)>,
}

/// What a shard tells of a merchant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtShard {
    /// The number of the merchant's symbol there, if the shard has met it.
    pub(crate) symbol: Option<u32>,
    /// The shard's last entry.
    pub(crate) last: Seq,
}

/// An entry of a shard, and the order that it belongs to.
pub(crate) type MovementLoaded = (ShardIndex, Entry, Option<Text>);

/// A part of a merchant's movements, in the order of stamp, shard and sequence.
pub(crate) struct MovementsPage {
    /// The entries, with their shards, and the orders that they belong to.
    pub(crate) entries: Vec<MovementLoaded>,
    /// Where to go on, if there is more.
    pub(crate) next: Option<(UnixMillis, ShardIndex, Seq)>,
    /// Before when nothing is missing; `None` if the view cannot tell yet.
    pub(crate) as_of: Option<UnixMillis>,
}

impl View {
    /// Finds and reads a part of a merchant's movements. `shards` are what all of them told at `now` or later. `None` while
    /// the view is not open.
    ///
    /// Shards stamp by themselves and reach the view one behind the other. So that no page passes by what comes later with
    /// an earlier stamp, it ends where the view is sure of every shard.
    pub(crate) fn movements(
        &self,
        shards: &[AtShard],
        now: UnixMillis,
        wanted: &MovementsWanted,
    ) -> Result<Option<MovementsPage>, ViewError> {
        let Some(snapshot) = self.snapshot() else {
            return Ok(None);
        };
        let snapshot = snapshot?;
        let position = snapshot.position();
        let sure = (0..).zip(shards).map(|(place, shard)| {
            let reached = (position.seq(place), position.stamp(place));
            self.sure_of(place, reached, shard.last, now).min(now)
        });
        let as_of = sure.min().unwrap_or(now);
        let to = wanted.to.min(as_of);
        let from = wanted
            .behind
            .map_or(wanted.from, |(at, _, _)| at.max(wanted.from));
        let mut found = Vec::new();
        for (shard, told) in (0..).map(ShardIndex).zip(shards) {
            let Some(symbol) = told.symbol else { continue };
            let mut of_shard = 0;
            snapshot.oldest_first(Whose::Merchant(shard, symbol), from, &mut |mark: Mark| {
                if mark.at >= to || of_shard > wanted.limit {
                    return ControlFlow::Break(());
                }
                let place = (mark.at, shard, mark.seq);
                if wanted.behind.is_none_or(|behind| place > behind) {
                    found.push(place);
                    of_shard += 1;
                }
                ControlFlow::Continue(())
            })?;
        }
        drop(snapshot);
        found.sort_unstable();
        let more = found.len() > wanted.limit;
        found.truncate(wanted.limit);
        let next = found.last().copied().filter(|_| more);
        let mut entries = Vec::with_capacity(found.len());
        for (_, shard, seq) in found {
            // What an operator deleted is not there to be shown.
            if let Some(entry) = self.load(shard, seq)? {
                let order = self.order_of(shard, &entry)?;
                entries.push((shard, entry, order));
            }
        }
        Ok(Some(MovementsPage {
            entries,
            next,
            as_of: (as_of.0 > 0).then_some(as_of),
        }))
    }
}
