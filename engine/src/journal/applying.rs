//! Applying entries to ledgers on as many threads as there are cores: shards know nothing of each other, so each thread
//! has some of them to itself.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use crossbeam::channel::{Receiver, Sender, bounded};

use super::{
    JournalError,
    block::{Block, Records},
};
use crate::{
    ledger::{Ledger, Seq},
    past::{Past, PastError},
};

/// How many bytes of entries go to a thread at once.
const PARCEL_BYTES: usize = 64 << 10;
/// How many parcels may wait for a thread.
const PARCELS_MAX: usize = 32;

/// What is wrong with what a turn holds.
#[derive(Debug)]
pub(super) enum Wrong {
    Damaged(String),
    /// The turn is well, but what its entries push out of memory could not be stored.
    Past(PastError),
}

impl Wrong {
    pub(super) fn of_turn(self, turn: u64) -> JournalError {
        match self {
            Self::Damaged(what) => JournalError::Damaged(format!("turn {turn}: {what}")),
            Self::Past(error) => error.into(),
        }
    }
}

/// The threads at work.
pub(super) struct Applying {
    workers: Vec<Worker>,
}

struct Worker {
    parcel: Parcel,
    parcels: Sender<Parcel>,
    /// Answers with the ledgers, and how many entries were applied.
    thread: JoinHandle<Result<(Vec<Ledger>, u64), JournalError>>,
}

/// Blocks of some shards, in order.
#[derive(Default)]
struct Parcel {
    bodies: Vec<u8>,
    blocks: Vec<Piece>,
}

struct Piece {
    turn: u64,
    /// The shard's place among those of its thread.
    place: usize,
    first: Seq,
    length: usize,
}

impl Applying {
    /// Takes the ledgers over, until [`Applying::end`] gives them back.
    pub(super) fn begin(ledgers: Vec<Ledger>, past: &Arc<Past>) -> Result<Self, JournalError> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.min(ledgers.len()).max(1);
        let mut shares: Vec<Vec<Ledger>> = (0..threads).map(|_| Vec::new()).collect();
        for (shard, ledger) in ledgers.into_iter().enumerate() {
            shares[shard % threads].push(ledger);
        }
        let begin = |share: Vec<Ledger>| {
            let (parcels, inbox) = bounded(PARCELS_MAX);
            let past = Arc::clone(past);
            let thread = thread::Builder::new().name("jifen-replay".to_owned());
            let thread = thread
                .spawn(move || apply_all(share, &inbox, &past))
                .map_err(JournalError::io("start a thread"))?;
            Ok(Worker {
                parcel: Parcel::default(),
                parcels,
                thread,
            })
        };
        let workers: Result<_, JournalError> = shares.into_iter().map(begin).collect();
        Ok(Self { workers: workers? })
    }

    /// Has a block of a turn applied, some time.
    pub(super) fn block(&mut self, turn: u64, block: &Block<'_>) -> Result<(), JournalError> {
        let (shard, threads) = (usize::from(block.shard.0), self.workers.len());
        let at = shard % threads;
        let body = block.body();
        let parcel = &mut self.workers[at].parcel;
        parcel.bodies.extend_from_slice(body);
        parcel.blocks.push(Piece {
            turn,
            place: shard / threads,
            first: block.first,
            length: body.len(),
        });
        if parcel.bodies.len() < PARCEL_BYTES {
            return Ok(());
        }
        let full = std::mem::take(parcel);
        match self.workers[at].parcels.send(full) {
            Ok(()) => Ok(()),
            // It takes nothing any more, so it has ended with what is wrong.
            Err(_) => Err(self.workers.swap_remove(at).end().err().unwrap_or_else(|| {
                JournalError::Damaged("a thread that applies entries broke off".to_owned())
            })),
        }
    }

    /// Waits for all; answers with the ledgers in the order of their shards, and how many entries were applied.
    pub(super) fn end(self) -> Result<(Vec<Ledger>, u64), JournalError> {
        let ended: Result<Vec<_>, _> = self.workers.into_iter().map(Worker::end).collect();
        let (mut ledgers, mut entries) = (Vec::new(), 0);
        for (share, applied) in ended? {
            ledgers.extend(share);
            entries += applied;
        }
        ledgers.sort_by_key(Ledger::shard);
        Ok((ledgers, entries))
    }
}

impl Worker {
    fn end(self) -> Result<(Vec<Ledger>, u64), JournalError> {
        // If it is gone it tells why.
        let _ = self.parcels.send(self.parcel);
        drop(self.parcels);
        match self.thread.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn apply_all(
    mut ledgers: Vec<Ledger>,
    inbox: &Receiver<Parcel>,
    past: &Past,
) -> Result<(Vec<Ledger>, u64), JournalError> {
    let mut entries = 0;
    for parcel in inbox {
        let mut bodies = &parcel.bodies[..];
        for piece in parcel.blocks {
            let (body, behind) = bodies.split_at(piece.length);
            bodies = behind;
            let ledger = &mut ledgers[piece.place];
            entries += apply(ledger, piece.first, body, past)
                .map_err(|wrong| wrong.of_turn(piece.turn))?;
        }
    }
    Ok((ledgers, entries))
}

/// Applies the entries of a block that a ledger does not have from an image already; tells how many.
fn apply(ledger: &mut Ledger, first: Seq, body: &[u8], past: &Past) -> Result<u64, Wrong> {
    let known = ledger.last_seq();
    let records: Result<Vec<&[u8]>, _> = (first.0..)
        .zip(Records::of(body))
        .filter(|(seq, record)| record.is_err() || Seq(*seq) > known)
        .map(|(_, record)| record)
        .collect();
    let records = records.map_err(|bad| Wrong::Damaged(bad.to_string()))?;
    for run in records.chunks(Ledger::AHEAD) {
        // The block is whole, so an entry that does not fit was written like that.
        ledger
            .replay_run(run)
            .map_err(|error| Wrong::Damaged(error.to_string()))?;
        while let Some(aged) = ledger.take_aged() {
            let kept = past.replayed(ledger.shard(), aged);
            kept.map_err(Wrong::Past)?;
        }
    }
    Ok(records.len() as u64)
}
