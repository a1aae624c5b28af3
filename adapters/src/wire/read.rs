//! Reads JSON values straight into their types.

use std::fmt::{self, Display};

use compact_str::CompactString;
use jifen_engine::ledger::Labels;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use super::values;

/// Reads a string by a function from text.
pub(super) struct FromText<F>(pub(super) F);

impl<'de, T, E: Display, F: FnOnce(&str) -> Result<T, E>> DeserializeSeed<'de> for FromText<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T, E: Display, F: FnOnce(&str) -> Result<T, E>> Visitor<'_> for FromText<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<X: Error>(self, text: &str) -> Result<T, X> {
        (self.0)(text).map_err(X::custom)
    }
}

/// Reads an integer by a function from a number; what has a fraction or an exponent is none.
pub(super) struct FromInteger<F>(pub(super) F);

impl<'de, T, E: Display, F: FnOnce(u64) -> Result<T, E>> DeserializeSeed<'de> for FromInteger<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_u64(self)
    }
}

impl<T, E: Display, F: FnOnce(u64) -> Result<T, E>> Visitor<'_> for FromInteger<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_u64<X: Error>(self, number: u64) -> Result<T, X> {
        (self.0)(number).map_err(X::custom)
    }
}

/// Reads an integer that may be negative, otherwise like [`FromInteger`].
pub(super) struct FromSigned<F>(pub(super) F);

impl<'de, T, E: Display, F: FnOnce(i64) -> Result<T, E>> DeserializeSeed<'de> for FromSigned<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_i64(self)
    }
}

impl<T, E: Display, F: FnOnce(i64) -> Result<T, E>> Visitor<'_> for FromSigned<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_u64<X: Error>(self, number: u64) -> Result<T, X> {
        self.visit_i64(values::signed(number))
    }

    fn visit_i64<X: Error>(self, number: i64) -> Result<T, X> {
        (self.0)(number).map_err(X::custom)
    }
}

/// Reads a flat object of strings.
pub(super) struct LabelsSeed;

impl<'de> DeserializeSeed<'de> for LabelsSeed {
    type Value = Labels;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Labels, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LabelsSeed {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(values::NOT_AN_OBJECT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Labels, A::Error> {
        let text = || FromText(|text: &str| Ok::<_, &str>(CompactString::new(text)));
        let mut pairs = Vec::new();
        let mut bytes = 0;
        while let Some(key) = object.next_key_seed(text())? {
            let value = object.next_value_seed(text())?;
            bytes += key.len() + value.len();
            // Ends early, so that a long object costs no memory; pairs without a byte are stopped by the duplicates.
            if bytes > Labels::BYTES_MAX {
                return Err(A::Error::custom(values::LABELS_TOO_LONG));
            }
            pairs.push((key, value));
        }
        pairs.sort_unstable();
        if pairs.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(A::Error::custom("duplicate key"));
        }
        values::labels(pairs).map_err(A::Error::custom)
    }
}
