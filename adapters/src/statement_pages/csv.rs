//! A statement for spreadsheets: one table, whose first column says what a row is.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};
use jifen_engine::clearing::{LineDocument, PositionDocument, StatementDocument};

use super::words;

const HEADER: [&str; 18] = [
    "row",
    "settlement",
    "merchant",
    "kind",
    "contract",
    "point_type",
    "counterpart",
    "points",
    "returned",
    "units",
    "orders",
    "money_fen",
    "price_fen",
    "price_per",
    "times",
    "over",
    "kept_fen",
    "fen",
];
/// What stands behind the header's last: text that may be long.
const NOTE: &str = "note";

/// A statement as CSV (RFC 4180): opening, lines, sums, and whose points went where. Amounts are in fen.
#[must_use]
pub fn statement_csv(statement: &StatementDocument<'_>) -> Vec<u8> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let mut rows = Rows {
        statement,
        written: writer.write_record(HEADER.iter().chain([&NOTE])),
        writer: &mut writer,
    };
    rows.sum("opening", statement.opening_fen);
    for line in &statement.lines {
        rows.line(line);
    }
    rows.sum("total", statement.total_fen);
    rows.sum("closing", statement.closing_fen);
    rows.sum("due", statement.due_fen);
    rows.sum("carried", statement.carried_fen);
    for position in &statement.accepted_from {
        rows.position("accepted_from", position);
    }
    for position in &statement.used_at {
        rows.position("used_at", position);
    }
    rows.written.expect("as many cells in every row");
    writer.into_inner().expect("memory takes everything")
}

struct Rows<'a> {
    statement: &'a StatementDocument<'a>,
    written: csv::Result<()>,
    writer: &'a mut csv::Writer<Vec<u8>>,
}

impl Rows<'_> {
    fn sum(&mut self, row: &'static str, fen: i128) {
        self.write(row, [""; 14], fen, "");
    }

    fn line(&mut self, line: &LineDocument<'_>) {
        let contract = line.contract.map(|day| day.to_string());
        let rate = line.rate;
        let note = line.note.as_ref().map(|note| match &note.reference {
            Some(reference) => format!("{}: {} ({reference})", note.id, note.reason),
            None => format!("{}: {}", note.id, note.reason),
        });
        let cells = [
            words::code(line.kind),
            contract.unwrap_or_default(),
            line.point_type.as_deref().unwrap_or_default().to_owned(),
            line.counterpart.as_deref().unwrap_or_default().to_owned(),
            line.points.to_string(),
            String::new(),
            line.units.to_string(),
            line.orders.to_string(),
            line.money_fen.to_string(),
            rate.fen.to_string(),
            rate.per.to_string(),
            rate.times.to_string(),
            rate.over.to_string(),
            line.kept_fen.to_string(),
        ];
        let cells = cells.each_ref().map(String::as_str);
        self.write("line", cells, line.fen, note.as_deref().unwrap_or_default());
    }

    fn position(&mut self, row: &'static str, position: &PositionDocument<'_>) {
        let contract = position.contract.map(|day| day.to_string());
        let (spent, returned) = (position.spent.to_string(), position.returned.to_string());
        let mut cells = [""; 14];
        cells[1] = contract.as_deref().unwrap_or_default();
        cells[2] = &position.point_type;
        cells[3] = &position.merchant;
        cells[4] = &spent;
        cells[5] = &returned;
        self.write(row, cells, position.value_fen, "");
    }

    fn write(&mut self, row: &str, cells: [&str; 14], fen: i128, note: &str) {
        let fen = fen.to_string();
        let known = [row, &self.statement.settlement, &self.statement.merchant];
        let cells = known.into_iter().chain(cells).chain([&*fen]).map(as_is);
        let record = cells.chain([harmless(note)]);
        let written = self
            .writer
            .write_record(record.map(|cell| cell.into_owned().into_bytes()));
        if self.written.is_ok() {
            self.written = written;
        }
    }
}

/// Identifiers and numbers, in which a spreadsheet sees nothing else.
fn as_is(text: &str) -> Cow<'_, str> {
    if text.parse::<i128>().is_ok() {
        return Cow::Borrowed(text);
    }
    harmless(text)
}

/// Text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
