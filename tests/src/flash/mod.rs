//! Flash sales and transfers on the real server: a crowd that wants the same units at once, members who give each other
//! points, and kills in the middle of it.
//!
//! Every command is remembered with its answer. What was answered must be answered in the same words after every kill;
//! what was not is asked again until it is. Then the server's own account must agree with the answers, to the unit and to
//! the point.

mod caller;
mod crowd;
mod prepaid;
mod sale;
mod transfers;

use serde_json::{Value, json};

pub use caller::{Answer, Caller};
pub use prepaid::{GivenOut, Prepaid, prepaid};
pub use sale::{FlashSale, Sold, Stock, flash_sale, put, reserve, settle, use_code};
pub use transfers::{Moved, Transfers, transfers};

use crate::{
    server::Server,
    shopper::{Acknowledged, agent, find_again},
};

/// Who sells, and whose points all of it begins with.
const MERCHANT: &str = "shop";
/// Commands in one array of the preparation.
const ARRAY: usize = 2_000;

/// The name of a member of the crowd.
#[must_use]
pub fn member(number: u32) -> String {
    format!("m-{number}")
}

/// Makes so many members known, with so many points each.
///
/// # Panics
///
/// If something is not accepted.
pub fn prepare(caller: &Caller, members: u32, points: u64) {
    let document = json!({ "name": "Shop" });
    let answer = caller.put(&format!("/v1/merchants/{MERCHANT}"), "shop", &document);
    assert_eq!(answer.status, 201, "{answer:?}");
    let opening = |number| {
        let member = member(number);
        [
            json!({ "type": "enrol", "id": "enrol", "member": member }),
            json!({ "type": "earn", "id": "opening", "member": member, "merchant": MERCHANT, "points": points }),
        ]
    };
    let commands: Vec<Value> = (0..members).flat_map(opening).collect();
    for array in commands.chunks(ARRAY) {
        for answer in caller.array(array) {
            assert_eq!(answer["status"], "accepted", "{answer}");
        }
    }
}

/// A command that is alone under its id; the id is its member's.
fn alone(mut command: Value, kind: &str, id: &str) -> Value {
    command["type"] = json!(kind);
    command["id"] = json!(id);
    command
}

/// What a member has, as the server shows it: available and held.
///
/// # Panics
///
/// If there is no such member, or something of it is pending or owed.
#[must_use]
pub fn purse(caller: &Caller, name: &str) -> (u64, u64) {
    let seen = caller.get(&format!("/v1/members/{name}"));
    let balance = &seen["balances"][0];
    assert_eq!(
        (&balance["pending"], &balance["owed"]),
        (&json!(0), &json!(0)),
        "{seen}"
    );
    let part = |name: &str| balance[name].as_u64().unwrap();
    (part("available"), part("held"))
}

/// Whether everything that was answered is answered in the same words, as a repetition.
fn still_known(server: &Server, answered: &[(Value, Answer)]) {
    let answered: Vec<Acknowledged> = answered
        .iter()
        .map(|(command, answer)| (command.clone(), answer.body.clone()))
        .collect();
    let answered: Vec<&Acknowledged> = answered.iter().collect();
    find_again(&agent(), server.url(), &answered).unwrap();
}
