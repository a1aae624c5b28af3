//! How many of something a pool has.

use std::fmt;

use bincode::{BorrowDecode, Encode, de::BorrowDecoder, error::DecodeError};

/// A number of units, 0 … 2^53 − 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode)]
pub struct Units(u64);

impl<'de, C> BorrowDecode<'de, C> for Units {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Self::new(u64::borrow_decode(decoder)?).ok_or(DecodeError::Other("too many units"))
    }
}

impl Units {
    /// None.
    pub const ZERO: Self = Self(0);
    /// As many as JSON can carry exactly.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// `None` above [`Units::MAX`].
    #[must_use]
    pub const fn new(count: u64) -> Option<Self> {
        if count <= Self::MAX.0 {
            Some(Self(count))
        } else {
            None
        }
    }

    /// The bare number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum; `None` above [`Units::MAX`].
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(self.0 + other.0)
    }

    /// The sum of parts of one pool.
    ///
    /// # Panics
    ///
    /// If they are more than a pool can have: invariant 4 is broken.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        self.checked_add(other)
            .expect("invariant 4: the parts of a pool sum to its total")
    }

    /// What is left.
    ///
    /// # Panics
    ///
    /// If that is less than nothing: invariant 4 is broken.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        assert!(
            self.0 >= other.0,
            "invariant 4: nothing in a pool falls below zero"
        );
        Self(self.0 - other.0)
    }

    /// One part of so many equal ones, the rest left out.
    #[must_use]
    pub const fn part_of(self, parts: u64) -> Self {
        Self(self.0 / parts)
    }
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
