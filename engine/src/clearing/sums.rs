//! What happened in a period, summed up by merchant and by the contract that prices it.

use super::{
    error::SettleError,
    input::{Input, Name, Period},
};
use crate::ledger::{Contract, Contracts, Day};

/// A merchant's doings with one kind of points under one contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The contract's first day; `None` before the first contract, when nothing is agreed.
    pub(super) contract: Option<Day>,
    pub(super) point_type: Name,
    /// What it accepted, and what of that came back.
    pub(super) taken: Takings,
    pub(super) returned: Takings,
    /// Its own points: issued, less taken back.
    pub(super) issued: i128,
    /// Its own points: spent, less come back.
    pub(super) used: i128,
}

/// Points, and what went with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Takings {
    pub(super) points: i128,
    pub(super) orders: i128,
    pub(super) units: i128,
    pub(super) cash: i128,
}

impl Takings {
    pub(super) const fn is_nothing(&self) -> bool {
        self.points == 0 && self.orders == 0 && self.units == 0 && self.cash == 0
    }

    /// Less what came back.
    pub(super) fn less(&self, other: &Self) -> Self {
        Self {
            points: self.points - other.points,
            orders: self.orders - other.orders,
            units: self.units - other.units,
            cash: self.cash - other.cash,
        }
    }

    pub(super) fn add(&mut self, other: &Self) -> Result<(), SettleError> {
        self.points = plus(self.points, other.points)?;
        self.orders = plus(self.orders, other.orders)?;
        self.units = plus(self.units, other.units)?;
        self.cash = plus(self.cash, other.cash)?;
        Ok(())
    }
}

/// What a merchant took in one calendar year under one contract, less what came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct YearShare {
    /// Years since 1970.
    pub(super) year: u32,
    pub(super) contract: Option<Day>,
    pub(super) taken: Takings,
}

/// What is summed up for one merchant.
#[derive(Clone, Debug, Default)]
pub(super) struct MerchantSums {
    /// By contract and kind of points.
    pub(super) groups: Vec<Group>,
    pub(super) years: Vec<YearShare>,
}

/// What is summed up for all, and who has which contracts, both by the number of the name.
pub(super) struct Sums<'a> {
    pub(super) merchants: Vec<MerchantSums>,
    pub(super) contracts: Vec<Option<&'a Contracts>>,
}

impl<'a> Sums<'a> {
    /// Reads everything once.
    pub(super) fn gather(input: &'a Input, taken: Period) -> Result<Self, SettleError> {
        let mut contracts = vec![None; input.names.len()];
        for (name, of) in &input.contracts {
            *contracts.get_mut(index(*name)).ok_or(SettleError::Name)? = Some(of);
        }
        let mut sums = Self {
            merchants: vec![MerchantSums::default(); input.names.len()],
            contracts,
        };
        sums.positions(input, taken)?;
        sums.trades(input, taken)?;
        sums.issues(input, taken)?;
        for merchant in &mut sums.merchants {
            merchant
                .groups
                .sort_unstable_by_key(|group| (group.contract, group.point_type));
        }
        Ok(sums)
    }

    /// What is agreed with a merchant on a day, and since when.
    pub(super) fn agreed(&self, merchant: Name, day: Day) -> Option<(Day, &'a Contract)> {
        self.contracts.get(index(merchant))?.as_ref()?.valid_on(day)
    }

    fn positions(&mut self, input: &Input, taken: Period) -> Result<(), SettleError> {
        for position in &input.positions {
            let year = year_within(position.day, taken)?;
            let taken = Takings {
                points: signed(position.spent)?,
                ..Takings::default()
            };
            let returned = Takings {
                points: signed(position.returned)?,
                ..Takings::default()
            };
            let key = (position.acceptor, position.priced_on, position.point_type);
            self.take(key, year, &taken, &returned)?;
        }
        Ok(())
    }

    fn trades(&mut self, input: &Input, taken: Period) -> Result<(), SettleError> {
        for trade in &input.trades {
            let year = year_within(trade.day, taken)?;
            let taken = Takings {
                points: 0,
                orders: i128::from(trade.orders),
                units: signed(trade.units)?,
                cash: signed(trade.cash)?,
            };
            let returned = Takings {
                points: 0,
                orders: i128::from(trade.orders_returned),
                units: signed(trade.units_returned)?,
                cash: signed(trade.cash_returned)?,
            };
            let key = (trade.merchant, trade.priced_on, trade.point_type);
            self.take(key, year, &taken, &returned)?;
        }
        Ok(())
    }

    fn take(
        &mut self,
        (merchant, priced_on, point_type): (Name, Day, Name),
        year: u32,
        taken: &Takings,
        returned: &Takings,
    ) -> Result<(), SettleError> {
        let contract = self.agreed(merchant, priced_on).map(|(from, _)| from);
        let sums = self
            .merchants
            .get_mut(index(merchant))
            .ok_or(SettleError::Name)?;
        let group = sums.group(contract, point_type);
        group.taken.add(taken)?;
        group.returned.add(returned)?;
        sums.year(year, contract).add(&taken.less(returned))
    }

    fn issues(&mut self, input: &Input, taken: Period) -> Result<(), SettleError> {
        for issue in &input.issues {
            year_within(issue.day, taken)?;
            let contract = self
                .agreed(issue.issuer, issue.priced_on)
                .map(|(from, _)| from);
            let sums = self
                .merchants
                .get_mut(index(issue.issuer))
                .ok_or(SettleError::Name)?;
            let group = sums.group(contract, issue.point_type);
            let flows = &issue.flows;
            let issued = signed(flows.issued)? - signed(flows.reversed)?;
            let used = signed(flows.used)? - signed(flows.returned)?;
            group.issued = plus(group.issued, issued)?;
            group.used = plus(group.used, used)?;
        }
        Ok(())
    }
}

impl MerchantSums {
    // A merchant has few contracts and few kinds of points, so that looking through them is fast.
    fn group(&mut self, contract: Option<Day>, point_type: Name) -> &mut Group {
        let is_it = |group: &Group| group.contract == contract && group.point_type == point_type;
        let at = self.groups.iter().position(is_it).unwrap_or_else(|| {
            self.groups.push(Group {
                contract,
                point_type,
                taken: Takings::default(),
                returned: Takings::default(),
                issued: 0,
                used: 0,
            });
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }

    fn year(&mut self, year: u32, contract: Option<Day>) -> &mut Takings {
        let is_it = |share: &YearShare| share.year == year && share.contract == contract;
        let at = self.years.iter().position(is_it).unwrap_or_else(|| {
            self.years.push(YearShare {
                year,
                contract,
                taken: Takings::default(),
            });
            self.years.len() - 1
        });
        &mut self.years[at].taken
    }
}

/// The place of a name.
pub(super) const fn index(name: Name) -> usize {
    name.0 as usize
}

/// The year of a day that has to be among those that are taken: nothing may count in two settlements.
fn year_within(day: Day, taken: Period) -> Result<u32, SettleError> {
    if !taken.contains(day) {
        return Err(SettleError::OutsidePeriod(day));
    }
    super::calendar::year(day).ok_or(SettleError::OutsidePeriod(day))
}

pub(super) fn signed(number: u128) -> Result<i128, SettleError> {
    i128::try_from(number).map_err(|_| SettleError::TooLarge)
}

fn plus(a: i128, b: i128) -> Result<i128, SettleError> {
    a.checked_add(b).ok_or(SettleError::TooLarge)
}
