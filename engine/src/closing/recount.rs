//! The proof of the positions: the period's entries are read again and counted by other code than that which counts while they are
//! decided. It goes by postings, where that goes by moves, and looks for the marks of the days itself.

use std::{hash::Hash, ops::ControlFlow};

use foldhash::quality::RandomState;
use hashbrown::HashMap;

use super::{CloseError, cut::Cut};
use crate::{
    history::History,
    journal::{
        block::{BadBlock, Block, ValueHead},
        epoch::EpochHead,
    },
    ledger::{Account, Day, DaySums, Deed, Entry, Seq, ShardIndex, Subject, Symbol, TradeSums},
};

/// Everything is counted by day, parties and kind of points, for whatever was undone also by the day on which it had been done.
/// Here the issuer and the acceptor.
type PositionKey = (Day, Symbol, Symbol, Symbol, Option<Day>);
/// Here the merchant.
type TradeKey = (Day, Symbol, Symbol, Option<Day>);
/// Here the issuer, and the month of lapse.
type IssueKey = (Day, Symbol, Symbol, Option<u32>, Option<Day>);

/// Rows of a kind. There are millions of positions, looked for in no order, so that each takes no more than a cache line.
struct Counts<K, const N: usize>(HashMap<K, [i128; N], RandomState>);

impl<K: Copy + Eq + Hash + Ord, const N: usize> Counts<K, N> {
    fn with_room_for(rows: usize) -> Self {
        Self(HashMap::with_capacity_and_hasher(
            rows,
            RandomState::default(),
        ))
    }

    fn add(&mut self, key: K, amounts: [u64; N]) {
        let sums = self.0.entry(key).or_insert([0; N]);
        for (sum, amount) in sums.iter_mut().zip(amounts) {
            *sum += i128::from(amount);
        }
    }

    fn less(&mut self, key: K, place: usize, amount: i128) {
        self.0.entry(key).or_insert([0; N])[place] -= amount;
    }

    /// How many rows are not nothing, and the first of them, spelled out.
    fn wrong(&self, spelled: impl Fn(K) -> String) -> Option<(usize, String)> {
        let wrong = self.0.iter().filter(|(_, sums)| **sums != [0; N]);
        let mut wrong: Vec<_> = wrong.collect();
        wrong.sort_unstable();
        let (key, sums) = wrong.first()?;
        let first = format!("{}: the books have {sums:?} too much", spelled(**key));
        Some((wrong.len(), first))
    }
}

/// What is left of a shard's rows when everything that is found in the journal has been taken from them.
struct Left {
    positions: Counts<PositionKey, 2>,
    trades: Counts<TradeKey, 3>,
    issues: Counts<IssueKey, 7>,
    /// The day that is counted, with its last entry, and those behind it.
    day: Option<(Day, Seq)>,
    days: std::vec::IntoIter<(Day, Seq)>,
    first: Seq,
    next: Seq,
    last: Seq,
    /// How many entries were found.
    found: u64,
}

/// How many bytes of the journal are read before others are let in.
const PIECE_BYTES: usize = 1 << 20;

/// A second count of the entries of a period. Entries are shown to it in the order of each shard; those of other days are passed
/// over.
pub struct Recount(Vec<Option<Left>>);

impl Recount {
    /// One that expects what the shards handed over.
    #[must_use]
    pub fn new(cuts: &[Cut]) -> Self {
        Self(cuts.iter().map(Left::of).collect())
    }

    /// Counts an entry.
    ///
    /// # Errors
    ///
    /// If an entry is missing, or a day ends elsewhere than the shard said.
    pub fn take(&mut self, shard: ShardIndex, entry: &Entry) -> Result<(), CloseError> {
        match self.of(shard) {
            Some(left) if !left.is_through() => left.take(entry),
            _ => Ok(()),
        }
    }

    /// Tells how many entries there are.
    ///
    /// # Errors
    ///
    /// If what was counted differs from what the shards handed over.
    pub fn finish(self, cuts: &[Cut]) -> Result<u64, CloseError> {
        let mut found = 0;
        for (cut, left) in cuts.iter().zip(self.0) {
            if let Some(left) = left {
                found += left.found;
                left.finish(cut)?;
            }
        }
        Ok(found)
    }

    fn of(&mut self, shard: ShardIndex) -> Option<&mut Left> {
        self.0.get_mut(usize::from(shard.0))?.as_mut()
    }

    fn is_through(&self) -> bool {
        self.0.iter().flatten().all(Left::is_through)
    }

    fn take_value(&mut self, value: &[u8]) -> Result<(), CloseError> {
        if EpochHead::is_one(value) {
            return Ok(());
        }
        let bad = |bad: BadBlock| CloseError::Unreadable(bad.to_string());
        let (_, mut blocks) = ValueHead::split(value).map_err(bad)?;
        while !blocks.is_empty() {
            let (block, rest) = Block::split(blocks).map_err(bad)?;
            blocks = rest;
            if self.of(block.shard).is_none_or(|left| left.is_through()) {
                continue;
            }
            for record in block.records() {
                let record = record.map_err(bad)?;
                let entry = Entry::decode_without_origin(record)
                    .map_err(|bad| CloseError::Unreadable(bad.to_string()))?;
                self.take(block.shard, &entry)?;
            }
        }
        Ok(())
    }
}

/// Counts the entries of all days again; tells how many there are.
pub(super) fn recount(
    history: &History,
    cuts: &[Cut],
    goes_on: &dyn Fn() -> bool,
) -> Result<u64, CloseError> {
    let mut behind = None;
    for cut in cuts {
        if let Some((first, _)) = cut.entries() {
            let turn = history.turn_before(cut.shard, first);
            let turn = turn.ok_or(CloseError::Forgotten)?;
            behind = Some(behind.map_or(turn, |least: u64| least.min(turn)));
        }
    }
    let mut count = Recount::new(cuts);
    if let Some(behind) = behind {
        let mut wrong = None;
        history.read_some_behind(behind, PIECE_BYTES, &mut |value| {
            wrong = count.take_value(value).err();
            Ok(if count.is_through() || wrong.is_some() || !goes_on() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        if let Some(error) = wrong {
            return Err(error);
        }
        if !goes_on() {
            return Err(CloseError::Stopping);
        }
    }
    count.finish(cuts)
}

impl Left {
    /// Everything that a shard's days say; `None` if it has none.
    fn of(cut: &Cut) -> Option<Self> {
        let (first, last) = cut.entries()?;
        let rows = |of: fn(&DaySums) -> usize| cut.days.iter().map(|over| of(&over.sums)).sum();
        let mut positions = Counts::with_room_for(rows(|sums| sums.positions.len()));
        let mut trades = Counts::with_room_for(rows(|sums| sums.trades.len()));
        let mut issues = Counts::with_room_for(rows(|sums| sums.issues.len()));
        for over in &cut.days {
            let day = over.day;
            for row in &over.sums.positions {
                let key = (day, row.issuer, row.acceptor, row.point_type, row.undone);
                positions.add(key, [row.spent, row.returned]);
            }
            for row in &over.sums.trades {
                let key = (day, row.merchant, row.point_type, row.undone);
                let TradeSums {
                    orders,
                    units,
                    cash,
                } = row.sums;
                trades.add(key, [orders, units, cash]);
            }
            for row in &over.sums.issues {
                let key = (day, row.issuer, row.point_type, row.month, row.undone);
                issues.add(key, row.flows.each());
            }
        }
        let days: Vec<(Day, Seq)> = cut.days.iter().map(|over| (over.day, over.last)).collect();
        let mut days = days.into_iter();
        Some(Self {
            positions,
            trades,
            issues,
            day: days.next(),
            days,
            first,
            next: first,
            last,
            found: 0,
        })
    }

    const fn is_through(&self) -> bool {
        self.day.is_none()
    }

    fn take(&mut self, entry: &Entry) -> Result<(), CloseError> {
        let Some((day, last)) = self.day else {
            return Ok(());
        };
        if entry.seq < self.next {
            return Ok(());
        }
        if entry.seq != self.next {
            return Err(CloseError::Differs(format!(
                "entry {} follows where {} should be",
                entry.seq.0, self.next.0
            )));
        }
        self.next = entry.seq.next();
        // The first entry may be the mark of the day before, which is settled.
        if let Deed::DayEnded { day: marked } = entry.deed
            && entry.seq > self.first
        {
            if (marked, entry.seq) != (day, last.next()) {
                return Err(CloseError::Differs(format!(
                    "entry {} ends {marked:?}, the books end {day:?} with entry {}",
                    entry.seq.0, last.0
                )));
            }
            self.day = self.days.next();
            if self.day.is_none() {
                return Ok(());
            }
        }
        let Some((day, _)) = self.day else {
            return Ok(());
        };
        self.found += 1;
        self.count(day, entry);
        Ok(())
    }

    fn count(&mut self, day: Day, entry: &Entry) {
        let (Subject::Member(_), Some(after)) = (&entry.subject, entry.after) else {
            return;
        };
        let undone = entry.course.as_ref().and_then(|course| course.undone);
        let on = undone.map(|undone| undone.on);
        let point_type = after.point_type;
        let mut acceptor = None;
        for posting in entry.postings() {
            let issuer = posting.lot.key.issuer;
            let amount = i128::from(posting.amount);
            let (comes, size) = (amount > 0, amount.abs());
            // issued, reversed, used, returned, lapsed, adjusted up, adjusted down
            let place = match (posting.account, comes) {
                (Account::Issued, false) => 0,
                (Account::Issued, true) => 1,
                (Account::Accepted(by), _) => {
                    acceptor = Some(by);
                    let of = if comes { None } else { on };
                    let key = (day, issuer, by, point_type, of);
                    self.positions.less(key, usize::from(!comes), size);
                    if comes { 2 } else { 3 }
                }
                (Account::Breakage, _) => 4,
                (Account::Adjustment, false) => 5,
                (Account::Adjustment, true) => 6,
                _ => continue,
            };
            let month = month_of(posting.lot.key.last_day);
            // What is taken back or comes back carries the day with it; its other side does not.
            let of = if matches!(place, 1 | 3) { on } else { None };
            let key = (day, issuer, point_type, month, of);
            self.issues.less(key, place, size);
        }
        self.count_order(day, entry, (acceptor, point_type));
    }

    fn count_order(
        &mut self,
        day: Day,
        entry: &Entry,
        (acceptor, point_type): (Option<Symbol>, Symbol),
    ) {
        let Some(merchant) = acceptor else { return };
        let undone = entry.course.as_ref().and_then(|course| course.undone);
        let (on, orders, units, cash) = match (&entry.deed, undone) {
            (Deed::Redeemed { cash, .. }, _) => (None, 1, 1, cash.map_or(0, |cash| cash.get())),
            (Deed::Captured { .. }, _) => (None, 1, 1, 0),
            (Deed::Confirmed { quantity, .. }, _) => (None, 1, quantity.get(), 0),
            (Deed::Reversed { .. } | Deed::Unsold { .. }, Some(undone)) => (
                Some(undone.on),
                undone.orders,
                undone.units,
                undone.cash.get(),
            ),
            _ => return,
        };
        let key = (day, merchant, point_type, on);
        self.trades.less(key, 0, i128::from(orders));
        self.trades.less(key, 1, i128::from(units));
        self.trades.less(key, 2, i128::from(cash));
    }

    fn finish(self, cut: &Cut) -> Result<(), CloseError> {
        if !self.is_through() {
            return Err(CloseError::Differs(format!(
                "shard {} ends with entry {}, its days with {}",
                cut.shard.0, self.next.0, self.last.0
            )));
        }
        let name = |symbol| cut.name(symbol);
        let positions = self
            .positions
            .wrong(|(day, issuer, acceptor, kind, undone)| {
                let (kind, issuer, acceptor) = (name(kind), name(issuer), name(acceptor));
                format!("{kind} of {issuer} taken by {acceptor} on {day:?}, undone {undone:?}")
            });
        let trades = self.trades.wrong(|(day, merchant, kind, undone)| {
            let (merchant, kind) = (name(merchant), name(kind));
            format!("orders of {merchant} in {kind} on {day:?}, undone {undone:?}")
        });
        let issues = self.issues.wrong(|(day, issuer, kind, month, undone)| {
            let (kind, issuer) = (name(kind), name(issuer));
            format!(
                "{kind} of {issuer} that lapse in month {month:?}, on {day:?}, undone {undone:?}"
            )
        });
        let shard = cut.shard.0;
        match positions.or(trades).or(issues) {
            None => Ok(()),
            Some((rows, first)) => Err(CloseError::Differs(format!(
                "shard {shard}: {rows} rows differ, first {first}"
            ))),
        }
    }
}

/// The calendar month of a day, by the calendar's own rules: the ledger computes it from the number.
fn month_of(day: Day) -> Option<u32> {
    let days = i64::from(day.days_since_1970()?);
    let date = jiff::civil::Date::constant(1970, 1, 1)
        .checked_add(jiff::SignedDuration::from_hours(days * 24))
        .ok()?;
    u32::try_from((i64::from(date.year()) - 1_970) * 12 + i64::from(date.month()) - 1).ok()
}
