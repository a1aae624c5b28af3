//! More than the shards can take.

use std::time::{Duration, Instant};

use jifen_tests::queue::{House, earn, enrol};
use serde_json::{Value, json};

/// Goal: under overload nothing is delivered twice, also when what is in hand waits longer than the broker waits for a word;
/// and all of it is done once. Method: a device on which every sync takes a second, more commands for one shard than it lets
/// in, and a broker that waits only two seconds.
#[tokio::test(flavor = "multi_thread")]
async fn overload_makes_no_storm_of_redeliveries() {
    const ACK_WAIT: u64 = 2;
    const MESSAGES: u64 = 400;
    const COMMANDS: u64 = 100;
    let house = House::open_slowed(
        &["--mq-ack-wait", &ACK_WAIT.to_string()],
        Duration::from_secs(1),
    );
    house.commands(&json!([enrol("e", "ann")]));
    let post = house.operator().await;
    let begun = Instant::now();
    for number in 0..MESSAGES {
        let commands = (0..COMMANDS).map(|part| earn(&format!("{number}-{part}"), "ann", 1));
        post.post(&Value::from(commands.collect::<Vec<_>>())).await;
    }
    house.idle().await;
    let took = begun.elapsed();
    assert!(
        took > Duration::from_secs(2 * ACK_WAIT),
        "{took:?} is no overload"
    );
    assert!(
        house.sum("jifen_gate_refusals_total") > 0.0,
        "there was room for all"
    );
    assert_eq!(house.metric("jifen_queue_redelivered_total"), 0.0);
    assert_eq!(house.metric("jifen_queue_messages_total"), MESSAGES as f64);
    assert_eq!(house.available("ann"), MESSAGES * COMMANDS);
    assert_eq!(post.results().await.len() as u64, MESSAGES);
    assert!(post.dead().await.is_empty());
}
