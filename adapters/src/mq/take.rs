//! Taking messages: asking for as many as there is room for, and no more.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client, Message, StatusCode, Subject, Subscriber,
    jetstream::consumer::{PullConsumer, pull::BatchConfig},
};
use futures_util::{FutureExt, StreamExt};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use super::{
    hand::{Chunk, Hand, NOT_OF_A_STREAM, Taken},
    lane::LaneError,
};
use crate::wire::BATCH_COMMANDS_MAX;

/// How many messages are asked for at once.
const ASKED_AT_ONCE: u32 = 512;
/// How many bytes they may have together: at least as many as one message may have.
const BYTES_AT_ONCE: usize = 4 << 20;
/// How long the server remembers that we asked.
const ASKED_FOR: Duration = Duration::from_secs(20);
/// How long the server may say nothing at all to what we asked for.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How many messages go together through the stages, at the most.
pub(super) const MESSAGES_OF_A_CHUNK: usize = 512;
/// A chunk that has so many bytes takes no more messages. The shortest commands of so many bytes, and those of the longest
/// array behind them, are fewer than one shard lets in, even if all are for the same.
const CHUNK_BYTES: usize = 192 << 10;
/// Less than the shortest command has, in bytes.
const COMMAND_BYTES_MIN: usize = 32;
/// How many commands a chunk has, at the most.
pub(super) const COMMANDS_OF_A_CHUNK: usize = CHUNK_BYTES / COMMAND_BYTES_MIN + BATCH_COMMANDS_MAX;

/// What the server says when it has sent as much as we asked for; whatever else it says in this way ends the lane.
const ENOUGH: [&str; 2] = ["Batch Completed", "MaxBytes"];

/// Takes messages.
pub(super) struct Taker {
    consumer: PullConsumer,
    inbox: Subscriber,
    name: Subject,
    hand: Arc<Hand>,
    /// How many messages we asked for that have not come.
    asked: u32,
    stop: watch::Receiver<bool>,
}

/// What came.
enum Came {
    Message(Taken),
    /// So many messages that we asked for will not come.
    NotComing(u32),
}

impl Taker {
    pub(super) async fn new(
        consumer: PullConsumer,
        client: &Client,
        hand: Arc<Hand>,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, LaneError> {
        let name = Subject::from(client.new_inbox());
        let inbox = client.subscribe(name.clone()).await;
        let inbox = inbox.map_err(|error| LaneError::server(&error))?;
        Ok(Self {
            consumer,
            inbox,
            name,
            hand,
            asked: 0,
            stop,
        })
    }

    /// Takes until told to stop.
    pub(super) async fn run(
        mut self,
        to: mpsc::UnboundedSender<Arc<Chunk>>,
    ) -> Result<(), LaneError> {
        loop {
            self.ask().await?;
            let mut stop = self.stop.clone();
            let first = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                first = timeout(SILENCE_MAX, self.inbox.next()) => first,
            };
            let first = first.map_err(|_| LaneError::Server("it says nothing".to_owned()))?;
            let mut next = first;
            let (mut messages, mut bytes) = (Vec::new(), 0);
            while let Some(message) = next {
                match came(message, self.asked)? {
                    Came::Message(taken) => {
                        self.asked = self.asked.saturating_sub(1);
                        bytes += taken.body.len();
                        messages.push(taken);
                    }
                    Came::NotComing(count) => {
                        self.asked -= count;
                        self.hand.room.add_permits(count as usize);
                    }
                }
                if messages.len() == MESSAGES_OF_A_CHUNK || bytes >= CHUNK_BYTES {
                    break;
                }
                next = self.inbox.next().now_or_never().flatten();
            }
            if !messages.is_empty() {
                // Whoever listens has failed, and says why.
                let _ = to.send(self.hand.take(messages));
            }
        }
    }

    /// Asks for as much as there is room for; waits for room if nothing else is to come.
    async fn ask(&mut self) -> Result<(), LaneError> {
        if self.asked == 0 {
            // Told to stop meanwhile, the lane finishes what is in hand, which makes room.
            let room = self.hand.room.acquire_many(ASKED_AT_ONCE).await;
            room.map_err(|error| LaneError::server(&error))?.forget();
            self.ask_for(ASKED_AT_ONCE).await?;
        }
        while self.hand.has_room_for(ASKED_AT_ONCE) {
            self.ask_for(ASKED_AT_ONCE).await?;
        }
        Ok(())
    }

    async fn ask_for(&mut self, count: u32) -> Result<(), LaneError> {
        let wanted = BatchConfig {
            batch: count as usize,
            expires: Some(ASKED_FOR),
            max_bytes: BYTES_AT_ONCE,
            ..BatchConfig::default()
        };
        let asked = self.consumer.request_batch(wanted, self.name.clone()).await;
        asked.map_err(|error| LaneError::server(&error))?;
        self.asked += count;
        Ok(())
    }
}

/// What a message is: one of the stream, or a word about what we asked for.
fn came(message: Message, asked: u32) -> Result<Came, LaneError> {
    let Some(status) = message.status else {
        let taken = Taken::of(message);
        let taken = taken.ok_or_else(|| LaneError::Server(NOT_OF_A_STREAM.to_owned()))?;
        return Ok(Came::Message(taken));
    };
    let told = message.description.as_deref().unwrap_or_default();
    match status {
        StatusCode::IDLE_HEARTBEAT => return Ok(Came::NotComing(0)),
        StatusCode::TIMEOUT | StatusCode::NOT_FOUND => {}
        // As many messages or bytes have come as we asked for.
        status if status.as_u16() == 409 && ENOUGH.iter().any(|word| told.contains(word)) => {}
        status => return Err(LaneError::Server(format!("{status} {told}"))),
    }
    let headers = message.headers.as_ref();
    let left = headers.and_then(|headers| headers.get("Nats-Pending-Messages"));
    let left = left.and_then(|left| left.as_str().parse().ok());
    Ok(Came::NotComing(left.unwrap_or(0).min(asked)))
}
