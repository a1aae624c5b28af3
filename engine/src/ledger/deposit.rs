//! What happens to points that come in to what a member can spend: a debt is paid first, and what has lapsed, or has
//! nobody any more, goes to breakage.

use smallvec::SmallVec;

use super::{
    amount::Points,
    decide::Draft,
    entry::Account,
    members::{Member, MemberState},
    state::Ledger,
    wallet::{LotRef, Shares},
};

/// Points on their way in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    pub(super) lot: LotRef,
    pub(super) points: Points,
    pub(super) from: Account,
}

impl Incoming {
    pub(super) fn all(shares: &Shares, from: Account) -> SmallVec<[Self; 1]> {
        let one = |share: &super::wallet::Share| Self {
            lot: share.lot,
            points: share.points,
            from,
        };
        shares.iter().map(one).collect()
    }
}

impl Ledger {
    /// Lets points in, in lapse order (ruling 6), to the wallet of the draft's point type.
    pub(super) fn deposit(
        &self,
        draft: &mut Draft<'_>,
        member: &Member,
        mut parts: SmallVec<[Incoming; 1]>,
    ) {
        if parts.len() > 1 {
            parts.sort_by_key(|part| part.lot.order());
        }
        let today = self.rules.day_at(draft.at);
        let closed = member.state() == MemberState::Closed;
        let point_type = draft.point_type.expect("set before points are moved");
        let mut owed = member.balance(point_type).owed;
        for Incoming { lot, points, from } in parts {
            if closed || lot.key.last_day < today {
                draft.shift_one(lot, points, from, Account::Breakage);
                continue;
            }
            let paid = points.min(owed);
            owed = owed.less(paid);
            draft.shift_one(lot, paid, from, Account::Owed);
            draft.shift_one(lot, points.less(paid), from, Account::Available);
        }
    }
}
