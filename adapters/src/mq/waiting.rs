//! Messages that were put back and wait to be tried again.
//!
//! The server has only so many messages of a lane out, those that wait included. So a lane of which as many wait is given
//! nothing new until they are tried, however much is in the queue; that is to be seen from outside.
//!
//! Lanes are told apart by nobody but themselves: whoever may publish makes as many of them as there are subjects, so their
//! names are none for metrics. The log tells whose lane stands.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::hand::ACK_PENDING;

/// How many messages of a lane wait when nothing new can come.
const FULL: usize = ACK_PENDING as usize;

/// What waits of one lane. What a lane leaves behind that ends is delivered again at once, and so waits no more.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<PutBack>);

#[derive(Debug, Default)]
struct PutBack {
    /// The places of the messages in the stream.
    sequences: HashSet<u64>,
    /// Whether it was told that nothing new comes; that is told again only when half of them have been tried meanwhile.
    is_told: bool,
}

impl Waiting {
    /// A message is put back. Tells whether the lane stands still from now on.
    pub(super) fn put_back(&self, sequence: u64) -> bool {
        let mut waiting = self.lock();
        waiting.sequences.insert(sequence);
        let stops = waiting.sequences.len() >= FULL && !waiting.is_told;
        waiting.is_told |= stops;
        stops
    }

    /// Messages came again: what becomes of them is decided anew.
    pub(super) fn take(&self, sequences: impl Iterator<Item = u64>) {
        let mut waiting = self.lock();
        for sequence in sequences {
            waiting.sequences.remove(&sequence);
        }
        waiting.is_told &= waiting.sequences.len() > FULL / 2;
    }

    fn forget_before(&self, first: u64) {
        let mut waiting = self.lock();
        waiting.sequences.retain(|sequence| *sequence >= first);
    }

    fn count(&self) -> u64 {
        self.lock().sequences.len() as u64
    }

    fn lock(&self) -> MutexGuard<'_, PutBack> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waits of all lanes.
#[derive(Debug, Default)]
pub(super) struct AllWaiting(Mutex<Vec<Weak<Waiting>>>);

impl AllWaiting {
    /// A lane begins.
    pub(super) fn lane(&self) -> Arc<Waiting> {
        let lane = Arc::default();
        self.lock().push(Arc::downgrade(&lane));
        lane
    }

    /// The stream has nothing in front of this place any more. What somebody removed from it does not come again.
    pub(super) fn forget_before(&self, first: u64) {
        let mut lanes = self.lock();
        lanes.retain(|lane| lane.strong_count() > 0);
        for lane in lanes.iter().filter_map(Weak::upgrade) {
            lane.forget_before(first);
        }
    }

    /// How many wait of all lanes together, and of the one of which most do.
    pub(super) fn counts(&self) -> (u64, u64) {
        let counts: Vec<u64> = self
            .lock()
            .iter()
            .filter_map(Weak::upgrade)
            .map(|lane| lane.count())
            .collect();
        let most = counts.iter().copied().max();
        (counts.iter().sum(), most.unwrap_or(0))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_again_or_removed_or_whose_lane_ends_waits_no_more() {
        let all = AllWaiting::default();
        assert_eq!(all.counts(), (0, 0));
        let (one, other) = (all.lane(), all.lane());
        for sequence in [3, 5, 9, 9] {
            one.put_back(sequence);
        }
        other.put_back(4);
        assert_eq!(all.counts(), (4, 3));
        // What was delivered again for another reason did not wait.
        one.take([5, 6].into_iter());
        assert_eq!(all.counts(), (3, 2));
        one.put_back(5);
        all.forget_before(5);
        assert_eq!(all.counts(), (2, 2));
        drop(one);
        assert_eq!(all.counts(), (0, 0));
    }

    #[test]
    fn that_a_lane_stands_still_is_told_once_each_time() {
        let all = AllWaiting::default();
        let lane = all.lane();
        let full = FULL as u64;
        let told = |from: u64, to: u64| (from..to).filter(|at| lane.put_back(*at)).count();
        assert_eq!(told(0, full - 1), 0);
        assert_eq!(told(full - 1, full), 1);
        // One is tried and put back, again and again.
        lane.take(0..1);
        assert_eq!(told(0, 1), 0);
        lane.take(0..full / 2);
        assert_eq!(told(0, full / 2), 1);
    }
}
