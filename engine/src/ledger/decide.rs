//! From a request to a decision: who is meant, whether it was answered before, and what the command's family says.

use super::{
    amount::Points,
    answer::Answer,
    command::{
        BuyPack, Cancel, Capture, ChangeUnits, Command, Confirm, DecideCorrection, PutCorrection,
        PutMerchant, PutStock, Release, Request,
    },
    entry::{Account, After, Deed, Entry, Hint, Move, Moves, Origin, Subject},
    errands::{Errand, Pursuit},
    id::PointType,
    members::MemberIndex,
    message::Course,
    records::{Facts, Need},
    refusal::{Code, Objections, Refusal},
    requests::ObjectKey,
    rules::PointKind,
    state::Ledger,
    symbol::{Naming, Symbol},
    time::UnixMillis,
    wallet::{Balance, LotRef, Shares},
};

/// What is to be done with a request.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every decision is an entry, and none is stored"
)]
pub enum Decision {
    /// To be applied and journaled; then to be asked again. Time has done something that this request must find done.
    First(Entry),
    /// To be applied and journaled; the answer is the entry's, once that is durable.
    Record(Entry),
    /// To be applied and journaled; the answer is that of a later entry, which ends the errand that this one begins.
    Begin(Entry),
    /// Answered before with the same content.
    Repeat(Answer),
    /// To be asked again with this record: memory does not hold it.
    Need(Need),
    /// Refused without binding the request id: nothing changes, nothing is journaled.
    Decline(Refusal),
}

/// What a command's family makes of it.
pub(super) type Judged = Result<Deed, Refusal>;

/// An entry in the making.
pub(super) struct Draft<'a> {
    pub(super) at: UnixMillis,
    pub(super) naming: Naming<'a>,
    pub(super) moves: Moves,
    /// The kind of points the command is about, once that is known.
    pub(super) point_type: Option<Symbol>,
    /// What stands behind it; most entries have nothing there, and pay nothing for it.
    course: Option<Box<Course>>,
    /// The request that it answers, or will, with its principal's symbol if that is known.
    request: Option<(&'a Request, Option<Symbol>)>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(ledger: &'a Ledger, at: UnixMillis) -> Self {
        Self {
            at,
            naming: Naming::new(&ledger.symbols),
            moves: Moves::new(),
            point_type: None,
            course: None,
            request: None,
        }
    }

    /// What stands behind it, to be added to.
    pub(super) fn course(&mut self) -> &mut Course {
        self.course.get_or_insert_default()
    }

    /// Whether it draws points that were bought ahead.
    pub(super) fn draws(&self) -> bool {
        let course = self.course.as_ref();
        course.is_some_and(|course| course.drawn.is_some())
    }

    /// Makes the entry one that begins an errand.
    ///
    /// # Panics
    ///
    /// If it answers no request.
    pub(super) fn begin(&mut self, pursuit: Pursuit) -> Deed {
        let origin = self.origin();
        Deed::Begun {
            errand: Box::new(Errand {
                origin: origin.expect("only requests begin errands"),
                pursuit,
            }),
        }
    }

    /// Who asks.
    ///
    /// # Panics
    ///
    /// If it answers no request.
    pub(super) fn principal(&mut self) -> Symbol {
        let (request, principal) = self
            .request
            .as_ref()
            .expect("only requests have a principal");
        principal.unwrap_or_else(|| self.naming.symbol(request.principal.as_str()))
    }

    /// Who asked, unless that was taken before. A principal that the shard meets for the first time is numbered behind the
    /// names of the command.
    fn origin(&mut self) -> Option<Origin> {
        let (request, principal) = self.request.take()?;
        Some(Origin {
            principal: principal.unwrap_or_else(|| self.naming.symbol(request.principal.as_str())),
            id: request.id.clone(),
            fingerprint: request.fingerprint,
            reference: request.reference.clone(),
            metadata: request.metadata.clone(),
        })
    }

    /// Takes points of a lot, if any, from one account to another.
    pub(super) fn shift_one(&mut self, lot: LotRef, points: Points, from: Account, to: Account) {
        if !points.is_zero() {
            self.moves.push(Move {
                lot,
                from,
                to,
                points,
            });
        }
    }

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
struct Target {
    subject: Subject,
    /// `None` if it is not there yet; the command may make it.
    key: Option<ObjectKey>,
    member: Option<MemberIndex>,
    /// What is to be reversed.
    original: Option<Box<Entry>>,
}

/// Why it cannot be said whom a command is about.
enum Nobody {
    Unknown(Code),
    Need(Need),
}

impl From<Need> for Nobody {
    fn from(need: Need) -> Self {
        Self::Need(need)
    }
}

impl Ledger {
    /// Decides. The same state, time, request and facts give the same decision. `at` is raised to the last entry's
    /// time. `facts` are the records that earlier answers to the same request [needed](Decision::Need).
    #[must_use]
    pub fn decide(&self, at: UnixMillis, request: &Request, facts: &Facts) -> Decision {
        let target = match self.target(&request.command, facts) {
            Ok(target) => target,
            Err(Nobody::Need(need)) => return Decision::Need(need),
            Err(Nobody::Unknown(code)) => {
                return Decision::Decline(self.nobody(at, &request.command, code));
            }
        };
        let principal = self.symbols.find(request.principal.as_str());
        match self.answered(&target, principal, request, facts) {
            Ok(None) => {}
            Ok(Some(decision)) => return decision,
            Err(need) => return Decision::Need(need),
        }
        let at = at.max(self.last_at());
        if self.requests.are_full(&self.keeping(at)) {
            return Decision::Decline(Code::Full.into());
        }
        if let Some(member) = target.member
            && let Some(due) = self.due_of(at, member)
        {
            return Decision::First(due);
        }
        let mut draft = Draft::new(self, at);
        draft.request = Some((request, principal));
        let deed = match self.judge(&mut draft, &target, &request.command) {
            Ok(deed) => deed,
            Err(refusal) if refusal.binds() => {
                draft.moves.clear();
                draft.course = None;
                Deed::Refused {
                    command: request.command.kind(),
                    refusal,
                }
            }
            Err(refusal) => return Decision::Decline(refusal),
        };
        let (subject, member) = (target.subject, target.member);
        let origin = draft.origin();
        if matches!(deed, Deed::Begun { .. }) {
            return Decision::Begin(self.finish_by(draft, origin, subject, member, deed));
        }
        Decision::Record(self.finish_by(draft, origin, subject, member, deed))
    }

    /// What was said to a request that was answered before.
    fn answered(
        &self,
        target: &Target,
        principal: Option<Symbol>,
        request: &Request,
        facts: &Facts,
    ) -> Result<Option<Decision>, Need> {
        let (Some(key), Some(principal)) = (target.key, principal) else {
            return Ok(None);
        };
        let mut underway = self.errands.of(key).map(|(_, one)| &one.errand.origin);
        if let Some(origin) =
            underway.find(|origin| origin.principal == principal && origin.id == request.id)
        {
            let same = origin.fingerprint == request.fingerprint;
            let code = if same {
                Code::RequestInFlight
            } else {
                Code::RequestIdReused
            };
            return Ok(Some(Decision::Decline(code.into())));
        }
        let chunk_bytes = self.rules.record_chunk_bytes;
        let record = self
            .requests
            .find(principal, key, &request.id, facts, chunk_bytes)?;
        Ok(record.map(|record| {
            let peek = Entry::peek(record).expect("only entries with an origin are remembered");
            if peek.fingerprint == request.fingerprint {
                Decision::Repeat(self.repeat(record))
            } else {
                Decision::Decline(Code::RequestIdReused.into())
            }
        }))
    }

    /// Ends an open hold whose time is over at `now`, if there is one.
    #[must_use]
    pub fn decide_expiry(&self, now: UnixMillis) -> Option<Entry> {
        let seq = self.hold_due(now)?;
        let mut draft = Draft::new(self, now.max(self.last_at()));
        let held = self.holds.find(seq).expect("due holds are known");
        let deed = match held.stock {
            Some(stock) => self.lose(&mut draft, held, stock),
            None => self.expire(&mut draft, held),
        };
        let member = held.member;
        let subject = Subject::Member(self.members.get(member).id().clone());
        Some(self.finish(draft, subject, Some(member), deed))
    }

    fn judge(&self, draft: &mut Draft<'_>, target: &Target, command: &Command) -> Judged {
        let known = || {
            target
                .member
                .expect("only enrolment and documents are about nobody")
        };
        match command {
            Command::Enrol(enrol) => self.judge_enrol(target.member, enrol),
            Command::Earn(earn) => self.judge_earn(draft, known(), earn),
            Command::Redeem(redeem) => self.judge_redeem(draft, known(), redeem),
            Command::Hold(hold) => self.judge_hold(draft, known(), hold),
            Command::Capture(capture) => self.judge_capture(draft, known(), capture),
            Command::Release(release) => self.judge_release(draft, known(), release),
            Command::PutMerchant(put) => self.judge_put_merchant(draft, put),
            Command::Reverse(reverse) => {
                let original = target.original.as_deref();
                let original = original.expect("a reversal has found its transaction");
                self.judge_reverse(draft, known(), original, reverse)
            }
            Command::Adjust(adjust) => self.judge_adjust(draft, known(), adjust),
            Command::Freeze(freeze) => self.judge_freeze(known(), freeze),
            Command::Unfreeze(unfreeze) => self.judge_unfreeze(known(), unfreeze),
            Command::Close(close) => self.judge_close(draft, known(), close),
            Command::Erase(_) => Ok(Deed::Erased),
            Command::Reserve(reserve) => self.judge_reserve(draft, known(), reserve),
            Command::Confirm(confirm) => self.judge_confirm(draft, known(), confirm),
            Command::Cancel(cancel) => self.judge_cancel(draft, known(), cancel),
            Command::Transfer(transfer) => self.judge_transfer(draft, known(), transfer),
            Command::PutStock(put) => self.judge_put_stock(draft, put),
            Command::ChangeUnits(change) => self.judge_change_units(draft, change),
            Command::UseCode(used) => self.judge_use_code(used),
            Command::Settle(settle) => self.judge_settle(draft, settle),
            Command::PutCorrection(put) => self.judge_put_correction(draft, put),
            Command::DecideCorrection(decide) => self.judge_decide_correction(draft, decide),
            Command::BuyPack(buy) => self.judge_buy_pack(draft, buy),
        }
    }

    fn target(&self, command: &Command, facts: &Facts) -> Result<Target, Nobody> {
        let mut original = None;
        let member = match command {
            Command::PutMerchant(PutMerchant { merchant, .. })
            | Command::BuyPack(BuyPack { merchant, .. }) => {
                let known = self.symbols.find(merchant.as_str());
                return Ok(Target {
                    subject: Subject::Merchant(merchant.clone()),
                    key: known.map(ObjectKey::document),
                    member: None,
                    original: None,
                });
            }
            Command::PutStock(PutStock { sku, .. })
            | Command::ChangeUnits(ChangeUnits { sku, .. }) => {
                let known = self.symbols.find(sku.as_str());
                return Ok(Target {
                    subject: Subject::Stock(sku.clone()),
                    key: known.map(ObjectKey::stock),
                    member: None,
                    original: None,
                });
            }
            Command::Settle(c) => {
                let period = self
                    .rules
                    .period(c)
                    .ok_or(Nobody::Unknown(Code::InvalidPeriod))?;
                return Ok(Target {
                    subject: Subject::Settlement(period),
                    key: self.key_of_settlement(period),
                    member: None,
                    original: None,
                });
            }
            Command::PutCorrection(PutCorrection { correction, .. })
            | Command::DecideCorrection(DecideCorrection { correction, .. }) => {
                return Ok(Target {
                    subject: Subject::Correction(correction.clone()),
                    key: self.key_of_correction(correction),
                    member: None,
                    original: None,
                });
            }
            Command::Capture(Capture { hold, .. }) | Command::Release(Release { hold }) => {
                let held = self
                    .holds
                    .find(hold.seq)
                    .filter(|held| held.stock.is_none());
                Some(held.ok_or(Nobody::Unknown(Code::HoldNotFound))?.member)
            }
            Command::Confirm(Confirm { reservation }) | Command::Cancel(Cancel { reservation }) => {
                let held = self.holds.find(reservation.seq);
                let held = held.filter(|held| held.stock.is_some());
                Some(
                    held.ok_or(Nobody::Unknown(Code::ReservationNotFound))?
                        .member,
                )
            }
            Command::UseCode(c) => {
                let sale = self.sale_of(&c.code);
                Some(sale.ok_or(Nobody::Unknown(Code::CodeNotFound))?)
            }
            Command::Reverse(c) => {
                let entry = self.transaction(c.transaction.seq, facts)?;
                let entry = entry.ok_or(Nobody::Unknown(Code::TransactionNotFound))?;
                let Subject::Member(id) = &entry.subject else {
                    return Err(Nobody::Unknown(Code::TransactionNotFound));
                };
                let member = self.members.find(id);
                original = Some(Box::new(entry));
                member
            }
            _ => command.member().and_then(|id| self.members.find(id)),
        };
        let subject = match (member, command) {
            (Some(at), _) => Subject::Member(self.members.get(at).id().clone()),
            (None, Command::Enrol(c)) => Subject::Member(c.member.clone()),
            (None, _) => return Err(Nobody::Unknown(Code::MemberNotFound)),
        };
        Ok(Target {
            subject,
            key: member.map(|at| ObjectKey::member(at.0)),
            member,
            original,
        })
    }

    /// Why a command about nobody is refused: with all else that is not known either.
    fn nobody(&self, at: UnixMillis, command: &Command, code: Code) -> Refusal {
        let (merchant, point_type, happened) = match command {
            Command::Earn(c) => (Some(&c.merchant), &c.point_type, c.at),
            Command::Redeem(c) => (Some(&c.merchant), &c.point_type, None),
            Command::Hold(c) => (Some(&c.merchant), &c.point_type, None),
            Command::Adjust(c) => (None, &c.point_type, None),
            Command::Transfer(c) => (None, &c.point_type, None),
            _ => return code.into(),
        };
        let mut objections = Objections::default();
        objections.add(code.into());
        if let Some(merchant) = merchant {
            objections.note(self.merchant_symbol(merchant));
        }
        if happened.is_some_and(|happened| happened > at.max(self.last_at())) {
            objections.add(Code::AtInFuture.into());
        }
        if self.rules.kind(point_type).is_none() {
            objections.add(Code::UnknownPointType.into());
        }
        objections.into_refusal()
    }

    /// An entry of what the shard does by itself.
    pub(super) fn finish(
        &self,
        draft: Draft<'_>,
        subject: Subject,
        member: Option<MemberIndex>,
        deed: Deed,
    ) -> Entry {
        self.finish_by(draft, None, subject, member, deed)
    }

    /// An entry that answers a request, if there is an origin.
    pub(super) fn finish_by(
        &self,
        draft: Draft<'_>,
        origin: Option<Origin>,
        subject: Subject,
        member: Option<MemberIndex>,
        deed: Deed,
    ) -> Entry {
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
            course: draft.course,
            hint: Hint(member),
        }
    }

    /// The symbol and the rules of a kind of points that this programme has.
    pub(super) fn point_type(
        &self,
        draft: &mut Draft<'_>,
        point_type: &PointType,
    ) -> Result<(Symbol, &PointKind), Code> {
        let kind = self.rules.kind_at(point_type);
        let (place, kind) = kind.ok_or(Code::UnknownPointType)?;
        let known = self.symbol_of_kind(place);
        let symbol = known.unwrap_or_else(|| draft.naming.symbol(point_type.as_str()));
        draft.point_type = Some(symbol);
        Ok((symbol, kind))
    }
}

fn balance_after(mut balance: Balance, moves: &Moves) -> Balance {
    for one in moves {
        change(&mut balance, one.from, false, one.points);
        change(&mut balance, one.to, true, one.points);
    }
    balance
}

/// What it does to a balance that points come to an account, or leave it.
fn change(balance: &mut Balance, account: Account, comes: bool, points: Points) {
    // What leaves the debt's account makes the debt larger.
    let (part, grows) = match account {
        Account::Available => (&mut balance.available, comes),
        Account::Held => (&mut balance.held, comes),
        Account::Pending => (&mut balance.pending, comes),
        Account::Owed => (&mut balance.owed, !comes),
        Account::Issued
        | Account::Accepted(_)
        | Account::Breakage
        | Account::Adjustment
        | Account::Transit => return,
    };
    let changed = if grows {
        part.checked_add(points)
    } else {
        part.checked_sub(points)
    };
    *part = changed.expect("decided: moves stay within what is there and below the maximum");
}
