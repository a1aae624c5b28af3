//! From a request to a decision: who is meant, whether it was answered before, and what the command's family says.

use super::{
    answer::Answer,
    command::{Command, CommandKind, Request},
    entry::{Account, After, Deed, Entry, Move, Moves, Origin, Subject},
    id::PointType,
    members::MemberIndex,
    refusal::{Code, Objections, Refusal},
    requests::ObjectKey,
    state::Ledger,
    symbol::{Naming, Symbol},
    time::UnixMillis,
    wallet::{Balance, Shares},
};

/// What is to be done with a request.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every decision is an entry, and none is stored"
)]
pub enum Decision {
    /// To be applied and journaled; the answer is the entry's, once that is durable.
    Record(Entry),
    /// Answered before with the same content.
    Repeat(Answer),
    /// Refused without binding the request id: nothing changes, nothing is journaled.
    Decline(Refusal),
}

/// What a command's family makes of it.
pub(super) type Judged = Result<Deed, Refusal>;

/// An entry in the making.
pub(super) struct Draft<'a> {
    pub(super) at: UnixMillis,
    pub(super) kind: CommandKind,
    pub(super) naming: Naming<'a>,
    pub(super) moves: Moves,
    /// The kind of points the command is about, once that is known.
    pub(super) point_type: Option<Symbol>,
}

impl Draft<'_> {
    /// Takes shares of lots from one account to another.
    pub(super) fn shift(&mut self, shares: &Shares, from: Account, to: Account) {
        self.moves.extend(shares.iter().map(|share| Move {
            lot: share.lot,
            from,
            to,
            points: share.points,
        }));
    }
}

/// Whom a command is about.
enum Object {
    Known(Subject, ObjectKey, Option<MemberIndex>),
    /// Not there yet; the command may make it.
    New(Subject),
}

impl Ledger {
    /// Decides. The same state, time and request give the same decision. `at` is raised to the last entry's time.
    #[must_use]
    pub fn decide(&self, at: UnixMillis, request: &Request) -> Decision {
        let object = match self.object(&request.command) {
            Ok(object) => object,
            Err(code) => return Decision::Decline(self.nobody(at, &request.command, code)),
        };
        let principal = self.symbols.find(request.principal.as_str());
        if let (Object::Known(_, key, _), Some(principal)) = (&object, principal)
            && let Some(record) = self.requests.find(principal, *key, &request.id)
        {
            let peek = Entry::peek(record).expect("only entries with an origin are remembered");
            return if peek.fingerprint == request.fingerprint {
                Decision::Repeat(self.repeat(record))
            } else {
                Decision::Decline(Code::RequestIdReused.into())
            };
        }
        let at = at.max(self.last_at());
        if self.requests.are_full(self.forgetting(at)) {
            return Decision::Decline(Code::Full.into());
        }
        let (subject, member) = match object {
            Object::Known(subject, _, member) => (subject, member),
            Object::New(subject) => (subject, None),
        };
        let mut draft = Draft {
            at,
            kind: request.command.kind(),
            naming: Naming::new(&self.symbols),
            moves: Moves::new(),
            point_type: None,
        };
        let deed = match self.judge(&mut draft, member, &request.command) {
            Ok(deed) => deed,
            Err(refusal) if refusal.binds() => Deed::Refused {
                command: draft.kind,
                refusal,
            },
            Err(refusal) => return Decision::Decline(refusal),
        };
        Decision::Record(self.finish(draft, Some((request, principal)), subject, member, deed))
    }

    /// Ends an open hold whose time is over at `now`, if there is one.
    #[must_use]
    pub fn decide_expiry(&self, now: UnixMillis) -> Option<Entry> {
        let seq = self.hold_due(now)?;
        let mut draft = Draft {
            at: now.max(self.last_at()),
            kind: CommandKind::Release,
            naming: Naming::new(&self.symbols),
            moves: Moves::new(),
            point_type: None,
        };
        let held = self.holds.find(seq).expect("due holds are known");
        let deed = Self::expire(&mut draft, held);
        let member = held.member;
        let subject = Subject::Member(self.members.get(member).id().clone());
        Some(self.finish(draft, None, subject, Some(member), deed))
    }

    fn judge(
        &self,
        draft: &mut Draft<'_>,
        member: Option<MemberIndex>,
        command: &Command,
    ) -> Judged {
        let known = || member.expect("only enrolment and documents are about nobody");
        match command {
            Command::Enrol(enrol) => self.judge_enrol(member, enrol),
            Command::Earn(earn) => self.judge_earn(draft, known(), earn),
            Command::Redeem(redeem) => self.judge_redeem(draft, known(), redeem),
            Command::Hold(hold) => self.judge_hold(draft, known(), hold),
            Command::Capture(capture) => self.judge_capture(draft, known(), capture),
            Command::Release(release) => self.judge_release(draft, release),
            Command::PutMerchant(put) => self.judge_put_merchant(draft, put),
        }
    }

    fn object(&self, command: &Command) -> Result<Object, Code> {
        let hold = match command {
            Command::PutMerchant(c) => {
                let subject = Subject::Merchant(c.merchant.clone());
                let known = self.symbols.find(c.merchant.as_str());
                return Ok(match known {
                    Some(symbol) => Object::Known(subject, ObjectKey::document(symbol), None),
                    None => Object::New(subject),
                });
            }
            Command::Capture(c) => Some(c.hold),
            Command::Release(c) => Some(c.hold),
            _ => None,
        };
        let at = match (hold, command.member()) {
            (Some(hold), _) => Some(self.holds.find(hold.seq).ok_or(Code::HoldNotFound)?.member),
            (None, Some(id)) => self.members.find(id),
            (None, None) => None,
        };
        match (at, command) {
            (Some(at), _) => {
                let subject = Subject::Member(self.members.get(at).id().clone());
                Ok(Object::Known(subject, ObjectKey::member(at.0), Some(at)))
            }
            (None, Command::Enrol(c)) => Ok(Object::New(Subject::Member(c.member.clone()))),
            (None, _) => Err(Code::MemberNotFound),
        }
    }

    /// Why a command about nobody is refused: with all else that is not known either.
    fn nobody(&self, at: UnixMillis, command: &Command, code: Code) -> Refusal {
        let (merchant, point_type, happened) = match command {
            Command::Earn(c) => (&c.merchant, &c.point_type, c.at),
            Command::Redeem(c) => (&c.merchant, &c.point_type, None),
            Command::Hold(c) => (&c.merchant, &c.point_type, None),
            _ => return code.into(),
        };
        let mut objections = Objections::default();
        objections.add(code.into());
        objections.note(self.merchant_symbol(merchant));
        if happened.is_some_and(|happened| happened > at.max(self.last_at())) {
            objections.add(Code::AtInFuture.into());
        }
        if !self.rules.point_types.contains(point_type) {
            objections.add(Code::UnknownPointType.into());
        }
        objections.into_refusal()
    }

    fn finish(
        &self,
        mut draft: Draft<'_>,
        request: Option<(&Request, Option<Symbol>)>,
        subject: Subject,
        member: Option<MemberIndex>,
        deed: Deed,
    ) -> Entry {
        let origin = request.map(|(request, principal)| Origin {
            principal: principal.unwrap_or_else(|| draft.naming.symbol(request.principal.as_str())),
            id: request.id.clone(),
            fingerprint: request.fingerprint,
            reference: request.reference.clone(),
            metadata: request.metadata.clone(),
        });
        let after = draft.point_type.map(|point_type| {
            let before = member
                .map(|at| self.members.get(at).balance(point_type))
                .unwrap_or_default();
            After {
                point_type,
                balance: balance_after(before, &draft.moves),
            }
        });
        Entry {
            seq: self.last_seq().next(),
            at: draft.at,
            origin,
            subject,
            defines: draft.naming.into_fresh(),
            deed,
            moves: draft.moves,
            after,
        }
    }

    /// The symbol of a kind of points that this programme has.
    pub(super) fn point_type(
        &self,
        draft: &mut Draft<'_>,
        point_type: &PointType,
    ) -> Result<Symbol, Code> {
        if !self.rules.point_types.contains(point_type) {
            return Err(Code::UnknownPointType);
        }
        let symbol = draft.naming.symbol(point_type.as_str());
        draft.point_type = Some(symbol);
        Ok(symbol)
    }
}

fn balance_after(mut balance: Balance, moves: &Moves) -> Balance {
    for one in moves {
        for (account, comes) in [(one.from, false), (one.to, true)] {
            let part = match account {
                Account::Available => &mut balance.available,
                Account::Held => &mut balance.held,
                Account::Issued | Account::Accepted(_) => continue,
            };
            let changed = if comes {
                part.checked_add(one.points)
            } else {
                part.checked_sub(one.points)
            };
            *part =
                changed.expect("decided: moves stay within what is there and below the maximum");
        }
    }
    balance
}
