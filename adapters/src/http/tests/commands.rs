//! One command at a time: what is accepted, what is refused, and what a retry hears.

use std::sync::Arc;

use jifen_engine::{
    Engine, Limits, Options, Parts, Router,
    disk::Endless,
    journal::{
        identity::Identity,
        memory::{Fault, Medium, MemoryJournal},
        recovery::recover,
    },
    ledger::{Ledger, Rules, ShardIndex},
};
use serde_json::json;

use super::harness::{HandClock, House, options};

const SPEND_4: &str = r#"{"member":"m","merchant":"shop","points":4}"#;

#[actix_web::test]
async fn a_members_points_come_and_go() {
    let house = House::new(options()).await.with_points(10).await;
    let redeemed = house.command("POST /v1/redemptions", "r1", SPEND_4).await;
    assert_eq!(redeemed.status, 201);
    let told = redeemed.json();
    assert_eq!(told["status"], "accepted");
    assert_eq!(told["balance"]["available"], 6);
    assert_eq!(told["lots"][0]["issuer"], "shop");

    let held = house.command("POST /v1/holds", "h1", SPEND_4).await.json();
    let hold = held["hold"].as_str().unwrap();
    let look = house.get(&format!("/v1/holds/{hold}")).await.json();
    assert_eq!(
        look,
        json!({
            "hold": hold, "member": "m", "merchant": "shop", "point_type": "points", "points": 4,
            "captured": 0, "released": 0, "state": "open", "expires_at": held["expires_at"],
        })
    );
    assert_eq!(
        house.get("/v1/members/m").await.json(),
        json!({
            "member": "m", "state": "active",
            "balances": [{
                "point_type": "points", "scale": 0, "available": 2, "held": 4, "pending": 0, "owed": 0,
                "lots": [{
                    "issuer": "shop", "class": "ordinary", "last_day": null, "points": 2, "held": 4,
                }],
                "pending_lots": [],
            }],
        })
    );

    let capture = format!("POST /v1/holds/{hold}/capture");
    let captured = house.command(&capture, "c1", r#"{"points":3}"#).await;
    assert_eq!(captured.status, 201);
    assert_eq!(captured.json()["captured"], 3);
    assert_eq!(captured.json()["released"], 1);
    let other = house.command("POST /v1/holds", "h2", SPEND_4).await;
    assert_eq!(other.problem(), (422, "insufficient_points".to_owned()));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_retry_hears_what_was_said_before() {
    let house = House::new(options()).await.with_points(10).await;
    for (id, body, status) in [
        ("r1", SPEND_4, 201),
        ("r2", r#"{"member":"m","merchant":"shop","points":99}"#, 422),
    ] {
        let first = house.command("POST /v1/redemptions", id, body).await;
        let again = house.command("POST /v1/redemptions", id, body).await;
        assert_eq!(first.status, status);
        assert_eq!(again.status, if status == 201 { 200 } else { status });
        let replayed = if status == 201 { "true" } else { "" };
        assert_eq!(again.header("idempotent-replayed"), replayed);
        let mut expected = first.json();
        assert_eq!(expected["replayed"], false);
        expected["replayed"] = true.into();
        assert_eq!(again.json(), expected);
    }
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_document_changes_only_when_it_differs() {
    let house = House::new(options()).await;
    for (id, name, version, changed) in [
        ("1", "A", 1, true),
        ("2", "A", 1, false),
        ("3", "B", 2, true),
    ] {
        let body = json!({ "name": name }).to_string();
        let told = house
            .command("PUT /v1/merchants/shop", id, &body)
            .await
            .json();
        assert_eq!(told["status"], "accepted");
        assert_eq!(told["version"], version);
        assert_eq!(told["changed"], changed);
        let look = house.get("/v1/merchants/shop").await.json();
        assert_eq!(
            look,
            json!({ "merchant": "shop", "name": name, "version": version, "contracts": [], "prepaid": [] })
        );
    }
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn every_refusal_is_a_problem_with_its_code() {
    let house = House::new(options()).await.with_points(10).await;
    let held = house.command("POST /v1/holds", "h", SPEND_4).await.json();
    let hold = held["hold"].as_str().unwrap();
    let open = house.command("POST /v1/holds", "h2", SPEND_4).await.json();
    let open = open["hold"].as_str().unwrap();
    house
        .command(&format!("POST /v1/holds/{hold}/release"), "r", "")
        .await;
    let future = r#"{"member":"m","merchant":"shop","points":1,"at":"2100-01-01T00:00:00Z"}"#;
    let released = format!("POST /v1/holds/{hold}/capture");
    let more = format!("POST /v1/holds/{open}/capture");
    let cases = [
        (
            "POST /v1/earns",
            r#"{"member":"m","merchant":"shop","points":0}"#,
            400,
            "invalid_field",
        ),
        (
            "POST /v1/earns",
            r#"{"member":"m","member":"m"}"#,
            400,
            "malformed",
        ),
        ("POST /v1/earns", "{", 400, "malformed"),
        ("POST /v1/earns", "", 400, "invalid_field"),
        ("POST /v1/earns", future, 400, "invalid_field"),
        (
            "POST /v1/earns",
            r#"{"member":"m","merchant":"shop","points":1,"point_type":"miles"}"#,
            400,
            "invalid_field",
        ),
        (
            "POST /v1/earns",
            r#"{"member":"n","merchant":"shop","points":1}"#,
            404,
            "member_not_found",
        ),
        (
            "POST /v1/earns",
            r#"{"member":"m","merchant":"stop","points":1}"#,
            404,
            "merchant_not_found",
        ),
        ("POST /v1/holds/h1-99999/release", "", 404, "hold_not_found"),
        ("POST /v1/holds/whatever/release", "", 404, "hold_not_found"),
        (&released, "", 409, "hold_released"),
        (&more, r#"{"points":5}"#, 422, "exceeds_hold"),
        (
            "POST /v1/redemptions",
            r#"{"member":"m","merchant":"shop","points":7}"#,
            422,
            "insufficient_points",
        ),
    ];
    for (place, (endpoint, body, status, code)) in cases.into_iter().enumerate() {
        let id = format!("case-{place}");
        let told = house.command(endpoint, &id, body).await;
        assert_eq!(
            told.problem(),
            (status, code.to_owned()),
            "{endpoint} {body}"
        );
        assert_eq!(told.json()["request_id"], id);
        let pointers = told.json()["errors"].is_array();
        assert_eq!(pointers, status == 400, "{}", told.text);
    }
    let other = r#"{"member":"m","merchant":"shop","points":11}"#;
    let reused = house.command("POST /v1/earns", "e", other).await;
    assert_eq!(reused.problem(), (422, "request_id_reused".to_owned()));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn what_is_not_there_is_not_found() {
    let house = House::new(options()).await;
    for (path, status, code) in [
        ("/v1/members/nobody", 404, "member_not_found"),
        ("/v1/members/no%20body", 400, "invalid_field"),
        ("/v1/merchants/nobody", 404, "merchant_not_found"),
        ("/v1/holds/h1-1", 404, "hold_not_found"),
        ("/v1/holds/h999-1", 404, "hold_not_found"),
        ("/v1/holds/nonsense", 404, "hold_not_found"),
    ] {
        assert_eq!(
            house.get(path).await.problem(),
            (status, code.to_owned()),
            "{path}"
        );
    }
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_hold_ends_by_itself() {
    let clock = HandClock::new();
    let mut options = options();
    options.clock = Arc::new(clock.clone());
    let house = House::new(options).await.with_points(4).await;
    let held = house.command("POST /v1/holds", "h", SPEND_4).await.json();
    let hold = held["hold"].as_str().unwrap();
    clock.advance_seconds(901);
    let look = format!("/v1/holds/{hold}");
    while house.get(&look).await.json()["state"] == "open" {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.get(&look).await.json()["state"], "expired");
    house.command("POST /v1/redemptions", "r", SPEND_4).await;
    let late = house
        .command(&format!("POST /v1/holds/{hold}/capture"), "c", "")
        .await;
    assert_eq!(late.problem(), (409, "hold_expired".to_owned()));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn limits_are_refusals_too() {
    let rules = Rules {
        open_holds_per_member_max: 0,
        ..Rules::default()
    };
    let house = House::new(Options { rules, ..options() })
        .await
        .with_points(10)
        .await;
    let told = house.command("POST /v1/holds", "h", SPEND_4).await;
    assert_eq!(told.problem(), (422, "member_limit_reached".to_owned()));
    house.engine.shut_down().await;

    let rules = Rules {
        request_bytes_max: 0,
        ..Rules::default()
    };
    let house = House::new(Options { rules, ..options() }).await;
    // The first takes all the room there is.
    assert_eq!(
        house.command("PUT /v1/members/m", "1", "").await.status,
        201
    );
    let told = house.command("PUT /v1/members/m", "2", "").await;
    assert_eq!(told.problem(), (503, "unavailable".to_owned()));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_busy_or_stopped_engine_is_told_apart() {
    let limits = Limits {
        commands_per_shard: 0,
        ..Limits::default()
    };
    let house = House::new(Options {
        limits,
        ..options()
    })
    .await;
    let told = house.command("PUT /v1/members/m", "m", "").await;
    assert_eq!(told.problem(), (503, "overloaded".to_owned()));
    assert_eq!(house.get("/health/ready").await.status, 200);
    house.engine.shut_down().await;
    let told = house.command("PUT /v1/members/m", "m", "").await;
    assert_eq!(told.problem(), (503, "unavailable".to_owned()));
    assert_eq!(
        house.get("/health/ready").await.problem(),
        (503, "unavailable".to_owned())
    );
    assert_eq!(house.get("/health/live").await.status, 200);
}

#[actix_web::test]
async fn behind_a_failed_journal_the_outcome_is_unknown() {
    let medium = Medium::default();
    let mut journal = MemoryJournal::open(medium.clone());
    let rules = Rules::default();
    let points = rules.point_types[0].name.clone();
    let mut ledgers = vec![Ledger::new(ShardIndex(0), rules)];
    let recovered = recover(&mut journal, None, &mut ledgers).unwrap();
    let engine = Engine::start(Parts {
        router: Router::new(1, 7).unwrap(),
        ledgers,
        journal: Box::new(journal),
        recovered,
        identity: Identity::default(),
        head: None,
        keeping: None,
        limits: Limits::default(),
        clock: Arc::new(HandClock::new()),
        disk: Arc::new(Endless),
        lock: None,
    })
    .unwrap();
    let house = House::around(engine, points, tempfile::tempdir().unwrap()).await;
    medium.fail_next(Fault::Lost);
    let told = house.command("PUT /v1/members/m", "m", "").await;
    assert_eq!(told.problem(), (503, "outcome_unknown".to_owned()));
    assert_eq!(house.get("/health/ready").await.status, 503);
}
