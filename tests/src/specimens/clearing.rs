//! Contracts, days that end, a settlement, and corrections.

use jifen_engine::{
    ledger::{
        BasisPoints, Billing, Boundary, Command, Commission, Contract, CorrectionId, Cycle, Day,
        DecideCorrection, Fees, Fen, MerchantId, Payout, Period, Price, PutCorrection, PutMerchant,
        Root, Settle, Star, Text, Till, UnixMillis, Verdict,
    },
    shard::Reply,
};

use super::{AT, Specimens, committed, sales};

const DAY: u64 = 24 * 60 * 60 * 1_000;

pub(super) fn made() -> Specimens {
    let mut pair = sales::Pair::new();
    let today = sales::rules().day_at(UnixMillis(AT));
    for (from, contract) in [(today, plain()), (next(next(today)), full())] {
        let put = PutMerchant {
            merchant: merchant(),
            name: Text::new("Shop").unwrap(),
            contract: Some((from, contract)),
        };
        accepted(&pair.ask_as("operator", None, Command::PutMerchant(put)));
    }
    for (name, fen) in [("late", 1_250), ("early", -7)] {
        let put = PutCorrection {
            correction: CorrectionId::new(name).unwrap(),
            merchant: merchant(),
            fen,
            reason: Text::new("counted twice").unwrap(),
        };
        accepted(&pair.ask_as("shop", Some("letter 7"), Command::PutCorrection(put)));
        let decide = DecideCorrection {
            correction: CorrectionId::new(name).unwrap(),
            approve: fen > 0,
        };
        let decide = Command::DecideCorrection(decide);
        accepted(&pair.ask_as("operator", None, decide));
    }
    // The day ends in both shards.
    pair.pass(DAY);
    let period = Period {
        first: today,
        last: today,
    };
    let settle = Settle {
        start: Boundary::Day(today),
        end: Boundary::Day(today),
    };
    accepted(&pair.ask_as("operator", None, Command::Settle(settle)));
    let now = UnixMillis(pair.now);
    assert!(pair.cores[0].publish(now, period, Root([7; 32])));
    pair.exchange();
    let sealed = pair
        .cores
        .map(|mut core| core.seal().expect("it has entries"));
    committed(sealed, &sales::rules())
}

fn accepted(reply: &Reply) {
    let answer = reply.as_ref().expect("decided");
    assert!(matches!(answer.verdict, Verdict::Accepted(_)), "{answer:?}");
}

fn next(day: Day) -> Day {
    day.next().expect("not the last")
}

fn merchant() -> MerchantId {
    MerchantId::new("shop").unwrap()
}

fn basis(points: u16) -> BasisPoints {
    BasisPoints::new(points).expect("at most all")
}

pub(super) fn prepaid() -> Contract {
    let billing = Billing::Prepaid;
    Contract { billing, ..plain() }
}

/// A contract in which nothing is special: a point costs a fen.
pub(crate) fn plain() -> Contract {
    let one = Price { fen: 1, points: 1 };
    Contract {
        issue: one,
        billing: Billing::Issued,
        accept: one,
        payout: Payout::Discount,
        settlement_discount: BasisPoints::ALL,
        customer_price: BasisPoints::ALL,
        pass_through: BasisPoints::ALL,
        till: Till::Merchant,
        fees: Fees::default(),
        stars: Vec::new(),
        commission: None,
        cycle: Cycle::Day,
        late_days_max: None,
    }
}

fn full() -> Contract {
    let fen = |fen| Fen::new(fen).expect("small");
    Contract {
        issue: Price {
            fen: 100,
            points: 67,
        },
        billing: Billing::Prepaid,
        payout: Payout::Share(basis(7_000)),
        settlement_discount: basis(9_000),
        customer_price: basis(9_500),
        pass_through: basis(6_000),
        till: Till::Operator,
        fees: Fees {
            per_order: fen(10),
            turnover: basis(50),
            minimum: fen(500),
            entry: fen(10_000),
            yearly: fen(1_200_000),
        },
        stars: vec![Star {
            turnover: fen(10_000_000),
            orders: 500,
            returned: basis(3_000),
        }],
        commission: Some(Commission {
            agent: MerchantId::new("agent").unwrap(),
            share: basis(600),
        }),
        cycle: Cycle::Month,
        late_days_max: Some(30),
        ..plain()
    }
}
