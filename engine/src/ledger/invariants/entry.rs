//! What must be true of an entry by itself.

use super::{Violation, holds};
use crate::ledger::entry::Entry;

/// Invariant 1: the postings of an entry sum to zero. An entry moves one type of points, which it names.
pub fn check_entry(entry: &Entry) -> Result<(), Violation> {
    let sum: i128 = entry.postings().map(|p| i128::from(p.amount)).sum();
    holds(1, sum == 0, || format!("{:?} is off by {sum}", entry.seq))?;
    holds(1, entry.moves.is_empty() || entry.after.is_some(), || {
        format!("{:?} moves points of no type", entry.seq)
    })?;
    holds(1, entry.moves.iter().all(|m| !m.points.is_zero()), || {
        format!("{:?} moves nothing from one account to another", entry.seq)
    })
}
