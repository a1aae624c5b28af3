//! The live line on standard error; hidden when standard error is not a terminal.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::queue::Clock;

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

/// What the workers tell while they run. Commands, whose answers have come.
#[derive(Debug, Default)]
pub(crate) struct Live(AtomicU64);

impl Live {
    pub(crate) fn add(&self, commands: u64) {
        self.0.fetch_add(commands, Relaxed);
    }
}

/// The line of a run: where it is and how fast.
#[derive(Debug)]
pub(crate) struct RunProgress {
    bar: ProgressBar,
    warmup: Duration,
    last: (Duration, u64),
}

impl RunProgress {
    pub(crate) fn start(warmup: Duration, length: Duration) -> Self {
        let bar = ProgressBar::new(millis(length));
        bar.set_style(style("{prefix:8}{bar:40} {msg}"));
        Self {
            bar,
            warmup,
            last: (Duration::ZERO, 0),
        }
    }

    pub(crate) fn redraw(&mut self, clock: Clock, live: &Live) {
        let (elapsed, commands) = (clock.elapsed(), live.0.load(Relaxed));
        let since = elapsed.saturating_sub(self.last.0).as_secs_f64();
        let rate = if since > 0.0 {
            (commands - self.last.1) as f64 / since
        } else {
            0.0
        };
        self.last = (elapsed, commands);
        self.bar.set_prefix(if elapsed < self.warmup {
            "warm-up"
        } else {
            "run"
        });
        self.bar.set_position(millis(elapsed));
        self.bar.set_message(format!(
            "{:.1} s   {rate:.0} commands/s",
            elapsed.as_secs_f64()
        ));
    }

    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
