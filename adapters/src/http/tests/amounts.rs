//! The largest amounts that there can be: what does not fit is refused, and what is summed up is told as it is.

use serde_json::{Value, json};

use super::harness::{House, options};

const MAX: u64 = (1 << 53) - 1;

/// What became of an array, as code or `accepted`.
async fn told(house: &House, commands: &[Value]) -> Vec<String> {
    let body = Value::from(commands).to_string();
    let told = house.commands("application/json", &body).await;
    assert_eq!(told.status, 200, "{}", told.text);
    let answers = told.json();
    let code = |answer: &Value| answer["code"].as_str().unwrap_or("accepted").to_owned();
    answers.as_array().unwrap().iter().map(code).collect()
}

/// Goal: points that come back find the room that they had. Method: all that one may have is sent to nobody, and one more is
/// earned while it is on its way.
#[actix_web::test]
async fn points_on_their_way_keep_their_room() {
    let house = House::new(options()).await.with_points(MAX).await;
    let commands = [
        json!({ "id": "1", "type": "transfer", "member": "m", "to": "ghost", "points": MAX }),
        json!({ "id": "2", "type": "earn", "member": "m", "merchant": "shop", "points": 1 }),
    ];
    assert_eq!(
        told(&house, &commands).await,
        ["member_not_found", "member_limit_reached"]
    );
    assert_eq!(house.balance("points").await, [MAX, 0, 0, 0]);
    house.engine.shut_down().await;
}

/// Goal: reports tell sums of any size. Method: so many of the largest earns and redemptions that 64 bits are too few.
#[actix_web::test]
async fn sums_beyond_64_bits_are_told() {
    const PAIRS: u64 = 2_100;
    let house = House::new(options()).await.with_points(0).await;
    let pair = |at: u64| {
        ["earn", "redeem"].map(|kind| {
            let id = format!("{kind}-{at}");
            json!({ "id": id, "type": kind, "member": "m", "merchant": "shop", "points": MAX })
        })
    };
    let commands: Vec<Value> = (0..PAIRS).flat_map(pair).collect();
    let told = told(&house, &commands).await;
    assert!(told.iter().all(|code| code == "accepted"));

    let sum = u128::from(PAIRS) * u128::from(MAX);
    assert!(sum > u128::from(u64::MAX));
    for (path, wanted) in [
        ("/v1/reports/liability", format!(r#""issued":{sum},"#)),
        ("/v1/reports/liability", format!(r#""used":{sum},"#)),
        ("/v1/reports/positions", format!(r#""spent":{sum},"#)),
    ] {
        let report = house.get(path).await;
        assert_eq!(report.status, 200, "{}", report.text);
        assert!(report.text.contains(&wanted), "{}", report.text);
    }
    house.engine.shut_down().await;
}

/// Goal: a price that nobody could pay is refused, and not lowered to what somebody could. Method: more units at the highest
/// price, for somebody who has as much as one may have.
#[actix_web::test]
async fn what_nobody_can_pay_is_not_sold() {
    let house = House::new(options()).await.with_points(MAX).await;
    let sale = json!({ "units": 1_000, "price_points": MAX, "merchant": "shop" });
    house
        .accepted("PUT /v1/stock/yacht", "put", &sale.to_string())
        .await;
    for quantity in [1_000, 2] {
        let wish = json!({ "member": "m", "sku": "yacht", "quantity": quantity });
        let id = format!("r-{quantity}");
        let told = house
            .command("POST /v1/reservations", &id, &wish.to_string())
            .await;
        assert_eq!(told.problem(), (422, "insufficient_points".to_owned()));
        let reason = &told.json()["reasons"][0];
        assert_eq!(reason["limit"], MAX);
        assert_eq!(reason["requested"], MAX * quantity);
    }
    let wish = json!({ "member": "m", "sku": "yacht", "quantity": 1 });
    house
        .accepted("POST /v1/reservations", "r-1", &wish.to_string())
        .await;
    house.engine.shut_down().await;
}

/// Goal: no sale gets more units than there can be while some wait to be taken out of it. Method: all are to be taken out,
/// and as many put on sale, in one go; either order of what they come to is right.
#[actix_web::test]
async fn units_that_wait_to_be_taken_out_still_count() {
    let house = House::new(options()).await.with_points(0).await;
    let sale = json!({ "units": MAX, "price_points": 1, "merchant": "shop" });
    for sku in ["a", "b", "c", "d", "e", "f"] {
        let put = format!("PUT /v1/stock/{sku}");
        house.accepted(&put, sku, &sale.to_string()).await;
        let change = -i64::try_from(MAX).unwrap();
        let commands = [
            json!({ "id": "1", "type": "change_units", "sku": sku, "change": change }),
            json!({ "id": "2", "type": "put_stock", "sku": sku, "units": MAX, "price_points": 1, "merchant": "shop" }),
        ];
        let told = told(&house, &commands).await;
        assert_eq!(told[0], "accepted");
        let total = house.get(&format!("/v1/stock/{sku}")).await.json()["units"]["total"].clone();
        match &*told[1] {
            "accepted" => assert_eq!(total, MAX),
            // It came to the units while they were being taken out.
            "request_in_flight" => assert_eq!(total, 0),
            other => panic!("{other}"),
        }
    }
    house.engine.shut_down().await;
}
