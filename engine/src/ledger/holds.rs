//! Points set aside: the holds of a shard, and when they end by themselves.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::BuildHasher,
};

use bincode::{BorrowDecode, Encode};

use super::{
    amount::Points,
    command::Seq,
    image::{Touched, record},
    members::MemberIndex,
    slots::Slots,
    split_table::SplitTable,
    symbol::Symbol,
    time::UnixMillis,
    wallet::{LotKey, Share, Shares},
};
use crate::pool::Units;

/// Where a hold stands.
///
/// ```text
///          ┌─ capture (not final) ─┐
///          ▼                       │
/// hold ─► Open ────────────────────┘
///          │ capture (final) ─────► Captured
///          │ release ─────────────► Released   (Captured, if anything was captured before)
///          │ time over ───────────► Expired    (Captured, if anything was captured before)
///                                      │ late capture, points still there
///                                      └────► Captured
/// ```
///
/// The order of the variants stands in images: add at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
#[allow(missing_docs)]
pub enum HoldState {
    Open,
    Captured,
    Released,
    Expired,
}

impl HoldState {
    /// The word of the wire contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Captured => "captured",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

/// Points set aside for a merchant.
#[derive(Clone, Debug)]
pub struct Held {
    /// The entry that made the hold.
    pub seq: Seq,
    pub(super) member: MemberIndex,
    /// The kind of points.
    pub point_type: Symbol,
    /// Who may capture.
    pub merchant: Symbol,
    /// How many points were asked for.
    pub points: Points,
    /// How many were captured so far.
    pub captured: Points,
    /// How many went back.
    pub released: Points,
    /// Where the hold stands.
    pub state: HoldState,
    /// When an open hold ends by itself.
    pub expires_at: UnixMillis,
    /// What is still set aside, in lapse order; empty unless open.
    pub shares: Shares,
    /// By which entry the hold ended, and when; `None` while it is open.
    pub(super) closed: Option<(Seq, UnixMillis)>,
    /// The hold's place among those that end in the same second.
    pub(super) due_place: u32,
    /// Of a reservation: of what, and how many units.
    pub stock: Option<(Symbol, Units)>,
}

impl Held {
    /// How much is still set aside.
    #[must_use]
    pub fn remaining(&self) -> Points {
        self.shares.iter().fold(Points::ZERO, |sum, share| {
            sum.checked_add(share.points)
                .expect("parts of one hold sum to at most the hold")
        })
    }

    /// Whether the hold ended before this moment.
    pub(super) fn closed_before(&self, moment: UnixMillis) -> bool {
        self.closed.is_some_and(|(_, at)| at < moment)
    }

    /// The first `points` of what is set aside, in lapse order, or `None` when that is less.
    pub(super) fn pick(&self, points: Points) -> Option<Shares> {
        let mut missing = points;
        let mut picked = Shares::new();
        for share in &self.shares {
            let taken = share.points.min(missing);
            if !taken.is_zero() {
                picked.push(Share {
                    lot: share.lot,
                    points: taken,
                });
                missing = missing.checked_sub(taken)?;
            }
        }
        missing.is_zero().then_some(picked)
    }

    fn take(&mut self, key: LotKey, points: Points) {
        let at = self
            .shares
            .iter()
            .position(|share| share.lot.key == key)
            .expect("invariant 3: a hold gives only what it named");
        let share = &mut self.shares[at];
        share.points = share
            .points
            .checked_sub(points)
            .expect("invariant 3: a hold gives only what it named");
        if share.points.is_zero() {
            self.shares.remove(at);
        }
    }
}

/// The holds of a shard.
#[derive(Default)]
pub(super) struct Holds {
    slots: Slots<Held>,
    free: Vec<u32>,
    index: SplitTable,
    hasher: foldhash::quality::RandomState,
    /// Open holds by the second in which they are over, rounded up: a hold never ends early.
    due: BTreeMap<u64, Vec<u32>>,
    /// Closed holds, the longest closed first.
    closed: VecDeque<u32>,
    touched: Touched,
}

/// What a slot is called that holds nothing any more: no entry has this number.
const NOBODY: Seq = Seq(0);

/// A hold that an entry opens.
pub(super) struct Opening {
    pub(super) seq: Seq,
    pub(super) member: MemberIndex,
    pub(super) point_type: Symbol,
    pub(super) merchant: Symbol,
    pub(super) expires_at: UnixMillis,
    pub(super) shares: Shares,
    pub(super) stock: Option<(Symbol, Units)>,
}

impl Holds {
    /// How many are open, or have ended and are remembered.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn find(&self, seq: Seq) -> Option<&Held> {
        self.slot(seq).map(|slot| &self.slots[slot as usize])
    }

    pub(super) fn open(&mut self, opening: Opening) {
        let mut held = Held {
            seq: opening.seq,
            member: opening.member,
            point_type: opening.point_type,
            merchant: opening.merchant,
            points: Points::ZERO,
            captured: Points::ZERO,
            released: Points::ZERO,
            state: HoldState::Open,
            expires_at: opening.expires_at,
            shares: opening.shares,
            closed: None,
            due_place: 0,
            stock: opening.stock,
        };
        held.points = held.remaining();
        let slot = self.free.pop().unwrap_or_else(|| {
            u32::try_from(self.slots.len()).expect("fewer than 2^32 holds in a shard")
        });
        let bucket = self.due.entry(due_second(held.expires_at)).or_default();
        held.due_place = u32::try_from(bucket.len()).expect("fewer than 2^32 holds in a shard");
        bucket.push(slot);
        self.index.insert(self.hasher.hash_one(held.seq), slot);
        if (slot as usize) < self.slots.len() {
            *self.slot_mut(slot) = held;
        } else {
            self.touched.add(slot);
            self.slots.push(held);
        }
    }

    /// Notes that points of an open hold were spent.
    pub(super) fn capture(&mut self, seq: Seq, key: LotKey, points: Points) {
        let held = self.open_mut(seq);
        held.take(key, points);
        held.captured = sum(held.captured, points);
    }

    /// Notes that points of an open hold went back.
    pub(super) fn give_back(&mut self, seq: Seq, key: LotKey, points: Points) {
        let held = self.open_mut(seq);
        held.take(key, points);
        held.released = sum(held.released, points);
    }

    /// Notes that an expired hold was captured after all, from points that were free.
    pub(super) fn capture_late(&mut self, seq: Seq, points: Points) {
        // A replay under a shorter retention than the entry was decided under may have forgotten the hold by now.
        let Some(slot) = self.slot(seq) else { return };
        let held = self.slot_mut(slot);
        held.captured = sum(held.captured, points);
        held.released = held
            .released
            .checked_sub(points)
            .expect("what is captured late was released before");
        held.state = HoldState::Captured;
    }

    /// Ends an open hold, of which nothing may be set aside any more.
    pub(super) fn close(&mut self, seq: Seq, state: HoldState, by: (Seq, UnixMillis)) {
        let slot = self.slot(seq).expect("decided: the hold is known");
        let held = self.slot_mut(slot);
        assert!(
            held.shares.is_empty(),
            "invariant 3: a closed hold keeps nothing"
        );
        held.state = if held.captured.is_zero() {
            state
        } else {
            HoldState::Captured
        };
        held.closed = Some(by);
        let (second, place) = (due_second(held.expires_at), held.due_place);
        self.forget_due(second, place);
        self.closed.push_back(slot);
    }

    /// Drops some of the holds that were closed before `before`.
    pub(super) fn forget(&mut self, before: UnixMillis) {
        for _ in 0..2 {
            let Some(&slot) = self.closed.front() else {
                return;
            };
            let held = &self.slots[slot as usize];
            if !held.closed_before(before) {
                return;
            }
            self.closed.pop_front();
            self.index.remove(self.hasher.hash_one(held.seq), slot);
            self.slot_mut(slot).seq = NOBODY;
            self.free.push(slot);
        }
    }

    /// An open hold whose time is over at `now`.
    pub(super) fn due(&self, now: UnixMillis) -> Option<Seq> {
        let (&second, slots) = self.due.first_key_value()?;
        (second.saturating_mul(1_000) <= now.0).then(|| self.slots[slots[0] as usize].seq)
    }

    /// The open holds, in the order in which they end.
    pub(super) fn iter_open(&self) -> impl Iterator<Item = &Held> {
        self.due
            .values()
            .flatten()
            .map(|&slot| &self.slots[slot as usize])
    }

    /// The closed holds, the longest closed first.
    pub(super) fn iter_closed(&self) -> impl Iterator<Item = &Held> {
        self.closed.iter().map(|&slot| &self.slots[slot as usize])
    }

    fn slot(&self, seq: Seq) -> Option<u32> {
        self.index.find(self.hasher.hash_one(seq), |at| {
            self.slots[at as usize].seq == seq
        })
    }

    fn known_mut(&mut self, seq: Seq) -> &mut Held {
        let slot = self.slot(seq).expect("decided: the hold is known");
        self.slot_mut(slot)
    }

    /// A slot that is about to change.
    fn slot_mut(&mut self, slot: u32) -> &mut Held {
        let held = &mut self.slots[slot as usize];
        self.touched.touch(slot, || record(held));
        held
    }

    fn open_mut(&mut self, seq: Seq) -> &mut Held {
        let held = self.known_mut(seq);
        assert_eq!(held.state, HoldState::Open, "decided: the hold is open");
        held
    }

    fn forget_due(&mut self, second: u64, place: u32) {
        let bucket = self
            .due
            .get_mut(&second)
            .expect("an open hold is due some time");
        bucket.swap_remove(place as usize);
        if let Some(&moved) = bucket.get(place as usize) {
            self.slot_mut(moved).due_place = place;
        } else if bucket.is_empty() {
            self.due.remove(&second);
        }
    }

    /// The holds by slot, and what an image has to know of them.
    pub(super) fn slots(&mut self) -> (&Slots<Held>, &mut Touched) {
        (&self.slots, &mut self.touched)
    }

    /// Holds by slot, as an image has them, of so many members; `None` if they contradict each other.
    pub(super) fn restored(slots: Slots<Held>, members: usize) -> Option<Self> {
        let mut this = Self::default();
        let mut closed = Vec::new();
        for (slot, held) in (0_u32..).zip(slots.iter()) {
            if held.seq == NOBODY {
                this.free.push(slot);
                continue;
            }
            let hash = this.hasher.hash_one(held.seq);
            let known = this
                .index
                .find(hash, |known| slots[known as usize].seq == held.seq);
            if known.is_some() || held.member.0 as usize >= members {
                return None;
            }
            this.index.insert(hash, slot);
            match held.closed {
                Some((by, _)) => closed.push((by, slot)),
                None => this
                    .due
                    .entry(due_second(held.expires_at))
                    .or_default()
                    .push(slot),
            }
        }
        for bucket in this.due.values_mut() {
            bucket.sort_unstable_by_key(|&slot| slots[slot as usize].due_place);
            let places = bucket.iter().map(|&slot| slots[slot as usize].due_place);
            if !places.eq(0..bucket.len() as u32) {
                return None;
            }
        }
        closed.sort_unstable();
        this.closed = closed.into_iter().map(|(_, slot)| slot).collect();
        this.slots = slots;
        Some(this)
    }
}

const fn due_second(expires_at: UnixMillis) -> u64 {
    expires_at.0.div_ceil(1_000)
}

fn sum(a: Points, b: Points) -> Points {
    a.checked_add(b)
        .expect("parts of one hold sum to at most the hold")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::at_work::Work;

    /// Two holds of one member, of which the first has ended.
    fn work() -> Work {
        let mut work = Work::new();
        work.enrol(1);
        work.earn(1, 100);
        let first = work.hold(1, 5);
        work.hold(1, 6);
        work.capture(first);
        work
    }

    #[test]
    fn a_hold_that_ended_is_forgotten_behind_its_end_and_its_slot_is_used_again() {
        let mut work = work();
        let end = work.ledger.last_at();
        work.ledger.holds.forget(end);
        assert_eq!(work.ledger.footprint().holds, 2, "it ended just then");
        work.ledger.holds.forget(UnixMillis(end.0 + 1));
        assert_eq!(work.ledger.footprint().holds, 1);
        work.ledger.holds.forget(UnixMillis(u64::MAX));
        assert_eq!(work.ledger.footprint().holds, 1, "the other one is open");
        work.hold(1, 7);
        assert_eq!(work.ledger.footprint().holds, 2);
        assert_eq!(work.ledger.holds.slots().0.len(), 2);
    }

    #[test]
    fn an_image_that_has_a_hold_twice_or_of_nobody_is_refused() {
        let slots = work().ledger.holds.slots().0.clone();
        assert!(Holds::restored(slots.clone(), 1).is_some());
        assert!(Holds::restored(slots.clone(), 0).is_none());
        let mut twice = slots;
        twice[1].seq = twice[0].seq;
        assert!(Holds::restored(twice, 1).is_none());
    }
}
