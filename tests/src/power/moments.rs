//! When the power fails.

use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::record::Happened;

/// The share of power failures right in front of the end of a sync, when there is most to lose.
const BEFORE_A_SYNC_ENDS: f64 = 0.6;
/// The share of those right behind an answer, when it is durable by a hair's breadth or not at all.
const BEHIND_AN_ANSWER: f64 = 0.15;
/// The share of those while a process starts, before it says anything.
const AT_A_START: f64 = 0.15;

/// Chooses moments: numbers of records in front of which the power fails, in order.
pub(super) fn choose(records: &[Happened<'_>], count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let (syncs, answers, starts) = (syncs(records), answers(records), starts(records));
    let mut moments: Vec<usize> = (0..count)
        .map(|_| {
            let share: f64 = rng.random();
            let chosen = if share < BEFORE_A_SYNC_ENDS {
                // Rather one of the large ones, which are few.
                let rank: f64 = rng.random();
                let rank = (rank.powi(3) * syncs.len() as f64) as usize;
                syncs.get(rank).copied()
            } else if share < BEFORE_A_SYNC_ENDS + BEHIND_AN_ANSWER {
                answers.choose(rng).copied()
            } else if share < BEFORE_A_SYNC_ENDS + BEHIND_AN_ANSWER + AT_A_START {
                starts.choose(rng).copied()
            } else {
                None
            };
            chosen.unwrap_or_else(|| rng.random_range(0..=records.len()))
        })
        .collect();
    moments.sort_unstable();
    moments
}

/// The ends of syncs that something was waiting for, the largest first.
fn syncs(records: &[Happened<'_>]) -> Vec<usize> {
    let mut waiting = 0;
    let mut found = Vec::new();
    for (number, happened) in records.iter().enumerate() {
        match happened {
            Happened::Wrote { bytes, .. } => waiting += bytes.len(),
            Happened::Opened { create: true, .. }
            | Happened::Resized { .. }
            | Happened::Renamed { .. }
            | Happened::Removed { .. }
            | Happened::MadeDirectory { .. } => waiting += 1,
            Happened::SyncEnded { .. } if waiting > 0 => {
                found.push((waiting, number));
                waiting = 0;
            }
            _ => {}
        }
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, number)| number).collect()
}

/// The moments right behind something said.
fn answers(records: &[Happened<'_>]) -> Vec<usize> {
    let all = (1..).zip(records);
    all.filter(|(_, happened)| matches!(happened, Happened::Said { .. }))
        .map(|(behind, _)| behind)
        .collect()
}

/// All moments between the beginning of a process and its first word.
fn starts(records: &[Happened<'_>]) -> Vec<usize> {
    let mut starting = false;
    let mut found = Vec::new();
    for (number, happened) in records.iter().enumerate() {
        match happened {
            Happened::Began => starting = true,
            Happened::Said { .. } => starting = false,
            _ => {}
        }
        if starting {
            found.push(number);
        }
    }
    found
}
