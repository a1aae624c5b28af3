//! The way of lines through the engine: a few chunks at a time, in order, each line judged exactly once.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    mem,
    path::PathBuf,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use futures_util::future::{FutureExt, LocalBoxFuture, MaybeDone, maybe_done};
use jifen_engine::{Engine, EngineError, Limits, Outcome};

use super::{
    chunk::{Chunk, Decoder},
    error::ImportError,
    progress::Progress,
    report::Report,
    source::{Reading, Source},
    summary::Summary,
    tally::Tally,
};

/// How many lines go to the engine at once, at the most: enough to pay for the way.
const LINES_PER_CHUNK: usize = 4_000;
/// How many chunks are on their way at once, at the most: while one becomes durable, others are decided.
const CHUNKS_IN_FLIGHT: usize = 4;
/// How long the import waits when a shard is busy; doubled each time, up to the second.
const BACK_OFF: [Duration; 2] = [Duration::from_millis(5), Duration::from_secs(1)];

/// How much of an import is on its way at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// At least 1.
    pub lines_per_chunk: usize,
    /// At least 1.
    pub chunks_in_flight: usize,
}

impl Pace {
    /// As much as one shard may have to do, even if all lines are for the same one: an import that has the engine for
    /// itself is never told to come back later, which would cost lines of a later chunk their place behind it.
    #[must_use]
    pub fn within(limits: &Limits) -> Self {
        let lines_per_chunk = LINES_PER_CHUNK.min(limits.commands_per_shard).max(1);
        let fitting = limits.commands_per_shard / lines_per_chunk;
        Self {
            lines_per_chunk,
            chunks_in_flight: CHUNKS_IN_FLIGHT.min(fitting).max(1),
        }
    }
}

/// What is to be imported, and how.
pub struct Import {
    /// The lines.
    pub source: Source,
    /// Where to tell of lines that were not accepted.
    pub report: PathBuf,
    /// How much at once.
    pub pace: Pace,
}

/// How an import ended.
#[derive(Debug)]
pub enum End {
    /// Every line was judged.
    Complete,
    /// It was told to stop; all lines that were sent have been judged.
    Interrupted,
    /// Something went wrong on the way.
    Failed(ImportError),
}

/// An import that is over.
#[derive(Debug)]
pub struct Finished {
    /// What became of the lines that were read.
    pub summary: Summary,
    /// Where lines that were not accepted are told of, if there are any.
    pub report: Option<PathBuf>,
    /// How it ended.
    pub end: End,
}

impl Import {
    /// Imports until the end of the lines, or until `stop` is there. Fails only before the first line is read.
    pub async fn run(
        self,
        engine: &Engine,
        stop: impl Future<Output = ()>,
        progress: &Progress,
    ) -> Result<Finished, ImportError> {
        let cannot = |what: &str| {
            let what = format!("{what} {}", self.report.display());
            move |error| ImportError::System(what, error)
        };
        let report = Report::new(self.report.clone()).map_err(cannot("replace"))?;
        let write_failed = cannot("write");
        let mut flow = Flow {
            engine: engine.clone(),
            decoder: self.source.decoder(),
            in_flight: VecDeque::new(),
            tally: Tally::new(report),
            end: None,
        };
        flow.run(self.source, self.pace, stop, progress).await?;
        let end = flow.end.unwrap_or(End::Complete);
        let (summary, report) = flow.tally.finish();
        Ok(match report {
            Ok(report) => Finished {
                summary,
                report,
                end,
            },
            Err(error) => Finished {
                summary,
                report: None,
                end: End::Failed(write_failed(error)),
            },
        })
    }
}

/// A chunk that was sent, and what is heard of it.
struct Sent {
    chunk: Chunk,
    outcomes: Pin<Box<MaybeDone<LocalBoxFuture<'static, Vec<Outcome>>>>>,
}

struct Flow {
    engine: Engine,
    decoder: Decoder,
    in_flight: VecDeque<Sent>,
    tally: Tally,
    /// Why no more is read; `None` while there is more.
    end: Option<End>,
}

impl Flow {
    async fn run(
        &mut self,
        source: Source,
        pace: Pace,
        stop: impl Future<Output = ()>,
        progress: &Progress,
    ) -> Result<(), ImportError> {
        let chunks = source.read(pace.lines_per_chunk);
        let mut chunks =
            chunks.map_err(|error| ImportError::System("start a thread".to_owned(), error))?;
        let mut stop = pin!(stop.fuse());
        let engine = self.engine.clone();
        let mut failed = pin!(engine.failed().fuse());
        loop {
            let open = self.end.is_none();
            let room = open && self.in_flight.len() < pace.chunks_in_flight;
            if !room && self.in_flight.is_empty() {
                break;
            }
            // In this order: who is told to stop reads no more, and what is done makes room before more is read.
            tokio::select! {
                biased;
                () = &mut stop, if open => self.end = Some(End::Interrupted),
                what = &mut failed => self.journal_failed(what),
                () = front(&mut self.in_flight), if !self.in_flight.is_empty() => {
                    self.settle(progress).await;
                }
                said = chunks.recv(), if room => match said {
                    Some(Reading::Chunk(chunk)) => self.send(chunk).await,
                    Some(Reading::End) => self.end = Some(End::Complete),
                    Some(Reading::Failed(error)) => {
                        self.fail(ImportError::System("read on".to_owned(), error));
                    }
                    None => self.fail(ImportError::System(
                        "read on".to_owned(),
                        std::io::ErrorKind::UnexpectedEof.into(),
                    )),
                },
            }
        }
        if let Some(what) = failed.now_or_never() {
            self.journal_failed(what);
        }
        Ok(())
    }

    /// Hands a chunk to the engine. When this returns, its commands are in the shards' mail, behind those of all
    /// chunks before it.
    async fn send(&mut self, mut chunk: Chunk) {
        let requests = mem::take(&mut chunk.requests);
        let engine = self.engine.clone();
        let outcomes = async move { engine.submit_many(requests).await };
        let mut outcomes = Box::pin(maybe_done(outcomes.boxed_local()));
        // The engine sends before it waits for the first time.
        poll_fn(|context| {
            let _ = outcomes.as_mut().poll(context);
            Poll::Ready(())
        })
        .await;
        self.in_flight.push_back(Sent { chunk, outcomes });
    }

    /// Takes down what became of the foremost chunk, which is done.
    async fn settle(&mut self, progress: &Progress) {
        let Some(mut sent) = self.in_flight.pop_front() else {
            return;
        };
        let outcomes = sent.outcomes.as_mut().take_output().unwrap_or_default();
        let outcomes = self.persist(&sent.chunk, outcomes).await;
        if let Err(error) = self.tally.take(&sent.chunk, outcomes) {
            let what = format!("write {}", self.tally.report_path().display());
            self.fail(ImportError::System(what, error));
        }
        let summary = self.tally.summary();
        progress.advance(sent.chunk.bytes_read, summary);
        if self.tally.is_full() {
            self.fail(ImportError::Full);
        } else if self.tally.is_disk_full() {
            self.fail(ImportError::DiskFull);
        } else if summary.unanswered > 0 {
            self.fail(ImportError::Journal(
                "some lines were not answered".to_owned(),
            ));
        }
    }

    /// Sends again what found its shard busy, until it does no more.
    async fn persist(&mut self, chunk: &Chunk, mut outcomes: Vec<Outcome>) -> Vec<Outcome> {
        let [mut pause, longest] = BACK_OFF;
        loop {
            let (mut places, mut requests) = (Vec::new(), Vec::new());
            let commands = chunk.lines().iter().filter(|line| line.invalid.is_none());
            for (place, (outcome, line)) in outcomes.iter().zip(commands).enumerate() {
                if matches!(outcome, Err(EngineError::Overloaded))
                    && let Ok(request) = self.decoder.decode(line.number, chunk.text(line))
                {
                    places.push(place);
                    requests.push(request);
                }
            }
            if places.is_empty() {
                return outcomes;
            }
            tracing::debug!(lines = places.len(), ?pause, "shards are busy");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
            for (place, outcome) in places
                .into_iter()
                .zip(self.engine.submit_many(requests).await)
            {
                outcomes[place] = outcome;
            }
        }
    }

    /// Reads no more. What was found first is the reason for what came after it.
    fn fail(&mut self, error: ImportError) {
        if !matches!(self.end, Some(End::Failed(_))) {
            self.end = Some(End::Failed(error));
        }
    }

    /// The journal itself says why it failed; nobody knows better.
    fn journal_failed(&mut self, what: String) {
        self.end = Some(End::Failed(ImportError::Journal(what)));
    }
}

/// Waits until the foremost chunk is done.
async fn front(in_flight: &mut VecDeque<Sent>) {
    if let Some(sent) = in_flight.front_mut() {
        sent.outcomes.as_mut().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jifen_engine::{
        Parts, Router, SystemClock,
        disk::Endless,
        journal::{
            memory::{Medium, MemoryJournal},
            recovery::recover,
        },
        ledger::{Ledger, PointType, Rules, ShardIndex},
    };

    use super::*;
    use crate::file::{Defaults, name::ImportName, ndjson::NdjsonLines};

    fn engine_in_memory() -> Engine {
        let mut ledgers = vec![Ledger::new(ShardIndex(0), Rules::default())];
        let mut journal = MemoryJournal::open(Medium::default());
        let recovered = recover(&mut journal, None, &mut ledgers).unwrap();
        Engine::start(Parts {
            router: Router::new(1, 7).unwrap(),
            ledgers,
            journal: Box::new(journal),
            recovered,
            head: None,
            keeping: None,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            disk: Arc::new(Endless),
            lock: None,
        })
        .unwrap()
    }

    /// Goal: a line whose shard was busy is not lost, and keeps its place among the answers. Method: of three commands
    /// and a line that is none, the shard is said to have been busy for the first and the third.
    #[actix_rt::test]
    async fn what_found_its_shard_busy_is_sent_again() {
        let text = r#"{"type":"enrol","member":"ann"}
            {"type":"enrol","member":"bob"}
            {"type":"enrol"}
            {"type":"enrol","member":"eve"}"#;
        let mut decoder = Decoder::new(Defaults {
            name: ImportName::new("busy").unwrap(),
            kind: None,
            point_type: PointType::new("points").unwrap(),
        });
        let mut chunk = Chunk::default();
        let mut lines = NdjsonLines::new(text.as_bytes());
        while chunk.read(&mut lines, &mut decoder).unwrap() {}
        let mut requests = mem::take(&mut chunk.requests);
        let engine = engine_in_memory();
        let bob = engine.submit(requests.remove(1)).await;
        let busy = || Err(EngineError::Overloaded);

        let dir = tempfile::tempdir().unwrap();
        let mut flow = Flow {
            engine: engine.clone(),
            decoder,
            in_flight: VecDeque::new(),
            tally: Tally::new(Report::new(dir.path().join("report")).unwrap()),
            end: None,
        };
        let outcomes = flow.persist(&chunk, vec![busy(), bob, busy()]).await;
        let ids = outcomes.iter().map(|outcome| {
            let answer = outcome.as_ref().unwrap().as_ref().unwrap();
            assert!(!answer.replayed);
            answer.id.as_str()
        });
        assert_eq!(ids.collect::<Vec<_>>(), ["busy:1", "busy:2", "busy:4"]);
        engine.shut_down().await;
    }

    #[test]
    fn what_is_in_flight_fits_into_one_shard() {
        for commands_per_shard in [0, 1, 3_999, 4_000, 8_001, 16_384, 1_000_000] {
            let limits = Limits {
                commands_per_shard,
                ..Limits::default()
            };
            let pace = Pace::within(&limits);
            assert!(pace.lines_per_chunk >= 1 && pace.chunks_in_flight >= 1);
            let most = pace.lines_per_chunk * pace.chunks_in_flight;
            assert!(most <= commands_per_shard.max(1), "{pace:?}");
        }
        let pace = Pace::within(&Limits::default());
        assert_eq!((pace.lines_per_chunk, pace.chunks_in_flight), (4_000, 4));
    }
}
