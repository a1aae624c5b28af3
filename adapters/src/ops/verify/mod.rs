//! `jifen verify`: checking what the operator handed out, without the operator.

mod statement;

use std::process::ExitCode;

pub use statement::StatementArgs;

/// Checks what a server handed out, without it and without the network.
#[derive(Clone, Debug, clap::Args)]
pub struct VerifyArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    Statement(StatementArgs),
}

/// Checks, says what was found, and tells the exit code.
#[must_use]
pub fn run(args: &VerifyArgs) -> ExitCode {
    match &args.what {
        What::Statement(args) => statement::run(args),
    }
}
