//! Earning: a merchant issues points to a member.

use super::{
    amount::Points,
    command::Earn,
    decide::{Draft, Judged},
    entry::{Account, Deed, Move},
    members::MemberIndex,
    refusal::{Code, Objections, Reason},
    state::Ledger,
    wallet::{LotKey, LotRef, Wallet},
};

impl Ledger {
    pub(super) fn judge_earn(&self, draft: &mut Draft<'_>, at: MemberIndex, earn: &Earn) -> Judged {
        let mut objections = Objections::default();
        let merchant = self.merchant_symbol(&earn.merchant);
        let point_type = objections.note(self.point_type(draft, &earn.point_type));
        if earn.at.is_some_and(|happened| happened > draft.at) {
            objections.add(Code::AtInFuture.into());
        }
        let wallet = point_type.and_then(|symbol| self.members.get(at).wallet(symbol));
        let class = draft.naming.symbol(earn.class.as_str());
        let key = merchant.map(|issuer| LotKey {
            issuer,
            class,
            last_day: earn.last_day,
        });
        let known = key.ok().and_then(|key| wallet?.lot(key));
        let lots = wallet.map_or(0, |wallet| wallet.lots().len());
        if known.is_none() && lots >= self.rules.lots_per_wallet_max {
            let limit = self.rules.lots_per_wallet_max as u64;
            objections.add(Reason::measured(Code::MemberLimitReached, limit, limit + 1));
        }
        let balance = wallet.map(Wallet::balance).unwrap_or_default();
        let room = Points::MAX.get() - balance.available.get() - balance.held.get();
        if earn.points.get() > room {
            let asked = earn.points.get();
            objections.add(Reason::measured(Code::MemberLimitReached, room, asked));
        }
        let key = objections.none_or(key)?;
        let happened = earn.at.unwrap_or(draft.at);
        draft.moves.push(Move {
            lot: LotRef {
                key,
                // First earned of a lot is the earliest of its parts.
                first_earned: known.map_or(happened, |lot| lot.name.first_earned.min(happened)),
            },
            from: Account::Issued,
            to: Account::Available,
            points: earn.points,
        });
        Ok(Deed::Earned {
            merchant: key.issuer,
            order: earn.order.clone(),
            at: earn.at,
        })
    }
}
