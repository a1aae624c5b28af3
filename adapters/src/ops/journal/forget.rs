//! `jifen journal forget`: deleting the oldest archives, and saying what ends with them.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use jifen_engine::{checkpoint::Images, history::Archive, journal::epoch::Epoch};
use serde::Serialize;

use super::{error::ToolError, line::instant, source::Source};
use crate::file::grouped;

/// Deletes the archives before an epoch, for good, and says what ends with them.
///
/// Balances, holds and answers stay. What was archived before that epoch can no longer be shown, verified or replayed,
/// unless from a backup that holds it. Without --yes nothing is deleted. `jifen journal stat` lists the epochs.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen journal forget --before 12
      Says what would end with epochs 1 to 11.
  jifen journal forget --before 12 --yes
      Deletes them.

Exit codes: 0 done, 1 nothing was deleted, 2 wrong usage, 4 the data directory is damaged, or in use by a process that
does not answer.")]
pub struct ForgetArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    pub data: PathBuf,
    /// The first epoch to be kept.
    #[arg(long, value_name = "EPOCH", value_parser = clap::value_parser!(u32).range(1..))]
    pub before: u32,
    /// Deletes instead of only saying what would end.
    #[arg(long)]
    pub yes: bool,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What ends.
#[derive(Serialize)]
struct Ending {
    deleted: bool,
    archives: usize,
    last_turn: u64,
    entries: u64,
    bytes: u64,
    /// The stamp of the last entry.
    to: Option<String>,
}

/// Says what would end, or ends it.
pub(super) fn run(args: &ForgetArgs) -> Result<ExitCode, ToolError> {
    let mut source = Source::open(&args.data)?;
    let before = Epoch(args.before);
    let archives = source.catalogue.archives().iter();
    let doomed: Vec<_> = archives
        .filter(|archive| archive.facts().epoch() < before)
        .cloned()
        .collect();
    let Some(last) = doomed.last() else {
        return Err(ToolError::Refused(format!(
            "{}: no epoch before {} is archived; nothing was deleted",
            args.data.display(),
            args.before
        )));
    };
    if doomed.len() == source.catalogue.archives().len() {
        return Err(ToolError::Refused(format!(
            "{}: epoch {} is the newest archive, which says where the journal goes on; nothing was deleted: name that \
             epoch or an earlier one",
            args.data.display(),
            last.facts().epoch().0
        )));
    }
    let ending = Ending::of(&doomed, last, args.yes);
    check_can_go(&source, before)?;
    if args.yes {
        match source.server() {
            Some(server) => server.forget(args.before)?,
            None => {
                source.catalogue.forget_before(before)?;
            }
        }
    }
    ending.say(args.json).map_err(ToolError::Output)?;
    Ok(match args.yes {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// A start needs the epochs behind a checkpoint; the one before the newest is there for when that cannot be read.
fn check_can_go(source: &Source, before: Epoch) -> Result<(), ToolError> {
    let listings = Images::new(&source.data.join("images")).newest_first()?;
    let data = source.data.display();
    match listings.last() {
        Some(oldest) if before <= oldest.epoch => Ok(()),
        Some(oldest) => Err(ToolError::Refused(format!(
            "{data}: a start may need the epochs from {} on, where the older checkpoint begins; nothing was deleted: \
             name that epoch or an earlier one",
            oldest.epoch.0
        ))),
        None => Err(ToolError::Refused(format!(
            "{data}: there is no checkpoint, so that a start needs every epoch; nothing was deleted: take one first, \
             as `jifen backup` on the running server does"
        ))),
    }
}

impl Ending {
    fn of(doomed: &[Arc<Archive>], last: &Archive, deleted: bool) -> Self {
        Self {
            deleted,
            archives: doomed.len(),
            last_turn: last.facts().last_turn,
            entries: doomed.iter().map(|archive| archive.facts().entries()).sum(),
            bytes: doomed.iter().map(|archive| archive.facts().bytes).sum(),
            to: last.facts().stamps.map(|(_, to)| instant(to)),
        }
    }

    fn say(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer(&mut out, self)?;
            writeln!(out)?;
            return out.flush();
        }
        let to = self.to.as_deref().unwrap_or("the beginning");
        writeln!(
            out,
            "{} archives with {} entries up to turn {}, stamped up to {to}, {} bytes.\n\
             With them ends, for everything up to that moment: statements and transactions that are not in memory, \
             `journal dump`, `journal verify`, and rebuilding or restoring by replay from the first entry on. Balances, \
             holds and answers stay. Backups that hold these archives keep them.",
            self.archives,
            grouped(self.entries),
            grouped(self.last_turn),
            grouped(self.bytes)
        )?;
        let said = match self.deleted {
            true => "deleted",
            false => "nothing was deleted: add --yes to delete them",
        };
        writeln!(out, "{said}")?;
        out.flush()
    }
}
