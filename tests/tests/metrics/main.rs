//! Goal: what the server tells about itself is true, is told under load, and tells no secret.
//!
//! Method: the real binary is sent a known set of commands, and is then asked; its log is searched for everything that it
//! was told in confidence.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

mod scrape;

use std::{
    collections::BTreeSet,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use jifen_tests::{
    built,
    server::{KEY, Server},
};
use scrape::{Scrape, scrape};

/// How long to wait for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);

fn sent(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let target = format!("{url}{path}");
    let mut request = match method {
        "PUT" => ureq::put(target),
        _ => ureq::post(target),
    };
    request = request.header("Authorization", format!("Bearer {KEY}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.config().http_status_as_error(false).build();
    let mut answer = request.send(body).unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), text)
}

fn command(url: &str, endpoint: &str, id: &str, body: &str) -> u16 {
    let (method, path) = endpoint.split_once(' ').unwrap();
    let headers = [
        ("Idempotency-Key", id),
        ("Content-Type", "application/json"),
    ];
    sent(url, method, path, &headers, body).0
}

/// The merchant `shop` and the member `m`, who gets ten points five times.
fn begin(url: &str) {
    assert_eq!(
        command(url, "PUT /v1/merchants/shop", "s", r#"{"name":"Shop"}"#),
        201
    );
    assert_eq!(command(url, "PUT /v1/members/m", "m", "{}"), 201);
    for id in 0..5 {
        assert_eq!(
            command(url, "POST /v1/earns", &format!("e{id}"), &points(10)),
            201
        );
    }
}

fn points(count: u32) -> String {
    format!(r#"{{"member":"m","merchant":"shop","points":{count}}}"#)
}

/// Asks until it is so.
fn until(url: &str, mut is_so: impl FnMut(&Scrape) -> bool) -> Scrape {
    let end = Instant::now() + PATIENCE;
    loop {
        let scrape = scrape(url);
        if is_so(&scrape) {
            return scrape;
        }
        assert!(Instant::now() < end, "it should have come to this long ago");
        thread::yield_now();
    }
}

#[test]
fn what_was_sent_is_what_is_counted() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).unwrap();
    let url = server.url();
    begin(url);
    assert_eq!(
        command(url, "POST /v1/earns", "e0", &points(10)),
        200,
        "again"
    );
    assert_eq!(command(url, "POST /v1/redemptions", "r", &points(51)), 422);
    assert_eq!(
        command(url, "POST /v1/redemptions", "r", &points(51)),
        422,
        "again"
    );
    assert_eq!(command(url, "POST /v1/earns", "bad", "{"), 400);
    let earn = r#"{"id":"a0","type":"earn","member":"m","merchant":"shop","points":1}"#;
    let unknown = r#"{"id":"a1","type":"earn","member":"nobody","merchant":"shop","points":1}"#;
    let (status, _) = sent(
        url,
        "POST",
        "/v1/commands",
        &[("Content-Type", "application/json")],
        &format!("[{earn},{unknown},{earn}]"),
    );
    assert_eq!(status, 200);
    let (status, _) = sent(
        url,
        "POST",
        "/v1/commands",
        &[("Content-Type", "application/x-ndjson")],
        &format!("{earn}\nno command\n"),
    );
    assert_eq!(status, 200);

    let told = scrape(url);
    let commands = told.all("jifen_commands_total");
    let expected = [
        (
            r#"{door="single",type="put_merchant",code="accepted"}"#,
            1.0,
        ),
        (r#"{door="single",type="enrol",code="accepted"}"#, 1.0),
        (r#"{door="single",type="earn",code="accepted"}"#, 6.0),
        (r#"{door="single",type="earn",code="malformed"}"#, 1.0),
        (
            r#"{door="single",type="redeem",code="insufficient_points"}"#,
            2.0,
        ),
        (r#"{door="array",type="earn",code="accepted"}"#, 2.0),
        (r#"{door="array",type="earn",code="member_not_found"}"#, 1.0),
        (r#"{door="lines",type="earn",code="accepted"}"#, 1.0),
        (r#"{door="lines",type="unreadable",code="malformed"}"#, 1.0),
    ];
    assert_eq!(commands, expected.into_iter().collect());
    let replays = [
        (r#"{door="single",type="earn"}"#, 1.0),
        (r#"{door="single",type="redeem"}"#, 1.0),
        (r#"{door="array",type="earn"}"#, 1.0),
        (r#"{door="lines",type="earn"}"#, 1.0),
    ];
    assert_eq!(
        told.all("jifen_replays_total"),
        replays.into_iter().collect()
    );
    let statuses = [("200", 3.0), ("201", 7.0), ("400", 1.0), ("422", 2.0)];
    for (status, count) in statuses {
        let series = format!(r#"jifen_http_requests_total{{status="{status}"}}"#);
        assert_eq!(told.get(&series), count, "{status}");
    }
    assert_eq!(told.get("jifen_http_request_seconds_count"), 13.0);
    // All but the two that could not be read went all the way.
    for stage in ["queued", "decided", "durable", "replied"] {
        let series = format!(r#"jifen_stage_seconds_count{{stage="{stage}"}}"#);
        assert_eq!(told.get(&series), 14.0, "{stage}");
    }
    assert_eq!(told.sum("jifen_gate_passes_total"), 14.0);
    assert_eq!(told.sum("jifen_gate_inside"), 0.0);
    // The merchant was brought to fifteen other shards; each recorded it.
    let recorded = 1.0 + 15.0 + 1.0 + 5.0 + 1.0 + 1.0;
    let told = until(url, |told| told.get("jifen_turn_entries_sum") >= recorded);
    assert_eq!(told.get("jifen_turn_entries_sum"), recorded);
    for same in [
        "jifen_turn_bytes",
        "jifen_turn_seconds",
        "jifen_sync_seconds",
    ] {
        let turns = told.get(&format!("{same}_count"));
        assert_eq!(turns, told.get("jifen_turns_total"), "{same}");
    }
    // Shards tell a few times a second what they hold.
    let told = until(url, |told| {
        told.get("jifen_view_entries") == recorded
            && told.get("jifen_members") == 1.0
            && told.get("jifen_requests_remembered") == 9.0
    });
    for (name, value) in [
        ("jifen_view_lag_turns", 0.0),
        ("jifen_view_lag_seconds", 0.0),
        ("jifen_disk_short", 0.0),
        ("jifen_parked_commands", 0.0),
        ("jifen_holds", 0.0),
    ] {
        assert_eq!(told.get(name), value, "{name}");
    }
    for above in [
        "jifen_disk_free_bytes",
        "jifen_request_memory_bytes",
        "jifen_connections",
        "jifen_journal_epoch_bytes",
        "process_resident_memory_bytes",
    ] {
        assert!(told.get(above) > 0.0, "{above}");
    }
    assert!(server.terminate().0.success());
}

#[test]
fn a_scrape_under_load_is_answered_and_counters_only_grow() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).unwrap();
    let url = server.url();
    begin(url);
    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        for sender in 0..4 {
            let enough = &enough;
            scope.spawn(move || {
                let mut sent = 0;
                while !enough.load(Ordering::Relaxed) {
                    sent += 1;
                    let id = format!("load-{sender}-{sent}");
                    assert_eq!(command(url, "POST /v1/earns", &id, &points(1)), 201);
                }
            });
        }
        let mut before = 0.0;
        let mut grown = 0;
        let end = Instant::now() + PATIENCE;
        while grown < 20 {
            let asked = Instant::now();
            assert!(asked < end, "the load goes on");
            let now = scrape(url).sum("jifen_commands_total");
            assert!(asked.elapsed() < Duration::from_secs(5));
            assert!(now >= before, "{now} after {before}");
            grown += usize::from(now > before);
            before = now;
        }
        enough.store(true, Ordering::Relaxed);
    });
    assert!(server.terminate().0.success());
}

#[test]
fn what_is_described_is_what_is_told() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).unwrap();
    let url = server.url();
    let described = Command::new(built::binary())
        .args(["metrics", "describe", "--format", "json"])
        .output()
        .unwrap();
    let described: serde_json::Value = serde_json::from_slice(&described.stdout).unwrap();
    let described = described.as_array().unwrap().iter();
    let described: BTreeSet<_> = described
        .map(|metric| metric["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(described, scrape(url).names());

    let nobody = ureq::get(format!("{url}/metrics"))
        .config()
        .http_status_as_error(false)
        .build();
    assert_eq!(nobody.call().unwrap().status(), 401);
    // Whoever asks for native histograms gets messages, each behind its length.
    let protobuf = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily";
    let mut native = ureq::get(format!("{url}/metrics"))
        .header("Authorization", format!("Bearer {KEY}"))
        .header("Accept", protobuf)
        .call()
        .unwrap();
    let kind = native.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with(protobuf), "{kind}");
    let bytes = native.body_mut().read_to_vec().unwrap();
    assert_eq!(families(&bytes), described.len());
    assert!(server.terminate().0.success());
}

/// How many messages there are, each behind its length in groups of seven bits.
fn families(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
        let groups = bytes[..=end].iter().rev();
        let length = groups.fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
        bytes = &bytes[end + 1 + length..];
        count += 1;
    }
    count
}

#[test]
fn a_log_tells_traces_and_no_secrets() {
    let data = tempfile::tempdir().unwrap();
    for (how, level) in [("json", "info"), ("json", "trace"), ("human", "debug")] {
        let arguments = ["--log", how, "--log-level", level, "--trace-one-in", "2"];
        let server = Server::start_with(data.path(), &arguments).unwrap();
        let url = server.url();
        begin_again(url, how, level);
        let attributes = r#"{"attributes":{"phone":"secret-of-the-attribute"}}"#;
        assert_eq!(
            command(
                url,
                &format!("PUT /v1/members/p-{how}-{level}"),
                "p",
                attributes
            ),
            201
        );
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        let headers = [
            ("Idempotency-Key", "traced"),
            ("Content-Type", "application/json"),
            ("traceparent", parent.as_str()),
        ];
        let body = r#"{"member":"secret-of-the-body","merchant":"shop","points":1}"#;
        let (status, _) = sent(url, "POST", "/v1/earns", &headers, body);
        assert_eq!(status, 404);
        let (status, log) = server.terminate();
        assert!(status.success());
        assert!(log.contains(trace), "{level}: {log}");
        assert!(log.contains("/v1/earns"), "{level}: {log}");
        for secret in [KEY, "secret-of-the-attribute", "secret-of-the-body"] {
            assert!(!log.contains(secret), "{how} {level}: {secret}");
        }
        if how == "json" {
            for line in log.lines() {
                let json: Result<serde_json::Value, _> = serde_json::from_str(line);
                assert!(json.is_ok(), "{line}");
            }
        }
    }
}

/// What `begin` does, as far as it was not done yet.
fn begin_again(url: &str, how: &str, level: &str) {
    let id = format!("{how}-{level}");
    let body = r#"{"name":"Shop"}"#;
    assert_eq!(command(url, "PUT /v1/merchants/shop", &id, body), 201);
}
