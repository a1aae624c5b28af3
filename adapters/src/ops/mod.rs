//! Starting and stopping the process: its command line, keys, logs and exit codes.
//!
//! | where | what |
//! |---|---|
//! | `args` | what can be said on the command line of `jifen serve` |
//! | `rules` | what can be said there, and of an import, of what the ledger judges by |
//! | `served_keys` | the keys that a server starts with, and follows |
//! | `keys` | `jifen keys` |
//! | `control` | how tools ask a running server |
//! | `journal` | `jifen journal` |
//! | `backup` | `jifen backup` and `jifen restore` |
//! | `disk`, `size` | what can be said there of the disk, and of sizes |
//! | `doctor` | `jifen doctor` |
//! | `failure` | why the process ends, and with which exit code |
//! | `log` | what is told on standard error |
//! | `signals` | being told to stop |

mod args;
pub mod backup;
pub mod control;
mod disk;
mod doctor;
mod failure;
pub mod journal;
pub mod keys;
mod log;
mod rules;
mod served_keys;
mod signals;
mod size;

pub use args::ServeArgs;
pub use disk::DiskArgs;
pub use doctor::{DoctorArgs, doctor};
pub use failure::Failure;
pub use log::{log_recovery, log_to_stderr, log_turns};
pub use rules::RulesArgs;
pub use served_keys::{OpenKeys, ServedKeys};
pub use signals::Signals;
