//! What a member may do: freezing, unfreezing, closing; and what is known of them: erasing.

use super::{
    command::Lifecycle,
    decide::{Draft, Judged},
    due::give_up,
    entry::Deed,
    members::{MemberIndex, MemberState},
    refusal::{Code, Objections, Reason},
    state::Ledger,
};

impl Ledger {
    pub(super) fn judge_freeze(&self, at: MemberIndex, freeze: &Lifecycle) -> Judged {
        self.not_closed(at)?;
        Ok(Deed::Frozen {
            reason: freeze.reason.clone(),
        })
    }

    pub(super) fn judge_unfreeze(&self, at: MemberIndex, unfreeze: &Lifecycle) -> Judged {
        self.not_closed(at)?;
        Ok(Deed::Unfrozen {
            reason: unfreeze.reason.clone(),
        })
    }

    /// Points of the default type go with the entry; what is left of other types is due from then on.
    pub(super) fn judge_close(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        close: &Lifecycle,
    ) -> Judged {
        let member = self.members.get(at);
        let mut objections = Objections::default();
        let open = u64::from(member.open_holds());
        if open > 0 {
            objections.add(Reason::measured(Code::MemberHasHolds, 0, open));
        }
        objections.none_or(self.not_closed(at))?;
        let name = &self.rules.point_types[0].name;
        let (point_type, _) = self.point_type(draft, name)?;
        if let Some(wallet) = member.wallet(point_type) {
            give_up(draft, wallet);
        }
        Ok(Deed::Closed {
            reason: close.reason.clone(),
        })
    }

    /// Objections to a spend by the member's state.
    pub(super) fn may_spend(&self, at: MemberIndex) -> Result<(), Code> {
        match self.members.get(at).state() {
            MemberState::Active => Ok(()),
            MemberState::Frozen => Err(Code::MemberFrozen),
            MemberState::Closed => Err(Code::MemberClosed),
        }
    }
}
