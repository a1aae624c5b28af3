//! The figures that the ledger judges by. They are parameters, never constants in code.

use super::id::PointType;

/// What a shard's ledger judges by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The kinds of points there are; the first is meant where none is named.
    pub point_types: Vec<PointType>,
    /// How many lots a member may have of one point type. Bounds the size of an entry.
    pub lots_per_wallet_max: usize,
    /// How many holds a member may have open.
    pub open_holds_per_member_max: u32,
    /// How long answers are kept, at least, in seconds.
    pub request_retention_seconds: u64,
    /// How much memory a shard may use for remembered requests, in bytes; at this point it refuses new ones.
    pub request_bytes_max: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            point_types: vec![PointType::new("points").expect("in the alphabet")],
            lots_per_wallet_max: 256,
            open_holds_per_member_max: 256,
            request_retention_seconds: 7 * 24 * 60 * 60,
            request_bytes_max: 1 << 30,
        }
    }
}
