//! What every merchant owes and is owed at the end of a period. Pure: no IO, no clock, no order that a hash map chose.
//!
//! | where | what |
//! |---|---|
//! | `input` | what a settlement is made from |
//! | `settle` | the settlement: a statement for everybody, the operator's books, payments |
//! | `sums` | what happened, by merchant and contract |
//! | `price`, `fees`, `packs` | lines: what contracts make of that |
//! | `line`, `rate` | what a line says, and its one rounding |
//! | `matrix` | whose points were accepted by whom |
//! | `name` | what settlements are called |
//! | `calendar` | ends of cycles and years |
//! | `prove` | what must be true before anybody hears of it |
//! | `document`, `summary` | canonical JSON |
//! | `inclusion`, `check` | one hash over everything, proofs, and how a merchant checks its statement alone |

mod calendar;
mod check;
mod document;
mod error;
mod fees;
mod inclusion;
mod input;
mod line;
mod matrix;
mod name;
mod packs;
mod price;
mod prove;
mod rate;
mod settle;
mod summary;
mod sums;

pub use check::{Computed, Misfit};
pub use document::{
    Date, LineDocument, NoteDocument, PositionDocument, ProofDocument, StatementDocument,
    StatementFile,
};
pub use error::SettleError;
pub use inclusion::{Digest, Hashing, Inclusion, Tree};
pub use input::{
    Before, Correction, Flows, Input, Issue, LapseMonth, Name, Pack, Period, Position, Trade,
};
pub use line::{Line, LineKind, Note};
pub use matrix::{Cell, Matrix};
pub use name::{settlement_name, settlement_period};
pub use prove::{Violation, prove};
pub use rate::{Figures, Quantity, Rate, rounded};
pub use settle::{OperatorBooks, OwnPoints, Payment, Settlement, Statement, settle};
pub use summary::{
    OperatorEntry, OwnPointsDocument, Part, PaymentDocument, PaymentsDocument, Published,
    SummaryDocument, publish, write_matrix,
};

#[cfg(test)]
mod tests;
