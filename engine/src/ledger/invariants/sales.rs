//! What must be true of the sales of one shard.

use std::collections::BTreeMap;

use super::{Violation, holds};
use crate::{
    ledger::{pool_id::PoolId, state::Ledger, stocks, stocks::Stock, symbol::Symbol},
    pool::{Phase, Units},
};

/// The shard's part of invariants 3 and 4: reserved units are those of the open reservations, a pool's parts sum to its total at
/// home, what members have adds up, and every waiting command has its place.
pub fn check_sales(ledger: &Ledger) -> Result<(), Violation> {
    let mut reserved: BTreeMap<Symbol, u64> = BTreeMap::new();
    for (held, _) in ledger.open_holds() {
        if let Some((sku, quantity)) = held.stock {
            *reserved.entry(sku).or_default() += quantity.get();
        }
    }
    let mut waiting: BTreeMap<Symbol, u32> = BTreeMap::new();
    for (_, underway) in ledger.errands.iter() {
        if let Some((sku, _)) = underway.pool() {
            *waiting.entry(sku).or_default() += 1;
        }
    }
    let mut bought: BTreeMap<Symbol, u64> = BTreeMap::new();
    for ((sku, _), units) in ledger.stocks.all_bought() {
        *bought.entry(*sku).or_default() += units.get();
    }
    for (sku, stock) in ledger.stocks.iter() {
        let id = &stock.id;
        let open = reserved.remove(&sku).unwrap_or_default();
        holds(3, stock.share.reserved.get() == open, || {
            format!(
                "{} of {id} are reserved, open reservations have {open}",
                stock.share.reserved
            )
        })?;
        let has = stock.share.reserved.plus(stock.share.sold).get();
        let members_have = bought.remove(&sku).unwrap_or_default();
        // What is drawn of bought points is points of the members, which the books count.
        let drawn = matches!(id, PoolId::Prepaid(_));
        holds(4, drawn || has == members_have, || {
            format!("{has} of {id} are reserved or sold, members have {members_have}")
        })?;
        let asking = waiting.remove(&sku).unwrap_or_default();
        holds(4, stock.waiting == asking, || {
            format!("{} wait for {id}, {asking} errands do", stock.waiting)
        })?;
        check_home(stock)?;
    }
    holds(3, reserved.is_empty(), || {
        format!("units are reserved of sales that are not there: {reserved:?}")
    })?;
    let follows = stocks::bought(&ledger.holds, &ledger.stocks.sold);
    let same = follows.as_ref() == Some(ledger.stocks.all_bought());
    holds(4, same, || {
        "what members have is not what is reserved and was sold".to_owned()
    })
}

fn check_home(stock: &Stock) -> Result<(), Violation> {
    let Some(home) = &stock.home else {
        return Ok(());
    };
    let id = &stock.id;
    let parts = home.here.plus(home.returned).plus(home.outside());
    holds(4, parts == home.total, || {
        format!("the parts of {id} are {parts}, its total is {}", home.total)
    })?;
    let shut = home
        .phases
        .iter()
        .any(|phase| matches!(phase, Phase::Shut | Phase::Reopening));
    let on_sale = home.here.plus(home.tags);
    holds(4, !shut || on_sale == Units::ZERO, || {
        format!("{on_sale} of {id} are on sale, and shards may refuse since none are")
    })
}
