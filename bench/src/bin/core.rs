//! The pure core once, for callgrind to count its instructions; `bench/instructions` does that.

use clap::{Parser, ValueEnum};
use jifen_bench::{rungs, workload::Workload};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEED: u64 = 42;

/// Does the canonical work on one rung and tells how many commands that were.
#[derive(Parser)]
struct Args {
    rung: Rung,
    /// How many members there are.
    #[arg(long, default_value_t = 2_000)]
    members: u32,
    /// How many operations.
    #[arg(long, default_value_t = 20_000)]
    operations: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Rung {
    /// Decide, apply, answer.
    Ledger,
    /// The same, encoded and remembered.
    Encoded,
}

fn main() {
    let args = Args::parse();
    // As the server does.
    jifen_adapters::ops::use_small_pages();
    let workload = Workload::canonical(args.members, args.operations, SEED);
    let took = match args.rung {
        Rung::Ledger => rungs::ledger(&workload),
        Rung::Encoded => rungs::encoded(&workload),
    };
    let each = took.as_nanos() as f64 / workload.work.len() as f64;
    eprintln!("{each:.0} ns for each command");
    println!("{}", workload.work.len());
}
