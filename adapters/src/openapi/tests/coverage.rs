//! Nothing is missing from the document, and nothing is in it that is not there.

use std::collections::BTreeSet;

use actix_web::test::TestRequest;
use jifen_engine::ledger::CommandKind;
use serde_json::Value;

use super::agreement;
use crate::{
    access::{Action, RoleName},
    http::{
        endpoints::ENDPOINTS,
        tests::harness::{House, options},
    },
    openapi::{document, pascal, problems::OF_ANY_REQUEST},
    wire::{
        EVENTS_FIELDS, Field, MOVEMENTS_FIELDS, STATEMENT_FIELDS, STOCK_EVENTS_FIELDS, Shape,
        object_field, wording,
    },
};

fn operations() -> impl Iterator<Item = (&'static str, &'static str, &'static Value)> {
    let paths = document()["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, told)| (method.as_str(), path.as_str(), told))
    })
}

/// Every schema below a value, the value itself included.
fn walk<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a Value)) {
    visit(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|value| walk(value, visit)),
        Value::Array(items) => items.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

/// A path that can be asked for. Streams are asked to end.
fn asked(path: &str) -> String {
    let end = if path.ends_with("/events") {
        "?until=now"
    } else {
        ""
    };
    path.replace(['{', '}'], "") + end
}

#[actix_web::test]
async fn every_endpoint_is_in_the_document_and_served() {
    let house = House::new(options()).await;
    let mut ids = BTreeSet::new();
    let mut count = 0;
    for (method, path, told) in operations() {
        assert!(ids.insert(told["operationId"].to_string()), "{path}");
        let asked = asked(path);
        // An auditor's rights and bodies do not matter: what is no endpoint is refused for that alone.
        let request = TestRequest::with_uri(&asked).method(method.to_uppercase().parse().unwrap());
        let answer = house.knock(request).await;
        let code = if answer.status.is_success() {
            String::new()
        } else {
            answer.problem().1
        };
        assert!(
            !["not_found", "method_not_allowed"].contains(&code.as_str()),
            "{method} {path}"
        );
        count += 1;
    }
    assert_eq!(count, ENDPOINTS.len());
    // And no other method is.
    for path in ENDPOINTS.iter().map(|endpoint| endpoint.path) {
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH"] {
            let known =
                operations().any(|(known, at, _)| at == path && known == method.to_lowercase());
            let asked = asked(path);
            let request = TestRequest::with_uri(&asked).method(method.parse().unwrap());
            let answer = house.knock(request).await;
            assert_eq!(answer.status == 405, !known, "{method} {path}");
        }
    }
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn the_document_and_the_page_are_there_without_a_key() {
    let house = House::new(options()).await;
    let told = house.send(TestRequest::get().uri("/openapi.json")).await;
    assert_eq!(told.json(), *document());
    let page = house.send(TestRequest::get().uri("/docs")).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    for (_, path, told) in operations() {
        assert!(page.text.contains(path), "{path}");
        let id = told["operationId"].as_str().unwrap();
        assert!(page.text.contains(&format!("id=\"{id}\"")), "{id}");
    }
    // It loads nothing: what it needs is in it.
    for outside in ["http://", "https://", "src=", "<script", "@import", "url("] {
        assert!(!page.text.contains(outside), "{outside}");
    }
    house.engine.shut_down().await;
}

#[test]
fn every_command_has_its_fields_and_no_others() {
    for kind in CommandKind::ALL {
        for (name, whole) in [("Command", true), ("Body", false)] {
            let schema = &document()["components"]["schemas"][format!("{}{name}", pascal(kind))];
            let shape = Shape::of(kind);
            let elsewhere = [Some(Field::Id), Some(Field::Type), object_field(kind)];
            let here = |field: &Field| whole || !elsewhere.contains(&Some(*field));
            let names = |set: &dyn Fn(Field) -> bool| -> BTreeSet<&str> {
                let fields = Field::ALL
                    .iter()
                    .filter(|field| set(**field) && here(field));
                fields.map(|field| field.name()).collect()
            };
            let properties = schema["properties"].as_object().unwrap();
            let told: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
            assert_eq!(
                told,
                names(&|field| shape.allowed.contains(field)),
                "{kind:?}"
            );
            let required = schema["required"].as_array().unwrap();
            let required: BTreeSet<&str> = required.iter().filter_map(Value::as_str).collect();
            assert_eq!(
                required,
                names(&|field| shape.required.contains(field)),
                "{kind:?}"
            );
            assert_eq!(schema["additionalProperties"], false);
            for (name, field) in properties {
                assert!(field["description"].is_string(), "{kind:?} {name}");
            }
        }
    }
}

#[test]
fn every_code_is_in_the_document_and_of_some_endpoint() {
    let codes: BTreeSet<&str> = wording::all().iter().map(|wording| wording.code).collect();
    let told = &document()["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let told: BTreeSet<&str> = told
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(told, codes);
    let mut met: BTreeSet<&str> = OF_ANY_REQUEST.iter().map(|wording| wording.code).collect();
    for (_, path, operation) in operations() {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let problem = &response["content"]["application/problem+json"];
            let codes = problem["schema"]["properties"]["code"]["enum"].as_array();
            for code in codes.into_iter().flatten().filter_map(Value::as_str) {
                let mut known = wording::all().into_iter();
                let fits =
                    known.any(|known| known.code == code && known.status.to_string() == *status);
                assert!(fits, "{path} {status} {code}");
                met.insert(code);
            }
        }
    }
    assert_eq!(met, codes);
}

#[test]
fn every_field_of_a_query_is_in_the_document() {
    for (path, fields) in [
        ("/v1/members/{member}/statement", &STATEMENT_FIELDS[..]),
        (
            "/v1/merchants/{merchant}/transactions",
            &MOVEMENTS_FIELDS[..],
        ),
        ("/v1/events", &EVENTS_FIELDS[..]),
        ("/v1/stock/{sku}/events", &STOCK_EVENTS_FIELDS[..]),
    ] {
        let parameters = document()["paths"][path]["get"]["parameters"].as_array();
        let queries = parameters
            .unwrap()
            .iter()
            .filter(|told| told["in"] == "query");
        let names: Vec<_> = queries.filter_map(|told| told["name"].as_str()).collect();
        assert_eq!(names, fields, "{path}");
    }
}

#[test]
fn rights_are_those_of_the_matrix() {
    for endpoint in ENDPOINTS {
        let method = endpoint.method.as_str().to_ascii_lowercase();
        let told = &document()["paths"][endpoint.path][method];
        for role in RoleName::ALL {
            let right = &told["x-jifen-roles"][role.as_str()];
            match endpoint.does.action() {
                Some(action) => assert_eq!(*right, action.right(role).name(), "{action:?}"),
                None if endpoint.does.asks_for_key() => {
                    assert_eq!(*right == "yes", Action::may_command(role));
                }
                None => assert!(right.is_null()),
            }
        }
        let open = told["security"].as_array().is_some_and(Vec::is_empty);
        assert_eq!(open, !endpoint.does.asks_for_key());
    }
}

/// Every reference leads somewhere, and everything that has a name is referred to.
#[test]
fn names_lead_somewhere_and_are_used() {
    let mut led_to = BTreeSet::new();
    walk(document(), &mut |value| {
        let target = value["$ref"].as_str();
        let mapped = value["mapping"].as_object().into_iter().flatten();
        let targets = mapped
            .filter_map(|(_, target)| target.as_str())
            .chain(target);
        for target in targets {
            let there = document().pointer(target.strip_prefix('#').unwrap());
            assert!(there.is_some(), "{target} leads nowhere");
            led_to.insert(target);
        }
    });
    let schemas = document()["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        // Lines of NDJSON are text to the format.
        let used =
            name == "BadLine" || led_to.contains(format!("#/components/schemas/{name}").as_str());
        assert!(used, "{name} is never referred to");
    }
}

#[test]
fn examples_are_what_their_schemas_say() {
    let mut seen = 0;
    for (method, path, operation) in operations() {
        let body = operation["requestBody"]["content"].as_object();
        let answers = operation["responses"].as_object().unwrap().values();
        let answers = answers.filter_map(|response| response["content"].as_object());
        for (media, content) in body.into_iter().chain(answers).flatten() {
            let examples = content["examples"].as_object().into_iter().flatten();
            let examples = examples.map(|(_, example)| &example["value"]);
            for example in examples.chain(content.get("example")) {
                let here = format!("{method} {path} {media}");
                assert!(!example.is_null(), "{here}: there is no example");
                agreement::conform(&content["schema"], example, &here);
                seen += 1;
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "query" {
                agreement::conform(&parameter["schema"], &parameter["example"], path);
            }
        }
    }
    assert!(seen > 100, "{seen}");
}
