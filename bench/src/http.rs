//! The rungs above the engine: the same server that `jifen serve` runs, and a client that only writes what was made
//! before and reads until the answer ends. The client shares the machine, so it does as little as it can.
//!
//! The work is earns and redemptions: what a hold is called, only its answer tells, and several connections make the
//! order of answers a matter of luck.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use actix_web::dev::ServerHandle;
use jifen_adapters::{
    http::{Bounds, Edge, Settings, State, bind},
    metrics::DoorMeters,
};
use jifen_engine::{
    DataDirectory, Limits, Options,
    ledger::{Command, PointType, Request},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    guards::{Guards, KEY},
    rungs::submit_all,
    workload::{Workload, batches},
};

/// How many commands an array holds.
const ARRAY: usize = 1_000;
/// How many connections send arrays.
const ARRAY_CONNECTIONS: usize = 2;
/// How many connections send single commands.
const SINGLE_CONNECTIONS: usize = 64;

/// What some work took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// From its beginning to its end.
    pub elapsed: Duration,
    /// On all processors, the client's part included. What else the machine does changes it little.
    pub busy: Duration,
}

/// Arrays of commands, decided and durable.
#[must_use]
pub fn arrays(workload: &Workload) -> Duration {
    with_server(workload, Guards::USUAL, |address| {
        send_arrays(address, "/v1/commands", workload)
    })
    .elapsed
}

/// The same arrays, read and answered without a shard.
#[must_use]
pub fn arrays_without_a_shard(workload: &Workload) -> Duration {
    with_server(workload, Guards::USUAL, |address| {
        send_arrays(address, "/debug/noop/commands", workload)
    })
    .elapsed
}

/// Single earns, decided and durable.
#[must_use]
pub fn singles(workload: &Workload) -> Duration {
    singles_behind(workload, Guards::USUAL).elapsed
}

/// Single earns, decided and durable, with these guards in front.
#[must_use]
pub fn singles_behind(workload: &Workload, guards: Guards) -> Took {
    with_server(workload, guards, |address| {
        send_singles(address, "/v1/earns", workload)
    })
}

/// The same single earns, read and answered without a shard.
#[must_use]
pub fn singles_without_a_shard(workload: &Workload) -> Duration {
    door_behind(workload, Guards::USUAL).elapsed
}

/// The same, with these guards in front.
#[must_use]
pub fn door_behind(workload: &Workload, guards: Guards) -> Took {
    with_server(workload, guards, |address| {
        send_singles(address, "/debug/noop/earns", workload)
    })
}

/// Starts a server on a fresh directory with the workload's members, lets `work` at it, and stops it.
fn with_server(
    workload: &Workload,
    guards: Guards,
    work: impl FnOnce(SocketAddr) -> Duration,
) -> Took {
    let (told, hear) = mpsc::channel();
    let merchants = workload.merchants.clone();
    let setup = batches(&workload.setup);
    let server: JoinHandle<()> = thread::spawn(move || {
        actix_rt::System::new().block_on(serve(merchants, setup, guards, &told));
    });
    let (address, handle) = hear.recv().expect("the server starts");
    let before = busy();
    let elapsed = work(address);
    let busy = busy().saturating_sub(before);
    drop(handle.stop(true));
    server.join().expect("the server stops");
    Took { elapsed, busy }
}

/// How long the process has been on processors.
fn busy() -> Duration {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    clock.try_into().unwrap_or_default()
}

async fn serve(
    merchants: Vec<Request>,
    setup: Vec<Vec<Request>>,
    guards: Guards,
    told: &mpsc::Sender<(SocketAddr, ServerHandle)>,
) {
    let directory = tempfile::tempdir_in(".").expect("a directory to write to");
    let options = Options {
        limits: Limits {
            metered: guards.metrics,
            ..Limits::default()
        },
        ..Options::default()
    };
    let opened = DataDirectory::lock(directory.path())
        .and_then(|directory| directory.open(options))
        .expect("a fresh directory opens");
    let engine = opened.engine;
    for put in merchants {
        let outcome = engine.submit(put).await;
        assert!(outcome.is_ok_and(|reply| reply.is_ok()));
    }
    submit_all(&engine, setup).await;
    let settings = Settings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        workers: 2,
        debug_endpoints: true,
    };
    let state = State {
        engine: engine.clone(),
        keys: Arc::new(guards.keys()),
        point_type: PointType::new("points").expect("in the alphabet"),
        edge: Edge::new(Bounds::default()),
        meters: Arc::new(DoorMeters::new(guards.metrics)),
        tracing: guards.tracing(),
        queue: None,
        publishing: None,
    };
    let (server, address) = bind(settings, state, None).expect("a free port");
    told.send((address, server.handle()))
        .expect("somebody waits");
    server.await.expect("the server ends in good order");
    engine.shut_down().await;
}

fn send_arrays(address: SocketAddr, path: &str, workload: &Workload) -> Duration {
    let bodies = workload.work.chunks(ARRAY).map(|commands| {
        let commands: Vec<String> = commands.iter().filter_map(command).collect();
        format!("[{}]", commands.join(","))
    });
    let messages: Vec<String> = bodies.map(|body| post(path, "", &body)).collect();
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..ARRAY_CONNECTIONS {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(address).expect("the server listens");
                stream.set_nodelay(true).expect("a TCP connection");
                let mut answer = Answer::default();
                while let Some(message) = messages.get(next.fetch_add(1, Ordering::Relaxed)) {
                    stream
                        .write_all(message.as_bytes())
                        .expect("the server reads");
                    while !answer.is_whole() {
                        let read = stream.read(answer.space()).expect("the server answers");
                        answer.grow(read);
                    }
                    answer.take("HTTP/1.1 200");
                }
            });
        }
    });
    start.elapsed()
}

fn send_singles(address: SocketAddr, path: &str, workload: &Workload) -> Duration {
    let messages: Arc<Vec<String>> = Arc::new(
        workload
            .work
            .iter()
            .filter_map(|r| single(path, r))
            .collect(),
    );
    let next = Arc::new(AtomicUsize::new(0));
    actix_rt::System::new().block_on(async {
        let start = Instant::now();
        let connections: Vec<_> = (0..SINGLE_CONNECTIONS)
            .map(|_| {
                let (messages, next) = (Arc::clone(&messages), Arc::clone(&next));
                actix_rt::spawn(async move {
                    let stream = tokio::net::TcpStream::connect(address).await;
                    let mut stream = stream.expect("the server listens");
                    stream.set_nodelay(true).expect("a TCP connection");
                    let mut answer = Answer::default();
                    while let Some(message) = messages.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let sent = stream.write_all(message.as_bytes()).await;
                        sent.expect("the server reads");
                        while !answer.is_whole() {
                            let read = stream.read(answer.space()).await;
                            answer.grow(read.expect("the server answers"));
                        }
                        answer.take("HTTP/1.1 201");
                    }
                })
            })
            .collect();
        for connection in connections {
            connection.await.expect("no connection panics");
        }
        start.elapsed()
    })
}

fn post(path: &str, more_headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {KEY}\r\n\
         Content-Type: application/json\r\n{more_headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A command of the work as the wire has it; `None` for what the rungs leave out.
fn command(request: &Request) -> Option<String> {
    let mut text = format!(r#"{{"id":"{}""#, request.id());
    match request.command() {
        Command::Earn(c) => write!(
            text,
            r#","type":"earn","member":"{}","merchant":"{}","points":{}}}"#,
            c.member,
            c.merchant,
            c.points.get()
        ),
        Command::Redeem(c) => write!(
            text,
            r#","type":"redeem","member":"{}","merchant":"{}","points":{}}}"#,
            c.member,
            c.merchant,
            c.points.get()
        ),
        _ => return None,
    }
    .ok()?;
    Some(text)
}

fn single(path: &str, request: &Request) -> Option<String> {
    let Command::Earn(c) = request.command() else {
        return None;
    };
    let body = format!(
        r#"{{"member":"{}","merchant":"{}","points":{}}}"#,
        c.member,
        c.merchant,
        c.points.get()
    );
    let key = format!("Idempotency-Key: {}\r\n", request.id());
    Some(post(path, &key, &body))
}

/// An HTTP answer on its way in.
#[derive(Default)]
struct Answer {
    bytes: Vec<u8>,
    filled: usize,
    /// Where it ends, once its head is there.
    end: Option<usize>,
}

impl Answer {
    fn space(&mut self) -> &mut [u8] {
        let wanted = self.end.unwrap_or_default().max(self.filled + 4_096);
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        &mut self.bytes[self.filled..]
    }

    fn grow(&mut self, by: usize) {
        assert!(by > 0, "the server closed the connection");
        self.filled += by;
        if self.end.is_none() {
            let text = &self.bytes[..self.filled];
            let head = text.windows(4).position(|four| four == b"\r\n\r\n");
            self.end = head.map(|head| head + 4 + content_length(&text[..head]));
        }
    }

    fn is_whole(&self) -> bool {
        self.end.is_some_and(|end| self.filled >= end)
    }

    fn take(&mut self, expected: &str) {
        assert!(
            self.bytes.starts_with(expected.as_bytes()),
            "{}",
            String::from_utf8_lossy(&self.bytes[..self.filled])
        );
        assert!(
            !self.bytes[..self.filled]
                .windows(9)
                .take(200)
                .any(|w| w == b"\"refused\""),
            "{}",
            String::from_utf8_lossy(&self.bytes[..self.filled.min(1_000)])
        );
        (self.filled, self.end) = (0, None);
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok());
    length.expect("answers tell their length")
}
