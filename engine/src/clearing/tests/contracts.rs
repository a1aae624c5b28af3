//! What else a contract says: billing, packs, fees, cycles.

use super::*;
use crate::ledger::{Commission, MerchantId};

#[test]
fn an_issuer_pays_when_its_contract_says() {
    for (billing, total) in [(Billing::Issued, -45), (Billing::Used, -20)] {
        let mut town = Town::new();
        let billed = Contract {
            issue: Price { fen: 1, points: 2 },
            billing,
            ..contract()
        };
        town.agree("tea", "2026-10-01", &billed);
        town.agree("shop", "2026-10-01", &contract());
        town.issue("2026-10-02", "tea", 100);
        town.take_back("2026-10-03", "2026-10-02", "tea", 11);
        town.sell("2026-10-03", "tea", "shop", sale(50, 0));
        town.send_back("2026-10-04", "2026-10-03", "tea", "shop", sale(10, 0));
        let settlement = town.settle(OCTOBER);
        // 89 points at half a fen are 44.5, which goes up; 40 are 20.
        assert_eq!(net(&settlement, "tea"), total, "{billing:?}");
        assert_eq!(net(&settlement, "shop"), 40);
    }
}

#[test]
fn a_contract_prices_its_own_days() {
    let mut town = Town::new();
    let at = |fen| Contract {
        issue: Price { fen, points: 10 },
        ..contract()
    };
    town.agree("tea", "2026-10-01", &at(3));
    town.agree("tea", "2026-10-11", &at(5));
    town.issue("2026-10-05", "tea", 10);
    town.issue("2026-10-10", "tea", 5);
    town.issue("2026-10-11", "tea", 10);
    // Taken back at the price at which it was issued.
    town.take_back("2026-10-12", "2026-10-10", "tea", 5);
    town.issue("2026-09-30", "operator", 0);
    town.input
        .issues
        .retain(|issue| issue.day >= day("2026-10-01"));
    let settlement = town.settle(OCTOBER);
    assert_eq!(
        lines(&settlement, "tea"),
        [(LineKind::Issued, -3), (LineKind::Issued, -5)]
    );
}

#[test]
fn packs_are_drawn_the_earliest_first_and_to_the_last_point() {
    let mut town = Town::new();
    let prepaid = Contract {
        billing: Billing::Prepaid,
        ..contract()
    };
    town.agree("tea", "2026-09-01", &prepaid);
    let pack = |on, points, price| Pack {
        merchant: name("tea"),
        point_type: name("points"),
        points,
        price,
        day: day(on),
    };
    town.input.packs = vec![pack("2026-09-01", 100, 90), pack("2026-10-05", 50, 40)];
    town.issue("2026-09-02", "tea", 70);
    let first = town.close(("2026-09-01", "2026-09-30"));
    assert_eq!(
        lines(&first, "tea"),
        [(LineKind::Pack, -90), (LineKind::Drawn, 0)]
    );
    town.issue("2026-10-06", "tea", 80);
    let second = town.close(OCTOBER);
    let drawn: Vec<_> = statement(&second, "tea").unwrap().lines[1..]
        .iter()
        .map(|line| {
            (
                line.figures.points,
                line.figures.rate.fen,
                line.figures.rate.per,
            )
        })
        .collect();
    assert_eq!(drawn, [(30, 90, 100), (50, 40, 50)]);
    assert_eq!(net(&second, "tea"), -40);
    // What comes back goes into the last pack that was drawn from.
    town.take_back("2026-11-01", "2026-10-06", "tea", 55);
    let third = town.close(("2026-11-01", "2026-11-30"));
    let back = statement(&third, "tea").unwrap().lines.iter();
    let back: Vec<_> = back.map(|line| (line.figures.points, line.fen)).collect();
    assert_eq!(back, [(-5, 0), (-50, 0)]);
    // Pools see to it that this cannot happen; if it does, nothing is published.
    town.issue("2026-12-01", "tea", 56);
    let period = Period {
        first: day("2026-12-01"),
        last: day("2026-12-31"),
    };
    let over = settle(&town.input, period, "s-4", None).unwrap();
    assert_eq!(
        prove(&over, &town.input),
        [Violation::Packs {
            merchant: name("tea"),
            point_type: name("points"),
            points: 1
        }]
    );
}

#[test]
fn fees_are_topped_up_to_the_least() {
    for (minimum, top_up) in [(0, None), (58, None), (59, Some(-1)), (1_000, Some(-942))] {
        let mut town = Town::new();
        let charged = Contract {
            fees: Fees {
                per_order: fen(20),
                turnover: bp(150),
                minimum: fen(minimum),
                ..Fees::default()
            },
            ..contract()
        };
        town.agree("shop", "2026-10-01", &charged);
        town.sell("2026-10-02", "carrier", "shop", sale(600, 600));
        town.sell("2026-10-03", "carrier", "shop", sale(600, 0));
        town.sell("2026-10-04", "carrier", "shop", sale(999, 9));
        town.send_back("2026-10-05", "2026-10-04", "carrier", "shop", sale(999, 9));
        // Two orders are 40, 1.5 % of 1,200 and 600 are 27; but the first comes back in part: 600 points without its money.
        town.input.positions.push(Position {
            day: day("2026-10-06"),
            issuer: name("carrier"),
            acceptor: name("shop"),
            point_type: name("points"),
            priced_on: day("2026-10-02"),
            spent: 0,
            returned: 600,
        });
        let flows = Flows {
            returned: 600,
            ..Flows::default()
        };
        town.issue_row("2026-10-06", "2026-10-02", "carrier", flows);
        let settlement = town.settle(OCTOBER);
        let fees: Vec<_> = lines(&settlement, "shop")
            .into_iter()
            .filter(|(kind, _)| *kind >= LineKind::OrderFee)
            .collect();
        let mut expected = vec![(LineKind::OrderFee, -40), (LineKind::TurnoverFee, -18)];
        expected.extend(top_up.map(|fen| (LineKind::MinimumFee, fen)));
        assert_eq!(fees, expected);
    }
}

#[test]
fn the_entry_fee_is_paid_once() {
    let mut town = Town::new();
    let entering = |fee| Contract {
        fees: Fees {
            entry: fen(fee),
            ..Fees::default()
        },
        ..contract()
    };
    town.agree("shop", "2026-10-15", &entering(500));
    let first = town.close(OCTOBER);
    assert_eq!(lines(&first, "shop"), [(LineKind::EntryFee, -500)]);
    // A later contract is no entry.
    town.agree("shop", "2026-11-15", &entering(700));
    let second = town.close(("2026-11-01", "2026-11-30"));
    assert_eq!(lines(&second, "shop"), []);
}

#[test]
fn what_is_due_is_carried_until_the_cycle_ends() {
    let mut town = Town::new();
    let weekly = Contract {
        cycle: Cycle::Week,
        ..contract()
    };
    town.agree("shop", "2026-10-01", &weekly);
    town.sell("2026-10-02", "carrier", "shop", sale(100, 0));
    let first = town.close(("2026-10-01", "2026-10-03"));
    let shop = statement(&first, "shop").unwrap();
    assert_eq!(
        (shop.opening, shop.total, shop.due, shop.carried),
        (0, 100, 0, 100)
    );
    assert_eq!(first.payments, []);
    town.sell("2026-10-04", "carrier", "shop", sale(11, 0));
    let second = town.close(("2026-10-04", "2026-10-04"));
    let shop = statement(&second, "shop").unwrap();
    assert_eq!(
        (shop.opening, shop.total, shop.due, shop.carried),
        (100, 11, 111, 0)
    );
    let payment = Payment {
        merchant: name("shop"),
        fen: 111,
    };
    assert_eq!(second.payments, [payment]);
}

#[test]
fn corrections_and_commissions_have_their_lines() {
    let mut town = Town::new();
    let with_agent = Contract {
        commission: Some(Commission {
            agent: MerchantId::new("nobody").unwrap(),
            share: bp(100),
        }),
        ..contract()
    };
    town.agree("shop", "2026-10-01", &with_agent);
    town.input.corrections.push(Correction {
        id: "c-1".into(),
        merchant: name("tea"),
        amount: -250,
        reason: note("counted twice"),
        reference: Some(note("s-0")),
        day: day("2026-10-09"),
    });
    let settlement = town.settle(OCTOBER);
    assert_eq!(lines(&settlement, "tea"), [(LineKind::Correction, -250)]);
    // Nobody agreed on a cycle with the tea house, so it is due at once.
    assert_eq!(statement(&settlement, "tea").unwrap().due, -250);
    town.sell("2026-10-02", "carrier", "shop", sale(100, 0));
    let period = Period {
        first: day("2026-10-01"),
        last: day("2026-10-31"),
    };
    let unknown_agent = settle(&town.input, period, "s-1", None);
    assert_eq!(unknown_agent, Err(SettleError::Name));
}

#[test]
fn points_before_any_contract_show_and_are_worth_nothing() {
    let mut town = Town::new();
    town.input.contracts.insert(name("tea"), no_contracts());
    town.agree("shop", "2026-10-10", &contract());
    town.sell("2026-10-02", "carrier", "shop", sale(100, 30));
    let settlement = town.settle(OCTOBER);
    assert_eq!(lines(&settlement, "shop"), [(LineKind::Accepted, 0)]);
    let cell = settlement.matrix.cells()[0];
    assert_eq!((cell.spent, cell.value), (100, 0));
    assert_eq!(settlement.operator.margin(), 0);
}

#[test]
fn nothing_of_another_period_gets_in() {
    for on in ["2026-09-30", "2026-11-01"] {
        let period = Period {
            first: day("2026-10-01"),
            last: day("2026-10-31"),
        };
        let refused = Err(SettleError::OutsidePeriod(day(on)));
        let mut town = Town::new();
        town.sell(on, "carrier", "shop", sale(1, 0));
        assert_eq!(settle(&town.input, period, "s", None), refused);
        let mut town = Town::new();
        town.trade(on, "shop", sale(0, 1));
        assert_eq!(settle(&town.input, period, "s", None), refused);
        let mut town = Town::new();
        town.issue(on, "tea", 1);
        assert_eq!(settle(&town.input, period, "s", None), refused);
    }
}
