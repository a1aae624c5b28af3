//! From turns to ledgers, and to the hashes that prove what is in them.

use std::ops::ControlFlow;

use jifen_engine::{
    checkpoint::{Images, load},
    journal::{epoch::Epoch, turns::Turn},
    ledger::{Ledger, Rules, Seq, ShardIndex},
    past::{FileShelf, Past},
};
use serde::{Deserialize, Serialize};

use super::{error::ToolError, progress::Progress, source::Source};

/// What a shard's state is behind an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShardState {
    /// Which shard.
    pub(crate) shard: u16,
    /// Behind which entry.
    pub(crate) seq: u64,
    /// In hexadecimal.
    pub(crate) state_hash: String,
}

impl ShardState {
    /// What it is now.
    pub(crate) fn of(ledger: &Ledger) -> Self {
        Self {
            shard: ledger.shard().0,
            seq: ledger.last_seq().0,
            state_hash: ledger.state_hash().to_string(),
        }
    }
}

/// Ledgers to which turns are applied.
pub(crate) struct Replay {
    ledgers: Vec<Ledger>,
    /// Behind which entry of each shard its hash is wanted, besides the last one.
    wanted: Vec<Seq>,
    /// What was wanted and seen.
    seen: Vec<ShardState>,
}

impl Replay {
    /// From the first entry on or, if those before are deleted or it has to be quick, from the newest images; with the
    /// epoch from which on there are entries that they lack.
    pub(crate) fn begin(
        source: &Source,
        rules: &Rules,
        quick: bool,
    ) -> Result<(Self, Epoch), ToolError> {
        // Where a pool has its home follows from the directory, not from options.
        let rules = &Rules {
            router: source.router,
            ..rules.clone()
        };
        if !quick && source.is_complete() {
            let shards = (0..source.router.shards()).map(ShardIndex);
            let ledgers = shards.map(|shard| Ledger::new(shard, rules.clone()));
            return Ok((Self::behind(ledgers.collect()), Epoch::FIRST));
        }
        let images = Images::new(&source.data.join("images"));
        let Some(newest) = images.newest_first()?.into_iter().next() else {
            return Err(ToolError::Refused(format!(
                "{}: there are no images, and nothing else to begin a replay with",
                source.data.display()
            )));
        };
        let past = Past::new(
            Box::new(FileShelf::new(&source.data.join("past"))),
            usize::MAX,
        );
        let ledgers = load(&images, &newest, rules, &past)?;
        Ok((Self::behind(ledgers), newest.epoch))
    }

    /// Behind what the ledgers hold.
    const fn behind(ledgers: Vec<Ledger>) -> Self {
        Self {
            ledgers,
            wanted: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Notes the state behind one entry of every shard when it comes by.
    pub(crate) fn note_at(&mut self, wanted: Vec<Seq>) {
        self.wanted = wanted;
        for shard in 0..self.ledgers.len() {
            self.note(shard);
        }
    }

    /// Applies what of a turn the ledgers do not hold yet; tells how many entries that were.
    pub(crate) fn turn(&mut self, turn: &Turn<'_>) -> Result<u64, ToolError> {
        let mut applied = 0;
        for block in &turn.blocks {
            let shard = usize::from(block.shard.0);
            for (seq, record) in (block.first.0..).map(Seq).zip(block.records()) {
                if seq <= self.ledgers[shard].last_seq() {
                    continue;
                }
                self.entry(shard, seq, record.ok(), turn.number)?;
                applied += 1;
            }
        }
        Ok(applied)
    }

    /// Applies everything from an epoch on that the ledgers do not hold yet; tells how many entries that were.
    pub(crate) fn all(&mut self, source: &mut Source, from: Epoch) -> Result<u64, ToolError> {
        let progress = Progress::of_entries("replaying", source.entries());
        let mut applied = 0;
        source.turns(from, &mut |_, turn| {
            let entries = self.turn(turn)?;
            progress.advance(entries);
            applied += entries;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(applied)
    }

    fn entry(
        &mut self,
        shard: usize,
        seq: Seq,
        record: Option<&[u8]>,
        turn: u64,
    ) -> Result<(), ToolError> {
        let ledger = &mut self.ledgers[shard];
        let record = record.unwrap_or_default();
        ledger.replay(record).map_err(|error| {
            ToolError::Damaged(format!(
                "turn {turn}: entry {shard}:{} cannot be replayed: {error}",
                seq.0
            ))
        })?;
        // Nobody asks these ledgers for old records.
        while ledger.take_aged().is_some() {}
        self.note(shard);
        Ok(())
    }

    fn note(&mut self, shard: usize) {
        let ledger = &self.ledgers[shard];
        if self.wanted.get(shard) == Some(&ledger.last_seq()) {
            self.seen.push(ShardState::of(ledger));
        }
    }

    /// What was noted, in the order of shards.
    pub(crate) fn noted(&self) -> Vec<ShardState> {
        let mut seen = self.seen.clone();
        seen.sort_by_key(|state| state.shard);
        seen
    }

    /// What the state is behind the last entry.
    pub(crate) fn states(&self) -> Vec<ShardState> {
        self.ledgers.iter().map(ShardState::of).collect()
    }
}
