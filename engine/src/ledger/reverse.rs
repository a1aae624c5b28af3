//! Reversal: a spend gives its points back, an earn loses them.

use smallvec::SmallVec;

use super::{
    amount::{Fen, Points},
    command::Reverse,
    daybook::Undone,
    decide::{Draft, Judged},
    deposit::Incoming,
    entry::{Account, Deed, Entry},
    members::{Member, MemberIndex},
    refusal::{Code, Objections, Reason},
    state::Ledger,
    symbol::Symbol,
    wallet::LotRef,
};

/// Refunds may bring back more lots than earning may make, but not without bound: they bound the size of an entry.
const LOTS_FACTOR: usize = 2;

impl Ledger {
    pub(super) fn judge_reverse(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        original: &Entry,
        reverse: &Reverse,
    ) -> Judged {
        let window = self.rules.reversal_window_seconds;
        let retention = self.rules.request_retention_seconds;
        // Whoever may still retry a refusal for its age is told the same; later there may be nothing left to tell it by.
        let findable = window.saturating_add(retention);
        if draft.at > original.at.plus_seconds(findable) {
            return Err(Code::TransactionNotFound.into());
        }
        let spend = match original.deed {
            Deed::Redeemed { .. } | Deed::Captured { .. } | Deed::Confirmed { .. } => true,
            Deed::Earned { .. } | Deed::EarnedPending { .. } => false,
            _ => return Err(Code::NotReversible.into()),
        };
        draft.point_type = original.after.map(|after| after.point_type);
        let parts = parts_of(original, spend);
        let left = total(&parts).less(self.reversed(original.seq));
        let points = reverse.points.unwrap_or(left);
        let mut objections = Objections::default();
        if draft.at > original.at.plus_seconds(window) {
            objections.add(Code::ReversalWindowPassed.into());
        }
        if left.is_zero() {
            objections.add(Code::AlreadyReversed.into());
        } else if points > left {
            let (limit, asked) = (left.get(), points.get());
            objections.add(Reason::measured(Code::ExceedsTransaction, limit, asked));
        }
        objections.none_or(Ok::<_, Code>(()))?;
        let sold = match original.deed {
            Deed::Confirmed { sku, quantity, .. } => Some((sku, quantity)),
            _ => None,
        };
        if reverse.return_units {
            self.may_return_units(original, points == left)?;
        }
        if spend {
            self.restore(draft, at, &parts, left, points)?;
        } else {
            self.take_back(draft, self.members.get(at), original, points)?;
            self.put_back(draft, original, points);
        }
        draft.course().undone = Some(self.undone(original, (left, points), &parts));
        if let Some((sku, quantity)) = sold {
            let units = reverse
                .return_units
                .then(|| (sku, quantity, self.give_back(draft, sku, quantity)));
            return Ok(Deed::Unsold {
                transaction: original.seq,
                points,
                reason: reverse.reason.clone(),
                revoked: points == left,
                units,
            });
        }
        Ok(Deed::Reversed {
            transaction: original.seq,
            spend,
            points,
            reason: reverse.reason.clone(),
        })
    }

    /// What `points` of the `left` of a transaction take with them, in proportion: however a reversal is split, the parts add up.
    fn undone(&self, original: &Entry, (left, points): (Points, Points), parts: &Parts) -> Undone {
        let (units, cash) = match original.deed {
            Deed::Redeemed { cash, .. } => (1, cash.map_or(0, Fen::get)),
            Deed::Captured { .. } => (1, 0),
            Deed::Confirmed { quantity, .. } => (quantity.get(), 0),
            _ => (0, 0),
        };
        let all = u128::from(total(parts).get());
        let before = all - u128::from(left.get());
        let after = before + u128::from(points.get());
        let share = |of: u64| {
            let until = |points: u128| u128::from(of) * points / all;
            u64::try_from(until(after) - until(before)).expect("a part of it")
        };
        Undone {
            on: self.rules.day_at(original.at),
            orders: u32::from(units > 0 && points == left),
            units: share(units),
            cash: Fen::new(share(cash)).expect("a part of it"),
        }
    }

    /// Units come back with all the points that are left, unless somebody used one.
    fn may_return_units(&self, original: &Entry, all: bool) -> Result<(), Code> {
        let sale = self.stocks.sold.find(original.seq);
        let sale = sale.ok_or(Code::NotReversible)?;
        if !all || sale.returned || sale.was_used() {
            return Err(Code::NotReversible);
        }
        Ok(())
    }

    /// Gives back the last `points` of the first `left` that were taken (ruling 7).
    fn restore(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        parts: &Parts,
        left: Points,
        points: Points,
    ) -> Result<(), Reason> {
        let mut keep = left.less(points);
        let mut missing = points;
        let mut back = SmallVec::new();
        for &(lot, from, taken) in parts {
            let kept = taken.min(keep);
            keep = keep.less(kept);
            let given = taken.less(kept).min(missing);
            missing = missing.less(given);
            if !given.is_zero() {
                back.push(Incoming {
                    lot,
                    points: given,
                    from,
                });
            }
        }
        let point_type = draft.point_type.expect("set from the original");
        self.room_for(at, point_type, points)?;
        self.room_for_lots(at, point_type, &back)?;
        self.deposit(draft, self.members.get(at), back);
        Ok(())
    }

    pub(super) fn room_for_lots(
        &self,
        at: MemberIndex,
        point_type: Symbol,
        back: &[Incoming],
    ) -> Result<(), Reason> {
        let Some(wallet) = self.members.get(at).wallet(point_type) else {
            return Ok(());
        };
        let most = self.rules.lots_per_wallet_max.saturating_mul(LOTS_FACTOR);
        let sent = self.on_their_way(at, point_type).count();
        if wallet.lots().len() + wallet.pending().len() + sent + back.len() <= most {
            return Ok(());
        }
        let fresh = |part: &&Incoming| wallet.lot(part.lot.key).is_none_or(|lot| lot.is_empty());
        if wallet.lots_in_use() + sent + back.iter().filter(fresh).count() <= most {
            return Ok(());
        }
        let limit = most as u64;
        Err(Reason::measured(Code::MemberLimitReached, limit, limit + 1))
    }

    /// Takes what the earn left pending, then from its lot; the rest becomes a debt, which other lots pay at once.
    fn take_back(
        &self,
        draft: &mut Draft<'_>,
        member: &Member,
        original: &Entry,
        points: Points,
    ) -> Result<(), Reason> {
        let lot = original.moves[0].lot;
        let point_type = draft.point_type.expect("set from the original");
        let wallet = member.wallet(point_type).expect("the earn made it");
        let mut missing = points;
        let mut take = |draft: &mut Draft<'_>, has: Points, from: Account, to: Account, lot| {
            let taken = has.min(missing);
            missing = missing.less(taken);
            draft.shift_one(lot, taken, from, to);
        };
        let pending = wallet
            .pending()
            .iter()
            .find(|part| part.earn == original.seq);
        if let Some(part) = pending {
            take(
                draft,
                part.points,
                Account::Pending,
                Account::Issued,
                part.lot,
            );
        }
        if let Some(own) = wallet.lot(lot.key) {
            take(
                draft,
                own.available,
                Account::Available,
                Account::Issued,
                own.name,
            );
        }
        let debt = missing;
        let room = Points::MAX.less(wallet.balance().owed);
        if debt > room {
            let (limit, asked) = (room.get(), debt.get());
            return Err(Reason::measured(Code::MemberLimitReached, limit, asked));
        }
        draft.shift_one(lot, debt, Account::Owed, Account::Issued);
        let others = wallet.available_of(|other| other.name.key != lot.key);
        let mut unpaid = debt;
        for share in others {
            let paid = share.points.min(unpaid);
            unpaid = unpaid.less(paid);
            draft.shift_one(share.lot, paid, Account::Available, Account::Owed);
        }
        Ok(())
    }
}

/// What a command moved that a reversal can move back: lot, where the points are now, how many.
type Parts = SmallVec<[(LotRef, Account, Points); 2]>;

fn parts_of(original: &Entry, spend: bool) -> Parts {
    let moved = original.moves.iter().filter(|m| match m.to {
        Account::Accepted(_) => spend,
        _ => !spend && m.from == Account::Issued,
    });
    moved.map(|m| (m.lot, m.to, m.points)).collect()
}

fn total(parts: &Parts) -> Points {
    parts.iter().fold(Points::ZERO, |sum, (_, _, points)| {
        sum.checked_add(*points)
            .expect("parts of one entry sum to at most 2^53 - 1")
    })
}
