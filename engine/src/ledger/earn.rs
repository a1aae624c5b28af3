//! Earning: a merchant issues points to a member.

use super::{
    amount::Points,
    command::Earn,
    decide::{Draft, Judged},
    entry::{Account, Deed, Move},
    members::MemberIndex,
    refusal::{Code, Objections, Reason},
    state::Ledger,
    wallet::{LotKey, LotRef},
};

impl Ledger {
    pub(super) fn judge_earn(&self, draft: &mut Draft<'_>, at: MemberIndex, earn: &Earn) -> Judged {
        let merchant = self.merchant_symbol(&earn.merchant)?;
        let point_type = self.point_type(draft, &earn.point_type)?;
        if earn.at.is_some_and(|happened| happened > draft.at) {
            return Err(Code::AtInFuture.into());
        }
        let key = LotKey {
            issuer: merchant,
            class: draft.naming.symbol(earn.class.as_str()),
            last_day: earn.last_day,
        };
        let member = self.members.get(at);
        let wallet = member.wallet(point_type);
        let known = wallet.and_then(|wallet| wallet.lot(key));

        let mut objections = Objections::default();
        let lots = wallet.map_or(0, |wallet| wallet.lots().len());
        if known.is_none() && lots >= self.rules.lots_per_wallet_max {
            let limit = self.rules.lots_per_wallet_max as u64;
            objections.add(Reason::measured(Code::MemberLimitReached, limit, limit + 1));
        }
        let balance = member.balance(point_type);
        let room = Points::MAX.get() - balance.available.get() - balance.held.get();
        if earn.points.get() > room {
            let asked = earn.points.get();
            objections.add(Reason::measured(Code::MemberLimitReached, room, asked));
        }
        objections.none_or(|| {
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
            Deed::Earned {
                merchant,
                order: earn.order.clone(),
                at: earn.at,
            }
        })
    }
}
