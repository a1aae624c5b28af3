//! Pieces of the journal, read and named.

use std::ops::ControlFlow;

use quick_cache::unsync::Cache;

use super::{
    Cursor, FeedError,
    event::{Event, EventKind, Whose},
    names::Names,
};
use crate::{
    history::{History, HistoryError},
    journal::{
        JournalError,
        block::{BadBlock, Block, ValueHead},
        epoch::EpochHead,
        identity::JournalId,
    },
    ledger::{Entry, Seq, ShardIndex, UnixMillis},
};

/// How much of the journal makes a page, in bytes; whole turns, so that it may be a turn more.
pub(super) const PAGE_BYTES: usize = 256 << 10;
/// Of how many holds and sales it is remembered whose they are.
const WHOSE_MOST: usize = 1 << 16;

/// Some turns that follow on each other.
#[derive(Debug)]
pub(super) struct Page {
    /// The turn in front of the first.
    pub(super) behind: u64,
    /// The last turn.
    pub(super) last: u64,
    /// The stamp of the last entry.
    pub(super) at: UnixMillis,
    /// Each shard that has entries in it, with the first and the last of them.
    pub(super) spans: Vec<(ShardIndex, Seq, Seq)>,
    pub(super) events: Vec<Event>,
}

/// Reads pages. It alone knows names and whose what is, so there is one of it.
pub(super) struct PageMaker<'a> {
    history: &'a History,
    journal: Option<JournalId>,
    names: Names,
    whose: Cache<(u16, u64), Whose>,
}

/// Entries as they were found, each with the place behind it.
#[derive(Default)]
struct Found {
    journal: Option<JournalId>,
    entries: Vec<(ShardIndex, Cursor, Entry)>,
    last: u64,
    in_turn: u32,
    bytes: usize,
}

impl<'a> PageMaker<'a> {
    pub(super) fn new(history: &'a History, journal: Option<JournalId>, names: Names) -> Self {
        Self {
            history,
            journal,
            names,
            whose: Cache::new(WHOSE_MOST),
        }
    }

    /// The page behind a turn that has durable ones behind it.
    pub(super) fn make(&mut self, behind: u64) -> Result<Page, FeedError> {
        let mut found = Found {
            journal: self.journal,
            last: behind,
            ..Found::default()
        };
        self.history
            .read_some_behind(behind, PAGE_BYTES, &mut |value| {
                found.take(value).map_err(|bad| damaged(behind, &bad))
            })?;
        if found.last == behind {
            // It was there, so the journal was closed meanwhile.
            return Err(FeedError::Ended);
        }
        let mut page = Page {
            behind,
            last: found.last,
            at: UnixMillis(0),
            spans: Vec::new(),
            events: Vec::with_capacity(found.entries.len()),
        };
        for (shard, cursor, entry) in found.entries {
            self.names
                .learn(shard, &entry)
                .map_err(|_| FeedError::Ended)?;
            page.note(shard, &entry);
            if let Some(kind) = EventKind::of(&entry) {
                let whose = self.whose(shard, &entry)?;
                page.events.push(Event {
                    cursor,
                    shard,
                    kind,
                    entry,
                    whose,
                    names: self.names.of(shard),
                });
            }
        }
        Ok(page)
    }

    fn whose(&mut self, shard: ShardIndex, entry: &Entry) -> Result<Whose, FeedError> {
        let told = Whose::told_by(entry);
        if let Some(before) = Whose::told_elsewhere(entry) {
            return Ok(told.or(self.told_before(shard, before)?));
        }
        if matches!(
            EventKind::of(entry),
            Some(EventKind::Hold | EventKind::Reserve | EventKind::Confirm)
        ) {
            self.whose.insert((shard.0, entry.seq.0), told);
        }
        Ok(told)
    }

    /// What an entry told that this one speaks of. Of what an operator deleted, nothing is known.
    fn told_before(&mut self, shard: ShardIndex, seq: Seq) -> Result<Whose, FeedError> {
        if let Some(known) = self.whose.get(&(shard.0, seq.0)) {
            return Ok(*known);
        }
        let told = match self.history.entry(shard, seq)? {
            Some(record) => {
                let entry = Entry::decode(&record)
                    .map_err(|bad| damaged(seq.0, &format!("an entry cannot be read: {bad}")))?;
                Whose::told_by(&entry)
            }
            None => Whose::default(),
        };
        self.whose.insert((shard.0, seq.0), told);
        Ok(told)
    }
}

impl Page {
    fn note(&mut self, shard: ShardIndex, entry: &Entry) {
        self.at = self.at.max(entry.at);
        match self.spans.iter_mut().find(|(known, ..)| *known == shard) {
            Some((_, _, last)) => *last = entry.seq,
            None => self.spans.push((shard, entry.seq, entry.seq)),
        }
    }

    /// Whether it holds what comes behind a turn.
    pub(super) const fn goes_on_behind(&self, turn: u64) -> bool {
        self.behind <= turn && turn < self.last
    }
}

impl Found {
    /// Takes the next value; breaks off in front of a turn if there is enough.
    fn take(&mut self, value: &[u8]) -> Result<ControlFlow<()>, String> {
        if EpochHead::is_one(value) {
            return Ok(ControlFlow::Continue(()));
        }
        let bad = |bad: BadBlock| format!("a value cannot be read: {bad}");
        let (head, mut blocks) = ValueHead::split(value).map_err(bad)?;
        if head.turn != self.last {
            if self.bytes >= PAGE_BYTES {
                return Ok(ControlFlow::Break(()));
            }
            (self.last, self.in_turn) = (head.turn, 0);
        }
        self.bytes += value.len();
        while !blocks.is_empty() {
            let (block, behind) = Block::split(blocks).map_err(bad)?;
            for record in block.records() {
                let entry = Entry::decode(record.map_err(bad)?)
                    .map_err(|bad| format!("an entry cannot be read: {bad}"))?;
                self.in_turn += 1;
                let cursor = Cursor {
                    turn: head.turn - 1,
                    taken: self.in_turn,
                    journal: self.journal,
                };
                self.entries.push((block.shard, cursor, entry));
            }
            blocks = behind;
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn damaged(behind: u64, what: &str) -> HistoryError {
    HistoryError::Journal(JournalError::Damaged(format!(
        "behind turn {behind}: {what}; restore a backup"
    )))
}
