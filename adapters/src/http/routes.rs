//! From the table of endpoints to routes.

use actix_web::{
    HttpRequest, HttpResponse, Resource, Route,
    http::Method,
    web::{self, ServiceConfig, post},
};
use jifen_engine::ledger::CommandKind;

use super::{
    Problem, batch, clearing, document,
    endpoints::{Does, ENDPOINTS, Endpoint},
    events, health, metrics, noop, reads, sales, single, statement,
};
use crate::{access::Read, wire::wording};

/// Puts every endpoint in its place.
pub fn routes(app: &mut ServiceConfig, debug_endpoints: bool) {
    for same_path in ENDPOINTS.chunk_by(|one, next| one.path == next.path) {
        let path = same_path.first().map_or("", |endpoint| endpoint.path);
        let routes = same_path.iter().flat_map(|Endpoint { method, does, .. }| {
            methods(method, *does).map(|method| (method.clone(), route(&method, *does)))
        });
        app.service(resource(path, routes.collect()));
    }
    if debug_endpoints {
        let commands = post().to(noop::commands);
        app.service(resource(
            "/debug/noop/commands",
            vec![(Method::POST, commands)],
        ));
        let earns = post().to(noop::earn);
        app.service(resource("/debug/noop/earns", vec![(Method::POST, earns)]));
    }
    app.default_service(web::to(|| async {
        Err::<HttpResponse, _>(Problem::from(&wording::NOT_FOUND))
    }));
}

/// By which methods an endpoint can be asked: load balancers that look for health may want no body.
fn methods(method: &Method, does: Does) -> impl Iterator<Item = Method> {
    let head = matches!(does, Does::Live | Does::Ready).then_some(Method::HEAD);
    std::iter::once(method.clone()).chain(head)
}

/// Who serves an endpoint.
fn route(method: &Method, does: Does) -> Route {
    let route = web::method(method.clone());
    match does {
        Does::Command(kind) => command(route, kind),
        Does::Commands => route.to(batch::serve),
        Does::Read(Read::Member) => route.to(reads::member),
        Does::Read(Read::Statement) => route.to(statement::statement),
        Does::Read(Read::Request) => route.to(reads::request),
        Does::Read(Read::Hold) => route.to(reads::hold),
        Does::Read(Read::Merchant) => route.to(reads::merchant),
        Does::Read(Read::Movements) => route.to(statement::movements),
        Does::Read(Read::Transaction) => route.to(reads::transaction),
        Does::Read(Read::Stock) => route.to(sales::stock),
        Does::Read(Read::Reservation) => route.to(sales::reservation),
        Does::Read(Read::Code) => route.to(sales::code),
        Does::Read(Read::Events) => route.to(events::events),
        Does::Read(Read::StockEvents) => route.to(events::stock_events),
        Does::Read(Read::Metrics) => route.to(metrics::metrics),
        Does::Read(Read::Settlements) => route.to(clearing::settlements),
        Does::Read(Read::Settlement) => route.to(clearing::settlement),
        Does::Read(Read::SettlementStatement) => route.to(clearing::merchant_statement),
        Does::Read(Read::SettlementPayments) => route.to(clearing::payments),
        Does::Read(Read::SettlementMatrix) => route.to(clearing::matrix),
        Does::Read(Read::Corrections) => route.to(clearing::corrections),
        Does::Read(Read::Correction) => route.to(clearing::correction),
        Does::Read(Read::Positions) => route.to(clearing::positions),
        Does::Read(Read::Liability) => route.to(clearing::liability),
        Does::Live => route.to(health::live),
        Does::Ready => route.to(health::ready),
        Does::Document => route.to(document::openapi),
        Does::Feed => route.to(document::asyncapi),
        Does::Page => route.to(document::page),
    }
}

/// A route to a one-command endpoint.
fn command(route: Route, kind: CommandKind) -> Route {
    route.to(move |request, client, state, payload| {
        single::serve(kind, request, client, state, payload)
    })
}

/// A path with its methods; all others are told which there are.
fn resource(path: &str, routes: Vec<(Method, Route)>) -> Resource {
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

/// The object in a request's path, if there is one: what stands for the first name in braces.
pub(super) fn object(request: &HttpRequest) -> Option<&str> {
    request.match_info().iter().next().map(|(_, value)| value)
}

/// The request id in a request's path.
pub(super) fn request_id(request: &HttpRequest) -> &str {
    request.match_info().get("id").unwrap_or_default()
}
