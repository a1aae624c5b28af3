//! A storefront follows a sale.

use jifen_tests::{
    feed::{Follower, Load, Told},
    flash::{Caller, reserve, settle},
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
