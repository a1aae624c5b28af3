//! The feed of events, published: every event once it is durable, in the order of the journal.
//!
//! How far it has come, the stream itself tells: its last message names the place behind its event. So whatever the server
//! acknowledged and lost is published again, and nothing has to be kept here in step with it. Only of a stream that was
//! emptied nothing can be learned; for that the place is noted in the data directory too, a little behind.
//!
//! Messages follow each other without waiting, and only some are acknowledged. Each one names the sequence that must be the
//! last of the stream before it, so a message that was lost or refused takes all those behind it with it, and an
//! acknowledgement is one for everything before. Whenever that does not come out, the stream is asked again where to go on.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use async_nats::{
    Client, HeaderMap,
    header::{NATS_EXPECTED_LAST_SEQUENCE, NATS_MESSAGE_ID},
    jetstream::{
        self,
        context::{ContextBuilder, PublishAckFuture},
        message::PublishMessage,
        stream::{
            Config, DiscardPolicy, LastRawMessageErrorKind, RetentionPolicy, StorageType, Stream,
        },
    },
};
use jifen_engine::{
    Engine,
    feed::{Begin, Cursor, Event, FeedError, Reader},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    connect::{Connection, Options, connect, whole},
    ingress::StartError,
    publishing::Publishing,
    streams::{self, NotReady},
    worker::{First, Worker},
};
use crate::{
    openapi::asyncapi::SUBJECT_PREFIX,
    wire::{Audience, encode_event},
};

/// The stream of events.
pub const EVENTS: &str = "JIFEN_EVENTS";
/// In an event's message: the place behind it in the journal.
pub const CURSOR_HEADER: &str = "Jifen-Cursor";
/// Where the place is noted in the data directory.
const NOTE: &str = "published.json";
/// How many messages go together: the last of them is acknowledged.
const TOGETHER: usize = 64;
/// How many acknowledgements may be waited for.
const UNCONFIRMED: usize = 16;
/// How long an acknowledgement may take.
const WORD_WITHIN: Duration = Duration::from_secs(10);
/// How long to wait before what failed is begun anew.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the place is noted.
const NOTE_EVERY: Duration = Duration::from_secs(1);
/// In which time the server recognises an event that it has.
const DUPLICATES: Duration = Duration::from_secs(120);
/// How much less this matters than whoever answers, in the system's steps of niceness; as much as those who read for it.
const NICENESS: i32 = 10;

/// What is published, and from where on.
pub struct Source {
    /// Whose feed.
    pub engine: Engine,
    /// The data directory.
    pub directory: PathBuf,
    /// Where to begin when the stream is new.
    pub begin: Begin,
    /// Is told how it goes.
    pub standing: Arc<Publishing>,
}

/// The publisher, at work on a thread of its own.
pub struct Publisher(Worker);

impl Publisher {
    /// Starts to publish. If the server is away it is waited for in the background; what is there and wrong fails at once.
    pub async fn start(options: Options, source: Source) -> Result<Self, StartError> {
        let work = async move |stop, first| {
            if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
                tracing::warn!(%error, "the publisher of events keeps the priority of all others");
            }
            Work { source, stop }.run(&options, first).await;
        };
        Worker::start("publisher", work).await.map(Self)
    }

    /// Publishes no more. What is not acknowledged yet is looked for at the next start.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

/// Why publishing breaks off.
enum Break {
    /// It may work again later.
    Trouble(String),
    /// There is nothing more to publish.
    Ended,
}

impl From<FeedError> for Break {
    fn from(error: FeedError) -> Self {
        let advice = match &error {
            FeedError::Ended => return Self::Ended,
            FeedError::Forgotten { .. } => {
                "events between the stream and the journal are gone for good"
            }
            FeedError::Replaced { .. } => {
                "the stream has events of another journal, or of what this one was before it was put back from a backup"
            }
            FeedError::Ahead { .. } => {
                "the stream knows more than the journal: is it another one's?"
            }
            FeedError::Unreadable(_) => return Self::Trouble(error.to_string()),
        };
        Self::Trouble(format!(
            "{error}: {advice}; to begin anew, remove the stream {EVENTS} and {NOTE} in the data directory"
        ))
    }
}

struct Work {
    source: Source,
    stop: watch::Receiver<bool>,
}

impl Work {
    /// Publishes until told to stop. `first` hears how the first attempt went.
    async fn run(self, options: &Options, first: First) {
        let connection = match connect(options).await {
            Ok(connection) => connection,
            Err(refused) => return drop(first.send(Err(refused.into()))),
        };
        let js = ContextBuilder::new()
            .timeout(WORD_WITHIN)
            .ack_timeout(WORD_WITHIN)
            .max_ack_inflight(2 * UNCONFIRMED)
            .backpressure_on_inflight(true)
            .build(connection.client.clone());
        let is_up = connection.link.borrow().up;
        if is_up
            && let Err(wrong @ NotReady::Mismatch { .. }) = streams::ensure(&js, &events()).await
        {
            return drop(first.send(Err(wrong.into())));
        }
        // Whoever started us may be gone; then we are told to stop as well.
        let _ = first.send(Ok(()));
        let mut stop = self.stop.clone();
        loop {
            let served = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                served = self.serve(&connection, &js) => served,
            };
            let Err(Break::Trouble(why)) = served else {
                return;
            };
            tracing::warn!(%why, "events are not published; trying again");
            self.source.standing.set_away(Some(why));
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = sleep(AGAIN) => {}
            }
        }
    }

    /// Publishes for as long as the connection stands.
    async fn serve(&self, connection: &Connection, js: &jetstream::Context) -> Result<(), Break> {
        let mut link = connection.link.clone();
        let up = link.wait_for(|link| link.up).await;
        let times = up.map(|link| link.times).map_err(trouble)?;
        let line = async {
            let stream = streams::ensure(js, &events()).await.map_err(trouble)?;
            let (sequence, begin) = self.end_of(&stream).await?;
            let reader = self.source.engine.feed().open(begin)?;
            tracing::info!(from = %reader.at(), "publishing events");
            self.source.standing.set_away(None);
            let line = Line {
                js,
                client: &connection.client,
                sequence,
                together: 0,
                unconfirmed: VecDeque::new(),
            };
            self.flow(reader, line).await
        };
        tokio::select! {
            flowed = line => flowed,
            gone = link.wait_for(|link| !link.up || link.times != times) => {
                Err(Break::Trouble(gone.map_or_else(|error| error.to_string(), |link| link.why.clone())))
            }
        }
    }

    /// The stream's last sequence, and where the feed goes on behind its last event.
    async fn end_of(&self, stream: &Stream) -> Result<(u64, Begin), Break> {
        let mut stream = stream.clone();
        let state = stream.info().await.map_err(trouble)?.state.clone();
        let last = stream
            .get_last_raw_message_by_subject(&format!("{SUBJECT_PREFIX}>"))
            .await;
        match last {
            Ok(message) => {
                let cursor = message.headers.get(CURSOR_HEADER);
                let cursor = cursor.and_then(|cursor| Cursor::parse(cursor.as_str()));
                // What somebody else put there would hide how far we have come.
                let cursor = cursor.ok_or_else(|| {
                    Break::Trouble(format!(
                        "message {} of the stream {EVENTS} is none of ours; remove it, and let nobody else publish there",
                        message.sequence
                    ))
                })?;
                // Another message may have come since the stream was asked.
                Ok((
                    state.last_sequence.max(message.sequence),
                    Begin::After(cursor),
                ))
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                let noted = if state.last_sequence == 0 {
                    None
                } else {
                    self.noted()
                };
                Ok((
                    state.last_sequence,
                    noted.map_or(self.source.begin, Begin::After),
                ))
            }
            Err(error) => Err(Break::Trouble(whole(&error))),
        }
    }

    async fn flow(&self, mut reader: Reader, mut line: Line<'_>) -> Result<(), Break> {
        let mut noted = Instant::now();
        loop {
            let events = tokio::select! {
                biased;
                confirmed = line.confirm(), if !line.unconfirmed.is_empty() => {
                    self.confirmed(confirmed?, &mut noted);
                    continue;
                }
                events = reader.next() => events?,
            };
            let (behind, all) = (events.behind, events.as_slice());
            for (place, event) in all.iter().enumerate() {
                line.send(event, place + 1 == all.len()).await?;
                while line.unconfirmed.len() > UNCONFIRMED {
                    let confirmed = line.confirm().await?;
                    self.confirmed(confirmed, &mut noted);
                }
            }
            let passed = reader.passed().collect();
            self.source.standing.pass(passed, events.at(), behind);
        }
    }

    fn confirmed(&self, confirmed: Confirmed, noted: &mut Instant) {
        self.source.standing.count(confirmed.events);
        if noted.elapsed() >= NOTE_EVERY {
            *noted = Instant::now();
            if let Err(error) = self.note(confirmed.cursor) {
                tracing::warn!(%error, "how far events are published cannot be noted");
            }
        }
    }

    /// Notes how far events are published: under another name first, so that no half note is ever read. It need not be on the
    /// device: an older one is as good.
    fn note(&self, cursor: Cursor) -> io::Result<()> {
        let path = self.source.directory.join(NOTE);
        let draft = path.with_extension("draft");
        let mut file = File::create(&draft)?;
        let note = serde_json::json!({ "version": 1, "cursor": cursor.to_string() });
        writeln!(file, "{note}")?;
        file.sync_data()?;
        fs::rename(&draft, &path)
    }

    fn noted(&self) -> Option<Cursor> {
        let text = fs::read(self.source.directory.join(NOTE)).ok()?;
        let note: serde_json::Value = serde_json::from_slice(&text).ok()?;
        Cursor::parse(note["cursor"].as_str()?)
    }
}

/// Messages on their way.
struct Line<'a> {
    js: &'a jetstream::Context,
    client: &'a Client,
    /// The sequence of the message that was sent last.
    sequence: u64,
    /// How many messages were sent since one that is acknowledged.
    together: usize,
    unconfirmed: VecDeque<Unconfirmed>,
}

struct Unconfirmed {
    word: <PublishAckFuture as IntoFuture>::IntoFuture,
    sequence: u64,
    confirmed: Confirmed,
}

/// So many events are in the stream, up to this place.
#[derive(Clone, Copy)]
struct Confirmed {
    events: u64,
    cursor: Cursor,
}

impl Line<'_> {
    /// Sends an event; the last of several is acknowledged.
    async fn send(&mut self, event: &Event, is_last: bool) -> Result<(), Break> {
        let mut payload = Vec::with_capacity(1_024);
        encode_event(event, Audience::All, &mut payload);
        let subject = format!("{SUBJECT_PREFIX}{}", event.kind.name());
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, event.offset().to_string());
        headers.insert(NATS_EXPECTED_LAST_SEQUENCE, self.sequence.to_string());
        headers.insert("Content-Type", "application/cloudevents+json");
        headers.insert(CURSOR_HEADER, event.cursor.to_string());
        self.sequence += 1;
        self.together += 1;
        if self.together < TOGETHER && !is_last {
            let sent = self
                .client
                .publish_with_headers(subject, headers, payload.into());
            return sent.await.map_err(trouble);
        }
        let message = PublishMessage::build()
            .payload(payload.into())
            .headers(headers);
        let word = self.js.send_publish(subject, message).await;
        self.unconfirmed.push_back(Unconfirmed {
            word: word.map_err(trouble)?.into_future(),
            sequence: self.sequence,
            confirmed: Confirmed {
                events: self.together as u64,
                cursor: event.cursor,
            },
        });
        self.together = 0;
        Ok(())
    }

    /// Waits for the oldest word that is waited for; there is one. If the wait is given up, it goes on with the next call.
    async fn confirm(&mut self) -> Result<Confirmed, Break> {
        let Some(oldest) = self.unconfirmed.front_mut() else {
            return std::future::pending().await;
        };
        let word = (&mut oldest.word).await.map_err(trouble)?;
        if word.duplicate || word.sequence != oldest.sequence {
            return Err(Break::Trouble(format!(
                "the stream {EVENTS} has message {} where {} was to be: somebody else publishes there, or it was changed",
                word.sequence, oldest.sequence
            )));
        }
        let confirmed = oldest.confirmed;
        self.unconfirmed.pop_front();
        Ok(confirmed)
    }
}

fn trouble(error: impl std::error::Error) -> Break {
    Break::Trouble(whole(&error))
}

/// Whoever stays away for too long loses the oldest events: they are still to be had over HTTP.
fn events() -> Config {
    Config {
        name: EVENTS.to_owned(),
        description: Some("What Jifen decided".to_owned()),
        subjects: vec![format!("{SUBJECT_PREFIX}>")],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        duplicate_window: DUPLICATES,
        max_bytes: 1 << 30,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        num_replicas: 1,
        ..Config::default()
    }
}
