//! What reads show.

use jifen_engine::ledger::{CommandKind, HoldState, MemberState};
use jifen_engine::reads::SaleState;
use serde_json::{Value, json};

use super::{
    answers::{self, details, last_day, lots, version},
    named, object,
    values::{change, identifier, item_kinds, made, one_of, or_null, points, text, told, utc},
};
use crate::{
    access::Read,
    http::sales::{CODE_STATES, reservation_state},
};

/// What an endpoint shows.
pub(super) const fn name(read: Read) -> &'static str {
    match read {
        Read::Member => "Member",
        Read::Statement => "Statement",
        Read::Request => "Answer",
        Read::Hold => "Hold",
        Read::Merchant => "Merchant",
        Read::Movements => "Movements",
        Read::Transaction => "Transaction",
        Read::Metrics => "Metrics",
        Read::Stock => "Stock",
        Read::Reservation => "Reservation",
        Read::Code => "Code",
        Read::Events | Read::StockEvents => "Events",
        Read::Settlements => "Settlements",
        Read::Settlement => "Settlement",
        Read::SettlementStatement => "SettlementStatement",
        Read::SettlementPayments => "SettlementPayments",
        Read::SettlementMatrix => "SettlementMatrix",
        Read::Corrections => "Corrections",
        Read::Correction => "Correction",
        Read::Positions => "Positions",
        Read::Liability => "Liability",
    }
}

/// Everything that is shown, and what it is made of.
pub(super) fn all() -> [(&'static str, Value); 16] {
    [
        ("Member", member()),
        ("MemberBalance", member_balance()),
        ("MemberLot", member_lot()),
        ("PendingLot", pending_lot()),
        ("Hold", hold()),
        ("Merchant", merchant()),
        ("Transaction", transaction()),
        ("Statement", page("StatementItem", "The newest first.")),
        ("StatementItem", statement_item()),
        ("Movements", page("Movement", "The oldest first.")),
        ("Movement", movement()),
        ("Health", health()),
        ("Stock", stock()),
        ("StockUnits", stock_units()),
        ("Reservation", reservation()),
        ("Code", code()),
    ]
}

fn list(of: &str, description: &str) -> Value {
    json!({ "type": "array", "items": named(of), "description": description })
}

fn stock() -> Value {
    object(
        "A sale and its units.",
        [
            ("sku", identifier("What is sold."), true),
            ("version", version(), true),
            (
                "state",
                one_of(
                    SaleState::ALL.map(SaleState::name),
                    "Where the sale stands.",
                ),
                true,
            ),
            ("merchant", identifier("Who gets the points."), true),
            ("price_points", points(1, "What one unit costs."), true),
            (
                "point_type",
                identifier("The kind of points that pay."),
                true,
            ),
            (
                "per_member_limit",
                or_null(points(1, "How many units a member may have.")),
                true,
            ),
            ("opens_at", or_null(utc("From when on.")), true),
            ("closes_at", or_null(utc("Until when.")), true),
            (
                "reservation_ttl_seconds",
                points(1, "After how many seconds a reservation expires."),
                true,
            ),
            ("units", named("StockUnits"), true),
        ],
    )
}

pub(super) fn stock_units() -> Value {
    object(
        "Where the units of a sale are.",
        [
            ("total", points(0, "All of them."), true),
            ("available", points(0, "On sale now."), true),
            (
                "returning",
                points(0, "Given back, and not yet on sale again."),
                true,
            ),
            ("reserved", points(0, "In open reservations."), true),
            ("sold", points(0, "Sold."), true),
        ],
    )
}

fn reservation() -> Value {
    let states = [
        HoldState::Open,
        HoldState::Captured,
        HoldState::Released,
        HoldState::Expired,
    ];
    object(
        "Units of a sale that are set aside with the points that pay for them.",
        [
            ("reservation", made("Which one."), true),
            ("member", identifier("For whom."), true),
            ("sku", identifier("Of what."), true),
            ("quantity", points(1, "How many units."), true),
            (
                "points_held",
                points(0, "The points that pay for them."),
                true,
            ),
            (
                "state",
                one_of(states.map(reservation_state), "Where it stands."),
                true,
            ),
            ("expires_at", utc("When it expires."), true),
            (
                "codes",
                json!({ "type": "array", "items": { "type": "string" },
                    "description": "What was given out when it was confirmed." }),
                true,
            ),
        ],
    )
}

fn code() -> Value {
    object(
        "The code of a sold unit.",
        [
            ("code", made("Which one."), true),
            ("sku", identifier("Of what."), true),
            (
                "state",
                one_of(CODE_STATES, "Whether it can be used."),
                true,
            ),
        ],
    )
}

fn member() -> Value {
    let states = [
        MemberState::Active,
        MemberState::Frozen,
        MemberState::Closed,
    ];
    object(
        "A member and what they have.",
        [
            ("member", identifier("Who."), true),
            (
                "state",
                one_of(
                    states.map(MemberState::name),
                    "A frozen member earns but does not spend; a closed one does neither.",
                ),
                true,
            ),
            (
                "balances",
                list("MemberBalance", "One for every kind of points."),
                true,
            ),
        ],
    )
}

fn member_balance() -> Value {
    object(
        "What a member has of a kind of points, lot by lot.",
        [
            ("point_type", identifier("The kind of points."), true),
            (
                "scale",
                told(
                    json!({ "type": "integer", "minimum": 0 }),
                    "How many decimals people see: points are counted in the smallest unit.",
                ),
                true,
            ),
            ("available", points(0, "What can be spent."), true),
            ("held", points(0, "What is set aside."), true),
            ("pending", points(0, "What will come."), true),
            ("owed", points(0, "The debt."), true),
            (
                "lots",
                list("MemberLot", "In the order in which they are spent."),
                true,
            ),
            (
                "pending_lots",
                list("PendingLot", "What will come, and when."),
                true,
            ),
        ],
    )
}

fn member_lot() -> Value {
    object(
        "Points of one issuer, class and last day.",
        [
            ("issuer", identifier("Who issued them."), true),
            ("class", identifier("Of which class they are."), true),
            ("last_day", last_day(), true),
            ("points", points(0, "How many can be spent."), true),
            ("held", points(0, "How many are set aside."), true),
        ],
    )
}

fn pending_lot() -> Value {
    object(
        "Points that will come.",
        [
            ("releases_at", utc("When."), true),
            ("points", points(0, "How many."), true),
            ("issuer", identifier("Who issued them."), true),
            ("class", identifier("Of which class they are."), true),
            ("last_day", last_day(), true),
        ],
    )
}

fn hold() -> Value {
    let states = [
        HoldState::Open,
        HoldState::Captured,
        HoldState::Released,
        HoldState::Expired,
    ];
    object(
        "Points that were set aside.",
        [
            ("hold", made("What it is called."), true),
            ("member", identifier("Whose points."), true),
            ("merchant", identifier("For whom."), true),
            ("point_type", identifier("The kind of points."), true),
            ("points", points(0, "How many were set aside."), true),
            ("captured", points(0, "How many of them were spent."), true),
            (
                "released",
                points(0, "How many of them were given back."),
                true,
            ),
            (
                "state",
                one_of(states.map(HoldState::name), "What became of it."),
                true,
            ),
            ("expires_at", utc("When it expires, or did."), true),
        ],
    )
}

fn merchant() -> Value {
    object(
        "A merchant's document.",
        [
            ("merchant", identifier("Which one."), true),
            ("name", text("What people call it."), true),
            ("version", version(), true),
            (
                "contracts",
                json!({
                    "type": "array", "items": super::contract::contract(),
                    "description": "What is agreed, each from its first day until the next one's.",
                }),
                true,
            ),
            (
                "prepaid",
                json!({
                    "type": "array", "items": prepaid(),
                    "description": "Points that it bought ahead, by kind.",
                }),
                true,
            ),
        ],
    )
}

fn prepaid() -> Value {
    let pack = object(
        "",
        [
            ("day", super::values::day("When it was bought."), true),
            ("points", points(1, "How many points."), true),
            ("price_fen", points(0, "For how much in all."), true),
        ],
    );
    object(
        "",
        [
            ("point_type", identifier("The kind of points."), true),
            ("bought", points(1, "All of them."), true),
            ("left", points(0, "Those that no member was given."), true),
            (
                "packs",
                json!({ "type": "array", "items": pack, "description": "The earliest first." }),
                true,
            ),
        ],
    )
}

fn transaction() -> Value {
    let kinds = one_of(CommandKind::ALL.map(CommandKind::name), "");
    let mut fields = answers::common(kinds);
    fields.push(("balance", named("Balance"), false));
    fields.push(("forfeited", answers::forfeited(), false));
    for (name, schema, _) in CommandKind::ALL.into_iter().flat_map(details) {
        if fields.iter().all(|(known, ..)| *known != name) {
            fields.push((name, schema, false));
        }
    }
    fields.retain(|(name, ..)| *name != "lots");
    fields.extend([
        ("member", identifier("Whose points."), true),
        (
            "merchant",
            or_null(identifier("Who issued or accepted them, if anybody did.")),
            true,
        ),
        ("lots", lots("What it moved, lot by lot."), true),
        ("reversed", points(0, "How much of it was reversed."), true),
    ]);
    object(
        "An accepted command, as it was answered, and what became of it.",
        fields,
    )
}

fn page(of: &str, order: &str) -> Value {
    object(
        "",
        [
            ("items", list(of, order), true),
            (
                "next_cursor",
                told(
                    json!({ "type": ["string", "null"] }),
                    "Where the next page begins; `null` on the last.",
                ),
                true,
            ),
            (
                "as_of",
                or_null(utc("Until when what was journaled is in it.")),
                true,
            ),
        ],
    )
}

/// The fields that statements and movements share.
fn item(transaction: Value) -> Vec<(&'static str, Value, bool)> {
    vec![
        ("at", utc("When."), true),
        (
            "type",
            one_of(
                item_kinds(),
                "The command's word, or what time did by itself.",
            ),
            true,
        ),
        ("transaction", transaction, true),
        ("point_type", identifier("The kind of points."), true),
    ]
}

fn statement_item() -> Value {
    let mut fields = item(or_null(made(
        "The transaction, if it is one. Points that a transfer sends off, or has back, are none: what the answer names is the \
         transfer as a whole.",
    )));
    fields.extend([
        ("offset", answers::offset(), true),
        (
            "merchant",
            or_null(identifier("Who issued or accepted the points.")),
            true,
        ),
        (
            "points",
            change("By how much what can be spent changed."),
            true,
        ),
        (
            "available_after",
            points(0, "What could be spent then."),
            true,
        ),
        ("held_after", points(0, "What was set aside then."), true),
        ("owed_after", points(0, "The debt then."), true),
        ("reference", or_null(text("As it was given.")), true),
    ]);
    object("Something that changed what a member has.", fields)
}

fn movement() -> Value {
    let mut fields = item(made("The transaction."));
    fields.extend([
        ("member", identifier("Whose points."), true),
        (
            "points",
            change("What the member was given or, below 0, what was taken."),
            true,
        ),
        ("order", or_null(text("The merchant's order.")), true),
        ("hold", or_null(made("The hold that was captured.")), true),
        (
            "reverses",
            or_null(made("The transaction that was reversed.")),
            true,
        ),
        ("reference", or_null(text("As it was given.")), true),
    ]);
    object(
        "Something that passed between a merchant and a member.",
        fields,
    )
}

fn health() -> Value {
    let status = one_of(["live", "ready"], "That all is well.");
    let queue = one_of(
        ["connected", "away"],
        "Of a server with a message queue, whether commands are taken out of it.",
    );
    let degraded = text("What the server has to do without, and why. It serves HTTP all the same.");
    object(
        "",
        [
            ("status", status, true),
            ("queue", queue, false),
            ("degraded", degraded, false),
        ],
    )
}
