//! Starting and stopping the process: its command line, keys, logs and exit codes.
//!
//! | where | what |
//! |---|---|
//! | `args` | what can be said on the command line of `jifen serve` |
//! | `rules` | what can be said there, and of an import, of what the ledger judges by |
//! | `operator_key` | the key of the operator, given or made |
//! | `failure` | why the process ends, and with which exit code |
//! | `log` | what is told on standard error |
//! | `signals` | being told to stop |

mod args;
mod failure;
mod log;
mod operator_key;
mod rules;
mod signals;

pub use args::ServeArgs;
pub use failure::Failure;
pub use log::{log_recovery, log_to_stderr, log_turns};
pub use operator_key::OperatorKey;
pub use rules::RulesArgs;
pub use signals::Signals;
