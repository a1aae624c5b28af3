//! The calendar of lapsing: every day ends at its own midnight, wherever the programme is.

use jifen_tests::{civil, scenario::Play};
use proptest::prelude::*;

use super::{asked, played, roomy};

const MINUTES_PER_DAY: i32 = 24 * 60;
/// Tables tell the time at UTC+8.
const TABLE_OFFSET: i32 = 8 * 60;

/// Any day of eighty years, and often one at the end of a month or of February.
fn days() -> impl Strategy<Value = u32> {
    let end_of_month = (2021_u32..2100, 1_u32..=12).prop_map(|(year, month)| {
        let first = civil::day(&format!("{year:04}-{month:02}-01")).unwrap();
        civil::months_later(first, 1) - 1
    });
    let february = (2021_u32..2100).prop_map(|year| {
        let first = civil::day(&format!("{year:04}-02-01")).unwrap();
        civil::months_later(first, 1) - 1
    });
    prop_oneof![18_628_u32..47_000, end_of_month, february]
}

/// A table's `clock` line for so many minutes behind the midnight that begins a day of the table's own calendar.
fn clock(day: u32, minutes: i32) -> String {
    let all = i64::from(day) * i64::from(MINUTES_PER_DAY) + i64::from(minutes);
    let (day, minutes) = (
        all.div_euclid(i64::from(MINUTES_PER_DAY)),
        all.rem_euclid(i64::from(MINUTES_PER_DAY)),
    );
    format!("clock {day} {}:{}:00", minutes / 60, minutes % 60)
}

proptest! {
    /// C3, C4: points can be used to the last millisecond of their last day, and lapse with the next.
    #[test]
    fn a_day_ends_at_midnight(day in days(), offset in -12 * 60..=14 * 60) {
        let mut rules = roomy();
        rules.utc_offset_minutes = offset;
        let mut play = Play::new(rules);
        // West of the table's clock, midnight comes later.
        let midnight = clock(day + 1, TABLE_OFFSET - offset);
        played(&mut play, &[
            clock(day - 30, 0),
            "merchant M".to_owned(),
            "enrol A".to_owned(),
            format!("earn A M 5 day={day}"),
            midnight.clone(),
            "back 0.001".to_owned(),
            "redeem A M 2".to_owned(),
        ]);
        prop_assert_eq!(asked(&mut play, "sweep"), "0");
        played(&mut play, &[midnight]);
        prop_assert_eq!(asked(&mut play, "sweep"), "1");
        prop_assert_eq!(asked(&mut play, "moves"), format!("M/{day} 3 available>breakage"));
        prop_assert_eq!(asked(&mut play, "balance A"), "0 available, 0 held");
    }

    /// C4: a validity of so many months ends on the same day of the month, or on the month's last.
    #[test]
    fn a_validity_in_months_ends_on_a_day_of_its_own(day in days(), months in 1_u32..=24) {
        let last = civil::months_later(day, months);
        prop_assert!(last > day);
        prop_assert!(last - day >= 28 * months && last - day <= 31 * months);
        let mut play = Play::new(roomy());
        played(&mut play, &[
            format!("clock {day} 23:59:59.999"),
            "merchant M".to_owned(),
            "enrol A".to_owned(),
            format!("earn A M 5 day={last}"),
            format!("clock {last} 23:59:59.999"),
            "redeem A M 1".to_owned(),
            format!("clock {} 00:00:00", last + 1),
        ]);
        let told = asked(&mut play, "redeem A M 1");
        prop_assert_eq!(told, "refused: insufficient_points 1 of 0");
        prop_assert_eq!(asked(&mut play, "deeds"), "lapsed, refused");
    }

    /// Nothing depends on who looks: swept, asked for, or both after days in which nobody did.
    #[test]
    fn it_is_the_same_whoever_looks(
        lots in prop::collection::vec((0_u32..40, 1_u64..100), 1..8),
        looks in prop::collection::vec((0_u32..=20, any::<bool>()), 0..6),
    ) {
        let first = 20_800;
        let mut looks = looks;
        looks.sort_by_key(|(day, _)| *day);
        let ends = [Vec::new(), looks].map(|looks| {
            let mut play = Play::new(roomy());
            played(&mut play, &[
                format!("clock {first} 12:00:00"),
                "merchant M".to_owned(),
                "enrol A".to_owned(),
            ]);
            for (day, points) in &lots {
                played(&mut play, &[format!("earn A M {points} day={}", first + day)]);
            }
            for (day, sweep) in looks {
                let look = if sweep { "sweep" } else { "enrol A" };
                played(&mut play, &[format!("clock {} 12:00:00", first + day), look.to_owned()]);
            }
            played(&mut play, &[format!("clock {} 12:00:00", first + 20), "enrol A".to_owned()]);
            asked(&mut play, "lots A")
        });
        let later = lots.iter().any(|(day, _)| *day >= 20);
        prop_assert_eq!(ends[0] == "none", !later);
        prop_assert_eq!(&ends[0], &ends[1]);
    }
}
