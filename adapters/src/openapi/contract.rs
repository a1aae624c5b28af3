//! The schema of a contract.

use jifen_engine::ledger::STARS_MAX;
use serde_json::{Value, json};

/// What a merchant document says of what is agreed.
pub(super) fn contract() -> Value {
    json!({
        "type": "object",
        "description": "What is agreed with the merchant from a day on, in place of whatever was agreed for then and later. \
                        What is left out is not agreed.",
        "required": ["valid_from"],
        "additionalProperties": false,
        "allOf": [only_with("per_unit", "unit_price_fen"), only_with("share", "share")],
        "properties": {
            "valid_from": super::values::day("Its first day."),
            "issue_price": price("What the merchant pays for points that it issues."),
            "billing": word(
                &["issued", "used", "prepaid"],
                "issued",
                "When it pays that: when they are issued, when somebody spends them, or before, in packs.",
            ),
            "accept_price": price("What points are worth where the merchant accepts them."),
            "payout": word(
                &["discount", "per_unit", "share"],
                "discount",
                "What it is due: the settlement discount out of the customer price of points and money together, so much a \
                 unit, or a share of points and money together.",
            ),
            "unit_price_fen": money("Only with a `payout` of `per_unit`: what it is due for a unit."),
            "share": parts(0, "Only with a `payout` of `share`: its share."),
            "settlement_discount": whole(0, "What is paid out of a list price."),
            "customer_price": whole(1, "What a customer pays of a list price."),
            "pass_through": whole(0, "Which part of the gap between the two goes to members."),
            "till": word(&["merchant", "operator"], "merchant", "Who has the money that customers pay."),
            "fees": {
                "type": "object",
                "description": "What the operator takes.",
                "additionalProperties": false,
                "properties": {
                    "per_order_fen": money("For each order that was not sent back."),
                    "turnover": parts(0, "Of points and money together."),
                    "minimum_fen": money("The least that both together come to in a settlement."),
                    "entry_fen": money("Once, with the merchant's first contract."),
                    "yearly_fen": money("For each calendar year, at its end."),
                },
            },
            "stars": {
                "type": "array",
                "maxItems": STARS_MAX,
                "description": "What gives back a part of the yearly fee, the highest last; both figures must be reached.",
                "items": {
                    "type": "object",
                    "required": ["turnover_fen", "orders", "returned"],
                    "additionalProperties": false,
                    "properties": {
                        "turnover_fen": money("Points and money together in the year."),
                        "orders": {
                            "type": "integer", "minimum": 0, "maximum": u32::MAX, "description": "Orders in the year.",
                        },
                        "returned": parts(0, "Which part of the fee comes back."),
                    },
                },
            },
            "commission": {
                "type": "object",
                "description": "Who brings the orders, at the operator's cost.",
                "required": ["agent", "share"],
                "additionalProperties": false,
                "properties": {
                    "agent": super::values::identifier("Who gets it; settled like a merchant."),
                    "share": parts(0, "Of the value of the points."),
                },
            },
            "cycle": word(&["day", "week", "month"], "month", "How often the merchant is paid; a week ends on a Sunday."),
            "late_days_max": {
                "type": "integer", "minimum": 0, "maximum": u16::MAX,
                "description": "How many days after it happened an event may come.",
            },
        },
    })
}

/// A figure that a payout needs, and no other one may have.
fn only_with(payout: &str, figure: &str) -> Value {
    json!({
        "if": { "required": ["payout"], "properties": { "payout": { "const": payout } } },
        "then": { "required": [figure] },
        "else": { "properties": { figure: false } },
    })
}

fn price(description: &str) -> Value {
    json!({
        "type": "object",
        "description": format!("{description} So much money for so many points, in their smallest unit."),
        "required": ["fen", "points"],
        "additionalProperties": false,
        "properties": {
            "fen": { "type": "integer", "minimum": 0, "maximum": u32::MAX, "description": "The money." },
            "points": { "type": "integer", "minimum": 1, "maximum": u32::MAX, "description": "The points." },
        },
    })
}

fn money(description: &str) -> Value {
    json!({
        "type": "integer", "minimum": 0, "maximum": 9_007_199_254_740_991_u64,
        "description": format!("{description} In fen."),
    })
}

fn parts(minimum: u16, description: &str) -> Value {
    json!({
        "type": "integer", "minimum": minimum, "maximum": 10_000,
        "description": format!("{description} In hundredths of a per cent: 9000 is 90 %."),
    })
}

fn whole(minimum: u16, description: &str) -> Value {
    let mut parts = parts(minimum, description);
    parts["default"] = json!(10_000);
    parts
}

fn word(words: &[&str], default: &str, description: &str) -> Value {
    json!({ "type": "string", "enum": words, "default": default, "description": description })
}
