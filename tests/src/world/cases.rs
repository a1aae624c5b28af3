//! What worlds must meet.

use jifen_engine::ledger::CommandKind;

use crate::market::is_for_markets;

/// Cases that a few hundred worlds must meet, beside every command accepted, refused and said again.
const CASES: [&str; 62] = [
    "earn declined",
    "redeem declined",
    "request_id_reused",
    "insufficient_points",
    "exceeds_transaction",
    "already_reversed",
    "reversal_window_passed",
    "not_reversible",
    "transaction_not_found",
    "member_frozen",
    "member_closed",
    "member_has_holds",
    "not_eligible",
    "full",
    "several reasons",
    "done by itself",
    "clock went back",
    "clock went forward",
    "days went by",
    "months went by",
    "document on all shards",
    "read answered",
    "member read",
    "a read recorded what was due",
    "looked up",
    "look-up needed a record",
    "parked",
    "parked behind a stranger",
    "needed: answer",
    "needed: transaction",
    "facts: answer",
    "facts: transaction",
    "several answered by one record",
    "chunk left memory",
    "chunk dropped",
    "chunk damaged in a crash",
    "chunk read before it was written",
    "chunk kept for an image",
    "image of the whole",
    "image of what changed",
    "image in its place",
    "image lost a chunk",
    "recovered from an image",
    "turn of several values",
    "crash between writes",
    "crash between need and facts",
    "crash with chunks that were not written",
    "crash with entries that were not durable",
    "crash while a document was on its way",
    "fault: lost",
    "fault: parts",
    "fault: torn",
    "fault: unanswered",
    "tail dropped",
    "tail of several values dropped",
    "recovered twice",
    "retry heard what was decided before the crash",
    "retry was decided after the crash",
    "given up",
    "damage refused",
    "rewritten history refused",
    "damaged tail dropped",
];

/// All cases.
#[must_use]
pub fn cases() -> Vec<String> {
    let mut cases: Vec<String> = CASES.map(str::to_owned).into();
    let commands = CommandKind::ALL.into_iter();
    for command in commands.filter(|command| !is_for_markets(*command)) {
        let name = command.name();
        cases.push(format!("{name} accepted"));
        cases.push(format!("{name} replayed"));
        // Documents and erasure are never refused.
        if !matches!(command, CommandKind::PutMerchant | CommandKind::Erase) {
            cases.push(format!("{name} refused"));
        }
    }
    cases
}
