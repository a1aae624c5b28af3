//! Selling by the unit: reserve, then confirm or cancel; or the reservation's time runs out.
//!
//! The rules that are numbered S are those of the pools' protocol, at a shard.

use super::{
    amount::Points,
    command::{Cancel, Confirm, Reserve, Seq, ShardIndex},
    decide::{Draft, Judged},
    deposit::Incoming,
    entry::{Account, Deed},
    errands::Pursuit,
    handle::ReservationId,
    holds::{Held, HoldState},
    members::MemberIndex,
    message::{Message, Sent, Terms},
    redeem::eligible,
    refusal::{Code, Objections, Reason, Refusal},
    requests::ObjectKey,
    sold_code::SaleSecret,
    state::Ledger,
    stocks::{Cover, Stock},
    symbol::Symbol,
    wallet::Shares,
};
use crate::pool::{Place, PoolMessage, ToHome, Units};

impl Ledger {
    pub(super) fn judge_reserve(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        reserve: &Reserve,
    ) -> Judged {
        let sku = self.symbols.find(reserve.sku.as_str());
        let known = sku.and_then(|sku| Some((sku, self.stocks.get(sku)?)));
        let terms = known.and_then(|(_, stock)| Some(&stock.document.as_ref()?.terms));
        let (Some((sku, stock)), Some(terms)) = (known, terms) else {
            let mut objections = Objections::default();
            objections.add(Code::SkuNotFound.into());
            objections.note(self.may_spend(at));
            return Err(objections.into_refusal());
        };
        let mut objections = Objections::default();
        let payable = self.payable(draft, at, (sku, terms), reserve.quantity, &mut objections);
        objections.note(is_open(draft, terms));
        let payable = objections.none_but(payable)?;
        self.waits_for_nothing(at, sku)?;
        match stock.cover(reserve.quantity) {
            Cover::Here(from) => {
                draft.shift(&payable, Account::Available, Account::Held);
                Ok(reserved(draft, (sku, terms), reserve.quantity, from))
            }
            Cover::SoldOut => Err(Code::SoldOut.into()),
            Cover::Ask => {
                self.may_wait(stock)?;
                self.ask(draft, (sku, stock), reserve.quantity);
                Ok(draft.begin(Pursuit::Reserve {
                    sku,
                    quantity: reserve.quantity,
                }))
            }
        }
    }

    /// The second look, when units were granted (S8): everything but the window, which was judged once.
    pub(super) fn judge_granted(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        (sku, quantity): (Symbol, Units),
        from: Place,
    ) -> Judged {
        let stock = self
            .stocks
            .get(sku)
            .and_then(|stock| stock.document.as_ref());
        let terms = &stock.expect("begun under a document, which stays").terms;
        let mut objections = Objections::default();
        let payable = self.payable(draft, at, (sku, terms), quantity, &mut objections);
        let payable = objections.none_but(payable)?;
        draft.shift(&payable, Account::Available, Account::Held);
        Ok(reserved(draft, (sku, terms), quantity, from))
    }

    /// Whether the member may have the units and can pay for them.
    fn payable(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        (sku, terms): (Symbol, &Terms<Symbol>),
        quantity: Units,
        objections: &mut Objections,
    ) -> Option<Shares> {
        objections.note(self.may_spend(at));
        objections.note(self.room_for_hold(at));
        objections.note(self.may_buy(at, sku, terms, quantity));
        draft.point_type = Some(terms.point_type);
        let name = self.symbols.name(terms.point_type);
        let mut kinds = self.rules.point_types.iter();
        let kind = kinds.find(|kind| kind.name.as_str() == name);
        objections.note(
            kind.ok_or(Code::UnknownPointType)
                .and_then(|kind| eligible(kind, None)),
        );
        let price = terms.price.get().saturating_mul(quantity.get());
        match Points::new(price) {
            Some(price) => objections.note(self.spendable(at, terms.point_type, price)),
            // Nobody has so many.
            None => {
                let available = self.members.get(at).balance(terms.point_type).available;
                let reason = Reason::measured(Code::InsufficientPoints, available.get(), price);
                objections.note(Err(reason))
            }
        }
    }

    fn may_buy(
        &self,
        at: MemberIndex,
        sku: Symbol,
        terms: &Terms<Symbol>,
        quantity: Units,
    ) -> Result<(), Reason> {
        let Some(most) = terms.per_member_limit else {
            return Ok(());
        };
        let room = most.get().saturating_sub(self.stocks.bought(sku, at).get());
        if quantity.get() <= room {
            return Ok(());
        }
        Err(Reason::measured(
            Code::MemberLimitReached,
            room,
            quantity.get(),
        ))
    }

    /// S2: while one command of a member waits for units of a sale, no other one of that member gets any.
    fn waits_for_nothing(&self, at: MemberIndex, sku: Symbol) -> Result<(), Code> {
        let object = ObjectKey::member(at.0);
        let mut waiting = self.errands.of(object).filter_map(|(_, one)| one.pool());
        if waiting.any(|(pool, _)| pool == sku) {
            return Err(Code::RequestInFlight);
        }
        Ok(())
    }

    /// S6: not too many commands may wait for units of a sale.
    pub(super) fn may_wait(&self, stock: &Stock) -> Result<(), Refusal> {
        if stock.waiting as usize >= self.rules.waiting_max {
            return Err(Code::TooManyWait.into());
        }
        Ok(())
    }

    /// S7. At home itself, the entry that begins the errand puts it in the queue.
    fn ask(&self, draft: &mut Draft<'_>, (sku, stock): (Symbol, &Stock), quantity: Units) {
        if stock.home.is_some() {
            return;
        }
        let ticket = self.last_seq().next();
        draft.tell_home(self.home_of(stock), sku, ToHome::Ask { ticket, quantity });
    }

    /// Where a sale's pool is.
    pub(super) fn home_of(&self, stock: &Stock) -> ShardIndex {
        let document = stock.document.as_ref();
        document.map_or_else(|| self.rules.router.pool(stock.id.as_str()), |one| one.home)
    }

    pub(super) fn judge_confirm(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        confirm: &Confirm,
    ) -> Judged {
        let (held, sku, quantity) = self.reservation(draft, confirm.reservation)?;
        match held.state {
            HoldState::Open => {
                draft.shift(
                    &held.shares,
                    Account::Held,
                    Account::Accepted(held.merchant),
                );
                Ok(self.confirmed(held.seq, sku, quantity, None))
            }
            HoldState::Expired => self.confirm_late(draft, at, held, (sku, quantity)),
            HoldState::Captured => Err(Code::ReservationConfirmed.into()),
            HoldState::Released => Err(Code::ReservationCancelled.into()),
        }
    }

    /// A late confirm takes units and points again, if both are still there, and counts against the limit again.
    fn confirm_late(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        held: &Held,
        (sku, quantity): (Symbol, Units),
    ) -> Judged {
        let stock = self.stocks.get(sku).expect("reserved, so it is known");
        let shares = self.payable_late(at, held, (sku, quantity))?;
        self.waits_for_nothing(at, sku)?;
        match stock.cover(quantity) {
            Cover::Here(from) => {
                let to = Account::Accepted(held.merchant);
                draft.shift(&shares, Account::Available, to);
                Ok(self.confirmed(held.seq, sku, quantity, Some(from)))
            }
            Cover::SoldOut => {
                Err(Reason::measured(Code::ReservationExpired, 0, quantity.get()).into())
            }
            Cover::Ask => {
                self.may_wait(stock)?;
                self.ask(draft, (sku, stock), quantity);
                Ok(draft.begin(Pursuit::Confirm {
                    reservation: held.seq,
                    sku,
                    quantity,
                }))
            }
        }
    }

    /// The second look at a late confirm.
    pub(super) fn judge_granted_late(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        reservation: Seq,
        from: Place,
    ) -> Judged {
        let held = self.holds.find(reservation);
        let held = held.filter(|held| held.state == HoldState::Expired);
        let held = held.ok_or(Code::ReservationConfirmed)?;
        draft.point_type = Some(held.point_type);
        let (sku, quantity) = held.stock.expect("a reservation is of units");
        let shares = self.payable_late(at, held, (sku, quantity))?;
        let to = Account::Accepted(held.merchant);
        draft.shift(&shares, Account::Available, to);
        Ok(self.confirmed(held.seq, sku, quantity, Some(from)))
    }

    fn payable_late(
        &self,
        at: MemberIndex,
        held: &Held,
        (sku, quantity): (Symbol, Units),
    ) -> Result<Shares, Refusal> {
        let mut objections = Objections::default();
        let document = self.stocks.get(sku).and_then(|one| one.document.as_ref());
        if let Some(document) = document {
            objections.note(self.may_buy(at, sku, &document.terms, quantity));
        }
        objections.note(self.may_spend(at));
        let shares = self.spendable(at, held.point_type, held.points);
        let shares = shares.map_err(|reason| Reason {
            code: Code::ReservationExpired,
            ..reason
        });
        if !objections.is_empty() && shares.is_ok() {
            objections.add(Code::ReservationExpired.into());
        }
        objections.none_or(shares)
    }

    fn confirmed(
        &self,
        reservation: Seq,
        sku: Symbol,
        quantity: Units,
        late: Option<Place>,
    ) -> Deed {
        Deed::Confirmed {
            reservation,
            sku,
            quantity,
            late,
            secret: self.secret(self.last_seq().next()),
        }
    }

    /// What the codes of a sale are made of: nobody without the key can tell it.
    fn secret(&self, sale: Seq) -> SaleSecret {
        let mut hasher = blake3::Hasher::new_keyed(&self.rules.code_key);
        hasher.update(&self.shard.0.to_be_bytes());
        hasher.update(&sale.0.to_be_bytes());
        let mut secret = [0; 8];
        secret.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        SaleSecret::from_be_bytes(secret)
    }

    pub(super) fn judge_cancel(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        cancel: &Cancel,
    ) -> Judged {
        let (held, sku, quantity) = self.reservation(draft, cancel.reservation)?;
        match held.state {
            HoldState::Open => {}
            HoldState::Expired => return Err(Code::ReservationExpired.into()),
            HoldState::Captured => return Err(Code::ReservationConfirmed.into()),
            HoldState::Released => return Err(Code::ReservationCancelled.into()),
        }
        let back = Incoming::all(&held.shares, Account::Held);
        self.deposit(draft, self.members.get(at), back);
        Ok(Deed::Cancelled {
            reservation: held.seq,
            sku,
            quantity,
            to: self.give_back(draft, sku, quantity),
            released: held.remaining(),
        })
    }

    /// A reservation's time is over.
    pub(super) fn lose(
        &self,
        draft: &mut Draft<'_>,
        held: &Held,
        (sku, quantity): (Symbol, Units),
    ) -> Deed {
        draft.point_type = Some(held.point_type);
        let back = Incoming::all(&held.shares, Account::Held);
        self.deposit(draft, self.members.get(held.member), back);
        Deed::Lost {
            reservation: held.seq,
            sku,
            quantity,
            to: self.give_back(draft, sku, quantity),
            released: held.remaining(),
        }
    }

    /// S11: where units go that come back, with the message that takes them there.
    pub(super) fn give_back(&self, draft: &mut Draft<'_>, sku: Symbol, quantity: Units) -> Place {
        let stock = self.stocks.get(sku).expect("it was sold, so it is known");
        let to = stock.way_back();
        if to == Place::Link {
            let units = quantity;
            draft.tell_home(self.home_of(stock), sku, ToHome::Back { units });
        }
        to
    }

    fn reservation(
        &self,
        draft: &mut Draft<'_>,
        id: ReservationId,
    ) -> Result<(&Held, Symbol, Units), Code> {
        let forgotten = self.retained_since(draft.at);
        let held = self.holds.find(id.seq);
        let held = held.filter(|held| !held.closed_before(forgotten));
        let held = held.ok_or(Code::ReservationNotFound)?;
        let (sku, quantity) = held.stock.ok_or(Code::ReservationNotFound)?;
        draft.point_type = Some(held.point_type);
        Ok((held, sku, quantity))
    }
}

impl Draft<'_> {
    /// Has a message about a pool sent to its home.
    pub(super) fn tell_home(&mut self, home: ShardIndex, pool: Symbol, message: ToHome) {
        self.course().sent.push(Sent {
            to: home,
            message: Message::Pool {
                pool,
                message: PoolMessage::ToHome(message),
            },
        });
    }
}

fn reserved(
    draft: &Draft<'_>,
    (sku, terms): (Symbol, &Terms<Symbol>),
    quantity: Units,
    from: Place,
) -> Deed {
    Deed::Reserved {
        sku,
        quantity,
        from,
        merchant: terms.merchant,
        expires_at: draft.at.plus_seconds(u64::from(terms.ttl_seconds)),
    }
}

/// Whether units can be reserved at this time, to the millisecond.
fn is_open(draft: &Draft<'_>, terms: &Terms<Symbol>) -> Result<(), Reason> {
    if let Some(opens_at) = terms.opens_at
        && draft.at < opens_at
    {
        return Err(Reason {
            frees_at: Some(opens_at),
            ..Reason::plain(Code::SaleNotOpen)
        });
    }
    match terms.closes_at {
        Some(closes_at) if draft.at >= closes_at => Err(Code::SaleClosed.into()),
        _ => Ok(()),
    }
}
