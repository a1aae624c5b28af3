//! Statements and merchants' movements over the wire.

use std::time::Duration;

use actix_web::test::TestRequest;
use jifen_engine::ledger::{MerchantId, Principal};
use serde_json::{Value, json};

use super::harness::{HandClock, House, options};
use crate::access::{Digest, KeyBook, KeyRecord, Role};

/// Asks until the answer is as wanted.
async fn told_at_last(house: &House, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let asking = async {
        loop {
            let told = house.get(path).await;
            let fits = told.status == 200 && wanted(&told.json());
            if fits {
                return told.json();
            }
        }
    };
    let told = actix_web::rt::time::timeout(Duration::from_secs(60), asking).await;
    told.unwrap_or_else(|_| panic!("asked {path} in vain"))
}

fn with_items(count: usize) -> impl Fn(&Value) -> bool {
    move |page| {
        page["items"]
            .as_array()
            .is_some_and(|items| items.len() == count)
    }
}

#[actix_web::test]
async fn a_statement_tells_every_change_newest_first() {
    let clock = HandClock::new();
    let house = House::new(jifen_engine::Options {
        clock: std::sync::Arc::new(clock.clone()),
        ..options()
    })
    .await
    .with_points(100)
    .await;
    clock.advance_seconds(1);
    let spend = r#"{"member":"m","merchant":"shop","points":30,"reference":"“r”"}"#;
    let spent = house.accepted("POST /v1/redemptions", "r", spend).await;
    clock.advance_seconds(1);
    let hold = r#"{"member":"m","merchant":"shop","points":20,"ttl_seconds":1}"#;
    let held = house.accepted("POST /v1/holds", "h", hold).await;
    clock.advance_seconds(60);
    house.balance("points").await;
    let page = told_at_last(&house, "/v1/members/m/statement", |page| {
        with_items(4)(page) && page["as_of"] == "2026-11-21T09:01:02.000Z"
    })
    .await;
    assert_eq!(page["next_cursor"], Value::Null);
    let items = page["items"].as_array().unwrap();
    assert_eq!(
        items[2],
        json!({
            "at": "2026-11-21T09:00:01.000Z", "type": "redeem", "transaction": spent["transaction"],
            "offset": spent["offset"], "merchant": "shop", "point_type": "points", "points": -30,
            "available_after": 70, "held_after": 0, "owed_after": 0, "reference": "“r”"
        })
    );
    assert_eq!(items[1]["transaction"], held["transaction"]);
    let expired = &items[0];
    assert_eq!(
        [
            &expired["type"],
            &expired["transaction"],
            &expired["merchant"],
            &expired["reference"]
        ],
        [
            &json!("hold_expired"),
            &Value::Null,
            &json!("shop"),
            &Value::Null
        ]
    );
    let sums = ["points", "available_after", "held_after"].map(|sum| expired[sum].as_i64());
    assert_eq!(sums, [20, 70, 0].map(Some));

    let kinds = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["type"].as_str().unwrap().to_owned())
            .collect()
    };
    for (query, expected) in [
        ("type=redeem", &["redeem"][..]),
        (
            "from=2026-11-21T09:00:01Z&to=2026-11-21T17:00:02%2B08:00",
            &["redeem"],
        ),
        ("point_type=miles", &[]),
        ("limit=2&point_type=points", &["hold_expired", "hold"]),
    ] {
        let page = house.get(&format!("/v1/members/m/statement?{query}")).await;
        assert_eq!(kinds(&page.json()), expected, "{query}");
    }
    let first = house.get("/v1/members/m/statement?limit=3").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = house
        .get(&format!("/v1/members/m/statement?cursor={cursor}"))
        .await;
    assert_eq!(
        (kinds(&rest.json()), &rest.json()["next_cursor"]),
        (vec!["earn".to_owned()], &Value::Null)
    );
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_merchant_sees_what_passed() {
    let clock = HandClock::new();
    let house = House::new(jifen_engine::Options {
        clock: std::sync::Arc::new(clock.clone()),
        ..options()
    })
    .await
    .with_points(100)
    .await;
    clock.advance_seconds(1);
    let hold = r#"{"member":"m","merchant":"shop","points":20,"order":"O-7"}"#;
    let held = house.accepted("POST /v1/holds", "h", hold).await;
    let hold = held["hold"].as_str().unwrap();
    let captured = house
        .accepted(&format!("POST /v1/holds/{hold}/capture"), "c", "{}")
        .await;
    clock.advance_seconds(1);
    let body = json!({ "transaction": captured["transaction"], "points": 5, "reference": "ref" });
    let back = house
        .accepted("POST /v1/reversals", "v", &body.to_string())
        .await;
    clock.advance_seconds(1);
    let path = "/v1/merchants/shop/transactions";
    let page = told_at_last(&house, path, with_items(3)).await;
    let items = page["items"].as_array().unwrap();
    assert_eq!(items[0]["points"], 100);
    assert_eq!(
        items[1],
        json!({
            "at": "2026-11-21T09:00:01.000Z", "type": "capture", "transaction": captured["transaction"],
            "member": "m", "point_type": "points", "points": -20, "order": "O-7", "hold": hold,
            "reverses": null, "reference": null
        })
    );
    assert_eq!(
        items[2],
        json!({
            "at": "2026-11-21T09:00:02.000Z", "type": "reverse", "transaction": back["transaction"],
            "member": "m", "point_type": "points", "points": 5, "order": "O-7", "hold": null,
            "reverses": captured["transaction"], "reference": "ref"
        })
    );
    let first = house.get(&format!("{path}?limit=2")).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = house
        .get(&format!("{path}?limit=2&cursor={cursor}"))
        .await
        .json();
    assert_eq!(rest["items"], json!([items[2]]));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn what_cannot_be_asked_for_is_named() {
    let house = House::new(options()).await.with_points(1).await;
    let members = "/v1/members/m/statement";
    let merchants = "/v1/merchants/shop/transactions";
    for (path, query, pointers) in [
        (members, "from=yesterday&limit=0", &["/from", "/limit"][..]),
        (members, "to=2026-11-21T09:00:00+08:00", &["/to"]),
        (members, "limit=501", &["/limit"]),
        (members, "limit=1&limit=1", &["/limit"]),
        (members, "cursor=s-1", &["/cursor"]),
        (members, "cursor=m1-2-3", &["/cursor"]),
        (members, "type=enrol", &["/type"]),
        (members, "point_type=a%20b", &["/point_type"]),
        (members, "page=2", &["/page"]),
        (
            members,
            "from=2026-11-21T09:00:00Z&to=2026-11-21T09:00:00Z",
            &["/to"],
        ),
        (merchants, "type=earn", &["/type"]),
        (
            merchants,
            "cursor=s1&limit=x&from=1",
            &["/from", "/limit", "/cursor"],
        ),
        ("/v1/members/a%20b/statement", "", &["/member"]),
        ("/v1/merchants/a%20b/transactions", "", &["/merchant"]),
    ] {
        let told = house.get(&format!("{path}?{query}")).await;
        assert_eq!(
            told.problem(),
            (400, "invalid_field".to_owned()),
            "{path}?{query}"
        );
        let told = told.json();
        let errors = told["errors"].as_array().unwrap().iter();
        let named: Vec<&str> = errors
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(named, pointers, "{path}?{query}");
    }
    for (path, code) in [
        ("/v1/members/nobody/statement", "member_not_found"),
        ("/v1/merchants/nobody/transactions", "merchant_not_found"),
    ] {
        assert_eq!(house.get(path).await.problem(), (404, code.to_owned()));
    }
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_merchant_sees_its_own_movements_and_no_statement() {
    let house = House::new(options()).await.with_points(1).await;
    house
        .accepted("PUT /v1/merchants/mart", "mart", r#"{"name":"Mart"}"#)
        .await;
    let mut book = KeyBook::default();
    let record = KeyRecord {
        digest: Digest::of("the-key-of-a-till"),
        made_at: None,
    };
    let role = Role::Merchant(MerchantId::new("shop").unwrap());
    book.add(&Principal::new("till").unwrap(), &role, record)
        .unwrap();
    house.keys.replace(&book);
    let ask = |path: &str| {
        let asked = TestRequest::get().uri(path);
        house.knock_with("the-key-of-a-till", asked)
    };
    // Until the view is open, there is nothing to be seen.
    let own = "/v1/merchants/shop/transactions";
    told_at_last(&house, own, |_| true).await;
    assert_eq!(ask(own).await.status, 200);
    let foreign = ask("/v1/merchants/mart/transactions").await;
    assert_eq!(foreign.problem(), (404, "merchant_not_found".to_owned()));
    let missing = ask("/v1/merchants/nobody/transactions").await;
    assert_eq!(missing.text, foreign.text);
    let statement = ask("/v1/members/m/statement").await;
    assert_eq!(statement.problem(), (403, "forbidden".to_owned()));
    house.engine.shut_down().await;
}
