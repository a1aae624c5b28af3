//! Taking back what was done, and putting balances right by hand.

use serde_json::{Value, json};

use super::harness::{House, options};

const REVERSE: &str = "POST /v1/reversals";
const ADJUST: &str = "POST /v1/adjustments";

/// The house with `m` at ten points and a redemption of four; tells that transaction.
async fn after_a_redemption() -> (House, String) {
    let house = House::new(options()).await.with_points(10).await;
    let spend = r#"{"member":"m","merchant":"shop","points":4,"use":"goods"}"#;
    let told = house.accepted("POST /v1/redemptions", "r", spend).await;
    let transaction = told["transaction"].as_str().unwrap().to_owned();
    (house, transaction)
}

fn of(transaction: &str) -> String {
    json!({ "transaction": transaction }).to_string()
}

fn part_of(transaction: &str, points: u64) -> String {
    json!({ "transaction": transaction, "points": points, "reason": "sent back" }).to_string()
}

#[actix_web::test]
async fn a_spend_is_given_back_in_parts() {
    let (house, spent) = after_a_redemption().await;
    let first = house.command(REVERSE, "v1", &part_of(&spent, 3)).await;
    assert_eq!(first.status, 201);
    let told = first.json();
    assert_eq!(told["type"], "reverse");
    assert_eq!(told["restored"], 3);
    assert_eq!(told.get("taken_back"), None);
    assert_eq!(told["balance"]["available"], 9);

    let again = house.command(REVERSE, "v1", &part_of(&spent, 3)).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let mut expected = told.clone();
    expected["replayed"] = true.into();
    assert_eq!(again.json(), expected);
    let other = house.command(REVERSE, "v1", &part_of(&spent, 2)).await;
    assert_eq!(other.problem(), (422, "request_id_reused".to_owned()));

    let more = house.command(REVERSE, "v2", &part_of(&spent, 2)).await;
    assert_eq!(more.problem(), (422, "exceeds_transaction".to_owned()));
    assert_eq!(
        more.json()["reasons"],
        json!([{ "code": "exceeds_transaction", "limit": 1, "requested": 2, "frees_at": null }])
    );
    // Without points: all that is left.
    let rest = house.accepted(REVERSE, "v3", &of(&spent)).await;
    assert_eq!(rest["restored"], 1);
    let nothing = house.command(REVERSE, "v4", &of(&spent)).await;
    assert_eq!(nothing.problem(), (409, "already_reversed".to_owned()));
    assert_eq!(house.balance("points").await, [10, 0, 0, 0]);
    let books = house.books("points").await;
    assert_eq!((books.accepted, books.accepted_reversed), (4, 4));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn an_earn_that_was_spent_becomes_a_debt() {
    let (house, _) = after_a_redemption().await;
    let earned = house.get("/v1/members/m/requests/e").await.json();
    let earned = earned["transaction"].as_str().unwrap();
    let told = house.accepted(REVERSE, "v", &of(earned)).await;
    assert_eq!((&told["taken_back"], &told["owed"]), (&json!(6), &json!(4)));
    assert_eq!(told.get("restored"), None);
    assert_eq!(
        told["balance"],
        json!({ "point_type": "points", "available": 0, "held": 0, "pending": 0, "owed": 4 })
    );
    // What comes in pays the debt first.
    let earn = r#"{"member":"m","merchant":"shop","points":5}"#;
    let told = house.accepted("POST /v1/earns", "e2", earn).await;
    assert_eq!(told["lots"][0]["points"], 5);
    assert_eq!(house.balance("points").await, [1, 0, 0, 0]);
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_capture_can_be_reversed_but_no_hold() {
    let house = House::new(options()).await.with_points(10).await;
    let spend = r#"{"member":"m","merchant":"shop","points":4}"#;
    let held = house.accepted("POST /v1/holds", "h", spend).await;
    let capture = format!("POST /v1/holds/{}/capture", held["hold"].as_str().unwrap());
    let captured = house.accepted(&capture, "c", r#"{"points":3}"#).await;
    let told = house
        .command(REVERSE, "v1", &of(held["transaction"].as_str().unwrap()))
        .await;
    assert_eq!(told.problem(), (422, "not_reversible".to_owned()));
    let body = of(captured["transaction"].as_str().unwrap());
    let told = house.accepted(REVERSE, "v2", &body).await;
    assert_eq!(told["restored"], 3);
    // A reversal is not reversed.
    let reversal = told["transaction"].as_str().unwrap();
    let told = house.command(REVERSE, "v3", &of(reversal)).await;
    assert_eq!(told.problem(), (422, "not_reversible".to_owned()));
    house.engine.shut_down().await;
}

/// Goal: whoever asks for what is not theirs learns nothing. Method: the answers to ids of every kind of nothing are
/// compared byte by byte.
#[actix_web::test]
async fn what_is_no_transaction_is_not_found_in_the_same_words() {
    let (house, _) = after_a_redemption().await;
    let spend = r#"{"member":"m","merchant":"shop","points":99}"#;
    let refused = house.command("POST /v1/redemptions", "r2", spend).await;
    let offset = refused.json()["offset"].as_str().unwrap().to_owned();
    let refused = format!("t{}", offset.replace(':', "-"));
    let (shard, _) = offset.split_once(':').unwrap();
    let mut texts = Vec::new();
    for nothing in [
        &refused,
        &format!("t{shard}-99999"),
        &format!("t{shard}-0"),
        "t0-18446744073709551615",
        "t999-1",
        "t65535-0",
        "whatever",
    ] {
        let told = house.command(REVERSE, "v", &of(nothing)).await;
        assert_eq!(
            told.problem(),
            (404, "transaction_not_found".to_owned()),
            "{nothing}"
        );
        texts.push(told.text);
        let look = house.get(&format!("/v1/transactions/{nothing}")).await;
        assert_eq!(look.problem(), (404, "transaction_not_found".to_owned()));
        texts.push(look.text.replace("null,\"replayed\"", "\"v\",\"replayed\""));
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:#?}");
    // It bound nothing.
    let earned = house.get("/v1/members/m/requests/e").await.json();
    let earned = earned["transaction"].as_str().unwrap();
    house.accepted(REVERSE, "v", &of(earned)).await;
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn old_transactions_are_left_alone() {
    let clock = super::harness::HandClock::new();
    let mut options = options();
    options.clock = std::sync::Arc::new(clock.clone());
    options.rules.reversal_window_seconds = 3_600;
    let house = House::new(options).await.with_points(10).await;
    let earned = house.get("/v1/members/m/requests/e").await.json();
    let earned = earned["transaction"].as_str().unwrap();
    clock.advance_seconds(3_600);
    house.accepted(REVERSE, "v1", &part_of(earned, 1)).await;
    clock.advance_seconds(1);
    let told = house.command(REVERSE, "v2", &part_of(earned, 10)).await;
    assert_eq!(told.problem(), (422, "reversal_window_passed".to_owned()));
    let codes: Vec<Value> = told.json()["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason["code"].clone())
        .collect();
    assert_eq!(codes, ["reversal_window_passed", "exceeds_transaction"]);
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn the_operator_puts_a_balance_right() {
    let house = House::new(options()).await.with_points(10).await;
    let adjust = |points: i64| {
        json!({ "member": "m", "points": points, "reason": "counted wrongly" }).to_string()
    };
    let up = house.accepted(ADJUST, "a1", &adjust(5)).await;
    assert_eq!(up["type"], "adjust");
    assert_eq!(up["balance"]["available"], 15);
    assert_eq!(up.get("lots"), None);
    let lots = house.get("/v1/members/m").await.json()["balances"][0]["lots"].clone();
    assert!(
        lots.as_array().unwrap().contains(&json!({
            "issuer": "operator", "class": "adjustment", "last_day": null, "points": 5, "held": 0,
        })),
        "{lots}"
    );
    let down = house.accepted(ADJUST, "a2", &adjust(-12)).await;
    assert_eq!(down["balance"]["available"], 3);
    let again = house.command(ADJUST, "a2", &adjust(-12)).await;
    assert_eq!(again.status, 200);
    // The sign is content.
    let other = house.command(ADJUST, "a2", &adjust(12)).await;
    assert_eq!(other.problem(), (422, "request_id_reused".to_owned()));
    let most = house.command(ADJUST, "a3", &adjust(-4)).await;
    assert_eq!(most.problem(), (422, "insufficient_points".to_owned()));
    let reason = &most.json()["reasons"][0];
    assert_eq!(
        (&reason["limit"], &reason["requested"]),
        (&json!(3), &json!(4))
    );
    for bad in ["0", "9007199254740992", "-9007199254740992", "1.5"] {
        let body = adjust(7).replace('7', bad);
        let told = house.command(ADJUST, "a4", &body).await;
        assert_eq!(told.problem(), (400, "invalid_field".to_owned()), "{body}");
        assert_eq!(told.json()["errors"][0]["pointer"], "/points");
    }
    assert_eq!(house.books("points").await.adjusted, -7);
    house.engine.shut_down().await;
}
