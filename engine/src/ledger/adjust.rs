//! Adjustment: the operator puts a balance right.

use super::{
    amount::Points,
    command::{Adjust, Direction},
    decide::{Draft, Judged},
    deposit::Incoming,
    entry::{Account, Deed},
    members::MemberIndex,
    refusal::{Code, Objections},
    state::Ledger,
    symbol::Symbol,
    time::Day,
    wallet::{Lot, LotKey, LotRef},
};

/// Who issues the points of an adjustment, and in which class (ruling 11).
const ISSUER: &str = "operator";
const CLASS: &str = "adjustment";

impl Ledger {
    pub(super) fn judge_adjust(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        adjust: &Adjust,
    ) -> Judged {
        let mut objections = Objections::default();
        objections.note(self.not_closed(at));
        let point_type = objections.note(
            self.point_type(draft, &adjust.point_type)
                .map(|(symbol, _)| symbol),
        );
        match (adjust.direction, point_type) {
            (Direction::Up, Some(symbol)) => {
                self.adjust_up(draft, at, symbol, adjust.points, objections)?;
            }
            (Direction::Down, Some(symbol)) => {
                let shares = objections.none_or(self.spendable(at, symbol, adjust.points))?;
                draft.shift(&shares, Account::Available, Account::Adjustment);
            }
            (_, None) => return Err(objections.into_refusal()),
        }
        Ok(Deed::Adjusted {
            reason: adjust.reason.clone(),
        })
    }

    fn adjust_up(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        point_type: Symbol,
        points: Points,
        mut objections: Objections,
    ) -> Result<(), super::refusal::Refusal> {
        let key = LotKey {
            issuer: draft.naming.symbol(ISSUER),
            class: draft.naming.symbol(CLASS),
            last_day: Day::NEVER,
        };
        let wallet = self.members.get(at).wallet(point_type);
        let known = wallet.and_then(|wallet| wallet.lot(key));
        if known.is_none_or(Lot::is_empty) {
            objections.note(self.room_for_new_lot(at, point_type));
        }
        objections.none_or(self.room_for(at, point_type, points))?;
        let lot = LotRef {
            key,
            first_earned: known.map_or(draft.at, |lot| lot.name.first_earned.min(draft.at)),
        };
        let incoming = Incoming {
            lot,
            points,
            from: Account::Adjustment,
        };
        self.deposit(draft, self.members.get(at), smallvec::smallvec![incoming]);
        Ok(())
    }

    pub(super) fn not_closed(&self, at: MemberIndex) -> Result<(), Code> {
        match self.members.get(at).state() {
            super::members::MemberState::Closed => Err(Code::MemberClosed),
            _ => Ok(()),
        }
    }
}
