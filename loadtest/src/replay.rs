//! Replaying a file: a command object of the wire contract in each line (NDJSON), in the order in which they are sent.
//!
//! A line may have the field `at_ms`: milliseconds from the start of the recording, whole and never less than in the line
//! before. If the first line has it, all must have it, and the commands are sent at these times (to ten milliseconds in a
//! recording of up to a quarter of an hour) unless a rate is given. A line without `id` gets a request id of the run; one
//! with `id` keeps it, so that the same file a second time is a replay in the sense of the contract too.
//!
//! The file is read twice, a line at a time: once before the run to check it and to learn its times, and once during it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::curve::{Curve, Stretch};
use crate::workload::Operation;

/// More than any command of the contract, which has at most a KiB of metadata.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// The longest recording: a day, as for any run.
const LENGTH_MAX_MS: u64 = 24 * 60 * 60 * 1_000;
/// Times are kept in at most about so many slots.
const SLOTS_MAX: u64 = 90_000;

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is not a command.
    #[error("{}:{line}: {problem}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is nothing to send.
    #[error("{} has no commands", .0.display())]
    Empty(PathBuf),
}

/// A file of commands, once it has been read and found good.
#[derive(Clone, Debug)]
pub struct Recording {
    path: PathBuf,
    commands: u64,
    times: Option<Arc<Times>>,
}

/// How many commands there are in each slot of the recording.
#[derive(Debug)]
struct Times {
    slot_ms: u64,
    counts: Vec<u64>,
}

impl Times {
    fn new() -> Self {
        Self {
            slot_ms: 10,
            counts: Vec::new(),
        }
    }

    /// Slots grow tenfold when there would be too many. They stay parts of a second, so that their rates are whole.
    fn add(&mut self, at_ms: u64) {
        while at_ms / self.slot_ms >= SLOTS_MAX {
            self.slot_ms *= 10;
            self.counts = self.counts.chunks(10).map(|ten| ten.iter().sum()).collect();
        }
        let slot = (at_ms / self.slot_ms) as usize;
        if self.counts.len() <= slot {
            self.counts.resize(slot + 1, 0);
        }
        self.counts[slot] += 1;
    }
}

impl Recording {
    /// Reads the file through and checks every line.
    pub fn read(path: &Path) -> Result<Self, ReplayError> {
        let mut lines = Lines::open(path)?;
        let (mut commands, mut last_ms) = (0, 0);
        let mut times: Option<Times> = None;
        while let Some((_, at_ms)) = lines.next()? {
            match (at_ms, &mut times) {
                (Some(at_ms), _) if at_ms < last_ms => {
                    return Err(lines.wrong("at_ms is less than in the line before"));
                }
                (Some(at_ms), _) if at_ms >= LENGTH_MAX_MS => {
                    return Err(lines.wrong("at_ms is more than a day"));
                }
                (Some(at_ms), Some(times)) => times.add(at_ms),
                (Some(at_ms), None) if commands == 0 => {
                    times.insert(Times::new()).add(at_ms);
                }
                (None, None) => {}
                _ => return Err(lines.wrong("either all lines have at_ms or none")),
            }
            last_ms = at_ms.unwrap_or_default();
            commands += 1;
        }
        if commands == 0 {
            return Err(ReplayError::Empty(path.to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            commands,
            times: times.map(Arc::new),
        })
    }

    /// How many commands there are.
    #[must_use]
    pub const fn commands(&self) -> u64 {
        self.commands
    }

    /// Where it was read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long it took when it was recorded, if it says so.
    #[must_use]
    pub fn length(&self) -> Option<Duration> {
        let times = self.times.as_ref()?;
        Some(Duration::from_millis(
            times.slot_ms * times.counts.len() as u64,
        ))
    }

    /// The plan of sending it as it was recorded.
    pub(crate) fn curve(&self) -> Option<Curve> {
        let times = self.times.as_ref()?;
        let slot = Duration::from_millis(times.slot_ms);
        let stretches = times.counts.iter().map(|count| {
            let rate = count * 1_000 / times.slot_ms;
            Stretch::new(slot, rate, rate)
        });
        Some(Curve::once(Duration::ZERO, 0, stretches))
    }

    /// Opens it once more, to send it.
    pub(crate) fn open(&self) -> Result<Tape, ReplayError> {
        Ok(Tape(Mutex::new(Lines::open(&self.path)?)))
    }
}

/// A recording while it is sent; the connections take its commands one after the other.
#[derive(Debug)]
pub(crate) struct Tape(Mutex<Lines>);

impl Tape {
    /// The next command, without its time. None at the end, or if the file is no longer what it was.
    pub(crate) fn next(&self) -> Option<(Operation, Map<String, Value>)> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (command, _) = lines.next().ok()??;
        let operation = command["type"]
            .as_str()
            .map_or(Operation::Other, Operation::of_word);
        Some((operation, command))
    }
}

/// A command, and when it was sent in the recording, in milliseconds.
type Line = (Map<String, Value>, Option<u64>);

#[derive(Debug)]
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    text: String,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, ReplayError> {
        let file = File::open(path).map_err(|source| ReplayError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::new(file),
            text: String::new(),
            number: 0,
        })
    }

    /// The next command and its time; empty lines are passed over.
    fn next(&mut self) -> Result<Option<Line>, ReplayError> {
        loop {
            self.text.clear();
            self.number += 1;
            let mut bounded = (&mut self.reader).take(LINE_BYTES_MAX);
            let read = bounded.read_line(&mut self.text);
            let bytes = read.map_err(|source| ReplayError::Read {
                path: self.path.clone(),
                source,
            })?;
            if bytes == 0 {
                return Ok(None);
            }
            if bytes as u64 == LINE_BYTES_MAX {
                return Err(self.wrong("is longer than 64 KiB"));
            }
            if !self.text.trim().is_empty() {
                break;
            }
        }
        let mut command: Map<String, Value> =
            serde_json::from_str(&self.text).map_err(|_| self.wrong("is not a JSON object"))?;
        if !command.get("type").is_some_and(Value::is_string) {
            return Err(self.wrong("has no type"));
        }
        let at_ms = match command.remove("at_ms") {
            None => None,
            Some(at) => Some(
                at.as_u64()
                    .ok_or_else(|| self.wrong("at_ms is not a whole number"))?,
            ),
        };
        Ok(Some((command, at_ms)))
    }

    fn wrong(&self, problem: &'static str) -> ReplayError {
        ReplayError::Line {
            path: self.path.clone(),
            line: self.number,
            problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::pacer::Pacer;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("it is written");
        file
    }

    #[test]
    fn recorded_times_are_kept_to_ten_milliseconds() {
        let line =
            |at_ms: u64| format!("{{\"type\":\"earn\",\"member\":\"a\",\"at_ms\":{at_ms}}}\n");
        let text: String = [0, 3, 1_000, 1_001, 1_002, 5_000].map(line).concat();
        let recording = Recording::read(file(&text).path()).expect("a recording");
        assert_eq!(recording.length(), Some(Duration::from_millis(5_010)));
        let pacer = Pacer::following(recording.curve().expect("it has times"), 1);
        assert_eq!(pacer.total(Duration::from_millis(5_010)), 6);
        let planned: Vec<_> = (0..6).map(|n| pacer.planned_at(n).as_millis()).collect();
        assert_eq!(planned, [0, 5, 1_000, 1_003, 1_006, 5_000]);
    }

    #[test]
    fn a_long_recording_has_longer_slots_and_no_more_of_them() {
        let mut times = Times::new();
        for second in 0..24 * 3_600 {
            times.add(second * 1_000);
            times.add(second * 1_000 + 999);
        }
        assert_eq!((times.slot_ms, times.counts.len()), (1_000, 24 * 3_600));
        assert!(times.counts.iter().all(|count| *count == 2));
    }

    #[test]
    fn commands_are_given_in_order_without_their_times() {
        let text = "{\"id\":\"a\",\"type\":\"earn\",\"at_ms\":1}\n\n{\"type\":\"freeze\",\"member\":\"m\",\"at_ms\":1}";
        let file = file(text);
        let recording = Recording::read(file.path()).expect("a recording");
        assert_eq!(recording.commands(), 2);
        let tape = recording.open().expect("it is still there");
        let (operation, command) = tape.next().expect("a command");
        assert_eq!((operation, command.len()), (Operation::Earn, 2));
        assert_eq!(
            tape.next().map(|(operation, _)| operation),
            Some(Operation::Other)
        );
        assert!(tape.next().is_none());
    }

    #[test]
    fn what_cannot_be_replayed_is_said_with_its_line() {
        for (text, expected) in [
            ("", "has no commands"),
            ("{\"type\":\"earn\"}\n[]", ":2: is not a JSON object"),
            ("{\"member\":\"a\"}", ":1: has no type"),
            ("{\"type\":\"earn\",\"at_ms\":-1}", ":1: at_ms is not"),
            (
                "{\"type\":\"earn\",\"at_ms\":9}\n{\"type\":\"earn\",\"at_ms\":8}",
                ":2: at_ms is less",
            ),
            (
                "{\"type\":\"earn\",\"at_ms\":9}\n{\"type\":\"earn\"}",
                ":2: either all",
            ),
            (
                "{\"type\":\"earn\"}\n{\"type\":\"earn\",\"at_ms\":9}",
                ":2: either all",
            ),
        ] {
            let error = Recording::read(file(text).path()).expect_err(text);
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
    }
}
