//! Why a settlement cannot be made.

use crate::ledger::Day;

/// Why a settlement cannot be made from what was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// A sum is beyond 128 bits, which no amounts of points and money come to.
    #[error("a sum is too large")]
    TooLarge,
    /// A rate divides by nothing, which no contract may.
    #[error("a contract divides by nothing")]
    Rate,
    /// Something is not named, or an agent is not among the names.
    #[error("a name is missing")]
    Name,
    /// Something did not happen in the period.
    #[error("something is of another period: day {0:?}")]
    OutsidePeriod(Day),
    /// More was given back to packs than was ever drawn from them.
    #[error("more went back to packs than came out of them")]
    Packs,
}
