//! Which shard a member belongs to. Nothing else in the engine hashes for a place.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::ledger::{Command, MemberId, ShardIndex};

/// How the placement hash is computed; written in the manifest, since a member must never move.
pub const ROUTER_VERSION: u32 = 1;
/// What sets the places of pools apart from those of members.
const POOLS: u64 = 0x706f_6f6c;
/// As many shards as an offset can name.
pub const SHARDS_MAX: u16 = 1_024;

/// Places members on shards. Fixed when a data directory is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Router {
    shards: u16,
    seed: u64,
}

impl Router {
    /// For a ledger that is alone.
    pub const SINGLE: Self = Self { shards: 1, seed: 0 };

    /// `None` unless `shards` is a power of two from 1 to [`SHARDS_MAX`]. The seed keeps outsiders from choosing
    /// names that all fall on one shard.
    #[must_use]
    pub const fn new(shards: u16, seed: u64) -> Option<Self> {
        if shards.is_power_of_two() && shards <= SHARDS_MAX {
            Some(Self { shards, seed })
        } else {
            None
        }
    }

    /// How many shards there are.
    #[must_use]
    pub const fn shards(&self) -> u16 {
        self.shards
    }

    /// The seed, for the manifest.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The shard of a member.
    #[must_use]
    pub fn member(&self, id: &MemberId) -> ShardIndex {
        let hash = xxh3_64_with_seed(id.as_str().as_bytes(), self.seed);
        // The low bits of a 64-bit hash; the mask keeps them below 1,024.
        ShardIndex((hash & u64::from(self.shards - 1)) as u16)
    }

    /// The home of a pool: of what is sold, by that name, or of points that a merchant bought ahead.
    #[must_use]
    pub fn pool(&self, name: &str) -> ShardIndex {
        // Another seed than that of members: whoever is called like what is sold lives somewhere else.
        let hash = xxh3_64_with_seed(name.as_bytes(), self.seed ^ POOLS);
        ShardIndex((hash & u64::from(self.shards - 1)) as u16)
    }

    /// The shard that decides a command, or `None` if it names a shard that does not exist.
    #[must_use]
    pub fn command(&self, command: &Command) -> Option<ShardIndex> {
        let shard = match command {
            Command::Enrol(c) => self.member(&c.member),
            Command::Earn(c) => self.member(&c.member),
            Command::Redeem(c) => self.member(&c.member),
            Command::Hold(c) => self.member(&c.member),
            Command::Capture(c) => c.hold.shard,
            Command::Release(c) => c.hold.shard,
            Command::Reverse(c) => c.transaction.shard,
            Command::Adjust(c) => self.member(&c.member),
            Command::Freeze(c) | Command::Unfreeze(c) | Command::Close(c) => self.member(&c.member),
            Command::Erase(c) => self.member(&c.member),
            Command::PutMerchant(_)
            | Command::PutStock(_)
            | Command::Settle(_)
            | Command::PutCorrection(_)
            | Command::DecideCorrection(_)
            | Command::BuyPack(_) => Self::DOCUMENTS,
            Command::Reserve(c) => self.member(&c.member),
            Command::Transfer(c) => self.member(&c.member),
            Command::Confirm(c) => c.reservation.shard,
            Command::Cancel(c) => c.reservation.shard,
            Command::ChangeUnits(c) => self.pool(c.sku.as_str()),
            Command::UseCode(c) => c.code.shard,
        };
        (shard.0 < self.shards).then_some(shard)
    }

    /// The shard that decides documents; the others get them from there.
    pub const DOCUMENTS: ShardIndex = ShardIndex(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stay_where_version_1_put_them() {
        // Frozen: another answer would look for members on shards that never heard of them.
        let router = Router::new(16, 7).unwrap();
        let places = ["m-1", "m-2", "alice", "鲍"].map(|name| MemberId::new(name).ok());
        let places = places.map(|id| id.map(|id| router.member(&id).0));
        assert_eq!(places, [Some(9), Some(1), Some(15), None]);
    }

    #[test]
    fn members_spread_evenly() {
        let router = Router::new(16, 1).unwrap();
        let mut counts = [0_u32; 16];
        for number in 0..16_000 {
            let id = MemberId::new(&format!("m-{number}")).unwrap();
            counts[usize::from(router.member(&id).0)] += 1;
        }
        assert!(
            counts.iter().all(|count| (850..1_150).contains(count)),
            "{counts:?}"
        );
    }
}
