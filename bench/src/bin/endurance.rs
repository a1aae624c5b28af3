//! A long journal: throughput as it grows, disk in use, how far the view lags, and how long starts take with and without
//! checkpoints.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Parser;
use jifen_bench::endurance::{Source, submit_measured};
use jifen_engine::{DataDirectory, Engine, Limits, Opened, Options, ledger::Rules};

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
    /// Where to work; removed at the end.
    #[arg(long, default_value = ".")]
    directory: PathBuf,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
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
    let engine = open(data, limits).engine;
    let mut source = Source::new(args.members);
    let begun = Instant::now();
    for put in source.merchants() {
        let outcome = engine.submit(put).await;
        assert!(
            outcome.is_ok_and(|reply| reply.is_ok()),
            "merchants are new"
        );
    }
    submit_measured(&engine, source.members()).await;
    println!("{} members in {:?}", args.members, begun.elapsed());
    println!(
        "  million      /s  batch p50 ms  max ms  view lag  journal  archive  images  past  view (MiB)"
    );
    let begun = Instant::now();
    for million in 1..=args.millions {
        let start = Instant::now();
        let mut took = submit_measured(&engine, source.work(1_000_000)).await;
        let rate = 1e6 / start.elapsed().as_secs_f64();
        took.sort_unstable();
        println!(
            "{million:>9} {rate:>7.0} {:>13.1} {:>7.1} {:>9} {}",
            millis(took[took.len() / 2]),
            millis(took[took.len() - 1]),
            lag(&engine).await,
            sizes(data)?,
        );
    }
    let loaded = begun.elapsed();
    let draining = Instant::now();
    while lag(&engine).await > 0 {
        actix_rt::time::sleep(Duration::from_millis(10)).await;
    }
    println!(
        "loaded in {loaded:?}; the view had caught up {:?} later",
        draining.elapsed()
    );
    let taking = Instant::now();
    let facts = engine.checkpoint().await.map_err(io::Error::other)?;
    println!(
        "checkpoint {} on request in {:?}; then {}",
        facts.epoch.0,
        taking.elapsed(),
        sizes(data)?
    );
    engine.shut_down().await;
    drop(engine);

    restart(data, limits, "from a checkpoint").await;
    fs::rename(data.join("images"), data.join("images-aside"))?;
    restart(data, limits, "from the archives alone").await;
    Ok(())
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
