//! Shapes of load, scenarios, requests sent twice and recordings, against a small real server: what it has seen must be
//! what was planned.

mod stub;

use std::io::Write;
use std::time::Duration;

use jifen_load::{Load, Mix, Recording, Report, Settings, Spread, Verdict};
use stub::{Faults, KEY, Stub};

/// Half a second over 100 members; the stub keeps no books that could be audited.
fn settings(stub: &Stub) -> Settings {
    let (target, key) = (stub.url().parse(), KEY.parse());
    Settings {
        duration: Duration::from_millis(500),
        warmup: Duration::ZERO,
        connections: 8,
        members: 100,
        run_id: "test".parse().expect("a run id"),
        audit: false,
        ..Settings::canonical(target.expect("an address"), key.expect("a key"))
    }
}

fn run(settings: &Settings) -> Report {
    jifen_load::run(settings).expect("a report")
}

#[test]
fn every_shape_sends_the_area_under_its_rate() {
    for (profile, commands) in [
        ("ramp:500..1500", 500),
        ("step:400,800,1600@100ms", 40 + 80 + 480),
        ("spike:400+4k@200ms/50ms", 200 + 2 * 200),
        ("sine:500..1500@250ms", 500),
    ] {
        let stub = Stub::start(Faults::default());
        let report = run(&Settings {
            load: Load::Open(profile.parse().expect("a profile")),
            ..settings(&stub)
        });
        assert_eq!(
            (report.commands, stub.seen().requests),
            (commands, commands),
            "{profile}"
        );
        let planned = report.planned_commands_per_second.expect("it is planned");
        assert_eq!(planned.round() as u64, commands * 2, "{profile}");
        assert_eq!(stub.seen().complaints, Vec::<String>::new());
        let slots = report.course.slots.iter();
        let width = report.course.slot_ms as f64 / 1e3;
        let sent: f64 = slots.map(|slot| slot.sent_per_second * width).sum();
        assert_eq!(
            sent.round() as u64,
            commands,
            "the plot shows all of it: {profile}"
        );
    }
}

#[test]
fn requests_that_are_sent_twice_have_the_same_ids_and_are_captured_once() {
    for batch in [1, 10] {
        let stub = Stub::start(Faults::default());
        let report = run(&Settings {
            load: Load::Open("2k".parse().expect("a rate")),
            resend: 0.5,
            batch,
            ..settings(&stub)
        });
        let batch = u64::from(batch);
        let resent = report.requests_resent * batch;
        assert_eq!(stub.seen().replayed, resent);
        assert!(
            (200..450).contains(&resent),
            "{resent} of 1,000, which is every second of the rest"
        );
        assert_eq!(report.accepted, 1_000);
    }
}

#[test]
fn the_plan_is_a_function_of_the_seed() {
    let seen = |seed| {
        let stub = Stub::start(Faults::default());
        run(&Settings {
            load: Load::Open("1k".parse().expect("a rate")),
            mix: Mix::Reserve,
            sale: Some(jifen_load::Sale {
                skus: 1,
                units: 1_000_000,
                price_points: 1,
                per_member_limit: None,
            }),
            member_spread: Spread::Zipf(1.0),
            // One connection says everything in one order.
            connections: 1,
            seed,
            ..settings(&stub)
        });
        let seen = stub.seen();
        let (_, buyers) = seen.stock.values().next().expect("something was on sale");
        let mut buyers: Vec<_> = buyers.clone().into_iter().collect();
        buyers.sort();
        buyers
    };
    let once = seen(1);
    assert_eq!(once, seen(1));
    assert_ne!(once, seen(2));
    let hottest = once
        .iter()
        .max_by_key(|(_, units)| *units)
        .expect("somebody bought");
    assert_eq!(hottest.0, "load-u-0", "{once:?}");
}

#[test]
fn a_recording_is_sent_once_in_its_order_and_time() {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    for number in 0..200 {
        let at_ms = if number < 100 { number } else { 200 + number };
        let kind = if number % 2 == 0 { "earn" } else { "redeem" };
        writeln!(
            file,
            "{{\"at_ms\":{at_ms},\"type\":\"{kind}\",\"member\":\"load-u-{}\",\"merchant\":\"load-m-1\",\"points\":1}}",
            number % 100
        )
        .expect("it is written");
    }
    writeln!(
        file,
        "{{\"id\":\"mine\",\"at_ms\":400,\"type\":\"enrol\",\"member\":\"new\"}}"
    )
    .expect("it is written");
    let recording = Recording::read(file.path()).expect("a recording");
    for (load, batch, requests) in [(Load::Recorded, 1, 201), (Load::Recorded, 50, 5)] {
        let stub = Stub::start(Faults::default());
        let report = run(&Settings {
            load,
            batch,
            duration: recording.length().expect("it has times"),
            replay: Some(recording.clone()),
            ..settings(&stub)
        });
        assert_eq!((report.requests, report.commands), (requests, 201));
        let seen = stub.seen();
        assert!(seen.enrolled.contains("new"));
        assert_eq!((seen.commands["earn"], seen.commands["redeem"]), (100, 100));
        assert_eq!(seen.complaints, Vec::<String>::new());
        assert!(!matches!(report.verdict, Verdict::Missed(_)), "{report}");
    }
}
