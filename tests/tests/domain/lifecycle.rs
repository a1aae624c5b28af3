//! Members who are frozen, closed or forgotten.

use jifen_tests::scenario::check;

pub(crate) const TABLES: &[&str] = &[FROZEN, CLOSED, FORFEITED, OPEN_HOLDS, ERASED, REFUSALS];

// Ruling 10: frozen is no hold and no redemption; everything else works.
const FROZEN: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 100
    hold    A1 M1 30 as=H1
    hold    A1 M1 20 as=H2
    member  A1                                => active
    unfreeze A1                               => accepted              # changes nothing
    freeze  A1                                => accepted
    deeds                                     => frozen
    member  A1                                => frozen
    freeze  A1                                => accepted              # changes nothing
    redeem  A1 M1 10                          => refused: member_frozen
    redeem  A1 M1 51                          => refused: member_frozen, insufficient_points 51 of 50
    hold    A1 M1 10                          => refused: member_frozen, member_limit_reached 3 of 2
    earn    A1 M1 10                          => accepted
    enrol   A1 city=Bern                      => accepted
    capture H1 10                             => accepted: captured 10, released 20
    release H2                                => accepted: released 20
    adjust  A1 -1                             => accepted
    balance A1                                => 99 available, 0 held
    unfreeze A1                               => accepted
    deeds                                     => unfrozen
    member  A1                                => active
    redeem  A1 M1 99                          => accepted
";

const CLOSED: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 100
    hold    A1 M1 30 as=H ttl=10
    wait    11
    sweep                                     => 1
    freeze  A1
    close   A1                                => accepted: forfeited 100
    deeds                                     => closed
    moves                                     => M1 100 available>breakage
    member  A1                                => closed
    balance A1                                => 0 available, 0 held
    lots    A1                                => none
    earn    A1 M1 10                          => refused: member_closed
    earn    A1 M9 10                          => declined: merchant_not_found, member_closed
    earn    A1 M1 10 at=+5                    => declined: member_closed, at_in_future
    redeem  A1 M1 10                          => refused: member_closed, insufficient_points 10 of 0
    hold    A1 M1 10                          => refused: member_closed, insufficient_points 10 of 0
    freeze  A1                                => refused: member_closed
    unfreeze A1                               => refused: member_closed
    close   A1                                => refused: member_closed
    enrol   A1 city=Bern                      => refused: member_closed
    enrol   A1                                => refused: member_closed
    # The hold is over, whoever asks.
    release H                                 => refused: hold_expired
    capture H                                 => refused: hold_expired 30 of 0, member_closed
    capture H 31                              => refused: hold_expired 31 of 0, member_closed, exceeds_hold 31 of 30
    # Nobody else may take the name.
    member  A1                                => closed
    # Closing an empty member forfeits nothing.
    enrol   A2
    close   A2                                => accepted: forfeited 0
    moves                                     => none
";

// One entry moves one kind of points; the other kinds follow at once, and what is pending goes too.
const FORFEITED: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 10 type=miles
    earn    A1 M1 100
    earn    A1 M1 50 release=+600
    earn    A1 M1 7 type=growth release=+600
    earn    A1 M1 3 type=credit as=C
    redeem  A1 M1 3 type=credit use=offset
    reverse C                                 => accepted: taken back 0, owed 3
    close   A1                                => accepted: forfeited 150
    deeds                                     => closed, lapsed, lapsed
    moves                                     => M1 100 available>breakage, M1 50 pending>breakage, M1 10 available>breakage, M1 7 pending>breakage
    balance A1                                => 0 available, 0 held
    balance A1 miles                          => 0 available, 0 held
    balance A1 growth                         => 0 available, 0 held
    # What is owed stays owed.
    balance A1 credit                         => 0 available, 0 held, 3 owed
    wait    601
    sweep                                     => 0
";

const OPEN_HOLDS: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 100
    hold    A1 M1 30 as=H1
    hold    A1 M1 30 as=H2
    close   A1 id=x                           => refused: member_has_holds 2 of 0
    release H1
    close   A1                                => refused: member_has_holds 1 of 0
    capture H2 10 more
    close   A1                                => refused: member_has_holds 1 of 0
    close   A1 id=x                           => replayed: refused: member_has_holds 2 of 0
    capture H2
    close   A1                                => accepted: forfeited 70
";

// Attributes go, the books stay.
const ERASED: &str = "
    merchant M1
    enrol   A1 memo=x*1000
    earn    A1 M1 100
    enrol   A1 more=x*100                     => refused: member_limit_reached 1025 of 1024
    erase   A1                                => accepted
    deeds                                     => erased
    enrol   A1 more=x*1000                    => accepted              # there is room again
    erase   A1                                => accepted
    erase   A1                                => accepted              # changes nothing
    balance A1                                => 100 available, 0 held
    freeze  A1
    erase   A1                                => accepted
    member  A1                                => frozen
    close   A1
    erase   A1                                => accepted              # also of a closed member
    member  A1                                => closed
";

const REFUSALS: &str = "
    freeze  A1                                => declined: member_not_found
    unfreeze A1                               => declined: member_not_found
    close   A1                                => declined: member_not_found
    erase   A1                                => declined: member_not_found
    enrol   A1
    freeze  A1                                => accepted
";

#[test]
fn a_frozen_member_earns_and_does_not_spend() {
    check(FROZEN);
}

#[test]
fn a_closed_member_does_neither() {
    check(CLOSED);
}

#[test]
fn closing_gives_up_what_is_left() {
    check(FORFEITED);
}

#[test]
fn nobody_is_closed_with_open_holds() {
    check(OPEN_HOLDS);
}

#[test]
fn attributes_are_erased_and_the_books_stay() {
    check(ERASED);
}

#[test]
fn strangers_have_no_life() {
    check(REFUSALS);
}
