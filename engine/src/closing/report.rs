//! Positions and liability as they are now: read from the shards' daybooks, added up.

use std::collections::BTreeMap;

use compact_str::CompactString;

use super::gather::{plus, wide};
use crate::{
    clearing::{Flows, LapseMonth},
    engine::Engine,
    error::EngineError,
    ledger::{Day, DaySums, Ledger, ShardIndex, Symbol, UnixMillis},
};

/// Points of one issuer that one acceptor took on days that are not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionNow {
    /// Whose points.
    pub issuer: CompactString,
    /// Who took them.
    pub acceptor: CompactString,
    /// Of which kind.
    pub point_type: CompactString,
    /// How many were spent.
    pub spent: u128,
    /// How many came back.
    pub returned: u128,
}

/// What became of one issuer's points of one kind that lapse in one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiabilityRow {
    /// Whose points.
    pub issuer: CompactString,
    /// Of which kind.
    pub point_type: CompactString,
    /// When they lapse.
    pub month: LapseMonth,
    /// What was outstanding before the first day that is asked for.
    pub opening: i128,
    /// The movements since.
    pub flows: Flows,
}

impl LiabilityRow {
    /// What is outstanding now: opening, and what came less what went.
    #[must_use]
    pub const fn closing(&self) -> i128 {
        self.opening + net(&self.flows)
    }
}

const fn net(flows: &Flows) -> i128 {
    // Sums of amounts below 2^53 each; 2^127 of them do not happen.
    let came = flows.issued + flows.returned + flows.adjusted_up;
    let went = flows.reversed + flows.used + flows.lapsed + flows.adjusted_down;
    came as i128 - went as i128
}

type PositionKey = (CompactString, CompactString, CompactString);
type LiabilityKey = (CompactString, CompactString, LapseMonth);

impl Engine {
    /// Who took whose points on the unsettled days from `from` to `to`, sorted; and how far it is.
    pub async fn positions(
        &self,
        from: Option<Day>,
        to: Option<Day>,
    ) -> Result<(Vec<PositionNow>, UnixMillis), EngineError> {
        let mut all: BTreeMap<PositionKey, (u128, u128)> = BTreeMap::new();
        let mut as_of = UnixMillis(0);
        for shard in 0..self.router().shards() {
            let seen = self.look(ShardIndex(shard), move |ledger| {
                (shard_positions(ledger, from, to), ledger.last_at())
            });
            let (rows, at) = seen.await?;
            as_of = as_of.max(at);
            for (key, (spent, returned)) in rows {
                let sums = all.entry(key).or_default();
                sums.0 += spent;
                sums.1 += returned;
            }
        }
        let rows = all.into_iter();
        let rows = rows.map(
            |((issuer, acceptor, point_type), (spent, returned))| PositionNow {
                issuer,
                acceptor,
                point_type,
                spent,
                returned,
            },
        );
        Ok((rows.collect(), as_of))
    }

    /// What became of all points since a day, which may be any that is not settled; without one since the beginning.
    pub async fn liability(
        &self,
        since: Option<Day>,
    ) -> Result<(Vec<LiabilityRow>, UnixMillis), EngineError> {
        let mut all: BTreeMap<LiabilityKey, (i128, Flows)> = BTreeMap::new();
        let mut as_of = UnixMillis(0);
        for shard in 0..self.router().shards() {
            let seen = self.look(ShardIndex(shard), move |ledger| {
                (shard_liability(ledger, since), ledger.last_at())
            });
            let (rows, at) = seen.await?;
            as_of = as_of.max(at);
            for (key, (opening, flows)) in rows {
                let sums = all.entry(key).or_default();
                sums.0 += opening;
                sums.1 = plus(sums.1, flows);
            }
        }
        let rows = all.into_iter();
        let rows = rows.map(
            |((issuer, point_type, month), (opening, flows))| LiabilityRow {
                issuer,
                point_type,
                month,
                opening,
                flows,
            },
        );
        Ok((rows.collect(), as_of))
    }
}

/// The days of a shard that are not settled, with what happened on them.
fn days(ledger: &Ledger) -> Vec<(Day, DaySums)> {
    let book = ledger.daybook();
    let over = book.over().iter();
    let mut days: Vec<_> = over.map(|over| (over.day, over.sums.clone())).collect();
    days.push((ledger.rules().day_at(ledger.last_at()), book.open()));
    days
}

fn shard_positions(
    ledger: &Ledger,
    from: Option<Day>,
    to: Option<Day>,
) -> BTreeMap<PositionKey, (u128, u128)> {
    let name = |symbol: Symbol| ledger.symbols().name(symbol).clone();
    let mut all: BTreeMap<(Symbol, Symbol, Symbol), (u128, u128)> = BTreeMap::new();
    for (day, sums) in days(ledger) {
        if from.is_some_and(|from| day < from) || to.is_some_and(|to| day > to) {
            continue;
        }
        for row in sums.positions {
            let key = (row.issuer, row.acceptor, row.point_type);
            let sums = all.entry(key).or_default();
            sums.0 += u128::from(row.spent);
            sums.1 += u128::from(row.returned);
        }
    }
    let rows = all.into_iter();
    rows.map(|((issuer, acceptor, kind), sums)| ((name(issuer), name(acceptor), name(kind)), sums))
        .collect()
}

fn shard_liability(ledger: &Ledger, since: Option<Day>) -> BTreeMap<LiabilityKey, (i128, Flows)> {
    let name = |symbol: Symbol| ledger.symbols().name(symbol).clone();
    let mut all: BTreeMap<(Symbol, Symbol, LapseMonth), (i128, Flows)> = BTreeMap::new();
    let settled = ledger.daybook().settled().iter().map(|row| (None, *row));
    let days = days(ledger);
    let rows = days.iter().flat_map(|(day, sums)| {
        let rows = sums.issues.iter();
        rows.map(move |row| (Some(*day), *row))
    });
    for (day, row) in settled.chain(rows) {
        let sums = all
            .entry((row.issuer, row.point_type, row.month))
            .or_default();
        let flows = wide(row.flows);
        // What is settled is before any day that can be asked for.
        if since.is_some_and(|since| day.is_none_or(|day| day < since)) {
            sums.0 += net(&flows);
        } else {
            sums.1 = plus(sums.1, flows);
        }
    }
    let rows = all.into_iter();
    rows.map(|((issuer, kind, month), sums)| ((name(issuer), name(kind), month), sums))
        .collect()
}
