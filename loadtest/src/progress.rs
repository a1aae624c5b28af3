//! The live lines on standard error; hidden when standard error is not a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use hdrhistogram::SyncHistogram;
use hdrhistogram::sync::Recorder;
use indicatif::{ProgressBar, ProgressStyle};

use crate::curve::nanos;
use crate::latency::Spans;
use crate::queue::Clock;
use crate::tally::Times;

/// How often the line of a run is drawn.
pub(crate) const REDRAW_EVERY: Duration = Duration::from_millis(250);

/// Members made so far.
#[derive(Clone, Debug)]
pub(crate) struct SetupProgress(ProgressBar);

impl SetupProgress {
    pub(crate) fn start(members: u64) -> Self {
        let bar = ProgressBar::new(members);
        bar.set_style(style(
            "setup   {bar:40} {human_pos}/{human_len} members   {per_sec}   {eta} left",
        ));
        Self(bar)
    }

    pub(crate) fn add(&self, members: u64) {
        self.0.inc(members);
    }

    pub(crate) fn finish(self) {
        self.0.finish_and_clear();
    }
}

/// Questions of the audit answered so far.
#[derive(Clone, Debug)]
pub(crate) struct AuditProgress(ProgressBar);

impl AuditProgress {
    /// `what` is compared, of so many.
    pub(crate) fn start(what: &'static str, of: u64) -> Self {
        let bar = ProgressBar::new(of);
        bar.set_style(style(
            "audit   {bar:40} {human_pos}/{human_len} {prefix}   {per_sec}   {eta} left",
        ));
        bar.set_prefix(what);
        Self(bar)
    }

    /// For questions that are counted elsewhere.
    pub(crate) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    pub(crate) fn add(&self, answered: u64) {
        self.0.inc(answered);
    }

    pub(crate) fn finish(self) {
        self.0.finish_and_clear();
    }
}

/// What a worker tells while it runs. Tells nothing where nobody looks.
#[derive(Debug)]
pub(crate) struct Feed(Option<Told>);

#[derive(Debug)]
struct Told {
    counts: Arc<Counts>,
    latency: Recorder<u64>,
    lag: Recorder<u64>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Commands that were accepted or refused.
    commands: AtomicU64,
    /// Requests.
    in_flight: AtomicU64,
}

impl Feed {
    pub(crate) fn sent(&self) {
        if let Self(Some(told)) = self {
            told.counts.in_flight.fetch_add(1, Relaxed);
        }
    }

    /// Of a request so many commands were accepted or refused, or none.
    pub(crate) fn landed(&mut self, times: &Times, at: Duration, commands: u64) {
        if let Self(Some(told)) = self {
            told.counts.in_flight.fetch_sub(1, Relaxed);
            told.counts.commands.fetch_add(commands, Relaxed);
            told.latency
                .saturating_record(nanos(at.saturating_sub(times.planned)));
            told.lag.saturating_record(nanos(times.send_lag()));
        }
    }
}

/// The live lines of a run: where it is, how fast, and how the last moments were.
#[derive(Debug)]
pub(crate) struct RunProgress {
    bar: ProgressBar,
    warmup: Duration,
    counts: Arc<Counts>,
    /// Of the time since they were drawn last.
    latency: SyncHistogram<u64>,
    lag: SyncHistogram<u64>,
    last: (Duration, u64),
}

impl RunProgress {
    pub(crate) fn start(warmup: Duration, length: Duration) -> Self {
        let bar = ProgressBar::new(millis(length));
        bar.set_style(style("{prefix:8}{bar:40} {msg}"));
        let spans = || SyncHistogram::from(Spans::new().into_histogram());
        Self {
            bar,
            warmup,
            counts: Arc::default(),
            latency: spans(),
            lag: spans(),
            last: (Duration::ZERO, 0),
        }
    }

    /// For one worker.
    pub(crate) fn feed(&self) -> Feed {
        Feed((!self.bar.is_hidden()).then(|| Told {
            counts: Arc::clone(&self.counts),
            latency: self.latency.recorder(),
            lag: self.lag.recorder(),
        }))
    }

    /// `planned`: commands per second by the plan, now; none in a closed loop.
    pub(crate) fn redraw(
        &mut self,
        clock: Clock,
        planned: impl Fn(Duration, Duration) -> Option<f64>,
    ) {
        if self.bar.is_hidden() {
            return;
        }
        let (elapsed, commands) = (clock.elapsed(), self.counts.commands.load(Relaxed));
        let (before, commands_before) = std::mem::replace(&mut self.last, (elapsed, commands));
        let since = elapsed.saturating_sub(before).as_secs_f64();
        let per_second = |commands: f64| if since > 0.0 { commands / since } else { 0.0 };
        self.bar.set_prefix(if elapsed < self.warmup {
            "warm-up"
        } else {
            "run"
        });
        self.bar.set_position(millis(elapsed));
        let planned = planned(before, elapsed).map_or_else(String::new, |planned| {
            format!("planned {:.0}/s   ", per_second(planned))
        });
        self.bar.set_message(format!(
            "{:.1} s\n        {planned}answered {:.0}/s   in flight {}\n        last moment: p50 {}   p99 {}   max {}   \
             send lag p99 {}",
            elapsed.as_secs_f64(),
            per_second((commands - commands_before) as f64),
            self.counts.in_flight.load(Relaxed),
            share(&mut self.latency, 0.5),
            share(&mut self.latency, 0.99),
            share(&mut self.latency, 1.0),
            share(&mut self.lag, 0.99),
        ));
        self.latency.clear();
        self.lag.clear();
    }

    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// A worker that sends nothing tells nothing, so it is not waited for.
const FEED_TIMEOUT: Duration = Duration::from_millis(2);

fn share(spans: &mut SyncHistogram<u64>, share: f64) -> String {
    spans.refresh_timeout(FEED_TIMEOUT);
    format!("{:.2} ms", spans.value_at_quantile(share) as f64 / 1e6)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
