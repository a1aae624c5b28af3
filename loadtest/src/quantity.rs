//! Numbers as people write them: `20k`, `1.5M`, `30s`, `2m 30s`.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

/// Why a number on the command line was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not digits with an optional `k` or `M`.
    #[error(
        "'{0}' is not a number; write digits with an optional k (thousand) or M (million), like 20k"
    )]
    NotANumber(String),
    /// Such as `0.0005k`.
    #[error("'{0}' is not a whole number")]
    NotWhole(String),
    /// Zero, where nothing would happen.
    #[error("must be at least 1")]
    Zero,
    /// Not a time span.
    #[error("'{0}' is not a time span; write it like 500ms, 30s, 5m or 1h 30m")]
    NotASpan(String),
    /// More than a day, or negative.
    #[error("'{0}' is out of range; between 0 and 24 hours")]
    SpanOutOfRange(String),
}

/// A whole number of at least 1, written with an optional `k` or `M`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(NonZeroU64);

impl Count {
    /// The largest that is accepted: a thousand thousand million, more than any run can do.
    pub const MAX: u64 = 1_000_000_000_000;

    /// `None` of zero, and of more than [`Self::MAX`].
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number)
            .filter(|number| number.get() <= Self::MAX)
            .map(Self)
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl FromStr for Count {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let not_a_number = || QuantityError::NotANumber(text.to_owned());
        let (digits, scale) = match text.as_bytes().last() {
            Some(b'k' | b'K') => (&text[..text.len() - 1], 3),
            Some(b'M' | b'm') => (&text[..text.len() - 1], 6),
            _ => (text, 0_u32),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| {
            part.bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'_')
        };
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.')
        {
            return Err(not_a_number());
        }
        let whole: u64 = whole.replace('_', "").parse().map_err(|_| not_a_number())?;
        let fraction = fraction.replace('_', "");
        let fraction = fraction.trim_end_matches('0');
        let places = u32::try_from(fraction.len()).map_err(|_| not_a_number())?;
        if places > scale {
            return Err(QuantityError::NotWhole(text.to_owned()));
        }
        let part = if fraction.is_empty() {
            0
        } else {
            fraction.parse::<u64>().map_err(|_| not_a_number())?
        };
        let total = whole
            .checked_mul(10_u64.pow(scale))
            .and_then(|scaled| scaled.checked_add(part * 10_u64.pow(scale - places)))
            .filter(|total| *total <= Self::MAX)
            .ok_or_else(not_a_number)?;
        NonZeroU64::new(total).map(Self).ok_or(QuantityError::Zero)
    }
}

/// Commands per second, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(Count);

impl Rate {
    /// Commands per second.
    #[must_use]
    pub const fn per_second(self) -> u64 {
        self.0.get()
    }
}

impl From<Count> for Rate {
    fn from(count: Count) -> Self {
        Self(count)
    }
}

impl FromStr for Rate {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        text.strip_suffix("/s").unwrap_or(text).parse().map(Self)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.per_second())
    }
}

/// A time span between nothing and a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

impl Span {
    /// The longest that is accepted.
    pub const MAX: Duration = Duration::from_secs(24 * 60 * 60);

    /// The same, for the standard library.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let span: jiff::SignedDuration = text
            .parse()
            .map_err(|_| QuantityError::NotASpan(text.to_owned()))?;
        let out_of_range = || QuantityError::SpanOutOfRange(text.to_owned());
        let span = Duration::try_from(span).map_err(|_| out_of_range())?;
        if span > Self::MAX {
            Err(out_of_range())
        } else {
            Ok(Self(span))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let cases: &[(&str, Result<u64, &str>)] = &[
            ("1", Ok(1)),
            ("20k", Ok(20_000)),
            ("20K", Ok(20_000)),
            ("1.5M", Ok(1_500_000)),
            ("0.25k", Ok(250)),
            ("2.50k", Ok(2_500)),
            ("100_000", Ok(100_000)),
            ("0", Err("must be at least 1")),
            ("0k", Err("must be at least 1")),
            ("1.5", Err("'1.5' is not a whole number")),
            ("0.0005k", Err("'0.0005k' is not a whole number")),
            ("", Err("'' is not a number")),
            ("k", Err("'k' is not a number")),
            ("-5", Err("'-5' is not a number")),
            ("5.", Err("'5.' is not a number")),
            ("2G", Err("'2G' is not a number")),
            (
                "99999999999999999999",
                Err("'99999999999999999999' is not a number"),
            ),
            ("2000000M", Err("'2000000M' is not a number")),
        ];
        for (text, expected) in cases {
            match (text.parse::<Count>(), expected) {
                (Ok(count), Ok(number)) => assert_eq!(count.get(), *number, "{text}"),
                (Err(error), Err(start)) => {
                    assert!(error.to_string().starts_with(start), "{text}: {error}");
                }
                (got, wanted) => panic!("{text}: got {got:?}, wanted {wanted:?}"),
            }
        }
    }

    #[test]
    fn rates() {
        assert_eq!("20k".parse::<Rate>().expect("a rate").per_second(), 20_000);
        assert_eq!(
            "20k/s".parse::<Rate>().expect("a rate").to_string(),
            "20000/s"
        );
        assert!("20k/m".parse::<Rate>().is_err());
    }

    #[test]
    fn spans() {
        let cases: &[(&str, Option<u64>)] = &[
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("0s", Some(0)),
            ("5m", Some(300_000)),
            ("1h 30m", Some(5_400_000)),
            ("24h", Some(86_400_000)),
            ("25h", None),
            ("-1s", None),
            ("30", None),
            ("soon", None),
        ];
        for (text, expected) in cases {
            let millis = text.parse::<Span>().ok().map(|span| span.get().as_millis());
            assert_eq!(millis, expected.map(u128::from), "{text}");
        }
    }
}
