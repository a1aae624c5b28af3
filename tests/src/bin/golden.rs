//! Writes the golden files of the journal's format, once per version.

use std::{fs, process::ExitCode};

use clap::Parser;
use jifen_tests::specimens::{directory, made};

/// Writes the golden files of format version 1: an entry of every kind, a whole turn, and the states behind it.
///
/// They are written once and then only read: `cargo test -p jifen-tests --test golden` compares today's code with
/// them. Files that are there are left alone unless --overwrite is given, which is right only as long as no journal of
/// this version exists anywhere.
#[derive(Parser)]
struct Arguments {
    /// Replaces golden files that are there.
    #[arg(long)]
    overwrite: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let directory = directory();
    if directory.exists() && !arguments.overwrite {
        eprintln!(
            "{} is there already; nothing was written",
            directory.display()
        );
        return ExitCode::FAILURE;
    }
    let made = made();
    let write = || {
        fs::create_dir_all(&directory)?;
        fs::write(directory.join("entries.txt"), &made.entries)?;
        fs::write(directory.join("turn.bin"), &made.turn)?;
        fs::write(directory.join("states.txt"), &made.states)
    };
    match write() {
        Ok(()) => {
            println!("written to {}", directory.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", directory.display());
            ExitCode::FAILURE
        }
    }
}
