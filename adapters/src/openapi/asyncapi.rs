//! The feed of events as an AsyncAPI 3 document: every kind of event is a message, and the channels are the streams of the
//! server and the subjects of the message queue.

use jifen_engine::{feed::EventKind, ledger::CommandKind};
use serde_json::{Map, Value, json};

use super::{
    answers::{self, lots, offset, retryable, version},
    level::level,
    named, object, problems,
    sights::stock_units,
    values::{identifier, made, one_of, points, text, told, utc},
};
use crate::wire::{LEVEL, SOURCE, TYPE_PREFIX};

/// What the subjects of the message queue begin with; the kind of the event stands behind it.
pub(crate) const SUBJECT_PREFIX: &str = "jifen.events.";

type FieldSchema = (&'static str, Value, bool);

/// The document.
pub(super) fn make() -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Jifen's feed of events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": CONVENTIONS,
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels(),
        "operations": operations(),
        "components": { "messages": messages(), "schemas": schemas() },
    })
}

const CONVENTIONS: &str = "\
Every decision that concerns a member, a merchant or a sale is an event, refusals that bind included: whoever does not want \
those leaves out the kind `refused`. Events are CloudEvents 1.0 in JSON. `id` is the offset of the answer, shard and sequence; \
within a shard events come in the order of their sequences, which have gaps where entries concern nobody outside. Delivery is \
at least once: leave out what has an `id` that was seen. `cursor` is the place behind the event in the journal of all shards, \
to go on from; it names the journal. After the data directory was put back from a backup, or replaced, a place that the journal \
does not have any more is answered with `events_replaced`: read anew what you keep, and begin again.

Events hold nothing personal of members, no codes of sold units, and no free text of the operator. To merchants go the events \
that are about their own points and sales, without `balance` and `lots`.

New kinds and new fields may come with time: ignore what you do not know.";

fn channels() -> Value {
    let references = || -> Map<String, Value> {
        let kinds = EventKind::ALL.map(EventKind::name);
        let reference = |kind: &str| json!({ "$ref": format!("#/components/messages/{kind}") });
        kinds
            .map(|kind| (kind.to_owned(), reference(kind)))
            .into_iter()
            .collect()
    };
    let about_sales = || -> Map<String, Value> {
        let mut all = references();
        all.retain(|kind, _| EventKind::from_name(kind).is_some_and(is_about_sales));
        all.insert(
            LEVEL.to_owned(),
            json!({ "$ref": format!("#/components/messages/{LEVEL}") }),
        );
        all
    };
    json!({
        "queue": {
            "address": format!("{SUBJECT_PREFIX}{{kind}}"),
            "description": "Subjects of NATS JetStream. The header `Nats-Msg-Id` is the event's id.",
            "parameters": {
                "kind": { "description": "The kind of the event.", "enum": EventKind::ALL.map(EventKind::name) },
            },
            "messages": references(),
        },
        "stream": {
            "address": "/v1/events",
            "description": "Server-sent events over HTTP: `data` is the event, `id` its `cursor`.",
            "messages": references(),
        },
        "stockStream": {
            "address": "/v1/stock/{sku}/events",
            "description": "The same of one sale. Many events in a short time are told as one `stock_level`, unless `every=true`, \
                `types` or `until` is given.",
            "parameters": { "sku": { "description": "Which sale." } },
            "messages": about_sales(),
        },
    })
}

fn operations() -> Value {
    let operation = |channel: &str, summary: &str| {
        json!({
            "action": "send", "channel": { "$ref": format!("#/channels/{channel}") }, "summary": summary,
        })
    };
    json!({
        "publish": operation("queue", "Publish what was decided"),
        "stream": operation("stream", "Stream what was decided"),
        "streamStock": operation("stockStream", "Stream what was decided about a sale"),
    })
}

fn messages() -> Map<String, Value> {
    let message = |kind: EventKind| {
        let (name, word) = (schema_name(kind), kind.name());
        let message = json!({
            "name": format!("{TYPE_PREFIX}{word}"), "title": title(kind), "payload": named(&name),
        });
        (word.to_owned(), message)
    };
    let level = json!({
        "name": format!("{TYPE_PREFIX}{LEVEL}"), "title": "How the units of a sale stand", "payload": named("StockLevelEvent"),
    });
    let mut all: Map<String, Value> = EventKind::ALL.map(message).into_iter().collect();
    all.insert(LEVEL.to_owned(), level);
    all
}

fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for kind in EventKind::ALL {
        schemas.insert(schema_name(kind), event(kind));
    }
    schemas.insert("StockLevelEvent".to_owned(), level());
    schemas.insert("StockUnits".to_owned(), stock_units());
    let used = ["Balance", "Lot", "Reason", "FieldError"];
    let parts = answers::parts().into_iter();
    schemas.extend(
        parts
            .filter(|(name, _)| used.contains(name))
            .map(|(name, schema)| (name.to_owned(), schema)),
    );
    schemas
}

/// What an event of a kind is called among the schemas.
pub(super) fn schema_name(kind: EventKind) -> String {
    let words = kind.name().split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<String>() + "Event"
}

fn event(kind: EventKind) -> Value {
    let constant = |value: &str| json!({ "type": "string", "const": value });
    object(
        title(kind),
        [
            ("specversion", constant("1.0"), true),
            ("id", offset(), true),
            ("source", constant(SOURCE), true),
            (
                "type",
                constant(&format!("{TYPE_PREFIX}{}", kind.name())),
                true,
            ),
            (
                "subject",
                identifier("The member, else the sale, else the merchant, else the settlement."),
                true,
            ),
            ("time", utc("When it was decided."), true),
            ("datacontenttype", constant("application/json"), true),
            (
                "shard",
                json!({ "type": "integer", "minimum": 0, "maximum": 1_023,
                "description": "The shard that decided." }),
                true,
            ),
            (
                "sequence",
                json!({ "type": "string", "pattern": r"^\d{16}$",
                "description": "The place among the shard's decisions, with leading zeros." }),
                true,
            ),
            (
                "cursor",
                super::values::cursor("The place behind it in the journal, to go on from."),
                true,
            ),
            ("data", data(kind), true),
        ],
    )
}

fn data(kind: EventKind) -> Value {
    let mut fields: Vec<FieldSchema> = vec![
        ("offset", offset(), true),
        (
            "request_id",
            identifier("The request that was answered."),
            false,
        ),
        ("reference", text("As it was given."), false),
    ];
    if kind != EventKind::Refused {
        fields.push(("transaction", made("What the answer called it."), false));
    }
    let member = is_about_members(kind);
    if member || kind == EventKind::Refused {
        fields.push(("member", identifier("Whose points."), member));
        fields.extend([
            ("points", signed("The change of what can be spent."), false),
            ("point_type", identifier("The kind of points."), false),
            ("balance", named("Balance"), false),
        ]);
    }
    if kind == EventKind::Stock {
        fields.push((
            "point_type",
            identifier("The kind of points that pay."),
            true,
        ));
    }
    if !matches!(
        kind,
        EventKind::Enrol
            | EventKind::UnitsChanged
            | EventKind::UnitsReturned
            | EventKind::Settlement
    ) {
        let always = matches!(
            kind,
            EventKind::Merchant
                | EventKind::Pack
                | EventKind::Stock
                | EventKind::Earn
                | EventKind::Redeem
        );
        fields.push((
            "merchant",
            identifier("Who issued or accepted the points, or will."),
            always,
        ));
        let passed = "What passed: above 0 the member was given points, below 0 they were taken.";
        fields.push(("merchant_points", signed(passed), false));
    }
    if is_about_sales(kind) {
        let always = !matches!(kind, EventKind::Reverse | EventKind::Refused);
        fields.push(("sku", identifier("What is sold."), always));
    }
    fields.extend(details(kind));
    if may_forfeit(kind) {
        let what = "What went to breakage with it. Merchants are not told.";
        fields.push(("forfeited", points(0, what), kind == EventKind::Close));
    }
    object("", fields)
}

/// Whether points may come to a member of it who has no use for them any more.
const fn may_forfeit(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Earn
            | EventKind::Matured
            | EventKind::Refused
            | EventKind::Capture
            | EventKind::Release
            | EventKind::HoldExpired
            | EventKind::Reverse
            | EventKind::Cancel
            | EventKind::ReservationExpired
            | EventKind::Transferred
            | EventKind::TransferIn
            | EventKind::Close
    )
}

/// What is particular to a kind.
fn details(kind: EventKind) -> Vec<FieldSchema> {
    let order = || ("order", text("The merchant's order."), false);
    let hold = || ("hold", made("Which hold."), true);
    let reservation = || ("reservation", made("Which reservation."), true);
    let quantity = |always| ("quantity", points(1, "How many units."), always);
    let released = || ("released", points(0, "What went back."), true);
    let expires_at = || ("expires_at", utc("When it ends by itself."), true);
    let document = || {
        vec![
            ("version", version(), true),
            (
                "changed",
                told(
                    json!({ "type": "boolean" }),
                    "Whether this made a new version.",
                ),
                true,
            ),
        ]
    };
    match kind {
        EventKind::Earn => vec![
            order(),
            (
                "releases_at",
                utc("When the points can be spent, if not at once."),
                false,
            ),
            ("lots", lots("What was given."), false),
        ],
        EventKind::Redeem => vec![
            order(),
            ("use", identifier("What for."), false),
            (
                "cash_fen",
                points(0, "Money paid beside the points."),
                false,
            ),
            ("lots", lots("Whose points were spent."), false),
        ],
        EventKind::Hold => vec![order(), hold(), expires_at()],
        EventKind::Capture => vec![
            hold(),
            ("captured", points(0, "What was spent."), true),
            released(),
            (
                "final",
                told(json!({ "type": "boolean" }), "Whether the hold is over."),
                true,
            ),
        ],
        EventKind::Release | EventKind::HoldExpired => vec![hold(), released()],
        EventKind::Reverse => vec![
            ("reverses", made("What was taken back."), true),
            ("restored", points(0, "Of a spend: what came back."), false),
            (
                "taken_back",
                points(0, "Of an earn: what was taken."),
                false,
            ),
            (
                "owed",
                points(0, "Of an earn: what was added to the debt."),
                false,
            ),
            (
                "revoked",
                told(
                    json!({ "type": "boolean" }),
                    "Of a sale: whether its codes are void.",
                ),
                false,
            ),
            quantity(false),
        ],
        EventKind::Transfer => vec![("to", identifier("Who is to have them."), true)],
        EventKind::TransferIn => vec![("from", identifier("Who sent them."), true)],
        EventKind::Transferred => vec![
            ("to", identifier("Who has them."), true),
            (
                "sent",
                told(offset(), "The event with which they left."),
                true,
            ),
            ("transferred", points(1, "How many."), true),
        ],
        EventKind::Reserve => vec![
            reservation(),
            quantity(true),
            (
                "points_held",
                points(0, "The points that pay for them."),
                true,
            ),
            expires_at(),
        ],
        EventKind::Confirm => vec![reservation(), quantity(true)],
        EventKind::Cancel | EventKind::ReservationExpired => {
            vec![reservation(), quantity(true), released()]
        }
        EventKind::UseCode => vec![
            ("sale", made("The transaction that sold it."), true),
            ("unit", points(0, "Which unit of that."), true),
        ],
        EventKind::Stock => {
            let mut fields = document();
            fields.extend([
                ("price_points", points(1, "What one unit costs."), true),
                ("opens_at", utc("From when on."), false),
                ("closes_at", utc("Until when."), false),
                (
                    "units",
                    points(0, "Of a new sale: how many there are."),
                    false,
                ),
            ]);
            fields
        }
        EventKind::Merchant => document(),
        EventKind::Settlement => vec![
            ("settlement", made("What it is called."), true),
            (
                "root",
                told(
                    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" }),
                    "The hash over all that was published.",
                ),
                true,
            ),
        ],
        EventKind::Pack => vec![
            ("point_type", identifier("The kind of points."), true),
            ("bought", points(1, "How many."), true),
            ("price_fen", points(0, "For how much in all."), true),
            (
                "day",
                super::values::day("In whose period they are billed."),
                true,
            ),
        ],
        EventKind::UnitsChanged => vec![("change", signed("By how many."), true)],
        EventKind::Refused => {
            let commands = CommandKind::ALL.map(CommandKind::name);
            vec![
                ("command", one_of(commands, "What was asked."), true),
                ("code", problems::code(), true),
                ("retryable", retryable(), true),
                ("reasons", answers::reasons(), true),
                ("errors", answers::errors(), false),
            ]
        }
        EventKind::Enrol
        | EventKind::Matured
        | EventKind::Adjust
        | EventKind::Lapse
        | EventKind::Freeze
        | EventKind::Unfreeze
        | EventKind::Erase
        | EventKind::UnitsReturned
        | EventKind::Close => Vec::new(),
    }
}

fn signed(description: &str) -> Value {
    json!({ "type": "integer", "format": "int64", "description": description })
}

const fn is_about_members(kind: EventKind) -> bool {
    !matches!(
        kind,
        EventKind::Stock
            | EventKind::UnitsChanged
            | EventKind::UnitsReturned
            | EventKind::Merchant
            | EventKind::Pack
            | EventKind::Settlement
            | EventKind::Refused
    )
}

const fn is_about_sales(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Reserve
            | EventKind::Confirm
            | EventKind::Cancel
            | EventKind::ReservationExpired
            | EventKind::UseCode
            | EventKind::Stock
            | EventKind::UnitsChanged
            | EventKind::UnitsReturned
            | EventKind::Reverse
            | EventKind::Refused
    )
}

const fn title(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Enrol => "A member is known",
        EventKind::Earn => "A member was given points",
        EventKind::Matured => "Points can be spent from now on",
        EventKind::Redeem => "Points were spent",
        EventKind::Hold => "Points were set aside",
        EventKind::Capture => "Points that were set aside were spent",
        EventKind::Release => "Points that were set aside went back",
        EventKind::HoldExpired => "A hold's time was over",
        EventKind::Reverse => "Something was taken back",
        EventKind::Adjust => "A balance was put right by hand",
        EventKind::Lapse => "Points lapsed",
        EventKind::Freeze => "A member may no longer spend",
        EventKind::Unfreeze => "A member may spend again",
        EventKind::Close => "A member was closed",
        EventKind::Erase => "A member's personal data was erased",
        EventKind::Transfer => "Points left for another member",
        EventKind::TransferIn => "Points came from another member",
        EventKind::Transferred => "Points have arrived where they were sent",
        EventKind::Reserve => "Units of a sale were reserved",
        EventKind::Confirm => "Reserved units were sold",
        EventKind::Cancel => "A reservation was given back",
        EventKind::ReservationExpired => "A reservation's time was over",
        EventKind::UseCode => "The code of a sold unit was used",
        EventKind::Stock => "A sale's document was put",
        EventKind::UnitsChanged => "Units were put on sale, or taken out",
        EventKind::UnitsReturned => "Units that had come back are on sale again",
        EventKind::Merchant => "A merchant's document was put",
        EventKind::Pack => "A merchant bought points ahead",
        EventKind::Settlement => "A period is closed, and its settlement published",
        EventKind::Refused => "A command was refused, for good",
    }
}
