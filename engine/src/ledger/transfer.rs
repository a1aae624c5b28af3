//! Transfers: points leave one member, travel over a link, and arrive at another; or they come back.

use smallvec::SmallVec;

use super::{
    amount::Points,
    command::{Seq, ShardIndex, Transfer},
    decide::{Draft, Judged},
    deposit::Incoming,
    entry::{Account, Deed, Entry, Subject},
    errands::Pursuit,
    id::MemberId,
    members::{MemberIndex, MemberState},
    message::{Message, Sent, SentLot},
    refusal::{Code, Objections, Reason, Refusal},
    state::Ledger,
    symbol::Symbol,
    wallet::{LotKey, LotRef, Share},
};

/// Points that have come over a link.
pub(super) struct Arriving<'a> {
    pub(super) ticket: Seq,
    pub(super) from: &'a MemberId,
    pub(super) to: &'a MemberId,
    pub(super) point_type: Symbol,
    pub(super) lots: Vec<SentLot<Symbol>>,
}

impl Arriving<'_> {
    fn parts(&self) -> SmallVec<[Incoming; 1]> {
        let part = |lot: &SentLot<Symbol>| Incoming {
            lot: LotRef {
                key: LotKey {
                    issuer: lot.issuer,
                    class: lot.class,
                    last_day: lot.last_day,
                },
                first_earned: lot.first_earned,
            },
            points: lot.points,
            from: Account::Transit,
        };
        self.lots.iter().map(part).collect()
    }
}

impl Ledger {
    pub(super) fn judge_transfer(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        transfer: &Transfer,
    ) -> Judged {
        let mut objections = Objections::default();
        objections.note(self.may_spend(at));
        let point_type = objections.note(self.point_type(draft, &transfer.point_type));
        let shares = point_type.and_then(|(symbol, kind)| {
            if !kind.uses.transfer {
                objections.add(Code::NotEligible.into());
            }
            objections.note(self.may_send(draft, at, symbol, transfer.points));
            objections.note(self.spendable(at, symbol, transfer.points))
        });
        let shares = objections.none_but(shares)?;
        let to = self.rules.router.member(&transfer.to);
        if self.links.waiting(to) >= self.rules.unacknowledged_max {
            return Err(Code::TooManyWait.into());
        }
        draft.shift(&shares, Account::Available, Account::Transit);
        let lot = |share: &Share| SentLot {
            issuer: share.lot.key.issuer,
            class: share.lot.key.class,
            last_day: share.lot.key.last_day,
            first_earned: share.lot.first_earned,
            points: share.points,
        };
        draft.course.sent.push(Sent {
            to,
            message: Message::Transfer {
                ticket: self.last_seq().next(),
                from: self.members.get(at).id().clone(),
                to: transfer.to.clone(),
                point_type: draft.point_type.expect("found above"),
                lots: shares.iter().map(lot).collect(),
            },
        });
        Ok(draft.begin(Pursuit::Transfer {
            to: transfer.to.clone(),
            day: self.rules.day_at(draft.at),
        }))
    }

    fn may_send(
        &self,
        draft: &Draft<'_>,
        at: MemberIndex,
        point_type: Symbol,
        points: Points,
    ) -> Result<(), Reason> {
        let Some(most) = self.rules.transfer_points_per_day_max else {
            return Ok(());
        };
        let today = self.rules.day_at(draft.at);
        let sum = self.transit.sent_on(today, at, point_type).get() + points.get();
        if sum <= most.get() {
            return Ok(());
        }
        Err(Reason {
            frees_at: self.rules.day_end(draft.at),
            ..Reason::measured(Code::MemberLimitReached, most.get(), sum)
        })
    }

    /// What the receiver's shard makes of it: the points are the receiver's, or go back.
    pub(super) fn arrive(
        &self,
        mut draft: Draft<'_>,
        back: ShardIndex,
        arriving: &Arriving<'_>,
    ) -> Entry {
        let ticket = arriving.ticket;
        let known = self.members.find(arriving.to);
        let open = known.filter(|at| self.members.get(*at).state() != MemberState::Closed);
        let (Some(at), Ok(())) = (open, self.has_room(open, arriving)) else {
            let code = match (known, open) {
                (None, _) => Code::MemberNotFound,
                (_, None) => Code::MemberClosed,
                _ => Code::MemberLimitReached,
            };
            draft.send(back, Message::Returned { ticket, code });
            return self.finish_by(draft, None, Subject::Nobody, None, Deed::Heard);
        };
        if let Some(due) = self.due_of(draft.at, at) {
            return due;
        }
        draft.point_type = Some(arriving.point_type);
        self.deposit(&mut draft, self.members.get(at), arriving.parts());
        draft.send(back, Message::Credited { ticket });
        let subject = Subject::Member(arriving.to.clone());
        let from = arriving.from.clone();
        self.finish_by(draft, None, subject, Some(at), Deed::Arrived { from })
    }

    /// Whether the receiver may have as many points and lots.
    fn has_room(&self, at: Option<MemberIndex>, arriving: &Arriving<'_>) -> Result<(), Reason> {
        let Some(at) = at else { return Ok(()) };
        let points = arriving.lots.iter().map(|lot| lot.points);
        let points = points.fold(Points::ZERO, |sum, more| {
            sum.checked_add(more).unwrap_or(Points::MAX)
        });
        self.room_for(at, arriving.point_type, points)?;
        let parts = arriving.parts();
        self.room_for_lots(at, arriving.point_type, &parts)
    }

    /// The sender hears that the points have arrived.
    pub(super) fn credited(&self, mut draft: Draft<'_>, ticket: Seq) -> Entry {
        let underway = self.errands.get(ticket).expect("credited to an errand");
        let Pursuit::Transfer { to, .. } = &underway.errand.pursuit else {
            panic!("only a transfer is credited");
        };
        let points = underway.shares().iter().fold(Points::ZERO, |sum, share| {
            sum.checked_add(share.points)
                .expect("parts of one transfer sum to at most 2^53 - 1")
        });
        draft.point_type = underway.points.as_ref().map(|(point_type, _)| *point_type);
        let deed = Deed::Transferred {
            sent: ticket,
            to: to.clone(),
            points,
        };
        self.end_errand(draft, ticket, deed)
    }

    /// The sender hears that the points come back: to their lots, where those have not lapsed.
    pub(super) fn returned(&self, mut draft: Draft<'_>, ticket: Seq, code: Code) -> Entry {
        let underway = self.errands.get(ticket).expect("returned to an errand");
        let Subject::Member(id) = &underway.subject else {
            panic!("points are sent by members");
        };
        let at = self.members.find(id).expect("members stay");
        if let Some(due) = self.due_of(draft.at, at) {
            return due;
        }
        draft.point_type = underway.points.as_ref().map(|(point_type, _)| *point_type);
        let back = Incoming::all(&underway.shares(), Account::Transit);
        self.deposit(&mut draft, self.members.get(at), back);
        let deed = Deed::Refused {
            command: underway.errand.kind(),
            refusal: Refusal::from(code),
        };
        self.end_errand(draft, ticket, deed)
    }
}

impl Draft<'_> {
    /// Has a message sent.
    pub(super) fn send(&mut self, to: ShardIndex, message: Message<Symbol>) {
        self.course.sent.push(Sent { to, message });
    }
}
