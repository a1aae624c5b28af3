//! Events that are published, while server and broker are killed.

use std::collections::BTreeMap;

use async_nats::jetstream::{self, consumer::pull::OrderedConfig};
use futures_util::StreamExt;
use jifen_tests::{
    feed::{Load, Places},
    queue::{House, until},
};
use serde_json::Value;

/// Everything that is in the stream, in its order.
async fn published(url: &str) -> Vec<(String, Value)> {
    let client = async_nats::connect(url).await.unwrap();
    let js = jetstream::new(client);
    let stream = js.get_stream("JIFEN_EVENTS").await.unwrap();
    let count = stream.cached_info().state.messages;
    let consumer = stream
        .create_consumer(OrderedConfig::default())
        .await
        .unwrap();
    let messages = consumer.messages().await.unwrap();
    let count = usize::try_from(count).unwrap();
    let messages = messages.take(count).map(|message| {
        let message = message.unwrap();
        let event: Value = serde_json::from_slice(&message.payload).unwrap();
        let id = message
            .headers
            .as_ref()
            .unwrap()
            .get("Nats-Msg-Id")
            .unwrap();
        assert_eq!(event["id"], id.as_str());
        (message.subject.to_string(), event)
    });
    messages.collect().await
}

async fn count(url: &str) -> u64 {
    let Ok(client) = async_nats::connect(url).await else {
        return 0;
    };
    let stream = jetstream::new(client).get_stream("JIFEN_EVENTS").await;
    stream.map_or(0, |stream| stream.cached_info().state.messages)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missing_and_nothing_out_of_order_under_kills_of_both() {
    let mut house = House::open(&["--checkpoint-every=1MiB"]);
    let at = |house: &House| house.server.as_ref().unwrap().url().to_owned();
    let mut load = Load::begin(&at(&house), "m", 200);
    for round in 0..6 {
        let before = count(&house.broker.url()).await;
        for _ in 0..4 {
            load.insist(&at(&house), 500);
        }
        // Somewhere in the middle of it.
        until("events come", async || {
            count(&house.broker.url()).await > before
        })
        .await;
        load.insist(&at(&house), 2_000);
        match round % 3 {
            0 => {
                house.kill_server();
                house.start_server();
            }
            1 => {
                house.broker.kill();
                load.insist(&at(&house), 2_000);
                house.broker.start_again();
            }
            _ => {
                house.broker.kill();
                house.kill_server();
                house.start_server();
                load.insist(&at(&house), 500);
                house.broker.start_again();
            }
        }
    }
    // And that of the house itself.
    let shop = Load::begin(&at(&house), "other", 1);
    let mut answered = load.places;
    answered.extend(&shop.places);
    let wanted = answered.len() as u64;
    until("everything is published", async || {
        count(&house.broker.url()).await >= wanted
    })
    .await;
    let events = published(&house.broker.url()).await;
    check(&events, &answered);
}

fn check(events: &[(String, Value)], answered: &Places) {
    let (mut seen, mut last) = (Places::new(), BTreeMap::new());
    for (subject, event) in events {
        let kind = event["type"].as_str().unwrap();
        assert_eq!(*subject, kind.replace("jifen.", "jifen.events."));
        let (shard, seq) = event["id"].as_str().unwrap().split_once(':').unwrap();
        let place: (u64, u64) = (shard.parse().unwrap(), seq.parse().unwrap());
        // A duplicate is allowed; what comes for the first time is behind all others of its shard.
        if seen.insert(place) {
            let before = last.insert(place.0, place.1);
            assert!(before < Some(place.1), "{place:?} comes behind {before:?}");
        }
    }
    let missing: Vec<_> = answered.difference(&seen).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
