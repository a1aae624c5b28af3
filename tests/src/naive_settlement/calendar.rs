//! Ends of weeks, months and years, found by looking days up.

use crate::civil;

fn first_of(year: u32, month: u32) -> u32 {
    civil::day(&format!("{year:04}-{month:02}-01")).expect("a date")
}

/// The year of a day.
pub(super) fn year(day: u32) -> u32 {
    let begun = (1970..2100).take_while(|year| first_of(*year, 1) <= day);
    begun.last().expect("behind 1970")
}

/// Whether a day is the last of its year.
pub(super) fn is_year_end(day: u32) -> bool {
    first_of(year(day) + 1, 1) == day + 1
}

/// Whether a day is the last of its month.
pub(super) fn is_month_end(day: u32) -> bool {
    is_year_end(day) || (2..=12).any(|month| first_of(year(day), month) == day + 1)
}

/// Whether a day is a Sunday.
pub(super) fn is_sunday(day: u32) -> bool {
    let a_sunday = civil::day("2024-01-07").expect("a date");
    day.abs_diff(a_sunday).is_multiple_of(7)
}
