//! From a journal back to the ledgers: every turn is checked as a whole, then its entries are applied.

use super::{
    Journal, JournalError,
    block::{BadBlock, Block, Chain, ValueHead},
    head::Head,
};
use crate::ledger::Ledger;

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
}

/// Applies the whole journal to `ledgers`, one per shard, to which nothing has happened yet.
///
/// A tail that is incomplete or unreadable is dropped if it lies behind the head; anything else that does not fit is
/// damage, and nothing is touched.
pub fn recover(
    journal: &mut dyn Journal,
    head: Option<&Head>,
    ledgers: &mut [Ledger],
) -> Result<Recovered, JournalError> {
    let mut reader = Reader {
        known: head,
        turn: 0,
        chains: vec![Chain::default(); ledgers.len()],
        entries: 0,
        gathered: Vec::new(),
        ledgers,
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
    Ok(Recovered {
        turn,
        chains,
        entries,
        dropped: tail,
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
}

impl Reader<'_> {
    fn take(&mut self, value: &[u8]) -> Result<(), JournalError> {
        let turn = ValueHead::split(value).ok().map(|(head, _)| head.turn);
        // A value that cannot be read counts to the turn in hand: it can only be the tail, and is judged as such.
        if !self.gathered.is_empty() && turn != Some(self.turn + 1) {
            self.apply_turn()
                .map_err(|what| JournalError::Damaged(format!("turn {}: {what}", self.turn + 1)))?;
        }
        self.gathered.push(value.to_vec());
        Ok(())
    }

    /// Ends with the last turn; tells what is wrong with it if it has to be dropped.
    fn finish(&mut self) -> Result<Option<String>, JournalError> {
        if self.gathered.is_empty() {
            return Ok(None);
        }
        let turn = self.turn + 1;
        match self.apply_turn() {
            Ok(()) => Ok(None),
            Err(what) if self.known.is_none_or(|head| turn > head.turn) => {
                Ok(Some(format!("turn {turn}: {what}")))
            }
            Err(what) => Err(JournalError::Damaged(format!("turn {turn}: {what}"))),
        }
    }

    fn apply_turn(&mut self) -> Result<(), String> {
        let values = std::mem::take(&mut self.gathered);
        let mut chains = self.chains.clone();
        let blocks = check_turn(&values, self.turn + 1, &mut chains)?;
        for block in blocks {
            let ledger = &mut self.ledgers[usize::from(block.shard.0)];
            for record in block.records() {
                let record = record.map_err(|bad| bad.to_string())?;
                ledger.replay(record).map_err(|error| error.to_string())?;
                self.entries += 1;
            }
        }
        self.turn += 1;
        self.chains = chains;
        self.check_head()
    }

    fn check_head(&self) -> Result<(), String> {
        match self.known {
            Some(head) if head.turn == self.turn && head.chains != self.chains => Err(
                "its entries are not those that were durable; is this another journal?".to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

/// Checks a turn without applying anything: its values are all there, its blocks are whole and follow on.
fn check_turn<'a>(
    values: &'a [Vec<u8>],
    turn: u64,
    chains: &mut [Chain],
) -> Result<Vec<Block<'a>>, String> {
    let mut found = Vec::new();
    for (part, value) in (0_u16..).zip(values) {
        let bad = |bad: BadBlock| format!("value {part}: {bad}");
        let (head, mut blocks) = ValueHead::split(value).map_err(bad)?;
        if head.turn != turn {
            return Err(format!("turn {} stands where it should be", head.turn));
        }
        if head.part != part || usize::from(head.parts) != values.len() {
            return Err(format!(
                "{} of {} values are there",
                values.len(),
                head.parts
            ));
        }
        while !blocks.is_empty() {
            let (block, rest) = Block::split(blocks).map_err(bad)?;
            check_block(&block, chains)?;
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
