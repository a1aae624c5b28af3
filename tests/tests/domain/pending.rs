//! Points that are granted now and can be spent later.

use jifen_tests::scenario::check;

pub(crate) const TABLES: &[&str] = &[
    MATURING, TOGETHER, FREES_AT, TAKEN_BACK, BOUNDS, LAPSING, DEBT,
];

const MATURING: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 100 release=+60             => accepted: M1 100
    deeds                                     => earned-pending
    moves                                     => M1 100 issued>pending
    balance A1                                => 0 available, 0 held, 100 pending
    lots    A1                                => none
    wait    59.999
    redeem  A1 M1 1                           => refused: insufficient_points 1 of 0 until 60.000
    wait    0.001
    # What is due comes first, and then the command is judged.
    redeem  A1 M1 1                           => accepted: M1 1
    deeds                                     => matured, redeemed
    moves                                     => M1 100 pending>available, M1 1 available>M1
    balance A1                                => 99 available, 0 held
    # Nobody needs to ask.
    earn    A1 M1 50 release=+60
    wait    61
    sweep                                     => 1
    deeds                                     => matured
    balance A1                                => 149 available, 0 held
    sweep                                     => 0
    # Only a later moment counts.
    earn    A1 M1 1 release=+0
    deeds                                     => earned
    earn    A1 M1 1 release=-5
    deeds                                     => earned
    balance A1                                => 151 available, 0 held
    # A frozen member's points mature as well.
    earn    A1 M1 9 release=+5
    freeze  A1
    wait    5
    unfreeze A1
    deeds                                     => matured, unfrozen
";

// One entry for everything of a kind that is due; kinds in the order in which the member met them.
const TOGETHER: &str = "
    merchant M1
    merchant M2
    enrol   A1
    earn    A1 M1 1 type=miles release=+10
    earn    A1 M1 20 release=+10
    earn    A1 M2 30 day=2026-10-01 release=+5
    earn    A1 M1 40 release=+99
    wait    10
    enrol   A1
    deeds                                     => matured, matured, enrolled
    moves                                     => M1 1 pending>available, M1 20 pending>available, M2/2026-10-01 30 pending>available
    balance A1                                => 50 available, 0 held, 40 pending
    lots    A1                                => M2/2026-10-01 30, M1 20
    # First earned is when it was earned, not when it could be spent.
    enrol   A2
    earn    A2 M1 5 release=+10
    wait    1
    earn    A2 M2 5
    wait    10
    enrol   A2
    lots    A2                                => M1 5, M2 5
";

// A refusal tells when there will be enough, if there will be.
const FREES_AT: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 10
    earn    A1 M1 30 class=b release=+300
    earn    A1 M1 20 class=a release=+100
    redeem  A1 M1 11                          => refused: insufficient_points 11 of 10 until 100.000
    redeem  A1 M1 30                          => refused: insufficient_points 30 of 10 until 100.000
    redeem  A1 M1 31                          => refused: insufficient_points 31 of 10 until 300.000
    redeem  A1 M1 60                          => refused: insufficient_points 60 of 10 until 300.000
    redeem  A1 M1 61                          => refused: insufficient_points 61 of 10
    hold    A1 M1 31                          => refused: insufficient_points 31 of 10 until 300.000
    redeem  A1 M1 1 type=miles                => refused: insufficient_points 1 of 0
    # A debt is paid first.
    redeem  A1 M1 10 as=R
    earn    A1 M1 5 class=c as=E
    redeem  A1 M1 5
    reverse E                                 => accepted: taken back 0, owed 5
    redeem  A1 M1 15                          => refused: insufficient_points 15 of 0 until 100.000
    redeem  A1 M1 16                          => refused: insufficient_points 16 of 0 until 300.000
";

// A take-back takes what is pending of that very earn first.
const TAKEN_BACK: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 100 release=+60 as=E
    earn    A1 M1 50 release=+60 as=F
    earn    A1 M1 10
    reverse E 30                              => accepted: taken back 30, owed 0
    moves                                     => M1 30 pending>issued
    balance A1                                => 10 available, 0 held, 120 pending
    reverse F                                 => accepted: taken back 50, owed 0
    balance A1                                => 10 available, 0 held, 70 pending
    wait    60
    reverse E 20                              => accepted: taken back 20, owed 0
    deeds                                     => matured, reversed-earn
    balance A1                                => 60 available, 0 held
    # Taken back whole, there is nothing left to mature.
    earn    A1 M1 5 release=+60 as=G
    reverse G                                 => accepted: taken back 5, owed 0
    wait    61
    sweep                                     => 0
    reverse G                                 => refused: already_reversed
";

// What is pending takes room: it will be there.
const BOUNDS: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 9007199254740990 release=+60
    earn    A1 M1 2                           => refused: member_limit_reached 2 of 1
    earn    A1 M1 2 release=+60               => refused: member_limit_reached 2 of 1
    earn    A1 M1 1                           => accepted
    # A pending part counts as a lot.
    enrol   A2
    earn    A2 M1 1 class=a
    earn    A2 M1 1 class=b release=+60
    earn    A2 M1 1 class=c release=+60
    earn    A2 M1 1 class=d                   => refused: member_limit_reached 4 of 3
    earn    A2 M1 1 class=d release=+60       => refused: member_limit_reached 4 of 3
    adjust  A2 +1                             => refused: member_limit_reached 4 of 3
    earn    A2 M1 1 class=a                   => accepted
    # Also if it is to join a lot that is there: it is kept apart until then.
    earn    A2 M1 1 class=a release=+60       => refused: member_limit_reached 4 of 3
";

// Pending points lapse when they are released, if their last day is over by then; not while they are pending.
const LAPSING: &str = "
    clock   2026-09-30 12:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 10 day=2026-10-01 release=+86400
    earn    A1 M1 20 day=2026-10-01 class=late release=+172800
    earn    A1 M1 30 day=2026-09-29 class=past release=+60
    balance A1                                => 0 available, 0 held, 60 pending
    # What will have lapsed when it is released frees nothing.
    redeem  A1 M1 10                          => refused: insufficient_points 10 of 0 until 86400.000
    redeem  A1 M1 11                          => refused: insufficient_points 11 of 0
    clock   2026-10-01 12:00:00
    enrol   A1
    deeds                                     => matured, enrolled
    moves                                     => M1/2026-10-01 10 pending>available, M1/past/2026-09-29 30 pending>breakage
    clock   2026-10-02 00:00:00
    enrol   A1
    deeds                                     => lapsed, enrolled
    balance A1                                => 0 available, 0 held, 20 pending
    clock   2026-10-02 12:00:00
    sweep                                     => 1
    moves                                     => M1/late/2026-10-01 20 pending>breakage
    balance A1                                => 0 available, 0 held
";

const DEBT: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 10 as=E
    redeem  A1 M1 10
    earn    A1 M1 30 class=p release=+60
    reverse E                                 => accepted: taken back 0, owed 10
    # What is pending pays nothing yet.
    balance A1                                => 0 available, 0 held, 30 pending, 10 owed
    wait    60
    enrol   A1
    moves                                     => M1/p 20 pending>available, M1/p 10 pending>owed
    balance A1                                => 20 available, 0 held
";

#[test]
fn pending_points_become_available_when_their_time_comes() {
    check(MATURING);
}

#[test]
fn what_is_due_together_matures_together() {
    check(TOGETHER);
}

#[test]
fn a_refusal_tells_when_there_will_be_enough() {
    check(FREES_AT);
}

#[test]
fn pending_points_are_taken_back_first() {
    check(TAKEN_BACK);
}

#[test]
fn pending_points_take_room() {
    check(BOUNDS);
}

#[test]
fn pending_points_lapse_when_they_are_released() {
    check(LAPSING);
}

#[test]
fn pending_points_pay_a_debt_when_they_are_released() {
    check(DEBT);
}
