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
    requests::ObjectKey,
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
        let point_type = draft.point_type.expect("found above");
        draft.course().sent.push(Sent {
            to,
            message: Message::Transfer {
                ticket: self.last_seq().next(),
                from: self.members.get(at).id().clone(),
                to: transfer.to.clone(),
                point_type,
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
        let sent = self.transit.sent_on(today, at, point_type);
        let room = most.get().saturating_sub(sent.get());
        if points.get() <= room {
            return Ok(());
        }
        Err(Reason {
            frees_at: self.rules.day_end(draft.at),
            ..Reason::measured(Code::MemberLimitReached, room, points.get())
        })
    }

    /// What a member has sent that has neither arrived nor come back, lot by lot.
    pub(super) fn on_their_way(
        &self,
        at: MemberIndex,
        point_type: Symbol,
    ) -> impl Iterator<Item = &Share> {
        let underway = self.errands.of(ObjectKey::member(at.0));
        let sent = underway.filter_map(|(_, one)| one.points.as_ref());
        sent.filter(move |(kind, _)| *kind == point_type)
            .flat_map(|(_, shares)| shares)
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
        if let Some(due) = self.due_of_subject(draft.at, &underway.subject) {
            return due;
        }
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
        if let Some(due) = self.due_of_subject(draft.at, &underway.subject) {
            return due;
        }
        let at = self.members.find(id).expect("members stay");
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
        self.course().sent.push(Sent { to, message });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]
mod tests {
    use super::*;
    use crate::ledger::{
        Class, Command, Day, Decision, Earn, Enrol, Facts, MerchantId, PointType, Principal,
        PutMerchant, Request, RequestId, Rules, Text, UnixMillis,
    };

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn earn(points: Points, class: &str) -> Command {
        Command::Earn(Earn {
            member: MemberId::new("ann").unwrap(),
            merchant: MerchantId::new("m").unwrap(),
            points,
            point_type: PointType::new("points").unwrap(),
            last_day: Day::new(30_000).unwrap(),
            class: Class::new(class).unwrap(),
            order: None,
            at: None,
            releases_at: None,
        })
    }

    fn decided(ledger: &mut Ledger, command: Command) -> Entry {
        let id = RequestId::new(&format!("r{}", ledger.last_seq().0)).unwrap();
        let request = Request::new(Principal::new("till").unwrap(), id, command, None, None);
        let (Decision::Record(entry) | Decision::Begin(entry)) =
            ledger.decide(NOW, &request, Facts::NONE)
        else {
            panic!("it is new, and nothing is due");
        };
        let mut scratch = vec![0; Entry::BYTES_MAX];
        ledger.apply(&entry, entry.encode(&mut scratch));
        entry
    }

    fn send(points: Points) -> Command {
        Command::Transfer(Transfer {
            member: MemberId::new("ann").unwrap(),
            to: MemberId::new("nobody").unwrap(),
            points,
            point_type: PointType::new("points").unwrap(),
        })
    }

    /// A ledger where a wallet may have three lots, with a member and a merchant.
    fn ledger() -> Ledger {
        let rules = Rules {
            lots_per_wallet_max: 3,
            ..Rules::default()
        };
        let mut ledger = Ledger::new(ShardIndex(0), rules);
        let put = PutMerchant {
            contract: None,
            merchant: MerchantId::new("m").unwrap(),
            name: Text::new("Corner shop").unwrap(),
        };
        decided(&mut ledger, Command::PutMerchant(put));
        let enrol = Enrol {
            member: MemberId::new("ann").unwrap(),
            attributes: None,
        };
        decided(&mut ledger, Command::Enrol(enrol));
        ledger
    }

    #[track_caller]
    fn finds_no_room(ledger: &mut Ledger, command: Command) {
        let entry = decided(ledger, command);
        let Deed::Refused { refusal, .. } = &entry.deed else {
            panic!("{entry:?}");
        };
        assert_eq!(refusal.code(), Code::MemberLimitReached);
    }

    /// What was sent by an entry comes back; tells what the member can spend then.
    fn comes_back(ledger: &mut Ledger, ticket: Seq) -> Points {
        let returned = ledger.returned(Draft::new(ledger, NOW), ticket, Code::MemberNotFound);
        let mut scratch = vec![0; Entry::BYTES_MAX];
        ledger.apply(&returned, returned.encode(&mut scratch));
        returned.after.unwrap().balance.available
    }

    /// Goal: points that may come back have their room kept. Method: a member sends as many as there can be to nobody, and
    /// earns one while they are on their way.
    #[test]
    fn nothing_takes_the_room_of_points_on_their_way() {
        let mut ledger = ledger();
        decided(&mut ledger, earn(Points::MAX, "a"));
        let ticket = decided(&mut ledger, send(Points::MAX)).seq;
        finds_no_room(&mut ledger, earn(Points::new(1).unwrap(), "a"));
        assert_eq!(comes_back(&mut ledger, ticket), Points::MAX);
    }

    /// Goal: so have lots, which bound the size of an entry. Method: the same with as many lots as a wallet may have, until the
    /// points have come back and were spent.
    #[test]
    fn nothing_takes_the_room_of_lots_on_their_way() {
        let mut ledger = ledger();
        let one = Points::new(1).unwrap();
        for class in ["a", "b", "c"] {
            decided(&mut ledger, earn(one, class));
        }
        let ticket = decided(&mut ledger, send(Points::new(3).unwrap())).seq;
        finds_no_room(&mut ledger, earn(one, "d"));
        assert_eq!(comes_back(&mut ledger, ticket).get(), 3);
        finds_no_room(&mut ledger, earn(one, "d"));
        let member = ledger.member(&MemberId::new("ann").unwrap()).unwrap();
        assert_eq!(member.wallets()[0].lots_in_use(), 3);
    }
}
