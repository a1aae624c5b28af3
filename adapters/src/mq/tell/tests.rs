//! Goal: lanes do not wait for each other. Method: a server that takes everything and never gives its word.

use async_nats::connect;
use futures_util::future::join_all;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy, sink},
    net::TcpListener,
    time::timeout,
};

use super::*;
use crate::{
    mq::decide::{
        Decider,
        tests::{chunk, desk, earn},
    },
    small_engine::small_engine,
};

/// How long may take what needs nobody's word.
const PATIENCE: Duration = Duration::from_secs(60);
const GREETING: &[u8] = b"INFO {\"server_id\":\"silent\",\"server_name\":\"silent\",\"version\":\"2.10.0\",\"proto\":1,\
    \"go\":\"\",\"host\":\"127.0.0.1\",\"port\":4222,\"headers\":true,\"max_payload\":1048576}\r\n";

/// A client of a server that says that it is there, and nothing else.
async fn client_of_a_silent_server() -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    actix_rt::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (from, mut to) = stream.into_split();
        to.write_all(GREETING).await.unwrap();
        let mut from = BufReader::new(from);
        let mut said = String::new();
        while !said.ends_with("PING\r\n") {
            from.read_line(&mut said).await.unwrap();
        }
        to.write_all(b"PONG\r\n").await.unwrap();
        let _ = copy(&mut from, &mut sink()).await;
        drop(to);
    });
    connect(address.to_string()).await.unwrap()
}

/// Goal: whatever part of their chunks other lanes have published, each can publish all of its own.
#[actix_rt::test]
async fn whole_chunks_of_many_lanes_are_published_before_any_word_comes() {
    const LANES: usize = 64;
    let desk = desk(small_engine(1), None);
    let client = client_of_a_silent_server().await;
    let commands: Vec<String> = (0..MESSAGES_OF_A_CHUNK)
        .map(|number| earn(&number.to_string()))
        .collect();
    let lanes = (0..LANES).map(async |lane| {
        // Nobody is known by this name, so that each message is a dead letter, and no shard is asked.
        let sender = format!("stranger-{lane}");
        let teller = Teller::new(Arc::clone(&desk), client.clone(), 0, &sender);
        let mut decider = Decider::new(Arc::clone(&desk), &sender);
        let decided = decider.decide(chunk(&desk, &commands)).await.unwrap();
        teller.tell(decided).await.unwrap()
    });
    let published = timeout(PATIENCE, join_all(lanes)).await;
    let published = published.expect("a lane waits for another");
    for published in published {
        assert_eq!(published.words.len(), MESSAGES_OF_A_CHUNK);
    }
    desk.engine.shut_down().await;
}
