//! The formats that other tools for HdrHistogram read: `.hgrm`, a table of percentiles, and `.hlog`, a histogram for each
//! interval.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogWriterBuilder, IntervalLogWriterError, Tag,
};

use crate::latency::Spans;
use crate::report::Report;

/// Lines for each halving of what is left, as other tools write them.
const TICKS_PER_HALF: u32 = 5;
const NANOS_PER_MILLI: f64 = 1e6;
const MICROS_PER_MILLI: f64 = 1e3;

impl Report {
    /// Of all requests, from the planned send time; in a closed loop from the actual one. Milliseconds.
    pub fn write_hgrm(&self, out: &mut dyn Write) -> io::Result<()> {
        let requests = &self.recorded.requests;
        let spans = if self.settings.closed {
            &requests.raw
        } else {
            &requests.corrected
        };
        write_percentiles(spans, out)
    }

    /// The run over time: one histogram for each slot, of the requests that were planned in it; microseconds with two
    /// significant digits. Slots of the warm-up are tagged `warmup`.
    pub fn write_hlog(&self, out: &mut dyn Write) -> io::Result<()> {
        let timeline = &self.recorded.timeline;
        let mut out = out;
        let mut serializer = V2DeflateSerializer::new();
        let start = SystemTime::from(self.started_at);
        let mut log = IntervalLogWriterBuilder::new()
            .add_comment(&format!("jifen-load {}, run {}", self.version, self.run_id))
            .with_start_time(start)
            .with_base_time(start)
            .with_max_value_divisor(MICROS_PER_MILLI)
            .begin_log_with(&mut out, &mut serializer)?;
        let (width, warmup) = (
            timeline.width(),
            Duration::from_millis(self.settings.warmup_ms),
        );
        for (index, slot) in (0..).zip(timeline.slots()) {
            let Some(latency) = &slot.latency else {
                continue;
            };
            let begin = width * index;
            let tag = if begin < warmup {
                Tag::new("warmup")
            } else {
                None
            };
            log.write_histogram(latency, begin, width, tag)
                .map_err(|error| match error {
                    IntervalLogWriterError::IoError(error) => error,
                    IntervalLogWriterError::SerializeError(error) => io::Error::other(error),
                })?;
        }
        Ok(())
    }
}

fn write_percentiles(spans: &Spans, out: &mut dyn Write) -> io::Result<()> {
    let histogram: &Histogram<u64> = spans.histogram();
    writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    let mut total = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF) {
        total += step.count_since_last_iteration();
        let (value, share) = (
            step.value_iterated_to() as f64 / NANOS_PER_MILLI,
            step.quantile_iterated_to(),
        );
        write!(out, "{value:12.3} {share:14.12} {total:10}")?;
        if share < 1.0 {
            writeln!(out, " {:14.2}", 1.0 / (1.0 - share))?;
        } else {
            writeln!(out)?;
        }
    }
    let millis = |nanos: f64| nanos / NANOS_PER_MILLI;
    writeln!(
        out,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]",
        millis(histogram.mean()),
        millis(histogram.stdev())
    )?;
    writeln!(
        out,
        "#[Max     = {:12.3}, Total count    = {:12}]",
        millis(histogram.max() as f64),
        histogram.len()
    )?;
    writeln!(
        out,
        "#[Buckets = {:12}, SubBuckets     = {:12}]",
        histogram.buckets(),
        1_u64
            << (u32::from(histogram.sigfig()) * 10)
                .div_ceil(3)
                .saturating_add(1)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_end_with_all_of_them() {
        let mut spans = Spans::new();
        for millis in 1..=1_000 {
            spans.record(Duration::from_millis(millis), 1);
        }
        let mut out = Vec::new();
        write_percentiles(&spans, &mut out).expect("memory takes everything");
        let text = String::from_utf8(out).expect("it is text");
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            lines[0],
            ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
        );
        let half = lines
            .iter()
            .find(|line| line.get(1) == Some(&"0.500000000000"));
        let half = half.expect("there is a line for one half");
        assert!(
            half[0].starts_with("500.") && half[2..] == ["500", "2.00"],
            "{half:?}"
        );
        let last = lines
            .iter()
            .rfind(|line| line.len() == 3)
            .expect("a last line");
        assert_eq!(last[1..], ["1.000000000000", "1000"]);
        assert!(text.contains("SubBuckets     =         2048"), "{text}");
    }
}
