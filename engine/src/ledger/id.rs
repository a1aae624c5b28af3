//! Names that come from outside: members, merchants, requests and their like.
//!
//! All of them share one alphabet (`A-Z a-z 0-9 . _ : @ -`, 1–64 characters) and each has its own type, so that
//! a merchant can never be passed where a member is meant. Names of up to 24 bytes need no allocation.

use std::fmt;

use bincode::{
    BorrowDecode, Encode,
    de::BorrowDecoder,
    enc::Encoder,
    error::{DecodeError, EncodeError},
};
use compact_str::CompactString;

/// The longest identifier, in bytes (the alphabet is ASCII).
pub const ID_BYTES_MAX: usize = 64;

/// Why a text is no identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("must not be empty")]
    Empty,
    /// More than [`ID_BYTES_MAX`] bytes.
    #[error("must be at most {ID_BYTES_MAX} characters long")]
    TooLong,
    /// A character outside the alphabet.
    #[error("may hold only A-Z a-z 0-9 . _ : @ -")]
    BadCharacter,
}

const fn in_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'@' | b'-')
}

/// Checks the alphabet and the length that every identifier shares.
pub(crate) fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        Err(IdError::Empty)
    } else if text.len() > ID_BYTES_MAX {
        Err(IdError::TooLong)
    } else if text.bytes().all(in_alphabet) {
        Ok(())
    } else {
        Err(IdError::BadCharacter)
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(CompactString);

        impl $name {
            /// Takes a text over after checking its length and alphabet.
            pub fn new(text: &str) -> Result<Self, IdError> {
                check(text)?;
                Ok(Self(CompactString::new(text)))
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Encode for $name {
            fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
                self.0.as_str().encode(encoder)
            }
        }

        impl<'de, C> BorrowDecode<'de, C> for $name {
            fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
                decoder: &mut D,
            ) -> Result<Self, DecodeError> {
                let text = <&str>::borrow_decode(decoder)?;
                Self::new(text).map_err(|error| DecodeError::OtherString(error.to_string()))
            }
        }
    };
}

identifier!(
    /// Who owns points.
    MemberId
);
identifier!(
    /// Who issues points and accepts them.
    MerchantId
);
identifier!(
    /// Something put right by hand between a merchant and the operator.
    CorrectionId
);
identifier!(
    /// What is sold by the unit for points.
    SkuId
);
identifier!(
    /// What a client calls a request, so that a retry is recognised. Its scope is (principal, object).
    RequestId
);
identifier!(
    /// A named client: who sends commands.
    Principal
);
identifier!(
    /// A kind of points; kinds never mix.
    PointType
);
identifier!(
    /// Tells rules of lots apart: `ordinary`, `invitation`, `bought` …
    Class
);
identifier!(
    /// What points are spent on: `goods`, `offset`, `gift` …
    Use
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_and_the_length_are_the_contract() {
        let longest = "x".repeat(ID_BYTES_MAX);
        let too_long = "x".repeat(ID_BYTES_MAX + 1);
        for (text, expected) in [
            ("a", Ok(())),
            ("A-z.0_9:@", Ok(())),
            (longest.as_str(), Ok(())),
            ("", Err(IdError::Empty)),
            (too_long.as_str(), Err(IdError::TooLong)),
            ("a b", Err(IdError::BadCharacter)),
            ("a/b", Err(IdError::BadCharacter)),
            ("积分", Err(IdError::BadCharacter)),
            ("a\n", Err(IdError::BadCharacter)),
        ] {
            assert_eq!(MemberId::new(text).map(|_| ()), expected, "{text:?}");
        }
    }
}
