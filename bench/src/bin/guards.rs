//! What keys, limits, metrics and tracing take of the throughput of single commands: all steps in turns, round after
//! round, so that whatever else the machine does meets them all alike.

use std::time::Duration;

use clap::Parser;
use jifen_bench::{
    guards::{Guards, look_for_keys},
    http::{self, Took},
    workload::Workload,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEED: u64 = 42;
/// How many times keys are looked for in a round.
const KEY_LOOKS: u64 = 1_000_000;

/// Measures the guards in turns and tells the medians.
#[derive(Parser)]
struct Args {
    /// How many rounds.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// How many members there are.
    #[arg(long, default_value_t = 20_000)]
    members: u32,
    /// Of how many operations the earns are sent.
    #[arg(long, default_value_t = 200_000)]
    operations: usize,
    /// Leaves the shards out: the door alone, where the guards weigh more.
    #[arg(long)]
    door: bool,
}

fn main() {
    let args = Args::parse();
    // As the server does.
    jifen_adapters::ops::use_small_pages();
    let workload = Workload::canonical(args.members, args.operations, SEED).earns();
    let climb = if args.door {
        http::door_behind
    } else {
        http::singles_behind
    };
    let mut took = vec![Vec::new(); Guards::STEPS.len()];
    let mut keys = Vec::new();
    for round in 0..args.rounds {
        for turn in 0..Guards::STEPS.len() {
            // Each is first in its turn.
            let step = (turn + round) % Guards::STEPS.len();
            took[step].push(climb(&workload, Guards::STEPS[step].1));
        }
        keys.push(look_for_keys(Guards::STEPS[0].1, KEY_LOOKS));
    }
    let commands = workload.work.len() as f64;
    let bare = median(&took[0], |took| took.busy.as_secs_f64());
    println!("{commands} commands, medians of {} rounds", args.rounds);
    for ((name, _), step) in Guards::STEPS.iter().zip(&took) {
        let seconds = median(step, |took| took.elapsed.as_secs_f64());
        let busy = median(step, |took| took.busy.as_secs_f64());
        println!(
            "{name:12} {:8.0} /s, {:.3} of keys alone; {:6.2} us of processors, {:.3} of keys alone",
            commands / seconds,
            ratio(&took[0], step, |took| took.elapsed.as_secs_f64()),
            busy * 1e6 / commands,
            ratio(&took[0], step, |took| took.busy.as_secs_f64()),
        );
    }
    let look = median(&keys, |took: &Duration| took.as_secs_f64()) / KEY_LOOKS as f64;
    let command = bare / commands;
    println!(
        "keys         {:8.0} ns a look, {:.3} of what a command takes of processors",
        look * 1e9,
        look / command
    );
}

/// The median of what they took at the first step by what they took at this one, in pairs of one round: whatever the
/// machine did meanwhile met both.
fn ratio(bare: &[Took], step: &[Took], what: impl Fn(&Took) -> f64) -> f64 {
    let pairs: Vec<_> = bare.iter().zip(step).collect();
    median(&pairs, |(bare, step)| what(bare) / what(step))
}

fn median<T>(all: &[T], what: impl Fn(&T) -> f64) -> f64 {
    let mut sorted: Vec<f64> = all.iter().map(what).collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
