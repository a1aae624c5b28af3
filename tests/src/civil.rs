//! Calendar days by their date: counted one year and one month at a time, so that nobody has to believe a formula.

/// The day of a date like `2024-02-29`, counted from 1970-01-01; `None` if there is no such date, or if it is before.
#[must_use]
pub fn day(date: &str) -> Option<u32> {
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else {
        return None;
    };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return None;
    }
    let (year, month, day): (u32, u32, u32) =
        (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let years: u32 = (1970..year)
        .map(|year| (1..=12).map(|month| days_of(year, month)).sum::<u32>())
        .sum();
    let months: u32 = (1..month).map(|month| days_of(year, month)).sum();
    Some(years + months + day - 1)
}

/// The day that lies `months` later (C4): the same day of that month, or its last if it has none.
#[must_use]
pub fn months_later(day: u32, months: u32) -> u32 {
    let (mut year, mut month, mut rest) = (1970, 1, day);
    while rest >= days_of(year, month) {
        rest -= days_of(year, month);
        (year, month) = next(year, month);
    }
    let (mut later, day_of_month) = (day - rest, rest);
    for _ in 0..months {
        later += days_of(year, month);
        (year, month) = next(year, month);
    }
    later + day_of_month.min(days_of(year, month) - 1)
}

const fn next(year: u32, month: u32) -> (u32, u32) {
    if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    }
}

const fn days_of(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_counted_from_1970() {
        for (date, found) in [
            ("1970-01-01", Some(0)),
            ("1970-12-31", Some(364)),
            ("1972-03-01", Some(790)),
            ("2000-02-29", Some(11_016)),
            ("2024-02-29", Some(19_782)),
            ("2026-09-21", Some(20_717)),
            ("9999-12-31", Some(2_932_896)),
            ("2023-02-29", None),
            ("2100-02-29", None),
            ("2024-00-10", None),
            ("2024-13-10", None),
            ("2024-1-10", None),
            ("1969-12-31", None),
        ] {
            assert_eq!(day(date), found, "{date}");
        }
    }

    #[test]
    fn a_month_later_is_the_same_day_or_the_last() {
        for (date, months, later) in [
            ("2023-08-31", 6, "2024-02-29"),
            ("2024-02-29", 12, "2025-02-28"),
            ("2024-03-15", 12, "2025-03-15"),
            ("2024-01-31", 1, "2024-02-29"),
            ("2023-12-31", 2, "2024-02-29"),
        ] {
            assert_eq!(
                months_later(day(date).unwrap(), months),
                day(later).unwrap()
            );
        }
    }
}
