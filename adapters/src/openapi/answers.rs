//! Answers to commands. They may get more fields with time: clients ignore what they do not know.

use jifen_engine::ledger::CommandKind;
use serde_json::{Value, json};

use super::{
    named, object, pascal, problems,
    values::{day, identifier, made, one_of, or_null, points, text, told, utc},
};

type FieldSchema = (&'static str, Value, bool);

/// What is answered to a command that was accepted.
pub(super) fn accepted(kind: CommandKind) -> Value {
    let mut fields = common(json!({ "type": "string", "const": kind.name() }));
    if let Some(always) = tells_balance(kind) {
        fields.push(("balance", named("Balance"), always));
        fields.push(("forfeited", forfeited(), kind == CommandKind::Close));
    }
    fields.extend(details(kind));
    let mut schema = object("", fields);
    if kind == CommandKind::Reverse {
        schema["oneOf"] =
            json!([{ "required": ["restored"] }, { "required": ["taken_back", "owed"] }]);
    }
    schema
}

/// The fields of every accepted answer.
pub(super) fn common(kind: Value) -> Vec<FieldSchema> {
    vec![
        ("id", identifier("The request id."), true),
        ("type", told(kind, "Which command it was."), true),
        (
            "status",
            json!({ "type": "string", "const": "accepted" }),
            true,
        ),
        ("transaction", made("What to call it from now on."), true),
        ("offset", offset(), true),
        ("at", utc("When it was decided."), true),
        ("replayed", replayed(), true),
        ("reference", text("As it was given."), false),
    ]
}

/// Whether an answer always tells what the member has afterwards, or where points moved; `None` if it never does.
const fn tells_balance(kind: CommandKind) -> Option<bool> {
    match kind {
        CommandKind::Earn
        | CommandKind::Redeem
        | CommandKind::Hold
        | CommandKind::Capture
        | CommandKind::Release
        | CommandKind::Reverse
        | CommandKind::Reserve
        | CommandKind::Confirm
        | CommandKind::Cancel
        | CommandKind::Transfer
        | CommandKind::Adjust => Some(true),
        CommandKind::Close => Some(false),
        CommandKind::Enrol
        | CommandKind::PutMerchant
        | CommandKind::Freeze
        | CommandKind::Unfreeze
        | CommandKind::PutStock
        | CommandKind::ChangeUnits
        | CommandKind::BuyPack
        | CommandKind::UseCode
        | CommandKind::Settle
        | CommandKind::PutCorrection
        | CommandKind::DecideCorrection
        | CommandKind::Erase => None,
    }
}

pub(super) fn forfeited() -> Value {
    let what = "What went to breakage with it: points that had lapsed while they were spent or held, or of a closed member.";
    points(0, what)
}

/// The fields that an accepted answer has beside the common ones.
pub(super) fn details(kind: CommandKind) -> Vec<FieldSchema> {
    match kind {
        CommandKind::Earn => vec![("lots", lots("What was given, lot by lot."), true)],
        CommandKind::Redeem => vec![("lots", lots("Whose points were spent."), true)],
        CommandKind::Hold => vec![
            ("hold", made("What to call the hold."), true),
            ("expires_at", utc("When the hold expires."), true),
        ],
        CommandKind::Capture => vec![
            ("captured", points(0, "What was spent."), true),
            ("released", points(0, "What was given back."), true),
        ],
        CommandKind::Release | CommandKind::Cancel => {
            vec![("released", points(0, "What was given back."), true)]
        }
        CommandKind::Settle => vec![
            ("settlement", made("What to call the settlement."), true),
            (
                "changed",
                told(
                    json!({ "type": "boolean" }),
                    "Whether closing begins now; it may have been asked for before.",
                ),
                true,
            ),
        ],
        CommandKind::PutMerchant
        | CommandKind::PutStock
        | CommandKind::PutCorrection
        | CommandKind::DecideCorrection => vec![
            ("version", version(), true),
            (
                "changed",
                told(
                    json!({ "type": "boolean" }),
                    "Whether this changed anything. Of a sale, units too, which are no new version.",
                ),
                true,
            ),
        ],
        CommandKind::Reverse => vec![
            (
                "restored",
                points(
                    0,
                    "Of a spend: what came back, before any debt was paid of it.",
                ),
                false,
            ),
            (
                "taken_back",
                points(0, "Of an earn: what was taken from lots now."),
                false,
            ),
            (
                "owed",
                points(0, "Of an earn: what was added to the debt."),
                false,
            ),
        ],
        CommandKind::Reserve => vec![
            ("reservation", made("What to call the reservation."), true),
            ("expires_at", utc("When the reservation expires."), true),
            (
                "points_held",
                points(0, "What is set aside to pay for it."),
                true,
            ),
            ("quantity", points(1, "How many units."), true),
        ],
        CommandKind::Confirm => vec![(
            "codes",
            json!({ "type": "array", "items": { "type": "string" }, "description": "One for each unit." }),
            true,
        )],
        CommandKind::Enrol
        | CommandKind::Adjust
        | CommandKind::Freeze
        | CommandKind::Unfreeze
        | CommandKind::Close
        | CommandKind::Transfer
        | CommandKind::ChangeUnits
        | CommandKind::BuyPack
        | CommandKind::UseCode
        | CommandKind::Erase => Vec::new(),
    }
}

/// What is answered to any command of a batch.
pub(super) fn any() -> Value {
    let accepted = CommandKind::ALL.map(|kind| named(&format!("{}Accepted", pascal(kind))));
    let all: Vec<_> = accepted.into_iter().chain([named("Refused")]).collect();
    json!({ "oneOf": all })
}

/// What answers are made of.
pub(super) fn parts() -> [(&'static str, Value); 6] {
    [
        ("Refused", refused()),
        ("BadLine", bad_line()),
        ("Balance", balance()),
        ("Lot", lot()),
        ("Reason", reason()),
        ("FieldError", field_error()),
    ]
}

fn refused() -> Value {
    object(
        "A command of a batch that was not accepted.",
        [
            ("id", identifier("The request id."), true),
            (
                "type",
                one_of(
                    CommandKind::ALL.map(CommandKind::name),
                    "Which command it was.",
                ),
                true,
            ),
            (
                "status",
                json!({ "type": "string", "const": "refused" }),
                true,
            ),
            ("code", problems::code(), true),
            ("retryable", retryable(), true),
            ("offset", offset(), false),
            ("at", utc("When it was decided."), false),
            ("replayed", replayed(), true),
            ("reference", text("As it was given."), false),
            ("balance", named("Balance"), false),
            ("forfeited", forfeited(), false),
            ("reasons", reasons(), true),
            ("errors", errors(), false),
        ],
    )
}

fn bad_line() -> Value {
    object(
        "A line of NDJSON that is no command, answered in its place.",
        [
            (
                "line",
                told(json!({ "type": "integer", "minimum": 1 }), "Its number."),
                true,
            ),
            ("id", json!({ "type": "null" }), true),
            (
                "status",
                json!({ "type": "string", "const": "refused" }),
                true,
            ),
            ("code", problems::code(), true),
            ("retryable", retryable(), true),
            ("errors", errors(), false),
        ],
    )
}

fn balance() -> Value {
    object(
        "What a member has of a kind of points.",
        [
            ("point_type", identifier("The kind of points."), true),
            ("available", points(0, "What can be spent."), true),
            ("held", points(0, "What is set aside."), true),
            ("pending", points(0, "What will come."), true),
            ("owed", points(0, "The debt."), true),
        ],
    )
}

fn lot() -> Value {
    object(
        "Points of one issuer, class and last day.",
        [
            ("issuer", identifier("Who issued them."), true),
            ("class", identifier("Of which class they are."), true),
            ("last_day", last_day(), true),
            ("points", points(0, "How many."), true),
        ],
    )
}

fn reason() -> Value {
    let amount = || json!({ "type": ["integer", "null"], "format": "int64" });
    object(
        "Something that stands in the way.",
        [
            ("code", problems::code(), true),
            (
                "limit",
                told(
                    amount(),
                    "How much would be possible; of lots, holds and attributes, how many there may be.",
                ),
                true,
            ),
            (
                "requested",
                told(
                    amount(),
                    "How much was asked for; of lots, holds and attributes, how many there would be.",
                ),
                true,
            ),
            (
                "frees_at",
                or_null(utc("When that changes, if it is known.")),
                true,
            ),
        ],
    )
}

fn field_error() -> Value {
    object(
        "Something that is wrong with what was sent.",
        [
            (
                "pointer",
                told(
                    json!({ "type": "string" }),
                    "Where, as a JSON pointer such as `/17/points`.",
                ),
                true,
            ),
            (
                "detail",
                told(json!({ "type": "string" }), "What is expected instead."),
                true,
            ),
        ],
    )
}

/// The last day of points that lapse.
pub(super) fn last_day() -> Value {
    or_null(day(
        "The last day on which they can be spent; `null` if they never lapse.",
    ))
}

pub(super) fn lots(description: &str) -> Value {
    json!({ "type": "array", "items": named("Lot"), "description": description })
}

pub(super) fn reasons() -> Value {
    json!({ "type": "array", "items": named("Reason"), "minItems": 1,
        "description": "Everything that stands in the way; the first one gives the code." })
}

pub(super) fn errors() -> Value {
    json!({ "type": "array", "items": named("FieldError"), "description": "Every field that is at fault." })
}

pub(super) fn offset() -> Value {
    json!({ "type": "string", "pattern": r"^\d+:\d+$",
        "description": "Where it is recorded: shard and sequence." })
}

pub(super) fn replayed() -> Value {
    told(
        json!({ "type": "boolean" }),
        "Whether this was answered before.",
    )
}

pub(super) fn retryable() -> Value {
    told(
        json!({ "type": "boolean" }),
        "Whether the same request may succeed later.",
    )
}

pub(super) fn version() -> Value {
    told(
        json!({ "type": "integer", "minimum": 1, "format": "int64" }),
        "The document's version: 1, 2, 3 …",
    )
}
