//! One turn at a time: everything that gathered while the last turn was made durable goes into the next.

use crossbeam::channel::{Receiver, Select};
use hdrhistogram::Histogram;

use super::{
    Journal, JournalError,
    block::{BLOCK_HEAD_BYTES, Chain, VALUE_HEAD_BYTES, ValueHead, append_block},
    epoch::{Epoch, EpochHead},
};
use crate::{
    clock::Stopwatch,
    history::BlockPlace,
    ledger::ShardIndex,
    shard::{SEALED_BYTES_MAX, Sealed},
};

/// sled moves values above a quarter of a segment to files that it never syncs, and rewrites leaves of up to 17 values
/// whole; 100 KB keeps far away from both.
pub const VALUE_BYTES_MAX: usize = 100_000;
/// What may be written between two device syncs: above about 1 MB a power failure can cost sled a whole tree.
pub const TURN_BYTES_MAX: usize = 768 << 10;

// An entry has at most the moves of two wallets full of lots and of what is pending, some 40 KiB.
const _: () = assert!(SEALED_BYTES_MAX + (40 << 10) + BLOCK_HEAD_BYTES < VALUE_BYTES_MAX);

/// How the turns went: sizes, and how long the journal took.
#[derive(Clone, Debug)]
pub struct TurnFigures {
    /// Entries per turn.
    pub entries: Histogram<u64>,
    /// Bytes per turn.
    pub bytes: Histogram<u64>,
    /// Shards with entries in a turn.
    pub shards: Histogram<u64>,
    /// Microseconds from handing a turn to the journal until it was durable.
    pub micros: Histogram<u64>,
}

impl Default for TurnFigures {
    fn default() -> Self {
        let histogram = || Histogram::new(3).expect("three digits are supported");
        Self {
            entries: histogram(),
            bytes: histogram(),
            shards: histogram(),
            micros: histogram(),
        }
    }
}

impl TurnFigures {
    fn record(&mut self, entries: u64, bytes: usize, shards: u64, micros: u64) {
        for (histogram, value) in [
            (&mut self.entries, entries),
            (&mut self.bytes, bytes as u64),
            (&mut self.shards, shards),
            (&mut self.micros, micros),
        ] {
            // These histograms grow with their values; only a value near 2^64 would be refused.
            let _ = histogram.record(value);
        }
    }

    /// How many turns there were.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.entries.len()
    }
}

/// How the last turn went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastTurn {
    /// Its entries.
    pub entries: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Nanoseconds from handing it to the journal until it was durable.
    pub nanos: u64,
    /// The part of that which the device took for its sync, if there is a device.
    pub sync_nanos: Option<u64>,
}

/// The committer without its thread: makes turns of sealed blocks.
pub struct Committer {
    journal: Box<dyn Journal>,
    chains: Vec<Chain>,
    turn: u64,
    /// What the journal's epoch has taken, in bytes, as far as this committer knows.
    epoch_bytes: u64,
    figures: TurnFigures,
    last: LastTurn,
    values: Values,
}

impl Committer {
    /// Goes on behind `turn`, with each shard's journal where its chain says.
    #[must_use]
    pub fn new(journal: Box<dyn Journal>, chains: Vec<Chain>, turn: u64) -> Self {
        Self {
            journal,
            chains,
            turn,
            epoch_bytes: 0,
            figures: TurnFigures::default(),
            last: LastTurn::default(),
            values: Values::default(),
        }
    }

    /// The same, in an epoch that has so many bytes already.
    #[must_use]
    pub fn with_epoch_bytes(mut self, bytes: u64) -> Self {
        self.epoch_bytes = bytes;
        self
    }

    /// Where the shards' journals stand; all of it is durable.
    #[must_use]
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// The last durable turn.
    #[must_use]
    pub const fn turn(&self) -> u64 {
        self.turn
    }

    /// How many bytes of values the journal's epoch has.
    #[must_use]
    pub const fn epoch_bytes(&self) -> u64 {
        self.epoch_bytes
    }

    /// How the last turn went.
    #[must_use]
    pub const fn last(&self) -> &LastTurn {
        &self.last
    }

    /// Where the blocks of the last turn lie in it.
    #[must_use]
    pub fn places(&self) -> &[BlockPlace] {
        &self.values.places
    }

    /// Goes on in another epoch, which must be empty; answers with its head and the storage of the one before. After an
    /// error nothing may be committed.
    pub fn roll(
        &mut self,
        epoch: Epoch,
        mut next: Box<dyn Journal>,
    ) -> Result<(EpochHead, Box<dyn Journal>), JournalError> {
        let head = EpochHead {
            epoch,
            turn: self.turn,
            chains: self.chains.clone(),
        };
        next.append(head.turn, &[head.to_value()])?;
        self.epoch_bytes = 0;
        Ok((head, std::mem::replace(&mut self.journal, next)))
    }

    /// How the turns went.
    #[must_use]
    pub const fn figures(&self) -> &TurnFigures {
        &self.figures
    }

    /// Makes the blocks durable in one turn. What they held back may be said afterwards, and not after an error.
    pub fn commit<H>(&mut self, sealed: &mut [Sealed<H>]) -> Result<(), JournalError> {
        // Stable: the blocks of one shard stay in their order.
        sealed.sort_by_key(|block| block.shard);
        let mut chains = self.chains.clone();
        let (entries, shards) = self.values.lay_out(self.turn + 1, &mut chains, sealed);
        if entries == 0 {
            return Ok(());
        }
        let values = self.values.get();
        let bytes: usize = values.iter().map(Vec::len).sum();
        let watch = Stopwatch::start();
        self.journal.append(self.turn + 1, values)?;
        self.turn += 1;
        self.chains = chains;
        self.epoch_bytes += bytes as u64;
        self.last = LastTurn {
            entries,
            bytes: bytes as u64,
            nanos: watch.nanos(),
            sync_nanos: self.journal.last_sync_nanos(),
        };
        let micros = self.last.nanos / 1_000;
        self.figures.record(entries, bytes, shards, micros);
        Ok(())
    }
}

/// The values of a turn, in buffers that serve turn after turn: memory of this size that is given back and asked for
/// again has to be cleared by the system each time.
#[derive(Default)]
struct Values {
    buffers: Vec<Vec<u8>>,
    used: usize,
    places: Vec<BlockPlace>,
}

impl Values {
    fn get(&self) -> &[Vec<u8>] {
        &self.buffers[..self.used]
    }

    /// Lays out a turn; tells how many entries of how many shards it has. `sealed` is sorted by shard; blocks without
    /// entries only carry replies.
    fn lay_out<H>(&mut self, turn: u64, chains: &mut [Chain], sealed: &[Sealed<H>]) -> (u64, u64) {
        self.used = 0;
        self.places.clear();
        let (mut entries, mut shards) = (0, 0);
        for run in sealed.chunk_by(|a, b| a.shard == b.shard) {
            let before = entries;
            let mut rest = run;
            while !rest.is_empty() {
                let (block, behind) = rest.split_at(fitting(rest));
                rest = behind;
                entries += u64::from(self.append(chains, block));
            }
            shards += u64::from(entries > before);
        }
        self.write_heads(turn);
        (entries, shards)
    }

    /// Appends pieces of one shard as a block; tells how many entries it has.
    fn append<H>(&mut self, chains: &mut [Chain], block: &[Sealed<H>]) -> u32 {
        let count = block.iter().map(|piece| piece.count).sum();
        if count > 0 {
            let shard = block[0].shard;
            let value = self.with_room(bytes_of(block));
            let chain = chain_of(chains, shard, block);
            let bodies = block.iter().map(|piece| &piece.body[..]);
            let first = chain.seq.next();
            append_block(value, shard, chain, count, bodies);
            let part = u16::try_from(self.used - 1).expect("a turn has few values");
            self.places.push(BlockPlace { shard, first, part });
        }
        count
    }

    /// The last value, or a new one if `bytes` more would make it too large. Every value starts with room for its head.
    fn with_room(&mut self, bytes: usize) -> &mut Vec<u8> {
        let last = self.get().last();
        if last.is_none_or(|value| value.len() + bytes > VALUE_BYTES_MAX) {
            if self.used == self.buffers.len() {
                self.buffers.push(Vec::with_capacity(VALUE_BYTES_MAX));
            }
            self.used += 1;
            let fresh = &mut self.buffers[self.used - 1];
            fresh.clear();
            fresh.resize(VALUE_HEAD_BYTES, 0);
        }
        &mut self.buffers[self.used - 1]
    }

    fn write_heads(&mut self, turn: u64) {
        let parts = u16::try_from(self.used).expect("a turn has few values");
        for (part, value) in (0..).zip(&mut self.buffers[..self.used]) {
            let length = u32::try_from(value.len() - VALUE_HEAD_BYTES).expect("a value is small");
            let head = ValueHead {
                turn,
                part,
                parts,
                length,
            };
            value[..VALUE_HEAD_BYTES].copy_from_slice(&head.to_bytes());
        }
    }
}

fn chain_of<'a, H>(
    chains: &'a mut [Chain],
    shard: ShardIndex,
    block: &[Sealed<H>],
) -> &'a mut Chain {
    let chain = &mut chains[usize::from(shard.0)];
    let first = block.iter().find(|piece| piece.count > 0);
    assert!(
        first.is_none_or(|piece| piece.first == chain.seq.next()),
        "invariant 6: the entries of {shard:?} reach the journal without a gap"
    );
    chain
}

/// How many pieces from the front make one block; at least one.
fn fitting<H>(pieces: &[Sealed<H>]) -> usize {
    let mut bytes = BLOCK_HEAD_BYTES + VALUE_HEAD_BYTES;
    let fits = pieces.iter().take_while(|piece| {
        bytes += piece.body.len();
        bytes <= VALUE_BYTES_MAX
    });
    fits.count().max(1)
}

fn bytes_of<H>(block: &[Sealed<H>]) -> usize {
    BLOCK_HEAD_BYTES + block.iter().map(|piece| piece.body.len()).sum::<usize>()
}

/// What has gathered since the last turn, waiting for the first block if there is none; `false` when all senders are
/// gone.
pub fn gather<H>(inbox: &Receiver<Sealed<H>>, blocks: &mut Vec<Sealed<H>>) -> bool {
    blocks.clear();
    let Some(first) = next(inbox) else {
        return false;
    };
    let mut bytes = first.body.len();
    blocks.push(first);
    while bytes + SEALED_BYTES_MAX < TURN_BYTES_MAX {
        let Ok(next) = inbox.try_recv() else { break };
        bytes += next.body.len();
        blocks.push(next);
    }
    true
}

/// The next block; `None` when all senders are gone.
///
/// The channel's own way of waiting offers the processor to others a few times before it sleeps. Whoever takes it then
/// keeps it for a whole time slice, some milliseconds, although a block comes in the next moment: a thread that gave
/// way is not woken by it, one that sleeps is.
fn next<H>(inbox: &Receiver<Sealed<H>>) -> Option<Sealed<H>> {
    if let Ok(block) = inbox.try_recv() {
        return Some(block);
    }
    let mut waiting = Select::new();
    waiting.recv(inbox);
    waiting.select().recv(inbox).ok()
}
