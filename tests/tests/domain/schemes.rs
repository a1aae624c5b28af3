//! The worked examples of the schemes that need no programme rules and no transfer, by their numbers.

use jifen_tests::scenario::{check, check_under, small_rules};

pub(crate) const TABLES: &[&str] = &[
    XC_1_CAPTURED,
    XC_1_RELEASED,
    XC_2,
    XC_3_TWICE,
    XC_3_ONCE,
    XC_5,
    FZ_1,
    FZ_2,
    MH_5,
    CN_7,
    GR_3,
];

const XC_1_CAPTURED: &str = "
    clock   2024-06-30 12:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 100 day=2024-06-30
    hold    A1 M1 60 as=H ttl=604800
    clock   2024-07-01 00:00:00
    sweep                                     => 1
    moves                                     => M1/2024-06-30 40 available>breakage
    balance A1                                => 0 available, 60 held
    clock   2024-07-02 12:00:00
    capture H                                 => accepted: captured 60, released 0
    moves                                     => M1/2024-06-30 60 held>M1
    balance A1                                => 0 available, 0 held
";

const XC_1_RELEASED: &str = "
    clock   2024-06-30 12:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 100 day=2024-06-30
    hold    A1 M1 60 as=H ttl=604800
    clock   2024-07-01 00:00:00
    sweep                                     => 1
    moves                                     => M1/2024-06-30 40 available>breakage
    clock   2024-07-02 12:00:00
    release H                                 => accepted: released 60, forfeited 60
    moves                                     => M1/2024-06-30 60 held>breakage
    balance A1                                => 0 available, 0 held
    account M1                                => issued 100 less 0, accepted 0 less 0
";

const XC_2: &str = "
    clock   2024-06-30 12:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 100 day=2024-06-30
    redeem  A1 M1 60 as=R
    clock   2024-07-05 12:00:00
    reverse R                                 => accepted: restored 60, forfeited 60
    deeds                                     => lapsed, reversed-spend
    moves                                     => M1/2024-06-30 40 available>breakage, M1/2024-06-30 60 M1>breakage
    balance A1                                => 0 available, 0 held
";

// The points are those that the rule gives for what remains of the order: 118, then 79, then 39.
const XC_3_TWICE: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 118 order=o-1 as=E
    reverse E 39                              => accepted: taken back 39, owed 0
    reverse E 40                              => accepted: taken back 40, owed 0
    balance A1                                => 39 available, 0 held
";

const XC_3_ONCE: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 118 order=o-1 as=E
    reverse E 79                              => accepted: taken back 79, owed 0
    balance A1                                => 39 available, 0 held
";

const XC_5: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 120 id=once                 => accepted: M1 120
    deeds                                     => earned
    earn    A1 M1 120 id=once                 => replayed
    deeds                                     => none
    earn    A1 M1 120 id=once                 => replayed
    deeds                                     => none
    balance A1                                => 120 available, 0 held
";

const FZ_1: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 1000
    hold    A1 M1 300 as=H
    balance A1                                => 700 available, 300 held
    capture H
    balance A1                                => 700 available, 0 held
    # Or cancelled instead.
    enrol   A2
    earn    A2 M1 1000
    hold    A2 M1 300 as=I
    balance A2                                => 700 available, 300 held
    release I
    balance A2                                => 1000 available, 0 held
";

const FZ_2: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 1000
    hold    A1 M1 600                         => accepted
    hold    A1 M1 600                         => refused: insufficient_points 600 of 400
    balance A1                                => 400 available, 600 held
";

const MH_5: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 260
    hold    A1 M1 200 as=H
    balance A1                                => 60 available, 200 held
    release H
    balance A1                                => 260 available, 0 held
    hold    A1 M1 200 as=I
    capture I
    balance A1                                => 60 available, 0 held
";

// Behind PC-1: bonus of 1,200, 800 and 3,000 is pending, participation of 3 × 5 and the level's 200 are there at once.
const PC_4: &str = "
    clock   2024-03-10 12:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 1200 class=bonus release=+907200
    earn    A1 M1 800 class=bonus release=+907200 as=BONUS
    earn    A1 M1 3000 class=bonus release=+907200
    earn    A1 M1 5 class=participation
    earn    A1 M1 5 class=participation as=PART
    earn    A1 M1 5 class=participation
    earn    A1 M1 200 class=level as=LEVEL
    balance A1                                => 215 available, 0 held, 5000 pending
    reverse BONUS                             => accepted: taken back 800, owed 0
    reverse PART                              => accepted: taken back 5, owed 0
    reverse LEVEL                             => accepted: taken back 200, owed 0
    balance A1                                => 10 available, 0 held, 4200 pending
    # Phase two begins on day 21.
    clock   2024-03-20 23:59:59.999
    sweep                                     => 0
    clock   2024-03-21 00:00:00
    sweep                                     => 1
    balance A1                                => 4210 available, 0 held
";

const CN_7: &str = "
    clock   2024-02-29 12:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 120 day=2025-02-28
    clock   2024-03-10 12:00:00
    earn    A1 M1 80 day=2025-03-10
    clock   2024-12-01 12:00:00
    redeem  A1 M1 50                          => accepted: M1/2025-02-28 50
    clock   2025-02-28 23:59:59.999
    sweep                                     => 0
    clock   2025-03-01 00:00:00
    sweep                                     => 1
    moves                                     => M1/2025-02-28 70 available>breakage
    clock   2025-03-10 23:59:59.999
    sweep                                     => 0
    clock   2025-03-11 00:00:00
    sweep                                     => 1
    moves                                     => M1/2025-03-10 80 available>breakage
    balance A1                                => 0 available, 0 held
";

// The first half: growth raises the grade and pays for nothing.
const GR_3: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 38 type=growth
    redeem  A1 M1 5 type=growth               => refused: not_eligible
    redeem  A1 M1 5 type=growth use=offset    => refused: not_eligible
    hold    A1 M1 5 type=growth               => refused: not_eligible
    balance A1 growth                         => 38 available, 0 held
";

#[test]
fn xc_1_held_points_outlive_their_last_day_and_are_captured() {
    check(XC_1_CAPTURED);
}

#[test]
fn xc_1_held_points_outlive_their_last_day_and_lapse_when_released() {
    check(XC_1_RELEASED);
}

#[test]
fn xc_2_a_refund_behind_the_last_day_lapses_at_once() {
    check(XC_2);
}

#[test]
fn xc_3_two_refunds_or_one_take_back_the_same() {
    check(XC_3_TWICE);
    check(XC_3_ONCE);
}

#[test]
fn xc_5_one_earning_delivered_three_times_is_one_posting() {
    check(XC_5);
}

#[test]
fn fz_1_a_request_freezes_then_deducts() {
    check(FZ_1);
}

#[test]
fn fz_2_one_of_two_requests_succeeds() {
    check(FZ_2);
}

#[test]
fn mh_5_an_application_is_reviewed() {
    check(MH_5);
}

#[test]
fn pc_4_a_refund_takes_back_what_is_pending() {
    let mut rules = small_rules();
    // Each of the campaign's grants is a lot or a pending part of its own.
    rules.lots_per_wallet_max = 8;
    check_under(rules, PC_4);
}

#[test]
fn cn_7_lots_lapse_one_after_the_other() {
    check(CN_7);
}

#[test]
fn gr_3_growth_cannot_be_spent() {
    check(GR_3);
}
