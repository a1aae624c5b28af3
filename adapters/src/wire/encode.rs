//! From outcomes to text: the answer objects of the contract.

use jifen_engine::{
    Outcome,
    clearing::settlement_name,
    ledger::{
        Answer, CommandKind, Day, Details, LotShare, Refusal, TypedBalance, UnixMillis, Verdict,
    },
    reads::TransactionView,
    shard::Declined,
};

use super::{
    instants::{day_text, instant_text},
    json::Json,
    wording::{self, Wording},
};

/// Appends the answer object to what became of a command; `id` and `kind` are the command's.
pub fn encode_outcome(outcome: &Outcome, id: &str, kind: CommandKind, out: &mut Vec<u8>) {
    let mut json = Json::new(out);
    match outcome {
        Ok(Ok(answer)) => {
            encode_common(answer, &mut json);
            encode_verdict(answer, &mut json);
            json.raw(b"}");
        }
        Ok(Err(declined)) => encode_declined(declined, &mut json),
        Err(error) => encode_edge(wording::of_error(*error), id, kind, &mut json),
    }
}

/// Appends the answer object to a command that was not submitted; `id` and `kind` are the command's.
pub fn encode_denial(denial: &Wording, id: &str, kind: CommandKind, out: &mut Vec<u8>) {
    encode_edge(denial, id, kind, &mut Json::new(out));
}

/// Appends an accepted transaction: its answer, and what became of it.
pub(crate) fn encode_transaction(view: &TransactionView, out: &mut Vec<u8>) {
    let mut json = Json::new(out);
    encode_common(&view.answer, &mut json);
    // The lots of the answer are those of the transaction, which stand below.
    if !matches!(view.answer.verdict, Verdict::Accepted(Details::Lots(_))) {
        encode_verdict(&view.answer, &mut json);
    }
    json.raw(br#","member":""#).name(view.member.as_str());
    json.raw(br#"","merchant":"#);
    match &view.merchant {
        Some(merchant) => json.raw(b"\"").name(merchant).raw(b"\""),
        None => json.raw(b"null"),
    };
    encode_lots(&view.lots, &mut json);
    json.raw(br#","reversed":"#).number(view.reversed.get());
    json.raw(b"}");
}

/// The fields that every recorded answer has.
fn encode_common(answer: &Answer, json: &mut Json<'_>) {
    begin(answer.id.as_str(), answer.kind, json);
    match &answer.verdict {
        Verdict::Accepted(_) => {
            json.raw(br#""accepted","transaction":"t"#);
            json.number(u64::from(answer.offset.shard.0));
            json.raw(b"-").number(answer.offset.seq.0);
            json.raw(b"\"");
        }
        Verdict::Refused(refusal) => encode_code(wording::of_code(refusal.code()), json),
    }
    encode_record(answer, json);
}

/// What is told beside them.
fn encode_verdict(answer: &Answer, json: &mut Json<'_>) {
    match &answer.verdict {
        Verdict::Accepted(details) => encode_details(details, json),
        Verdict::Refused(refusal) => encode_refusal(refusal, json),
    }
}

fn encode_declined(declined: &Declined, json: &mut Json<'_>) {
    begin(declined.id.as_str(), declined.kind, json);
    encode_code(wording::of_code(declined.refusal.code()), json);
    json.raw(br#","replayed":false"#);
    encode_refusal(&declined.refusal, json);
    json.raw(b"}");
}

/// What is said without the ledger.
fn encode_edge(wording: &Wording, id: &str, kind: CommandKind, json: &mut Json<'_>) {
    begin(id, kind, json);
    encode_code(wording, json);
    json.raw(br#","replayed":false"#);
    encode_reason(wording, json);
    json.raw(b"}");
}

/// Appends `,"reasons":[…]` where the code is all there is to tell.
pub(crate) fn encode_reason(wording: &Wording, json: &mut Json<'_>) {
    json.raw(br#","reasons":[{"code":""#).name(wording.code);
    json.raw(br#"","limit":null,"requested":null,"frees_at":null}]"#);
}

fn begin(id: &str, kind: CommandKind, json: &mut Json<'_>) {
    json.raw(br#"{"id":""#).name(id);
    json.raw(br#"","type":""#).name(kind.name());
    json.raw(br#"","status":"#);
}

fn encode_code(wording: &Wording, json: &mut Json<'_>) {
    json.raw(br#""refused","code":""#).name(wording.code);
    json.raw(br#"","retryable":"#).bool(wording.retryable);
}

/// What an answer tells of its record, and what it gives back as given.
fn encode_record(answer: &Answer, json: &mut Json<'_>) {
    json.raw(br#","offset":""#)
        .number(u64::from(answer.offset.shard.0));
    json.raw(b":").number(answer.offset.seq.0);
    json.raw(br#"","at":"#);
    encode_instant(answer.at, json);
    json.raw(br#","replayed":"#).bool(answer.replayed);
    if let Some(reference) = &answer.reference {
        json.raw(br#","reference":"#).text(reference.as_str());
    }
    if let Some(balance) = &answer.balance {
        encode_balance(balance, json);
    }
    if let Some(forfeited) = answer.forfeited {
        json.raw(br#","forfeited":"#).number(forfeited.get());
    }
}

pub(super) fn encode_balance(told: &TypedBalance, json: &mut Json<'_>) {
    json.raw(br#","balance":{"point_type":""#)
        .name(&told.point_type);
    json.raw(br#"","available":"#)
        .number(told.balance.available.get());
    json.raw(br#","held":"#).number(told.balance.held.get());
    json.raw(br#","pending":"#)
        .number(told.balance.pending.get());
    json.raw(br#","owed":"#).number(told.balance.owed.get());
    json.raw(b"}");
}

fn encode_details(details: &Details, json: &mut Json<'_>) {
    match details {
        Details::Enrolled
        | Details::Adjusted
        | Details::Frozen
        | Details::Unfrozen
        | Details::Transferred
        | Details::UnitsChanged
        | Details::PackBought
        | Details::CodeUsed
        | Details::Closed
        | Details::Erased => {}
        Details::Lots(lots) => encode_lots(lots, json),
        Details::Held { hold, expires_at } => {
            json.raw(br#","hold":"h"#).number(u64::from(hold.shard.0));
            json.raw(b"-").number(hold.seq.0);
            json.raw(br#"","expires_at":"#);
            encode_instant(*expires_at, json);
        }
        Details::Captured { captured, released } => {
            json.raw(br#","captured":"#).number(captured.get());
            json.raw(br#","released":"#).number(released.get());
        }
        Details::Reserved {
            reservation,
            expires_at,
            points_held,
            quantity,
        } => {
            json.raw(br#","reservation":"r"#)
                .number(u64::from(reservation.shard.0));
            json.raw(b"-").number(reservation.seq.0);
            json.raw(br#"","expires_at":"#);
            encode_instant(*expires_at, json);
            json.raw(br#","points_held":"#).number(points_held.get());
            json.raw(br#","quantity":"#).number(quantity.get());
        }
        Details::Confirmed { codes } => {
            json.raw(br#","codes":["#);
            for (place, code) in codes.iter().enumerate() {
                json.comma(place);
                json.raw(b"\"").name(&code.to_string()).raw(b"\"");
            }
            json.raw(b"]");
        }
        Details::Released { released } | Details::Cancelled { released } => {
            json.raw(br#","released":"#).number(released.get());
        }
        Details::Document { version, changed } => {
            json.raw(br#","version":"#).number(*version);
            json.raw(br#","changed":"#).bool(*changed);
        }
        Details::Settlement { period, changed } => {
            json.raw(br#","settlement":""#)
                .name(&settlement_name(*period));
            json.raw(br#"","changed":"#).bool(*changed);
        }
        Details::Restored { restored } => {
            json.raw(br#","restored":"#).number(restored.get());
        }
        Details::TakenBack { taken_back, owed } => {
            json.raw(br#","taken_back":"#).number(taken_back.get());
            json.raw(br#","owed":"#).number(owed.get());
        }
    }
}

fn encode_lots(lots: &[LotShare], json: &mut Json<'_>) {
    json.raw(br#","lots":["#);
    for (place, lot) in lots.iter().enumerate() {
        json.comma(place);
        encode_lot(lot, json);
    }
    json.raw(b"]");
}

fn encode_lot(lot: &LotShare, json: &mut Json<'_>) {
    json.raw(br#"{"issuer":""#).name(&lot.issuer);
    json.raw(br#"","class":""#).name(&lot.class);
    json.raw(br#"","last_day":"#);
    encode_day(lot.last_day, json);
    json.raw(br#","points":"#).number(lot.points.get());
    json.raw(b"}");
}

/// Appends `,"reasons":[…]`, and `,"errors":[…]` where a field is at fault.
pub(crate) fn encode_refusal(refusal: &Refusal, json: &mut Json<'_>) {
    encode_reasons(refusal, json);
    encode_pointers(refusal, json);
}

/// Everything that stands in the way.
fn encode_reasons(refusal: &Refusal, json: &mut Json<'_>) {
    json.raw(br#","reasons":["#);
    for (place, reason) in refusal.reasons().iter().enumerate() {
        json.comma(place);
        json.raw(br#"{"code":""#)
            .name(wording::of_code(reason.code).code);
        json.raw(br#"","limit":"#).maybe_number(reason.limit);
        json.raw(br#","requested":"#).maybe_number(reason.requested);
        json.raw(br#","frees_at":"#);
        match reason.frees_at {
            Some(at) => encode_instant(at, json),
            None => {
                json.raw(b"null");
            }
        }
        json.raw(b"}");
    }
    json.raw(b"]");
}

/// The fields at fault, if any.
fn encode_pointers(refusal: &Refusal, json: &mut Json<'_>) {
    let faults = refusal.reasons().iter().filter_map(|reason| {
        let wording = wording::of_code(reason.code);
        wording.pointer.map(|pointer| (pointer, wording.detail))
    });
    for (place, (pointer, detail)) in faults.clone().enumerate() {
        if place == 0 {
            json.raw(br#","errors":["#);
        }
        json.comma(place);
        json.raw(br#"{"pointer":""#).name(pointer);
        json.raw(br#"","detail":"#).text(detail).raw(b"}");
    }
    if faults.count() > 0 {
        json.raw(b"]");
    }
}

pub(super) fn encode_instant(at: UnixMillis, json: &mut Json<'_>) {
    json.raw(b"\"").raw(&instant_text(at)).raw(b"\"");
}

/// Points that never lapse have no last day.
pub(super) fn encode_day(day: Day, json: &mut Json<'_>) {
    match day_text(day) {
        Some(text) => json.raw(b"\"").raw(&text).raw(b"\""),
        None => json.raw(b"null"),
    };
}

#[cfg(test)]
mod tests;
