//! What a shard tells of a period that is over.

use std::sync::Arc;

use compact_str::CompactString;

use super::CloseError;
use crate::ledger::{
    Accounts, ClearingBook, Contracts, Day, DayOver, DaybookImage, Ledger, MerchantId, Period, Seq,
    ShardIndex, Symbol, Text, invariants::check_daybook,
};

/// A shard's part of a period. All of it is durable when it is told.
#[derive(Debug)]
pub struct Cut {
    pub(super) shard: ShardIndex,
    /// The names behind symbols.
    pub(super) names: Vec<CompactString>,
    /// Its days, the earliest first.
    pub(super) days: Vec<Arc<DayOver>>,
    /// The last entry, if there is one, and the day that goes on.
    pub(super) last: Option<(Seq, Day)>,
    /// The whole daybook, and the accounts that were kept beside it.
    pub(super) book: DaybookImage,
    accounts: Accounts,
}

/// What shard 0 knows beside that.
#[derive(Debug)]
pub struct Documents {
    pub(super) merchants: Vec<(MerchantId, Text, Contracts)>,
    pub(super) book: ClearingBook,
}

impl Cut {
    /// What a shard has of the days up to `last`. Of those up to `settled` it may not have heard yet that they are settled.
    #[must_use]
    pub fn of(ledger: &Ledger, settled: Option<Day>, last: Day) -> Self {
        let book = ledger.daybook().image();
        Self {
            shard: ledger.shard(),
            names: ledger.symbols().iter().map(CompactString::new).collect(),
            days: book
                .over
                .iter()
                .filter(|over| settled.is_none_or(|settled| over.day > settled))
                .filter(|over| over.day <= last)
                .cloned()
                .collect(),
            last: (ledger.last_seq() > Seq(0)).then_some((ledger.last_seq(), ledger.open_day())),
            book,
            accounts: ledger.accounts(),
        }
    }

    /// Whether its books hold, and have everything of its days.
    pub(super) fn check(&self) -> Result<(), CloseError> {
        let shard = self.shard.0;
        check_daybook(&self.book, &self.accounts)
            .map_err(|violation| CloseError::Books { shard, violation })?;
        let from = self.book.from;
        match self.entries() {
            Some((first, _)) if from > Seq(0) && first <= from => {
                let from = from.0;
                Err(CloseError::Partial { shard, from })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn name(&self, symbol: Symbol) -> &CompactString {
        &self.names[symbol.index()]
    }

    /// Whether nothing of the period can come any more.
    #[must_use]
    pub fn is_behind(&self, period: Period) -> bool {
        self.last.is_none_or(|(_, day)| day > period.last)
    }

    /// The entries of its days: the first and the last.
    #[must_use]
    pub fn entries(&self) -> Option<(Seq, Seq)> {
        Some((self.days.first()?.first, self.days.last()?.last))
    }
}

impl Documents {
    /// The last day of the settlement before.
    #[must_use]
    pub fn settled(&self, period: Period) -> Option<Day> {
        let before = self.book.settlements.iter();
        let before = before.take_while(|one| one.period != period).last();
        before.map(|one| one.period.last)
    }

    /// What shard 0 knows.
    #[must_use]
    pub fn of(ledger: &Ledger) -> Self {
        let merchants = ledger.merchants();
        Self {
            merchants: merchants
                .map(|one| (one.id.clone(), one.name.clone(), one.contracts.clone()))
                .collect(),
            book: ledger.clearing().clone(),
        }
    }
}
