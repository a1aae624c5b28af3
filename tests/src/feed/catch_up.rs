//! What a consumer that stops and comes back costs those who post.

use std::{
    fmt,
    path::Path,
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Follower, Load};
use crate::server::Server;

/// How many commands are posted at once.
const BATCH: usize = 100;
/// How many members there are.
const MEMBERS: usize = 2_000;
/// For how long posting is measured at least while the consumer is back: less tells nothing.
const LEAST: Duration = Duration::from_secs(10);
/// How often it is looked at how far everybody is.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What is to be measured.
#[derive(Clone, Copy, Debug)]
pub struct CatchUp {
    /// How long the consumer stays away, and as long again it is measured what posting costs.
    pub away: Duration,
    /// How many post at the same time, each a batch after the other.
    pub posters: usize,
    /// How many commands are posted a second by all of them together; as many as go, if 0.
    pub rate: u64,
}

/// How it went.
#[derive(Clone, Copy, Debug)]
pub struct Caught {
    /// Commands a second while nobody followed.
    pub alone: f64,
    /// Commands a second while the consumer caught up, for ten seconds at least where that was faster.
    pub with_consumer: f64,
    /// Events that had gathered while it was away.
    pub missed: u64,
    /// How long it took until it had those; `None` if it had them only after the load.
    pub caught_up_in: Option<Duration>,
    /// Whether it had everything in the end.
    pub complete: bool,
}

impl Caught {
    /// By which part posting was slower while the consumer caught up.
    #[must_use]
    pub fn slowed_by(&self) -> f64 {
        1.0 - self.with_consumer / self.alone
    }
}

impl fmt::Display for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>12.0}  commands/s while nobody followed", self.alone)?;
        writeln!(
            f,
            "{:>12.0}  commands/s while the consumer caught up",
            self.with_consumer
        )?;
        writeln!(f, "{:>11.1}%  slower", 100.0 * self.slowed_by())?;
        writeln!(f, "{:>12}  events had been missed", self.missed)?;
        match self.caught_up_in {
            Some(took) => writeln!(
                f,
                "{:>11.1}s  until the consumer had those, under load",
                took.as_secs_f64()
            ),
            None => writeln!(f, "{:>12}  the consumer had those only after the load", "-"),
        }
    }
}

/// Has commands posted without a pause; a consumer that stayed away comes back in the middle of it and stays until it has
/// everything.
///
/// # Panics
///
/// If the server does not do as it should.
#[must_use]
pub fn measure(data: &Path, wanted: &CatchUp) -> Caught {
    let server = Server::start(data).unwrap();
    let url = server.url();
    let begin = |poster| Load::begin(url, &format!("p{poster}"), MEMBERS);
    let mut loads: Vec<Load> = (0..wanted.posters).map(begin).collect();
    let place = newest(url);
    let (answered, seen) = (AtomicU64::new(0), AtomicU64::new(0));
    let (total, stop) = (AtomicU64::new(u64::MAX), AtomicBool::new(false));
    let pace = (BATCH * wanted.posters) as f64 / wanted.rate.max(1) as f64;
    let pace = (wanted.rate > 0).then(|| Duration::from_secs_f64(pace));
    thread::scope(|scope| {
        let posting: Vec<_> = loads
            .iter_mut()
            .map(|load| scope.spawn(|| post(load, url, pace, &answered, &stop)))
            .collect();
        let alone = rate(&answered, wanted.away, || false);
        let missed = answered.load(Ordering::Relaxed);
        let consumer = scope.spawn(|| follow(url, &place, &seen, &total));
        let begun = Instant::now();
        let has_missed = || seen.load(Ordering::Relaxed) >= missed;
        let least = wanted.away.min(LEAST);
        let mut caught_up_in = None;
        let with_consumer = rate(&answered, wanted.away, || {
            if caught_up_in.is_none() && has_missed() {
                caught_up_in = Some(begun.elapsed());
            }
            caught_up_in.is_some() && begun.elapsed() >= least
        });
        stop.store(true, Ordering::Release);
        for poster in posting {
            poster.join().unwrap();
        }
        // One more, so that the consumer hears something after it knows how many there are.
        total.store(answered.load(Ordering::Acquire) + 1, Ordering::Release);
        let mut last = Load::begin(url, "last", 1);
        last.insist(url, 1);
        consumer.join().unwrap();
        Caught {
            alone,
            with_consumer,
            missed,
            caught_up_in,
            complete: seen.load(Ordering::Acquire) == total.load(Ordering::Acquire),
        }
    })
}

/// The place behind everything that is durable.
fn newest(url: &str) -> String {
    let mut follower = Follower::open(url, "/v1/events?from=now&until=now", None).unwrap();
    assert_eq!(follower.next(), None, "nothing comes after now");
    follower.last.unwrap()
}

fn post(
    load: &mut Load,
    url: &str,
    pace: Option<Duration>,
    answered: &AtomicU64,
    stop: &AtomicBool,
) {
    let (_running, ended) = mpsc::channel::<()>();
    let mut due = Instant::now();
    while !stop.load(Ordering::Acquire) {
        load.insist(url, BATCH);
        answered.fetch_add(BATCH as u64, Ordering::Release);
        if let Some(pace) = pace {
            due += pace;
            let wait = due.saturating_duration_since(Instant::now());
            assert_eq!(ended.recv_timeout(wait), Err(RecvTimeoutError::Timeout));
        }
    }
}

/// Counts events. It stands for a consumer on another machine, so it costs this one as little as it can.
fn follow(url: &str, place: &str, seen: &AtomicU64, total: &AtomicU64) {
    // Nothing is at stake if the system does not allow it but the figure.
    let _ = rustix::process::setpriority_process(None, 19);
    let follower = Follower::open(url, "/v1/events?types=earn", Some(place)).unwrap();
    follower.count_while(|| {
        let count = seen.fetch_add(1, Ordering::AcqRel) + 1;
        count < total.load(Ordering::Acquire)
    });
}

/// Commands a second for so long, or until something is so.
fn rate(answered: &AtomicU64, lasting: Duration, mut is_over: impl FnMut() -> bool) -> f64 {
    let (_running, ended) = mpsc::channel::<()>();
    let (begun, before) = (Instant::now(), answered.load(Ordering::Acquire));
    while begun.elapsed() < lasting && !is_over() {
        assert_eq!(
            ended.recv_timeout(LOOK_EVERY),
            Err(RecvTimeoutError::Timeout)
        );
    }
    (answered.load(Ordering::Acquire) - before) as f64 / begun.elapsed().as_secs_f64()
}
