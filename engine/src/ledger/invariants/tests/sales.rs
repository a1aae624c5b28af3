use super::*;
use crate::{
    ledger::{ShardIndex, stocks::Stock},
    pool::{Home, Phase, Units},
};

pub(super) fn units(count: u64) -> Units {
    Units::new(count).expect("small")
}

/// A name that the shard meets for the first time.
pub(super) fn name(ledger: &mut Ledger, name: &str) -> Symbol {
    ledger.symbols.define(name.into());
    ledger.symbols.find(name).expect("just defined")
}

/// A shard that is home to ten lamps, one of two shards that sell them.
fn shop() -> Ledger {
    let mut ledger = at_work().ledger;
    let lamp = name(&mut ledger, "lamp");
    let home = Home::new(ShardIndex(0), 2, units(10));
    ledger.stocks.know(lamp, "lamp").home = Some(Box::new(home));
    ledger
}

fn lamp(ledger: &mut Ledger) -> &mut Stock {
    let symbol = ledger.symbols.find("lamp").expect("it is on sale");
    ledger.stocks.get_mut(symbol).expect("it is on sale")
}

fn sell(ledger: &mut Ledger, member: MemberIndex) {
    lamp(ledger).share.sold = units(1);
    let symbol = ledger.symbols.find("lamp").expect("it is on sale");
    let what = (Seq(98), symbol, units(1));
    ledger.stocks.sold.sell(Seq(99), member, what, 0);
    ledger.stocks.buy(symbol, member, units(1));
}

#[test]
fn a_sale_whose_units_do_not_add_up_is_found() {
    type Change = fn(&mut Ledger);
    let cases: [(&str, u8, Change); 13] = [
        ("as it is", 0, |_| ()),
        ("one is reserved, by nobody", 3, |ledger| {
            lamp(ledger).share.reserved = units(1);
        }),
        ("one is sold, to nobody", 4, |ledger| {
            lamp(ledger).share.sold = units(1);
        }),
        ("one is sold to a member", 0, |ledger| sell(ledger, FIRST)),
        ("one is sold to a member, another one has it", 4, |ledger| {
            sell(ledger, MemberIndex(1));
            let symbol = ledger.symbols.find("lamp").expect("it is on sale");
            ledger.stocks.unbuy(symbol, MemberIndex(1), units(1));
            ledger.stocks.buy(symbol, FIRST, units(1));
        }),
        ("one came back from a member who has it", 4, |ledger| {
            sell(ledger, FIRST);
            ledger.stocks.sold.take_back(Seq(99), true, true);
        }),
        ("somebody waits, and no errand does", 4, |ledger| {
            lamp(ledger).waiting = 1;
        }),
        ("one is missing at home", 4, |ledger| {
            lamp(ledger).home_mut().here = units(9);
        }),
        ("one is with the other shard", 0, |ledger| {
            lamp(ledger).home_mut().here = units(9);
            lamp(ledger).home_mut().out[1] = units(1);
        }),
        ("one came home", 0, |ledger| {
            lamp(ledger).home_mut().here = units(9);
            lamp(ledger).home_mut().returned = units(1);
        }),
        ("a shard refuses, and ten are here", 4, |ledger| {
            lamp(ledger).home_mut().phases[1] = Phase::Shut;
        }),
        ("a shard refuses, and one is granted", 4, |ledger| {
            let home = lamp(ledger).home_mut();
            (home.here, home.tags) = (Units::ZERO, units(1));
            home.out[1] = units(10);
            home.phases[1] = Phase::Reopening;
        }),
        ("a shard refuses, and all are gone", 0, |ledger| {
            let home = lamp(ledger).home_mut();
            home.here = Units::ZERO;
            home.out[1] = units(10);
            home.phases[1] = Phase::Shut;
        }),
    ];
    for (name, rule, change) in cases {
        let mut ledger = shop();
        change(&mut ledger);
        assert_eq!(broken(check_sales(&ledger)), rule, "{name}");
        assert_eq!(broken(check_shard(&ledger)), rule, "{name}");
    }
}

#[test]
fn a_reservation_of_a_sale_that_is_not_there_is_found() {
    let mut ledger = at_work().ledger;
    let lamp = name(&mut ledger, "lamp");
    let point_type = ledger.members.get(FIRST).wallets[0].point_type;
    ledger.holds.open(crate::ledger::holds::Opening {
        seq: Seq(98),
        member: FIRST,
        point_type,
        merchant: Symbol::at(0),
        expires_at: UnixMillis(1),
        shares: Default::default(),
        stock: Some((lamp, units(1))),
    });
    assert_eq!(broken(check_sales(&ledger)), 3);
}
