//! A client of the broker. Each thread of the generator has one, so that what it costs is seen in that thread's load; each
//! hears all answers of the principal, so that several threads cost the broker several times as much.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::client::PublishErrorKind;
use async_nats::{Client, ConnectOptions, Event, Message, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;

use super::heard::Heard;
use super::options::{Login, Mq};
use super::sorting::{Part, Sorting, Ticket};

/// What precedes the principal in subjects: of commands, of answers, of what could not be processed.
const COMMANDS: &str = "jifen.commands.";
const RESULTS: &str = "jifen.results.";
const DEAD: &str = "jifen.dead.";
/// In an answer: where its commands stood in their stream.
const SEQUENCE_HEADER: &str = "Jifen-Sequence";
/// In an answer that is too long for one message: which part it is, and of how many, such as `2/3`.
const PART_HEADER: &str = "Jifen-Part";
/// In a dead letter: the problem document.
const REASON_HEADER: &str = "Jifen-Reason";

/// A broker that says nothing is given up after this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two attempts to reach a broker that was lost; the first comes at once.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);
/// How often a silent connection is asked whether it still stands. Two such times without a word, and it does not.
const PING_EVERY: Duration = Duration::from_secs(5);
/// Messages that may wait to be read or written: more than all connections of a run can cause at once.
const MESSAGES_WAITING: usize = 1 << 17;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    #[error(transparent)]
    Connect(#[from] async_nats::ConnectError),
    #[error(transparent)]
    Subscribe(#[from] async_nats::SubscribeError),
    #[error(transparent)]
    Publish(#[from] async_nats::PublishError),
    #[error("the credentials cannot be used: {0}")]
    Credentials(std::io::Error),
    #[error("the broker is away")]
    Away,
    #[error("the connection to the broker was lost")]
    Lost,
}

/// Posts requests, and hears what becomes of them.
#[derive(Debug)]
pub(crate) struct Post {
    client: Client,
    commands: Subject,
    /// What precedes the ticket in the subject of the broker's word about a message.
    words: String,
    tickets: AtomicU64,
    desk: Arc<Desk>,
}

/// Where answers are handed out.
#[derive(Debug, Default)]
struct Desk {
    /// Everything is done on one thread, so the lock is never contended.
    sorting: Mutex<Sorting>,
    /// What the broker complained of last.
    complaint: Mutex<Option<String>>,
}

impl Post {
    /// Connects, and listens for answers. Ends with the runtime that it is opened on.
    pub(crate) async fn open(mq: &Mq) -> Result<Self, PostError> {
        let desk = Arc::new(Desk::default());
        let client = options(mq, &desk)?.connect(&mq.servers).await?;
        let principal = &mq.principal;
        let words = format!("{}.", client.new_inbox());
        let answers = client.subscribe(format!("{RESULTS}{principal}")).await?;
        let letters = client.subscribe(format!("{DEAD}{principal}")).await?;
        let broker = client.subscribe(format!("{words}*")).await?;
        hear(&desk, answers, Desk::answer);
        hear(&desk, letters, Desk::letter);
        let prefix = words.len();
        hear(&desk, broker, move |desk, message| {
            desk.word(prefix, message);
        });
        Ok(Self {
            client,
            commands: Subject::from(format!("{COMMANDS}{principal}")),
            words,
            tickets: AtomicU64::new(0),
            desk,
        })
    }

    /// Whether the broker is there.
    pub(crate) fn is_open(&self) -> bool {
        self.desk.sorting().is_there()
    }

    /// What the broker complained of last, such as a subject that we may not hear.
    pub(super) fn complaint(&self) -> Option<String> {
        let complaint = self.desk.complaint.lock();
        complaint.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Posts a request and waits until all of it is answered.
    pub(crate) async fn post(&self, request: Bytes) -> Result<Heard, PostError> {
        let ticket = Ticket(self.tickets.fetch_add(1, Relaxed));
        let told = self.desk.sorting().wait_for(ticket, &request);
        let mut told = told.ok_or(PostError::Away)?;
        // With the broker's word asked for: one that does not keep the message says so, and nobody waits in vain.
        let mut word = String::with_capacity(self.words.len() + 20);
        word.push_str(&self.words);
        word.push_str(itoa::Buffer::new().format(ticket.0));
        let posting = self
            .client
            .publish_with_reply(self.commands.clone(), word, request);
        tokio::select! {
            biased;
            posted = posting => match posted {
                Ok(()) => told.await.map_err(|_| PostError::Lost),
                Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                    self.desk.sorting().finish(ticket, Heard::too_long());
                    told.await.map_err(|_| PostError::Lost)
                }
                Err(error) => Err(error.into()),
            },
            // A broker that goes while there is no room to write.
            heard = &mut told => heard.map_err(|_| PostError::Lost),
        }
    }
}

fn options(mq: &Mq, desk: &Arc<Desk>) -> Result<ConnectOptions, PostError> {
    let desk = Arc::clone(desk);
    let options = ConnectOptions::new()
        .name("jifen-load")
        .connection_timeout(CONNECT_TIMEOUT)
        .ping_interval(PING_EVERY)
        .client_capacity(MESSAGES_WAITING)
        .subscription_capacity(MESSAGES_WAITING)
        .read_buffer_capacity(u16::MAX)
        // What the example configuration lets a principal hear.
        .custom_inbox_prefix(format!("_INBOX_{}", mq.principal))
        .reconnect_delay_callback(|attempt| match attempt {
            0 | 1 => Duration::ZERO,
            _ => RECONNECT_PAUSE,
        })
        .event_callback(move |event| {
            desk.event(&event);
            std::future::ready(())
        });
    match &mq.login {
        Login::None => Ok(options),
        Login::Credentials { text, .. } => {
            options.credentials(text).map_err(PostError::Credentials)
        }
        Login::Password { user, password } => {
            Ok(options.user_and_password(user.clone(), password.clone()))
        }
    }
}

/// Hands each message to the desk until the client is gone.
fn hear(desk: &Arc<Desk>, mut from: Subscriber, to: impl Fn(&Desk, Message) + Send + 'static) {
    let desk = Arc::clone(desk);
    tokio::spawn(async move {
        while let Some(message) = from.next().await {
            to(&desk, message);
        }
    });
}

impl Desk {
    fn sorting(&self) -> MutexGuard<'_, Sorting> {
        // It is whole after each call; a panic elsewhere on this thread does not make it wrong.
        self.sorting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn event(&self, event: &Event) {
        match event {
            Event::Connected => self.sorting().is_back(),
            Event::Disconnected | Event::Closed => self.sorting().is_gone(),
            // Messages were thrown away because we did not keep up. What they were nobody knows.
            Event::SlowConsumer(_) => self.sorting().lose_all(),
            Event::ServerError(_) | Event::ClientError(_) => {
                let complaint = self.complaint.lock();
                *complaint.unwrap_or_else(PoisonError::into_inner) = Some(event.to_string());
            }
            _ => {}
        }
    }

    fn answer(&self, message: Message) {
        let part = part(&message).unwrap_or(Part::WHOLE);
        self.sorting().answer(part, message.payload);
    }

    fn letter(&self, message: Message) {
        let headers = message.headers.as_ref();
        let reason = headers.and_then(|headers| headers.get(REASON_HEADER));
        let reason = reason.map_or("", |reason| reason.as_str());
        self.sorting().dead(&message.payload, reason);
    }

    /// The ticket stands behind so many characters of the subject.
    fn word(&self, prefix: usize, message: Message) {
        let ticket = message.subject.as_str().get(prefix..);
        let Some(ticket) = ticket.and_then(|ticket| ticket.parse().ok()).map(Ticket) else {
            return;
        };
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            self.sorting().finish(ticket, Heard::not_kept());
        } else {
            self.sorting().word(ticket, &message.payload);
        }
    }
}

/// Which part of an answer a message has, if it is one of several.
fn part(message: &Message) -> Option<Part> {
    let headers = message.headers.as_ref()?;
    let (number, of) = headers.get(PART_HEADER)?.as_str().split_once('/')?;
    Some(Part {
        sequence: headers.get(SEQUENCE_HEADER)?.as_str().parse().ok()?,
        number: number.parse().ok()?,
        of: of.parse().ok()?,
    })
}
