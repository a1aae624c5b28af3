//! What is told on standard error: lines for people on a terminal, JSON for machines elsewhere.

use std::io::{self, IsTerminal};

use jifen_engine::{Opened, journal::committer::TurnFigures};
use tracing_subscriber::EnvFilter;

/// Starts telling. `RUST_LOG` says how much.
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn,fjall=warn,lsm_tree=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // Whoever has started telling before goes on.
    let _ = if io::stderr().is_terminal() {
        log.try_init()
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
