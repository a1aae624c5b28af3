//! The figures behind the plots: how the run went over time, and how the latencies are distributed.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::latency::{Latencies, Spans};
use crate::pacer::Pacer;
use crate::settings_report::millis;
use crate::timeline::{Slot, Timeline};

/// The run over time, the warm-up included, in at most 240 slots of the same length.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub struct CourseReport {
    /// Length of a slot, milliseconds.
    pub slot_ms: u64,
    /// One after the other, from the start of the run.
    pub slots: Vec<SlotReport>,
}

/// One part of the run. Rates are of commands.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
pub struct SlotReport {
    /// When it begins, milliseconds from the start of the run.
    pub at_ms: u64,
    /// By the plan; none in a closed loop.
    pub planned_per_second: Option<f64>,
    /// Sent in it, whenever planned.
    pub sent_per_second: f64,
    /// Accepted or refused in it. The last slot has also what came after the end.
    pub answered_per_second: f64,
    /// How long the requests took that were planned in it; none if there were none.
    pub latency: Option<SlotLatency>,
}

/// Of the requests that were planned in one slot, from the planned send time; microseconds, two significant digits.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SlotLatency {
    pub p50_us: u64,
    pub p99_us: u64,
    pub max_us: u64,
}

impl CourseReport {
    pub(crate) fn new(timeline: &Timeline, length: Duration, pacer: Option<&Pacer>) -> Self {
        let width = timeline.width();
        let slot = |(index, slot): (u32, &Slot)| {
            let from = width * index;
            // The last slot may be cut off by the end of the plan.
            let to = (from + width).min(length);
            let seconds = (to - from).as_secs_f64().max(f64::MIN_POSITIVE);
            let latency = slot.latency.as_ref().map(|latency| SlotLatency {
                p50_us: latency.value_at_quantile(0.5),
                p99_us: latency.value_at_quantile(0.99),
                max_us: latency.max(),
            });
            SlotReport {
                at_ms: millis(from),
                planned_per_second: pacer.map(|pacer| pacer.commands_between(from, to) / seconds),
                sent_per_second: slot.sent as f64 / seconds,
                answered_per_second: slot.answered as f64 / seconds,
                latency,
            }
        };
        Self {
            slot_ms: millis(width),
            slots: (0..).zip(timeline.slots()).map(slot).collect(),
        }
    }
}

/// A point of the curve of all requests.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
pub struct PercentilePoint {
    /// This share of the requests, 0 to 1 …
    pub share: f64,
    /// … took no longer than this from the planned send time, microseconds; none in a closed loop.
    pub corrected_us: Option<u64>,
    /// … and than this from the actual send.
    pub raw_us: u64,
}

/// Points in every tenth part of what is left: 90 %, 99 %, 99.9 % … are among them.
const POINTS_PER_TENTH: i32 = 8;

/// The curve as far as there are requests to draw it with.
pub(crate) fn percentile_curve(latencies: &Latencies, is_open: bool) -> Vec<PercentilePoint> {
    let count = latencies.corrected.count().max(latencies.raw.count());
    let micros =
        |spans: &Spans, share| u64::try_from(spans.quantile(share).as_micros()).unwrap_or(u64::MAX);
    let left = (0..).map(|step| 10_f64.powf(-f64::from(step) / f64::from(POINTS_PER_TENTH)));
    left.take_while(|left| left * count as f64 >= 1.0)
        .map(|left| 1.0 - left)
        .chain((count > 0).then_some(1.0))
        .map(|share| PercentilePoint {
            share,
            corrected_us: is_open.then(|| micros(&latencies.corrected, share)),
            raw_us: micros(&latencies.raw, share),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_goes_as_far_as_there_are_requests() {
        let mut latencies = Latencies::new();
        assert!(percentile_curve(&latencies, true).is_empty());
        for millis in 1..=1_000 {
            latencies.corrected.record(Duration::from_millis(millis), 1);
            latencies.raw.record(Duration::from_millis(1), 1);
        }
        let curve = percentile_curve(&latencies, true);
        // From 0 % to 99.9 % in three times eight steps, and the longest.
        assert_eq!(curve.len(), 26);
        let at = |place: usize| (curve[place].corrected_us.unwrap_or(0) + 500) / 1_000;
        assert_eq!(
            [at(8), at(16), at(24), at(25)].map(|ms| ms / 10),
            [90, 99, 99, 100]
        );
        assert!(curve.iter().all(|point| point.raw_us <= 1_001));
        assert_eq!(percentile_curve(&latencies, false)[8].corrected_us, None);
    }

    #[test]
    fn rates_of_a_slot_that_is_cut_off_are_of_its_own_length() {
        let length = Duration::from_millis(2_425);
        let mut timeline = Timeline::new(length);
        timeline.sent(Duration::from_millis(2_410), 5);
        let pacer = Pacer::constant("200".parse().expect("a rate"), 1);
        let course = CourseReport::new(&timeline, length, Some(&pacer));
        let last = course.slots.last().expect("there are slots");
        assert_eq!((course.slot_ms, last.at_ms), (50, 2_400));
        assert_eq!(last.sent_per_second.round(), 200.0);
        assert_eq!(last.planned_per_second.map(f64::round), Some(200.0));
    }
}
