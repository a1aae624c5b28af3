//! Earning: a merchant issues points to a member.

use smallvec::smallvec;

use super::{
    amount::Points,
    command::Earn,
    decide::{Draft, Judged},
    deposit::Incoming,
    entry::{Account, Deed},
    members::MemberIndex,
    refusal::{Code, Objections, Reason, Refusal},
    state::Ledger,
    symbol::Symbol,
    wallet::{Lot, LotKey, LotRef},
};

impl Ledger {
    pub(super) fn judge_earn(&self, draft: &mut Draft<'_>, at: MemberIndex, earn: &Earn) -> Judged {
        let lot = self.earnable(draft, at, earn)?;
        if self.is_prepaid(draft, lot.key.issuer)
            && let Some(asks) = self.draw(draft, earn)?
        {
            return Ok(asks);
        }
        Ok(self.issue(draft, at, lot, earn))
    }

    /// The lot that the points go to, if nothing but the merchant's own means can stand in the way.
    pub(super) fn earnable(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        earn: &Earn,
    ) -> Result<LotRef, Refusal> {
        let mut objections = Objections::default();
        let merchant = self.merchant_symbol(&earn.merchant);
        objections.note(self.not_closed(at));
        let point_type = objections.note(self.point_type(draft, &earn.point_type));
        if earn.at.is_some_and(|happened| happened > draft.at) {
            objections.add(Code::AtInFuture.into());
        }
        if let Some(happened) = earn.at {
            objections.note(self.not_too_late(draft.at, happened, &earn.merchant));
        }
        let class = draft.naming.symbol(earn.class.as_str());
        let key = merchant.map(|issuer| LotKey {
            issuer,
            class,
            last_day: earn.last_day,
        });
        let mut known = None;
        if let Some((symbol, _)) = point_type {
            known = key
                .ok()
                .and_then(|key| self.members.get(at).wallet(symbol)?.lot(key));
            // What is pending is kept apart until it is released, whatever lot it goes to then.
            let apart = earn.releases_at.is_some_and(|release| release > draft.at);
            if apart || known.is_none_or(Lot::is_empty) {
                objections.note(self.room_for_new_lot(at, symbol));
            }
            objections.note(self.room_for(at, symbol, earn.points));
        }
        let key = objections.none_or(key)?;
        let happened = earn.at.unwrap_or(draft.at);
        Ok(LotRef {
            key,
            // First earned of a lot is the earliest of its parts.
            first_earned: known.map_or(happened, |lot| lot.name.first_earned.min(happened)),
        })
    }

    pub(super) fn issue(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        lot: LotRef,
        earn: &Earn,
    ) -> Deed {
        let (merchant, order) = (lot.key.issuer, earn.order.clone());
        if let Some(releases_at) = earn.releases_at.filter(|&release| release > draft.at) {
            draft.shift_one(lot, earn.points, Account::Issued, Account::Pending);
            return Deed::EarnedPending {
                merchant,
                order,
                at: earn.at,
                releases_at,
            };
        }
        let incoming = Incoming {
            lot,
            points: earn.points,
            from: Account::Issued,
        };
        self.deposit(draft, self.members.get(at), smallvec![incoming]);
        Deed::Earned {
            merchant,
            order,
            at: earn.at,
        }
    }

    /// Whether there is room for one lot more.
    pub(super) fn room_for_new_lot(
        &self,
        at: MemberIndex,
        point_type: Symbol,
    ) -> Result<(), Reason> {
        let most = self.rules.lots_per_wallet_max;
        // What was sent may come back, each to a lot of its own.
        let sent = self.on_their_way(at, point_type).count();
        match self.members.get(at).wallet(point_type) {
            Some(wallet)
                if wallet.lots().len() + wallet.pending().len() + sent >= most
                    && wallet.lots_in_use() + sent >= most =>
            {
                let limit = most as u64;
                Err(Reason::measured(Code::MemberLimitReached, limit, limit + 1))
            }
            _ => Ok(()),
        }
    }

    /// Whether points fit beside what the member has, and what may come back to it: held points, and those on their way to
    /// another member.
    pub(super) fn room_for(
        &self,
        at: MemberIndex,
        point_type: Symbol,
        points: Points,
    ) -> Result<(), Reason> {
        let balance = self.members.get(at).balance(point_type);
        let has = balance.available.get() + balance.held.get() + balance.pending.get();
        let sent = self.on_their_way(at, point_type);
        let may_come = sent.fold(has, |sum, share| sum.saturating_add(share.points.get()));
        let room = Points::MAX.get().saturating_sub(may_come);
        if points.get() <= room {
            return Ok(());
        }
        let asked = points.get();
        Err(Reason::measured(Code::MemberLimitReached, room, asked))
    }
}
