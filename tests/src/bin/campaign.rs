//! Random tests for as many seeds as there is time for.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use jifen_tests::{
    history,
    sweep::{Run, sweep},
    world,
};

/// Runs the random tests of Jifen over many seeds, on all cores.
///
/// What the runs met is counted and printed at the end. A run that fails is named by its seed;
/// `--first SEED --seeds 1` runs it alone.
///
/// Exit codes: 0 all went well, 1 a run failed or a case was never met, 2 wrong usage.
///
/// Examples:
///   cargo run --release -p jifen-tests --bin campaign -- histories --seeds 1000
///   cargo run --release -p jifen-tests --bin campaign -- simulation --seeds 10000
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

fn main() -> ExitCode {
    let (seeds, run, cases): (Seeds, Run, Vec<String>) = match Arguments::parse().test {
        Test::Histories(seeds) => (seeds, history::play, history::cases()),
        Test::Simulation(seeds) => (seeds, world::live, world::cases()),
    };
    let style = "{elapsed_precise} {wide_bar} {pos}/{len} seeds, {per_sec}, {eta} to go";
    let bar = ProgressBar::new(seeds.seeds).with_style(
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let range = seeds.first..seeds.first.saturating_add(seeds.seeds);
    let met = sweep(range, run, &|| bar.inc(1));
    bar.finish();
    match met {
        Ok(met) => {
            print!("{met}");
            let missing = met.missing(cases.iter().map(String::as_str));
            if missing.is_empty() {
                return ExitCode::SUCCESS;
            }
            eprintln!("never met: {missing:?}");
        }
        Err(what) => eprintln!("{what}"),
    }
    ExitCode::FAILURE
}
