//! Commands in batches, and where their answers are recorded.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use ureq::Agent;

use crate::server::KEY;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where entries are recorded: shard and sequence.
pub type Places = BTreeSet<(u64, u64)>;

/// Somebody who has members earn, batch after batch.
pub struct Load {
    agent: Agent,
    name: String,
    members: usize,
    /// How many commands were answered.
    pub answered: usize,
    /// Where the answers are recorded.
    pub places: Places,
}

impl Load {
    /// With the merchant `shop` and so many members, who are called by this name.
    ///
    /// # Panics
    ///
    /// If the server does not do as it should.
    #[must_use]
    pub fn begin(url: &str, name: &str, members: usize) -> Self {
        let config = Agent::config_builder().http_status_as_error(false);
        let agent: Agent = config.timeout_global(Some(PATIENCE)).build().into();
        let mut load = Self {
            agent,
            name: name.to_owned(),
            members,
            answered: 0,
            places: Places::new(),
        };
        let shop = load
            .agent
            .put(format!("{url}/v1/merchants/shop"))
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/json")
            .header("idempotency-key", "shop");
        let mut answer = shop.send(r#"{"name":"Shop"}"#).unwrap();
        assert!(answer.status().is_success());
        let answer = answer.body_mut().read_to_string().unwrap();
        load.note(&serde_json::from_str(&answer).unwrap());
        let enrol = |n| json!({ "id": "enrol", "type": "enrol", "member": load.member(n) });
        let members: Vec<Value> = (0..load.members).map(enrol).collect();
        let enrolled = members.chunks(5_000).all(|some| load.post(url, some));
        assert!(enrolled, "the members are known");
        load
    }

    /// Has so many points earned, one by one. What was not answered is asked again with the next call; tells whether it was.
    pub fn earn(&mut self, url: &str, commands: usize) -> bool {
        let earn = |n| {
            json!({
                "id": format!("e-{n}"), "type": "earn", "member": self.member(n % self.members), "merchant": "shop", "points": 1,
            })
        };
        let first = self.answered;
        let batch: Vec<Value> = (first..first + commands).map(earn).collect();
        let done = self.post(url, &batch);
        if done {
            self.answered += commands;
        }
        done
    }

    /// The same until it is answered.
    ///
    /// # Panics
    ///
    /// If that takes too long.
    pub fn insist(&mut self, url: &str, commands: usize) {
        let deadline = Instant::now() + PATIENCE;
        while !self.earn(url, commands) {
            assert!(Instant::now() < deadline, "no answer");
        }
    }

    fn post(&mut self, url: &str, commands: &[Value]) -> bool {
        let request = self
            .agent
            .post(format!("{url}/v1/commands"))
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/json");
        let Ok(mut answer) = request.send(Value::from(commands).to_string()) else {
            return false;
        };
        let Ok(text) = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_string()
        else {
            return false;
        };
        let Ok(Value::Array(answers)) = serde_json::from_str(&text) else {
            return false;
        };
        answers.iter().for_each(|answer| self.note(answer));
        answers.iter().all(|answer| answer["offset"].is_string())
    }

    fn member(&self, number: usize) -> String {
        format!("{}-{number}", self.name)
    }

    fn note(&mut self, answer: &Value) {
        let place = answer["offset"]
            .as_str()
            .and_then(|offset| offset.split_once(':'));
        if let Some((shard, seq)) = place {
            self.places
                .insert((shard.parse().unwrap(), seq.parse().unwrap()));
        }
    }
}
