//! What the document does not allow is refused, names the field at fault, and changes nothing.

use serde_json::{Value, json};

use super::client::{Client, Names, Operation, conform_told};

/// What a schema does not take, made from the schema itself.
fn beyond(schema: &Value) -> Vec<Value> {
    let mut wrong = vec![Value::Null, json!([]), json!({ "a": { "b": 1 } })];
    match schema["type"].as_str() {
        Some("string") => wrong.extend([json!(1), json!(true)]),
        Some("integer") => wrong.extend([json!("1"), json!(1.5), json!(false)]),
        Some("boolean") => wrong.extend([json!("true"), json!(0)]),
        _ => wrong.push(json!("text")),
    }
    if let Some(most) = schema["maxLength"].as_u64() {
        wrong.push("x".repeat(usize::try_from(most).unwrap() + 1).into());
    }
    if schema["pattern"].is_string() {
        wrong.extend([json!(""), json!("   ")]);
    }
    for (bound, step) in [("minimum", -1), ("maximum", 1)] {
        wrong.extend(schema[bound].as_i64().map(|bound| json!(bound + step)));
    }
    if let Some(never) = schema["not"].get("const") {
        wrong.push(never.clone());
    }
    wrong
}

/// The schema of an operation's body, by itself.
fn body_schema(client: &Client, operation: &Operation) -> Option<Value> {
    let schema = &operation.told["requestBody"]["content"]["application/json"]["schema"];
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    Some(client.document["components"]["schemas"][name].clone())
}

/// Everything that the operation's member has, and what was recorded about them.
fn state(client: &Client, names: &Names) -> String {
    let member = client.example("get_member", names, "").body;
    let merchant = client.example("get_merchant", names, "").body;
    member + &merchant
}

/// Sends a body that is wrong; it is refused, and for this field.
fn refused(client: &Client, operation: &Operation, names: &Names, field: &str, body: &Value) {
    let id = format!("refused-{}", operation.id);
    let told = client.call(operation, names, &id, &body.to_string());
    assert_eq!(told.status, 400, "{} {body}: {told:?}", operation.path);
    conform_told(&client.document, operation, &told);
    let answer = told.json();
    assert_eq!(answer["code"], "invalid_field", "{body}: {told:?}");
    let errors = answer["errors"].as_array().unwrap();
    let named = errors.iter().any(|error| {
        let pointer = error["pointer"].as_str().unwrap();
        pointer == format!("/{field}") || pointer.starts_with(&format!("/{field}/"))
    });
    assert!(named, "{body}: {told:?}");
}

#[test]
fn bodies_that_the_schema_does_not_take_are_refused_and_change_nothing() {
    let client = Client::new();
    let mut asked = 0;
    for operation in client.operations() {
        let Some(schema) = body_schema(&client, &operation) else {
            continue;
        };
        let names = client.prepare(&operation);
        let before = state(&client, &names);
        let example = &operation.told["requestBody"]["content"]["application/json"]["example"];
        let example: Value = serde_json::from_str(&names.here(&example.to_string())).unwrap();
        for (field, told) in schema["properties"].as_object().unwrap() {
            for wrong in beyond(told) {
                let mut body = example.clone();
                body[field] = wrong;
                refused(&client, &operation, &names, field, &body);
                asked += 1;
            }
        }
        for field in schema["required"].as_array().unwrap() {
            let field = field.as_str().unwrap();
            let mut body = example.clone();
            body.as_object_mut().unwrap().remove(field);
            refused(&client, &operation, &names, field, &body);
        }
        let mut more = example.clone();
        more["colour"] = "red".into();
        refused(&client, &operation, &names, "colour", &more);
        assert_eq!(state(&client, &names), before, "{}", operation.id);
        // The request id that all of them had is free.
        let id = format!("refused-{}", operation.id);
        let told = client.call(&operation, &names, &id, &example.to_string());
        // Whoever proposed a correction does not decide about it, and here is but one operator.
        if operation.id != "decide_correction" {
            assert!([201, 202].contains(&told.status), "{told:?}");
        }
    }
    assert!(asked > 300, "{asked}");
}

#[test]
fn requests_without_what_the_document_requires_are_refused() {
    let client = Client::new();
    let key = format!("Bearer {}", jifen_tests::server::KEY);
    let json = ("content-type", "application/json");
    for operation in client.operations() {
        let names = client.prepare(&operation);
        let path = names.here(&super::client::path(&operation));
        let send = |headers: &[(&str, &str)], body: &str| {
            let told = client.send(&operation.method, &path, headers, body);
            conform_told(&client.document, &operation, &told);
            told
        };
        let keyless = operation.told["security"] == serde_json::json!([]);
        let told = send(&[], "");
        assert_eq!(told.status == 401, !keyless, "{path}: {told:?}");
        if keyless {
            continue;
        }
        let wrong = send(&[("authorization", "Bearer of-somebody-else"), json], "{}");
        assert_eq!(wrong.status, 401, "{path}");
        let parameters = operation.told["parameters"].as_array();
        let mut parameters = parameters.into_iter().flatten();
        if parameters.any(|told| told["in"] == "header" && told["required"] == true) {
            let told = send(&[("authorization", &key), json], "{}");
            assert_eq!(told.json()["code"], "idempotency_key_missing", "{path}");
            let long = "k".repeat(65);
            for id in ["", "a b", "a/b", long.as_str()] {
                let told = send(
                    &[("authorization", &key), ("idempotency-key", id), json],
                    "{}",
                );
                assert_eq!(told.json()["code"], "invalid_field", "{path} {id:?}");
            }
        }
        if operation.told["requestBody"].is_object() {
            let plain = ("content-type", "text/plain");
            let told = send(
                &[("authorization", &key), ("idempotency-key", "k"), plain],
                "{}",
            );
            assert_eq!(told.status, 415, "{path}");
            let told = send(
                &[("authorization", &key), ("idempotency-key", "k"), json],
                "{",
            );
            assert_eq!(told.json()["code"], "malformed", "{path}");
        }
    }
}

#[test]
fn queries_and_paths_that_the_schema_does_not_take_are_refused() {
    let client = Client::new();
    for operation in client.operations() {
        let names = client.prepare(&operation);
        let at = names.here(&super::client::path(&operation));
        let key = format!("Bearer {}", jifen_tests::server::KEY);
        let get = |path: &str| client.send(&operation.method, path, &[("authorization", &key)], "");
        let parameters = operation.told["parameters"].as_array().cloned();
        for parameter in parameters.into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let refused = |path: &str| {
                let told = get(path);
                conform_told(&client.document, &operation, &told);
                assert_eq!(told.json()["code"], "invalid_field", "{path}");
                assert_eq!(told.json()["errors"][0]["pointer"], format!("/{name}"));
            };
            match parameter["in"].as_str() {
                Some("query") => {
                    for wrong in ["%00", "-1", "9999999", "nonsense", ""] {
                        if !taken(&parameter["schema"], wrong) {
                            refused(&format!("{at}?{name}={wrong}"));
                        }
                    }
                }
                Some("path")
                    if operation.method == "GET" && parameter["schema"]["pattern"].is_string() =>
                {
                    let example = names.here(parameter["example"].as_str().unwrap());
                    refused(&at.replace(&example, "a%20b"));
                    refused(&at.replace(&example, &"x".repeat(65)));
                }
                _ => {}
            }
        }
    }
}

/// Whether a schema takes what stands in a query.
fn taken(schema: &Value, text: &str) -> bool {
    let value = match schema["type"].as_str() {
        Some("integer") => text
            .parse()
            .map_or(Value::Null, |number: i64| number.into()),
        _ => text.replace("%00", "\0").into(),
    };
    // A cursor is what a page gave, whatever that is: any other is refused.
    let cursor = schema["description"]
        .as_str()
        .is_some_and(|told| told.contains("next_cursor"));
    !cursor && jsonschema::is_valid(schema, &value)
}
