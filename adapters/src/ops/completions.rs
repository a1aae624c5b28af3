//! `jifen completions`: what a shell must know to complete command lines.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap_complete::Shell;

/// Writes what a shell must know to complete command lines.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen completions bash > ~/.local/share/bash-completion/completions/jifen
  jifen completions zsh > ~/.zfunc/_jifen
  jifen completions fish > ~/.config/fish/completions/jifen.fish")]
pub struct CompletionsArgs {
    /// Which shell.
    shell: Shell,
}

/// Does what the command line says, for this command.
#[must_use]
pub fn completions(args: &CompletionsArgs, mut command: clap::Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "jifen", &mut script);
    match io::stdout().lock().write_all(&script) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("standard output: {error}");
            ExitCode::FAILURE
        }
    }
}
