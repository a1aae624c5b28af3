//! What happens to points that come in to what a member can spend: a debt is paid first, and what has lapsed, or has
//! nobody any more, goes to breakage.

use smallvec::SmallVec;

use super::{
    amount::Points,
    decide::Draft,
    entry::Account,
    members::{Member, MemberState},
    state::Ledger,
    symbol::Symbol,
    time::{Day, UnixMillis},
    wallet::{LotRef, Shares, Wallet},
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

/// The order in which a lot is spent now: since points were taken from it, an earlier part may have come to it.
fn order_now(wallet: Option<&Wallet>, lot: LotRef) -> (Day, UnixMillis, Symbol, Symbol) {
    let known = wallet.and_then(|wallet| wallet.lot(lot.key));
    let first_earned = known.map_or(lot.first_earned, |known| {
        known.name.first_earned.min(lot.first_earned)
    });
    LotRef {
        first_earned,
        ..lot
    }
    .order()
}

impl Ledger {
    /// Lets points in, in lapse order (ruling 6), to the wallet of the draft's point type.
    pub(super) fn deposit(
        &self,
        draft: &mut Draft<'_>,
        member: &Member,
        mut parts: SmallVec<[Incoming; 1]>,
    ) {
        let today = self.rules.day_at(draft.at);
        let closed = member.state() == MemberState::Closed;
        let point_type = draft.point_type.expect("set before points are moved");
        if parts.len() > 1 {
            let wallet = member.wallet(point_type);
            parts.sort_by_cached_key(|part| order_now(wallet, part.lot));
        }
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
