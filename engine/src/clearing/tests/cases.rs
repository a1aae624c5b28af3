//! The clearing cases of the schemes, to the fen.

use super::*;
use crate::ledger::{Commission, MerchantId, Star};

/// TM-1: an item at 62.00 a unit; three redeemed, one sent back.
#[test]
fn tm_1_per_unit() {
    for (till, cash) in [
        (Till::Operator, 0),
        (Till::Merchant, 0),
        (Till::Merchant, 500),
    ] {
        let mut town = Town::new();
        let per_unit = Contract {
            payout: Payout::PerUnit(fen(6_200)),
            till,
            ..contract()
        };
        town.agree("shop", "2026-10-01", &per_unit);
        for on in ["2026-10-02", "2026-10-03", "2026-10-04"] {
            town.sell(on, "operator", "shop", sale(8_000, cash));
        }
        let back = sale(8_000, cash);
        town.send_back("2026-10-05", "2026-10-03", "operator", "shop", back);
        let settlement = town.settle(OCTOBER);
        let in_the_till = 2 * i128::try_from(cash).unwrap();
        assert_eq!(net(&settlement, "shop"), 12_400 - in_the_till);
        let own = settlement.own_points[0];
        assert_eq!(
            (own.issuer, own.used, own.value),
            (name("operator"), 16_000, 16_000)
        );
    }
}

/// TM-2: an item of 199.00 for 9,900 points and 100.00 online; the merchant gets 70 %, the carrier pays for its points.
#[test]
fn tm_2_share() {
    let mut town = Town::new();
    let shared = Contract {
        payout: Payout::Share(bp(7_000)),
        ..contract()
    };
    let carrier = Contract {
        issue: Price { fen: 1, points: 1 },
        billing: Billing::Used,
        ..contract()
    };
    town.agree("shop", "2026-10-01", &shared);
    town.agree("carrier", "2026-10-01", &carrier);
    town.sell("2026-10-02", "carrier", "shop", sale(9_900, 10_000));
    let settlement = town.settle(OCTOBER);
    assert_eq!(net(&settlement, "shop"), 13_930);
    assert_eq!(net(&settlement, "carrier"), -9_900);
    assert_eq!(settlement.operator.cash_collected, 10_000);
    assert_eq!(settlement.operator.margin(), 5_970);
}

/// TM: stars need turnover and orders, and give back a part of the yearly fee of 12,000.00.
#[test]
fn tm_stars() {
    let star = |turnover, orders, returned| Star {
        turnover: fen(turnover),
        orders,
        returned: bp(returned),
    };
    let graded = Contract {
        fees: Fees {
            yearly: fen(1_200_000),
            ..Fees::default()
        },
        stars: vec![
            star(10_000_000, 500, 3_000),
            star(50_000_000, 2_000, 5_000),
            star(100_000_000, 5_000, 10_000),
        ],
        ..contract()
    };
    for (turnover, orders, returned) in [
        (9_999_999, 500, 0),
        (10_000_000, 499, 0),
        (10_000_000, 500, 360_000),
        (50_000_000, 1_999, 360_000),
        (50_000_000, 2_000, 600_000),
        (100_000_000, 5_000, 1_200_000),
    ] {
        let mut town = Town::new();
        town.agree("shop", "2026-03-01", &graded);
        // All but one order of 1.00 were settled before.
        town.input.before.insert(
            name("shop"),
            Before {
                year_turnover: turnover - 100,
                year_orders: orders - 1,
                ..Before::default()
            },
        );
        town.sell("2026-12-31", "operator", "shop", sale(60, 40));
        // This one is of the next year.
        town.sell("2027-01-01", "operator", "shop", sale(0, 1_000_000_000));
        let settlement = town.settle(("2026-12-31", "2027-01-01"));
        let fees: i128 = lines(&settlement, "shop")
            .iter()
            .filter(|(kind, _)| matches!(kind, LineKind::YearlyFee | LineKind::FeeReturned))
            .map(|(_, fen)| fen)
            .sum();
        assert_eq!(fees, returned - 1_200_000, "{turnover} {orders}");
        let after = &settlement.after[&name("shop")];
        assert_eq!((after.year_turnover, after.year_orders), (1_000_000_000, 1));
    }
}

/// CO-1: a bill of 200.00; the customer pays 190.00, the merchant gets 180.00, and the gap of 10.00 is granted by the operator.
#[test]
fn co_1_gap() {
    let mut town = Town::new();
    town.agree("hotpot", "2026-10-01", &coalition());
    town.trade("2026-10-02", "hotpot", sale(0, 19_000));
    town.issue("2026-10-02", "operator", 1_000);
    let settlement = town.settle(OCTOBER);
    assert_eq!(net(&settlement, "hotpot"), 18_000);
    assert_eq!(settlement.operator.margin(), 1_000);
    let granted = settlement.own_points[0].issued;
    assert_eq!(settlement.operator.margin() - granted, 0);
}

/// CO-2: list 100.00. All of the gap goes to members, or 60 % of it; the merchant has 90.00 either way, in whoever's till the money is.
#[test]
fn co_2_pass_through() {
    for (till, issue_fen, pass_through, granted, margin) in [
        // The operator pays for the points that the gap becomes.
        (Till::Operator, 0, 10_000, 500, 500),
        (Till::Operator, 0, 6_000, 300, 500),
        (Till::Merchant, 0, 10_000, 500, 500),
        (Till::Merchant, 0, 6_000, 300, 500),
        // The merchant pays for them, at 1.00 a point.
        (Till::Merchant, 1, 10_000, 500, 500),
        (Till::Merchant, 1, 6_000, 300, 500),
    ] {
        let mut town = Town::new();
        let agreed = Contract {
            till,
            issue: Price {
                fen: issue_fen,
                points: 1,
            },
            pass_through: bp(pass_through),
            ..coalition()
        };
        town.agree("shop", "2026-10-01", &agreed);
        town.trade("2026-10-02", "shop", sale(0, 9_500));
        let issuer = if issue_fen > 0 { "shop" } else { "operator" };
        town.issue("2026-10-02", issuer, granted);
        let settlement = town.settle(OCTOBER);
        let in_the_till = if till == Till::Merchant { 9_500 } else { 0 };
        let case = format!("{till:?} {issue_fen} {pass_through}");
        assert_eq!(net(&settlement, "shop") + in_the_till, 9_000, "{case}");
        assert_eq!(settlement.operator.margin(), margin, "{case}");
    }
}

/// CO-4: list 100.00, price 95.00, 10.00 points offset. The merchant still has 90.00; the operator is 5.00 short.
#[test]
fn co_4_offset() {
    let mut town = Town::new();
    town.agree("shop", "2026-10-01", &coalition());
    town.sell("2026-10-02", "operator", "shop", sale(1_000, 8_500));
    let settlement = town.settle(OCTOBER);
    assert_eq!(lines(&settlement, "shop"), [(LineKind::Accepted, 9_000)]);
    assert_eq!(settlement.operator.cash_collected, 8_500);
    assert_eq!(settlement.operator.margin(), -500);
    assert_eq!(settlement.own_points[0].value, 1_000);
    // With its own till it has 85.00, and is due the rest.
    let mut town = Town::new();
    let own_till = Contract {
        till: Till::Merchant,
        ..coalition()
    };
    town.agree("shop", "2026-10-01", &own_till);
    town.sell("2026-10-02", "operator", "shop", sale(1_000, 8_500));
    assert_eq!(net(&town.settle(OCTOBER), "shop"), 500);
}

/// CO-4 and CO-5 in till collection: the merchant pays 1.00 for each of the 4.47 points that the purchase earned, and has 90.00 in the
/// end.
#[test]
fn co_5_till_collection() {
    let mut town = Town::new();
    let till_collection = Contract {
        till: Till::Merchant,
        issue: Price { fen: 1, points: 1 },
        cycle: Cycle::Month,
        ..coalition()
    };
    town.agree("shop", "2026-10-01", &till_collection);
    town.sell("2026-10-02", "operator", "shop", sale(1_000, 8_500));
    town.issue("2026-10-02", "shop", 447);
    let settlement = town.settle(OCTOBER);
    assert_eq!(
        lines(&settlement, "shop"),
        [
            (LineKind::Accepted, 500),
            (LineKind::PassedThrough, 447),
            (LineKind::Issued, -447),
        ]
    );
    assert_eq!(net(&settlement, "shop") + 8_500, 9_000);
}

/// AD-4: nothing for a code's worth; the 60.00 above it are paid at 9.5折 and settled at 9折.
#[test]
fn ad_4_above_the_code() {
    let mut town = Town::new();
    town.agree("hotpot", "2026-10-01", &coalition());
    town.trade("2026-10-02", "hotpot", sale(0, 5_700));
    town.issue("2026-10-02", "operator", 300);
    let settlement = town.settle(OCTOBER);
    assert_eq!(net(&settlement, "hotpot"), 5_400);
    assert_eq!(settlement.operator.margin(), 300);
}

/// PO-1 and PO-2: goods of 120.00 for 3,350 points (67 a yuan) and 70.00; the agent gets 6 % or 8 % of the points' 50.00.
#[test]
fn po_2_commission() {
    for (share, commission) in [(600, 300), (800, 400)] {
        let mut town = Town::new();
        let through_agents = Contract {
            accept: Price {
                fen: 100,
                points: 67,
            },
            commission: Some(Commission {
                agent: MerchantId::new("agent").unwrap(),
                share: bp(share),
            }),
            ..contract()
        };
        town.agree("shop", "2026-10-01", &through_agents);
        town.sell("2026-10-02", "carrier", "shop", sale(3_350, 7_000));
        let settlement = town.settle(OCTOBER);
        assert_eq!(net(&settlement, "shop"), 12_000);
        assert_eq!(net(&settlement, "agent"), commission);
        let agent = statement(&settlement, "agent").unwrap();
        assert_eq!(agent.lines[0].counterpart, Some(name("shop")));
        assert_eq!(settlement.operator.margin(), -5_000 - commission);
    }
}

/// XC: what was spent and came back leaves nothing, whatever its price, in one settlement and over two.
#[test]
fn what_comes_back_takes_exactly_that_back() {
    for points in [1, 3, 333, 1_001] {
        for split in [false, true] {
            let mut town = Town::new();
            let odd = Contract {
                accept: Price { fen: 1, points: 2 },
                ..coalition()
            };
            town.agree("shop", "2026-09-01", &odd);
            town.sell("2026-09-30", "carrier", "shop", sale(points, 1));
            let mut nets = Vec::new();
            if split {
                nets.push(net(&town.close(("2026-09-30", "2026-09-30")), "shop"));
            }
            // A better contract comes in between; what comes back goes by the old one.
            town.agree("shop", "2026-10-01", &contract());
            town.send_back(
                "2026-10-01",
                "2026-09-30",
                "carrier",
                "shop",
                sale(points, 1),
            );
            nets.push(net(&town.close(("2026-09-30", "2026-10-01")), "shop"));
            assert_eq!(nets.iter().sum::<i128>(), 0, "{points} {nets:?}");
        }
    }
}
