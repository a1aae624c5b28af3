//! Redemption: points go at once, in the order in which they lapse.

use jifen_tests::scenario::check;

pub(crate) const TABLES: &[&str] = &[BALANCE, ORDER, REFUSALS, ELIGIBILITY];

const BALANCE: &str = "
    merchant M1
    enrol  A1
    earn   A1 M1 100                          => accepted
    redeem A1 M1 101                          => refused: insufficient_points 101 of 100
    redeem A1 M1 60 id=r7                     => accepted: M1 60
    redeem A1 M1 60 id=r7                     => replayed            # the same request, the same answer
    redeem A1 M1 61 id=r7                     => declined: request_id_reused
    balance A1                                => 40 available, 0 held
    redeem A1 M1 40                           => accepted: M1 40
    balance A1                                => 0 available, 0 held
    lots A1                                   => none
    redeem A1 M1 1                            => refused: insufficient_points 1 of 0
    # A lot that was emptied can be filled again.
    earn   A1 M1 3
    redeem A1 M1 2                            => accepted: M1 2
";

// C5: lapses first, then first earned; without a last day last.
const ORDER: &str = "
    merchant M1
    merchant M2
    merchant M3
    enrol  A1
    earn   A1 M3 30
    wait   1
    earn   A1 M2 20 day=20900
    wait   1
    earn   A1 M1 10 day=20800
    lots   A1                                 => M1/20800 10, M2/20900 20, M3 30
    redeem A1 M3 5                            => accepted: M1/20800 5
    redeem A1 M3 6                            => accepted: M1/20800 5, M2/20900 1
    wait   1
    earn   A1 M1 8 day=20900
    lots   A1                                 => M2/20900 19, M1/20900 8, M3 30
    redeem A1 M3 47                           => accepted: M2/20900 19, M1/20900 8, M3 20
    # Held points are passed over.
    earn   A1 M1 4 day=20800
    hold   A1 M1 4
    redeem A1 M1 10                           => accepted: M3 10
    lots   A1                                 => M1/20800 0 and 4 held
    redeem A1 M1 1                            => refused: insufficient_points 1 of 0
    # Whose points they were is told, wherever they are spent.
    balance A1                                => 0 available, 4 held
";

const REFUSALS: &str = "
    enrol  A1
    redeem A1 M1 10                           => declined: merchant_not_found, insufficient_points 10 of 0
    redeem A2 M1 10                           => declined: member_not_found, merchant_not_found
    merchant M1
    redeem A2 M1 10                           => declined: member_not_found
    redeem A2 M1 10 type=stars                => declined: member_not_found, unknown_point_type
    redeem A1 M1 10 type=stars                => declined: unknown_point_type
    redeem A1 M1 10                           => refused: insufficient_points 10 of 0
    earn   A1 M1 10
    redeem A1 M1 10 type=miles                => refused: insufficient_points 10 of 0
    redeem A1 M2 10                           => declined: merchant_not_found
    redeem A1 M1 10 use=goods order=o-1 cash=1990  => accepted: M1 10
";

// Kinds of points are good for some uses; `offset` is one of its own, all others are redemption.
const ELIGIBILITY: &str = "
    merchant M1
    enrol  A1
    earn   A1 M1 100 type=miles
    earn   A1 M1 100 type=credit
    earn   A1 M1 100 type=growth
    redeem A1 M1 10 type=miles use=goods      => accepted
    redeem A1 M1 10 type=miles                => accepted
    redeem A1 M1 10 type=miles use=offset     => refused: not_eligible
    redeem A1 M1 10 type=credit use=offset    => accepted
    redeem A1 M1 10 type=credit use=gift      => refused: not_eligible
    redeem A1 M1 10 type=credit               => refused: not_eligible
    redeem A1 M1 10 type=growth               => refused: not_eligible
    redeem A1 M1 10 type=growth use=offset    => refused: not_eligible
    hold   A1 M1 10 type=miles use=offset     => refused: not_eligible
    hold   A1 M1 10 type=miles use=gift       => accepted
    hold   A1 M1 10 type=credit               => refused: not_eligible
    hold   A1 M1 10 type=credit use=offset    => accepted
    # With everything else that stands in the way, in the order of the codes.
    hold   A1 M1 81 type=miles use=offset     => refused: not_eligible, member_limit_reached 3 of 2, insufficient_points 81 of 70
    freeze A1
    redeem A1 M1 101 type=growth              => refused: member_frozen, not_eligible, insufficient_points 101 of 100
    redeem A1 M2 101 type=growth              => declined: merchant_not_found, member_frozen, not_eligible, insufficient_points 101 of 100
    redeem A1 M1 1 type=stars                 => declined: member_frozen, unknown_point_type
    hold   A1 M1 81 type=miles use=offset     => refused: member_frozen, not_eligible, member_limit_reached 3 of 2, insufficient_points 81 of 70
    # What cannot be spent can still be put right.
    adjust A1 -100 type=growth                => accepted
";

#[test]
fn points_are_spent_on_what_their_kind_is_good_for() {
    check(ELIGIBILITY);
}

#[test]
fn a_spend_needs_its_points() {
    check(BALANCE);
}

#[test]
fn what_lapses_first_is_spent_first() {
    check(ORDER);
}

#[test]
fn spends_are_refused_with_every_reason() {
    check(REFUSALS);
}
