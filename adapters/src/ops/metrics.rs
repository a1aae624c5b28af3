//! `jifen metrics`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Subcommand, ValueEnum};

use crate::metrics::{as_json, as_markdown, as_table};

/// Tells what the server tells about itself.
#[derive(Clone, Debug, clap::Args)]
pub struct MetricsArgs {
    #[command(subcommand)]
    command: MetricsCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum MetricsCommand {
    /// Lists every metric of `GET /metrics`: kind, labels, meaning, and what to do when it looks bad.
    #[command(after_help = "\
Examples:
  jifen metrics describe
  jifen metrics describe --format json | jq -r '.[].name'

Exit codes: 0 done, 1 failed, 2 wrong usage.")]
    Describe {
        /// How it is written.
        #[arg(long, value_enum, default_value_t = Writing::Table)]
        format: Writing,
    },
}

/// How the list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Writing {
    /// For people.
    Table,
    /// For machines.
    Json,
    /// As in the documentation.
    Markdown,
}

/// Does what is asked.
pub fn run(args: &MetricsArgs) -> ExitCode {
    let MetricsCommand::Describe { format } = args.command;
    let told = match format {
        Writing::Table => as_table(),
        Writing::Json => as_json(),
        Writing::Markdown => as_markdown(),
    };
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", told.trim_end()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot write");
            ExitCode::FAILURE
        }
    }
}
