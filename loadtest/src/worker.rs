//! One thread of the generator: some of the connections, a share of the plan, a tally of its own.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::alarm::Alarm;
use crate::connection::Connection;
use crate::error::RunError;
use crate::occupancy::Occupancy;
use crate::progress::Live;
use crate::queue::{Clock, Queue};
use crate::session::Session;
use crate::settings::Settings;
use crate::tally::{Tally, Times};

/// The alarm does not ring more often than this, so that at high rates waking up is not what the thread is busy with.
const TICK: Duration = Duration::from_micros(50);
/// Between two attempts to open a connection that was lost.
const REOPEN_PAUSE: Duration = Duration::from_millis(100);

/// What a worker is given.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) settings: Arc<Settings>,
    pub(crate) index: u32,
    pub(crate) live: Arc<Live>,
    /// Told once when the connections are open; dropped at the end.
    pub(crate) ready: mpsc::Sender<()>,
    /// Says when the run starts, the same moment for all workers; closed if it does not start.
    pub(crate) start: mpsc::Receiver<Instant>,
}

/// What the connections of one worker share. All of them are on one thread, so the lock is never contended.
struct Shared {
    settings: Arc<Settings>,
    clock: Clock,
    queue: Queue,
    live: Arc<Live>,
    board: Mutex<Board>,
}

/// The tally, and what is in flight, by connection, so that nothing is forgotten when the run is given up.
struct Board {
    tally: Tally,
    in_flight: Vec<Option<(Times, u64)>>,
    in_flight_now: u64,
}

impl Worker {
    /// Runs to the end on this thread. Returns early without having sent anything if the run does not start.
    pub(crate) fn run(self) -> Result<Tally, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async move {
            let mut connections = Vec::new();
            for number in
                (self.index..self.settings.connections).step_by(self.settings.threads as usize)
            {
                let mut connection = Connection::new(&self.settings)?;
                connection
                    .open()
                    .await
                    .map_err(|error| RunError::Unreachable {
                        target: self.settings.target.clone(),
                        cause: format!("connection {number}: {error}"),
                    })?;
                connections.push((connection, Session::new(&self.settings, number)));
            }
            // Both ends are held by the one who started us; if it is gone there is nobody to report to.
            let _ = self.ready.send(());
            match self.start.recv() {
                Ok(start) => self.generate(start, connections).await,
                Err(mpsc::RecvError) => Ok(Tally::new()),
            }
        })
    }

    async fn generate(
        self,
        start: Instant,
        connections: Vec<(Connection, Session)>,
    ) -> Result<Tally, RunError> {
        let pacer = self.settings.pacer();
        let share =
            pacer.map(|pacer| pacer.share(u64::from(self.index), u64::from(self.settings.threads)));
        let shared = Arc::new(Shared {
            clock: Clock::starting_at(start),
            queue: Queue::new(share, self.settings.length()),
            live: self.live,
            board: Mutex::new(Board::new(connections.len())),
            settings: self.settings,
        });
        let mut tasks = JoinSet::new();
        for (place, (connection, session)) in connections.into_iter().enumerate() {
            tasks.spawn(drive(Arc::clone(&shared), place, connection, session));
        }
        let busy = tick(&shared).await?;
        drain(&shared, tasks).await;
        let mut board = shared.board();
        board.give_up(&shared);
        board.tally.queued_max = shared.queue.queued_max();
        board.tally.busy = busy;
        Ok(board.tally.clone())
    }
}

/// Releases requests when they are due, until the end of the plan. Returns how busy the thread was while it was measured.
async fn tick(shared: &Shared) -> Result<Option<f64>, RunError> {
    let (warmup, length) = (shared.settings.warmup, shared.settings.length());
    let mut alarm = Alarm::new()?;
    alarm.after(shared.clock.until(Duration::ZERO)).await?;
    let mut at_warmup = None;
    loop {
        let now = shared.clock.elapsed();
        let stop = if now < warmup { warmup } else { length };
        if now >= warmup && at_warmup.is_none() {
            at_warmup = Some(Occupancy::now());
        }
        let next = shared.queue.release(now);
        if now >= length {
            let (from, to) = (at_warmup.flatten(), Occupancy::now());
            return Ok(from.zip(to).and_then(|(from, to)| to.share_since(&from)));
        }
        let next = next.unwrap_or(stop).max(now + TICK).min(stop);
        alarm.after(shared.clock.until(next)).await?;
    }
}

/// Waits for the connections to finish what is queued and in flight, but not for ever.
async fn drain(shared: &Shared, mut tasks: JoinSet<()>) {
    let all = async {
        while let Some(done) = tasks.join_next().await {
            done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        }
    };
    let limit = shared
        .clock
        .until(shared.settings.length() + shared.settings.drain);
    if tokio::time::timeout(limit, all).await.is_err() {
        shared.queue.close();
        tasks.shutdown().await;
    }
}

/// One connection: take a request, send it, wait for the answer, count it.
async fn drive(
    shared: Arc<Shared>,
    place: usize,
    mut connection: Connection,
    mut session: Session,
) {
    while !shared.queue.is_over(shared.clock) {
        if connection.open().await.is_err() {
            tokio::time::sleep(REOPEN_PAUSE).await;
            continue;
        }
        // Written before its time, so that writing it is not what makes it late.
        let outgoing = session.next();
        let free = shared.clock.elapsed();
        let Some(planned) = shared.queue.take(shared.clock).await else {
            break;
        };
        let times = Times {
            planned,
            free,
            sent: shared.clock.elapsed(),
        };
        shared.board().send(place, times, session.commands());
        let answer = connection.post(outgoing).await;
        let answered = shared.clock.elapsed();
        let mut board = shared.board();
        board.land(place);
        let measured = shared.is_measured(planned, answered);
        if shared.is_measured(times.sent, answered) {
            board.tally.throughput.add(times.sent, session.commands());
        }
        let outcomes = if measured {
            &mut board.tally.outcomes
        } else {
            &mut board.tally.unmeasured
        };
        let commands = match answer {
            Ok(status) => Some(session.settle(status, connection.body(), outcomes)),
            Err(_) => {
                session.lost(outcomes);
                None
            }
        };
        if measured {
            board.tally.sent(&times, session.commands());
            if let Some(commands) = commands {
                board.tally.answered(&times, answered, &commands);
            }
        }
        drop(board);
        shared.live.add(session.commands());
    }
}

impl Shared {
    fn board(&self) -> MutexGuard<'_, Board> {
        // Counts are whole after each statement; a panic elsewhere on this thread does not make them wrong.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An open loop measures the latency of what was *planned* after the warm-up, however late it is answered, and the
    /// throughput of what was *sent* after it: `when` is one or the other. A closed loop measures what was *answered*
    /// between the warm-up and the end.
    fn is_measured(&self, when: Duration, answered: Duration) -> bool {
        match self.queue {
            Queue::Planned(_) => when >= self.settings.warmup,
            Queue::Unplanned { .. } => {
                (self.settings.warmup..self.settings.length()).contains(&answered)
            }
        }
    }
}

impl Board {
    fn new(connections: usize) -> Self {
        Self {
            tally: Tally::new(),
            in_flight: vec![None; connections],
            in_flight_now: 0,
        }
    }

    fn send(&mut self, place: usize, times: Times, commands: u64) {
        self.in_flight[place] = Some((times, commands));
        self.in_flight_now += 1;
        self.tally.in_flight_max = self.tally.in_flight_max.max(self.in_flight_now);
    }

    fn land(&mut self, place: usize) {
        self.in_flight[place] = None;
        self.in_flight_now -= 1;
    }

    /// Counts what got no answer and what was never sent.
    fn give_up(&mut self, shared: &Shared) {
        let now = shared.clock.elapsed();
        for (times, commands) in self.in_flight.iter().flatten() {
            if times.sent >= shared.settings.warmup {
                self.tally.throughput.add(times.sent, *commands);
            }
            if times.planned >= shared.settings.warmup {
                self.tally.unanswered(times, now, *commands);
            }
        }
        for planned in shared
            .queue
            .untaken()
            .filter(|planned| *planned >= shared.settings.warmup)
        {
            self.tally.unsent(planned, now);
        }
    }
}
