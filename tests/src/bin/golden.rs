//! Writes the golden files of the journal's format, once per set of specimens.

use std::{fs, io, process::ExitCode};

use clap::Parser;
use jifen_tests::specimens::{SETS, Set, Specimens, archived, directory, imaged, states, unhex};

/// Writes the golden files of format version 1: an entry of every kind, whole turns, the states behind them,
/// archives of the turns, and images of the states.
///
/// They are written once and then only read: `cargo test -p jifen-tests --test golden` compares today's code with
/// them. Sets that are there are left alone unless --overwrite is given, which is right only as long as no journal of
/// this version exists anywhere. --states writes only the states again: they are no part of the format, and change when
/// the hash covers more than before.
#[derive(Parser)]
struct Arguments {
    /// Replaces golden files that are there.
    #[arg(long)]
    overwrite: bool,
    /// Replaces the hashes of the states, and nothing else.
    #[arg(long)]
    states: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    for set in &SETS {
        let there = set.files().iter().any(|file| file.exists());
        let Some(make) = set.make else {
            if arguments.states
                && let Err(error) = write_states(set)
            {
                eprintln!("{}: {error}", directory().display());
                return ExitCode::FAILURE;
            }
            continue;
        };
        let result = if there && !arguments.overwrite && !arguments.states {
            Ok("left alone")
        } else {
            write(set, make, there && arguments.states)
        };
        match result {
            Ok(what) => println!("{}, set {:?}: {what}", directory().display(), set.suffix),
            Err(error) => {
                eprintln!("{}: {error}", directory().display());
                return ExitCode::FAILURE;
            }
        }
    }
    match archives(arguments.overwrite) {
        Ok(what) => println!("{}: {what}", archived::newest().display()),
        Err(error) => {
            eprintln!("{}: {error}", archived::newest().display());
            return ExitCode::FAILURE;
        }
    }
    match images(arguments.overwrite) {
        Ok(what) => println!("{}: {what}", imaged::newest().display()),
        Err(error) => {
            eprintln!("{}: {error}", imaged::newest().display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The images are made of the golden entries. Those of versions before are only read.
fn images(overwrite: bool) -> Result<&'static str, String> {
    let file = imaged::newest();
    if file.exists() && !overwrite {
        return Ok("left alone");
    }
    fs::write(file, imaged::made()?).map_err(|error| error.to_string())?;
    Ok("written")
}

/// The archives are made of the golden turns. Those of versions before are only read.
fn archives(overwrite: bool) -> Result<&'static str, String> {
    let directory = archived::newest();
    if directory.exists() {
        if !overwrite {
            return Ok("left alone");
        }
        fs::remove_dir_all(&directory).map_err(|error| error.to_string())?;
    }
    archived::archive(&directory).map(|()| "written")
}

/// The states of entries that are only read.
fn write_states(set: &Set) -> io::Result<()> {
    let [entries, _, to] = set.files();
    let mut ledgers = set.empty_ledgers();
    for line in fs::read_to_string(entries)?.lines() {
        let parts: Vec<&str> = line.split_whitespace().collect();
        let read = parts.first().and_then(|shard| shard.parse::<usize>().ok());
        let record = parts.get(2).and_then(|bytes| unhex(bytes));
        let (Some(shard), Some(record)) = (read, record) else {
            return Err(io::Error::other(format!("no entry: {line}")));
        };
        ledgers[shard].replay(&record).map_err(io::Error::other)?;
    }
    fs::write(to, states(&ledgers))
}

fn write(set: &Set, make: fn() -> Specimens, only_states: bool) -> io::Result<&'static str> {
    let made = make();
    let [entries, turn, states] = set.files();
    fs::create_dir_all(directory())?;
    fs::write(states, &made.states)?;
    if only_states {
        return Ok("states written");
    }
    fs::write(entries, &made.entries)?;
    fs::write(turn, &made.turn)?;
    Ok("written")
}
