//! A period that the real server closes, killed in the middle of it.
//!
//! A day is made to be over by what the programme calls a day: its time zone is one in which midnight is at the next full minute
//! that leaves enough time to record something. So no clock is moved, and nobody waits long.

mod beside;

use std::{
    fmt, fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use jifen_engine::{
    Clock, SystemClock,
    clearing::{Digest, StatementFile, settlement_name},
    ledger::{self, UnixMillis},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use ureq::Agent;

pub use beside::{Beside, beside_load};

use crate::server::{KEY, Server};

/// How long a closing may take.
const PATIENCE: Duration = Duration::from_secs(600);
/// How many commands are posted at once, and by how many.
const BATCH: u64 = 5_000;
const POSTERS: u64 = 2;
/// What every member earns first.
const PURSE: u64 = 1_000_000;

/// What is to be settled.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// How many merchants issue and accept points.
    pub merchants: u64,
    /// How many members there are.
    pub members: u64,
    /// How many times one of them spends.
    pub redemptions: u64,
}

/// What was recorded.
struct Recorded {
    /// What its settlement is called.
    settlement: String,
    /// The option that says in which time zone.
    zone: String,
}

/// How closings went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closings {
    /// How many periods were published.
    pub published: u32,
    /// How many times the server was killed while it closed one.
    pub killed: u32,
    /// How long the one took that was left alone.
    pub took: Duration,
}

impl fmt::Display for Closings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>12}  closings, all with the same hash",
            self.published
        )?;
        writeln!(f, "{:>12}  kills in the middle of one", self.killed)?;
        let took = self.took.as_secs_f64();
        writeln!(
            f,
            "{took:>11.2}s  without a kill, from the request until it is published"
        )
    }
}

/// Records a period of a day in a new data directory, and waits until the day is over.
fn record(data: &Path, period: &Period) -> Recorded {
    // Building takes its time, and is none of the day's.
    crate::built::binary();
    let pace = if cfg!(debug_assertions) {
        10_000
    } else {
        100_000
    };
    let seconds = 20 + period.merchants / 200 + (period.members * 2 + period.redemptions) / pace;
    let minute = (SystemClock.now().0 / 1_000 + seconds) / 60 + 1;
    let midnight = UnixMillis(minute * 60_000);
    let past = i32::try_from(minute % 1_440).unwrap();
    let offset = if past > 720 { 1_440 - past } else { -past };
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
    let zone = format!("--utc-offset={sign}{hours:02}:{minutes:02}");
    let day = UnixMillis(midnight.0 - 1).day(offset);
    let server = Server::start_with(data, &[&zone]).unwrap();
    let client = Client::of(&server);
    for n in 0..period.merchants {
        let contract = json!({
            "valid_from": "2026-01-01", "issue_price": { "fen": 2, "points": 3 },
            "accept_price": { "fen": 1, "points": 1 + n % 3 }, "fees": { "per_order_fen": n % 7 },
        });
        let body = json!({ "name": format!("Shop {n}"), "contract": contract });
        let told = client.put(&format!("/v1/merchants/s-{n}"), &format!("put-{n}"), &body);
        assert_eq!(told["status"], "accepted", "{told}");
    }
    let member = |n| format!("m-{n}");
    client.all(
        period.members,
        &|n| json!({ "id": "enrol", "type": "enrol", "member": member(n) }),
    );
    client.all(period.members, &|n| {
        let shop = format!("s-{}", n % period.merchants);
        json!({ "id": "purse", "type": "earn", "member": member(n), "merchant": shop, "points": PURSE })
    });
    client.all(period.redemptions, &|n| {
        // Everybody spends anywhere, so that nearly everybody's points meet everybody.
        let anywhere = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        let shop = format!("s-{}", anywhere % period.merchants);
        json!({
            "id": format!("r-{n}"), "type": "redeem", "member": member(n % period.members), "merchant": shop,
            "points": 1 + n % 90,
        })
    });
    let (status, said) = server.terminate();
    assert!(status.success(), "{said}");
    while let Some(left) = midnight.0.checked_sub(SystemClock.now().0) {
        thread::park_timeout(Duration::from_millis(left + 1));
    }
    let settlement = settlement_name(ledger::Period {
        first: day,
        last: day,
    });
    Recorded { settlement, zone }
}

/// Closes the same period so many times, each time on a copy of what was recorded and with kills in the middle of it.
///
/// # Panics
///
/// If one is not published, or not with the hash that it has without a kill, or not as its statements say.
pub fn rounds(work: &Path, period: &Period, rounds: u32, seed: u64, done: &dyn Fn()) -> Closings {
    let recorded = work.join("recorded");
    let record = record(&recorded, period);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut met = Closings::default();
    let (root, took) = close(&copied(work, &recorded), &record, period, || None, &mut met);
    met.took = took;
    for round in 0..rounds {
        // Every other time the first comes at once, when closing has certainly not ended.
        let longest = took.as_micros() as u64 * 5 / 4;
        let mut left = 3;
        let kill = || {
            left -= 1;
            let at_once = left == 2 && round.is_multiple_of(2);
            let after = if at_once {
                0
            } else {
                rng.random_range(0..longest)
            };
            (left >= 0).then_some(Duration::from_micros(after))
        };
        let (again, _) = close(&copied(work, &recorded), &record, period, kill, &mut met);
        assert_eq!(again, root, "the same period has the same hash");
        done();
    }
    met
}

/// Has a period closed, and the server killed after each of the times that `kill` gives; answers the hash, and how long it took.
fn close(
    data: &Path,
    Recorded { settlement, zone }: &Recorded,
    period: &Period,
    mut kill: impl FnMut() -> Option<Duration>,
    met: &mut Closings,
) -> (String, Duration) {
    let mut server = Server::start_with(data, &[zone]).unwrap();
    let begun = Instant::now();
    ask_to_settle(&server, settlement);
    let path = format!("/v1/settlements/{settlement}");
    while let Some(after) = kill() {
        thread::park_timeout(after);
        let state = Client::of(&server).get(&path)["state"].clone();
        server.kill();
        server = Server::start_with(data, &[zone]).unwrap();
        if state == "published" {
            break;
        }
        met.killed += 1;
        // Whoever asks again hears the same, whatever became of the first.
        ask_to_settle(&server, settlement);
    }
    let told = published(&server, settlement, begun);
    let took = begun.elapsed();
    met.published += 1;
    (check(&server, settlement, &told, period), took)
}

fn ask_to_settle(server: &Server, settlement: &str) {
    let (first, last) = settlement.split_once('_').unwrap();
    let wanted = json!({ "period_start": first, "period_end": last });
    let told = Client::of(server).post("/v1/settlements", "settle", &wanted);
    assert_eq!(told["status"], "accepted", "{told}");
}

/// Waits until a settlement is published; answers what is said of it.
fn published(server: &Server, settlement: &str, begun: Instant) -> Value {
    let client = Client::of(server);
    loop {
        let told = client.get(&format!("/v1/settlements/{settlement}"));
        assert_eq!(told["failure"], Value::Null, "{told}");
        if told["state"] == "published" {
            return told;
        }
        assert!(begun.elapsed() < PATIENCE, "{told}");
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// Whether it sums to zero, and some statements stand under its hash; answers that.
fn check(server: &Server, settlement: &str, told: &Value, period: &Period) -> String {
    let (client, path) = (Client::of(server), format!("/v1/settlements/{settlement}"));
    let root = told["root"].as_str().unwrap().to_owned();
    let summary = &told["summary"];
    let fen = |name: &str| summary[name].as_i64().unwrap();
    assert_eq!(fen("total_fen") + fen("margin_fen"), 0, "{summary}");
    assert_ne!(
        fen("total_fen"),
        0,
        "there was something to settle: {summary}"
    );
    let digest = Digest::parse(&root).unwrap();
    for n in [0, period.merchants / 2, period.merchants - 1] {
        let text = client.get(&format!("{path}/merchants/s-{n}")).to_string();
        let file: StatementFile<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(file.check(Some(digest)), [], "{text}");
    }
    root
}

/// A copy of what was recorded, in place of the one before.
fn copied(work: &Path, recorded: &Path) -> std::path::PathBuf {
    let copy = work.join("copy");
    if copy.exists() {
        fs::remove_dir_all(&copy).unwrap();
    }
    copy_all(recorded, &copy).unwrap();
    copy
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let (from, to) = (file.path(), to.join(file.file_name()));
        if file.file_type()?.is_dir() {
            copy_all(&from, &to)?;
        } else if file.file_type()?.is_file() {
            fs::copy(from, to)?;
        }
    }
    Ok(())
}

/// The operator.
struct Client {
    agent: Agent,
    url: String,
}

impl Client {
    fn of(server: &Server) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        Self {
            agent: config.timeout_global(Some(PATIENCE)).build().into(),
            url: server.url().to_owned(),
        }
    }

    fn get(&self, path: &str) -> Value {
        let request = self.agent.get(format!("{}{path}", self.url));
        let mut answer = request.header("authorization", bearer()).call().unwrap();
        read(&mut answer)
    }

    fn put(&self, path: &str, id: &str, body: &Value) -> Value {
        self.send(self.agent.put(format!("{}{path}", self.url)), id, body)
    }

    fn post(&self, path: &str, id: &str, body: &Value) -> Value {
        self.send(self.agent.post(format!("{}{path}", self.url)), id, body)
    }

    fn send(
        &self,
        request: ureq::RequestBuilder<ureq::typestate::WithBody>,
        id: &str,
        body: &Value,
    ) -> Value {
        let request = request
            .header("authorization", bearer())
            .header("idempotency-key", id);
        let request = request.header("content-type", "application/json");
        let mut answer = request.send(body.to_string()).unwrap();
        read(&mut answer)
    }

    /// Has so many commands accepted, in batches, by several at a time.
    fn all(&self, count: u64, command: &(dyn Fn(u64) -> Value + Sync)) {
        thread::scope(|scope| {
            for poster in 0..POSTERS {
                scope.spawn(move || {
                    for first in (poster * BATCH..count).step_by((POSTERS * BATCH) as usize) {
                        let batch = (first..count.min(first + BATCH)).map(command).collect();
                        self.batch(&batch);
                    }
                });
            }
        });
    }

    fn batch(&self, commands: &Value) {
        let request = self.agent.post(format!("{}/v1/commands", self.url));
        let request = request.header("authorization", bearer());
        let request = request.header("content-type", "application/json");
        let mut answer = request.send(commands.to_string()).unwrap();
        let text = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_string()
            .unwrap();
        let accepted = text.matches(r#""status":"accepted""#).count();
        assert_eq!(accepted, commands.as_array().unwrap().len(), "{text:.2000}");
    }
}

fn read(answer: &mut ureq::http::Response<ureq::Body>) -> Value {
    let text = answer.body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn bearer() -> String {
    format!("Bearer {KEY}")
}
