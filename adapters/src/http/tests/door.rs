//! What is refused before anybody asks the engine.

use actix_web::{
    FromRequest, ResponseError, dev,
    error::PayloadError,
    http::Method,
    test::TestRequest,
    web::{Bytes, Payload},
};
use futures_util::{StreamExt, stream};

use super::harness::{House, KEY, options};
use crate::http::{BODY_BYTES_MAX, body};

#[actix_web::test]
async fn only_a_valid_key_comes_in() {
    let house = House::new(options()).await;
    let wrong = format!("Bearer {}", KEY.replace('0', "1"));
    let basic = format!("Basic {KEY}");
    for header in ["", "Bearer", "Bearer ", &wrong, &basic, KEY] {
        let request = TestRequest::get()
            .uri("/v1/members/m")
            .insert_header(("authorization", header));
        let told = house.send(request).await;
        assert_eq!(
            told.problem(),
            (401, "unauthenticated".to_owned()),
            "{header}"
        );
        assert_eq!(told.header("www-authenticate"), "Bearer");
    }
    let lower = TestRequest::get()
        .uri("/v1/members/m")
        .insert_header(("authorization", format!("bearer {KEY}")));
    assert_eq!(house.send(lower).await.status, 404);
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn no_endpoint_serves_without_a_key_but_health() {
    let house = House::new(options()).await;
    for (method, path) in [
        ("POST", "/v1/commands"),
        ("POST", "/v1/earns"),
        ("POST", "/v1/redemptions"),
        ("POST", "/v1/holds"),
        ("GET", "/v1/holds/h0-1"),
        ("POST", "/v1/holds/h0-1/capture"),
        ("POST", "/v1/holds/h0-1/release"),
        ("PUT", "/v1/members/m"),
        ("GET", "/v1/members/m"),
        ("GET", "/v1/members/m/requests/1"),
        ("GET", "/v1/members/m/statement"),
        ("GET", "/v1/merchants/m/transactions"),
        ("POST", "/v1/members/m/freeze"),
        ("POST", "/v1/members/m/unfreeze"),
        ("POST", "/v1/members/m/close"),
        ("DELETE", "/v1/members/m/attributes"),
        ("POST", "/v1/reversals"),
        ("POST", "/v1/adjustments"),
        ("GET", "/v1/transactions/t0-1"),
        ("PUT", "/v1/merchants/m"),
        ("GET", "/v1/merchants/m"),
        ("POST", "/debug/noop/earns"),
        ("POST", "/debug/noop/commands"),
    ] {
        let request = TestRequest::with_uri(path)
            .method(method.parse().unwrap())
            .insert_header(("idempotency-key", "whose"));
        let told = house.send(request).await;
        assert_eq!(told.problem().0, 401, "{method} {path}");
        assert_eq!(told.json()["request_id"], "whose", "{method} {path}");
    }
    for path in ["/health/live", "/health/ready"] {
        for method in [Method::GET, Method::HEAD] {
            let request = TestRequest::with_uri(path).method(method);
            assert_eq!(house.send(request).await.status, 200, "{path}");
        }
    }
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn other_paths_and_methods_are_told_so() {
    let house = House::new(options()).await;
    for path in ["/", "/v1", "/v1/earns/", "/v1/members/a/b", "/v2/earns"] {
        assert_eq!(
            house.get(path).await.problem(),
            (404, "not_found".to_owned()),
            "{path}"
        );
    }
    for (path, allowed) in [
        ("/v1/earns", "POST"),
        ("/v1/commands", "POST"),
        ("/health/live", "GET, HEAD"),
        ("/v1/reversals", "POST"),
        ("/v1/adjustments", "POST"),
        ("/v1/transactions/t0-1", "GET"),
        ("/v1/members/m/requests/1", "GET"),
        ("/v1/members/m/close", "POST"),
    ] {
        let told = house.knock(TestRequest::delete().uri(path)).await;
        assert_eq!(told.problem(), (405, "method_not_allowed".to_owned()));
        assert_eq!(told.header("allow"), allowed);
    }
    let told = house
        .knock(TestRequest::delete().uri("/v1/members/m"))
        .await;
    assert_eq!(told.header("allow"), "GET, PUT");
    let told = house.get("/v1/members/m/attributes").await;
    assert_eq!(told.header("allow"), "DELETE");
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_command_needs_its_key_and_its_content_type() {
    let house = House::new(options()).await;
    let told = house
        .knock(TestRequest::post().uri("/v1/earns").set_payload("{}"))
        .await;
    assert_eq!(told.problem(), (400, "idempotency_key_missing".to_owned()));
    let told = house.command("PUT /v1/members/m", "not an id", "").await;
    assert_eq!(told.problem(), (400, "invalid_field".to_owned()));
    assert_eq!(told.json()["errors"][0]["pointer"], "/id");

    let unsupported = (415, "unsupported_media_type".to_owned());
    for content_type in ["text/plain", "application/x-ndjson", "application/jsonx"] {
        let request = TestRequest::post()
            .uri("/v1/earns")
            .insert_header(("idempotency-key", "1"))
            .insert_header(("content-type", content_type))
            .set_payload("{}");
        assert_eq!(
            house.knock(request).await.problem(),
            unsupported,
            "{content_type}"
        );
    }
    let unsaid = TestRequest::post()
        .uri("/v1/earns")
        .insert_header(("idempotency-key", "1"))
        .set_payload("{}");
    assert_eq!(house.knock(unsaid).await.problem(), unsupported);
    for (encoding, code) in [
        ("gzip", "unsupported_media_type"),
        ("identity", "invalid_field"),
    ] {
        let encoded = TestRequest::post()
            .uri("/v1/earns")
            .insert_header(("idempotency-key", "1"))
            .insert_header(("content-type", "application/json"))
            .insert_header(("content-encoding", encoding))
            .set_payload("{}");
        assert_eq!(house.knock(encoded).await.problem().1, code);
    }
    let twice = TestRequest::post()
        .uri("/v1/earns")
        .append_header(("idempotency-key", "1"))
        .append_header(("idempotency-key", "2"))
        .insert_header(("content-type", "application/json"))
        .set_payload("{}");
    assert_eq!(
        house.knock(twice).await.problem(),
        (400, "invalid_field".to_owned())
    );
    assert_eq!(
        house.commands("text/csv", "a,b").await.problem(),
        unsupported
    );
    let charset = TestRequest::post()
        .uri("/v1/commands")
        .insert_header(("content-type", "Application/JSON; charset=utf-8"))
        .set_payload("[]");
    assert_eq!(house.knock(charset).await.text, "[]");
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn a_body_has_a_bound() {
    let house = House::new(options()).await;
    let told = house
        .commands("application/json", &" ".repeat(BODY_BYTES_MAX + 1))
        .await;
    assert_eq!(told.problem(), (413, "body_too_large".to_owned()));
    let told = house
        .commands("application/json", &" ".repeat(BODY_BYTES_MAX))
        .await;
    assert_eq!(told.problem(), (400, "malformed".to_owned()));
    house.engine.shut_down().await;
}

/// The clock runs ahead by itself while everybody waits.
#[actix_web::test]
async fn a_body_has_a_deadline() {
    tokio::time::pause();
    let silent = stream::pending::<Result<Bytes, PayloadError>>().boxed_local();
    let mut payload = dev::Payload::Stream { payload: silent };
    let request = TestRequest::post().to_http_request();
    let payload = Payload::from_request(&request, &mut payload).await.unwrap();
    let problem = body::read(&request, payload).await.unwrap_err();
    assert_eq!(problem.status_code(), 408);
}

#[actix_web::test]
async fn the_noop_endpoints_answer_like_the_real_ones() {
    let house = House::new(options()).await.with_points(10).await;
    let earn = r#"{"member":"m","merchant":"shop","points":4}"#;
    let real = house.command("POST /v1/earns", "e1", earn).await;
    let noop = house.command("POST /debug/noop/earns", "e1", earn).await;
    assert_eq!(noop.status, real.status);
    let keys = |json: &serde_json::Value| {
        json.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&noop.json()), keys(&real.json()));
    assert!(
        noop.text.len().abs_diff(real.text.len()) < 32,
        "{} {}",
        noop.text,
        real.text
    );
    assert_eq!(
        house.get("/v1/members/m").await.json()["balances"][0]["available"],
        14
    );
    house.engine.shut_down().await;
}
