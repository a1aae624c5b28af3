//! From a journal back to the ledgers: every turn is checked as a whole, then its entries are applied.

use std::sync::Arc;

use super::{
    Journal, JournalError,
    applying::Applying,
    block::Chain,
    head::Head,
    turns::{Turn, TurnError, Turns},
};
use crate::{ledger::Ledger, past::Past};

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
    ledgers: &'a mut [Ledger],
    past: Arc<Past>,
    /// Begun with the first value; has the ledgers meanwhile.
    applying: Option<Applying>,
}

impl<'a> Recovery<'a> {
    /// Begins with the ledgers as they are.
    #[must_use]
    pub fn new(known: Option<&'a Head>, ledgers: &'a mut [Ledger], past: Past) -> Self {
        let shards = u16::try_from(ledgers.len()).expect("at most 1,024 shards");
        Self {
            known,
            turns: Turns::from_an_epoch(shards),
            ledgers,
            past: Arc::new(past),
            applying: None,
        }
    }

    /// The last turn that was applied.
    #[must_use]
    pub const fn turn(&self) -> u64 {
        self.turns.turn()
    }

    /// Takes the next value.
    pub fn take(&mut self, value: &[u8]) -> Result<(), JournalError> {
        let (turn, known) = (self.turns.turn() + 1, self.known);
        let applying = match &mut self.applying {
            Some(applying) => applying,
            none => none.insert(Applying::begin(take_all(self.ledgers), &self.past)?),
        };
        self.turns
            .take(value, &mut |turn| apply(applying, turn, known))
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
        let mut entries = 0;
        if let Some(applying) = self.applying {
            let (ledgers, applied) = applying.end()?;
            for (place, ledger) in self.ledgers.iter_mut().zip(ledgers) {
                *place = ledger;
            }
            entries = applied;
        }
        check_reached(self.ledgers, self.turns.chains())?;
        let past = Arc::into_inner(self.past).expect("all threads have ended");
        past.end_of_replay()?;
        Ok(Recovered {
            turn,
            chains: self.turns.chains().to_vec(),
            entries,
            dropped,
            past,
        })
    }

    /// Tells what is wrong with the last turn if it has to be dropped.
    fn finish_turns(&mut self) -> Result<Option<String>, JournalError> {
        let (turn, known) = (self.turns.turn() + 1, self.known);
        let Some(applying) = &mut self.applying else {
            return Ok(None);
        };
        match self.turns.finish(&mut |turn| apply(applying, turn, known)) {
            Ok(()) => Ok(None),
            Err(TurnError::Torn(what)) if known.is_none_or(|head| turn > head.turn) => {
                Ok(Some(format!("turn {turn}: {what}")))
            }
            Err(error) => Err(damage(error, turn)),
        }
    }
}

/// The ledgers, with new ones in their places.
fn take_all(ledgers: &mut [Ledger]) -> Vec<Ledger> {
    let take = |ledger: &mut Ledger| {
        let new = Ledger::new(ledger.shard(), ledger.rules().clone());
        std::mem::replace(ledger, new)
    };
    ledgers.iter_mut().map(take).collect()
}

fn apply(
    applying: &mut Applying,
    turn: &Turn<'_>,
    known: Option<&Head>,
) -> Result<(), JournalError> {
    if let Some(head) = known
        && head.turn == turn.number
        && head.chains != turn.chains
    {
        return Err(JournalError::Damaged(format!(
            "turn {}: its entries are not those that were durable, so the journal or the head file is not the one that \
             belongs here; put the right one back, or restore a backup",
            turn.number
        )));
    }
    turn.blocks
        .iter()
        .try_for_each(|block| applying.block(turn.number, block))
}

/// An image is put in place only once its last entry is durable, so the journal reaches at least as far.
fn check_reached(ledgers: &[Ledger], chains: &[Chain]) -> Result<(), JournalError> {
    for (ledger, chain) in ledgers.iter().zip(chains) {
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

fn damage(error: TurnError<JournalError>, turn: u64) -> JournalError {
    match error {
        TurnError::Torn(what) | TurnError::Damaged(what) => {
            JournalError::Damaged(format!("turn {turn}: {what}"))
        }
        TurnError::Visitor(error) => error,
    }
}
