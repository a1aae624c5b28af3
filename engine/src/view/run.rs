//! Runs: the marks of one member or merchant that one batch brought, side by side.
//!
//! ```text
//! run    mark mark …      each as bincode writes the steps: sequence, time, kind, point type
//! ```
//!
//! The first mark stands as it is, all others as the distance from the one before. A run is stored under the sequence of
//! its first mark.

use bincode::{Decode, Encode, config};

use super::{ViewError, item::ItemKind};
use crate::ledger::{Seq, UnixMillis};

/// How many marks a run has at most. Bounds what has to be read to find one.
pub(super) const MARKS_MAX: usize = 512;

/// What is known of an entry without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Its place in the shard's journal.
    pub(crate) seq: Seq,
    /// When it was decided.
    pub(crate) at: UnixMillis,
    /// What it is called.
    pub(crate) kind: ItemKind,
    /// Whether a statement shows it.
    pub(crate) shown: bool,
    /// The number of its point type in the shard.
    pub(crate) point_type: u32,
}

#[derive(Encode, Decode)]
struct Step {
    seq: u64,
    at: u64,
    kind: u8,
    point_type: u32,
}

/// Set in the number of a kind if no statement shows the entry.
const NOT_SHOWN: u8 = 0x80;

/// Appends marks as a run.
pub(super) fn append_run(marks: &[Mark], out: &mut Vec<u8>) {
    let (mut seq, mut at) = (0, 0);
    for mark in marks {
        let step = Step {
            seq: mark.seq.0 - seq,
            at: mark.at.0 - at,
            kind: mark.kind as u8 | if mark.shown { 0 } else { NOT_SHOWN },
            point_type: mark.point_type,
        };
        (seq, at) = (mark.seq.0, mark.at.0);
        bincode::encode_into_std_write(step, out, config::standard())
            .expect("memory takes what is written to it");
    }
}

/// Reads the first mark of a run.
pub(super) fn first_mark(run: &[u8]) -> Result<Mark, ViewError> {
    let mut place = (0, 0);
    next_mark(&mut { run }, &mut place)
}

/// Appends the marks of a run, in their order.
pub(super) fn read_run(mut run: &[u8], marks: &mut Vec<Mark>) -> Result<(), ViewError> {
    let mut place = (0, 0);
    while !run.is_empty() {
        marks.push(next_mark(&mut run, &mut place)?);
    }
    Ok(())
}

fn next_mark(run: &mut &[u8], (seq, at): &mut (u64, u64)) -> Result<Mark, ViewError> {
    let bad = || ViewError::Damaged("a run cannot be read".to_owned());
    let (step, used): (Step, usize) =
        bincode::decode_from_slice(run, config::standard()).map_err(|_| bad())?;
    *run = &run[used..];
    *seq = seq.checked_add(step.seq).ok_or_else(bad)?;
    *at = at.checked_add(step.at).ok_or_else(bad)?;
    let kind = ItemKind::ALL.get(usize::from(step.kind & !NOT_SHOWN));
    Ok(Mark {
        seq: Seq(*seq),
        at: UnixMillis(*at),
        kind: *kind.ok_or_else(bad)?,
        shown: step.kind & NOT_SHOWN == 0,
        point_type: step.point_type,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks() -> Vec<Mark> {
        let mark = |n: u64| Mark {
            seq: Seq(n * n + (1 << 40)),
            at: UnixMillis(1_790_000_000_000 + n / 2),
            kind: ItemKind::ALL[n as usize % ItemKind::ALL.len()],
            shown: !n.is_multiple_of(3),
            point_type: n as u32 * 100,
        };
        (0..40).map(mark).collect()
    }

    #[test]
    fn a_run_is_read_back_as_written() {
        let mut run = Vec::new();
        append_run(&marks(), &mut run);
        let mut read = Vec::new();
        read_run(&run, &mut read).unwrap();
        assert_eq!(read, marks());
        assert_eq!(first_mark(&run).unwrap(), marks()[0]);
    }

    #[test]
    fn no_damage_makes_more_of_a_run_than_an_error() {
        let mut run = Vec::new();
        append_run(&marks(), &mut run);
        for length in 0..run.len() {
            let _ = read_run(&run[..length], &mut Vec::new());
        }
        for bit in 0..run.len() * 8 {
            let mut damaged = run.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let _ = read_run(&damaged, &mut Vec::new());
        }
    }
}
