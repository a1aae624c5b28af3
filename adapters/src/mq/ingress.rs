//! The ingress: one lane for each sender, for as long as the connection stands.
//!
//! A connection that went away and came back is a new beginning. What was in hand is let go: it is decided and durable, or
//! it is not, and either way it was not acknowledged, so that it is delivered again and its request ids tell.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use async_nats::jetstream::{self, context::ContextBuilder, stream::Stream};
use futures_util::TryStreamExt;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, sleep, timeout},
};

use super::{
    connect::{Connection, Options, Refused, WORD_WITHIN, connect, whole},
    lane::{Desk, Lane, LaneError},
    names,
    standing::Standing,
    streams::{self, NotReady},
    worker::{First, Worker},
};

/// How often the stream is looked at: for senders that have no lane yet, and for metrics.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long to wait before what failed is begun anew; doubled each time in a row, up to [`AGAIN_MAX`].
const AGAIN: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_secs(5);
/// After how long without another failure the next one is the first again.
const FORGOTTEN: Duration = Duration::from_secs(30);
/// How long what is in hand may take to be finished when the process is told to stop. What is not is delivered again.
const FINISHED_WITHIN: Duration = Duration::from_secs(10);

/// Why the queue is not served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It does not let us in, or our credentials cannot be read.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It is not as it must be.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The system gives no thread.
    #[error("cannot start a thread for the queue: {0}")]
    Thread(io::Error),
}

/// The queue, served by a thread of its own.
pub struct Queue(Worker);

impl Queue {
    /// Starts to take commands. If the server is away it is waited for in the background; what is there and wrong fails at
    /// once.
    pub async fn start(options: Options, desk: Desk) -> Result<Self, StartError> {
        let desk = Arc::new(desk);
        let work = async move |stop, first| Ingress { desk, stop }.run(&options, first).await;
        Worker::start("queue", work).await.map(Self)
    }

    /// Takes no more, finishes what is in hand, and ends.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

struct Ingress {
    desk: Arc<Desk>,
    stop: watch::Receiver<bool>,
}

impl Ingress {
    /// Serves until told to stop. `first` hears how the first attempt went.
    async fn run(self, options: &Options, first: First) {
        let connection = match connect(options).await {
            Ok(connection) => connection,
            Err(refused) => return drop(first.send(Err(refused.into()))),
        };
        let js = ContextBuilder::new()
            .timeout(WORD_WITHIN)
            .build(connection.client.clone());
        let up = connection.link.borrow().up;
        if up && let Err(wrong @ NotReady::Mismatch { .. }) = streams::ready(&js).await {
            return drop(first.send(Err(wrong.into())));
        }
        // Whoever started us may be gone; then we are told to stop as well.
        let _ = first.send(Ok(()));
        let mut stop = self.stop.clone();
        let mut again = Backoff::default();
        while !*stop.borrow() {
            let served = self.serve(&connection, &js).await;
            let Err(why) = served else {
                return;
            };
            let wait = again.next();
            tracing::warn!(%why, ?wait, "the queue is not served");
            self.standing().set_away(Some(why));
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = sleep(wait) => {}
            }
        }
    }

    fn standing(&self) -> &Standing {
        &self.desk.standing
    }

    /// Serves for as long as the connection stands. Ends well only if told to stop.
    async fn serve(&self, connection: &Connection, js: &jetstream::Context) -> Result<(), String> {
        let (mut stop, mut link) = (self.stop.clone(), connection.link.clone());
        if !link.borrow_and_update().up {
            self.standing().set_away(Some(link.borrow().why.clone()));
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                up = link.wait_for(|link| link.up) => drop(up.map_err(|error| error.to_string())?),
            }
        }
        let times = link.borrow_and_update().times;
        let commands = streams::ready(js)
            .await
            .map_err(|error| error.to_string())?;
        let stream_made = commands.cached_info().created.unix_timestamp();
        self.standing().set_away(None);
        tracing::info!("taking commands out of the queue");
        let mut lanes = Lanes {
            desk: Arc::clone(&self.desk),
            connection,
            commands: &commands,
            stream_made,
            stop: self.stop.clone(),
            running: JoinSet::new(),
            senders: HashMap::new(),
        };
        tokio::select! {
            served = lanes.run() => served,
            gone = link.wait_for(|link| !link.up || link.times != times) => {
                Err(gone.map_or_else(|error| error.to_string(), |link| link.why.clone()))
            }
        }
    }
}

/// How long to wait before what failed is begun anew.
#[derive(Default)]
struct Backoff {
    failures: u32,
    last: Option<Instant>,
}

impl Backoff {
    fn next(&mut self) -> Duration {
        if self.last.is_some_and(|last| last.elapsed() > FORGOTTEN) {
            self.failures = 0;
        }
        self.last = Some(Instant::now());
        let wait = AGAIN.saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        wait.min(AGAIN_MAX)
    }
}

/// The lanes of one connection.
struct Lanes<'a> {
    desk: Arc<Desk>,
    connection: &'a Connection,
    commands: &'a Stream,
    stream_made: i64,
    stop: watch::Receiver<bool>,
    running: JoinSet<(String, Result<(), LaneError>)>,
    /// Who has a lane, and how often it failed.
    senders: HashMap<String, Backoff>,
}

impl Lanes<'_> {
    /// Works until told to stop, and until what is in hand then is finished.
    async fn run(&mut self) -> Result<(), String> {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = self.stop.clone();
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                _ = looks.tick() => self.look().await?,
                Some(ended) = self.running.join_next() => match ended {
                    Ok((sender, Err(why))) => self.begin_again(sender, &why),
                    Ok((_, Ok(()))) => {}
                    Err(panicked) => return Err(panicked.to_string()),
                },
            }
        }
        if timeout(FINISHED_WITHIN, self.finish()).await.is_err() {
            tracing::warn!("not all in hand was finished in time; it is delivered again");
        }
        // Nothing that was acknowledged is left in the connection's buffer.
        let flushed = self.connection.client.flush().await;
        flushed.map_err(|error| whole(&error))
    }

    async fn finish(&mut self) {
        while let Some(ended) = self.running.join_next().await {
            if let Ok((sender, Err(why))) = ended {
                tracing::warn!(sender, %why, "not all in hand was finished; it is delivered again");
            }
        }
    }

    /// Asks the server what is not done, and opens lanes for those who have none.
    async fn look(&mut self) -> Result<(), String> {
        let all = names::all(names::COMMANDS_SUBJECT);
        let info = self.commands.info_with_subjects(all).await;
        let mut info = info.map_err(|error| whole(&error))?;
        let state = &info.info.state;
        let oldest = state.first_timestamp.unix_timestamp_nanos() / 1_000_000;
        self.desk.standing.set_undone(
            state.messages,
            state.first_sequence,
            u64::try_from(oldest).unwrap_or(0),
        );
        while let Some((subject, _)) = info.try_next().await.map_err(|error| whole(&error))? {
            if let Some(sender) = names::sender(&subject)
                && !self.senders.contains_key(sender)
            {
                self.senders.insert(sender.to_owned(), Backoff::default());
                self.begin(sender.to_owned(), Duration::ZERO);
            }
        }
        Ok(())
    }

    fn begin(&mut self, sender: String, wait: Duration) {
        let lane = Lane {
            desk: Arc::clone(&self.desk),
            client: self.connection.client.clone(),
            commands: self.commands.clone(),
            stream_made: self.stream_made,
            sender: sender.clone(),
            stop: self.stop.clone(),
        };
        self.running.spawn(async move {
            sleep(wait).await;
            (sender, lane.run().await)
        });
    }

    fn begin_again(&mut self, sender: String, why: &LaneError) {
        let wait = self.senders.entry(sender.clone()).or_default().next();
        tracing::warn!(sender, %why, ?wait, "a lane failed and begins anew");
        self.begin(sender, wait);
    }
}
