//! Points that were bought ahead, looked at from outside: what pools say against what was issued, and what was bought.

use jifen_engine::ledger::{IssueRow, Ledger, PoolId};

use super::clients::PREPAYS;

/// What is drawn in a shard is what was given out there, less what was taken back: the daybook goes by moves, the pool by units.
pub(super) fn check(ledger: &Ledger) -> Result<(), String> {
    let drawn: u64 = pools(ledger).map(|pool| pool.share.sold.get()).sum();
    let book = ledger.daybook().image();
    let over = book.over.iter().flat_map(|over| &over.sums.issues);
    let rows = book.open.issues.iter().chain(over).chain(&book.settled);
    let name = |row: &&IssueRow| ledger.symbols().name(row.issuer) == PREPAYS;
    let issued: u64 = rows
        .filter(name)
        .map(|row| row.flows.issued.wrapping_sub(row.flows.reversed))
        .fold(0, u64::wrapping_add);
    if drawn == issued {
        return Ok(());
    }
    let shard = ledger.shard().0;
    Err(format!("shard {shard} drew {drawn} and gave out {issued}"))
}

/// At rest the pool has everything that was ever bought, in the hands of members or not.
pub(super) fn check_bought(ledgers: &[&Ledger]) -> Result<(), String> {
    let packs = &ledgers[0].clearing().packs;
    let bought: u64 = packs.iter().map(|pack| pack.points.get()).sum();
    let homes = ledgers.iter().copied().flat_map(pools);
    let total: u64 = homes
        .filter_map(|pool| pool.home.as_ref())
        .map(|home| home.total.get())
        .sum();
    if total == bought {
        return Ok(());
    }
    Err(format!("{bought} were bought, the pool has {total}"))
}

fn pools(ledger: &Ledger) -> impl Iterator<Item = &jifen_engine::ledger::Stock> {
    let pools = ledger.pools();
    pools.filter(|pool| matches!(pool.id, PoolId::Prepaid(_)))
}
