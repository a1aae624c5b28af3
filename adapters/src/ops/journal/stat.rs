//! `jifen journal stat`: how much there is, epoch by epoch.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    ops::ControlFlow,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use comfy_table::{CellAlignment, Table, presets::NOTHING};
use jifen_engine::{
    history::ArchiveFacts,
    journal::{
        epoch::{Epoch, EpochHead},
        turns::Turn,
    },
    ledger::{Deed, Entry, UnixMillis},
};
use serde::Serialize;

use super::{
    error::ToolError,
    line::{instant, word},
    progress::Progress,
    source::{Part, Source},
};
use crate::file::grouped;

/// Tells how much the journal holds: turns, entries, bytes and times of every epoch.
///
/// The directory may be in use by a server.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen journal stat
      What is in ./jifen-data, epoch by epoch.
  jifen journal stat --kinds --json | jq .kinds
      What kinds of entries take how much; reads everything.

Exit codes: 0 done, 1 failed, 2 wrong usage, 4 the data directory is damaged, or in use by a process that does not answer.")]
pub struct StatArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    pub data: PathBuf,
    /// Tells of every kind of entry how many there are and how much they take.
    #[arg(long)]
    pub kinds: bool,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Tells what is asked for.
pub(super) fn run(args: &StatArgs) -> Result<(), ToolError> {
    let mut source = Source::open(&args.data)?;
    let figures = Figures::of(&mut source, args.kinds)?;
    let mut out = io::stdout().lock();
    let written = if args.json {
        serde_json::to_writer(&mut out, &figures)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        figures.print(&mut out)
    };
    written
        .and_then(|()| out.flush())
        .map_err(ToolError::Output)
}

/// What there is.
#[derive(Serialize)]
struct Figures {
    epochs: Vec<EpochFigures>,
    total: Total,
    #[serde(skip_serializing_if = "Option::is_none")]
    kinds: Option<Vec<KindFigures>>,
}

/// What one epoch holds.
#[derive(Serialize)]
struct EpochFigures {
    epoch: u32,
    archived: bool,
    /// The turn before its first one.
    behind_turn: u64,
    last_turn: u64,
    entries: u64,
    /// What was journaled.
    raw_bytes: u64,
    /// What the files of it take on disk.
    stored_bytes: u64,
    from: Option<String>,
    to: Option<String>,
}

#[derive(Serialize)]
struct Total {
    turns: u64,
    entries: u64,
    raw_bytes: u64,
    stored_bytes: u64,
}

/// What entries of one kind take.
#[derive(Serialize)]
struct KindFigures {
    #[serde(rename = "type")]
    word: &'static str,
    refused: bool,
    entries: u64,
    bytes: u64,
}

type Kinds = BTreeMap<(&'static str, bool), (u64, u64)>;

impl Figures {
    fn of(source: &mut Source, with_kinds: bool) -> Result<Self, ToolError> {
        let mut kinds = Kinds::new();
        let mut live = vec![Live::of(source.live_head())];
        let progress = Progress::of_entries("counting", source.entries());
        let mut visit = |part: Part, turn: &Turn<'_>| {
            progress.advance(turn.blocks.iter().map(|block| u64::from(block.count)).sum());
            if with_kinds {
                count_kinds(turn, &mut kinds)?;
            }
            if let Part::Live(epoch) = part {
                count_live(epoch, turn, &mut live);
            }
            Ok(ControlFlow::Continue(()))
        };
        if with_kinds {
            source.turns(Epoch::FIRST, &mut visit)?;
        } else {
            source.live_turns(&mut visit)?;
        }
        drop(progress);
        let archived = source.catalogue.archives().iter();
        let mut epochs: Vec<_> = archived.map(|one| archived_figures(one.facts())).collect();
        for live in &live {
            epochs.push(live.figures(&source.data)?);
        }
        Ok(Self {
            total: Total::of(&epochs),
            epochs,
            kinds: with_kinds.then(|| in_order(kinds)),
        })
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let mut table = Table::new();
        table.load_preset(NOTHING).set_header([
            "epoch", "", "turns", "entries", "bytes", "on disk", "of bytes", "from", "to",
        ]);
        for epoch in &self.epochs {
            let state = if epoch.archived { "archived" } else { "live" };
            let text = |at: &Option<String>| at.clone().unwrap_or_default();
            table.add_row([
                epoch.epoch.to_string(),
                state.to_owned(),
                grouped(epoch.last_turn - epoch.behind_turn),
                grouped(epoch.entries),
                grouped(epoch.raw_bytes),
                grouped(epoch.stored_bytes),
                share(epoch.stored_bytes, epoch.raw_bytes),
                text(&epoch.from),
                text(&epoch.to),
            ]);
        }
        let total = &self.total;
        table.add_row([
            "total".to_owned(),
            String::new(),
            grouped(total.turns),
            grouped(total.entries),
            grouped(total.raw_bytes),
            grouped(total.stored_bytes),
            share(total.stored_bytes, total.raw_bytes),
        ]);
        align(&mut table, 2..=6);
        writeln!(out, "{}", table.trim_fmt())?;
        let Some(kinds) = &self.kinds else {
            return Ok(());
        };
        let bytes = kinds.iter().map(|kind| kind.bytes).sum();
        let mut table = Table::new();
        table
            .load_preset(NOTHING)
            .set_header(["kind", "entries", "bytes", "of all", "per entry"]);
        for kind in kinds {
            let refused = if kind.refused { " refused" } else { "" };
            table.add_row([
                format!("{}{refused}", kind.word),
                grouped(kind.entries),
                grouped(kind.bytes),
                share(kind.bytes, bytes),
                grouped(kind.bytes / kind.entries.max(1)),
            ]);
        }
        align(&mut table, 1..=4);
        writeln!(out, "\n{}", table.trim_fmt())
    }
}

fn align(table: &mut Table, columns: std::ops::RangeInclusive<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A part of a whole in percent, with one digit behind the point; of nothing there is none.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    let permille = u128::from(part) * 1_000 / u128::from(whole);
    format!("{}.{} %", permille / 10, permille % 10)
}

impl Total {
    fn of(epochs: &[EpochFigures]) -> Self {
        let sum = |of: fn(&EpochFigures) -> u64| epochs.iter().map(of).sum();
        Self {
            turns: sum(|epoch| epoch.last_turn - epoch.behind_turn),
            entries: sum(|epoch| epoch.entries),
            raw_bytes: sum(|epoch| epoch.raw_bytes),
            stored_bytes: sum(|epoch| epoch.stored_bytes),
        }
    }
}

fn archived_figures(facts: &ArchiveFacts) -> EpochFigures {
    EpochFigures {
        epoch: facts.epoch().0,
        archived: true,
        behind_turn: facts.head.turn,
        last_turn: facts.last_turn,
        entries: facts.entries(),
        raw_bytes: facts.raw_bytes,
        stored_bytes: facts.bytes,
        from: facts.stamps.map(|(first, _)| instant(first)),
        to: facts.stamps.map(|(_, last)| instant(last)),
    }
}

/// What is known of an epoch that is not archived.
struct Live {
    epoch: Epoch,
    behind_turn: u64,
    last_turn: u64,
    entries: u64,
    raw_bytes: u64,
    stamps: Option<(UnixMillis, UnixMillis)>,
}

impl Live {
    fn of(head: EpochHead) -> Self {
        Self {
            epoch: head.epoch,
            behind_turn: head.turn,
            last_turn: head.turn,
            entries: 0,
            raw_bytes: 0,
            stamps: None,
        }
    }

    fn figures(&self, data: &Path) -> Result<EpochFigures, ToolError> {
        let directory = data.join("journal").join(self.epoch.to_string());
        Ok(EpochFigures {
            epoch: self.epoch.0,
            archived: false,
            behind_turn: self.behind_turn,
            last_turn: self.last_turn,
            entries: self.entries,
            raw_bytes: self.raw_bytes,
            stored_bytes: stored_bytes(&directory)?,
            from: self.stamps.map(|(first, _)| instant(first)),
            to: self.stamps.map(|(_, last)| instant(last)),
        })
    }
}

fn count_live(epoch: Epoch, turn: &Turn<'_>, live: &mut Vec<Live>) {
    if live.last().is_none_or(|last| last.epoch != epoch) {
        live.push(Live {
            epoch,
            behind_turn: turn.number - 1,
            last_turn: turn.number,
            entries: 0,
            raw_bytes: 0,
            stamps: None,
        });
    }
    let Some(live) = live.last_mut() else { return };
    live.last_turn = turn.number;
    live.raw_bytes += turn
        .values
        .iter()
        .map(|value| value.len() as u64)
        .sum::<u64>();
    for block in &turn.blocks {
        live.entries += u64::from(block.count);
        let ends = block.records().flatten();
        let first = ends
            .clone()
            .next()
            .and_then(|record| Entry::decode(record).ok());
        let last = ends.last().and_then(|record| Entry::decode(record).ok());
        if let (Some(first), Some(last)) = (first, last) {
            let (from, to) = live.stamps.unwrap_or((first.at, last.at));
            live.stamps = Some((from.min(first.at), to.max(last.at)));
        }
    }
}

fn count_kinds(turn: &Turn<'_>, kinds: &mut Kinds) -> Result<(), ToolError> {
    for record in turn
        .blocks
        .iter()
        .flat_map(|block| block.records())
        .flatten()
    {
        let entry = Entry::decode(record).map_err(|error| {
            ToolError::Damaged(format!(
                "turn {}: an entry cannot be read: {error}",
                turn.number
            ))
        })?;
        let refused = matches!(entry.deed, Deed::Refused { .. });
        let (entries, bytes) = kinds.entry((word(&entry.deed), refused)).or_default();
        *entries += 1;
        *bytes += record.len() as u64;
    }
    Ok(())
}

/// The largest first.
fn in_order(kinds: Kinds) -> Vec<KindFigures> {
    let figures = |((word, refused), (entries, bytes))| KindFigures {
        word,
        refused,
        entries,
        bytes,
    };
    let mut kinds: Vec<_> = kinds.into_iter().map(figures).collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.bytes));
    kinds
}

/// What the files of a directory take on disk. It may be archived and removed meanwhile.
fn stored_bytes(directory: &Path) -> Result<u64, ToolError> {
    /// What the system counts in.
    const BLOCK: u64 = 512;
    let sum = || -> io::Result<u64> {
        let mut sum = 0;
        for file in fs::read_dir(directory)? {
            let file = file?.metadata()?;
            if file.is_file() {
                sum += file.blocks() * BLOCK;
            }
        }
        Ok(sum)
    };
    match sum() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        sum => sum.map_err(ToolError::file("look at", directory)),
    }
}
