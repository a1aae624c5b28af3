//! `jifen serve` as a process: its one line on standard output, its keys, its exit codes, and what survives it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

const KEY: &str = "an-operator-key-of-sufficient-length";

/// A running server.
struct Server {
    process: Child,
    address: String,
    stderr: BufReader<std::process::ChildStderr>,
}

fn jifen(data: &Path, arguments: &[&str], key: Option<&str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jifen"));
    command
        .arg("serve")
        .arg("--data")
        .arg(data)
        .args(arguments)
        .env_remove("RUST_LOG")
        .env_remove("JIFEN_OPERATOR_KEY")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(key) = key {
        command.env("JIFEN_OPERATOR_KEY", key);
    }
    command
}

impl Server {
    fn start(data: &Path, key: Option<&str>) -> Self {
        Self::of(jifen(data, &["--listen", "127.0.0.1:0"], key))
    }

    fn of(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line
            .strip_prefix("ready http://")
            .expect(&line)
            .trim_end()
            .to_owned();
        process.stdout = Some(stdout.into_inner());
        Self {
            process,
            address,
            stderr,
        }
    }

    fn connect(&self) -> Connection {
        let stream = TcpStream::connect(&self.address).unwrap();
        Connection(BufReader::new(stream))
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", signal, &pid])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Ends it in good order; answers with what it said on standard output after `ready`, and on standard error.
    fn stop(mut self) -> (ExitStatus, String, String) {
        self.signal("TERM");
        let (mut out, mut err) = (String::new(), String::new());
        self.process
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        self.stderr.read_to_string(&mut err).unwrap();
        (self.process.wait().unwrap(), out, err)
    }
}

/// A connection that stays open.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn write(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The head of an answer: the status, and the headers in small letters.
    fn head(&mut self) -> (u16, Vec<String>) {
        let status = self.line();
        let status = status.split(' ').nth(1).expect(&status).parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return (status, headers);
            }
            headers.push(line.to_lowercase());
        }
    }

    fn call(&mut self, key: &str, request: &str, id: &str, body: &str) -> (u16, serde_json::Value) {
        let length = body.len();
        self.write(&format!(
            "{request} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nidempotency-key: {id}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        let (status, headers) = self.head();
        let length = headers
            .iter()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// A chunk of a streamed answer.
    fn chunk(&mut self) -> String {
        let length = self.line();
        let length = usize::from_str_radix(&length, 16).expect(&length);
        let mut chunk = vec![0; length + 2];
        self.0.read_exact(&mut chunk).unwrap();
        String::from_utf8(chunk[..length].to_vec()).unwrap()
    }
}

const EARN: &str = r#"{"member":"m","merchant":"shop","points":10}"#;

#[test]
fn what_was_answered_survives_a_stop_and_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), Some(KEY));
    let mut client = server.connect();
    assert_eq!(
        client
            .call(KEY, "PUT /v1/merchants/shop", "s", r#"{"name":"Shop"}"#)
            .0,
        201
    );
    assert_eq!(client.call(KEY, "PUT /v1/members/m", "m", "").0, 201);
    let (status, mut first) = client.call(KEY, "POST /v1/earns", "e", EARN);
    assert_eq!(status, 201);
    // The connection stays open: a client that is silent does not hold up the end.
    let (status, out, err) = server.stop();
    assert_eq!(status.code(), Some(0), "{err}");
    assert_eq!(out, "", "one line on standard output is all");
    for figure in ["entries", "bytes", "shards", "micros"] {
        assert!(err.contains(&format!("\"per_turn\":\"{figure}\"")), "{err}");
    }

    let mut server = Server::start(data.path(), Some(KEY));
    let mut client = server.connect();
    let (status, again) = client.call(KEY, "POST /v1/earns", "e", EARN);
    first["replayed"] = true.into();
    assert_eq!((status, &again), (200, &first));
    let told = client.call(KEY, "GET /v1/members/m/requests/e", "", "");
    assert_eq!(told, (200, first));
    let look = format!(
        "GET /v1/transactions/{}",
        again["transaction"].as_str().unwrap()
    );
    let (status, told) = client.call(KEY, &look, "", "");
    assert_eq!((status, &told["reversed"]), (200, &0.into()));
    let (_, more) = client.call(KEY, "POST /v1/earns", "f", EARN);
    assert_eq!(more["balance"]["available"], 20);
    server.process.kill().unwrap();
    server.process.wait().unwrap();

    let server = Server::start(data.path(), Some(KEY));
    let (status, member) = server.connect().call(KEY, "GET /v1/members/m", "", "");
    assert_eq!(status, 200);
    assert_eq!(member["balances"][0]["available"], 20);
    let (status, _, err) = server.stop();
    assert!(status.success());
    assert!(err.contains("journal replayed"), "{err}");
}

/// Goal: what is said at the start about points and days holds for commands and reads. Method: a server with two kinds
/// of points and a day of its own, and a point type that another server would have had.
#[test]
fn kinds_of_points_and_days_are_said_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::of(jifen(
        data.path(),
        &[
            "--listen=127.0.0.1:0",
            "--point-type=miles:2",
            "--point-type=growth:0:none",
            "--utc-offset=-03:30",
            "--request-memory=4MiB",
        ],
        Some(KEY),
    ));
    let mut client = server.connect();
    let shop = r#"{"name":"Shop"}"#;
    assert_eq!(client.call(KEY, "PUT /v1/merchants/shop", "s", shop).0, 201);
    assert_eq!(client.call(KEY, "PUT /v1/members/m", "m", "").0, 201);
    let (status, told) = client.call(KEY, "POST /v1/earns", "e", EARN);
    assert_eq!(
        (status, &told["balance"]["point_type"]),
        (201, &"miles".into())
    );
    let growth = EARN.replace('}', r#","point_type":"growth"}"#);
    assert_eq!(client.call(KEY, "POST /v1/earns", "g", &growth).0, 201);
    let (status, told) = client.call(KEY, "POST /v1/redemptions", "r", &growth);
    assert_eq!((status, &told["code"]), (422, &"not_eligible".into()));
    let points = EARN.replace('}', r#","point_type":"points"}"#);
    let (status, told) = client.call(KEY, "POST /v1/earns", "p", &points);
    assert_eq!((status, &told["code"]), (400, &"invalid_field".into()));
    // A day that is over everywhere on the planet.
    let old = EARN.replace('}', r#","last_day":"2001-01-01"}"#);
    let (_, told) = client.call(KEY, "POST /v1/earns", "o", &old);
    assert_eq!(told["balance"]["available"], 10);
    let (_, member) = client.call(KEY, "GET /v1/members/m", "", "");
    let balances = member["balances"].as_array().unwrap();
    let scales: Vec<_> = balances.iter().map(|told| &told["scale"]).collect();
    assert_eq!(scales, [2, 0], "{member}");
    assert!(server.stop().0.success());
}

#[test]
fn a_stream_is_answered_while_it_is_sent() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), Some(KEY));
    let mut client = server.connect();
    client.write(&format!(
        "POST /v1/commands HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
    ));
    let mut begun = false;
    for round in 0..3 {
        let line = format!("{{\"id\":\"{round}\",\"type\":\"enrol\",\"member\":\"m-{round}\"}}\n");
        client.write(&format!("{:x}\r\n{line}\r\n", line.len()));
        if !begun {
            assert_eq!(client.head().0, 200);
            begun = true;
        }
        let answer: serde_json::Value = serde_json::from_str(&client.chunk()).unwrap();
        assert_eq!(answer["id"], round.to_string());
        assert_eq!(answer["status"], "accepted");
    }
    client.write("0\r\n\r\n");
    assert_eq!(client.chunk(), "");
    assert!(server.stop().0.success());
}

#[test]
fn a_key_is_made_and_shown_once() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), None);
    let (_, _, shown) = server.stop();
    let key = shown
        .lines()
        .find_map(|line| line.trim().strip_prefix("jk_"))
        .expect(&shown);
    let key = format!("jk_{key}");
    assert!(shown.contains("curl -X PUT http://127.0.0.1:"), "{shown}");

    let server = Server::start(data.path(), None);
    let mut client = server.connect();
    assert_eq!(
        client
            .call(&key, "PUT /v1/members/m-1", "first-member", "")
            .0,
        201
    );
    assert_eq!(client.call(KEY, "GET /v1/members/m-1", "", "").0, 401);
    let (_, _, err) = server.stop();
    assert!(!err.contains(&key), "{err}");
    assert!(err.contains("jifen keys create"), "{err}");
}

/// Exit code and standard error of a start that fails.
fn fails(data: &Path, arguments: &[&str], key: Option<&str>) -> (i32, String) {
    let output = jifen(data, arguments, key).output().unwrap();
    assert!(output.stdout.is_empty());
    let err = String::from_utf8(output.stderr).unwrap();
    (output.status.code().expect("it ended by itself"), err)
}

#[test]
fn exit_codes_tell_what_is_wrong() {
    let data = tempfile::tempdir().unwrap();
    let anywhere = ["--listen", "0.0.0.0:0"];
    let here = ["--listen", "127.0.0.1:0"];
    for (arguments, key, said) in [
        (&anywhere[..], Some(KEY), "--insecure-listen"),
        (&here, Some("short"), "at least 32 characters"),
        (
            &["--listen", "nowhere"],
            Some(KEY),
            "invalid value 'nowhere'",
        ),
        (
            &["--point-type", "miles:2:goods"],
            Some(KEY),
            "offset, redeem and transfer",
        ),
        (
            &["--point-type=miles", "--point-type=miles:2"],
            Some(KEY),
            "say everything about miles in one",
        ),
        (&["--utc-offset", "+25:00"], Some(KEY), "such as +08:00"),
        (&["--request-memory", "1KiB"], Some(KEY), "such as 64MiB"),
    ] {
        let (code, err) = fails(data.path(), arguments, key);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(said), "{err}");
    }

    let server = Server::start(data.path(), Some(KEY));
    let (code, err) = fails(data.path(), &here, Some(KEY));
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("in use"), "{err}");
    let other = tempfile::tempdir().unwrap();
    let (code, err) = fails(other.path(), &["--listen", &server.address], Some(KEY));
    assert_eq!(code, 1, "{err}");
    assert!(server.stop().0.success());
}

#[test]
fn a_damaged_directory_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), Some(KEY));
    assert_eq!(
        server.connect().call(KEY, "PUT /v1/members/m", "m", "").0,
        201
    );
    assert!(server.stop().0.success());
    std::fs::remove_file(data.path().join("head")).unwrap();
    let (code, err) = fails(data.path(), &["--listen", "127.0.0.1:0"], Some(KEY));
    assert_eq!(code, 4, "{err}");
    assert!(err.contains("head is missing"), "{err}");
    assert!(err.contains("restore a backup"), "{err}");
}

/// A file size limit stands in for a full disk. Whatever was answered is still there afterwards.
#[test]
fn a_journal_that_cannot_be_written_ends_the_process() {
    let data = tempfile::tempdir().unwrap();
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 20000; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_jifen"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .env("JIFEN_OPERATOR_KEY", KEY)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut server = Server::of(limited);
    let mut client = server.connect();
    let filler = "x".repeat(1_000);
    let mut accepted = 0;
    loop {
        let body = format!(r#"{{"attributes":{{"k":"{filler}"}}}}"#);
        let id = format!("e-{accepted}");
        let request = format!("PUT /v1/members/m-{accepted}");
        let (status, told) = client.call(KEY, &request, &id, &body);
        if status != 201 {
            assert_eq!((status, &told["code"]), (503, &"outcome_unknown".into()));
            break;
        }
        accepted += 1;
    }
    let mut err = String::new();
    server.stderr.read_to_string(&mut err).unwrap();
    assert_eq!(server.process.wait().unwrap().code(), Some(3), "{err}");

    let server = Server::start(data.path(), Some(KEY));
    let last = format!("GET /v1/members/m-{}", accepted - 1);
    assert_eq!(server.connect().call(KEY, &last, "", "").0, 200);
    assert!(server.stop().0.success());
}

/// Goal: memory comes in small pages unless it is said otherwise. Method: what the system says of servers started both ways, and of
/// a process that says nothing.
#[test]
fn memory_comes_in_small_pages() {
    let told = |process: &str| {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let mut lines = status.lines();
        lines.find_map(|line| Some(line.strip_prefix("THP_enabled:")?.trim().to_owned()))
    };
    let as_everywhere = told("self");
    for (argument, huge) in [
        (None, Some("0".into())),
        (Some("--huge-pages"), as_everywhere),
    ] {
        let data = tempfile::tempdir().unwrap();
        let arguments: Vec<&str> = ["--listen", "127.0.0.1:0"]
            .into_iter()
            .chain(argument)
            .collect();
        let server = Server::of(jifen(data.path(), &arguments, Some(KEY)));
        assert_eq!(told(&server.process.id().to_string()), huge, "{argument:?}");
        server.stop();
    }
}
