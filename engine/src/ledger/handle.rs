//! What the engine calls what it makes: names that carry their shard, so that whoever knows one knows where it lives.

use std::fmt;

use super::command::{Seq, ShardIndex};

/// Where an answer is recorded: shard and sequence, written `3:10412`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offset {
    /// The shard that decided.
    pub shard: ShardIndex,
    /// The entry's place in that shard's journal.
    pub seq: Seq,
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.shard.0, self.seq.0)
    }
}

/// A hold's name. It carries its shard, so whoever knows a hold knows where it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId {
    /// The shard of the hold's member.
    pub shard: ShardIndex,
    /// The entry that made the hold.
    pub seq: Seq,
}

impl HoldId {
    /// Reads `h3-10412`; `None` for whatever the engine cannot have made.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (shard, seq) = place(text.strip_prefix('h')?)?;
        Some(Self { shard, seq })
    }
}

/// Reads `3-10412`.
fn place(text: &str) -> Option<(ShardIndex, Seq)> {
    let (shard, seq) = text.split_once('-')?;
    let shard = ShardIndex(plain_number(shard)?.try_into().ok()?);
    Some((shard, Seq(plain_number(seq)?)))
}

/// Reads a number in the one spelling that the engine writes: no sign, no leading zero.
fn plain_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    if plain && !padded {
        text.parse().ok()
    } else {
        None
    }
}

/// An accepted command's name: the entry that records it, written `t3-10412`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId {
    /// The shard that decided.
    pub shard: ShardIndex,
    /// The entry.
    pub seq: Seq,
}

impl TransactionId {
    /// Reads `t3-10412`; `None` for whatever the engine cannot have made.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (shard, seq) = place(text.strip_prefix('t')?)?;
        Some(Self { shard, seq })
    }
}

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}-{}", self.shard.0, self.seq.0)
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h{}-{}", self.shard.0, self.seq.0)
    }
}

/// A reservation's name, written `r3-10412`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservationId {
    /// The shard of the reservation's member.
    pub shard: ShardIndex,
    /// The entry that made it.
    pub seq: Seq,
}

impl ReservationId {
    /// Reads `r3-10412`; `None` for whatever the engine cannot have made.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (shard, seq) = place(text.strip_prefix('r')?)?;
        Some(Self { shard, seq })
    }
}

impl fmt::Display for ReservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}-{}", self.shard.0, self.seq.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_has_one_spelling() {
        let id = HoldId {
            shard: ShardIndex(3),
            seq: Seq(10_412),
        };
        assert_eq!(id.to_string(), "h3-10412");
        assert_eq!(HoldId::parse("h3-10412"), Some(id));
        for other in [
            "",
            "h",
            "h3",
            "3-1",
            "h3-",
            "h03-1",
            "h3-01",
            "h+3-1",
            "h3-1 ",
            "h99999-1",
            "h3-99999999999999999999",
        ] {
            assert_eq!(HoldId::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let (shard, seq) = (ShardIndex(12), Seq(7));
        let reservation = ReservationId { shard, seq };
        let transaction = TransactionId { shard, seq };
        assert_eq!(Offset { shard, seq }.to_string(), "12:7");
        assert_eq!(reservation.to_string(), "r12-7");
        assert_eq!(ReservationId::parse("r12-7"), Some(reservation));
        assert_eq!(transaction.to_string(), "t12-7");
        assert_eq!(TransactionId::parse("t12-7"), Some(transaction));
        for other in ["h12-7", "12-7", "x12-7", "r12", "t-7"] {
            assert_eq!(ReservationId::parse(other), None, "{other}");
            assert_eq!(TransactionId::parse(other), None, "{other}");
        }
    }
}
