//! Commands about sales, and points between members: every field and its bounds.

use jifen_engine::ledger::{
    ChangeUnits, Direction, PutStock, Reverse, Seq, ShardIndex, Transfer, UnixMillis,
};

use super::{corrections::check, *};

fn put_stock(more: &str) -> PutStock {
    let json = format!(
        r#"{{"id":"1","type":"put_stock","sku":"s","units":5,"price_points":2,"merchant":"m"{more}}}"#
    );
    match one(&json).unwrap().command() {
        Command::PutStock(put) => put.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sale_has_terms_with_bounds() {
    check(
        r#""type":"put_stock""#,
        &[
            ("", "/merchant /sku /units /price_points"),
            (
                r#","sku":"a b","units":-1,"price_points":0,"merchant":"""#,
                "/sku /units /price_points /merchant",
            ),
            (
                r#","sku":"s","units":0,"price_points":1,"merchant":"m""#,
                "",
            ),
            (
                r#","sku":"s","units":9007199254740991,"price_points":9007199254740991,"merchant":"m""#,
                "",
            ),
            (
                r#","sku":"s","units":9007199254740992,"price_points":9007199254740992,"merchant":"m""#,
                "/units /price_points",
            ),
        ],
    );
    check(
        r#""type":"put_stock","sku":"s","units":5,"price_points":2,"merchant":"m""#,
        &[
            (r#","per_member_limit":1"#, ""),
            (r#","per_member_limit":0"#, "/per_member_limit"),
            (r#","per_member_limit":null"#, "/per_member_limit"),
            (r#","reservation_ttl_seconds":1"#, ""),
            (r#","reservation_ttl_seconds":2592000"#, ""),
            (
                r#","reservation_ttl_seconds":0"#,
                "/reservation_ttl_seconds",
            ),
            (
                r#","reservation_ttl_seconds":2592001"#,
                "/reservation_ttl_seconds",
            ),
            (r#","point_type":"a b""#, "/point_type"),
            (r#","opens_at":"2026-12-01""#, "/opens_at"),
            (r#","opens_at":null,"closes_at":7"#, "/opens_at /closes_at"),
            (r#","quantity":1,"member":"m""#, "/quantity /member"),
        ],
    );
    let plain = put_stock("");
    assert_eq!(plain.point_type, points());
    assert_eq!(plain.ttl_seconds, 600);
    assert_eq!(plain.per_member_limit, None);
    assert_eq!((plain.opens_at, plain.closes_at), (None, None));
}

/// A window is told by its end, also in one whose instants are written in other zones.
#[test]
fn a_sale_closes_after_it_opens() {
    let noon = "2026-12-01T12:00:00.000Z";
    for (closes_at, pointers) in [
        ("2026-12-01T12:00:00.001Z", ""),
        ("2026-12-01T20:00:00.001+08:00", ""),
        (noon, "/closes_at"),
        ("2026-12-01T12:00:00.0009Z", "/closes_at"),
        ("2026-12-01T20:00:00+08:00", "/closes_at"),
        ("2026-12-01T11:59:59.999Z", "/closes_at"),
    ] {
        check(
            r#""type":"put_stock","sku":"s","units":5,"price_points":2,"merchant":"m""#,
            &[(
                &format!(r#","opens_at":"{noon}","closes_at":"{closes_at}""#),
                pointers,
            )],
        );
    }
    let put = put_stock(r#","closes_at":"1970-01-01T00:00:01.5Z""#);
    assert_eq!(put.closes_at, Some(UnixMillis(1_500)));
}

#[test]
fn units_go_up_or_down_but_never_nowhere() {
    check(
        r#""type":"change_units""#,
        &[
            ("", "/sku /change"),
            (r#","sku":"s","change":0"#, "/change"),
            (r#","sku":"s","change":9007199254740992"#, "/change"),
            (r#","sku":"s","change":-9007199254740992"#, "/change"),
            (r#","sku":"s","change":1.0"#, "/change"),
            (r#","sku":"s","change":"1""#, "/change"),
            (r#","sku":"s","change":1,"units":1"#, "/units"),
        ],
    );
    for (change, direction, units) in [
        ("1", Direction::Up, 1),
        ("-1", Direction::Down, 1),
        ("9007199254740991", Direction::Up, (1 << 53) - 1),
        ("-9007199254740991", Direction::Down, (1 << 53) - 1),
    ] {
        let json = format!(r#"{{"id":"1","type":"change_units","sku":"s","change":{change}}}"#);
        let request = one(&json).unwrap();
        let Command::ChangeUnits(ChangeUnits {
            direction: seen,
            units: by,
            ..
        }) = request.command()
        else {
            panic!("{request:?}")
        };
        assert_eq!((*seen, by.get()), (direction, units), "{change}");
    }
}

#[test]
fn a_reservation_is_of_some_units_all_or_none() {
    check(
        r#""type":"reserve""#,
        &[
            ("", "/member /sku /quantity"),
            (r#","member":"m","sku":"s","quantity":1"#, ""),
            (r#","member":"m","sku":"s","quantity":1000"#, ""),
            (r#","member":"m","sku":"s","quantity":0"#, "/quantity"),
            (r#","member":"m","sku":"s","quantity":1001"#, "/quantity"),
            (r#","member":"m","sku":"s","quantity":-1"#, "/quantity"),
            (r#","member":"m","sku":7,"quantity":"1""#, "/sku /quantity"),
            (
                r#","member":"m","sku":"s","quantity":1,"points":1"#,
                "/points",
            ),
        ],
    );
    for kind in ["confirm", "cancel"] {
        check(
            &format!(r#""type":"{kind}""#),
            &[
                ("", "/reservation"),
                (r#","reservation":"r1-1""#, ""),
                (r#","reservation":7"#, "/reservation"),
                (r#","reservation":"r1-1","quantity":1"#, "/quantity"),
            ],
        );
    }
    check(
        r#""type":"use_code""#,
        &[
            ("", "/code"),
            (r#","code":null"#, "/code"),
            (r#","code":"whatever","member":"m""#, "/member"),
        ],
    );
}

/// What the engine cannot have made is a name that nothing has: not found, not wrong.
#[test]
fn what_was_never_made_is_on_no_shard() {
    for (kind, field, known) in [
        ("confirm", "reservation", "r3-7"),
        ("use_code", "code", "07000-0010M-00178-Z7B1B-FS2NA"),
    ] {
        for (name, is_known) in [(known, true), ("", false), ("h3-7", false), ("积分", false)] {
            let json = format!(r#"{{"id":"1","type":"{kind}","{field}":"{name}"}}"#);
            let request = one(&json).unwrap();
            let shard = match request.command() {
                Command::Confirm(confirm) => confirm.reservation.shard,
                Command::UseCode(used) => used.code.shard,
                other => panic!("{other:?}"),
            };
            assert_eq!(shard != ShardIndex(u16::MAX), is_known, "{json}");
        }
    }
}

#[test]
fn points_are_sent_to_somebody_else() {
    check(
        r#""type":"transfer""#,
        &[
            ("", "/member /points /to"),
            (r#","member":"m","to":"n","points":1"#, ""),
            (r#","member":"m","to":"m","points":1"#, "/to"),
            (r#","to":"m","points":1,"member":"m""#, "/to"),
            (r#","member":"m","to":"M","points":1"#, ""),
            (r#","member":"m","to":"a b","points":0"#, "/to /points"),
            (r#","member":"m","to":"n","points":-1"#, "/points"),
            (
                r#","member":"m","to":"n","points":1,"merchant":"s""#,
                "/merchant",
            ),
        ],
    );
    let json = r#"{"id":"1","type":"transfer","member":"m","to":"n","points":7}"#;
    let request = one(json).unwrap();
    let Command::Transfer(Transfer { to, point_type, .. }) = request.command() else {
        panic!("{request:?}")
    };
    assert_eq!((to.as_str(), point_type), ("n", &points()));
}

#[test]
fn a_reversal_gives_units_back_only_if_it_says_so() {
    let reverse = |more: &str| -> Reverse {
        let json = format!(r#"{{"id":"1","type":"reverse","transaction":"t1-1"{more}}}"#);
        match one(&json).unwrap().command() {
            Command::Reverse(reverse) => reverse.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert!(!reverse("").return_units);
    assert!(!reverse(r#","return_units":false"#).return_units);
    assert!(reverse(r#","return_units":true"#).return_units);
    check(
        r#""type":"reverse","transaction":"t1-1""#,
        &[
            (r#","return_units":null"#, "/return_units"),
            (r#","return_units":1"#, "/return_units"),
        ],
    );
}

#[test]
fn the_path_may_name_the_object() {
    let code = "07000-0010M-00178-Z7B1B-FS2NA";
    for (kind, object, body, other) in [
        (
            CommandKind::PutStock,
            "s",
            r#"{"units":5,"price_points":2,"merchant":"m"}"#,
            r#"{"sku":"t","units":5,"price_points":2,"merchant":"m"}"#,
        ),
        (
            CommandKind::ChangeUnits,
            "s",
            r#"{"change":1}"#,
            r#"{"sku":"t","change":1}"#,
        ),
        (
            CommandKind::Confirm,
            "r3-7",
            "",
            r#"{"reservation":"r3-8"}"#,
        ),
        (
            CommandKind::Cancel,
            "r3-7",
            "{}",
            r#"{"reservation":"r3-8"}"#,
        ),
        (CommandKind::UseCode, code, "", r#"{"code":"no code"}"#),
    ] {
        let request = endpoint(kind, Some(object), "1", body).unwrap();
        assert_eq!(request.command().kind(), kind);
        let (_, pointers) = told(endpoint(kind, Some(object), "1", other));
        assert_eq!(pointers.split(' ').count(), 1, "{kind:?} {pointers}");
        assert!(!pointers.is_empty(), "{kind:?}");
    }
    let cancel = endpoint(CommandKind::Cancel, Some("r3-7"), "1", "").unwrap();
    let Command::Cancel(cancel) = cancel.command() else {
        panic!("{cancel:?}")
    };
    assert_eq!(
        (cancel.reservation.shard, cancel.reservation.seq),
        (ShardIndex(3), Seq(7))
    );
}
