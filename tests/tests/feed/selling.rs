//! A storefront follows a sale.

use jifen_tests::{
    feed::{Follower, Load, Told},
    flash::{Caller, member, prepare, put, reserve, settle},
    server::Server,
};
use serde_json::{Value, json};

#[test]
fn a_follower_of_a_sale_hears_its_story() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).unwrap();
    let caller = Caller::new(server.url());
    let mut load = Load::begin(server.url(), "m", 1);
    load.insist(server.url(), 100);
    for sku in ["lamp", "kettle"] {
        let document = json!({ "units": 5, "price_points": 3, "merchant": "shop" });
        let made = caller.put(&format!("/v1/stock/{sku}"), "put", &document);
        assert!(made.is_accepted(), "{made:?}");
    }
    let path = "/v1/stock/lamp/events?from=start";
    let mut follower = Follower::open(server.url(), path, None).unwrap();
    let mut expected = vec![
        ("reserve", 2),
        ("confirm", 2),
        ("reserve", 1),
        ("cancel", 1),
    ];
    for (id, quantity, verb) in [("a", 2, "confirm"), ("b", 1, "cancel")] {
        let reserved = caller.ask(&reserve("m-0", "lamp", quantity, id));
        let other = caller.ask(&reserve("m-0", "kettle", 1, &format!("{id}-other")));
        assert!(reserved.is_accepted() && other.is_accepted());
        let settled = caller.ask(&settle(verb, reserved.text("reservation")));
        assert!(settled.is_accepted(), "{settled:?}");
    }
    expected.reverse();
    let mut opened = false;
    while let Some((kind, quantity)) = expected.pop() {
        // Documents are decided by another shard, so that they may come at any time.
        let told = next(&mut follower, |told| match told.kind() {
            "stock" => {
                opened = told.data["data"]["units"] == 5;
                false
            }
            _ => true,
        });
        let data = &told.data["data"];
        assert_eq!(
            (told.kind(), &data["quantity"]),
            (kind, &json!(quantity)),
            "{data}"
        );
        assert_eq!(
            (&data["sku"], &told.data["subject"]),
            (&json!("lamp"), &json!("m-0"))
        );
        assert_ne!(
            data["balance"],
            Value::Null,
            "the storefront sees what the member has"
        );
        assert_eq!(data["codes"], Value::Null);
    }
    assert!(opened, "the sale began");
    assert_eq!(server.terminate().0.code(), Some(0));
}

fn next(follower: &mut Follower, mut wanted: impl FnMut(&Told) -> bool) -> Told {
    let told = follower.find(|told| told.kind() != "units_returned" && wanted(told));
    told.expect("the stream goes on")
}

/// How many reservations a burst has.
const BURST: u64 = 5_000;
/// Whose they are: nobody may have more than so many open.
const MEMBERS: u32 = 500;

/// Reserves unit after unit, in arrays.
fn burst(caller: &Caller, name: &str) {
    let wish = |n| reserve(&member(n % MEMBERS), "lamp", 1, &format!("{name}-{n}"));
    let wishes: Vec<Value> = (0..u32::try_from(BURST).unwrap()).map(wish).collect();
    for array in wishes.chunks(500) {
        let answers = caller.array(array);
        let refused = answers.iter().find(|answer| answer["status"] != "accepted");
        assert_eq!(refused, None);
    }
}

/// What a storefront has made of what it was told.
#[derive(Default)]
struct Shown {
    /// Events that came by themselves or stood in a level.
    events: usize,
    /// How often something was sent.
    told: usize,
    /// How often the number of units was changed.
    changes: usize,
    /// What the last level showed.
    level: Value,
}

impl Shown {
    fn take(&mut self, told: &Told) {
        self.told += 1;
        let data = &told.data["data"];
        assert_eq!(
            told.id.as_deref(),
            told.data["cursor"].as_str(),
            "the place to go on from"
        );
        let stands_for = match told.kind() {
            "stock_level" => {
                self.level = data["units"].clone();
                data["events"].as_u64().unwrap()
            }
            "units_changed" => {
                self.changes += 1;
                1
            }
            _ => 1,
        };
        self.events += usize::try_from(stands_for).unwrap();
    }
}

/// A place as two numbers, which are in its order; behind them stands the name of the journal.
fn place(id: &str) -> (u64, u64) {
    let mut parts = id[1..].split('-');
    let mut number = || u64::from_str_radix(parts.next().unwrap(), 16).unwrap();
    (number(), number())
}

#[test]
fn a_burst_is_told_by_levels_that_leave_nothing_out_however_often_a_storefront_comes_back() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).unwrap();
    let caller = Caller::new(server.url());
    prepare(&caller, MEMBERS, 1_000_000);
    put(&caller, "lamp", 3 * BURST, None);
    let path = "/v1/stock/lamp/events?from=start";
    let mut follower = Follower::open(server.url(), path, None).unwrap();
    burst(&caller, "a");
    let mut shown = Shown::default();
    let level = follower.find(|told| {
        shown.take(told);
        told.kind() == "stock_level"
    });
    // What is not read of this connection is told by the next.
    let last = level.and_then(|told| told.id);
    drop(follower);
    burst(&caller, "b");
    let changed = caller.change_units("lamp", &json!({ "change": 7 }));
    assert!(changed.is_accepted(), "{changed:?}");
    let mut follower = Follower::open(server.url(), path, last.as_deref()).unwrap();
    let reserved = |level: &Value| level["reserved"] == 2 * BURST;
    while shown.changes < 1 || !reserved(&shown.level) {
        shown.take(&follower.next().expect("the stream goes on"));
    }
    assert_eq!(shown.level["total"], 3 * BURST + 7);
    let few = usize::try_from(BURST).unwrap() / 5;
    assert!(shown.told < few, "it was sent {} times", shown.told);

    let heard = place(&follower.last.unwrap());
    let every = format!("{path}&every=true&until=now");
    let every: Vec<Told> = Follower::open(server.url(), &every, None)
        .unwrap()
        .collect();
    let passed = |told: &&Told| place(told.id.as_deref().unwrap()) <= heard;
    assert_eq!(every.iter().filter(passed).count(), shown.events);
    let reserved = every.iter().filter(|told| told.kind() == "reserve").count();
    assert_eq!(reserved as u64, 2 * BURST);
    assert_eq!(server.terminate().0.code(), Some(0));
}
