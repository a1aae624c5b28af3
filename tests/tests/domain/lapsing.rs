//! Lots lapse at midnight behind their last day, by the programme's calendar.

use jifen_tests::scenario::{check, check_under, small_rules};

pub(crate) const TABLES: &[&str] = &[MIDNIGHT, CALENDAR, AT_ONCE, HELD, REFUNDS, KINDS, SWEPT];

const MIDNIGHT: &str = "
    clock   2026-10-01 00:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 100 day=2026-10-01
    earn    A1 M1 20 day=2026-10-02
    earn    A1 M1 3
    clock   2026-10-01 23:59:59.999
    redeem  A1 M1 10                          => accepted: M1/2026-10-01 10
    sweep                                     => 0
    clock   2026-10-02 00:00:00
    redeem  A1 M1 10                          => accepted: M1/2026-10-02 10
    deeds                                     => lapsed, redeemed
    moves                                     => M1/2026-10-01 90 available>breakage, M1/2026-10-02 10 available>M1
    lots    A1                                => M1/2026-10-02 10, M1 3
    # Without a last day, never.
    clock   2126-10-02 00:00:00
    sweep                                     => 1
    lots    A1                                => M1 3
";

// C3, C4: days of the programme's calendar, month ends and leap days included. In UTC it is still the day before.
const CALENDAR: &str = "
    clock   2023-12-31 23:59:59
    merchant M1
    enrol   A1
    earn    A1 M1 1 day=2023-12-31
    clock   2024-01-01 00:00:00
    earn    A1 M1 2 day=2024-02-28
    deeds                                     => lapsed, earned
    earn    A1 M1 4 day=2024-02-29
    clock   2024-02-28 23:59:59.999
    balance A1                                => 6 available, 0 held
    clock   2024-02-29 00:00:00
    sweep                                     => 1
    balance A1                                => 4 available, 0 held
    clock   2024-02-29 23:59:59.999
    sweep                                     => 0
    redeem  A1 M1 1                           => accepted: M1/2024-02-29 1
    clock   2024-03-01 00:00:00
    sweep                                     => 1
    moves                                     => M1/2024-02-29 3 available>breakage
    # A common year.
    earn    A1 M1 8 day=2025-02-28
    clock   2025-02-28 23:59:59.999
    sweep                                     => 0
    clock   2025-03-01 00:00:00
    sweep                                     => 1
    # Months of 30 and of 31 days.
    earn    A1 M1 16 day=2025-04-30
    earn    A1 M1 32 day=2025-05-31
    clock   2025-05-01 00:00:00
    sweep                                     => 1
    balance A1                                => 32 available, 0 held
    clock   2025-05-31 23:59:59.999
    sweep                                     => 0
    clock   2025-06-01 00:00:00
    sweep                                     => 1
    balance A1                                => 0 available, 0 held
";

// An earn that comes when its last day is over lapses at once, visibly.
const AT_ONCE: &str = "
    clock   2026-10-02 00:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 100 day=2026-10-01 as=E     => accepted: M1/2026-10-01 100, forfeited 100
    deeds                                     => earned
    moves                                     => M1/2026-10-01 100 issued>breakage
    balance A1                                => 0 available, 0 held
    account M1                                => issued 100 less 0, accepted 0 less 0
    earn    A1 M1 1 day=1970-01-01            => accepted
    earn    A1 M1 5 day=2026-10-02            => accepted
    balance A1                                => 5 available, 0 held
    # Taken back, it is missing: it was granted.
    reverse E 7                               => accepted: taken back 5, owed 2
";

// C6: held points do not lapse while held; they lapse when they come back.
const HELD: &str = "
    clock   2026-10-01 12:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 100 day=2026-10-01
    earn    A1 M1 50 day=2026-12-31
    hold    A1 M1 120 as=H ttl=999999
    clock   2026-10-02 00:00:00
    sweep                                     => 0
    lots    A1                                => M1/2026-10-01 0 and 100 held, M1/2026-12-31 30 and 20 held
    # Captured in lapse order, lapsed or not; the rest of it comes back.
    capture H 40                              => accepted: captured 40, released 80, forfeited 60
    moves                                     => M1/2026-10-01 40 held>M1, M1/2026-10-01 60 held>breakage, M1/2026-12-31 20 held>available
    balance A1                                => 50 available, 0 held
    state   H                                 => captured: 40 of 120 captured, 80 released

    # The same when it is released, and when its time is over.
    earn    A1 M1 10 day=2026-10-02
    hold    A1 M1 10 as=H2 ttl=999999
    earn    A1 M1 10 day=2026-10-02 class=b
    hold    A1 M1 10 as=H3 ttl=86400
    clock   2026-10-03 00:00:01
    release H2                                => accepted: released 10, forfeited 10
    moves                                     => M1/2026-10-02 10 held>breakage
    sweep                                     => 1
    moves                                     => M1/b/2026-10-02 10 held>breakage
    state   H3                                => expired: 0 of 10 captured, 10 released
    balance A1                                => 50 available, 0 held
";

// A refund of what has lapsed meanwhile lapses at once, and pays no debt.
const REFUNDS: &str = "
    clock   2026-10-01 12:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 60 day=2026-10-01
    earn    A1 M1 40 as=E
    redeem  A1 M1 100 as=R
    clock   2026-10-05 12:00:00
    reverse E 5                               => accepted: taken back 0, owed 5
    reverse R                                 => accepted: restored 100, forfeited 60
    moves                                     => M1 35 M1>available, M1 5 M1>owed, M1/2026-10-01 60 M1>breakage
    balance A1                                => 35 available, 0 held
";

// Kinds of points lapse one by one, in the order in which the member met them; what matures comes before what lapses.
const KINDS: &str = "
    clock   2026-10-01 12:00:00
    merchant M1
    enrol   A1
    earn    A1 M1 1 type=miles day=2026-10-01
    earn    A1 M1 2 day=2026-10-01
    earn    A1 M1 4 type=miles day=2026-10-03 release=+60
    clock   2026-10-02 12:00:00
    enrol   A1
    deeds                                     => matured, lapsed, lapsed, enrolled
    moves                                     => M1/2026-10-03 4 pending>available, M1/2026-10-01 1 available>breakage, M1/2026-10-01 2 available>breakage
";

const SWEPT: &str = "
    clock   2026-10-01 12:00:00
    merchant M1
    enrol   A1
    enrol   A2
    earn    A1 M1 10 day=2026-10-01
    earn    A2 M1 20 day=2026-10-01
    earn    A2 M1 30 day=2026-10-02
    clock   2026-10-02 00:00:00
    sweep                                     => 2
    balance A1                                => 0 available, 0 held
    balance A2                                => 30 available, 0 held
    sweep                                     => 0
    # Several last days of a member in one entry.
    earn    A2 M1 5 day=2026-10-04
    clock   2026-10-09 00:00:00
    sweep                                     => 1
    moves                                     => M1/2026-10-02 30 available>breakage, M1/2026-10-04 5 available>breakage
    # The clock may go back; the programme's day does not.
    back    999999
    earn    A2 M1 6 day=2026-10-04            => accepted
    moves                                     => M1/2026-10-04 6 issued>breakage
";

#[test]
fn a_lot_lapses_at_midnight_behind_its_last_day() {
    check(MIDNIGHT);
}

#[test]
fn month_ends_and_leap_days_are_days_like_others() {
    check(CALENDAR);
}

#[test]
fn what_comes_too_late_lapses_at_once() {
    check(AT_ONCE);
}

#[test]
fn held_points_lapse_when_they_come_back() {
    check(HELD);
}

#[test]
fn refunds_lapse_at_once_if_their_day_is_over() {
    check(REFUNDS);
}

#[test]
fn kinds_of_points_lapse_one_by_one() {
    check(KINDS);
}

#[test]
fn nobody_has_to_ask_for_points_to_lapse() {
    check(SWEPT);
}

/// Goal: the programme's days begin where its time zone says. The table's clock is at UTC+8 all the same.
#[test]
fn days_begin_by_the_programmes_own_time() {
    for (offset, midnight) in [
        (8 * 60, "2026-10-02 00:00:00"),
        (0, "2026-10-02 08:00:00"),
        (-5 * 60, "2026-10-02 13:00:00"),
        (5 * 60 + 45, "2026-10-02 02:15:00"),
    ] {
        let mut rules = small_rules();
        rules.utc_offset_minutes = offset;
        check_under(
            rules,
            &format!(
                "
                clock   2026-10-01 12:00:00
                merchant M1
                enrol   A1
                earn    A1 M1 5 day=2026-10-01
                clock   {midnight}
                back    0.001
                redeem  A1 M1 1               => accepted
                clock   {midnight}
                redeem  A1 M1 1               => refused: insufficient_points 1 of 0
                "
            ),
        );
    }
}
