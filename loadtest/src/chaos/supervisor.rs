//! Who kills the server and starts it again.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::child::{Server, Start};
use super::{Chaos, ChaosReport, Outage};
use crate::error::RunError;
use crate::settings::Settings;
use crate::target::Target;

/// A server for one run, and the thread that kills it once it is told to begin.
#[derive(Debug)]
pub(crate) struct Supervisor {
    target: Target,
    outage: Outage,
    /// Dropped to end the killing.
    stop: mpsc::Sender<Order>,
    thread: JoinHandle<io::Result<(Server, Vec<Duration>)>>,
    data: PathBuf,
    log: PathBuf,
    is_data_ours: bool,
}

enum Order {
    Begin,
}

/// The server once nobody kills it any more.
#[derive(Debug)]
pub(crate) struct Calm {
    server: Server,
    restarts: Vec<Duration>,
    interrupted: u64,
    data: PathBuf,
    log: PathBuf,
    is_data_ours: bool,
}

impl Supervisor {
    /// Starts the server. Nothing happens to it yet.
    pub(crate) fn start(chaos: &Chaos, settings: &Settings) -> Result<Self, RunError> {
        let is_data_ours = chaos.data.is_none();
        let data = chaos.data.clone().unwrap_or_else(|| {
            std::env::temp_dir().join(format!(
                "jifen-load-{}-{}",
                settings.run_id,
                std::process::id()
            ))
        });
        let log = data.with_extension("log");
        let start = Start {
            server: chaos.server.clone(),
            data: data.clone(),
            log: log.clone(),
            key: settings.key.clone(),
            mq: settings.mq.clone(),
        };
        let server = start.start(0).map_err(RunError::Chaos)?;
        let target = server.target.clone();
        let (up, outage) = Outage::new();
        let (stop, orders) = mpsc::channel();
        let every = chaos.kind.kill_every();
        let thread = thread::Builder::new()
            .name("chaos".to_owned())
            .spawn(move || supervise(&start, server, every, &orders, &up))?;
        Ok(Self {
            target,
            outage,
            stop,
            thread,
            data,
            log,
            is_data_ours,
        })
    }

    pub(crate) const fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn outage(&self) -> Outage {
        self.outage.clone()
    }

    /// From now on it is killed.
    pub(crate) fn begin(&self) {
        // A thread that has ended says why when it is joined.
        let _ = self.stop.send(Order::Begin);
    }

    /// From now on it is left alone, and there; or what there is to say of one that could not be kept running.
    pub(crate) fn calm(self) -> Result<Calm, ChaosReport> {
        drop(self.stop);
        let ended = self.thread.join();
        let ended = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let interrupted = self.outage.commands();
        let (server, restarts) = ended.map_err(|error| ChaosReport {
            interrupted,
            data: Some(self.data.display().to_string()),
            broken_off: Some(error.to_string()),
            ..ChaosReport::default()
        })?;
        Ok(Calm {
            server,
            restarts,
            interrupted,
            data: self.data,
            log: self.log,
            is_data_ours: self.is_data_ours,
        })
    }
}

/// Kills the server so long after it was last ready, until nobody gives orders any more.
fn supervise(
    start: &Start,
    mut server: Server,
    every: Duration,
    orders: &mpsc::Receiver<Order>,
    up: &watch::Sender<bool>,
) -> io::Result<(Server, Vec<Duration>)> {
    let mut restarts = Vec::new();
    if orders.recv().is_err() {
        return Ok((server, restarts));
    }
    while let Err(RecvTimeoutError::Timeout) = orders.recv_timeout(every) {
        let port = server.target.port();
        up.send_replace(false);
        let killed = Instant::now();
        server.kill()?;
        server = start.start(port)?;
        restarts.push(killed.elapsed());
        up.send_replace(true);
    }
    Ok((server, restarts))
}

impl Calm {
    /// Ends the server. Its data are removed if they are ours and nobody will want to look at them.
    pub(crate) fn end(self, is_balanced: bool) -> ChaosReport {
        drop(self.server);
        let is_kept = !self.is_data_ours || !is_balanced;
        if !is_kept {
            // Temporary files: what cannot be removed is left to the system.
            let _ = std::fs::remove_dir_all(&self.data);
            let _ = std::fs::remove_file(&self.log);
        }
        ChaosReport {
            ready_after_ms: self
                .restarts
                .iter()
                .map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
                .collect(),
            interrupted: self.interrupted,
            data: is_kept.then(|| self.data.display().to_string()),
            broken_off: None,
        }
    }
}
