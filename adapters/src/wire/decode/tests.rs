use jifen_engine::ledger::{Command, CommandKind, Day, Earn, PointType, Principal, Request};

use super::*;
use crate::wire::InvalidCode;

mod corrections;
mod sales;

fn principal() -> Principal {
    Principal::new("operator").unwrap()
}

fn points() -> PointType {
    PointType::new("points").unwrap()
}

fn one(json: &str) -> Result<Request, Invalid> {
    decode_command(
        json.as_bytes(),
        &Context {
            principal: &principal(),
            point_type: &points(),
            default_id: None,
            default_kind: None,
        },
    )
}

fn endpoint(
    kind: CommandKind,
    object: Option<&str>,
    id: &str,
    json: &str,
) -> Result<Request, Invalid> {
    decode_endpoint(
        json.as_bytes(),
        &Endpoint {
            principal: &principal(),
            point_type: &points(),
            id,
            kind,
            object,
        },
    )
}

/// The code and where what is wrong, for tables.
fn told(decoded: Result<Request, Invalid>) -> (&'static str, String) {
    match decoded {
        Ok(_) => ("", String::new()),
        Err(invalid) => {
            let pointers = invalid.errors.iter().map(|error| error.pointer.clone());
            let pointers: Vec<_> = pointers.collect();
            (invalid.code.wording().code, pointers.join(" "))
        }
    }
}

#[test]
fn commands_are_read_with_their_defaults() {
    let earn = r#"{"id":"e1","type":"earn","member":"m","merchant":"s","points":5}"#;
    let request = one(earn).unwrap();
    assert_eq!(request.id().as_str(), "e1");
    assert_eq!(request.principal().as_str(), "operator");
    let Command::Earn(earn) = request.command() else {
        panic!("{request:?}")
    };
    assert_eq!(earn.point_type.as_str(), "points");
    assert_eq!(earn.class.as_str(), "ordinary");
    assert_eq!(earn.last_day, Day::NEVER);

    let hold = r#"{"id":"h1","type":"hold","member":"m","merchant":"s","points":5}"#;
    let request = one(hold).unwrap();
    let Command::Hold(hold) = request.command() else {
        panic!("{request:?}")
    };
    assert_eq!(hold.ttl_seconds, 900);

    let request = one(r#"{"id":"c1","type":"capture","hold":"h3-7"}"#).unwrap();
    let Command::Capture(capture) = request.command() else {
        panic!("{request:?}")
    };
    assert!(capture.last);
    assert_eq!(capture.points, None);
    assert_eq!(read_earn("").releases_at, None);
}

/// An earn with something more.
fn read_earn(more: &str) -> Earn {
    let json = r#"{"id":"1","type":"earn","member":"m","merchant":"s","points":1"#;
    let request = one(&format!("{json}{more}}}")).unwrap();
    match request.command() {
        Command::Earn(earn) => earn.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_field_is_read() {
    for json in [
        r#"{"id":"1","type":"enrol","member":"m","attributes":{"名":"鲍","a":"\u0041"}}"#,
        r#"{"id":"1","type":"earn","member":"m","merchant":"s","points":1,"point_type":"points",
            "last_day":"2027-12-31","class":"bought","order":"o","at":"2026-11-21T09:00:00Z",
            "releases_at":"2026-12-01T00:00:00+08:00"}"#,
        r#"{"id":"1","type":"redeem","member":"m","merchant":"s","points":9007199254740991,
            "point_type":"p","use":"gift","order":"o","cash_fen":0}"#,
        r#"{"id":"1","type":"hold","member":"m","merchant":"s","points":1,"point_type":"p",
            "use":"goods","order":"o","ttl_seconds":1}"#,
        r#"{"id":"1","type":"capture","hold":"h1-1","points":3,"final":false}"#,
        r#"{"id":"1","type":"release","hold":"whatever","reference":"r","metadata":{}}"#,
        r#"{"id":"1","type":"put_merchant","merchant":"s","name":"Shop"}"#,
        r#"{"id":"1","type":"reverse","transaction":"t3-7","points":2,"reason":"sent back"}"#,
        r#"{"id":"1","type":"reverse","transaction":"whatever"}"#,
        r#"{"id":"1","type":"adjust","member":"m","points":-7,"point_type":"p","reason":"put right"}"#,
        r#"{"id":"1","type":"freeze","member":"m","reason":"lost phone"}"#,
        r#"{"id":"1","type":"unfreeze","member":"m","reason":"found phone"}"#,
        r#"{"id":"1","type":"close","member":"m","reason":"moved away","reference":"r"}"#,
        r#"{"id":"1","type":"erase","member":"m"}"#,
        r#"{"id":"1","type":"reverse","transaction":"t3-7","return_units":true}"#,
        r#"{"id":"1","type":"reserve","member":"m","sku":"s","quantity":2,"reference":"r"}"#,
        r#"{"id":"1","type":"confirm","reservation":"r3-7"}"#,
        r#"{"id":"1","type":"cancel","reservation":"whatever","metadata":{}}"#,
        r#"{"id":"1","type":"transfer","member":"m","to":"n","points":5,"point_type":"p"}"#,
        r#"{"id":"1","type":"put_stock","sku":"s","units":100,"price_points":20,"merchant":"m",
            "point_type":"p","per_member_limit":2,"opens_at":"2026-12-01T00:00:00Z",
            "closes_at":"2026-12-01T00:00:00.001Z","reservation_ttl_seconds":300}"#,
        r#"{"id":"1","type":"change_units","sku":"s","change":-3}"#,
        r#"{"id":"1","type":"use_code","code":"whatever"}"#,
    ] {
        assert_eq!(told(one(json)), ("", String::new()), "{json}");
    }
}

#[test]
fn everything_wrong_is_named() {
    let cases = [
        ("", "malformed", ""),
        ("{", "malformed", ""),
        ("{} {}", "malformed", ""),
        (r#"{"id":"\ud800"}"#, "malformed", ""),
        (r#"{"points":1e999}"#, "malformed", ""),
        ("[]", "invalid_field", ""),
        ("7", "invalid_field", ""),
        ("{}", "invalid_field", "/id /type"),
        (r#"{"id":"1","type":"activity"}"#, "invalid_field", "/type"),
        (r#"{"id":"1","type":7}"#, "invalid_field", "/type"),
        (
            r#"{"id":"1","type":"earn"}"#,
            "invalid_field",
            "/member /merchant /points",
        ),
        (
            r#"{"id":"","type":"release","hold":"h1-1"}"#,
            "invalid_field",
            "/id",
        ),
        (
            r#"{"id":"积","type":"release","hold":"h1-1"}"#,
            "invalid_field",
            "/id",
        ),
        (
            r#"{"id":"1","type":"release","hold":null}"#,
            "invalid_field",
            "/hold",
        ),
        (
            r#"{"id":"1","type":"earn","member":"m m","merchant":"","points":0,"point_type":1,
                "last_day":"2027-02-30","class":"a/b","order":7,"at":"yesterday"}"#,
            "invalid_field",
            "/member /merchant /points /point_type /last_day /class /order /at",
        ),
        (
            r#"{"id":"1","type":"redeem","member":"m","merchant":"s","points":9007199254740992,
                "cash_fen":-1,"use":true,"ttl_seconds":5,"colour":"red"}"#,
            "invalid_field",
            "/points /cash_fen /use /ttl_seconds /colour",
        ),
        (
            r#"{"id":"1","type":"hold","member":"m","merchant":"s","points":1.0,"ttl_seconds":2592001}"#,
            "invalid_field",
            "/points /ttl_seconds",
        ),
        (
            r#"{"id":"1","type":"capture","hold":"h1-1","points":"3","final":"yes"}"#,
            "invalid_field",
            "/points /final",
        ),
        (
            r#"{"id":"1","type":"release","hold":"h1-1","metadata":{"a":1,"b/c~":null},"reference":null}"#,
            "invalid_field",
            "/metadata/a /metadata/b~1c~0 /reference",
        ),
        (
            r#"{"id":"1","type":"release","hold":"h1-1","metadata":["a"]}"#,
            "invalid_field",
            "/metadata",
        ),
        (
            r#"{"id":"1","id":"1","type":"release","hold":"h1-1"}"#,
            "malformed",
            "/id",
        ),
        (
            r#"{"id":"1","type":"release","hold":"h1-1","metadata":{"a":"1","a":"1"}}"#,
            "malformed",
            "/metadata/a",
        ),
        (
            r#"{"id":"1","type":"release","hold":"h1-1","x":[{"y":1,"y":2}]}"#,
            "malformed",
            "/x/0/y /x",
        ),
        (
            r#"{"id":"1","type":"put_merchant","merchant":"s","name":" "}"#,
            "invalid_field",
            "/name",
        ),
    ];
    for (json, code, pointers) in cases {
        assert_eq!(told(one(json)), (code, pointers.to_owned()), "{json}");
    }
}

#[test]
fn too_long_and_too_deep_are_refused() {
    let release = |rest: &str| format!(r#"{{"id":"1","type":"release","hold":"h1-1",{rest}}}"#);
    for (length, expected) in [(128, ""), (129, "/reference")] {
        let json = release(&format!(r#""reference":"{}""#, "积".repeat(length)));
        assert_eq!(told(one(&json)).1, expected);
    }
    for (length, expected) in [(1_023, ""), (1_024, "/metadata")] {
        let json = release(&format!(r#""metadata":{{"k":"{}"}}"#, "v".repeat(length)));
        assert_eq!(told(one(&json)).1, expected);
    }
    for (depth, expected) in [(15, ("invalid_field", "/x")), (16, ("malformed", ""))] {
        let json = release(&format!(
            r#""x":{}{}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        ));
        assert_eq!(
            told(one(&json)),
            (expected.0, expected.1.to_owned()),
            "{depth}"
        );
    }
    let id = "i".repeat(65);
    let json = format!(r#"{{"id":"{id}","type":"release","hold":"h1-1"}}"#);
    assert_eq!(told(one(&json)).1, "/id");
}

#[test]
fn bytes_that_are_no_utf_8_are_malformed() {
    let invalid = decode_batch(b"[{\"id\":\"\xff\"}]", &principal(), &points()).unwrap_err();
    assert_eq!(invalid.code, InvalidCode::Malformed);
}

#[test]
fn a_batch_is_refused_whole_with_pointers_into_it() {
    let batch = |json: &str| decode_batch(json.as_bytes(), &principal(), &points());
    assert_eq!(batch(" [ ] ").unwrap().len(), 0);
    let good = r#"{"id":"1","type":"release","hold":"h1-1"}"#;
    assert_eq!(batch(&format!("[{good},{good}]")).unwrap().len(), 2);

    let bad = r#"{"id":"1","type":"earn","member":"m","merchant":"s","points":0,"a/b":1}"#;
    let invalid = batch(&format!("[{good},{bad},7]")).unwrap_err();
    let pointers: Vec<_> = invalid
        .errors
        .iter()
        .map(|error| &error.pointer[..])
        .collect();
    assert_eq!(pointers, ["/1/points", "/1/a~1b", "/2"]);

    assert_eq!(batch(good).unwrap_err().errors[0].pointer, "");
    assert_eq!(batch("[1,").unwrap_err().code, InvalidCode::Malformed);
}

#[test]
fn a_batch_has_a_bound() {
    let batch = |count: usize| {
        let good = r#"{"id":"1","type":"release","hold":"h1-1"}"#;
        decode_batch(
            format!("[{}]", vec![good; count].join(",")).as_bytes(),
            &principal(),
            &points(),
        )
    };
    assert_eq!(batch(BATCH_COMMANDS_MAX).unwrap().len(), BATCH_COMMANDS_MAX);
    let invalid = batch(BATCH_COMMANDS_MAX + 1).unwrap_err();
    assert_eq!(
        invalid.errors[0].detail,
        "holds 10001 commands; at most 10000 are taken"
    );
}

#[test]
fn defaults_stand_in_for_what_is_not_said() {
    let (principal, point_type) = (principal(), PointType::new("miles").unwrap());
    let context = Context {
        principal: &principal,
        point_type: &point_type,
        default_id: Some("day:7"),
        default_kind: Some(CommandKind::Release),
    };
    let read = |json: &str| decode_command(json.as_bytes(), &context);
    assert_eq!(read(r#"{"hold":"h1-1"}"#).unwrap().id().as_str(), "day:7");
    let said = read(r#"{"id":"x","type":"capture","hold":"h1-1"}"#).unwrap();
    assert_eq!(said.id().as_str(), "x");
    assert_eq!(said.command().kind(), CommandKind::Capture);
    let earn = r#"{"type":"earn","member":"m","merchant":"s","points":5}"#;
    let request = read(earn).unwrap();
    let Command::Earn(earn) = request.command() else {
        panic!("{request:?}")
    };
    assert_eq!(earn.point_type, point_type);
}

#[test]
fn an_endpoints_body_may_repeat_but_not_contradict_it() {
    let enrol = CommandKind::Enrol;
    for (object, id, json, pointers) in [
        ("m", "1", "", ""),
        ("m", "1", "{}", ""),
        ("m", "1", r#"{"id":"1","type":"enrol","member":"m"}"#, ""),
        (
            "m",
            "1",
            r#"{"id":"2","type":"enrol","member":"n"}"#,
            "/id /member",
        ),
        ("m", "1", r#"{"type":"release"}"#, "/type"),
        ("m m", "1", "", "/member"),
        ("m", "a b", "", "/id"),
        ("m", "a b", r#"{"id":"1"}"#, "/id /id"),
    ] {
        let (_, told) = told(endpoint(enrol, Some(object), id, json));
        assert_eq!(told, pointers, "{object} {id} {json}");
    }
    assert!(endpoint(CommandKind::Release, Some("no hold"), "1", "{}").is_ok());
}
