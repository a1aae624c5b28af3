//! The load tester of Jifen. It speaks only the wire contract, over HTTP/1.1 with keep-alive or through NATS, and depends on no crate of
//! the engine, so that it measures what a client sees. By default the load is *open loop*: requests are planned at a
//! rate, constant or not, whether or not the server keeps up, and latency counts from the planned time, so that a stall is
//! seen by everyone who would have been waiting in it. The schedule is never stored; it is computed by a pure [`Pacer`].
//!
//! Following one request through the modules:
//!
//! | module | |
//! |---|---|
//! | `args`, `quantity`, `resolve`, `settings` | what was asked for: the command line, `20k` and `30s`, and both once checked |
//! | `scenario`, `profile`, `spread`, `slo` | named workloads, shapes of load, who comes how often, and what has to be kept |
//! | `run` | the order of things: probe, set up, start the workers, merge what they saw, report |
//! | `probe`, `setup` | is the server there and the key good; merchants, members and their opening balances |
//! | `curve`, `pacer`, `queue`, `alarm` | how much is planned until when; when is request *n*; who sends it; waking up on time |
//! | `worker` | one thread: its connections, its clock, its tally |
//! | `session`, `workload`, `command`, `names` | what one connection says next: the draw, the bytes, the identifiers |
//! | `replay`, `resend` | commands from a file instead of drawn ones; requests that are sent twice |
//! | `door`, `connection`, `target` | one HTTP connection and where it goes, or the queue, or nowhere in a dry run |
//! | `mq` | the same commands through the message queue, and their answers as HTTP would have given them |
//! | `answer` | what the server said, read without copying |
//! | `sale`, `takings` | what is put on sale for reservations, and whether exactly that was sold |
//! | `tally`, `latency`, `unserved`, `timeline` | what is counted: outcomes, histograms, who waited in vain, and all of it over time |
//! | `occupancy`, `machine` | how busy the generator itself was, and where it ran |
//! | `audit`, `chaos` | do the server's books agree with what it said, even if it is killed in between |
//! | `verdict`, `report`, `settings_report`, `course`, `schema` | is the run good; the result for machines, and its schema |
//! | `table`, `progress`, `html`, `plot` | the result for people; the live lines; the page and its plots |
//! | `outputs`, `histogram_files` | the files that a run leaves behind |
//! | `find_max`, `search`, `compare` | the highest rate that is kept; two results side by side |
//! | `error` | why a run could not take place |

mod alarm;
mod answer;
mod args;
mod audit;
mod chaos;
mod command;
mod compare;
mod connection;
mod course;
mod curve;
mod door;
mod error;
mod find_max;
mod histogram_files;
mod html;
mod latency;
mod machine;
mod mq;
mod names;
mod occupancy;
mod outputs;
mod pacer;
mod plot;
mod probe;
mod profile;
mod progress;
mod quantity;
mod queue;
mod replay;
mod report;
mod resend;
mod resolve;
mod run;
mod sale;
mod scenario;
mod schema;
mod search;
mod session;
mod settings;
mod settings_report;
mod setup;
mod slo;
mod spread;
mod table;
mod takings;
mod tally;
mod target;
mod timeline;
mod unserved;
mod verdict;
mod worker;
mod workload;

pub use args::{Cli, Command, CompareArgs, FindMaxArgs, RunArgs};
pub use audit::{AuditReport, Checked};
pub use chaos::{Chaos, ChaosKind, ChaosReport};
pub use compare::{Compared, Comparison, Difference, compare};
pub use course::{CourseReport, PercentilePoint, SlotLatency, SlotReport};
pub use error::RunError;
pub use find_max::{FindMaxReport, StepReport, find_max};
pub use machine::MachineReport;
pub use mq::{Mq, MqArgs, MqError};
pub use names::RunId;
pub use outputs::Outputs;
pub use pacer::Pacer;
pub use profile::{Profile, ProfileError};
pub use quantity::{Count, Rate, Span};
pub use replay::{Recording, ReplayError};
pub use report::{
    AnswersReport, CodeCounts, GeneratorReport, LatencyReport, Percentiles, Report, RowReport,
};
pub use run::run;
pub use sale::Sale;
pub use scenario::Scenario;
pub use schema::run_schema;
pub use settings::{Key, Load, Settings};
pub use settings_report::{DoorReport, SettingsReport};
pub use slo::{Slo, SloError, SloReport};
pub use spread::{Spread, SpreadError};
pub use takings::{SaleReport, SkuReport, Stock, Units};
pub use target::Target;
pub use verdict::Verdict;
pub use workload::Mix;
