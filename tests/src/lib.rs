//! What the tests of Jifen share.
//!
//! | where | what |
//! |---|---|
//! | `ask`, `heard` | requests and answers in plain words; the only place where these tests name the ledger's own types |
//! | `moved` | entries and their moves, in plain words too |
//! | `civil` | calendar days by their date |
//! | `hand_clock` | time that stands still until a test moves it |
//! | `journaled` | recorded entries, taken out of sealed blocks and of journals |
//! | `scenario` | tables in the language of the domain |
//! | `twin` | a second ledger, slow and simple, that shares no code with the engine |
//! | `naive_settlement` | a second settlement, slow and simple, and the history for both |
//! | `workload` | random commands, from a seed |
//! | `history` | the ledger and its twin under the same random commands |
//! | `world` | several shards, one journal, clients, crashes, and a clock that jumps: all from a seed |
//! | `market` | several shards with links between them: sales, transfers, crashes and lost messages, all from a seed |
//! | `specimens` | the entries and the turn of the golden files |
//! | `built`, `server`, `shopper` | the real binary, and clients that keep their own books |
//! | `kills`, `power` | the real binary killed under load, and its files as a power failure could leave them |
//! | `flash` | flash sales and transfers on the real binary, killed in the middle |
//! | `fuzz` | everything that reads bytes from outside, under bent ones |
//! | `schemathesis` | the real binary under requests made from its own document |
//! | `python` | programs that are installed from a package index |
//! | `nats`, `queue` | a real broker, and merchants who post their commands to it |
//! | `feed` | the feed of events, as its consumers see it |
//! | `overload` | the real binary offered more than a slow device lets it do |
//! | `explorer` | all that can happen in a small pool, on the engine's own homes and shares |
//! | `coverage`, `sweep` | what was met on the way, over many seeds |

#![allow(
    clippy::unwrap_used,
    reason = "support of tests: what cannot be is a failed test"
)]

pub mod ask;
pub mod built;
pub mod civil;
pub mod close;
pub mod coverage;
pub mod explorer;
pub mod feed;
pub mod flash;
pub mod fuzz;
pub mod hand_clock;
pub mod heard;
pub mod history;
pub mod journaled;
pub mod kills;
pub mod market;
pub mod moved;
pub mod naive_settlement;
pub mod nats;
pub mod overload;
pub mod power;
pub mod python;
pub mod queue;
pub mod scenario;
pub mod schemathesis;
pub mod server;
pub mod shopper;
pub mod specimens;
pub mod sweep;
pub mod twin;
pub mod workload;
pub mod world;
