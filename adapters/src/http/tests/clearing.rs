//! Clearing over HTTP: contracts, a period that is closed, statements that can be checked, and corrections.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::test::TestRequest;
use jifen_engine::{
    Options,
    clearing::{Digest, StatementFile},
};
use serde_json::{Value, json};

use super::harness::{HandClock, House, options};

const EARN: &str = "POST /v1/earns";
const REDEEM: &str = "POST /v1/redemptions";
pub(super) const SETTLE: &str = "POST /v1/settlements";
pub(super) const DAY: &str = r#"{"period_start":"2026-10-31","period_end":"2026-10-31"}"#;
const SETTLEMENT: &str = "/v1/settlements/2026-10-31_2026-10-31";

/// How long closing may take, with time to spare for a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

async fn house() -> (House, HandClock) {
    let clock = HandClock::at("2026-10-31T12:00:00+08:00");
    let options = Options {
        clock: Arc::new(clock.clone()),
        ..options()
    };
    (House::new(options).await.with_points(100_000).await, clock)
}

async fn contract(house: &House, merchant: &str, mut contract: Value) {
    contract["valid_from"] = "2026-10-01".into();
    let body = json!({ "name": merchant, "contract": contract }).to_string();
    let endpoint = format!("PUT /v1/merchants/{merchant}");
    house
        .accepted(&endpoint, &format!("put-{merchant}"), &body)
        .await;
}

async fn redeem(house: &House, id: &str, merchant: &str, points: u64, cash: u64) -> String {
    let body = json!({ "member": "m", "merchant": merchant, "points": points, "cash_fen": cash });
    let told = house.accepted(REDEEM, id, &body.to_string()).await;
    told["transaction"].as_str().unwrap().to_owned()
}

pub(super) async fn settled(house: &House) -> Value {
    let begun = Instant::now();
    loop {
        let told = house.get(SETTLEMENT).await.json();
        assert_eq!(told["failure"], Value::Null, "{told}");
        if told["state"] == "published" {
            return told;
        }
        assert!(begun.elapsed() < DEADLINE, "{told}");
        tokio::task::yield_now().await;
    }
}

pub(super) async fn statement(house: &House, merchant: &str) -> Value {
    let told = house
        .get(&format!("{SETTLEMENT}/merchants/{merchant}"))
        .await;
    assert_eq!(told.status, 200, "{}", told.text);
    told.json()
}

/// What the settlement of the first of November says to the shop.
async fn first_of_november(house: &House) -> Value {
    let begun = Instant::now();
    let path = "/v1/settlements/2026-11-01_2026-11-01/merchants/shop";
    loop {
        let told = house.get(path).await;
        if told.status == 200 {
            return told.json()["statement"].clone();
        }
        assert!(begun.elapsed() < DEADLINE, "{}", told.text);
        tokio::task::yield_now().await;
    }
}

/// Goal: the first settlement has the fees and the cycles of the days before its period, as it has what happened on them.
#[actix_web::test]
async fn the_first_settlement_has_everything_before_it() {
    let (house, clock) = house().await;
    let agreed = json!({
        "accept_price": { "fen": 1, "points": 1 }, "fees": { "entry_fen": 50_000 }, "cycle": "month",
    });
    contract(&house, "shop", agreed).await;
    redeem(&house, "spend", "shop", 500, 0).await;
    clock.move_to("2026-11-02T00:00:01+08:00");
    let period = r#"{"period_start":"2026-11-01","period_end":"2026-11-01"}"#;
    house.command(SETTLE, "settle", period).await;
    let shop = first_of_november(&house).await;
    assert_eq!(shop["period_start"], "2026-11-01", "{shop}");
    // The day of the sale was the last of its month.
    let due = [&shop["total_fen"], &shop["due_fen"]];
    assert_eq!(due, [&json!(500 - 50_000); 2], "{shop}");
    house.engine.shut_down().await;
}

/// Goal: the clearing cases of the schemes come out to the fen. Method: a merchant for each, one day, one settlement.
#[actix_web::test]
async fn merchants_are_due_what_their_contracts_say() {
    let (house, clock) = house().await;
    let one = json!({ "fen": 1, "points": 1 });
    // TM-1: 62.00 a unit, three redeemed, one sent back.
    contract(
        &house,
        "tm-1",
        json!({ "payout": "per_unit", "unit_price_fen": 6_200 }),
    )
    .await;
    // TM-2: 70 % of 99.00 in points and 100.00 in money.
    let share =
        json!({ "accept_price": one, "payout": "share", "share": 7_000, "till": "operator" });
    contract(&house, "tm-2", share).await;
    // CO-4: a list price of 100.00 at 9.5折, of which 10.00 in points; settled at 9折.
    let discount = json!({
        "accept_price": one, "payout": "discount", "settlement_discount": 9_000, "customer_price": 9_500, "till": "operator",
    });
    contract(&house, "co-4", discount).await;
    // PO-2: 67 points are 1.00, and the agent has 6 % of their value.
    contract(&house, "agent", json!({})).await;
    let agency = json!({
        "accept_price": { "fen": 100, "points": 67 }, "commission": { "agent": "agent", "share": 600 },
    });
    contract(&house, "po-2", agency).await;

    for id in ["r-a", "r-b"] {
        redeem(&house, id, "tm-1", 8_000, 0).await;
    }
    let third = redeem(&house, "r-c", "tm-1", 8_000, 0).await;
    let back = json!({ "transaction": third }).to_string();
    house.accepted("POST /v1/reversals", "back", &back).await;
    redeem(&house, "r-d", "tm-2", 9_900, 10_000).await;
    redeem(&house, "r-e", "co-4", 1_000, 8_500).await;
    redeem(&house, "r-f", "po-2", 3_350, 0).await;

    let early = house.command(SETTLE, "early", DAY).await;
    assert_eq!(early.problem(), (422, "period_not_over".to_owned()));
    clock.move_to("2026-11-01T00:00:00.500+08:00");
    let told = house.command(SETTLE, "settle", DAY).await;
    assert_eq!(told.status, 202, "{}", told.text);
    let settlement = settled(&house).await;
    let root = Digest::parse(settlement["root"].as_str().unwrap()).unwrap();
    for (merchant, fen) in [
        ("tm-1", 12_400),
        ("tm-2", 13_930),
        ("co-4", 9_000),
        ("agent", 300),
        ("po-2", 5_000),
    ] {
        let told = statement(&house, merchant).await;
        assert_eq!(told["statement"]["total_fen"], fen, "{told}");
        let text = told.to_string();
        let file: StatementFile<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(file.check(Some(root)), [], "{told}");
        assert!(!file.check(Some(Digest::of(b"another"))).is_empty());
    }
    for (accept, begins) in [
        ("text/csv", "row,settlement,"),
        ("text/html", "<!DOCTYPE html>"),
    ] {
        let request = TestRequest::get()
            .uri(&format!("{SETTLEMENT}/merchants/co-4"))
            .insert_header(("accept", accept));
        let told = house.knock(request).await;
        assert!(told.header("content-type").starts_with(accept));
        assert!(told.text.starts_with(begins), "{}", told.text);
    }
    let summary = &settlement["summary"];
    let [total, margin, cash] = ["total_fen", "margin_fen", "cash_collected_fen"]
        .map(|name| summary[name].as_i64().unwrap());
    assert_eq!((total + margin, cash), (cash, 18_500));

    // Closing again is the same settlement, and another that overlaps is none.
    let again = house.command(SETTLE, "again", DAY).await.json();
    assert_eq!(
        (&again["changed"], &again["settlement"]),
        (&json!(false), &settlement["settlement"])
    );
    let overlap = r#"{"period_start":"2026-10-30","period_end":"2026-10-31"}"#;
    let overlap = house.command(SETTLE, "overlap", overlap).await;
    assert_eq!(overlap.problem(), (409, "period_settled".to_owned()));
    let late = json!({ "name": "tm-1", "contract": { "valid_from": "2026-10-31" } }).to_string();
    let late = house.command("PUT /v1/merchants/tm-1", "late", &late).await;
    assert_eq!(late.problem(), (409, "period_settled".to_owned()));
    house.engine.shut_down().await;
}

/// Goal: what comes after the period is of the next one, and what was put right by hand takes two.
#[actix_web::test]
async fn late_reversals_and_corrections_fall_into_the_next_period() {
    let (house, clock) = house().await;
    let billed = json!({
        "issue_price": { "fen": 2, "points": 1 }, "accept_price": { "fen": 1, "points": 1 },
    });
    contract(&house, "shop", billed).await;
    let spend = redeem(&house, "spend", "shop", 500, 0).await;
    clock.move_to("2026-11-01T00:00:01+08:00");
    house.command(SETTLE, "settle", DAY).await;
    settled(&house).await;
    let first = statement(&house, "shop").await["statement"].clone();
    assert_eq!(first["total_fen"], 500 - 2 * 100_000, "{first}");

    let back = json!({ "transaction": spend, "points": 200 }).to_string();
    house.accepted("POST /v1/reversals", "back", &back).await;
    let dispute = json!({
        "merchant": "shop", "amount_fen": 1_250, "reason": "counted twice", "reference": "letter 7",
    });
    let put = "PUT /v1/corrections/letter-7";
    house.accepted(put, "dispute", &dispute.to_string()).await;
    let decide = "POST /v1/corrections/letter-7/decision";
    let own = house.command(decide, "own", r#"{"approve":true}"#).await;
    assert_eq!(own.problem(), (422, "own_correction".to_owned()));
    let seen = house.get("/v1/corrections/letter-7").await.json();
    assert_eq!(
        (&seen["state"], &seen["amount_fen"]),
        (&json!("proposed"), &json!(1_250))
    );

    clock.move_to("2026-11-02T00:00:01+08:00");
    let next =
        r#"{"period_start":"2026-11-01T00:00:00+08:00","period_end":"2026-11-02T00:00:00+08:00"}"#;
    let told = house.command(SETTLE, "next", next).await;
    assert_eq!(
        told.json()["settlement"],
        "2026-11-01_2026-11-01",
        "{}",
        told.text
    );
    let second = first_of_november(&house).await;
    // Nobody approved the correction.
    assert_eq!(second["total_fen"], -200, "{second}");
    house.engine.shut_down().await;
}

/// Goal: the roll-forward of what is outstanding foots, with the days and without.
#[actix_web::test]
async fn liability_rolls_forward() {
    let (house, clock) = house().await;
    let lapsing =
        json!({ "member": "m", "merchant": "shop", "points": 40, "last_day": "2026-10-31" });
    house.accepted(EARN, "lapsing", &lapsing.to_string()).await;
    redeem(&house, "spend", "shop", 1_000, 0).await;
    let told = house.get("/v1/reports/liability").await.json();
    let rows = told["liability"].as_array().unwrap();
    let row = |month: Value| rows.iter().find(|row| row["lapses_in"] == month).unwrap();
    let ordinary = row(Value::Null);
    assert_eq!(
        (&ordinary["issued"], &ordinary["used"]),
        (&json!(100_000), &json!(960))
    );
    assert_eq!(
        (&ordinary["opening"], &ordinary["closing"]),
        (&json!(0), &json!(99_040))
    );
    assert_eq!(row(json!("2026-10"))["used"], 40);

    clock.move_to("2026-11-01T00:00:01+08:00");
    let since = house
        .get("/v1/reports/liability?since=2026-11-01")
        .await
        .json();
    let opening: Vec<i64> = since["liability"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["opening"].as_i64().unwrap() - row["closing"].as_i64().unwrap())
        .collect();
    assert!(opening.iter().all(|moved| *moved == 0), "{since}");
    let positions = house
        .get("/v1/reports/positions?from=2026-10-31&to=2026-10-31")
        .await
        .json();
    assert_eq!(positions["positions"][0]["spent"], 1_000, "{positions}");
    // When the day is settled, what became of points on it is in what was outstanding before the next.
    house.command(SETTLE, "settle", DAY).await;
    settled(&house).await;
    let day = house.get("/v1/reports/liability?since=2026-10-31").await;
    assert_eq!(day.problem(), (409, "period_settled".to_owned()));
    let next = house.get("/v1/reports/liability?since=2026-11-01").await;
    assert_eq!(next.json()["liability"], since["liability"]);
    let all = house.get("/v1/reports/liability").await.json();
    let closing = |told: &Value| -> i64 {
        let rows = told["liability"].as_array().unwrap().iter();
        rows.map(|row| row["closing"].as_i64().unwrap()).sum()
    };
    assert_eq!(closing(&all), closing(&since));
    // Everything is in it until the moment at which it was asked for, also of a shard to which nothing happens.
    assert_eq!(all["as_of"], "2026-10-31T16:00:01.000Z", "{all}");
    let wrong = house.get("/v1/reports/positions?since=2026-10-31").await;
    assert_eq!(wrong.problem(), (400, "invalid_field".to_owned()));
    house.engine.shut_down().await;
}
