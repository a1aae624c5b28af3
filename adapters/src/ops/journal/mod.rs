//! `jifen journal`: looking at what was journaled, in a directory that is in use or not.
//!
//! | where | what |
//! |---|---|
//! | `source` | the journal of a data directory, read turn by turn |
//! | `verify`, `dump`, `stat`, `forget` | the commands |
//! | `line`, `names` | an entry as a line of JSON |
//! | `replay` | from turns to ledgers and their hashes |
//! | `progress`, `error` | what people see meanwhile, and when it goes wrong |

mod dump;
mod error;
mod forget;
mod line;
mod names;
mod progress;
mod replay;
mod source;
mod stat;
mod verify;

use std::process::ExitCode;

pub use dump::DumpArgs;
pub(super) use error::ToolError;
pub use forget::ForgetArgs;
pub(super) use progress::Progress;
pub(super) use replay::{Replay, ShardState};
pub(super) use source::{End, Part, Source};
pub use stat::StatArgs;
pub use verify::VerifyArgs;

/// Looks at what was journaled: checks it, prints it, counts it, and deletes the oldest of it.
#[derive(Clone, Debug, clap::Args)]
pub struct JournalArgs {
    #[command(subcommand)]
    command: JournalCommand,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum JournalCommand {
    Verify(VerifyArgs),
    Dump(DumpArgs),
    Stat(StatArgs),
    Forget(ForgetArgs),
}

/// Does what is asked for, and says so.
#[must_use]
pub fn run(args: JournalArgs) -> ExitCode {
    let done = match args.command {
        JournalCommand::Verify(args) => verify::run(&args),
        JournalCommand::Dump(args) => dump::run(args).map(|()| ExitCode::SUCCESS),
        JournalCommand::Forget(args) => forget::run(&args),
        JournalCommand::Stat(args) => stat::run(&args).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(ToolError::exit)
}
