//! What happens to a reservation after its time, and to a sale that is taken back.

use super::*;

/// Goal: a late confirm has what a new reservation would get, or nothing. Method: two units are reserved and their time
/// passes; then what stands in each row happens before the confirm.
#[actix_web::test]
async fn a_late_confirm_takes_what_is_still_there() {
    let earn = r#"{"member":"n","merchant":"shop","points":100}"#;
    let spend = r#"{"member":"m","merchant":"shop","points":97}"#;
    let (own, others) = (wish("m", 2), wish("n", 5));
    let unlimited = document(5, "");
    let freeze = ("POST /v1/members/m/freeze", r#"{"reason":"lost"}"#);
    for (meanwhile, expected) in [
        (&[][..], json!(null)),
        (
            &[("POST /v1/redemptions", spend)][..],
            json!([["reservation_expired", 3, 4]]),
        ),
        (
            &[
                ("PUT /v1/members/n", ""),
                ("POST /v1/earns", earn),
                (PUT, &unlimited),
                (RESERVE, &others),
            ],
            json!([["reservation_expired", 0, 2]]),
        ),
        // It counts against the limit again.
        (
            &[(RESERVE, &own)],
            json!([
                ["reservation_expired", null, null],
                ["member_limit_reached", 1, 2]
            ]),
        ),
        (
            &[freeze],
            json!([
                ["member_frozen", null, null],
                ["reservation_expired", null, null]
            ]),
        ),
    ] {
        let (house, clock) = sale(100, r#","per_member_limit":3"#).await;
        let reservation = reserved(&house, "r", 2).await;
        clock.advance_seconds(601);
        expired(&house, &reservation).await;
        assert_eq!(house.balance("points").await, [100, 0, 0, 0]);
        assert_eq!(on_sale_again(&house).await, [5, 5, 0, 0, 0]);
        for (place, (endpoint, body)) in meanwhile.iter().enumerate() {
            let id = format!("meanwhile-{place}");
            house.accepted(endpoint, &id, body).await;
        }
        clock.advance_seconds(1);
        let told = settle(&house, &reservation, "confirm", "c").await;
        if expected.is_null() {
            assert_eq!(told.status, 201, "{}", told.text);
            assert_eq!(told.json()["codes"].as_array().unwrap().len(), 2);
            assert_eq!(house.balance("points").await, [96, 0, 0, 0]);
            assert_eq!(units(&house).await, [5, 3, 0, 0, 2]);
        } else {
            told.problem();
            let told = told.json();
            let reasons = told["reasons"].as_array().unwrap().iter();
            let reasons = reasons.map(|one| json!([one["code"], one["limit"], one["requested"]]));
            assert_eq!(reasons.collect::<Value>(), expected);
            let look = house.get(&format!("/v1/reservations/{reservation}")).await;
            assert_eq!(look.json()["state"], "expired");
        }
        house.engine.shut_down().await;
    }
}

#[actix_web::test]
async fn nothing_is_cancelled_late() {
    let (house, clock) = sale(100, r#","reservation_ttl_seconds":60"#).await;
    let reservation = reserved(&house, "r", 2).await;
    clock.advance_seconds(60);
    expired(&house, &reservation).await;
    let told = settle(&house, &reservation, "cancel", "c").await;
    assert_eq!(told.problem(), (409, "reservation_expired".to_owned()));
    for nothing in ["r0-99999", "r999-1", "whatever"] {
        let told = settle(&house, nothing, "confirm", "n").await;
        assert_eq!(
            told.problem(),
            (404, "reservation_not_found".to_owned()),
            "{nothing}"
        );
        let look = house.get(&format!("/v1/reservations/{nothing}")).await;
        assert_eq!(look.problem().1, "reservation_not_found", "{nothing}");
    }
    house.engine.shut_down().await;
}

fn back(transaction: &str, more: Value) -> String {
    let mut body = more;
    body["transaction"] = transaction.into();
    body.to_string()
}

#[actix_web::test]
async fn a_sale_is_taken_back_with_its_units() {
    let (house, clock) = sale(100, "").await;
    let (sale, codes) = sold(&house, "r", 2).await;
    let part = house
        .accepted(REVERSE, "1", &back(&sale, json!({ "points": 1 })))
        .await;
    assert_eq!(part["restored"], 1);
    // Units come back with all that is left, or not at all.
    let some = back(&sale, json!({ "points": 2, "return_units": true }));
    let told = house.command(REVERSE, "2", &some).await;
    assert_eq!(told.problem(), (422, "not_reversible".to_owned()));
    assert_eq!(units(&house).await, [5, 3, 0, 0, 2]);

    clock.advance_seconds(1);
    let all = back(&sale, json!({ "return_units": true }));
    assert_eq!(house.accepted(REVERSE, "3", &all).await["restored"], 3);
    assert_eq!(on_sale_again(&house).await, [5, 5, 0, 0, 0]);
    assert_eq!(house.balance("points").await, [100, 0, 0, 0]);
    for (place, code) in codes.iter().enumerate() {
        let told = house
            .command(
                &format!("POST /v1/codes/{code}/use"),
                &format!("u{place}"),
                "",
            )
            .await;
        assert_eq!(told.problem(), (409, "code_revoked".to_owned()));
        let look = house.get(&format!("/v1/codes/{code}")).await.json();
        assert_eq!(
            look,
            json!({ "code": code, "sku": "umbrella", "state": "revoked" })
        );
    }
    let told = house.command(REVERSE, "4", &all).await;
    assert_eq!(told.problem(), (409, "already_reversed".to_owned()));
    let look = house.get(&format!("/v1/transactions/{sale}")).await.json();
    assert_eq!(
        (&look["reversed"], &look["merchant"]),
        (&json!(4), &json!("shop"))
    );
    assert_eq!(look["codes"], json!(codes));
    house.engine.shut_down().await;
}

/// What was handed over does not come back, but the points may.
#[actix_web::test]
async fn a_used_unit_stays_sold() {
    let (house, _) = sale(100, "").await;
    let (sale, codes) = sold(&house, "r", 2).await;
    let hand_over = |unit: usize| format!("POST /v1/codes/{}/use", codes[unit]);
    house.accepted(&hand_over(0), "u0", "").await;
    let told = house
        .command(REVERSE, "1", &back(&sale, json!({ "return_units": true })))
        .await;
    assert_eq!(told.problem(), (422, "not_reversible".to_owned()));
    let told = house.accepted(REVERSE, "2", &back(&sale, json!({}))).await;
    assert_eq!(told["restored"], 4);
    assert_eq!(units(&house).await, [5, 3, 0, 0, 2]);
    let told = house.command(&hand_over(1), "u1", "").await;
    assert_eq!(told.problem(), (409, "code_revoked".to_owned()));
    house.engine.shut_down().await;
}
