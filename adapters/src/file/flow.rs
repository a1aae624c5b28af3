//! The way of lines through the engine: a few chunks at a time, in order, each line judged exactly once.
//!
//! A line that is judged before one that stands above it may be refused for good, so nothing is sent while lines of the chunk
//! before have still to be let in.

use std::{
    collections::VecDeque,
    future::Future,
    mem,
    path::PathBuf,
    pin::{Pin, pin},
    time::Duration,
};

use futures_util::future::{FutureExt, LocalBoxFuture, MaybeDone, maybe_done};
use jifen_engine::{Engine, EngineError, Limits, Outcome};

use super::{
    chunk::Chunk,
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
    /// itself is never told to come back later.
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
                    self.settle(progress);
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

    /// Hands a chunk to the engine, and again what found its shard busy. When this returns, its commands are in the shards'
    /// mail, behind those of all chunks before it, or no more chunks are sent.
    async fn send(&mut self, mut chunk: Chunk) {
        let mut posted = self.engine.post_many(mem::take(&mut chunk.requests));
        let [mut pause, longest] = BACK_OFF;
        while let Some(error) = posted.turned_away() {
            match error {
                EngineError::Overloaded => {}
                EngineError::DiskFull => {
                    self.fail(ImportError::DiskFull);
                    break;
                }
                // It is about to end, and lets in nothing more.
                _ => break,
            }
            tracing::debug!(?pause, "shards are busy");
            tokio::select! {
                // Of this the caller hears as well.
                _ = self.engine.failed() => break,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(longest);
            posted.post_again();
        }
        let outcomes = Box::pin(maybe_done(posted.answers().boxed_local()));
        self.in_flight.push_back(Sent { chunk, outcomes });
    }

    /// Takes down what became of the foremost chunk, which is done.
    fn settle(&mut self, progress: &Progress) {
        let Some(mut sent) = self.in_flight.pop_front() else {
            return;
        };
        let outcomes = sent.outcomes.as_mut().take_output().unwrap_or_default();
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
    use std::sync::mpsc;

    use jifen_engine::ledger::{Ledger, PointType, ShardIndex};
    use tokio::sync::oneshot;

    use super::*;
    use crate::{
        file::{Defaults, chunk::Decoder, name::ImportName, ndjson::NdjsonLines},
        small_engine::small_engine,
    };

    /// Goal: lines that find their shard busy are not overtaken by lines below them that would fit. Method: a look stands in
    /// the way of three lines; one more would find room.
    #[actix_rt::test]
    async fn what_found_its_shard_busy_keeps_its_place() {
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
        let engine = small_engine(chunk.requests.len());
        let dir = tempfile::tempdir().unwrap();
        let mut flow = Flow {
            engine: engine.clone(),
            in_flight: VecDeque::new(),
            tally: Tally::new(Report::new(dir.path().join("report")).unwrap()),
            end: None,
        };

        let (go_on, gate) = mpsc::channel::<()>();
        let (looks, begun) = oneshot::channel();
        let look = move |_: &Ledger| {
            let _ = looks.send(());
            let _ = gate.recv();
        };
        let busy = engine.clone();
        let busy = actix_rt::spawn(async move { busy.look(ShardIndex(0), look).await });
        begun.await.unwrap();
        let mut sending = Box::pin(flow.send(chunk));
        assert!(
            sending.as_mut().now_or_never().is_none(),
            "the next chunk would be sent"
        );
        drop(go_on);
        busy.await.unwrap().unwrap();
        sending.await;
        front(&mut flow.in_flight).await;
        let sent = flow.in_flight.front_mut().unwrap();
        let outcomes = sent.outcomes.as_mut().take_output().unwrap();
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
