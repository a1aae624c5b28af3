//! The first settlement takes everything from the very beginning: fees, years and cycles as well as what happened.

use super::*;
use crate::ledger::Star;

#[test]
fn the_first_settlement_has_the_entry_fee_of_a_contract_from_before_its_period() {
    let mut town = Town::new();
    let entering = Contract {
        fees: Fees {
            entry: fen(50_000),
            ..Fees::default()
        },
        ..contract()
    };
    town.agree("shop", "2026-10-01", &entering);
    // Agreed before anything happened at all.
    town.agree("tea", "2026-09-01", &entering);
    town.agree("hotpot", "2026-11-01", &entering);
    town.input.begin = Some(day("2026-10-05"));
    town.sell("2026-10-05", "carrier", "shop", sale(100, 0));
    let first = town.close(("2026-10-31", "2026-10-31"));
    assert_eq!(
        lines(&first, "shop"),
        [(LineKind::Accepted, 100), (LineKind::EntryFee, -50_000)]
    );
    assert_eq!(lines(&first, "tea"), [(LineKind::EntryFee, -50_000)]);
    assert_eq!(statement(&first, "hotpot"), None);
    let second = town.close(("2026-11-01", "2026-11-30"));
    assert_eq!(lines(&second, "shop"), []);
    assert_eq!(lines(&second, "tea"), []);
    assert_eq!(lines(&second, "hotpot"), [(LineKind::EntryFee, -50_000)]);
}

#[test]
fn the_first_settlement_has_the_years_that_ended_before_its_period() {
    let mut town = Town::new();
    let yearly = Contract {
        fees: Fees {
            yearly: fen(10_000),
            ..Fees::default()
        },
        stars: vec![Star {
            turnover: fen(1_000),
            orders: 0,
            returned: bp(5_000),
        }],
        ..contract()
    };
    town.agree("shop", "2026-06-01", &yearly);
    town.input.begin = Some(day("2026-06-01"));
    town.sell("2026-07-01", "carrier", "shop", sale(1_000, 0));
    town.sell("2027-01-05", "carrier", "shop", sale(10, 0));
    let first = town.close(("2027-01-01", "2027-01-31"));
    assert_eq!(
        lines(&first, "shop"),
        [
            (LineKind::Accepted, 1_010),
            (LineKind::YearlyFee, -10_000),
            (LineKind::FeeReturned, 5_000)
        ]
    );
    // Of the year that goes on, nothing but what was taken in it.
    let after = &first.after[&name("shop")];
    assert_eq!((after.year_turnover, after.year_orders), (10, 1));
    let second = town.close(("2027-02-01", "2027-12-31"));
    assert_eq!(lines(&second, "shop"), [(LineKind::YearlyFee, -10_000)]);
}

#[test]
fn the_first_settlement_has_the_cycles_that_ended_before_its_period() {
    let period = ("2026-11-01", "2026-11-01");
    for (cycle, begin, due) in [
        (Cycle::Month, "2026-10-31", 100),
        (Cycle::Month, "2026-11-01", 0),
        // The first of November is a Sunday.
        (Cycle::Week, "2026-10-20", 100),
    ] {
        let mut town = Town::new();
        let agreed = Contract {
            cycle,
            ..contract()
        };
        town.agree("shop", "2026-10-01", &agreed);
        town.input.begin = Some(day(begin));
        town.sell(begin, "carrier", "shop", sale(100, 0));
        let first = town.close(period);
        let shop = statement(&first, "shop").unwrap();
        assert_eq!((shop.total, shop.due), (100, due), "{cycle:?} {begin}");
        assert_eq!(first.period.first, day(period.0), "as it was asked for");
    }
}

#[test]
fn the_first_settlement_has_packs_and_corrections_from_before_its_period() {
    let mut town = Town::new();
    town.agree("tea", "2026-09-01", &contract());
    town.input.packs = vec![Pack {
        merchant: name("tea"),
        point_type: name("points"),
        points: 100,
        price: 90,
        day: day("2026-09-02"),
    }];
    town.input.corrections = vec![Correction {
        id: "c-1".into(),
        merchant: name("tea"),
        amount: 7,
        reason: note("promised"),
        reference: None,
        day: day("2026-09-03"),
    }];
    town.input.begin = Some(day("2026-09-02"));
    let first = town.close(OCTOBER);
    assert_eq!(
        lines(&first, "tea"),
        [(LineKind::Pack, -90), (LineKind::Correction, 7)]
    );
    assert_eq!(lines(&town.close(("2026-11-01", "2026-11-01")), "tea"), []);
}

#[test]
fn nothing_is_from_before_the_beginning() {
    let mut town = Town::new();
    town.input.begin = Some(day("2026-09-02"));
    town.sell("2026-09-01", "carrier", "shop", sale(1, 0));
    let period = Period {
        first: day("2026-10-01"),
        last: day("2026-10-31"),
    };
    let refused = Err(SettleError::OutsidePeriod(day("2026-09-01")));
    assert_eq!(settle(&town.input, period, "s", None), refused);
}
