//! An entry as a line of JSON, with names in place of symbols.

use std::borrow::Cow;

use jifen_engine::ledger::{
    Account, Code, Day, Deed, Entry, Fen, Labels, LotRef, Reason, Subject, Symbol, Text, UnixMillis,
};
use jifen_engine::pool::Units;
use serde::{Serialize, Serializer};

use super::names::Names;
use crate::wire::{day_text, instant_text, wording};

/// An entry for people and their tools.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    turn: u64,
    shard: u16,
    seq: u64,
    at: Instant,
    #[serde(rename = "type")]
    word: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<Cow<'a, str>>,
    /// Whose points that were bought ahead, and of which kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u64>,
    /// What other shards have to do with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    course: Option<Course>,
    /// What a request asked for; what time does by itself has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Request<'a>>,
    #[serde(flatten)]
    deed: Told<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    postings: Vec<Posting<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<Balance<'a>>,
}

/// Messages, by the shards that they came from or go to, and the errand that ended.
#[derive(Serialize)]
struct Course {
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sent_to: Vec<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<u64>,
    /// Points of those that the merchant bought ahead; below 0 they are put back.
    #[serde(skip_serializing_if = "Option::is_none")]
    drawn: Option<i64>,
}

impl Course {
    fn of(course: &jifen_engine::ledger::Course) -> Self {
        let received = course.received.as_ref();
        Self {
            received: received.map(|one| format!("{}:{}", one.from.0, one.number)),
            sent_to: course.sent.iter().map(|sent| sent.to.0).collect(),
            ends: course.ends.map(|ticket| ticket.0),
            drawn: course.drawn.map(|drawn| {
                let points = drawn.points.get().cast_signed();
                if drawn.back { -points } else { points }
            }),
        }
    }
}

#[derive(Serialize)]
struct Request<'a> {
    principal: Cow<'a, str>,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Pairs<'a>>,
}

/// One side of a move.
#[derive(Serialize)]
struct Posting<'a> {
    account: &'static str,
    /// Whose account, if it is a merchant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<Cow<'a, str>>,
    points: i64,
    lot: Lot<'a>,
}

#[derive(Serialize)]
struct Lot<'a> {
    issuer: Cow<'a, str>,
    class: Cow<'a, str>,
    last_day: LastDay,
    first_earned: Instant,
}

/// What the member has after the entry.
#[derive(Serialize)]
struct Balance<'a> {
    point_type: Cow<'a, str>,
    available: u64,
    held: u64,
    pending: u64,
    owed: u64,
}

/// What is told of a deed beside its moves. What there is not is left out.
#[derive(Default, Serialize)]
struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Pairs<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "use")]
    used_for: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cash: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    happened_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    releases_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Instant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    captured: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reversed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<LastDay>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fen: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_fen: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    units: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_member: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale: Option<String>,
}

#[derive(Serialize)]
struct Refused {
    code: &'static str,
    reasons: Vec<Objection>,
}

#[derive(Serialize)]
struct Objection {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frees_at: Option<Instant>,
}

/// An instant as the wire contract writes it.
pub(super) fn instant(at: UnixMillis) -> String {
    instant_text(at)
        .iter()
        .map(|byte| char::from(*byte))
        .collect()
}

struct Instant(UnixMillis);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ascii(&instant_text(self.0), serializer)
    }
}

/// `null` for points that never lapse.
struct LastDay(Day);

impl Serialize for LastDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match day_text(self.0) {
            Some(text) => ascii(&text, serializer),
            None => serializer.serialize_none(),
        }
    }
}

fn ascii<S: Serializer>(text: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let text = std::str::from_utf8(text).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(text)
}

struct Pairs<'a>(&'a Labels);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

impl<'a> Line<'a> {
    /// The line of an entry of `shard` in `turn`. Its own names are known.
    pub(super) fn of(turn: u64, shard: u16, entry: &'a Entry, names: &'a Names) -> Self {
        let (member, put) = match &entry.subject {
            Subject::Member(id) => (Some(id.as_str()), None),
            Subject::Merchant(id) => (None, Some(Cow::Borrowed(id.as_str()))),
            Subject::Stock(_)
            | Subject::Settlement(_)
            | Subject::Correction(_)
            | Subject::Prepaid(_)
            | Subject::Nobody => (None, None),
        };
        let sku = match &entry.subject {
            Subject::Stock(id) => Some(Cow::Borrowed(id.as_str())),
            _ => sold(&entry.deed).map(|(sku, _)| names.of(sku)),
        };
        let pool = match &entry.subject {
            Subject::Prepaid(id) => Some(id.as_str()),
            _ => None,
        };
        let merchant = dealt_with(&entry.deed).0;
        Self {
            turn,
            shard,
            seq: entry.seq.0,
            at: Instant(entry.at),
            word: word(&entry.deed),
            member,
            sku,
            pool,
            quantity: sold(&entry.deed).map(|(_, quantity)| quantity.get()),
            course: entry.course.as_deref().map(Course::of),
            merchant: put.or_else(|| merchant.map(|symbol| names.of(symbol))),
            request: entry.origin.as_ref().map(|origin| Request {
                principal: names.of(origin.principal),
                id: origin.id.as_str(),
                reference: origin.reference.as_ref().map(Text::as_str),
                metadata: origin.metadata.as_ref().map(Pairs),
            }),
            deed: told(&entry.deed, shard, names),
            postings: postings(entry, names),
            balance: entry.after.map(|after| Balance {
                point_type: names.of(after.point_type),
                available: after.balance.available.get(),
                held: after.balance.held.get(),
                pending: after.balance.pending.get(),
                owed: after.balance.owed.get(),
            }),
        }
    }
}

/// What kind of entry it is: the word of the command, or of what time did.
pub(super) const fn word(deed: &Deed) -> &'static str {
    match deed {
        Deed::Enrolled { .. } => "enrol",
        Deed::Earned { .. } | Deed::EarnedPending { .. } => "earn",
        Deed::Redeemed { .. } => "redeem",
        Deed::Held { .. } => "hold",
        Deed::Captured { .. } => "capture",
        Deed::Released { .. } => "release",
        Deed::Expired { .. } => "hold_expired",
        Deed::MerchantPut { .. } => "put_merchant",
        Deed::Refused { command, .. } => command.name(),
        Deed::Matured => "matured",
        Deed::Lapsed => "lapse",
        Deed::Reversed { .. } => "reverse",
        Deed::Adjusted { .. } => "adjust",
        Deed::Frozen { .. } => "freeze",
        Deed::Unfrozen { .. } => "unfreeze",
        Deed::Closed { .. } => "close",
        Deed::Erased => "erase",
        Deed::Begun { errand } => errand.kind().name(),
        Deed::GivenUp => "given_up",
        Deed::Heard => "heard",
        Deed::StockPut { .. } => "put_stock",
        Deed::Reserved { .. } => "reserve",
        Deed::Confirmed { .. } => "confirm",
        Deed::Cancelled { .. } => "cancel",
        Deed::Lost { .. } => "reservation_expired",
        Deed::UnitsReleased => "units_released",
        Deed::UnitsWanted { .. } => "units_wanted",
        Deed::UnitsChanged { .. } => "change_units",
        Deed::Arrived { .. } => "transfer_in",
        Deed::Transferred { .. } => "transfer",
        Deed::CodeUsed { .. } => "use_code",
        Deed::Unsold { .. } => "reverse",
        Deed::DayEnded { .. } => "day_ended",
        Deed::MerchantContracted { .. } => "put_merchant",
        Deed::SettlementOpened { .. } => "settle",
        Deed::SettlementPublished { .. } => "settlement_published",
        Deed::Settled { .. } => "settled",
        Deed::CorrectionPut { .. } => "put_correction",
        Deed::CorrectionDecided { .. } => "decide_correction",
        Deed::PackBought { .. } => "buy_pack",
        Deed::PrepaidAdded { .. } => "prepaid_added",
    }
}

/// The merchant of a deed with a member, and the merchant's order.
const fn dealt_with(deed: &Deed) -> (Option<Symbol>, Option<&Text>) {
    match deed {
        Deed::Earned {
            merchant, order, ..
        }
        | Deed::EarnedPending {
            merchant, order, ..
        }
        | Deed::Redeemed {
            merchant, order, ..
        }
        | Deed::Held {
            merchant, order, ..
        } => (Some(*merchant), order.as_ref()),
        Deed::Reserved { merchant, .. } => (Some(*merchant), None),
        _ => (None, None),
    }
}

/// The units that a deed is about: of what, and how many.
const fn sold(deed: &Deed) -> Option<(Symbol, Units)> {
    match deed {
        Deed::Reserved { sku, quantity, .. }
        | Deed::Confirmed { sku, quantity, .. }
        | Deed::Cancelled { sku, quantity, .. }
        | Deed::Lost { sku, quantity, .. } => Some((*sku, *quantity)),
        Deed::Unsold {
            units: Some((sku, quantity, _)),
            ..
        } => Some((*sku, *quantity)),
        _ => None,
    }
}

/// What a deed tells beside its moves.
fn told<'a>(deed: &'a Deed, shard: u16, names: &'a Names) -> Told<'a> {
    let mut told = Told {
        order: dealt_with(deed).1.map(Text::as_str),
        ..Told::default()
    };
    match deed {
        Deed::Enrolled { attributes } => told.attributes = attributes.as_ref().map(Pairs),
        Deed::Earned { at, .. } => told.happened_at = at.map(Instant),
        Deed::EarnedPending {
            at, releases_at, ..
        } => {
            told.happened_at = at.map(Instant);
            told.releases_at = Some(Instant(*releases_at));
        }
        Deed::Redeemed { used_for, cash, .. } => {
            told.used_for = used_for.map(|symbol| names.of(symbol));
            told.cash = cash.map(Fen::get);
        }
        Deed::Held {
            used_for,
            expires_at,
            ..
        } => {
            told.used_for = used_for.map(|symbol| names.of(symbol));
            told.expires_at = Some(Instant(*expires_at));
        }
        Deed::Captured {
            hold,
            captured,
            released,
            open,
        } => {
            told.hold = Some(format!("h{shard}-{}", hold.0));
            told.captured = Some(captured.get());
            told.released = Some(released.get());
            told.open = Some(*open);
        }
        Deed::Released { hold, released } | Deed::Expired { hold, released } => {
            told.hold = Some(format!("h{shard}-{}", hold.0));
            told.released = Some(released.get());
        }
        Deed::MerchantPut {
            name,
            version,
            changed,
        } => {
            told.name = Some(name.as_str());
            told.version = Some(*version);
            told.changed = Some(*changed);
        }
        Deed::Refused { refusal, .. } => {
            told.refused = Some(Refused {
                code: code(refusal.code()),
                reasons: refusal.reasons().iter().map(objection).collect(),
            });
        }
        Deed::Reversed {
            transaction,
            points,
            reason,
            ..
        }
        | Deed::Unsold {
            transaction,
            points,
            reason,
            ..
        } => {
            told.reversed = Some(format!("t{shard}-{}", transaction.0));
            told.points = Some(points.get());
            told.reason = reason.as_ref().map(Text::as_str);
        }
        Deed::Adjusted { reason }
        | Deed::Frozen { reason }
        | Deed::Unfrozen { reason }
        | Deed::Closed { reason } => told.reason = Some(reason.as_str()),
        Deed::Reserved { expires_at, .. } => told.expires_at = Some(Instant(*expires_at)),
        Deed::Confirmed { reservation, .. } => {
            told.reservation = Some(format!("r{shard}-{}", reservation.0));
        }
        Deed::Cancelled {
            reservation,
            released,
            ..
        }
        | Deed::Lost {
            reservation,
            released,
            ..
        } => {
            told.reservation = Some(format!("r{shard}-{}", reservation.0));
            told.released = Some(released.get());
        }
        Deed::StockPut {
            version, changed, ..
        } => {
            told.version = Some(*version);
            told.changed = Some(*changed);
        }
        Deed::UnitsChanged { more, units, .. } | Deed::UnitsWanted { more, units, .. } => {
            told.more = Some(*more);
            told.units = Some(units.get());
        }
        Deed::Transferred { to, points, .. } => {
            told.other_member = Some(to.as_str());
            told.points = Some(points.get());
        }
        Deed::Arrived { from } => told.other_member = Some(from.as_str()),
        Deed::CodeUsed { sale, .. } => told.sale = Some(format!("t{shard}-{}", sale.0)),
        Deed::Begun { .. }
        | Deed::GivenUp
        | Deed::Heard
        | Deed::UnitsReleased
        | Deed::Matured
        | Deed::Lapsed
        | Deed::SettlementPublished { .. }
        | Deed::CorrectionDecided { .. }
        | Deed::Erased => {}
        Deed::DayEnded { day } | Deed::Settled { until: day } => told.day = Some(LastDay(*day)),
        Deed::MerchantContracted {
            name,
            version,
            changed,
            from,
            ..
        } => {
            told.name = Some(name.as_str());
            told.version = Some(*version);
            told.changed = Some(*changed);
            told.day = Some(LastDay(*from));
        }
        Deed::PackBought { pack } => {
            told.points = Some(pack.points.get());
            told.price_fen = Some(pack.price.get());
            told.day = Some(LastDay(pack.day));
        }
        Deed::PrepaidAdded { points, .. } => told.points = Some(points.get()),
        Deed::SettlementOpened { changed, .. } => told.changed = Some(*changed),
        Deed::CorrectionPut {
            fen,
            reason,
            changed,
            ..
        } => {
            told.fen = Some(*fen);
            told.reason = Some(reason.as_str());
            told.changed = Some(*changed);
        }
    }
    told
}

fn objection(reason: &Reason) -> Objection {
    Objection {
        code: code(reason.code),
        limit: reason.limit,
        requested: reason.requested,
        frees_at: reason.frees_at.map(Instant),
    }
}

const fn code(code: Code) -> &'static str {
    wording::of_code(code).code
}

fn postings<'a>(entry: &Entry, names: &'a Names) -> Vec<Posting<'a>> {
    let posting = |posting: jifen_engine::ledger::Posting| {
        let (account, merchant) = account(posting.account, posting.lot);
        Posting {
            account,
            merchant: merchant.map(|symbol| names.of(symbol)),
            points: posting.amount,
            lot: Lot {
                issuer: names.of(posting.lot.key.issuer),
                class: names.of(posting.lot.key.class),
                last_day: LastDay(posting.lot.key.last_day),
                first_earned: Instant(posting.lot.first_earned),
            },
        }
    };
    entry.postings().map(posting).collect()
}

/// An account's name, and the merchant whose it is.
const fn account(account: Account, lot: LotRef) -> (&'static str, Option<Symbol>) {
    match account {
        Account::Available => ("available", None),
        Account::Held => ("held", None),
        Account::Issued => ("issued", Some(lot.key.issuer)),
        Account::Accepted(merchant) => ("accepted", Some(merchant)),
        Account::Pending => ("pending", None),
        Account::Owed => ("owed", None),
        Account::Breakage => ("breakage", None),
        Account::Adjustment => ("adjustment", None),
        Account::Transit => ("transit", None),
    }
}
