//! What became of the lines of an import, in numbers.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets::NOTHING};
use serde::Serialize;

/// What became of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many lines were read and judged; blank ones are none.
    pub lines: u64,
    /// Applied now.
    pub accepted: u64,
    /// Accepted earlier under the same request id.
    pub already_applied: u64,
    /// Refused, by code.
    pub refused: BTreeMap<&'static str, u64>,
    /// No commands.
    pub malformed: u64,
    /// Sent to the engine, which could not say what became of them.
    pub unanswered: u64,
}

impl Summary {
    /// Lines that were refused or malformed.
    #[must_use]
    pub fn not_accepted(&self) -> u64 {
        self.refused.values().sum::<u64>() + self.malformed
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(NOTHING);
        let mut row = |what: &str, count: u64| {
            table.add_row([what.to_owned(), grouped(count)]);
        };
        row("lines", self.lines);
        row("accepted", self.accepted);
        row("already applied", self.already_applied);
        for (code, count) in &self.refused {
            row(&format!("refused: {code}"), *count);
        }
        row("malformed", self.malformed);
        if self.unanswered > 0 {
            row("not answered", self.unanswered);
        }
        if let Some(what) = table.column_mut(0) {
            what.set_padding((0, 2));
        }
        if let Some(counts) = table.column_mut(1) {
            counts.set_cell_alignment(CellAlignment::Right);
        }
        table.trim_fmt()
    }
}

/// A number as people read it: `12,034`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }

    #[test]
    fn the_table_tells_every_number() {
        let mut summary = Summary {
            lines: 1_234,
            accepted: 1_200,
            already_applied: 20,
            malformed: 2,
            ..Summary::default()
        };
        summary.refused.insert("member_not_found", 3);
        summary.refused.insert("insufficient_points", 9);
        assert_eq!(summary.not_accepted(), 14);
        let table = summary.table();
        let rows: Vec<Vec<&str>> = table
            .lines()
            .map(|row| {
                row.split("  ")
                    .map(str::trim)
                    .filter(|cell| !cell.is_empty())
                    .collect()
            })
            .collect();
        assert_eq!(
            rows,
            [
                ["lines", "1,234"],
                ["accepted", "1,200"],
                ["already applied", "20"],
                ["refused: insufficient_points", "9"],
                ["refused: member_not_found", "3"],
                ["malformed", "2"],
            ]
        );
    }
}
