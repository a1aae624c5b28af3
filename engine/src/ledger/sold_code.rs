//! Codes of units that were sold: who has one can use what was bought.
//!
//! A code says by itself where it was made, so it is found without an index; what cannot be guessed in it is a tag over a secret
//! of its sale. It is written in Crockford's base 32, in groups of five, with a check character, so that a slip of the pen is told
//! from a code that was never given out.

use std::fmt;

use super::command::{Seq, ShardIndex};

/// The alphabet: no `I`, `L`, `O` and `U`, which are read as `1`, `1` and `0` or spell words.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// What the check character may be beside those.
const CHECKS: &[u8; 5] = b"*~$=U";
/// Characters without dashes: shard, entry, unit and tag, and the check.
const LENGTH: usize = 25;
const GROUP: usize = 5;
const SEQ_BITS: u32 = 40;
const UNIT_BITS: u32 = 14;
const TAG_BITS: u32 = 56;

/// What the codes of one sale have in common that nobody can guess.
pub type SaleSecret = u64;

/// The code of one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SoldCode {
    /// The shard of whoever bought it.
    pub shard: ShardIndex,
    /// The entry that sold it.
    pub sale: Seq,
    /// Which of the units of that sale, from 0.
    pub unit: u16,
    tag: u64,
}

impl SoldCode {
    /// The code of a unit.
    ///
    /// # Panics
    ///
    /// If the journal of a shard has more than 2^40 entries.
    #[must_use]
    pub fn new(shard: ShardIndex, sale: Seq, unit: u16, secret: SaleSecret) -> Self {
        assert!(sale.0 >> SEQ_BITS == 0, "a code has room for 2^40 entries");
        let mut hasher = blake3::Hasher::new_derive_key("jifen code of a sold unit, version 1");
        hasher.update(&secret.to_be_bytes());
        hasher.update(&shard.0.to_be_bytes());
        hasher.update(&sale.0.to_be_bytes());
        hasher.update(&unit.to_be_bytes());
        let mut tag = [0; 8];
        tag.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Self {
            shard,
            sale,
            unit,
            tag: u64::from_be_bytes(tag) >> (64 - TAG_BITS),
        }
    }

    /// Whether the sale with this secret gave it out. Takes as long for a wrong tag as for the right one.
    #[must_use]
    pub fn is_of(&self, secret: SaleSecret) -> bool {
        let right = Self::new(self.shard, self.sale, self.unit, secret);
        right.tag ^ self.tag == 0
    }

    /// Reads a code in the one spelling that the engine writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut plain = [0; LENGTH];
        let groups = text.split('-');
        let mut at = 0;
        for group in groups {
            if group.len() != GROUP || at == LENGTH {
                return None;
            }
            plain[at..at + GROUP].copy_from_slice(group.as_bytes());
            at += GROUP;
        }
        if at != LENGTH {
            return None;
        }
        let (check, content) = plain.split_last()?;
        let mut bits: u128 = 0;
        for byte in content {
            let digit = ALPHABET.iter().position(|one| one == byte)?;
            bits = bits << 5 | digit as u128;
        }
        (check_of(bits) == *check).then(|| Self::from_bits(bits))
    }

    const fn from_bits(bits: u128) -> Self {
        let unit_at = TAG_BITS;
        let seq_at = unit_at + UNIT_BITS;
        let shard_at = seq_at + SEQ_BITS;
        Self {
            shard: ShardIndex((bits >> shard_at) as u16),
            sale: Seq((bits >> seq_at) as u64 & ((1 << SEQ_BITS) - 1)),
            unit: (bits >> unit_at) as u16 & ((1 << UNIT_BITS) - 1),
            tag: bits as u64 & ((1 << TAG_BITS) - 1),
        }
    }

    fn bits(self) -> u128 {
        let shard = u128::from(self.shard.0) << SEQ_BITS | u128::from(self.sale.0);
        let unit = shard << UNIT_BITS | u128::from(self.unit);
        unit << TAG_BITS | u128::from(self.tag)
    }
}

/// The remainder by 37 finds every single wrong character and every swap of two.
fn check_of(bits: u128) -> u8 {
    let rest = (bits % 37) as usize;
    match rest.checked_sub(ALPHABET.len()) {
        None => ALPHABET[rest],
        Some(rest) => CHECKS[rest],
    }
}

impl fmt::Display for SoldCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.bits();
        for at in 0..LENGTH {
            if at > 0 && at.is_multiple_of(GROUP) {
                f.write_str("-")?;
            }
            let character = if at + 1 < LENGTH {
                ALPHABET[(bits >> (5 * (LENGTH - 2 - at))) as usize & 31]
            } else {
                check_of(bits)
            };
            write!(f, "{}", char::from(character))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_was_written() {
        for (shard, sale, unit) in [(0, 1, 0), (1_023, (1 << 40) - 1, 999), (7, 1 << 20, 16_383)] {
            let code = SoldCode::new(ShardIndex(shard), Seq(sale), unit, 42);
            let text = code.to_string();
            assert_eq!(text.len(), 29, "{text}");
            assert_eq!(SoldCode::parse(&text), Some(code), "{text}");
            assert!(code.is_of(42) && !code.is_of(43));
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_no_code() {
        let text = SoldCode::new(ShardIndex(3), Seq(10_412), 1, 42).to_string();
        for at in (0..text.len()).filter(|at| text.as_bytes()[*at] != b'-') {
            let mut slipped = text.clone().into_bytes();
            slipped[at] = if slipped[at] == b'7' { b'8' } else { b'7' };
            let slipped = String::from_utf8(slipped).unwrap();
            assert_eq!(SoldCode::parse(&slipped), None, "{slipped}");
        }
        for other in [
            "",
            "-",
            "00000",
            &text.to_lowercase(),
            &text.replace('-', ""),
        ] {
            assert_eq!(SoldCode::parse(other), None, "{other}");
        }
    }
}
