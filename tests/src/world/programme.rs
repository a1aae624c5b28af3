//! What a world is made with: shards, and rules under which records do not stay in memory for long.

use jifen_engine::{
    Router,
    ledger::{Ledger, Rules, ShardIndex},
};
use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::{twin::Twin, workload::point_kinds};

const LOTS_MAX: usize = 6;
const HOLDS_MAX: u32 = 4;
const DAY_SECONDS: u64 = 24 * 3_600;
/// As good as for ever.
const CENTURY_DAYS: u64 = 100 * 365;

/// Fixed when the world begins.
pub(super) struct Programme {
    pub(super) router: Router,
    pub(super) rules: Rules,
    /// For how long clients may count on what they were told, in milliseconds.
    pub(super) remembered_millis: u64,
}

impl Programme {
    pub(super) fn new(seed: u64, rng: &mut ChaCha8Rng) -> Result<Self, String> {
        let shards: u16 = 1 << rng.random_range(0..4);
        let router = Router::new(shards, seed).ok_or("a power of two")?;
        // Either everything is remembered, or chunks are dropped again.
        let forgetful = rng.random_bool(0.3);
        let windows = [1, 24, 10 * 24, 400 * 24];
        let window = *windows.choose(rng).expect("not empty");
        let days = if forgetful { 7 } else { CENTURY_DAYS };
        let chunk = 1 << rng.random_range(8..13);
        // Without a disk, transactions go when answers may go, and take the answers to their reversals along.
        let spills = forgetful || rng.random_bool(0.8);
        let rules = Rules {
            point_types: point_kinds(),
            lots_per_wallet_max: LOTS_MAX,
            open_holds_per_member_max: HOLDS_MAX,
            reversal_window_seconds: if forgetful {
                10 * DAY_SECONDS
            } else {
                window * 3_600
            },
            request_retention_seconds: days * DAY_SECONDS,
            request_bytes_max: if spills {
                chunk * rng.random_range(1..4)
            } else {
                1 << 30
            },
            // Now and then so little that the shard has to refuse.
            request_disk_bytes_max: match (spills, rng.random_ratio(1, 12)) {
                (false, _) => 0,
                (true, true) => rng.random_range(4..16) * 1_024,
                (true, false) => 1 << 40,
            },
            record_chunk_bytes: chunk,
            ..Rules::default()
        };
        Ok(Self {
            router,
            rules,
            remembered_millis: (days - 1) * DAY_SECONDS * 1_000,
        })
    }

    /// The empty ledgers of a new data directory.
    pub(super) fn ledgers(&self) -> Vec<Ledger> {
        (0..self.router.shards())
            .map(|shard| Ledger::new(ShardIndex(shard), self.rules.clone()))
            .collect()
    }

    pub(super) fn twins(&self) -> Vec<Twin> {
        (0..self.router.shards())
            .map(|shard| Twin::new(shard, &self.rules))
            .collect()
    }
}
