//! Reads CSV and turns every row into the JSON object that the wire decodes, so that there is one decoding.
//!
//! The header names fields; `metadata.till` and `attributes.grade` are entries of the objects `metadata` and
//! `attributes`. An empty cell is an absent field.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Read, Write},
};

use csv_core::ReadRecordResult;

use super::chunk::{LINE_BYTES_MAX, RawLine, ReadLines, malformed};
use crate::wire::Invalid;

/// Fields that hold numbers. A cell of theirs that is no number is passed on as text, and refused as such.
const NUMBERS: [&str; 5] = [
    "points",
    "amount_fen",
    "cash_fen",
    "ttl_seconds",
    "quantity",
];
/// Fields that hold `true` or `false`.
const FLAGS: [&str; 1] = ["final"];
/// Fields that hold objects of strings.
const OBJECTS: [&str; 2] = ["attributes", "metadata"];

/// What a column holds.
enum Column {
    /// A field, by its name.
    Field { name: String, value: Value },
    /// An entry of one of [`OBJECTS`].
    Entry { object: usize, name: String },
}

#[derive(Clone, Copy)]
enum Value {
    Text,
    Number,
    Flag,
}

/// Rows of CSV as lines.
///
/// The parser is used without the reader around it, which would number rows by the line that ended the row before: a
/// file with other line ends would get other request ids.
pub(super) struct CsvRows<R> {
    read: BufReader<R>,
    parser: csv_core::Reader,
    columns: Vec<Column>,
    row: Row,
    /// The line that is read next.
    line: u64,
    bytes: u64,
}

/// A row: as it was read, and its cells end to end.
struct Row {
    raw: Vec<u8>,
    cells: Vec<u8>,
    /// Where each cell ends; only the first `count` mean anything.
    ends: Vec<usize>,
    count: usize,
}

impl Row {
    /// The cells without the spaces around them.
    fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let mut begin = 0;
        self.ends[..self.count].iter().map(move |&end| {
            let cell = &self.cells[begin..end];
            begin = end;
            cell.trim_ascii()
        })
    }
}

impl<R: Read + Send> CsvRows<R> {
    /// Reads the header, or says what is wrong with it. A `type` column may be missing if every row has the same type.
    pub(super) fn open(read: R, type_is_given: bool) -> io::Result<Result<Self, String>> {
        let mut rows = Self {
            read: BufReader::with_capacity(256 << 10, read),
            parser: csv_core::Reader::new(),
            columns: Vec::new(),
            row: Row {
                raw: Vec::new(),
                // No row has more cells than bytes, and one more.
                cells: vec![0; LINE_BYTES_MAX],
                ends: vec![0; LINE_BYTES_MAX + 1],
                count: 0,
            },
            line: 1,
            bytes: 0,
        };
        rows.read_row()?;
        let columns = columns(&rows.row, type_is_given);
        Ok(columns.map(|columns| Self { columns, ..rows }))
    }

    /// Reads a row and tells on which line it begins; `None` at the end of the file.
    fn read_row(&mut self) -> io::Result<Option<u64>> {
        self.skip_line_ends()?;
        let begin = self.line;
        let Row {
            raw,
            cells,
            ends,
            count,
        } = &mut self.row;
        raw.clear();
        *count = 0;
        let mut filled = 0;
        loop {
            let input = self.read.fill_buf()?;
            let input = &input[..input.len().min(LINE_BYTES_MAX - raw.len())];
            let (result, read, written, ended) =
                self.parser
                    .read_record(input, &mut cells[filled..], &mut ends[*count..]);
            raw.extend_from_slice(&input[..read]);
            self.line += input[..read].iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.bytes += read as u64;
            self.read.consume(read);
            filled += written;
            *count += ended;
            match result {
                ReadRecordResult::Record => return Ok(Some(begin)),
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::InputEmpty if raw.len() < LINE_BYTES_MAX => {}
                // A quote that is never closed would make one row of the rest of the file.
                _ => {
                    let what = format!(
                        "the row on line {begin} is longer than {LINE_BYTES_MAX} bytes; is a quote not closed?"
                    );
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
            }
        }
    }

    /// Goes to where the next row begins: behind the second half of a line end, and behind blank lines.
    fn skip_line_ends(&mut self) -> io::Result<()> {
        while let Some(&byte @ (b'\r' | b'\n')) = self.read.fill_buf()?.first() {
            self.read.consume(1);
            self.bytes += 1;
            self.line += u64::from(byte == b'\n');
        }
        Ok(())
    }
}

impl<R: Read + Send> ReadLines for CsvRows<R> {
    fn read_line(&mut self, text: &mut Vec<u8>) -> io::Result<Option<RawLine>> {
        let Some(number) = self.read_row()? else {
            return Ok(None);
        };
        let from = text.len();
        let valid = write_object(&self.columns, &self.row, text);
        if valid.is_err() {
            text.truncate(from);
            text.extend_from_slice(self.row.raw.trim_ascii());
        }
        Ok(Some(RawLine { number, valid }))
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }
}

fn columns(header: &Row, type_is_given: bool) -> Result<Vec<Column>, String> {
    let mut names = BTreeSet::new();
    let mut columns = Vec::with_capacity(header.count);
    for (place, name) in (1..).zip(header.cells()) {
        let name = std::str::from_utf8(name).unwrap_or_default();
        if name.is_empty() {
            return Err(format!("column {place} has no name"));
        }
        if !names.insert(name) {
            return Err(format!("two columns are called {name:?}"));
        }
        columns.push(column(name)?);
    }
    if columns.is_empty() {
        return Err("there is no header".to_owned());
    }
    if !type_is_given && !names.contains("type") {
        return Err("there is no column \"type\"; say with --type what the rows are".to_owned());
    }
    Ok(columns)
}

fn column(name: &str) -> Result<Column, String> {
    if let Some((object, entry)) = name.split_once('.') {
        let object = OBJECTS.iter().position(|known| *known == object);
        return object
            .map(|object| Column::Entry {
                object,
                name: entry.to_owned(),
            })
            .ok_or_else(|| {
                format!(
                    "column {name:?}: only {} have entries",
                    OBJECTS.join(" and ")
                )
            });
    }
    if OBJECTS.contains(&name) {
        return Err(format!(
            "column {name:?}: name its entries, such as {name}.till"
        ));
    }
    let value = if NUMBERS.contains(&name) {
        Value::Number
    } else if FLAGS.contains(&name) {
        Value::Flag
    } else {
        Value::Text
    };
    Ok(Column::Field {
        name: name.to_owned(),
        value,
    })
}

fn write_object(columns: &[Column], row: &Row, text: &mut Vec<u8>) -> Result<(), Invalid> {
    let (cells, named) = (row.count, columns.len());
    if cells != named {
        return Err(malformed(format!(
            "has {cells} cells, but the header names {named}"
        )));
    }
    text.push(b'{');
    let begin = text.len();
    for (column, cell) in columns
        .iter()
        .zip(row.cells())
        .filter(|(_, cell)| !cell.is_empty())
    {
        if let Column::Field { name, value } = column {
            write_name(name, begin, text);
            write_value(*value, cell_text(name, cell)?, text);
        }
    }
    for (object, name) in OBJECTS.iter().enumerate() {
        write_entries(columns, row, object, name, begin, text)?;
    }
    text.push(b'}');
    Ok(())
}

/// Writes the object `name` with its entries, if it has any.
fn write_entries(
    columns: &[Column],
    row: &Row,
    object: usize,
    name: &str,
    begin: usize,
    text: &mut Vec<u8>,
) -> Result<(), Invalid> {
    let mut inner = None;
    for (column, cell) in columns
        .iter()
        .zip(row.cells())
        .filter(|(_, cell)| !cell.is_empty())
    {
        let Column::Entry {
            object: of,
            name: entry,
        } = column
        else {
            continue;
        };
        if *of != object {
            continue;
        }
        let begin = *inner.get_or_insert_with(|| {
            write_name(name, begin, text);
            text.push(b'{');
            text.len()
        });
        write_name(entry, begin, text);
        write_string(cell_text(entry, cell)?, text);
    }
    if inner.is_some() {
        text.push(b'}');
    }
    Ok(())
}

fn write_name(name: &str, begin: usize, text: &mut Vec<u8>) {
    if text.len() > begin {
        text.push(b',');
    }
    write_string(name, text);
    text.push(b':');
}

fn write_value(value: Value, cell: &str, text: &mut Vec<u8>) {
    match value {
        // Signs are passed on; what they mean is the wire's to say. Leading zeros are no JSON.
        Value::Number if let Ok(number) = cell.parse::<i64>() => {
            // Writing into memory cannot fail.
            let _ = write!(text, "{number}");
        }
        Value::Flag if matches!(cell, "true" | "false") => text.extend_from_slice(cell.as_bytes()),
        Value::Text | Value::Number | Value::Flag => write_string(cell, text),
    }
}

fn write_string(string: &str, text: &mut Vec<u8>) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(text, string);
}

fn cell_text<'a>(name: &str, cell: &'a [u8]) -> Result<&'a str, Invalid> {
    std::str::from_utf8(cell).map_err(|_| malformed(format!("the cell of {name:?} is not UTF-8")))
}

#[cfg(test)]
mod tests;
