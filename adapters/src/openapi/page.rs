//! The document for people: one page that stands by itself, without a script and without the network.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use pulldown_cmark::{Options, Parser};
use serde_json::Value;

use crate::wire::wording;

const STYLE: &str = include_str!("page.css");
const METHODS: [&str; 4] = ["get", "put", "post", "delete"];

/// The page of a document.
pub(super) fn page(document: &Value) -> String {
    let info = &document["info"];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (text(&info["title"])) " " (text(&info["version"])) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (contents(document))
                main {
                    h1 { (text(&info["title"])) " " small { (text(&info["version"])) } }
                    p { (text(&info["summary"])) " The same for programs: " a href="/openapi.json" { "/openapi.json" } }
                    (prose(&info["description"]))
                    @for tag in items(&document["tags"]) {
                        h2 id=(text(&tag["name"])) { (text(&tag["name"])) }
                        p { (text(&tag["description"])) }
                        @for operation in operations(document, text(&tag["name"])) { (operation.section(document)) }
                    }
                    (codes())
                    (schemas(document))
                }
            }
        }
    };
    page.into_string()
}

/// A method at a path.
struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    told: &'a Value,
}

fn operations<'a>(document: &'a Value, tag: &str) -> Vec<Operation<'a>> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, methods)| {
        let of = move |method| {
            methods
                .get(method)
                .map(|told| Operation { method, path, told })
        };
        METHODS.into_iter().filter_map(of)
    });
    all.filter(|operation| operation.told["tags"][0] == tag)
        .collect()
}

impl Operation<'_> {
    fn id(&self) -> &str {
        text(&self.told["operationId"])
    }

    fn section(&self, document: &Value) -> Markup {
        let parameters = items(&self.told["parameters"]);
        html! {
            section id=(self.id()) {
                h3 { (badge(self.method)) " " code { (self.path) } }
                p { (text(&self.told["summary"])) ". " (text(&self.told["description"])) }
                @if !parameters.is_empty() {
                    table {
                        @for parameter in parameters { (parameter_row(parameter)) }
                    }
                }
                @if let Some(content) = self.told["requestBody"]["content"].as_object() {
                    @for (media, told) in content {
                        h4 { "Body, " code { (media) } }
                        (media_type(document, told))
                    }
                }
                h4 { "Answers" }
                @for (status, response) in self.told["responses"].as_object().into_iter().flatten() {
                    (answer(document, status, response))
                }
            }
        }
    }
}

fn contents(document: &Value) -> Markup {
    html! {
        nav {
            @for tag in items(&document["tags"]) {
                @let name = text(&tag["name"]);
                a.group href={ "#" (name) } { (name) }
                @for operation in operations(document, name) {
                    a href={ "#" (operation.id()) } title=(operation.path) {
                        (badge(operation.method)) " " (operation.id())
                    }
                }
            }
            a.group href="#codes" { "codes" }
            a.group href="#schemas" { "schemas" }
        }
    }
}

fn badge(method: &str) -> Markup {
    html! { b class=(method) { (method.to_ascii_uppercase()) } }
}

fn parameter_row(parameter: &Value) -> Markup {
    let schema = &parameter["schema"];
    html! {
        tr {
            td { code { (text(&parameter["name"])) } (required(parameter["required"] == true)) }
            td { "in " (text(&parameter["in"])) ", " (kind(schema)) }
            td { (text(&schema["description"])) }
        }
    }
}

fn required(required: bool) -> Markup {
    html! { @if required { " " abbr title="required" { "∗" } } }
}

fn answer(document: &Value, status: &str, response: &Value) -> Markup {
    let content = response["content"].as_object().into_iter().flatten();
    html! {
        details {
            summary { b { (status) } " " (inline(&response["description"])) }
            @for (media, told) in content {
                p { code { (media) } }
                (media_type(document, told))
            }
            @for (header, here) in response["headers"].as_object().into_iter().flatten() {
                @let always = &document["components"]["headers"][header]["description"];
                p { code { (header) } ": " (text(here.get("description").unwrap_or(always))) }
            }
        }
    }
}

/// The fields of a body or an answer, and an example of it.
fn media_type(document: &Value, told: &Value) -> Markup {
    let schema = &told["schema"];
    let example = match (&told["example"], told["examples"].as_object()) {
        (Value::Null, Some(examples)) => examples.values().next().map(|first| &first["value"]),
        (Value::Null, None) => None,
        (example, _) => Some(example),
    };
    html! {
        @match target(schema) {
            // Problems are the same everywhere.
            Some("Problem") => p { "A " (reference("Problem")) "." }
            Some(name) => (fields(&document["components"]["schemas"][name])),
            None => p { (kind(schema)) ". " (inline(&schema["description"])) }
        }
        @if let Some(example) = example { pre { (pretty(example)) } }
    }
}

/// A table of an object's fields; of anything else, what it is.
fn fields(schema: &Value) -> Markup {
    let required_fields = items(&schema["required"]);
    html! {
        @if schema["description"].is_string() { p { (inline(&schema["description"])) } }
        @match schema["properties"].as_object() {
            Some(properties) if !properties.is_empty() => table {
                @for (name, field) in properties {
                    tr {
                        td { code { (name) } (required(required_fields.iter().any(|required| required == name))) }
                        td { (kind(field)) }
                        td { (inline(&field["description"])) }
                    }
                }
            }
            Some(_) => p { "No fields." }
            None => p { (kind(schema)) }
        }
    }
}

fn codes() -> Markup {
    let mut all = wording::all();
    all.sort_by_key(|wording| (wording.status, wording.code));
    html! {
        h2 id="codes" { "codes" }
        table {
            @for wording in all {
                tr {
                    td { code { (wording.code) } }
                    td { (wording.status) @if wording.retryable { ", retryable" } }
                    td { (wording.title) ". " (inline(&wording.detail.into())) }
                }
            }
        }
    }
}

fn schemas(document: &Value) -> Markup {
    let schemas = document["components"]["schemas"].as_object();
    html! {
        h2 id="schemas" { "schemas" }
        @for (name, schema) in schemas.into_iter().flatten() {
            section id={ "schema-" (name) } {
                h3 { (name) }
                (fields(schema))
            }
        }
    }
}

/// What a value is, in a few words.
fn kind(schema: &Value) -> Markup {
    if let Some(name) = target(schema) {
        return reference(name);
    }
    if let Some(choices) = schema["oneOf"]
        .as_array()
        .filter(|_| schema["type"].is_null())
    {
        return html! { "one of " @for choice in choices { (kind(choice)) " " } };
    }
    let of_type = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
        one => text(one).to_owned(),
    };
    let words = schema["enum"].as_array();
    html! {
        @if let Some(word) = schema["const"].as_str() { code { (word) } }
        @else if let Some(words) = words {
            @for word in words { code { (text(word)) } " " }
        }
        @else if of_type == "array" { "array of " (kind(&schema["items"])) }
        @else { (of_type) (bounds(schema)) }
    }
}

/// What a value must keep to.
fn bounds(schema: &Value) -> Markup {
    let number = |name: &str| schema[name].as_i64();
    html! {
        @if let (Some(least), Some(most)) = (number("minimum"), number("maximum")) { ", " (least) " … " (most) }
        @else if let Some(least) = number("minimum") { ", from " (least) }
        @if let Some(most) = number("maxLength") { ", at most " (most) " characters" }
        @if let Some(format) = schema["format"].as_str() { ", " (format) }
        @else if let Some(pattern) = schema["pattern"].as_str() { ", " code { (pattern) } }
        @if let Some(default) = schema.get("default") { ", default " code { (default.to_string()) } }
    }
}

/// The name of the schema that this one refers to.
fn target(schema: &Value) -> Option<&str> {
    let reference = schema["$ref"].as_str()?;
    reference.rsplit('/').next()
}

fn reference(name: &str) -> Markup {
    html! { a href={ "#schema-" (name) } { (name) } }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// An example; a text stands as it is sent.
fn pretty(example: &Value) -> String {
    match example {
        Value::String(text) => text.clone(),
        other => format!("{other:#}"),
    }
}

/// CommonMark that is ours: nothing of it comes from outside.
fn prose(value: &Value) -> Markup {
    let mut html = String::new();
    let events = Parser::new_ext(text(value), Options::ENABLE_TABLES);
    pulldown_cmark::html::push_html(&mut html, events);
    PreEscaped(html)
}

/// A sentence without the paragraph around it.
fn inline(value: &Value) -> Markup {
    let PreEscaped(html) = prose(value);
    let html = html
        .trim()
        .trim_start_matches("<p>")
        .trim_end_matches("</p>");
    PreEscaped(html.to_owned())
}
