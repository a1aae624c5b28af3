//! Commands for a server: one of each kind, and many of one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use serde_json::{Value, json};

use super::server::{Connection, Server};

/// Members that a load earns for.
const MEMBERS: u64 = 50;
/// Commands of one request.
const COMMANDS: u64 = 40;

/// Puts a merchant and does everything once; answers with what was answered.
pub(crate) fn everything_once(to: &mut Connection) -> Vec<Value> {
    let put =
        json!({"id": "s", "type": "put_merchant", "merchant": "shop", "name": "The \"Shop\""});
    let mut answers = to.commands(&[put]);
    answers.extend(to.commands(&[
        json!({"id": "1", "type": "enrol", "member": "ann", "attributes": {"city": "Köln"}}),
        json!({"id": "2", "type": "earn", "member": "ann", "merchant": "shop", "points": 100,
               "order": "o-1", "reference": "r", "metadata": {"till": "3"}}),
        json!({"id": "3", "type": "redeem", "member": "ann", "merchant": "shop", "points": 30}),
        json!({"id": "4", "type": "hold", "member": "ann", "merchant": "shop", "points": 20}),
        json!({"id": "5", "type": "redeem", "member": "ann", "merchant": "shop", "points": 1000}),
        json!({"id": "6", "type": "adjust", "member": "ann", "points": 5, "reason": "courtesy"}),
        json!({"id": "7", "type": "freeze", "member": "ann", "reason": "lost card"}),
        json!({"id": "8", "type": "unfreeze", "member": "ann", "reason": "found"}),
    ]));
    let find = |answers: &[Value], id: &str, field: &str| {
        let answer = answers.iter().find(|answer| answer["id"] == *id).unwrap();
        answer[field]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    };
    let (hold, spent) = (
        find(&answers, "4", "hold"),
        find(&answers, "3", "transaction"),
    );
    answers.extend(to.commands(&[
        json!({"id": "9", "type": "capture", "hold": hold, "points": 15}),
        json!({"id": "10", "type": "reverse", "transaction": spent, "points": 10}),
    ]));
    answers
}

/// Sells units, sends points, and gives out points that were bought ahead: of 50, 40 are left.
pub(crate) fn sales_and_packs(to: &mut Connection) {
    let price = json!({"fen": 1, "points": 1});
    let contract = json!({"valid_from": "2026-01-01", "billing": "prepaid", "issue_price": price});
    for commands in [
        vec![
            json!({"id": "p1", "type": "put_merchant", "merchant": "club", "name": "Club", "contract": contract}),
            json!({"id": "p2", "type": "buy_pack", "merchant": "club", "points": 50, "price_fen": 49}),
            json!({"id": "p3", "type": "put_stock", "sku": "cup", "units": 10, "price_points": 5, "merchant": "shop"}),
            json!({"id": "p4", "type": "enrol", "member": "bob"}),
        ],
        vec![
            json!({"id": "p5", "type": "earn", "member": "ann", "merchant": "club", "points": 10}),
            json!({"id": "p6", "type": "reserve", "member": "ann", "sku": "cup", "quantity": 2}),
            json!({"id": "p7", "type": "transfer", "member": "ann", "to": "bob", "points": 7}),
            json!({"id": "p8", "type": "change_units", "sku": "cup", "change": 3}),
            json!({"id": "p9", "type": "change_units", "sku": "cup", "change": -1}),
        ],
    ] {
        for command in commands {
            let answers = to.commands(&[command]);
            assert_eq!(answers[0]["status"], "accepted", "{answers:?}");
        }
    }
}

/// Somebody who sends earnings until told to stop.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    accepted: Arc<AtomicU64>,
    sending: JoinHandle<Vec<(Value, Value)>>,
}

impl Load {
    /// Enrols members and begins.
    pub(crate) fn begin(server: &Server) -> Self {
        let (stop, accepted) = <(Arc<AtomicBool>, Arc<AtomicU64>)>::default();
        let mut to = server.connect();
        let enrolments = (0..MEMBERS).map(
            |n| json!({"id": format!("enrol-{n}"), "type": "enrol", "member": format!("m-{n}")}),
        );
        to.commands(&enrolments.collect::<Vec<_>>());
        to.commands(&[
            json!({"id": "l", "type": "put_merchant", "merchant": "load", "name": "Load"}),
        ]);
        let sending = {
            let (stop, accepted) = (Arc::clone(&stop), Arc::clone(&accepted));
            thread::spawn(move || {
                let mut kept = Vec::new();
                for round in 0.. {
                    if stop.load(Ordering::Acquire) {
                        break;
                    }
                    let commands: Vec<_> = (0..COMMANDS).map(|n| earn(round, n)).collect();
                    let answers = to.commands(&commands);
                    for answer in &answers {
                        assert_eq!(answer["status"], "accepted", "{answer}");
                    }
                    kept.push((commands[0].clone(), answers[0].clone()));
                    accepted.fetch_add(COMMANDS, Ordering::AcqRel);
                }
                kept
            })
        };
        Self {
            stop,
            accepted,
            sending,
        }
    }

    /// How many commands were accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Acquire)
    }

    /// Waits until that many more were accepted.
    pub(crate) fn wait_for(&self, more: u64) -> u64 {
        let goal = self.accepted() + more;
        while self.accepted() < goal && !self.sending.is_finished() {
            thread::yield_now();
        }
        assert!(self.accepted() >= goal, "the load has ended");
        self.accepted()
    }

    /// Ends it; answers with some commands and what was answered to them.
    pub(crate) fn end(self) -> Vec<(Value, Value)> {
        self.stop.store(true, Ordering::Release);
        self.sending.join().unwrap()
    }
}

fn earn(round: u64, n: u64) -> Value {
    let member = (round * 7 + n) % MEMBERS;
    json!({"id": format!("e-{round}-{n}"), "type": "earn", "member": format!("m-{member}"), "merchant": "load",
           "points": n + 1})
}
