//! Streams over HTTP that break off.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use jifen_tests::{
    built,
    feed::{Follower, Load, Places, Told},
    server::{KEY, Server},
};

const PATIENCE: Duration = Duration::from_secs(120);

/// What a client has heard, over all its connections.
#[derive(Default)]
struct Heard {
    places: Places,
    last: BTreeMap<u64, u64>,
}

impl Heard {
    /// Takes an event in, which must be new and behind all others of its shard.
    fn take(&mut self, told: &Told) {
        let (shard, seq) = told.place();
        let before = self.last.insert(shard, seq);
        assert!(before < Some(seq), "{shard}:{seq} comes behind {before:?}");
        self.places.insert((shard, seq));
    }
}

/// Follows from the beginning, over as many connections as it takes, until everything was heard.
fn follow(url: &Mutex<String>, total: &AtomicUsize) -> Heard {
    let (mut heard, mut last) = (Heard::default(), None);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let at = url.lock().unwrap().clone();
        let path = "/v1/events?from=start";
        if let Some(mut follower) = Follower::open(&at, path, last.as_deref()) {
            for told in follower.by_ref() {
                match &told.event {
                    None => heard.take(&told),
                    Some(cut) => assert_eq!(cut, "cut"),
                }
                if heard.places.len() >= total.load(Ordering::Acquire) {
                    return heard;
                }
            }
            last = follower.last;
        }
        assert!(Instant::now() < deadline, "{} events", heard.places.len());
        thread::yield_now();
    }
}

/// Also where an epoch ends and is archived between two kills: the checkpoint comes early here.
#[test]
fn a_stream_goes_on_over_kills_and_starts_without_a_gap() {
    let data = tempfile::tempdir().unwrap();
    let start = || Server::start_with(data.path(), &["--checkpoint-every=1MiB"]).unwrap();
    let mut server = start();
    let mut load = Load::begin(server.url(), "m", 200);
    let url = Mutex::new(server.url().to_owned());
    let total = AtomicUsize::new(usize::MAX);
    let (load, heard) = thread::scope(|scope| {
        let follower = scope.spawn(|| follow(&url, &total));
        for round in 0..6 {
            for _ in 0..8 {
                load.insist(server.url(), 250);
            }
            if round % 2 == 0 {
                // In the middle of a batch, of which nobody knows what became.
                let at = server.url().to_owned();
                let posting = scope.spawn(move || {
                    let done = load.earn(&at, 5_000);
                    (load, done)
                });
                server.kill();
                (load, _) = posting.join().unwrap();
            } else {
                assert_eq!(
                    server.terminate().0.code(),
                    Some(0),
                    "streams end with the server"
                );
            }
            server = start();
            server.url().clone_into(&mut url.lock().unwrap());
        }
        load.insist(server.url(), 5_000);
        // One is always still to come when the number is known.
        total.store(load.places.len() + 1, Ordering::Release);
        load.insist(server.url(), 1);
        (load, follower.join().unwrap())
    });
    let missing: Vec<_> = load.places.difference(&heard.places).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(
        heard.places, load.places,
        "nothing was told that was not answered"
    );
}

/// Asks for the feed, reads a little, and then nothing for a while.
fn begin_and_stall(url: &str) -> BufReader<TcpStream> {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "GET /v1/events?from=start HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {KEY}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut stream = BufReader::with_capacity(1 << 10, stream);
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    stream
}

/// The last id among what is there, and how many events came whole before it.
fn rest_of(mut stream: BufReader<TcpStream>) -> String {
    let mut text = Vec::new();
    // That it is cut off is no failure here; what came before it is.
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let whole = text.rsplit_once("\n\n").unwrap().0;
    let mut ids = whole.lines().filter_map(|line| line.strip_prefix("id: "));
    ids.next_back().unwrap().to_owned()
}

#[test]
fn a_client_that_does_not_read_is_cut_off_and_goes_on_later() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &["--answer-deadline=1"]).unwrap();
    let mut load = Load::begin(server.url(), "m", 2_000);
    // More than the system keeps for a connection.
    for _ in 0..8 {
        load.insist(server.url(), 5_000);
    }
    let before = server.memory();
    let stalled = begin_and_stall(server.url());
    let deadline = Instant::now() + PATIENCE;
    while metric(server.url(), "jifen_event_streams") > 0.0 {
        assert!(Instant::now() < deadline, "it is still there");
        thread::yield_now();
    }
    let grown = server.memory().saturating_sub(before);
    assert!(
        grown < 64 << 20,
        "{grown} bytes for a client that does not read"
    );
    let last = rest_of(stalled);
    let rest = Follower::open(server.url(), "/v1/events?until=now", Some(&last)).unwrap();
    let mut heard = Heard::default();
    rest.for_each(|told| heard.take(&told));
    let first = Follower::open(server.url(), "/v1/events?from=start&until=now", None).unwrap();
    let first = first.take_while(|told| told.id.as_deref() != Some(&last));
    let mut places: Places = first.map(|told| told.place()).collect();
    assert!(
        places.len() < load.places.len() - 1,
        "it did not have everything"
    );
    assert!(places.is_disjoint(&heard.places), "nothing comes twice");
    places.append(&mut heard.places);
    // The one whose id it was.
    assert_eq!(places.len() + 1, load.places.len());
}

/// Deletes the oldest archives of a running server, as soon as there are some.
fn forget(data: &Path) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut forget = Command::new(built::binary());
        forget.args(["journal", "forget", "--before", "2"]);
        forget.args(["--unsettled", "--yes", "--data"]);
        if forget.arg(data).output().unwrap().status.success() {
            return;
        }
        assert!(Instant::now() < deadline, "nothing is archived");
    }
}

#[test]
fn what_was_deleted_is_said_and_what_is_left_is_told() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &["--checkpoint-every=64KiB"]).unwrap();
    let mut load = Load::begin(server.url(), "m", 100);
    for _ in 0..40 {
        load.insist(server.url(), 250);
    }
    let mut early = Follower::open(server.url(), "/v1/events?from=start&until=now", None).unwrap();
    let first = early.next().unwrap();
    forget(data.path());
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut told = agent
        .get(format!("{}/v1/events", server.url()))
        .header("authorization", format!("Bearer {KEY}"))
        .header("last-event-id", first.id.unwrap())
        .call()
        .unwrap();
    assert_eq!(told.status(), 410);
    let told: serde_json::Value =
        serde_json::from_str(&told.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!(told["code"], "events_forgotten");
    let left = Follower::open(server.url(), "/v1/events?from=start&until=now", None).unwrap();
    let mut heard = Heard::default();
    left.for_each(|told| heard.take(&told));
    assert!(!heard.places.is_empty() && heard.places.is_subset(&load.places));
    // All that came later is there, to the last.
    let end = load.places.last().unwrap();
    assert_eq!(heard.places.last(), Some(end));
}

fn metric(url: &str, name: &str) -> f64 {
    let mut answer = ureq::get(format!("{url}/metrics"))
        .header("authorization", format!("Bearer {KEY}"))
        .call()
        .unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap().parse().unwrap()
}
