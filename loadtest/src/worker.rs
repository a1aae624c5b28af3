//! One thread of the generator: some of the connections, a share of the plan, a tally of its own.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::alarm::Alarm;
use crate::audit::{Memory, Witness};
use crate::door::Door;
use crate::error::RunError;
use crate::machine::resident_kib;
use crate::mq::Post;
use crate::occupancy::Occupancy;
use crate::progress::Feed;
use crate::queue::{Clock, Queue};
use crate::replay::Tape;
use crate::session::{Sent, Session};
use crate::settings::Settings;
use crate::takings::Takings;
use crate::tally::{Answered, Effort, Tally, Times};
use crate::timeline::Timeline;

/// The alarm does not ring more often than this, so that at high rates waking up is not what the thread is busy with.
const TICK: Duration = Duration::from_micros(50);
/// Between two attempts to open a connection that was lost.
const REOPEN_PAUSE: Duration = Duration::from_millis(100);

/// What a worker is given.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) settings: Arc<Settings>,
    pub(crate) index: u32,
    pub(crate) feed: Feed,
    /// What is replayed, if something is.
    pub(crate) tape: Option<Arc<Tape>>,
    pub(crate) witness: Witness,
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
    witness: Witness,
    board: Mutex<Board>,
}

/// The tally, and what is in flight, by connection, so that nothing is forgotten when the run is given up.
struct Board {
    tally: Tally,
    feed: Feed,
    /// What was told, if somebody is going to ask.
    memory: Option<Memory>,
    in_flight: Vec<Option<InFlight>>,
    in_flight_now: u64,
}

/// A request in flight.
struct InFlight {
    times: Times,
    sent: Sent,
    /// It had been sent, and answered, before: what it means for the books is known.
    is_again: bool,
}

impl Worker {
    /// Runs to the end on this thread. Returns early without having sent anything if the run does not start.
    pub(crate) fn run(self) -> Result<Tally, RunError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async move {
            let post = self.post().await?;
            let mut connections = Vec::new();
            for number in
                (self.index..self.settings.connections).step_by(self.settings.threads as usize)
            {
                let mut door = Door::new(&self.settings, post.as_ref())?;
                door.open().await.map_err(|error| RunError::Unreachable {
                    target: self.settings.target.clone(),
                    cause: format!("connection {number}: {error}"),
                })?;
                let session = Session::new(&self.settings, number).replaying(self.tape.clone());
                connections.push((door, session));
            }
            // Both ends are held by the one who started us; if it is gone there is nobody to report to.
            let _ = self.ready.send(());
            match self.start.recv() {
                Ok(start) => self.generate(start, connections).await,
                Err(mpsc::RecvError) => Ok(Tally::new()),
            }
        })
    }

    /// The client of the queue, if that is where the load goes.
    async fn post(&self) -> Result<Option<Arc<Post>>, RunError> {
        let Some(mq) = &self.settings.mq else {
            return Ok(None);
        };
        let post = Post::open(mq).await.map_err(|error| RunError::Queue {
            mq: mq.to_string(),
            cause: error.to_string(),
        })?;
        Ok(Some(Arc::new(post)))
    }

    async fn generate(
        self,
        start: Instant,
        connections: Vec<(Door, Session)>,
    ) -> Result<Tally, RunError> {
        let pacer = self.settings.pacer();
        let share =
            pacer.map(|pacer| pacer.share(u64::from(self.index), u64::from(self.settings.threads)));
        let shared = Arc::new(Shared {
            clock: Clock::starting_at(start),
            queue: Queue::new(share, self.settings.length()),
            witness: self.witness,
            board: Mutex::new(Board::new(connections.len(), &self.settings, self.feed)),
            settings: self.settings,
        });
        let mut tasks = JoinSet::new();
        for (place, (door, session)) in connections.into_iter().enumerate() {
            tasks.spawn(drive(Arc::clone(&shared), place, door, session));
        }
        let effort = tick(&shared).await?;
        drain(&shared, tasks).await;
        let mut board = shared.board();
        board.give_up(&shared);
        board.tally.queued_max = shared.queue.queued_max();
        board.tally.effort = effort;
        shared.witness.collect(board.memory.take());
        Ok(std::mem::replace(&mut board.tally, Tally::new()))
    }
}

/// Releases requests when they are due, until the end of the plan. Returns how busy the thread was while it was measured,
/// and how much memory the process had at the beginning and at the end of that, in KiB.
async fn tick(shared: &Shared) -> Result<Effort, RunError> {
    let (warmup, length) = (shared.settings.warmup, shared.settings.length());
    let mut alarm = Alarm::new()?;
    alarm.after(shared.clock.until(Duration::ZERO)).await?;
    let mut at_warmup = None;
    loop {
        let now = shared.clock.elapsed();
        let stop = if now < warmup { warmup } else { length };
        if now >= warmup && at_warmup.is_none() {
            at_warmup = Some((Occupancy::now(), resident_kib()));
        }
        let next = shared.queue.release(now);
        if now >= length {
            let (from, memory) = at_warmup.unwrap_or_default();
            let between = from.zip(Occupancy::now());
            return Ok(Effort {
                busy: between.and_then(|(from, to)| to.share_since(&from)),
                ran: between.and_then(|(from, to)| to.ran_since(&from)),
                resident_kib: memory.zip(resident_kib()),
            });
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
async fn drive(shared: Arc<Shared>, place: usize, mut door: Door, mut session: Session) {
    while !shared.queue.is_over(shared.clock) {
        shared.witness.server_is_there().await;
        if door.open().await.is_err() {
            tokio::time::sleep(REOPEN_PAUSE).await;
            continue;
        }
        // Written before its time, so that writing it is not what makes it late.
        let Some(outgoing) = session.next() else {
            break;
        };
        let free = shared.clock.elapsed();
        let Some(planned) = shared.queue.take(shared.clock).await else {
            break;
        };
        let times = Times {
            planned,
            free,
            sent: shared.clock.elapsed(),
        };
        let commands = session.commands();
        shared.board().send(place, times, &mut session);
        let (answer, attempt) = shared.witness.send(&mut door, outgoing, commands).await;
        let answered = shared.clock.elapsed();
        let mut board = shared.board();
        board.land(place, &mut session);
        let measured = shared.is_measured(planned, answered);
        let outcomes = if measured {
            &mut board.tally.outcomes
        } else {
            &mut board.tally.unmeasured
        };
        let status = answer.as_ref().ok().copied();
        let commands = match answer {
            Ok(status) => session.settle(status, door.body(), outcomes),
            Err(_) => {
                session.lost(outcomes);
                Answered::default()
            }
        };
        let achieved = shared.achieved(session.commands(), commands.total());
        if achieved > 0 && shared.is_measured(times.sent, answered) {
            board.tally.throughput.add(times.sent, achieved);
        }
        if let Some(memory) = &mut board.memory
            && !session.is_again()
        {
            let answer = status.map(|status| (status, door.body()));
            memory.hear_request(session.sent(), shared.settings.batch > 1, answer, attempt);
        }
        board.tally.took(&times, answered, commands.total());
        if measured {
            board.tally.sent(&times, session.commands());
            board.tally.requests_resent += u64::from(session.is_again());
            board.tally.answered(&times, answered, &commands);
            if commands.total() < session.commands() {
                let asked = session.sent().per_operation();
                board.tally.in_vain(&times, answered, asked, &commands);
            }
        }
        board.feed.landed(&times, answered, commands.total());
        drop(board);
    }
}

impl Shared {
    fn board(&self) -> MutexGuard<'_, Board> {
        // Counts are whole after each statement; a panic elsewhere on this thread does not make them wrong.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What of a request counts for the rate: in an open loop what was sent, as it was planned; in a closed loop, which would be the
    /// faster the sooner it is turned away, what was accepted or refused.
    const fn achieved(&self, sent: u64, answered: u64) -> u64 {
        match self.queue {
            Queue::Planned(_) => sent,
            Queue::Unplanned { .. } => answered,
        }
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
    fn new(connections: usize, settings: &Settings, feed: Feed) -> Self {
        let mut tally = Tally::new();
        tally.timeline = Timeline::new(settings.length());
        tally.outcomes.takings = Takings::of(settings);
        tally.unmeasured.takings = Takings::of(settings);
        Self {
            tally,
            feed,
            memory: Memory::new(settings),
            in_flight: (0..connections).map(|_| None).collect(),
            in_flight_now: 0,
        }
    }

    fn send(&mut self, place: usize, times: Times, session: &mut Session) {
        let commands = session.commands();
        self.in_flight[place] = Some(InFlight {
            times,
            is_again: session.is_again(),
            sent: session.lend(),
        });
        self.in_flight_now += 1;
        self.feed.sent();
        self.tally.timeline.sent(times.sent, commands);
        self.tally.in_flight_max = self.tally.in_flight_max.max(self.in_flight_now);
    }

    fn land(&mut self, place: usize, session: &mut Session) {
        if let Some(InFlight { sent, .. }) = self.in_flight[place].take() {
            session.take_back(sent);
        }
        self.in_flight_now -= 1;
    }

    /// Counts what got no answer and what was never sent.
    fn give_up(&mut self, shared: &Shared) {
        let now = shared.clock.elapsed();
        for in_flight in self.in_flight.iter().flatten() {
            let InFlight { times, sent, .. } = in_flight;
            let commands = sent.commands.len() as u64;
            if let Some(memory) = &mut self.memory
                && !in_flight.is_again
            {
                memory.lost(sent);
            }
            self.tally
                .timeline
                .took(times.planned, now.saturating_sub(times.planned));
            let achieved = shared.achieved(commands, 0);
            if achieved > 0 && times.sent >= shared.settings.warmup {
                self.tally.throughput.add(times.sent, achieved);
            }
            if times.planned >= shared.settings.warmup {
                self.tally.unanswered(times, now, &sent.per_operation());
                self.tally.requests_resent += u64::from(in_flight.is_again);
            }
        }
        for planned in shared
            .queue
            .untaken()
            .filter(|planned| *planned >= shared.settings.warmup)
        {
            self.tally
                .timeline
                .took(planned, now.saturating_sub(planned));
            self.tally.unsent(planned, now);
        }
    }
}
