//! The message that stands for many events of a sale.

use jifen_engine::reads::SaleState;
use serde_json::{Value, json};

use super::{
    named, object,
    values::{cursor, identifier, one_of, points, told, utc},
};
use crate::wire::{LEVEL, SOURCE, TYPE_PREFIX};

/// A level is a look at a sale, and no decision: it has no shard and no sequence.
pub(super) fn level() -> Value {
    let constant = |value: &str| json!({ "type": "string", "const": value });
    object(
        "How the units of a sale stand, in place of many events. It is read after them, and may show some of what comes next.",
        [
            ("specversion", constant("1.0"), true),
            (
                "id",
                told(
                    json!({ "type": "string" }),
                    "The place, the time and the sale.",
                ),
                true,
            ),
            ("source", constant(SOURCE), true),
            ("type", constant(&format!("{TYPE_PREFIX}{LEVEL}")), true),
            ("subject", identifier("The sale."), true),
            ("time", utc("When it was looked at."), true),
            ("datacontenttype", constant("application/json"), true),
            (
                "cursor",
                cursor("The place behind the last event that it stands for, to go on from."),
                true,
            ),
            (
                "data",
                object(
                    "",
                    [
                        ("sku", identifier("What is sold."), true),
                        ("merchant", identifier("Who sells it."), true),
                        (
                            "state",
                            one_of(
                                SaleState::ALL.map(SaleState::name),
                                "Where the sale stands.",
                            ),
                            true,
                        ),
                        ("units", named("StockUnits"), true),
                        ("events", points(1, "How many events it stands for."), true),
                    ],
                ),
                true,
            ),
        ],
    )
}
