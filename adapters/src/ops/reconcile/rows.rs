//! Reads a list: a row is what identifies a transaction, its type and its points. About 60 bytes a row stay in memory.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use compact_str::CompactString;
use serde::Deserialize;

/// How many rows a list may have, so that memory has a bound.
const ROWS_MAX: usize = 20_000_000;
const BUFFER_BYTES: usize = 1 << 20;

/// What rows are matched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Key {
    /// The transaction's own name; it says which row is meant, whatever its type.
    Transaction,
    /// The order; together with the type.
    Order,
    /// The reference; together with the type.
    Reference,
}

impl Key {
    const ALL: [Self; 3] = [Self::Transaction, Self::Order, Self::Reference];

    /// The field's name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Order => "order",
            Self::Reference => "reference",
        }
    }
}

const FIELDS: [&str; 5] = ["transaction", "order", "reference", "points", "type"];

/// What fields are called in a CSV, if not by their own names.
#[derive(Default)]
pub(super) struct Columns<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Columns<'a> {
    pub(super) fn renamed(pairs: &'a [(String, String)]) -> Result<Self, ListError> {
        for (place, (field, _)) in pairs.iter().enumerate() {
            if pairs[..place].iter().any(|(before, _)| before == field) {
                return Err(ListError::ColumnTwice(field.clone()));
            }
        }
        let pairs = pairs.iter();
        Ok(Self(
            pairs
                .map(|(field, column)| (field.as_str(), column.as_str()))
                .collect(),
        ))
    }

    fn of(&self, field: &'a str) -> &'a str {
        let found = self.0.iter().find(|(known, _)| *known == field);
        found.map_or(field, |(_, column)| column)
    }
}

/// Reads `FIELD=COLUMN`.
pub(super) fn renamed(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, column)) if FIELDS.contains(&field) && !column.is_empty() => {
            Ok((field.to_owned(), column.to_owned()))
        }
        _ => Err(format!(
            "must be FIELD=COLUMN, with a field out of {}",
            FIELDS.join(", ")
        )),
    }
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// What it is matched by.
    pub(super) key: CompactString,
    /// The number of its type among those of the list.
    pub(super) kind: u16,
    pub(super) points: i64,
    /// Which row of its list it is, from 1; the header of a CSV does not count.
    pub(super) number: u32,
}

/// A list in the order in which it was read.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) rows: Vec<Row>,
    /// The words of types; an empty one for a row without.
    pub(super) kinds: Vec<CompactString>,
}

/// Why a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListError {
    #[error("{path}: {1}", path = .0.display())]
    Read(PathBuf, io::Error),
    #[error("{path}, row {1}: {2}", path = .0.display())]
    Row(PathBuf, usize, String),
    #[error("{path}: the header has no column {1:?}; say what it is called with --column", path = .0.display())]
    Column(PathBuf, String),
    #[error("{path}: the header has no column for `transaction`, `order` or `reference`; say what one is called with --column", path = .0.display())]
    NoKey(PathBuf),
    #[error("--column {0}=…: is given more than once")]
    ColumnTwice(String),
}

/// What of a row counts.
pub(super) struct Reading {
    /// What rows are matched by; if nothing is said, what the list has.
    pub(super) by: Option<Key>,
    pub(super) ignore_sign: bool,
    pub(super) ignore_type: bool,
}

/// Reads a list, and tells what its rows are matched by.
pub(super) fn read(
    path: &Path,
    columns: &Columns<'_>,
    reading: &Reading,
) -> Result<(List, Key), ListError> {
    let failed = |error| ListError::Read(path.to_owned(), error);
    let mut source: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(BufReader::with_capacity(BUFFER_BYTES, io::stdin()))
    } else {
        let file = File::open(path).map_err(failed)?;
        Box::new(BufReader::with_capacity(BUFFER_BYTES, file))
    };
    let begin = source.fill_buf().map_err(failed)?;
    let is_json = begin.trim_ascii_start().starts_with(b"{") || begin.is_empty();
    let mut gathering = Gathering {
        path,
        reading,
        list: List::default(),
    };
    let key = if is_json {
        gathering.json(source)?
    } else {
        gathering.csv(source, columns)?
    };
    Ok((gathering.list, key))
}

/// An item of the list of a merchant's transactions, or a page of them.
#[derive(Deserialize)]
struct Item {
    items: Option<Vec<Item>>,
    transaction: Option<CompactText>,
    order: Option<CompactText>,
    reference: Option<CompactText>,
    #[serde(rename = "type")]
    kind: Option<CompactText>,
    points: Option<i64>,
}

/// Text that mostly needs no memory of its own.
struct CompactText(CompactString);

impl<'de> Deserialize<'de> for CompactText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer).map(|text| Self(CompactString::from(text)))
    }
}

impl Item {
    fn key(&self, key: Key) -> Option<&str> {
        let text = match key {
            Key::Transaction => &self.transaction,
            Key::Order => &self.order,
            Key::Reference => &self.reference,
        };
        text.as_ref().map(|text| text.0.as_str())
    }
}

struct Gathering<'a> {
    path: &'a Path,
    reading: &'a Reading,
    list: List,
}

impl Gathering<'_> {
    fn json(&mut self, source: impl BufRead) -> Result<Key, ListError> {
        let mut by = self.reading.by;
        for item in serde_json::Deserializer::from_reader(source).into_iter::<Item>() {
            let item = item.map_err(|error| self.wrong(error))?;
            match &item.items {
                Some(items) => {
                    for item in items {
                        self.item(item, &mut by)?;
                    }
                }
                None => self.item(&item, &mut by)?,
            }
        }
        Ok(by.unwrap_or(Key::Transaction))
    }

    fn item(&mut self, item: &Item, by: &mut Option<Key>) -> Result<(), ListError> {
        let first = || Key::ALL.into_iter().find(|key| item.key(*key).is_some());
        let key = by.or_else(first).unwrap_or(Key::Transaction);
        *by = Some(key);
        let points = item
            .points
            .ok_or_else(|| self.wrong("has no `points`, or is no transaction"))?;
        let kind = item.kind.as_ref().map_or("", |kind| kind.0.as_str());
        self.push(item.key(key).unwrap_or_default(), kind, points)
    }

    fn csv(&mut self, source: impl BufRead, columns: &Columns<'_>) -> Result<Key, ListError> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(source);
        let header = reader.headers().map_err(|error| self.wrong(error))?.clone();
        // Spreadsheets put a mark in front of UTF-8.
        let is = |cell: &str, column| cell.trim_start_matches('\u{feff}') == column;
        let find = |field| {
            let column = columns.of(field);
            header
                .iter()
                .position(|cell| is(cell, column))
                .ok_or_else(|| ListError::Column(self.path.to_owned(), column.to_owned()))
        };
        let (key, key_at) = match self.reading.by {
            Some(key) => (key, find(key.name())?),
            None => Key::ALL
                .into_iter()
                .find_map(|key| Some((key, find(key.name()).ok()?)))
                .ok_or_else(|| ListError::NoKey(self.path.to_owned()))?,
        };
        let points_at = find("points")?;
        let kind_at = match self.reading.ignore_type {
            true => None,
            false => Some(find("type")?),
        };
        let mut record = csv::StringRecord::new();
        while reader
            .read_record(&mut record)
            .map_err(|error| self.wrong(error))?
        {
            let cell = |at: usize| record.get(at).unwrap_or_default();
            let points = cell(points_at).parse().map_err(|_| {
                self.wrong(format_args!(
                    "{:?} is no whole number of points",
                    cell(points_at)
                ))
            })?;
            self.push(cell(key_at), kind_at.map_or("", cell), points)?;
        }
        Ok(key)
    }

    fn push(&mut self, key: &str, kind: &str, points: i64) -> Result<(), ListError> {
        if self.list.rows.len() == ROWS_MAX {
            return Err(self.wrong(format_args!("a list has at most {ROWS_MAX} rows")));
        }
        let number = u32::try_from(self.list.rows.len() + 1).unwrap_or(u32::MAX);
        let kind = if self.reading.ignore_type { "" } else { kind };
        let kind = self.kind(kind)?;
        self.list.rows.push(Row {
            key: key.into(),
            kind,
            points: match self.reading.ignore_sign {
                true => points.saturating_abs(),
                false => points,
            },
            number,
        });
        Ok(())
    }

    /// The number of a type; there are few.
    fn kind(&mut self, word: &str) -> Result<u16, ListError> {
        let kinds = &mut self.list.kinds;
        let at = kinds.iter().position(|known| known == word);
        let at = at.unwrap_or_else(|| {
            kinds.push(word.into());
            kinds.len() - 1
        });
        match u16::try_from(at) {
            Ok(at @ 0..1_000) => Ok(at),
            _ => Err(self.wrong("there are more than 1000 types: is `type` the right column?")),
        }
    }

    /// What is wrong with the row behind those that were read.
    fn wrong(&self, detail: impl ToString) -> ListError {
        ListError::Row(
            self.path.to_owned(),
            self.list.rows.len() + 1,
            detail.to_string(),
        )
    }
}
