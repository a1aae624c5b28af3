//! What holds for all endpoints.

use std::fmt::Write;

use jifen_engine::ledger::CommandKind;
use serde_json::{Value, json};

use super::problems::OF_ANY_REQUEST;
use crate::{
    access::{Action, Read, RoleName},
    http::{BODY_BYTES_MAX, LINE_BYTES_MAX, endpoints::Does},
    wire::BATCH_COMMANDS_MAX,
};

/// The groups of endpoints, each with what it is about.
const TAGS: [(&str, &str); 11] = [
    (
        "points",
        "Points come in, are set aside, are spent and taken back.",
    ),
    (
        "sales",
        "Units are reserved, paid for with points, and handed over for a code.",
    ),
    ("members", "Who owns points, and what they have."),
    ("merchants", "Who issues points and accepts them."),
    ("transactions", "What was decided."),
    (
        "clearing",
        "What every merchant owes and is owed at the end of a period.",
    ),
    ("batches", "Many commands at once."),
    ("events", "What is decided, as it is decided."),
    ("health", "For load balancers and supervisors."),
    ("programme", "What only whoever runs the programme does."),
    ("document", "What you are reading."),
];

pub(super) fn tags() -> Value {
    TAGS.map(|(name, description)| json!({ "name": name, "description": description }))
        .into()
}

/// The group of an endpoint.
pub(super) const fn tag(does: Does) -> &'static str {
    match does {
        Does::Command(kind) => match kind {
            CommandKind::Earn
            | CommandKind::Redeem
            | CommandKind::Hold
            | CommandKind::Capture
            | CommandKind::Release
            | CommandKind::Transfer
            | CommandKind::Reverse => "points",
            CommandKind::Reserve
            | CommandKind::Confirm
            | CommandKind::Cancel
            | CommandKind::PutStock
            | CommandKind::ChangeUnits
            | CommandKind::UseCode => "sales",
            CommandKind::Enrol
            | CommandKind::Freeze
            | CommandKind::Unfreeze
            | CommandKind::Close
            | CommandKind::Erase => "members",
            CommandKind::PutMerchant | CommandKind::BuyPack => "merchants",
            CommandKind::Adjust => "programme",
            CommandKind::Settle | CommandKind::PutCorrection | CommandKind::DecideCorrection => {
                "clearing"
            }
        },
        Does::Commands => "batches",
        Does::Read(read) => match read {
            Read::Member | Read::Statement | Read::Request => "members",
            Read::Hold => "points",
            Read::Merchant | Read::Movements => "merchants",
            Read::Transaction => "transactions",
            Read::Metrics => "health",
            Read::Settlements
            | Read::Settlement
            | Read::SettlementStatement
            | Read::SettlementPayments
            | Read::SettlementMatrix
            | Read::Corrections
            | Read::Correction
            | Read::Positions
            | Read::Liability => "clearing",
            Read::Events => "events",
            Read::Stock | Read::StockEvents | Read::Reservation | Read::Code => "sales",
        },
        Does::Live | Does::Ready => "health",
        Does::Document | Does::Feed | Does::Page => "document",
    }
}

/// The conventions, in CommonMark.
pub(super) fn conventions() -> String {
    let mebibytes = BODY_BYTES_MAX >> 20;
    let kibibytes = LINE_BYTES_MAX >> 10;
    let matrix = matrix();
    let everywhere = OF_ANY_REQUEST.map(|wording| format!("{} `{}`", wording.status, wording.code));
    let everywhere = everywhere.join(", ");
    format!("\
**Requests.** JSON in UTF-8, at most {mebibytes} MiB. Unknown fields, wrong types, duplicate keys and values out of range are \
refused with 400, and `errors` names every field at fault by its JSON pointer. Integers are written without fraction or \
exponent. The body of a one-command endpoint may repeat its id, its type and the object in its path, but not contradict them.

**Idempotency.** Every command has a request id: the `Idempotency-Key` header, or `id` in a batch. Its scope is the \
principal and the member. The same id with the same content hears the same answer again, also after a crash, with \
`replayed` true; with other content it is refused with `request_id_reused`. An answer leaves only when what it tells is on \
the device.

**Batches.** `POST /v1/commands` takes an array of at most {BATCH_COMMANDS_MAX} commands, or NDJSON without an end that must \
be known, with lines of at most {kibibytes} KiB. Each command is judged by itself and answered in its place. Lines that fall \
silent, or that a server has not taken when it stops, have a last answer that names the first of them; nothing was done \
about it, nor about what stands behind it.

**Refusals** are problem documents (RFC 9457) of type `application/problem+json`: `code` says why, `reasons` lists \
everything that stands in the way, `detail` says what to do, and `retryable` whether the same request may succeed later. \
Any request may be refused with {everywhere}.

**Rates.** A principal may have a rate. Then answers tell in `RateLimit` and `RateLimit-Policy` how its bucket stands, and \
what is too much is refused with 429 and `Retry-After`; nothing of it was done. 503 means that the server, not the \
principal, has too much to do.

**Times** are RFC 3339; answers are in UTC with milliseconds. Dates are days in the programme's time zone. Points are \
integers in the smallest unit of their kind.

**Answers may get more fields** with time, so that clients must ignore what they do not know.

**Roles.** What each may do; `own`: where it concerns the principal's own merchant, and everything else is as if it did not \
exist.

{matrix}")
}

/// Which role may do what, as a table.
fn matrix() -> String {
    let roles = RoleName::ALL.map(RoleName::as_str).join(" | ");
    let mut table = format!(
        "| | {roles} |\n|---|{}\n",
        "---|".repeat(RoleName::ALL.len())
    );
    for action in Action::all() {
        let rights = RoleName::ALL.map(|role| action.right(role).name());
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| {} `{}` | {} |",
            action.sort(),
            action.name(),
            rights.join(" | ")
        );
    }
    table
}
