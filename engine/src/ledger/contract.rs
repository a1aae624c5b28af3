//! What is agreed with a merchant: what it pays for the points it issues, and what it gets for those it accepts.

use bincode::{BorrowDecode, Encode};

use super::{amount::Fen, id::MerchantId, time::Day};

/// So much money for so many points, which must be some. In the smallest units: with points of two decimals at a yuan each, one
/// fen for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Price {
    /// The money.
    pub fen: u32,
    /// The points; at least 1.
    pub points: u32,
}

/// Hundredths of a per cent: 9,000 is what is called 9折, 90 % of a price (C12).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode,
)]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// Nothing of it.
    pub const NONE: Self = Self(0);
    /// All of it.
    pub const ALL: Self = Self(10_000);

    /// `None` beyond all of it.
    #[must_use]
    pub const fn new(hundredths_of_a_per_cent: u16) -> Option<Self> {
        if hundredths_of_a_per_cent <= Self::ALL.0 {
            Some(Self(hundredths_of_a_per_cent))
        } else {
            None
        }
    }

    /// Of 10,000.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// When the issuer of points pays for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub enum Billing {
    /// When they are given out.
    Issued,
    /// When somebody spends them.
    Used,
    /// Before: packs of points are bought, and drawn from, the earliest first.
    Prepaid,
}

/// What a merchant is due for points that it accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub enum Payout {
    /// The value of points and money together, at the settlement discount, out of what the customer pays of the list price.
    Discount,
    /// So much for each unit, whatever it was sold for.
    PerUnit(Fen),
    /// A share of the value of points and money together.
    Share(BasisPoints),
}

/// Who has the money that customers pay beside the points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub enum Till {
    /// The merchant.
    Merchant,
    /// The operator.
    Operator,
}

/// How often a merchant is paid. Between two of these, what it is due is carried over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub enum Cycle {
    /// After every day.
    Day,
    /// After every Sunday.
    Week,
    /// After the last day of every month.
    Month,
}

/// What a merchant pays the operator, beside what it pays for points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Fees {
    /// For each order that was not sent back.
    pub per_order: Fen,
    /// Of the value of points and money together.
    pub turnover: BasisPoints,
    /// The least that both together come to in a settlement, if the merchant had a contract in it.
    pub minimum: Fen,
    /// Once, in the settlement that has the first day of the merchant's first contract.
    pub entry: Fen,
    /// For each calendar year, in the settlement that has its last day, or the last day of its part under contract.
    pub yearly: Fen,
}

/// A grade that gives back a part of the yearly fee; both figures must be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Star {
    /// The value of points and money together in the year.
    pub turnover: Fen,
    /// The orders of the year.
    pub orders: u32,
    /// Which part of the fee comes back.
    pub returned: BasisPoints,
}

/// Who brings the orders, and what for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Commission {
    /// Who gets it; settled like a merchant.
    pub agent: MerchantId,
    /// Of the value of the points.
    pub share: BasisPoints,
}

/// What is agreed with a merchant from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Contract {
    /// What the merchant pays for a point that it issues.
    pub issue: Price,
    /// When it pays that.
    pub billing: Billing,
    /// What a point is worth where this merchant accepts it.
    pub accept: Price,
    /// What it is due for that.
    pub payout: Payout,
    /// What is paid out of a list price.
    pub settlement_discount: BasisPoints,
    /// What a customer pays of a list price; not nothing.
    pub customer_price: BasisPoints,
    /// Which part of the gap between the two goes to members.
    pub pass_through: BasisPoints,
    /// Who has customers' money.
    pub till: Till,
    /// What the operator takes.
    pub fees: Fees,
    /// What it gives back, the highest last.
    pub stars: Vec<Star>,
    /// Who else gets a part of it, at the operator's cost.
    pub commission: Option<Commission>,
    /// How often the merchant is paid.
    pub cycle: Cycle,
    /// How many days after it happened an event may come, if that is limited.
    pub late_days_max: Option<u16>,
}

/// The most stars that a contract has.
pub const STARS_MAX: usize = 8;

/// A merchant's contracts, each from its first day until the next one's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Contracts(Vec<(Day, Contract)>);

impl Contracts {
    /// What is agreed on a day; `None` before the first contract.
    #[must_use]
    pub fn on(&self, day: Day) -> Option<&Contract> {
        self.valid_on(day).map(|(_, contract)| contract)
    }

    /// What is agreed on a day, with the first day of that; `None` before the first contract.
    #[must_use]
    pub fn valid_on(&self, day: Day) -> Option<(Day, &Contract)> {
        let at = self.0.partition_point(|(from, _)| *from <= day);
        let (from, contract) = self.0.get(at.checked_sub(1)?)?;
        Some((*from, contract))
    }

    /// Whether nothing was ever agreed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each with its first day, the earliest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Day, &Contract)> {
        self.0.iter().map(|(from, contract)| (*from, contract))
    }

    /// The same with a contract that is valid from a day on, in place of whatever was agreed for then and later.
    #[must_use]
    pub fn with(&self, from: Day, contract: &Contract) -> Self {
        let mut all = self.0.clone();
        all.truncate(all.partition_point(|(other, _)| *other < from));
        if all.last().is_none_or(|(_, last)| last != contract) {
            all.push((from, contract.clone()));
        }
        Self(all)
    }
}
