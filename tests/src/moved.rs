//! Entries in plain words: which points they moved from where to where. The twin makes them, and those of the ledger
//! are compared with them.

use std::fmt;

use jifen_engine::ledger::{Account, Entry, Subject, Symbols};

use crate::specimens::kind;

/// Where points can be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Place {
    Available,
    Held,
    Pending,
    Owed,
    Issued,
    Accepted(String),
    Breakage,
    Adjustment,
    Transit,
}

/// Points of a lot that went from one place to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Moved {
    pub issuer: String,
    pub class: String,
    pub last_day: Option<u32>,
    pub from: Place,
    pub to: Place,
    pub points: u64,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its place in the shard's journal.
    pub seq: u64,
    /// Its stamp, in milliseconds.
    pub at: u64,
    /// Whom it is about: a member or a merchant.
    pub about: String,
    /// What happened, as [`kind`] calls it.
    pub deed: &'static str,
    /// The kind of its points, if it moved any.
    pub point_type: Option<String>,
    /// Its moves, [`summed`].
    pub moves: Vec<Moved>,
}

/// What an entry of the ledger says. `symbols` must know its names.
#[must_use]
pub fn made(entry: &Entry, symbols: &Symbols) -> Made {
    let name = |symbol| symbols.name(symbol).to_string();
    let place = |account| match account {
        Account::Available => Place::Available,
        Account::Held => Place::Held,
        Account::Pending => Place::Pending,
        Account::Owed => Place::Owed,
        Account::Issued => Place::Issued,
        Account::Accepted(merchant) => Place::Accepted(name(merchant)),
        Account::Breakage => Place::Breakage,
        Account::Adjustment => Place::Adjustment,
        Account::Transit => Place::Transit,
    };
    let moves = entry.moves.iter().map(|one| Moved {
        issuer: name(one.lot.key.issuer),
        class: name(one.lot.key.class),
        last_day: one.lot.key.last_day.days_since_1970(),
        from: place(one.from),
        to: place(one.to),
        points: one.points.get(),
    });
    let moves = summed(moves.collect());
    Made {
        seq: entry.seq.0,
        at: entry.at.0,
        about: match &entry.subject {
            Subject::Member(id) => id.to_string(),
            Subject::Merchant(id) => id.to_string(),
            Subject::Stock(id) => id.to_string(),
            Subject::Prepaid(id) => id.to_string(),
            Subject::Settlement(_) | Subject::Correction(_) | Subject::Nobody => String::new(),
        },
        deed: kind(&entry.deed),
        point_type: entry
            .after
            .filter(|_| !moves.is_empty())
            .map(|after| name(after.point_type)),
        moves,
    }
}

/// The same moves, sorted, with those of one lot between the same places as one: how an entry cuts them up is its own
/// business.
#[must_use]
pub fn summed(mut moves: Vec<Moved>) -> Vec<Moved> {
    moves.sort();
    let mut sums: Vec<Moved> = Vec::new();
    for one in moves {
        match sums.last_mut() {
            Some(last) if last.is_like(&one) => last.points += one.points,
            _ => sums.push(one),
        }
    }
    sums
}

impl Moved {
    fn is_like(&self, other: &Self) -> bool {
        let lot = (&self.issuer, &self.class, self.last_day);
        lot == (&other.issuer, &other.class, other.last_day)
            && (&self.from, &self.to) == (&other.from, &other.to)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Available => f.write_str("available"),
            Self::Held => f.write_str("held"),
            Self::Pending => f.write_str("pending"),
            Self::Owed => f.write_str("owed"),
            Self::Issued => f.write_str("issued"),
            Self::Accepted(merchant) => f.write_str(merchant),
            Self::Breakage => f.write_str("breakage"),
            Self::Adjustment => f.write_str("adjustment"),
            Self::Transit => f.write_str("transit"),
        }
    }
}

/// A move as the tables write it: `M1/20800 40 available>breakage`.
impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = crate::heard::LotPart {
            issuer: self.issuer.clone(),
            class: self.class.clone(),
            last_day: self.last_day,
            points: self.points,
        };
        write!(f, "{part} {}>{}", self.from, self.to)
    }
}
