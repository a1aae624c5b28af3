//! Redemption: a member spends points at a merchant, at once.

use super::{
    amount::Points,
    command::Redeem,
    decide::{Draft, Judged},
    entry::{Account, Deed},
    id::Use,
    members::MemberIndex,
    refusal::{Code, Objections, Reason},
    rules::PointKind,
    state::Ledger,
    symbol::Symbol,
    time::UnixMillis,
    wallet::{Pending, Shares, Wallet},
};

impl Ledger {
    pub(super) fn judge_redeem(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        redeem: &Redeem,
    ) -> Judged {
        let mut objections = Objections::default();
        let merchant = objections.note(self.merchant_symbol(&redeem.merchant));
        objections.note(self.may_spend(at));
        let point_type = objections.note(self.point_type(draft, &redeem.point_type));
        let shares = point_type.and_then(|(symbol, kind)| {
            objections.note(eligible(kind, redeem.used_for.as_ref()));
            objections.note(self.spendable(at, symbol, redeem.points))
        });
        let (Some(merchant), Some(shares), true) = (merchant, shares, objections.is_empty()) else {
            return Err(objections.into_refusal());
        };
        draft.shift(&shares, Account::Available, Account::Accepted(merchant));
        Ok(Deed::Redeemed {
            merchant,
            used_for: redeem
                .used_for
                .as_ref()
                .map(|used_for| draft.naming.symbol(used_for.as_str())),
            order: redeem.order.clone(),
            cash: redeem.cash,
        })
    }

    /// The lots that a spend of `points` takes from.
    pub(super) fn spendable(
        &self,
        at: MemberIndex,
        point_type: Symbol,
        points: Points,
    ) -> Result<Shares, Reason> {
        let wallet = self.members.get(at).wallet(point_type);
        wallet
            .and_then(|wallet| wallet.pick(points))
            .ok_or_else(|| {
                let available = wallet.map_or(Points::ZERO, |wallet| wallet.balance().available);
                Reason {
                    frees_at: wallet.and_then(|wallet| self.enough_at(wallet, points)),
                    ..Reason::measured(Code::InsufficientPoints, available.get(), points.get())
                }
            })
    }

    /// When enough of what is pending will have been released, if it ever will. What lapses before that pays nothing.
    fn enough_at(&self, wallet: &Wallet, points: Points) -> Option<UnixMillis> {
        let balance = wallet.balance();
        let mut missing = points.get() + balance.owed.get() - balance.available.get();
        let lasts = |part: &&Pending| part.lot.key.last_day >= self.rules.day_at(part.releases_at);
        wallet.pending().iter().filter(lasts).find_map(|part| {
            missing = missing.saturating_sub(part.points.get());
            (missing == 0).then_some(part.releases_at)
        })
    }
}

/// The use that only points good for paying may be put to; every other one is for goods.
const OFFSET: &str = "offset";

/// Whether points of this kind are good for this use.
pub(super) fn eligible(kind: &PointKind, used_for: Option<&Use>) -> Result<(), Code> {
    let good = match used_for.map(Use::as_str) {
        Some(OFFSET) => kind.uses.offset,
        _ => kind.uses.redeem,
    };
    if good { Ok(()) } else { Err(Code::NotEligible) }
}
