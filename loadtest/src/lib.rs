//! The load tester of Jifen. It speaks only the wire contract, over HTTP/1.1 with keep-alive, and depends on no crate of
//! the engine, so that it measures what a client sees. By default the load is *open loop*: requests are planned at a
//! constant rate whether or not the server keeps up, and latency counts from the planned time, so that a stall is seen by
//! everyone who would have been waiting in it. The schedule is never stored; it is computed by a pure [`Pacer`].
//!
//! Following one request through the modules:
//!
//! | module | |
//! |---|---|
//! | `args`, `quantity`, `settings` | what was asked for: the command line, `20k` and `30s`, and both once checked |
//! | `run` | the order of things: probe, set up, start the workers, merge what they saw, report |
//! | `probe`, `setup` | is the server there and the key good; merchants, members and their opening balances |
//! | `pacer`, `queue`, `alarm` | when is request *n* planned; who sends it; waking up on time |
//! | `worker` | one thread: its connections, its clock, its tally |
//! | `session`, `workload`, `command`, `names` | what one connection says next: the draw, the bytes, the identifiers |
//! | `connection`, `target` | one HTTP connection, and where it goes |
//! | `answer` | what the server said, read without copying |
//! | `sale`, `takings` | what is put on sale for reservations, and whether exactly that was sold |
//! | `tally`, `latency`, `occupancy` | what is counted: outcomes, histograms, and how busy the generator itself was |
//! | `verdict`, `report`, `table`, `progress` | is the run good; the result for machines and for people; the live line |
//! | `error` | why a run could not take place |

mod alarm;
mod answer;
mod args;
mod command;
mod connection;
mod error;
mod latency;
mod names;
mod occupancy;
mod pacer;
mod probe;
mod progress;
mod quantity;
mod queue;
mod report;
mod run;
mod sale;
mod session;
mod settings;
mod setup;
mod table;
mod takings;
mod tally;
mod target;
mod verdict;
mod worker;
mod workload;

pub use args::{Cli, Command, RunArgs};
pub use error::RunError;
pub use names::RunId;
pub use pacer::Pacer;
pub use quantity::{Count, Rate, Span};
pub use report::{
    AnswersReport, CodeCounts, GeneratorReport, LatencyReport, Percentiles, Report, RowReport,
    SettingsReport,
};
pub use run::run;
pub use sale::Sale;
pub use settings::{Key, Load, Settings};
pub use takings::{SaleReport, SkuReport, Stock, Units};
pub use target::Target;
pub use verdict::Verdict;
pub use workload::Mix;
