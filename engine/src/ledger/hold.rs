//! The two-phase way to spend: hold, then capture or release; or the hold's time runs out.

use super::{
    amount::Points,
    command::{Capture, Hold, Release},
    decide::{Draft, Judged},
    deposit::Incoming,
    entry::{Account, Deed},
    handle::HoldId,
    holds::{Held, HoldState},
    members::MemberIndex,
    redeem::eligible,
    refusal::{Code, Objections, Reason},
    state::Ledger,
    wallet::Shares,
};

impl Ledger {
    pub(super) fn judge_hold(&self, draft: &mut Draft<'_>, at: MemberIndex, hold: &Hold) -> Judged {
        let mut objections = Objections::default();
        let merchant = objections.note(self.merchant_symbol(&hold.merchant));
        objections.note(self.may_spend(at));
        let point_type = objections.note(self.point_type(draft, &hold.point_type));
        objections.note(self.room_for_hold(at));
        let shares = point_type.and_then(|(symbol, kind)| {
            objections.note(eligible(kind, hold.used_for.as_ref()));
            objections.note(self.spendable(at, symbol, hold.points))
        });
        let (Some(merchant), Some(shares), true) = (merchant, shares, objections.is_empty()) else {
            return Err(objections.into_refusal());
        };
        draft.shift(&shares, Account::Available, Account::Held);
        let used_for = hold.used_for.as_ref();
        Ok(Deed::Held {
            merchant,
            used_for: used_for.map(|used_for| draft.naming.symbol(used_for.as_str())),
            order: hold.order.clone(),
            expires_at: draft.at.plus_seconds(u64::from(hold.ttl_seconds)),
        })
    }

    pub(super) fn room_for_hold(&self, at: MemberIndex) -> Result<(), Reason> {
        let open = self.members.get(at).open_holds();
        let most = self.rules.open_holds_per_member_max;
        if open < most {
            return Ok(());
        }
        let (limit, asked) = (u64::from(most), u64::from(open) + 1);
        Err(Reason::measured(Code::MemberLimitReached, limit, asked))
    }

    pub(super) fn judge_capture(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        capture: &Capture,
    ) -> Judged {
        let held = self.known(draft, capture.hold)?;
        match held.state {
            HoldState::Open => self.capture_open(draft, at, held, capture),
            HoldState::Expired => self.capture_late(draft, at, held, capture),
            HoldState::Captured => Err(Code::HoldCaptured.into()),
            HoldState::Released => Err(Code::HoldReleased.into()),
        }
    }

    fn capture_open(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        held: &Held,
        capture: &Capture,
    ) -> Judged {
        let remaining = held.remaining();
        let wanted = capture.points.unwrap_or(remaining);
        let captured = held
            .pick(wanted)
            .ok_or_else(|| Reason::measured(Code::ExceedsHold, remaining.get(), wanted.get()))?;
        draft.shift(&captured, Account::Held, Account::Accepted(held.merchant));
        let rest = remaining
            .checked_sub(wanted)
            .expect("picked from what remains");
        let open = !capture.last && !rest.is_zero();
        let mut released = Points::ZERO;
        if !open {
            released = rest;
            let back = Incoming::all(&behind(held, wanted), Account::Held);
            self.deposit(draft, self.members.get(at), back);
        }
        Ok(Deed::Captured {
            hold: held.seq,
            captured: wanted,
            released,
            open,
        })
    }

    /// A capture after expiry takes what a new hold would get, if that is still there, and is final.
    fn capture_late(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        held: &Held,
        capture: &Capture,
    ) -> Judged {
        let wanted = capture.points.unwrap_or(held.points);
        let mut objections = Objections::default();
        if wanted > held.points {
            let (limit, asked) = (held.points.get(), wanted.get());
            objections.add(Reason::measured(Code::ExceedsHold, limit, asked));
        }
        let shares = self.spendable(at, held.point_type, wanted);
        let shares = shares.map_err(|reason| Reason {
            code: Code::HoldExpired,
            ..reason
        });
        if let Err(code) = self.may_spend(at) {
            objections.add(code.into());
            // Even if the points are there, they are not there for this.
            if shares.is_ok() {
                objections.add(Code::HoldExpired.into());
            }
        }
        let shares = objections.none_or(shares)?;
        draft.shift(
            &shares,
            Account::Available,
            Account::Accepted(held.merchant),
        );
        Ok(Deed::Captured {
            hold: held.seq,
            captured: wanted,
            released: Points::ZERO,
            open: false,
        })
    }

    pub(super) fn judge_release(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        release: &Release,
    ) -> Judged {
        let held = self.known(draft, release.hold)?;
        match held.state {
            HoldState::Open => {
                let back = Incoming::all(&held.shares, Account::Held);
                self.deposit(draft, self.members.get(at), back);
                Ok(Deed::Released {
                    hold: held.seq,
                    released: held.remaining(),
                })
            }
            HoldState::Expired => Err(Code::HoldExpired.into()),
            HoldState::Captured => Err(Code::HoldCaptured.into()),
            HoldState::Released => Err(Code::HoldReleased.into()),
        }
    }

    pub(super) fn expire(&self, draft: &mut Draft<'_>, held: &Held) -> Deed {
        draft.point_type = Some(held.point_type);
        let back = Incoming::all(&held.shares, Account::Held);
        self.deposit(draft, self.members.get(held.member), back);
        Deed::Expired {
            hold: held.seq,
            released: held.remaining(),
        }
    }

    fn known(&self, draft: &mut Draft<'_>, id: HoldId) -> Result<&Held, Code> {
        // A hold is kept for as long again after nothing new can be asked of it: a retry of what was asked last is
        // told the same for the whole of its retention, and finds its member through the hold.
        let forgotten = self.retained_since(draft.at);
        let held = self
            .holds
            .find(id.seq)
            .filter(|held| !held.closed_before(forgotten));
        let held = held.ok_or(Code::HoldNotFound)?;
        draft.point_type = Some(held.point_type);
        Ok(held)
    }
}

/// What is set aside behind the first `points`, in lapse order.
fn behind(held: &Held, points: Points) -> Shares {
    let mut skip = points;
    let mut rest = Shares::new();
    for share in &held.shares {
        let skipped = share.points.min(skip);
        skip = skip.checked_sub(skipped).expect("the smaller of the two");
        let points = share
            .points
            .checked_sub(skipped)
            .expect("the smaller of the two");
        if !points.is_zero() {
            rest.push(super::wallet::Share { points, ..*share });
        }
    }
    rest
}
