//! Every code of the contract in one place: its status, its title, what to do, and whether to try again.

use jifen_engine::{EngineError, ledger::Code};

/// What the contract says of a code.
#[derive(Debug, PartialEq, Eq)]
pub struct Wording {
    /// The HTTP status.
    pub status: u16,
    /// The code.
    pub code: &'static str,
    /// The code in words.
    pub title: &'static str,
    /// What to do about it.
    pub detail: &'static str,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// The field at fault, as a JSON pointer, where the code always speaks of the same one.
    pub pointer: Option<&'static str>,
}

impl Wording {
    /// Whether what stands in the way passes by itself in a moment, so that the answer tells how long to wait.
    #[must_use]
    pub fn passes_by_itself(&self) -> bool {
        self.status == 503 || self.code == of_code(Code::RequestInFlight).code
    }
}

const fn refusal(
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: &'static str,
) -> Wording {
    Wording {
        status,
        code,
        title,
        detail,
        retryable: matches!(status, 408 | 429 | 503),
        pointer: None,
    }
}

macro_rules! edge {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal: $title:literal, $detail:literal;)*) => {
        $($(#[$doc])* pub const $name: Wording = refusal($status, $code, $title, $detail);)*
        /// What the edge says by itself, without the ledger.
        const EDGE: &[&Wording] = &[$(&$name),*];
    };
}

edge! {
    /// Not JSON, not UTF-8, duplicate keys, too deep.
    MALFORMED = 400 "malformed": "The body cannot be read",
        "Send UTF-8 JSON without duplicate keys, at most 16 levels deep; `errors` says where it went wrong.";
    /// JSON, but a field is unknown, missing or out of range.
    INVALID_FIELD = 400 "invalid_field": "A field is missing, unknown or out of range",
        "Correct the fields that `errors` names.";
    /// A one-command endpoint without a request id.
    IDEMPOTENCY_KEY_MISSING = 400 "idempotency_key_missing": "The Idempotency-Key header is missing",
        "Send a new Idempotency-Key with every new request, and the same one with every retry of it.";
    /// No key, or not one that is known.
    UNAUTHENTICATED = 401 "unauthenticated": "The key is missing or not valid",
        "Send a valid key as `Authorization: Bearer <key>`.";
    /// The role has no right to this.
    FORBIDDEN = 403 "forbidden": "The role may not do this",
        "Use a key of a principal whose role may; `jifen keys roles` shows which may what.";
    /// No such endpoint.
    NOT_FOUND = 404 "not_found": "There is no such endpoint",
        "Check the path against the list of endpoints; all of them begin with /v1/.";
    /// No request of that id was answered to this principal.
    REQUEST_NOT_FOUND = 404 "request_not_found": "There is no answer to such a request",
        "Check the member and the id, which only its own principal can look up. While answers are kept, sending it is safe.";
    /// The endpoint has no such method.
    METHOD_NOT_ALLOWED = 405 "method_not_allowed": "The endpoint does not take this method",
        "Use one of the methods that the Allow header names.";
    /// Events that were asked for were deleted.
    EVENTS_FORGOTTEN = 410 "events_forgotten": "What comes behind that place was deleted",
        "Begin again with from=start for what is left, or with from=now.";
    /// Events were asked for behind a place that is not in this journal.
    EVENTS_REPLACED = 410 "events_replaced": "That place is in another journal",
        "The data directory was put back from a backup, or replaced, after that place was told. Read anew what you keep, then \
         begin again with from=start or from=now.";
    /// The body did not arrive in time.
    REQUEST_TIMEOUT = 408 "request_timeout": "The request did not arrive in time",
        "Send the request again with the same Idempotency-Key, faster or in smaller parts.";
    /// The body is longer than the limit.
    BODY_TOO_LARGE = 413 "body_too_large": "The body is too large",
        "Send at most 8 MiB at once, or stream the commands as NDJSON with lines of at most 64 KiB.";
    /// The headers are longer than the limit.
    HEAD_TOO_LARGE = 431 "head_too_large": "The head of the request is too large",
        "Send at most 32 KiB of headers.";
    /// The principal has used up what it may ask for.
    RATE_LIMITED = 429 "rate_limited": "The principal asks for more than its rate allows",
        "Nothing was done; send the same request again after the time in Retry-After, and in one batch at most as many \
         commands as `q` in RateLimit-Policy.";
    /// Another content type than the endpoint reads.
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported_media_type": "The content type is not supported",
        "Send Content-Type: application/json, to /v1/commands also application/x-ndjson; and no Content-Encoding.";
}

/// What the contract says of a refusal.
#[must_use]
pub const fn of_code(code: Code) -> &'static Wording {
    const REQUEST_ID_REUSED: Wording = refusal(
        422,
        "request_id_reused",
        "The request id was used for something else",
        "Send a retry with exactly the content of the first request, and anything else under a new id.",
    );
    const MEMBER_NOT_FOUND: Wording = refusal(
        404,
        "member_not_found",
        "There is no such member",
        "Enrol the member first, or correct the member's id.",
    );
    const MERCHANT_NOT_FOUND: Wording = refusal(
        404,
        "merchant_not_found",
        "There is no such merchant",
        "Put the merchant first, or correct the merchant's id.",
    );
    const HOLD_NOT_FOUND: Wording = refusal(
        404,
        "hold_not_found",
        "There is no such hold",
        "Use the `hold` of the answer that made it.",
    );
    const TRANSACTION_NOT_FOUND: Wording = refusal(
        404,
        "transaction_not_found",
        "There is no such transaction",
        "Use the `transaction` of the answer to the command that made it.",
    );
    const HOLD_CAPTURED: Wording = refusal(
        409,
        "hold_captured",
        "The hold is captured already",
        "Nothing is left to capture or release; make a new hold for more.",
    );
    const HOLD_RELEASED: Wording = refusal(
        409,
        "hold_released",
        "The hold is released already",
        "Make a new hold.",
    );
    const HOLD_EXPIRED: Wording = refusal(
        409,
        "hold_expired",
        "The hold has expired",
        "It cannot be captured late, `reasons` tells why; make a new hold.",
    );
    const MEMBER_FROZEN: Wording = refusal(
        422,
        "member_frozen",
        "The member is frozen",
        "A frozen member earns but does not spend; unfreeze the member first.",
    );
    const MEMBER_CLOSED: Wording = refusal(
        422,
        "member_closed",
        "The member is closed",
        "A closed member stays closed; enrol the person as a new member.",
    );
    const MEMBER_HAS_HOLDS: Wording = refusal(
        409,
        "member_has_holds",
        "The member has open holds",
        "Capture or release them, `requested` in `reasons` tells how many; then close under a new request id.",
    );
    const ALREADY_REVERSED: Wording = refusal(
        409,
        "already_reversed",
        "The transaction is reversed already",
        "Nothing of it is left to reverse.",
    );
    const AT_IN_FUTURE: Wording = Wording {
        detail: "`at` must not lie in the future; leave it out if it happened now.",
        pointer: Some("/at"),
        ..INVALID_FIELD
    };
    const UNKNOWN_POINT_TYPE: Wording = Wording {
        detail: "`point_type` must be one of the programme's; leave it out for the default.",
        pointer: Some("/point_type"),
        ..INVALID_FIELD
    };
    const NOT_ELIGIBLE: Wording = refusal(
        422,
        "not_eligible",
        "These points are not for this use",
        "Name another `point_type`, or another `use`: `offset` pays in place of money, any other redeems.",
    );
    const NOT_REVERSIBLE: Wording = refusal(
        422,
        "not_reversible",
        "The transaction is not of a kind that can be reversed",
        "Reverse an earn, a redemption, a capture or a sale, and return a sale's units with all its points and before any \
         of them is used; adjust the balance to put anything else right.",
    );
    const REVERSAL_WINDOW_PASSED: Wording = refusal(
        422,
        "reversal_window_passed",
        "The transaction is too old to be reversed",
        "Adjust the balance instead.",
    );
    const MEMBER_LIMIT_REACHED: Wording = refusal(
        422,
        "member_limit_reached",
        "The member has as much as one member may have",
        "`reasons` tells what is possible; capture, release, cancel or spend something first, or wait until `frees_at`.",
    );
    const EXCEEDS_TRANSACTION: Wording = refusal(
        422,
        "exceeds_transaction",
        "The transaction has fewer points left to reverse",
        "Reverse at most the `limit` in `reasons`, under a new request id.",
    );
    const EXCEEDS_HOLD: Wording = refusal(
        422,
        "exceeds_hold",
        "The hold has fewer points left",
        "Capture at most the `limit` in `reasons`.",
    );
    const INSUFFICIENT_POINTS: Wording = refusal(
        422,
        "insufficient_points",
        "The member has too few available points",
        "Ask for at most the `limit` in `reasons`, or wait until its `frees_at`; either under a new request id.",
    );
    const FULL: Wording = refusal(
        503,
        "unavailable",
        "The server cannot take this now",
        "It remembers as many requests as it may; send the same request again later.",
    );
    const REQUEST_IN_FLIGHT: Wording = Wording {
        retryable: true,
        ..refusal(
            409,
            "request_in_flight",
            "The request, or one like it, is under way",
            "It, or another one for the same member or document and the same sale, was begun and is not answered yet; send the same \
             request again after the time in Retry-After.",
        )
    };
    const SKU_NOT_FOUND: Wording = refusal(
        404,
        "sku_not_found",
        "There is no such sale",
        "Put the stock first, or correct the `sku`.",
    );
    const RESERVATION_NOT_FOUND: Wording = refusal(
        404,
        "reservation_not_found",
        "There is no such reservation",
        "Use the `reservation` of the answer that made it.",
    );
    const CODE_NOT_FOUND: Wording = refusal(
        404,
        "code_not_found",
        "There is no such code",
        "Compare the code with the one that was given out, character by character.",
    );
    const RESERVATION_CONFIRMED: Wording = refusal(
        409,
        "reservation_confirmed",
        "The reservation is confirmed already",
        "Nothing is left to confirm or cancel; its codes are in the answer to the confirm.",
    );
    const RESERVATION_CANCELLED: Wording = refusal(
        409,
        "reservation_cancelled",
        "The reservation is cancelled already",
        "Its units and points went back; reserve again.",
    );
    const RESERVATION_EXPIRED: Wording = refusal(
        409,
        "reservation_expired",
        "The reservation has expired",
        "Its units and points went back and cannot be had again, `reasons` tells why; reserve again.",
    );
    const CODE_USED: Wording = refusal(
        409,
        "code_used",
        "The code was used already",
        "A code is good for one unit, once.",
    );
    const CODE_REVOKED: Wording = refusal(
        409,
        "code_revoked",
        "The code is void",
        "The sale that it is from was taken back.",
    );
    const SOLD_OUT: Wording = Wording {
        retryable: true,
        ..refusal(
            409,
            "sold_out",
            "Fewer units are on sale than were asked for",
            "Ask for fewer, or again later: units may come back.",
        )
    };
    const PACK_EXHAUSTED: Wording = Wording {
        retryable: true,
        ..refusal(
            409,
            "pack_exhausted",
            "Fewer points are left of those that the merchant bought ahead",
            "Have the merchant buy a pack; then send the same request again.",
        )
    };
    const PREPAID_TOO_SOON: Wording = refusal(
        422,
        "prepaid_too_soon",
        "Whether points are bought ahead does not change so soon",
        "Have the contract begin two days from now or later, at `frees_at` in `reasons`: points that are given out until then are \
         billed as it is agreed now.",
    );
    const SALE_NOT_OPEN: Wording = Wording {
        retryable: true,
        ..refusal(
            409,
            "sale_not_open",
            "The sale is not open yet",
            "Send the same request again when it opens, at `frees_at` in `reasons`.",
        )
    };
    const SALE_CLOSED: Wording = refusal(
        409,
        "sale_closed",
        "The sale is over",
        "Nothing can be reserved any more.",
    );
    const EXCEEDS_STOCK: Wording = refusal(
        422,
        "exceeds_stock",
        "Fewer units are free",
        "Withdraw at most what is free: units that are reserved or sold stay in the sale. No sale has more than 2^53 - 1 units.",
    );
    const TOO_MANY_WAIT: Wording = refusal(
        503,
        "overloaded",
        "Too many requests wait for the same",
        "Nothing was done; send the same request again after the time in Retry-After.",
    );
    const SETTLEMENT_NOT_FOUND: Wording = refusal(
        404,
        "settlement_not_found",
        "There is no such settlement",
        "Check its name; GET /v1/settlements lists them.",
    );
    const CORRECTION_NOT_FOUND: Wording = refusal(
        404,
        "correction_not_found",
        "There is no such correction",
        "Check its name.",
    );
    const CORRECTION_EXISTS: Wording = refusal(
        409,
        "correction_exists",
        "Another correction has that name",
        "Give it another name; what was proposed stays as it is.",
    );
    const CORRECTION_DECIDED: Wording = refusal(
        409,
        "correction_decided",
        "The correction was approved or rejected before",
        "Propose another one, if this is not how it should be.",
    );
    const OWN_CORRECTION: Wording = refusal(
        422,
        "own_correction",
        "Somebody else has to decide about it",
        "Have another principal with the right to it decide: whoever proposed a correction does not.",
    );
    const PERIOD_SETTLED: Wording = refusal(
        409,
        "period_settled",
        "The day belongs to a settlement",
        "Begin behind the last settlement; what comes late falls into the next period.",
    );
    const INVALID_PERIOD: Wording = refusal(
        422,
        "invalid_period",
        "This is no period that can be settled now",
        "Periods are whole days of the programme, and each begins with the day behind the one before, when that is published.",
    );
    const PERIOD_NOT_OVER: Wording = refusal(
        422,
        "period_not_over",
        "The period is not over yet",
        "Close it when its last day is over, at `frees_at` in `reasons`.",
    );
    const EVENT_TOO_LATE: Wording = Wording {
        pointer: Some("/at"),
        ..refusal(
            422,
            "event_too_late",
            "It happened longer ago than the contract allows",
            "Agree with the operator on a correction.",
        )
    };
    match code {
        Code::SettlementNotFound => &SETTLEMENT_NOT_FOUND,
        Code::CorrectionNotFound => &CORRECTION_NOT_FOUND,
        Code::CorrectionExists => &CORRECTION_EXISTS,
        Code::CorrectionDecided => &CORRECTION_DECIDED,
        Code::OwnCorrection => &OWN_CORRECTION,
        Code::PeriodSettled => &PERIOD_SETTLED,
        Code::InvalidPeriod => &INVALID_PERIOD,
        Code::PeriodNotOver => &PERIOD_NOT_OVER,
        Code::EventTooLate => &EVENT_TOO_LATE,
        Code::RequestIdReused => &REQUEST_ID_REUSED,
        Code::MemberNotFound => &MEMBER_NOT_FOUND,
        Code::MerchantNotFound => &MERCHANT_NOT_FOUND,
        Code::HoldNotFound => &HOLD_NOT_FOUND,
        Code::TransactionNotFound => &TRANSACTION_NOT_FOUND,
        Code::HoldCaptured => &HOLD_CAPTURED,
        Code::HoldReleased => &HOLD_RELEASED,
        Code::HoldExpired => &HOLD_EXPIRED,
        Code::MemberFrozen => &MEMBER_FROZEN,
        Code::MemberClosed => &MEMBER_CLOSED,
        Code::MemberHasHolds => &MEMBER_HAS_HOLDS,
        Code::AlreadyReversed => &ALREADY_REVERSED,
        Code::AtInFuture => &AT_IN_FUTURE,
        Code::UnknownPointType => &UNKNOWN_POINT_TYPE,
        Code::NotEligible => &NOT_ELIGIBLE,
        Code::NotReversible => &NOT_REVERSIBLE,
        Code::ReversalWindowPassed => &REVERSAL_WINDOW_PASSED,
        Code::MemberLimitReached => &MEMBER_LIMIT_REACHED,
        Code::ExceedsHold => &EXCEEDS_HOLD,
        Code::ExceedsTransaction => &EXCEEDS_TRANSACTION,
        Code::InsufficientPoints => &INSUFFICIENT_POINTS,
        Code::Full => &FULL,
        Code::RequestInFlight => &REQUEST_IN_FLIGHT,
        Code::SkuNotFound => &SKU_NOT_FOUND,
        Code::ReservationNotFound => &RESERVATION_NOT_FOUND,
        Code::CodeNotFound => &CODE_NOT_FOUND,
        Code::ReservationConfirmed => &RESERVATION_CONFIRMED,
        Code::ReservationCancelled => &RESERVATION_CANCELLED,
        Code::ReservationExpired => &RESERVATION_EXPIRED,
        Code::CodeUsed => &CODE_USED,
        Code::CodeRevoked => &CODE_REVOKED,
        Code::SoldOut => &SOLD_OUT,
        Code::SaleNotOpen => &SALE_NOT_OPEN,
        Code::PackExhausted => &PACK_EXHAUSTED,
        Code::PrepaidTooSoon => &PREPAID_TOO_SOON,
        Code::SaleClosed => &SALE_CLOSED,
        Code::ExceedsStock => &EXCEEDS_STOCK,
        Code::TooManyWait => &TOO_MANY_WAIT,
    }
}

/// What the contract says when the engine could not decide.
#[must_use]
pub const fn of_error(error: EngineError) -> &'static Wording {
    const OVERLOADED: Wording = refusal(
        503,
        "overloaded",
        "The server has too much to do",
        "Nothing was done; send the same request again after the time in Retry-After.",
    );
    const UNAVAILABLE: Wording = refusal(
        503,
        "unavailable",
        "The server cannot take this now",
        "It is stopping and nothing was done; send the same request again later.",
    );
    const DISK_FULL: Wording = refusal(
        503,
        "unavailable",
        "The server cannot take this now",
        "Its disk is nearly full and nothing was done. Whoever runs it has to free some space or to enlarge the disk; \
         send the same request again after the time in Retry-After.",
    );
    const OUTCOME_UNKNOWN: Wording = refusal(
        503,
        "outcome_unknown",
        "Whether this was done is not known",
        "Send the same request with the same request id again: it will be told what became of it.",
    );
    const UNREADABLE: Wording = refusal(
        503,
        "unavailable",
        "The server cannot tell this now",
        "What statements and old transactions are read from is not ready; send the same request again later.",
    );
    match error {
        EngineError::Overloaded => &OVERLOADED,
        EngineError::Unreadable => &UNREADABLE,
        EngineError::DiskFull => &DISK_FULL,
        EngineError::Stopping => &UNAVAILABLE,
        EngineError::OutcomeUnknown => &OUTCOME_UNKNOWN,
    }
}

/// Everything that the contract says of any code. Some codes are there more than once, with other advice.
pub(crate) fn all() -> Vec<&'static Wording> {
    let errors = [
        EngineError::Overloaded,
        EngineError::Unreadable,
        EngineError::DiskFull,
        EngineError::Stopping,
        EngineError::OutcomeUnknown,
    ];
    let mut all: Vec<_> = Code::ALL.into_iter().map(of_code).collect();
    all.extend(errors.map(of_error));
    all.extend(EDGE);
    all
}

#[cfg(test)]
mod tests;
