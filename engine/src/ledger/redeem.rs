//! Redemption: a member spends points at a merchant, at once.

use super::{
    amount::Points,
    command::Redeem,
    decide::{Draft, Judged},
    entry::{Account, Deed},
    members::MemberIndex,
    refusal::{Code, Objections, Reason},
    state::Ledger,
    symbol::Symbol,
    wallet::Shares,
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
        let point_type = objections.note(self.point_type(draft, &redeem.point_type));
        let shares = point_type
            .and_then(|symbol| objections.note(self.spendable(at, symbol, redeem.points)));
        let (Some(merchant), Some(shares)) = (merchant, shares) else {
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
                Reason::measured(Code::InsufficientPoints, available.get(), points.get())
            })
    }
}
