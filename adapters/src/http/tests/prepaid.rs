//! Points that merchants buy ahead, over HTTP: bought, given out to the last one, put back, and billed.

use std::sync::Arc;

use jifen_engine::Options;
use serde_json::{Value, json};

use super::{
    clearing::{DAY, SETTLE, settled, statement},
    harness::{HandClock, House, options},
};

const EARN: &str = "POST /v1/earns";
const BUY: &str = "POST /v1/merchants/club/packs";

async fn house() -> (House, HandClock) {
    let clock = HandClock::at("2026-10-31T12:00:00+08:00");
    let options = Options {
        clock: Arc::new(clock.clone()),
        ..options()
    };
    let house = House::new(options).await.with_points(100).await;
    let told = agree(&house, "club", "2026-10-01", "prepaid").await;
    assert_eq!(told, Ok(()), "nobody was given a point of it before");
    (house, clock)
}

/// A contract from a day on; or why not.
async fn agree(house: &House, merchant: &str, from: &str, billing: &str) -> Result<(), Value> {
    let price = json!({ "fen": 9, "points": 10 });
    let contract = json!({ "valid_from": from, "billing": billing, "issue_price": price });
    let body = json!({ "name": merchant, "contract": contract }).to_string();
    let id = format!("{merchant}-{from}-{billing}");
    let told = house
        .command(&format!("PUT /v1/merchants/{merchant}"), &id, &body)
        .await;
    if told.status.is_success() {
        return Ok(());
    }
    Err(told.json())
}

fn earn(points: u64) -> String {
    json!({ "member": "m", "merchant": "club", "points": points }).to_string()
}

async fn left(house: &House) -> u64 {
    let club = house.get("/v1/merchants/club").await.json();
    club["prepaid"][0]["left"].as_u64().unwrap_or_default()
}

async fn exhausted(house: &House, id: &str, points: u64) {
    let told = house.command(EARN, id, &earn(points)).await;
    assert_eq!(told.problem(), (409, "pack_exhausted".to_owned()));
    assert_eq!(told.json()["retryable"], true);
}

#[actix_web::test]
async fn a_merchant_gives_out_what_it_bought_to_the_last_point() {
    let (house, clock) = house().await;
    exhausted(&house, "e-1", 1).await;
    let pack = json!({ "points": 100, "price_fen": 90 }).to_string();
    let bought = house.accepted(BUY, "b-1", &pack).await;
    let again = house.command(BUY, "b-1", &pack).await.json();
    assert_eq!(
        (&again["offset"], &again["replayed"]),
        (&bought["offset"], &json!(true))
    );
    for (id, points) in [("e-1", 1), ("e-2", 60), ("e-3", 29)] {
        house.accepted(EARN, id, &earn(points)).await;
    }
    exhausted(&house, "e-4", 11).await;
    let last = house.accepted(EARN, "e-5", &earn(10)).await;
    assert_eq!(left(&house).await, 0);
    exhausted(&house, "e-6", 1).await;

    // What is taken back can be given out again.
    let back = json!({ "transaction": last["transaction"], "points": 4 }).to_string();
    house.accepted("POST /v1/reversals", "back", &back).await;
    assert_eq!(left(&house).await, 4);
    house.accepted(EARN, "e-6", &earn(1)).await;
    let pack = json!({ "points": 20, "price_fen": 17 }).to_string();
    house.accepted(BUY, "b-2", &pack).await;
    house.accepted(EARN, "e-4", &earn(11)).await;

    let club = house.get("/v1/merchants/club").await.json();
    let packs = json!([
        { "day": "2026-10-31", "points": 100, "price_fen": 90 },
        { "day": "2026-10-31", "points": 20, "price_fen": 17 },
    ]);
    let expected = json!([{ "point_type": "points", "bought": 120, "left": 12, "packs": packs }]);
    assert_eq!(club["prepaid"], expected);

    // Both packs are paid for; what is drawn costs nothing more.
    clock.advance_seconds(86_400);
    let told = house.command(SETTLE, "close", DAY).await;
    assert_eq!(told.status, 202, "{}", told.text);
    settled(&house).await;
    let told = statement(&house, "club").await;
    let lines = told["statement"]["lines"].as_array().unwrap();
    let of = |kind: &str| -> Vec<(i64, i64)> {
        let lines = lines.iter().filter(|line| line["kind"] == kind);
        let figures = lines.map(|line| (line["points"].as_i64(), line["fen"].as_i64()));
        figures
            .map(|(points, fen)| (points.unwrap(), fen.unwrap()))
            .collect()
    };
    assert_eq!(of("pack"), [(100, -90), (20, -17)], "{told}");
    assert_eq!(of("drawn"), [(100, 0), (8, 0)], "{told}");
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn nobody_begins_to_draw_before_every_shard_knows() {
    let (house, _) = house().await;
    let other = json!({ "name": "Shop" }).to_string();
    house
        .accepted("PUT /v1/merchants/other", "other", &other)
        .await;
    for (merchant, from, billing, expected) in [
        ("other", "2026-10-31", "issued", None),
        ("other", "2026-10-31", "prepaid", Some("prepaid_too_soon")),
        ("other", "2026-11-01", "prepaid", Some("prepaid_too_soon")),
        ("other", "2026-11-02", "prepaid", None),
        // From then on as before, and that is near enough.
        ("other", "2026-11-01", "used", None),
        ("club", "2026-11-01", "issued", Some("prepaid_too_soon")),
        ("club", "2026-11-02", "issued", None),
    ] {
        let told = agree(&house, merchant, from, billing).await;
        let code = told.as_ref().err().map(|told| &told["code"]);
        let case = format!("{merchant} {from} {billing}: {told:?}");
        assert_eq!(code, expected.map(Value::from).as_ref(), "{case}");
        if let Err(told) = told {
            let frees_at = &told["reasons"][0]["frees_at"];
            assert_eq!(frees_at, "2026-11-01T16:00:00.000Z", "{case}");
        }
    }
    house.engine.shut_down().await;
}
