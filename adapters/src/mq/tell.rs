//! Telling: from what became of commands to answers, dead letters, and messages that are put back.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client, HeaderMap, HeaderName, Subject,
    header::NATS_MESSAGE_ID,
    jetstream::{
        self, AckKind,
        context::{ContextBuilder, PublishAckFuture},
        message::PublishMessage,
    },
};
use bytes::Bytes;
use jifen_engine::{
    EngineError, Outcome,
    ledger::{Code, CommandKind, RequestId},
};

use super::{
    connect::WORD_WITHIN,
    decide::{Asks, Decided},
    hand::{ACK_PENDING, Chunk, Taken},
    lane::{Desk, LaneError},
    names,
    take::{COMMANDS_OF_A_CHUNK, MESSAGES_OF_A_CHUNK},
};
use crate::{
    access::{Denial, Judged},
    http::Problem,
    metrics::Door,
    wire::{
        encode_denial, encode_outcome,
        wording::{self, Wording, of_code, of_error},
    },
};

/// Room for one answer, in bytes: a little more than most take.
const ANSWER_ROOM: usize = 384;
/// An array of answers that is longer than this goes out in parts, in bytes: with its last answer a part still fits into a
/// message.
const PART_BYTES: usize = 512 << 10;
/// The longest reason that goes with a dead letter, in bytes: both must fit into a message.
const REASON_BYTES_MAX: usize = 32 << 10;
/// How much of a lane's may be on its way to the server without its word. Nothing of a chunk is let go before all of it is
/// published. So each lane counts for itself: if they counted together, unfinished chunks of many lanes could hold all
/// there is, and each would wait for the others, for ever.
const UNCONFIRMED: usize = 20_480;
/// How much is published of a chunk, at the most: of each message a dead letter and an answer, and more parts of it only
/// with at least a command's answer in each. There is always room for that: a lane that waits, waits for the server.
const PUBLISHED_OF_A_CHUNK: usize = 2 * MESSAGES_OF_A_CHUNK + COMMANDS_OF_A_CHUNK;

const _: () = assert!(PUBLISHED_OF_A_CHUNK <= UNCONFIRMED);

/// How long a message waits before it is tried again, after each try; the last stands for all that come later.
const WAITS_MILLIS: [u64; 8] = [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/// Parsed once: it goes with every answer.
const SEQUENCE: HeaderName = HeaderName::from_static(names::SEQUENCE_HEADER);

/// A command's name, and what became of it.
type Told<'a> = (&'a (RequestId, CommandKind), Result<&'a Outcome, Denial>);

/// A chunk of which everything is published.
pub(super) struct Published {
    pub(super) chunk: Arc<Chunk>,
    /// The server's word for each of what was published.
    pub(super) words: Vec<PublishAckFuture>,
    /// Which messages are done then.
    pub(super) done: Vec<usize>,
}

/// Publishes what became of a sender's commands.
pub(super) struct Teller {
    desk: Arc<Desk>,
    js: jetstream::Context,
    client: Client,
    stream_made: i64,
    results: Subject,
    dead: Subject,
}

impl Teller {
    pub(super) fn new(desk: Arc<Desk>, client: Client, stream_made: i64, sender: &str) -> Self {
        let js = ContextBuilder::new()
            .timeout(WORD_WITHIN)
            .ack_timeout(WORD_WITHIN)
            .max_ack_inflight(UNCONFIRMED)
            .backpressure_on_inflight(true)
            .build(client.clone());
        Self {
            desk,
            js,
            client,
            stream_made,
            results: format!("{}{sender}", names::RESULTS_SUBJECT).into(),
            dead: format!("{}{sender}", names::DEAD_SUBJECT).into(),
        }
    }

    /// Waits until all of a chunk is durable, and publishes what is to be told.
    pub(super) async fn tell(&self, decided: Decided) -> Result<Published, LaneError> {
        let Decided {
            chunk,
            asks,
            names,
            posted,
        } = decided;
        let judged = match posted {
            Some(posted) => posted.answers().await,
            None => Judged {
                outcomes: Vec::new(),
                denied: Vec::new(),
            },
        };
        self.desk.meters.commands(Door::Queue, judged.each(&names));
        let told: Vec<Told<'_>> = judged.each(&names).collect();
        let mut answers = Answers::with_room_for(told.len());
        let mut published = Vec::with_capacity(asks.len());
        let mut done = Vec::with_capacity(asks.len());
        for (place, (message, asks)) in chunk.messages.iter().zip(&asks).enumerate() {
            let fate = self.fate(message, asks, &told)?;
            if let Fate::Later(wait) = fate {
                if chunk.put_back(message) {
                    tracing::warn!(
                        subject = %self.results,
                        "{ACK_PENDING} messages of this sender wait to be tried again: nothing new of it comes until they are"
                    );
                }
                let put_back = message.tell(&self.client, AckKind::Nak(Some(wait))).await;
                put_back.map_err(|error| LaneError::server(&error))?;
                continue;
            }
            if fate.is_answered() {
                answers.encode(place, asks, &told);
            }
            if let Fate::Dead { why, .. } = fate {
                published.push(self.dead_letter(message, &why).await?);
            }
            done.push(place);
        }
        for (place, part, of, body) in answers.parts() {
            let sequence = chunk.messages[place].sequence;
            published.push(self.answer(sequence, (part, of), body).await?);
        }
        Ok(Published {
            chunk,
            words: published,
            done,
        })
    }

    fn fate(&self, message: &Taken, asks: &Asks, told: &[Told<'_>]) -> Result<Fate, LaneError> {
        let (told, alone) = match asks {
            Asks::Never(problem) => {
                let why = problem.encode();
                return Ok(Fate::Dead {
                    why,
                    answered: false,
                });
            }
            Asks::One(place) => (&told[*place..=*place], true),
            Asks::Many(places) => (&told[places.clone()], false),
        };
        let mut later = None;
        for ((id, _), told) in told {
            match open(*told)? {
                Some(wording) if later.is_none() => later = Some((id, wording)),
                _ => {}
            }
        }
        let Some((id, wording)) = later else {
            return Ok(Fate::Answered);
        };
        if message.delivery <= self.desk.retries {
            let tries = message.delivery as usize;
            let wait = WAITS_MILLIS[tries.saturating_sub(1).min(WAITS_MILLIS.len() - 1)];
            return Ok(Fate::Later(Duration::from_millis(wait)));
        }
        // Of an array the others are to hear what became of them.
        Ok(Fate::Dead {
            why: Problem::from(wording).about(id.as_str()).encode(),
            answered: !alone,
        })
    }

    async fn answer(
        &self,
        sequence: u64,
        (part, of): (usize, usize),
        body: Bytes,
    ) -> Result<PublishAckFuture, LaneError> {
        let mut headers = about(sequence);
        if of > 1 {
            headers.insert(names::PART_HEADER, format!("{part}/{of}"));
        }
        self.publish(&self.results, headers, body).await
    }

    async fn dead_letter(
        &self,
        message: &Taken,
        why: &[u8],
    ) -> Result<PublishAckFuture, LaneError> {
        self.desk.standing.count_dead();
        let why = match str::from_utf8(why) {
            Ok(why) if why.len() <= REASON_BYTES_MAX => why.to_owned(),
            _ => String::from_utf8_lossy(&Problem::from(&wording::MALFORMED).encode()).into_owned(),
        };
        // The letter itself tells why: the log is no place for what merchants send, nor for as much of it as they like.
        tracing::debug!(
            subject = %self.dead,
            sequence = message.sequence,
            "a dead letter"
        );
        let mut headers = about(message.sequence);
        headers.insert(names::REASON_HEADER, why);
        // Of what is published again for the same message the server keeps one, if that is soon enough. Of answers it would
        // have to remember millions.
        let id = format!("{}-{}", self.stream_made, message.sequence);
        headers.insert(NATS_MESSAGE_ID, id);
        self.publish(&self.dead, headers, message.body.clone())
            .await
    }

    async fn publish(
        &self,
        subject: &Subject,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<PublishAckFuture, LaneError> {
        let message = PublishMessage::build().headers(headers).payload(body);
        let sent = self.js.send_publish(subject.clone(), message).await;
        sent.map_err(|error| LaneError::server(&error))
    }
}

/// Says which message something is published for.
fn about(sequence: u64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(SEQUENCE, sequence.to_string());
    headers
}

/// What is to be with a message.
enum Fate {
    /// Its answers are told, and it is done.
    Answered,
    /// It is put back for so long.
    Later(Duration),
    /// It is a dead letter, and it is done.
    Dead {
        why: Vec<u8>,
        /// Whether its answers are told as well.
        answered: bool,
    },
}

impl Fate {
    const fn is_answered(&self) -> bool {
        matches!(self, Self::Answered | Self::Dead { answered: true, .. })
    }
}

/// Why a command is still open, if it is: nothing was bound, and it may succeed later without its sender doing anything.
fn open(told: Result<&Outcome, Denial>) -> Result<Option<&'static Wording>, LaneError> {
    Ok(match told {
        Ok(Ok(Ok(_))) => None,
        Ok(Ok(Err(declined))) => match declined.refusal.code() {
            code @ (Code::MemberNotFound | Code::RequestInFlight) => Some(of_code(code)),
            _ => None,
        },
        // The process is about to end; whoever comes after it gets the message again.
        Ok(Err(EngineError::Stopping | EngineError::OutcomeUnknown)) => {
            return Err(LaneError::Engine);
        }
        Ok(Err(error)) => Some(of_error(*error)),
        Err(denial) => (denial.status == 503).then_some(denial),
    })
}

/// The answers of a chunk, one behind the other.
struct Answers {
    text: Vec<u8>,
    /// Whose they are, the how-manieth part of how many, and where it ends.
    parts: Vec<(usize, usize, usize, usize)>,
}

impl Answers {
    fn with_room_for(answers: usize) -> Self {
        Self {
            text: Vec::with_capacity(answers * ANSWER_ROOM),
            parts: Vec::new(),
        }
    }

    /// Adds the answers to the message in a place: an object for a command by itself, an array for an array.
    fn encode(&mut self, place: usize, asks: &Asks, told: &[Told<'_>]) {
        let first = self.parts.len();
        match asks {
            Asks::Never(_) => return,
            Asks::One(at) => {
                encode(&told[*at], &mut self.text);
                self.end_part(place, 1);
            }
            Asks::Many(places) => {
                let mut from = self.text.len();
                self.text.push(b'[');
                for told in &told[places.clone()] {
                    if self.text.len() - from > PART_BYTES {
                        self.text.push(b']');
                        self.end_part(place, self.parts.len() - first + 1);
                        from = self.text.len();
                        self.text.push(b'[');
                    }
                    if self.text.len() > from + 1 {
                        self.text.push(b',');
                    }
                    encode(told, &mut self.text);
                }
                self.text.push(b']');
                self.end_part(place, self.parts.len() - first + 1);
            }
        }
        let of = self.parts.len() - first;
        for (_, _, parts, _) in &mut self.parts[first..] {
            *parts = of;
        }
    }

    fn end_part(&mut self, place: usize, part: usize) {
        self.parts.push((place, part, 1, self.text.len()));
    }

    /// Each part: of the message in which place, the how-manieth, of how many, and its text.
    fn parts(self) -> impl Iterator<Item = (usize, usize, usize, Bytes)> {
        let mut text = Bytes::from(self.text);
        let mut from = 0;
        self.parts.into_iter().map(move |(place, part, of, to)| {
            let body = text.split_to(to - from);
            from = to;
            (place, part, of, body)
        })
    }
}

fn encode(((id, kind), told): &Told<'_>, out: &mut Vec<u8>) {
    match told {
        Ok(outcome) => encode_outcome(outcome, id.as_str(), *kind, out),
        Err(denial) => encode_denial(denial, id.as_str(), *kind, out),
    }
}

#[cfg(test)]
mod tests;
