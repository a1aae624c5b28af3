//! The daybook in images: days that are over never change, so an increment has only those that the image before it did not have;
//! the day that goes on, and what is settled, are copied when the image begins and written piece by piece.

use std::{collections::VecDeque, ops::Range, sync::Arc};

use bincode::{BorrowDecode, Encode};

use super::{DAYBOOK, Extent, ImageError, records};
use crate::ledger::{
    command::Seq,
    daybook::{DayOver, DaySums, Daybook, DaybookImage, IssueRow, PositionRow, TradeRow},
    time::Day,
};

/// How many rows are written at once.
const ROWS: usize = 2_048;

/// Whose rows follow.
#[derive(Encode, BorrowDecode)]
enum Heading {
    /// Nobody's yet: from which day on the daybook before is kept, where it stands, and how many items follow. Where no day is kept,
    /// it is the one behind the last that is over.
    Begin {
        items: u64,
        from: Seq,
        before_open: Seq,
        first_kept: Option<Day>,
    },
    /// Of a day that is over.
    Over { day: Day, first: Seq, last: Seq },
    /// Of the day that goes on.
    Open,
    /// Of what is settled.
    Settled,
}

#[derive(Encode, BorrowDecode)]
enum Item {
    Heading(Heading),
    Positions(Vec<PositionRow>),
    Trades(Vec<TradeRow>),
    Issues(Vec<IssueRow>),
}

enum Piece {
    Heading(Heading),
    Positions(Arc<DayOver>, Range<usize>),
    Trades(Arc<DayOver>, Range<usize>),
    Issues(Arc<DayOver>, Range<usize>),
}

/// What of a daybook is still to be written.
#[derive(Default)]
pub(in crate::ledger) struct Copying(VecDeque<Piece>);

impl Copying {
    pub(super) fn begin(daybook: &Daybook, extent: Extent) -> Self {
        let image = daybook.image();
        let mut copying = Self::default();
        let (from, before_open) = (image.from, image.before_open);
        let first_kept = match image.over.first() {
            Some(over) => Some(over.day),
            None => image.ended.and_then(Day::next),
        };
        for over in image.over {
            // The day's mark stands behind its last entry, so an image behind the mark has the day.
            if matches!(extent, Extent::Since(seq) if over.last < seq) {
                continue;
            }
            let (day, first, last) = (over.day, over.first, over.last);
            copying.push(Heading::Over { day, first, last }, over);
        }
        let nothing = DaySums::default();
        let settled = DaySums {
            issues: image.settled,
            ..nothing
        };
        for (heading, sums) in [(Heading::Open, image.open), (Heading::Settled, settled)] {
            let unnamed = DayOver {
                day: Day::NEVER,
                first: Seq(0),
                last: Seq(0),
                sums,
            };
            copying.push(heading, Arc::new(unnamed));
        }
        copying.0.push_front(Piece::Heading(Heading::Begin {
            items: copying.0.len() as u64,
            from,
            before_open,
            first_kept,
        }));
        copying
    }

    fn push(&mut self, heading: Heading, over: Arc<DayOver>) {
        let pieces = |rows: usize| {
            (0..rows)
                .step_by(ROWS)
                .map(move |from| from..rows.min(from + ROWS))
        };
        self.0.push_back(Piece::Heading(heading));
        for rows in pieces(over.sums.positions.len()) {
            self.0.push_back(Piece::Positions(Arc::clone(&over), rows));
        }
        for rows in pieces(over.sums.trades.len()) {
            self.0.push_back(Piece::Trades(Arc::clone(&over), rows));
        }
        for rows in pieces(over.sums.issues.len()) {
            self.0.push_back(Piece::Issues(Arc::clone(&over), rows));
        }
    }

    /// The next part, of about so many bytes.
    pub(super) fn next(&mut self, bytes: usize) -> Option<Vec<u8>> {
        let mut part = vec![DAYBOOK];
        while part.len() < bytes
            && let Some(piece) = self.0.pop_front()
        {
            let item = match piece {
                Piece::Heading(heading) => Item::Heading(heading),
                Piece::Positions(over, rows) => Item::Positions(over.sums.positions[rows].to_vec()),
                Piece::Trades(over, rows) => Item::Trades(over.sums.trades[rows].to_vec()),
                Piece::Issues(over, rows) => Item::Issues(over.sums.issues[rows].to_vec()),
            };
            records::write(&mut part, &item);
        }
        (part.len() > 1).then_some(part)
    }
}

/// A daybook that is being put together.
#[derive(Default)]
pub(super) struct Gathering {
    /// `None` before the first part: older images have none.
    image: Option<DaybookImage>,
    /// The day whose rows come.
    over: Option<DayOver>,
    settled: bool,
    /// How many items are still to come.
    missing: u64,
}

impl Gathering {
    pub(super) const fn has_begun(&self) -> bool {
        self.image.is_some()
    }

    pub(super) fn take(&mut self, mut content: &[u8]) -> Result<(), ImageError> {
        while !content.is_empty() {
            let item = records::read(&mut content)?;
            if !matches!(item, Item::Heading(Heading::Begin { .. })) {
                self.missing = self
                    .missing
                    .checked_sub(1)
                    .ok_or(ImageError::Incomplete("a daybook does not begin"))?;
            }
            match item {
                Item::Heading(heading) => self.head(heading)?,
                Item::Positions(rows) => self.sums()?.positions.extend(rows),
                Item::Trades(rows) => self.sums()?.trades.extend(rows),
                Item::Issues(rows) if self.settled => {
                    let image = self.image.as_mut();
                    let image = image.ok_or(ImageError::Incomplete("rows of no daybook"))?;
                    image.settled.extend(rows);
                }
                Item::Issues(rows) => self.sums()?.issues.extend(rows),
            }
        }
        Ok(())
    }

    fn head(&mut self, heading: Heading) -> Result<(), ImageError> {
        self.close();
        match heading {
            Heading::Begin {
                items,
                from,
                before_open,
                first_kept,
            } => {
                let mut over = self.image.take().map_or_else(Vec::new, |image| image.over);
                over.retain(|over| first_kept.is_some_and(|first| over.day >= first));
                if std::mem::replace(&mut self.missing, items) > 0 {
                    return Err(ImageError::Incomplete("a part of its daybook is missing"));
                }
                self.settled = false;
                self.image = Some(DaybookImage {
                    from,
                    before_open,
                    open: DaySums::default(),
                    over,
                    settled: Vec::new(),
                    ended: first_kept.and_then(Day::before),
                });
            }
            Heading::Over { day, first, last } => {
                let sums = DaySums::default();
                self.over = Some(DayOver {
                    day,
                    first,
                    last,
                    sums,
                });
            }
            Heading::Open => self.settled = false,
            Heading::Settled => self.settled = true,
        }
        Ok(())
    }

    /// Puts the day whose rows came behind the others.
    fn close(&mut self) {
        if let (Some(over), Some(image)) = (self.over.take(), &mut self.image) {
            image.over.push(Arc::new(over));
        }
    }

    fn sums(&mut self) -> Result<&mut DaySums, ImageError> {
        match (&mut self.over, &mut self.image) {
            (Some(over), _) => Ok(&mut over.sums),
            (None, Some(image)) if !self.settled => Ok(&mut image.open),
            _ => Err(ImageError::Incomplete("rows of no daybook")),
        }
    }

    /// The first entry that is in no settlement, or may not be: a shard whose daybook begins late cannot tell.
    pub(super) fn first_unsettled(mut self) -> Result<Seq, ImageError> {
        self.close();
        if self.missing > 0 {
            return Err(ImageError::Incomplete("a part of its daybook is missing"));
        }
        Ok(match self.image {
            Some(image) if image.from == Seq(0) => {
                let over = image.over.first().map(|over| over.first);
                over.unwrap_or_else(|| image.before_open.next())
            }
            _ => Seq(1),
        })
    }

    /// The daybook of a shard that stands at `seq` and knows so many names.
    pub(super) fn finish(mut self, seq: Seq, names: usize) -> Result<Daybook, ImageError> {
        self.close();
        if self.missing > 0 {
            return Err(ImageError::Incomplete("a part of its daybook is missing"));
        }
        let Some(mut image) = self.image else {
            return Ok(Daybook::beginning_behind(seq));
        };
        let days = image.over.windows(2);
        let in_order = days.into_iter().all(|two| {
            two[0].day < two[1].day && two[0].last < two[1].first && two[1].first <= two[1].last
        });
        if !in_order || image.before_open > seq {
            return Err(ImageError::Incomplete(
                "the days of its daybook are out of order",
            ));
        }
        image.ended = image.ended.max(image.over.last().map(|over| over.day));
        let knows = |sums: &DaySums| sums.symbols().all(|symbol| symbol.index() < names);
        let settled = image.settled.iter();
        let mut settled = settled.flat_map(|row| [row.issuer, row.point_type]);
        if !image.over.iter().all(|over| knows(&over.sums))
            || !knows(&image.open)
            || !settled.all(|symbol| symbol.index() < names)
        {
            return Err(ImageError::Incomplete("a row of its daybook has no name"));
        }
        Ok(Daybook::restored(image))
    }
}

#[cfg(test)]
mod tests;
