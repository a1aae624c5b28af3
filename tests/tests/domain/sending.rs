//! Points sent from one member to another.

use jifen_tests::scenario::check;

pub(crate) const TABLES: &[&str] = &[SENDING, LIMIT, REFUSED];

const SENDING: &str = "
    merchant M1
    enrol    A1
    enrol    A2
    earn     A1 M1 40 day=2026-10-01
    earn     A1 M1 50 day=2026-12-31
    transfer A1 A2 60 as=T1                     => accepted
    balance  A1                                 => 30 available, 0 held
    lots     A2                                 => M1/2026-10-01 40, M1/2026-12-31 20
    reverse  T1                                 => refused: not_reversible
    transfer A2 A1 10 id=once                   => accepted
    transfer A2 A1 10 id=once                   => replayed
    transfer A2 A1 11 id=once                   => declined: request_id_reused
    lots     A2                                 => M1/2026-10-01 30, M1/2026-12-31 20
    account  M1                                 => issued 90 less 0, accepted 0 less 0
";

#[test]
fn points_keep_their_lots_on_the_way() {
    check(SENDING);
}

const LIMIT: &str = "
    clock    2026-09-21 23:59:50
    merchant M1
    enrol    A1
    enrol    A2
    earn     A1 M1 500
    transfer A1 A2 101                          => refused: member_limit_reached 101 of 100 until 10.000
    transfer A1 A2 100
    transfer A1 A2 1                            => refused: member_limit_reached 1 of 0 until 10.000
    # Each member has a limit, and each kind of points.
    transfer A2 A1 60
    # What comes back does not count.
    close    A2
    wait     10
    transfer A1 A2 100                          => refused: member_closed
    transfer A1 A2 100                          => refused: member_closed
    enrol    A3
    transfer A1 A3 70
    transfer A1 A3 31                           => refused: member_limit_reached 31 of 30 until 86410.000
    transfer A1 A3 30
";

#[test]
fn a_member_sends_so_many_points_a_day() {
    check(LIMIT);
}

const REFUSED: &str = "
    merchant M1
    enrol    A1
    enrol    A2
    earn     A1 M1 50
    earn     A1 M1 50 type=growth
    transfer A1 A9 10                           => refused: member_not_found
    balance  A1                                 => 50 available, 0 held
    transfer A9 A1 10                           => declined: member_not_found
    transfer A9 A1 10 type=sand                 => declined: member_not_found, unknown_point_type
    transfer A1 A2 51                           => refused: insufficient_points 51 of 50
    transfer A1 A2 10 type=sand                 => declined: unknown_point_type
    transfer A1 A2 10 type=growth               => refused: not_eligible
    freeze   A1
    transfer A1 A2 10                           => refused: member_frozen
    unfreeze A1
    # So many lots may one wallet have, twice as many when points come back.
    earn     A2 M1 1 day=2026-10-01
    earn     A2 M1 1 day=2026-10-02
    earn     A2 M1 1 day=2026-10-03
    earn     A1 M1 1 day=2026-11-01
    earn     A1 M1 1 day=2026-11-02
    transfer A1 A2 2                            => accepted
    earn     A1 M1 1 day=2026-11-03
    earn     A1 M1 1 day=2026-11-04
    transfer A1 A2 2                            => refused: member_limit_reached
    transfer A1 A2 1                            => accepted
    lots     A1                                 => M1/2026-11-04 1, M1 50
";

#[test]
fn transfers_are_refused_with_every_reason() {
    check(REFUSED);
}
