//! Random tests for as many seeds as there is time for.

use std::{process::ExitCode, thread};

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use jifen_tests::{
    history,
    kills::rounds,
    power::{Load, Met, Recording, trial},
    sweep::{Run, sweep},
    world,
};

/// Among so many images every kind of loss is met.
const IMAGES_MANY: usize = 1_000;

/// Runs the random tests of Jifen for as long as wanted.
///
/// What the runs met is counted and printed at the end. A run that fails is named by its seed:
/// `--first SEED --seeds 1` runs a history or a world alone. An image that fails is kept.
///
/// Exit codes: 0 all went well, 1 a run failed or a case was never met, 2 wrong usage.
///
/// Examples:
///   cargo run --release -p jifen-tests --bin campaign -- histories --seeds 1000
///   cargo run --release -p jifen-tests --bin campaign -- simulation --seeds 10000
///   cargo run --release -p jifen-tests --bin campaign -- power 2000
///   cargo run --release -p jifen-tests --bin campaign -- kills 200
#[derive(Parser)]
#[command(verbatim_doc_comment)]
struct Arguments {
    #[command(subcommand)]
    test: Test,
}

#[derive(Subcommand)]
enum Test {
    /// The ledger and its naive twin under the same random commands, 2,000 each.
    Histories(Seeds),
    /// Shards, journal, clients, crashes and a jumping clock in one simulated world.
    Simulation(Seeds),
    /// The real server's files as a power failure could leave them, so many times.
    Power(Images),
    /// The real server killed with SIGKILL under load, so many times.
    Kills(Rounds),
}

#[derive(clap::Args)]
struct Seeds {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
}

#[derive(clap::Args)]
struct Images {
    /// How many images to make and open.
    #[arg(default_value_t = 2_000)]
    images: usize,
    /// What chance starts from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many images are made of one recorded run; then another one is recorded.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u16).range(1..))]
    per_run: u16,
    /// What else is said on the server's command line while it is recorded.
    #[arg(last = true)]
    arguments: Vec<String>,
}

#[derive(clap::Args)]
struct Rounds {
    /// How many times to kill.
    #[arg(default_value_t = 200)]
    rounds: u32,
    /// What chance starts from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().test {
        Test::Histories(seeds) => random(&seeds, history::play, &history::cases()),
        Test::Simulation(seeds) => random(&seeds, world::live, &world::cases()),
        Test::Power(images) => power(&images),
        Test::Kills(wanted) => kills(&wanted),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

fn bar(length: u64, of: &str) -> ProgressBar {
    let style = format!(
        "{{elapsed_precise}} {{wide_bar}} {{pos}}/{{len}} {of}, {{per_sec}}, {{eta}} to go"
    );
    ProgressBar::new(length).with_style(
        ProgressStyle::with_template(&style).unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
}

fn random(seeds: &Seeds, run: Run, cases: &[String]) -> Result<(), String> {
    let bar = bar(seeds.seeds, "seeds");
    let range = seeds.first..seeds.first.saturating_add(seeds.seeds);
    let met = sweep(range, run, &|| bar.inc(1));
    bar.finish();
    let met = met?;
    print!("{met}");
    let missing = met.missing(cases.iter().map(String::as_str));
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("never met: {missing:?}"))
    }
}

fn power(wanted: &Images) -> Result<(), String> {
    let bar = bar(wanted.images as u64, "images");
    let mut met = Met::default();
    let (mut left, mut answers) = (wanted.images, 0);
    for run in 0.. {
        let images = left.min(usize::from(wanted.per_run));
        if images == 0 {
            break;
        }
        let recording = Recording::of(&load(run, &wanted.arguments));
        answers += recording.answers();
        met.add(&trial(&recording, images, wanted.seed + run, &|| {
            bar.inc(1);
        })?);
        left -= images;
    }
    bar.finish();
    print!("{answers:>12}  answers recorded\n{met}");
    if wanted.images >= IMAGES_MANY && met.dropped == 0 {
        return Err("never met: a torn tail".to_owned());
    }
    Ok(())
}

/// Runs that differ: many or few clients, thin or fat commands.
fn load(run: u64, arguments: &[String]) -> Load {
    let (shoppers, note_bytes) = [(8, 900), (32, 900), (1, 100), (16, 900)][run as usize % 4];
    Load {
        shoppers,
        answers: vec![1_500, 1_000, 1_500],
        note_bytes,
        arguments: arguments.to_vec(),
    }
}

fn kills(wanted: &Rounds) -> Result<(), String> {
    let bar = bar(wanted.rounds.into(), "kills");
    let data = tempfile::tempdir().map_err(|error| error.to_string())?;
    // What is lost is told by a panic on another thread than the bar's.
    let run = || rounds(data.path(), wanted.rounds, wanted.seed, &|| bar.inc(1));
    let met = thread::scope(|scope| scope.spawn(run).join());
    let Ok((server, met)) = met else {
        let kept = data.keep();
        return Err(format!(
            "seed {}; the files are kept in {}",
            wanted.seed,
            kept.display()
        ));
    };
    bar.finish();
    server.kill();
    println!("{:>12}  answers found again after every kill", met.heard);
    println!("{:>12}  requests that a kill came into", met.unknown);
    Ok(())
}
