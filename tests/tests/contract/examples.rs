//! Every example is sent, and answered as the document says: by the example of the answer, word for word.

use std::{
    env, fs,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::client::{
    CODE, Client, MEMBER, Names, Operation, RESERVATION, TRANSACTION, Told, conform_told,
};

/// How long a statement may take to follow, with time to spare for a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);
/// What the examples of answers say in the place of what differs from run to run.
const AT: &str = "2026-11-21T09:00:00.123Z";
const HOLD_EXPIRES_AT: &str = "2026-11-21T09:10:00.123Z";
const RESERVATION_EXPIRES_AT: &str = "2026-11-21T09:05:00.123Z";

/// An answer as the document's example would tell it.
fn told_as_example(answer: &Value, names: &Names) -> Value {
    let text = names.in_the_example(&answer.to_string());
    let mut answer: Value = serde_json::from_str(&text).unwrap();
    settle(&mut answer);
    answer
}

/// Puts one value in the place of each that differs from run to run.
fn settle(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(fields) => {
            // The one transaction that is known is the earning; it stands where its name says.
            let known = fields.get("transaction") == Some(&json!(TRANSACTION));
            let (transaction, offset) = if known {
                (TRANSACTION, "7:1041")
            } else {
                ("t7-1043", "7:1043")
            };
            let expires_at = if fields.contains_key("reservation") {
                RESERVATION_EXPIRES_AT
            } else {
                HOLD_EXPIRES_AT
            };
            for (name, value) in fields.iter_mut() {
                match (name.as_str(), &*value) {
                    ("at" | "as_of", Value::String(_)) => *value = AT.into(),
                    ("expires_at", _) => *value = expires_at.into(),
                    ("offset", Value::String(_)) => *value = offset.into(),
                    ("transaction", Value::String(_)) => *value = transaction.into(),
                    ("hold", Value::String(_)) => *value = "h7-1042".into(),
                    ("reservation", Value::String(_)) => *value = RESERVATION.into(),
                    ("codes", Value::Array(codes)) => {
                        *value = codes.iter().map(|_| CODE).collect();
                    }
                    _ => settle(value),
                }
            }
        }
        _ => {}
    }
}

/// What the answer's example is in the document.
fn example_of(operation: &Operation, told: &Told) -> Value {
    operation.told["responses"][told.status.to_string()]["content"][told.media()]["example"].clone()
}

/// Looks until what has just been journaled is to be seen: statements follow behind.
fn look(client: &Client, operation: &Operation, names: &Names) -> Told {
    let begin = Instant::now();
    loop {
        let told = client.example(&operation.id, names, "");
        if told.status != 200 || is_there(&told.json(), operation, names) {
            return told;
        }
        assert!(begin.elapsed() < DEADLINE, "{told:?}");
        std::thread::yield_now();
    }
}

/// Whether the answer holds what it will. Movements of the whole programme are those of other members too, and of
/// earlier ones: one of this member has to be among them.
fn is_there(answer: &Value, operation: &Operation, names: &Names) -> bool {
    let Some(items) = answer["items"].as_array() else {
        return true;
    };
    let member = names.here(MEMBER);
    if operation.id == "get_movements" {
        items.iter().any(|item| item["member"] == *member)
    } else {
        !items.is_empty()
    }
}

#[test]
fn every_example_is_answered_by_its_example() {
    let client = Client::new();
    let mut answers = Map::new();
    let mut differ = Vec::new();
    for operation in client.operations() {
        // These are no objects that an example could show.
        if matches!(
            operation.id.as_str(),
            "openapi" | "asyncapi" | "docs" | "get_metrics" | "get_events" | "get_stock_events"
        ) {
            continue;
        }
        // A period that is over, and somebody else to decide, are not there; clearing has tests of its own.
        if operation.told["tags"] == json!(["clearing"]) {
            continue;
        }
        let names = client.prepare(&operation);
        let changes = operation.told["parameters"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["in"] == "header"));
        let id = format!("{}-1002", operation.id);
        let told = if changes {
            client.example(&operation.id, &names, &id)
        } else {
            look(&client, &operation, &names)
        };
        assert_eq!(told.status, if changes { 201 } else { 200 }, "{told:?}");
        conform_told(&client.document, &operation, &told);
        let mut answer = told_as_example(&told.json(), &names);
        if operation.id == "get_movements" {
            // Other members of this test are there too.
            let items = answer["items"].as_array_mut().unwrap();
            items.retain(|item| item["member"] == MEMBER);
            answer["next_cursor"] = Value::Null;
        }
        if answer != example_of(&operation, &told) {
            differ.push(operation.id.clone());
        }
        if changes {
            again(&client, &operation, &names, &id, &told);
        }
        answers.insert(operation.id.clone(), answer);
    }
    // The document's examples are written by this test, and then only compared.
    if let Some(file) = env::var_os("JIFEN_WRITE_EXAMPLES") {
        let text = serde_json::to_string_pretty(&answers).unwrap() + "\n";
        fs::write(file, text).unwrap();
    } else {
        assert!(
            differ.is_empty(),
            "{differ:?} are answered otherwise; if that is right, run this test with \
             JIFEN_WRITE_EXAMPLES=<adapters/src/openapi/examples.json>:\n{:#}",
            Value::from(answers)
        );
    }
}

/// The same request again hears the same answer, marked.
fn again(client: &Client, operation: &Operation, names: &Names, id: &str, first: &Told) {
    let again = client.example(&operation.id, names, id);
    assert_eq!(again.status, 200, "{again:?}");
    conform_told(&client.document, operation, &again);
    let mut expected = first.json();
    expected["replayed"] = true.into();
    assert_eq!(again.json(), expected);
}

#[test]
fn lines_are_answered_line_by_line() {
    let client = Client::new();
    let operation = client.operation("commands");
    let names = client.prepare(&operation);
    let example = &operation.told["requestBody"]["content"]["application/x-ndjson"]["example"];
    let lines = names.here(example.as_str().unwrap()) + "no command\n";
    let key = format!("Bearer {}", jifen_tests::server::KEY);
    let headers = [
        ("authorization", key.as_str()),
        ("content-type", "application/x-ndjson"),
    ];
    let told = client.send("POST", "/v1/commands", &headers, &lines);
    conform_told(&client.document, &operation, &told);
    let answers: Vec<Value> = told
        .body
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 3, "{told:?}");
    for (answer, schema) in answers.iter().zip(["Answer", "Answer", "BadLine"]) {
        let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
        super::client::conform(&client.document, &schema, answer, "a line");
    }
}
