//! Random contracts and a random history.

use std::collections::BTreeMap;

use jifen_engine::ledger::{
    BasisPoints, Billing, Commission, Contract, Cycle, Fees, Fen, MerchantId, Payout, Price, Star,
    Till,
};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::civil;

/// Everybody and every kind of points; sorted.
pub(super) const NAMES: [&str; 7] = [
    "agent", "alpha", "beta", "gamma", "gift", "operator", "points",
];
const SHOPS: [&str; 3] = ["alpha", "beta", "gamma"];
const ISSUERS: [&str; 4] = ["alpha", "beta", "gamma", "operator"];
const KINDS: [&str; 2] = ["gift", "points"];

/// A sale, or the part of one that is sent back.
#[derive(Clone, Debug)]
pub(super) struct Sale {
    /// When it was sold.
    pub(super) sold_on: u32,
    pub(super) shop: &'static str,
    pub(super) kind: &'static str,
    /// Whose points, and how many.
    pub(super) parts: Vec<(&'static str, u64)>,
    pub(super) cash: u64,
    pub(super) units: u64,
}

impl Sale {
    fn is_gone(&self) -> bool {
        self.cash == 0 && self.units == 0 && self.parts.iter().all(|(_, points)| *points == 0)
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Issued {
        issuer: &'static str,
        kind: &'static str,
        points: u64,
    },
    TakenBack {
        issued_on: u32,
        issuer: &'static str,
        kind: &'static str,
        points: u64,
    },
    Sold(Sale),
    SentBack {
        sale: Sale,
        /// Whether nothing is left of the order.
        whole: bool,
    },
    Bought {
        merchant: &'static str,
        kind: &'static str,
        points: u64,
        price: u64,
    },
    PutRight {
        merchant: &'static str,
        fen: i64,
    },
}

/// Contracts and a history.
pub(super) struct Town {
    /// Of each shop, with their first days, the earliest first.
    pub(super) contracts: BTreeMap<&'static str, Vec<(u32, Contract)>>,
    /// Each with its day, in their order.
    pub(super) entries: Vec<(u32, Entry)>,
    /// The first day on which anything happened: on or before the first period's first.
    pub(super) begin: u32,
    /// First and last days; nothing lies between two of them.
    pub(super) periods: Vec<(u32, u32)>,
}

impl Town {
    /// What is agreed with somebody on a day, and since when.
    pub(super) fn agreed(&self, name: &str, day: u32) -> Option<(u32, &Contract)> {
        let contracts = self.contracts.get(name)?;
        let mut latest_first = contracts.iter().rev();
        let (from, contract) = latest_first.find(|(from, _)| *from <= day)?;
        Some((*from, contract))
    }

    pub(super) fn new(seed: u64, settlements: usize) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let begin = civil::day("2026-11-25").expect("a date") + rng.random_range(0..35);
        let mut periods = Vec::new();
        let mut first = begin;
        if rng.random() {
            first += rng.random_range(1..60);
        }
        for _ in 0..settlements {
            let last = first + rng.random_range(0..15);
            periods.push((first, last));
            first = last + 1;
        }
        let mut contracts = BTreeMap::new();
        for shop in SHOPS {
            let mut from = begin - 10 + rng.random_range(0..15);
            let mut all: Vec<(u32, Contract)> = Vec::new();
            for _ in 0..rng.random_range(0..4) {
                let contract = contract(&mut rng);
                if all.last().is_none_or(|(_, last)| *last != contract) {
                    all.push((from, contract));
                }
                from += rng.random_range(1..20);
            }
            if !all.is_empty() {
                contracts.insert(shop, all);
            }
        }
        let mut town = Self {
            contracts,
            entries: Vec::new(),
            begin,
            periods,
        };
        town.live(begin, first - 1, &mut rng);
        town
    }

    fn live(&mut self, begin: u32, end: u32, rng: &mut ChaCha8Rng) {
        let mut issued: Vec<(u32, &'static str, &'static str, u64)> = Vec::new();
        let mut sales: Vec<Sale> = Vec::new();
        for merchant in SHOPS {
            for kind in KINDS {
                // The first is soon empty, and the last never.
                for points in [
                    rng.random_range(1..2_000),
                    rng.random_range(1..2_000),
                    1 << 40,
                ] {
                    let price = rng.random_range(0..5_000);
                    let bought = Entry::Bought {
                        merchant,
                        kind,
                        points,
                        price,
                    };
                    self.entries.push((begin, bought));
                }
            }
        }
        for day in begin..=end {
            for _ in 0..rng.random_range(0..12) {
                let kind = *KINDS.choose(rng).expect("kinds");
                let entry = match rng.random_range(0..10) {
                    0..3 => {
                        let issuer = *ISSUERS.choose(rng).expect("issuers");
                        let points = amount(rng);
                        issued.push((day, issuer, kind, points));
                        Entry::Issued {
                            issuer,
                            kind,
                            points,
                        }
                    }
                    3 if !issued.is_empty() => {
                        let at = rng.random_range(0..issued.len());
                        let (issued_on, issuer, kind, left) = &mut issued[at];
                        let points = rng.random_range(0..=*left);
                        *left -= points;
                        Entry::TakenBack {
                            issued_on: *issued_on,
                            issuer,
                            kind,
                            points,
                        }
                    }
                    4..6 if !sales.is_empty() => {
                        let at = rng.random_range(0..sales.len());
                        let (sale, whole) = send_back(&mut sales[at], rng);
                        if whole {
                            sales.remove(at);
                        }
                        Entry::SentBack { sale, whole }
                    }
                    6 if rng.random_bool(0.2) => Entry::PutRight {
                        merchant: SHOPS.choose(rng).expect("shops"),
                        fen: rng.random_range(-5_000..5_000),
                    },
                    _ => {
                        let sale = sell(day, kind, rng);
                        sales.push(sale.clone());
                        Entry::Sold(sale)
                    }
                };
                self.entries.push((day, entry));
            }
        }
    }
}

fn sell(sold_on: u32, kind: &'static str, rng: &mut ChaCha8Rng) -> Sale {
    let parts = (0..rng.random_range(0..3))
        .map(|_| (*ISSUERS.choose(rng).expect("issuers"), amount(rng)))
        .collect();
    Sale {
        sold_on,
        shop: SHOPS.choose(rng).expect("shops"),
        kind,
        parts,
        cash: if rng.random() { amount(rng) } else { 0 },
        units: rng.random_range(1..4),
    }
}

/// A part of what is left of a sale, and whether it is all of it.
fn send_back(left: &mut Sale, rng: &mut ChaCha8Rng) -> (Sale, bool) {
    let mut sale = left.clone();
    if rng.random() {
        for (_, points) in &mut sale.parts {
            *points = rng.random_range(0..=*points);
        }
        sale.cash = rng.random_range(0..=sale.cash);
        sale.units = rng.random_range(0..=sale.units);
    }
    for ((_, left), (_, back)) in left.parts.iter_mut().zip(&sale.parts) {
        *left -= back;
    }
    left.cash -= sale.cash;
    left.units -= sale.units;
    (sale, left.is_gone())
}

/// Mostly small and odd, so that roundings show.
fn amount(rng: &mut ChaCha8Rng) -> u64 {
    match rng.random_range(0..10) {
        0 => 1,
        1 => rng.random_range(1..1_000_000),
        _ => rng.random_range(1..400),
    }
}

fn contract(rng: &mut ChaCha8Rng) -> Contract {
    let price = |rng: &mut ChaCha8Rng| Price {
        fen: rng.random_range(0..5),
        points: rng.random_range(1..8),
    };
    let fee = |rng: &mut ChaCha8Rng, most: u64| {
        let fee = if rng.random() {
            rng.random_range(0..most)
        } else {
            0
        };
        Fen::new(fee).expect("small")
    };
    Contract {
        issue: price(rng),
        billing: *[Billing::Issued, Billing::Used, Billing::Prepaid]
            .choose(rng)
            .expect("some"),
        accept: price(rng),
        payout: match rng.random_range(0..4) {
            0 => Payout::PerUnit(fee(rng, 500)),
            1 => Payout::Share(parts(rng, 0)),
            _ => Payout::Discount,
        },
        settlement_discount: parts(rng, 7_000),
        customer_price: parts(rng, 8_000),
        pass_through: parts(rng, 0),
        till: *[Till::Merchant, Till::Operator].choose(rng).expect("some"),
        fees: Fees {
            per_order: fee(rng, 50),
            turnover: if rng.random() {
                parts(rng, 0)
            } else {
                BasisPoints::NONE
            },
            minimum: fee(rng, 5_000),
            entry: fee(rng, 1_000),
            yearly: fee(rng, 10_001),
        },
        stars: (0..rng.random_range(0..4))
            .map(|grade| Star {
                turnover: Fen::new(grade * 1_000).expect("small"),
                orders: u32::try_from(grade).expect("small") * 3,
                returned: BasisPoints::new(u16::try_from(grade).expect("small") * 3_333)
                    .expect("a part"),
            })
            .collect(),
        commission: rng.random::<bool>().then(|| Commission {
            agent: MerchantId::new(if rng.random() { "agent" } else { "alpha" }).expect("a name"),
            share: parts(rng, 0),
        }),
        cycle: *[Cycle::Day, Cycle::Week, Cycle::Month]
            .choose(rng)
            .expect("some"),
        late_days_max: None,
    }
}

fn parts(rng: &mut ChaCha8Rng, least: u16) -> BasisPoints {
    BasisPoints::new(rng.random_range(least..=10_000)).expect("a part")
}
