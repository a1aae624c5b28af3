//! Goal: every code is said as the contract has it.

use super::*;

/// The codes table of the contract, as far as this version can say them.
const CONTRACT: &[(u16, &[&str])] = &[
    (
        400,
        &["malformed", "invalid_field", "idempotency_key_missing"],
    ),
    (401, &["unauthenticated"]),
    (403, &["forbidden"]),
    (
        404,
        &[
            "member_not_found",
            "merchant_not_found",
            "hold_not_found",
            "sku_not_found",
            "reservation_not_found",
            "transaction_not_found",
            "code_not_found",
            "request_not_found",
            "settlement_not_found",
            "correction_not_found",
            "not_found",
        ],
    ),
    (405, &["method_not_allowed"]),
    (408, &["request_timeout"]),
    (
        409,
        &[
            "request_in_flight",
            "hold_captured",
            "hold_released",
            "hold_expired",
            "reservation_confirmed",
            "reservation_cancelled",
            "reservation_expired",
            "already_reversed",
            "member_has_holds",
            "code_used",
            "code_revoked",
            "sold_out",
            "pack_exhausted",
            "sale_not_open",
            "sale_closed",
            "period_settled",
            "correction_exists",
            "correction_decided",
        ],
    ),
    (410, &["events_forgotten", "events_replaced"]),
    (413, &["body_too_large"]),
    (415, &["unsupported_media_type"]),
    (
        422,
        &[
            "request_id_reused",
            "insufficient_points",
            "exceeds_hold",
            "exceeds_transaction",
            "member_limit_reached",
            "not_eligible",
            "member_frozen",
            "member_closed",
            "reversal_window_passed",
            "not_reversible",
            "exceeds_stock",
            "event_too_late",
            "invalid_period",
            "period_not_over",
            "own_correction",
            "prepaid_too_soon",
        ],
    ),
    (429, &["rate_limited"]),
    (431, &["head_too_large"]),
    (503, &["overloaded", "unavailable", "outcome_unknown"]),
];

#[test]
fn every_code_has_the_status_of_the_contract() {
    for wording in all() {
        let (status, _) = CONTRACT
            .iter()
            .find(|(_, codes)| codes.contains(&wording.code))
            .unwrap_or_else(|| panic!("{} is not in the contract", wording.code));
        assert_eq!(wording.status, *status, "{}", wording.code);
    }
}

#[test]
fn every_code_of_the_contract_can_be_said() {
    for (_, codes) in CONTRACT {
        for code in *codes {
            assert!(all().iter().any(|wording| wording.code == *code), "{code}");
        }
    }
}

#[test]
fn only_what_may_succeed_later_is_retryable() {
    for wording in all() {
        let by_status = matches!(wording.status, 408 | 429 | 503);
        let by_code = [
            "request_in_flight",
            "sold_out",
            "pack_exhausted",
            "sale_not_open",
        ];
        let expected = by_status || by_code.contains(&wording.code);
        assert_eq!(wording.retryable, expected, "{}", wording.code);
    }
}
