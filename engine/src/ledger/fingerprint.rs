//! Tells whether a retry has the same content as the request it repeats.

use bincode::{BorrowDecode, Encode};
use smallvec::SmallVec;

use super::{
    amount::{Fen, Points},
    command::{Cancel, Command, Confirm, Direction},
    id::Use,
    text::{Labels, Text},
};
use crate::pool::Units;

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

    /// Something with an encoded form that is frozen, since journals have it.
    pub(super) fn encoded(&mut self, number: u8, content: &impl Encode) {
        let bytes = super::image::record(content);
        self.number(number, bytes.len() as u64);
        self.0.extend_from_slice(&bytes);
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

impl Command {
    /// Everything that makes two commands the same content, defaults filled in. A field that a later version adds
    /// must leave the sketch as it is when absent, or retries across an upgrade would no longer be recognised.
    pub(super) fn sketch(&self, sketch: &mut Sketch) {
        sketch.word(self.kind().name());
        match self {
            Self::Enrol(c) => {
                sketch.field(1, c.member.as_str());
                sketch.labels(2, c.attributes.as_ref());
            }
            Self::Earn(c) => {
                sketch.field(1, c.member.as_str());
                sketch.field(2, c.merchant.as_str());
                sketch.number(3, c.points.get());
                sketch.field(4, c.point_type.as_str());
                sketch.maybe_number(5, c.last_day.days_since_1970().map(u64::from));
                sketch.field(6, c.class.as_str());
                sketch.maybe(7, c.order.as_ref().map(Text::as_str));
                sketch.maybe_number(8, c.at.map(|at| at.0));
                sketch.maybe_number(9, c.releases_at.map(|at| at.0));
            }
            Self::Redeem(c) => {
                sketch.field(1, c.member.as_str());
                sketch.field(2, c.merchant.as_str());
                sketch.number(3, c.points.get());
                sketch.field(4, c.point_type.as_str());
                sketch.maybe(5, c.used_for.as_ref().map(Use::as_str));
                sketch.maybe(6, c.order.as_ref().map(Text::as_str));
                sketch.maybe_number(7, c.cash.map(Fen::get));
            }
            Self::Hold(c) => {
                sketch.field(1, c.member.as_str());
                sketch.field(2, c.merchant.as_str());
                sketch.number(3, c.points.get());
                sketch.field(4, c.point_type.as_str());
                sketch.maybe(5, c.used_for.as_ref().map(Use::as_str));
                sketch.maybe(6, c.order.as_ref().map(Text::as_str));
                sketch.number(7, u64::from(c.ttl_seconds));
            }
            Self::Capture(c) => {
                sketch.number(1, c.hold.seq.0);
                sketch.maybe_number(2, c.points.map(Points::get));
                sketch.number(3, u64::from(c.last));
            }
            Self::Release(c) => sketch.number(1, c.hold.seq.0),
            Self::PutMerchant(c) => {
                sketch.field(1, c.merchant.as_str());
                sketch.field(2, c.name.as_str());
                if let Some(contract) = &c.contract {
                    sketch.encoded(3, contract);
                }
            }
            Self::Reverse(c) => {
                sketch.number(1, c.transaction.seq.0);
                sketch.maybe_number(2, c.points.map(Points::get));
                sketch.maybe(3, c.reason.as_ref().map(Text::as_str));
                sketch.maybe_number(4, c.return_units.then_some(1));
            }
            Self::Adjust(c) => {
                sketch.field(1, c.member.as_str());
                sketch.number(2, u64::from(c.direction == Direction::Up));
                sketch.number(3, c.points.get());
                sketch.field(4, c.point_type.as_str());
                sketch.field(5, c.reason.as_str());
            }
            Self::Freeze(c) | Self::Unfreeze(c) | Self::Close(c) => {
                sketch.field(1, c.member.as_str());
                sketch.field(2, c.reason.as_str());
            }
            Self::Erase(c) => sketch.field(1, c.member.as_str()),
            Self::Reserve(c) => {
                sketch.field(1, c.member.as_str());
                sketch.field(2, c.sku.as_str());
                sketch.number(3, c.quantity.get());
            }
            Self::Confirm(Confirm { reservation }) | Self::Cancel(Cancel { reservation }) => {
                sketch.number(1, reservation.seq.0);
            }
            Self::Transfer(c) => {
                sketch.field(1, c.member.as_str());
                sketch.field(2, c.to.as_str());
                sketch.number(3, c.points.get());
                sketch.field(4, c.point_type.as_str());
            }
            Self::PutStock(c) => {
                sketch.field(1, c.sku.as_str());
                sketch.number(2, c.units.get());
                sketch.number(3, c.price.get());
                sketch.field(4, c.point_type.as_str());
                sketch.field(5, c.merchant.as_str());
                sketch.maybe_number(6, c.per_member_limit.map(Units::get));
                sketch.maybe_number(7, c.opens_at.map(|at| at.0));
                sketch.maybe_number(8, c.closes_at.map(|at| at.0));
                sketch.number(9, u64::from(c.ttl_seconds));
            }
            Self::ChangeUnits(c) => {
                sketch.field(1, c.sku.as_str());
                sketch.number(2, u64::from(c.direction == Direction::Up));
                sketch.number(3, c.units.get());
            }
            Self::UseCode(c) => sketch.field(1, &c.code.to_string()),
            Self::Settle(c) => {
                sketch.encoded(1, &c.start);
                sketch.encoded(2, &c.end);
            }
            Self::PutCorrection(c) => {
                sketch.field(1, c.correction.as_str());
                sketch.field(2, c.merchant.as_str());
                sketch.encoded(3, &c.fen);
                sketch.field(4, c.reason.as_str());
            }
            Self::DecideCorrection(c) => {
                sketch.field(1, c.correction.as_str());
                sketch.number(2, u64::from(c.approve));
            }
            Self::BuyPack(c) => {
                sketch.field(1, c.merchant.as_str());
                sketch.number(2, c.points.get());
                sketch.field(3, c.point_type.as_str());
                sketch.number(4, c.price.get());
            }
        }
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
