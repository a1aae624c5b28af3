//! `jifen backup` and `jifen restore`: a consistent copy of a data directory, taken while it is in use or not, and the
//! way back, which proves that it is the same.
//!
//! ```text
//! DIR2/backup.json        what the backup holds, with sizes and hashes; written last, so without it there is none
//! DIR2/archive/ images/ past/   as in the data directory; files that never change
//! DIR2/tail/              what was not archived yet, as archives of its own
//! DIR2/keys-….json        as it was
//! ```
//!
//! A second backup to the same place copies what is new, and leaves the first one whole until it is complete itself.
//!
//! | where | what |
//! |---|---|
//! | `record` | `backup.json` |
//! | `copy` | files, one by one, safely |
//! | `take` | `jifen backup` |
//! | `tail` | what is not archived yet |
//! | `restore` | `jifen restore` |
//! | `proof` | whether what was restored is what was backed up |

mod copy;
mod proof;
mod record;
mod restore;
mod tail;
mod take;

use std::process::ExitCode;

use super::journal::ToolError;

pub use restore::RestoreArgs;
pub use take::BackupArgs;

/// Takes a backup, and says so.
#[must_use]
pub fn backup(args: &BackupArgs) -> ExitCode {
    exit(take::run(args))
}

/// Restores a backup, and says so.
#[must_use]
pub fn restore(args: &RestoreArgs) -> ExitCode {
    exit(restore::run(args))
}

fn exit(done: Result<(), ToolError>) -> ExitCode {
    done.map_or_else(ToolError::exit, |()| ExitCode::SUCCESS)
}
