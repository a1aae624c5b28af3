//! A client that knows of the server what the document says.

use std::{collections::BTreeMap, time::Duration};

use jifen_tests::server::{KEY, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::{Agent, http};

/// The names that the document's examples use for what a server would name.
pub(crate) const MEMBER: &str = "m-00042";
const MERCHANT: &str = "harbour-market";
/// Whom the example's member sends points.
const FRIEND: &str = "m-00043";
const HOLD: &str = "h7-1042";
const SKU: &str = "umbrella-2026";
pub(crate) const RESERVATION: &str = "r7-1043";
pub(crate) const CODE: &str = "07000-0010M-00178-Z7B1B-FS2NA";
pub(crate) const TRANSACTION: &str = "t7-1041";
/// The request that gave the example's member its points.
const EARNED_BY: &str = "o-1001";

/// A server with its document.
pub(crate) struct Client {
    pub(crate) document: Value,
    server: Server,
    agent: Agent,
    _data: TempDir,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What kind of text it is, without its parameters.
    pub(crate) fn media(&self) -> &str {
        let said = self.headers.get("content-type").map_or("", String::as_str);
        said.split(';').next().unwrap_or_default()
    }
}

/// An endpoint of the document.
#[derive(Clone)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) told: Value,
}

/// What the examples of an operation stand for on this server.
#[derive(Default)]
pub(crate) struct Names(Vec<(String, String)>);

impl Names {
    /// Puts this server's names in the place of the example's.
    pub(crate) fn here(&self, text: &str) -> String {
        let put = |text: String, (example, here): &(String, String)| text.replace(example, here);
        self.0.iter().fold(text.to_owned(), put)
    }

    /// The reverse.
    pub(crate) fn in_the_example(&self, text: &str) -> String {
        let put = |text: String, (example, here): &(String, String)| {
            text.replace(&format!("\"{here}\""), &format!("\"{example}\""))
        };
        self.0.iter().fold(text.to_owned(), put)
    }
}

impl Client {
    /// Starts a server, asks it for its document, and puts the examples' merchant.
    pub(crate) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = Server::start(data.path()).unwrap();
        // Answers that never end, as those of a feed, are a failure and not a wait.
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        let mut client = Self {
            document: Value::Null,
            server,
            agent: agent.into(),
            _data: data,
        };
        let told = client.send("GET", "/openapi.json", &[], "");
        assert_eq!(told.status, 200);
        client.document = told.json();
        client.example("put_merchant", &Names::default(), "shop");
        client
    }

    /// Every operation of the document.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let paths = self.document["paths"].as_object().unwrap().iter();
        let all = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(|(method, told)| Operation {
                id: told["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                told: told.clone(),
            })
        });
        all.collect()
    }

    pub(crate) fn operation(&self, id: &str) -> Operation {
        let mut all = self.operations().into_iter();
        all.find(|operation| operation.id == id).unwrap()
    }

    /// Sends a request with these headers.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Told {
        let uri = format!("{}{path}", self.server.url());
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_owned()).unwrap();
        let mut response = self.agent.run(request).unwrap();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        Told {
            status: response.status().as_u16(),
            headers,
            body: response.body_mut().read_to_string().unwrap(),
        }
    }

    /// Sends an operation with a body, as its document says.
    pub(crate) fn call(&self, operation: &Operation, names: &Names, id: &str, body: &str) -> Told {
        let media = media_types(&operation.told["requestBody"]);
        let media = media.first().map_or("application/json", String::as_str);
        let key = format!("Bearer {KEY}");
        let headers = [
            ("authorization", key.as_str()),
            ("idempotency-key", id),
            ("content-type", media),
        ];
        self.send(
            &operation.method,
            &names.here(&path(operation)),
            &headers,
            body,
        )
    }

    /// Sends an operation's example under a request id.
    pub(crate) fn example(&self, operation: &str, names: &Names, id: &str) -> Told {
        let operation = self.operation(operation);
        let body = &operation.told["requestBody"]["content"]["application/json"]["example"];
        let body = match body {
            Value::Null => String::new(),
            body => names.here(&body.to_string()),
        };
        self.call(&operation, names, id, &body)
    }

    /// Makes what an operation's examples are about: a member who has earned 100 points, one hold of theirs, a sale, a
    /// reservation, a sold unit, or a friend where there is to be one, and nothing else.
    pub(crate) fn prepare(&self, operation: &Operation) -> Names {
        let member = format!("m-of-{}", operation.id);
        let of_it =
            |example: &str, what: &str| (example.to_owned(), format!("{what}-of-{}", operation.id));
        let mut names = Names(vec![
            (MEMBER.to_owned(), member.clone()),
            of_it(FRIEND, "friend"),
            of_it(SKU, "umbrella"),
        ]);
        let about_the_member = operation.id != "enrol";
        if about_the_member {
            let enrolled = self.call(&self.operation("enrol"), &names, "enrolled", "{}");
            assert_eq!(enrolled.status, 201, "{enrolled:?}");
            let earn = json!({ "member": member, "merchant": MERCHANT, "points": 100 });
            let earned = self.call(
                &self.operation("earn"),
                &names,
                EARNED_BY,
                &earn.to_string(),
            );
            let transaction = &earned.json()["transaction"];
            let name = |value: &Value| value.as_str().unwrap().to_owned();
            names.0.push((TRANSACTION.to_owned(), name(transaction)));
        }
        if operation.path.contains("{hold}") {
            let held = self.example("hold", &names, "held").json();
            let hold = held["hold"].as_str().unwrap().to_owned();
            names.0.push((HOLD.to_owned(), hold));
        }
        if operation.id == "transfer" {
            let friend = self.operation("enrol");
            let friend = Operation {
                path: friend.path.replace("{member}", FRIEND),
                ..friend
            };
            let enrolled = self.call(&friend, &names, "enrolled", "{}");
            assert_eq!(enrolled.status, 201, "{enrolled:?}");
        }
        self.prepare_sale(operation, &mut names);
        names
    }

    /// Makes the sale that an operation's examples are about, and what there is to be of it.
    fn prepare_sale(&self, operation: &Operation, names: &mut Names) {
        let about = |name: &str| operation.path.contains(name);
        let of_a_sale = about("{sku}") || about("{reservation}") || about("{code}");
        if !(of_a_sale || operation.id == "reserve") || operation.id == "put_stock" {
            return;
        }
        let made = |told: Told, name: &str| {
            assert_eq!(told.status, 201, "{told:?}");
            let named = told
                .json()
                .pointer(name)
                .and_then(Value::as_str)
                .map(str::to_owned);
            named.unwrap_or_default()
        };
        made(self.example("put_stock", names, "on-sale"), "");
        if about("{reservation}") || about("{code}") {
            let reservation = made(self.example("reserve", names, "reserved"), "/reservation");
            names.0.push((RESERVATION.to_owned(), reservation));
        }
        if about("{code}") {
            let code = made(self.example("confirm", names, "paid"), "/codes/0");
            names.0.push((CODE.to_owned(), code));
        }
    }
}

/// The path of an operation with its examples.
pub(crate) fn path(operation: &Operation) -> String {
    let parameters = operation.told["parameters"].as_array();
    let parameters = parameters.into_iter().flatten();
    let parameters = parameters.filter(|parameter| parameter["in"] == "path");
    parameters.fold(operation.path.clone(), |path, parameter| {
        let name = parameter["name"].as_str().unwrap();
        path.replace(
            &format!("{{{name}}}"),
            parameter["example"].as_str().unwrap(),
        )
    })
}

/// In which forms a body is taken or answered.
pub(crate) fn media_types(told: &Value) -> Vec<String> {
    let content = told["content"].as_object().into_iter().flatten();
    content.map(|(media, _)| media.clone()).collect()
}

/// Fails if a value is not what a schema of the document says.
pub(crate) fn conform(document: &Value, schema: &Value, value: &Value, here: &str) {
    let mut root = schema.clone();
    root["components"] = document["components"].clone();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&root);
    let validator = validator.unwrap();
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{here}: {value:#}\n{errors:#?}");
}

/// Fails if an answer is not one that the document says the operation has.
pub(crate) fn conform_told(document: &Value, operation: &Operation, told: &Told) {
    let here = format!("{} {} {told:?}", operation.method, operation.path);
    let response = &operation.told["responses"][told.status.to_string()];
    assert!(response.is_object(), "{here}: no such answer");
    let content = &response["content"][told.media()];
    assert!(content.is_object(), "{here}: no such type");
    for (name, at_times) in response["headers"].as_object().into_iter().flatten() {
        let always = &document["components"]["headers"][name];
        let optional = [always, at_times].map(|header| header["required"] == false);
        let there = told.headers.contains_key(&name.to_lowercase());
        assert!(there || optional.contains(&true), "{here}: no {name}");
    }
    if told.media() != "application/x-ndjson" && told.media().ends_with("json") {
        conform(document, &content["schema"], &told.json(), &here);
    }
}
