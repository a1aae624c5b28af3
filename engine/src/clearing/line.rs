//! The lines of a statement.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{input::Name, rate::Figures};
use crate::ledger::{Day, Text};

/// What a line is for. Lines stand in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// Points that it accepted, and what it is due for them.
    Accepted,
    /// What of these came back, at the same rate.
    Returned,
    /// The part of customers' discounts that it pays as points which it issues; see [`Payout::Discount`](crate::ledger::Payout).
    PassedThrough,
    /// Points that it issued, less those taken back.
    Issued,
    /// Its points that were spent, less those that came back.
    Used,
    /// A pack of points that it bought.
    Pack,
    /// Points that it issued out of a pack. They are paid for.
    Drawn,
    /// A fee for each order.
    OrderFee,
    /// A part of its turnover.
    TurnoverFee,
    /// What these two fall short of the least that was agreed.
    MinimumFee,
    /// A fee once.
    EntryFee,
    /// A fee for a year.
    YearlyFee,
    /// What of that its stars give back.
    FeeReturned,
    /// What it is due for bringing another one's orders.
    Commission,
    /// Something put right by hand.
    Correction,
}

impl LineKind {
    /// Every kind, in the order of lines.
    pub const ALL: [Self; 15] = [
        Self::Accepted,
        Self::Returned,
        Self::PassedThrough,
        Self::Issued,
        Self::Used,
        Self::Pack,
        Self::Drawn,
        Self::OrderFee,
        Self::TurnoverFee,
        Self::MinimumFee,
        Self::EntryFee,
        Self::YearlyFee,
        Self::FeeReturned,
        Self::Commission,
        Self::Correction,
    ];

    /// Whether the merchant pays what the figures come to; else it gets it.
    #[must_use]
    pub const fn is_paid(self) -> bool {
        match self {
            Self::Accepted
            | Self::Returned
            | Self::PassedThrough
            | Self::FeeReturned
            | Self::Commission
            | Self::Correction => false,
            Self::Issued
            | Self::Used
            | Self::Pack
            | Self::Drawn
            | Self::OrderFee
            | Self::TurnoverFee
            | Self::MinimumFee
            | Self::EntryFee
            | Self::YearlyFee => true,
        }
    }

    /// What figures come to on a line of this kind, in fen: above zero the merchant gets it. `None` as [`Figures::amount`].
    #[must_use]
    pub fn amount(self, figures: &Figures) -> Option<i128> {
        let amount = figures.amount()?;
        Some(if self.is_paid() { -amount } else { amount })
    }
}

/// Why something was put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What the correction is called.
    pub id: CompactString,
    /// Why, for people.
    pub reason: Text,
    /// What it refers to.
    pub reference: Option<Text>,
}

/// A line of a statement: everything of one kind that the same contract prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is for.
    pub kind: LineKind,
    /// The first day of the contract that priced it.
    pub contract: Option<Day>,
    /// Which points, if it is about one kind of them.
    pub point_type: Option<Name>,
    /// Who else it is about: of a commission, whose orders they were.
    pub counterpart: Option<Name>,
    /// What it was computed from.
    pub figures: Figures,
    /// What the merchant gets, in fen; below zero it pays.
    pub fen: i128,
    /// Of a correction, why.
    pub note: Option<Note>,
}
