//! Takes down what became of each line: in numbers, and in the report.

use std::{
    io,
    path::{Path, PathBuf},
};

use jifen_engine::{
    EngineError, Outcome,
    ledger::{Answer, Code, CommandKind, Refusal, RequestId, Verdict},
    shard::Declined,
};

use super::{
    chunk::{Chunk, Line},
    report::Report,
    summary::Summary,
};
use crate::wire::{Invalid, encode_outcome, wording};

/// What became of the lines so far.
pub(super) struct Tally {
    summary: Summary,
    report: Report,
    /// Whether a shard remembers as many requests as it may.
    full: bool,
    /// Whether the engine refused lines since the disk is nearly full.
    disk_full: bool,
    answer: Vec<u8>,
}

impl Tally {
    pub(super) fn new(report: Report) -> Self {
        Self {
            summary: Summary::default(),
            report,
            full: false,
            disk_full: false,
            answer: Vec::new(),
        }
    }

    /// Takes down a chunk: `outcomes` are those of its commands, in order.
    pub(super) fn take(&mut self, chunk: &Chunk, outcomes: Vec<Outcome>) -> io::Result<()> {
        let mut outcomes = outcomes.into_iter();
        for line in chunk.lines() {
            self.summary.lines += 1;
            match &line.invalid {
                Some(invalid) => self.malformed(chunk, line, invalid)?,
                None => match outcomes.next() {
                    Some(outcome) => self.judged(chunk, line, &outcome)?,
                    None => self.summary.unanswered += 1,
                },
            }
        }
        Ok(())
    }

    fn malformed(&mut self, chunk: &Chunk, line: &Line, invalid: &Invalid) -> io::Result<()> {
        self.summary.malformed += 1;
        self.report
            .add_malformed(line.number, invalid, chunk.text(line))
    }

    fn judged(&mut self, chunk: &Chunk, line: &Line, outcome: &Outcome) -> io::Result<()> {
        match outcome {
            Ok(Ok(Answer {
                verdict: Verdict::Accepted(_),
                replayed,
                ..
            })) => {
                if *replayed {
                    self.summary.already_applied += 1;
                } else {
                    self.summary.accepted += 1;
                }
                Ok(())
            }
            Ok(Ok(Answer {
                id,
                kind,
                verdict: Verdict::Refused(refusal),
                ..
            })) => self.refused(chunk, line, outcome, (id, *kind, refusal)),
            Ok(Err(declined)) if declined.refusal.code() == Code::Full => {
                self.full = true;
                self.summary.unanswered += 1;
                Ok(())
            }
            Ok(Err(Declined { id, kind, refusal })) => {
                self.refused(chunk, line, outcome, (id, *kind, refusal))
            }
            Err(error) => {
                self.disk_full |= *error == EngineError::DiskFull;
                self.summary.unanswered += 1;
                Ok(())
            }
        }
    }

    fn refused(
        &mut self,
        chunk: &Chunk,
        line: &Line,
        outcome: &Outcome,
        (id, kind, refusal): (&RequestId, CommandKind, &Refusal),
    ) -> io::Result<()> {
        let code = wording::of_code(refusal.code()).code;
        *self.summary.refused.entry(code).or_default() += 1;
        self.answer.clear();
        encode_outcome(outcome, id.as_str(), kind, &mut self.answer);
        self.report
            .add_refused(line.number, &self.answer, chunk.text(line))
    }

    /// The numbers so far.
    pub(super) const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Whether a shard remembers as many requests as it may; lines for it were not judged.
    pub(super) const fn is_full(&self) -> bool {
        self.full
    }

    /// Whether lines were refused since the disk is nearly full; they were not judged.
    pub(super) const fn is_disk_full(&self) -> bool {
        self.disk_full
    }

    /// Where the report is, or would be.
    pub(super) fn report_path(&self) -> &Path {
        self.report.path()
    }

    /// The numbers, and where the report is if there is one.
    pub(super) fn finish(self) -> (Summary, io::Result<Option<PathBuf>>) {
        (self.summary, self.report.finish())
    }
}
