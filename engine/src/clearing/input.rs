//! What a settlement is made from: names, contracts, and what happened, summed up by day.

use std::collections::BTreeMap;

use compact_str::CompactString;

pub use crate::ledger::Period;
use crate::ledger::{Contracts, Day, IssueFlows, Text};

/// A name, as the number of its place among [`Input::names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub u32);

/// In which month a lot lapses: months since 1970-01; `None` for points that never do.
pub type LapseMonth = Option<u32>;

/// Points of one issuer that one acceptor took on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// On which day.
    pub day: Day,
    /// Whose points; the operator's adjustments are no merchant's.
    pub issuer: Name,
    /// Who took them.
    pub acceptor: Name,
    /// Of which kind.
    pub point_type: Name,
    /// The day whose contract says what they are worth: of what came back, the day on which it was spent.
    pub priced_on: Day,
    /// How many were spent.
    pub spent: u128,
    /// How many came back.
    pub returned: u128,
}

/// Orders of one merchant on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trade {
    /// On which day.
    pub day: Day,
    /// Who sold.
    pub merchant: Name,
    /// What kind of points paid.
    pub point_type: Name,
    /// The day whose contract applies.
    pub priced_on: Day,
    /// How many orders.
    pub orders: u64,
    /// How many units in them; 1 where nothing was said about units.
    pub units: u128,
    /// Money paid beside the points, in fen.
    pub cash: u128,
    /// Orders that were sent back whole.
    pub orders_returned: u64,
    /// Units that were.
    pub units_returned: u128,
    /// Money that went back with points that came back, in proportion, in fen.
    pub cash_returned: u128,
}

/// What became of the points of one issuer on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Issue {
    /// On which day.
    pub day: Day,
    /// Whose points.
    pub issuer: Name,
    /// Of which kind.
    pub point_type: Name,
    /// When they lapse.
    pub month: LapseMonth,
    /// The day whose contract applies: of what was taken back, the day on which it was issued; of what came back, that on
    /// which it was spent.
    pub priced_on: Day,
    /// The movements.
    pub flows: Flows,
}

/// How points came into being for members, and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flows {
    /// Given to members.
    pub issued: u128,
    /// Of those, taken back.
    pub reversed: u128,
    /// Spent.
    pub used: u128,
    /// Of those, given back.
    pub returned: u128,
    /// Lapsed or given up.
    pub lapsed: u128,
    /// Put right by the operator, for the member.
    pub adjusted_up: u128,
    /// And against.
    pub adjusted_down: u128,
}

impl Flows {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            issued: self.issued + other.issued,
            reversed: self.reversed + other.reversed,
            used: self.used + other.used,
            returned: self.returned + other.returned,
            lapsed: self.lapsed + other.lapsed,
            adjusted_up: self.adjusted_up + other.adjusted_up,
            adjusted_down: self.adjusted_down + other.adjusted_down,
        }
    }

    /// By how many points members have more: what came, less what went.
    #[must_use]
    pub const fn net(self) -> i128 {
        let came = self.issued + self.returned + self.adjusted_up;
        let went = self.reversed + self.used + self.lapsed + self.adjusted_down;
        // Sums of amounts below 2^53 each; 2^127 of them do not happen.
        came as i128 - went as i128
    }
}

impl From<IssueFlows> for Flows {
    fn from(flows: IssueFlows) -> Self {
        Self {
            issued: flows.issued.into(),
            reversed: flows.reversed.into(),
            used: flows.used.into(),
            returned: flows.returned.into(),
            lapsed: flows.lapsed.into(),
            adjusted_up: flows.adjusted_up.into(),
            adjusted_down: flows.adjusted_down.into(),
        }
    }
}

/// Something put right by hand, in money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// What it is called.
    pub id: CompactString,
    /// Whom it concerns.
    pub merchant: Name,
    /// What the merchant gets, in fen; below zero it pays.
    pub amount: i64,
    /// Why, for people.
    pub reason: Text,
    /// What it refers to: a settlement, an order, a letter.
    pub reference: Option<Text>,
    /// On which day it was approved, and in whose period it is.
    pub day: Day,
}

/// Points that a merchant bought ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Who bought.
    pub merchant: Name,
    /// Which kind.
    pub point_type: Name,
    /// How many.
    pub points: u64,
    /// For how much in all, in fen.
    pub price: u64,
    /// On which day.
    pub day: Day,
}

/// What is known of a merchant from the settlement before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// What was due and not paid yet, in fen; below zero the merchant owes it.
    pub carried: i128,
    /// The value of points and money of its orders, in fen, since the calendar year began in which the next period does.
    pub year_turnover: i128,
    /// Orders since then, less those sent back.
    pub year_orders: i64,
    /// Points drawn from packs ever since, for each kind in which there are packs.
    pub drawn: BTreeMap<Name, u128>,
}

/// Everything that decides what a settlement says. The same input gives the same bytes.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// All names of merchants, agents, issuers and kinds of points, sorted, each once.
    pub names: Vec<CompactString>,
    /// The names of merchants for people.
    pub titles: BTreeMap<Name, Text>,
    /// What is agreed with merchants.
    pub contracts: BTreeMap<Name, Contracts>,
    /// Sorted.
    pub positions: Vec<Position>,
    /// Sorted.
    pub trades: Vec<Trade>,
    /// Sorted.
    pub issues: Vec<Issue>,
    /// Those approved in the period, in the order of approval.
    pub corrections: Vec<Correction>,
    /// All packs ever bought, in the order of buying.
    pub packs: Vec<Pack>,
    /// What is known from before.
    pub before: BTreeMap<Name, Before>,
    /// Of the first settlement, the day on which everything began: it takes what was before its period, too. `None` behind another
    /// settlement.
    pub begin: Option<Day>,
}

impl Input {
    /// The days that a settlement of this period takes: of the first one, from the very beginning.
    #[must_use]
    pub fn taken(&self, period: Period) -> Period {
        let first = self
            .begin
            .map_or(period.first, |begin| begin.min(period.first));
        Period { first, ..period }
    }
}
