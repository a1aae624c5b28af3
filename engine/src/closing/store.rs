//! Settlements on disk: what was published, and what the next one has to know.
//!
//! ```text
//! DIR/settlements/2026-10-01_2026-10-31/
//!     statements.jsonl   the canonical form of every statement, a line each, sorted by merchant
//!     index.json         where in it each is, and its hash
//!     payments.json, matrix.json, summary.json
//!     after.json         what is carried on
//! ```
//!
//! A directory gets its name when all its files are on the device.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{CloseError, Known};
use crate::clearing::{Before, Digest, Inclusion, Input, Part, Settlement, Tree, publish};

const STATEMENTS: &str = "statements.jsonl";
const INDEX: &str = "index.json";
const PAYMENTS: &str = "payments.json";
const MATRIX: &str = "matrix.json";
const SUMMARY: &str = "summary.json";
const AFTER: &str = "after.json";

/// How many bytes of a long file are written before they are on the device, so that whoever commits meanwhile waits for no more.
const PIECE_BYTES: usize = 1 << 20;

/// A long file. Whatever is written to it is on the device then.
struct Synced(File);

impl Write for Synced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.0.sync_data()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Synced {
    fn create(path: &Path) -> io::Result<BufWriter<Self>> {
        let file = Self(File::create(path)?);
        Ok(BufWriter::with_capacity(PIECE_BYTES, file))
    }
}

/// Where a statement is.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    merchant: String,
    at: u64,
    bytes: u64,
    sha256: Digest,
}

#[derive(Debug, Serialize, Deserialize)]
struct Index {
    summary_sha256: Digest,
    statements: Vec<Place>,
    /// Of what is carried on, which is not published: files that harm has come to are found by it. Settlements of before have none.
    #[serde(default)]
    after_sha256: Option<Digest>,
}

/// What of a summary the files beside it are checked with.
#[derive(Deserialize)]
struct Hashes {
    matrix_sha256: Digest,
    payments_sha256: Digest,
}

/// What of a statement the next settlement begins with.
#[derive(Deserialize)]
struct Carried {
    carried_fen: i128,
}

/// What is carried on, with names spelled out and amounts as text: they may be wider than a JSON number.
#[derive(Debug, Serialize, Deserialize)]
struct After {
    merchant: String,
    carried: String,
    year_turnover: String,
    year_orders: i64,
    drawn: BTreeMap<String, String>,
}

/// The settlements of a data directory.
#[derive(Clone)]
pub struct Store {
    directory: PathBuf,
    /// What was opened last: merchants fetch their statements one after the other.
    last: Arc<Mutex<Option<Arc<Files>>>>,
}

/// A published settlement's files.
pub struct Files {
    directory: PathBuf,
    index: Index,
    tree: Tree,
}

/// A statement as it was published, with the proof that it was.
#[derive(Debug)]
pub struct StatementFound {
    /// The canonical form.
    pub bytes: Vec<u8>,
    /// What makes it checkable alone.
    pub inclusion: Inclusion,
    /// The hash that was published.
    pub root: Digest,
}

impl Store {
    /// Settlements in a directory, which is made when there is one to keep.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            last: Arc::default(),
        }
    }

    /// Writes a settlement's files and answers with the hash over all. What was written before a crash, and not
    /// published, is written again.
    pub(super) fn write(
        &self,
        settlement: &Settlement,
        input: &Input,
    ) -> Result<Digest, CloseError> {
        let new = self.directory.join(format!("{}.new", settlement.id));
        if new.exists() {
            fs::remove_dir_all(&new)?;
        }
        fs::create_dir_all(&new)?;
        let mut statements = Synced::create(&new.join(STATEMENTS))?;
        let mut matrix = Synced::create(&new.join(MATRIX))?;
        let (mut at, mut places) = (0, Vec::new());
        let published = publish(settlement, input, |part| match part {
            Part::Matrix(piece) => matrix.write_all(piece),
            Part::Statement(statement, bytes, sha256) => {
                places.push(Place {
                    merchant: input.names[statement.merchant.0 as usize].to_string(),
                    at,
                    bytes: bytes.len() as u64,
                    sha256,
                });
                at += bytes.len() as u64 + 1;
                statements.write_all(bytes)?;
                statements.write_all(b"\n")
            }
        })?;
        for file in [statements, matrix] {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.0.sync_all()?;
        }
        put(&new.join(PAYMENTS), &published.payments)?;
        put(&new.join(SUMMARY), &published.summary)?;
        let after = json(&after(settlement, input))?;
        let index = Index {
            summary_sha256: Digest::of(&published.summary),
            statements: places,
            after_sha256: Some(Digest::of(&after)),
        };
        put(&new.join(INDEX), &json(&index)?)?;
        put(&new.join(AFTER), &after)?;
        File::open(&new)?.sync_all()?;
        let place = self.directory.join(settlement.id.as_str());
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::rename(&new, &place)?;
        File::open(&self.directory)?.sync_all()?;
        // That directory itself may be new.
        if let Some(parent) = self.directory.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(published.tree.root())
    }

    /// The files of a settlement, if they are there and give the hash that was published.
    pub fn open(&self, id: &str, root: Digest) -> Result<Arc<Files>, CloseError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(files) = &*last
            && files.tree.root() == root
        {
            return Ok(Arc::clone(files));
        }
        let files = Arc::new(self.read(id, root)?);
        *last = Some(Arc::clone(&files));
        Ok(files)
    }

    fn read(&self, id: &str, root: Digest) -> Result<Files, CloseError> {
        let directory = self.directory.join(id);
        let index: Index = read_json(&directory.join(INDEX))?;
        let mut tree = Tree::default();
        for place in &index.statements {
            tree.push(place.sha256);
        }
        tree.push(index.summary_sha256);
        if tree.root() != root {
            let what = format!("the index of settlement {id} is not the one that was published");
            return Err(CloseError::Damaged(what));
        }
        Ok(Files {
            directory,
            index,
            tree,
        })
    }

    /// What the settlement behind this one has to know. What is carried is compared with the statements, which have hashes.
    pub(super) fn after(&self, id: &str, root: Digest) -> Result<Known, CloseError> {
        let files = self.open(id, root)?;
        let known = files.after(id)?;
        let mut carried = files.carried()?;
        let differs = |merchant: &str, said: i128, told: i128| {
            CloseError::Damaged(format!(
                "{AFTER} of settlement {id} carries {said} fen on for {merchant}, and what was published {told} fen"
            ))
        };
        for (merchant, (before, _)) in &known {
            let told = carried.remove(merchant).unwrap_or_default();
            if before.carried != told {
                return Err(differs(merchant, before.carried, told));
            }
        }
        match carried.iter().find(|(_, told)| **told != 0) {
            Some((merchant, told)) => Err(differs(merchant, 0, *told)),
            None => Ok(known),
        }
    }
}

impl Files {
    /// The summary's canonical form.
    pub fn summary(&self) -> Result<Vec<u8>, CloseError> {
        let bytes = fs::read(self.directory.join(SUMMARY))?;
        self.checked(SUMMARY, bytes, self.index.summary_sha256)
    }

    /// The payments' canonical form.
    pub fn payments(&self) -> Result<Vec<u8>, CloseError> {
        let bytes = fs::read(self.directory.join(PAYMENTS))?;
        self.checked(PAYMENTS, bytes, self.hashes()?.payments_sha256)
    }

    /// The matrix's canonical form.
    pub fn matrix(&self) -> Result<Vec<u8>, CloseError> {
        let bytes = fs::read(self.directory.join(MATRIX))?;
        self.checked(MATRIX, bytes, self.hashes()?.matrix_sha256)
    }

    /// What the summary says of the files beside it.
    fn hashes(&self) -> Result<Hashes, CloseError> {
        let summary = self.summary()?;
        serde_json::from_slice(&summary).map_err(|error| self.unreadable(SUMMARY, &error))
    }

    /// What the settlement behind this one begins with.
    fn after(&self, id: &str) -> Result<Known, CloseError> {
        let mut bytes = fs::read(self.directory.join(AFTER))?;
        if let Some(sha256) = self.index.after_sha256 {
            bytes = self.checked(AFTER, bytes, sha256)?;
        }
        let all: Vec<After> =
            serde_json::from_slice(&bytes).map_err(|error| self.unreadable(AFTER, &error))?;
        let number = |text: &str| {
            text.parse::<i128>().map_err(|_| {
                CloseError::Damaged(format!("{AFTER} of settlement {id} has {text:?}"))
            })
        };
        let mut known = Known::new();
        for one in all {
            let before = Before {
                carried: number(&one.carried)?,
                year_turnover: number(&one.year_turnover)?,
                year_orders: one.year_orders,
                drawn: BTreeMap::new(),
            };
            let drawn = one.drawn.iter().map(|(kind, points)| {
                let points = u128::try_from(number(points)?).unwrap_or_default();
                Ok((CompactString::new(kind), points))
            });
            let drawn = drawn.collect::<Result<_, CloseError>>()?;
            known.insert(one.merchant.into(), (before, drawn));
        }
        Ok(known)
    }

    /// What every statement carries on.
    fn carried(&self) -> Result<BTreeMap<CompactString, i128>, CloseError> {
        let path = self.directory.join(STATEMENTS);
        let mut file = BufReader::with_capacity(PIECE_BYTES, File::open(path)?);
        let mut carried = BTreeMap::new();
        for place in &self.index.statements {
            // They stand one behind the other, a line each.
            let mut bytes = Vec::new();
            (&mut file).take(place.bytes).read_to_end(&mut bytes)?;
            let bytes = self.checked(STATEMENTS, bytes, place.sha256)?;
            file.read_exact(&mut [0; 1])?;
            let told: Carried = serde_json::from_slice(&bytes)
                .map_err(|error| self.unreadable(STATEMENTS, &error))?;
            carried.insert(CompactString::new(&place.merchant), told.carried_fen);
        }
        Ok(carried)
    }

    fn unreadable(&self, file: &str, error: &serde_json::Error) -> CloseError {
        CloseError::Damaged(format!("{}: {error}", self.directory.join(file).display()))
    }

    /// Whose statements there are.
    pub fn merchants(&self) -> impl Iterator<Item = &str> {
        self.index
            .statements
            .iter()
            .map(|place| place.merchant.as_str())
    }

    /// A merchant's statement.
    pub fn statement(&self, merchant: &str) -> Result<Option<StatementFound>, CloseError> {
        let places = &self.index.statements;
        let found = places.binary_search_by(|place| place.merchant.as_str().cmp(merchant));
        let Ok(at) = found else { return Ok(None) };
        let place = &places[at];
        let mut file = File::open(self.directory.join(STATEMENTS))?;
        file.seek(SeekFrom::Start(place.at))?;
        let mut bytes = Vec::new();
        file.take(place.bytes).read_to_end(&mut bytes)?;
        let inclusion = self.tree.inclusion(at as u64);
        Ok(Some(StatementFound {
            bytes: self.checked(STATEMENTS, bytes, place.sha256)?,
            inclusion: inclusion.expect("as many leaves as places"),
            root: self.tree.root(),
        }))
    }

    fn checked(&self, file: &str, bytes: Vec<u8>, sha256: Digest) -> Result<Vec<u8>, CloseError> {
        if Digest::of(&bytes) == sha256 {
            return Ok(bytes);
        }
        let place = self.directory.join(file);
        let what = format!("{} is not what was published", place.display());
        Err(CloseError::Damaged(what))
    }
}

fn after(settlement: &Settlement, input: &Input) -> Vec<After> {
    let name = |name: crate::clearing::Name| input.names[name.0 as usize].to_string();
    let all = settlement.after.iter();
    all.map(|(merchant, before)| After {
        merchant: name(*merchant),
        carried: before.carried.to_string(),
        year_turnover: before.year_turnover.to_string(),
        year_orders: before.year_orders,
        drawn: before
            .drawn
            .iter()
            .map(|(kind, points)| (name(*kind), points.to_string()))
            .collect(),
    })
    .collect()
}

fn json(content: &impl Serialize) -> Result<Vec<u8>, CloseError> {
    serde_json::to_vec(content).map_err(|error| CloseError::Files(error.into()))
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, CloseError> {
    let bytes = fs::read(path)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| CloseError::Damaged(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clearing::{Correction, Name, Period, settle},
        ledger::{
            BasisPoints, Billing, Contract, Contracts, Cycle, Day, Fees, Payout, Price, Text, Till,
        },
    };

    const ID: &str = "s-1";

    /// A settlement of one day: one merchant is paid by the month, so that what it is due is carried on.
    fn published(directory: &Path) -> (Store, Digest) {
        let day = Day::new(20_000).unwrap();
        let monthly = Contract {
            issue: Price { fen: 0, points: 1 },
            billing: Billing::Issued,
            accept: Price { fen: 1, points: 1 },
            payout: Payout::Discount,
            settlement_discount: BasisPoints::ALL,
            customer_price: BasisPoints::ALL,
            pass_through: BasisPoints::ALL,
            till: Till::Operator,
            fees: Fees::default(),
            stars: Vec::new(),
            commission: None,
            cycle: Cycle::Month,
            late_days_max: None,
        };
        let correction = |merchant| Correction {
            id: "c-1".into(),
            merchant,
            amount: 700,
            reason: Text::new("promised").unwrap(),
            reference: None,
            day,
        };
        let [shop, tea] = [Name(0), Name(1)];
        let input = Input {
            names: vec!["shop".into(), "tea".into()],
            contracts: [(shop, Contracts::default().with(day, &monthly))].into(),
            corrections: vec![correction(shop), correction(tea)],
            ..Input::default()
        };
        let period = Period {
            first: day,
            last: day,
        };
        let settlement = settle(&input, period, ID, None).unwrap();
        let store = Store::new(directory.to_owned());
        let root = store.write(&settlement, &input).unwrap();
        (store, root)
    }

    /// Goal: nothing is served, and nothing goes on, that is not what was published. Method: a file is changed in a place, and read.
    #[test]
    fn what_was_changed_behind_publishing_shows() {
        type Read = fn(&Store, Digest) -> Result<(), CloseError>;
        let payments: Read = |store, root| store.open(ID, root)?.payments().map(drop);
        let matrix: Read = |store, root| store.open(ID, root)?.matrix().map(drop);
        let after: Read = |store, root| store.after(ID, root).map(drop);
        for (read, file, from, to) in [
            (payments, PAYMENTS, "700", "701"),
            (payments, SUMMARY, "payments_sha256", "payments-sha256"),
            (matrix, MATRIX, "cells", "calls"),
            // More, less, nothing, and for somebody who was paid.
            (after, AFTER, r#""700""#, r#""7000""#),
            (after, AFTER, r#""700""#, r#""-700""#),
            (
                after,
                AFTER,
                r#""year_turnover":"0""#,
                r#""year_turnover":"9""#,
            ),
            (after, AFTER, "shop", "ship"),
            (after, AFTER, r#""merchant":"shop""#, r#""merchant":"tea""#),
            (
                after,
                STATEMENTS,
                r#""carried_fen":700"#,
                r#""carried_fen":701"#,
            ),
        ] {
            let place = tempfile::tempdir().unwrap();
            let (store, root) = published(place.path());
            read(&store, root).unwrap();
            let known = store.after(ID, root).unwrap();
            assert_eq!(known["shop"].0.carried, 700);
            assert_eq!(known.len(), 1);
            let path = place.path().join(ID).join(file);
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{file}: {text}");
            fs::write(&path, text.replacen(from, to, 1)).unwrap();
            let told = read(&store, root);
            assert!(
                matches!(told, Err(CloseError::Damaged(_))),
                "{file}, {to}: {told:?}"
            );
        }
    }

    /// Goal: the settlement behind one of before begins, and compares what was published all the same. Method: its index names no
    /// hash of what is carried on.
    #[test]
    fn a_settlement_without_a_hash_of_what_is_carried_on_is_gone_on_from() {
        let place = tempfile::tempdir().unwrap();
        let (store, root) = published(place.path());
        let path = place.path().join(ID).join(INDEX);
        let mut index: serde_json::Value = read_json(&path).unwrap();
        index
            .as_object_mut()
            .unwrap()
            .remove("after_sha256")
            .unwrap();
        put(&path, &json(&index).unwrap()).unwrap();
        assert_eq!(store.after(ID, root).unwrap()["shop"].0.carried, 700);
        let path = place.path().join(ID).join(AFTER);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("700", "701", 1)).unwrap();
        let told = store.after(ID, root);
        assert!(matches!(told, Err(CloseError::Damaged(_))), "{told:?}");
    }
}
