//! What the engine is given: a period of a history, summed up by day.

use std::collections::BTreeMap;

use jifen_engine::{
    clearing::{Correction, Flows, Input, Issue, Name, Pack, Position, Trade},
    ledger::{Contracts, Day, Text},
};

use super::town::{Entry, NAMES, Sale, Town};

/// Day, two names, kind of points, and the day that prices it.
type Key = (u32, Name, Name, Name, u32);

#[derive(Default)]
struct Summed {
    positions: BTreeMap<Key, (u128, u128)>,
    trades: BTreeMap<Key, Trade>,
    issues: BTreeMap<Key, Flows>,
}

fn name(text: &str) -> Name {
    let at = NAMES.iter().position(|known| *known == text);
    Name(u32::try_from(at.expect("a name of the town")).expect("few"))
}

fn day(number: u32) -> Day {
    Day::new(number).expect("a day")
}

impl Town {
    /// What happened from a day to another, without what is known from before.
    pub(super) fn input(&self, first: u32, last: u32) -> Input {
        let mut input = Input {
            names: NAMES.iter().map(|name| (*name).into()).collect(),
            begin: (first == self.begin).then(|| day(first)),
            ..Input::default()
        };
        for (merchant, contracts) in &self.contracts {
            let mut all = Contracts::default();
            for (from, contract) in contracts {
                all = all.with(day(*from), contract);
            }
            input.contracts.insert(name(merchant), all);
        }
        let mut summed = Summed::default();
        for (on, entry) in &self.entries {
            if let Entry::Bought {
                merchant,
                kind,
                points,
                price,
            } = entry
                && *on <= last
            {
                input.packs.push(Pack {
                    merchant: name(merchant),
                    point_type: name(kind),
                    points: *points,
                    price: *price,
                    day: day(*on),
                });
            }
            if (first..=last).contains(on) {
                if let Entry::PutRight { merchant, fen } = entry {
                    input.corrections.push(Correction {
                        id: "c".into(),
                        merchant: name(merchant),
                        amount: *fen,
                        reason: Text::new("put right").expect("short"),
                        reference: None,
                        day: day(*on),
                    });
                }
                summed.add(*on, entry);
            }
        }
        summed.into(&mut input);
        input
    }
}

impl Summed {
    fn add(&mut self, on: u32, entry: &Entry) {
        match entry {
            Entry::Issued {
                issuer,
                kind,
                points,
            } => self.flows(on, on, issuer, kind).issued += u128::from(*points),
            Entry::TakenBack {
                issued_on,
                issuer,
                kind,
                points,
            } => self.flows(on, *issued_on, issuer, kind).reversed += u128::from(*points),
            Entry::Sold(sale) => {
                for (issuer, points) in &sale.parts {
                    self.position(on, sale, issuer).0 += u128::from(*points);
                    self.flows(on, sale.sold_on, issuer, sale.kind).used += u128::from(*points);
                }
                let trade = self.trade(on, sale);
                trade.orders += 1;
                trade.units += u128::from(sale.units);
                trade.cash += u128::from(sale.cash);
            }
            Entry::SentBack { sale, whole } => {
                for (issuer, points) in &sale.parts {
                    self.position(on, sale, issuer).1 += u128::from(*points);
                    self.flows(on, sale.sold_on, issuer, sale.kind).returned += u128::from(*points);
                }
                let trade = self.trade(on, sale);
                trade.orders_returned += u64::from(*whole);
                trade.units_returned += u128::from(sale.units);
                trade.cash_returned += u128::from(sale.cash);
            }
            Entry::Bought { .. } | Entry::PutRight { .. } => {}
        }
    }

    fn flows(&mut self, on: u32, priced_on: u32, issuer: &str, kind: &str) -> &mut Flows {
        let key = (on, name(issuer), name(issuer), name(kind), priced_on);
        self.issues.entry(key).or_default()
    }

    fn position(&mut self, on: u32, sale: &Sale, issuer: &str) -> &mut (u128, u128) {
        let key = (
            on,
            name(issuer),
            name(sale.shop),
            name(sale.kind),
            sale.sold_on,
        );
        self.positions.entry(key).or_default()
    }

    fn trade(&mut self, on: u32, sale: &Sale) -> &mut Trade {
        let (merchant, point_type) = (name(sale.shop), name(sale.kind));
        let key = (on, merchant, merchant, point_type, sale.sold_on);
        self.trades.entry(key).or_insert_with(|| Trade {
            day: day(on),
            merchant,
            point_type,
            priced_on: day(sale.sold_on),
            orders: 0,
            units: 0,
            cash: 0,
            orders_returned: 0,
            units_returned: 0,
            cash_returned: 0,
        })
    }

    fn into(self, input: &mut Input) {
        let positions = self.positions.into_iter();
        input.positions = positions
            .map(
                |((on, issuer, acceptor, point_type, priced_on), (spent, returned))| Position {
                    day: day(on),
                    issuer,
                    acceptor,
                    point_type,
                    priced_on: day(priced_on),
                    spent,
                    returned,
                },
            )
            .collect();
        input.trades = self.trades.into_values().collect();
        let issues = self.issues.into_iter();
        input.issues = issues
            .map(|((on, issuer, _, point_type, priced_on), flows)| Issue {
                day: day(on),
                issuer,
                point_type,
                month: None,
                priced_on: day(priced_on),
                flows,
            })
            .collect();
    }
}
