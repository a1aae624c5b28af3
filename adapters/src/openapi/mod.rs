//! What the HTTP server takes and answers, as an OpenAPI 3.1 document, made from the tables that the server itself works
//! from: endpoints, commands and their fields, roles, codes.
//!
//! | where | what |
//! |---|---|
//! | `values`, `contract` | what a field's value looks like, wherever it stands |
//! | `commands` | commands and bodies |
//! | `answers` | answers to commands |
//! | `sights`, `clearing` | what reads show |
//! | `problems` | which codes an endpoint may answer with |
//! | `operations` | endpoints, with their parameters, headers, rights and links |
//! | `examples` | one of everything; a test has them sent and answered |
//! | `prose` | what holds for all endpoints |
//! | `asyncapi` | the feed of events, as a document of its own |
//! | `page` | the document for people, without a script and without the network |

mod answers;
pub(crate) mod asyncapi;
mod clearing;
mod commands;
mod contract;
mod examples;
mod level;
mod operations;
mod page;
mod problems;
mod prose;
mod sights;
#[cfg(test)]
pub(crate) mod tests;
mod values;

use std::sync::LazyLock;

use actix_web::web::Bytes;
use jifen_engine::ledger::CommandKind;
use serde_json::{Map, Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(make);
static TEXT: LazyLock<Bytes> = LazyLock::new(|| {
    let text = serde_json::to_string_pretty(&*DOCUMENT);
    Bytes::from(text.expect("every key is a string"))
});
static FEED: LazyLock<Value> = LazyLock::new(asyncapi::make);
static FEED_TEXT: LazyLock<Bytes> = LazyLock::new(|| {
    let text = serde_json::to_string_pretty(&*FEED);
    Bytes::from(text.expect("every key is a string") + "\n")
});
static PAGE: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(page::page(&DOCUMENT)));

/// The document.
#[must_use]
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// The document as JSON text.
#[must_use]
pub fn text() -> Bytes {
    TEXT.clone()
}

/// The AsyncAPI document of the feed.
#[must_use]
pub fn feed_document() -> &'static Value {
    &FEED
}

/// The same as JSON text.
#[must_use]
pub fn feed_text() -> Bytes {
    FEED_TEXT.clone()
}

/// The document as a page of HTML that stands by itself.
#[must_use]
pub fn page() -> Bytes {
    PAGE.clone()
}

/// A command of every kind, as it stands in a batch.
#[must_use]
pub fn example_commands() -> Vec<Value> {
    CommandKind::ALL.map(examples::command).to_vec()
}

fn make() -> Value {
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Jifen",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A clearing engine for loyalty points.",
            "description": prose::conventions(),
            "license": { "name": "MIT OR Apache-2.0", "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/" }],
        "tags": prose::tags(),
        "security": [{ "key": [] }],
        "paths": operations::paths(),
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key of a principal: made by `jifen keys create`, revoked by `jifen keys revoke`.",
                },
            },
            "headers": operations::headers(),
            "schemas": schemas(),
        },
    })
}

/// Everything that has a name.
fn schemas() -> Value {
    let mut schemas = Map::new();
    for kind in CommandKind::ALL {
        let name = pascal(kind);
        schemas.insert(format!("{name}Body"), commands::body(kind));
        schemas.insert(format!("{name}Command"), commands::command(kind));
        schemas.insert(format!("{name}Accepted"), answers::accepted(kind));
    }
    schemas.insert("Command".to_owned(), commands::any());
    schemas.insert("Answer".to_owned(), answers::any());
    for (name, schema) in answers::parts()
        .into_iter()
        .chain(sights::all())
        .chain(clearing::all())
        .chain(problems::schemas())
    {
        schemas.insert(name.to_owned(), schema);
    }
    Value::Object(schemas)
}

/// A reference to a schema that has a name.
fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A command's name as part of a schema's.
fn pascal(kind: CommandKind) -> String {
    let words = kind.name().split('_');
    words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        })
        .collect()
}

/// An object of these fields, each with its schema and whether it is always there.
fn object(
    description: &str,
    fields: impl IntoIterator<Item = (&'static str, Value, bool)>,
) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, schema, always) in fields {
        properties.insert(name.to_owned(), schema);
        if always {
            required.push(name);
        }
    }
    let mut object = json!({ "type": "object", "properties": properties, "required": required });
    if !description.is_empty() {
        object["description"] = description.into();
    }
    object
}
