//! `jifen config show`: what a server would be told, and by whom.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use super::Settings;
use crate::ops::{Failure, OPERATOR_KEY, ServeArgs};

/// Looks at settings.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum ConfigCommand {
    Show(Box<ShowArgs>),
}

/// Shows what `jifen serve` would be told with the same options, as a file that `--config` reads.
///
/// Secrets are never shown.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen config show > jifen.toml
      Writes all settings as they are without a word into a file, to be edited.
  JIFEN_LISTEN=127.0.0.1:7601 jifen config show --config jifen.toml --origin
      Shows behind each setting which line of the file, variable or option it came from.")]
struct ShowArgs {
    /// Shows where each value came from.
    #[arg(long)]
    origin: bool,
    #[command(flatten)]
    serve: ServeArgs,
}

/// Does what the command line says.
#[must_use]
pub fn run(args: &ConfigArgs, settings: &Settings) -> ExitCode {
    let ConfigCommand::Show(args) = &args.command;
    let secret = env::var_os(OPERATOR_KEY).is_some();
    let mut out = io::stdout().lock();
    let shown = show(settings, args.origin, secret, &mut out).and_then(|()| out.flush());
    if let Err(error) = shown {
        eprintln!("standard output: {error}");
        return ExitCode::FAILURE;
    }
    // What only shows when the parts are put together.
    let whole = args.serve.settings().map(drop);
    let whole = whole.and_then(|()| args.serve.rules.rules().map(drop));
    let whole = whole.and_then(|()| args.serve.mq.read().map(drop));
    match whole.and_then(|()| args.serve.tls.read().map(drop)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    eprintln!("{failure}");
    failure.exit_code()
}

fn show(settings: &Settings, origins: bool, secret: bool, out: &mut dyn Write) -> io::Result<()> {
    for setting in settings.iter() {
        let key = &setting.key;
        match &setting.value {
            Some(value) if origins => writeln!(out, "{key} = {value}  # {}", setting.origin)?,
            Some(value) => writeln!(out, "{key} = {value}")?,
            None => writeln!(out, "# {key} is not set")?,
        }
    }
    if secret {
        writeln!(out, "# the operator's key: {OPERATOR_KEY}, not shown")
    } else {
        writeln!(
            out,
            "# the operator's key: in the data directory, as a digest"
        )
    }
}
