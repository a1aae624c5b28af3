//! One of everything: what a shop sends about a member who has just earned 100 points there, and what it hears. A test
//! has every one of them sent to a running server, and compares.

use std::sync::LazyLock;

use jifen_engine::ledger::CommandKind;
use serde_json::{Map, Value, json};

use crate::wire::object_field;

/// What is answered, by the operation's id, as a server said it.
static ANSWERS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let text = include_str!("examples.json");
    serde_json::from_str(text).expect("a test reads this file")
});

/// What stands for a name in a path.
pub(super) fn in_path(name: &str) -> &'static str {
    match name {
        "member" => "m-00042",
        "merchant" => "harbour-market",
        "hold" => "h7-1042",
        "transaction" => "t7-1041",
        "sku" => "umbrella-2026",
        "settlement" => "2026-10-01_2026-10-31",
        "correction" => "late-delivery-7",
        "reservation" => "r7-1043",
        "code" => "07000-0010M-00178-Z7B1B-FS2NA",
        // The request that gave the member the points.
        _ => "o-1001",
    }
}

/// What a request is called.
pub(super) fn request_id(kind: CommandKind) -> String {
    format!("{}-1002", kind.name())
}

/// The body of a one-command endpoint.
pub(super) fn body(kind: CommandKind) -> Value {
    let (member, merchant) = (in_path("member"), in_path("merchant"));
    match kind {
        CommandKind::Enrol => json!({ "attributes": { "city": "Xiamen" } }),
        CommandKind::Earn => json!({
            "member": member, "merchant": merchant, "points": 250, "last_day": "2099-12-31", "order": "A-7001",
            "reference": "till 3",
        }),
        CommandKind::Redeem => json!({
            "member": member, "merchant": merchant, "points": 60, "use": "goods", "order": "A-7002", "cash_fen": 1_990,
        }),
        CommandKind::Hold => json!({
            "member": member, "merchant": merchant, "points": 40, "ttl_seconds": 600, "order": "A-7003",
        }),
        CommandKind::Capture => json!({ "points": 30, "final": true }),
        CommandKind::Release | CommandKind::Erase => json!({}),
        CommandKind::PutMerchant => json!({ "name": "Harbour Market" }),
        CommandKind::Reverse => {
            json!({ "transaction": in_path("transaction"), "points": 20, "reason": "returned" })
        }
        CommandKind::Adjust => {
            json!({ "member": member, "points": -5, "reason": "typing error at till 3" })
        }
        CommandKind::Freeze => json!({ "reason": "card reported lost" }),
        CommandKind::Unfreeze => json!({ "reason": "card found" }),
        CommandKind::Close => json!({ "reason": "asked for by the member" }),
        CommandKind::Reserve => json!({ "member": member, "sku": in_path("sku"), "quantity": 1 }),
        CommandKind::Confirm | CommandKind::Cancel | CommandKind::UseCode => json!({}),
        CommandKind::Transfer => json!({ "member": member, "to": "m-00043", "points": 10 }),
        CommandKind::PutStock => json!({
            "units": 100, "price_points": 20, "merchant": merchant, "per_member_limit": 2,
            "reservation_ttl_seconds": 300,
        }),
        CommandKind::BuyPack => json!({ "points": 100_000, "price_fen": 90_000 }),
        CommandKind::ChangeUnits => json!({ "change": 10 }),
        CommandKind::Settle => json!({ "period_start": "2026-10-01", "period_end": "2026-10-31" }),
        CommandKind::PutCorrection => json!({
            "merchant": merchant, "amount_fen": -1_250, "reason": "order A-7001 was delivered twice",
            "reference": "letter of 2026-11-04",
        }),
        CommandKind::DecideCorrection => json!({ "approve": true }),
    }
}

/// The same as a command of a batch.
pub(super) fn command(kind: CommandKind) -> Value {
    let mut command = body(kind);
    command["id"] = request_id(kind).into();
    command["type"] = kind.name().into();
    if let Some(object) = object_field(kind) {
        command[object.name()] = in_path(object.name()).into();
    }
    command
}

/// A batch.
pub(super) fn batch() -> Value {
    let kinds = [CommandKind::Earn, CommandKind::Redeem];
    kinds.map(command).to_vec().into()
}

/// The same as lines.
pub(super) fn lines() -> String {
    let batch = batch();
    let lines = batch.as_array().into_iter().flatten();
    lines.map(|command| format!("{command}\n")).collect()
}

/// What is answered.
pub(super) fn answer(operation: &str) -> Value {
    ANSWERS.get(operation).cloned().unwrap_or_default()
}
