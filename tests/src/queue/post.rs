//! Posting commands, and reading what became of them.

use std::{collections::BTreeMap, time::Duration};

use async_nats::{
    Client, ConnectOptions,
    jetstream::{
        self,
        consumer::{AckPolicy, DeliverPolicy, pull},
    },
};
use futures_util::StreamExt;
use jifen_adapters::mq::{DEAD, PART_HEADER, REASON_HEADER, RESULTS, SEQUENCE_HEADER};
use serde_json::{Value, json};
use tokio::time::timeout;

/// How long a read waits for the next message before it takes what there is for all there is.
const LULL: Duration = Duration::from_millis(200);

/// An answer or a dead letter.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Where its command stood in the stream.
    pub sequence: u64,
    /// The answer or answers; of a dead letter the body as it was posted.
    pub body: Value,
    /// The body as it came.
    pub text: Vec<u8>,
    /// Of a dead letter, why.
    pub reason: Option<Value>,
    /// Which part of how many, if it is one of several.
    pub part: Option<String>,
}

/// Somebody who posts commands.
#[derive(Clone)]
pub struct Post {
    client: Client,
    js: jetstream::Context,
    principal: String,
}

impl Post {
    /// A client of the broker that posts as a principal.
    ///
    /// # Panics
    ///
    /// If the broker does not let it in.
    pub async fn new(url: &str, principal: &str) -> Self {
        Self::with(url, principal, ConnectOptions::new()).await
    }

    /// The same, with a name and a password.
    ///
    /// # Panics
    ///
    /// If the broker does not let it in.
    pub async fn with(url: &str, principal: &str, options: ConnectOptions) -> Self {
        let options = options
            .connection_timeout(Duration::from_secs(30))
            .reconnect_delay_callback(|_| Duration::from_millis(20));
        let client = options.connect(url).await.unwrap();
        let js = jetstream::context::ContextBuilder::new()
            .timeout(Duration::from_secs(5))
            .ack_timeout(Duration::from_secs(5))
            .build(client.clone());
        Self {
            client,
            js,
            principal: principal.to_owned(),
        }
    }

    /// What it speaks with.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// What it asks JetStream with.
    #[must_use]
    pub const fn js(&self) -> &jetstream::Context {
        &self.js
    }

    /// The subject of its commands.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("jifen.commands.{}", self.principal)
    }

    /// Posts what may be a command; answers where it stands in the stream.
    ///
    /// # Errors
    ///
    /// If the broker does not say that it has it.
    pub async fn try_post(&self, body: impl Into<Vec<u8>>) -> Result<u64, String> {
        let sent = self.js.publish(self.subject(), body.into().into()).await;
        let kept = sent.map_err(|error| error.to_string())?.await;
        kept.map(|kept| kept.sequence)
            .map_err(|error| format!("{error:?}"))
    }

    /// The same for what must succeed.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub async fn post(&self, body: &Value) -> u64 {
        self.try_post(body.to_string()).await.unwrap()
    }

    /// Every answer that is there now, in the order of the stream.
    ///
    /// # Panics
    ///
    /// If the broker does not tell.
    pub async fn results(&self) -> Vec<Heard> {
        self.read(RESULTS, &format!("jifen.results.{}", self.principal))
            .await
    }

    /// Every dead letter that is there now, in the order of the stream.
    ///
    /// # Panics
    ///
    /// If the broker does not tell.
    pub async fn dead(&self) -> Vec<Heard> {
        self.read(DEAD, &format!("jifen.dead.{}", self.principal))
            .await
    }

    /// The last answer to each message.
    ///
    /// # Panics
    ///
    /// If the broker does not tell.
    pub async fn answers(&self) -> BTreeMap<u64, Value> {
        let heard = self.results().await.into_iter();
        heard.map(|heard| (heard.sequence, heard.body)).collect()
    }

    async fn read(&self, stream: &str, subject: &str) -> Vec<Heard> {
        let Ok(stream) = self.js.get_stream_no_info(stream).await else {
            return Vec::new();
        };
        let consumer = stream
            .create_consumer(pull::Config {
                name: Some(self.client.new_inbox().replace('.', "-")),
                deliver_policy: DeliverPolicy::All,
                ack_policy: AckPolicy::None,
                filter_subject: subject.to_owned(),
                inactive_threshold: Duration::from_secs(30),
                memory_storage: true,
                ..pull::Config::default()
            })
            .await;
        let consumer = consumer.unwrap();
        let mut heard = Vec::new();
        let mut left = consumer.cached_info().num_pending;
        let mut messages = consumer.messages().await.unwrap();
        while left > 0 {
            let Ok(Some(Ok(message))) = timeout(LULL * 10, messages.next()).await else {
                break;
            };
            left -= 1;
            let header = |name: &str| {
                let headers = message.headers.as_ref();
                headers.and_then(|headers| Some(headers.get(name)?.as_str().to_owned()))
            };
            heard.push(Heard {
                sequence: header(SEQUENCE_HEADER).unwrap().parse().unwrap(),
                body: serde_json::from_slice(&message.payload).unwrap_or(Value::Null),
                text: message.payload.to_vec(),
                reason: header(REASON_HEADER).map(|reason| serde_json::from_str(&reason).unwrap()),
                part: header(PART_HEADER),
            });
        }
        heard
    }
}

/// A command that enrols a member.
#[must_use]
pub fn enrol(id: &str, member: &str) -> Value {
    json!({ "id": id, "type": "enrol", "member": member })
}

/// A command that gives a member points of the merchant `shop`.
#[must_use]
pub fn earn(id: &str, member: &str, points: u64) -> Value {
    json!({ "id": id, "type": "earn", "member": member, "merchant": "shop", "points": points })
}
