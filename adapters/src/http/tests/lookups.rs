//! Looking at what was answered and at what became of it.

use serde_json::{Value, json};

use super::harness::{House, options};

#[actix_web::test]
async fn a_request_is_told_as_it_was_answered() {
    let house = House::new(options()).await.with_points(10).await;
    for (endpoint, id, body) in [
        (
            "POST /v1/redemptions",
            "yes",
            r#"{"member":"m","merchant":"shop","points":4,"reference":"“r”"}"#,
        ),
        (
            "POST /v1/holds",
            "hold",
            r#"{"member":"m","merchant":"shop","points":1}"#,
        ),
    ] {
        let mut given = house.accepted(endpoint, id, body).await;
        let told = house.get(&format!("/v1/members/m/requests/{id}")).await;
        assert_eq!(told.status, 200);
        assert_eq!(told.header("content-type"), "application/json");
        given["replayed"] = true.into();
        assert_eq!(told.json(), given);
    }
    // A bound "no" is an answer too: what a batch would have said.
    let spend = r#"{"member":"m","merchant":"shop","points":99}"#;
    let given = house.command("POST /v1/redemptions", "no", spend).await;
    let given = given.json();
    let told = house.get("/v1/members/m/requests/no").await;
    assert_eq!(told.status, 200);
    let told = told.json();
    assert_eq!(
        (&told["status"], &told["id"]),
        (&json!("refused"), &json!("no"))
    );
    assert_eq!(
        (&told["type"], &told["replayed"]),
        (&json!("redeem"), &json!(true))
    );
    for same in ["code", "retryable", "reasons", "offset", "at"] {
        assert_eq!(told[same], given[same], "{same}");
    }
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn what_was_never_answered_is_not_found() {
    let house = House::new(options()).await.with_points(10).await;
    // Decided, but not bound.
    let unknown = r#"{"member":"m","merchant":"nobody","points":1}"#;
    let told = house.command("POST /v1/earns", "unbound", unknown).await;
    assert_eq!(told.problem(), (404, "merchant_not_found".to_owned()));
    let mut texts = Vec::new();
    // `s` is the merchant's request, `e` is known of `m` only.
    for path in [
        "m/requests/unbound",
        "m/requests/s",
        "n/requests/e",
        "m/requests/x",
    ] {
        let told = house.get(&format!("/v1/members/{path}")).await;
        assert_eq!(
            told.problem(),
            (404, "request_not_found".to_owned()),
            "{path}"
        );
        texts.push(told.text);
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:#?}");
    for (path, pointer) in [("m%20m/requests/e", "/member"), ("m/requests/e%20e", "/id")] {
        let told = house.get(&format!("/v1/members/{path}")).await;
        assert_eq!(told.problem(), (400, "invalid_field".to_owned()));
        assert_eq!(told.json()["errors"][0]["pointer"], pointer);
    }
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_transaction_tells_how_much_of_it_is_left() {
    let house = House::new(options()).await.with_points(10).await;
    let spend = r#"{"member":"m","merchant":"shop","points":7,"reference":"ref"}"#;
    let given = house.accepted("POST /v1/redemptions", "r", spend).await;
    let transaction = given["transaction"].as_str().unwrap();
    let path = format!("/v1/transactions/{transaction}");
    for (reversed, points) in [(0, 2), (2, 5), (7, 0)] {
        let told = house.get(&path).await;
        assert_eq!(told.status, 200);
        let mut expected = given.clone();
        expected["member"] = "m".into();
        expected["merchant"] = "shop".into();
        expected["reversed"] = reversed.into();
        let told = told.json();
        expected["replayed"] = told["replayed"].clone();
        assert_eq!(told, expected);
        if points > 0 {
            let body = json!({ "transaction": transaction, "points": points }).to_string();
            let id = format!("v{points}");
            house.accepted("POST /v1/reversals", &id, &body).await;
        }
    }
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn every_kind_of_transaction_can_be_looked_at() {
    let house = House::new(options()).await.with_points(10).await;
    let spend = r#"{"member":"m","merchant":"shop","points":2}"#;
    let held = house.accepted("POST /v1/holds", "h", spend).await;
    let capture = format!("POST /v1/holds/{}/capture", held["hold"].as_str().unwrap());
    let captured = house.accepted(&capture, "c", r#"{"points":1}"#).await;
    let body = json!({ "transaction": captured["transaction"] }).to_string();
    let reversed = house.accepted("POST /v1/reversals", "v", &body).await;
    let adjust = r#"{"member":"m","points":-1,"reason":"r"}"#;
    let adjusted = house.accepted("POST /v1/adjustments", "a", adjust).await;
    let reason = r#"{"reason":"r"}"#;
    let closed = house
        .accepted("POST /v1/members/m/close", "x", reason)
        .await;
    for (given, reversed, merchant) in [
        (&held, 0, json!("shop")),
        (&captured, 1, json!("shop")),
        (&reversed, 0, json!("shop")),
        (&adjusted, 0, Value::Null),
        (&closed, 0, Value::Null),
    ] {
        let path = format!(
            "/v1/transactions/{}",
            given["transaction"].as_str().unwrap()
        );
        let told = house.get(&path).await.json();
        for (key, value) in given.as_object().unwrap() {
            if key != "replayed" {
                assert_eq!(&told[key], value, "{key} of {told}");
            }
        }
        assert_eq!(told["member"], "m");
        assert_eq!(told["reversed"], reversed, "{told}");
        assert!(told["lots"].is_array(), "{told}");
        assert_eq!(told["merchant"], merchant, "{told}");
    }
    house.engine.shut_down().await;
}
