//! What binds nothing and may succeed later.

use jifen_tests::queue::{House, earn, enrol, until};
use serde_json::json;

/// Goal: points that come before their member are there when the member is.
#[tokio::test(flavor = "multi_thread")]
async fn who_earns_before_enrolling_has_the_points() {
    let house = House::open(&[]);
    let post = house.operator().await;
    let early = post.post(&earn("1", "ann", 10)).await;
    let mixed = post
        .post(&json!([
            enrol("e", "bob"),
            earn("2", "bob", 1),
            earn("3", "ann", 5)
        ]))
        .await;
    until("they were tried", async || {
        house.metric("jifen_queue_retries_total") >= 2.0
    })
    .await;
    assert_eq!(
        house.available("bob"),
        1,
        "the others of the array are done"
    );
    // They are looked at for a moment only, and put back each time.
    for metric in ["jifen_queue_waiting", "jifen_queue_waiting_most"] {
        until("both wait", async || house.metric(metric) == 2.0).await;
    }
    post.post(&enrol("e", "ann")).await;
    house.idle().await;
    assert_eq!(house.available("ann"), 15);
    assert_eq!(house.available("bob"), 1);
    let answers = post.answers().await;
    assert_eq!(answers[&early]["status"], "accepted");
    for answer in answers[&mixed].as_array().unwrap() {
        assert_eq!(answer["status"], "accepted");
    }
    assert!(post.dead().await.is_empty());
    for metric in ["jifen_queue_waiting", "jifen_queue_waiting_most"] {
        assert_eq!(house.metric(metric), 0.0, "all are done");
    }
}

/// Goal: what does not succeed after so many tries is dead, and of an array whoever was answered hears it.
#[tokio::test(flavor = "multi_thread")]
async fn tries_are_bounded() {
    let house = House::open(&["--mq-retries", "2"]);
    let post = house.operator().await;
    let alone = post.post(&earn("1", "nobody", 10)).await;
    let array = post
        .post(&json!([enrol("e", "ann"), earn("2", "nobody", 1)]))
        .await;
    house.idle().await;
    let dead = post.dead().await;
    let mut sequences: Vec<u64> = dead.iter().map(|dead| dead.sequence).collect();
    sequences.sort_unstable();
    assert_eq!(sequences, [alone, array]);
    for dead in dead {
        assert_eq!(dead.reason.unwrap()["code"], "member_not_found");
    }
    let answers = post.answers().await;
    assert_eq!(answers.keys().collect::<Vec<_>>(), [&array]);
    assert_eq!(answers[&array][0]["status"], "accepted");
    assert_eq!(answers[&array][1]["code"], "member_not_found");
    assert_eq!(house.metric("jifen_queue_retries_total"), 4.0);
    assert_eq!(
        house.metric("jifen_queue_waiting"),
        0.0,
        "what is dead waits for nothing"
    );
}
