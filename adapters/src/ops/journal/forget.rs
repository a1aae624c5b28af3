//! `jifen journal forget`: deleting the oldest archives, and saying what ends with them.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use jifen_engine::{
    checkpoint::{Images, first_unsettled},
    history::Archive,
    journal::epoch::Epoch,
    ledger::{Seq, UnixMillis},
};
use serde::Serialize;

use super::{error::ToolError, line::instant, source::Source};
use crate::file::grouped;

/// Deletes the archives before an epoch, for good, and says what ends with them.
///
/// Balances, holds and answers stay. What was archived before that epoch can no longer be shown, verified or replayed,
/// unless from a backup that holds it. Without --yes nothing is deleted. `jifen journal stat` lists the epochs.
///
/// Entries that are in no published settlement stay, as far as the newest checkpoint tells: closing their period counts them again. Where
/// nothing was ever settled, --unsettled gives that up.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen journal forget --before 12
      Says what would end with epochs 1 to 11.
  jifen journal forget --before 12 --yes
      Deletes them.
  jifen journal forget --keep-days 400 --yes
      Deletes what is older than 400 days and settled, as far as a start can do without it.
  jifen journal forget --keep-days 400 --unsettled --yes
      The same in a programme that never settles. It can never begin to.
  JIFEN_KEEP_ARCHIVE_DAYS=400 jifen journal forget --before 12 --yes
      Deletes them, unless one of them has entries of the last 400 days.

Exit codes: 0 done, 1 nothing was deleted, 2 wrong usage, 4 the data directory is damaged, or in use by a process that
does not answer.")]
pub struct ForgetArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    pub data: PathBuf,
    /// The first epoch to be kept. If it is not said, everything goes that --keep-days does not keep and no start or settlement needs.
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
    /// Deletes what was never settled, too, if there has been no settlement at all. From then on no period can be closed: the
    /// first settlement takes everything from the very beginning, and counts it again.
    #[arg(long)]
    pub unsettled: bool,
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
    /// Whether no period can be closed any more.
    never_settled: bool,
    archives: usize,
    last_turn: u64,
    entries: u64,
    bytes: u64,
    /// The stamp of the last entry.
    to: Option<String>,
}

/// Says what would end, or ends it.
pub(super) fn run(args: &ForgetArgs) -> Result<ExitCode, ToolError> {
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
    forget(args, UnixMillis(now))
}

fn forget(args: &ForgetArgs, now: UnixMillis) -> Result<ExitCode, ToolError> {
    let mut source = Source::open(&args.data)?;
    let unsettled = Unsettled::find(&source)?;
    let needed = match args.before {
        Some(before) => Epoch(before),
        None => first_needed(&source, args, now)?,
    };
    let before = match (args.before, unsettled.kept(args)) {
        (None, Some(kept)) => needed.min(kept),
        _ => needed,
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
            None if before < needed => unsettled.refusal(&source),
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
    if let Some(kept) = doomed.iter().find(|archive| args.keeps(archive, now)) {
        return Err(ToolError::Refused(format!(
            "{data}: epoch {} has entries that --keep-days {} keeps; nothing was deleted: name that epoch or an earlier one",
            kept.facts().epoch().0,
            args.keep_days.unwrap_or_default()
        )));
    }
    check_can_go(&source, before)?;
    if unsettled.kept(args).is_some_and(|kept| kept < before) {
        return Err(ToolError::Refused(unsettled.refusal(&source)));
    }
    let ending = Ending {
        never_settled: unsettled.first.is_some_and(|first| first < before),
        ..Ending::of(&doomed, last, args.yes)
    };
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
    fn keeps(&self, archive: &Archive, now: UnixMillis) -> bool {
        // What has no entry is not kept.
        let last = archive.facts().stamps.map(|(_, last)| last);
        self.keep_days.zip(last).is_some_and(|(days, last)| {
            let kept = u64::from(days) * 24 * 60 * 60 * 1_000;
            last.0 >= now.0.saturating_sub(kept)
        })
    }
}

/// The first epoch that is too young to be deleted, or needed.
fn first_needed(source: &Source, args: &ForgetArgs, now: UnixMillis) -> Result<Epoch, ToolError> {
    let archives = source.catalogue.archives();
    let newest = archives.last().map(|archive| archive.facts().epoch());
    let young = archives.iter().find(|archive| args.keeps(archive, now));
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

/// What settlements still need.
struct Unsettled {
    /// The first archived epoch with an entry that is in no settlement.
    first: Option<Epoch>,
    /// Whether there has been a settlement.
    has_been: bool,
}

impl Unsettled {
    /// As the newest checkpoint tells that can be read: what was settled since is kept, too.
    fn find(source: &Source) -> Result<Self, ToolError> {
        let images = Images::new(&source.data.join("images"));
        let mut failed = None;
        for listing in images.newest_first()? {
            match first_unsettled(&images, &listing) {
                Ok(first) => {
                    return Ok(Self {
                        first: epoch_of_any(source, &first),
                        has_been: has_settlements(&source.data)?,
                    });
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            Some(error) => Err(error.into()),
            // Without a checkpoint nothing goes anyway.
            None => Ok(Self {
                first: None,
                has_been: false,
            }),
        }
    }

    /// The first epoch that is kept, unless it is given up that what is not settled will be.
    fn kept(&self, args: &ForgetArgs) -> Option<Epoch> {
        let is_given_up = args.unsettled && !self.has_been;
        self.first.filter(|_| !is_given_up)
    }

    fn refusal(&self, source: &Source) -> String {
        let data = source.data.display();
        let first = self.first.unwrap_or(Epoch::FIRST).0;
        if self.has_been {
            format!(
                "{data}: epoch {first} has entries that are in no settlement, as far as the newest checkpoint tells, and closing \
                 their period counts them again; nothing was deleted: name that epoch or an earlier one, or settle, and take a \
                 checkpoint"
            )
        } else {
            format!(
                "{data}: nothing was ever settled, and no period can be closed any more when entries are deleted before that; nothing \
                 was deleted: settle and take a checkpoint first, or give up settling with --unsettled"
            )
        }
    }
}

/// The first archived epoch that has one of these entries or one behind it, each of another shard.
fn epoch_of_any(source: &Source, entries: &[Seq]) -> Option<Epoch> {
    let mut archives = source.catalogue.archives().iter();
    let found = archives.find(|archive| {
        let chains = archive.facts().chains.iter();
        let mut ends = chains.map(|chain| chain.seq).zip(entries);
        ends.any(|(end, first)| end >= *first)
    });
    found.map(|archive| archive.facts().epoch())
}

/// Whether a settlement was ever published, or is about to be.
fn has_settlements(data: &Path) -> Result<bool, ToolError> {
    let directory = data.join("settlements");
    match fs::read_dir(&directory) {
        Ok(mut files) => Ok(files.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ToolError::file("list", &directory)(error)),
    }
}

impl Ending {
    fn of(doomed: &[Arc<Archive>], last: &Archive, deleted: bool) -> Self {
        Self {
            deleted,
            never_settled: false,
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
        if self.never_settled {
            writeln!(
                out,
                "None of it was ever settled: no period can be closed any more, this one or a later one."
            )?;
        }
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
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        time::{Duration, Instant},
    };

    use jifen_engine::{
        Clock, DataDirectory, Engine, Options,
        ledger::{Boundary, Command, Day, Enrol, MemberId, Principal, Request, RequestId, Settle},
    };

    use super::*;

    const DAY: u64 = 24 * 60 * 60 * 1_000;
    const NOW: UnixMillis = UnixMillis(20_000 * DAY);

    struct HandClock(AtomicU64);

    impl Clock for HandClock {
        fn now(&self) -> UnixMillis {
            UnixMillis(self.0.load(Ordering::Relaxed))
        }
    }

    /// How long closing may take, with time to spare for a busy machine.
    const DEADLINE: Duration = Duration::from_secs(60);

    fn open(data: &Path, clock: &Arc<HandClock>) -> Engine {
        let options = Options {
            shards: 2,
            clock: clock.clone(),
            ..Options::default()
        };
        let opened = DataDirectory::lock(data).unwrap().open(options).unwrap();
        opened.engine
    }

    async fn submit(engine: &Engine, id: &str, command: Command) {
        let principal = Principal::new("till").unwrap();
        let id = RequestId::new(id).unwrap();
        let request = Request::new(principal, id, command, None, None);
        engine.submit(request).await.unwrap().unwrap();
    }

    /// So many that every shard has some.
    async fn enrol(engine: &Engine, turn: usize) {
        for number in 0..8 {
            let enrol = Enrol {
                member: MemberId::new(&format!("m-{turn}-{number}")).unwrap(),
                attributes: None,
            };
            submit(engine, "r", Command::Enrol(enrol)).await;
        }
    }

    /// Has a period published.
    async fn settle(engine: &Engine, first: u32, last: u32) {
        let day = |number| Boundary::Day(Day::new(number).unwrap());
        let settle = Settle {
            start: day(first),
            end: day(last),
        };
        submit(engine, &format!("s-{last}"), Command::Settle(settle)).await;
        let begun = Instant::now();
        loop {
            let all = engine.settlements().await.unwrap();
            let newest = all.last().unwrap();
            if newest.published.is_some() && newest.period.last == Day::new(last).unwrap() {
                return;
            }
            assert!(begun.elapsed() < DEADLINE, "{newest:?}");
            tokio::task::yield_now().await;
        }
    }

    /// A data directory with an archive for each of these ages, counted back from [`NOW`], in milliseconds.
    fn archived(data: &Path, ages: &[u64]) {
        let clock = Arc::new(HandClock(AtomicU64::new(0)));
        actix_rt::System::new().block_on(async {
            let engine = open(data, &clock);
            for (turn, age) in ages.iter().enumerate() {
                clock.0.store(NOW.0 - age, Ordering::Relaxed);
                enrol(&engine, turn).await;
                engine.checkpoint().await.unwrap();
            }
            engine.shut_down().await;
        });
    }

    #[track_caller]
    fn check(args: &ForgetArgs, now: UnixMillis, refused: Option<&str>, first: u32) {
        let said = forget(args, now).err().map(|error| error.to_string());
        let matches = match (&said, refused) {
            (Some(said), Some(refused)) => said.contains(refused),
            (said, refused) => said.is_none() && refused.is_none(),
        };
        assert!(matches, "{args:?}: {said:?}");
        let source = Source::open(&args.data).unwrap();
        let left = source.catalogue.archives()[0].facts().epoch();
        assert_eq!(left, Epoch(first), "{args:?}");
    }

    /// Goal: what is not settled stays, so that its period can be closed. Method: a day in each epoch, of which some are settled.
    #[test]
    fn what_is_not_settled_stays() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        let args = |before: Option<u32>, unsettled: bool| ForgetArgs {
            data: data.clone(),
            before,
            keep_days: before.is_none().then_some(1),
            unsettled,
            yes: true,
            json: false,
        };
        archived(&data, &[10 * DAY, 9 * DAY, 8 * DAY, 7 * DAY]);
        for before in [None, Some(2)] {
            check(
                &args(before, false),
                NOW,
                Some("nothing was ever settled"),
                1,
            );
        }
        let clock = Arc::new(HandClock(AtomicU64::new(NOW.0 - 7 * DAY)));
        actix_rt::System::new().block_on(async {
            let engine = open(&data, &clock);
            settle(&engine, 19_990, 19_991).await;
            let images = Images::new(&data.join("images"));
            let begun = Instant::now();
            // Until all shards have heard of it.
            let mut unsettled = vec![Seq(1)];
            while unsettled.contains(&Seq(1)) {
                assert!(begun.elapsed() < DEADLINE, "{unsettled:?}");
                engine.checkpoint().await.unwrap();
                let newest = images.newest_first().unwrap().remove(0);
                unsettled = first_unsettled(&images, &newest).unwrap();
            }
            engine.checkpoint().await.unwrap();
            engine.shut_down().await;
        });
        // The third day begins in the third epoch.
        let refused = Some("epoch 3 has entries that are in no settlement");
        for unsettled in [false, true] {
            check(&args(Some(4), unsettled), NOW, refused, 1);
        }
        check(&args(Some(2), false), NOW, None, 2);
        check(&args(None, false), NOW, None, 3);
        check(&args(None, false), NOW, Some("in no settlement"), 3);
        // What is left can be settled.
        actix_rt::System::new().block_on(async {
            let engine = open(&data, &clock);
            settle(&engine, 19_992, 19_992).await;
            engine.shut_down().await;
        });
    }

    /// Goal: what is old enough goes, what is kept or needed stays, whatever is asked for. Method: archives of known ages, and
    /// commands one after the other, each with the epochs that are there behind it.
    #[test]
    fn archives_are_kept_for_as_many_days_as_is_said() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        archived(
            &data,
            &[500 * DAY, 400 * DAY + 1, 400 * DAY, 90 * DAY, DAY, 0],
        );
        let much_later = UnixMillis(NOW.0 + 1_000 * DAY);
        for (now, before, keep_days, yes, refused, first) in [
            (NOW, None, Some(600), true, Some("kept by --keep-days"), 1),
            (NOW, None, Some(400), false, None, 1),
            (NOW, None, Some(400), true, None, 3),
            (NOW, None, Some(400), true, Some("kept by --keep-days"), 3),
            (NOW, Some(5), Some(80), false, None, 3),
            (
                NOW,
                Some(5),
                Some(100),
                true,
                Some("epoch 4 has entries"),
                3,
            ),
            (NOW, Some(4), Some(100), true, None, 4),
            (NOW, None, Some(1), true, None, 5),
            // Old enough is all of it now, and the older checkpoint begins with epoch 6.
            (much_later, None, Some(400), true, None, 6),
            (
                much_later,
                None,
                Some(400),
                true,
                Some("needed by a start"),
                6,
            ),
            (NOW, Some(7), None, true, Some("the newest archive"), 6),
        ] {
            let args = ForgetArgs {
                data: data.clone(),
                before,
                keep_days,
                yes,
                unsettled: true,
                json: false,
            };
            check(&args, now, refused, first);
        }
    }
}
