//! `jifen journal verify`: whether everything that was acknowledged is there.

use std::{
    io::{self, Write},
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
};

use comfy_table::{CellAlignment, Table, presets::NOTHING};
use jifen_engine::{history::Archive, journal::block::Chain};
use serde::Serialize;

use super::{
    error::ToolError,
    progress::Progress,
    replay::{Replay, ShardState},
    source::{End, Source},
};
use crate::{file::grouped, ops::RulesArgs};

/// Reads the whole journal and checks it: every archive and every epoch that is not archived yet, up to the last entry
/// that is known to have been acknowledged.
///
/// Checksums, the hashes that chain blocks and archives, sequences without a gap, and the head file. The directory may
/// be in use by a server.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen journal verify
      Checks ./jifen-data.
  jifen journal verify --data /var/lib/jifen --replay --json
      Also replays every entry, and tells each shard's state hash.

Exit codes: 0 whole, 1 failed, 2 wrong usage, 4 damaged, or in use by a process that does not answer.")]
pub struct VerifyArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    pub data: PathBuf,
    /// Replays every entry into ledgers of its own, which needs as much memory as the server, and tells the state hash
    /// of every shard.
    #[arg(long)]
    pub replay: bool,
    /// What the ledger judges by; the hash depends on --request-memory. A running server's own is taken.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Says whether all is well.
pub(super) fn run(args: &VerifyArgs) -> Result<ExitCode, ToolError> {
    let mut source = match Source::open(&args.data) {
        Ok(source) => source,
        // What tells of a journal is damaged itself.
        Err(error) if error.is_damage() && args.json => {
            let damage = vec![error.to_string()];
            say_json(&Report {
                damage,
                ..Report::default()
            })?;
            return Ok(ExitCode::from(4));
        }
        Err(error) => return Err(error),
    };
    let report = Report::of(&mut source, args)?;
    if args.json {
        say_json(&report)?;
    } else {
        report.print().map_err(ToolError::Output)?;
    }
    Ok(match report.is_whole() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(4),
    })
}

fn say_json(report: &Report) -> Result<(), ToolError> {
    let told = Told {
        whole: report.is_whole(),
        report,
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &told)
        .map_err(io::Error::from)
        .and_then(|()| writeln!(out))
        .and_then(|()| out.flush())
        .map_err(ToolError::Output)
}

#[derive(Serialize)]
struct Told<'a> {
    whole: bool,
    #[serde(flatten)]
    report: &'a Report,
}

/// What was found.
#[derive(Default, Serialize)]
struct Report {
    archives: usize,
    /// From the first to the last one.
    epochs: Option<(u32, u32)>,
    /// History is complete behind this turn; 0 unless archives were deleted.
    behind_turn: u64,
    last_turn: u64,
    /// How many there are to be read.
    entries: u64,
    /// The last entry of every shard.
    last: Vec<u64>,
    /// What was wrong with a last turn, of which no answer ever told.
    dropped: Option<String>,
    /// How many entries were replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    states: Vec<ShardState>,
    /// What is wrong, what is lost with it, and what to do.
    damage: Vec<String>,
}

impl Report {
    fn of(source: &mut Source, args: &VerifyArgs) -> Result<Self, ToolError> {
        let archives = source.catalogue.archives().to_vec();
        let from = archives.first().map(|first| first.facts().head.clone());
        let from = from.unwrap_or_else(|| source.live_head());
        let mut report = Self {
            archives: archives.len(),
            behind_turn: from.turn,
            ..Self::default()
        };
        let progress = Progress::of_entries("verifying", source.entries());
        for archive in &archives {
            report.archive(archive, source)?;
            progress.advance(archive.facts().entries());
        }
        let live = live_part(source, &progress);
        let end = report.note(live)?;
        drop(progress);
        if let Some(End { head, dropped }) = end {
            report.epochs = Some((from.epoch.0, head.epoch.0));
            report.last_turn = head.turn;
            report.entries = entries(&head.chains) - entries(&from.chains);
            report.last = head.chains.iter().map(|chain| chain.seq.0).collect();
            report.dropped = dropped;
        }
        if args.replay && report.is_whole() {
            report.replay(source, args)?;
        }
        Ok(report)
    }

    const fn is_whole(&self) -> bool {
        self.damage.is_empty()
    }

    /// Reads on behind what is damaged; ends with what hinders the reading itself.
    fn note<T>(&mut self, found: Result<Option<T>, ToolError>) -> Result<Option<T>, ToolError> {
        match found {
            Err(error) if error.is_damage() => {
                self.damage.push(error.to_string());
                Ok(None)
            }
            found => found,
        }
    }

    fn archive(&mut self, archive: &Archive, source: &Source) -> Result<(), ToolError> {
        let facts = archive.facts();
        let verified = archive.verify().map_err(ToolError::from);
        if self.note(verified.map(Some))?.is_none() {
            return Ok(());
        }
        // The head file is a second behind; a short epoch may have been archived since.
        if (facts.head.turn + 1..=facts.last_turn).contains(&source.head.turn) {
            let read = source.archived_turns(archive, &mut |_, _| Ok(ControlFlow::Continue(())));
            self.note(read.map(Some))?;
        }
        Ok(())
    }

    fn replay(&mut self, source: &mut Source, args: &VerifyArgs) -> Result<(), ToolError> {
        let (mut rules, _) = args.rules.rules()?;
        if let Some(server) = source.server() {
            server.status()?.keeping.rule(&mut rules);
        }
        let (mut replay, from) = Replay::begin(source, &rules, false)?;
        let replayed = replay.all(source, from);
        if let Some(replayed) = self.note(replayed.map(Some))? {
            self.replayed = Some(replayed);
            self.states = replay.states();
        }
        Ok(())
    }

    fn print(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for damage in &self.damage {
            writeln!(out, "damaged: {damage}")?;
        }
        if let (true, Some((first, last))) = (self.is_whole(), self.epochs) {
            let turns = match self.last_turn > self.behind_turn {
                true => format!(
                    "turns {} to {}",
                    grouped(self.behind_turn + 1),
                    grouped(self.last_turn)
                ),
                false => "no turn".to_owned(),
            };
            writeln!(
                out,
                "whole: epochs {first} to {last}, {} of them archived; {turns}; {} entries",
                grouped(self.archives as u64),
                grouped(self.entries)
            )?;
            if self.behind_turn > 0 {
                writeln!(
                    out,
                    "what was before turn {} was deleted by command",
                    grouped(self.behind_turn + 1)
                )?;
            }
            writeln!(out, "\n{}", self.table())?;
        }
        if let Some(dropped) = &self.dropped {
            writeln!(
                out,
                "\na last turn was torn, of which no answer ever told: {dropped}"
            )?;
        }
        if let Some(replayed) = self.replayed {
            writeln!(out, "\nreplayed: {} entries", grouped(replayed))?;
        }
        out.flush()
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(NOTHING);
        let hashes = !self.states.is_empty();
        let header = ["shard", "last entry", "state hash"];
        table.set_header(&header[..if hashes { 3 } else { 2 }]);
        for (shard, last) in self.last.iter().enumerate() {
            let mut row = vec![shard.to_string(), grouped(*last)];
            row.extend(self.states.get(shard).map(|state| state.state_hash.clone()));
            table.add_row(row);
        }
        for column in 0..2 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.trim_fmt()
    }
}

/// Reads what is not archived; tells where it ends.
fn live_part(source: &mut Source, progress: &Progress) -> Result<Option<End>, ToolError> {
    source.live_turns(&mut |_, turn| {
        progress.advance(turn.blocks.iter().map(|block| u64::from(block.count)).sum());
        Ok(ControlFlow::Continue(()))
    })
}

fn entries(chains: &[Chain]) -> u64 {
    chains.iter().map(|chain| chain.seq.0).sum()
}
