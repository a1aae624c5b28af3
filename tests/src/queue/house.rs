//! A broker and a server together, each of which may be killed.

use std::{
    fmt::Display,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

use super::Post;
use crate::{
    nats::Broker,
    server::{KEY, Server},
};

/// How long to wait for what has to come.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A server with a merchant `shop`, and the broker whose commands it takes.
pub struct House {
    /// The broker.
    pub broker: Broker,
    /// The server; `None` while it is killed.
    pub server: Option<Server>,
    work: TempDir,
    arguments: Vec<String>,
    slower: Duration,
}

impl House {
    /// A new one.
    ///
    /// # Panics
    ///
    /// If one of both does not start.
    #[must_use]
    pub fn open(arguments: &[&str]) -> Self {
        Self::open_slowed(arguments, Duration::ZERO)
    }

    /// The same, with every sync of the server's files taking so much longer.
    ///
    /// # Panics
    ///
    /// If one of both does not start.
    #[must_use]
    pub fn open_slowed(arguments: &[&str], slower: Duration) -> Self {
        let work = tempfile::tempdir().unwrap();
        let broker = Broker::start(work.path());
        Self::open_at(work, broker, arguments, slower)
    }

    /// The same with a broker of the caller's, and where the server's data is to be.
    ///
    /// # Panics
    ///
    /// If the server does not start.
    #[must_use]
    pub fn open_at(work: TempDir, broker: Broker, arguments: &[&str], slower: Duration) -> Self {
        let mut arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        arguments.extend(["--mq".to_owned(), broker.url()]);
        let mut house = Self {
            broker,
            server: None,
            work,
            arguments,
            slower,
        };
        house.start_server();
        house.put("/v1/merchants/shop", "shop", &json!({ "name": "Shop" }));
        house
    }

    /// Where the server keeps its data.
    #[must_use]
    pub fn data(&self) -> std::path::PathBuf {
        self.work.path().join("data")
    }

    /// Starts the server, which must not run.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_server(&mut self) {
        assert!(self.server.is_none(), "it runs");
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let started = if self.slower.is_zero() {
            Server::start_with(&self.data(), &arguments)
        } else {
            Server::start_slowed(&self.data(), &arguments, self.slower)
        };
        self.server = Some(started.unwrap_or_else(|ended| panic!("{}", ended.stderr)));
    }

    /// Ends the server as a crash would; answers its log.
    ///
    /// # Panics
    ///
    /// If it does not run.
    pub fn kill_server(&mut self) -> String {
        self.server.take().unwrap().killed()
    }

    /// Somebody who posts as the operator.
    ///
    /// # Panics
    ///
    /// If the broker is away.
    pub async fn operator(&self) -> Post {
        Post::new(&self.broker.url(), "operator").await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.as_ref().unwrap().url())
    }

    /// Looks at something over HTTP.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        let text = self.text(path);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn text(&self, path: &str) -> String {
        let request = agent().get(self.url(path));
        let answer = request.header("authorization", bearer()).call();
        answer.unwrap().body_mut().read_to_string().unwrap()
    }

    /// Puts something over HTTP.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn put(&self, path: &str, id: &str, body: &Value) -> Value {
        let request = agent().put(self.url(path));
        let request = request
            .header("authorization", bearer())
            .header("content-type", "application/json")
            .header("idempotency-key", id);
        let mut answer = request.send(body.to_string()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Has commands decided over HTTP.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn commands(&self, commands: &Value) -> Vec<Value> {
        commands_at(&self.url("/v1/commands"), commands)
    }

    /// Where commands are sent over HTTP.
    #[must_use]
    pub fn commands_url(&self) -> String {
        self.url("/v1/commands")
    }

    /// What a member has to spend.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    #[must_use]
    pub fn available(&self, member: &str) -> u64 {
        let member = self.get(&format!("/v1/members/{member}"));
        member["balances"][0]["available"].as_u64().unwrap_or(0)
    }

    /// A metric without labels.
    ///
    /// # Panics
    ///
    /// If there is no such metric.
    #[must_use]
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.text("/metrics");
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.unwrap_or_else(|| panic!("no {name} in {text}"));
        value.split(' ').next().unwrap().parse().unwrap()
    }

    /// A metric with labels, over all of them.
    ///
    /// # Panics
    ///
    /// If it is no number.
    #[must_use]
    pub fn sum(&self, name: &str) -> f64 {
        let text = self.text("/metrics");
        let values = text.lines().filter_map(|line| {
            let (_, value) = line
                .strip_prefix(name)?
                .strip_prefix('{')?
                .split_once("} ")?;
            value.split(' ').next()?.parse::<f64>().ok()
        });
        values.sum()
    }

    /// Waits until the server has nothing left to do in the queue.
    ///
    /// # Panics
    ///
    /// If that takes too long.
    pub async fn idle(&self) {
        let post = self.operator().await;
        until("everything is done", async || {
            let stream = post.js().get_stream("JIFEN_COMMANDS").await;
            stream.is_ok_and(|stream| stream.cached_info().state.messages == 0)
        })
        .await;
    }

    /// The directory of everything.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.work.path()
    }
}

pub(super) fn commands_at(url: &str, commands: &Value) -> Vec<Value> {
    let request = agent().post(url).header("authorization", bearer());
    let request = request.header("content-type", "application/json");
    let mut answer = request.send(commands.to_string()).unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn agent() -> Agent {
    let config = Agent::config_builder().http_status_as_error(false);
    config.timeout_global(Some(PATIENCE)).build().into()
}

fn bearer() -> String {
    format!("Bearer {KEY}")
}

/// Looks again and again until something is so.
///
/// # Panics
///
/// If that takes too long.
pub async fn until(what: impl Display, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        looks.tick().await;
        if is_so().await {
            return;
        }
        assert!(Instant::now() < deadline, "never: {what}");
    }
}
