//! Which endpoint is served by whom.

use actix_web::{
    HttpResponse, Resource, Route,
    http::Method,
    web::{self, ServiceConfig, delete, get, post, put},
};
use jifen_engine::ledger::CommandKind;

use super::{Problem, batch, health, noop, reads, single, statement};
use crate::wire::wording;

/// What the object in a path is called, whatever it is.
pub(super) const OBJECT: &str = "object";
/// What a request id in a path is called.
pub(super) const REQUEST: &str = "request";

/// Puts every endpoint in its place. Those that are asked most come first: they are looked for in this order.
pub fn routes(app: &mut ServiceConfig, debug_endpoints: bool) {
    app.service(endpoint(
        "/v1/commands",
        [(Method::POST, post().to(batch::serve))],
    ))
    .service(endpoint(
        "/v1/earns",
        [(Method::POST, command(post(), CommandKind::Earn))],
    ))
    .service(endpoint(
        "/v1/redemptions",
        [(Method::POST, command(post(), CommandKind::Redeem))],
    ))
    .service(endpoint(
        "/v1/holds",
        [(Method::POST, command(post(), CommandKind::Hold))],
    ))
    .service(endpoint(
        "/v1/holds/{object}/capture",
        [(Method::POST, command(post(), CommandKind::Capture))],
    ))
    .service(endpoint(
        "/v1/holds/{object}/release",
        [(Method::POST, command(post(), CommandKind::Release))],
    ))
    .service(endpoint(
        "/v1/holds/{object}",
        [(Method::GET, get().to(reads::hold))],
    ))
    .service(endpoint(
        "/v1/members/{object}",
        [
            (Method::GET, get().to(reads::member)),
            (Method::PUT, command(put(), CommandKind::Enrol)),
        ],
    ))
    .service(endpoint(
        "/v1/merchants/{object}",
        [
            (Method::GET, get().to(reads::merchant)),
            (Method::PUT, command(put(), CommandKind::PutMerchant)),
        ],
    ))
    .configure(corrections)
    .configure(lifecycle)
    .service(endpoint(
        "/health/live",
        [(Method::GET, get().to(health::live))],
    ))
    .service(endpoint(
        "/health/ready",
        [(Method::GET, get().to(health::ready))],
    ));
    if debug_endpoints {
        app.service(endpoint(
            "/debug/noop/commands",
            [(Method::POST, post().to(noop::commands))],
        ))
        .service(endpoint(
            "/debug/noop/earns",
            [(Method::POST, post().to(noop::earn))],
        ));
    }
    app.default_service(web::to(|| async {
        Err::<HttpResponse, _>(Problem::from(&wording::NOT_FOUND))
    }));
}

/// What puts right what was done, and tells of it.
fn corrections(app: &mut ServiceConfig) {
    app.service(endpoint(
        "/v1/reversals",
        [(Method::POST, command(post(), CommandKind::Reverse))],
    ))
    .service(endpoint(
        "/v1/adjustments",
        [(Method::POST, command(post(), CommandKind::Adjust))],
    ))
    .service(endpoint(
        "/v1/transactions/{object}",
        [(Method::GET, get().to(reads::transaction))],
    ))
    .service(endpoint(
        "/v1/members/{object}/requests/{request}",
        [(Method::GET, get().to(reads::request))],
    ))
    .service(endpoint(
        "/v1/members/{object}/statement",
        [(Method::GET, get().to(statement::statement))],
    ))
    .service(endpoint(
        "/v1/merchants/{object}/transactions",
        [(Method::GET, get().to(statement::movements))],
    ));
}

/// What becomes of members.
fn lifecycle(app: &mut ServiceConfig) {
    for (path, kind) in [
        ("/v1/members/{object}/freeze", CommandKind::Freeze),
        ("/v1/members/{object}/unfreeze", CommandKind::Unfreeze),
        ("/v1/members/{object}/close", CommandKind::Close),
    ] {
        app.service(endpoint(path, [(Method::POST, command(post(), kind))]));
    }
    app.service(endpoint(
        "/v1/members/{object}/attributes",
        [(Method::DELETE, command(delete(), CommandKind::Erase))],
    ));
}

/// A route to a one-command endpoint.
fn command(route: Route, kind: CommandKind) -> Route {
    route.to(move |request, client, state, payload| {
        single::serve(kind, request, client, state, payload)
    })
}

/// A path with its methods; all others are told which there are.
fn endpoint<const N: usize>(path: &str, routes: [(Method, Route); N]) -> Resource {
    let methods: Vec<_> = routes
        .iter()
        .map(|(method, _)| method.as_str().to_owned())
        .collect();
    let methods = methods.join(", ");
    let resource = routes
        .into_iter()
        .fold(web::resource(path), |resource, (_, route)| {
            resource.route(route)
        });
    resource.default_service(web::to(move || {
        let problem = Problem::method_not_allowed(methods.clone());
        async { Err::<HttpResponse, _>(problem) }
    }))
}
