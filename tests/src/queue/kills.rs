//! Server and broker killed under load, and what must hold afterwards.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{House, Post, earn, post::enrol, until};

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Jifen.
    Server,
    /// NATS.
    Broker,
    /// Both at once.
    Both,
    /// NATS, which comes back only after so long.
    BrokerFor(Duration),
}

/// What was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survived {
    /// Commands that the broker said it has.
    pub commands: usize,
    /// Answers that said that something had been answered before.
    pub replayed: usize,
    /// Messages that were posted again, since nobody knew whether the broker had them.
    pub reposted: u64,
}

/// Members who earn.
const MEMBERS: u64 = 50;
/// How many messages wait for the broker's word at once.
const POSTERS: u64 = 16;
/// How many answers there must be between two kills.
const ANSWERS_BETWEEN: u64 = 100;

/// Posts commands without a pause, kills somebody so many times in the middle of it, and checks at the end that of all that
/// the broker had nothing was lost, done twice, or looked at out of turn. `done` hears of every kill.
///
/// # Panics
///
/// If something was.
pub async fn rounds(house: &mut House, kills: &[Who], seed: u64, done: &dyn Fn()) -> Survived {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let members: Vec<Value> = (0..MEMBERS).map(|n| enrol("enrol", &member(n))).collect();
    house.commands(&Value::from(members));
    let load = Load::begin(&house.broker.url());
    let reader = house.operator().await;
    for &who in kills {
        let wanted = load.posted() + rng.random_range(ANSWERS_BETWEEN..3 * ANSWERS_BETWEEN);
        until("answers come", async || answered(&reader).await >= wanted).await;
        kill(house, who).await;
        done();
    }
    let wanted = load.posted() + ANSWERS_BETWEEN;
    until("answers come", async || answered(&reader).await >= wanted).await;
    let mut survived = load.end().await;
    house.idle().await;
    survived.replayed = check(house, &reader, &mut survived).await;
    survived
}

async fn kill(house: &mut House, who: Who) {
    match who {
        Who::Server => {
            house.kill_server();
            house.start_server();
        }
        Who::Broker => {
            house.broker.kill();
            house.broker.start_again();
        }
        Who::BrokerFor(time) => {
            house.broker.kill();
            let _ = timeout(time, pending::<()>()).await;
            house.broker.start_again();
        }
        Who::Both => {
            house.broker.kill();
            house.kill_server();
            // It serves without its broker too.
            house.start_server();
            house.broker.start_again();
        }
    }
}

/// How many messages have been answered.
async fn answered(post: &Post) -> u64 {
    let stream = post.js().get_stream("JIFEN_RESULTS").await;
    stream.map_or(0, |stream| stream.cached_info().state.messages)
}

fn member(number: u64) -> String {
    format!("m-{number}")
}

/// What one poster posts as its `number`th message: a command, or some at once, for members of its own, so that the order
/// of each member's commands is known.
fn message(poster: u64, number: u64) -> Vec<Value> {
    let mine = (poster..MEMBERS).step_by(POSTERS as usize);
    let mine: Vec<u64> = mine.collect();
    let at_once = if number.is_multiple_of(4) { 5 } else { 1 };
    let command = |part: u64| {
        let whose = mine[((number + part) % mine.len() as u64) as usize];
        earn(&format!("{poster}-{number}-{part}"), &member(whose), 1)
    };
    (0..at_once).map(command).collect()
}

/// Posters at work.
struct Load {
    posted: Arc<AtomicU64>,
    reposted: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    posters: Vec<tokio::task::JoinHandle<usize>>,
}

impl Load {
    fn begin(url: &str) -> Self {
        let mut load = Self {
            posted: Arc::default(),
            reposted: Arc::default(),
            stop: Arc::default(),
            posters: Vec::new(),
        };
        for poster in 0..POSTERS {
            let (posted, reposted) = (Arc::clone(&load.posted), Arc::clone(&load.reposted));
            let (stop, url) = (Arc::clone(&load.stop), url.to_owned());
            load.posters.push(tokio::spawn(async move {
                let post = Post::new(&url, "operator").await;
                let mut commands = 0;
                for number in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let message = message(poster, number);
                    commands += message.len();
                    let body = match &message[..] {
                        [one] => one.to_string(),
                        many => json!(many).to_string(),
                    };
                    while post.try_post(body.clone()).await.is_err() {
                        reposted.fetch_add(1, Ordering::Relaxed);
                    }
                    posted.fetch_add(1, Ordering::Relaxed);
                }
                commands
            }));
        }
        load
    }

    fn posted(&self) -> u64 {
        self.posted.load(Ordering::Relaxed)
    }

    async fn end(self) -> Survived {
        self.stop.store(true, Ordering::Relaxed);
        let mut survived = Survived::default();
        for poster in self.posters {
            survived.commands += poster.await.unwrap();
        }
        survived.reposted = self.reposted.load(Ordering::Relaxed);
        survived
    }
}

/// Checks that every command was answered and done once, in the order in which its poster posted. Tells how many answers
/// were given again.
async fn check(house: &House, reader: &Post, survived: &mut Survived) -> usize {
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    let mut replayed = 0;
    for heard in reader.results().await {
        let answers = match heard.body {
            Value::Array(answers) => answers,
            one => vec![one],
        };
        for answer in answers {
            assert_eq!(answer["status"], "accepted", "{answer}");
            replayed += usize::from(answer["replayed"] == true);
            let id = answer["id"].as_str().unwrap().to_owned();
            let offset = answer["offset"].as_str().unwrap().to_owned();
            let known = places.entry(id).or_insert_with(|| offset.clone());
            assert_eq!(*known, offset, "done twice: {answer}");
        }
    }
    assert_eq!(places.len(), survived.commands, "some were lost");
    let mut points: BTreeMap<String, u64> = BTreeMap::new();
    for poster in 0..POSTERS {
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        for number in 0.. {
            let message = message(poster, number);
            if !places.contains_key(message[0]["id"].as_str().unwrap()) {
                break;
            }
            for command in message {
                let offset = &places[command["id"].as_str().unwrap()];
                let sequence: u64 = offset.split_once(':').unwrap().1.parse().unwrap();
                let member = command["member"].as_str().unwrap().to_owned();
                let before = last.insert(member.clone(), sequence);
                assert!(before < Some(sequence), "out of turn: {command}");
                *points.entry(member).or_default() += 1;
            }
        }
    }
    for (member, points) in points {
        assert_eq!(house.available(&member), points, "{member}");
    }
    replayed
}
