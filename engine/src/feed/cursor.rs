//! A place in the feed.

use std::fmt;

/// A place between two entries of the journal, in the one order in which everything became durable. Turns are counted
/// over the whole life of a journal, so a place stays where it is when epochs end, are archived, and when the process
/// starts again; and it says of every shard at once how far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The last turn of which everything lies in front of this place.
    pub turn: u64,
    /// How many entries of the turn behind that lie in front of it as well.
    pub taken: u32,
}

impl Cursor {
    /// The place behind a turn.
    #[must_use]
    pub const fn behind(turn: u64) -> Self {
        Self { turn, taken: 0 }
    }

    /// Reads what [`Display`](fmt::Display) wrote, such as `c1f-3`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (turn, taken) = text.strip_prefix('c')?.split_once('-')?;
        let cursor = Self {
            turn: u64::from_str_radix(turn, 16).ok()?,
            taken: u32::from_str_radix(taken, 16).ok()?,
        };
        // One place, one spelling.
        (cursor.to_string() == text).then_some(cursor)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:x}-{:x}", self.turn, self.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_spelling() {
        let cursor = Cursor {
            turn: 0x1f,
            taken: 3,
        };
        assert_eq!(cursor.to_string(), "c1f-3");
        assert_eq!(Cursor::parse("c1f-3"), Some(cursor));
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
            "c1f-3-1",
            "c1f-100000000",
            "3:10412",
        ] {
            assert_eq!(Cursor::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn places_are_in_the_order_of_the_journal() {
        let within = Cursor { turn: 4, taken: 9 };
        assert!(Cursor::behind(4) < within && within < Cursor::behind(5));
    }
}
