//! A place in the feed.

use std::fmt;

use crate::journal::identity::JournalId;

/// A place between two entries of the journal, in the one order in which everything became durable. Turns are counted
/// over the whole life of a journal, so a place stays where it is when epochs end, are archived, and when the process
/// starts again; and it says of every shard at once how far it has come.
///
/// Another journal has other entries in the same places, so a place that is told names its journal. All places that a feed
/// deals with are of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The last turn of which everything lies in front of this place.
    pub turn: u64,
    /// How many entries of the turn behind that lie in front of it as well.
    pub taken: u32,
    /// The journal; `None` is one without a name: it lives in memory only, or the place was told before there were names.
    pub journal: Option<JournalId>,
}

impl Cursor {
    /// The place behind a turn of a journal.
    #[must_use]
    pub const fn behind(turn: u64, journal: Option<JournalId>) -> Self {
        Self {
            turn,
            taken: 0,
            journal,
        }
    }

    /// Whether something lies between the place and what is behind a turn, seen from there.
    #[must_use]
    pub const fn is_beyond(self, turn: u64) -> bool {
        self.turn > turn || (self.turn == turn && self.taken > 0)
    }

    /// Reads what [`Display`](fmt::Display) wrote, such as `c1f-3-9a3f01c2`; `c1f-3` names no journal.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (turn, rest) = text.strip_prefix('c')?.split_once('-')?;
        let (taken, journal) = match rest.split_once('-') {
            Some((taken, journal)) => (taken, Some(JournalId::parse(journal)?)),
            None => (rest, None),
        };
        let cursor = Self {
            turn: u64::from_str_radix(turn, 16).ok()?,
            taken: u32::from_str_radix(taken, 16).ok()?,
            journal,
        };
        // One place, one spelling.
        (cursor.to_string() == text).then_some(cursor)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:x}-{:x}", self.turn, self.taken)?;
        self.journal
            .map_or(Ok(()), |journal| write!(f, "-{journal}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_spelling() {
        let unnamed = Cursor {
            turn: 0x1f,
            taken: 3,
            journal: None,
        };
        let named = Cursor {
            journal: JournalId::parse("009a3f01"),
            ..unnamed
        };
        for (cursor, text) in [(unnamed, "c1f-3"), (named, "c1f-3-009a3f01")] {
            assert_eq!(cursor.to_string(), text);
            assert_eq!(Cursor::parse(text), Some(cursor));
        }
        for other in [
            "",
            "c",
            "c1f",
            "c1f-",
            "1f-3",
            "c1F-3",
            "c01f-3",
            "c1f-03",
            "c+1f-3",
            "c1f-3 ",
            "c1f-3-",
            "c1f-3-1",
            "c1f-3-9a3f01",
            "c1f-3-009A3f01",
            "c1f-3-009a3f010",
            "c1f-3-009a3f01-1",
            "c1f-100000000",
            "3:10412",
        ] {
            assert_eq!(Cursor::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn places_are_in_the_order_of_the_journal() {
        let within = Cursor::parse("c4-9-9a3f01c2").unwrap();
        let behind = |turn| Cursor::behind(turn, within.journal);
        assert!(behind(4) < within && within < behind(5));
        assert!(within.is_beyond(4) && !within.is_beyond(5));
        assert!(!behind(4).is_beyond(4) && behind(5).is_beyond(4));
    }
}
