//! How much a principal may ask for.

use actix_web::test::TestRequest;
use jifen_engine::ledger::Principal;
use serde_json::{Value, json};

use super::harness::{House, Told, options};
use crate::access::{Digest, KeyBook, KeyRecord, Limit, Role};

const APP: &str = "the-key-of-an-app";

/// The book of a storefront's principal that may ask for so much.
fn book(rate: Option<&str>) -> KeyBook {
    let mut book = KeyBook::default();
    let app = Principal::new("app").unwrap();
    let record = KeyRecord {
        digest: Digest::of(APP),
        made_at: None,
    };
    book.add(&app, &Role::Storefront, record).unwrap();
    let limit = rate.map(|rate| Limit::new(rate.parse().unwrap(), None).unwrap());
    book.limit(&app, limit).unwrap();
    book
}

async fn house(rate: &str) -> House {
    let house = House::new(options()).await.with_points(0).await;
    house.keys.replace(&book(Some(rate)));
    house
}

async fn enrol(house: &House, member: &str) -> Told {
    let asked = TestRequest::put()
        .uri(&format!("/v1/members/{member}"))
        .insert_header(("idempotency-key", "1"));
    house.knock_with(APP, asked).await
}

async fn array(house: &House, count: usize) -> Told {
    let commands: Vec<_> = (0..count)
        .map(|place| json!({ "id": "b", "type": "enrol", "member": format!("b-{place}") }))
        .collect();
    let asked = TestRequest::post()
        .uri("/v1/commands")
        .insert_header(("content-type", "application/json"))
        .set_payload(json!(commands).to_string());
    house.knock_with(APP, asked).await
}

fn limits(told: &Told) -> (&str, &str) {
    (told.header("ratelimit-policy"), told.header("ratelimit"))
}

#[actix_web::test]
async fn who_asks_too_much_is_told_when_to_come_back() {
    let house = house("3/h").await;
    let policy = "\"principal\";q=3;w=3600";
    for (member, left) in [
        ("a", "\"principal\";r=2;t=1200"),
        ("b", "\"principal\";r=1;t=2400"),
        ("c", "\"principal\";r=0;t=3600"),
    ] {
        let told = enrol(&house, member).await;
        assert_eq!(told.status, 201, "{}", told.text);
        assert_eq!(limits(&told), (policy, left));
    }
    let told = enrol(&house, "d").await;
    assert_eq!(told.problem(), (429, "rate_limited".to_owned()));
    assert_eq!(limits(&told), (policy, "\"principal\";r=0;t=3600"));
    let wait: u32 = told.header("retry-after").parse().unwrap();
    assert!((1_100..=1_200).contains(&wait), "{wait}");
    assert_eq!(told.json()["reasons"][0]["requested"], 1);
    // Reads count too, and others are not held up.
    let read = TestRequest::get().uri("/v1/members/a");
    assert_eq!(house.knock_with(APP, read).await.status, 429);
    assert_eq!(house.get("/v1/members/a").await.status, 200);
    // Nothing was done, and nothing is bound.
    assert_eq!(house.get("/v1/members/d").await.status, 404);
    house.keys.replace(&book(None));
    let told = enrol(&house, "d").await;
    assert_eq!(told.status, 201);
    assert_eq!(limits(&told), ("", ""));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_batch_costs_what_its_commands_cost_all_or_nothing() {
    let house = house("10/h").await;
    let told = array(&house, 4).await;
    assert_eq!(limits(&told).1, "\"principal\";r=6;t=1440");
    // Coming in costs one; the other six are not there.
    let told = array(&house, 7).await;
    assert_eq!(told.problem(), (429, "rate_limited".to_owned()));
    let json = told.json();
    let reason = &json["reasons"][0];
    assert_eq!(
        (&reason["limit"], &reason["requested"]),
        (&json!(5), &json!(6))
    );
    assert_eq!(house.get("/v1/members/b-6").await.status, 404);
    let told = array(&house, 5).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert_eq!(limits(&told).1, "\"principal\";r=0;t=3600");
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_batch_that_never_fits_is_told_what_would() {
    let house = house("10/h").await;
    let told = array(&house, 12).await;
    assert_eq!(told.problem(), (429, "rate_limited".to_owned()));
    assert_eq!(limits(&told).0, "\"principal\";q=10;w=3600");
    assert_eq!(told.json()["reasons"][0]["limit"], 10);
    house.engine.shut_down().await;
}

/// Sends so many lines, and tells how many were accepted and the code of each that was not.
async fn lines(house: &House, count: usize) -> (usize, Vec<String>) {
    let line = |place| json!({ "id": "l", "type": "enrol", "member": format!("l-{place}") });
    let lines: Vec<_> = (0..count).map(|place| line(place).to_string()).collect();
    let asked = TestRequest::post()
        .uri("/v1/commands")
        .insert_header(("content-type", "application/x-ndjson"))
        .set_payload(lines.join("\n"));
    let told = house.knock_with(APP, asked).await;
    let answers: Vec<Value> = told
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), count);
    let codes = answers.iter().filter_map(|answer| answer["code"].as_str());
    let codes: Vec<_> = codes.map(str::to_owned).collect();
    (count - codes.len(), codes)
}

#[actix_web::test]
async fn a_stream_is_held_back_instead_of_refused() {
    let house = house("200/s").await;
    assert_eq!(lines(&house, 300).await, (300, vec![]));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn lines_that_would_wait_too_long_are_refused_in_their_places() {
    let house = house("3/h").await;
    let (accepted, codes) = lines(&house, 5).await;
    assert_eq!((accepted, codes), (3, vec!["rate_limited".to_owned(); 2]));
    assert_eq!(house.get("/v1/members/l-2").await.status, 200);
    assert_eq!(house.get("/v1/members/l-3").await.status, 404);
    house.engine.shut_down().await;
}
