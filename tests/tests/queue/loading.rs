//! The load tester posts its load through the queue.

use std::process::{Child, Command, Output, Stdio};

use jifen_tests::{
    built,
    nats::{Broker, make_key},
    queue::{House, until},
    server::KEY,
};
use serde_json::Value;

/// Without a warm-up, so that everything counts.
const SHORT: &str = "--warmup 0s --members 40 --json";
/// Time enough for all that is still to be answered.
const PATIENT: &str = "--drain 60s";

/// A run that has begun, against a house and through its broker.
struct Load(Child);

impl Load {
    fn begin(house: &House, arguments: &str) -> Self {
        let url = house.commands_url();
        let url = url.strip_suffix("/v1/commands").unwrap();
        let mut command = load_tester(&house.broker, arguments);
        Self(command.args(["--url", url]).spawn().unwrap())
    }

    /// One that waits at the end until everything is answered.
    fn begin_patiently(house: &House, arguments: &str) -> Self {
        Self::begin(house, &format!("{PATIENT} {arguments}"))
    }

    fn end(self) -> Ended {
        self.0.wait_with_output().unwrap().into()
    }
}

fn load_tester(broker: &Broker, arguments: &str) -> Command {
    let mut command = Command::new(built::load_tester());
    command
        .args(["run", "--mq", &broker.url()])
        .args(SHORT.split(' '))
        .args(arguments.split(' '))
        .env("JIFEN_OPERATOR_KEY", KEY)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A run that is over.
struct Ended {
    code: Option<i32>,
    report: Value,
    said: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ended {
    /// The plan was carried out, nothing failed, all was answered, and the books agree. Only whether the machine gave the
    /// generator its time is not asked here.
    #[track_caller]
    fn assert_good(&self) {
        assert!(
            matches!(self.code, Some(0 | 4)),
            "{}\n{:#}",
            self.said,
            self.report
        );
        self.assert_balanced();
        assert_eq!(self.report["settings"]["door"], "queue");
        assert_eq!(self.report["failed"]["total"], 0, "{:#}", self.report);
        assert_eq!(self.report["requests_unsent"], 0, "{:#}", self.report);
        assert!(self.report["commands"].as_u64() > Some(0));
    }

    /// The server still says all that it had answered, and nothing is left unknown.
    #[track_caller]
    fn assert_balanced(&self) {
        let audit = &self.report["audit"];
        assert_eq!(audit["discrepancies_total"], 0, "{}\n{audit:#}", self.said);
        assert!(audit["broken_off"].is_null(), "{audit:#}");
        assert_eq!(audit["notes"], Value::Array(vec![]), "{audit:#}");
        assert!(audit["acknowledged"].as_u64() > Some(0), "{audit:#}");
    }

    /// How many commands went without an answer because the connection broke.
    fn lost(&self) -> u64 {
        let by_code = &self.report["failed"]["by_code"];
        by_code["connection_lost"].as_u64().unwrap_or(0)
    }
}

/// Goal: single commands through the queue are planned, answered and audited as over HTTP. Method: an open loop with holds,
/// captures and requests that are sent twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_loop_of_single_commands_is_answered_and_audited() {
    let house = House::open(&[]);
    let load = Load::begin_patiently(
        &house,
        "--rate 60 --duration 2s --connections 8 --resend 0.3",
    );
    let ended = load.end();
    ended.assert_good();
    let operations = ended.report["operations"].as_array().unwrap();
    let names: Vec<_> = operations.iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["earn", "hold", "capture", "redeem"]);
    assert!(ended.report["requests_resent"].as_u64() > Some(0));
    let messages = house.metric("jifen_queue_messages_total");
    let requests = ended.report["requests"].as_u64().unwrap();
    assert!(
        messages >= requests as f64,
        "{messages} messages for {requests} requests"
    );
    assert_eq!(house.metric("jifen_queue_dead_total"), 0.0);
}

/// Goal: so are arrays, also if their answers are too long for one message, and with several threads that all hear the
/// answers of the others.
#[tokio::test(flavor = "multi_thread")]
async fn arrays_are_answered_whole_however_long_they_are() {
    let house = House::open(&[]);
    for arguments in [
        "--rate 4k --duration 2s --batch 100 --connections 4 --threads 2 --resend 0.2",
        "--rate 6k --duration 2s --batch 3000 --connections 2",
    ] {
        let ended = Load::begin_patiently(&house, arguments).end();
        ended.assert_good();
    }
}

/// Goal: a sale and transfers go through the queue too; what is sold is what was accepted.
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_adds_up_through_the_queue() {
    let house = House::open(&[]);
    for arguments in [
        "--closed --duration 1s --connections 8 --mix reserve --units 100 --per-member-limit 1",
        "--closed --duration 1s --connections 8 --mix transfer",
    ] {
        let ended = Load::begin_patiently(&house, arguments).end();
        ended.assert_good();
    }
}

/// Goal: a broker that is killed is an outage that is counted, and the load goes on when it is back. Method: kill it while
/// every connection has a message in flight.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_comes_back_is_an_outage() {
    let mut house = House::open(&[]);
    let load = Load::begin_patiently(&house, "--closed --duration 6s --connections 2");
    until("the load flows", async || {
        house.metric("jifen_queue_messages_total") > 50.0
    })
    .await;
    house.broker.kill();
    house.broker.start_again();
    let before = house.metric("jifen_queue_messages_total");
    until("it flows again", async || {
        house.metric("jifen_queue_messages_total") > before + 50.0
    })
    .await;
    let ended = load.end();
    assert_eq!(ended.code, Some(1), "{}\n{:#}", ended.said, ended.report);
    assert!((1..=4).contains(&ended.lost()), "{:#}", ended.report);
    ended.assert_balanced();
}

/// Goal: a broker that stays away ends the run all the same, and what could not be sent is in the result.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stays_away_is_no_hang() {
    let mut house = House::open(&[]);
    let load = Load::begin(
        &house,
        "--rate 100 --duration 4s --connections 8 --drain 1s",
    );
    until("the load flows", async || {
        house.metric("jifen_queue_messages_total") > 50.0
    })
    .await;
    house.broker.kill();
    let ended = load.end();
    // Missed; or invalid, if the machine did not give the generator its time.
    assert!(
        matches!(ended.code, Some(1 | 4)),
        "{}\n{:#}",
        ended.said,
        ended.report
    );
    assert!(
        ended.report["requests_unsent"].as_u64() > Some(0),
        "{:#}",
        ended.report
    );
    ended.assert_balanced();
}

/// Goal: what was in the queue when the server was killed is done once. Method: the load tester kills its own server.
#[test]
fn the_books_balance_after_every_kill_with_the_queue_in_front() {
    let place = tempfile::tempdir().unwrap();
    let broker = Broker::start(place.path());
    let mut load = load_tester(
        &broker,
        "--drain 60s --rate 200 --duration 4s --connections 8 --chaos kill:1s",
    );
    let load = load
        .arg("--server")
        .arg(built::binary())
        .arg("--chaos-data")
        .arg(place.path().join("data"));
    let ended = Ended::from(load.output().unwrap());
    ended.assert_balanced();
    assert_eq!(ended.lost(), 0, "the queue keeps it: {:#}", ended.report);
    let kills = &ended.report["chaos"]["ready_after_ms"];
    assert!(!kills.as_array().unwrap().is_empty());
    // Whether it was fast enough is not asked here, nor may the books be what was wrong.
    assert_ne!(ended.code, Some(3), "{:#}", ended.report);
}

/// Goal: whoever cannot post, or posts as somebody else than who audits, is told so before any load.
#[tokio::test(flavor = "multi_thread")]
async fn a_principal_that_does_not_fit_is_told_before_the_load() {
    let house = House::open(&[]);
    make_key(&house.data(), "till", &["operator"]);
    for (principal, said) in [
        ("nobody", "answered with 401 Unauthorized: unauthenticated"),
        ("till", "--mq-principal is not the principal of --key"),
    ] {
        let arguments = format!("--closed --duration 1s --mq-principal {principal}");
        let ended = Load::begin(&house, &arguments).end();
        assert_eq!(ended.code, Some(2), "{}", ended.said);
        assert!(ended.said.contains(said), "{}", ended.said);
    }
}
