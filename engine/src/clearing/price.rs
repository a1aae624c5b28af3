//! What a merchant's doings come to under its contracts.
//!
//! # What a merchant is due where a settlement discount is agreed
//!
//! It must end up with *list × settlement discount*, whether or not customers paid with points. Nobody tells the list price, but
//! customers pay the *customer price* of it, in points and money together: *list = (points' value + money) / customer price*. So it
//! ends up with *(value + money) × settlement discount / customer price*, and that is what it is due where the operator has the
//! till. Where it has the till itself, the money is in it already, and is taken off: what is left may be below zero, which is
//! the part of its customers' money that belongs to the operator. The same goes for a price per unit and for a share.
//!
//! With its own till, a merchant may also pay for the points that it issues, and what customers are granted out of the gap between
//! the two prices is such points. It must not pay that part of the gap twice. So, where it pays for the points it
//! issues, the part of its money's gap that is passed through to members (*money × (customer price − settlement discount) /
//! customer price × pass-through*) comes back on a line of its own, and it ends up with list × settlement discount again: with a
//! list price of 100.00 at 9折 and 9.5折, 10.00 points and 85.00 in the till, it is due 5.00 and 4.47, and pays 4.47 for the
//! points that the purchase earned.

use std::collections::BTreeMap;

use super::{
    error::SettleError,
    input::Name,
    line::{Line, LineKind},
    rate::{Figures, Quantity, Rate},
    sums::{Group, MerchantSums, Takings},
};
use crate::ledger::{
    BasisPoints, Billing, Commission, Contract, Contracts, Day, Payout, Price, Till,
};

/// All of a price.
const WHOLE: u64 = BasisPoints::ALL.get() as u64;

/// What was found for a merchant while its lines were made.
#[derive(Default)]
pub(super) struct Priced {
    /// Its lines.
    pub(super) lines: Vec<Line>,
    /// Lines of others, at the operator's cost.
    pub(super) commissions: Vec<(Commission, Line)>,
    /// Points drawn from packs, less those put back, by kind.
    pub(super) drawn: BTreeMap<Name, i128>,
    /// Customers' money that the operator has, less what went back.
    pub(super) cash_collected: i128,
}

/// Makes the lines that contracts price by themselves: not those that look at a whole settlement or a year.
pub(super) fn price(
    merchant: Name,
    sums: &MerchantSums,
    contracts: Option<&Contracts>,
) -> Result<Priced, SettleError> {
    let mut priced = Priced::default();
    for same in sums.groups.chunk_by(|a, b| a.contract == b.contract) {
        let from = same[0].contract;
        let contract = from.and_then(|from| contracts?.on(from));
        match (from, contract) {
            (Some(from), Some(contract)) => {
                let pricing = Pricing { from, contract };
                for group in same {
                    pricing.group(group, &mut priced)?;
                }
                pricing.together(merchant, same, &mut priced)?;
            }
            _ => {
                for group in same {
                    priced.lines.extend(unpriced(group));
                }
            }
        }
    }
    Ok(priced)
}

/// Points accepted before anything was agreed: nothing is due for them, but it shows that they were.
fn unpriced(group: &Group) -> impl Iterator<Item = Line> {
    let sides = [
        (LineKind::Accepted, group.taken, 1),
        (LineKind::Returned, group.returned, -1),
    ];
    let (contract, point_type) = (group.contract, group.point_type);
    let there = sides
        .into_iter()
        .filter(|(_, takings, _)| !takings.is_nothing());
    there.map(move |(kind, takings, sign)| Line {
        kind,
        contract,
        point_type: Some(point_type),
        counterpart: None,
        figures: figures(&takings, sign, Rate::NOTHING),
        fen: 0,
        note: None,
    })
}

/// A contract at work.
struct Pricing<'a> {
    from: Day,
    contract: &'a Contract,
}

impl Pricing<'_> {
    /// The lines about one kind of points.
    fn group(&self, group: &Group, priced: &mut Priced) -> Result<(), SettleError> {
        let lines = &mut priced.lines;
        for (kind, takings, sign) in [
            (LineKind::Accepted, &group.taken, 1),
            (LineKind::Returned, &group.returned, -1),
        ] {
            if takings.is_nothing() {
                continue;
            }
            lines.push(self.line(kind, Some(group.point_type), self.payout(takings, sign))?);
            if let Some(figures) = self.passed_through(takings, sign) {
                lines.push(self.line(LineKind::PassedThrough, Some(group.point_type), figures)?);
            }
        }
        let billed = match self.contract.billing {
            Billing::Issued => Some((LineKind::Issued, group.issued)),
            Billing::Used => Some((LineKind::Used, group.used)),
            Billing::Prepaid => {
                if group.issued != 0 {
                    *priced.drawn.entry(group.point_type).or_default() += group.issued;
                }
                None
            }
        };
        if let Some((kind, points)) = billed
            && points != 0
        {
            let figures = Figures {
                points,
                ..Figures::at(price_of_points(self.contract.issue))
            };
            lines.push(self.line(kind, Some(group.point_type), figures)?);
        }
        if self.contract.till == Till::Operator {
            priced.cash_collected += group.taken.cash - group.returned.cash;
        }
        Ok(())
    }

    /// The lines about all kinds of points together: an order is an order.
    fn together(
        &self,
        merchant: Name,
        groups: &[Group],
        priced: &mut Priced,
    ) -> Result<(), SettleError> {
        let mut net = Takings::default();
        for group in groups {
            net.add(&group.taken.less(&group.returned))?;
        }
        let fees = &self.contract.fees;
        if net.orders != 0 && fees.per_order.get() > 0 {
            let rate = Rate::price(Quantity::Orders, fees.per_order.get(), 1);
            let figures = Figures {
                orders: net.orders,
                ..Figures::at(rate)
            };
            priced
                .lines
                .push(self.line(LineKind::OrderFee, None, figures)?);
        }
        if (net.points != 0 || net.cash != 0) && fees.turnover != BasisPoints::NONE {
            let figures = turnover(self.contract, &net, fees.turnover);
            priced
                .lines
                .push(self.line(LineKind::TurnoverFee, None, figures)?);
        }
        if let Some(commission) = &self.contract.commission
            && net.points != 0
        {
            let rate = price_of_points(self.contract.accept);
            let figures = Figures {
                points: net.points,
                ..Figures::at(rate.times(parts(commission.share), WHOLE))
            };
            let mut line = self.line(LineKind::Commission, None, figures)?;
            line.counterpart = Some(merchant);
            priced.commissions.push((commission.clone(), line));
        }
        Ok(())
    }

    /// What is due for what was taken; `sign` is −1 for what came back.
    fn payout(&self, takings: &Takings, sign: i128) -> Figures {
        let contract = self.contract;
        let value = price_of_points(contract.accept);
        let mut due = match contract.payout {
            Payout::Discount => figures(
                takings,
                sign,
                value.times(
                    parts(contract.settlement_discount),
                    parts(contract.customer_price),
                ),
            ),
            Payout::Share(share) => figures(takings, sign, value.times(parts(share), WHOLE)),
            Payout::PerUnit(unit) => Figures {
                money: 0,
                ..figures(takings, sign, Rate::price(Quantity::Units, unit.get(), 1))
            },
        };
        if contract.till == Till::Merchant {
            due.kept = sign * takings.cash;
        }
        due
    }

    /// What of the gap comes back to a merchant that pays for it as points which it issues.
    fn passed_through(&self, takings: &Takings, sign: i128) -> Option<Figures> {
        let contract = self.contract;
        let pays_for_points = contract.issue.fen > 0 || contract.billing == Billing::Prepaid;
        let (customer, settled) = (
            parts(contract.customer_price),
            parts(contract.settlement_discount),
        );
        let gap = customer.checked_sub(settled)?;
        let is_due = contract.payout == Payout::Discount
            && contract.till == Till::Merchant
            && pays_for_points
            && gap > 0
            && contract.pass_through != BasisPoints::NONE
            && takings.cash != 0;
        is_due.then(|| Figures {
            money: sign * takings.cash,
            ..Figures::at(Rate::part(
                gap * parts(contract.pass_through),
                customer * WHOLE,
            ))
        })
    }

    fn line(
        &self,
        kind: LineKind,
        point_type: Option<Name>,
        figures: Figures,
    ) -> Result<Line, SettleError> {
        line(kind, Some(self.from), point_type, figures)
    }
}

/// A line with its amount.
pub(super) fn line(
    kind: LineKind,
    contract: Option<Day>,
    point_type: Option<Name>,
    figures: Figures,
) -> Result<Line, SettleError> {
    if figures.rate.per == 0 || figures.rate.over == 0 {
        return Err(SettleError::Rate);
    }
    Ok(Line {
        kind,
        contract,
        point_type,
        counterpart: None,
        figures,
        fen: kind.amount(&figures).ok_or(SettleError::TooLarge)?,
        note: None,
    })
}

/// A part of the value of points and money together.
pub(super) fn turnover(contract: &Contract, net: &Takings, part: BasisPoints) -> Figures {
    let rate = price_of_points(contract.accept).times(parts(part), WHOLE);
    Figures {
        units: 0,
        orders: 0,
        ..figures(net, 1, rate)
    }
}

/// A price for points.
pub(super) const fn price_of_points(price: Price) -> Rate {
    Rate::price(Quantity::Points, price.fen as u64, price.points as u64)
}

const fn parts(basis_points: BasisPoints) -> u64 {
    basis_points.get() as u64
}

const fn figures(takings: &Takings, sign: i128, rate: Rate) -> Figures {
    Figures {
        points: sign * takings.points,
        units: sign * takings.units,
        orders: sign * takings.orders,
        money: sign * takings.cash,
        rate,
        kept: 0,
    }
}
