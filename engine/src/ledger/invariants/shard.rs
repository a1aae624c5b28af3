//! What must be true of a shard's members, holds and merchants.

use std::collections::BTreeMap;

use super::{Violation, daybook::check_daybook, holds, sales::check_sales};
use crate::ledger::{
    amount::Points,
    holds::HoldState,
    id::MemberId,
    members::Member,
    state::Ledger,
    symbol::Symbol,
    wallet::{LotKey, Wallet},
};

/// The books of one shard for one point type; those of all shards add up to the programme's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Points that merchants gave out.
    pub issued: u128,
    /// Points that merchants took.
    pub accepted: u128,
    /// Of the points given out, those whose earn was taken back.
    pub issued_reversed: u128,
    /// Of the points taken, those given back to members.
    pub accepted_reversed: u128,
    /// Points that lapsed, or were given up at closing.
    pub breakage: u128,
    /// Points that adjustments gave to members, less those they took.
    pub adjusted: i128,
    /// Points that members have sent to others.
    pub sent: u128,
    /// Points that have come from other members, or back from them.
    pub come: u128,
    /// Points that members have, held and pending ones included, less what they owe.
    pub outstanding: i128,
}

/// Invariants 2 and 3 for one member: no lot is named twice, lots and pending parts add up to the balance, and available points
/// and a debt exclude each other. That nothing is below zero is in the type of [`Points`].
pub fn check_member(member: &Member) -> Result<(), Violation> {
    for wallet in member.wallets() {
        check_wallet(member.id(), wallet)?;
    }
    Ok(())
}

fn check_wallet(id: &MemberId, wallet: &Wallet) -> Result<(), Violation> {
    let balance = wallet.balance();
    holds(
        2,
        balance.available.is_zero() || balance.owed.is_zero(),
        || format!("{id} has available points and a debt: {balance:?}"),
    )?;
    let sum = |half: fn(&crate::ledger::wallet::Lot) -> Points| -> u128 {
        let lots = wallet.lots().iter();
        lots.map(|lot| u128::from(half(lot).get())).sum()
    };
    let (available, held) = (sum(|lot| lot.available), sum(|lot| lot.held));
    holds(3, available == u128::from(balance.available.get()), || {
        format!("the lots of {id} have {available} available, the balance says {balance:?}")
    })?;
    holds(3, held == u128::from(balance.held.get()), || {
        format!("the lots of {id} have {held} held, the balance says {balance:?}")
    })?;
    let pending: u128 = wallet
        .pending()
        .iter()
        .map(|part| u128::from(part.points.get()))
        .sum();
    holds(3, pending == u128::from(balance.pending.get()), || {
        format!("{id} has {pending} pending, the balance says {balance:?}")
    })?;
    holds(
        3,
        wallet.pending().is_sorted_by_key(|part| part.releases_at),
        || format!("what {id} has pending is out of order"),
    )?;
    holds(
        3,
        wallet.lots().is_sorted_by_key(|lot| lot.name.order()),
        || format!("the lots of {id} are out of order"),
    )?;
    for (place, lot) in wallet.lots().iter().enumerate() {
        let rest = &wallet.lots()[place + 1..];
        holds(
            3,
            rest.iter().all(|other| other.name.key != lot.name.key),
            || format!("{id} has two lots of the same name"),
        )?;
    }
    Ok(())
}

/// Invariants 2, 3 and the shard's part of 8; answers with the books per point type.
pub fn check_shard(ledger: &Ledger) -> Result<BTreeMap<Symbol, Books>, Violation> {
    let mut books: BTreeMap<Symbol, Books> = BTreeMap::new();
    for merchant in ledger.merchants() {
        for stripe in &merchant.stripes {
            let book = books.entry(stripe.point_type).or_default();
            book.issued += stripe.issued;
            book.accepted += stripe.accepted;
            book.issued_reversed += stripe.issued_reversed;
            book.accepted_reversed += stripe.accepted_reversed;
        }
    }
    for stripe in ledger.system() {
        let book = books.entry(stripe.point_type).or_default();
        book.breakage += stripe.breakage;
        book.adjusted += signed(stripe.adjusted_up) - signed(stripe.adjusted_down);
    }
    for stripe in ledger.transit() {
        let book = books.entry(stripe.point_type).or_default();
        book.sent += stripe.out;
        book.come += stripe.come;
    }
    for member in ledger.members() {
        check_member(member)?;
        for wallet in member.wallets() {
            let balance = wallet.balance();
            let owns = [balance.available, balance.held, balance.pending];
            let book = books.entry(wallet.point_type()).or_default();
            book.outstanding += owns.iter().map(|p| i128::from(p.get())).sum::<i128>();
            book.outstanding -= i128::from(balance.owed.get());
        }
    }
    for (point_type, book) in &books {
        let came = signed(book.issued) - signed(book.issued_reversed) + book.adjusted;
        let came = came + signed(book.come);
        let went = signed(book.accepted) - signed(book.accepted_reversed) + signed(book.breakage);
        let went = went + signed(book.sent);
        holds(8, came == book.outstanding + went, || {
            format!("{book:?} of {point_type:?} do not balance")
        })?;
    }
    check_holds(ledger)?;
    check_sales(ledger)?;
    check_daybook(&ledger.daybook().image(), &ledger.accounts())?;
    Ok(books)
}

fn signed(sum: u128) -> i128 {
    i128::try_from(sum).unwrap_or(i128::MAX)
}

/// Invariant 3: what lots hold is exactly what open holds have set aside, lot by lot.
fn check_holds(ledger: &Ledger) -> Result<(), Violation> {
    type Place<'a> = (&'a str, Symbol, LotKeyOrder);
    let mut set_aside: BTreeMap<Place<'_>, u128> = BTreeMap::new();
    let mut open: BTreeMap<&str, u32> = BTreeMap::new();
    for (held, member) in ledger.open_holds() {
        holds(3, held.state == HoldState::Open, || {
            format!("{:?} is due and not open", held.seq)
        })?;
        *open.entry(member.id().as_str()).or_default() += 1;
        for share in &held.shares {
            let place = (member.id().as_str(), held.point_type, order(share.lot.key));
            *set_aside.entry(place).or_default() += u128::from(share.points.get());
        }
    }
    for member in ledger.members() {
        let id = member.id().as_str();
        let counted = open.get(id).copied().unwrap_or_default();
        holds(3, member.open_holds() == counted, || {
            format!(
                "{id} counts {} open holds, there are {counted}",
                member.open_holds()
            )
        })?;
        for wallet in member.wallets() {
            for lot in wallet.lots() {
                let place = (id, wallet.point_type(), order(lot.name.key));
                let named = set_aside.remove(&place).unwrap_or_default();
                holds(3, named == u128::from(lot.held.get()), || {
                    format!("a lot of {id} holds {:?}, its holds name {named}", lot.held)
                })?;
            }
        }
    }
    holds(3, set_aside.is_empty(), || {
        format!("holds name lots that are not there: {set_aside:?}")
    })
}

type LotKeyOrder = (Symbol, Symbol, Option<u32>);

fn order(key: LotKey) -> LotKeyOrder {
    (key.issuer, key.class, key.last_day.days_since_1970())
}
