//! From values back to turns: each is checked as a whole, and that it follows on, before anybody sees it.

use super::block::{BadBlock, Block, Chain, ValueHead};
use super::epoch::EpochHead;

/// A turn that is whole and follows on the one before.
pub struct Turn<'a> {
    /// Which.
    pub number: u64,
    /// Its values, as they are stored.
    pub values: &'a [Vec<u8>],
    /// Its blocks, in the order in which they are stored.
    pub blocks: Vec<Block<'a>>,
    /// Where each shard's journal stands behind it.
    pub chains: &'a [Chain],
}

/// Why turns cannot be read on.
#[derive(Debug)]
pub enum TurnError<E> {
    /// The turn was being written when the power failed: values are missing, or end early. At the end of a journal,
    /// behind its head, that is no damage.
    Torn(String),
    /// No crash leaves such a thing behind.
    Damaged(String),
    /// The visitor's own.
    Visitor(E),
}

/// Makes turns of values.
#[derive(Debug)]
pub struct Turns {
    turn: u64,
    chains: Vec<Chain>,
    /// The values of the turn behind `turn`, so far.
    gathered: Vec<Vec<u8>>,
    /// Whether an epoch's head may still say where this begins.
    anywhere: bool,
}

impl Turns {
    /// From the first turn on.
    #[must_use]
    pub fn from_the_first(shards: u16) -> Self {
        Self::behind(EpochHead::first(shards))
    }

    /// From where an epoch begins.
    #[must_use]
    pub fn behind(head: EpochHead) -> Self {
        Self {
            turn: head.turn,
            chains: head.chains,
            gathered: Vec::new(),
            anywhere: false,
        }
    }

    /// From the beginning of an epoch that has not been looked at yet: if it is not the first one, its head tells.
    #[must_use]
    pub fn from_an_epoch(shards: u16) -> Self {
        Self {
            anywhere: true,
            ..Self::from_the_first(shards)
        }
    }

    /// The last turn that was shown.
    #[must_use]
    pub const fn turn(&self) -> u64 {
        self.turn
    }

    /// Where each shard's journal stands behind it.
    #[must_use]
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// Takes the next value; shows the turn in hand if that shows it to be over.
    pub fn take<E>(
        &mut self,
        value: &[u8],
        visit: &mut dyn FnMut(&Turn<'_>) -> Result<(), E>,
    ) -> Result<(), TurnError<E>> {
        if EpochHead::is_one(value) {
            self.finish(visit)?;
            return self.enter(value);
        }
        self.anywhere = false;
        let turn = ValueHead::split(value).ok().map(|(head, _)| head.turn);
        // A value that cannot be read may be the rest of the turn in hand or the beginning of the next one.
        let is_next = self.is_gathered() || turn.is_some_and(|turn| turn != self.turn + 1);
        if is_next {
            self.finish(visit)?;
        }
        self.gathered.push(value.to_vec());
        Ok(())
    }

    /// Shows the turn in hand, if there is one: nothing more comes.
    pub fn finish<E>(
        &mut self,
        visit: &mut dyn FnMut(&Turn<'_>) -> Result<(), E>,
    ) -> Result<(), TurnError<E>> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let values = std::mem::take(&mut self.gathered);
        let mut chains = self.chains.clone();
        let blocks = check(&values, self.turn + 1, &mut chains)?;
        self.turn += 1;
        self.chains = chains;
        let turn = Turn {
            number: self.turn,
            values: &values,
            blocks,
            chains: &self.chains,
        };
        visit(&turn).map_err(TurnError::Visitor)
    }

    /// Whether the turn in hand has all the values that it counts.
    fn is_gathered(&self) -> bool {
        let first = self
            .gathered
            .first()
            .and_then(|value| ValueHead::split(value).ok());
        first.is_some_and(|(head, _)| usize::from(head.parts) == self.gathered.len())
    }

    fn enter<E>(&mut self, value: &[u8]) -> Result<(), TurnError<E>> {
        let head = EpochHead::from_value(value).map_err(|bad| {
            let what = format!("the head of an epoch: {bad}");
            match bad {
                BadBlock::Version(_) => TurnError::Damaged(what),
                _ => TurnError::Torn(what),
            }
        })?;
        if std::mem::take(&mut self.anywhere) && head.chains.len() == self.chains.len() {
            *self = Self::behind(head);
            return Ok(());
        }
        if head.turn == self.turn && head.chains == self.chains {
            return Ok(());
        }
        Err(TurnError::Damaged(format!(
            "epoch {} does not follow on turn {}: it says that it begins behind turn {}",
            head.epoch.0, self.turn, head.turn
        )))
    }
}

impl<E> TurnError<E> {
    fn bad_value(part: u16, bad: &BadBlock) -> Self {
        let what = format!("value {part}: {bad}");
        match bad {
            BadBlock::Short | BadBlock::NoMark | BadBlock::Checksum => Self::Torn(what),
            BadBlock::Version(_) | BadBlock::Body => Self::Damaged(what),
        }
    }
}

/// Checks a turn without showing anything of it: its values are all there, its blocks are whole and follow on.
fn check<'a, E>(
    values: &'a [Vec<u8>],
    turn: u64,
    chains: &mut [Chain],
) -> Result<Vec<Block<'a>>, TurnError<E>> {
    let mut found = Vec::new();
    for (part, value) in (0_u16..).zip(values) {
        let bad = |bad: BadBlock| TurnError::bad_value(part, &bad);
        let (head, mut blocks) = ValueHead::split(value).map_err(bad)?;
        if head.turn != turn {
            // Turns are written one after the other, so this one was durable and is gone.
            return Err(TurnError::Damaged(format!(
                "turn {} stands where it should be",
                head.turn
            )));
        }
        if head.part != part || usize::from(head.parts) != values.len() {
            let (there, of) = (values.len(), head.parts);
            return Err(TurnError::Torn(format!("{there} of {of} values are there")));
        }
        if blocks.len() != head.length as usize {
            return Err(bad(BadBlock::Short));
        }
        while !blocks.is_empty() {
            let (block, rest) = Block::split(blocks).map_err(bad)?;
            check_block(&block, chains).map_err(TurnError::Damaged)?;
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
