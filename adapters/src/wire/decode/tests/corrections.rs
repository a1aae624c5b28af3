//! The commands that put things right, and what a member's life knows: every field and its bounds.

use jifen_engine::ledger::{Adjust, Direction, Lifecycle, Reverse, ShardIndex, UnixMillis};

use super::*;

/// The largest amount of points.
const MOST: u64 = (1 << 53) - 1;

/// Every command of the table with something more, and where that is wrong.
pub(super) fn check(begin: &str, cases: &[(&str, &str)]) {
    for (more, pointers) in cases {
        let json = format!("{{\"id\":\"1\",{begin}{more}}}");
        let code = if pointers.is_empty() {
            ""
        } else {
            "invalid_field"
        };
        assert_eq!(told(one(&json)), (code, (*pointers).to_owned()), "{json}");
    }
}

#[test]
fn a_reversal_names_a_transaction() {
    check(
        r#""type":"reverse""#,
        &[
            ("", "/transaction"),
            (r#","transaction":7"#, "/transaction"),
            (r#","transaction":null"#, "/transaction"),
            (r#","transaction":"t1-1","member":"m""#, "/member"),
            (r#","transaction":"t1-1","points":1"#, ""),
            (r#","transaction":"t1-1","points":9007199254740991"#, ""),
            (
                r#","transaction":"t1-1","points":9007199254740992"#,
                "/points",
            ),
            (r#","transaction":"t1-1","points":0"#, "/points"),
            (r#","transaction":"t1-1","points":-1"#, "/points"),
            (r#","transaction":"t1-1","points":"1""#, "/points"),
            (r#","transaction":"t1-1","reason":"r""#, ""),
            (r#","transaction":"t1-1","reason":" ""#, "/reason"),
            (r#","transaction":"t1-1","reason":null"#, "/reason"),
            (r#","transaction":"t1-1","point_type":"p""#, "/point_type"),
        ],
    );
    let reverse = |transaction: &str| -> Reverse {
        let json = format!(r#"{{"id":"1","type":"reverse","transaction":"{transaction}"}}"#);
        match one(&json).unwrap().command() {
            Command::Reverse(reverse) => reverse.clone(),
            other => panic!("{other:?}"),
        }
    };
    let known = reverse("t3-10412");
    assert_eq!(known.transaction.to_string(), "t3-10412");
    assert!(known.points.is_none() && known.reason.is_none());
    for unknown in ["", "h3-10412", "t03-1", "积分"] {
        assert_eq!(reverse(unknown).transaction.shard, ShardIndex(u16::MAX));
    }
}

#[test]
fn an_adjustment_goes_up_or_down_and_says_why() {
    let adjust = |points: &str| {
        format!(r#"{{"points":{points},"id":"1","type":"adjust","member":"m","reason":"r"}}"#)
    };
    let most = i64::try_from(MOST).unwrap();
    for (points, direction, amount) in [
        ("1".to_owned(), Direction::Up, 1),
        ("-1".to_owned(), Direction::Down, 1),
        (most.to_string(), Direction::Up, MOST),
        ((-most).to_string(), Direction::Down, MOST),
    ] {
        let request = one(&adjust(&points)).unwrap();
        let Command::Adjust(Adjust {
            direction: seen,
            points,
            point_type,
            ..
        }) = request.command()
        else {
            panic!("{request:?}")
        };
        assert_eq!((*seen, points.get()), (direction, amount));
        assert_eq!(point_type.as_str(), "points");
    }
    let range =
        "must be from 1 to 9007199254740991 to add points, or the same below 0 to take them";
    let whole = "must be an integer above or below 0, without fraction or exponent";
    for (points, detail) in [
        ("0", range),
        ("9007199254740992", range),
        ("-9007199254740992", range),
        ("-9223372036854775808", range),
        ("18446744073709551615", range),
        ("-0", whole),
        ("-9223372036854775809", whole),
        ("-1.0", whole),
        ("1e2", whole),
        ("\"-5\"", whole),
        ("null", whole),
    ] {
        let invalid = one(&adjust(points)).unwrap_err();
        assert_eq!(invalid.errors.len(), 1, "{points}");
        assert_eq!(invalid.errors[0].pointer, "/points", "{points}");
        assert_eq!(invalid.errors[0].detail, detail, "{points}");
    }
    check(
        r#""type":"adjust""#,
        &[
            ("", "/member /points /reason"),
            (r#","member":"m","points":1,"reason":"""#, "/reason"),
            (
                r#","member":"m","points":1,"reason":"r","class":"c","merchant":"s""#,
                "/class /merchant",
            ),
        ],
    );
}

#[test]
fn only_an_adjustment_has_a_sign() {
    let paying = r#","member":"m","merchant":"s""#;
    for (kind, more) in [
        ("earn", paying),
        ("redeem", paying),
        ("hold", paying),
        ("capture", r#","hold":"h1-1""#),
        ("reverse", r#","transaction":"t1-1""#),
    ] {
        let json = format!(r#"{{"id":"1","points":-5,"type":"{kind}"{more}}}"#);
        let invalid = one(&json).unwrap_err();
        assert_eq!(invalid.errors.len(), 1, "{json}");
        assert_eq!(invalid.errors[0].pointer, "/points");
        assert!(invalid.errors[0].detail.contains("of 0 or more"), "{json}");
    }
}

#[test]
fn whoever_ends_or_begins_something_says_why() {
    let longest = format!(r#","member":"m","reason":"{}""#, "积".repeat(128));
    let too_long = format!(r#","member":"m","reason":"{}""#, "积".repeat(129));
    for kind in ["freeze", "unfreeze", "close"] {
        check(
            &format!(r#""type":"{kind}""#),
            &[
                ("", "/member /reason"),
                (r#","member":"m""#, "/reason"),
                (r#","member":"m","reason":7"#, "/reason"),
                (r#","member":"m","reason":"\t""#, "/reason"),
                (&longest, ""),
                (&too_long, "/reason"),
                (
                    r#","member":"m","reason":"r","points":1,"attributes":{}"#,
                    "/points /attributes",
                ),
            ],
        );
        let json = format!(r#"{{"id":"1","type":"{kind}","member":"m","reason":" lost "}}"#);
        let request = one(&json).unwrap();
        assert_eq!(request.command().kind().name(), kind);
        let (Command::Freeze(Lifecycle { member, reason })
        | Command::Unfreeze(Lifecycle { member, reason })
        | Command::Close(Lifecycle { member, reason })) = request.command()
        else {
            panic!("{request:?}")
        };
        // What people write is kept as they wrote it.
        assert_eq!((member.as_str(), reason.as_str()), ("m", " lost "));
    }
    check(
        r#""type":"erase""#,
        &[
            ("", "/member"),
            (r#","member":"m""#, ""),
            (r#","member":"m","reason":"r""#, "/reason"),
            (r#","member":"m","attributes":{}"#, "/attributes"),
        ],
    );
}

#[test]
fn points_may_be_released_later() {
    assert_eq!(
        read_earn(r#","releases_at":"1970-01-01T08:00:01.5+08:00""#).releases_at,
        Some(UnixMillis(1_500))
    );
    assert!(
        read_earn(r#","releases_at":"9999-12-30T22:00:00Z""#)
            .releases_at
            .is_some()
    );
    let earn = r#""type":"earn","member":"m","merchant":"s","points":1"#;
    check(
        earn,
        &[
            (r#","releases_at":"2026-12-01""#, "/releases_at"),
            (r#","releases_at":"1969-12-31T23:59:59Z""#, "/releases_at"),
            (r#","releases_at":"2026-02-30T00:00:00Z""#, "/releases_at"),
            (r#","releases_at":1795251600"#, "/releases_at"),
            (r#","releases_at":null"#, "/releases_at"),
        ],
    );
    for kind in ["redeem", "hold"] {
        let json = earn.replace("earn", kind);
        check(
            &json,
            &[(r#","releases_at":"2026-12-01T00:00:00Z""#, "/releases_at")],
        );
    }
}

#[test]
fn the_path_may_name_the_member() {
    let reason = r#"{"reason":"r"}"#;
    for (kind, body) in [
        (CommandKind::Freeze, reason),
        (CommandKind::Unfreeze, reason),
        (CommandKind::Close, reason),
        (CommandKind::Erase, ""),
    ] {
        let request = endpoint(kind, Some("m"), "1", body).unwrap();
        assert_eq!(request.command().kind(), kind);
        let member = request.command().member().map(ToString::to_string);
        assert_eq!(member.as_deref(), Some("m"));
        let same = body.replacen('{', r#"{"member":"m","#, 1);
        assert!(endpoint(kind, Some("m"), "1", &same).is_ok(), "{same}");
        let other = r#"{"member":"n"}"#;
        let (_, pointers) = told(endpoint(kind, Some("m"), "1", other));
        assert!(pointers.starts_with("/member"), "{pointers}");
    }
    assert_eq!(
        told(endpoint(CommandKind::Close, Some("m"), "1", "")).1,
        "/reason"
    );
    let adjust = r#"{"member":"m","points":-3,"reason":"r"}"#;
    let request = endpoint(CommandKind::Adjust, None, "1", adjust).unwrap();
    assert!(matches!(
        request.command(),
        Command::Adjust(Adjust { direction: Direction::Down, points, .. }) if points.get() == 3
    ));
}
