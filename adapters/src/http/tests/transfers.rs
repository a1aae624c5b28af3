//! Points between members.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{House, options};

const TRANSFER: &str = "POST /v1/transfers";

fn send(member: &str, to: &str, points: u64) -> String {
    json!({ "member": member, "to": to, "points": points }).to_string()
}

/// The house with `m` at a hundred points, and with `n` and `gone`, who have none; `gone` is closed.
async fn house() -> House {
    let house = House::new(options()).await.with_points(100).await;
    for member in ["n", "gone"] {
        house
            .accepted(&format!("PUT /v1/members/{member}"), "e", "")
            .await;
    }
    let close = "POST /v1/members/gone/close";
    house
        .accepted(close, "c", r#"{"reason":"moved away"}"#)
        .await;
    house
}

#[actix_web::test]
async fn points_that_are_sent_arrive_as_they_were() {
    let house = house().await;
    let earn =
        r#"{"member":"m","merchant":"shop","points":10,"last_day":"2027-12-31","class":"bought"}"#;
    house.accepted("POST /v1/earns", "e2", earn).await;
    let told = house.accepted(TRANSFER, "t", &send("m", "n", 15)).await;
    assert_eq!(told["type"], "transfer");
    assert_eq!(
        told["balance"],
        json!({ "point_type": "points", "available": 95, "held": 0, "pending": 0, "owed": 0 })
    );
    assert_eq!(told.get("lots"), None);
    let again = house.command(TRANSFER, "t", &send("m", "n", 15)).await;
    assert_eq!(again.status, 200);
    let receiver = house.get("/v1/members/n").await.json()["balances"][0].clone();
    assert_eq!(receiver["available"], 15);
    assert_eq!(
        receiver["lots"],
        json!([
            { "issuer": "shop", "class": "bought", "last_day": "2027-12-31", "points": 10, "held": 0 },
            { "issuer": "shop", "class": "ordinary", "last_day": null, "points": 5, "held": 0 },
        ])
    );
    let transaction = &told["transaction"];
    let back = json!({ "transaction": transaction }).to_string();
    let told = house.command("POST /v1/reversals", "v", &back).await;
    assert_eq!(told.problem(), (422, "not_reversible".to_owned()));
    house.engine.shut_down().await;
}

/// Goal: a transfer that fails leaves everything in its lots, and says whether its request id is bound. Method: a table;
/// each row is sent twice.
#[actix_web::test]
async fn points_that_cannot_be_sent_stay() {
    let house = house().await;
    for (from, to, points, status, reasons, bound) in [
        ("m", "m", 1, 400, "invalid_field", false),
        ("m", "nobody", 10, 404, "member_not_found", true),
        ("m", "gone", 10, 422, "member_closed", true),
        ("m", "n", 101, 422, "insufficient_points", true),
        ("n", "m", 1, 422, "insufficient_points", true),
        (
            "gone",
            "m",
            1,
            422,
            "member_closed insufficient_points",
            true,
        ),
        ("nobody", "m", 1, 404, "member_not_found", false),
    ] {
        let before = house.get("/v1/members/m").await.text;
        let id = format!("{from}-to-{to}");
        let (code, _) = reasons.split_once(' ').unwrap_or((reasons, ""));
        for replayed in [false, bound] {
            let told = house.command(TRANSFER, &id, &send(from, to, points)).await;
            assert_eq!(told.problem(), (status, code.to_owned()), "{id}");
            let told = told.json();
            let codes = told["reasons"].as_array().unwrap().iter();
            let codes: Vec<&str> = codes.filter_map(|one| one["code"].as_str()).collect();
            assert_eq!(codes.join(" "), reasons, "{told}");
            assert_eq!(told["offset"].is_string(), bound, "{told}");
            assert_eq!(told["replayed"], replayed, "{told}");
            let pointer = told["errors"][0]["pointer"].as_str();
            assert_eq!(pointer, (status == 400).then_some("/to"));
        }
        assert_eq!(house.get("/v1/members/m").await.text, before, "{id}");
    }
    // Whoever is enrolled afterwards is reached under a new id.
    house.accepted("PUT /v1/members/nobody", "e", "").await;
    let told = house
        .command(TRANSFER, "m-to-nobody", &send("m", "nobody", 10))
        .await;
    assert_eq!(told.problem(), (404, "member_not_found".to_owned()));
    house
        .accepted(TRANSFER, "once-more", &send("m", "nobody", 10))
        .await;
    let freeze = "POST /v1/members/m/freeze";
    house.accepted(freeze, "f", r#"{"reason":"lost"}"#).await;
    let told = house.command(TRANSFER, "frozen", &send("m", "n", 1)).await;
    assert_eq!(told.problem(), (422, "member_frozen".to_owned()));
    // A frozen member may be given something.
    house
        .accepted(TRANSFER, "given", &send("nobody", "m", 10))
        .await;
    assert_eq!(house.balance("points").await, [100, 0, 0, 0]);
    house.engine.shut_down().await;
}

/// Points are under way for as long as two shards write them down; who asks again meanwhile is told to wait.
#[actix_web::test]
async fn a_transfer_under_way_is_not_begun_twice() {
    const DEADLINE: Duration = Duration::from_secs(30);
    let house = house().await;
    let begin = Instant::now();
    for round in 0_u64.. {
        let (id, body) = (format!("t{round}"), send("m", "n", 1));
        let both = [(); 2].map(|()| house.command(TRANSFER, &id, &body));
        let told = futures_util::future::join_all(both).await;
        let (first, second) = (&told[0], &told[1]);
        assert_eq!(first.status, 201, "{}", first.text);
        assert_eq!(house.balance("points").await[0], 99 - round);
        if second.status == 409 {
            assert_eq!(second.problem(), (409, "request_in_flight".to_owned()));
            break;
        }
        // The first was through already.
        assert_eq!(second.status, 200, "{}", second.text);
        assert!(begin.elapsed() < DEADLINE, "nobody was told to wait");
    }
    let command = json!({ "id": "b", "type": "transfer", "member": "m", "to": "n", "points": 1 });
    let batch = json!([command, command]).to_string();
    let told = house.commands("application/json", &batch).await.json();
    let statuses: Vec<&Value> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(statuses, ["accepted", "refused"], "{told}");
    assert_eq!(
        (&told[1]["code"], &told[1]["retryable"]),
        (&json!("request_in_flight"), &json!(true))
    );
    house.engine.shut_down().await;
}
