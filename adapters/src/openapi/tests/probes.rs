//! Schemas and the decoder take the same values. Method: for every field of every command, values at and beyond every
//! border are put into the example, and both are asked.

use jifen_engine::ledger::{CommandKind, PointType, Principal};
use serde_json::{Value, json};

use super::agreement::validator;
use crate::{
    openapi::{document, examples, values},
    wire::{Context, Field, Shape, decode_command},
};

/// Values of every kind, at and beyond every border that a field has.
fn values() -> Vec<Value> {
    let most: i64 = (1 << 53) - 1;
    let numbers = [
        0,
        1,
        -1,
        most,
        most + 1,
        -most,
        -most - 1,
        2_592_000,
        2_592_001,
        1_000,
        1_001,
    ];
    let mut values: Vec<Value> = numbers.map(Value::from).to_vec();
    values.extend([
        json!(u64::MAX),
        json!(1.5),
        json!(null),
        json!(true),
        json!([]),
        json!([1]),
    ]);
    values.extend([
        json!({}),
        json!({ "city": "Xiamen" }),
        json!({ "": "" }),
        json!({ "city": 1 }),
        json!({ "city": { "name": "Xiamen" } }),
    ]);
    let long = |unit: &str, times: usize| Value::from(unit.repeat(times));
    values.extend([
        long("a", 64),
        long("a", 65),
        long("a", 128),
        long("a", 129),
        long("分", 128),
        long("分", 129),
        long("😀", 128),
    ]);
    let texts = [
        "",
        " ",
        "\t\u{85}\u{a0}\u{2003}\u{3000}",
        "\u{feff}",
        "\u{200b}",
        "\u{1c}",
        "\u{1680}",
        "\u{2028}",
        "a b",
        "a",
        "é",
        "a/b",
        "A-Z.a_z:0@9",
        "\n",
        "a\n",
        "shop\0",
        "1970-01-01",
        "1969-12-31",
        "2027-02-29",
        "2027-2-01",
        "2027-12-31",
        "2027-12-32",
        "2027-13-01",
        "20270101",
        "+2027-01-01",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-11-21T09:00:00.123456789+08:00",
        "2026-11-21t09:00:00z",
        "2026-11-21 09:00:00Z",
        "2026-11-21T09:00:00",
        "2026-11-21T24:00:00Z",
        "2026-11-21T09:60:00Z",
        "2026-11-21T09:00:00.Z",
        "2026-11-21T09:00:00+0800",
        "h0-1",
        "t0-1",
        "r0-1",
        "h",
        "earn",
        "Earn",
        "enrol",
        "points",
    ];
    values.extend(texts.map(Value::from));
    values
}

fn is_accepted(command: &Value) -> bool {
    let (principal, point_type) = (
        Principal::new("p").unwrap(),
        PointType::new("points").unwrap(),
    );
    let context = Context {
        principal: &principal,
        point_type: &point_type,
        default_id: None,
        default_kind: None,
    };
    decode_command(command.to_string().as_bytes(), &context).is_ok()
}

#[test]
fn schemas_take_what_the_decoder_takes() {
    let (mut taken, mut refused) = (0, 0);
    let mut schema = json!({ "$ref": "#/components/schemas/Command" });
    schema["components"] = document()["components"].clone();
    let schema = validator(&schema);
    for kind in CommandKind::ALL {
        let example = examples::command(kind);
        let mut ask = |command: &Value| {
            let decoded = is_accepted(command);
            assert_eq!(schema.is_valid(command), decoded, "{command}");
            if decoded { taken += 1 } else { refused += 1 }
        };
        ask(&example);
        for &field in Field::ALL {
            for value in values() {
                let mut command = example.clone();
                command[field.name()] = value;
                ask(&command);
            }
            let mut without = example.clone();
            without.as_object_mut().unwrap().remove(field.name());
            ask(&without);
            let required = Shape::of(kind).required.contains(field);
            assert!(!required || !is_accepted(&without), "{kind:?} {field:?}");
        }
        let mut more = example.clone();
        more["colour"] = json!("red");
        ask(&more);
    }
    assert!(
        taken > 1_000 && refused > 5_000,
        "{taken} taken, {refused} refused"
    );
}

/// Fields that have to fit each other: no schema says so, but their descriptions do.
#[test]
fn what_schemas_cannot_say_is_told_in_words() {
    let mut schema = json!({ "$ref": "#/components/schemas/Command" });
    schema["components"] = document()["components"].clone();
    let schema = validator(&schema);
    let instant = "2026-11-21T09:00:00Z";
    for (kind, name, changed, words) in [
        (
            CommandKind::Transfer,
            "to",
            json!({ "to": examples::in_path("member") }),
            "somebody else",
        ),
        (
            CommandKind::PutStock,
            "closes_at",
            json!({ "opens_at": instant, "closes_at": instant }),
            "later than `opens_at`",
        ),
    ] {
        let mut command = examples::command(kind);
        let fields = changed.as_object().unwrap().clone();
        command.as_object_mut().unwrap().extend(fields);
        assert!(
            schema.is_valid(&command) && !is_accepted(&command),
            "{command}"
        );
        let told = values::field(kind, Field::from_name(name).unwrap());
        let told = told["description"].as_str().unwrap();
        assert!(told.contains(words), "{told}");
    }
}
