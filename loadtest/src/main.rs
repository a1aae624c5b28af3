//! `jifen-load`: reads the command line, carries out the run, prints the result.

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use jifen_load::{Cli, Command, Report, RunArgs, RunError};

fn main() -> ExitCode {
    let Command::Run(args) = Cli::parse().command;
    match run(&args) {
        Ok(report) => ExitCode::from(report.verdict.exit_code()),
        Err(error) => {
            eprintln!("jifen-load: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(args: &RunArgs) -> Result<Report, RunError> {
    let settings = args.settings()?;
    // Opened first: a run of an hour should not end with a path that cannot be written.
    let out = args
        .out
        .as_ref()
        .map(File::create)
        .transpose()
        .map_err(|source| out_error(args, source))?;
    eprintln!("run {}", settings.run_id);
    let report = jifen_load::run(&settings)?;
    let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::from)?;
    if let Some(mut out) = out {
        writeln!(out, "{json}").map_err(|source| out_error(args, source))?;
    }
    if args.json {
        println!("{json}");
    } else {
        print!("{report}");
    }
    Ok(report)
}

fn out_error(args: &RunArgs, source: std::io::Error) -> RunError {
    RunError::Out {
        path: args.out.clone().unwrap_or_default(),
        source,
    }
}
