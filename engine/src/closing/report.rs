//! Positions and liability as they are now: read from the shards' daybooks, added up.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::{
    clearing::{Flows, LapseMonth},
    engine::Engine,
    error::EngineError,
    ledger::{Day, DaySums, DaybookImage, Ledger, ShardIndex, Symbol, UnixMillis},
    router::Router,
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
        self.opening + self.flows.net()
    }
}

type PositionKey = (CompactString, CompactString, CompactString);
type LiabilityKey = (CompactString, CompactString, LapseMonth);

/// A shard's daybook as a report sees it. Shards only hand it over; adding up is done where nobody waits.
struct Seen {
    names: Vec<CompactString>,
    book: DaybookImage,
    today: Day,
}

impl Seen {
    fn of(ledger: &Ledger) -> Self {
        Self {
            names: ledger.symbols().iter().map(CompactString::new).collect(),
            book: ledger.daybook().image(),
            today: ledger.open_day(),
        }
    }

    fn name(&self, symbol: Symbol) -> CompactString {
        self.names[symbol.index()].clone()
    }

    /// The days that are not settled, with what happened on them.
    fn days(&self) -> impl Iterator<Item = (Day, &DaySums)> {
        let over = self.book.over.iter();
        let over = over.map(|over| (over.day, &over.sums));
        over.chain([(self.today, &self.book.open)])
    }
}

impl Engine {
    /// Who took whose points on the unsettled days from `from` to `to`, sorted; and until when everything is in it.
    pub async fn positions(
        &self,
        from: Option<Day>,
        to: Option<Day>,
    ) -> Result<(Vec<PositionNow>, UnixMillis), EngineError> {
        self.report(move |shards| add_positions(shards, from, to))
            .await
    }

    /// What became of all points since a day, without one since the beginning; and until when everything is in it. `None` if that
    /// day is settled: what became of points on such days is only kept added up.
    pub async fn liability(
        &self,
        since: Option<Day>,
    ) -> Result<Option<(Vec<LiabilityRow>, UnixMillis)>, EngineError> {
        let report = self.report(move |shards| add_liability(shards, since));
        let report = report.await?;
        // Asked last: whatever day a shard had let go of, this one knew as settled before.
        let look = |ledger: &Ledger| ledger.clearing().published_until();
        let settled = self.look(Router::DOCUMENTS, look).await?;
        let is_kept = since.is_none_or(|since| settled.is_none_or(|settled| since > settled));
        Ok(is_kept.then_some(report))
    }

    async fn report<T: Send + 'static>(
        &self,
        add: impl FnOnce(&[Seen]) -> T + Send + 'static,
    ) -> Result<(T, UnixMillis), EngineError> {
        // Whatever is stamped before now was decided before any shard is asked.
        let as_of = self.now();
        let mut shards = Vec::new();
        for shard in 0..self.router().shards() {
            shards.push(self.look(ShardIndex(shard), Seen::of).await?);
        }
        let added = tokio::task::spawn_blocking(move || add(&shards)).await;
        Ok((added.map_err(|_| EngineError::Stopping)?, as_of))
    }
}

fn add_positions(shards: &[Seen], from: Option<Day>, to: Option<Day>) -> Vec<PositionNow> {
    let mut all: BTreeMap<PositionKey, (u128, u128)> = BTreeMap::new();
    let is_wanted = |day: Day| from.is_none_or(|from| day >= from) && to.is_none_or(|to| day <= to);
    for seen in shards {
        for (_, sums) in seen.days().filter(|(day, _)| is_wanted(*day)) {
            for row in &sums.positions {
                let names = [row.issuer, row.acceptor, row.point_type];
                let [issuer, acceptor, kind] = names.map(|symbol| seen.name(symbol));
                let sums = all.entry((issuer, acceptor, kind)).or_default();
                sums.0 += u128::from(row.spent);
                sums.1 += u128::from(row.returned);
            }
        }
    }
    let rows = all.into_iter();
    rows.map(
        |((issuer, acceptor, point_type), (spent, returned))| PositionNow {
            issuer,
            acceptor,
            point_type,
            spent,
            returned,
        },
    )
    .collect()
}

fn add_liability(shards: &[Seen], since: Option<Day>) -> Vec<LiabilityRow> {
    let mut all: BTreeMap<LiabilityKey, (i128, Flows)> = BTreeMap::new();
    for seen in shards {
        // What is settled is before any day that can be asked for.
        let settled = seen.book.settled.iter().map(|row| (None, row));
        let days = seen.days();
        let days = days.flat_map(|(day, sums)| sums.issues.iter().map(move |row| (Some(day), row)));
        for (day, row) in settled.chain(days) {
            let key = (seen.name(row.issuer), seen.name(row.point_type), row.month);
            let sums = all.entry(key).or_default();
            let flows = Flows::from(row.flows);
            if since.is_some_and(|since| day.is_none_or(|day| day < since)) {
                sums.0 += flows.net();
            } else {
                sums.1 = sums.1.plus(flows);
            }
        }
    }
    let rows = all.into_iter();
    rows.map(
        |((issuer, point_type, month), (opening, flows))| LiabilityRow {
            issuer,
            point_type,
            month,
            opening,
            flows,
        },
    )
    .collect()
}
