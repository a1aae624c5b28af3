//! What can never be processed.

use jifen_adapters::mq::MESSAGE_BYTES_MAX;
use jifen_tests::{
    nats::make_key,
    queue::{House, Post, earn, enrol, until},
};
use serde_json::{Value, json};

/// Goal: poison goes to the dead letters as it came, with the reason, and what is around it is processed.
#[tokio::test(flavor = "multi_thread")]
async fn poison_is_put_aside_with_its_reason() {
    let house = House::open(&[]);
    let post = house.operator().await;
    post.post(&enrol("e", "ann")).await;
    let good = earn("good", "ann", 1).to_string();
    let too_many = Value::from(
        (0..10_001)
            .map(|n| enrol(&n.to_string(), "x"))
            .collect::<Vec<_>>(),
    );
    let bodies: Vec<(Vec<u8>, &str, &str)> = vec![
        (b"".to_vec(), "malformed", ""),
        (b"poison".to_vec(), "malformed", ""),
        (b"{\"id\":\"\xff\"}".to_vec(), "malformed", ""),
        (b"{\"id\":\"1\",\"id\":\"2\"}".to_vec(), "malformed", "/id"),
        (
            b"{\"id\":\"1\",\"type\":\"earn\"}".to_vec(),
            "invalid_field",
            "/member",
        ),
        (b"17".to_vec(), "invalid_field", ""),
        (
            format!("[{good},{}]", earn("bad", "ann", 0)).into_bytes(),
            "invalid_field",
            "/1/points",
        ),
        (too_many.to_string().into_bytes(), "invalid_field", ""),
    ];
    let mut posted = Vec::new();
    for (body, ..) in &bodies {
        posted.push(post.try_post(body.clone()).await.unwrap());
        post.post(&earn(&format!("after-{}", posted.len()), "ann", 1))
            .await;
    }
    house.idle().await;
    assert_eq!(
        house.available("ann"),
        bodies.len() as u64,
        "nothing of a bad array is done"
    );
    let dead = post.dead().await;
    assert_eq!(dead.len(), bodies.len());
    for ((sequence, dead), (body, code, pointer)) in posted.iter().zip(dead).zip(bodies) {
        let reason = dead.reason.unwrap();
        assert_eq!(dead.sequence, *sequence);
        assert_eq!(dead.text, body);
        assert_eq!(reason["code"], code, "{reason}");
        assert_eq!(reason["type"], format!("/problems/{code}"));
        let first = reason["errors"][0]["pointer"].as_str().unwrap();
        assert!(first.starts_with(pointer), "{reason}");
    }
}

/// Goal: the longest message that the broker takes is processed, also if it is poison; a longer one is refused by the broker,
/// to whoever posts it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_refused_at_the_door() {
    let house = House::open(&[]);
    let post = house.operator().await;
    let most = MESSAGE_BYTES_MAX as usize;
    // Headers and subject count a little.
    let fits = most - 64;
    let refused = post.try_post(vec![b' '; most + 1]).await.unwrap_err();
    assert!(refused.contains("exceeds maximum"), "{refused}");
    post.try_post(vec![b'['; fits]).await.unwrap();
    house.idle().await;
    let dead = post.dead().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].text.len(), fits);
}

/// Goal: whoever is not in the key book, or may not send commands, gets nothing done, and hears why; whoever is a merchant
/// gets its own done and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn the_subject_tells_who_it_is_and_the_key_book_what_they_may() {
    let house = House::open(&[]);
    house.commands(&json!([enrol("e", "ann")]));
    let data = house.data();
    make_key(&data, "till.7", &["merchant", "--merchant", "shop"]);
    make_key(&data, "stranger", &["merchant", "--merchant", "other"]);
    make_key(&data, "looker", &["auditor"]);
    let url = house.broker.url();
    for (name, code) in [
        ("nobody", "unauthenticated"),
        ("a/b", "unauthenticated"),
        ("looker", "forbidden"),
    ] {
        let post = Post::new(&url, name).await;
        // A key that was just made is known within a moment; who may not look on may never command.
        post.post(&earn("1", "ann", 1)).await;
        until("it is dead", async || post.dead().await.len() == 1).await;
        let reason = post.dead().await.remove(0).reason.unwrap();
        assert!(
            reason["code"] == code || name == "looker" && reason["code"] == "unauthenticated",
            "{name}: {reason}"
        );
        assert!(post.results().await.is_empty());
    }
    let stranger = Post::new(&url, "stranger").await;
    stranger.post(&earn("1", "ann", 1)).await;
    until("it is answered", async || {
        stranger.results().await.len() == 1
    })
    .await;
    assert_eq!(
        stranger.results().await[0].body["code"],
        "merchant_not_found"
    );
    let till = Post::new(&url, "till.7").await;
    till.post(&json!([earn("1", "ann", 5), enrol("2", "bob")]))
        .await;
    until("it is answered", async || till.results().await.len() == 1).await;
    let answers = till.results().await.remove(0).body;
    assert_eq!(answers[0]["status"], "accepted");
    assert_eq!(answers[1]["code"], "forbidden");
    assert_eq!(house.available("ann"), 5);
}
