//! Several kinds of points, their uses, and points that are released later.

use std::sync::Arc;

use jifen_engine::{
    Options,
    ledger::{PointKind, PointType, Rules, Uses},
};
use serde_json::json;

use super::harness::{HandClock, House, options};

fn kind(name: &str, scale: u8, uses: Uses) -> PointKind {
    PointKind {
        scale,
        uses,
        ..PointKind::plain(PointType::new(name).unwrap())
    }
}

/// A house whose points are `miles`, `circle` for goods only, and `growth` for grades.
async fn coalition() -> House {
    let goods_only = Uses {
        redeem: true,
        ..Uses::GRADE_ONLY
    };
    let rules = Rules {
        point_types: vec![
            kind("miles", 2, Uses::ALL),
            kind("circle", 0, goods_only),
            kind("growth", 0, Uses::GRADE_ONLY),
        ],
        ..Rules::default()
    };
    House::new(Options { rules, ..options() })
        .await
        .with_points(0)
        .await
}

async fn earn(house: &House, id: &str, more: &str) {
    let body = format!(r#"{{"member":"m","merchant":"shop","points":5{more}}}"#);
    house.accepted("POST /v1/earns", id, &body).await;
}

#[actix_web::test]
async fn the_first_kind_is_meant_where_none_is_named() {
    let house = coalition().await;
    earn(&house, "1", "").await;
    earn(&house, "2", r#","point_type":"growth""#).await;
    // Naming the default says nothing else than leaving it out.
    let same = r#"{"member":"m","merchant":"shop","points":5,"point_type":"miles"}"#;
    assert_eq!(house.command("POST /v1/earns", "1", same).await.status, 200);
    let line = r#"{"id":"3","type":"earn","member":"m","merchant":"shop","points":5}"#;
    for (content_type, body) in [
        ("application/json", format!("[{line}]")),
        ("application/x-ndjson", line.replace("\"3\"", "\"4\"")),
    ] {
        let told = house.commands(content_type, &body).await;
        assert!(
            told.text.contains(r#""point_type":"miles""#),
            "{}",
            told.text
        );
    }
    let member = house.get("/v1/members/m").await.json();
    let balances = member["balances"].as_array().unwrap();
    let told: Vec<_> = balances
        .iter()
        .map(|b| json!([b["point_type"], b["scale"], b["available"]]))
        .collect();
    assert_eq!(told, [json!(["miles", 2, 15]), json!(["growth", 0, 5])]);
    let old = r#"{"member":"m","merchant":"shop","points":5,"point_type":"points"}"#;
    let told = house.command("POST /v1/earns", "5", old).await;
    assert_eq!(told.json()["errors"][0]["pointer"], "/point_type");
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn points_are_for_their_uses_only() {
    let house = coalition().await;
    for kind in ["miles", "circle", "growth"] {
        earn(&house, kind, &format!(r#","point_type":"{kind}""#)).await;
    }
    for (kind, used_for, status) in [
        ("miles", "offset", 201),
        ("miles", "goods", 201),
        ("circle", "offset", 422),
        ("circle", "gift", 201),
        ("growth", "offset", 422),
        ("growth", "goods", 422),
    ] {
        let body = json!({
            "member": "m", "merchant": "shop", "points": 1, "point_type": kind, "use": used_for,
        });
        for endpoint in ["redemptions", "holds"] {
            let id = format!("{endpoint}-{kind}-{used_for}");
            let told = house
                .command(&format!("POST /v1/{endpoint}"), &id, &body.to_string())
                .await;
            assert_eq!(told.status, status, "{body}: {}", told.text);
            if status == 422 {
                assert_eq!(told.problem().1, "not_eligible");
            }
        }
    }
    // Everything that stands in the way is told.
    let more = r#"{"member":"m","merchant":"shop","points":6,"point_type":"growth"}"#;
    let told = house.command("POST /v1/redemptions", "more", more).await;
    assert_eq!(
        told.json()["reasons"],
        json!([
            { "code": "not_eligible", "limit": null, "requested": null, "frees_at": null },
            { "code": "insufficient_points", "limit": 5, "requested": 6, "frees_at": null },
        ])
    );
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn points_are_pending_until_they_are_released() {
    let clock = HandClock::at("2026-11-21T09:00:00Z");
    let house = House::new(Options {
        clock: Arc::new(clock.clone()),
        ..options()
    })
    .await
    .with_points(10)
    .await;
    earn(
        &house,
        "late",
        r#","releases_at":"2026-11-21T10:00:00Z","last_day":"2027-12-31""#,
    )
    .await;
    earn(&house, "past", r#","releases_at":"2026-11-21T09:00:00Z""#).await;
    assert_eq!(house.balance("points").await, [15, 0, 5, 0]);
    let member = house.get("/v1/members/m").await.json();
    assert_eq!(
        member["balances"][0]["pending_lots"],
        json!([{
            "releases_at": "2026-11-21T10:00:00.000Z", "points": 5, "issuer": "shop",
            "class": "ordinary", "last_day": "2027-12-31",
        }])
    );
    let spend = r#"{"member":"m","merchant":"shop","points":18}"#;
    let early = house.command("POST /v1/redemptions", "r1", spend).await;
    assert_eq!(early.problem(), (422, "insufficient_points".to_owned()));
    assert_eq!(
        early.json()["reasons"][0],
        json!({
            "code": "insufficient_points", "limit": 15, "requested": 18,
            "frees_at": "2026-11-21T10:00:00.000Z",
        })
    );
    clock.move_to("2026-11-21T10:00:00Z");
    house.accepted("POST /v1/redemptions", "r2", spend).await;
    assert_eq!(house.balance("points").await, [2, 0, 0, 0]);
    let member = house.get("/v1/members/m").await.json();
    assert_eq!(member["balances"][0]["pending_lots"], json!([]));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_read_shows_what_time_has_done() {
    let clock = HandClock::at("2026-11-21T09:00:00Z");
    let house = House::new(Options {
        clock: Arc::new(clock.clone()),
        ..options()
    })
    .await
    .with_points(0)
    .await;
    earn(&house, "1", r#","last_day":"2026-11-21""#).await;
    earn(&house, "2", r#","releases_at":"2026-11-22T00:00:00+08:00""#).await;
    clock.move_to("2026-11-21T23:59:59+08:00");
    assert_eq!(house.balance("points").await, [5, 0, 5, 0]);
    clock.move_to("2026-11-22T00:00:00+08:00");
    assert_eq!(house.balance("points").await, [5, 0, 0, 0]);
    let lots = house.get("/v1/members/m").await.json()["balances"][0]["lots"].clone();
    assert_eq!(lots.as_array().unwrap().len(), 1, "{lots}");
    assert_eq!(lots[0]["last_day"], json!(null));
    assert_eq!(house.books("points").await.breakage, 5);
    house.engine.shut_down().await;
}
