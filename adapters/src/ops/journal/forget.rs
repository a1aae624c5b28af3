//! `jifen journal forget`: deleting the oldest archives, and saying what ends with them.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use jifen_engine::{
    checkpoint::Images, history::Archive, journal::epoch::Epoch, ledger::UnixMillis,
};
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
  jifen journal forget --keep-days 400 --yes
      Deletes what is older than 400 days, as far as a start can do without it.
  JIFEN_KEEP_ARCHIVE_DAYS=400 jifen journal forget --before 12 --yes
      Deletes them, unless one of them has entries of the last 400 days.

Exit codes: 0 done, 1 nothing was deleted, 2 wrong usage, 4 the data directory is damaged, or in use by a process that
does not answer.")]
pub struct ForgetArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    pub data: PathBuf,
    /// The first epoch to be kept. If it is not said, everything goes that --keep-days does not keep and no start needs.
    #[arg(
        long,
        value_name = "EPOCH",
        value_parser = clap::value_parser!(u32).range(1..),
        required_unless_present = "keep_days"
    )]
    pub before: Option<u32>,
    /// For how many days archives are kept, whatever is asked for: one with an entry that is not older stays.
    #[arg(
        long,
        value_name = "DAYS",
        env = "JIFEN_KEEP_ARCHIVE_DAYS",
        value_parser = clap::value_parser!(u32).range(1..=36_525)
    )]
    pub keep_days: Option<u32>,
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
    let before = match args.before {
        Some(before) => Epoch(before),
        None => first_needed(&source, args)?,
    };
    let archives = source.catalogue.archives().iter();
    let doomed: Vec<_> = archives
        .filter(|archive| archive.facts().epoch() < before)
        .cloned()
        .collect();
    let data = args.data.display();
    let Some(last) = doomed.last() else {
        return Err(ToolError::Refused(match args.before {
            Some(before) => {
                format!("{data}: no epoch before {before} is archived; nothing was deleted")
            }
            None => format!(
                "{data}: every archive is kept by --keep-days or needed by a start; nothing was deleted"
            ),
        }));
    };
    if doomed.len() == source.catalogue.archives().len() {
        return Err(ToolError::Refused(format!(
            "{data}: epoch {} is the newest archive, which says where the journal goes on; nothing was deleted: name that \
             epoch or an earlier one",
            last.facts().epoch().0
        )));
    }
    if let Some(kept) = doomed.iter().find(|archive| args.keeps(archive)) {
        return Err(ToolError::Refused(format!(
            "{data}: epoch {} has entries that --keep-days {} keeps; nothing was deleted: name that epoch or an earlier one",
            kept.facts().epoch().0,
            args.keep_days.unwrap_or_default()
        )));
    }
    let ending = Ending::of(&doomed, last, args.yes);
    check_can_go(&source, before)?;
    if args.yes {
        match source.server() {
            Some(server) => server.forget(before.0)?,
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

impl ForgetArgs {
    /// Whether an archive is too young to be deleted.
    fn keeps(&self, archive: &Archive) -> bool {
        let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
        let last = archive.facts().stamps.map(|(_, last)| last);
        is_kept(self.keep_days, last, UnixMillis(now))
    }
}

/// Whether what ends at `last` is kept for `days`. What has no entry is not.
fn is_kept(days: Option<u32>, last: Option<UnixMillis>, now: UnixMillis) -> bool {
    days.zip(last).is_some_and(|(days, last)| {
        let kept = u64::from(days) * 24 * 60 * 60 * 1_000;
        last.0 >= now.0.saturating_sub(kept)
    })
}

/// The first epoch that is too young to be deleted, or needed.
fn first_needed(source: &Source, args: &ForgetArgs) -> Result<Epoch, ToolError> {
    let archives = source.catalogue.archives();
    let newest = archives.last().map(|archive| archive.facts().epoch());
    let young = archives.iter().find(|archive| args.keeps(archive));
    let young = young.map(|archive| archive.facts().epoch());
    let start = oldest_checkpoint(source)?;
    let bounds = [newest, young, start];
    Ok(bounds.into_iter().flatten().min().unwrap_or(Epoch(0)))
}

/// Where the older of the checkpoints that are kept begins. A start needs the epochs behind a checkpoint; the one before the
/// newest is there for when that cannot be read.
fn oldest_checkpoint(source: &Source) -> Result<Option<Epoch>, ToolError> {
    let listings = Images::new(&source.data.join("images")).newest_first()?;
    Ok(listings.last().map(|oldest| oldest.epoch))
}

fn check_can_go(source: &Source, before: Epoch) -> Result<(), ToolError> {
    let data = source.data.display();
    match oldest_checkpoint(source)? {
        Some(oldest) if before <= oldest => Ok(()),
        Some(oldest) => Err(ToolError::Refused(format!(
            "{data}: a start may need the epochs from {} on, where the older checkpoint begins; nothing was deleted: \
             name that epoch or an earlier one",
            oldest.0
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_within_the_days_is_kept() {
        const DAY: u64 = 86_400_000;
        let now = 1_000 * DAY;
        for (days, last, kept) in [
            (None, Some(now), false),
            (Some(30), None, false),
            (Some(30), Some(now), true),
            (Some(30), Some(now - 30 * DAY), true),
            (Some(30), Some(now - 30 * DAY - 1), false),
            (Some(2_000), Some(0), true),
        ] {
            let found = is_kept(days, last.map(UnixMillis), UnixMillis(now));
            assert_eq!(found, kept, "{days:?} {last:?}");
        }
    }
}
