//! Adjustments: the operator puts a balance right.

use jifen_tests::scenario::check;

pub(crate) const TABLES: &[&str] = &[UP_AND_DOWN, DOWN, REFUSALS, BOUNDS];

// Ruling 11.
const UP_AND_DOWN: &str = "
    merchant M1
    enrol   A1
    adjust  A1 +100 reason=migrated           => accepted
    balance A1                                => 100 available, 0 held
    lots    A1                                => operator/adjustment 100
    moves                                     => operator/adjustment 100 adjustment>available
    deeds                                     => adjusted
    adjust  A1 -30                            => accepted
    moves                                     => operator/adjustment 30 available>adjustment
    adjust  A1 +5 type=miles                  => accepted
    balance A1 miles                          => 5 available, 0 held
    # These points are like any others, and are nobody's to be settled.
    redeem  A1 M1 20                          => accepted: operator/adjustment 20
    account M1                                => issued 0 less 0, accepted 20 less 0
    # A merchant may be called like the operator: it is the same lot then only if all else is equal.
    merchant operator
    earn    A1 operator 1                     => accepted: operator 1
    lots    A1                                => operator/adjustment 50, operator 1
";

const DOWN: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 30
    earn    A1 M1 20 day=2026-11-01
    earn    A1 M1 10 day=2026-10-01
    hold    A1 M1 5
    adjust  A1 -56                            => refused: insufficient_points 56 of 55
    adjust  A1 -26                            => accepted
    lots    A1                                => M1/2026-10-01 0 and 5 held, M1 29
    account M1                                => issued 60 less 0, accepted 0 less 0
";

const REFUSALS: &str = "
    enrol   A1
    adjust  A2 +1                             => declined: member_not_found
    adjust  A2 +1 type=stars                  => declined: member_not_found, unknown_point_type
    adjust  A1 +1 type=stars                  => declined: unknown_point_type
    adjust  A1 -1                             => refused: insufficient_points 1 of 0
    adjust  A1 +3
    # A frozen member's balance can be put right, either way.
    freeze  A1
    adjust  A1 +1                             => accepted
    adjust  A1 -1                             => accepted
    close   A1                                => accepted: forfeited 3
    adjust  A1 +1                             => refused: member_closed
    adjust  A1 -1                             => refused: member_closed, insufficient_points 1 of 0
    adjust  A1 -1 type=stars                  => declined: member_closed, unknown_point_type
";

const BOUNDS: &str = "
    merchant M1
    enrol   A1
    adjust  A1 +9007199254740991              => accepted
    adjust  A1 +1                             => refused: member_limit_reached 1 of 0
    adjust  A1 -9007199254740991              => accepted
    earn    A1 M1 1 class=a
    earn    A1 M1 1 class=b
    earn    A1 M1 1 class=c
    adjust  A1 +1                             => refused: member_limit_reached 4 of 3
    adjust  A1 +9007199254740989              => refused: member_limit_reached 4 of 3, member_limit_reached 9007199254740989 of 9007199254740988
    redeem  A1 M1 1
    adjust  A1 +1                             => accepted
    adjust  A1 +1                             => accepted
";

#[test]
fn a_balance_is_put_right_either_way() {
    check(UP_AND_DOWN);
}

#[test]
fn what_lapses_first_is_taken_first() {
    check(DOWN);
}

#[test]
fn adjustments_are_refused_with_every_reason() {
    check(REFUSALS);
}

#[test]
fn adjustments_keep_to_the_bounds() {
    check(BOUNDS);
}
