//! Reversals: what was spent comes back, what was earned is taken back.

use jifen_tests::scenario::{check, check_under, small_rules};

pub(crate) const TABLES: &[&str] = &[
    SPEND,
    CAPTURES,
    LATE,
    EARN,
    DEBT,
    STATES,
    REFUSALS,
    NOT_FOUND,
    WINDOW,
    ACCOUNTS,
    FIRST_EARNED,
];

// Ruling 7: the opposite order of taking; without a number, all that is left.
const SPEND: &str = "
    merchant M1
    merchant M2
    merchant M3
    enrol   A1
    earn    A1 M1 10 day=2026-10-01
    earn    A1 M2 20 day=2026-11-01
    earn    A1 M3 30
    redeem  A1 M3 45 as=R                     => accepted: M1/2026-10-01 10, M2/2026-11-01 20, M3 15
    reverse R 20                              => accepted: restored 20
    lots    A1                                => M2/2026-11-01 5, M3 30
    reverse R 10                              => accepted: restored 10
    lots    A1                                => M2/2026-11-01 15, M3 30
    reverse R 16                              => refused: exceeds_transaction 16 of 15
    reverse R                                 => accepted: restored 15
    lots    A1                                => M1/2026-10-01 10, M2/2026-11-01 20, M3 30
    balance A1                                => 60 available, 0 held
    reverse R                                 => refused: already_reversed
    deeds                                     => refused

    # What was spent again is another spend.
    redeem  A1 M3 5 as=S                      => accepted: M1/2026-10-01 5
    reverse S 5                               => accepted: restored 5
    deeds                                     => reversed-spend
    moves                                     => M1/2026-10-01 5 M3>available
";

// Each capture is reversed by itself, and only by what it took.
const CAPTURES: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 40 day=2026-10-01
    earn    A1 M1 60
    hold    A1 M1 80 as=H
    capture H 50 more as=C1                   => accepted: captured 50, released 0
    capture H 20 as=C2                        => accepted: captured 20, released 10
    balance A1                                => 30 available, 0 held
    reverse C1 20                             => accepted: restored 20
    lots    A1                                => M1/2026-10-01 10, M1 40
    reverse C2 21                             => refused: exceeds_transaction 21 of 20
    reverse C2                                => accepted: restored 20
    reverse C1                                => accepted: restored 30
    lots    A1                                => M1/2026-10-01 40, M1 60
    reverse C1                                => refused: already_reversed
    # The hold stays what it was.
    state   H                                 => captured: 70 of 80 captured, 10 released
    reverse H                                 => refused: not_reversible
";

const LATE: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 100
    hold    A1 M1 60 as=H ttl=10
    wait    11
    sweep                                     => 1
    capture H 40 as=C                         => accepted: captured 40, released 0
    reverse C 15                              => accepted: restored 15
    reverse C                                 => accepted: restored 25
    balance A1                                => 100 available, 0 held
";

// Ruling 6: its own lot first, then the others in lapse order; the rest is owed.
const EARN: &str = "
    merchant M1
    merchant M2
    merchant M3
    enrol   A1
    earn    A1 M3 30
    earn    A1 M2 20 day=2026-11-01 as=E
    earn    A1 M1 10 day=2026-10-01
    reverse E 5                               => accepted: taken back 5, owed 0
    lots    A1                                => M1/2026-10-01 10, M2/2026-11-01 15, M3 30
    moves                                     => M2/2026-11-01 5 available>issued
    redeem  A1 M1 17                          => accepted: M1/2026-10-01 10, M2/2026-11-01 7
    # 8 are left in its lot; 7 more come from the other one, by way of a debt that is paid at once.
    earn    A1 M1 3 day=2026-10-01
    reverse E                                 => accepted: taken back 15, owed 0
    lots    A1                                => M3 26
    moves                                     => M1/2026-10-01 3 available>owed, M2/2026-11-01 8 available>issued, M2/2026-11-01 7 owed>issued, M3 4 available>owed
    reverse E                                 => refused: already_reversed

    # Held points stay held: they are spoken for.
    enrol   A2
    earn    A2 M1 100 as=F
    hold    A2 M1 70 as=H
    reverse F 50                              => accepted: taken back 30, owed 20
    balance A2                                => 0 available, 70 held, 20 owed
    release H                                 => accepted: released 70
    balance A2                                => 50 available, 0 held
    moves                                     => M1 50 held>available, M1 20 held>owed
    # A lot that others share is taken whole if need be.
    enrol   A3
    earn    A3 M1 10 as=G
    earn    A3 M1 90
    redeem  A3 M1 95
    reverse G                                 => accepted: taken back 5, owed 5
";

// C8: any increase of what is available pays first.
const DEBT: &str = "
    merchant M1
    merchant M2
    enrol   A1
    earn    A1 M1 100 as=E
    redeem  A1 M2 100 as=R
    reverse E                                 => accepted: taken back 0, owed 100
    balance A1                                => 0 available, 0 held, 100 owed
    redeem  A1 M1 1                           => refused: insufficient_points 1 of 0
    earn    A1 M2 30                          => accepted: M2 30
    balance A1                                => 0 available, 0 held, 70 owed
    moves                                     => M2 30 issued>owed
    lots    A1                                => none
    adjust  A1 +20                            => accepted
    balance A1                                => 0 available, 0 held, 50 owed
    adjust  A1 -1                             => refused: insufficient_points 1 of 0
    reverse R 40                              => accepted: restored 40
    balance A1                                => 0 available, 0 held, 10 owed
    # In lapse order: what would lapse first pays.
    reverse R                                 => accepted: restored 60
    balance A1                                => 50 available, 0 held
    lots    A1                                => M1 50

    # An earn that paid a debt can itself be taken back: the debt is there again.
    enrol   A2
    earn    A2 M1 10 as=F
    redeem  A2 M1 10
    reverse F                                 => accepted: taken back 0, owed 10
    earn    A2 M1 25 as=G
    balance A2                                => 15 available, 0 held
    reverse G                                 => accepted: taken back 15, owed 10
    balance A2                                => 0 available, 0 held, 10 owed
    # A debt is a number of points as well.
    enrol   A3
    earn    A3 M1 9007199254740991 day=2026-09-20 as=H
    earn    A3 M1 9007199254740991 day=2026-09-20 as=I
    reverse H                                 => accepted: taken back 0, owed 9007199254740991
    reverse I                                 => refused: member_limit_reached 9007199254740991 of 0
    reverse I 1                               => refused: member_limit_reached 1 of 0
    # What comes back pays in the order in which its lots are spent now, not when they were taken from.
    enrol   A4
    earn    A4 M1 10 at=-100
    earn    A4 M2 10 at=-50
    redeem  A4 M1 20 as=J                     => accepted: M1 10, M2 10
    earn    A4 M2 1 at=-200
    earn    A4 M1 5 class=x as=K
    redeem  A4 M1 6
    reverse K                                 => accepted: taken back 0, owed 5
    reverse J                                 => accepted: restored 20
    lots    A4                                => M2 5, M1 10
    # Debts are kept by type.
    earn    A2 M1 25 type=miles
    balance A2 miles                          => 25 available, 0 held
    balance A2                                => 0 available, 0 held, 10 owed
    # A part that lapses pays no debt.
    earn    A2 M1 25 day=2026-09-20
    moves                                     => M1/2026-09-20 25 issued>breakage
    balance A2                                => 0 available, 0 held, 10 owed
";

// Frozen and closed members have reversals like everybody else; what comes back to a closed one is breakage.
const STATES: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 100 as=E
    redeem  A1 M1 60 as=R
    freeze  A1
    reverse R 20                              => accepted: restored 20
    reverse E 10                              => accepted: taken back 10, owed 0
    balance A1                                => 50 available, 0 held
    close   A1                                => accepted: forfeited 50
    reverse R 30                              => accepted: restored 30, forfeited 30
    moves                                     => M1 30 M1>breakage
    balance A1                                => 0 available, 0 held
    reverse E 40                              => accepted: taken back 0, owed 40
    # A debt of a closed member stays.
    reverse R                                 => accepted: restored 10, forfeited 10
    balance A1                                => 0 available, 0 held, 40 owed
";

const REFUSALS: &str = "
    merchant M1
    enrol   A1 as=N
    earn    A1 M1 100 as=E
    redeem  A1 M1 40 as=R
    hold    A1 M1 10 as=H
    release H as=L
    adjust  A1 +5 as=A
    freeze  A1 as=F
    unfreeze A1 as=U
    erase   A1 as=D
    reverse R 10 as=X
    reverse N                                 => refused: not_reversible
    reverse H                                 => refused: not_reversible
    reverse L                                 => refused: not_reversible
    reverse A                                 => refused: not_reversible
    reverse F                                 => refused: not_reversible
    reverse U                                 => refused: not_reversible
    reverse D                                 => refused: not_reversible
    reverse X                                 => refused: not_reversible
    reverse X 1000                            => refused: not_reversible
    reverse R 31                              => refused: exceeds_transaction 31 of 30
    reverse E 101                             => refused: exceeds_transaction 101 of 100
    reverse R                                 => accepted
    reverse R                                 => refused: already_reversed
    reverse R id=again                        => refused: already_reversed
    reverse R id=again                        => replayed
    close   A1 as=C                           => accepted
    reverse C                                 => refused: not_reversible
";

// Only an accepted command of a member is a transaction.
const NOT_FOUND: &str = "
    clock   2026-10-01 12:00:00
    merchant M1                               # t0-1
    enrol   A1                                # t0-2
    earn    A1 M1 10 day=2026-10-01           # t0-3
    redeem  A1 M1 11                          => refused: insufficient_points 11 of 10
    deeds                                     => refused
    hold    A1 M1 4 ttl=10                    # t0-5
    wait    20
    sweep                                     => 1
    deeds                                     => expired
    clock   2026-10-02 12:00:00
    sweep                                     => 1
    deeds                                     => lapsed
    reverse t0-1 id=r                         => declined: transaction_not_found     # a document
    reverse t0-4 id=r                         => declined: transaction_not_found     # a refusal
    reverse t0-6 id=r                         => declined: transaction_not_found     # an expiry
    reverse t0-7 id=r                         => declined: transaction_not_found     # a lapse
    reverse t0-8 id=r                         => declined: transaction_not_found     # nothing yet
    reverse t0-0 id=r                         => declined: transaction_not_found
    reverse t0-3 id=r                         => accepted: taken back 0, owed 10     # it bound nothing
";

// 400 days, to the millisecond; all that stands in the way is told.
const WINDOW: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 100
    redeem  A1 M1 40 as=R
    redeem  A1 M1 10 as=S
    reverse S
    wait    34560000
    reverse R 1                               => accepted: restored 1
    wait    0.001
    reverse R 1                               => refused: reversal_window_passed
    reverse R                                 => refused: reversal_window_passed
    reverse R 40                              => refused: reversal_window_passed, exceeds_transaction 40 of 39
    reverse S                                 => refused: already_reversed, reversal_window_passed
    # As long again as answers are kept, and it is not found any more.
    wait    604799.999
    reverse R 1                               => refused: reversal_window_passed
    wait    0.001
    reverse R 1                               => declined: transaction_not_found
";

// The merchants' accounts are gross, and what was taken back stands beside them.
const ACCOUNTS: &str = "
    merchant M1
    merchant M2
    enrol   A1
    earn    A1 M1 100 as=E
    redeem  A1 M2 60 as=R
    account M1                                => issued 100 less 0, accepted 0 less 0
    account M2                                => issued 0 less 0, accepted 60 less 0
    reverse R 20
    account M2                                => issued 0 less 0, accepted 60 less 20
    reverse E 70                              => accepted: taken back 60, owed 10
    account M1                                => issued 100 less 70, accepted 0 less 0
    account M2                                => issued 0 less 0, accepted 60 less 20
    reverse R                                 => accepted: restored 40
    account M2                                => issued 0 less 0, accepted 60 less 60
    account M2 miles                          => none
";

// A lot that was emptied comes back to where it stood.
const FIRST_EARNED: &str = "
    merchant M1
    merchant M2
    enrol   A1
    earn    A1 M1 10
    wait    1
    redeem  A1 M1 10 as=R
    lots    A1                                => none
    earn    A1 M2 5
    wait    1
    reverse R 4                               => accepted
    lots    A1                                => M1 4, M2 5
    redeem  A1 M2 4 as=S                      => accepted: M1 4
    # Also for points that are new: they join the old lot.
    wait    1
    earn    A1 M1 7
    lots    A1                                => M1 7, M2 5
";

#[test]
fn a_spend_comes_back_in_the_opposite_order() {
    check(SPEND);
}

#[test]
fn captures_are_reversed_one_by_one() {
    check(CAPTURES);
}

#[test]
fn a_late_capture_is_reversed_like_any_other() {
    check(LATE);
}

#[test]
fn an_earn_is_taken_from_its_lot_then_from_others_then_owed() {
    check(EARN);
}

#[test]
fn a_debt_is_paid_by_whatever_comes_in() {
    check(DEBT);
}

#[test]
fn reversals_know_no_state_of_the_member() {
    check(STATES);
}

#[test]
fn reversals_are_refused_with_every_reason() {
    check(REFUSALS);
}

#[test]
fn only_an_accepted_command_of_a_member_is_a_transaction() {
    check(NOT_FOUND);
}

#[test]
fn what_is_too_old_stays_as_it_is() {
    check(WINDOW);
}

#[test]
fn merchants_accounts_show_what_was_taken_back() {
    check(ACCOUNTS);
}

#[test]
fn a_lot_remembers_when_it_was_first_earned() {
    check(FIRST_EARNED);
}

/// Goal: refunds find room, but not without bound: a member may get back twice as many lots as may be earned.
#[test]
fn refunds_may_make_twice_as_many_lots() {
    let mut rules = small_rules();
    rules.lots_per_wallet_max = 2;
    check_under(
        rules,
        "
        merchant M1
        enrol   A1
        earn    A1 M1 1 class=a
        earn    A1 M1 1 class=b
        redeem  A1 M1 2 as=R1
        earn    A1 M1 1 class=c
        earn    A1 M1 1 class=d
        redeem  A1 M1 2 as=R2
        earn    A1 M1 1 class=e
        reverse R1                            => accepted: restored 2
        earn    A1 M1 1 class=f               => refused: member_limit_reached 3 of 2
        reverse R2                            => refused: member_limit_reached 5 of 4
        reverse R2 1                          => accepted: restored 1
        reverse R2                            => refused: member_limit_reached 5 of 4
        redeem  A1 M1 3
        reverse R2                            => accepted: restored 1
        ",
    );
}

/// Goal: no balance grows beyond what is a number in JSON, whichever way points come in.
#[test]
fn a_refund_needs_room() {
    check(
        "
        merchant M1
        enrol   A1
        earn    A1 M1 10
        redeem  A1 M1 10 as=R
        earn    A1 M1 9007199254740986
        reverse R                             => refused: member_limit_reached 10 of 5
        reverse R 6                           => refused: member_limit_reached 6 of 5
        reverse R 5                           => accepted: restored 5
        ",
    );
}
