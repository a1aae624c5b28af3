//! Tells whether a retry has the same content as the request it repeats.

use bincode::{BorrowDecode, Encode};
use smallvec::SmallVec;

use super::text::Labels;

/// A digest of a request's content. It only ever meets other requests of the same principal, object and request id,
/// so 64 bits are plenty: whoever makes two contents collide merely hears their own earlier answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Fingerprint(u64);

/// The content on its way into a [`Fingerprint`]: numbered fields, absent ones left out, so that a field added by a
/// later version changes nothing for those who do not use it.
#[derive(Default)]
pub(super) struct Sketch(SmallVec<[u8; 256]>);

impl Sketch {
    pub(super) fn word(&mut self, word: &str) {
        self.field(0, word);
    }

    pub(super) fn field(&mut self, number: u8, text: &str) {
        self.0.push(number);
        self.0.extend_from_slice(&(text.len() as u64).to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn number(&mut self, number: u8, value: u64) {
        self.0.push(number);
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(super) fn maybe(&mut self, number: u8, text: Option<&str>) {
        if let Some(text) = text {
            self.field(number, text);
        }
    }

    pub(super) fn maybe_number(&mut self, number: u8, value: Option<u64>) {
        if let Some(value) = value {
            self.number(number, value);
        }
    }

    pub(super) fn labels(&mut self, number: u8, labels: Option<&Labels>) {
        if let Some(labels) = labels {
            self.number(number, labels.iter().len() as u64);
            for (key, value) in labels.iter() {
                self.field(number, key);
                self.field(number, value);
            }
        }
    }

    pub(super) fn finish(&self) -> Fingerprint {
        Fingerprint(xxhash_rust::xxh3::xxh3_64(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(fill: impl FnOnce(&mut Sketch)) -> Fingerprint {
        let mut sketch = Sketch::default();
        fill(&mut sketch);
        sketch.finish()
    }

    #[test]
    fn neighbouring_fields_do_not_run_together() {
        let split = |a: &str, b: &str| {
            fingerprint(|s| {
                s.field(1, a);
                s.field(2, b);
            })
        };
        assert_ne!(split("ab", "c"), split("a", "bc"));
        assert_ne!(split("a", ""), fingerprint(|s| s.field(1, "a")));
    }

    #[test]
    fn the_digest_is_the_journaled_one() {
        // Fingerprints stand in journals: a retry after an upgrade must give the same value.
        let value = fingerprint(|s| {
            s.word("earn");
            s.number(3, 40);
        });
        assert_eq!(value, Fingerprint(FROZEN));
    }

    const FROZEN: u64 = 17_076_648_821_365_777_389;
}
