//! Journals of many small turns, made by hand: what a committer would have written, block by block.

mod archiving;
mod listing;
mod reading;

use std::{ops::ControlFlow, path::Path};

use proptest::prelude::*;

use super::{Archive, BlockPlace, History, HistoryError};
use crate::{
    journal::{
        Journal,
        block::{Chain, VALUE_HEAD_BYTES, ValueHead, append_block},
        epoch::EpochHead,
        memory::{Medium, MemoryJournal},
    },
    ledger::{
        Deed, Entry, MemberId, Origin, RequestId, Seq, ShardIndex, Subject, Text, UnixMillis,
    },
};

pub(crate) const SHARDS: u16 = 3;
const START: u64 = 1_790_000_000_000;

/// The blocks of a value: whose entries, and how many.
pub(crate) type Layout = Vec<(u16, u8)>;

/// A turn: the blocks of its values.
fn a_turn() -> impl Strategy<Value = Vec<Layout>> {
    let value = prop::collection::vec((0..SHARDS, 1_u8..6), 1..4);
    prop::collection::vec(value, 1..4)
}

/// What the medium of an epoch holds, and what a reader is to find.
pub(crate) struct Written {
    head: EpochHead,
    medium: Medium,
    /// The turn of every value, and the value. The epoch's head, if it has one, comes first, with the turn before.
    values: Vec<(u64, Vec<u8>)>,
    /// Each turn's places.
    places: Vec<(u64, Vec<BlockPlace>)>,
}

impl Written {
    /// Where the epoch ends.
    fn end(&self, next: &Scribe) -> EpochHead {
        EpochHead {
            epoch: self.head.epoch.next(),
            ..next.here()
        }
    }

    fn hand_over(&self) -> impl FnMut(&mut super::Sink<'_>) -> Result<(), HistoryError> + use<'_> {
        |sink| self.values.iter().try_for_each(|(_, value)| sink(value))
    }

    fn archive(&self, path: &Path, before: Option<&Archive>) -> Result<Archive, HistoryError> {
        let before = before.map(|archive| archive.facts().hash);
        Archive::write(path, &self.head, before, &mut self.hand_over(), &mut || {})
    }
}

/// Writes a journal: what is written, and what is known of it.
pub(crate) struct Scribe {
    chains: Vec<Chain>,
    turn: u64,
    entries: Vec<(ShardIndex, Seq, Vec<u8>)>,
    now: Written,
}

impl Scribe {
    pub(crate) fn new() -> Self {
        let head = EpochHead::first(SHARDS);
        Self {
            chains: head.chains.clone(),
            turn: 0,
            entries: Vec::new(),
            now: written(head),
        }
    }

    /// A journal of one epoch with these turns.
    fn of(turns: &[Vec<Layout>]) -> Self {
        let mut scribe = Self::new();
        turns.iter().for_each(|turn| scribe.write(turn));
        scribe
    }

    /// Where it stands.
    fn here(&self) -> EpochHead {
        EpochHead {
            epoch: self.now.head.epoch,
            turn: self.turn,
            chains: self.chains.clone(),
        }
    }

    /// Writes a turn.
    pub(crate) fn write(&mut self, turn: &[Layout]) {
        self.turn += 1;
        let parts = u16::try_from(turn.len()).unwrap();
        let mut values = Vec::new();
        let mut places = Vec::new();
        for (part, layout) in (0..parts).zip(turn) {
            let mut value = vec![0; VALUE_HEAD_BYTES];
            for &(shard, count) in layout {
                places.push(self.block(&mut value, ShardIndex(shard), count, part));
            }
            let head = ValueHead {
                turn: self.turn,
                part,
                parts,
                length: u32::try_from(value.len() - VALUE_HEAD_BYTES).unwrap(),
            };
            value[..VALUE_HEAD_BYTES].copy_from_slice(&head.to_bytes());
            values.push(value);
        }
        MemoryJournal::open(self.now.medium.clone())
            .append(self.turn, &values)
            .unwrap();
        let turn = self.turn;
        self.now
            .values
            .extend(values.into_iter().map(|value| (turn, value)));
        self.now.places.push((turn, places));
    }

    fn block(
        &mut self,
        value: &mut Vec<u8>,
        shard: ShardIndex,
        count: u8,
        part: u16,
    ) -> BlockPlace {
        let chain = &mut self.chains[usize::from(shard.0)];
        let first = chain.seq.next();
        let mut body = Vec::new();
        for place in 0..u64::from(count) {
            let seq = Seq(first.0 + place);
            let record = recorded(shard, seq, self.turn);
            body.extend_from_slice(&u16::try_from(record.len()).unwrap().to_be_bytes());
            body.extend_from_slice(&record);
            self.entries.push((shard, seq, record));
        }
        append_block(value, shard, chain, count.into(), [&body[..]].into_iter());
        BlockPlace { shard, first, part }
    }

    /// The journal goes on in the next epoch; answers with the one that is over.
    pub(crate) fn roll(&mut self) -> Written {
        let mut head = self.here();
        head.epoch = head.epoch.next();
        let mut next = written(head.clone());
        let value = head.to_value();
        MemoryJournal::open(next.medium.clone())
            .append(head.turn, std::slice::from_ref(&value))
            .unwrap();
        next.values.push((head.turn, value));
        std::mem::replace(&mut self.now, next)
    }

    /// Writes a turn that is durable in a history.
    pub(crate) fn write_to(&mut self, history: &History, turn: &[Layout]) {
        self.write(turn);
        let (turn, places) = self.now.places.last().unwrap();
        history.durable(*turn, places);
    }

    /// The newest epoch begins in a history.
    pub(crate) fn begin(&self, history: &History) {
        let head = self.now.head.clone();
        let reader = MemoryJournal::open(self.now.medium.clone()).reader();
        history.began(head, reader);
    }
}

fn written(head: EpochHead) -> Written {
    Written {
        head,
        medium: Medium::default(),
        values: Vec::new(),
        places: Vec::new(),
    }
}

/// An entry whose length depends on its place. Every other one answers a request.
fn recorded(shard: ShardIndex, seq: Seq, turn: u64) -> Vec<u8> {
    let reason = "why ".repeat(1 + (seq.0 % 5) as usize);
    let entry = Entry {
        seq,
        at: UnixMillis(START + turn),
        origin: seq.0.is_multiple_of(2).then(|| origin(shard, seq)),
        subject: Subject::Member(MemberId::new(&format!("m-{}-{}", shard.0, seq.0)).unwrap()),
        defines: Vec::new(),
        deed: Deed::Frozen {
            reason: Text::new(&reason).unwrap(),
        },
        moves: [].into_iter().collect(),
        after: None,
        course: None,
        hint: Default::default(),
    };
    let mut space = vec![0; Entry::BYTES_MAX];
    entry.encode(&mut space).to_vec()
}

fn origin(shard: ShardIndex, seq: Seq) -> Origin {
    let noise = xxhash_rust::xxh3::xxh3_64_with_seed(&seq.0.to_be_bytes(), shard.0.into());
    let numbers = bincode::encode_to_vec((3_u32, noise), bincode::config::standard()).unwrap();
    let read = bincode::borrow_decode_from_slice(&numbers, bincode::config::standard());
    let ((principal, fingerprint), _) = read.unwrap();
    Origin {
        principal,
        id: RequestId::new(&format!("{:016x}", noise.rotate_left(9))).unwrap(),
        fingerprint,
        reference: None,
        metadata: None,
    }
}

/// A visitor that gathers what it is shown.
fn gather(
    found: &mut Vec<Vec<u8>>,
) -> impl FnMut(&[u8]) -> Result<ControlFlow<()>, HistoryError> + use<'_> {
    |value| {
        found.push(value.to_vec());
        Ok(ControlFlow::Continue(()))
    }
}

/// What of these values lies behind a turn: a head does if its epoch began behind it.
fn behind(values: &[(u64, Vec<u8>)], turn: u64) -> Vec<Vec<u8>> {
    let values = values.iter().filter(|(of, _)| *of > turn);
    values.map(|(_, value)| value.clone()).collect()
}

/// An entry as a history or an archive tells it.
type LookUp<'a> = dyn Fn(ShardIndex, Seq) -> Result<Option<Vec<u8>>, HistoryError> + 'a;

/// Every entry is found and is the one that was written; nothing is found where none was.
fn check_entries(look_up: &LookUp<'_>, entries: &[(ShardIndex, Seq, Vec<u8>)]) {
    let mut last = vec![Seq(0); usize::from(SHARDS)];
    for (shard, seq, record) in entries {
        let found = look_up(*shard, *seq).unwrap();
        assert_eq!(found.as_ref(), Some(record), "{shard:?} {seq:?}");
        last[usize::from(shard.0)] = *seq;
    }
    for (shard, last) in (0..).zip(last) {
        for seq in [Seq(0), last.next(), Seq(u64::MAX)] {
            assert_eq!(
                look_up(ShardIndex(shard), seq).unwrap(),
                None,
                "{shard} {seq:?}"
            );
        }
    }
    assert_eq!(look_up(ShardIndex(SHARDS), Seq(1)).unwrap(), None);
}
