//! The order of things: probe, setup, sale, load, a look at the sale, report.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::error::RunError;
use crate::probe::probe;
use crate::progress::{Live, REDRAW_EVERY, RunProgress};
use crate::queue::Clock;
use crate::report::Report;
use crate::sale;
use crate::settings::Settings;
use crate::setup::setup;
use crate::tally::Tally;
use crate::worker::Worker;

/// Between the moment when all connections are open and the first planned request.
const START_DELAY: Duration = Duration::from_millis(20);

/// Carries out one run and says how it went. Blocks for as long as it takes.
pub fn run(settings: &Settings) -> Result<Report, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        probe(settings).await?;
        if settings.setup {
            setup(settings).await?;
        }
        match &settings.sale {
            Some(sale) => sale::open(settings, sale).await,
            None => Ok(()),
        }
    })?;
    let started_at = jiff::Timestamp::now();
    let tally = load(settings)?;
    let sold = match &settings.sale {
        Some(sale) => {
            let stocks = runtime.block_on(sale::look(settings, sale))?;
            Some(
                tally
                    .takings()
                    .judge(&stocks, sale.per_member_limit, tally.unknown()),
            )
        }
        None => None,
    };
    Ok(Report::new(settings, started_at, &tally, sold))
}

fn load(settings: &Settings) -> Result<Tally, RunError> {
    let live = Arc::new(Live::default());
    let shared_settings = Arc::new(settings.clone());
    let (ready, workers_ready) = mpsc::channel();
    let mut workers: Vec<JoinHandle<Result<Tally, RunError>>> = Vec::new();
    let mut starts = Vec::new();
    for index in 0..settings.threads {
        let (start, receiver) = mpsc::channel();
        let (settings, live) = (Arc::clone(&shared_settings), Arc::clone(&live));
        let worker = Worker {
            settings,
            index,
            live,
            ready: ready.clone(),
            start: receiver,
        };
        let thread = thread::Builder::new().name(format!("load-{index}"));
        workers.push(thread.spawn(move || worker.run())?);
        starts.push(start);
    }
    drop(ready);

    let all_ready = (0..settings.threads).all(|_| workers_ready.recv().is_ok());
    if all_ready {
        let start = Instant::now() + START_DELAY;
        for worker in starts {
            // A worker that has ended meanwhile says why when it is joined.
            let _ = worker.send(start);
        }
        watch(settings, Clock::starting_at(start), &live, &workers_ready);
    } else {
        drop(starts);
    }
    let mut total = Tally::new();
    for worker in workers {
        let tally = worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        total.merge(&tally);
    }
    Ok(total)
}

/// Draws the live line until every worker has dropped its sender, which it does when it ends.
fn watch(settings: &Settings, clock: Clock, live: &Live, workers: &mpsc::Receiver<()>) {
    let mut progress = RunProgress::start(settings.warmup, settings.length());
    while let Err(RecvTimeoutError::Timeout) = workers.recv_timeout(REDRAW_EVERY) {
        progress.redraw(clock, live);
    }
    progress.finish();
}
