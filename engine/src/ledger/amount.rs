//! Amounts of points. Every sum is checked; there is deliberately no `+`.

use bincode::{BorrowDecode, Encode, de::BorrowDecoder, error::DecodeError};

/// Points in the smallest unit of their point type, 0 … 2^53 − 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode)]
pub struct Points(u64);

impl Points {
    /// No points.
    pub const ZERO: Self = Self(0);
    /// The largest amount that survives a JSON number unharmed.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// `None` above [`Points::MAX`].
    #[must_use]
    pub const fn new(raw: u64) -> Option<Self> {
        if raw <= Self::MAX.0 {
            Some(Self(raw))
        } else {
            None
        }
    }

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether there is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `None` when the sum would exceed [`Points::MAX`].
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        // Both are below 2^53, so the machine addition cannot wrap.
        Self::new(self.0 + other.0)
    }

    /// What is left without `other`, which is known to be at most this.
    ///
    /// # Panics
    ///
    /// If `other` is more (invariant 2).
    #[must_use]
    pub(super) const fn less(self, other: Self) -> Self {
        self.checked_sub(other)
            .expect("invariant 2: nothing falls below zero")
    }

    /// `None` when `other` is more.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }
}

impl<'de, C> BorrowDecode<'de, C> for Points {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Self::new(u64::borrow_decode(decoder)?).ok_or(DecodeError::Other("too many points"))
    }
}

/// Money in fen (0.01 yuan), 0 … 2^53 − 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode)]
pub struct Fen(u64);

impl<'de, C> BorrowDecode<'de, C> for Fen {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Self::new(u64::borrow_decode(decoder)?).ok_or(DecodeError::Other("too much money"))
    }
}

impl Fen {
    /// `None` above 2^53 − 1, the largest number that survives JSON.
    #[must_use]
    pub const fn new(raw: u64) -> Option<Self> {
        if raw <= Points::MAX.0 {
            Some(Self(raw))
        } else {
            None
        }
    }

    /// The plain number of fen.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_stop_at_the_largest_json_number() {
        let one = Points::new(1).unwrap();
        assert_eq!(Points::new(1 << 53), None);
        assert_eq!(Points::MAX.checked_add(one), None);
        assert_eq!(Points::MAX.checked_add(Points::ZERO), Some(Points::MAX));
        assert_eq!(Points::ZERO.checked_sub(one), None);
        assert_eq!(one.checked_sub(one), Some(Points::ZERO));
    }

    #[test]
    fn what_was_recorded_beyond_the_largest_amount_is_not_read() {
        let standard = bincode::config::standard();
        for (number, taken) in [
            ((1 << 53) - 1, true),
            (1_u64 << 53, false),
            (u64::MAX, false),
        ] {
            let bytes = bincode::encode_to_vec(number, standard).unwrap();
            let points = bincode::borrow_decode_from_slice::<Points, _>(&bytes, standard);
            assert_eq!(points.is_ok(), taken, "{number}");
            let money = bincode::borrow_decode_from_slice::<Fen, _>(&bytes, standard);
            assert_eq!(money.is_ok(), taken, "{number}");
            let units =
                bincode::borrow_decode_from_slice::<crate::pool::Units, _>(&bytes, standard);
            assert_eq!(units.is_ok(), taken, "{number}");
        }
    }
}
