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
//! | `edge` | what can be said there of connections: deadlines, caps and TLS |
//! | `doctor` | `jifen doctor` |
//! | `config` | settings from a file, the environment and the command line; `jifen config` |
//! | `reload` | what changes while a server runs |
//! | `completions` | `jifen completions` |
//! | `failure` | why the process ends, and with which exit code |
//! | `log` | what is told on standard error |
//! | `metrics` | `jifen metrics` |
//! | `feed` | what can be said there of the feed of events |
//! | `mq` | what can be said there of the message queue |
//! | `pages` | in which pieces the system gives memory |
//! | `verify` | `jifen verify`: statements checked alone |
//! | `reconcile` | `jifen reconcile`: two lists of the same transactions |
//! | `signals` | being told to stop |

mod args;
pub mod backup;
mod completions;
pub mod config;
pub mod control;
mod disk;
mod doctor;
mod edge;
mod failure;
mod feed;
pub mod journal;
pub mod keys;
mod log;
pub mod metrics;
mod mq;
mod pages;
pub mod reconcile;
mod reload;
mod rules;
mod served_keys;
mod signals;
mod size;
pub mod verify;

pub use args::ServeArgs;
pub use completions::{CompletionsArgs, completions};
pub use disk::DiskArgs;
pub use doctor::{DoctorArgs, doctor};
pub use edge::{EdgeArgs, TlsArgs, open_more_files};
pub use failure::Failure;
pub use feed::{FeedArgs, MqEvents};
pub use log::{LogArgs, TraceArgs, log_recovery, log_to_stderr, log_turns};
pub use mq::{MQ_PASSWORD, MqArgs};
pub use pages::use_small_pages;
pub use reload::Reload;
pub use rules::RulesArgs;
pub use served_keys::{OPERATOR_KEY, OpenKeys, ServedKeys};
pub use signals::Signals;
