//! Decided entries as CloudEvents 1.0, in the structured form in JSON; and what readers of the feed ask for.
//!
//! An event tells what the answer told, beside who, where and how the balance stands. Three things it leaves out: what is
//! personal of a member, the codes of sold units, which whoever knows them can use up, and free text that the operator
//! wrote for people.

use jifen_engine::{
    clearing::settlement_name,
    feed::{Begin, Cursor, Event, EventKind},
    ledger::{
        Account, Deed, Entry, Move, Offset, Origin, Points, Pursuit, Seq, Symbol, Terms,
        TypedBalance,
    },
    view::item::{Change, passed},
};

use super::{
    encode::{encode_balance, encode_day, encode_instant, encode_refusal},
    invalid::Invalid,
    json::Json,
    statement::Fields,
    wording,
};

/// What stands in front of the kind in the type of an event.
pub(crate) const TYPE_PREFIX: &str = "jifen.";
/// Where events come from.
pub(crate) const SOURCE: &str = "/jifen";
/// How many digits sequences have in events: they are in the order of their numbers as text too.
const SEQUENCE_DIGITS: usize = 16;
/// What a query for a feed may say.
pub(crate) const EVENTS_FIELDS: [&str; 4] = ["after", "from", "types", "until"];
/// What a query for the feed of a sale may say.
pub(crate) const STOCK_EVENTS_FIELDS: [&str; 5] = ["after", "every", "from", "types", "until"];

/// Who reads an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Those who may see everything of it.
    All,
    /// The merchant that it is about. What the member has, and from which merchants, is left out.
    Merchant,
}

/// Appends an event.
pub(crate) fn encode_event(event: &Event, audience: Audience, out: &mut Vec<u8>) {
    let entry = event.entry();
    let json = &mut Json::new(out);
    json.raw(br#"{"specversion":"1.0","id":""#)
        .number(u64::from(event.shard.0));
    json.raw(b":").number(entry.seq.0);
    json.raw(br#"","source":""#).name(SOURCE);
    json.raw(br#"","type":""#).name(TYPE_PREFIX);
    json.name(event.kind.name()).raw(b"\"");
    let subject = event.member().map(|member| member.as_str());
    let settlement = event.period().map(settlement_name);
    encode_name(
        br#","subject":"#,
        subject
            .or_else(|| event.sku())
            .or_else(|| event.merchant())
            .or(settlement.as_deref()),
        json,
    );
    json.raw(br#","time":"#);
    encode_instant(entry.at, json);
    json.raw(br#","datacontenttype":"application/json","shard":"#)
        .number(u64::from(event.shard.0));
    let sequence = format!("{:0width$}", entry.seq.0, width = SEQUENCE_DIGITS);
    json.raw(br#","sequence":""#).name(&sequence);
    json.raw(br#"","cursor":""#).name(&event.cursor.to_string());
    json.raw(br#"","data":"#);
    encode_data(event, audience, json);
    json.raw(b"}");
}

fn encode_data(event: &Event, audience: Audience, json: &mut Json<'_>) {
    let entry = event.entry();
    json.raw(br#"{"offset":""#)
        .name(&event.offset().to_string())
        .raw(b"\"");
    if let Some(origin) = origin_of(entry) {
        encode_name(br#","request_id":"#, Some(origin.id.as_str()), json);
        if let Some(reference) = &origin.reference {
            json.raw(br#","reference":"#).text(reference.as_str());
        }
        if event.refused().is_none() {
            encode_made(br#","transaction":"t"#, event.offset(), json);
        }
    }
    encode_name(
        br#","member":"#,
        event.member().map(|member| member.as_str()),
        json,
    );
    encode_name(br#","merchant":"#, event.merchant(), json);
    encode_name(br#","sku":"#, event.sku(), json);
    if let Some((_, points)) = passed(entry) {
        json.raw(br#","merchant_points":"#).signed(points);
    }
    if let Some(after) = entry.after {
        json.raw(br#","points":"#)
            .signed(Change::of(entry).available);
        let point_type = event.name(after.point_type);
        encode_name(br#","point_type":"#, Some(point_type), json);
        if audience == Audience::All {
            encode_balance(
                &TypedBalance {
                    point_type: point_type.into(),
                    balance: after.balance,
                },
                json,
            );
        }
    }
    encode_deed(event, audience, json);
    if audience == Audience::All {
        encode_forfeited(entry, json);
    }
    json.raw(b"}");
}

/// What went to breakage, unless that is all that happened.
fn encode_forfeited(entry: &Entry, json: &mut Json<'_>) {
    let forfeited = entry.moves.iter().filter(|m| m.to == Account::Breakage);
    let forfeited: u64 = forfeited.map(|m| m.points.get()).sum();
    let said = match entry.deed {
        Deed::Closed { .. } => true,
        Deed::Lapsed => false,
        _ => forfeited > 0,
    };
    if said {
        json.raw(br#","forfeited":"#).number(forfeited);
    }
}

/// What is particular to what happened.
fn encode_deed(event: &Event, audience: Audience, json: &mut Json<'_>) {
    let entry = event.entry();
    let here = |seq| Offset {
        shard: event.shard,
        seq,
    };
    let order = match &entry.deed {
        Deed::Earned { order, .. }
        | Deed::EarnedPending { order, .. }
        | Deed::Redeemed { order, .. }
        | Deed::Held { order, .. } => order.as_ref(),
        _ => None,
    };
    if let Some(order) = order {
        json.raw(br#","order":"#).text(order.as_str());
    }
    match &entry.deed {
        Deed::Earned { .. } => encode_lots(event, Account::Issued, audience, json),
        Deed::EarnedPending { releases_at, .. } => {
            json.raw(br#","releases_at":"#);
            encode_instant(*releases_at, json);
            encode_lots(event, Account::Issued, audience, json);
        }
        Deed::Redeemed { used_for, cash, .. } => {
            encode_name(br#","use":"#, used_for.map(|used| event.name(used)), json);
            if let Some(cash) = cash {
                json.raw(br#","cash_fen":"#).number(cash.get());
            }
            encode_lots(event, Account::Available, audience, json);
        }
        Deed::Held { expires_at, .. } => {
            encode_made(br#","hold":"h"#, event.offset(), json);
            json.raw(br#","expires_at":"#);
            encode_instant(*expires_at, json);
        }
        Deed::Captured {
            hold,
            captured,
            released,
            open,
        } => {
            encode_made(br#","hold":"h"#, here(*hold), json);
            json.raw(br#","captured":"#).number(captured.get());
            json.raw(br#","released":"#).number(released.get());
            json.raw(br#","final":"#).bool(!open);
        }
        Deed::Released { hold, released } | Deed::Expired { hold, released } => {
            encode_made(br#","hold":"h"#, here(*hold), json);
            json.raw(br#","released":"#).number(released.get());
        }
        Deed::Reversed {
            transaction,
            points,
            ..
        }
        | Deed::Unsold {
            transaction,
            points,
            ..
        } => encode_reversal(event, *transaction, *points, json),
        Deed::Begun { errand } => {
            if let Pursuit::Transfer { to, .. } = &errand.pursuit {
                encode_name(br#","to":"#, Some(to.as_str()), json);
            }
        }
        Deed::Arrived { from } => encode_name(br#","from":"#, Some(from.as_str()), json),
        Deed::Transferred { sent, to, points } => {
            encode_name(br#","to":"#, Some(to.as_str()), json);
            json.raw(br#","sent":""#)
                .name(&here(*sent).to_string())
                .raw(b"\"");
            json.raw(br#","transferred":"#).number(points.get());
        }
        Deed::MerchantPut {
            version, changed, ..
        } => encode_document(*version, *changed, json),
        Deed::Refused { command, refusal } => {
            let wording = wording::of_code(refusal.code());
            json.raw(br#","command":""#).name(command.name());
            json.raw(br#"","code":""#).name(wording.code);
            json.raw(br#"","retryable":"#).bool(wording.retryable);
            encode_refusal(refusal, json);
        }
        _ => encode_sale(event, here, json),
    }
}

/// The same for what happens to sales.
fn encode_sale(event: &Event, here: impl Fn(Seq) -> Offset, json: &mut Json<'_>) {
    let entry = event.entry();
    match &entry.deed {
        Deed::Reserved {
            quantity,
            expires_at,
            ..
        } => {
            encode_made(br#","reservation":"r"#, event.offset(), json);
            json.raw(br#","quantity":"#).number(quantity.get());
            let held = entry.moves.iter().filter(|m| m.to == Account::Held);
            let held = held.map(|m| m.points.get()).sum();
            json.raw(br#","points_held":"#).number(held);
            json.raw(br#","expires_at":"#);
            encode_instant(*expires_at, json);
        }
        Deed::Confirmed {
            reservation,
            quantity,
            ..
        } => {
            encode_made(br#","reservation":"r"#, here(*reservation), json);
            json.raw(br#","quantity":"#).number(quantity.get());
        }
        Deed::Cancelled {
            reservation,
            quantity,
            released,
            ..
        }
        | Deed::Lost {
            reservation,
            quantity,
            released,
            ..
        } => {
            encode_made(br#","reservation":"r"#, here(*reservation), json);
            json.raw(br#","quantity":"#).number(quantity.get());
            json.raw(br#","released":"#).number(released.get());
        }
        Deed::CodeUsed { sale, unit } => {
            encode_made(br#","sale":"t"#, here(*sale), json);
            json.raw(br#","unit":"#).number(u64::from(*unit));
        }
        Deed::StockPut {
            terms,
            version,
            changed,
            opening,
            ..
        } => {
            encode_document(*version, *changed, json);
            encode_terms(terms, event, json);
            // How many there are of a sale that goes on, only its home knows.
            if let Some((units, _)) = opening {
                json.raw(br#","units":"#).number(units.get());
            }
        }
        Deed::SettlementPublished { period, root } => {
            let name = settlement_name(*period);
            encode_name(br#","settlement":"#, Some(&name), json);
            encode_name(br#","root":"#, Some(&root.to_string()), json);
        }
        Deed::PackBought { pack } => {
            let point_type = event.name(pack.point_type);
            encode_name(br#","point_type":"#, Some(point_type), json);
            json.raw(br#","bought":"#).number(pack.points.get());
            json.raw(br#","price_fen":"#).number(pack.price.get());
            json.raw(br#","day":"#);
            encode_day(pack.day, json);
        }
        Deed::UnitsChanged { more, units, .. } => {
            let units = i64::try_from(units.get()).unwrap_or(i64::MAX);
            json.raw(br#","change":"#)
                .signed(if *more { units } else { -units });
        }
        _ => {}
    }
}

fn encode_terms(terms: &Terms<Symbol>, event: &Event, json: &mut Json<'_>) {
    json.raw(br#","price_points":"#).number(terms.price.get());
    encode_name(
        br#","point_type":"#,
        Some(event.name(terms.point_type)),
        json,
    );
    for (field, at) in [
        (&br#","opens_at":"#[..], terms.opens_at),
        (br#","closes_at":"#, terms.closes_at),
    ] {
        if let Some(at) = at {
            json.raw(field);
            encode_instant(at, json);
        }
    }
}

fn encode_reversal(event: &Event, transaction: Seq, points: Points, json: &mut Json<'_>) {
    let entry = event.entry();
    let reverses = Offset {
        shard: event.shard,
        seq: transaction,
    };
    encode_made(br#","reverses":"t"#, reverses, json);
    if matches!(entry.deed, Deed::Reversed { spend: false, .. }) {
        let sum = |wanted: fn(&Move) -> bool| -> u64 {
            let moves = entry.moves.iter().filter(|m| wanted(m));
            moves.map(|m| m.points.get()).sum()
        };
        let owed = sum(|m| m.from == Account::Owed) - sum(|m| m.to == Account::Owed);
        json.raw(br#","taken_back":"#).number(points.get() - owed);
        json.raw(br#","owed":"#).number(owed);
    } else {
        json.raw(br#","restored":"#).number(points.get());
    }
    if let Deed::Unsold { units, revoked, .. } = &entry.deed {
        json.raw(br#","revoked":"#).bool(*revoked);
        if let Some((_, quantity, _)) = units {
            json.raw(br#","quantity":"#).number(quantity.get());
        }
    }
}

fn encode_document(version: u64, changed: bool, json: &mut Json<'_>) {
    json.raw(br#","version":"#).number(version);
    json.raw(br#","changed":"#).bool(changed);
}

/// The lots that points came from or went to. Moves of one lot that follow on each other are one.
fn encode_lots(event: &Event, from: Account, audience: Audience, json: &mut Json<'_>) {
    if audience == Audience::Merchant {
        return;
    }
    json.raw(br#","lots":["#);
    let moves = event.entry().moves.iter().filter(|m| m.from == from);
    let moves: Vec<_> = moves.collect();
    for (place, same) in moves.chunk_by(|one, next| one.lot == next.lot).enumerate() {
        let lot = same[0].lot.key;
        json.comma(place);
        json.raw(br#"{"issuer":""#).name(event.name(lot.issuer));
        json.raw(br#"","class":""#).name(event.name(lot.class));
        json.raw(br#"","last_day":"#);
        encode_day(lot.last_day, json);
        let points = same.iter().map(|m| m.points.get()).sum();
        json.raw(br#","points":"#).number(points).raw(b"}");
    }
    json.raw(b"]");
}

/// The request that an entry answers, or that the errand will which it begins.
fn origin_of(entry: &Entry) -> Option<&Origin> {
    match &entry.deed {
        Deed::Begun { errand } => Some(&errand.origin),
        _ => entry.origin.as_ref(),
    }
}

/// A field with an identifier, if there is one.
fn encode_name(field: &[u8], name: Option<&str>, json: &mut Json<'_>) {
    if let Some(name) = name {
        json.raw(field).raw(b"\"").name(name).raw(b"\"");
    }
}

/// A field with a name that the engine made; `field` ends with the letter in front of it.
fn encode_made(field: &[u8], place: Offset, json: &mut Json<'_>) {
    json.raw(field).number(u64::from(place.shard.0));
    json.raw(b"-").number(place.seq.0).raw(b"\"");
}

/// What of the feed is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventsQuery {
    /// Where to begin.
    pub(crate) begin: Begin,
    /// Of which kinds; all, if none is named.
    pub(crate) kinds: Vec<EventKind>,
    /// Whether it ends with what is there now.
    pub(crate) ends: bool,
    /// Whether every event is told, however many there are.
    pub(crate) every: bool,
}

/// What of the feed a query asks for. `last` is what a client names that goes on where it was cut off: that counts, since it
/// asks again with the query that it began with.
pub(crate) fn decode_events_query(
    pairs: &[(String, String)],
    known: &[&'static str],
    last: Option<&str>,
) -> Result<EventsQuery, Invalid> {
    const PLACE: &str = "must be the id that came with an event of this feed";
    let mut fields = Fields::new(pairs, known);
    let begin = fields.read("from", |word| match word {
        "now" => Ok(Begin::Now),
        "start" => Ok(Begin::Start),
        _ => Err("must be one of now, start"),
    });
    let after = fields.read("after", |text| Cursor::parse(text).ok_or(PLACE));
    if begin.is_some() && after.is_some() {
        fields.object("/after", "must not stand beside from");
    }
    let kinds = fields.read("types", |words| {
        words
            .split(',')
            .map(|word| {
                EventKind::from_name(word.strip_prefix(TYPE_PREFIX).unwrap_or(word)).ok_or_else(
                    || {
                        let known = EventKind::ALL.map(EventKind::name);
                        format!(
                            "must be some of {}, with commas between them",
                            known.join(", ")
                        )
                    },
                )
            })
            .collect()
    });
    let ends = fields.read("until", |word| match word {
        "now" => Ok(true),
        _ => Err("must be now"),
    });
    let every = fields.read("every", |word| match word {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be one of true, false"),
    });
    let last = match last {
        None | Some("") => None,
        Some(text) => {
            let last = Cursor::parse(text);
            if last.is_none() {
                fields.object("/Last-Event-ID", PLACE);
            }
            last
        }
    };
    let begin = match last.or(after) {
        Some(cursor) => Begin::After(cursor),
        None => begin.unwrap_or(Begin::Now),
    };
    fields.finish(EventsQuery {
        begin,
        kinds: kinds.unwrap_or_default(),
        ends: ends.unwrap_or(false),
        every: every.unwrap_or(false),
    })
}
