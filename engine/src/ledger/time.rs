//! Instants and calendar days as plain numbers. The ledger is handed its time; it never looks at a clock.

use bincode::{
    BorrowDecode, Encode,
    de::BorrowDecoder,
    enc::Encoder,
    error::{DecodeError, EncodeError},
};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode,
)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// This instant and `seconds` more; stays at the end of time rather than wrapping.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000)))
    }

    /// The calendar day `offset_minutes` east of UTC. Instants before 1970 or behind 9999 are the first or last day.
    #[must_use]
    pub const fn day(self, offset_minutes: i32) -> Day {
        const DAY: u64 = 24 * 60 * 60 * 1_000;
        let offset = offset_minutes as i64 * 60_000;
        let days = self.0.saturating_add_signed(offset) / DAY;
        if days > Day::MAX.0 as u64 {
            Day::MAX
        } else {
            Day(days as u32)
        }
    }
}

/// The last calendar day on which points can be used, in the programme's time zone: days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

impl Day {
    /// Points that never lapse. Sorts behind every real day, which is the order in which lots are spent (C5).
    pub const NEVER: Self = Self(u32::MAX);
    /// 9999-12-31, the last day that RFC 3339 can write.
    pub const MAX: Self = Self(2_932_896);

    /// `None` beyond [`Day::MAX`].
    #[must_use]
    pub const fn new(days_since_1970: u32) -> Option<Self> {
        if days_since_1970 <= Self::MAX.0 {
            Some(Self(days_since_1970))
        } else {
            None
        }
    }

    /// Days since 1970-01-01, or `None` for [`Day::NEVER`].
    #[must_use]
    pub const fn days_since_1970(self) -> Option<u32> {
        if self.0 == u32::MAX {
            None
        } else {
            Some(self.0)
        }
    }

    /// The day behind it; `None` behind the last.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.days_since_1970() {
            Some(days) => Self::new(days + 1),
            None => None,
        }
    }

    /// The day before it; `None` before the first, and for [`Day::NEVER`].
    #[must_use]
    pub const fn before(self) -> Option<Self> {
        match self.days_since_1970() {
            Some(0) | None => None,
            Some(days) => Self::new(days - 1),
        }
    }

    /// Its month, counted from 1970-01; `None` for [`Day::NEVER`]. Looked up with every move of points, so it is arithmetic on
    /// the number: the Gregorian calendar repeats every 146,097 days, and in years that begin in March the leap day comes last.
    #[must_use]
    pub const fn month(self) -> Option<u32> {
        let Some(days) = self.days_since_1970() else {
            return None;
        };
        let from_march_of_0 = days + 719_468;
        let era = from_march_of_0 / 146_097;
        let day = from_march_of_0 % 146_097;
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day_of_year = day - (365 * year + year / 4 - year / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let months = (era * 400 + year) * 12 + month_from_march + 2;
        Some(months - 1_970 * 12)
    }
}

// "Never" is by far the most frequent value and would cost five bytes as it stands in memory; shifted by one it
// costs one.
impl Encode for Day {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.0.wrapping_add(1).encode(encoder)
    }
}

impl<'de, C> BorrowDecode<'de, C> for Day {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        let shifted = u32::borrow_decode(decoder)?;
        match shifted.checked_sub(1) {
            None => Ok(Self::NEVER),
            Some(days) => Self::new(days).ok_or(DecodeError::Other("day beyond 9999-12-31")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_of_the_programme() {
        let midnight = 1_720_281_600_000; // 2024-07-07 00:00 at UTC+8
        for (at, offset, day) in [
            (midnight - 1, 480, 19_910),
            (midnight, 480, 19_911),
            (midnight, 0, 19_910),
            (midnight, -60, 19_910),
            (0, -60, 0),
            (u64::MAX, 480, Day::MAX.0),
        ] {
            assert_eq!(UnixMillis(at).day(offset), Day(day), "{at} {offset}");
        }
    }

    #[test]
    fn a_day_is_in_its_calendar_month() {
        for (days, month) in [
            (0, 0),        // 1970-01-01
            (30, 0),       // 1970-01-31
            (31, 1),       // 1970-02-01
            (58, 1),       // 1970-02-28
            (59, 2),       // 1970-03-01
            (364, 11),     // 1970-12-31
            (365, 12),     // 1971-01-01
            (11_016, 361), // 2000-02-29
            (11_017, 362), // 2000-03-01
            (19_910, 654), // 2024-07-06
            (Day::MAX.0, 96_359),
        ] {
            assert_eq!(Day(days).month(), Some(month), "{days}");
        }
        assert_eq!(Day::NEVER.month(), None);
    }

    #[test]
    fn never_sorts_last_and_takes_one_byte() {
        assert!(Day::MAX < Day::NEVER);
        let bytes = bincode::encode_to_vec(Day::NEVER, bincode::config::standard()).unwrap();
        assert_eq!(bytes, [0]);
    }
}
