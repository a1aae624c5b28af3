//! Years, and the ends of what merchants' cycles go by.

use jiff::{ToSpan, civil::Date};

use super::input::Period;
use crate::ledger::{Cycle, Day};

/// Years since 1970; `None` for a day that never comes.
pub(super) fn year(day: Day) -> Option<u32> {
    day.month().map(|month| month / 12)
}

/// The day after; the last one stays.
pub(super) fn next(day: Day) -> Day {
    let days = day.days_since_1970().unwrap_or(u32::MAX);
    Day::new(days.saturating_add(1)).unwrap_or(Day::MAX)
}

/// The last day of a year that has begun by the `last` of a period.
pub(super) fn year_end(years_since_1970: u32) -> Option<Day> {
    let year = i16::try_from(years_since_1970).ok()?.checked_add(1_970)?;
    day(Date::new(year, 12, 31).ok()?)
}

/// Whether a cycle ends within the days that are taken.
pub(super) fn ends_within(cycle: Cycle, taken: Period) -> bool {
    let (first, last) = (number(taken.first), number(taken.last));
    match cycle {
        Cycle::Day => true,
        // 1970-01-04 was a Sunday: weeks that have ended before a day are counted from it.
        Cycle::Week => (last + 4) / 7 > (first + 3) / 7,
        Cycle::Month => next(taken.last).month() != taken.first.month(),
    }
}

/// `YYYY-MM-DD`; `never` for a day that never comes.
pub(super) fn text(day: Day) -> String {
    let date = Date::constant(1970, 1, 1);
    let days = day.days_since_1970().map(|days| i64::from(days).days());
    match days.and_then(|days| date.checked_add(days).ok()) {
        Some(date) => date.to_string(),
        None => "never".to_owned(),
    }
}

/// The day of a `YYYY-MM-DD`.
pub(super) fn parse(text: &str) -> Option<Day> {
    let date: Date = text.parse().ok()?;
    let day = day(date)?;
    // Whatever else the parser takes is not how these are written.
    (super::calendar::text(day) == text).then_some(day)
}

fn day(date: Date) -> Option<Day> {
    let since = Date::constant(1970, 1, 1).until(date).ok()?;
    Day::new(u32::try_from(since.get_days()).ok()?)
}

fn number(day: Day) -> u64 {
    day.days_since_1970().map_or(u64::MAX >> 1, u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_over_when_its_last_day_is_in_the_period() {
        for (cycle, first, last, over) in [
            (Cycle::Day, "2026-10-07", "2026-10-07", true),
            // 2026-10-04 is a Sunday.
            (Cycle::Week, "2026-10-04", "2026-10-04", true),
            (Cycle::Week, "2026-10-05", "2026-10-10", false),
            (Cycle::Week, "2026-10-05", "2026-10-11", true),
            (Cycle::Week, "2026-10-01", "2026-10-31", true),
            (Cycle::Week, "1970-01-01", "1970-01-03", false),
            (Cycle::Week, "1970-01-01", "1970-01-04", true),
            (Cycle::Month, "2026-10-01", "2026-10-30", false),
            (Cycle::Month, "2026-10-31", "2026-10-31", true),
            (Cycle::Month, "2024-02-28", "2024-02-28", false),
            (Cycle::Month, "2023-02-28", "2023-02-28", true),
            (Cycle::Month, "2026-10-20", "2026-11-10", true),
        ] {
            let day = |text| parse(text).expect("a day");
            let period = Period {
                first: day(first),
                last: day(last),
            };
            assert_eq!(
                ends_within(cycle, period),
                over,
                "{cycle:?} {first} to {last}"
            );
        }
    }

    #[test]
    fn dates_are_read_as_they_are_written() {
        for date in ["1970-01-01", "2024-02-29", "2026-12-31", "9999-12-31"] {
            assert_eq!(text(parse(date).expect("a date")), date);
        }
        for wrong in ["2023-02-29", "1969-12-31", "20240101", "2024-1-1", "never"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(year_end(54), parse("2024-12-31"));
        assert_eq!(year(parse("2024-12-31").expect("a date")), Some(54));
    }
}
