//! Request ids: what is said again, what is not, and for how long.

use jifen_tests::{
    coverage::Coverage,
    scenario::{check, check_under, small_rules},
};

pub(crate) const TABLES: &[&str] = &[
    AGAIN,
    CONTENT,
    SCOPE,
    BINDING,
    DOCUMENTS,
    RESTART,
    RETENTION,
    NEWER_COMMANDS,
    DUE_BEFORE,
];

const AGAIN: &str = "
    merchant M1
    enrol   A1 id=e                           => accepted
    enrol   A1 id=e                           => replayed
    earn    A1 M1 100 id=e1                   => accepted: M1 100
    redeem  A1 M1 30 id=s1 ref=basket-7       => accepted: M1 30
    hold    A1 M1 20 id=h1 as=H1              => accepted: until 900.000
    capture H1 5 more id=c1                   => accepted: captured 5, released 0
    capture H1 10 id=c2                       => accepted: captured 10, released 5
    redeem  A1 M1 99 id=s2                    => refused: insufficient_points 99 of 55
    wait    3600
    earn    A1 M1 1000
    # Whatever happened since: the answer given then, its balance included.
    earn    A1 M1 100 id=e1                   => replayed: accepted: M1 100
    redeem  A1 M1 30 id=s1 ref=basket-7       => replayed: accepted: M1 30
    hold    A1 M1 20 id=h1                    => replayed: accepted: until 900.000
    capture H1 5 more id=c1                   => replayed: accepted: captured 5, released 0
    capture H1 10 id=c2                       => replayed: accepted: captured 10, released 5
    redeem  A1 M1 99 id=s2                    => replayed: refused: insufficient_points 99 of 55
    balance A1                                => 1055 available, 0 held
";

const CONTENT: &str = "
    merchant M1
    merchant M2
    enrol   A1
    earn    A1 M1 100 id=r class=bought day=20800 order=o-1 ref=x note=y
    earn    A1 M1 100 id=r class=bought day=20800 order=o-1 ref=x note=y    => replayed
    earn    A1 M1 101 id=r class=bought day=20800 order=o-1 ref=x note=y    => declined: request_id_reused
    earn    A1 M2 100 id=r class=bought day=20800 order=o-1 ref=x note=y    => declined: request_id_reused
    earn    A1 M1 100 id=r              day=20800 order=o-1 ref=x note=y    => declined: request_id_reused
    earn    A1 M1 100 id=r class=bought day=20801 order=o-1 ref=x note=y    => declined: request_id_reused
    earn    A1 M1 100 id=r class=bought           order=o-1 ref=x note=y    => declined: request_id_reused
    earn    A1 M1 100 id=r class=bought day=20800 order=o-2 ref=x note=y    => declined: request_id_reused
    earn    A1 M1 100 id=r class=bought day=20800           ref=x note=y    => declined: request_id_reused
    earn    A1 M1 100 id=r class=bought day=20800 order=o-1 ref=z note=y    => declined: request_id_reused
    earn    A1 M1 100 id=r class=bought day=20800 order=o-1       note=y    => declined: request_id_reused
    earn    A1 M1 100 id=r class=bought day=20800 order=o-1 ref=x note=z    => declined: request_id_reused
    earn    A1 M1 100 id=r class=bought day=20800 order=o-1 ref=x           => declined: request_id_reused
    earn    A1 M1 100 id=r class=bought day=20800 order=o-1 ref=x note=y at=-1   => declined: request_id_reused
    redeem  A1 M1 100 id=r                                                  => declined: request_id_reused
    # Reuse is told before anything else that stands in the way.
    redeem  A1 M9 999 id=r type=stars                                       => declined: request_id_reused
    hold    A1 M1 10 id=h as=H1 ttl=60
    hold    A1 M1 10 id=h ttl=61                                            => declined: request_id_reused
    hold    A1 M1 10 id=h ttl=60 use=goods                                  => declined: request_id_reused
    capture H1 4 more id=c
    capture H1 4 id=c                                                       => declined: request_id_reused
    capture H1 more id=c                                                    => declined: request_id_reused
    capture H1 5 more id=c                                                  => declined: request_id_reused
    release H1 id=c                                                         => declined: request_id_reused
    hold    A1 M1 10 as=H2
    capture H2 4 more id=c                                                  => declined: request_id_reused
    capture H1 4 more id=c                                                  => replayed
    balance A1                                                              => 80 available, 16 held
";

// The scope of an id is (principal, member): a retry names the same member, another member is another request.
const SCOPE: &str = "
    merchant M1
    enrol   A1 id=r
    enrol   A2 id=r                           => accepted
    earn    A1 M1 100 id=e                    => accepted
    earn    A2 M1 100 id=e                    => accepted
    earn    A1 M1 100 id=e by=till            => accepted
    earn    A1 M1 100 id=e by=till            => replayed
    earn    A1 M1 5   id=e by=till            => declined: request_id_reused
    balance A1                                => 200 available, 0 held
    # A hold stands for its member.
    hold    A1 M1 10 as=H1
    hold    A2 M1 10 as=H2
    capture H1 id=c                           => accepted
    capture H2 id=c                           => accepted
    release H1 id=e                           => declined: request_id_reused
    # A merchant's document has ids of its own, even if a member has the same name.
    enrol   M1 id=x                           => accepted
    merchant M1 id=x name=New                 => accepted
";

// What comes from the member's own state is said again; all else is looked at afresh.
const BINDING: &str = "
    earn    A1 M1 10 id=a                     => declined: member_not_found, merchant_not_found
    enrol   A1
    earn    A1 M1 10 id=a                     => declined: merchant_not_found
    merchant M1
    earn    A1 M1 10 id=a                     => accepted: M1 10
    earn    A1 M1 10 id=a                     => replayed

    redeem  A1 M1 11 id=b                     => refused: insufficient_points 11 of 10
    earn    A1 M1 90
    redeem  A1 M1 11 id=b                     => replayed: refused: insufficient_points 11 of 10
    redeem  A1 M1 11                          => accepted

    # One reason that binds nothing leaves the id free.
    redeem  A1 M2 999 id=c                    => declined: merchant_not_found, insufficient_points 999 of 89
    redeem  A1 M1 1 id=c                      => accepted

    capture h0-999 id=d                       => declined: hold_not_found
    earn    A1 M1 1 id=d type=stars           => declined: unknown_point_type
    earn    A1 M1 1 id=d at=+1                => declined: at_in_future
    earn    A1 M1 1 id=d                      => accepted

    hold    A1 M1 10 as=H1
    hold    A1 M1 10 as=H2
    hold    A1 M1 10 id=f                     => refused: member_limit_reached 3 of 2
    capture H1 11 id=g                        => refused: exceeds_hold 11 of 10
    capture H1
    release H2
    capture H1 id=h                           => refused: hold_captured
    capture H2 id=i                           => refused: hold_released
    hold    A1 M1 10 id=f                     => replayed
    capture H1 11 id=g                        => replayed
    capture H1 id=h                           => replayed
    capture H2 id=i                           => replayed
    # Reuse binds nothing either: the answer stays the first one.
    redeem  A1 M1 2 id=b                      => declined: request_id_reused
    redeem  A1 M1 11 id=b                     => replayed
";

const DOCUMENTS: &str = "
    merchant M1 name=Tea id=d1                => accepted: version 1, new
    merchant M1 name=Coffee id=d2             => accepted: version 2, new
    merchant M1 name=Tea id=d1                => replayed: accepted: version 1, new
    merchant M1 name=Milk id=d1               => declined: request_id_reused
    merchant M2 name=Tea id=d1                => accepted: version 1, new
    merchant M1 name=Tea id=d1 by=till        => accepted: version 3, new
";

const RESTART: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 100 id=e ref=basket
    redeem  A1 M1 999 id=s                    => refused: insufficient_points 999 of 100
    hold    A1 M1 10 id=h as=H1
    restart 10
    earn    A1 M1 100 id=e ref=basket         => replayed
    redeem  A1 M1 999 id=s                    => replayed
    hold    A1 M1 10 id=h                     => replayed
    earn    A1 M1 101 id=e ref=basket         => declined: request_id_reused
    capture H1                                => accepted
    restart 10
    restart 10
    balance A1                                => 90 available, 0 held
";

// Answers are kept for seven days at least. They are forgotten together with the records around them, so an answer may
// be remembered for longer: nothing is said here about when it is gone.
const RETENTION: &str = "
    merchant M1
    enrol   A1
    earn    A1 M1 100 id=e
    wait    604799
    redeem  A1 M1 1
    wait    1
    earn    A1 M1 100 id=e                    => replayed
    earn    A1 M1 101 id=e                    => declined: request_id_reused
    balance A1                                => 99 available, 0 held
";

// A reversal belongs to the member whose transaction it names; lifecycle commands name theirs.
const NEWER_COMMANDS: &str = "
    merchant M1
    enrol   A1
    enrol   A2
    earn    A1 M1 100 as=E1
    earn    A2 M1 100 as=E2
    earn    A1 M1 50 id=p release=+60
    earn    A1 M1 50 id=p release=+60         => replayed
    earn    A1 M1 50 id=p release=+61         => declined: request_id_reused
    earn    A1 M1 50 id=p                     => declined: request_id_reused
    reverse E1 10 id=r                        => accepted: taken back 10, owed 0
    reverse E2 10 id=r                        => accepted: taken back 10, owed 0       # another member's
    reverse E1 10 id=r                        => replayed: accepted: taken back 10, owed 0
    reverse E1 11 id=r                        => declined: request_id_reused
    reverse E1 id=r                           => declined: request_id_reused
    reverse E1 10 id=r reason=sent-back       => declined: request_id_reused
    earn    A1 M1 10 id=r                     => declined: request_id_reused
    reverse E1 10 id=r by=till                => accepted: taken back 10, owed 0
    adjust  A1 +5 id=a                        => accepted
    adjust  A1 +5 id=a                        => replayed
    adjust  A1 -5 id=a                        => declined: request_id_reused
    adjust  A1 +6 id=a                        => declined: request_id_reused
    adjust  A1 +5 id=a type=miles             => declined: request_id_reused
    adjust  A1 +5 id=a reason=other           => declined: request_id_reused
    freeze  A1 id=f                           => accepted
    freeze  A1 id=f                           => replayed
    freeze  A1 id=f reason=other              => declined: request_id_reused
    unfreeze A1 id=f                          => declined: request_id_reused
    unfreeze A1 id=u                          => accepted
    freeze  A1 id=f                           => replayed
    member  A1                                => active
    redeem  A1 M1 999 id=s                    => refused: insufficient_points 999 of 85
    close   A1 id=c                           => accepted: forfeited 135
    close   A1 id=c                           => replayed: accepted: forfeited 135
    erase   A1 id=d                           => accepted
    erase   A1 id=d                           => replayed
    # What was answered before still is, although the member is closed.
    redeem  A1 M1 999 id=s                    => replayed
    reverse E1 10 id=r                        => replayed
";

// What is due is recorded before a command is judged, but a retry is answered first and records nothing.
const DUE_BEFORE: &str = "
    clock   2026-10-01 12:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 100 id=e day=2026-10-01
    clock   2026-10-02 00:00:00
    earn    A1 M1 100 id=e day=2026-10-01     => replayed
    deeds                                     => none
    earn    A1 M1 99 id=e day=2026-10-01      => declined: request_id_reused
    deeds                                     => none
    balance A1                                => 100 available, 0 held
    # A refusal that binds nothing comes behind what is due.
    redeem  A1 M9 1                           => declined: merchant_not_found, insufficient_points 1 of 0
    deeds                                     => lapsed
";

#[test]
fn the_same_request_hears_the_same_answer() {
    check(AGAIN);
}

#[test]
fn the_same_id_with_other_content_is_reuse() {
    check(CONTENT);
}

#[test]
fn an_id_belongs_to_its_principal_and_member() {
    check(SCOPE);
}

#[test]
fn only_the_members_own_state_binds_an_id() {
    check(BINDING);
}

#[test]
fn documents_have_request_ids_too() {
    check(DOCUMENTS);
}

#[test]
fn a_restart_forgets_nothing() {
    check(RESTART);
}

#[test]
fn answers_are_kept_for_the_retention() {
    check(RETENTION);
}

#[test]
fn every_command_has_a_request_id() {
    check(NEWER_COMMANDS);
}

#[test]
fn a_retry_is_answered_before_anything_is_due() {
    check(DUE_BEFORE);
}

/// Goal: at capacity a shard refuses rather than forgetting early, still says what it remembers, and takes requests
/// again when answers are old enough to be forgotten.
///
/// The last part is a regression: forgetting came with new entries only, and a full shard took none, so once full it
/// stayed full for ever.
#[test]
fn a_full_memory_refuses_until_answers_are_old_enough() {
    full();
}

pub(crate) fn full() -> Coverage {
    let mut rules = small_rules();
    rules.request_bytes_max = 1;
    check_under(
        rules,
        "
        enrol A1 id=e                         => accepted
        enrol A2                              => declined: full
        enrol A1 id=e                         => replayed
        enrol A1 id=e city=Bern               => declined: request_id_reused
        wait  604800
        enrol A2                              => declined: full
        wait  0.001
        enrol A2 id=e                         => accepted
        enrol A1 id=f                         => declined: full
        enrol A2 id=e                         => replayed
        ",
    )
}
