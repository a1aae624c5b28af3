//! What a day's sums are kept under.

use bincode::{BorrowDecode, Encode};

use super::table::Row;
use crate::ledger::{symbol::Symbol, time::Day};

/// Points of one issuer that one acceptor took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct PositionRow {
    /// Whose points, who took them, and of which kind.
    pub issuer: Symbol,
    /// Who took them.
    pub acceptor: Symbol,
    /// Of which kind.
    pub point_type: Symbol,
    /// Of what came back, the day on which it was spent.
    pub undone: Option<Day>,
    /// How many were spent.
    pub spent: u64,
    /// How many came back.
    pub returned: u64,
}

/// Orders of one merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct TradeRow {
    /// Who sold.
    pub merchant: Symbol,
    /// What kind of points paid.
    pub point_type: Symbol,
    /// Of what came back, the day on which it was spent.
    pub undone: Option<Day>,
    /// How much of it.
    pub sums: TradeSums,
}

/// Orders, what was in them, and what was paid beside points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub struct TradeSums {
    /// Redemptions, captures and confirmations; of what came back, those of which nothing was left.
    pub orders: u64,
    /// Units; 1 for each order where nothing was said.
    pub units: u64,
    /// Money, in fen.
    pub cash: u64,
}

/// What became of the points of one issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct IssueRow {
    /// Whose points.
    pub issuer: Symbol,
    /// Of which kind.
    pub point_type: Symbol,
    /// In which month they lapse: months since 1970-01, or `None` if they never do.
    pub month: Option<u32>,
    /// Of what was undone, the day on which it had been done.
    pub undone: Option<Day>,
    /// How much of it.
    pub flows: IssueFlows,
}

/// How points came to members and went from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub struct IssueFlows {
    /// Given to members.
    pub issued: u64,
    /// Of those, taken back.
    pub reversed: u64,
    /// Spent.
    pub used: u64,
    /// Of those, given back.
    pub returned: u64,
    /// Lapsed or given up.
    pub lapsed: u64,
    /// Given by the operator, to put something right.
    pub adjusted_up: u64,
    /// Taken by the operator, for the same reason.
    pub adjusted_down: u64,
}

/// A way in which points come to members, or go from them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flow {
    Issued,
    Reversed,
    Used,
    Returned,
    Lapsed,
    AdjustedUp,
    AdjustedDown,
}

impl TradeSums {
    /// `None` where a sum has no room.
    fn plus(self, more: Self) -> Option<Self> {
        Some(Self {
            orders: self.orders.checked_add(more.orders)?,
            units: self.units.checked_add(more.units)?,
            cash: self.cash.checked_add(more.cash)?,
        })
    }
}

impl Flow {
    /// In the order of [`IssueFlows::each`].
    const ALL: [Self; 7] = [
        Self::Issued,
        Self::Reversed,
        Self::Used,
        Self::Returned,
        Self::Lapsed,
        Self::AdjustedUp,
        Self::AdjustedDown,
    ];
}

impl IssueFlows {
    const fn of(&mut self, flow: Flow) -> &mut u64 {
        match flow {
            Flow::Issued => &mut self.issued,
            Flow::Reversed => &mut self.reversed,
            Flow::Used => &mut self.used,
            Flow::Returned => &mut self.returned,
            Flow::Lapsed => &mut self.lapsed,
            Flow::AdjustedUp => &mut self.adjusted_up,
            Flow::AdjustedDown => &mut self.adjusted_down,
        }
    }

    /// Each of them, in a fixed order.
    #[must_use]
    pub const fn each(&self) -> [u64; 7] {
        [
            self.issued,
            self.reversed,
            self.used,
            self.returned,
            self.lapsed,
            self.adjusted_up,
            self.adjusted_down,
        ]
    }

    /// Each with the way that it went, in the same order.
    pub(super) fn by_flow(&self) -> impl Iterator<Item = (Flow, u64)> + use<> {
        Flow::ALL.into_iter().zip(self.each())
    }
}

/// Two numbers as one.
fn pair(one: u32, other: u32) -> u64 {
    u64::from(one) << 32 | u64::from(other)
}

/// A number for a day, or for none; "never" shares that of none.
fn number(day: Option<Day>) -> u32 {
    day.and_then(Day::days_since_1970).unwrap_or(u32::MAX)
}

impl Row for PositionRow {
    type Key = (Symbol, Symbol, Symbol, Option<Day>);
    type Sum = (u64, u64);

    fn empty((issuer, acceptor, point_type, undone): Self::Key) -> Self {
        Self {
            issuer,
            acceptor,
            point_type,
            undone,
            spent: 0,
            returned: 0,
        }
    }

    fn key(&self) -> Self::Key {
        (self.issuer, self.acceptor, self.point_type, self.undone)
    }

    fn words((issuer, acceptor, point_type, undone): Self::Key) -> [u64; 2] {
        [
            pair(issuer.number(), acceptor.number()),
            pair(point_type.number(), number(undone)),
        ]
    }

    fn add(&mut self, (spent, returned): Self::Sum) -> bool {
        let sums = self.spent.checked_add(spent);
        let sums = sums.zip(self.returned.checked_add(returned));
        sums.map(|sums| (self.spent, self.returned) = sums)
            .is_some()
    }
}

impl Row for TradeRow {
    type Key = (Symbol, Symbol, Option<Day>);
    type Sum = TradeSums;

    fn empty((merchant, point_type, undone): Self::Key) -> Self {
        Self {
            merchant,
            point_type,
            undone,
            sums: TradeSums::default(),
        }
    }

    fn key(&self) -> Self::Key {
        (self.merchant, self.point_type, self.undone)
    }

    fn words((merchant, point_type, undone): Self::Key) -> [u64; 2] {
        [
            pair(merchant.number(), point_type.number()),
            number(undone).into(),
        ]
    }

    fn add(&mut self, more: Self::Sum) -> bool {
        let sums = self.sums.plus(more);
        sums.map(|sums| self.sums = sums).is_some()
    }
}

impl Row for IssueRow {
    type Key = (Symbol, Symbol, Option<u32>, Option<Day>);
    type Sum = (Flow, u64);

    fn empty((issuer, point_type, month, undone): Self::Key) -> Self {
        Self {
            issuer,
            point_type,
            month,
            undone,
            flows: IssueFlows::default(),
        }
    }

    fn key(&self) -> Self::Key {
        (self.issuer, self.point_type, self.month, self.undone)
    }

    fn words((issuer, point_type, month, undone): Self::Key) -> [u64; 2] {
        let month = month.unwrap_or(u32::MAX);
        [
            pair(issuer.number(), point_type.number()),
            pair(month, number(undone)),
        ]
    }

    fn add(&mut self, (flow, points): Self::Sum) -> bool {
        let part = self.flows.of(flow);
        part.checked_add(points).map(|sum| *part = sum).is_some()
    }
}
