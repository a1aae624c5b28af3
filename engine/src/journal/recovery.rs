//! From a journal back to the ledgers: every turn is checked as a whole, then its entries are applied.

use super::{
    Journal, JournalError,
    block::{BadBlock, Block, Chain, ValueHead},
    head::Head,
};
use crate::{
    ledger::Ledger,
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

/// Applies the whole journal to `ledgers`, one per shard, to which nothing has happened yet.
///
/// A tail that is incomplete or unreadable is dropped if it lies behind the head; anything else that does not fit is
/// damage, and nothing of the journal is touched. What `ledgers` are then is nobody's business. What they do not keep
/// goes to `past`, which is brought in line with the journal.
pub fn recover_with(
    journal: &mut dyn Journal,
    head: Option<&Head>,
    ledgers: &mut [Ledger],
    past: Past,
) -> Result<Recovered, JournalError> {
    let mut reader = Reader {
        known: head,
        turn: 0,
        chains: vec![Chain::default(); ledgers.len()],
        entries: 0,
        gathered: Vec::new(),
        ledgers,
        past: &past,
    };
    journal.read(&mut |value| reader.take(value))?;
    let tail = reader.finish()?;
    let Reader {
        turn,
        chains,
        entries,
        ..
    } = reader;
    if let Some(head) = head
        && turn < head.turn
    {
        return Err(JournalError::Damaged(format!(
            "it ends with turn {turn}, but turn {} had been durable: acknowledged entries are missing; restore a backup",
            head.turn
        )));
    }
    if tail.is_some() {
        journal.truncate_behind(turn)?;
    }
    past.end_of_replay()?;
    Ok(Recovered {
        turn,
        chains,
        entries,
        dropped: tail,
        past,
    })
}

struct Reader<'a> {
    known: Option<&'a Head>,
    turn: u64,
    chains: Vec<Chain>,
    entries: u64,
    /// The values of the turn behind `turn`, so far.
    gathered: Vec<Vec<u8>>,
    ledgers: &'a mut [Ledger],
    past: &'a Past,
}

/// What is wrong with a turn.
enum Wrong {
    /// It was being written when the power failed: values are missing, or end early. At the end of a journal, behind
    /// its head, that is no damage.
    Torn(String),
    /// No crash leaves such a thing behind.
    Damaged(String),
    /// The turn is well, but what its entries push out of memory could not be stored.
    Past(PastError),
}

impl Wrong {
    fn damage(self, turn: u64) -> JournalError {
        match self {
            Self::Torn(what) | Self::Damaged(what) => {
                JournalError::Damaged(format!("turn {turn}: {what}"))
            }
            Self::Past(error) => error.into(),
        }
    }
}

impl Reader<'_> {
    fn take(&mut self, value: &[u8]) -> Result<(), JournalError> {
        let turn = ValueHead::split(value).ok().map(|(head, _)| head.turn);
        // A value that cannot be read may be the rest of the turn in hand or the beginning of the next one.
        let is_next = self.is_gathered() || turn.is_some_and(|turn| turn != self.turn + 1);
        if !self.gathered.is_empty() && is_next {
            self.apply_turn()
                .map_err(|wrong| wrong.damage(self.turn + 1))?;
        }
        self.gathered.push(value.to_vec());
        Ok(())
    }

    /// Whether the turn in hand has all the values that it counts.
    fn is_gathered(&self) -> bool {
        let first = self
            .gathered
            .first()
            .and_then(|value| ValueHead::split(value).ok());
        first.is_some_and(|(head, _)| usize::from(head.parts) == self.gathered.len())
    }

    /// Ends with the last turn; tells what is wrong with it if it has to be dropped.
    fn finish(&mut self) -> Result<Option<String>, JournalError> {
        if self.gathered.is_empty() {
            return Ok(None);
        }
        let turn = self.turn + 1;
        match self.apply_turn() {
            Ok(()) => Ok(None),
            Err(Wrong::Torn(what)) if self.known.is_none_or(|head| turn > head.turn) => {
                Ok(Some(format!("turn {turn}: {what}")))
            }
            Err(wrong) => Err(wrong.damage(turn)),
        }
    }

    fn apply_turn(&mut self) -> Result<(), Wrong> {
        let values = std::mem::take(&mut self.gathered);
        let mut chains = self.chains.clone();
        let blocks = check_turn(&values, self.turn + 1, &mut chains)?;
        for block in blocks {
            let ledger = &mut self.ledgers[usize::from(block.shard.0)];
            for record in block.records() {
                let record = record.map_err(|bad| Wrong::Damaged(bad.to_string()))?;
                // The block is whole, so an entry that does not fit was written like that.
                ledger
                    .replay(record)
                    .map_err(|error| Wrong::Damaged(error.to_string()))?;
                while let Some(aged) = ledger.take_aged() {
                    self.past.replayed(block.shard, aged).map_err(Wrong::Past)?;
                }
                self.entries += 1;
            }
        }
        self.turn += 1;
        self.chains = chains;
        self.check_head()
    }

    fn check_head(&self) -> Result<(), Wrong> {
        match self.known {
            Some(head) if head.turn == self.turn && head.chains != self.chains => {
                Err(Wrong::Damaged(
                    "its entries are not those that were durable; is this another journal?"
                        .to_owned(),
                ))
            }
            _ => Ok(()),
        }
    }
}

/// Checks a turn without applying anything: its values are all there, its blocks are whole and follow on.
fn check_turn<'a>(
    values: &'a [Vec<u8>],
    turn: u64,
    chains: &mut [Chain],
) -> Result<Vec<Block<'a>>, Wrong> {
    let mut found = Vec::new();
    for (part, value) in (0_u16..).zip(values) {
        let bad = |bad: BadBlock| {
            let what = format!("value {part}: {bad}");
            match bad {
                BadBlock::Short | BadBlock::NoMark | BadBlock::Checksum => Wrong::Torn(what),
                BadBlock::Version(_) | BadBlock::Body => Wrong::Damaged(what),
            }
        };
        let (head, mut blocks) = ValueHead::split(value).map_err(bad)?;
        if head.turn != turn {
            // Turns are written one after the other, so this one was durable and is gone.
            return Err(Wrong::Damaged(format!(
                "turn {} stands where it should be",
                head.turn
            )));
        }
        if head.part != part || usize::from(head.parts) != values.len() {
            let (there, of) = (values.len(), head.parts);
            return Err(Wrong::Torn(format!("{there} of {of} values are there")));
        }
        if blocks.len() != head.length as usize {
            return Err(bad(BadBlock::Short));
        }
        while !blocks.is_empty() {
            let (block, rest) = Block::split(blocks).map_err(bad)?;
            check_block(&block, chains).map_err(Wrong::Damaged)?;
            found.push(block);
            blocks = rest;
        }
    }
    Ok(found)
}

fn check_block(block: &Block<'_>, chains: &mut [Chain]) -> Result<(), String> {
    let shard = block.shard.0;
    let chain = chains
        .get_mut(usize::from(shard))
        .ok_or_else(|| format!("shard {shard} does not exist"))?;
    if block.first != chain.seq.next() || block.before != chain.hash {
        return Err(format!(
            "shard {shard}: entry {} does not follow entry {}",
            block.first.0, chain.seq.0
        ));
    }
    let counted = block
        .records()
        .try_fold(0, |count, record| record.map(|_| count + 1));
    if counted != Ok(block.count) {
        return Err(format!(
            "shard {shard}: a block has not the entries it counts"
        ));
    }
    *chain = block.chain();
    Ok(())
}
