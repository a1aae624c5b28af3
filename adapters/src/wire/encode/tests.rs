use jifen_engine::{
    EngineError,
    ledger::{
        Balance, Code, HoldId, LotShare, MemberId, Offset, Points, RequestId, Seq, ShardIndex,
        Text, UnixMillis,
    },
};
use serde_json::{Value, json};

use super::*;

fn points(number: u64) -> Points {
    Points::new(number).unwrap()
}

fn answer(kind: CommandKind, verdict: Verdict) -> Answer {
    Answer {
        id: RequestId::new("o-1001").unwrap(),
        kind,
        offset: Offset {
            shard: ShardIndex(3),
            seq: Seq(10_412),
        },
        at: UnixMillis(1_795_251_600_123),
        replayed: false,
        reference: None,
        balance: Some(TypedBalance {
            point_type: "points".into(),
            balance: Balance {
                available: points(40),
                held: points(7),
                ..Balance::default()
            },
        }),
        forfeited: (kind == CommandKind::Close).then_some(points(40)),
        verdict,
    }
}

fn encoded(outcome: &Outcome) -> Value {
    let mut out = Vec::new();
    encode_outcome(outcome, "o-1001", CommandKind::Redeem, &mut out);
    serde_json::from_slice(&out).unwrap()
}

fn accepted(kind: CommandKind, details: Details) -> Value {
    encoded(&Ok(Ok(answer(kind, Verdict::Accepted(details)))))
}

#[test]
fn an_accepted_redemption_is_told_as_the_contract_says() {
    let lots = [None, Some(21_183)].map(|days| LotShare {
        issuer: "shop".into(),
        class: "ordinary".into(),
        last_day: days.and_then(Day::new).unwrap_or(Day::NEVER),
        points: points(30),
    });
    let told = accepted(
        CommandKind::Redeem,
        Details::Lots(lots.into_iter().collect()),
    );
    assert_eq!(
        told,
        json!({
            "id": "o-1001", "type": "redeem", "status": "accepted", "transaction": "t3-10412",
            "offset": "3:10412", "at": "2026-11-21T09:00:00.123Z", "replayed": false,
            "balance": { "point_type": "points", "available": 40, "held": 7, "pending": 0, "owed": 0 },
            "lots": [
                { "issuer": "shop", "class": "ordinary", "last_day": null, "points": 30 },
                { "issuer": "shop", "class": "ordinary", "last_day": "2027-12-31", "points": 30 },
            ],
        })
    );
}

#[test]
fn every_command_tells_its_own_fields() {
    let hold = HoldId {
        shard: ShardIndex(3),
        seq: Seq(9),
    };
    let expires_at = UnixMillis(1_795_252_500_123);
    let cases = [
        (
            CommandKind::Hold,
            Details::Held { hold, expires_at },
            json!({ "hold": "h3-9", "expires_at": "2026-11-21T09:15:00.123Z" }),
        ),
        (
            CommandKind::Capture,
            Details::Captured {
                captured: points(5),
                released: points(2),
            },
            json!({ "captured": 5, "released": 2 }),
        ),
        (
            CommandKind::Release,
            Details::Released {
                released: points(7),
            },
            json!({ "released": 7 }),
        ),
        (
            CommandKind::PutMerchant,
            Details::Document {
                version: 2,
                changed: true,
            },
            json!({ "version": 2, "changed": true }),
        ),
        (
            CommandKind::Enrol,
            Details::Enrolled,
            json!({ "type": "enrol" }),
        ),
        (
            CommandKind::Reverse,
            Details::Restored {
                restored: points(4),
            },
            json!({ "restored": 4 }),
        ),
        (
            CommandKind::Reverse,
            Details::TakenBack {
                taken_back: points(3),
                owed: points(1),
            },
            json!({ "taken_back": 3, "owed": 1 }),
        ),
        (
            CommandKind::Close,
            Details::Closed,
            json!({ "forfeited": 40 }),
        ),
        (
            CommandKind::Adjust,
            Details::Adjusted,
            json!({ "type": "adjust" }),
        ),
        (
            CommandKind::Freeze,
            Details::Frozen,
            json!({ "type": "freeze" }),
        ),
        (
            CommandKind::Unfreeze,
            Details::Unfrozen,
            json!({ "type": "unfreeze" }),
        ),
        (
            CommandKind::Erase,
            Details::Erased,
            json!({ "type": "erase" }),
        ),
    ];
    for (kind, details, expected) in cases {
        let told = accepted(kind, details);
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&told[key], value, "{key} of {told}");
        }
    }
}

/// Goal: a transaction is its answer and four fields more, each of them once. Method: one whose answer has lots of its
/// own, and one without lots and merchant, read back with every key counted.
#[test]
fn a_transaction_is_its_answer_and_what_became_of_it() {
    let lot = LotShare {
        issuer: "shop".into(),
        class: "ordinary".into(),
        last_day: Day::NEVER,
        points: points(30),
    };
    let view = |kind, details, merchant: Option<&str>| TransactionView {
        answer: answer(kind, Verdict::Accepted(details)),
        member: MemberId::new("m-7").unwrap(),
        merchant: merchant.map(Into::into),
        lots: merchant.map(|_| lot.clone()).into_iter().collect(),
        reversed: points(12),
    };
    let encoded = |view: &TransactionView| {
        let mut out = Vec::new();
        encode_transaction(view, &mut out);
        String::from_utf8(out).unwrap()
    };
    let lots = Details::Lots([lot.clone()].into_iter().collect());
    let told = encoded(&view(CommandKind::Redeem, lots, Some("shop")));
    assert_eq!(told.matches(r#""lots":"#).count(), 1, "{told}");
    assert_eq!(
        serde_json::from_str::<Value>(&told).unwrap(),
        json!({
            "id": "o-1001", "type": "redeem", "status": "accepted", "transaction": "t3-10412",
            "offset": "3:10412", "at": "2026-11-21T09:00:00.123Z", "replayed": false,
            "balance": { "point_type": "points", "available": 40, "held": 7, "pending": 0, "owed": 0 },
            "member": "m-7", "merchant": "shop",
            "lots": [{ "issuer": "shop", "class": "ordinary", "last_day": null, "points": 30 }],
            "reversed": 12,
        })
    );
    let closed = Details::Closed;
    let told = encoded(&view(CommandKind::Close, closed, None));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["forfeited"], 40);
    assert_eq!(told["merchant"], Value::Null);
    assert_eq!(told["lots"], json!([]));
}

#[test]
fn a_reference_comes_back_as_given() {
    let reference = "“积分” \"\\\u{7}\n";
    let mut given = answer(CommandKind::Enrol, Verdict::Accepted(Details::Enrolled));
    given.reference = Text::new(reference);
    given.replayed = true;
    let told = encoded(&Ok(Ok(given)));
    assert_eq!(told["reference"], reference);
    assert_eq!(told["replayed"], true);
}

#[test]
fn a_recorded_refusal_tells_where_and_why() {
    let refusal = Refusal::from(jifen_engine::ledger::Reason {
        code: Code::InsufficientPoints,
        limit: Some(40),
        requested: Some(101),
        frees_at: Some(UnixMillis(0)),
    });
    let mut given = answer(CommandKind::Redeem, Verdict::Refused(refusal));
    given.balance = None;
    let told = encoded(&Ok(Ok(given)));
    assert_eq!(
        told,
        json!({
            "id": "o-1001", "type": "redeem", "status": "refused", "code": "insufficient_points",
            "retryable": false, "offset": "3:10412", "at": "2026-11-21T09:00:00.123Z",
            "replayed": false,
            "reasons": [{
                "code": "insufficient_points", "limit": 40, "requested": 101,
                "frees_at": "1970-01-01T00:00:00.000Z",
            }],
        })
    );
}

#[test]
fn every_refusal_can_be_told() {
    for code in Code::ALL {
        let told = encoded(&Ok(Err(Declined {
            id: RequestId::new("o-1001").unwrap(),
            kind: CommandKind::Earn,
            refusal: code.into(),
        })));
        let wording = wording::of_code(code);
        assert_eq!(told["status"], "refused");
        assert_eq!(told["code"], wording.code);
        assert_eq!(told["retryable"], wording.retryable);
        assert_eq!(told["reasons"][0]["code"], wording.code);
        assert_eq!(told["reasons"][0]["limit"], Value::Null);
        assert_eq!(told.get("offset"), None);
        let pointer = told["errors"][0]["pointer"].as_str();
        assert_eq!(pointer, wording.pointer, "{told}");
    }
}

#[test]
fn what_the_engine_could_not_decide_is_retryable() {
    for (error, code) in [
        (EngineError::Overloaded, "overloaded"),
        (EngineError::DiskFull, "unavailable"),
        (EngineError::Stopping, "unavailable"),
        (EngineError::OutcomeUnknown, "outcome_unknown"),
    ] {
        assert_eq!(
            encoded(&Err(error)),
            json!({
                "id": "o-1001", "type": "redeem", "status": "refused", "code": code, "retryable": true,
                "replayed": false,
                "reasons": [{ "code": code, "limit": null, "requested": null, "frees_at": null }],
            })
        );
    }
}
