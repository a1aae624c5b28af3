//! What people call things.

use jifen_engine::clearing::{LineDocument, LineKind, Quantity};

/// What a kind of lines is called.
pub(super) const fn kind(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Accepted => "Points accepted",
        LineKind::Returned => "Sent back",
        LineKind::PassedThrough => "Discount passed on as points",
        LineKind::Issued => "Points issued",
        LineKind::Used => "Own points spent",
        LineKind::Pack => "Pack of points bought",
        LineKind::Drawn => "Points drawn from a pack",
        LineKind::OrderFee => "Fee for orders",
        LineKind::TurnoverFee => "Fee on turnover",
        LineKind::MinimumFee => "Up to the least fee",
        LineKind::EntryFee => "Entry fee",
        LineKind::YearlyFee => "Yearly fee",
        LineKind::FeeReturned => "Yearly fee returned for stars",
        LineKind::Commission => "Commission",
        LineKind::Correction => "Correction",
    }
}

/// The word of a kind in JSON.
pub(super) fn code(kind: LineKind) -> String {
    let quoted = serde_json::to_string(&kind).unwrap_or_default();
    quoted.trim_matches('"').to_owned()
}

/// How a line was priced, such as `1 fen for 2 points, × 9000/9500`.
pub(super) fn rate(line: &LineDocument<'_>) -> String {
    let rate = line.rate;
    let (one, many) = match rate.of {
        Quantity::Nothing => ("", ""),
        Quantity::Points => ("point", "points"),
        Quantity::Units => ("unit", "units"),
        Quantity::Orders => ("order", "orders"),
    };
    let mut told = match (rate.of, rate.per) {
        (Quantity::Nothing, _) => String::new(),
        (_, 1) => format!("{} a {one}", yuan(rate.fen.into())),
        (_, per) => format!("{} for {per} {many}", yuan(rate.fen.into())),
    };
    if rate.times != rate.over {
        if !told.is_empty() {
            told.push_str(", ");
        }
        told.push_str(&format!("× {}/{}", rate.times, rate.over));
    }
    told
}

/// Fen as yuan: `-1,234.05`.
pub(super) fn yuan(fen: i128) -> String {
    let (sign, fen) = (if fen < 0 { "-" } else { "" }, fen.unsigned_abs());
    format!("{sign}{}.{:02}", grouped(fen / 100), fen % 100)
}

/// A number with a comma before every three digits.
pub(super) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number that may be below zero; nothing for none.
pub(super) fn count(number: i128) -> String {
    match number {
        0 => String::new(),
        _ => format!(
            "{}{}",
            if number < 0 { "-" } else { "" },
            grouped(number.unsigned_abs())
        ),
    }
}
