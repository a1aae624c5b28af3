//! A journal in memory that survives its process and can be told to fail: the twin of the one on disk.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{EpochReader, Journal, JournalError, Visit};

/// What happens to the turn that is being written when the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing of it is there.
    Lost,
    /// Only the first so many of its values are there (at most all but one).
    Parts(usize),
    /// All of it is there, but its last value ends after this share of its bytes, in 1/256.
    Torn(u8),
    /// All of it is there; only the answer was lost.
    Unanswered,
}

#[derive(Default)]
struct Store {
    values: BTreeMap<(u64, u16), Vec<u8>>,
    fault: Option<Fault>,
}

/// The medium: what a process leaves behind when it dies.
#[derive(Clone, Default)]
pub struct Medium(Arc<Mutex<Store>>);

impl Medium {
    /// The next append fails, and leaves behind what `fault` says.
    pub fn fail_next(&self, fault: Fault) {
        self.with(|store| store.fault = Some(fault));
    }

    /// Drops a turn that was durable: a device that lied. Tells whether it was there.
    pub fn forget_turn(&self, turn: u64) -> bool {
        self.with(|store| {
            let before = store.values.len();
            store.values.retain(|&(of, _), _| of != turn);
            store.values.len() < before
        })
    }

    /// Flips one bit of a stored value: `place` counts bits over all values.
    pub fn flip_bit(&self, place: usize) {
        self.with(|store| {
            let bits: usize = store.values.values().map(|value| value.len() * 8).sum();
            let mut place = place % bits.max(1);
            for value in store.values.values_mut() {
                if place < value.len() * 8 {
                    value[place / 8] ^= 1 << (place % 8);
                    return;
                }
                place -= value.len() * 8;
            }
        });
    }

    /// How many bytes are stored.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.with(|store| store.values.values().map(Vec::len).sum())
    }

    fn with<T>(&self, work: impl FnOnce(&mut Store) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A journal on a [`Medium`].
pub struct MemoryJournal {
    medium: Medium,
    failed: bool,
}

impl MemoryJournal {
    /// Opens the journal that is on the medium.
    #[must_use]
    pub const fn open(medium: Medium) -> Self {
        Self {
            medium,
            failed: false,
        }
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, turn: u64, values: &[Vec<u8>]) -> Result<(), JournalError> {
        assert!(!self.failed, "nothing is appended behind a failure");
        let mut kept: Vec<Vec<u8>> = values.to_vec();
        let fault = self.medium.with(|store| store.fault.take());
        match fault {
            Some(Fault::Lost) => kept.clear(),
            Some(Fault::Parts(parts)) => kept.truncate(parts.min(values.len() - 1)),
            Some(Fault::Torn(share)) => {
                if let Some(last) = kept.last_mut() {
                    last.truncate(last.len() * usize::from(share) / 256);
                }
            }
            Some(Fault::Unanswered) | None => {}
        }
        self.medium.with(|store| {
            store
                .values
                .extend((0..).zip(kept).map(|(part, value)| ((turn, part), value)));
        });
        self.failed = fault.is_some();
        if self.failed {
            Err(JournalError::OnDemand)
        } else {
            Ok(())
        }
    }

    fn read(
        &mut self,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let values: Vec<Vec<u8>> = self.medium.with(|s| s.values.values().cloned().collect());
        values.iter().try_for_each(|value| visit(value))
    }

    fn truncate_behind(&mut self, turn: u64) -> Result<(), JournalError> {
        self.medium
            .with(|store| store.values.retain(|&(of, _), _| of <= turn));
        Ok(())
    }

    fn reader(&self) -> Arc<dyn EpochReader> {
        Arc::new(self.medium.clone())
    }
}

impl EpochReader for Medium {
    fn read_behind(&self, turn: u64, visit: &mut Visit<'_>) -> Result<(), JournalError> {
        let behind = (turn + 1, 0)..;
        let values: Vec<Vec<u8>> = self.with(|store| {
            store
                .values
                .range(behind)
                .map(|(_, value)| value.clone())
                .collect()
        });
        for value in values {
            if visit(&value)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn value(&self, turn: u64, part: u16) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.with(|store| store.values.get(&(turn, part)).cloned()))
    }
}
