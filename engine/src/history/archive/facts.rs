//! What is known of an archive without reading what is in it.

use std::fmt;

use crate::{
    journal::{
        block::Chain,
        epoch::{Epoch, EpochHead},
    },
    ledger::{Seq, ShardIndex, UnixMillis},
};

/// The hash of an archive: BLAKE3 of its file up to where the hash stands, and so, since every archive has the hash of
/// the one before, of everything that was journaled up to its end.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArchiveHash(pub [u8; 32]);

impl ArchiveHash {
    /// Reads what [`Display`](fmt::Display) writes.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let hash = blake3::Hash::from_hex(text).ok()?;
        Some(Self(*hash.as_bytes()))
    }
}

impl fmt::Display for ArchiveHash {
    /// In hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for ArchiveHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is known of an archive without reading what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveFacts {
    /// Which epoch, and where the journal stood when it began.
    pub head: EpochHead,
    /// Its last turn; that of the epoch before if it has none.
    pub last_turn: u64,
    /// Where each shard's journal stood when it ended.
    pub chains: Vec<Chain>,
    /// How many values, the epoch's head among them.
    pub values: u64,
    /// How many bytes these values have.
    pub raw_bytes: u64,
    /// How many bytes the archive's file has.
    pub bytes: u64,
    /// The stamps of its first and its last entry, if it has any.
    pub stamps: Option<(UnixMillis, UnixMillis)>,
    /// Its hash.
    pub hash: ArchiveHash,
    /// That of the archive before; the first one has none.
    pub before: Option<ArchiveHash>,
}

impl ArchiveFacts {
    /// Which epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.head.epoch
    }

    /// How many turns.
    #[must_use]
    pub const fn turns(&self) -> u64 {
        self.last_turn - self.head.turn
    }

    /// How many entries of all shards.
    #[must_use]
    pub fn entries(&self) -> u64 {
        let shards = self.head.chains.iter().zip(&self.chains);
        shards.map(|(start, end)| end.seq.0 - start.seq.0).sum()
    }

    /// How many entries of one shard.
    #[must_use]
    pub fn entries_of(&self, shard: ShardIndex) -> u64 {
        let at = usize::from(shard.0);
        match (self.head.chains.get(at), self.chains.get(at)) {
            (Some(start), Some(end)) => end.seq.0 - start.seq.0,
            _ => 0,
        }
    }

    /// Whether an entry is in it.
    #[must_use]
    pub fn holds(&self, shard: ShardIndex, seq: Seq) -> bool {
        let at = usize::from(shard.0);
        match (self.head.chains.get(at), self.chains.get(at)) {
            (Some(start), Some(end)) => start.seq < seq && seq <= end.seq,
            _ => false,
        }
    }

    /// Where the next epoch begins.
    #[must_use]
    pub fn next(&self) -> EpochHead {
        EpochHead {
            epoch: self.head.epoch.next(),
            turn: self.last_turn,
            chains: self.chains.clone(),
        }
    }
}
