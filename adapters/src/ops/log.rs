//! What is told on standard error: lines for people on a terminal, JSON for machines elsewhere.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use jifen_engine::{Opened, journal::committer::TurnFigures};
use tracing_subscriber::EnvFilter;

use crate::http::Tracing;

/// What is told if nothing else is asked for.
const USUAL: &str = "info,actix_server=warn,fjall=warn,lsm_tree=warn";

/// How the log is written, and how much of it.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// How the log is written on standard error.
    #[arg(long, value_name = "HOW", value_enum, env = "JIFEN_LOG", default_value_t = Writing::Auto, global = true)]
    log: Writing,
    /// How much is told: error, warn, info, debug or trace, or such as `warn,jifen_engine=debug` [default: info].
    #[arg(long, value_name = "LEVEL", env = "JIFEN_LOG_LEVEL", value_parser = level, global = true)]
    log_level: Option<String>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Writing {
    /// For people on a terminal, JSON elsewhere.
    Auto,
    /// Lines for people.
    Human,
    /// An object on each line.
    Json,
}

fn level(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

impl LogArgs {
    fn filter(&self) -> EnvFilter {
        // It was read before, or is ours.
        let asked = self.log_level.as_deref().unwrap_or(USUAL);
        match self.log_level {
            None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(asked)),
            Some(_) => EnvFilter::new(asked),
        }
    }

    fn is_for_people(&self) -> bool {
        match self.log {
            Writing::Auto => io::stderr().is_terminal(),
            Writing::Human => true,
            Writing::Json => false,
        }
    }
}

/// Which requests are traced.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct TraceArgs {
    /// Writes a line to the log for one request in N; 0 for none. Requests that their caller traces get one in any case:
    /// those with a `traceparent` whose sampled flag is set.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub trace_one_in: u32,
}

impl TraceArgs {
    /// What is meant.
    #[must_use]
    pub const fn tracing(&self) -> Tracing {
        Tracing {
            one_in: self.trace_one_in,
        }
    }
}

/// Starts telling.
pub fn log_to_stderr(args: &LogArgs) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(args.filter())
        .with_writer(io::stderr);
    // Whoever has started telling before goes on.
    let _ = if args.is_for_people() {
        log.with_ansi(io::stderr().is_terminal()).try_init()
    } else {
        log.json().try_init()
    };
}

/// Tells what was found in the data directory.
pub fn log_recovery(opened: &Opened) {
    let (entries, millis) = (opened.entries, opened.micros / 1_000);
    let per_second = entries.saturating_mul(1_000_000) / opened.micros.max(1);
    match opened.checkpoint {
        Some(checkpoint) => tracing::info!(
            checkpoint = checkpoint.0,
            entries,
            millis,
            "checkpoint read, and the journal behind it replayed"
        ),
        None => tracing::info!(entries, millis, per_second, "journal replayed"),
    }
    if let Some(dropped) = &opened.dropped {
        tracing::warn!(dropped, "dropped a torn tail, of which no answer ever told");
    }
}

/// Tells how the committer's turns went: 50th and 99th percentile, and largest.
pub fn log_turns(figures: &TurnFigures) {
    let told = [
        ("entries", &figures.entries),
        ("bytes", &figures.bytes),
        ("shards", &figures.shards),
        ("micros", &figures.micros),
    ];
    for (per_turn, histogram) in told {
        let (p50, p99) = (
            histogram.value_at_quantile(0.5),
            histogram.value_at_quantile(0.99),
        );
        let (max, turns) = (histogram.max(), figures.turns());
        tracing::info!(per_turn, p50, p99, max, turns, "turns of the committer");
    }
}
