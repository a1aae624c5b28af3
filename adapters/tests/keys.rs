//! `jifen keys` beside a running server: keys that are made, rotated and revoked, and that nobody finds anywhere.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

const OPERATOR: &str = "an-operator-key-of-sufficient-length";
/// How long a change of keys may take to be noticed, with time to spare for a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);

fn jifen() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jifen"));
    command
        .env_remove("JIFEN_OPERATOR_KEY")
        .env("RUST_LOG", "trace")
        .stdin(Stdio::null());
    command
}

/// Runs `jifen keys …` on a data directory.
fn keys(data: &Path, arguments: &str) -> Output {
    let mut words = arguments.split(' ');
    let mut command = jifen();
    command.arg("keys").arg(words.next().unwrap());
    if !arguments.starts_with("roles") {
        command.arg("--data").arg(data);
    }
    command.args(words).output().unwrap()
}

/// The same, and it works; tells what stands on standard output.
fn done(data: &Path, arguments: &str) -> String {
    let output = keys(data, arguments);
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments}: {err}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The same, and it is refused; tells what stands on standard error.
fn refused(data: &Path, arguments: &str) -> String {
    let output = keys(data, arguments);
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments}: {err}");
    assert!(output.stdout.is_empty());
    err
}

/// What the keys of a principal are called, the oldest first.
fn ids(data: &Path, principal: &str) -> Vec<String> {
    let listed: Value = serde_json::from_str(&done(data, "list --json")).unwrap();
    let listed = listed.as_array().unwrap();
    let holder = listed.iter().find(|h| h["principal"] == principal).unwrap();
    let keys = holder["keys"].as_array().unwrap().iter();
    keys.map(|key| key["key"].as_str().unwrap().to_owned())
        .collect()
}

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(data: &Path, key: Option<&str>) -> Self {
        let mut command = jifen();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(fs::File::create(data.join("log")).unwrap());
        if let Some(key) = key {
            command.env("JIFEN_OPERATOR_KEY", key);
        }
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("ready http://").expect(&line).trim_end();
        Self {
            address: address.to_owned(),
            process,
        }
    }

    fn connect(&self) -> Connection {
        Connection(BufReader::new(TcpStream::connect(&self.address).unwrap()))
    }

    /// Asks until the answer has this status.
    fn until(&self, client: &mut Connection, key: &str, status: u16) {
        let begin = Instant::now();
        while client.call(key, "GET /v1/merchants/harbour", "").0 != status {
            assert!(begin.elapsed() < DEADLINE, "still not {status}");
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
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
        line.trim_end().to_lowercase()
    }

    /// The status, and the value of each header.
    fn head(&mut self) -> (u16, Vec<(String, String)>) {
        let status = self.line().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else {
                return (status, headers);
            };
            headers.push((name.to_owned(), value.to_owned()));
        }
    }

    fn call(&mut self, key: &str, request: &str, body: &str) -> (u16, String) {
        let length = body.len();
        self.write(&format!(
            "{request} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nidempotency-key: 1\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        let (status, headers) = self.head();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = vec![0; length.unwrap().1.parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    /// Sends a line of a stream; tells the answer.
    fn stream(&mut self, line: &str) -> Value {
        self.write(&format!("{:x}\r\n{line}\n\r\n", line.len() + 1));
        serde_json::from_str(&self.chunk()).unwrap()
    }

    fn chunk(&mut self) -> String {
        let length = usize::from_str_radix(&self.line(), 16).unwrap();
        let mut chunk = vec![0; length + 2];
        self.0.read_exact(&mut chunk).unwrap();
        String::from_utf8(chunk[..length].to_vec()).unwrap()
    }
}

const CREATE_TILL: &str = "create --principal till --role merchant --merchant harbour";

#[test]
fn a_key_is_rotated_and_revoked_while_the_server_runs() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data, Some(OPERATOR));
    let mut client = server.connect();
    let harbour = "PUT /v1/merchants/harbour";
    let told = client.call(OPERATOR, harbour, r#"{"name":"Harbour"}"#);
    assert_eq!(told.0, 201, "{}", told.1);

    let old = done(data, CREATE_TILL);
    server.until(&mut client, &old, 200);
    let new = done(data, "create --principal till");
    server.until(&mut client, &new, 200);
    let [old_id, new_id] = ids(data, "till").try_into().unwrap();
    assert_eq!(client.call(&old, "GET /v1/merchants/harbour", "").0, 200);
    done(data, &format!("revoke {old_id}"));
    // On a connection that was open all the time.
    server.until(&mut client, &old, 401);
    assert_eq!(client.call(&new, "GET /v1/merchants/harbour", "").0, 200);
    assert_eq!(ids(data, "till"), [new_id]);
    // No file takes away the key of the environment.
    fs::remove_file(data.join("keys.json")).unwrap();
    server.until(&mut client, &new, 401);
    assert_eq!(
        client.call(OPERATOR, "GET /v1/merchants/harbour", "").0,
        200
    );
}

#[test]
fn a_stream_ends_when_its_key_is_revoked() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data, Some(OPERATOR));
    let key = done(data, "create --principal app --role storefront");
    let mut client = server.connect();
    server.until(&mut client, &key, 403);
    client.write(&format!(
        "POST /v1/commands HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
         content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
    ));
    let enrol = |member: u32| format!(r#"{{"id":"1","type":"enrol","member":"m-{member}"}}"#);
    client.write(&format!("{:x}\r\n{}\n\r\n", enrol(0).len() + 1, enrol(0)));
    assert_eq!(client.head().0, 200);
    let first: Value = serde_json::from_str(&client.chunk()).unwrap();
    assert_eq!(first["status"], "accepted");
    done(data, &format!("revoke {}", ids(data, "app")[0]));
    let begin = Instant::now();
    let mut member = 0;
    let last = loop {
        assert!(begin.elapsed() < DEADLINE, "the stream goes on");
        member += 1;
        let answer = client.stream(&enrol(member));
        if answer["status"] != "accepted" {
            break answer;
        }
    };
    assert_eq!(last["code"], "unauthenticated", "{last}");
    assert_eq!(client.chunk(), "", "nothing comes after that");
    let look = format!("GET /v1/members/m-{member}");
    assert_eq!(server.connect().call(OPERATOR, &look, "").0, 404);
}

/// Goal: nobody finds a key, or a part of it, where it was not handed out. Method: look through everything that the
/// processes wrote, with logs as loud as can be.
#[test]
fn nothing_of_a_key_is_written_anywhere() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data, Some(OPERATOR));
    let mut client = server.connect();
    let made = [
        done(data, CREATE_TILL),
        done(data, "create --principal audit --role auditor"),
    ];
    for key in &made {
        assert!(key.starts_with("jk_") && key.len() > 60, "{key}");
        server.until(&mut client, key, 404);
    }
    // A wrong key, and a key where none belongs.
    let wrong = made[0].replace("jk_", "jx_");
    assert_eq!(client.call(&wrong, "GET /v1/members/m", "").0, 401);
    let slip = refused(data, &format!("revoke {}", made[1]));
    assert!(slip.contains("KEY-ID"), "{slip}");
    let shown = [
        slip,
        done(data, "list"),
        done(data, "list --json"),
        format!("{:?}", keys(data, "create --principal audit").stderr),
    ];
    done(data, &format!("revoke {}", ids(data, "till")[0]));
    server.until(&mut client, &made[0], 401);
    drop(server);

    let mut written = shown.join("\n").into_bytes();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for found in fs::read_dir(folder).unwrap() {
            let path = found.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                written.extend(fs::read(path).unwrap());
            }
        }
    }
    let log = fs::read_to_string(data.join("log")).unwrap();
    assert!(log.contains("the keys have changed"), "{log}");
    for key in [OPERATOR, &made[0], &made[1]] {
        let middle = &key.as_bytes()[8..24];
        assert!(
            !written.windows(middle.len()).any(|part| part == middle),
            "a part of {key} stands somewhere"
        );
    }
}

#[test]
fn keys_of_the_first_version_still_open_and_are_kept() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let old = "jk_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    // The digest of the key above, as an earlier version wrote it.
    fs::write(data.join("keys.json"), first_version(old)).unwrap();
    let server = Server::start(data, None);
    let mut client = server.connect();
    let create = "PUT /v1/merchants/harbour";
    assert_eq!(client.call(old, create, r#"{"name":"H"}"#).0, 201);
    let till = done(data, CREATE_TILL);
    server.until(&mut client, &till, 200);
    assert_eq!(client.call(old, "GET /v1/merchants/harbour", "").0, 200);
    drop(server);
    let server = Server::start(data, None);
    let mut client = server.connect();
    for key in [old, &till] {
        assert_eq!(client.call(key, "GET /v1/merchants/harbour", "").0, 200);
    }
}

fn first_version(key: &str) -> String {
    let blake3 = blake3::hash(key.as_bytes()).to_hex();
    format!(
        "{{\n  \"version\": 1,\n  \"keys\": [\n    {{\n      \"principal\": \"operator\",\n      \
         \"role\": \"operator\",\n      \"blake3\": \"{blake3}\"\n    }}\n  ]\n}}\n"
    )
}

#[test]
fn what_cannot_be_is_refused_with_advice() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    done(data, CREATE_TILL);
    let before = fs::read(data.join("keys.json")).unwrap();
    for (arguments, said) in [
        ("create --principal other", "--role"),
        ("create --principal till --role auditor", "another name"),
        ("create --principal other --role merchant", "--merchant"),
        (
            "create --principal other --role auditor --merchant m",
            "--merchant",
        ),
        (
            "create --principal operator --role auditor",
            "choose another name",
        ),
        ("create --principal import:x --role auditor", "imports"),
        ("create --principal a/b --role auditor", "may hold only"),
        ("create --principal other --role auditor --rate 5", "100/s"),
        (
            "create --principal other --role auditor --rate 1/h --burst 4000000",
            "more than a month",
        ),
        (
            "create --principal other --role auditor --burst 5",
            "--rate",
        ),
        ("revoke k-000000000000", "jifen keys list"),
        ("limit --principal other --rate 1/s", "no principal other"),
    ] {
        let err = refused(data, arguments);
        assert!(err.contains(said), "{arguments}: {err}");
    }
    assert_eq!(fs::read(data.join("keys.json")).unwrap(), before);
    let nowhere = refused(&data.join("keys.json"), "list");
    assert!(nowhere.contains("no such directory"), "{nowhere}");
}

#[test]
fn limits_are_said_and_lifted_while_the_server_runs() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let server = Server::start(data, Some(OPERATOR));
    let key = done(
        data,
        "create --principal audit --role auditor --rate 1/h --burst 2",
    );
    let mut client = server.connect();
    server.until(&mut client, &key, 429);
    done(data, "limit --principal audit");
    server.until(&mut client, &key, 404);
    let table = done(data, "list");
    assert!(table.contains("audit"), "{table}");
    assert!(!table.contains("1/h"), "{table}");
    done(data, "limit --principal audit --rate 600/m");
    assert!(done(data, "list").contains("600/m"));
}

#[test]
fn the_matrix_is_published() {
    let anywhere = tempfile::tempdir().unwrap();
    let table = done(anywhere.path(), "roles");
    let row = |words: &[&str]| {
        table
            .lines()
            .any(|line| line.split_whitespace().eq(words.iter().copied()))
    };
    assert!(
        row(&["operator", "merchant", "storefront", "auditor"]),
        "{table}"
    );
    assert!(
        row(&["command", "earn", "yes", "own", "no", "no"]),
        "{table}"
    );
    assert!(
        row(&["read", "member", "yes", "no", "yes", "yes"]),
        "{table}"
    );
    let rows: Value = serde_json::from_str(&done(anywhere.path(), "roles --json")).unwrap();
    let rows = rows.as_array().unwrap();
    let hold = rows.iter().find(|row| row["command"] == "hold").unwrap();
    assert_eq!(hold["storefront"], "yes");
    assert_eq!(rows.len() + 3, table.lines().count());
}
