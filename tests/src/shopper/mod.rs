//! A client of the real server: sends commands over HTTP, keeps its own books, and believes nothing.
//!
//! Its members are its own, so it knows what every answer must be.

mod books;

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use ureq::{Agent, Body, http::Response};

use self::books::{Books, Member};
use crate::server::KEY;

/// How many members a shopper has.
const MEMBERS: usize = 8;
/// The most commands in one batch.
const BATCH_MAX: usize = 60;
/// How often a call has a single command.
const SINGLES: f64 = 0.7;
/// How often a call makes a merchant known instead.
const NEW_SHOPS: f64 = 0.02;
/// Commands in one batch when everything is asked again.
const AGAIN: usize = 5_000;

/// What can happen to a call that is not an answer.
#[derive(Debug)]
pub enum Failed {
    /// No answer came, or one that says that nobody knows: the server may have done it or not.
    Unknown,
    /// An answer that must not be.
    Wrong(String),
}

/// A command as it stands in a batch, with the answer that was heard.
pub type Acknowledged = (Value, Value);

/// A client with members of its own.
pub struct Shopper {
    name: String,
    agent: Agent,
    rng: ChaCha8Rng,
    ids: u64,
    books: Books,
    /// Batches of which nobody knows what became of them, in the order of sending.
    unknown: Vec<Vec<Value>>,
    acknowledged: Vec<Acknowledged>,
    /// How many of these were found again after a crash.
    found_again: usize,
    /// What is attached to every command, if anything.
    note: Option<String>,
    /// The share of calls with a single command.
    singles: f64,
}

impl Shopper {
    /// A shopper that has not said anything yet.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self {
            name: format!("s{number}"),
            agent: agent(),
            rng: ChaCha8Rng::seed_from_u64(number),
            ids: 0,
            books: Books::default(),
            unknown: Vec::new(),
            acknowledged: Vec::new(),
            found_again: 0,
            note: None,
            singles: SINGLES,
        }
    }

    /// The same shopper with a note of so many bytes on every command.
    #[must_use]
    pub fn noting(mut self, bytes: usize) -> Self {
        self.note = Some("x".repeat(bytes));
        self
    }

    /// The same shopper with nothing but batches.
    #[must_use]
    pub fn in_bulk(mut self) -> Self {
        self.singles = 0.0;
        self
    }

    /// Makes merchants and members known.
    ///
    /// # Errors
    ///
    /// If the server does not do as it should.
    pub fn begin(&mut self, url: &str) -> Result<(), Failed> {
        for merchant in ["M1", "M2"] {
            self.open_shop(url, merchant)?;
        }
        let names: Vec<String> = (0..MEMBERS)
            .map(|number| format!("{}-m{number}", self.name))
            .collect();
        let enrol = |name: &String| json!({"type": "enrol", "id": "enrol", "member": name});
        let batch: Vec<Value> = names.iter().map(enrol).collect();
        self.books.0 = names
            .into_iter()
            .map(|name| (name, Member::default()))
            .collect();
        self.send(url, batch)
    }

    /// Sends one command or one batch, and hears the answers. Tells how many.
    ///
    /// # Errors
    ///
    /// If no answer came, or one that must not be.
    pub fn shop(&mut self, url: &str) -> Result<usize, Failed> {
        if self.rng.random_bool(NEW_SHOPS) {
            self.ids += 1;
            let merchant = format!("{}-shop-{}", self.name, self.ids);
            return self.open_shop(url, &merchant).map(|()| 1);
        }
        let single = self.rng.random_bool(self.singles);
        let count = if single {
            1
        } else {
            self.rng.random_range(2..=BATCH_MAX)
        };
        let batch: Vec<Value> = (0..count).map(|_| self.command()).collect();
        if single {
            self.send_single(url, batch)?;
        } else {
            self.send(url, batch)?;
        }
        Ok(count)
    }

    /// Sends again what nobody knows of; each command gets one answer now.
    ///
    /// # Errors
    ///
    /// If one does not.
    pub fn ask_again(&mut self, url: &str) -> Result<usize, Failed> {
        let batches = std::mem::take(&mut self.unknown);
        let count = batches.iter().map(Vec::len).sum();
        for batch in batches {
            self.send(url, batch)?;
        }
        Ok(count)
    }

    /// Sends again what was answered since the last time, or everything; the answers must be the same.
    ///
    /// # Errors
    ///
    /// With the first that is not.
    pub fn find_again(&mut self, url: &str, everything: bool) -> Result<usize, Failed> {
        let from = if everything { 0 } else { self.found_again };
        let answered: Vec<&Acknowledged> = self.acknowledged[from..].iter().collect();
        find_again(&self.agent, url, &answered)?;
        let count = self.acknowledged.len() - from;
        self.found_again = self.acknowledged.len();
        Ok(count)
    }

    /// Reads members and holds, and compares them with the books.
    ///
    /// # Errors
    ///
    /// With the first difference.
    pub fn compare_books(&self, url: &str) -> Result<(), Failed> {
        for (name, member) in &self.books.0 {
            let seen = self.get(url, &format!("/v1/members/{name}"))?;
            let balance = &seen["balances"][0];
            let found = (balance["available"].as_u64(), balance["held"].as_u64());
            let nothing = member.available + member.held() == 0 && seen["balances"] == json!([]);
            if found != (Some(member.available), Some(member.held())) && !nothing {
                return Err(Failed::Wrong(format!(
                    "{name} is {seen}, the books say {member:?}"
                )));
            }
            for (hold, book) in &member.holds {
                let seen = self.get(url, &format!("/v1/holds/{hold}"))?;
                let state = book.ended.unwrap_or("open");
                let found = (
                    seen["state"].as_str(),
                    seen["captured"].as_u64(),
                    seen["points"].as_u64(),
                );
                if found != (Some(state), Some(book.captured), Some(book.points)) {
                    return Err(Failed::Wrong(format!(
                        "{hold} is {seen}, the books say {book:?}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Every command with the answer that was heard.
    #[must_use]
    pub fn acknowledged(&self) -> &[Acknowledged] {
        &self.acknowledged
    }

    /// How many answers were heard.
    #[must_use]
    pub const fn heard(&self) -> usize {
        self.acknowledged.len()
    }

    /// Makes a merchant known. No book is kept of it: to say it again changes nothing.
    fn open_shop(&mut self, url: &str, merchant: &str) -> Result<(), Failed> {
        let (id, name) = (format!("{}-{merchant}", self.name), "A shop");
        let put = self.agent.put(format!("{url}/v1/merchants/{merchant}"));
        let put = put.header("Idempotency-Key", &id);
        let put = put.header("Authorization", format!("Bearer {KEY}"));
        let body = json!({ "name": name }).to_string();
        let answer = read(put.content_type("application/json").send(body))?;
        let command = json!({"type": "put_merchant", "id": id, "merchant": merchant, "name": name});
        self.acknowledged.push((command, answer));
        Ok(())
    }

    fn command(&mut self) -> Value {
        let mut command = self.plain_command();
        if let Some(note) = &self.note {
            command["metadata"] = json!({ "note": note });
        }
        command
    }

    fn plain_command(&mut self) -> Value {
        self.ids += 1;
        let id = format!("{}-{}", self.name, self.ids);
        let names: Vec<&String> = self.books.0.keys().collect();
        let name = (*names.choose(&mut self.rng).expect("it has members")).clone();
        let member = &self.books.0[&name];
        let holds: Vec<&String> = member.holds.keys().collect();
        // Mostly the newest ones, which are open.
        let newest = &holds[holds.len().saturating_sub(4)..];
        let hold = newest.choose(&mut self.rng).map(|hold| (*hold).clone());
        // Any of them, also one of long ago and one that was given back.
        let spends: Vec<&String> = member.spends.keys().collect();
        let spend = spends.choose(&mut self.rng).map(|spend| (*spend).clone());
        let points = self.rng.random_range(1..=100);
        let merchant = if self.rng.random_bool(0.5) {
            "M1"
        } else {
            "M2"
        };
        let of_member = |kind: &str| json!({"type": kind, "id": id, "member": name, "merchant": merchant, "points": points});
        match (self.rng.random_range(0..100), hold, spend) {
            (0..40, _, _) => of_member("earn"),
            (40..50, _, Some(spend)) => {
                json!({"type": "reverse", "id": id, "transaction": spend})
            }
            (40..60, _, _) => of_member("redeem"),
            (60..75, _, _) | (_, None, _) => {
                let mut hold = of_member("hold");
                hold["ttl_seconds"] = json!(86_400);
                hold
            }
            (75..90, Some(hold), _) => {
                let last = self.rng.random_bool(0.6);
                json!({"type": "capture", "id": id, "hold": hold, "points": points, "final": last})
            }
            (_, Some(hold), _) => json!({"type": "release", "id": id, "hold": hold}),
        }
    }

    /// Sends a batch. If its outcome is not known, it is kept to be sent again.
    fn send(&mut self, url: &str, batch: Vec<Value>) -> Result<(), Failed> {
        let answers = self.post(url, "/v1/commands", None, &json!(batch));
        self.hear(batch, answers)
    }

    fn send_single(&mut self, url: &str, batch: Vec<Value>) -> Result<(), Failed> {
        let mut fields = batch[0].clone();
        let all = fields.as_object_mut().expect("commands are objects");
        let take = |all: &mut serde_json::Map<String, Value>, key| {
            all.remove(key)
                .and_then(|value| value.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        let (kind, id, hold) = (take(all, "type"), take(all, "id"), take(all, "hold"));
        let path = match kind.as_str() {
            "earn" => "/v1/earns".to_owned(),
            "redeem" => "/v1/redemptions".to_owned(),
            "hold" => "/v1/holds".to_owned(),
            "reverse" => "/v1/reversals".to_owned(),
            kind => format!("/v1/holds/{hold}/{kind}"),
        };
        let answer = self.post(url, &path, Some(&id), &fields);
        self.hear(batch, answer.map(|answer| json!([answer])))
    }

    fn hear(&mut self, batch: Vec<Value>, answers: Result<Value, Failed>) -> Result<(), Failed> {
        let answers = match answers {
            Ok(Value::Array(answers)) if !answers.iter().any(is_unknown) => answers,
            Ok(_) | Err(Failed::Unknown) => {
                self.unknown.push(batch);
                return Err(Failed::Unknown);
            }
            Err(wrong) => return Err(wrong),
        };
        if answers.len() != batch.len() {
            return Err(Failed::Wrong(format!(
                "{} answers to {} commands",
                answers.len(),
                batch.len()
            )));
        }
        for (command, answer) in batch.into_iter().zip(answers) {
            self.books.enter(&command, &answer).map_err(Failed::Wrong)?;
            self.acknowledged.push((command, answer));
        }
        Ok(())
    }

    fn post(&self, url: &str, path: &str, id: Option<&str>, body: &Value) -> Result<Value, Failed> {
        post(&self.agent, url, path, id, body)
    }

    fn get(&self, url: &str, path: &str) -> Result<Value, Failed> {
        let get = self.agent.get(format!("{url}{path}"));
        read(get.header("Authorization", format!("Bearer {KEY}")).call())
    }
}

/// A client of HTTP that takes refusals for answers.
#[must_use]
pub fn agent() -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).build();
    Agent::new_with_config(config)
}

/// Sends again what was answered; the answers must be the same, and told as repeated.
///
/// # Errors
///
/// With the first that is not.
pub fn find_again(agent: &Agent, url: &str, answered: &[&Acknowledged]) -> Result<(), Failed> {
    for batch in answered.chunks(AGAIN) {
        let commands: Vec<&Value> = batch.iter().map(|(command, _)| command).collect();
        let answers = post(agent, url, "/v1/commands", None, &json!(commands))?;
        let answers = answers.as_array().ok_or(Failed::Unknown)?;
        for ((command, before), now) in batch.iter().zip(answers) {
            if now["replayed"] != true || told(now) != told(before) {
                let what = format!("{command} was told {before} and now {now}");
                return Err(Failed::Wrong(what));
            }
        }
    }
    Ok(())
}

fn post(
    agent: &Agent,
    url: &str,
    path: &str,
    id: Option<&str>,
    body: &Value,
) -> Result<Value, Failed> {
    let mut post = agent
        .post(format!("{url}{path}"))
        .header("Authorization", format!("Bearer {KEY}"))
        .content_type("application/json");
    if let Some(id) = id {
        post = post.header("Idempotency-Key", id);
    }
    read(post.send(body.to_string()))
}

/// Whether an answer says that nobody knows, or that nothing was done for now.
fn is_unknown(answer: &Value) -> bool {
    matches!(
        answer["code"].as_str(),
        Some("outcome_unknown" | "overloaded" | "unavailable")
    )
}

/// What must be the same in every answer to a request, over whichever door.
fn told(answer: &Value) -> [&Value; 14] {
    let keys = [
        "offset",
        "code",
        "reasons",
        "transaction",
        "hold",
        "reservation",
        "quantity",
        "points_held",
        "codes",
        "captured",
        "released",
        "restored",
        "lots",
        "expires_at",
    ];
    keys.map(|key| &answer[key])
}

fn read(answer: Result<Response<Body>, ureq::Error>) -> Result<Value, Failed> {
    let text = answer.and_then(|mut answer| {
        let body = answer.body_mut();
        body.with_config().limit(64 << 20).read_to_string()
    });
    let text = text.map_err(|_| Failed::Unknown)?;
    let answer: Value =
        serde_json::from_str(&text).map_err(|error| Failed::Wrong(format!("{error}: {text}")))?;
    if is_unknown(&answer) {
        Err(Failed::Unknown)
    } else {
        Ok(answer)
    }
}
