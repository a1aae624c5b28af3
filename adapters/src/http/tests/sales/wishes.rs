//! What is refused to those who want units, and why.

use super::*;

/// Goal: every reason is told, and one that is the member's own before one of the stock. Method: a table of wishes, by a
/// member who can pay for four of five umbrellas and may have three.
#[actix_web::test]
async fn wishes_are_refused_for_the_first_of_their_reasons() {
    let (house, clock) = sale(9, r#","per_member_limit":3"#).await;
    for (member, sku, quantity, status, expected) in [
        (
            "nobody",
            "umbrella",
            1,
            404,
            json!([["member_not_found", null, null]]),
        ),
        (
            "m",
            "parasol",
            1,
            404,
            json!([["sku_not_found", null, null]]),
        ),
        (
            "m",
            "umbrella",
            4,
            422,
            json!([["member_limit_reached", 3, 4]]),
        ),
        (
            "m",
            "umbrella",
            6,
            422,
            json!([
                ["member_limit_reached", 3, 6],
                ["insufficient_points", 9, 12]
            ]),
        ),
    ] {
        let wish = json!({ "member": member, "sku": sku, "quantity": quantity }).to_string();
        let told = house
            .command(RESERVE, &format!("{sku}-{quantity}"), &wish)
            .await;
        assert_eq!(told.status, status, "{wish}: {}", told.text);
        told.problem();
        let told = told.json();
        let reasons = told["reasons"].as_array().unwrap().iter();
        let reasons = reasons.map(|one| json!([one["code"], one["limit"], one["requested"]]));
        assert_eq!(reasons.collect::<Value>(), expected, "{wish}");
        // What is the member's own binds, what may be put right by others does not.
        assert_eq!(told["offset"].is_string(), status == 422, "{wish}");
    }
    // Neither limit nor balance stands in the way any more: only now is the stock looked at.
    house.accepted(PUT, "no-limit", &document(5, "")).await;
    let poor = house.command(RESERVE, "six", &wish("m", 6)).await;
    assert_eq!(poor.problem(), (422, "insufficient_points".to_owned()));
    assert_eq!(
        poor.json()["reasons"].as_array().unwrap().len(),
        1,
        "{}",
        poor.text
    );
    let earn = r#"{"member":"m","merchant":"shop","points":100}"#;
    house.accepted("POST /v1/earns", "rich", earn).await;
    let told = house.command(RESERVE, "six-more", &wish("m", 6)).await;
    assert_eq!(told.problem(), (409, "sold_out".to_owned()));
    clock.advance_seconds(1);
    house.accepted(UNITS, "restock", r#"{"change":1}"#).await;
    house.accepted(RESERVE, "six-more", &wish("m", 6)).await;
    let look = house.get(STOCK).await.json();
    assert_eq!(look["state"], "sold_out", "{look}");
    let freeze = "POST /v1/members/m/freeze";
    house.accepted(freeze, "f", r#"{"reason":"lost"}"#).await;
    let told = house.command(RESERVE, "frozen", &wish("m", 1)).await;
    assert_eq!(told.problem(), (422, "member_frozen".to_owned()));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_sale_opens_and_closes_to_the_millisecond() {
    let (house, clock) = house(100).await;
    let window = r#","opens_at":"2026-11-21T09:00:10Z","closes_at":"2026-11-21T17:00:20+08:00""#;
    house.accepted(PUT, "put", &document(5, window)).await;
    for (at, state, code) in [
        (
            "2026-11-21T09:00:00.000Z",
            "scheduled",
            Some("sale_not_open"),
        ),
        (
            "2026-11-21T09:00:09.999Z",
            "scheduled",
            Some("sale_not_open"),
        ),
        ("2026-11-21T09:00:10.000Z", "open", None),
        ("2026-11-21T09:00:19.999Z", "open", None),
        ("2026-11-21T09:00:20.000Z", "closed", Some("sale_closed")),
    ] {
        clock.move_to(at);
        assert_eq!(house.get(STOCK).await.json()["state"], state, "{at}");
        let id = format!("at-{}", at.replace(':', "."));
        let told = house.command(RESERVE, &id, &wish("m", 1)).await;
        let Some(code) = code else {
            assert_eq!(told.status, 201, "{at}: {}", told.text);
            continue;
        };
        assert_eq!(told.problem(), (409, code.to_owned()), "{at}");
        let frees_at = match code {
            "sale_not_open" => json!("2026-11-21T09:00:10.000Z"),
            _ => Value::Null,
        };
        assert_eq!(told.json()["reasons"][0]["frees_at"], frees_at, "{at}");
    }
    // A reservation of the window's last moment can be paid for behind it.
    let told = house
        .get("/v1/members/m/requests/at-2026-11-21T09.00.19.999Z")
        .await;
    let reservation = name(&told.json()["reservation"]).to_owned();
    assert_eq!(
        settle(&house, &reservation, "confirm", "c").await.status,
        201
    );
    house.engine.shut_down().await;
}
