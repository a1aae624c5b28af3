//! What a field's value must look like. The fast and the slow path share these, so that they cannot disagree.

use std::convert::Infallible;

use compact_str::CompactString;
use jifen_engine::ledger::{
    Boundary, Day, Direction, Fen, HoldId, Labels, Points, ReservationId, Reserve, Seq, ShardIndex,
    SoldCode, Text, TransactionId, UnixMillis,
};
use jifen_engine::pool::Units;
use jiff::{Timestamp, civil::Date};

/// How long a hold may stand, in seconds.
pub(crate) const TTL_SECONDS_MAX: u32 = 30 * 24 * 60 * 60;
/// How long a hold stands when the command does not say, in seconds.
pub(crate) const TTL_SECONDS_DEFAULT: u32 = 900;

/// How long a reservation stands when the sale does not say, in seconds.
pub(crate) const RESERVATION_TTL_SECONDS_DEFAULT: u32 = 600;

pub(super) const NOT_A_STRING: &str = "must be a string";
pub(super) const NOT_AN_INTEGER: &str =
    "must be an integer of 0 or more, without fraction or exponent";
pub(super) const NOT_A_CHANGE: &str =
    "must be an integer above or below 0, without fraction or exponent";
pub(super) const NOT_A_BOOL: &str = "must be true or false";
pub(super) const NOT_AN_OBJECT: &str = "must be a flat object of strings";
pub(super) const LABELS_TOO_LONG: &str = "must take at most 1,024 bytes, names and values together";

pub(super) fn points(number: u64) -> Result<Points, &'static str> {
    match Points::new(number) {
        Some(points) if !points.is_zero() => Ok(points),
        _ => Err("must be from 1 to 9007199254740991"),
    }
}

/// A number of JSON with its sign. What is beyond the signed ones is beyond every bound anyway.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// By how many points to go which way: up above 0, down below.
pub(super) fn change(number: i64) -> Result<(Direction, Points), &'static str> {
    let direction = if number < 0 {
        Direction::Down
    } else {
        Direction::Up
    };
    let points = points(number.unsigned_abs());
    points.map(|points| (direction, points)).map_err(
        |_| "must be from 1 to 9007199254740991 to add points, or the same below 0 to take them",
    )
}

/// What a merchant gets, in fen, or pays, below 0.
pub(super) fn amount(number: i64) -> Result<i64, &'static str> {
    if number != 0 && Fen::new(number.unsigned_abs()).is_some() {
        Ok(number)
    } else {
        Err(
            "must be from 1 to 9007199254740991 for what the merchant gets, or the same below 0 for what it pays",
        )
    }
}

/// A day of the programme, or the instant with which one begins.
pub(super) fn boundary(text: &str) -> Result<Boundary, &'static str> {
    let day = day(text).map(Boundary::Day);
    day.or_else(|_| instant(text).map(Boundary::Moment)).map_err(|_| {
        "must be a day like 2026-10-01, or an RFC 3339 instant with which a day of the programme begins"
    })
}

pub(super) fn cash(number: u64) -> Result<Fen, &'static str> {
    Fen::new(number).ok_or("must be at most 9007199254740991")
}

pub(super) fn ttl_seconds(number: u64) -> Result<u32, &'static str> {
    match u32::try_from(number) {
        Ok(seconds @ 1..=TTL_SECONDS_MAX) => Ok(seconds),
        _ => Err("must be from 1 to 2592000 seconds (30 days)"),
    }
}

/// How many units one command takes; there is a code for each.
pub(super) fn quantity(number: u64) -> Result<Units, &'static str> {
    match Units::new(number) {
        Some(units) if (1..=Reserve::QUANTITY_MAX).contains(&units.get()) => Ok(units),
        _ => Err("must be from 1 to 1000"),
    }
}

/// How many units a sale has.
pub(super) fn units(number: u64) -> Result<Units, &'static str> {
    Units::new(number).ok_or("must be at most 9007199254740991")
}

/// How many units a member may have.
pub(super) fn limit(number: u64) -> Result<Units, &'static str> {
    match Units::new(number) {
        Some(units) if !units.is_zero() => Ok(units),
        _ => Err("must be from 1 to 9007199254740991"),
    }
}

/// By how many units to go which way: more above 0, fewer below.
pub(super) fn change_of_units(number: i64) -> Result<(Direction, Units), &'static str> {
    let (direction, points) = change(number).map_err(
        |_| "must be from 1 to 9007199254740991 to add units, or the same below 0 to withdraw them",
    )?;
    let units = Units::new(points.get()).ok_or("must be at most 9007199254740991")?;
    Ok((direction, units))
}

/// Whether a sale ends, if it does, after it has begun.
pub(super) fn is_a_window(opens_at: Option<UnixMillis>, closes_at: Option<UnixMillis>) -> bool {
    match (opens_at, closes_at) {
        (Some(opens_at), Some(closes_at)) => opens_at < closes_at,
        _ => true,
    }
}

pub(super) fn text(text: &str) -> Result<Text, &'static str> {
    Text::new(text).ok_or("must be at most 128 characters long")
}

pub(super) fn name(name: &str) -> Result<Text, &'static str> {
    if name.trim().is_empty() {
        return Err("must not be empty");
    }
    text(name)
}

/// Why something is done, for people.
pub(super) fn reason(reason: &str) -> Result<Text, &'static str> {
    name(reason)
}

/// No router has this many shards.
const NO_SHARD: ShardIndex = ShardIndex(u16::MAX);

/// Names that the engine cannot have made name a hold that nobody has: not found is what they are, not invalid.
pub(super) fn hold(text: &str) -> Result<HoldId, Infallible> {
    Ok(HoldId::parse(text).unwrap_or(HoldId {
        shard: NO_SHARD,
        seq: Seq(0),
    }))
}

/// Likewise a transaction.
pub(super) fn transaction(text: &str) -> Result<TransactionId, Infallible> {
    Ok(TransactionId::parse(text).unwrap_or(TransactionId {
        shard: NO_SHARD,
        seq: Seq(0),
    }))
}

/// Likewise a reservation.
pub(super) fn reservation(text: &str) -> Result<ReservationId, Infallible> {
    Ok(ReservationId::parse(text).unwrap_or(ReservationId {
        shard: NO_SHARD,
        seq: Seq(0),
    }))
}

/// Likewise the code of a sold unit.
pub(super) fn code(text: &str) -> Result<SoldCode, Infallible> {
    Ok(SoldCode::parse(text).unwrap_or_else(|| SoldCode::new(NO_SHARD, Seq(0), 0, 0)))
}

/// An instant of RFC 3339, cut to milliseconds.
pub(super) fn instant(text: &str) -> Result<UnixMillis, &'static str> {
    const EXPECTED: &str = "must be an RFC 3339 time such as 2026-11-21T09:00:00.123Z";
    if !looks_like_rfc_3339(text.as_bytes()) {
        return Err(EXPECTED);
    }
    let instant: Timestamp = text.parse().map_err(|_| EXPECTED)?;
    u64::try_from(instant.as_millisecond())
        .map(UnixMillis)
        .map_err(|_| "must not be before 1970")
}

/// The library behind [`instant`] reads more spellings than RFC 3339 has.
fn looks_like_rfc_3339(text: &[u8]) -> bool {
    let Some((day_and_time, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let day_and_time =
        day_and_time
            .iter()
            .zip(b"0000-00-00T00:00:00")
            .all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b't'),
                _ => byte == form,
            });
    let fraction = match rest {
        [b'.', digits @ ..] => 1 + digits.iter().take_while(|b| b.is_ascii_digit()).count(),
        _ => 0,
    };
    let zone = match &rest[fraction..] {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|b| b.is_ascii_digit()),
        _ => false,
    };
    day_and_time && fraction != 1 && zone
}

/// A calendar day, `YYYY-MM-DD`.
pub(crate) fn day(text: &str) -> Result<Day, &'static str> {
    const EXPECTED: &str = "must be a date such as 2027-12-31";
    let well_formed = text.len() == 10
        && text
            .bytes()
            .zip(*b"0000-00-00")
            .all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                _ => byte == form,
            });
    if !well_formed {
        return Err(EXPECTED);
    }
    let date: Date = text.parse().map_err(|_| EXPECTED)?;
    let hours = date.duration_since(Date::constant(1970, 1, 1)).as_hours();
    u32::try_from(hours / 24)
        .ok()
        .filter(|_| hours >= 0)
        .and_then(Day::new)
        .ok_or("must not be before 1970")
}

/// Labels without duplicates, which are told apart by whoever reads the text.
pub(super) fn labels(pairs: Vec<(CompactString, CompactString)>) -> Result<Labels, &'static str> {
    Labels::new(pairs).ok_or(LABELS_TOO_LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rfc_3339_is_a_time() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:01.5Z", Some(1_500)),
            ("1970-01-01T00:00:01.999999999Z", Some(1_999)),
            ("1970-01-01T08:00:00+08:00", Some(0)),
            ("2026-11-21T09:00:00.123Z", Some(1_795_251_600_123)),
            ("1969-12-31T23:59:59Z", None),
            ("2026-11-21", None),
            ("2026-11-21 09:00:00Z", None),
            ("2026-11-21T09:00Z", None),
            ("2026-11-21T09:00:00", None),
            ("2026-11-21T09:00:00.Z", None),
            ("2026-11-21T09:00:00+08", None),
            ("2026-11-21T09:00:00Z[UTC]", None),
            ("2026-02-30T09:00:00Z", None),
            ("20261121T090000Z", None),
            ("", None),
        ] {
            assert_eq!(instant(text).ok().map(|at| at.0), expected, "{text:?}");
        }
    }

    #[test]
    fn only_a_calendar_day_is_a_date() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("2027-12-31", Some(21_183)),
            ("9999-12-31", Some(2_932_896)),
            ("1969-12-31", None),
            ("2027-02-29", None),
            ("2027-1-1", None),
            ("20271231", None),
            ("2027-W01-1", None),
            ("２027-01-01", None),
        ] {
            let days = day(text).ok().and_then(Day::days_since_1970);
            assert_eq!(days, expected, "{text:?}");
        }
    }

    #[test]
    fn amounts_have_bounds() {
        assert!(points(0).is_err());
        assert_eq!(points(1).map(Points::get), Ok(1));
        assert_eq!(points((1 << 53) - 1).map(Points::get), Ok((1 << 53) - 1));
        assert!(points(1 << 53).is_err());
        assert!(ttl_seconds(0).is_err());
        assert_eq!(ttl_seconds(2_592_000), Ok(2_592_000));
        assert!(ttl_seconds(2_592_001).is_err());
        assert!(cash(0).is_ok());
    }

    #[test]
    fn a_change_goes_up_or_down_but_never_nowhere() {
        const MOST: i64 = (1 << 53) - 1;
        let told = |number| change(number).map(|(direction, points)| (direction, points.get()));
        for (number, expected) in [
            (1, (Direction::Up, 1)),
            (-1, (Direction::Down, 1)),
            (MOST, (Direction::Up, MOST.unsigned_abs())),
            (-MOST, (Direction::Down, MOST.unsigned_abs())),
        ] {
            assert_eq!(told(number), Ok(expected));
        }
        for number in [0, MOST + 1, -MOST - 1, i64::MIN, signed(u64::MAX)] {
            assert!(told(number).is_err(), "{number}");
        }
    }

    #[test]
    fn what_the_engine_cannot_have_made_is_on_no_shard() {
        let Ok(known) = hold("h3-7");
        assert_eq!(known.to_string(), "h3-7");
        let Ok(unknown) = hold("reservation 5");
        assert_eq!(unknown.shard, NO_SHARD);
        let Ok(known) = transaction("t3-7");
        assert_eq!(known.to_string(), "t3-7");
        let Ok(unknown) = transaction("h3-7");
        assert_eq!(unknown.shard, NO_SHARD);
    }
}
