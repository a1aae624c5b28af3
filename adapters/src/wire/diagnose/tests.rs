use std::fmt::Write;

use jifen_engine::ledger::{PointType, Principal};
use proptest::prelude::*;

use super::*;
use crate::wire::{Context, decode::fast, decode_batch, decode_command};

/// Values that are right for some field, nearly right, or wrong for all.
fn value() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        Just("m-1"),
        Just("x"),
        Just("h3-7"),
        Just("points"),
        Just("2027-12-31"),
        Just("2026-11-21T09:00:00Z"),
        Just("积 分"),
        Just(""),
        Just(r"\u0041\n"),
        Just(r"\ud800"),
    ]
    .prop_map(|text| format!("\"{text}\""));
    let kind = prop::sample::select(&CommandKind::ALL).prop_map(|k| format!("\"{}\"", k.name()));
    let number = prop_oneof![
        Just("1"),
        Just("0"),
        Just("900"),
        Just("-1"),
        Just("-9007199254740991"),
        Just("-9007199254740992"),
        Just("-99999999999999999999"),
        Just("1.0"),
        Just("1e2"),
        Just("1e999"),
        Just("9007199254740992"),
        Just("99999999999999999999"),
        Just("-0"),
    ]
    .prop_map(str::to_owned);
    let other = prop_oneof![
        Just("true"),
        Just("null"),
        Just("[]"),
        Just("{}"),
        Just(r#"{"a":"b"}"#),
        Just(r#"{"a":"b","c":"d"}"#),
        Just(r#"{"a":"b","a":"d"}"#),
        Just(r#"{"a":1}"#),
        Just("[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]"),
        Just("tru"),
    ]
    .prop_map(str::to_owned);
    prop_oneof![4 => text, 2 => kind, 4 => number, 3 => other]
}

/// A value that fits the field, so that many objects are good.
fn fitting(field: Field) -> &'static str {
    match field {
        Field::Points
        | Field::CashFen
        | Field::TtlSeconds
        | Field::Quantity
        | Field::Units
        | Field::PricePoints
        | Field::PerMemberLimit
        | Field::ReservationTtlSeconds
        | Field::Change => "7",
        Field::PeriodStart | Field::PeriodEnd => r#""2026-10-01""#,
        Field::AmountFen => "7",
        Field::Final | Field::ReturnUnits | Field::Approve => "true",
        Field::Attributes | Field::Metadata => r#"{"a":"b"}"#,
        Field::LastDay => r#""2027-12-31""#,
        Field::At | Field::ReleasesAt | Field::OpensAt => r#""2026-11-21T09:00:00Z""#,
        // Behind the opening, as `to` is somebody else than the member.
        Field::ClosesAt => r#""2026-11-21T09:00:01Z""#,
        Field::To => r#""y""#,
        _ => r#""x""#,
    }
}

/// Objects around the shape of one command: a few fields left out, a few wrong, a few too many.
fn object() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(&CommandKind::ALL);
    let spoiled = prop::collection::vec((0..Field::ALL.len(), prop::option::of(value())), 0..3);
    let key = prop_oneof![
        Just("id".to_owned()),
        Just("memb\\u0065r".to_owned()),
        Just("colour".to_owned())
    ];
    let extra = prop::option::weighted(0.2, (key, value()));
    (kind, spoiled, extra, any::<u64>()).prop_map(|(kind, spoiled, extra, optional)| {
        let shape = Shape::of(kind);
        let mut object = String::from("{");
        let mut put = |key: &str, value: &str| {
            let comma = if object.len() > 1 { "," } else { "" };
            write!(object, "{comma}\"{key}\":{value}").unwrap();
        };
        for (place, &field) in Field::ALL.iter().enumerate() {
            let wanted = shape.required.contains(field)
                || shape.allowed.contains(field) && optional & (1 << place) != 0;
            match spoiled.iter().find(|(spoiled, _)| *spoiled == place) {
                Some((_, Some(value))) => put(field.name(), value),
                Some((_, None)) => {}
                None if field == Field::Type => put("type", &format!("\"{}\"", kind.name())),
                None if wanted => put(field.name(), fitting(field)),
                None => {}
            }
        }
        if let Some((key, value)) = &extra {
            put(key, value);
        }
        object + "}"
    })
}

fn sender() -> (Principal, PointType) {
    (
        Principal::new("p").unwrap(),
        PointType::new("points").unwrap(),
    )
}

fn given<'a>(
    (principal, point_type): &'a (Principal, PointType),
    id: Option<&'a str>,
    kind: Option<CommandKind>,
    object: Option<&'a str>,
    binding: bool,
) -> Given<'a> {
    let object = kind
        .and_then(crate::wire::fields::object_field)
        .and_then(|field| object.map(|text| (field, text)));
    Given {
        principal,
        point_type,
        id,
        kind,
        object,
        binding,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The two paths agree on every text, whatever is given beside it.
    #[test]
    fn the_fast_path_says_yes_exactly_where_nothing_is_wrong(
        text in prop_oneof![8 => object(), 1 => value()],
        id in prop::option::of(prop_oneof![Just("x"), Just("a b")]),
        kind in prop::option::of(prop::sample::select(&CommandKind::ALL)),
        object in prop::option::of(prop_oneof![Just("x"), Just("h3-7"), Just("a b")]),
        binding: bool,
    ) {
        let sender = sender();
        // Only endpoints bind, and have an object in their path; they always know the kind and the id.
        let binding = binding && kind.is_some() && id.is_some();
        let object = object.filter(|_| binding);
        let given = given(&sender, id, kind, object, binding);
        let fast = fast(&text, &given).is_some();
        let slow = examine(&text, &given, Form::One);
        prop_assert_eq!(fast, slow.is_empty(), "{} {:?}", text, slow);
    }

    /// The same of arrays: good if and only if every command is.
    #[test]
    fn an_array_is_good_exactly_when_each_command_is(texts in prop::collection::vec(object(), 0..4)) {
        let sender = sender();
        let (principal, point_type) = (&sender.0, &sender.1);
        let context = Context { principal, point_type, default_id: None, default_kind: None };
        let batch = format!("[{}]", texts.join(","));
        let whole = decode_batch(batch.as_bytes(), principal, point_type);
        let each = texts.iter().all(|text| decode_command(text.as_bytes(), &context).is_ok());
        prop_assert_eq!(whole.is_ok(), each);
        let slow = examine(&batch, &given(&sender, None, None, None, false), Form::Array);
        prop_assert_eq!(slow.is_empty(), each);
    }

    /// No text at all makes the decoder panic.
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let (principal, point_type) = sender();
        let _ = decode_batch(&bytes, &principal, &point_type);
    }
}
