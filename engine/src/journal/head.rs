//! How far the journal is known to have been, told from outside it.
//!
//! sled can open a damaged directory "successfully" and be empty or short. The head is a small file of its own, written
//! and synced about once a second, never ahead of the journal. A journal that ends before its head has lost
//! acknowledged entries.
//!
//! Two slots are written in turn, so that a torn write leaves the other one.
//!
//! ```text
//! slot    "JIFENHD" version:1 generation:8 turn:8 shards:8 (seq:8 hash:32)… checksum:8      padded to 4,096 bytes
//! ```

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{JournalError, block::Chain};
use crate::ledger::Seq;

const MARK: [u8; 8] = *b"JIFENHD\x01";
const PAGE: usize = 4_096;

/// Where the journal was at some moment: no further than what is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last durable turn.
    pub turn: u64,
    /// Each shard's last entry and block.
    pub chains: Vec<Chain>,
}

/// The head's file.
pub struct HeadFile {
    file: File,
    path: PathBuf,
    shards: usize,
    generation: u64,
}

impl HeadFile {
    /// Makes the file, or makes it anew, with the head of a journal in which nothing is.
    pub fn create(path: &Path, shards: u16) -> Result<Self, JournalError> {
        let mut this = Self::on(OpenOptions::new().create(true).truncate(true), path, shards)?;
        this.write(&Head {
            turn: 0,
            chains: vec![Chain::default(); this.shards],
        })?;
        Ok(this)
    }

    /// Opens the file and reads the newest head in it.
    pub fn open(path: &Path, shards: u16) -> Result<(Self, Head), JournalError> {
        if !path.exists() {
            return Err(JournalError::Damaged(format!(
                "{} is missing, so that nothing tells whether the journal is whole; restore a backup",
                path.display()
            )));
        }
        let mut this = Self::on(&mut OpenOptions::new(), path, shards)?;
        let head = this.read()?;
        Ok((this, head))
    }

    fn on(options: &mut OpenOptions, path: &Path, shards: u16) -> Result<Self, JournalError> {
        let file = options.read(true).write(true).open(path);
        Ok(Self {
            file: file.map_err(JournalError::io(format!("open {}", path.display())))?,
            path: path.to_owned(),
            shards: usize::from(shards),
            generation: 0,
        })
    }

    /// Writes and syncs a head.
    pub fn write(&mut self, head: &Head) -> Result<(), JournalError> {
        self.generation += 1;
        let mut slot = Vec::with_capacity(self.slot_bytes());
        slot.extend_from_slice(&MARK);
        slot.extend_from_slice(&self.generation.to_be_bytes());
        slot.extend_from_slice(&head.turn.to_be_bytes());
        slot.extend_from_slice(&(head.chains.len() as u64).to_be_bytes());
        for chain in &head.chains {
            slot.extend_from_slice(&chain.seq.0.to_be_bytes());
            slot.extend_from_slice(&chain.hash);
        }
        let sum = xxhash_rust::xxh3::xxh3_64(&slot);
        slot.extend_from_slice(&sum.to_be_bytes());
        slot.resize(self.slot_bytes(), 0);
        let at = (self.generation % 2) * self.slot_bytes() as u64;
        self.file
            .write_all_at(&slot, at)
            .and_then(|()| self.file.sync_data())
            .map_err(JournalError::io(format!("write {}", self.path.display())))
    }

    fn read(&mut self) -> Result<Head, JournalError> {
        let name = self.path.display().to_string();
        let bytes = std::fs::read(&self.path).map_err(JournalError::io(format!("read {name}")))?;
        let slots = bytes.chunks(self.slot_bytes());
        let newest = slots
            .filter_map(|slot| self.parse(slot))
            .max_by_key(|(generation, _)| *generation);
        let Some((generation, head)) = newest else {
            return Err(JournalError::Damaged(format!(
                "{name} holds no readable head, so that nothing tells whether the journal is whole; restore a backup"
            )));
        };
        self.generation = generation;
        Ok(head)
    }

    fn parse(&self, slot: &[u8]) -> Option<(u64, Head)> {
        let content = self.content_bytes();
        let number = |at: usize| {
            let bytes = slot.get(at..at + 8)?;
            Some(u64::from_be_bytes(bytes.try_into().ok()?))
        };
        let whole = slot.get(..content)?;
        if whole[..8] != MARK || number(24)? != self.shards as u64 {
            return None;
        }
        if number(content)? != xxhash_rust::xxh3::xxh3_64(whole) {
            return None;
        }
        let chains = whole[32..].chunks_exact(40).map(|chain| {
            let (seq, hash) = chain.split_first_chunk()?;
            Some(Chain {
                seq: Seq(u64::from_be_bytes(*seq)),
                hash: hash.try_into().ok()?,
            })
        });
        let head = Head {
            turn: number(16)?,
            chains: chains.collect::<Option<_>>()?,
        };
        Some((number(8)?, head))
    }

    const fn content_bytes(&self) -> usize {
        32 + 40 * self.shards
    }

    const fn slot_bytes(&self) -> usize {
        (self.content_bytes() + 8).next_multiple_of(PAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(turn: u64) -> Head {
        let chain = |n: u8| Chain {
            seq: Seq(turn * 10 + u64::from(n)),
            hash: [n; 32],
        };
        Head {
            turn,
            chains: (0..4).map(chain).collect(),
        }
    }

    #[test]
    fn the_newest_head_is_read_and_a_torn_one_leaves_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("head");
        assert!(matches!(
            HeadFile::open(&path, 4),
            Err(JournalError::Damaged(_))
        ));
        let mut file = HeadFile::create(&path, 4).unwrap();
        assert_eq!(HeadFile::open(&path, 4).unwrap().1.turn, 0);
        for turn in 1..=3 {
            file.write(&head(turn)).unwrap();
            assert_eq!(HeadFile::open(&path, 4).unwrap().1, head(turn));
        }
        let slot = file.slot_bytes() as u64;
        file.file.write_all_at(&[0xFF; 9], 20).unwrap();
        assert_eq!(HeadFile::open(&path, 4).unwrap().1, head(2));
        file.file.write_all_at(&[0xFF; 9], slot + 20).unwrap();
        assert!(matches!(
            HeadFile::open(&path, 4),
            Err(JournalError::Damaged(_))
        ));
    }
}
