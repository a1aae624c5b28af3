//! Fees that look at a whole settlement or at a year, and stars.

use super::{
    calendar,
    error::SettleError,
    input::{Before, Period},
    line::{Line, LineKind},
    price::{line, turnover},
    rate::{Figures, Rate},
    sums::{MerchantSums, Takings},
};
use crate::ledger::{BasisPoints, Contract, Contracts, Day, Fen};

/// A merchant's turnover and orders in a calendar year, as far as it has gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Year {
    /// The value of points and money, in fen.
    pub(super) turnover: i128,
    pub(super) orders: i128,
}

impl Year {
    /// What a year came to by the last of the days that are taken, of which `before` is known from earlier settlements.
    pub(super) fn until(
        year: u32,
        taken: Period,
        before: &Before,
        sums: &MerchantSums,
        contracts: Option<&Contracts>,
    ) -> Result<Self, SettleError> {
        let mut all = if calendar::year(taken.first) == Some(year) {
            Self {
                turnover: before.year_turnover,
                orders: i128::from(before.year_orders),
            }
        } else {
            Self::default()
        };
        for share in sums.years.iter().filter(|share| share.year == year) {
            all.add(
                share.contract.and_then(|from| contracts?.on(from)),
                &share.taken,
            )?;
        }
        Ok(all)
    }

    fn add(&mut self, contract: Option<&Contract>, taken: &Takings) -> Result<(), SettleError> {
        let value = match contract {
            Some(contract) => turnover(contract, taken, BasisPoints::ALL).amount(),
            None => Some(taken.cash),
        };
        let value = value.ok_or(SettleError::TooLarge)?;
        self.turnover = self
            .turnover
            .checked_add(value)
            .ok_or(SettleError::TooLarge)?;
        self.orders = self
            .orders
            .checked_add(taken.orders)
            .ok_or(SettleError::TooLarge)?;
        Ok(())
    }
}

/// The fees that are due for the days that a settlement takes beside those that `lines` have already.
pub(super) fn fees(
    contracts: &Contracts,
    (taken, is_first): (Period, bool),
    before: &Before,
    sums: &MerchantSums,
    lines: &[Line],
) -> Result<Vec<Line>, SettleError> {
    let mut fees = Vec::new();
    if let Some((from, contract)) = contracts.valid_on(taken.last) {
        let charged: i128 = lines
            .iter()
            .filter(|line| matches!(line.kind, LineKind::OrderFee | LineKind::TurnoverFee))
            .map(|line| -line.fen)
            .sum();
        let missing = i128::from(contract.fees.minimum.get()) - charged;
        if contract.fees.minimum > Fen::default() && missing > 0 {
            fees.push(money(LineKind::MinimumFee, from, missing)?);
        }
    }
    if let Some((from, contract)) = contracts.iter().next()
        && from <= taken.last
        && (is_first || from >= taken.first)
        && contract.fees.entry > Fen::default()
    {
        let entry = i128::from(contract.fees.entry.get());
        fees.push(money(LineKind::EntryFee, from, entry)?);
    }
    let years = calendar::year(taken.first).zip(calendar::year(taken.last));
    for year in years.into_iter().flat_map(|(first, last)| first..=last) {
        if let Some(end) = calendar::year_end(year)
            && taken.contains(end)
            && let Some((from, contract)) = contracts.valid_on(end)
        {
            let come_to = Year::until(year, taken, before, sums, Some(contracts))?;
            fees.extend(yearly(from, contract, come_to)?);
        }
    }
    Ok(fees)
}

/// The fee of a year that is over, and what its stars give back.
fn yearly(from: Day, contract: &Contract, come_to: Year) -> Result<Vec<Line>, SettleError> {
    let fee = i128::from(contract.fees.yearly.get());
    if fee == 0 {
        return Ok(Vec::new());
    }
    let mut lines = vec![money(LineKind::YearlyFee, from, fee)?];
    let star = contract.stars.iter().rev().find(|star| {
        come_to.turnover >= i128::from(star.turnover.get())
            && come_to.orders >= i128::from(star.orders)
    });
    if let Some(star) = star {
        let figures = Figures {
            money: fee,
            orders: come_to.orders,
            ..Figures::at(Rate::part(
                u64::from(star.returned.get()),
                u64::from(BasisPoints::ALL.get()),
            ))
        };
        lines.push(line(LineKind::FeeReturned, Some(from), None, figures)?);
    }
    Ok(lines)
}

fn money(kind: LineKind, from: Day, money: i128) -> Result<Line, SettleError> {
    let figures = Figures {
        money,
        ..Figures::at(Rate::MONEY)
    };
    line(kind, Some(from), None, figures)
}
