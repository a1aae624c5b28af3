//! Enrolment, merchants, and points that come in.

use jifen_tests::scenario::{check, check_under, small_rules};

pub(crate) const TABLES: &[&str] = &[
    ENROLMENT,
    MERCHANTS,
    LOTS,
    MERGING,
    FIRST_EARNED,
    REFUSALS,
    BOUNDS,
];

const ENROLMENT: &str = "
    enrol A1                                  => accepted
    enrol A1                                  => accepted       # under a new id: changes nothing
    enrol A1 city=Bern                        => accepted
    enrol A1 city=Basel street=Rheingasse     => accepted       # replaces the attribute of the same name
    balance A1                                => 0 available, 0 held
    lots A1                                   => none

    # Attributes together take at most 1,024 bytes, names included.
    enrol A1 memo=x*990                       => accepted
    enrol A1 more=x*10                        => refused: member_limit_reached 1025 of 1024
    enrol A1 memo=x*900                       => accepted       # replaced, so there is room
    enrol A1 more=x*10                        => accepted
";

const MERCHANTS: &str = "
    merchant M1 name=Tea                      => accepted: version 1, new
    merchant M1 name=Tea                      => accepted: version 1, unchanged
    merchant M1 name=Tea+Coffee               => accepted: version 2, new
    merchant M1 name=Tea                      => accepted: version 3, new
    merchant M2 name=Tea                      => accepted: version 1, new
    # A merchant may be called like a point type, a class or a member.
    merchant points                           => accepted: version 1, new
    enrol    M1                               => accepted
    earn     M1 points 5 class=M2             => accepted: points/M2 5
";

const LOTS: &str = "
    merchant M1
    merchant M2
    enrol A1
    earn  A1 M1 100                           => accepted: M1 100
    earn  A1 M1 20 day=20800                  => accepted: M1/20800 20
    earn  A1 M1 5 class=invitation            => accepted: M1/invitation 5
    balance A1                                => 125 available, 0 held
    # Point types never mix, and each has room for its own lots.
    earn  A1 M1 7 type=miles                  => accepted: M1 7
    balance A1 miles                          => 7 available, 0 held
    balance A1                                => 125 available, 0 held
    # What lapses first stands first; points without a last day stand last.
    lots A1                                   => M1/20800 20, M1 100, M1/invitation 5
";

const MERGING: &str = "
    merchant M1
    enrol A1
    earn  A1 M1 100 day=20800
    wait  10
    earn  A1 M1 11 day=20800                  => accepted: M1/20800 11
    lots  A1                                  => M1/20800 111
    # Another class or last day is another lot.
    earn  A1 M1 1 day=20801
    earn  A1 M1 2 day=20800 class=bought
    lots  A1                                  => M1/20800 111, M1/bought/20800 2, M1/20801 1
    # All three lots are there; a fourth is one too many, but these still grow.
    earn  A1 M1 1 day=20800                   => accepted
    earn  A1 M1 1 day=20802                   => refused: member_limit_reached 4 of 3
";

// First earned of a lot is the earliest of its parts.
const FIRST_EARNED: &str = "
    merchant M1
    merchant M2
    enrol A1
    wait  100
    earn  A1 M1 10 day=20800
    wait  1
    earn  A1 M2 20 day=20800
    lots  A1                                  => M1/20800 10, M2/20800 20
    # A late delivery: these points were earned before all others, and so is now the lot that they join.
    earn  A1 M2 1 day=20800 at=-60            => accepted: M2/20800 1
    lots  A1                                  => M2/20800 21, M1/20800 10
    # Later parts do not move a lot back.
    earn  A1 M2 1 day=20800                   => accepted
    lots  A1                                  => M2/20800 22, M1/20800 10
    # Nor does being held as a whole and coming back.
    hold  A1 M1 22 as=H1
    lots  A1                                  => M2/20800 0 and 22 held, M1/20800 10
    earn  A1 M2 5 day=20800
    release H1
    lots  A1                                  => M2/20800 27, M1/20800 10
";

const REFUSALS: &str = "
    enrol A1
    earn  A1 M1 10                            => declined: merchant_not_found
    merchant M1
    earn  A2 M1 10                            => declined: member_not_found
    earn  A2 M2 10                            => declined: member_not_found, merchant_not_found
    earn  A1 M1 10 type=stars                 => declined: unknown_point_type
    earn  A1 M1 10 at=+1                      => declined: at_in_future
    earn  A1 M1 10 at=+0                      => accepted
    earn  A2 M2 10 at=+1 type=stars           => declined: member_not_found, merchant_not_found, at_in_future, unknown_point_type
    # The engine's time does not go back, so this is no longer the future.
    wait  10
    enrol A1
    back  5
    earn  A1 M1 10 at=+5                      => accepted
    earn  A1 M1 10 at=+6                      => declined: at_in_future
";

const BOUNDS: &str = "
    merchant M1
    enrol A1
    earn  A1 M1 9007199254740991              => accepted
    earn  A1 M1 1                             => refused: member_limit_reached 1 of 0
    # Held points count: they may come back.
    hold  A1 M1 5 as=H1
    earn  A1 M1 1                             => refused: member_limit_reached 1 of 0
    capture H1
    earn  A1 M1 6                             => refused: member_limit_reached 6 of 5
    earn  A1 M1 5                             => accepted
    # Another point type has its own bound.
    earn  A1 M1 9007199254740991 type=miles   => accepted
    # Both bounds at once; the number of lots is told first.
    earn  A1 M1 1 class=b type=miles day=29991  => refused: member_limit_reached 1 of 0
    redeem A1 M1 9007199254740991 type=miles  => accepted
    earn  A1 M1 1 type=miles day=29991
    earn  A1 M1 1 type=miles day=29992
    earn  A1 M1 9007199254740980 type=miles day=29993
    earn  A1 M1 10 type=miles day=29994         => refused: member_limit_reached 4 of 3, member_limit_reached 10 of 9
    # A merchant that is not there yet binds nothing, and all reasons are told.
    earn  A1 M2 10 type=miles                 => declined: merchant_not_found, member_limit_reached 4 of 3, member_limit_reached 10 of 9
";

#[test]
fn enrolment_adds_what_is_given() {
    check(ENROLMENT);
}

#[test]
fn merchants_are_documents_with_versions() {
    check(MERCHANTS);
}

#[test]
fn earned_points_lie_in_lots() {
    check(LOTS);
}

#[test]
fn equal_lots_merge() {
    check(MERGING);
}

#[test]
fn a_lot_is_as_old_as_its_oldest_part() {
    check(FIRST_EARNED);
}

#[test]
fn earns_are_refused_with_every_reason() {
    check(REFUSALS);
}

#[test]
fn no_balance_and_no_wallet_grows_beyond_its_bound() {
    check(BOUNDS);
}

/// Goal: a shard with the default rules takes as many lots as it says, and an entry that names all of them is written.
#[test]
fn a_spend_may_take_from_every_lot_there_can_be() {
    let mut rules = small_rules();
    rules.lots_per_wallet_max = 256;
    let mut table = "merchant M1\nenrol A1\n".to_owned();
    for day in 0..256 {
        table += &format!("earn A1 M1 2 day={}\n", 20_800 + day);
    }
    table += "
        earn    A1 M1 1                       => refused: member_limit_reached 257 of 256
        hold    A1 M1 512 as=H1
        capture H1 255 more                   => accepted: captured 255, released 0
        capture H1 1                          => accepted: captured 1, released 256
        redeem  A1 M1 256                     => accepted
        lots    A1                            => none
    ";
    check_under(rules, &table);
}
