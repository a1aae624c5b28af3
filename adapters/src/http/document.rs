//! The OpenAPI document, for programs and for people. Both are there without a key.

use actix_web::{HttpResponse, http::header};

use crate::openapi;

/// What a page may load: nothing but its own style. It needs no network and runs no script.
const OWN_STYLE_ONLY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                              form-action 'none'; frame-ancestors 'none'";

/// The document.
pub(super) async fn openapi() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(openapi::text())
}

/// What the feed of events sends.
pub(super) async fn asyncapi() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(openapi::feed_text())
}

/// The document of the endpoints as a page.
pub(super) async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, OWN_STYLE_ONLY))
        .body(openapi::page())
}
