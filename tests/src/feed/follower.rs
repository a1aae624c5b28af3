//! A stream of server-sent events, read line by line.

use std::{
    io::{BufRead, BufReader, Read},
    time::Duration,
};

use serde_json::Value;
use ureq::Agent;

use crate::server::KEY;

/// How long a stream is read at most: no test waits for longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A client that follows a feed.
pub struct Follower {
    lines: BufReader<Box<dyn Read + Send>>,
    /// The last id that came.
    pub last: Option<String>,
}

/// Something that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it is to go on from.
    pub id: Option<String>,
    /// What sort of thing it is, if it is no event of the feed.
    pub event: Option<String>,
    /// What was sent.
    pub data: Value,
}

impl Told {
    /// The kind of an event.
    #[must_use]
    pub fn kind(&self) -> &str {
        let kind = self.data["type"].as_str().unwrap_or_default();
        kind.strip_prefix("jifen.").unwrap_or(kind)
    }

    /// Where an event is recorded: shard and sequence.
    ///
    /// # Panics
    ///
    /// If it is no event.
    #[must_use]
    pub fn place(&self) -> (u64, u64) {
        let id = self.data["id"].as_str().unwrap();
        let (shard, seq) = id.split_once(':').unwrap();
        (shard.parse().unwrap(), seq.parse().unwrap())
    }
}

impl Follower {
    /// Begins to read a path of a server, behind what the client has. `None` if the server is not there.
    #[must_use]
    pub fn open(url: &str, path: &str, last: Option<&str>) -> Option<Self> {
        let config = Agent::config_builder().timeout_global(Some(PATIENCE));
        let agent: Agent = config.build().into();
        let mut request = agent
            .get(format!("{url}{path}"))
            .header("authorization", format!("Bearer {KEY}"))
            .header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let body = request.call().ok()?.into_body().into_reader();
        Some(Self {
            lines: BufReader::with_capacity(64 << 10, Box::new(body)),
            last: last.map(str::to_owned),
        })
    }

    /// Tells of every event that comes, without looking into it, for as long as more are wanted and the stream goes on.
    pub fn count_while(mut self, mut more: impl FnMut() -> bool) {
        let mut line = Vec::new();
        while self
            .lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|bytes| bytes > 0)
        {
            if line.starts_with(b"data: ") && !more() {
                return;
            }
            line.clear();
        }
    }
}

/// What is sent, until the stream ends or breaks off. What came only in part is left out.
impl Iterator for Follower {
    type Item = Told;

    fn next(&mut self) -> Option<Told> {
        let (mut id, mut event, mut data) = (None, None, None);
        loop {
            let mut line = String::new();
            // What breaks off ends as well as what ends: the client comes back either way.
            if self.lines.read_line(&mut line).ok()? == 0 || !line.ends_with('\n') {
                return None;
            }
            let line = line.trim_end_matches('\n');
            if let Some((field, value)) = line.split_once(": ") {
                match field {
                    "id" => id = Some(value.to_owned()),
                    "event" => event = Some(value.to_owned()),
                    "data" => data = serde_json::from_str(value).ok(),
                    _ => {}
                }
            } else if line.is_empty() {
                if id.is_some() {
                    self.last.clone_from(&id);
                }
                if let Some(data) = data.take() {
                    return Some(Told { id, event, data });
                }
            }
        }
    }
}
