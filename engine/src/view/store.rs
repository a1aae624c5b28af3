//! The view's files: runs by member and by merchant, and how far they go.
//!
//! ```text
//! 0                              version, last turn, each shard's last entry, block and stamp
//! 1 name 0 first:8               a member's run; names hold no zero byte, so none is the beginning of another key
//! 2 shard:2 symbol:4 first:8     a merchant's run
//! ```
//!
//! All of it is in one keyspace: what is lost of that is lost with the position, and shows.

use std::path::Path;

use bincode::{Decode, Encode, config};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};

use super::{
    ViewError,
    gather::Gathered,
    run::{MARKS_MAX, Mark, append_run},
};
use crate::{
    journal::{block::Chain, epoch::EpochHead},
    ledger::{Seq, UnixMillis},
};

/// Of keys, values and everything that they mean. Another one: the view is built again.
const VERSION: u32 = 1;
const POSITION: [u8; 1] = [0];
const MEMBERS: u8 = 1;
const MERCHANTS: u8 = 2;
/// What the view keeps of its files in memory, in bytes.
const CACHE_BYTES: u64 = 16 << 20;
/// How much is gathered in memory before it is written as a sorted file, in bytes.
const MEMTABLE_BYTES: u64 = 32 << 20;
/// How much the files that make batches whole may take, in bytes.
const LOG_BYTES: u64 = 64 << 20;

/// How far the view goes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Position {
    version: u32,
    /// The last turn that is in it.
    pub(super) turn: u64,
    shards: Vec<ShardPosition>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
struct ShardPosition {
    seq: u64,
    hash: [u8; 32],
    at: u64,
}

impl Position {
    /// In front of everything.
    pub(super) fn start(shards: u16) -> Self {
        Self {
            version: VERSION,
            turn: 0,
            shards: vec![ShardPosition::default(); usize::from(shards)],
        }
    }

    /// The last entry of a shard that is in the view.
    pub(crate) fn seq(&self, shard: usize) -> Seq {
        Seq(self.shards[shard].seq)
    }

    /// Its stamp; `None` if there is none.
    pub(crate) fn stamp(&self, shard: usize) -> Option<UnixMillis> {
        let shard = self.shards[shard];
        (shard.seq > 0).then_some(UnixMillis(shard.at))
    }

    /// How many entries are in the view, with those that it has no use for.
    pub(super) fn entries(&self) -> u64 {
        self.shards.iter().map(|shard| shard.seq).sum()
    }

    /// The latest stamp in it.
    pub(super) fn latest(&self) -> UnixMillis {
        UnixMillis(self.shards.iter().map(|shard| shard.at).max().unwrap_or(0))
    }

    pub(super) fn note_stamp(&mut self, shard: usize, at: UnixMillis) {
        self.shards[shard].at = at.0;
    }

    pub(super) fn note_turn(&mut self, turn: u64, chains: &[Chain]) {
        self.turn = turn;
        for (shard, chain) in self.shards.iter_mut().zip(chains) {
            (shard.seq, shard.hash) = (chain.seq.0, chain.hash);
        }
    }

    /// Where reading goes on, so that what comes next is checked to follow on what is here.
    pub(super) fn head(&self) -> EpochHead {
        let chain = |shard: &ShardPosition| Chain {
            seq: Seq(shard.seq),
            hash: shard.hash,
        };
        EpochHead {
            turn: self.turn,
            chains: self.shards.iter().map(chain).collect(),
            ..EpochHead::first(0)
        }
    }
}

/// The open files.
pub(super) struct Store {
    pub(super) database: Database,
    pub(super) keyspace: Keyspace,
}

impl Store {
    /// Opens the view in `directory`, or makes a new one; tells how far it goes.
    pub(super) fn open(directory: &Path, shards: u16) -> Result<(Self, Position), ViewError> {
        let database = Database::builder(directory)
            .worker_threads(1)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(LOG_BYTES)
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let store = Self {
            keyspace: database.keyspace("view", options)?,
            database,
        };
        let position = match store.keyspace.get(POSITION)? {
            Some(stored) => read_position(&stored)?,
            None if store.keyspace.is_empty()? => Position::start(shards),
            None => {
                return Err(ViewError::Damaged("it does not say how far it goes".into()));
            }
        };
        if position.shards.len() == usize::from(shards) {
            Ok((store, position))
        } else {
            Err(ViewError::Damaged("it has another number of shards".into()))
        }
    }

    /// Adds what was gathered, and says how far that goes: all of it or nothing.
    pub(super) fn write(
        &self,
        gathered: &mut Gathered,
        position: &Position,
    ) -> Result<(), ViewError> {
        let mut batch = self.database.batch();
        let (mut prefix, mut key, mut run) = (Vec::new(), Vec::new(), Vec::new());
        let mut insert = |prefix: &[u8], marks: &[Mark]| {
            for marks in marks.chunks(MARKS_MAX) {
                key.clear();
                key.extend_from_slice(prefix);
                key.extend_from_slice(&marks[0].seq.0.to_be_bytes());
                run.clear();
                append_run(marks, &mut run);
                batch.insert(&self.keyspace, key.as_slice(), run.as_slice());
            }
        };
        gathered.each_member(|name, marks| {
            prefix.clear();
            append_member_prefix(name, &mut prefix);
            insert(&prefix, marks);
        });
        for ((shard, symbol), marks) in gathered.merchants() {
            insert(&merchant_prefix(shard, symbol), marks);
        }
        let told = bincode::encode_to_vec(position, config::standard())
            .expect("memory takes what is written to it");
        batch.insert(&self.keyspace, POSITION, told);
        Ok(batch.commit()?)
    }

    /// How far the view goes in a snapshot.
    pub(super) fn position(
        &self,
        at: &fjall::Snapshot,
        shards: u16,
    ) -> Result<Position, ViewError> {
        match at.get(&self.keyspace, POSITION)? {
            Some(stored) => read_position(&stored),
            None => Ok(Position::start(shards)),
        }
    }

    /// Brings everything to the device: a start then goes on from here.
    pub(super) fn persist(&self) -> Result<(), ViewError> {
        Ok(self.database.persist(PersistMode::SyncData)?)
    }
}

fn read_position(stored: &[u8]) -> Result<Position, ViewError> {
    let version: Result<(u32, _), _> = bincode::decode_from_slice(stored, config::standard());
    match version {
        Ok((VERSION, _)) => {}
        Ok((other, _)) => {
            let what = format!("its version is {other}, this program writes {VERSION}");
            return Err(ViewError::Damaged(what));
        }
        Err(error) => return Err(ViewError::Damaged(error.to_string())),
    }
    bincode::decode_from_slice(stored, config::standard())
        .map(|(position, _)| position)
        .map_err(|error| ViewError::Damaged(error.to_string()))
}

pub(super) fn member_prefix(name: &str) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(name.len() + 2);
    append_member_prefix(name.as_bytes(), &mut prefix);
    prefix
}

fn append_member_prefix(name: &[u8], prefix: &mut Vec<u8>) {
    prefix.push(MEMBERS);
    prefix.extend_from_slice(name);
    prefix.push(0);
}

pub(super) fn merchant_prefix(shard: u16, symbol: u32) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(7);
    prefix.push(MERCHANTS);
    prefix.extend_from_slice(&shard.to_be_bytes());
    prefix.extend_from_slice(&symbol.to_be_bytes());
    prefix
}

/// The key of the run that begins with `first`.
pub(super) fn key(prefix: &[u8], first: Seq) -> Vec<u8> {
    [prefix, &first.0.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_of_another_version_or_for_other_shards_is_of_no_use() {
        let directory = tempfile::tempdir().unwrap();
        let (store, start) = Store::open(directory.path(), 4).unwrap();
        assert_eq!(start, Position::start(4));
        let mut position = start;
        position.turn = 7;
        store.write(&mut Gathered::default(), &position).unwrap();
        drop(store);
        let (store, found) = Store::open(directory.path(), 4).unwrap();
        assert_eq!(found, position);
        drop(store);
        let other_shards = Store::open(directory.path(), 8).err();
        assert!(matches!(other_shards, Some(ViewError::Damaged(_))));

        let (store, _) = Store::open(directory.path(), 4).unwrap();
        position.version += 1;
        store.write(&mut Gathered::default(), &position).unwrap();
        drop(store);
        let newer = Store::open(directory.path(), 4).err();
        let Some(ViewError::Damaged(what)) = newer else {
            panic!("{newer:?}");
        };
        assert_eq!(what, "its version is 2, this program writes 1");
    }

    #[test]
    fn what_has_lost_its_position_is_of_no_use() {
        let directory = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(directory.path(), 4).unwrap();
        let key = key(&member_prefix("A0"), Seq(1));
        store.keyspace.insert(key, [1]).unwrap();
        drop(store);
        let lost = Store::open(directory.path(), 4).err();
        assert!(matches!(lost, Some(ViewError::Damaged(_))), "{lost:?}");
    }
}
