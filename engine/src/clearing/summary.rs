//! The documents about a settlement as a whole: summary, payments and matrix.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    document::{Date, StatementDocument, borrowed, canonical},
    inclusion::{Digest, Hashing, Tree},
    input::Input,
    line::LineKind,
    settle::{Settlement, Statement},
};
use crate::ledger::Day;

/// About how many bytes of the matrix are handed over at a time.
const PIECE_BYTES: usize = 1 << 16;

/// What a settlement comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SummaryDocument<'a> {
    /// What it is called.
    #[serde(borrow)]
    pub settlement: Cow<'a, str>,
    /// The period's first day.
    pub period_start: Date,
    /// The period's last day.
    pub period_end: Date,
    /// The root of the settlement before.
    pub previous_root: Option<Digest>,
    /// How many statements there are.
    pub statements: u64,
    /// Carried over from the settlement before, all together.
    pub opening_fen: i128,
    /// What the period comes to for all merchants: above zero they get it.
    pub total_fen: i128,
    /// Opening and total.
    pub closing_fen: i128,
    /// Paid now.
    pub due_fen: i128,
    /// Carried over to the next settlement.
    pub carried_fen: i128,
    /// Customers' money in the operator's till.
    pub cash_collected_fen: i128,
    /// What the operator keeps: `total_fen + margin_fen = cash_collected_fen`.
    pub margin_fen: i128,
    /// What the margin is made of, beside customers' money.
    pub operator: Vec<OperatorEntry>,
    /// Points that nobody pays for but the operator.
    #[serde(borrow)]
    pub own_points: Vec<OwnPointsDocument<'a>>,
    /// The SHA-256 of the matrix's canonical form.
    pub matrix_sha256: Digest,
    /// The SHA-256 of the payments' canonical form.
    pub payments_sha256: Digest,
}

/// What lines of a kind bring the operator; below zero they cost it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorEntry {
    /// Which kind.
    pub kind: LineKind,
    /// How much.
    pub fen: i128,
}

/// The operator's own points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnPointsDocument<'a> {
    /// Under which name.
    #[serde(borrow)]
    pub issuer: Cow<'a, str>,
    /// Of which kind.
    #[serde(borrow)]
    pub point_type: Cow<'a, str>,
    /// Issued, less taken back.
    pub issued: i128,
    /// Spent, less come back.
    pub used: i128,
    /// What those are worth where they were accepted.
    pub value_fen: i128,
}

/// All net payments of a settlement; the operator is on the other side of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentsDocument<'a> {
    /// Of which settlement.
    #[serde(borrow)]
    pub settlement: Cow<'a, str>,
    /// What the operator pays in all.
    pub paid_fen: i128,
    /// What it collects in all.
    pub collected_fen: i128,
    /// Sorted by merchant.
    #[serde(borrow)]
    pub payments: Vec<PaymentDocument<'a>>,
}

/// A net payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentDocument<'a> {
    /// With whom.
    #[serde(borrow)]
    pub merchant: Cow<'a, str>,
    /// Above zero the operator pays, below it collects.
    pub fen: i128,
}

impl<'a> PaymentsDocument<'a> {
    /// The payments of a settlement.
    #[must_use]
    pub fn new(settlement: &'a Settlement, input: &'a Input) -> Self {
        let amounts = || settlement.payments.iter().map(|payment| payment.fen);
        Self {
            settlement: Cow::Borrowed(&settlement.id),
            paid_fen: amounts().filter(|fen| *fen > 0).sum(),
            collected_fen: -amounts().filter(|fen| *fen < 0).sum::<i128>(),
            payments: settlement
                .payments
                .iter()
                .map(|payment| PaymentDocument {
                    merchant: borrowed(input, payment.merchant),
                    fen: payment.fen,
                })
                .collect(),
        }
    }

    /// The canonical form.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        canonical(self)
    }
}

impl<'a> SummaryDocument<'a> {
    /// The summary of a settlement, given the hashes of its matrix and its payments.
    #[must_use]
    pub fn new(
        settlement: &'a Settlement,
        input: &'a Input,
        matrix_sha256: Digest,
        payments_sha256: Digest,
    ) -> Self {
        let all = |of: fn(&Statement) -> i128| settlement.statements.iter().map(of).sum();
        let operator = &settlement.operator;
        let own = settlement.own_points.iter();
        Self {
            settlement: Cow::Borrowed(&settlement.id),
            period_start: Date(settlement.period.first),
            period_end: Date(settlement.period.last),
            previous_root: settlement.previous,
            statements: settlement.statements.len() as u64,
            opening_fen: all(|statement| statement.opening),
            total_fen: all(|statement| statement.total),
            closing_fen: all(|statement| statement.closing),
            due_fen: all(|statement| statement.due),
            carried_fen: all(|statement| statement.carried),
            cash_collected_fen: operator.cash_collected,
            margin_fen: operator.margin(),
            operator: operator
                .entries
                .iter()
                .map(|(&kind, &fen)| OperatorEntry { kind, fen })
                .collect(),
            own_points: own
                .map(|own| OwnPointsDocument {
                    issuer: borrowed(input, own.issuer),
                    point_type: borrowed(input, own.point_type),
                    issued: own.issued,
                    used: own.used,
                    value_fen: own.value,
                })
                .collect(),
            matrix_sha256,
            payments_sha256,
        }
    }

    /// The canonical form.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        canonical(self)
    }
}

/// A cell of the matrix.
#[derive(Serialize)]
struct CellDocument<'a> {
    issuer: Cow<'a, str>,
    acceptor: Cow<'a, str>,
    point_type: Cow<'a, str>,
    contract: Option<Date>,
    spent: u128,
    returned: u128,
    value_fen: i128,
}

/// Hands over the matrix in its canonical form, piece by piece: it may be too large for memory. Ends with the first error of `sink`.
///
/// # Errors
///
/// What `sink` says.
pub fn write_matrix<E>(
    settlement: &Settlement,
    input: &Input,
    mut sink: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut piece = Vec::with_capacity(PIECE_BYTES * 2);
    piece.extend_from_slice(br#"{"settlement":"#);
    piece.extend(canonical(&settlement.id.as_str()));
    piece.extend_from_slice(br#","cells":["#);
    for (place, cell) in settlement.matrix.cells().iter().enumerate() {
        if place > 0 {
            piece.push(b',');
        }
        let document = CellDocument {
            issuer: borrowed(input, cell.issuer),
            acceptor: borrowed(input, cell.acceptor),
            point_type: borrowed(input, cell.point_type),
            contract: (cell.contract != Day::NEVER).then_some(Date(cell.contract)),
            spent: cell.spent,
            returned: cell.returned,
            value_fen: cell.value,
        };
        serde_json::to_writer(&mut piece, &document).expect("text and numbers, into memory");
        if piece.len() >= PIECE_BYTES {
            sink(&piece)?;
            piece.clear();
        }
    }
    piece.extend_from_slice(b"]}");
    sink(&piece)
}

/// The hashes that bind all documents of a settlement together.
pub struct Published {
    /// The tree over all statements, sorted by merchant, and the summary behind them.
    pub tree: Tree,
    /// The summary's canonical form.
    pub summary: Vec<u8>,
    /// The payments' canonical form.
    pub payments: Vec<u8>,
}

/// What is handed over while a settlement is published.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// A statement, in the order of merchants: whose it is, its canonical form, and the hash of that.
    Statement(&'a Statement, &'a [u8], Digest),
    /// The next piece of the matrix's canonical form.
    Matrix(&'a [u8]),
}

/// Makes all documents, handing over statements and pieces of the matrix as they are made: all together may be too large for
/// memory. Ends with the first error of `sink`.
///
/// # Errors
///
/// What `sink` says.
pub fn publish<E>(
    settlement: &Settlement,
    input: &Input,
    mut sink: impl FnMut(Part<'_>) -> Result<(), E>,
) -> Result<Published, E> {
    let mut tree = Tree::default();
    for statement in &settlement.statements {
        let bytes = StatementDocument::new(settlement, input, statement).bytes();
        let digest = Digest::of(&bytes);
        tree.push(digest);
        sink(Part::Statement(statement, &bytes, digest))?;
    }
    let mut matrix = Hashing::default();
    write_matrix(settlement, input, |piece| {
        matrix.take(piece);
        sink(Part::Matrix(piece))
    })?;
    let payments = PaymentsDocument::new(settlement, input).bytes();
    let summary =
        SummaryDocument::new(settlement, input, matrix.finish(), Digest::of(&payments)).bytes();
    tree.push(Digest::of(&summary));
    Ok(Published {
        tree,
        summary,
        payments,
    })
}
