//! One connection to the real server: a command goes to the endpoint of its kind, and the answer is kept with its status.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use ureq::{Agent, Body, http::Response};

use crate::{server::KEY, shopper::agent};

/// How long a request may be under way, or the server overloaded.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who speaks to a server.
pub struct Caller {
    agent: Agent,
    url: String,
}

/// What the server said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Whether `Idempotent-Replayed` says so.
    pub replayed: bool,
    /// The answer object, or the problem.
    pub body: Value,
}

impl Answer {
    /// The code of a refusal; empty if it is none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Whether what was asked for is done.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self.status, 200 | 201)
    }

    /// What the answer calls by this name, in words.
    ///
    /// # Panics
    ///
    /// If it calls nothing so.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        let text = self.body[name].as_str();
        text.unwrap_or_else(|| panic!("{name} in {self:?}"))
    }
}

impl Caller {
    /// Somebody who has not connected yet.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self {
            agent: agent(),
            url: url.to_owned(),
        }
    }

    /// Sends one command to the endpoint of its kind, again while it is told to wait. `None` if no answer came.
    ///
    /// # Panics
    ///
    /// If it has to wait for too long.
    #[must_use]
    pub fn say(&self, command: &Value) -> Option<Answer> {
        let (path, body) = endpoint(command);
        let id = command["id"].as_str().unwrap_or_default();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.post(&path, id, &body)?;
            match answer.code() {
                "request_in_flight" | "overloaded" => {}
                "outcome_unknown" | "unavailable" => return None,
                _ => return Some(answer),
            }
            assert!(Instant::now() < deadline, "{command} is still {answer:?}");
            thread::yield_now();
        }
    }

    /// Sends one command to a server that answers.
    ///
    /// # Panics
    ///
    /// If no answer comes.
    #[must_use]
    pub fn ask(&self, command: &Value) -> Answer {
        let answer = self.say(command);
        answer.unwrap_or_else(|| panic!("no answer to {command}"))
    }

    /// Sends a document.
    ///
    /// # Panics
    ///
    /// If no answer comes.
    #[must_use]
    pub fn put(&self, path: &str, id: &str, document: &Value) -> Answer {
        let put = self.agent.put(format!("{}{path}", self.url));
        let put = put
            .header("Authorization", format!("Bearer {KEY}"))
            .header("Idempotency-Key", id)
            .content_type("application/json");
        read(put.send(document.to_string())).expect("documents are put while nobody kills")
    }

    /// Puts more units of a SKU on sale, or takes some out.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    #[must_use]
    pub fn change_units(&self, sku: &str, change: &Value) -> Answer {
        let path = format!("/v1/stock/{sku}/units");
        self.post(&path, "change", change).expect("an answer")
    }

    /// Buys a merchant points to give out.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    #[must_use]
    pub fn buy_pack(&self, merchant: &str, pack: &Value) -> Answer {
        let path = format!("/v1/merchants/{merchant}/packs");
        self.post(&path, "pack", pack).expect("an answer")
    }

    /// Sends commands in one array.
    ///
    /// # Panics
    ///
    /// If it is not answered as a whole.
    #[must_use]
    pub fn array(&self, commands: &[Value]) -> Vec<Value> {
        let answer = self.post("/v1/commands", "", &json!(commands));
        match answer.map(|answer| answer.body) {
            Some(Value::Array(answers)) if answers.len() == commands.len() => answers,
            other => panic!("{other:?}"),
        }
    }

    /// Looks at something.
    ///
    /// # Panics
    ///
    /// If it is not there.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        let get = self.agent.get(format!("{}{path}", self.url));
        let answer = read(get.header("Authorization", format!("Bearer {KEY}")).call());
        match answer {
            Some(Answer {
                status: 200, body, ..
            }) => body,
            other => panic!("{path} is {other:?}"),
        }
    }

    fn post(&self, path: &str, id: &str, body: &Value) -> Option<Answer> {
        let mut post = self
            .agent
            .post(format!("{}{path}", self.url))
            .header("Authorization", format!("Bearer {KEY}"))
            .content_type("application/json");
        if !id.is_empty() {
            post = post.header("Idempotency-Key", id);
        }
        read(post.send(body.to_string()))
    }
}

/// Where a command is sent, and what is left to say there.
fn endpoint(command: &Value) -> (String, Value) {
    let text = |name: &str| command[name].as_str().unwrap_or_default();
    let mut body = command.clone();
    let fields = body.as_object_mut().expect("commands are objects");
    fields.remove("id");
    fields.remove("type");
    let path = match text("type") {
        "reserve" => "/v1/reservations".to_owned(),
        "transfer" => "/v1/transfers".to_owned(),
        "earn" => "/v1/earns".to_owned(),
        kind @ ("confirm" | "cancel") => {
            fields.remove("reservation");
            format!("/v1/reservations/{}/{kind}", text("reservation"))
        }
        "use_code" => {
            fields.remove("code");
            format!("/v1/codes/{}/use", text("code"))
        }
        other => panic!("nobody here sends {other} alone"),
    };
    (path, body)
}

fn read(answer: Result<Response<Body>, ureq::Error>) -> Option<Answer> {
    let mut answer = answer.ok()?;
    let replayed = answer.headers().contains_key("Idempotent-Replayed");
    let body = answer
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_to_string();
    Some(Answer {
        status: answer.status().as_u16(),
        replayed,
        body: serde_json::from_str(&body.ok()?).ok()?,
    })
}
