//! What connections may take of a server: deadlines, caps, and clients that are slow on purpose.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod served;

use std::{
    io::{BufRead, Write},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use served::{Connection, KEY, PATIENCE, Server, head};

const JSON: &str = "application/json";

/// A connection that has sent the beginning of a head.
fn slow_head(server: &Server) -> Connection {
    let mut connection = server.connect();
    connection.write("GET /health/live HTTP/1.1\r\nhost: ");
    connection
}

/// A connection that has sent a head, and the beginning of a body.
fn slow_body(server: &Server) -> Connection {
    let mut connection = server.connect();
    connection.write(&head("POST /v1/commands", JSON, 1_000));
    connection.write("[");
    connection
}

fn is_cut_off_as_too_slow(connection: Connection) {
    let told = connection.rest();
    assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
    assert!(told.contains("request_timeout"), "{told}");
    assert!(told.to_lowercase().contains("connection: close"), "{told}");
}

/// Goal: slow clients do not stand in the way of others, and do not stay. Method: 2,000 heads and 200 bodies that do
/// not go on; other clients meanwhile; then every slow one is told and closed, though some send a byte now and then.
#[test]
fn slow_heads_and_bodies_are_cut_off_and_others_are_answered() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, all).unwrap();
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--head-deadline=4", "--body-deadline=5"]);
    let heads: Vec<_> = (0..2_000).map(|_| slow_head(&server)).collect();
    let mut bodies: Vec<_> = (0..200).map(|_| slow_body(&server)).collect();
    let mut good = server.connect();
    for (member, slow) in (0..100).zip(&mut bodies) {
        good.write(&head("POST /v1/commands", JSON, 0).replace("length: 0", "length: 52"));
        let enrol = format!(r#"[{{"id":"{member:04}","type":"enrol","member":"m-{member:04}"}}]"#);
        good.write(&format!("{enrol:52}"));
        let (status, _, told) = good.answer();
        assert!(status == 200 && told.contains("accepted"), "{told}");
        assert_eq!(server.connect().live(), 200);
        // A byte now and then buys no time.
        let _ = slow.0.get_mut().write(b" ");
    }
    heads.into_iter().for_each(is_cut_off_as_too_slow);
    bodies.into_iter().for_each(is_cut_off_as_too_slow);
    assert_eq!(good.live(), 200);
    assert!(server.stop().success());
}

/// Goal: a head is bounded on a connection that has been used, too, even by bytes that came with the request before.
#[test]
fn a_later_head_is_cut_off_as_the_first_one_is() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--head-deadline=1", "--idle-deadline=2"]);
    let mut used = server.connect();
    assert_eq!(used.live(), 200);
    used.write("GET /hea");
    is_cut_off_as_too_slow(used);

    let mut ahead = server.connect();
    ahead.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\nGET /hea");
    assert_eq!(ahead.answer().0, 200);
    assert_eq!(
        ahead.rest(),
        "",
        "nothing more came of it, as if it were idle"
    );

    let mut idle = server.connect();
    assert_eq!(idle.live(), 200);
    assert_eq!(idle.rest(), "");
    assert_eq!(server.connect().rest(), "", "who never says anything");
}

#[test]
fn a_connection_beyond_the_cap_is_told_so_and_another_takes_the_place_of_one_that_goes() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--connections=3"]);
    let mut inside: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for connection in &mut inside {
        assert_eq!(connection.live(), 200);
    }
    let mut beyond = server.connect();
    beyond.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
    let (status, head, told) = beyond.answer();
    assert_eq!(status, 503);
    assert!(head.contains("retry-after: 1\r\n"), "{head}");
    assert!(told.contains(r#""code":"overloaded""#), "{told}");
    assert_eq!(beyond.rest(), "");
    inside.pop();
    let begun = Instant::now();
    while server.connect().live() != 200 {
        assert!(begun.elapsed() < PATIENCE, "nobody takes the free place");
    }
    assert_eq!(inside[0].live(), 200);
}

/// Goal: an answer that is not read does not stay in memory for ever. Method: requests with large answers, one after
/// the other, from a client that reads none of them, until the server closes.
#[test]
fn a_client_that_reads_no_answer_is_cut_off() {
    let data = tempfile::tempdir().unwrap();
    let arguments = ["--debug-endpoints", "--answer-deadline=1"];
    let server = Server::start(data.path(), &arguments);
    let command =
        |n| format!(r#"{{"id":"{n}","type":"earn","member":"m","merchant":"s","points":1}}"#);
    let commands: Vec<_> = (0..10_000).map(command).collect();
    let body = format!("[{}]", commands.join(","));
    let mut deaf = server.connect();
    let request = head("POST /debug/noop/commands", JSON, body.len()) + &body;
    let begun = Instant::now();
    let closed = loop {
        if let Err(error) = deaf.0.get_mut().write_all(request.as_bytes()) {
            break error;
        }
        assert!(begun.elapsed() < PATIENCE, "it is still served");
    };
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    assert!(
        matches!(closed.kind(), BrokenPipe | ConnectionReset),
        "{closed}"
    );
    assert_eq!(server.connect().live(), 200);
}

#[test]
fn requests_in_one_piece_are_answered_in_their_order() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let mut connection = server.connect();
    let enrol = |n| {
        let head = head(&format!("PUT /v1/members/m-{n}"), JSON, 2);
        head.replace("\r\n\r\n", &format!("\r\nidempotency-key: e-{n}\r\n\r\n")) + "{}"
    };
    let all: String = (0..10).map(enrol).collect();
    connection.write(&all);
    for n in 0..10 {
        let (status, _, told) = connection.answer();
        assert_eq!(status, 201, "{told}");
        assert!(told.contains(&format!(r#""id":"e-{n}""#)), "{told}");
    }
}

#[test]
fn heads_have_a_size_and_so_have_all_large_bodies_together() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &["--body-memory=8MiB"]);
    let mut fat = server.connect();
    let filler = "x".repeat(40_000);
    fat.write(&format!(
        "GET /health/live HTTP/1.1\r\nhost: x\r\nfiller: {filler}\r\n\r\n"
    ));
    let (status, _, told) = fat.answer();
    assert_eq!(status, 431);
    assert!(told.contains("head_too_large"), "{told}");

    let large = |connection: &mut Connection| {
        connection.write(&head("POST /v1/commands", JSON, 7 << 20));
        connection.0.get_mut().write_all(&vec![b' '; 6 << 20])
    };
    let mut both = [server.connect(), server.connect()];
    for connection in &mut both {
        // It may be told before it has sent everything.
        let _ = large(connection);
    }
    // Which of them the server has read more of, its threads decide; that one keeps its room.
    let [mut refused, mut served] = both;
    if first_to_hear([&refused, &served]) == 1 {
        std::mem::swap(&mut refused, &mut served);
    }
    let (status, head, told) = refused.answer();
    assert_eq!(status, 503, "{told}");
    assert!(head.contains("retry-after: 1\r\n"), "{head}");
    assert_eq!(server.connect().live(), 200);
    let rest = format!("[]{}", " ".repeat((1 << 20) - 2));
    served.write(&rest);
    assert_eq!(served.answer().0, 200);
}

/// Which of two connections has something to read first.
fn first_to_hear(both: [&Connection; 2]) -> usize {
    let (heard, first) = mpsc::channel();
    for (place, connection) in both.into_iter().enumerate() {
        let (stream, heard) = (connection.0.get_ref().try_clone().unwrap(), heard.clone());
        thread::spawn(move || {
            let _ = stream.peek(&mut [0]);
            let _ = heard.send(place);
        });
    }
    first.recv_timeout(PATIENCE).unwrap()
}

/// Goal: a stop waits for what was accepted, not for clients that take their time. Method: heads, bodies and idle
/// connections that do not go on, and one request under way.
#[test]
fn a_stop_does_not_wait_for_slow_clients_longer_than_their_deadlines() {
    let data = tempfile::tempdir().unwrap();
    let arguments = [
        "--head-deadline=2",
        "--body-deadline=3",
        "--idle-deadline=3600",
    ];
    let server = Server::start(data.path(), &arguments);
    let heads: Vec<_> = (0..50).map(|_| slow_head(&server)).collect();
    let bodies: Vec<_> = (0..20).map(|_| slow_body(&server)).collect();
    let mut idle = server.connect();
    assert_eq!(idle.live(), 200);
    let mut begun = server.connect();
    let request = head("PUT /v1/members/m", JSON, 2);
    let request = request.replace("\r\n\r\n", "\r\nidempotency-key: e\r\n\r\n");
    begun.write(&request);
    begun.write("{");
    // It has been read when a later request of another connection was answered by every thread; ask a few times.
    for _ in 0..20 {
        assert_eq!(server.connect().live(), 200);
    }
    server.signal("TERM");
    begun.write("}");
    assert_eq!(begun.answer().0, 201);
    assert_eq!(idle.rest(), "");
    assert!(server.stop().success());
    drop((heads, bodies));
    assert!(
        !std::fs::read_to_string(data.path().join("stderr"))
            .unwrap()
            .contains(KEY)
    );
}

/// A line of a stream, as a piece of a body.
fn piece(line: &str) -> String {
    format!("{:x}\r\n{line}\n\r\n", line.len() + 1)
}

/// Goal: a stop does not wait for a client that goes on sending lines; what was taken is answered, and the client is told
/// where the answers end. Method: one that sends a line for each answer that it hears.
#[test]
fn a_stop_ends_a_stream_of_lines_behind_an_answer() {
    const LINES: &str = "application/x-ndjson";
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let mut stream = server.connect();
    let head = head("POST /v1/commands", LINES, 0);
    stream.write(&head.replace("content-length: 0", "transfer-encoding: chunked"));
    let mut answered = 0;
    let mut told_to_stop = None;
    let told = loop {
        stream.write(&piece(&format!(
            r#"{{"id":"{answered}","type":"enrol","member":"m-{answered}"}}"#
        )));
        let mut told = String::new();
        while !told.starts_with('{') {
            told.clear();
            assert!(stream.0.read_line(&mut told).unwrap() > 0, "cut off");
        }
        if !told.contains(r#""status":"accepted""#) {
            break told;
        }
        answered += 1;
        told_to_stop.get_or_insert_with(|| {
            server.signal("TERM");
            Instant::now()
        });
    };
    let last = format!(
        r#"{{"line":{},"id":null,"status":"refused","code":"unavailable","retryable":true}}"#,
        answered + 1
    );
    assert_eq!(told.trim_end(), last);
    assert_eq!(stream.rest(), "\r\n0\r\n\r\n");
    assert!(server.ended().success());
    assert!(told_to_stop.unwrap().elapsed() < Duration::from_secs(20));
}
