//! What is answered, to whom, and once.

use std::thread;

use jifen_tests::queue::{House, Post, earn, enrol, until};
use serde_json::{Value, json};

/// Waits until a poster has heard of each of these messages.
async fn heard(post: &Post, sequences: &[u64]) {
    until("all are answered", async || {
        let answers = post.answers().await;
        sequences
            .iter()
            .all(|sequence| answers.contains_key(sequence))
    })
    .await;
}

fn without_time(mut answer: Value) -> Value {
    for field in ["at", "offset", "transaction", "id", "balance"] {
        answer.as_object_mut().unwrap().remove(field);
    }
    answer
}

/// Goal: a message is answered by a message, an object by an object and an array by an array, in the words of HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_what_http_would_have_said() {
    let house = House::open(&[]);
    let post = house.operator().await;
    let redeem = |id: &str, points: u64| json!({ "id": id, "type": "redeem", "member": "ann", "merchant": "shop", "points": points });
    let one = post.post(&enrol("e", "ann")).await;
    let many = post
        .post(&json!([
            earn("q-1", "ann", 10),
            redeem("q-2", 3),
            redeem("q-3", 100)
        ]))
        .await;
    let again = post.post(&earn("q-1", "ann", 10)).await;
    let other = post.post(&earn("q-1", "ann", 11)).await;
    heard(&post, &[one, many, again, other]).await;
    let answers = post.answers().await;
    assert_eq!(answers[&one]["status"], "accepted");
    let told: Vec<Value> = answers[&many].as_array().unwrap().clone();
    let same = json!([earn("h-1", "ann", 10), redeem("h-2", 3), redeem("h-3", 100)]);
    for (queued, http) in told.iter().zip(house.commands(&same)) {
        let mut http = without_time(http);
        if let Some(reasons) = http.get_mut("reasons") {
            // What is left has changed meanwhile.
            reasons[0]["limit"] = queued["reasons"][0]["limit"].clone();
        }
        assert_eq!(without_time(queued.clone()), http);
    }
    assert_eq!(answers[&again]["replayed"], true);
    assert_eq!(answers[&again]["transaction"], told[0]["transaction"]);
    assert_eq!(answers[&other]["code"], "request_id_reused");
    assert_eq!(house.available("ann"), 14);
    assert!(post.dead().await.is_empty());
}

/// Goal: an array whose answers are too long for a message is answered in parts that say so.
#[tokio::test(flavor = "multi_thread")]
async fn long_answers_come_in_parts() {
    const COMMANDS: usize = 4_000;
    let house = House::open(&[]);
    house.commands(&json!([enrol("e", "ann")]));
    let post = house.operator().await;
    let commands = (0..COMMANDS).map(|n| earn(&format!("e-{n}"), "ann", 1));
    let sequence = post.post(&Value::from(commands.collect::<Vec<_>>())).await;
    house.idle().await;
    let parts = post.results().await;
    assert!(parts.len() > 1 && parts.iter().all(|part| part.sequence == sequence));
    let count = parts.len();
    let mut told = Vec::new();
    for (number, part) in (1..).zip(parts) {
        assert_eq!(part.part, Some(format!("{number}/{count}")));
        told.extend(part.body.as_array().unwrap().clone());
    }
    let ids = told
        .iter()
        .map(|answer| answer["id"].as_str().unwrap().to_owned());
    assert!(ids.eq((0..COMMANDS).map(|n| format!("e-{n}"))));
    assert_eq!(house.available("ann"), COMMANDS as u64);
}

/// Goal: the same request by HTTP and by the queue, and by the queue twice, at the same instant, is done once, and all hear
/// of the same transaction.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_through_two_doors_is_one() {
    const REQUESTS: u64 = 100;
    let house = House::open(&[]);
    house.commands(&json!([enrol("e", "ann")]));
    let post = house.operator().await;
    for number in 0..REQUESTS {
        let command = earn(&format!("r-{number}"), "ann", 1);
        let by_http = json!([command.clone()]);
        let told = thread::scope(|scope| {
            let http = scope.spawn(|| house.commands(&by_http));
            let twice = async { tokio::join!(post.post(&command), post.post(&command)) };
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(twice));
            http.join().unwrap()
        });
        assert_eq!(told[0]["status"], "accepted");
    }
    house.idle().await;
    assert_eq!(house.available("ann"), REQUESTS);
    let answers = post.results().await;
    assert_eq!(answers.len() as u64, 2 * REQUESTS);
    for heard in answers {
        let id = heard.body["id"].as_str().unwrap();
        let path = format!("/v1/members/ann/requests/{id}");
        assert_eq!(house.get(&path)["transaction"], heard.body["transaction"]);
    }
}

/// Goal: whoever does not read its answers slows nobody, and finds them when it does.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_slow_finds_everything_later() {
    const COMMANDS: usize = 3_000;
    let house = House::open(&[]);
    house.commands(&json!([enrol("e", "ann")]));
    let post = house.operator().await;
    // It listens, and reads nothing.
    let _deaf = post
        .client()
        .subscribe("jifen.results.operator")
        .await
        .unwrap();
    for number in 0..COMMANDS / 10 {
        let commands = (0..10).map(|part| earn(&format!("{number}-{part}"), "ann", 1));
        post.post(&Value::from(commands.collect::<Vec<_>>())).await;
    }
    house.idle().await;
    assert_eq!(house.available("ann"), COMMANDS as u64);
    assert_eq!(post.results().await.len(), COMMANDS / 10);
}

/// Goal: what the server says of the queue is true.
#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_counted() {
    let house = House::open(&[]);
    let post = house.operator().await;
    post.post(&enrol("e", "ann")).await;
    post.post(&json!([earn("1", "ann", 1), earn("2", "ann", 1)]))
        .await;
    post.try_post("poison").await.unwrap();
    house.idle().await;
    until("it is told", async || {
        house.metric("jifen_queue_lag_messages") == 0.0
            && house.metric("jifen_queue_in_flight") == 0.0
    })
    .await;
    for (metric, value) in [
        ("jifen_queue_connected", 1.0),
        ("jifen_queue_pending", 0.0),
        ("jifen_queue_lag_seconds", 0.0),
        ("jifen_queue_messages_total", 3.0),
        ("jifen_queue_redelivered_total", 0.0),
        ("jifen_queue_dead_total", 1.0),
        (
            r#"jifen_commands_total{door="queue",type="earn",code="accepted"}"#,
            2.0,
        ),
    ] {
        assert_eq!(house.metric(metric), value, "{metric}");
    }
    assert_eq!(
        house.get("/health/ready"),
        json!({ "status": "ready", "queue": "connected" })
    );
}
