//! Sales over HTTP: documents and their units, reservations, and the codes of what was sold.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jifen_engine::Options;
use serde_json::{Value, json};

use super::harness::{HandClock, House, Told, options};

mod late;
mod wishes;

const STOCK: &str = "/v1/stock/umbrella";
const PUT: &str = "PUT /v1/stock/umbrella";
const UNITS: &str = "POST /v1/stock/umbrella/units";
const RESERVE: &str = "POST /v1/reservations";
const REVERSE: &str = "POST /v1/reversals";

/// How long units may take to come home, with time to spare for a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// A sale's document: umbrellas of `shop` at two points each.
fn document(units: u64, more: &str) -> String {
    format!(r#"{{"units":{units},"price_points":2,"merchant":"shop"{more}}}"#)
}

/// A house where time is moved by hand, with `m` at so many points, and no sale yet.
async fn house(points: u64) -> (House, HandClock) {
    let clock = HandClock::at("2026-11-21T09:00:00Z");
    let options = Options {
        clock: Arc::new(clock.clone()),
        ..options()
    };
    (House::new(options).await.with_points(points).await, clock)
}

/// The same with five umbrellas on sale.
async fn sale(points: u64, more: &str) -> (House, HandClock) {
    let (house, clock) = house(points).await;
    house.accepted(PUT, "put", &document(5, more)).await;
    (house, clock)
}

fn wish(member: &str, quantity: u64) -> String {
    json!({ "member": member, "sku": "umbrella", "quantity": quantity }).to_string()
}

fn name(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

/// Has `m` reserve units; tells what the reservation is called.
async fn reserved(house: &House, id: &str, quantity: u64) -> String {
    let told = house.accepted(RESERVE, id, &wish("m", quantity)).await;
    name(&told["reservation"]).to_owned()
}

/// Sends what is to become of a reservation.
async fn settle(house: &House, reservation: &str, verb: &str, id: &str) -> Told {
    let endpoint = format!("POST /v1/reservations/{reservation}/{verb}");
    house.command(&endpoint, id, "").await
}

/// A reservation of `m` that was paid for; tells the transaction and its codes.
async fn sold(house: &House, id: &str, quantity: u64) -> (String, Vec<String>) {
    let reservation = reserved(house, id, quantity).await;
    let told = settle(house, &reservation, "confirm", &format!("{id}-paid")).await;
    assert_eq!(told.status, 201, "{}", told.text);
    let told = told.json();
    let codes = told["codes"].as_array().unwrap().iter().map(name);
    (
        name(&told["transaction"]).to_owned(),
        codes.map(str::to_owned).collect(),
    )
}

/// Units of the sale: total, available, returning, reserved, sold.
async fn units(house: &House) -> [u64; 5] {
    let units = house.get(STOCK).await.json()["units"].clone();
    ["total", "available", "returning", "reserved", "sold"]
        .map(|place| units[place].as_u64().unwrap())
}

/// Looks until what was given back is on sale again.
async fn on_sale_again(house: &House) -> [u64; 5] {
    let begin = Instant::now();
    loop {
        let units = units(house).await;
        if units[2] == 0 {
            return units;
        }
        assert!(begin.elapsed() < DEADLINE, "{units:?}");
        tokio::task::yield_now().await;
    }
}

/// Looks until a reservation's time is over.
async fn expired(house: &House, reservation: &str) {
    let look = format!("/v1/reservations/{reservation}");
    let begin = Instant::now();
    while house.get(&look).await.json()["state"] != "expired" {
        assert!(begin.elapsed() < DEADLINE, "{reservation} is still open");
        tokio::task::yield_now().await;
    }
}

#[actix_web::test]
async fn a_document_is_put_and_put_again() {
    let (house, _) = house(0).await;
    let terms = r#","per_member_limit":2,"closes_at":"2026-12-01T00:00:00+08:00""#;
    for (id, body, version, changed, total) in [
        ("1", document(5, terms), 1, true, 5),
        ("2", document(5, terms), 1, false, 5),
        // Another number of units is a restock or a withdrawal, and not another document.
        ("3", document(8, terms), 1, true, 8),
        ("4", document(6, terms), 1, true, 6),
        ("5", document(6, ""), 2, true, 6),
        (
            "6",
            document(0, r#","reservation_ttl_seconds":60"#),
            3,
            true,
            0,
        ),
        ("7", document(7, terms), 4, true, 7),
    ] {
        let told = house.accepted(PUT, id, &body).await;
        assert_eq!(told["type"], "put_stock");
        assert_eq!(
            (&told["version"], &told["changed"]),
            (&json!(version), &json!(changed)),
            "{body}"
        );
        let again = house.command(PUT, id, &body).await;
        assert_eq!(
            (again.status.as_u16(), again.json()["version"].as_u64()),
            (200, Some(version))
        );
        assert_eq!(units(&house).await, [total, total, 0, 0, 0], "{body}");
    }
    assert_eq!(
        house.get(STOCK).await.json(),
        json!({
            "sku": "umbrella", "version": 4, "state": "open", "merchant": "shop", "price_points": 2,
            "point_type": "points", "per_member_limit": 2, "opens_at": null,
            "closes_at": "2026-11-30T16:00:00.000Z", "reservation_ttl_seconds": 600,
            "units": { "total": 7, "available": 7, "returning": 0, "reserved": 0, "sold": 0 },
        })
    );
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn units_are_added_and_withdrawn() {
    let (house, clock) = sale(100, "").await;
    sold(&house, "two", 2).await;
    reserved(&house, "one", 1).await;
    for (change, code, total) in [
        (2, None, 7),
        (-4, None, 3),
        (-1, Some("exceeds_stock"), 3),
        (3, None, 6),
        (-4, Some("exceeds_stock"), 6),
        (-3, None, 3),
    ] {
        // Those who waited are let in again at most every so many milliseconds.
        clock.advance_seconds(1);
        let body = json!({ "change": change }).to_string();
        let told = house
            .command(
                UNITS,
                &format!("{change} to {total}").replace(' ', "-"),
                &body,
            )
            .await;
        match code {
            None => assert_eq!(told.status, 201, "{change}: {}", told.text),
            Some(code) => {
                assert_eq!(told.problem(), (422, code.to_owned()), "{change}");
                let reason = &told.json()["reasons"][0];
                assert_eq!(reason["limit"], total - 3, "{change}: {reason}");
                assert_eq!(reason["requested"], -change);
            }
        }
        assert_eq!(units(&house).await, [total, total - 3, 0, 1, 2], "{change}");
    }
    let fewer = house.command(PUT, "fewer", &document(2, "")).await;
    assert_eq!(fewer.problem(), (422, "exceeds_stock".to_owned()));
    assert_eq!(house.get(STOCK).await.json()["version"], 1);
    for (endpoint, body, status, code) in [
        (
            "POST /v1/stock/parasol/units",
            json!({ "change": 1 }),
            404,
            "sku_not_found",
        ),
        (
            "PUT /v1/stock/parasol",
            json!({ "units": 1, "price_points": 1, "merchant": "stop" }),
            404,
            "merchant_not_found",
        ),
        (
            "PUT /v1/stock/parasol",
            json!({ "units": 1, "price_points": 1, "merchant": "shop", "point_type": "miles" }),
            400,
            "invalid_field",
        ),
    ] {
        let told = house.command(endpoint, "no", &body.to_string()).await;
        assert_eq!(
            told.problem(),
            (status, code.to_owned()),
            "{endpoint} {body}"
        );
    }
    assert_eq!(
        house.get("/v1/stock/parasol").await.problem().1,
        "sku_not_found"
    );
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn what_is_reserved_is_paid_for_and_handed_over_once() {
    let (house, _) = sale(100, "").await;
    let told = house.accepted(RESERVE, "r", &wish("m", 2)).await;
    let reservation = name(&told["reservation"]);
    for (field, expected) in [
        ("type", json!("reserve")),
        ("expires_at", json!("2026-11-21T09:10:00.000Z")),
        ("points_held", json!(4)),
        ("quantity", json!(2)),
        (
            "balance",
            json!({ "point_type": "points", "available": 96, "held": 4, "pending": 0, "owed": 0 }),
        ),
    ] {
        assert_eq!(told[field], expected, "{field}");
    }
    let shape = |state: &str, codes: &Value| {
        json!({
            "reservation": reservation, "member": "m", "sku": "umbrella", "quantity": 2, "points_held": 4,
            "state": state, "expires_at": "2026-11-21T09:10:00.000Z", "codes": codes,
        })
    };
    let look = format!("/v1/reservations/{reservation}");
    assert_eq!(house.get(&look).await.json(), shape("open", &json!([])));
    assert_eq!(units(&house).await, [5, 3, 0, 2, 0]);

    let paid = settle(&house, reservation, "confirm", "c").await.json();
    assert_eq!(paid["type"], "confirm");
    assert_eq!(
        house.get(&look).await.json(),
        shape("confirmed", &paid["codes"])
    );
    assert_eq!(units(&house).await, [5, 3, 0, 0, 2]);
    assert_eq!(house.balance("points").await, [96, 0, 0, 0]);
    assert_eq!(house.books("points").await.accepted, 4);
    let heard = settle(&house, reservation, "confirm", "c").await;
    assert_eq!(
        (heard.status.as_u16(), &heard.json()["codes"]),
        (200, &paid["codes"])
    );
    for verb in ["confirm", "cancel"] {
        let told = settle(&house, reservation, verb, &format!("{verb}-again")).await;
        assert_eq!(
            told.problem(),
            (409, "reservation_confirmed".to_owned()),
            "{verb}"
        );
    }

    let codes: Vec<&str> = paid["codes"].as_array().unwrap().iter().map(name).collect();
    assert_eq!(codes.len(), 2);
    assert_ne!(codes[0], codes[1]);
    let state =
        async |code: &str| house.get(&format!("/v1/codes/{code}")).await.json()["state"].clone();
    let hand_over = format!("POST /v1/codes/{}/use", codes[0]);
    house.accepted(&hand_over, "u1", "").await;
    assert_eq!(
        (state(codes[0]).await, state(codes[1]).await),
        (json!("used"), json!("unused"))
    );
    assert_eq!(house.command(&hand_over, "u1", "").await.status, 200);
    let twice = house.command(&hand_over, "u2", "").await;
    assert_eq!(twice.problem(), (409, "code_used".to_owned()));
    // A slip of the pen is no code.
    let mut slip = codes[1].to_owned();
    let last_of_tag = slip.len() - 2;
    let other = if slip[last_of_tag..].starts_with('0') {
        "1"
    } else {
        "0"
    };
    slip.replace_range(last_of_tag..=last_of_tag, other);
    let told = house
        .command(&format!("POST /v1/codes/{slip}/use"), "u3", "")
        .await;
    assert_eq!(told.problem(), (404, "code_not_found".to_owned()));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn what_is_cancelled_comes_back() {
    let (house, clock) = sale(100, "").await;
    let reservation = reserved(&house, "r", 5).await;
    let full = house.command(RESERVE, "more", &wish("m", 1)).await;
    assert_eq!(full.problem(), (409, "sold_out".to_owned()));
    clock.advance_seconds(1);
    let told = settle(&house, &reservation, "cancel", "c").await.json();
    assert_eq!(
        (&told["type"], &told["released"]),
        (&json!("cancel"), &json!(10))
    );
    assert_eq!(house.balance("points").await, [100, 0, 0, 0]);
    assert_eq!(on_sale_again(&house).await, [5, 5, 0, 0, 0]);
    for verb in ["confirm", "cancel"] {
        let told = settle(&house, &reservation, verb, &format!("{verb}-again")).await;
        assert_eq!(
            told.problem(),
            (409, "reservation_cancelled".to_owned()),
            "{verb}"
        );
    }
    let look = house.get(&format!("/v1/reservations/{reservation}")).await;
    assert_eq!(look.json()["state"], "cancelled");
    // What found nothing on sale bound nothing.
    house.accepted(RESERVE, "more", &wish("m", 1)).await;
    house.engine.shut_down().await;
}
