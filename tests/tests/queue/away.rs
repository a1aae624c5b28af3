//! Without a broker, with one that is not as it must be, and without warning.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use async_nats::jetstream::stream::{Config, RetentionPolicy};
use jifen_tests::{
    built,
    nats::Broker,
    queue::{House, Post, Who, earn, enrol, rounds, until},
    server::{KEY, Server},
};
use serde_json::json;

/// Goal: with the broker away HTTP serves, and readiness says what is missing; when it is back, so are the commands.
#[tokio::test(flavor = "multi_thread")]
async fn without_its_broker_the_server_serves_http() {
    let mut house = House::open(&[]);
    let post = house.operator().await;
    post.post(&enrol("e", "ann")).await;
    house.idle().await;
    house.broker.kill();
    house.kill_server();
    house.start_server();
    let ready = house.get("/health/ready");
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["queue"], "away");
    let why = ready["degraded"].as_str().unwrap();
    assert!(why.contains("message queue is away"), "{why}");
    assert_eq!(
        house.commands(&json!([earn("h", "ann", 1)]))[0]["status"],
        "accepted"
    );
    assert_eq!(house.metric("jifen_queue_connected"), 0.0);
    house.broker.start_again();
    let post = house.operator().await;
    post.post(&earn("q", "ann", 1)).await;
    house.idle().await;
    assert_eq!(house.available("ann"), 2);
    until("it says so", async || {
        house.get("/health/ready")["queue"] == "connected"
    })
    .await;
    // Away under way, too.
    house.broker.kill();
    until("it says so", async || {
        house.get("/health/ready")["queue"] == "away"
    })
    .await;
    house.broker.start_again();
    until("it says so", async || {
        house.get("/health/ready")["queue"] == "connected"
    })
    .await;
}

/// How long the broker is away, and how often an earn comes meanwhile.
const AWAY: Duration = Duration::from_secs(30);
const EARN_EVERY: Duration = Duration::from_millis(100);

/// Goal: half a minute without its broker costs the queue that time and HTTP nothing. Method: the broker is killed with
/// commands in it; while it is away earns come over HTTP; then what was in it and what is posted next is done once.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_minute_without_its_broker_is_only_that() {
    let mut house = House::open(&[]);
    let post = house.operator().await;
    post.post(&enrol("e", "ann")).await;
    house.idle().await;
    let mut earned = 0;
    for _ in 0..100 {
        earned += 1;
        post.post(&earn(&format!("q{earned}"), "ann", 1)).await;
    }
    house.broker.kill();
    let killed = Instant::now();
    let mut ticks = tokio::time::interval(EARN_EVERY);
    while killed.elapsed() < AWAY {
        ticks.tick().await;
        earned += 1;
        let answers = house.commands(&json!([earn(&format!("h{earned}"), "ann", 1)]));
        assert_eq!(answers[0]["status"], "accepted");
    }
    assert_eq!(house.get("/health/ready")["queue"], "away");
    house.broker.start_again();
    let post = house.operator().await;
    earned += 1;
    post.post(&earn("last", "ann", 1)).await;
    house.idle().await;
    assert_eq!(house.available("ann"), earned);
}

/// Goal: what is posted is done once, whoever is killed in the middle of it.
#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_nothing_is_lost_or_done_twice() {
    let mut house = House::open(&[]);
    let kills = [Who::Server, Who::Broker, Who::Both, Who::Server];
    let survived = rounds(&mut house, &kills, 7, &|| ()).await;
    println!("{survived:?}");
    assert!(survived.commands > 0);
}

/// Goal: told to stop, the server finishes what it has in hand.
#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_finishes_what_is_in_hand() {
    const COMMANDS: u64 = 2_000;
    let mut house = House::open(&[]);
    house.commands(&json!([enrol("e", "ann")]));
    let post = house.operator().await;
    for number in 0..COMMANDS / 100 {
        let commands: Vec<_> = (0..100)
            .map(|part| earn(&format!("{number}-{part}"), "ann", 1))
            .collect();
        post.post(&json!(commands)).await;
    }
    let (status, log) = house.server.take().unwrap().terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    let done = post.results().await.len() as u64;
    let stream = post.js().get_stream("JIFEN_COMMANDS").await.unwrap();
    let left = stream.cached_info().state.messages;
    assert_eq!(
        done + left,
        COMMANDS / 100,
        "what was answered is acknowledged"
    );
    house.start_server();
    house.idle().await;
    assert_eq!(house.available("ann"), COMMANDS);
    let replayed = post.results().await;
    let replayed = replayed
        .iter()
        .filter(|heard| heard.body[0]["replayed"] == true);
    assert_eq!(replayed.count(), 0, "nothing had to be done again");
}

/// Goal: a broker that is not as it must be is told of at the start, with what to do.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_ends_the_start_with_2() {
    let work = tempfile::tempdir().unwrap();
    let broker = Broker::start(work.path());
    let post = Post::new(&broker.url(), "operator").await;
    let wrong = Config {
        name: "JIFEN_COMMANDS".to_owned(),
        subjects: vec!["jifen.commands.>".to_owned()],
        retention: RetentionPolicy::Limits,
        max_age: Duration::from_secs(60),
        ..Config::default()
    };
    post.js().create_stream(wrong).await.unwrap();
    let data = work.path().join("data");
    let ended = Server::start_with(&data, &["--mq", &broker.url()])
        .err()
        .unwrap();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    for said in [
        "JIFEN_COMMANDS",
        "retention is limits and must be workqueue",
        "nats stream rm JIFEN_COMMANDS",
    ] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    post.js().delete_stream("JIFEN_COMMANDS").await.unwrap();
    assert!(Server::start_with(&data, &["--mq", &broker.url()]).is_ok());
}

/// Goal: settings of the queue are settings like others, and no secret is shown.
#[test]
fn the_settings_of_the_queue_are_shown_without_their_secrets() {
    let mut show = Command::new(built::binary());
    show.args(["config", "show", "--origin", "--mq-user", "jifen"])
        .env("JIFEN_OPERATOR_KEY", KEY)
        .env("JIFEN_MQ", "nats://127.0.0.1:0")
        .env("JIFEN_MQ_PASSWORD", "a-secret");
    let shown = show.output().unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("mq = [\"nats://127.0.0.1:0\"]  # JIFEN_MQ\n"),
        "{shown}"
    );
    assert!(
        shown.contains("mq-user = \"jifen\"  # command line\n"),
        "{shown}"
    );
    assert!(!shown.contains("a-secret"), "{shown}");
}
