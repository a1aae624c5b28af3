//! The feed over HTTP: what events tell, to whom, and from where on.

use std::{
    collections::BTreeSet,
    env, fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use jifen_engine::{
    Options,
    feed::{Cursor, EventKind},
};
use serde_json::{Value, json};

use super::harness::{HandClock, House, options};
use crate::{
    access::RoleName,
    openapi::{feed_text, tests::agreement},
};

const DEADLINE: Duration = Duration::from_secs(30);

/// What was sent before an end was reached: each event with the id that it came with.
async fn events(house: &House, key: &str, path: &str) -> Vec<(String, Value)> {
    let and = if path.contains('?') { '&' } else { '?' };
    let asked = format!("{path}{and}until=now");
    let request = actix_web::test::TestRequest::get().uri(&asked);
    let told = house.knock_with(key, request).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert_eq!(told.header("content-type"), "text/event-stream");
    let blocks = told.text.split("\n\n").filter_map(|block| {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        let data = serde_json::from_str(field("data: ")?).unwrap();
        Some((field("id: ").unwrap().to_owned(), data))
    });
    blocks.collect()
}

async fn all(house: &House) -> Vec<(String, Value)> {
    events(house, super::harness::KEY, "/v1/events?from=start").await
}

fn kind(event: &Value) -> &str {
    let kind = event["type"].as_str().unwrap();
    kind.strip_prefix("jifen.").unwrap()
}

/// A house in which everything happened that can be asked for.
async fn eventful() -> House {
    let clock = HandClock::at("2026-11-21T09:00:00Z");
    let options = Options {
        clock: Arc::new(clock.clone()),
        ..options()
    };
    let house = House::new(options).await.with_points(1_000).await;
    house
        .accepted(
            "PUT /v1/members/n",
            "n",
            r#"{"attributes":{"city":"Xiamen"}}"#,
        )
        .await;
    let mut count = 0;
    let mut ask = async |endpoint: &str, body: Value| {
        count += 1;
        house
            .accepted(endpoint, &format!("a-{count}"), &body.to_string())
            .await
    };
    let due = json!({ "member": "m", "merchant": "shop", "points": 5, "last_day": "2026-11-22", "order": "o-1" });
    let earned = ask("POST /v1/earns", due).await;
    ask(
        "POST /v1/earns",
        json!({ "member": "m", "merchant": "shop", "points": 7, "reference": "\"r\"" }),
    )
    .await;
    let spend =
        json!({ "member": "m", "merchant": "shop", "points": 10, "use": "gift", "cash_fen": 5 });
    let spent = ask("POST /v1/redemptions", spend).await;
    ask(
        "POST /v1/reversals",
        json!({ "transaction": spent["transaction"], "points": 4 }),
    )
    .await;
    ask(
        "POST /v1/reversals",
        json!({ "transaction": earned["transaction"], "points": 1 }),
    )
    .await;
    ask(
        "POST /v1/adjustments",
        json!({ "member": "m", "points": 5, "reason": "secret" }),
    )
    .await;
    let hold = json!({ "member": "m", "merchant": "shop", "points": 5, "ttl_seconds": 60 });
    for verb in ["capture", "release", ""] {
        let held = ask("POST /v1/holds", hold.clone()).await;
        if !verb.is_empty() {
            ask(
                &format!("POST /v1/holds/{}/{verb}", held["hold"].as_str().unwrap()),
                json!({}),
            )
            .await;
        }
    }
    ask(
        "POST /v1/transfers",
        json!({ "member": "m", "to": "n", "points": 3 }),
    )
    .await;
    let sale =
        json!({ "units": 5, "price_points": 2, "merchant": "shop", "reservation_ttl_seconds": 60 });
    ask("PUT /v1/stock/umbrella", sale).await;
    ask("POST /v1/stock/umbrella/units", json!({ "change": -1 })).await;
    let wish = json!({ "member": "m", "sku": "umbrella", "quantity": 1 });
    for verb in ["confirm", "cancel", ""] {
        let reserved = ask("POST /v1/reservations", wish.clone()).await;
        if !verb.is_empty() {
            let told = ask(
                &format!(
                    "POST /v1/reservations/{}/{verb}",
                    reserved["reservation"].as_str().unwrap()
                ),
                json!({}),
            )
            .await;
            if let Some(code) = told["codes"][0].as_str() {
                ask(&format!("POST /v1/codes/{code}/use"), json!({})).await;
            }
        }
    }
    let pack = json!({ "points": 10, "price_fen": 9 });
    ask("POST /v1/merchants/shop/packs", pack).await;
    let reason = json!({ "reason": "secret" });
    for verb in ["freeze", "unfreeze"] {
        ask(&format!("POST /v1/members/n/{verb}"), reason.clone()).await;
    }
    ask("DELETE /v1/members/n/attributes", json!({})).await;
    ask("POST /v1/members/n/close", reason.clone()).await;
    let much = r#"{"member":"m","merchant":"shop","points":100000}"#;
    house
        .command("POST /v1/redemptions", "much", much)
        .await
        .problem();
    // What lapses first is spent first, so this comes last.
    let due = r#"{"member":"m","merchant":"shop","points":5,"last_day":"2026-11-22"}"#;
    house.accepted("POST /v1/earns", "due", due).await;
    clock.advance_seconds(3 * 86_400);
    let day = json!({ "period_start": "2026-11-21", "period_end": "2026-11-21" });
    let told = house
        .command("POST /v1/settlements", "settle", &day.to_string())
        .await;
    assert_eq!(told.status, 202, "{}", told.text);
    // What time does is recorded one after the other.
    let begin = Instant::now();
    let wanted = ["lapse", "hold_expired", "reservation_expired", "settlement"];
    loop {
        house.get("/v1/members/m").await;
        let events = all(&house).await;
        let there = |wanted: &&str| events.iter().any(|(_, event)| kind(event) == *wanted);
        if wanted.iter().all(there) {
            return house;
        }
        assert!(begin.elapsed() < DEADLINE, "not all of {wanted:?} comes");
        tokio::task::yield_now().await;
    }
}

#[actix_web::test]
async fn every_kind_of_event_is_as_the_document_says_and_nothing_personal_is_in_it() {
    let house = eventful().await;
    let events = all(&house).await;
    let kinds: BTreeSet<&str> = events.iter().map(|(_, event)| kind(event)).collect();
    let known = EventKind::ALL.map(EventKind::name).into_iter();
    let missing: Vec<_> = known.filter(|kind| !kinds.contains(kind)).collect();
    // Points that wait take a programme of another kind, and whether units come home depends on where the pool is.
    let elsewhere = |kind: &&str| matches!(*kind, "matured" | "units_returned");
    assert!(missing.iter().all(elsewhere), "{missing:?}");
    let code = code_among(&events);
    assert_eq!(code, None, "a code can be used up by whoever reads it");
    for (id, event) in &events {
        agreement::conform_event(event);
        assert_eq!(*id, event["cursor"]);
        assert_eq!(event["id"], event["data"]["offset"]);
        for personal in ["Xiamen", "secret"] {
            assert!(!event.to_string().contains(personal), "{event}");
        }
    }
    house.engine.shut_down().await;
}

/// Any text that looks like the code of a sold unit.
fn code_among(events: &[(String, Value)]) -> Option<String> {
    let text = events
        .iter()
        .map(|(_, event)| event.to_string())
        .collect::<String>();
    let mut words = text.split('"');
    let found = words.find(|word| jifen_engine::ledger::SoldCode::parse(word).is_some());
    found.map(str::to_owned)
}

#[actix_web::test]
async fn shards_are_in_order_and_every_place_goes_on_behind_its_event() {
    let house = eventful().await;
    let events = all(&house).await;
    let mut last = [0_u64; 2];
    for (_, event) in &events {
        let shard = event["shard"].as_u64().unwrap() as usize;
        let seq = event["sequence"].as_str().unwrap().parse().unwrap();
        assert!(seq > last[shard], "{event}");
        last[shard] = seq;
    }
    for (place, (id, _)) in events.iter().enumerate() {
        let rest = self::events(
            &house,
            super::harness::KEY,
            &format!("/v1/events?after={id}"),
        )
        .await;
        // Units may still come home meanwhile.
        let known = events.len() - place - 1;
        assert_eq!(rest[..known], events[place + 1..], "behind {id}");
        let request = actix_web::test::TestRequest::get()
            .uri("/v1/events?from=start&until=now")
            .insert_header(("last-event-id", id.as_str()));
        let told = house.knock(request).await;
        let header = agreement::events(&told.text).next();
        assert_eq!(
            header.as_ref(),
            rest.first().map(|(_, event)| event),
            "the header counts"
        );
    }
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_sale_is_told_from_its_beginning_to_its_end() {
    let house = eventful().await;
    let story = events(
        &house,
        super::harness::KEY,
        "/v1/stock/umbrella/events?from=start",
    )
    .await;
    let mut story: Vec<_> = story.iter().map(|(_, event)| kind(event)).collect();
    // Whether units come home depends on where the pool is.
    story.retain(|kind| *kind != "units_returned");
    story.sort_unstable();
    let mut expected = vec![
        "stock",
        "units_changed",
        "reserve",
        "confirm",
        "use_code",
        "reserve",
        "cancel",
        "reserve",
        "reservation_expired",
    ];
    expected.sort_unstable();
    assert_eq!(story, expected);
    let none = house.get("/v1/stock/nothing/events?until=now").await;
    assert_eq!(none.problem(), (404, "sku_not_found".to_owned()));
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_merchant_sees_its_own_and_not_what_members_have() {
    let house = super::roles::maker::house().await;
    for shop in ["shop", "mart"] {
        for member in ["m", "x"] {
            let _ = house
                .command(&format!("PUT /v1/members/{member}"), "e", "")
                .await;
            let body = json!({ "member": member, "merchant": shop, "points": 9 }).to_string();
            house
                .accepted("POST /v1/earns", &format!("{shop}-{member}"), &body)
                .await;
        }
    }
    let till = super::roles::maker::key(RoleName::Merchant);
    let seen = events(&house, till, "/v1/events?from=start").await;
    let merchants: BTreeSet<_> = seen
        .iter()
        .map(|(_, event)| event["data"]["merchant"].as_str())
        .collect();
    assert_eq!(merchants, BTreeSet::from([Some("shop")]));
    let earned = seen.iter().filter(|(_, event)| kind(event) == "earn");
    assert_eq!(earned.clone().count(), 3);
    for (_, event) in earned {
        let data = event["data"].as_object().unwrap();
        assert!(
            !data.contains_key("balance") && !data.contains_key("lots"),
            "{event}"
        );
        agreement::conform_event(event);
    }
    let only = events(
        &house,
        till,
        "/v1/events?from=start&types=merchant,jifen.redeem",
    )
    .await;
    assert_eq!(only.len(), 1);
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_query_that_cannot_be_followed_is_refused() {
    let house = eventful().await;
    let ahead = house.engine.feed().newest();
    let ahead = format!(
        "after={}",
        Cursor {
            turn: 0xFFFF,
            ..ahead
        }
    );
    for (query, pointer) in [
        ("after=3:10412", "/after"),
        (&ahead, "/after"),
        ("after=c0-0&from=now", "/after"),
        ("from=yesterday", "/from"),
        ("types=earn,heard", "/types"),
        ("types=", "/types"),
        ("until=tomorrow", "/until"),
        ("shard=1", "/shard"),
    ] {
        let told = house.get(&format!("/v1/events?{query}")).await;
        assert_eq!(told.problem(), (400, "invalid_field".to_owned()), "{query}");
        assert_eq!(told.json()["errors"][0]["pointer"], pointer, "{query}");
    }
    let request = actix_web::test::TestRequest::get()
        .uri("/v1/events")
        .insert_header(("last-event-id", "7"));
    let told = house.knock(request).await;
    assert_eq!(told.json()["errors"][0]["pointer"], "/Last-Event-ID");
    for query in ["after=c1-0", "after=cffff-0", "after=c0-1-00000000"] {
        let told = house.get(&format!("/v1/events?{query}")).await;
        assert_eq!(
            told.problem(),
            (410, "events_replaced".to_owned()),
            "{query}"
        );
    }
    // Nothing lies in front of it, in whatever journal.
    for query in ["after=c0-0&until=now", "after=c0-0-00000000&until=now"] {
        let told = house.get(&format!("/v1/events?{query}")).await;
        assert_eq!(told.status, 200, "{query}");
    }
    house.engine.shut_down().await;
}

/// Clients are generated from the committed document, and changes to it are looked at like any other.
#[test]
fn the_committed_document_of_the_feed_is_the_one_that_is_served() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/asyncapi.json");
    if env::var_os("JIFEN_WRITE_ASYNCAPI").is_some() {
        fs::write(&file, feed_text()).unwrap();
    }
    let committed = fs::read(&file).unwrap_or_default();
    assert!(
        committed == feed_text(),
        "docs/asyncapi.json differs; if that is right, run this test with JIFEN_WRITE_ASYNCAPI=1"
    );
}
