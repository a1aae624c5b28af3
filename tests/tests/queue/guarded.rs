//! The configuration that ships as an example: the subject is bound to the user.

use std::time::Duration;

use async_nats::{
    ConnectOptions,
    jetstream::consumer::{AckPolicy, pull},
};
use futures_util::StreamExt;
use jifen_tests::{
    nats::{Broker, example, make_key},
    queue::{House, Post, earn, enrol, until},
    server::Server,
};
use serde_json::json;
use tokio::time::timeout;

const PASSWORDS: [(&str, &str); 3] = [
    ("JIFEN_MQ_PASSWORD", "of-jifen"),
    ("HARBOUR_PASSWORD", "of-harbour"),
    ("OLD_TOWN_PASSWORD", "of-old-town"),
];
/// How long to listen for what must not be heard, beside something that must.
const MOMENT: Duration = Duration::from_millis(300);

async fn till(url: &str, name: &str, password: &str, commands_of: &str) -> Post {
    let options = ConnectOptions::new()
        .user_and_password(name.to_owned(), password.to_owned())
        .custom_inbox_prefix(format!("_INBOX_{name}"))
        .request_timeout(Some(MOMENT));
    Post::with(url, commands_of, options).await
}

/// A consumer for what stands under a subject, called as the example says.
async fn consumer(post: &Post, name: &str, subject: &str) -> Result<Vec<u8>, String> {
    let wanted = pull::Config {
        name: Some(name.to_owned()),
        ack_policy: AckPolicy::Explicit,
        filter_subject: subject.to_owned(),
        ..pull::Config::default()
    };
    let stream = if subject.contains("dead") {
        "JIFEN_DEAD"
    } else {
        "JIFEN_RESULTS"
    };
    let made = post.js().create_consumer_on_stream(wanted, stream);
    let made = timeout(MOMENT * 10, made).await;
    let made = made.map_err(|_| "nobody answers".to_owned())?;
    let mut messages = made
        .map_err(|error| error.to_string())?
        .fetch()
        .max_messages(1)
        .messages()
        .await
        .map_err(|error| error.to_string())?;
    let message = messages.next().await.ok_or("nothing is there")?;
    let message = message.map_err(|error| error.to_string())?;
    message.ack().await.map_err(|error| error.to_string())?;
    Ok(message.payload.to_vec())
}

/// Goal: a merchant posts under its own subject and reads its own answers and dead letters; everything else the broker refuses.
#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_posts_under_its_own_subject_and_hears_its_own_answers() {
    let work = tempfile::tempdir().unwrap();
    let broker = Broker::start_with(work.path(), Some(&example()), &PASSWORDS);
    let url = broker.url();
    let password = work.path().join("password");
    std::fs::write(&password, "of-jifen").unwrap();
    let login = [
        "--mq-user",
        "jifen",
        "--mq-password-file",
        password.to_str().unwrap(),
    ];
    let house = House::open_at(work, broker, &login, Duration::ZERO);
    house.commands(&json!([enrol("e", "ann")]));
    let data = house.data();
    make_key(&data, "harbour-till", &["merchant", "--merchant", "shop"]);
    make_key(
        &data,
        "old-town-till",
        &["merchant", "--merchant", "old-town"],
    );

    let own = till(&url, "harbour-till", "of-harbour", "harbour-till").await;
    until("the key is known", async || {
        own.post(&earn("1", "ann", 1)).await;
        consumer(&own, "harbour-till", "jifen.results.harbour-till")
            .await
            .is_ok()
    })
    .await;
    assert_eq!(house.available("ann"), 1);
    own.try_post("poison").await.unwrap();
    until("it is dead", async || {
        consumer(&own, "harbour-till", "jifen.dead.harbour-till")
            .await
            .is_ok()
    })
    .await;

    let as_other = till(&url, "harbour-till", "of-harbour", "old-town-till").await;
    assert!(as_other.try_post("{}").await.is_err(), "a foreign subject");
    for foreign in [
        "jifen.results.old-town-till",
        "jifen.results.>",
        "jifen.dead.old-town-till",
    ] {
        for name in ["harbour-till", "old-town-till"] {
            assert!(consumer(&own, name, foreign).await.is_err(), "{foreign}");
        }
    }
    let mut foreign = own
        .client()
        .subscribe("jifen.results.old-town-till")
        .await
        .unwrap();
    let mut all = own.client().subscribe("jifen.>").await.unwrap();
    let other = till(&url, "old-town-till", "of-old-town", "old-town-till").await;
    other.post(&earn("1", "ann", 1)).await;
    until("it is answered", async || {
        consumer(&other, "old-town-till", "jifen.results.old-town-till")
            .await
            .is_ok()
    })
    .await;
    // What it would have heard was published before the other heard of it.
    assert!(timeout(MOMENT, foreign.next()).await.is_err());
    assert!(timeout(MOMENT, all.next()).await.is_err());
    assert_eq!(house.available("ann"), 1);
}

#[test]
fn whoever_is_not_let_in_is_told_so_at_the_start() {
    let work = tempfile::tempdir().unwrap();
    let broker = Broker::start_with(work.path(), Some(&example()), &PASSWORDS);
    let password = work.path().join("password");
    std::fs::write(&password, "wrong").unwrap();
    let url = broker.url();
    let arguments = ["--mq", &url, "--mq-user", "jifen", "--mq-password-file"];
    let arguments = [&arguments[..], &[password.to_str().unwrap()]].concat();
    let ended = Server::start_with(&work.path().join("data"), &arguments);
    let ended = ended.err().unwrap();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("NATS does not let us in"),
        "{}",
        ended.stderr
    );
}
