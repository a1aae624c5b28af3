//! Many commands at once, as an array and line by line.

use serde_json::{Value, json};

use super::harness::{House, options};

fn earn(id: &str, points: u64) -> String {
    let earn =
        json!({ "id": id, "type": "earn", "member": "m", "merchant": "shop", "points": points });
    earn.to_string()
}

fn redeem(id: &str, points: u64) -> String {
    earn(id, points).replace("earn", "redeem")
}

async fn available(house: &House) -> Value {
    house.get("/v1/members/m").await.json()["balances"][0]["available"].clone()
}

#[actix_web::test]
async fn an_array_is_answered_in_its_order() {
    let house = House::new(options()).await.with_points(10).await;
    let unknown = r#"{"id":"u","type":"release","hold":"?"}"#;
    let body = [
        &earn("a", 5),
        &redeem("b", 15),
        unknown,
        &redeem("c", 1),
        &earn("a", 5),
    ];
    let body = format!("[{}]", body.map(ToString::to_string).join(","));
    let told = house.commands("application/json", &body).await;
    assert_eq!(told.status, 200);
    let answers = told.json();
    let seen: Vec<_> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| {
            let code = answer["code"].as_str().unwrap_or("accepted");
            (
                answer["id"].as_str().unwrap(),
                code,
                answer["replayed"] == true,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("a", "accepted", false),
            ("b", "accepted", false),
            ("u", "hold_not_found", false),
            ("c", "insufficient_points", false),
            ("a", "accepted", true),
        ]
    );
    assert_eq!(available(&house).await, 0);
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn one_bad_command_refuses_the_array() {
    let house = House::new(options()).await.with_points(10).await;
    let body = format!("[{},{}]", earn("a", 5), earn("b", 0));
    let told = house.commands("application/json", &body).await;
    assert_eq!(told.problem(), (400, "invalid_field".to_owned()));
    assert_eq!(told.json()["errors"][0]["pointer"], "/1/points");
    assert_eq!(available(&house).await, 10);
    assert_eq!(
        house.commands("application/json", "[").await.problem().1,
        "malformed"
    );
    assert_eq!(
        house.commands("application/json", "").await.problem().1,
        "malformed"
    );
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_bad_line_is_answered_in_its_place() {
    let house = House::new(options()).await.with_points(10).await;
    let body = [&earn("a", 5), "", "oops", &earn("b", 0), &redeem("c", 15)].join("\n");
    let told = house.commands("application/x-ndjson", &body).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.header("content-type"), "application/x-ndjson");
    let answers: Vec<Value> = told
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 4);
    assert_eq!(answers[0]["id"], "a");
    assert_eq!(answers[1]["line"], 3);
    assert_eq!(answers[1]["code"], "malformed");
    assert_eq!(answers[1]["id"], Value::Null);
    assert_eq!(answers[2]["line"], 4);
    assert_eq!(answers[2]["code"], "invalid_field");
    assert_eq!(answers[2]["errors"][0]["pointer"], "/points");
    assert_eq!(answers[3]["status"], "accepted");
    assert_eq!(available(&house).await, 0);
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_stream_may_be_longer_than_an_array() {
    let house = House::new(options()).await.with_points(0).await;
    let lines: Vec<_> = (0..12_000)
        .map(|line| earn(&format!("l{line}"), 1))
        .collect();
    let told = house
        .commands("application/x-ndjson", &lines.join("\n"))
        .await;
    assert_eq!(told.text.lines().count(), 12_000);
    assert_eq!(available(&house).await, 12_000);
    house.engine.shut_down().await;
}
