//! Members who give each other points, and a server that is killed under them.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{
    alone,
    caller::{Answer, Caller},
    crowd::{Heard, ask_again, press},
    member, prepare, purse, still_known,
};
use crate::server::Server;

/// What every member begins with: little enough that some have nothing to give at times.
const FUNDS: u64 = 300;
/// The most points of one transfer.
const MOST: u64 = 100;

/// How much is transferred.
#[derive(Clone, Copy, Debug)]
pub struct Transfers {
    /// How many transfers.
    pub transfers: u32,
    /// Among how many members.
    pub members: u32,
    /// How many at the same time.
    pub connections: usize,
    /// How many times the server is killed.
    pub kills: u32,
    /// What chance starts from.
    pub seed: u64,
}

/// What became of transfers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moved {
    /// How many were accepted.
    pub accepted: usize,
    /// How many were refused for want of points.
    pub refused: usize,
    /// Kills that happened.
    pub kills: u32,
    /// Requests that a kill came into.
    pub unknown: usize,
    /// How long transfers were sent, without starts and checks.
    pub sending: Duration,
}

/// Lets members give each other points, kills the server now and then, and checks after each start that what was answered
/// is still so, that every other transfer ends in an answer, and that everybody has what the answers say. Leaves the server
/// running. `done` hears how many more transfers have been answered.
///
/// # Panics
///
/// If not.
#[must_use]
pub fn transfers(data: &Path, wanted: &Transfers, done: &dyn Fn(u64)) -> (Server, Moved) {
    let mut rng = ChaCha8Rng::seed_from_u64(wanted.seed);
    let mut server = Server::start(data).unwrap();
    prepare(&Caller::new(server.url()), wanted.members, FUNDS);
    let mut books = Books(vec![FUNDS; wanted.members as usize]);
    let draw = |number| books.draw(&mut rng, number);
    let mut gifts: Vec<Value> = (0..wanted.transfers).map(draw).collect();
    let mut moved = Moved::default();
    while !gifts.is_empty() {
        let most = gifts.len() / (wanted.kills - moved.kills + 1) as usize;
        let kill_after = (moved.kills < wanted.kills).then(|| rng.random_range(1..=most.max(1)));
        let begun = Instant::now();
        let (running, heard) = press(server, &gifts, wanted.connections, kill_after);
        moved.sending += begun.elapsed();
        let Heard {
            mut answered,
            unknown,
            left,
        } = heard;
        gifts = left;
        server = match running {
            Some(server) => {
                assert!(
                    unknown.is_empty(),
                    "not answered, and nobody killed it: {unknown:?}"
                );
                server
            }
            None => {
                moved.kills += 1;
                moved.unknown += unknown.len();
                let server = Server::start(data).unwrap();
                still_known(&server, &answered);
                answered.extend(ask_again(&server, unknown));
                server
            }
        };
        moved.enter(&answered, &mut books);
        still_known(&server, &answered);
        books.compare(&server);
        done(answered.len() as u64);
    }
    (server, moved)
}

impl Moved {
    fn enter(&mut self, answered: &[(Value, Answer)], books: &mut Books) {
        let mut net = vec![0_i64; books.0.len()];
        for (gift, answer) in answered {
            if !answer.is_accepted() {
                let refusal = (answer.status, answer.code());
                assert_eq!(refusal, (422, "insufficient_points"), "{gift}");
                self.refused += 1;
                continue;
            }
            self.accepted += 1;
            let points = gift["points"].as_i64().unwrap();
            net[number(gift, "member")] -= points;
            net[number(gift, "to")] += points;
        }
        for (has, net) in books.0.iter_mut().zip(net) {
            *has = has
                .checked_add_signed(net)
                .expect("nobody gives more than they have");
        }
    }
}

/// What every member has, by number.
struct Books(Vec<u64>);

impl Books {
    /// A gift from somebody to somebody else.
    fn draw(&self, rng: &mut ChaCha8Rng, gift: u32) -> Value {
        let members = u32::try_from(self.0.len()).unwrap();
        let from = rng.random_range(0..members);
        let to = (from + rng.random_range(1..members)) % members;
        let points = rng.random_range(1..=MOST);
        let gift_fields = json!({ "member": member(from), "to": member(to), "points": points });
        alone(gift_fields, "transfer", &format!("gift-{gift}"))
    }

    /// Nobody has more or less, so there is nothing half done and the total is what it was.
    fn compare(&self, server: &Server) {
        let caller = Caller::new(server.url());
        for (number, has) in (0..).zip(&self.0) {
            let name = member(number);
            assert_eq!(purse(&caller, &name), (*has, 0), "{name}");
        }
        assert_eq!(self.0.iter().sum::<u64>(), FUNDS * self.0.len() as u64);
    }
}

/// The number of the member whom a field of a gift names.
fn number(gift: &Value, field: &str) -> usize {
    let name = gift[field].as_str().unwrap();
    name.trim_start_matches("m-").parse().unwrap()
}
