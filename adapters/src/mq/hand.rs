//! Messages in hand: taken out of the queue and not acknowledged.
//!
//! # Why there can be no storm of redeliveries
//!
//! The server delivers a message again if it hears nothing of it for the ack wait, `--mq-ack-wait`, 30 s if nothing is said. If that happened to messages that we
//! still work on, work would be done twice just when there is too much of it, and the second half would be late as well.
//! Here it cannot:
//!
//! * **What is in hand is spoken for.** Every message that was taken is in a [`Chunk`], and all of them are told to be in
//!   progress every fourth part of the wait, by a task that waits for nothing else: a message that was just taken is passed
//!   over once, so that it is first spoken for after three eighths of the wait at the latest. Messages are taken out of
//!   the connection's buffer as they arrive, also while the shards are full, so that none lies there unspoken for.
//! * **No more is asked for than fits into the hand.** A lane has room for [`HAND`] = 2,048 messages, and asks only for as
//!   many as there is room for; while shards are full nothing leaves the hand, so that nothing more is asked for.
//! * **What is put back is bounded.** The server has at most [`ACK_PENDING`] = 4,096 messages of a lane out: those in hand, and
//!   as many that wait to be tried again.
//! * **The worst is small.** If every beat were lost, a lane's server would deliver at most 4,096 / 30 s
//!   ≈ 137 messages a second again: less than a hundredth of what a lane decides, and each of them is recognised by its request ids
//!   without a journal write. A process that was killed gets at most `ACK_PENDING` again, once, when it is back: its
//!   consumer is made anew, which delivers in order what was not acknowledged, without waiting.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use async_nats::{Client, Message, Subject, jetstream::AckKind};
use bytes::Bytes;
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior},
};

use super::{standing::Standing, waiting::Waiting};

/// Into how many beats the ack wait is divided.
const BEATS: u32 = 4;
/// How many messages a lane may have in hand: as many as fit into the time between taking and acknowledging at some hundred
/// thousand a second.
pub(super) const HAND: usize = 2_048;
/// How many messages of a lane the server may have out: those in hand, and as many that wait to be tried again.
pub(super) const ACK_PENDING: i64 = 4_096;

const _: () = assert!(ACK_PENDING as usize == 2 * HAND);

/// A message that was taken.
pub(super) struct Taken {
    /// What it says.
    pub(super) body: Bytes,
    /// Its place in the stream.
    pub(super) sequence: u64,
    /// The how-manieth delivery this is; counted from 1.
    pub(super) delivery: u32,
    /// Where the server hears of it.
    reply: Subject,
}

/// Why a message is none of the stream's.
pub(super) const NOT_OF_A_STREAM: &str = "a message came without its place in the stream";

impl Taken {
    /// What the server delivered; `None` if it is no message of a stream.
    pub(super) fn of(message: Message) -> Option<Self> {
        let reply = message.reply?;
        let (sequence, delivery) = place(&reply)?;
        Some(Self {
            body: message.payload,
            sequence,
            delivery,
            reply,
        })
    }

    /// Tells the server what is to be with it.
    pub(super) async fn tell(
        &self,
        client: &Client,
        what: AckKind,
    ) -> Result<(), async_nats::PublishError> {
        client.publish(self.reply.clone(), what.into()).await
    }
}

/// The stream sequence and the number of the delivery, out of a subject for acknowledgements: stream, consumer, deliveries,
/// stream sequence, consumer sequence, time and what is pending, between what may come before and behind them.
fn place(reply: &str) -> Option<(u64, u32)> {
    let tokens = reply.strip_prefix("$JS.ACK.")?.split('.');
    // Since 2.10 a domain and an account go before them.
    let before = if tokens.clone().count() >= 9 { 2 } else { 0 };
    let mut tokens = tokens.skip(before + 2);
    let delivery = tokens.next()?.parse().ok()?;
    let sequence = tokens.next()?.parse().ok()?;
    Some((sequence, delivery))
}

/// Messages that were taken together. As long as it lives, they are in hand.
pub(super) struct Chunk {
    pub(super) messages: Vec<Taken>,
    since: Instant,
    hand: Arc<Hand>,
}

impl Chunk {
    /// Notes that a message is put back to be tried again; before the server hears of it, since it may come at once. Tells
    /// whether nothing new of this sender comes from now on.
    pub(super) fn put_back(&self, message: &Taken) -> bool {
        self.hand.standing.count_retried();
        self.hand.waiting.put_back(message.sequence)
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.hand.room.add_permits(self.messages.len());
        self.hand.standing.let_go(self.messages.len() as u64);
    }
}

/// What a lane has in hand.
pub(super) struct Hand {
    /// A permit for every message that may still be asked for.
    pub(super) room: Semaphore,
    chunks: Mutex<Vec<Weak<Chunk>>>,
    waiting: Arc<Waiting>,
    standing: Arc<Standing>,
}

impl Hand {
    pub(super) fn new(standing: Arc<Standing>) -> Arc<Self> {
        Arc::new(Self {
            room: Semaphore::new(HAND),
            chunks: Mutex::default(),
            waiting: standing.lane(),
            standing,
        })
    }

    /// Takes permits to ask for so many messages, if there are as many.
    pub(super) fn has_room_for(&self, messages: u32) -> bool {
        let room = self.room.try_acquire_many(messages);
        room.map(tokio::sync::SemaphorePermit::forget).is_ok()
    }

    /// Takes messages. Their permits were taken when they were asked for.
    pub(super) fn take(self: &Arc<Self>, messages: Vec<Taken>) -> Arc<Chunk> {
        let again = messages.iter().filter(|message| message.delivery > 1);
        let redelivered = again.clone().count();
        if redelivered > 0 {
            self.waiting.take(again.map(|message| message.sequence));
        }
        self.standing
            .take(messages.len() as u64, redelivered as u64);
        let chunk = Arc::new(Chunk {
            messages,
            since: Instant::now(),
            hand: Arc::clone(self),
        });
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        if chunks.len() == chunks.capacity() {
            chunks.retain(|chunk| chunk.strong_count() > 0);
        }
        chunks.push(Arc::downgrade(&chunk));
        chunk
    }

    /// What has been in hand for so long.
    fn old(&self, age: Duration) -> Vec<Arc<Chunk>> {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.retain(|chunk| chunk.strong_count() > 0);
        let old = chunks.iter().filter_map(Weak::upgrade);
        old.filter(|chunk| chunk.since.elapsed() >= age).collect()
    }

    /// Tells the server again and again that what is in hand is in progress.
    pub(super) async fn speak_for_all(
        self: Arc<Self>,
        client: Client,
        ack_wait: Duration,
    ) -> Result<(), async_nats::PublishError> {
        let beat = ack_wait / BEATS;
        let mut beats = tokio::time::interval(beat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            for chunk in self.old(beat / 2) {
                for message in &chunk.messages {
                    message.tell(&client, AckKind::Progress).await?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_message_is_read_in_both_forms() {
        for reply in [
            "$JS.ACK.JIFEN_COMMANDS.jifen-a.3.77.80.1700000000000000000.5",
            "$JS.ACK._.hash.JIFEN_COMMANDS.jifen-a.3.77.80.1700000000000000000.5",
            "$JS.ACK._.hash.JIFEN_COMMANDS.jifen-a.3.77.80.1700000000000000000.5.token",
        ] {
            assert_eq!(place(reply), Some((77, 3)), "{reply}");
        }
        assert_eq!(place("_INBOX.x.1"), None);
        assert_eq!(place("$JS.ACK.a.b"), None);
    }

    #[test]
    fn what_is_let_go_makes_room() {
        let standing = Arc::new(Standing::default());
        let hand = Hand::new(Arc::clone(&standing));
        let message = |delivery| Taken {
            body: Bytes::new(),
            sequence: 1,
            delivery,
            reply: Subject::from_static("x"),
        };
        hand.room.try_acquire_many(2).unwrap().forget();
        let chunk = hand.take(vec![message(1), message(2)]);
        assert_eq!(hand.room.available_permits(), HAND - 2);
        assert_eq!(standing.counts().in_flight, 2);
        assert_eq!(standing.counts().redelivered, 1);
        drop(chunk);
        assert_eq!(hand.room.available_permits(), HAND);
        assert_eq!(standing.counts().in_flight, 0);
    }

    #[test]
    fn what_is_put_back_waits_until_it_is_tried_or_its_lane_ends() {
        let standing = Arc::new(Standing::default());
        let waiting = || {
            let counts = standing.counts();
            (counts.retried, counts.waiting, counts.waiting_most)
        };
        let message = |sequence, delivery| Taken {
            body: Bytes::new(),
            sequence,
            delivery,
            reply: Subject::from_static("x"),
        };
        let (hand, other) = (
            Hand::new(Arc::clone(&standing)),
            Hand::new(Arc::clone(&standing)),
        );
        let first = hand.take(vec![message(1, 1), message(2, 1), message(3, 1)]);
        for place in [0, 2] {
            assert!(!first.put_back(&first.messages[place]));
        }
        let elsewhere = other.take(vec![message(4, 1)]);
        elsewhere.put_back(&elsewhere.messages[0]);
        assert_eq!(waiting(), (3, 3, 2));
        // The rest of it was done.
        drop(first);
        assert_eq!(waiting(), (3, 3, 2));
        let again = hand.take(vec![message(1, 2), message(5, 1)]);
        assert_eq!(waiting(), (3, 2, 1));
        again.put_back(&again.messages[0]);
        assert_eq!(waiting(), (4, 3, 2));
        drop((again, hand));
        assert_eq!(waiting(), (4, 1, 1), "a new lane has it all anew");
        standing.set_undone(0, 5, 0);
        assert_eq!(waiting(), (4, 0, 0), "somebody emptied the queue");
    }
}
