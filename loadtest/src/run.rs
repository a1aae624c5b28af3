//! The order of things: probe, setup, sale, load, a look at the sale, audit, report.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::audit::{Audit, AuditReport, Witness};
use crate::chaos::Supervisor;
use crate::error::RunError;
use crate::mq;
use crate::names::SkuNames;
use crate::probe::probe;
use crate::progress::{REDRAW_EVERY, RunProgress};
use crate::queue::Clock;
use crate::replay::Recording;
use crate::report::Report;
use crate::sale;
use crate::settings::Settings;
use crate::setup::setup;
use crate::takings::SaleReport;
use crate::tally::Tally;
use crate::worker::Worker;

/// Between the moment when all connections are open and the first planned request.
const START_DELAY: Duration = Duration::from_millis(20);

/// Carries out one run and says how it went. Blocks for as long as it takes.
pub fn run(settings: &Settings) -> Result<Report, RunError> {
    let Some(chaos) = &settings.chaos else {
        return run_against(settings, None);
    };
    let supervisor = Supervisor::start(chaos, settings)?;
    let settings = Settings {
        target: supervisor.target().clone(),
        ..settings.clone()
    };
    run_against(&settings, Some(supervisor))
}

/// The same against a server that is there, perhaps under somebody who kills it during the load.
fn run_against(settings: &Settings, supervisor: Option<Supervisor>) -> Result<Report, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut audit = runtime.block_on(async {
        if settings.dry {
            return Ok(None);
        }
        probe(settings).await?;
        if settings.setup {
            setup(settings).await?;
        }
        if let Some(sale) = &settings.sale {
            sale::open(settings, sale).await?;
        }
        if let Some(mq) = &settings.mq {
            mq::probe(settings, mq).await?;
        }
        Audit::begin(settings).await
    })?;
    let started_at = jiff::Timestamp::now();
    let witness = Witness::new(supervisor.as_ref().map(Supervisor::outage));
    if let Some(supervisor) = &supervisor {
        supervisor.begin();
    }
    let mut tally = load(settings, &witness)?;
    let calm = supervisor.map(Supervisor::calm);
    let mut unknown = tally.unknown();
    if let (Some(audit), Some(memory)) = (&mut audit, witness.take()) {
        let (reservations, still_unknown) = runtime.block_on(audit.resolve(settings, memory));
        for (reservation, outcome) in reservations {
            tally.outcomes.takings.add(reservation, outcome);
        }
        unknown = still_unknown;
    }
    let sold = match settings.sale.as_ref().filter(|_| !settings.dry) {
        Some(sale) => {
            let (stocks, broken_off) = match runtime.block_on(sale::look(settings, sale)) {
                Ok(stocks) => (stocks, None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
            let names = SkuNames::new(&settings.run_id);
            let judged = tally.take_takings().judge(sale, &names, &stocks, unknown);
            Some(SaleReport {
                broken_off,
                ..judged
            })
        }
        None => None,
    };
    let audit = audit.map(|audit| runtime.block_on(audit.conclude(settings, sold.as_ref())));
    let is_balanced = audit.as_ref().is_none_or(AuditReport::is_balanced);
    let chaos = calm.map(|calm| match calm {
        Ok(calm) => calm.end(is_balanced),
        Err(broken_off) => broken_off,
    });
    Ok(Report::new(settings, started_at, &tally, sold).audited(audit, chaos))
}

fn load(settings: &Settings, witness: &Witness) -> Result<Tally, RunError> {
    let progress = RunProgress::start(settings.warmup, settings.length());
    let tape = settings.replay.as_ref().map(Recording::open);
    let tape = tape.transpose()?.map(Arc::new);
    let shared_settings = Arc::new(settings.clone());
    let (ready, workers_ready) = mpsc::channel();
    let mut workers: Vec<JoinHandle<Result<Tally, RunError>>> = Vec::new();
    let mut starts = Vec::new();
    for index in 0..settings.threads {
        let (start, receiver) = mpsc::channel();
        let worker = Worker {
            settings: Arc::clone(&shared_settings),
            index,
            feed: progress.feed(),
            tape: tape.clone(),
            witness: witness.clone(),
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
        watch(
            settings,
            Clock::starting_at(start),
            progress,
            &workers_ready,
        );
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

/// Draws the live lines until every worker has dropped its sender, which it does when it ends.
fn watch(
    settings: &Settings,
    clock: Clock,
    mut progress: RunProgress,
    workers: &mpsc::Receiver<()>,
) {
    let pacer = settings.pacer();
    let planned = |from, to| pacer.as_ref().map(|pacer| pacer.commands_between(from, to));
    while let Err(RecvTimeoutError::Timeout) = workers.recv_timeout(REDRAW_EVERY) {
        progress.redraw(clock, planned);
    }
    progress.finish();
}
