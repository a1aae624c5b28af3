//! A merchant that prepays, and a crowd that is given its points until none are left.

use std::path::Path;

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

/// Who gives out points that it bought.
const PREPAYS: &str = "club";

/// How it is to go.
#[derive(Clone, Copy, Debug)]
pub struct Prepaid {
    /// Who is given points, each once.
    pub members: u32,
    /// How many points are bought; fewer than the members are to be given.
    pub points: u64,
    /// How many connections give them.
    pub connections: usize,
    /// How often the server is killed.
    pub kills: u32,
    /// What everything at random follows from.
    pub seed: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct GivenOut {
    /// To how many members.
    pub given: usize,
    /// How many were refused.
    pub refused: usize,
    /// How many commands had no answer when the server was killed.
    pub unknown: usize,
    /// How often it was killed.
    pub kills: u32,
}

/// Gives everybody some points of what was bought, kills the server now and then, and checks that exactly what was bought is
/// given out, and that what was answered stays so. Leaves the server running.
///
/// # Panics
///
/// If not.
#[must_use]
pub fn prepaid(data: &Path, wanted: &Prepaid) -> (Server, GivenOut) {
    let mut rng = ChaCha8Rng::seed_from_u64(wanted.seed);
    let mut server = Server::start(data).unwrap();
    let caller = Caller::new(server.url());
    prepare(&caller, wanted.members, 1);
    let contract = json!({ "valid_from": "2020-01-01", "billing": "prepaid" });
    let document = json!({ "name": "Club", "contract": contract });
    let made = caller.put(&format!("/v1/merchants/{PREPAYS}"), "club", &document);
    assert!(made.is_accepted(), "{made:?}");
    let pack = json!({ "points": wanted.points, "price_fen": wanted.points });
    let bought = caller.buy_pack(PREPAYS, &pack);
    assert!(bought.is_accepted(), "{bought:?}");

    let mut earns: Vec<Value> = (0..wanted.members)
        .map(|number| earn(number, rng.random_range(1..10), "first"))
        .collect();
    let mut given = GivenOut::default();
    let mut accepted: Vec<(Value, Answer)> = Vec::new();
    let mut refused: Vec<Value> = Vec::new();
    let mut enter = |(command, answer): (Value, Answer)| {
        if answer.is_accepted() {
            accepted.push((command, answer));
            return;
        }
        assert_eq!(answer.code(), "pack_exhausted", "{command} {answer:?}");
        refused.push(command);
    };
    while !earns.is_empty() {
        let most = earns.len() / (wanted.kills.saturating_sub(given.kills) as usize + 1);
        let kill_after = (given.kills < wanted.kills).then(|| rng.random_range(1..=most.max(1)));
        let (running, heard) = press(server, &earns, wanted.connections, kill_after);
        let Heard {
            answered,
            unknown,
            left,
        } = heard;
        earns = left;
        answered.into_iter().for_each(&mut enter);
        server = running.unwrap_or_else(|| {
            given.kills += 1;
            Server::start(data).unwrap()
        });
        given.unknown += unknown.len();
        ask_again(&server, unknown).into_iter().for_each(&mut enter);
    }
    given.refused = refused.len();
    give_the_rest(&server, &refused, &mut accepted);
    given.given = accepted.len();
    still_known(&server, &accepted);
    check(&server, wanted, &accepted);
    (server, given)
}

/// Whoever was refused is given a point, as long as there are some.
fn give_the_rest(server: &Server, refused: &[Value], accepted: &mut Vec<(Value, Answer)>) {
    let caller = Caller::new(server.url());
    for (number, _) in (0..).zip(refused) {
        let one = earn(number, 1, "last");
        let answer = caller.ask(&one);
        if !answer.is_accepted() {
            assert_eq!(answer.code(), "pack_exhausted", "{answer:?}");
            return;
        }
        accepted.push((one, answer));
    }
    panic!("more was bought than wanted");
}

/// Members have what was bought, and nothing is left.
fn check(server: &Server, wanted: &Prepaid, accepted: &[(Value, Answer)]) {
    let points = |(command, _): &(Value, Answer)| command["points"].as_u64().unwrap();
    let given: u64 = accepted.iter().map(points).sum();
    assert_eq!(given, wanted.points, "given out of what was bought");
    let caller = Caller::new(server.url());
    let club = caller.get(&format!("/v1/merchants/{PREPAYS}"));
    let prepaid = &club["prepaid"][0];
    assert_eq!(
        (&prepaid["bought"], &prepaid["left"]),
        (&json!(wanted.points), &json!(0))
    );
    let have: u64 = (0..wanted.members)
        .map(|number| purse(&caller, &member(number)).0 - 1)
        .sum();
    assert_eq!(have, wanted.points, "members have what was bought");
}

fn earn(number: u32, points: u64, id: &str) -> Value {
    let earn = json!({ "member": member(number), "merchant": PREPAYS, "points": points });
    alone(earn, "earn", id)
}
