//! The naive settlement: entry by entry, in exact fractions.

use std::collections::BTreeMap;

use jifen_engine::{
    clearing::LineKind,
    ledger::{Billing, Contract, Cycle, Payout, Price, Till},
};

use super::{
    calendar,
    fraction::Fraction,
    town::{Entry, NAMES, Sale, Town},
};

const WHOLE: i128 = 10_000;

/// What is added up before it is rounded: whose, what for, under which contract, for which points, about whom.
type Line<'a> = (
    &'a str,
    LineKind,
    Option<u32>,
    Option<&'a str>,
    Option<&'a str>,
    bool,
);

/// Whose points, who took them, of which kind, and under the contract of which first day.
type Place<'a> = ((&'a str, &'a str, &'a str), Option<u32>);

/// What a settlement comes to for somebody, and what the next one has to know.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) total: i128,
    pub(super) closing: i128,
    pub(super) due: i128,
    pub(super) year_turnover: i128,
    pub(super) year_orders: i64,
    /// Whether it had a contract by then, and so has paid for that.
    has_entered: bool,
}

/// A settlement.
#[derive(Default)]
pub(super) struct Reckoning<'a> {
    /// Above zero the merchant gets it.
    sums: BTreeMap<Line<'a>, Fraction>,
    /// What a merchant has in its own till already: whole fen, taken off after rounding.
    kept: BTreeMap<Line<'a>, i128>,
    /// Turnover and orders by shop, year and contract.
    years: BTreeMap<(&'a str, u32, Option<u32>), (Fraction, i64)>,
    cells: BTreeMap<Place<'a>, (i128, i128, Fraction)>,
    cash_collected: i128,
    pub(super) accounts: BTreeMap<&'a str, Account>,
}

fn worth(points: u64, price: Price) -> Fraction {
    Fraction::whole(points) * Fraction::new(i128::from(price.fen), i128::from(price.points))
}

impl<'a> Reckoning<'a> {
    pub(super) fn of(
        town: &'a Town,
        first: u32,
        last: u32,
        known: &BTreeMap<&str, Account>,
    ) -> Self {
        let mut reckoning = Self::default();
        for (on, entry) in &town.entries {
            if (first..=last).contains(on) {
                reckoning.entry(town, *on, entry);
            }
        }
        for name in NAMES {
            let before = known.get(name).cloned().unwrap_or_default();
            reckoning.fees(town, name, first, last, &before);
        }
        for name in NAMES {
            let before = known.get(name).cloned().unwrap_or_default();
            let total = reckoning.kinds_of(name).values().sum();
            let closing = before.closing - before.due + total;
            let ends = |cycle| (first..=last).any(|day| ends(cycle, day));
            let is_due = town
                .agreed(name, last)
                .is_none_or(|(_, contract)| ends(contract.cycle));
            let next_year = calendar::year(last + 1);
            let (year_turnover, year_orders) = reckoning.year(name, next_year, first, &before);
            let account = Account {
                total,
                closing,
                due: if is_due { closing } else { 0 },
                year_turnover,
                year_orders,
                has_entered: town.agreed(name, last).is_some(),
            };
            reckoning.accounts.insert(name, account);
        }
        reckoning
    }

    /// What each kind of line comes to, without what comes to nothing.
    pub(super) fn kinds_of(&self, name: &str) -> BTreeMap<LineKind, i128> {
        let mut kinds = BTreeMap::new();
        for (line, exact) in self.sums.iter().filter(|(line, _)| line.0 == name) {
            let kept = self.kept.get(line).copied().unwrap_or_default();
            *kinds.entry(line.1).or_default() += exact.rounded() - kept;
        }
        kinds.retain(|_, fen| *fen != 0);
        kinds
    }

    /// What the operator keeps of customers' money and of what it is paid, when it has paid.
    pub(super) fn margin(&self) -> i128 {
        let paid: i128 = self.accounts.values().map(|account| account.total).sum();
        self.cash_collected - paid
    }

    #[allow(clippy::type_complexity, reason = "as they are compared")]
    pub(super) fn cells(&self) -> Vec<((String, String, String), Option<u32>, (u128, u128, i128))> {
        let narrow = |number: i128| u128::try_from(number).expect("some points");
        let cells = self
            .cells
            .iter()
            .map(|((place, from), (spent, returned, value))| {
                let (issuer, shop, kind) = place;
                let place = (issuer.to_string(), shop.to_string(), kind.to_string());
                (
                    place,
                    *from,
                    (narrow(*spent), narrow(*returned), value.rounded()),
                )
            });
        let mut cells: Vec<_> = cells.collect();
        cells.sort();
        cells
    }

    fn add(&mut self, line: Line<'a>, fen: Fraction) {
        let sum = self.sums.entry(line).or_insert(Fraction::ZERO);
        *sum = *sum + fen;
    }

    fn entry(&mut self, town: &'a Town, on: u32, entry: &'a Entry) {
        match entry {
            Entry::Issued {
                issuer,
                kind,
                points,
            } => self.issued(town, on, (issuer, kind, *points), 1),
            Entry::TakenBack {
                issued_on,
                issuer,
                kind,
                points,
            } => self.issued(town, *issued_on, (issuer, kind, *points), -1),
            Entry::Sold(sale) => {
                self.sale(town, on, sale, 1);
                self.order(town, on, sale, 1);
            }
            Entry::SentBack { sale, whole } => {
                self.sale(town, on, sale, -1);
                if *whole {
                    self.order(town, on, sale, -1);
                }
            }
            Entry::Bought {
                merchant, price, ..
            } => {
                let line = (*merchant, LineKind::Pack, None, None, None, false);
                self.add(line, -Fraction::whole(*price));
            }
            Entry::PutRight { merchant, fen } => {
                let line = (*merchant, LineKind::Correction, None, None, None, false);
                self.add(line, Fraction::whole(*fen));
            }
        }
    }

    fn issued(
        &mut self,
        town: &'a Town,
        priced_on: u32,
        (issuer, kind, points): (&'a str, &'a str, u64),
        sign: i128,
    ) {
        if let Some((from, contract)) = town.agreed(issuer, priced_on)
            && contract.billing == Billing::Issued
        {
            let line = (
                issuer,
                LineKind::Issued,
                Some(from),
                Some(kind),
                None,
                false,
            );
            self.add(line, Fraction::whole(-sign) * worth(points, contract.issue));
        }
    }

    /// A sale, or with a sign of −1 what of it came back.
    fn sale(&mut self, town: &'a Town, on: u32, sale: &'a Sale, sign: i128) {
        let signed = Fraction::whole(sign);
        let agreed = town.agreed(sale.shop, sale.sold_on);
        let from = agreed.map(|(from, _)| from);
        let mut value = Fraction::ZERO;
        for (issuer, points) in &sale.parts {
            let worth_here = agreed.map_or(Fraction::ZERO, |(_, contract)| {
                worth(*points, contract.accept)
            });
            value = value + worth_here;
            let cell = self
                .cells
                .entry(((issuer, sale.shop, sale.kind), from))
                .or_insert((0, 0, Fraction::ZERO));
            if sign > 0 {
                cell.0 += i128::from(*points);
            } else {
                cell.1 += i128::from(*points);
            }
            cell.2 = cell.2 + signed * worth_here;
            if let Some((from, contract)) = town.agreed(issuer, sale.sold_on)
                && contract.billing == Billing::Used
            {
                let line = (
                    *issuer,
                    LineKind::Used,
                    Some(from),
                    Some(sale.kind),
                    None,
                    false,
                );
                self.add(line, -signed * worth(*points, contract.issue));
            }
        }
        let both = value + Fraction::whole(sale.cash);
        let year = self
            .years
            .entry((sale.shop, calendar::year(on), from))
            .or_insert((Fraction::ZERO, 0));
        year.0 = year.0 + signed * both;
        if let Some((from, contract)) = agreed {
            self.takings(sale, from, contract, (value, both), sign);
        }
    }

    /// What a shop is due for what it took.
    fn takings(
        &mut self,
        sale: &'a Sale,
        from: u32,
        contract: &'a Contract,
        (value, both): (Fraction, Fraction),
        sign: i128,
    ) {
        let signed = Fraction::whole(sign);
        let (shop, kind) = (sale.shop, Some(sale.kind));
        let of = |parts: u16| Fraction::new(i128::from(parts), WHOLE);
        let settled = i128::from(contract.settlement_discount.get());
        let customer = i128::from(contract.customer_price.get());
        let due = match contract.payout {
            // The list price, at the settlement discount.
            Payout::Discount => {
                let list = both * Fraction::new(WHOLE, customer);
                list * Fraction::new(settled, WHOLE)
            }
            Payout::Share(share) => both * of(share.get()),
            Payout::PerUnit(unit) => Fraction::whole(sale.units) * Fraction::whole(unit.get()),
        };
        let taken = if sign > 0 {
            LineKind::Accepted
        } else {
            LineKind::Returned
        };
        let line = (shop, taken, Some(from), kind, None, false);
        self.add(line, signed * due);
        let cash = i128::from(sale.cash);
        match contract.till {
            Till::Operator => self.cash_collected += sign * cash,
            Till::Merchant => *self.kept.entry(line).or_default() += sign * cash,
        }
        let pays_for_points = contract.issue.fen > 0 || contract.billing == Billing::Prepaid;
        if contract.payout == Payout::Discount
            && contract.till == Till::Merchant
            && pays_for_points
            && customer > settled
        {
            let gap = Fraction::whole(cash) * Fraction::new(customer - settled, customer);
            let passed = gap * of(contract.pass_through.get());
            let line = (
                shop,
                LineKind::PassedThrough,
                Some(from),
                kind,
                None,
                sign < 0,
            );
            self.add(line, signed * passed);
        }
        let line = (shop, LineKind::TurnoverFee, Some(from), None, None, false);
        self.add(line, -signed * both * of(contract.fees.turnover.get()));
        if let Some(commission) = &contract.commission {
            let agent = commission.agent.as_str();
            let line = (
                agent,
                LineKind::Commission,
                Some(from),
                None,
                Some(shop),
                false,
            );
            self.add(line, signed * value * of(commission.share.get()));
        }
    }

    fn order(&mut self, town: &'a Town, on: u32, sale: &'a Sale, sign: i128) {
        let agreed = town.agreed(sale.shop, sale.sold_on);
        let from = agreed.map(|(from, _)| from);
        let year = self
            .years
            .entry((sale.shop, calendar::year(on), from))
            .or_insert((Fraction::ZERO, 0));
        year.1 += i64::try_from(sign).expect("a sign");
        if let Some((from, contract)) = agreed {
            let line = (sale.shop, LineKind::OrderFee, Some(from), None, None, false);
            let fee = Fraction::whole(contract.fees.per_order.get());
            self.add(line, Fraction::whole(-sign) * fee);
        }
    }

    /// Turnover and orders of a year, of which a part may be known from before.
    fn year(&self, name: &str, year: u32, first: u32, before: &Account) -> (i128, i64) {
        let mut all = match calendar::year(first) == year {
            true => (before.year_turnover, before.year_orders),
            false => (0, 0),
        };
        for ((shop, of, _), (turnover, orders)) in &self.years {
            if *shop == name && *of == year {
                all.0 += turnover.rounded();
                all.1 += orders;
            }
        }
        all
    }

    fn fees(&mut self, town: &'a Town, name: &'a str, first: u32, last: u32, before: &Account) {
        let fee = |kind, from| (name, kind, Some(from), None, None, false);
        if let Some((from, contract)) = town.agreed(name, last) {
            let kinds = self.kinds_of(name);
            let of = |kind| kinds.get(&kind).copied().unwrap_or_default();
            let charged = -of(LineKind::OrderFee) - of(LineKind::TurnoverFee);
            let least = i128::from(contract.fees.minimum.get());
            if least > 0 && charged < least {
                let missing = Fraction::whole(charged - least);
                self.add(fee(LineKind::MinimumFee, from), missing);
            }
        }
        let begins = town.contracts.get(name).map(|contracts| &contracts[0]);
        if let Some((from, contract)) = begins
            && *from <= last
            && !before.has_entered
        {
            let entry = Fraction::whole(contract.fees.entry.get());
            self.add(fee(LineKind::EntryFee, *from), -entry);
        }
        for day in (first..=last).filter(|day| calendar::is_year_end(*day)) {
            let Some((from, contract)) = town.agreed(name, day) else {
                continue;
            };
            let yearly = Fraction::whole(contract.fees.yearly.get());
            self.add(fee(LineKind::YearlyFee, from), -yearly);
            let (turnover, orders) = self.year(name, calendar::year(day), first, before);
            let reached = contract.stars.iter().filter(|star| {
                turnover >= i128::from(star.turnover.get()) && orders >= i64::from(star.orders)
            });
            if let Some(returned) = reached.map(|star| star.returned.get()).max() {
                let part = Fraction::new(i128::from(returned), WHOLE);
                self.add(fee(LineKind::FeeReturned, from), yearly * part);
            }
        }
    }
}

fn ends(cycle: Cycle, day: u32) -> bool {
    match cycle {
        Cycle::Day => true,
        Cycle::Week => calendar::is_sunday(day),
        Cycle::Month => calendar::is_month_end(day),
    }
}
