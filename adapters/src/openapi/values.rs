//! What a field's value looks like, wherever it stands: in a command, a path, a query, an answer.

use jifen_engine::{
    feed::EventKind,
    ledger::{CommandKind, ID_BYTES_MAX, Labels, Points, Reserve, Text},
    reads::PAGE_ITEMS_MAX,
    view::item::ItemKind,
};
use serde_json::{Value, json};

use crate::wire::{
    Field, LIMIT_DEFAULT,
    values::{RESERVATION_TTL_SECONDS_DEFAULT, TTL_SECONDS_DEFAULT, TTL_SECONDS_MAX},
};
use crate::{access::Read, http::endpoints::Does};

/// A date that is not before 1970. Which days a month has, a pattern does not say.
const DATE: &str = r"(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
/// A time of day with its zone.
const TIME: &str = r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";

/// A schema with a sentence about it.
pub(super) fn told(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

/// A name that comes from outside.
pub(super) fn identifier(description: &str) -> Value {
    let pattern = format!("^[A-Za-z0-9._:@-]{{1,{ID_BYTES_MAX}}}$");
    json!({ "type": "string", "pattern": pattern, "description": description })
}

/// A name that the engine made.
pub(super) fn made(description: &str) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 64, "description": description })
}

/// What is sent for such a name: whatever it is, it is looked for.
pub(super) fn opaque(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

/// So many points, from `least`.
pub(super) fn points(least: u64, description: &str) -> Value {
    json!({
        "type": "integer", "minimum": least, "maximum": Points::MAX.get(), "format": "int64",
        "description": description,
    })
}

/// Points that are added or, below 0, taken.
pub(super) fn change(description: &str) -> Value {
    let most = i64::try_from(Points::MAX.get()).unwrap_or(i64::MAX);
    json!({
        "type": "integer", "minimum": -most, "maximum": most, "format": "int64",
        "description": description,
    })
}

pub(super) fn text(description: &str) -> Value {
    json!({ "type": "string", "maxLength": Text::CHARS_MAX, "description": description })
}

/// A text that is more than white space.
fn said(description: &str) -> Value {
    // Spelt out, since languages differ in what `\s` is.
    let blank =
        "\t-\r \u{85}\u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";
    let mut schema = text(description);
    schema["pattern"] = format!("[^{blank}]").into();
    schema
}

/// An instant as it may be sent.
pub(super) fn instant(description: &str) -> Value {
    let pattern = format!("^{DATE}{TIME}$");
    json!({ "type": "string", "format": "date-time", "pattern": pattern, "description": description })
}

/// A day, or the instant with which one begins.
fn boundary(description: &str) -> Value {
    json!({ "type": "string", "anyOf": [day("A day."), instant("Its first instant.")], "description": description })
}

/// An instant as it is answered: UTC, with milliseconds.
pub(super) fn utc(description: &str) -> Value {
    let pattern = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$";
    json!({ "type": "string", "format": "date-time", "pattern": pattern, "description": description })
}

/// A day in the programme's time zone.
pub(super) fn day(description: &str) -> Value {
    let pattern = format!("^{DATE}$");
    json!({ "type": "string", "format": "date", "pattern": pattern, "description": description })
}

/// The same, or `null`.
pub(super) fn or_null(mut schema: Value) -> Value {
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

/// One of some words.
pub(super) fn one_of<'a>(words: impl IntoIterator<Item = &'a str>, description: &str) -> Value {
    let words: Vec<_> = words.into_iter().collect();
    json!({ "type": "string", "enum": words, "description": description })
}

fn labels(description: &str) -> Value {
    let description = format!(
        "{description} At most {} bytes, names and values together.",
        Labels::BYTES_MAX
    );
    json!({
        "type": "object", "additionalProperties": { "type": "string" }, "description": description,
    })
}

/// What a field of a command takes.
pub(super) fn field(kind: CommandKind, field: Field) -> Value {
    match field {
        Field::Id => identifier(
            "The request id, in the scope of the principal and the member; the same one with every retry.",
        ),
        Field::Type => {
            json!({ "type": "string", "const": kind.name(), "description": "Which command it is." })
        }
        Field::Member => identifier("Who owns the points."),
        Field::Merchant => identifier(match kind {
            CommandKind::Earn => "Who issues the points.",
            CommandKind::PutMerchant => "The merchant that the document is about.",
            CommandKind::BuyPack => "Who buys.",
            _ => "Who accepts the points.",
        }),
        Field::Points => points_of(kind),
        Field::PointType => {
            identifier("The kind of points; left out, it is the programme's default.")
        }
        Field::LastDay => {
            day("The last day on which the points can be spent; left out, the programme says.")
        }
        Field::Class => {
            identifier("Tells rules apart by which points were given; left out, it is `ordinary`.")
        }
        Field::Order => text("The merchant's order."),
        Field::At => instant(
            "When it happened, if not now; an instant that has not come yet is refused with `invalid_field`.",
        ),
        Field::ReleasesAt => instant("Until when the points are pending, if they are."),
        Field::Use => identifier(
            "What the points are spent for: `offset` pays in place of money, any other redeems.",
        ),
        Field::PriceFen => points(0, "What all of them cost together, in fen."),
        Field::CashFen => json!({
            "type": "integer", "minimum": 0, "maximum": Points::MAX.get(), "format": "int64",
            "description": "What was paid in money beside the points, in fen.",
        }),
        Field::TtlSeconds => json!({
            "type": "integer", "minimum": 1, "maximum": TTL_SECONDS_MAX, "default": TTL_SECONDS_DEFAULT,
            "description": "After how many seconds the hold expires.",
        }),
        Field::Hold => opaque("The hold, as the answer that made it calls it."),
        Field::Transaction => opaque("The transaction, as the answer to its command calls it."),
        Field::Final => json!({
            "type": "boolean", "default": true, "description": "Whether what is left of the hold is released.",
        }),
        Field::Attributes => labels(
            "Personal data, which can be erased; those given replace those of the same name.",
        ),
        Field::Reason => said("Why, for people; more than spaces."),
        Field::Name => said("What people call the merchant; more than spaces."),
        Field::Reference => text("Returned as given."),
        Field::Contract => super::contract::contract(),
        Field::Metadata => labels("Kept with the entry."),
        Field::To => identifier("Who gets the points; somebody else."),
        Field::Sku => identifier("What is sold."),
        Field::Quantity => json!({
            "type": "integer", "minimum": 1, "maximum": Reserve::QUANTITY_MAX,
            "description": "How many units, all or none.",
        }),
        Field::Reservation => opaque("The reservation, as the answer that made it calls it."),
        Field::Units => points(0, "How many units there are in all, sold ones included."),
        Field::PricePoints => points(1, "What one unit costs."),
        Field::PerMemberLimit => {
            points(1, "How many units a member may have; left out, any number.")
        }
        Field::OpensAt => instant("From when on units can be reserved; left out, at once."),
        Field::ClosesAt => instant("From when on they no longer can; later than `opens_at`."),
        Field::ReservationTtlSeconds => json!({
            "type": "integer", "minimum": 1, "maximum": TTL_SECONDS_MAX,
            "default": RESERVATION_TTL_SECONDS_DEFAULT,
            "description": "After how many seconds a reservation expires.",
        }),
        Field::Change => {
            let mut change = change("Units to add or, below 0, to withdraw; not 0.");
            change["not"] = json!({ "const": 0 });
            change
        }
        Field::Code => opaque("The code, as the answer to the confirm has it."),
        Field::ReturnUnits => json!({
            "type": "boolean", "default": false,
            "description": "Of a sale: whether its units go back on sale too; then all of it is taken back.",
        }),
        Field::PeriodStart => boundary(
            "The first day of the period, or the RFC 3339 instant with which it begins. The day behind the last settlement; the \
            first settlement takes everything that happened before it, too, with its fees, years and cycles.",
        ),
        Field::PeriodEnd => boundary(
            "The last day of the period, or the RFC 3339 instant with which the day behind it begins.",
        ),
        Field::Correction => identifier("What the correction is called."),
        Field::AmountFen => {
            let mut amount =
                change("What the merchant gets, in fen or, below 0, what it pays; not 0.");
            amount["not"] = json!({ "const": 0 });
            amount
        }
        Field::Approve => json!({
            "type": "boolean",
            "description": "Whether the correction counts. Whoever proposed it does not decide about it.",
        }),
    }
}

fn points_of(kind: CommandKind) -> Value {
    match kind {
        CommandKind::Adjust => {
            let mut change = change("Points to add or, below 0, to take; not 0.");
            change["not"] = json!({ "const": 0 });
            change
        }
        CommandKind::Capture => points(1, "How many; left out, all that the hold has left."),
        CommandKind::Reverse => points(
            1,
            "How many; left out, all that is left of the transaction.",
        ),
        _ => points(1, "How many, in the smallest unit of their kind."),
    }
}

/// What a field of a query takes; `None` for one that is not known here, which a test rules out.
pub(super) fn query(does: Does, name: &str) -> Option<Value> {
    let follows = matches!(does, Does::Read(Read::Events | Read::StockEvents));
    Some(match name {
        "from" if follows => {
            let mut schema = one_of(
                ["now", "start"],
                "Where to begin without a place to go on from.",
            );
            schema["default"] = "now".into();
            schema
        }
        "after" => cursor("Where to go on: the id of an event of a feed. Not beside `from`."),
        "types" => {
            let kinds = EventKind::ALL.map(EventKind::name).join("|");
            let one = format!("(jifen\\.)?({kinds})");
            json!({ "type": "string", "pattern": format!("^{one}(,{one})*$"),
                "description": "Only events of these kinds, with commas between them." })
        }
        "until" => one_of(
            ["now"],
            "To end with what is durable when the stream begins.",
        ),
        "every" => {
            let mut schema = json!({ "type": "boolean", "description":
                "Every event by itself, however many there are. Otherwise many events in a short time are told as one \
                 `stock_level`, unless `types` or `until` is given." });
            schema["default"] = false.into();
            schema
        }
        "from" if does == Does::Read(Read::Positions) => day("The first day."),
        "to" if does == Does::Read(Read::Positions) => day("The last day."),
        "since" => day(
            "The first day of the movements, which is not settled; left out, since the beginning.",
        ),
        "from" => instant("From when, inclusive."),
        "to" => instant("Until when, exclusive; later than `from`."),
        "limit" => json!({
            "type": "integer", "minimum": 1, "maximum": PAGE_ITEMS_MAX, "default": LIMIT_DEFAULT,
            "description": "How many items at most.",
        }),
        "cursor" => opaque("Where to go on: `next_cursor` of a page of the same list."),
        "type" => one_of(item_kinds(), "Only items of this type."),
        "point_type" => identifier("Only items of this kind of points."),
        _ => return None,
    })
}

/// A place in the feed. Those that were told before journals had names name none.
pub(super) fn cursor(description: &str) -> Value {
    json!({ "type": "string", "pattern": "^c(0|[1-9a-f][0-9a-f]{0,15})-(0|[1-9a-f][0-9a-f]{0,7})(-[0-9a-f]{8})?$",
        "description": description })
}

/// What items of statements are called.
pub(super) fn item_kinds() -> impl Iterator<Item = &'static str> {
    ItemKind::ALL.into_iter().map(ItemKind::name)
}
