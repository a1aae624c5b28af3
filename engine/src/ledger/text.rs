//! Free text that clients attach and get back as given. The ledger never reads it.

use bincode::{
    BorrowDecode, Encode,
    de::BorrowDecoder,
    enc::Encoder,
    error::{DecodeError, EncodeError},
};
use compact_str::CompactString;

/// One line of free text: an order number, a reference, a merchant's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text(CompactString);

impl Text {
    /// The longest text, in characters.
    pub const CHARS_MAX: usize = 128;

    /// `None` when it is longer than [`Text::CHARS_MAX`].
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        // A character takes at most four bytes, so most texts are judged without counting.
        if text.len() <= Self::CHARS_MAX || text.chars().count() <= Self::CHARS_MAX {
            Some(Self(CompactString::new(text)))
        } else {
            None
        }
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Encode for Text {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.0.as_str().encode(encoder)
    }
}

impl<'de, C> BorrowDecode<'de, C> for Text {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Self::new(<&str>::borrow_decode(decoder)?).ok_or(DecodeError::Other("text too long"))
    }
}

/// A flat object of strings (`metadata`, `attributes`), sorted by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(Box<[(CompactString, CompactString)]>);

impl Labels {
    /// The most that keys and values may take together, in bytes.
    pub const BYTES_MAX: usize = 1_024;

    /// `None` when keys and values together are longer than [`Labels::BYTES_MAX`]. Keys must be unique.
    #[must_use]
    pub fn new(mut pairs: Vec<(CompactString, CompactString)>) -> Option<Self> {
        let bytes: usize = pairs
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        if bytes > Self::BYTES_MAX {
            return None;
        }
        // The order of an object's members means nothing, so two orders must be the same content.
        pairs.sort();
        Some(Self(pairs.into_boxed_slice()))
    }

    /// Keys and values in the order of the keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// These labels with those of `newer` put over them, or `None` if together they are too long.
    #[must_use]
    pub fn overlaid(&self, newer: &Self) -> Option<Self> {
        let mut pairs: Vec<_> = self.0.to_vec();
        for (key, value) in &newer.0 {
            match pairs.iter_mut().find(|(known, _)| known == key) {
                Some((_, old)) => old.clone_from(value),
                None => pairs.push((key.clone(), value.clone())),
            }
        }
        Self::new(pairs)
    }
}

impl Encode for Labels {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        (self.0.len() as u64).encode(encoder)?;
        for (key, value) in &self.0 {
            key.as_str().encode(encoder)?;
            value.as_str().encode(encoder)?;
        }
        Ok(())
    }
}

impl<'de, C> BorrowDecode<'de, C> for Labels {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        let count = u64::borrow_decode(decoder)?;
        let mut pairs = Vec::new();
        for _ in 0..count {
            let key = <&str>::borrow_decode(decoder)?;
            let value = <&str>::borrow_decode(decoder)?;
            pairs.push((CompactString::new(key), CompactString::new(value)));
        }
        Self::new(pairs).ok_or(DecodeError::Other("labels too long"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let pairs = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        Labels::new(pairs.collect()).unwrap()
    }

    #[test]
    fn a_text_is_counted_in_characters() {
        assert!(Text::new(&"积".repeat(128)).is_some());
        assert!(Text::new(&"积".repeat(129)).is_none());
    }

    #[test]
    fn the_order_of_labels_means_nothing() {
        assert_eq!(
            labels(&[("b", "2"), ("a", "1")]),
            labels(&[("a", "1"), ("b", "2")])
        );
    }

    #[test]
    fn newer_labels_replace_those_of_the_same_name() {
        let merged = labels(&[("a", "1"), ("b", "2")]).overlaid(&labels(&[("b", "3"), ("c", "4")]));
        assert_eq!(merged, Some(labels(&[("a", "1"), ("b", "3"), ("c", "4")])));
    }
}
