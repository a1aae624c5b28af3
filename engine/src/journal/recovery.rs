//! From a journal back to the ledgers: every turn is checked as a whole, then its entries are applied.

use super::{
    Journal, JournalError,
    block::{BadBlock, Chain},
    head::Head,
    turns::{Turn, TurnError, Turns},
};
use crate::{
    ledger::{Ledger, Seq},
    past::{Past, PastError},
};

/// What recovery found.
#[derive(Debug)]
pub struct Recovered {
    /// The last whole turn.
    pub turn: u64,
    /// Where each shard's journal stands.
    pub chains: Vec<Chain>,
    /// How many entries were applied.
    pub entries: u64,
    /// What was wrong with a tail that was dropped. No answer ever told of it: its sync had not ended.
    pub dropped: Option<String>,
    /// The records that the ledgers no longer keep.
    pub past: Past,
}

/// [`recover_with`] old records in memory, for ledgers that keep all of theirs and for tests.
pub fn recover(
    journal: &mut dyn Journal,
    head: Option<&Head>,
    ledgers: &mut [Ledger],
) -> Result<Recovered, JournalError> {
    recover_with(journal, head, ledgers, Past::in_memory())
}

/// Applies a journal of one epoch to `ledgers`, one per shard; see [`Recovery`].
pub fn recover_with(
    journal: &mut dyn Journal,
    head: Option<&Head>,
    ledgers: &mut [Ledger],
    past: Past,
) -> Result<Recovered, JournalError> {
    let mut recovery = Recovery::new(head, ledgers, past);
    journal.read(&mut |value| recovery.take(value))?;
    let recovered = recovery.finish()?;
    if recovered.dropped.is_some() {
        journal.truncate_behind(recovered.turn)?;
    }
    Ok(recovered)
}

/// Applies values in order to ledgers: to new ones from the first turn on, to ones that come from images from the
/// beginning of an epoch that their images do not lie behind.
///
/// A tail that is incomplete or unreadable is dropped if it lies behind the head, and has to be truncated; anything
/// else that does not fit is damage, and nothing of the journal is touched. What the ledgers are then is nobody's
/// business. What they do not keep goes to the store of old records, which is brought in line with the journal.
pub struct Recovery<'a> {
    known: Option<&'a Head>,
    turns: Turns,
    applied: Applied<'a>,
}

struct Applied<'a> {
    entries: u64,
    ledgers: &'a mut [Ledger],
    past: Past,
}

/// What is wrong with what a turn holds.
enum Wrong {
    Damaged(String),
    /// The turn is well, but what its entries push out of memory could not be stored.
    Past(PastError),
}

impl<'a> Recovery<'a> {
    /// Begins with the ledgers as they are.
    #[must_use]
    pub fn new(known: Option<&'a Head>, ledgers: &'a mut [Ledger], past: Past) -> Self {
        let shards = u16::try_from(ledgers.len()).expect("at most 1,024 shards");
        Self {
            known,
            turns: Turns::from_an_epoch(shards),
            applied: Applied {
                entries: 0,
                ledgers,
                past,
            },
        }
    }

    /// The last turn that was applied.
    #[must_use]
    pub const fn turn(&self) -> u64 {
        self.turns.turn()
    }

    /// Takes the next value.
    pub fn take(&mut self, value: &[u8]) -> Result<(), JournalError> {
        let turn = self.turns.turn() + 1;
        let (known, applied) = (self.known, &mut self.applied);
        self.turns
            .take(value, &mut |turn| applied.turn(turn, known))
            .map_err(|error| damage(error, turn))
    }

    /// Nothing more comes: ends with the last turn, and compares with what is known from outside.
    pub fn finish(mut self) -> Result<Recovered, JournalError> {
        let dropped = self.finish_turns()?;
        let turn = self.turns.turn();
        if let Some(head) = self.known
            && turn < head.turn
        {
            return Err(JournalError::Damaged(format!(
                "it ends with turn {turn}, but turn {} had been durable: acknowledged entries of {} turns are missing or \
                 cannot be read; restore a backup",
                head.turn,
                head.turn - turn
            )));
        }
        self.applied.check_reached(self.turns.chains())?;
        self.applied.past.end_of_replay()?;
        Ok(Recovered {
            turn,
            chains: self.turns.chains().to_vec(),
            entries: self.applied.entries,
            dropped,
            past: self.applied.past,
        })
    }

    /// Tells what is wrong with the last turn if it has to be dropped.
    fn finish_turns(&mut self) -> Result<Option<String>, JournalError> {
        let turn = self.turns.turn() + 1;
        let (known, applied) = (self.known, &mut self.applied);
        match self.turns.finish(&mut |turn| applied.turn(turn, known)) {
            Ok(()) => Ok(None),
            Err(TurnError::Torn(what)) if known.is_none_or(|head| turn > head.turn) => {
                Ok(Some(format!("turn {turn}: {what}")))
            }
            Err(error) => Err(damage(error, turn)),
        }
    }
}

impl Applied<'_> {
    fn turn(&mut self, turn: &Turn<'_>, known: Option<&Head>) -> Result<(), Wrong> {
        for block in &turn.blocks {
            let mut seq = Seq(block.first.0 - 1);
            for record in block.records() {
                let record = record.map_err(|bad: BadBlock| Wrong::Damaged(bad.to_string()))?;
                seq = seq.next();
                self.entry(usize::from(block.shard.0), seq, record)?;
            }
        }
        match known {
            Some(head) if head.turn == turn.number && head.chains != turn.chains => {
                Err(Wrong::Damaged(
                    "its entries are not those that were durable, so the journal or the head file is not the one that belongs \
                     here; put the right one back, or restore a backup"
                        .to_owned(),
                ))
            }
            _ => Ok(()),
        }
    }

    fn entry(&mut self, shard: usize, seq: Seq, record: &[u8]) -> Result<(), Wrong> {
        let ledger = &mut self.ledgers[shard];
        if seq <= ledger.last_seq() {
            // Its image has it already.
            return Ok(());
        }
        // The block is whole, so an entry that does not fit was written like that.
        ledger
            .replay(record)
            .map_err(|error| Wrong::Damaged(error.to_string()))?;
        while let Some(aged) = ledger.take_aged() {
            let kept = self.past.replayed(ledger.shard(), aged);
            kept.map_err(Wrong::Past)?;
        }
        self.entries += 1;
        Ok(())
    }

    /// An image is put in place only once its last entry is durable, so the journal reaches at least as far.
    fn check_reached(&self, chains: &[Chain]) -> Result<(), JournalError> {
        for (ledger, chain) in self.ledgers.iter().zip(chains) {
            if ledger.last_seq() > chain.seq {
                return Err(JournalError::Damaged(format!(
                    "shard {} ends with entry {}, but entry {} had been durable: acknowledged entries are missing; \
                     restore a backup",
                    ledger.shard().0,
                    chain.seq.0,
                    ledger.last_seq().0
                )));
            }
        }
        Ok(())
    }
}

fn damage(error: TurnError<Wrong>, turn: u64) -> JournalError {
    match error {
        TurnError::Torn(what)
        | TurnError::Damaged(what)
        | TurnError::Visitor(Wrong::Damaged(what)) => {
            JournalError::Damaged(format!("turn {turn}: {what}"))
        }
        TurnError::Visitor(Wrong::Past(error)) => error.into(),
    }
}
