//! A small town with its books: what happens in it, and what a settlement makes of that.

mod begin;
mod cases;
mod contracts;
mod documents;
mod large;
mod proving;

use super::*;
use crate::ledger::{
    BasisPoints, Billing, Contract, Contracts, Cycle, Day, Fees, Fen, Payout, Price, Text, Till,
};

/// Everybody, and the one kind of points; sorted.
const NAMES: [&str; 7] = [
    "agent", "carrier", "hotpot", "operator", "points", "shop", "tea",
];

fn name(text: &str) -> Name {
    let at = NAMES.iter().position(|known| *known == text);
    Name(u32::try_from(at.expect("a name of this town")).unwrap())
}

fn day(text: &str) -> Day {
    calendar::parse(text).expect("a day")
}

fn bp(parts: u16) -> BasisPoints {
    BasisPoints::new(parts).unwrap()
}

fn fen(fen: u64) -> Fen {
    Fen::new(fen).unwrap()
}

const OCTOBER: (&str, &str) = ("2026-10-01", "2026-10-31");

/// Nothing agreed but that a point is worth a fen where it is accepted.
fn contract() -> Contract {
    Contract {
        issue: Price { fen: 0, points: 1 },
        billing: Billing::Issued,
        accept: Price { fen: 1, points: 1 },
        payout: Payout::Discount,
        settlement_discount: BasisPoints::ALL,
        customer_price: BasisPoints::ALL,
        pass_through: BasisPoints::ALL,
        till: Till::Operator,
        fees: Fees::default(),
        stars: Vec::new(),
        commission: None,
        cycle: Cycle::Day,
        late_days_max: None,
    }
}

/// A contract of the coalition: 9折 to the merchant, 9.5折 from the customer.
fn coalition() -> Contract {
    Contract {
        settlement_discount: bp(9_000),
        customer_price: bp(9_500),
        ..contract()
    }
}

/// Points and what goes with them.
#[derive(Clone, Copy, Default)]
struct Sale {
    points: u128,
    cash: u128,
    units: u128,
}

fn sale(points: u128, cash: u128) -> Sale {
    Sale {
        points,
        cash,
        units: 1,
    }
}

struct Town {
    input: Input,
}

impl Town {
    fn new() -> Self {
        let names = NAMES.iter().map(|name| (*name).into()).collect();
        Self {
            input: Input {
                names,
                ..Input::default()
            },
        }
    }

    fn agree(&mut self, merchant: &str, from: &str, contract: &Contract) {
        let contracts = self.input.contracts.entry(name(merchant)).or_default();
        *contracts = contracts.with(day(from), contract);
    }

    fn issue_row(&mut self, on: &str, priced_on: &str, issuer: &str, flows: Flows) {
        self.input.issues.push(Issue {
            day: day(on),
            issuer: name(issuer),
            point_type: name("points"),
            month: None,
            priced_on: day(priced_on),
            flows,
        });
    }

    fn issue(&mut self, on: &str, issuer: &str, points: u128) {
        let flows = Flows {
            issued: points,
            ..Flows::default()
        };
        self.issue_row(on, on, issuer, flows);
    }

    fn take_back(&mut self, on: &str, issued_on: &str, issuer: &str, points: u128) {
        let flows = Flows {
            reversed: points,
            ..Flows::default()
        };
        self.issue_row(on, issued_on, issuer, flows);
    }

    fn trade(&mut self, on: &str, acceptor: &str, sale: Sale) {
        self.input.trades.push(Trade {
            day: day(on),
            merchant: name(acceptor),
            point_type: name("points"),
            priced_on: day(on),
            orders: 1,
            units: sale.units,
            cash: sale.cash,
            orders_returned: 0,
            units_returned: 0,
            cash_returned: 0,
        });
    }

    fn sell(&mut self, on: &str, issuer: &str, acceptor: &str, sale: Sale) {
        self.trade(on, acceptor, sale);
        self.input.positions.push(Position {
            day: day(on),
            issuer: name(issuer),
            acceptor: name(acceptor),
            point_type: name("points"),
            priced_on: day(on),
            spent: sale.points,
            returned: 0,
        });
        let flows = Flows {
            used: sale.points,
            ..Flows::default()
        };
        self.issue_row(on, on, issuer, flows);
    }

    /// A sale that comes back whole.
    fn send_back(&mut self, on: &str, sold_on: &str, issuer: &str, acceptor: &str, sale: Sale) {
        self.input.trades.push(Trade {
            day: day(on),
            merchant: name(acceptor),
            point_type: name("points"),
            priced_on: day(sold_on),
            orders: 0,
            units: 0,
            cash: 0,
            orders_returned: 1,
            units_returned: sale.units,
            cash_returned: sale.cash,
        });
        self.input.positions.push(Position {
            day: day(on),
            issuer: name(issuer),
            acceptor: name(acceptor),
            point_type: name("points"),
            priced_on: day(sold_on),
            spent: 0,
            returned: sale.points,
        });
        let flows = Flows {
            returned: sale.points,
            ..Flows::default()
        };
        self.issue_row(on, sold_on, issuer, flows);
    }

    /// A settlement that can be proven.
    fn settle(&self, (first, last): (&str, &str)) -> Settlement {
        let period = Period {
            first: day(first),
            last: day(last),
        };
        let settlement = settle(&self.input, period, "s-1", None).unwrap();
        assert_eq!(prove(&settlement, &self.input), []);
        settlement
    }

    /// Settles, and forgets what happened but for what the next settlement has to know.
    fn close(&mut self, period: (&str, &str)) -> Settlement {
        let settlement = self.settle(period);
        self.input.before = settlement.after.clone();
        self.input.begin = None;
        self.input.positions.clear();
        self.input.trades.clear();
        self.input.issues.clear();
        self.input.corrections.clear();
        settlement
    }
}

/// What a settlement says to somebody; nothing if it says nothing.
fn statement<'a>(settlement: &'a Settlement, merchant: &str) -> Option<&'a Statement> {
    let merchant = name(merchant);
    settlement
        .statements
        .iter()
        .find(|statement| statement.merchant == merchant)
}

/// What the period comes to for somebody.
#[track_caller]
fn net(settlement: &Settlement, merchant: &str) -> i128 {
    statement(settlement, merchant).expect("a statement").total
}

/// Kinds and amounts of a statement's lines.
#[track_caller]
fn lines(settlement: &Settlement, merchant: &str) -> Vec<(LineKind, i128)> {
    let statement = statement(settlement, merchant).expect("a statement");
    let lines = statement.lines.iter();
    lines.map(|line| (line.kind, line.fen)).collect()
}

fn note(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn no_contracts() -> Contracts {
    Contracts::default()
}
