//! Which codes an endpoint may answer with, and how.

use jifen_engine::{
    EngineError,
    ledger::{Code, CommandKind},
};
use serde_json::{Map, Value, json};

use super::{
    answers, named, object,
    values::{text, told, utc},
};
use crate::{
    access::Read,
    http::{
        Problem,
        endpoints::{Does, Endpoint},
    },
    wire::wording::{self, Wording, of_code, of_error},
};

/// A code, any of them.
pub(super) fn code() -> Value {
    let mut codes: Vec<_> = wording::all().iter().map(|wording| wording.code).collect();
    codes.sort_unstable();
    codes.dedup();
    json!({ "type": "string", "enum": codes, "description": "Why not." })
}

/// What the ledger may say to a command, beside what it may say to all of them.
const fn refusals(kind: CommandKind) -> &'static [Code] {
    use Code::{
        AlreadyReversed, AtInFuture, CodeNotFound, CodeRevoked, CodeUsed, CorrectionDecided,
        CorrectionExists, CorrectionNotFound, EventTooLate, ExceedsHold, ExceedsStock,
        ExceedsTransaction, HoldCaptured, HoldExpired, HoldNotFound, HoldReleased,
        InsufficientPoints, InvalidPeriod, MemberClosed, MemberFrozen, MemberHasHolds,
        MemberLimitReached, MemberNotFound, MerchantNotFound, NotEligible, NotReversible,
        OwnCorrection, PackExhausted, PeriodNotOver, PeriodSettled, PrepaidTooSoon,
        RequestInFlight, ReservationCancelled, ReservationConfirmed, ReservationExpired,
        ReservationNotFound, ReversalWindowPassed, SaleClosed, SaleNotOpen, SkuNotFound, SoldOut,
        TooManyWait, TransactionNotFound, UnknownPointType,
    };
    match kind {
        CommandKind::Enrol => &[MemberClosed, MemberLimitReached],
        CommandKind::Earn => &[
            MemberNotFound,
            MerchantNotFound,
            MemberClosed,
            AtInFuture,
            UnknownPointType,
            EventTooLate,
            MemberLimitReached,
            RequestInFlight,
            PackExhausted,
            TooManyWait,
        ],
        CommandKind::Redeem | CommandKind::Hold => &[
            MemberNotFound,
            MerchantNotFound,
            MemberFrozen,
            MemberClosed,
            UnknownPointType,
            NotEligible,
            MemberLimitReached,
            InsufficientPoints,
        ],
        CommandKind::Capture => &[
            HoldNotFound,
            HoldCaptured,
            HoldReleased,
            HoldExpired,
            MemberFrozen,
            MemberClosed,
            ExceedsHold,
        ],
        CommandKind::Release => &[HoldNotFound, HoldCaptured, HoldReleased, HoldExpired],
        CommandKind::PutMerchant => &[PeriodSettled, PrepaidTooSoon],
        CommandKind::BuyPack => &[
            MerchantNotFound,
            RequestInFlight,
            UnknownPointType,
            MemberLimitReached,
        ],
        CommandKind::Reverse => &[
            TransactionNotFound,
            AlreadyReversed,
            NotReversible,
            ReversalWindowPassed,
            MemberLimitReached,
            ExceedsTransaction,
        ],
        CommandKind::Adjust => &[
            MemberNotFound,
            MemberClosed,
            UnknownPointType,
            MemberLimitReached,
            InsufficientPoints,
        ],
        CommandKind::Freeze | CommandKind::Unfreeze => &[MemberNotFound, MemberClosed],
        CommandKind::Close => &[MemberNotFound, MemberClosed, MemberHasHolds],
        CommandKind::Erase => &[MemberNotFound],
        CommandKind::Reserve => &[
            MemberNotFound,
            SkuNotFound,
            RequestInFlight,
            MemberFrozen,
            MemberClosed,
            NotEligible,
            MemberLimitReached,
            InsufficientPoints,
            SoldOut,
            SaleNotOpen,
            SaleClosed,
            TooManyWait,
        ],
        CommandKind::Confirm => &[
            ReservationNotFound,
            RequestInFlight,
            ReservationConfirmed,
            ReservationCancelled,
            ReservationExpired,
            MemberFrozen,
            MemberClosed,
            MemberLimitReached,
            TooManyWait,
        ],
        CommandKind::Cancel => &[
            ReservationNotFound,
            ReservationConfirmed,
            ReservationCancelled,
            ReservationExpired,
        ],
        CommandKind::Transfer => &[
            MemberNotFound,
            RequestInFlight,
            MemberFrozen,
            MemberClosed,
            UnknownPointType,
            NotEligible,
            MemberLimitReached,
            InsufficientPoints,
            TooManyWait,
        ],
        CommandKind::PutStock => &[
            MerchantNotFound,
            RequestInFlight,
            UnknownPointType,
            ExceedsStock,
        ],
        CommandKind::ChangeUnits => &[SkuNotFound, RequestInFlight, ExceedsStock],
        CommandKind::UseCode => &[CodeNotFound, CodeUsed, CodeRevoked],
        CommandKind::Settle => &[PeriodSettled, InvalidPeriod, PeriodNotOver],
        CommandKind::PutCorrection => &[MerchantNotFound, CorrectionExists],
        CommandKind::DecideCorrection => &[CorrectionNotFound, CorrectionDecided, OwnCorrection],
    }
}

/// What is said of an object that is not there, and of a name that no object can have.
fn missing(read: Read) -> Vec<&'static Wording> {
    let code = match read {
        Read::Member | Read::Statement => Code::MemberNotFound,
        Read::Hold => Code::HoldNotFound,
        Read::Merchant | Read::Movements => Code::MerchantNotFound,
        Read::Transaction => Code::TransactionNotFound,
        Read::Stock | Read::StockEvents => Code::SkuNotFound,
        Read::Reservation => Code::ReservationNotFound,
        Read::Code => Code::CodeNotFound,
        Read::Metrics => return Vec::new(),
        Read::Events => {
            return vec![
                &wording::INVALID_FIELD,
                &wording::MALFORMED,
                &wording::EVENTS_FORGOTTEN,
                &wording::EVENTS_REPLACED,
            ];
        }
        Read::Settlements | Read::Corrections => return Vec::new(),
        Read::SettlementStatement => Code::SettlementNotFound,
        Read::Settlement | Read::SettlementPayments | Read::SettlementMatrix => {
            return vec![of_code(Code::SettlementNotFound)];
        }
        Read::Correction => Code::CorrectionNotFound,
        Read::Positions => return vec![&wording::INVALID_FIELD, &wording::MALFORMED],
        Read::Liability => {
            let settled = of_code(Code::PeriodSettled);
            return vec![&wording::INVALID_FIELD, &wording::MALFORMED, settled];
        }
        Read::Request => return vec![&wording::INVALID_FIELD, &wording::REQUEST_NOT_FOUND],
    };
    let mut all = vec![of_code(code)];
    if !matches!(
        read,
        Read::Hold | Read::Transaction | Read::Reservation | Read::Code
    ) {
        all.push(&wording::INVALID_FIELD);
    }
    if matches!(read, Read::Statement | Read::Movements | Read::StockEvents) {
        all.push(&wording::MALFORMED);
    }
    if read == Read::StockEvents {
        all.extend([&wording::EVENTS_FORGOTTEN, &wording::EVENTS_REPLACED]);
    }
    all
}

/// What may be said of any request, before it is known which endpoint it is for.
pub(super) const OF_ANY_REQUEST: [&Wording; 3] = [
    &wording::NOT_FOUND,
    &wording::METHOD_NOT_ALLOWED,
    &wording::HEAD_TOO_LARGE,
];

/// Everything that an endpoint may refuse with, apart from what is said of any request.
pub(super) fn of(endpoint: &Endpoint) -> Vec<&'static Wording> {
    let mut all: Vec<&Wording> = Vec::new();
    if endpoint.does.asks_for_key() {
        all.extend([
            &wording::UNAUTHENTICATED,
            &wording::FORBIDDEN,
            &wording::RATE_LIMITED,
        ]);
    }
    match endpoint.does {
        Does::Command(kind) => {
            all.extend(body());
            all.push(&wording::IDEMPOTENCY_KEY_MISSING);
            all.extend(errors());
            let ledger = [Code::RequestIdReused, Code::Full];
            all.extend(ledger.iter().chain(refusals(kind)).copied().map(of_code));
        }
        Does::Commands => {
            all.extend(body());
            all.push(of_error(EngineError::Overloaded));
        }
        Does::Read(Read::Metrics) => all.push(of_error(EngineError::Unreadable)),
        Does::Read(read) => {
            all.extend(missing(read));
            all.extend(errors());
        }
        Does::Ready => all.extend(errors()),
        Does::Live | Does::Document | Does::Feed | Does::Page => {}
    }
    all
}

/// What may be wrong with a body.
fn body() -> [&'static Wording; 5] {
    [
        &wording::MALFORMED,
        &wording::INVALID_FIELD,
        &wording::REQUEST_TIMEOUT,
        &wording::BODY_TOO_LARGE,
        &wording::UNSUPPORTED_MEDIA_TYPE,
    ]
}

/// What is said when the engine cannot decide.
fn errors() -> [&'static Wording; 5] {
    [
        EngineError::Overloaded,
        EngineError::Unreadable,
        EngineError::DiskFull,
        EngineError::Stopping,
        EngineError::OutcomeUnknown,
    ]
    .map(of_error)
}

/// The refusals of an endpoint by status.
pub(super) fn responses(endpoint: &Endpoint) -> Map<String, Value> {
    let mut all = of(endpoint);
    // A code has one entry for each status, and the first wording of it is the example.
    all.sort_by_key(|wording| (wording.status, wording.code));
    all.dedup_by_key(|wording| (wording.status, wording.code));
    let by_status = all.chunk_by(|one, next| one.status == next.status);
    by_status
        .map(|wordings| (wordings[0].status.to_string(), response(wordings)))
        .collect()
}

/// The answer of a status, which these codes have.
fn response(wordings: &[&'static Wording]) -> Value {
    let status = wordings[0].status;
    let codes: Vec<_> = wordings.iter().map(|wording| wording.code).collect();
    let titles: Vec<_> = wordings
        .iter()
        .map(|wording| format!("`{}`: {}.", wording.code, wording.title))
        .collect();
    let examples: Map<_, _> = wordings
        .iter()
        .map(|&wording| {
            let example = Problem::from(wording).encode();
            let example: Value = serde_json::from_slice(&example).expect("problems are JSON");
            (
                wording.code.to_owned(),
                json!({ "summary": wording.title, "value": example }),
            )
        })
        .collect();
    let mut schema = named("Problem");
    schema["properties"] = json!({ "code": { "enum": codes }, "status": { "const": status } });
    let mut response = json!({
        "description": titles.join(" "),
        "content": { "application/problem+json": { "schema": schema, "examples": examples } },
    });
    let headers: Map<_, _> = headers(status)
        .iter()
        .map(|name| (String::from(*name), header(name)))
        .chain(at_times(wordings))
        .collect();
    if !headers.is_empty() {
        response["headers"] = headers.into();
    }
    response
}

/// The headers that answers of a status have.
const fn headers(status: u16) -> &'static [&'static str] {
    match status {
        401 => &["WWW-Authenticate"],
        429 => &["Retry-After", "RateLimit", "RateLimit-Policy"],
        503 => &["Retry-After"],
        _ => &[],
    }
}

/// A header that only some answers of a status have.
fn at_times(wordings: &[&'static Wording]) -> Option<(String, Value)> {
    let some = wordings.iter().find(|wording| wording.passes_by_itself());
    let some = some.filter(|wording| headers(wording.status).is_empty())?;
    let description = format!("With `{}`: after how many seconds to try again.", some.code);
    let schema = json!({ "type": "integer", "minimum": 1 });
    let header = json!({ "description": description, "required": false, "schema": schema });
    Some(("Retry-After".to_owned(), header))
}

/// A reference to a header.
pub(super) fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// What problems are made of.
pub(super) fn schemas() -> [(&'static str, Value); 1] {
    let uri = json!({ "type": "string", "format": "uri-reference" });
    let problem = object(
        "Why a request was not answered with what it asked for (RFC 9457).",
        [
            ("type", told(uri, "`/problems/` and the code."), true),
            (
                "title",
                told(json!({ "type": "string" }), "The code in words."),
                true,
            ),
            (
                "status",
                told(json!({ "type": "integer" }), "The HTTP status."),
                true,
            ),
            (
                "detail",
                told(json!({ "type": "string" }), "What to do about it."),
                true,
            ),
            ("code", code(), true),
            ("retryable", answers::retryable(), true),
            (
                "request_id",
                told(
                    json!({ "type": ["string", "null"] }),
                    "The request id, if one was sent.",
                ),
                true,
            ),
            ("replayed", answers::replayed(), true),
            ("offset", answers::offset(), false),
            ("at", utc("When it was decided, if it is recorded."), false),
            ("reference", text("As it was given."), false),
            ("reasons", answers::reasons(), true),
            ("errors", answers::errors(), false),
        ],
    );
    [("Problem", problem)]
}
