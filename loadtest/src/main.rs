//! `jifen-load`: reads the command line, carries out the run, prints the result.

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use jifen_load::{Cli, Command, CompareArgs, FindMaxArgs, Outputs, RunArgs, RunError};
use serde::Serialize;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(args) => run(&args),
        Command::FindMax(args) => find_max(&args),
        Command::Compare(args) => compare(&args),
        Command::Schema => print_json(&jifen_load::run_schema()).map(|()| 0),
    };
    match done {
        Ok(exit_code) => ExitCode::from(exit_code),
        Err(error) => {
            eprintln!("jifen-load: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(args: &RunArgs) -> Result<u8, RunError> {
    let settings = args.settings()?;
    let outputs = Outputs::open(args)?;
    eprintln!("run {}", settings.run_id);
    let report = jifen_load::run(&settings)?;
    // Printed even if a file cannot be written.
    let written = outputs.write(&report);
    if args.json {
        print_json(&report)?;
    } else {
        print!("{report}");
    }
    written?;
    Ok(report.verdict.exit_code())
}

fn find_max(args: &FindMaxArgs) -> Result<u8, RunError> {
    let out = args.run.out.as_ref();
    let failed = |source| RunError::Out {
        path: out.cloned().unwrap_or_default(),
        source,
    };
    let file = out.map(File::create).transpose().map_err(failed)?;
    let report = jifen_load::find_max(args)?;
    if let Some(mut file) = file {
        let json = serde_json::to_string_pretty(&report).map_err(io::Error::from)?;
        writeln!(file, "{json}").map_err(failed)?;
    }
    if args.run.json {
        print_json(&report)?;
    } else {
        print!("{report}");
    }
    Ok(report.exit_code)
}

fn compare(args: &CompareArgs) -> Result<u8, RunError> {
    let comparison = jifen_load::compare(&args.one, &args.other)?;
    if args.json {
        print_json(&comparison)?;
    } else {
        print!("{comparison}");
    }
    Ok(0)
}

fn print_json(value: &impl Serialize) -> Result<(), RunError> {
    let json = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    println!("{json}");
    Ok(())
}
