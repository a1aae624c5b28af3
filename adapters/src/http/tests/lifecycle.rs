//! Freezing, unfreezing, closing and erasing.

use serde_json::json;

use super::harness::{House, options};

const REASON: &str = r#"{"reason":"asked for"}"#;
const FREEZE: &str = "POST /v1/members/m/freeze";
const UNFREEZE: &str = "POST /v1/members/m/unfreeze";
const CLOSE: &str = "POST /v1/members/m/close";
const ERASE: &str = "DELETE /v1/members/m/attributes";
const EARN: &str = r#"{"member":"m","merchant":"shop","points":3}"#;

async fn state(house: &House) -> String {
    let member = house.get("/v1/members/m").await.json();
    member["state"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_frozen_member_earns_but_does_not_spend() {
    let house = House::new(options()).await.with_points(10).await;
    assert_eq!(state(&house).await, "active");
    let told = house.accepted(FREEZE, "f", REASON).await;
    assert_eq!(told["type"], "freeze");
    assert_eq!(state(&house).await, "frozen");
    assert_eq!(house.command(FREEZE, "f", REASON).await.status, 200);
    // Freezing twice changes nothing.
    house.accepted(FREEZE, "f2", REASON).await;
    house.accepted("POST /v1/earns", "e2", EARN).await;
    for (endpoint, id) in [("POST /v1/redemptions", "r"), ("POST /v1/holds", "h")] {
        let spend = house.command(endpoint, id, EARN).await;
        assert_eq!(spend.problem(), (422, "member_frozen".to_owned()));
        assert_eq!(
            spend.json()["reasons"],
            json!([{ "code": "member_frozen", "limit": null, "requested": null, "frees_at": null }])
        );
    }
    house.accepted(UNFREEZE, "u", REASON).await;
    assert_eq!(state(&house).await, "active");
    house.accepted("POST /v1/redemptions", "r2", EARN).await;
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_closed_member_gives_up_what_is_there() {
    let house = House::new(options()).await.with_points(10).await;
    let held = house.accepted("POST /v1/holds", "h", EARN).await;
    let told = house.command(CLOSE, "c1", REASON).await;
    assert_eq!(told.problem(), (409, "member_has_holds".to_owned()));
    assert_eq!(
        told.json()["reasons"],
        json!([{ "code": "member_has_holds", "limit": 0, "requested": 1, "frees_at": null }])
    );
    let release = format!("POST /v1/holds/{}/release", held["hold"].as_str().unwrap());
    house.accepted(&release, "rel", "").await;
    // What was refused stays refused.
    let told = house.command(CLOSE, "c1", REASON).await;
    assert_eq!(told.problem(), (409, "member_has_holds".to_owned()));
    assert_eq!(told.json()["replayed"], true);

    let told = house.accepted(CLOSE, "c2", REASON).await;
    assert_eq!(told["type"], "close");
    assert_eq!(told["forfeited"], 10);
    assert_eq!(told["balance"]["available"], 0);
    assert_eq!(state(&house).await, "closed");
    assert_eq!(house.books("points").await.breakage, 10);
    let again = house.command(CLOSE, "c2", REASON).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["forfeited"]),
        (200, &json!(10))
    );

    let adjust = r#"{"member":"m","points":1,"reason":"r"}"#;
    for (place, (endpoint, body)) in [
        ("POST /v1/earns", EARN),
        ("POST /v1/redemptions", EARN),
        ("POST /v1/holds", EARN),
        ("POST /v1/adjustments", adjust),
        ("PUT /v1/members/m", ""),
        (FREEZE, REASON),
        (UNFREEZE, REASON),
        (CLOSE, REASON),
    ]
    .into_iter()
    .enumerate()
    {
        let told = house
            .command(endpoint, &format!("after-{place}"), body)
            .await;
        assert_eq!(told.json()["code"], "member_closed", "{endpoint}");
        assert_eq!(told.status, 422, "{endpoint}");
    }
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn what_a_closed_member_gets_back_is_given_up_too() {
    let house = House::new(options()).await.with_points(10).await;
    let spent = house.accepted("POST /v1/redemptions", "r", EARN).await;
    house.accepted(CLOSE, "c", REASON).await;
    let body = json!({ "transaction": spent["transaction"] }).to_string();
    let told = house.accepted("POST /v1/reversals", "v", &body).await;
    assert_eq!(told["restored"], 3);
    assert_eq!(told["balance"]["available"], 0);
    assert_eq!(house.books("points").await.breakage, 10);
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn attributes_are_erased_and_the_books_stay() {
    let house = House::new(options()).await.with_points(10).await;
    let named = r#"{"attributes":{"name":"Bao","phone":"1"}}"#;
    house.accepted("PUT /v1/members/m", "m2", named).await;
    let told = house.accepted(ERASE, "x", "").await;
    assert_eq!(told["type"], "erase");
    assert_eq!(house.command(ERASE, "x", "").await.status, 200);
    assert_eq!(house.balance("points").await, [10, 0, 0, 0]);
    house.accepted(CLOSE, "c", REASON).await;
    // Also of whoever has left.
    house.accepted(ERASE, "x2", "").await;
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn nobody_is_frozen_without_a_reason_or_a_name() {
    let house = House::new(options()).await.with_points(0).await;
    for endpoint in [FREEZE, UNFREEZE, CLOSE] {
        for body in ["", "{}", r#"{"reason":" "}"#] {
            let told = house.command(endpoint, "1", body).await;
            assert_eq!(told.problem(), (400, "invalid_field".to_owned()), "{body}");
            assert_eq!(told.json()["errors"][0]["pointer"], "/reason");
        }
        let other = r#"{"reason":"r","member":"n"}"#;
        let told = house.command(endpoint, "1", other).await;
        assert_eq!(told.json()["errors"][0]["pointer"], "/member");
        let nobody = endpoint.replace("/m/", "/n/");
        let told = house.command(&nobody, "1", REASON).await;
        assert_eq!(told.problem(), (404, "member_not_found".to_owned()));
    }
    let nobody = ERASE.replace("/m/", "/n/");
    let told = house.command(&nobody, "1", "").await;
    assert_eq!(told.problem(), (404, "member_not_found".to_owned()));
    house.engine.shut_down().await;
}
