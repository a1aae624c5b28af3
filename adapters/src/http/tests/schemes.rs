//! The worked examples of the schemes that need no programme: each with its name, its story and its figures.

use std::sync::Arc;

use futures_util::future::join;
use jifen_engine::Options;
use serde_json::Value;

use super::harness::{HandClock, House, options};

const SPEND_60: &str = r#"{"member":"m","merchant":"shop","points":60,"ttl_seconds":604800}"#;

fn spend(points: u64) -> String {
    format!(r#"{{"member":"m","merchant":"shop","points":{points}}}"#)
}

fn end(hold: &Value, how: &str) -> String {
    format!("POST /v1/holds/{}/{how}", hold["hold"].as_str().unwrap())
}

/// On 2024-06-30, `m` has 100 points of which that is the last day.
async fn last_day_of_june() -> (House, HandClock) {
    let clock = HandClock::at("2024-06-30T12:00:00+08:00");
    let house = House::new(Options {
        clock: Arc::new(clock.clone()),
        ..options()
    })
    .await
    .with_points(0)
    .await;
    let earn = r#"{"member":"m","merchant":"shop","points":100,"last_day":"2024-06-30"}"#;
    house.accepted("POST /v1/earns", "e", earn).await;
    (house, clock)
}

/// XC-1: of 100 points 60 are held when they lapse. Captured: 60 spent, 40 lapsed. Released: 0 spent, 100 lapsed.
#[actix_web::test]
async fn xc_1_what_is_held_lapses_when_it_is_released() {
    for (how, answer, spent, lapsed) in [
        ("capture", "captured", 60, 40),
        ("release", "released", 0, 100),
    ] {
        let (house, clock) = last_day_of_june().await;
        let hold = house.accepted("POST /v1/holds", "h", SPEND_60).await;
        clock.move_to("2024-06-30T23:59:59.999+08:00");
        assert_eq!(house.balance("points").await, [40, 60, 0, 0]);
        clock.move_to("2024-07-01T00:00:00+08:00");
        assert_eq!(house.balance("points").await, [0, 60, 0, 0]);
        assert_eq!(house.books("points").await.breakage, 40);
        clock.move_to("2024-07-02T12:00:00+08:00");
        let told = house.accepted(&end(&hold, how), "c", "").await;
        assert_eq!(told[answer], 60);
        assert_eq!(house.balance("points").await, [0, 0, 0, 0]);
        let books = house.books("points").await;
        assert_eq!((books.accepted, books.breakage), (spent, lapsed), "{how}");
        house.engine.shut_down().await;
    }
}

/// XC-2: 60 points spent on the last day, refunded on 5 July: 60 returned, 60 lapsed (beside the 40 that were left),
/// none available.
#[actix_web::test]
async fn xc_2_what_comes_back_too_late_lapses() {
    let (house, clock) = last_day_of_june().await;
    let spent = house
        .accepted("POST /v1/redemptions", "r", &spend(60))
        .await;
    clock.move_to("2024-07-05T12:00:00+08:00");
    let body = format!(r#"{{"transaction":{}}}"#, spent["transaction"]);
    let told = house.accepted("POST /v1/reversals", "v", &body).await;
    assert_eq!(told["restored"], 60);
    assert_eq!(told["balance"]["available"], 0);
    assert_eq!(house.balance("points").await, [0, 0, 0, 0]);
    let books = house.books("points").await;
    assert_eq!((books.accepted, books.accepted_reversed), (60, 60));
    assert_eq!(books.breakage, 40 + 60);
    house.engine.shut_down().await;
}

/// FZ-1: 1,000 available, 300 requested: 700 and 300 frozen; confirmed: 700; cancelled instead: 1,000.
#[actix_web::test]
async fn fz_1_a_request_freezes_and_then_deducts() {
    for (how, left) in [("capture", 700), ("release", 1_000)] {
        let house = House::new(options()).await.with_points(1_000).await;
        let hold = house.accepted("POST /v1/holds", "h", &spend(300)).await;
        assert_eq!(house.balance("points").await, [700, 300, 0, 0]);
        house.accepted(&end(&hold, how), "c", "").await;
        assert_eq!(house.balance("points").await, [left, 0, 0, 0]);
        house.engine.shut_down().await;
    }
}

/// FZ-2: two requests of 600 at once on 1,000: one succeeds; 400 available, 600 frozen.
#[actix_web::test]
async fn fz_2_of_two_requests_at_once_one_succeeds() {
    let house = House::new(options()).await.with_points(1_000).await;
    let body = spend(600);
    let (one, other) = join(
        house.command("POST /v1/holds", "h1", &body),
        house.command("POST /v1/holds", "h2", &body),
    )
    .await;
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422]);
    let refused = if one.status == 422 { one } else { other };
    assert_eq!(refused.problem().1, "insufficient_points");
    assert_eq!(refused.json()["reasons"][0]["limit"], 400);
    assert_eq!(house.balance("points").await, [400, 600, 0, 0]);
    house.engine.shut_down().await;
}

/// MH-5: has 260, applies for 200: 60 while under review; rejected: 260; approved: 60.
#[actix_web::test]
async fn mh_5_an_application_is_reviewed() {
    for (how, left) in [("release", 260), ("capture", 60)] {
        let house = House::new(options()).await.with_points(260).await;
        let hold = house.accepted("POST /v1/holds", "h", &spend(200)).await;
        assert_eq!(house.balance("points").await[0], 60);
        house.accepted(&end(&hold, how), "c", "").await;
        assert_eq!(house.balance("points").await, [left, 0, 0, 0]);
        house.engine.shut_down().await;
    }
}
