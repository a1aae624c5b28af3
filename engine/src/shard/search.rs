//! Reads that may need records which are not in memory.

use crate::ledger::{Facts, Ledger, Need};

/// What a read found, ready to be said.
pub type Found = Box<dyn FnOnce() + Send>;

/// Looks at the ledger with the records that were loaded so far; gives what is to be said when all that it saw is
/// durable, or what it needs.
type Look = Box<dyn FnMut(&Ledger, &Facts) -> Result<Found, Need> + Send>;

/// A read that may have to wait for records.
pub struct Search {
    look: Look,
    facts: Facts,
}

impl Search {
    /// A search that has found nothing yet.
    #[must_use]
    pub fn new(look: impl FnMut(&Ledger, &Facts) -> Result<Found, Need> + Send + 'static) -> Self {
        Self {
            look: Box::new(look),
            facts: Facts::default(),
        }
    }

    fn look(&mut self, ledger: &Ledger) -> Result<Found, Need> {
        (self.look)(ledger, &self.facts)
    }
}

/// The searches of a shard that wait, in the order in which they came.
#[derive(Default)]
pub(super) struct Searches(Vec<(Need, Search)>);

impl Searches {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks; keeps the search if it needs something, which is then told.
    pub(super) fn begin(&mut self, ledger: &Ledger, mut search: Search) -> Result<Found, Need> {
        let found = search.look(ledger);
        if let Err(need) = found {
            self.0.push((need, search));
        }
        found
    }

    /// A record has come. Tells for each search that waited for it what it found, or what it needs next.
    pub(super) fn loaded(
        &mut self,
        ledger: &Ledger,
        need: Need,
        record: Option<&[u8]>,
    ) -> Vec<Result<Found, Need>> {
        let (ready, rest) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(waits_for, _)| *waits_for == need);
        self.0 = rest;
        let next = |(_, mut search): (Need, Search)| {
            search.facts.add(need, record.map(Box::from));
            self.begin(ledger, search)
        };
        Vec::into_iter(ready).map(next).collect()
    }
}
