//! How the run went over time, in a bounded number of slots: what was sent and answered in each, and how long it took.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::curve::nanos;

/// A run of any length has at most so many slots.
const SLOTS_MAX: u128 = 240;

/// The lengths that a slot may have, in milliseconds: such as read well on an axis.
const WIDTHS_MS: [u64; 14] = [
    10, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 900_000,
];

/// The longest time span that is told from longer ones, in microseconds: an hour.
const LONGEST_US: u64 = 3_600_000_000;

/// What belongs to one slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    /// Commands sent in it, whenever they were planned.
    pub(crate) sent: u64,
    /// Commands accepted or refused in it.
    pub(crate) answered: u64,
    /// Microseconds with two significant digits, of the requests that were *planned* in it: a stall is seen where it
    /// began. Made when there is something to record.
    pub(crate) latency: Option<Histogram<u64>>,
}

impl Slot {
    fn latency(&mut self) -> &mut Histogram<u64> {
        self.latency.get_or_insert_with(|| {
            Histogram::new_with_bounds(1, LONGEST_US, 2)
                .expect("the bounds are constant and in order")
        })
    }

    fn merge(&mut self, other: &Self) {
        self.sent += other.sent;
        self.answered += other.answered;
        if let Some(latency) = &other.latency {
            self.latency()
                .add(latency)
                .expect("all histograms have the same bounds");
        }
    }
}

/// The slots of a run, counted from its start, the warm-up included.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    width: Duration,
    slots: Vec<Slot>,
}

impl Timeline {
    pub(crate) fn new(length: Duration) -> Self {
        let fits = |millis: &u64| length.as_millis() <= u128::from(*millis) * SLOTS_MAX;
        let longest = WIDTHS_MS[WIDTHS_MS.len() - 1];
        let millis = WIDTHS_MS.into_iter().find(fits).unwrap_or(longest);
        let width = Duration::from_millis(millis);
        let slots = nanos(length).div_ceil(nanos(width)).max(1);
        Self {
            width,
            slots: vec![Slot::default(); slots as usize],
        }
    }

    pub(crate) const fn width(&self) -> Duration {
        self.width
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(crate) fn sent(&mut self, at: Duration, commands: u64) {
        if let Some(slot) = self.slot(at) {
            slot.sent += commands;
        }
    }

    pub(crate) fn answered(&mut self, at: Duration, commands: u64) {
        if let Some(slot) = self.slot(at) {
            slot.answered += commands;
        }
    }

    /// A request that was planned at this time took so long, or had waited so long when the run was given up.
    pub(crate) fn took(&mut self, planned: Duration, latency: Duration) {
        if let Some(slot) = self.slot(planned) {
            let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
            slot.latency().saturating_record(micros);
        }
    }

    /// What comes after the end counts to the last slot: the answers to what was planned shortly before it.
    fn slot(&mut self, at: Duration) -> Option<&mut Slot> {
        let index = nanos(at).checked_div(nanos(self.width))?;
        let last = self.slots.len().checked_sub(1)?;
        self.slots
            .get_mut(usize::try_from(index).unwrap_or(last).min(last))
    }

    /// Adds what another worker of the same run counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.slots.is_empty() {
            self.clone_from(other);
            return;
        }
        for (slot, more) in self.slots.iter_mut().zip(&other.slots) {
            slot.merge(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_has_a_bounded_number_of_slots() {
        for (seconds, width_ms, slots) in [
            (1, 10, 100),
            (35, 250, 140),
            (60, 250, 240),
            (61, 500, 122),
            (605, 5_000, 121),
            (2 * 24 * 3_600, 900_000, 192),
        ] {
            let timeline = Timeline::new(Duration::from_secs(seconds));
            let got = (timeline.width().as_millis(), timeline.slots().len());
            assert_eq!(got, (width_ms, slots), "{seconds} s");
        }
    }

    #[test]
    fn a_latency_belongs_to_the_time_it_was_planned_for_and_a_late_answer_to_the_end() {
        let second = Duration::from_secs(1);
        let mut one = Timeline::new(second * 35);
        one.sent(second * 2, 3);
        one.took(second, second * 7);
        one.answered(second * 50, 3);
        let mut both = Timeline::default();
        both.merge(&one);
        both.merge(&one);
        let latency = both.slots()[4].latency.as_ref().expect("it was recorded");
        assert_eq!((latency.len(), latency.max() / 100_000), (2, 70));
        assert_eq!((both.slots()[8].sent, both.slots()[139].answered), (6, 6));
    }
}
