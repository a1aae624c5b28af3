//! What a shard's entries come to, day by day: who took whose points, how many orders that were, and what became of the points of
//! each issuer. Settlements are made of it.
//!
//! A day is over when its mark is journaled ([`Deed::DayEnded`]); which day that was, the mark says. So what belongs to which day
//! depends on nothing but the entries, also under other rules.

mod rows;
mod table;

use std::sync::Arc;

use bincode::{BorrowDecode, Encode};

use rows::Flow;
pub use rows::{IssueFlows, IssueRow, PositionRow, TradeRow, TradeSums};
use table::Table;

use super::{
    amount::Fen,
    command::Seq,
    entry::{Account, Deed, Entry, Move},
    state::Ledger,
    symbol::Symbol,
    time::{Day, UnixMillis},
};
use super::{decide::Draft, entry::Subject};

/// What a reversal undoes beside points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Undone {
    /// The day on which that was done, whose contract applies.
    pub on: Day,
    /// 1 if nothing is left of an order.
    pub orders: u32,
    /// Its units that went, in proportion.
    pub units: u64,
    /// The money paid beside its points that went, in proportion.
    pub cash: Fen,
}

/// The sums of a stretch of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub struct DaySums {
    /// Who took whose points.
    pub positions: Vec<PositionRow>,
    /// How many orders.
    pub trades: Vec<TradeRow>,
    /// What became of points.
    pub issues: Vec<IssueRow>,
}

impl DaySums {
    /// Every name that a row uses, as often as it does.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol> {
        let positions = self.positions.iter();
        let positions = positions.flat_map(|row| [row.issuer, row.acceptor, row.point_type]);
        let trades = self.trades.iter();
        let trades = trades.flat_map(|row| [row.merchant, row.point_type]);
        let issues = self.issues.iter();
        let issues = issues.flat_map(|row| [row.issuer, row.point_type]);
        positions.chain(trades).chain(issues)
    }
}

/// A day that is over.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct DayOver {
    /// Which.
    pub day: Day,
    /// Its first entry.
    pub first: Seq,
    /// Its last entry; the one behind it is the mark.
    pub last: Seq,
    /// What its entries come to.
    pub sums: DaySums,
}

/// The day that goes on.
#[derive(Default)]
struct OpenDay {
    positions: Table<PositionRow>,
    trades: Table<TradeRow>,
    issues: Table<IssueRow>,
}

impl OpenDay {
    fn copied(&self) -> DaySums {
        DaySums {
            positions: self.positions.rows().to_vec(),
            trades: self.trades.rows().to_vec(),
            issues: self.issues.rows().to_vec(),
        }
    }
}

/// A shard's daybook.
#[derive(Default)]
pub struct Daybook {
    open: OpenDay,
    /// What stands in front of this entry is not in it: it was there before there were daybooks.
    from: Seq,
    /// The last entry of the day before.
    before_open: Seq,
    over: Vec<Arc<DayOver>>,
    /// What became of points on days that are settled and not kept any more.
    settled: Table<IssueRow>,
    /// The last day that nothing can be added to: it was ended here, or is settled.
    ended: Option<Day>,
}

/// A daybook at one moment: what is over is shared, what goes on is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaybookImage {
    /// The first entry that is in it; 0 if it has them all.
    pub from: Seq,
    /// The last entry of the last day that is over.
    pub before_open: Seq,
    /// The day that goes on.
    pub open: DaySums,
    /// The days that are over and not settled, the earliest first.
    pub over: Vec<Arc<DayOver>>,
    /// What became of points on the days before those.
    pub settled: Vec<IssueRow>,
    /// The last day that nothing can be added to, as far as it is known: images of days that were all settled did not tell it.
    pub ended: Option<Day>,
}

impl Daybook {
    /// The days that are over and not settled, the earliest first.
    #[must_use]
    pub fn over(&self) -> &[Arc<DayOver>] {
        &self.over
    }

    /// All of it as it is now. Whoever has much to do with it does that elsewhere: here commands wait.
    #[must_use]
    pub fn image(&self) -> DaybookImage {
        DaybookImage {
            from: self.from,
            before_open: self.before_open,
            open: self.open.copied(),
            over: self.over.clone(),
            settled: self.settled.rows().to_vec(),
            ended: self.ended,
        }
    }

    pub(super) fn restored(image: DaybookImage) -> Self {
        Self {
            open: OpenDay {
                positions: Table::of(image.open.positions),
                trades: Table::of(image.open.trades),
                issues: Table::of(image.open.issues),
            },
            from: image.from,
            before_open: image.before_open,
            over: image.over,
            settled: Table::of(image.settled),
            ended: image.ended,
        }
    }

    /// One that begins behind this entry.
    pub(super) fn beginning_behind(seq: Seq) -> Self {
        Self {
            from: seq.next(),
            before_open: seq,
            ..Self::default()
        }
    }

    /// Everything before the entry with this sequence is of `day`, as far as it is of no day before.
    pub(super) fn end_day(&mut self, day: Day, mark: Seq) {
        let open = std::mem::take(&mut self.open);
        let last = Seq(mark.0 - 1);
        let first = self.before_open.next();
        self.before_open = last;
        self.ended = self.ended.max(Some(day));
        self.over.push(Arc::new(DayOver {
            day,
            first,
            last,
            sums: DaySums {
                positions: open.positions.into_rows(),
                trades: open.trades.into_rows(),
                issues: open.issues.into_rows(),
            },
        }));
    }

    /// Lets go of days up to this one, which are settled. What became of points is kept, added up.
    pub(super) fn settle(&mut self, until: Day) {
        self.ended = self.ended.max(Some(until));
        let settled = self.over.partition_point(|over| over.day <= until);
        for over in self.over.drain(..settled) {
            for row in &over.sums.issues {
                let key = (row.issuer, row.point_type, row.month, None);
                for flow in row.flows.by_flow() {
                    self.settled.add(key, flow);
                }
            }
        }
    }

    /// Adds what an entry about a member moved.
    pub(super) fn post(&mut self, entry: &Entry) {
        let Some(after) = entry.after else {
            return;
        };
        let undone = entry.course.as_ref().and_then(|course| course.undone);
        for one in &entry.moves {
            self.post_move(one, after.point_type, undone.map(|undone| undone.on));
        }
        self.post_trade(entry, after.point_type, undone);
    }

    fn post_move(&mut self, one: &Move, point_type: Symbol, undone: Option<Day>) {
        let issuer = one.lot.key.issuer;
        let points = one.points.get();
        let month = one.lot.key.last_day.month();
        let came = match one.from {
            Account::Issued => Some((Flow::Issued, None)),
            Account::Adjustment => Some((Flow::AdjustedUp, None)),
            Account::Accepted(acceptor) => {
                let key = (issuer, acceptor, point_type, undone);
                self.open.positions.add(key, (0, points));
                Some((Flow::Returned, undone))
            }
            Account::Breakage => unreachable!("what has lapsed stays so"),
            Account::Available
            | Account::Held
            | Account::Pending
            | Account::Owed
            | Account::Transit => None,
        };
        let went = match one.to {
            Account::Issued => Some((Flow::Reversed, undone)),
            Account::Adjustment => Some((Flow::AdjustedDown, None)),
            Account::Accepted(acceptor) => {
                let key = (issuer, acceptor, point_type, None);
                self.open.positions.add(key, (points, 0));
                Some((Flow::Used, None))
            }
            Account::Breakage => Some((Flow::Lapsed, None)),
            Account::Available
            | Account::Held
            | Account::Pending
            | Account::Owed
            | Account::Transit => None,
        };
        let mut add = |(flow, of)| {
            let key = (issuer, point_type, month, of);
            self.open.issues.add(key, (flow, points));
        };
        if let Some(came) = came {
            add(came);
        }
        if let Some(went) = went {
            add(went);
        }
    }

    fn post_trade(&mut self, entry: &Entry, point_type: Symbol, undone: Option<Undone>) {
        let (units, cash) = match &entry.deed {
            Deed::Redeemed { cash, .. } => (1, cash.map_or(0, Fen::get)),
            Deed::Captured { .. } => (1, 0),
            Deed::Confirmed { quantity, .. } => (quantity.get(), 0),
            Deed::Reversed { spend: true, .. } | Deed::Unsold { .. } => {
                if let (Some(undone), Some(merchant)) = (undone, acceptor(entry, |m| m.from)) {
                    let sums = TradeSums {
                        orders: u64::from(undone.orders),
                        units: undone.units,
                        cash: undone.cash.get(),
                    };
                    let key = (merchant, point_type, Some(undone.on));
                    self.open.trades.add(key, sums);
                }
                return;
            }
            _ => return,
        };
        if let Some(merchant) = acceptor(entry, |m| m.to) {
            let sums = TradeSums {
                orders: 1,
                units,
                cash,
            };
            self.open.trades.add((merchant, point_type, None), sums);
        }
    }
}

/// Who accepted the points that an entry moved, or gave them back.
fn acceptor(entry: &Entry, side: fn(&Move) -> Account) -> Option<Symbol> {
    entry.moves.iter().find_map(|one| match side(one) {
        Account::Accepted(merchant) => Some(merchant),
        _ => None,
    })
}

impl Ledger {
    /// What this shard's entries come to, day by day.
    #[must_use]
    pub const fn daybook(&self) -> &Daybook {
        &self.daybook
    }

    /// The day that goes on.
    #[must_use]
    pub fn open_day(&self) -> Day {
        self.day_of(self.last_at())
    }

    /// The day to which an entry that is decided at `at` belongs. By the calendar, but never one that is over: where other rules
    /// have days begin later, an instant may be of a day that was ended under those before. Then the day behind it goes on until
    /// it is over by the new ones, so that days go up and each is marked once.
    pub(super) fn day_of(&self, at: UnixMillis) -> Day {
        let day = self.rules.day_at(at);
        let free = self
            .daybook
            .ended
            .map(|ended| ended.next().unwrap_or(ended));
        free.map_or(day, |free| day.max(free))
    }

    /// The mark behind the last day's entries, if that day is over at `now`. It has to be recorded before anything else is
    /// decided at that time.
    #[must_use]
    pub fn decide_day_end(&self, now: UnixMillis) -> Option<Entry> {
        let at = now.max(self.last_at());
        if at < self.midnight || self.last_seq() == Seq(0) {
            return None;
        }
        let day = self.open_day();
        let draft = Draft::new(self, at);
        Some(self.finish(draft, Subject::Nobody, None, Deed::DayEnded { day }))
    }
}

#[cfg(test)]
mod tests;
