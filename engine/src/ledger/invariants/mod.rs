//! What must be true at every moment, numbered as in `ARCHITECTURE.md`. Unit tests, the simulation and the running
//! server share these predicates.

mod daybook;
mod entry;
mod programme;
mod sales;
mod shard;

use std::fmt;

pub use daybook::check_daybook;
pub use entry::check_entry;
pub use programme::{check_programme, on_sale};
pub use sales::check_sales;
pub use shard::{Books, check_member, check_shard};

/// A rule that does not hold. There is no way to go on from here: whoever finds one stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Violation {
    /// The rule's number.
    pub invariant: u8,
    /// Where and how it is broken.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant {}: {}", self.invariant, self.what)
    }
}

pub(super) fn holds(
    invariant: u8,
    condition: bool,
    what: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if condition {
        Ok(())
    } else {
        Err(Violation {
            invariant,
            what: what(),
        })
    }
}

#[cfg(test)]
mod tests;
