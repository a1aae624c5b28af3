//! Checks answers against the document. The tests of the door have every answer checked that they hear.

use std::{cell::RefCell, collections::HashMap};

use actix_web::http::header::HeaderMap;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::openapi::{document, feed_document};

/// A request and its answer.
pub(crate) struct Heard<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a str,
}

/// Fails if the document does not say that this may be answered.
pub(crate) fn check(heard: &Heard<'_>) {
    let Heard {
        method,
        path,
        status,
        headers,
        body,
    } = *heard;
    if path.starts_with("/debug/") {
        return;
    }
    // HEAD is answered as GET is, without the body.
    let method = if method == "HEAD" { "GET" } else { method };
    let here = format!("{method} {path} {status} {body}");
    let Some(operation) = operation(method, path) else {
        assert!(matches!(status, 404 | 405), "{here}");
        return;
    };
    // What is not ASCII, or too much, never gets as far as an endpoint.
    let response = &operation["responses"][status.to_string()];
    assert!(
        response.is_object(),
        "{here}: the document has no such answer"
    );
    for (name, here_told) in response["headers"].as_object().into_iter().flatten() {
        let told = &document()["components"]["headers"][name];
        let there = headers.contains_key(name.as_str());
        let optional = [told, here_told].map(|told| told["required"] == false);
        assert!(there || optional.contains(&true), "{here}: no {name}");
    }
    let said = headers.get("content-type").map(|said| said.to_str());
    let said = said.expect("every answer has a type").expect("ASCII");
    let media = said.split(';').next().unwrap_or_default();
    let content = &response["content"][media];
    assert!(
        content.is_object(),
        "{here}: {media} is not in the document"
    );
    match media {
        "application/x-ndjson" => {
            let schema = json!({ "anyOf": [
                { "$ref": "#/components/schemas/Answer" }, { "$ref": "#/components/schemas/BadLine" },
            ] });
            for line in body.lines() {
                conform(&schema, &parsed(line), line);
            }
        }
        "text/html" | "text/csv" | "application/openmetrics-text" => {}
        "text/event-stream" => events(body).for_each(|event| conform_event(&event)),
        _ => conform(&content["schema"], &parsed(body), &here),
    }
}

/// What the data of a stream of events are.
pub(crate) fn events(body: &str) -> impl Iterator<Item = Value> {
    let lines = body.lines();
    lines.filter_map(|line| line.strip_prefix("data: ").map(parsed))
}

/// Fails if an event is not what the document of the feed says, or holds more than it says.
pub(crate) fn conform_event(event: &Value) {
    let mut document = feed_document().clone();
    close(&mut document);
    let kind = event["type"]
        .as_str()
        .and_then(|kind| kind.strip_prefix("jifen."));
    let message = &document["components"]["messages"][kind.unwrap_or_default()];
    let mut root = message["payload"].clone();
    assert!(root.is_object(), "no such message: {event}");
    root["components"] = document["components"].take();
    let validator = validator(&root);
    let errors: Vec<_> = validator
        .iter_errors(event)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{event:#}\n{errors:#?}");
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The operation of a method at a path.
fn operation<'a>(method: &str, path: &str) -> Option<&'a Value> {
    let paths = document()["paths"].as_object().into_iter().flatten();
    let mut at = paths.filter(|(template, _)| fits(template, path));
    at.find_map(|(_, methods)| methods.get(method.to_ascii_lowercase()))
}

fn fits(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(one, other)| one == other || one.starts_with('{') && !other.is_empty())
}

/// Fails if a value is not what a schema of the document says, or holds more than it says.
pub(crate) fn conform(schema: &Value, value: &Value, here: &str) {
    thread_local! {
        static VALIDATORS: RefCell<HashMap<String, Validator>> = RefCell::default();
    }
    VALIDATORS.with_borrow_mut(|validators| {
        let validator = validators.entry(schema.to_string()).or_insert_with(|| {
            let mut whole = document().clone();
            close(&mut whole);
            let mut root = schema.clone();
            root["components"] = whole["components"].take();
            validator(&root)
        });
        let errors: Vec<_> = validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{here}\n{value:#}\n{errors:#?}");
    });
}

/// A validator that looks at formats too.
pub(super) fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options().should_validate_formats(true);
    let built = options.build(schema);
    built.unwrap_or_else(|error| panic!("{error}: {schema:#}"))
}

/// Lets objects hold nothing but what is written of them. Clients must not count on that, but a field of the server that
/// the document does not know is found this way.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("type") == Some(&json!("object")) && fields.contains_key("properties") {
                fields
                    .entry("additionalProperties")
                    .or_insert(Value::Bool(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
