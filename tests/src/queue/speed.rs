//! How many commands a second come through the queue, from posting to their answers read.

use std::{
    fmt, fs,
    time::{Duration, Instant},
};

use async_nats::jetstream::{self, message::PublishMessage};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::{sync::mpsc, time::timeout};

use super::{House, PATIENCE, earn, enrol};

/// How many messages may wait for the broker's word.
const UNCONFIRMED: usize = 4_096;
/// How many members take turns.
const MEMBERS: usize = 10_000;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// How many messages are posted.
    pub messages: usize,
    /// How many commands each has.
    pub commands: usize,
}

/// How it went.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// What was done.
    pub work: Work,
    /// From the first message posted to the last answer read.
    pub took: Duration,
    /// Time on all processors: of the server, the broker, and this program.
    pub cpu: [f64; 3],
}

impl Speed {
    /// Commands in a second, end to end.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        (self.work.messages * self.work.commands) as f64 / self.took.as_secs_f64()
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Work { messages, commands } = self.work;
        let [server, broker, own] = self.cpu;
        let rate = self.per_second();
        writeln!(
            f,
            "{rate:>12.0}  commands/s in {messages} messages of {commands}, posted, decided and answered"
        )?;
        writeln!(
            f,
            "{:>11.1}s  took; on the processors the server {server:.1}s, the broker {broker:.1}s, the client {own:.1}s",
            self.took.as_secs_f64()
        )
    }
}

/// Posts messages as fast as they are taken, on a new server and broker, and reads their answers.
///
/// # Panics
///
/// If a command is not accepted, or an answer does not come.
pub async fn measure(work: Work) -> Speed {
    let house = House::open(&[]);
    let ids = 0..MEMBERS;
    let members: Vec<Value> = ids.map(|n| enrol("enrol", &format!("m-{n}"))).collect();
    house.commands(&Value::from(members));
    let bodies: Vec<Bytes> = (0..work.messages).map(|n| body(n, work.commands)).collect();
    let post = house.operator().await;
    let mut answers = post
        .client()
        .subscribe("jifen.results.operator")
        .await
        .unwrap();
    post.client().flush().await.unwrap();
    let pids = [
        house.server.as_ref().unwrap().pid(),
        house.broker.pid().unwrap(),
        std::process::id(),
    ];
    let before = pids.map(cpu_seconds);
    let start = Instant::now();
    // A connection of its own, so that posting does not wait for reading.
    let poster = house.operator().await;
    let posting = tokio::spawn(post_all(poster.client().clone(), poster.subject(), bodies));
    let (mut heard, mut accepted) = (0, 0);
    while heard < work.messages {
        let answer = timeout(PATIENCE, answers.next()).await;
        let answer = answer.expect("answers come").unwrap();
        heard += 1;
        accepted += accepted_in(&answer.payload);
    }
    let took = start.elapsed();
    let after = pids.map(cpu_seconds);
    posting.await.unwrap();
    assert_eq!(accepted, work.messages * work.commands, "all are accepted");
    Speed {
        work,
        took,
        cpu: [0, 1, 2].map(|who| after[who] - before[who]),
    }
}

fn accepted_in(answers: &[u8]) -> usize {
    let answers = str::from_utf8(answers).unwrap();
    answers.matches(r#""status":"accepted""#).count()
}

fn body(number: usize, commands: usize) -> Bytes {
    let command = |part: usize| {
        let place = number * commands + part;
        earn(&format!("e-{place}"), &format!("m-{}", place % MEMBERS), 1)
    };
    let text = match commands {
        1 => command(0).to_string(),
        _ => Value::from((0..commands).map(command).collect::<Vec<_>>()).to_string(),
    };
    text.into()
}

async fn post_all(client: async_nats::Client, subject: String, bodies: Vec<Bytes>) {
    let js = jetstream::context::ContextBuilder::new()
        .timeout(PATIENCE)
        .ack_timeout(PATIENCE)
        .max_ack_inflight(UNCONFIRMED)
        .backpressure_on_inflight(true)
        .build(client);
    let (sent, mut words) = mpsc::unbounded_channel();
    let confirming = tokio::spawn(async move {
        while let Some(word) = words.recv().await {
            let word: jetstream::context::PublishAckFuture = word;
            word.await.unwrap();
        }
    });
    for body in bodies {
        let message = PublishMessage::build().payload(body);
        let word = js.send_publish(subject.clone(), message).await.unwrap();
        sent.send(word).unwrap();
    }
    drop(sent);
    confirming.await.unwrap();
}

/// Time on the processors so far, in seconds.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}
