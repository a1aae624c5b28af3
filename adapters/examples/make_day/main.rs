//! Writes the example day: a merchant's day as commands for `jifen import`.
//!
//! ```text
//! cargo run -p jifen-adapters --example make_day > examples/day.ndjson
//! cargo run -p jifen-adapters --example make_day -- --csv > examples/day.csv
//! ```
//!
//! The same seed and sizes give the same bytes.

mod day;

use std::io::{self, BufWriter, Write};

use clap::Parser;

use day::{Day, Line, Size};

/// Writes a merchant's day as commands for `jifen import`.
#[derive(Parser)]
struct Args {
    /// How many members enrol.
    #[arg(long)]
    members: Option<u32>,
    /// How many meals are paid; at least as many as members.
    #[arg(long)]
    visits: Option<u32>,
    /// Another seed gives another day.
    #[arg(long, default_value_t = Day::SEED)]
    seed: u64,
    /// CSV without request ids instead of NDJSON, and a small day.
    #[arg(long)]
    csv: bool,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let usual = if args.csv { Size::SMALL } else { Size::EXAMPLE };
    let members = args.members.unwrap_or(usual.members);
    let size = Size {
        members,
        visits: args.visits.unwrap_or(usual.visits).max(members),
    };
    let day = Day::new(args.seed, size);
    let mut out = BufWriter::new(io::stdout().lock());
    if args.csv {
        writeln!(out, "{}", Line::CSV_HEADER)?;
    }
    for line in day {
        if args.csv {
            line.write_csv(&mut out)?;
        } else {
            line.write_json(&mut out)?;
        }
    }
    out.flush()
}
