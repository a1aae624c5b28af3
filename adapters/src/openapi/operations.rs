//! Endpoints, with their parameters, headers, rights and links.

use jifen_engine::ledger::CommandKind;
use serde_json::{Map, Value, json};

use super::{commands, examples, named, pascal, problems, prose, sights, values};
use crate::{
    access::{Action, Read, Right, RoleName},
    http::endpoints::{Does, ENDPOINTS, Endpoint},
    wire::{EVENTS_FIELDS, MOVEMENTS_FIELDS, STATEMENT_FIELDS, STOCK_EVENTS_FIELDS},
};

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

/// Every path with its methods.
pub(super) fn paths() -> Map<String, Value> {
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.as_str().to_ascii_lowercase()] = operation(endpoint);
    }
    paths
}

/// What an endpoint is called.
pub(super) fn id(does: Does) -> String {
    match does {
        Does::Command(kind) => kind.name().to_owned(),
        Does::Commands => "commands".to_owned(),
        Does::Read(_) => format!("get_{}", does.action().map_or("", Action::name)),
        Does::Live => "live".to_owned(),
        Does::Ready => "ready".to_owned(),
        Does::Document => "openapi".to_owned(),
        Does::Feed => "asyncapi".to_owned(),
        Does::Page => "docs".to_owned(),
    }
}

fn operation(endpoint: &Endpoint) -> Value {
    let does = endpoint.does;
    let mut operation = json!({
        "operationId": id(does),
        "tags": [prose::tag(does)],
        "summary": endpoint.summary,
        "responses": responses(endpoint),
    });
    if does.asks_for_key() {
        let (description, rights) = rights(does);
        operation["description"] = description.into();
        operation["x-jifen-roles"] = rights.into();
    } else {
        operation["security"] = json!([]);
    }
    let parameters = parameters(endpoint);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = request_body(does) {
        operation["requestBody"] = body;
    }
    operation
}

/// Who may do it, in words and as a table.
fn rights(does: Does) -> (String, Map<String, Value>) {
    let right = |role| match does.action() {
        Some(action) => action.right(role),
        None if Action::may_command(role) => Right::Any,
        None => Right::Never,
    };
    let of = |wanted| {
        let roles = RoleName::ALL
            .into_iter()
            .filter(|&role| right(role) == wanted);
        roles.map(RoleName::as_str).collect::<Vec<_>>().join(", ")
    };
    let mut words = format!("For {}", of(Right::Any));
    if !of(Right::Own).is_empty() {
        words += &format!("; for {} where it is about their own", of(Right::Own));
    }
    words += match does {
        Does::Commands => "; each command is judged by the matrix again.",
        _ => ".",
    };
    let table = RoleName::ALL.map(|role| (role.as_str().to_owned(), right(role).name().into()));
    (words, table.into_iter().collect())
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let names = endpoint.path.split('{').skip(1);
    let names = names.filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
    let mut parameters: Vec<_> = names
        .map(|name| {
            json!({
                "name": name, "in": "path", "required": true, "schema": in_path(name),
                "example": examples::in_path(name),
            })
        })
        .collect();
    let fields: &[&str] = match endpoint.does {
        Does::Read(Read::Statement) => &STATEMENT_FIELDS,
        Does::Read(Read::Movements) => &MOVEMENTS_FIELDS,
        Does::Read(Read::Events) => &EVENTS_FIELDS,
        Does::Read(Read::StockEvents) => &STOCK_EVENTS_FIELDS,
        Does::Read(Read::Positions) => &["from", "to"],
        Does::Read(Read::Liability) => &["since"],
        _ => &[],
    };
    let queries = fields.iter().filter_map(|&name| {
        let schema = values::query(endpoint.does, name)?;
        Some(json!({ "name": name, "in": "query", "required": false, "schema": schema }))
    });
    parameters.extend(queries);
    if matches!(endpoint.does, Does::Read(Read::Events | Read::StockEvents)) {
        let description = "The id of the last event that the client has: it goes on behind that, whatever the query says.";
        parameters.push(json!({
            "name": "Last-Event-ID", "in": "header", "required": false, "schema": values::cursor(description),
            "example": "c0-0",
        }));
    }
    if let Does::Command(kind) = endpoint.does {
        let description = "The request id: a new one with every new request, the same one with every retry of it.";
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true,
            "schema": values::identifier(description), "example": examples::request_id(kind),
        }));
    }
    parameters
}

/// What stands for a name in a path. Names that the engine makes are looked for, whatever they are.
fn in_path(name: &str) -> Value {
    match name {
        "hold" => values::opaque("The hold, as the answer that made it calls it."),
        "transaction" => values::opaque("The transaction, as the answer to its command calls it."),
        "reservation" => values::opaque("The reservation, as the answer that made it calls it."),
        "code" => values::opaque("The code, as the answer to the confirm has it."),
        "settlement" => values::opaque("The settlement: its first and its last day."),
        "id" => values::identifier("The request id that was sent."),
        _ => values::identifier("Which one."),
    }
}

fn request_body(does: Does) -> Option<Value> {
    let content = match does {
        Does::Command(kind) => json!({ JSON: {
            "schema": named(&format!("{}Body", pascal(kind))), "example": examples::body(kind),
        } }),
        Does::Commands => json!({
            JSON: {
                "schema": {
                    "type": "array", "items": named("Command"), "maxItems": crate::wire::BATCH_COMMANDS_MAX,
                    "description": "Read whole, and refused whole if any part is malformed.",
                },
                "example": examples::batch(),
            },
            LINES: {
                "schema": {
                    // No type: whatever stands on a line is answered in its place.
                    "description": "A `Command` on every line, at most 64 KiB long. Lines are read as they come; one that \
                                    is malformed is answered in its place.",
                },
                "example": examples::lines(),
            },
        }),
        _ => return None,
    };
    let required = match does {
        Does::Command(kind) => commands::is_body_required(kind),
        _ => true,
    };
    Some(json!({ "required": required, "content": content }))
}

fn responses(endpoint: &Endpoint) -> Map<String, Value> {
    let mut responses = problems::responses(endpoint);
    match endpoint.does {
        Does::Command(kind) => {
            let content = json!({ JSON: {
                "schema": named(&format!("{}Accepted", pascal(kind))), "example": examples::answer(&id(endpoint.does)),
            } });
            let replayed = content.clone();
            let mut limits = limits();
            let created = json!({
                "description": "Accepted.", "headers": limits, "content": content, "links": links(endpoint),
            });
            // A period is closed behind the answer.
            let status = if kind == CommandKind::Settle {
                "202"
            } else {
                "201"
            };
            responses.insert(status.to_owned(), created);
            limits["Idempotent-Replayed"] = problems::header("Idempotent-Replayed");
            let again = json!({
                "description": "Accepted before: the answer is the one given then, with `replayed` true.",
                "headers": limits, "content": without_example(replayed),
            });
            responses.insert("200".to_owned(), again);
        }
        Does::Commands => {
            let content = json!({
                JSON: {
                    "schema": { "type": "array", "items": named("Answer") },
                    "example": examples::answer("commands"),
                },
                LINES: {
                    "schema": { "type": "string", "description": "An `Answer` or a `BadLine` on every line." },
                },
            });
            let told = json!({
                "description": "What became of each command, in their order and in the format of the request.",
                "headers": limits(), "content": content,
            });
            responses.insert("200".to_owned(), told);
        }
        Does::Read(Read::Metrics) => {
            let content = json!({
                "application/openmetrics-text": { "schema": { "type": "string" } },
                "application/vnd.google.protobuf": {},
            });
            responses.insert(
                "200".to_owned(),
                json!({ "description": "OpenMetrics, or Prometheus' protobuf for whoever asks for it.", "content": content }),
            );
        }
        Does::Read(Read::Events | Read::StockEvents) => {
            responses.insert("200".to_owned(), followed());
        }
        Does::Read(read) => {
            shown(&mut responses, named(sights::name(read)), endpoint);
            let forms: &[&str] = match read {
                Read::SettlementStatement => &["text/csv", "text/html"],
                Read::Liability => &["text/csv"],
                _ => &[],
            };
            for form in forms {
                responses["200"]["content"][*form] = json!({ "schema": { "type": "string" } });
            }
        }
        Does::Live | Does::Ready => shown(&mut responses, named("Health"), endpoint),
        Does::Document => {
            let content = json!({ JSON: { "schema": { "type": "object" } } });
            responses.insert(
                "200".to_owned(),
                json!({ "description": "OpenAPI 3.1.", "content": content }),
            );
        }
        Does::Feed => {
            let content = json!({ JSON: { "schema": { "type": "object" } } });
            responses.insert(
                "200".to_owned(),
                json!({ "description": "AsyncAPI 3.", "content": content }),
            );
        }
        Does::Page => {
            let content = json!({ "text/html": { "schema": { "type": "string" } } });
            responses.insert(
                "200".to_owned(),
                json!({ "description": "A page.", "content": content }),
            );
        }
    }
    responses
}

/// The feed.
fn followed() -> Value {
    let description = "Server-sent events without an end, unless one is asked for. `data` is a CloudEvent in JSON, see \
                       /asyncapi.json; `id` is the place behind it in the journal, to go on from in `Last-Event-ID` or \
                       `after`. An event `cut` tells why a stream is ended from here, as `code`, `detail` and `retryable`. \
                       Comments are signs of life; the ids with them are places too.";
    let content = json!({ "text/event-stream": { "schema": { "type": "string", "description": description } } });
    json!({ "description": "What is decided, as it is decided.", "content": content })
}

fn shown(responses: &mut Map<String, Value>, schema: Value, endpoint: &Endpoint) {
    let content =
        json!({ JSON: { "schema": schema, "example": examples::answer(&id(endpoint.does)) } });
    responses.insert(
        "200".to_owned(),
        json!({ "description": "What there is.", "content": content }),
    );
}

fn without_example(mut content: Value) -> Value {
    if let Some(media) = content[JSON].as_object_mut() {
        media.remove("example");
    }
    content
}

/// The headers of answers that cost a principal something of its rate.
fn limits() -> Value {
    json!({
        "RateLimit": problems::header("RateLimit"),
        "RateLimit-Policy": problems::header("RateLimit-Policy"),
    })
}

/// Headers of answers, by name.
pub(super) fn headers() -> Value {
    let header = |schema: Value, required: bool, description: &str| json!({ "description": description, "required": required, "schema": schema });
    let text = || json!({ "type": "string" });
    json!({
        "Retry-After": header(
            json!({ "type": "integer", "minimum": 1 }), true, "After how many seconds to try again."),
        "RateLimit": header(
            text(), false, "How the principal's bucket stands, where it has one: `r` commands are left, and it is full \
            again in `t` seconds (draft-ietf-httpapi-ratelimit-headers)."),
        "RateLimit-Policy": header(
            text(), false, "What the bucket is: `q` commands at once, full again in `w` seconds."),
        "Idempotent-Replayed": header(
            json!({ "type": "string", "const": "true" }), true, "That the answer was given before."),
        "WWW-Authenticate": header(
            json!({ "type": "string", "const": "Bearer" }), true, "How to show a key."),
    })
}

/// Where an answer leads: what it names can be looked at, spent, given back, reversed.
fn links(endpoint: &Endpoint) -> Value {
    let to = |operation: &str, parameters: Value| json!({ "operationId": operation, "parameters": parameters });
    let transaction = || {
        to(
            "get_transaction",
            json!({ "transaction": "$response.body#/transaction" }),
        )
    };
    let reversal = || {
        json!({
            "operationId": "reverse", "requestBody": { "transaction": "$response.body#/transaction" },
        })
    };
    let Does::Command(kind) = endpoint.does else {
        return json!({});
    };
    match kind {
        CommandKind::Earn | CommandKind::Redeem | CommandKind::Capture => {
            json!({ "transaction": transaction(), "reverse": reversal() })
        }
        CommandKind::Hold => {
            let hold = || json!({ "hold": "$response.body#/hold" });
            json!({
                "transaction": transaction(),
                "hold": to("get_hold", hold()),
                "capture": to("capture", hold()),
                "release": to("release", hold()),
            })
        }
        CommandKind::Enrol => {
            let member = || json!({ "member": "$request.path.member" });
            json!({
                "member": to("get_member", member()),
                "statement": to("get_statement", member()),
                "freeze": to("freeze", member()),
                "unfreeze": to("unfreeze", member()),
                "erase": to("erase", member()),
            })
        }
        CommandKind::PutMerchant | CommandKind::BuyPack => {
            let merchant = || json!({ "merchant": "$request.path.merchant" });
            json!({
                "merchant": to("get_merchant", merchant()),
                "movements": to("get_movements", merchant()),
            })
        }
        CommandKind::Settle | CommandKind::PutCorrection | CommandKind::DecideCorrection => {
            json!({})
        }
        CommandKind::Reserve => {
            let reservation = || json!({ "reservation": "$response.body#/reservation" });
            json!({
                "transaction": transaction(),
                "reservation": to("get_reservation", reservation()),
                "confirm": to("confirm", reservation()),
                "cancel": to("cancel", reservation()),
            })
        }
        CommandKind::Confirm => json!({
            "transaction": transaction(),
            "reverse": reversal(),
            "code": to("get_code", json!({ "code": "$response.body#/codes/0" })),
            "use_code": to("use_code", json!({ "code": "$response.body#/codes/0" })),
        }),
        CommandKind::PutStock | CommandKind::ChangeUnits => {
            json!({ "stock": to("get_stock", json!({ "sku": "$request.path.sku" })) })
        }
        CommandKind::Cancel
        | CommandKind::Transfer
        | CommandKind::UseCode
        | CommandKind::Release
        | CommandKind::Reverse
        | CommandKind::Adjust
        | CommandKind::Freeze
        | CommandKind::Unfreeze
        | CommandKind::Close
        | CommandKind::Erase => json!({ "transaction": transaction() }),
    }
}
