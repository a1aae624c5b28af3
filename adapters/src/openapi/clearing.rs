//! What reads of clearing show.

use serde_json::{Value, json};

use super::{
    named, object,
    values::{identifier, made, one_of, or_null, told, utc},
};
use crate::http::clearing::{CORRECTION_STATES, SETTLEMENT_STATES};

/// Everything that is shown, and what it is made of.
pub(super) fn all() -> [(&'static str, Value); 12] {
    [
        (
            "Settlements",
            list_of("Settlements", "settlements", "Settlement"),
        ),
        ("Settlement", settlement()),
        ("SettlementStatement", statement()),
        ("Proof", proof()),
        ("SettlementPayments", payments()),
        ("SettlementMatrix", matrix()),
        (
            "Corrections",
            list_of("Corrections", "corrections", "Correction"),
        ),
        ("Correction", correction()),
        ("Positions", report("positions", "Position")),
        ("Position", position()),
        ("Liability", report("liability", "LiabilityRow")),
        ("LiabilityRow", liability()),
    ]
}

fn list_of(what: &str, field: &'static str, of: &str) -> Value {
    let all = json!({ "type": "array", "items": named(of), "description": "The earliest first." });
    object(
        &format!("{what} that the principal may see."),
        [(field, all, true)],
    )
}

fn report(field: &'static str, of: &str) -> Value {
    let rows = json!({ "type": "array", "items": named(of), "description": "Sorted by name." });
    object(
        "Rows, added up over all shards.",
        [
            (field, rows, true),
            (
                "as_of",
                utc("Everything that was decided until then is in it."),
                true,
            ),
        ],
    )
}

fn fen(description: &str) -> Value {
    json!({ "type": "integer", "description": description })
}

fn count(description: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": description })
}

fn hash(description: &str) -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$", "description": description })
}

fn date(description: &str) -> Value {
    told(json!({ "type": "string", "format": "date" }), description)
}

fn settlement() -> Value {
    object(
        "A period that is being closed, or is.",
        [
            (
                "settlement",
                made("What it is called: its first and its last day."),
                true,
            ),
            ("period_start", date("Its first day."), true),
            ("period_end", date("Its last day."), true),
            (
                "state",
                one_of(
                    SETTLEMENT_STATES,
                    "How far it is; only what is published counts.",
                ),
                true,
            ),
            ("opened_at", utc("When closing was asked for."), true),
            ("published_at", or_null(utc("When it was published.")), true),
            (
                "root",
                or_null(hash(
                    "The hash over all statements and the summary, as RFC 6962 has it.",
                )),
                true,
            ),
            (
                "failure",
                or_null(
                    json!({ "type": "string", "description": "Why it did not come to its end; it is tried again." }),
                ),
                true,
            ),
            (
                "summary",
                json!({ "type": "object", "description": "What it comes to, in its canonical form; not told to merchants." }),
                false,
            ),
        ],
    )
}

fn statement() -> Value {
    object(
        "A merchant's statement with the proof that it belongs to what was published: `jifen verify statement` checks it offline.",
        [
            (
                "statement",
                json!({
                    "type": "object", "description": "In its canonical form: opening, lines, totals, and what is due. Amounts are \
                    in fen; above zero the merchant gets them.",
                }),
                true,
            ),
            ("proof", named("Proof"), true),
        ],
    )
}

fn proof() -> Value {
    object(
        "That the SHA-256 of a document is a leaf of the published tree.",
        [
            ("settlement", made("Of which settlement."), true),
            ("root", hash("The published hash."), true),
            (
                "index",
                count("The document's place among the leaves."),
                true,
            ),
            ("count", count("How many leaves there are."), true),
            (
                "path",
                json!({ "type": "array", "items": hash("A hash beside the way to the root."),
                    "description": "The lowest first." }),
                true,
            ),
        ],
    )
}

fn payments() -> Value {
    object(
        "One net payment for each merchant; the operator is on the other side.",
        [
            ("settlement", made("Of which settlement."), true),
            ("paid_fen", fen("What the operator pays in all."), true),
            ("collected_fen", fen("What it collects in all."), true),
            (
                "payments",
                json!({ "type": "array", "items": { "type": "object" },
                    "description": "`merchant` and `fen`: above zero the operator pays." }),
                true,
            ),
        ],
    )
}

fn matrix() -> Value {
    object(
        "Whose points were accepted by whom.",
        [
            ("settlement", made("Of which settlement."), true),
            (
                "cells",
                json!({ "type": "array", "items": { "type": "object" } }),
                true,
            ),
        ],
    )
}

fn correction() -> Value {
    let reference = json!({ "type": "string", "description": "What it refers to." });
    object(
        "Money between a merchant and the operator that no command gives rise to.",
        [
            ("correction", identifier("What it is called."), true),
            ("merchant", identifier("Whom it concerns."), true),
            (
                "amount_fen",
                fen("What the merchant gets; below zero it pays."),
                true,
            ),
            (
                "reason",
                json!({ "type": "string", "description": "Why." }),
                true,
            ),
            ("reference", or_null(reference), true),
            (
                "state",
                one_of(CORRECTION_STATES, "Whether it counts."),
                true,
            ),
            ("proposed_by", identifier("Who proposed it."), true),
            ("proposed_at", utc("When."), true),
            (
                "decided_by",
                or_null(identifier("Who decided about it: somebody else.")),
                true,
            ),
            ("decided_at", or_null(utc("When.")), true),
            (
                "day",
                or_null(date("On which day it counts, and so in which period.")),
                true,
            ),
        ],
    )
}

fn position() -> Value {
    object(
        "Points of one issuer that one acceptor took on days that are not settled.",
        [
            ("issuer", identifier("Whose points."), true),
            ("acceptor", identifier("Who took them."), true),
            ("point_type", identifier("Of which kind."), true),
            ("spent", count("How many were spent."), true),
            ("returned", count("How many came back."), true),
        ],
    )
}

fn liability() -> Value {
    object(
        "What became of the points of one issuer that lapse in one month.",
        [
            ("issuer", identifier("Whose points."), true),
            ("point_type", identifier("Of which kind."), true),
            (
                "lapses_in",
                or_null(json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$",
                    "description": "The month in which they lapse." })),
                true,
            ),
            (
                "opening",
                fen("Outstanding before the first day that was asked for."),
                true,
            ),
            ("issued", count("Given to members."), true),
            ("reversed", count("Of those, taken back."), true),
            ("used", count("Spent."), true),
            ("returned", count("Of those, given back."), true),
            ("lapsed", count("Lapsed or given up."), true),
            ("adjusted", fen("Put right by the operator."), true),
            (
                "closing",
                fen("Outstanding now: opening, and what came less what went."),
                true,
            ),
            (
                "usage",
                or_null(count(
                    "Spent, in hundredths of a per cent of what was issued.",
                )),
                true,
            ),
        ],
    )
}
