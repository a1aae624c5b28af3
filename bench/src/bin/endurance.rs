//! A long journal: throughput as it grows and beside an empty one, disk in use, how far the view lags, and how long starts
//! take with and without checkpoints.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Parser;
use jifen_bench::endurance::{Ids, Source, submit_measured};
use jifen_engine::{
    DataDirectory, Engine, Limits, Opened, Options, history::ArchiveFacts, ledger::Rules,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fills a journal and tells, part by part, what it took.
#[derive(Parser)]
struct Args {
    /// How many members there are.
    #[arg(long, default_value_t = 1_000_000)]
    members: u32,
    /// How many operations to do, in millions.
    #[arg(long, default_value_t = 20)]
    millions: u64,
    /// The length of an epoch, in MiB.
    #[arg(long, default_value_t = 512)]
    checkpoint_mib: u64,
    /// Whether requests are called at random, as by UUIDs, and not by numbers counted up.
    #[arg(long)]
    random_ids: bool,
    /// How many times to do the same work on a fresh journal and on the long one, in turns, after it was filled.
    #[arg(long, default_value_t = 0)]
    rounds: u32,
    /// How many operations that work is, in millions.
    #[arg(long, default_value_t = 5)]
    round_millions: u64,
    /// Where to work; removed at the end.
    #[arg(long, default_value = ".")]
    directory: PathBuf,
}

impl Args {
    fn source(&self) -> Source {
        let ids = if self.random_ids {
            Ids::Random
        } else {
            Ids::Counted
        };
        Source::new(self.members, ids)
    }
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    // As the server does.
    jifen_adapters::ops::use_small_pages();
    let place = tempfile::tempdir_in(&args.directory)?;
    let data = place.path().join("data");
    actix_rt::System::new().block_on(run(&args, &data))?;
    Ok(())
}

async fn run(args: &Args, data: &Path) -> io::Result<()> {
    let limits = Limits {
        checkpoint_bytes: args.checkpoint_mib << 20,
        ..Limits::default()
    };
    let mut source = args.source();
    let engine = opened_with_members(data, limits, &source).await;
    let loaded = fill(&engine, &mut source, args, data).await?;
    let drained = drain(&engine).await;
    println!("loaded in {loaded:?}; the view had caught up {drained:?} later");
    let taking = Instant::now();
    let facts = engine.checkpoint().await.map_err(io::Error::other)?;
    println!(
        "checkpoint {} on request in {:?}; then {}",
        facts.epoch.0,
        taking.elapsed(),
        sizes(data)?
    );
    tell_archives(&engine);
    beside_empty(&engine, &mut source, limits, args).await?;
    engine.shut_down().await;
    drop(engine);

    restart(data, limits, "from a checkpoint").await;
    fs::rename(data.join("images"), data.join("images-aside"))?;
    restart(data, limits, "from the archives alone").await;
    Ok(())
}

/// How much of their epochs the archives take.
fn tell_archives(engine: &Engine) {
    let archives = engine.history().archives();
    let facts: Vec<&ArchiveFacts> = archives.iter().map(|archive| archive.facts()).collect();
    let raw: u64 = facts.iter().map(|one| one.raw_bytes).sum();
    let packed: u64 = facts.iter().map(|one| one.bytes).sum();
    let percent = |packed: u64, raw: u64| packed as f64 * 100.0 / raw as f64;
    let each = facts.iter().map(|one| percent(one.bytes, one.raw_bytes));
    println!(
        "archives: {} of {} MiB, {:.1} %; of an epoch {:.1} % at most",
        packed >> 20,
        raw >> 20,
        percent(packed, raw),
        each.fold(0.0, f64::max)
    );
}

/// A fresh engine on which all members have some points.
async fn opened_with_members(data: &Path, limits: Limits, source: &Source) -> Engine {
    let engine = open(data, limits).engine;
    let begun = Instant::now();
    for put in source.merchants() {
        let outcome = engine.submit(put).await;
        assert!(
            outcome.is_ok_and(|reply| reply.is_ok()),
            "merchants are new"
        );
    }
    submit_measured(&engine, source.members()).await;
    println!("the members in {:?}", begun.elapsed());
    engine
}

async fn fill(
    engine: &Engine,
    source: &mut Source,
    args: &Args,
    data: &Path,
) -> io::Result<Duration> {
    println!(
        "  million      /s  batch p50 ms  max ms  view lag  journal  archive  images  past  view (MiB)"
    );
    let begun = Instant::now();
    for million in 1..=args.millions {
        let start = Instant::now();
        let mut took = submit_measured(engine, source.work(1_000_000)).await;
        let rate = 1e6 / start.elapsed().as_secs_f64();
        took.sort_unstable();
        println!(
            "{million:>9} {rate:>7.0} {:>13.1} {:>7.1} {:>9} {}",
            millis(took[took.len() / 2]),
            millis(took[took.len() - 1]),
            lag(engine).await,
            sizes(data)?,
        );
    }
    Ok(begun.elapsed())
}

/// The same work on a journal that has only the members and on the long one, each after everything behind the load was done.
async fn beside_empty(
    long: &Engine,
    source: &mut Source,
    limits: Limits,
    args: &Args,
) -> io::Result<()> {
    if args.rounds == 0 {
        return Ok(());
    }
    println!("    round  empty /s  drained  long /s  drained   long to empty");
    let mut ratios = Vec::new();
    for round in 1..=args.rounds {
        let place = tempfile::tempdir_in(&args.directory)?;
        let mut fresh = args.source();
        let empty = opened_with_members(&place.path().join("data"), limits, &fresh).await;
        let (short, short_drained) = round_on(&empty, &mut fresh, args).await?;
        empty.shut_down().await;
        drop(empty);
        let (full, full_drained) = round_on(long, source, args).await?;
        println!(
            "{round:>9} {short:>9.0} {short_drained:>8.1?} {full:>8.0} {full_drained:>8.1?} {:>14.3}",
            full / short
        );
        ratios.push(full / short);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "the long journal has {:.3} of the empty one's rate, median of {}",
        ratios[ratios.len() / 2],
        ratios.len()
    );
    Ok(())
}

/// The rate of one round, and how long the view took to catch up behind it.
async fn round_on(
    engine: &Engine,
    source: &mut Source,
    args: &Args,
) -> io::Result<(f64, Duration)> {
    drain(engine).await;
    engine.checkpoint().await.map_err(io::Error::other)?;
    let count = args.round_millions * 1_000_000;
    let start = Instant::now();
    submit_measured(engine, source.work(count)).await;
    let rate = count as f64 / start.elapsed().as_secs_f64();
    Ok((rate, drain(engine).await))
}

/// Waits until the view has caught up.
async fn drain(engine: &Engine) -> Duration {
    let begun = Instant::now();
    while lag(engine).await > 0 {
        actix_rt::time::sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

fn open(data: &Path, limits: Limits) -> Opened {
    let directory = DataDirectory::lock(data).expect("nobody else is there");
    // As `jifen serve` has it.
    let rules = Rules {
        request_bytes_max: 64 << 20,
        request_disk_bytes_max: 32 << 30,
        ..Rules::default()
    };
    let options = Options {
        limits,
        rules,
        ..Options::default()
    };
    directory.open(options).expect("it opens")
}

async fn restart(data: &Path, limits: Limits, how: &str) {
    let start = Instant::now();
    let opened = open(data, limits);
    let (took, entries) = (start.elapsed(), opened.entries);
    let per_second = entries as f64 / took.as_secs_f64();
    println!("start {how}: {took:?}, {entries} entries replayed ({per_second:.0}/s)");
    opened.engine.shut_down().await;
}

/// How many entries the view has still to look at.
async fn lag(engine: &Engine) -> u64 {
    let mut decided = 0;
    for shard in 0..engine.router().shards() {
        let shard = jifen_engine::ledger::ShardIndex(shard);
        let looked = engine.look(shard, |ledger| ledger.last_seq().0).await;
        decided += looked.expect("the engine runs");
    }
    let view = engine.view().expect("a data directory has a view");
    decided.saturating_sub(view.progress().entries)
}

fn sizes(data: &Path) -> io::Result<String> {
    let mut sizes = String::new();
    for part in ["journal", "archive", "images", "past", "view"] {
        sizes += &format!("{:>8}", bytes(&data.join(part))? >> 20);
    }
    Ok(sizes)
}

fn bytes(path: &Path) -> io::Result<u64> {
    let files = match fs::read_dir(path) {
        Ok(files) => files,
        // Files come and go while the engine works.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut sum = 0;
    for file in files {
        let file = file?;
        sum += match file.metadata() {
            Ok(known) if known.is_dir() => bytes(&file.path())?,
            Ok(known) => known.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(sum)
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}
