//! Writes times and dates.
//!
//! Thousands of answers share their second and their last day, so each thread remembers what it wrote last.

use std::cell::Cell;

use jifen_engine::ledger::{Day, UnixMillis};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// `2026-11-21T09:00:00`
const SECOND_BYTES: usize = 19;
/// `2026-11-21T09:00:00.123Z`
const INSTANT_BYTES: usize = 24;
/// `2026-11-21`
const DAY_BYTES: usize = 10;
/// The last second that four digits of a year can write.
const LAST_SECOND: u64 = 253_402_300_799;

thread_local! {
    /// Answers speak of now and, for holds, of a time to come: the two take turns in two places.
    static SECONDS: Cell<[(u64, [u8; SECOND_BYTES]); 2]> =
        const { Cell::new([(u64::MAX, [0; SECOND_BYTES]); 2]) };
    static DAY: Cell<(u32, [u8; DAY_BYTES])> = const { Cell::new((u32::MAX, [0; DAY_BYTES])) };
}

/// An instant in UTC with milliseconds, such as `2026-11-21T09:00:00.123Z`.
#[must_use]
pub fn instant_text(at: UnixMillis) -> [u8; INSTANT_BYTES] {
    let mut text = *b"0000-00-00T00:00:00.000Z";
    text[..SECOND_BYTES].copy_from_slice(&second_text(at.0 / 1_000));
    let mut millis = at.0 % 1_000;
    for digit in text[SECOND_BYTES + 1..INSTANT_BYTES - 1].iter_mut().rev() {
        *digit += (millis % 10) as u8;
        millis /= 10;
    }
    text
}

fn second_text(second: u64) -> [u8; SECOND_BYTES] {
    let [latest, earlier] = SECONDS.get();
    if latest.0 == second {
        return latest.1;
    }
    if earlier.0 == second {
        return earlier.1;
    }
    let mut text = *b"9999-12-31T23:59:59";
    let instant = i64::try_from(second.min(LAST_SECOND)).map(Timestamp::from_second);
    if let Ok(Ok(instant)) = instant {
        let written = instant.to_zoned(TimeZone::UTC).datetime().to_string();
        if let Ok(written) = written.as_bytes().try_into() {
            text = written;
        }
    }
    SECONDS.set([(second, text), latest]);
    text
}

/// A date such as `2027-12-31`, or `None` for [`Day::NEVER`].
#[must_use]
pub fn day_text(day: Day) -> Option<[u8; DAY_BYTES]> {
    let days = day.days_since_1970()?;
    let (known, text) = DAY.get();
    if known == days {
        return Some(text);
    }
    let date = Date::constant(1970, 1, 1)
        .checked_add(SignedDuration::from_hours(24 * i64::from(days)))
        .unwrap_or(Date::MAX);
    let text = date.to_string().into_bytes().try_into().ok()?;
    DAY.set((days, text));
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(millis: u64) -> String {
        String::from_utf8(instant_text(UnixMillis(millis)).to_vec()).unwrap()
    }

    fn day(days: u32) -> String {
        String::from_utf8(day_text(Day::new(days).unwrap()).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn instants_are_utc_with_milliseconds() {
        for _ in 0..2 {
            assert_eq!(instant(0), "1970-01-01T00:00:00.000Z");
            assert_eq!(instant(1_795_251_600_123), "2026-11-21T09:00:00.123Z");
            assert_eq!(instant(1_795_251_601_007), "2026-11-21T09:00:01.007Z");
            assert_eq!(instant(u64::MAX), "9999-12-31T23:59:59.615Z");
        }
    }

    #[test]
    fn days_are_dates() {
        for _ in 0..2 {
            assert_eq!(day(0), "1970-01-01");
            assert_eq!(day(21_183), "2027-12-31");
            assert_eq!(day(2_932_896), "9999-12-31");
        }
        assert_eq!(day_text(Day::NEVER), None);
    }
}
