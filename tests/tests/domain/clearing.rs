//! Contracts, points bought ahead, settlements and corrections.

use jifen_tests::scenario::check;

pub(crate) const TABLES: &[&str] = &[CONTRACTS, PACKS, SETTLING, CORRECTING, TOO_LATE];

const CONTRACTS: &str = "
    clock    2026-09-21 12:00:00
    contract M1 2026-09-25                      => accepted: version 1, new
    contract M1 2026-09-25                      => accepted: version 1, unchanged
    contract M1 2026-09-25 late=3               => accepted: version 2, new
    # What was agreed for later is gone.
    contract M1 2026-09-28                      => accepted: version 3, new
    contract M1 2026-09-23 late=3               => accepted: version 4, new
    contract M1 2026-09-28 late=3               => accepted: version 4, unchanged
    # Whether points are bought ahead does not change before two days are over.
    contract M1 2026-09-22 prepaid              => declined: prepaid_too_soon until 129600.000
    contract M1 2026-09-23 prepaid              => accepted: version 5, new
    contract M1 2026-09-22 prepaid              => declined: prepaid_too_soon until 129600.000
    contract M2 2026-09-21 prepaid              => accepted: version 1, new
    contract M2 2026-09-22                      => declined: prepaid_too_soon until 129600.000
    contract M2 2026-09-23                      => accepted: version 2, new
";

#[test]
fn contracts_follow_one_another() {
    check(CONTRACTS);
}

const PACKS: &str = "
    clock    2026-09-21 12:00:00
    contract M1 2026-09-21 prepaid
    enrol    A1
    earn     A1 M1 10                           => declined: pack_exhausted
    pack     M9 100                             => declined: merchant_not_found
    pack     M1 100 type=sand                   => declined: unknown_point_type
    pack     M1 100                             => accepted
    earn     A1 M1 60 as=T1
    earn     A1 M1 41                           => declined: pack_exhausted
    on-sale  prepaid/M1/points                  => 40
    reverse  T1 20                              => accepted: taken back 20, owed 0
    on-sale  prepaid/M1/points                  => 60
    earn     A1 M1 60
    on-sale  prepaid/M1/points                  => 0
    # Of another kind nothing was bought.
    pack     M1 50
    earn     A1 M1 5 type=miles                 => declined: pack_exhausted
    pack     M1 7 type=miles
    earn     A1 M1 5 type=miles
    on-sale  prepaid/M1/miles                   => 2
    on-sale  prepaid/M1/points                  => 50
    pack     M1 9007199254740841                => accepted
    pack     M1 1                               => refused: member_limit_reached 1 of 0
    pack     M1 1 type=miles                    => accepted
    # From the day on that the contract ends, points are billed.
    contract M1 2026-09-23
    clock    2026-09-22 23:59:59
    earn     A1 M1 8 type=miles                 => declined: pack_exhausted
    clock    2026-09-23 00:00:00
    earn     A1 M1 8 type=miles                 => accepted: M1 8
    on-sale  prepaid/M1/miles                   => 3
";

#[test]
fn points_bought_ahead_are_drawn_and_put_back() {
    check(PACKS);
}

const SETTLING: &str = "
    clock    2026-09-21 12:00:00
    merchant M1
    enrol    A1
    earn     A1 M1 100
    settle   2026-09-21 2026-09-21              => declined: period_not_over until 43200.000
    settle   2026-09-22 2026-09-21              => declined: invalid_period
    clock    2026-09-22 00:00:00
    settle   2026-09-21 2026-09-21              => accepted: new
    settle   2026-09-21 2026-09-21              => accepted: known
    # What is taken stays as it is, and nothing is left out.
    settle   2026-09-20 2026-09-21              => declined: period_settled
    contract M1 2026-09-21                      => declined: period_settled
    contract M1 2026-09-22                      => accepted: version 2, new
    clock    2026-09-25 00:00:00
    settle   2026-09-22 2026-09-22              => declined: invalid_period
    publish  2026-09-22 2026-09-22
    publish  2026-09-21 2026-09-21
    publish  2026-09-21 2026-09-21
    settle   2026-09-23 2026-09-23              => declined: invalid_period
    settle   2026-09-21 2026-09-22              => declined: period_settled
    settle   2026-09-22 2026-09-24              => accepted: new
    settle   2026-09-21 2026-09-21              => accepted: known
";

#[test]
fn settlements_follow_one_another_without_a_gap() {
    check(SETTLING);
}

const CORRECTING: &str = "
    merchant M1
    merchant M2
    correct  C1 M9 500                          => declined: merchant_not_found
    decide   C1 yes                             => declined: correction_not_found
    correct  C1 M1 500                          => accepted: version 1, new
    correct  C1 M1 500                          => accepted: version 1, unchanged
    correct  C1 M1 501                          => declined: correction_exists
    correct  C1 M2 500                          => declined: correction_exists
    correct  C1 M1 500 reason=other             => declined: correction_exists
    correct  C1 M1 500 by=boss                  => declined: correction_exists
    decide   C1 yes                             => declined: own_correction
    decide   C1 yes by=boss                     => accepted
    decide   C1 no by=boss                      => declined: correction_decided
    correct  C2 M1 -7                           => accepted: version 1, new
    decide   C2 no by=boss id=x                 => accepted
    decide   C2 no by=boss id=x                 => replayed
    decide   C2 yes by=boss                     => declined: correction_decided
";

#[test]
fn two_people_correct_an_account() {
    check(CORRECTING);
}

const TOO_LATE: &str = "
    clock    2026-09-21 12:00:00
    contract M1 2026-09-01 late=3
    enrol    A1
    # Three days, by the calendar.
    earn     A1 M1 1 at=-302400                 => accepted
    earn     A1 M1 1 at=-302401                 => refused: event_too_late
    earn     A1 M1 1 at=-0
    merchant M2
    earn     A1 M2 1 at=-3000000                => accepted
    # What counts is what was agreed for the day on which it happened.
    contract M1 2026-09-20 late=0
    earn     A1 M1 1 at=-86400                  => refused: event_too_late
    earn     A1 M1 1 at=-172800                 => accepted
    earn     A1 M1 1 at=-43200                  => accepted
    earn     A1 M1 1 at=-43201                  => refused: event_too_late
";

#[test]
fn what_comes_too_late_is_refused() {
    check(TOO_LATE);
}
