//! Epochs: a journal is a row of them, each on storage of its own, so that an old one can be archived and removed whole.
//!
//! Every epoch but the first begins with a value that says where the journal stood, written and synced before the
//! first turn in it. So an epoch can be read and checked without those before it.
//!
//! ```text
//! epoch head   "JE" version:1 zero:1 epoch:4 turn:8 shards:2 (seq:8 hash:32)… check:8
//! ```
//!
//! All numbers are big-endian; `check` is XXH3-64 of everything in front of it. It is stored in the place of part 0 of
//! the turn that it names, the last one of the epoch before.

use super::block::{BadBlock, Chain, FORMAT_VERSION};
use crate::ledger::Seq;

/// An epoch's place in its journal: 1, 2, 3 …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

impl Epoch {
    /// The one that every journal begins with.
    pub const FIRST: Self = Self(1);

    /// The one behind it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Epoch {
    /// As files and directories are called after it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:06}", self.0)
    }
}

/// Where a journal stood when an epoch began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochHead {
    /// Which epoch begins.
    pub epoch: Epoch,
    /// The last turn of the epoch before; 0 in front of the first.
    pub turn: u64,
    /// Each shard's last entry and block.
    pub chains: Vec<Chain>,
}

const MARK: [u8; 2] = *b"JE";
const FIXED_BYTES: usize = 18;
const CHAIN_BYTES: usize = 40;

impl EpochHead {
    /// In front of everything.
    #[must_use]
    pub fn first(shards: u16) -> Self {
        Self {
            epoch: Epoch::FIRST,
            turn: 0,
            chains: vec![Chain::default(); usize::from(shards)],
        }
    }

    /// Whether a value is an epoch's head, whole or not.
    #[must_use]
    pub fn is_one(value: &[u8]) -> bool {
        value.starts_with(&MARK)
    }

    /// The value that begins the epoch.
    #[must_use]
    pub fn to_value(&self) -> Vec<u8> {
        let shards = u16::try_from(self.chains.len()).expect("at most 1,024 shards");
        let mut value = Vec::with_capacity(FIXED_BYTES + CHAIN_BYTES * self.chains.len() + 8);
        value.extend_from_slice(&MARK);
        value.extend_from_slice(&[FORMAT_VERSION, 0]);
        value.extend_from_slice(&self.epoch.0.to_be_bytes());
        value.extend_from_slice(&self.turn.to_be_bytes());
        value.extend_from_slice(&shards.to_be_bytes());
        for chain in &self.chains {
            value.extend_from_slice(&chain.seq.0.to_be_bytes());
            value.extend_from_slice(&chain.hash);
        }
        let check = xxhash_rust::xxh3::xxh3_64(&value);
        value.extend_from_slice(&check.to_be_bytes());
        value
    }

    /// Reads a value that [is one](Self::is_one).
    pub fn from_value(value: &[u8]) -> Result<Self, BadBlock> {
        if !Self::is_one(value) {
            return Err(BadBlock::NoMark);
        }
        let (content, check) = value.split_last_chunk().ok_or(BadBlock::Short)?;
        if xxhash_rust::xxh3::xxh3_64(content) != u64::from_be_bytes(*check) {
            return Err(BadBlock::Checksum);
        }
        let (fixed, chains) = content
            .split_first_chunk::<FIXED_BYTES>()
            .ok_or(BadBlock::Short)?;
        if fixed[2] != FORMAT_VERSION {
            return Err(BadBlock::Version(fixed[2]));
        }
        let [_, _, _, _, e0, e1, e2, e3, turn @ .., s0, s1] = *fixed;
        let (chains, rest) = chains.as_chunks::<CHAIN_BYTES>();
        if !rest.is_empty() || chains.len() != usize::from(u16::from_be_bytes([s0, s1])) {
            return Err(BadBlock::Body);
        }
        let chain = |bytes: &[u8; CHAIN_BYTES]| {
            let (seq, hash) = bytes.split_first_chunk().ok_or(BadBlock::Body)?;
            Ok(Chain {
                seq: Seq(u64::from_be_bytes(*seq)),
                hash: hash.try_into().map_err(|_| BadBlock::Body)?,
            })
        };
        Ok(Self {
            epoch: Epoch(u32::from_be_bytes([e0, e1, e2, e3])),
            turn: u64::from_be_bytes(turn),
            chains: chains.iter().map(chain).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_head_is_read_back_as_written_and_damage_shows() {
        let chain = |n: u8| Chain {
            seq: Seq(u64::from(n) << 33),
            hash: [n; 32],
        };
        let head = EpochHead {
            epoch: Epoch(7),
            turn: 1 << 40,
            chains: (0..4).map(chain).collect(),
        };
        let value = head.to_value();
        assert_eq!(EpochHead::from_value(&value), Ok(head));
        for bit in 0..value.len() * 8 {
            let mut damaged = value.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(EpochHead::from_value(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..value.len() {
            assert!(EpochHead::from_value(&value[..length]).is_err(), "{length}");
        }
    }
}
