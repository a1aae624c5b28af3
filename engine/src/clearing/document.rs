//! What a settlement says, as JSON in one canonical form: no spaces, fields in the order of this file, amounts in fen as integers, days
//! as `YYYY-MM-DD`. The same settlement gives the same bytes.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{
    calendar,
    inclusion::{Digest, Inclusion},
    input::{Input, Name},
    line::{Line, LineKind},
    matrix::Cell,
    rate::{Figures, Rate},
    settle::{Settlement, Statement},
};
use crate::ledger::Day;

/// A day as it is written: `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub Day);

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&calendar::text(self.0))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&calendar::text(self.0))
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let day = calendar::parse(&text);
        day.map(Self)
            .ok_or_else(|| D::Error::custom("must be a day such as 2026-10-01"))
    }
}

/// A statement. Above zero the merchant gets an amount, below it pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementDocument<'a> {
    /// Of which settlement.
    #[serde(borrow)]
    pub settlement: Cow<'a, str>,
    /// Whose.
    #[serde(borrow)]
    pub merchant: Cow<'a, str>,
    /// Its name for people.
    pub title: Option<Cow<'a, str>>,
    /// The period's first day.
    pub period_start: Date,
    /// The period's last day.
    pub period_end: Date,
    /// Carried over from the settlement before.
    pub opening_fen: i128,
    /// What the period comes to.
    #[serde(borrow)]
    pub lines: Vec<LineDocument<'a>>,
    /// The sum of the lines.
    pub total_fen: i128,
    /// Opening and total.
    pub closing_fen: i128,
    /// Paid now.
    pub due_fen: i128,
    /// Carried over to the next settlement.
    pub carried_fen: i128,
    /// Whose points it accepted.
    #[serde(borrow)]
    pub accepted_from: Vec<PositionDocument<'a>>,
    /// Who accepted its points.
    #[serde(borrow)]
    pub used_at: Vec<PositionDocument<'a>>,
}

/// A line: `fen` is `(quantity × rate.fen / rate.per + money_fen) × rate.times / rate.over`, rounded half away from zero, less
/// `kept_fen`; and the same below zero if the merchant pays lines of this kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineDocument<'a> {
    /// What it is for.
    pub kind: LineKind,
    /// The first day of the contract that priced it.
    pub contract: Option<Date>,
    /// Which points.
    pub point_type: Option<Cow<'a, str>>,
    /// Who else it is about.
    pub counterpart: Option<Cow<'a, str>>,
    /// How many points, ...
    pub points: i128,
    /// ... units, ...
    pub units: i128,
    /// ... and orders; below zero of what came back.
    pub orders: i128,
    /// Money to which the rate applies.
    pub money_fen: i128,
    /// The price and the part of it.
    pub rate: Rate,
    /// What the merchant has in its own till.
    pub kept_fen: i128,
    /// What the merchant gets; below zero it pays.
    pub fen: i128,
    /// Of a correction, why.
    #[serde(borrow)]
    pub note: Option<NoteDocument<'a>>,
}

/// Why something was put right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteDocument<'a> {
    /// What the correction is called.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// Why, for people.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
    /// What it refers to.
    pub reference: Option<Cow<'a, str>>,
}

/// Points that passed between an issuer and an acceptor; on a statement, only the other one is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionDocument<'a> {
    /// The other merchant.
    #[serde(borrow)]
    pub merchant: Cow<'a, str>,
    /// Which points.
    #[serde(borrow)]
    pub point_type: Cow<'a, str>,
    /// The first day of the acceptor's contract.
    pub contract: Option<Date>,
    /// How many were spent.
    pub spent: u128,
    /// How many came back.
    pub returned: u128,
    /// What the difference is worth at the acceptor.
    pub value_fen: i128,
}

/// Where a statement stands among those of its settlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofDocument<'a> {
    /// Of which settlement.
    #[serde(borrow)]
    pub settlement: Cow<'a, str>,
    /// The hash that the operator published.
    pub root: Digest,
    /// The statement's place.
    pub index: u64,
    /// How many documents there are: all statements and the summary.
    pub count: u64,
    /// The hashes beside its way to the root.
    pub path: Vec<Digest>,
}

/// A statement as a merchant gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementFile<'a> {
    /// What it says.
    #[serde(borrow)]
    pub statement: StatementDocument<'a>,
    /// That it says the same to everybody.
    #[serde(borrow)]
    pub proof: ProofDocument<'a>,
}

impl<'a> StatementDocument<'a> {
    /// What a settlement says to a merchant.
    #[must_use]
    pub fn new(settlement: &'a Settlement, input: &'a Input, statement: &'a Statement) -> Self {
        let name = |name| borrowed(input, name);
        let matrix = &settlement.matrix;
        let title = input.titles.get(&statement.merchant);
        let taken = matrix.of_acceptor(statement.merchant);
        let given = matrix.of_issuer(statement.merchant).iter();
        Self {
            settlement: Cow::Borrowed(&settlement.id),
            merchant: name(statement.merchant),
            title: title.map(|text| Cow::Borrowed(text.as_str())),
            period_start: Date(settlement.period.first),
            period_end: Date(settlement.period.last),
            opening_fen: statement.opening,
            lines: statement
                .lines
                .iter()
                .map(|line| LineDocument::new(input, line))
                .collect(),
            total_fen: statement.total,
            closing_fen: statement.closing,
            due_fen: statement.due,
            carried_fen: statement.carried,
            accepted_from: taken
                .map(|cell| position(input, cell.issuer, cell))
                .collect(),
            used_at: given
                .map(|cell| position(input, cell.acceptor, cell))
                .collect(),
        }
    }

    /// The canonical form.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        canonical(self)
    }
}

impl<'a> LineDocument<'a> {
    fn new(input: &'a Input, line: &'a Line) -> Self {
        let figures = &line.figures;
        Self {
            kind: line.kind,
            contract: line.contract.map(Date),
            point_type: line.point_type.map(|name| borrowed(input, name)),
            counterpart: line.counterpart.map(|name| borrowed(input, name)),
            points: figures.points,
            units: figures.units,
            orders: figures.orders,
            money_fen: figures.money,
            rate: figures.rate,
            kept_fen: figures.kept,
            fen: line.fen,
            note: line.note.as_ref().map(|note| NoteDocument {
                id: Cow::Borrowed(&note.id),
                reason: Cow::Borrowed(note.reason.as_str()),
                reference: note
                    .reference
                    .as_ref()
                    .map(|text| Cow::Borrowed(text.as_str())),
            }),
        }
    }

    /// What it says it was computed from.
    #[must_use]
    pub const fn figures(&self) -> Figures {
        Figures {
            points: self.points,
            units: self.units,
            orders: self.orders,
            money: self.money_fen,
            rate: self.rate,
            kept: self.kept_fen,
        }
    }
}

impl<'a> ProofDocument<'a> {
    /// A proof for a settlement with this root.
    #[must_use]
    pub fn new(settlement: &'a str, root: Digest, inclusion: Inclusion) -> Self {
        Self {
            settlement: Cow::Borrowed(settlement),
            root,
            index: inclusion.index,
            count: inclusion.count,
            path: inclusion.path,
        }
    }

    /// The proof itself.
    #[must_use]
    pub fn inclusion(&self) -> Inclusion {
        Inclusion {
            index: self.index,
            count: self.count,
            path: self.path.clone(),
        }
    }
}

fn position<'a>(input: &'a Input, other: Name, cell: &Cell) -> PositionDocument<'a> {
    PositionDocument {
        merchant: borrowed(input, other),
        point_type: borrowed(input, cell.point_type),
        contract: (cell.contract != Day::NEVER).then_some(Date(cell.contract)),
        spent: cell.spent,
        returned: cell.returned,
        value_fen: cell.value,
    }
}

/// The text of a name.
pub(super) fn borrowed(input: &Input, name: Name) -> Cow<'_, str> {
    let text = input.names.get(name.0 as usize);
    // `settle` refuses what is not named, so this is only for an input that is not the settlement's own.
    Cow::Borrowed(text.map_or("?", |text| text.as_str()))
}

/// The canonical form of a document.
pub(super) fn canonical<T: Serialize>(document: &T) -> Vec<u8> {
    serde_json::to_vec(document).expect("text, numbers and lists, written into memory")
}
