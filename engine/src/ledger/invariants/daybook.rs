//! What must be true of a shard's daybook.

use std::collections::BTreeMap;

use super::{Violation, holds};
use crate::ledger::{
    accounts::Accounts,
    command::Seq,
    daybook::{DaybookImage, IssueFlows, IssueRow, PositionRow},
    symbol::Symbol,
};

/// Invariant 8 by issuer: what the days come to is what the accounts say that were kept beside them; and whose points were taken
/// comes to the same as who took them. Of a daybook that knows its shard from the first entry on.
pub fn check_daybook(book: &DaybookImage, accounts: &Accounts) -> Result<(), Violation> {
    if book.from > Seq(0) {
        return Ok(());
    }
    let days = book.over.iter().map(|over| &over.sums);
    let days = days.chain([&book.open]);
    let mut issued: BTreeMap<(Symbol, Symbol), [u128; 2]> = BTreeMap::new();
    let mut all: BTreeMap<Symbol, [u128; 7]> = BTreeMap::new();
    let mut add = |row: &IssueRow| {
        let sums = issued.entry((row.issuer, row.point_type)).or_default();
        sums[0] += u128::from(row.flows.issued);
        sums[1] += u128::from(row.flows.reversed);
        let sums = all.entry(row.point_type).or_default();
        for (sum, more) in sums.iter_mut().zip(row.flows.each()) {
            *sum += u128::from(more);
        }
    };
    book.settled.iter().for_each(&mut add);
    for sums in days {
        sums.issues.iter().for_each(&mut add);
        check_positions(&sums.positions, &sums.issues)?;
    }
    let mut accepted: BTreeMap<Symbol, [u128; 2]> = BTreeMap::new();
    for (merchant, stripes) in &accounts.merchants {
        for stripe in stripes {
            let key = (*merchant, stripe.point_type);
            let counted = issued.remove(&key).unwrap_or_default();
            let kept = [stripe.issued, stripe.issued_reversed];
            holds(8, counted == kept, || {
                format!("{merchant:?} issued and lost {kept:?}, by its days {counted:?}")
            })?;
            let sums = accepted.entry(stripe.point_type).or_default();
            sums[0] += stripe.accepted;
            sums[1] += stripe.accepted_reversed;
        }
    }
    holds(8, issued.values().all(|sums| *sums == [0, 0]), || {
        format!("issuers of no account: {issued:?}")
    })?;
    for (point_type, sums) in &all {
        let taken = accepted.get(point_type).copied().unwrap_or_default();
        let [_, _, used, returned, lapsed, up, down] = *sums;
        holds(8, [used, returned] == taken, || {
            format!("{taken:?} of {point_type:?} were accepted and returned, by the days {sums:?}")
        })?;
        let stripe = accounts
            .system
            .iter()
            .find(|stripe| stripe.point_type == *point_type);
        let kept = stripe.map_or([0; 3], |stripe| {
            [stripe.breakage, stripe.adjusted_up, stripe.adjusted_down]
        });
        holds(8, kept == [lapsed, up, down], || {
            format!("breakage and adjustments of {point_type:?} are {kept:?}, by the days {sums:?}")
        })?;
    }
    Ok(())
}

/// Whose points were taken on a day: by acceptor, and by what became of the issuer's points.
fn check_positions(positions: &[PositionRow], issues: &[IssueRow]) -> Result<(), Violation> {
    let mut taken: BTreeMap<(Symbol, Symbol), [i128; 2]> = BTreeMap::new();
    for row in positions {
        let sums = taken.entry((row.issuer, row.point_type)).or_default();
        sums[0] += i128::from(row.spent);
        sums[1] += i128::from(row.returned);
    }
    for row in issues {
        let IssueFlows { used, returned, .. } = row.flows;
        let sums = taken.entry((row.issuer, row.point_type)).or_default();
        sums[0] -= i128::from(used);
        sums[1] -= i128::from(returned);
    }
    holds(9, taken.values().all(|sums| *sums == [0, 0]), || {
        format!("positions and what became of points differ: {taken:?}")
    })
}
