//! A crowd that wants one SKU, and a server that may be killed under it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{
    MERCHANT, alone,
    caller::{Answer, Caller},
    crowd::{Heard, ask_again, press},
    member, prepare, purse, still_known,
};
use crate::server::Server;

/// What everybody wants.
const SKU: &str = "console";
/// Points for one.
const PRICE: u64 = 30;
/// What everybody has.
const FUNDS: u64 = 100;
/// Longer than any of this takes.
const TTL_SECONDS: u32 = 86_400;
/// How many of those that were answered last before a kill ask again by themselves.
const SINGLY: usize = 20;

/// How big a sale is. Each member may have one unit and asks once.
#[derive(Clone, Copy, Debug)]
pub struct FlashSale {
    /// How many ask.
    pub members: u32,
    /// How many units there are.
    pub units: u64,
    /// How many ask at the same time.
    pub connections: usize,
    /// How many times the server is killed.
    pub kills: u32,
    /// What chance starts from.
    pub seed: u64,
}

/// What became of a sale.
#[derive(Clone, Debug, Default)]
pub struct Sold {
    /// Reservations by member.
    pub reserved: BTreeMap<String, String>,
    /// Those who were told that it is sold out.
    pub refused: Vec<String>,
    /// Kills that happened.
    pub kills: u32,
    /// Requests that a kill came into.
    pub unknown: usize,
    /// How long everybody asked, without starts and checks.
    pub asking: Duration,
}

/// Lets everybody ask for a unit, kills the server now and then, and checks after each start that what was answered is
/// still so, and at the end that exactly all units are reserved, none twice. Leaves the server running.
///
/// # Panics
///
/// If not.
#[must_use]
pub fn flash_sale(data: &Path, wanted: &FlashSale) -> (Server, Sold) {
    let mut rng = ChaCha8Rng::seed_from_u64(wanted.seed);
    let mut server = Server::start(data).unwrap();
    let caller = Caller::new(server.url());
    prepare(&caller, wanted.members, FUNDS);
    put(&caller, SKU, wanted.units, Some(1));
    let reserve = |number| reserve(&member(number), SKU, 1, "first");
    let mut wishes: Vec<Value> = (0..wanted.members).map(reserve).collect();
    let mut sold = Sold::default();
    let mut accepted: Vec<(Value, Answer)> = Vec::new();
    while !wishes.is_empty() {
        // Often while something is left to sell, and now and then when nothing is.
        let unsold = wanted.units.saturating_sub(sold.reserved.len() as u64);
        let most = match usize::try_from(unsold).unwrap() {
            0 => wishes.len() / (wanted.kills.saturating_sub(sold.kills) as usize + 1),
            unsold => unsold / 4,
        };
        let kill_after = (sold.kills < wanted.kills).then(|| rng.random_range(1..=most.max(1)));
        let begun = Instant::now();
        let (running, heard) = press(server, &wishes, wanted.connections, kill_after);
        sold.asking += begun.elapsed();
        let Heard {
            answered,
            unknown,
            left,
        } = heard;
        wishes = left;
        sold.enter(answered, &mut accepted);
        server = match running {
            Some(server) => {
                assert!(
                    unknown.is_empty(),
                    "not answered, and nobody killed it: {unknown:?}"
                );
                server
            }
            None => {
                sold.kills += 1;
                sold.unknown += unknown.len();
                let server = Server::start(data).unwrap();
                check_repeated(&server, &accepted);
                sold.enter(ask_again(&server, unknown), &mut accepted);
                server
            }
        };
    }
    still_known(&server, &accepted);
    check_rest(&server, wanted, &sold);
    (server, sold)
}

impl Sold {
    fn enter(&mut self, answered: Vec<(Value, Answer)>, accepted: &mut Vec<(Value, Answer)>) {
        for (command, answer) in answered {
            let name = command["member"].as_str().unwrap().to_owned();
            if !answer.is_accepted() {
                assert_eq!(
                    (answer.status, answer.code()),
                    (409, "sold_out"),
                    "{command}"
                );
                self.refused.push(name);
                continue;
            }
            assert_eq!(answer.body["quantity"], 1, "{answer:?}");
            assert_eq!(answer.body["points_held"], PRICE, "{answer:?}");
            let before = self
                .reserved
                .insert(name, answer.text("reservation").to_owned());
            assert_eq!(before, None, "{command} has one already");
            accepted.push((command, answer));
        }
    }
}

/// Nobody who was told yes is told anything else now: neither in an array nor alone.
fn check_repeated(server: &Server, accepted: &[(Value, Answer)]) {
    still_known(server, accepted);
    let caller = Caller::new(server.url());
    for (command, before) in accepted.iter().rev().take(SINGLY) {
        let now = caller.ask(command);
        assert_eq!((now.status, now.replayed), (200, true), "{now:?}");
        assert_eq!(now.text("reservation"), before.text("reservation"));
    }
}

/// All units are in the hands of different members, who have paid for exactly one.
fn check_rest(server: &Server, wanted: &FlashSale, sold: &Sold) {
    let expected = wanted.units.min(u64::from(wanted.members));
    assert_eq!(sold.reserved.len() as u64, expected, "reserved");
    assert_eq!(
        sold.reserved.len() + sold.refused.len(),
        wanted.members as usize
    );
    let different: BTreeSet<&String> = sold.reserved.values().collect();
    assert_eq!(
        different.len(),
        sold.reserved.len(),
        "a reservation of two members"
    );
    let caller = Caller::new(server.url());
    let stock = Stock::of(&caller, SKU);
    assert_eq!(stock, Stock::new("sold_out", wanted.units, expected, 0));
    for number in 0..wanted.members {
        let name = member(number);
        let held = if sold.reserved.contains_key(&name) {
            PRICE
        } else {
            0
        };
        assert_eq!(purse(&caller, &name), (FUNDS - held, held), "{name}");
    }
}

/// Puts a SKU on sale at the price of this crowd.
///
/// # Panics
///
/// If that is not accepted.
pub fn put(caller: &Caller, sku: &str, units: u64, per_member_limit: Option<u64>) {
    let mut document = json!({
        "units": units,
        "price_points": PRICE,
        "merchant": MERCHANT,
        "reservation_ttl_seconds": TTL_SECONDS,
    });
    if let Some(limit) = per_member_limit {
        document["per_member_limit"] = json!(limit);
    }
    let answer = caller.put(&format!("/v1/stock/{sku}"), sku, &document);
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// The wish of a member for units of a SKU.
#[must_use]
pub fn reserve(member: &str, sku: &str, quantity: u64, id: &str) -> Value {
    let wish = json!({ "member": member, "sku": sku, "quantity": quantity });
    alone(wish, "reserve", id)
}

/// What is done with a reservation: `confirm` or `cancel`.
#[must_use]
pub fn settle(kind: &str, reservation: &str) -> Value {
    // A member may have several reservations, so the kind alone would be the same id twice.
    let id = format!("{kind}-{reservation}");
    alone(json!({ "reservation": reservation }), kind, &id)
}

/// The use of a code.
#[must_use]
pub fn use_code(code: &str, id: &str) -> Value {
    alone(json!({ "code": code }), "use_code", id)
}

/// Where the units of a sale are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    state: String,
    total: u64,
    available: u64,
    returning: u64,
    reserved: u64,
    sold: u64,
}

impl Stock {
    /// At rest, where nothing is returning and what is not gone is available.
    #[must_use]
    pub fn new(state: &str, total: u64, reserved: u64, sold: u64) -> Self {
        Self {
            state: state.to_owned(),
            total,
            available: total - reserved - sold,
            returning: 0,
            reserved,
            sold,
        }
    }

    /// As the server shows it.
    ///
    /// # Panics
    ///
    /// If there is no such sale.
    #[must_use]
    pub fn of(caller: &Caller, sku: &str) -> Self {
        let seen = caller.get(&format!("/v1/stock/{sku}"));
        let units = |name: &str| seen["units"][name].as_u64().unwrap();
        Self {
            state: seen["state"].as_str().unwrap().to_owned(),
            total: units("total"),
            available: units("available"),
            returning: units("returning"),
            reserved: units("reserved"),
            sold: units("sold"),
        }
    }
}
