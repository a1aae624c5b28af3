//! Is the reported latency what it was? Against a server that freezes, and one that takes its time for each request.
//!
//! Method: an open loop's plan is pure: request *i* is planned *i*/rate after the start. The server records when each request
//! came and when it was answered. A client can have had an answer not before it was given, and not after its connection
//! sent the next request. Of both bounds the percentile is computed, as in theory: the *i*th answer is that to the *i*th
//! planned request, since whoever waits is served in order. The reported figure has to be between them, within 5 %. A slow
//! machine moves the bounds with the figure; it cannot make the test fail.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::ledger::{Answered, Behaviour, KEY, Ledger};
use jifen_load::{Load, Mix, Report, Settings};

const CONNECTIONS: u32 = 4;

fn run(ledger: &Ledger, rate: &str, duration: Duration) -> Report {
    let target = ledger.url().parse().expect("an address");
    jifen_load::run(&Settings {
        load: Load::Open(rate.parse().expect("a rate")),
        duration,
        warmup: Duration::ZERO,
        drain: Duration::from_secs(60),
        connections: CONNECTIONS,
        members: 50,
        mix: Mix::Earn,
        audit: false,
        ..Settings::canonical(target, KEY.parse().expect("a key"))
    })
    .expect("a report")
}

/// Latencies at this share, by the earliest and the latest that the client can have had the answers.
fn theory(answered: &[Answered], per_second: f64, share: f64) -> (f64, f64) {
    let planned = |number: usize| Duration::from_secs_f64(number as f64 / per_second);
    let mut came: Vec<Instant> = answered.iter().map(|one| one.came).collect();
    came.sort_unstable();
    // Nobody is early, and at least one of all these was in time.
    let start = came
        .iter()
        .enumerate()
        .map(|(number, came)| *came - planned(number))
        .min();
    let start = start.expect("requests");
    let latency_at = |mut times: Vec<Instant>| {
        times.sort_unstable();
        let waits = times.iter().enumerate();
        let mut latencies: Vec<Duration> = waits
            .map(|(number, at)| at.saturating_duration_since(start + planned(number)))
            .collect();
        latencies.sort_unstable();
        let rank = (share * latencies.len() as f64).ceil() as usize;
        latencies[rank - 1].as_secs_f64()
    };
    let earliest = answered.iter().map(|one| one.answered).collect();
    let mut next: HashMap<u64, Instant> = HashMap::new();
    let mut latest = Vec::new();
    for one in answered.iter().rev() {
        // After the last one of a connection nothing is known but that it was the end.
        let known = next.insert(one.connection, one.came);
        latest.push(known.unwrap_or_else(Instant::now));
    }
    (latency_at(earliest), latency_at(latest))
}

fn check(report: &Report, ledger: &Ledger, per_second: f64) -> (f64, f64) {
    let answered = ledger.answered();
    assert_eq!(report.requests, answered.len() as u64, "{report}");
    let corrected = report
        .all_requests
        .latency
        .corrected
        .expect("an open loop is corrected");
    let reported = corrected.p99_us as f64 / 1e6;
    let (earliest, latest) = theory(&answered, per_second, 0.99);
    assert!(
        (earliest * 0.95..=latest * 1.05).contains(&reported),
        "p99 is reported as {reported} s, in theory {earliest} to {latest} s"
    );
    assert!(
        report.all_requests.latency.raw.p99_us <= corrected.p99_us,
        "{report}"
    );
    (earliest, latest)
}

/// Requests planned during a freeze wait for its end, the first of them longest: their latencies fall in a straight line.
/// Those of the first 1 % of the run's length are above p99, which is therefore the freeze less that.
#[test]
fn a_freeze_of_a_second_is_in_the_corrected_p99() {
    let freeze = Duration::from_secs(1);
    let ledger = Ledger::start(Behaviour {
        freeze: Some((500, freeze)),
        ..Behaviour::default()
    });
    let duration = Duration::from_secs(2);
    let report = run(&ledger, "1k", duration);
    let (earliest, _) = check(&report, &ledger, 1_000.0);
    let at_least = freeze.as_secs_f64() - 0.01 * duration.as_secs_f64();
    assert!(
        earliest > at_least * 0.95,
        "{earliest} s, by the straight line {at_least} s"
    );
}

/// A server that is asked twice as often as it can answer: each request waits as much longer than the one before it as the
/// service takes longer than the plan allows.
#[test]
fn a_known_service_time_is_in_the_corrected_p99() {
    let service = Duration::from_millis(10);
    let ledger = Ledger::start(Behaviour {
        service,
        ..Behaviour::default()
    });
    let report = run(&ledger, "200", Duration::from_secs(1));
    let (earliest, _) = check(&report, &ledger, 200.0);
    // The 198th of 200: 198 services later, planned 197/200 of a second after the start.
    let at_least = 198.0 * service.as_secs_f64() - 197.0 / 200.0;
    assert!(
        earliest > at_least * 0.95,
        "{earliest} s, by the rates {at_least} s"
    );
}
