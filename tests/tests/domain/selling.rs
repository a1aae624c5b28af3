//! Sales: reserving, paying, giving back, and the codes of what was sold.

use jifen_tests::scenario::{check, check_under, small_rules};

pub(crate) const TABLES: &[&str] = &[
    SELLING, WINDOW, LIMIT, LATE, RETURNS, CODES, CHANGES, REFUSED,
];

const SELLING: &str = "
    merchant M1
    enrol    A1
    earn     A1 M1 200
    stock    cup 3 price=30 ttl=60              => accepted: version 1, new
    on-sale  cup                                => 3
    reserve  A1 cup 2 as=R1                     => accepted: 60 held until 60.000
    balance  A1                                 => 140 available, 60 held
    on-sale  cup                                => 1
    reserve  A1 cup 2                           => declined: sold_out
    confirm  R1 as=S1                           => accepted: 2 codes
    balance  A1                                 => 140 available, 0 held
    account  M1                                 => issued 200 less 0, accepted 60 less 0
    confirm  R1                                 => refused: reservation_confirmed
    cancel   R1                                 => refused: reservation_confirmed
    reserve  A1 cup 1 as=R2                     => accepted: 30 held until 60.000
    on-sale  cup                                => 0
    cancel   R2                                 => accepted: released 30
    cancel   R2                                 => refused: reservation_cancelled
    confirm  R2                                 => refused: reservation_cancelled
    balance  A1                                 => 140 available, 0 held
    on-sale  cup                                => 1
    reserve  A1 cup 1 as=R3                     => accepted: 30 held until 60.000
    wait     60
    sweep                                       => 1
    deeds                                       => lost, units-released
    on-sale  cup                                => 1
    cancel   R3                                 => refused: reservation_expired
    confirm  r0-999                             => declined: reservation_not_found
    hold     A1 M1 5 as=H1
    confirm  H1                                 => declined: reservation_not_found
";

#[test]
fn units_are_reserved_then_paid_or_given_back() {
    check(SELLING);
}

/// The window is kept to the millisecond.
const WINDOW: &str = "
    merchant M1
    enrol    A1
    earn     A1 M1 100
    stock    cup 3 price=10 opens=+10 closes=+20
    wait     9.999
    reserve  A1 cup 1                           => declined: sale_not_open until 10.000
    wait     0.001
    reserve  A1 cup 1 as=R1                     => accepted: 10 held until 910.000
    wait     9.999
    reserve  A1 cup 1 as=R2                     => accepted: 10 held until 919.999
    cancel   R2
    wait     0.001
    reserve  A1 cup 1                           => declined: sale_closed
    confirm  R1                                 => accepted: 1 codes
";

#[test]
fn units_can_be_had_while_the_sale_is_open() {
    check(WINDOW);
}

const LIMIT: &str = "
    merchant M1
    enrol    A1
    enrol    A2
    earn     A1 M1 100
    earn     A2 M1 100
    stock    cup 9 price=10 limit=3
    reserve  A1 cup 4                           => refused: member_limit_reached 4 of 3
    reserve  A1 cup 1 as=R1
    confirm  R1 as=S1
    reserve  A1 cup 2 as=R2
    reserve  A1 cup 1                           => refused: member_limit_reached 1 of 0
    reserve  A2 cup 3
    cancel   R2
    reserve  A1 cup 3                           => refused: member_limit_reached 3 of 2
    reserve  A1 cup 2 as=R4
    confirm  R4
    # What was sold and came back may be had again.
    reverse  S1 units                           => accepted: restored 10
    reserve  A1 cup 1
    reserve  A1 cup 1                           => refused: member_limit_reached 1 of 0
";

#[test]
fn a_member_may_have_so_many_units() {
    check(LIMIT);
}

/// A late confirm takes points and units again, if both are still there.
const LATE: &str = "
    merchant M1
    enrol    A1
    enrol    A2
    earn     A1 M1 50
    earn     A2 M1 50
    stock    cup 2 price=30 ttl=60 limit=1
    reserve  A1 cup 1 as=R1
    reserve  A2 cup 1 as=R2
    wait     60
    sweep                                       => 2
    confirm  R1 as=S1                           => accepted: 1 codes
    balance  A1                                 => 20 available, 0 held
    confirm  R1                                 => refused: reservation_confirmed
    on-sale  cup                                => 1
    redeem   A2 M1 30
    confirm  R2                                 => refused: reservation_expired 30 of 20
    earn     A2 M1 10
    freeze   A2
    confirm  R2                                 => refused: member_frozen, reservation_expired
    unfreeze A2
    reserve  A2 cup 1
    confirm  R2                                 => refused: reservation_expired 30 of 0, member_limit_reached 1 of 0
";

#[test]
fn a_late_confirm_takes_what_is_still_there() {
    check(LATE);
}

const RETURNS: &str = "
    merchant M1
    enrol    A1
    earn     A1 M1 100
    stock    cup 5 price=20
    reserve  A1 cup 3 as=R1
    confirm  R1 as=S1
    code     S1 0                               => good
    # Part of the points, and the units stay where they are.
    reverse  S1 25                              => accepted: restored 25
    code     S1 0                               => good
    on-sale  cup                                => 2
    reverse  S1 10 units                        => refused: not_reversible
    reverse  S1 units                           => accepted: restored 35
    code     S1 0                               => revoked
    use      S1 0                               => refused: code_revoked
    on-sale  cup                                => 5
    reverse  S1 units                           => refused: already_reversed
    balance  A1                                 => 100 available, 0 held
    account  M1                                 => issued 100 less 0, accepted 60 less 60
    # A used code keeps the units out of the pool.
    reserve  A1 cup 2 as=R2
    confirm  R2 as=S2
    use      S2 1                               => accepted
    reverse  S2 units                           => refused: not_reversible
    reverse  S2                                 => accepted: restored 40
    code     S2 0                               => revoked
    on-sale  cup                                => 3
    # Units of what was no sale cannot come back.
    redeem   A1 M1 10 as=T1
    reverse  T1 units                           => refused: not_reversible
";

#[test]
fn what_was_sold_comes_back_with_its_units_or_without() {
    check(RETURNS);
}

const CODES: &str = "
    merchant M1
    enrol    A1
    earn     A1 M1 100
    stock    cup 5 price=10
    reserve  A1 cup 2 as=R1
    confirm  R1 as=S1
    code     S1 0                               => good
    use      S1 0                               => accepted
    code     S1 0                               => used
    code     S1 1                               => good
    use      S1 0                               => refused: code_used
    use      S1 1 id=once                       => accepted
    use      S1 1 id=once                       => replayed
";

#[test]
fn a_code_is_good_for_one_unit_once() {
    check(CODES);
}

const CHANGES: &str = "
    merchant M1
    enrol    A1
    earn     A1 M1 100
    units    cup +1                             => declined: sku_not_found
    reserve  A1 cup 1                           => declined: sku_not_found
    stock    cup 2 price=10                     => accepted: version 1, new
    stock    cup 2 price=10                     => accepted: version 1, unchanged
    stock    cup 2 price=11                     => accepted: version 2, new
    stock    cup 4 price=11                     => accepted: version 2, new
    on-sale  cup                                => 4
    reserve  A1 cup 3 as=R1                     => accepted: 33 held until 900.000
    stock    cup 2 price=11                     => refused: exceeds_stock
    units    cup -2                             => refused: exceeds_stock 2 of 1
    units    cup -1                             => accepted
    on-sale  cup                                => 0
    units    cup +2                             => accepted
    on-sale  cup                                => 2
    stock    cup 3 price=11                     => accepted: version 2, new
    on-sale  cup                                => 0
    cancel   R1
    on-sale  cup                                => 3
";

#[test]
fn a_sale_gets_more_units_or_fewer() {
    check(CHANGES);
}

const REFUSED: &str = "
    merchant M1
    enrol    A1
    earn     A1 M1 100
    earn     A1 M1 50 type=growth
    stock    cup 9 price=40
    stock    tie 9 price=5 type=growth
    stock    hat 9 price=5 type=sand            => declined: unknown_point_type
    reserve  A2 cup 1                           => declined: member_not_found
    reserve  A1 cup 3                           => refused: insufficient_points 120 of 100
    reserve  A1 tie 1                           => refused: not_eligible
    freeze   A1
    reserve  A1 cup 1                           => refused: member_frozen
    unfreeze A1
    reserve  A1 cup 1
    reserve  A1 cup 1
    reserve  A1 cup 1                           => refused: member_limit_reached 3 of 2, insufficient_points 40 of 20
";

#[test]
fn reservations_are_refused_with_every_reason() {
    check(REFUSED);
}

/// Nobody without the key can tell a code: it depends on it.
#[test]
fn codes_depend_on_the_key() {
    let codes = [0, 1].map(|key| {
        let rules = jifen_engine::ledger::Rules {
            code_key: [key; 32],
            ..small_rules()
        };
        check_under(rules.clone(), CODES);
        let mut play = jifen_tests::scenario::Play::new(rules);
        CODES.lines().try_for_each(|line| play.line(line)).unwrap();
        play.codes("S1")
    });
    assert_ne!(codes[0], codes[1]);
}
