//! How much a shard holds in memory.

use super::state::Ledger;

/// What a ledger keeps in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Members.
    pub members: u64,
    /// Holds that are open, and those that ended and are still remembered.
    pub holds: u64,
    /// Requests whose answers are remembered, wherever these are.
    pub requests: u64,
    /// Bytes of those answers that are in memory.
    pub request_bytes: u64,
}

impl Ledger {
    /// How much this shard holds. Looks at nothing one by one.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        Footprint {
            members: self.members.len() as u64,
            holds: self.holds.len() as u64,
            requests: self.remembered_requests(),
            request_bytes: self.requests.memory_bytes() as u64,
        }
    }
}
