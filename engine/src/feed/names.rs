//! The names behind each shard's symbols, as far as the feed has come to know them.

use std::sync::Arc;

use compact_str::CompactString;

use crate::ledger::{Entry, Seq, ShardIndex};

/// All names that a shard knows, and the last entry that it had decided then. `None` if it is gone.
pub(crate) type Ask = Box<dyn Fn(ShardIndex) -> Option<(Vec<CompactString>, Seq)> + Send>;

/// The names of all shards. They are learned from entries that follow on each other; where some were passed over, the
/// shard is asked once.
pub(super) struct Names {
    shards: Vec<Known>,
    ask: Ask,
}

#[derive(Clone, Default)]
struct Known {
    names: Arc<Vec<CompactString>>,
    /// Up to this entry no name is missing.
    complete: Seq,
}

/// The shard is gone: the engine ends.
#[derive(Debug)]
pub(super) struct Gone;

impl Names {
    pub(super) fn new(shards: u16, ask: Ask) -> Self {
        Self {
            shards: vec![Known::default(); usize::from(shards)],
            ask,
        }
    }

    /// Learns what an entry brings.
    pub(super) fn learn(&mut self, shard: ShardIndex, entry: &Entry) -> Result<(), Gone> {
        let known = &mut self.shards[usize::from(shard.0)];
        if entry.seq <= known.complete {
            return Ok(());
        }
        if entry.seq != known.complete.next() {
            let (names, complete) = (self.ask)(shard).ok_or(Gone)?;
            *known = Known {
                names: Arc::new(names),
                complete,
            };
            return Ok(());
        }
        if !entry.defines.is_empty() {
            // Whoever has what was read before keeps its names; new ones are rare.
            Arc::make_mut(&mut known.names).extend_from_slice(&entry.defines);
        }
        known.complete = entry.seq;
        Ok(())
    }

    /// The names of a shard.
    pub(super) fn of(&self, shard: ShardIndex) -> Arc<Vec<CompactString>> {
        Arc::clone(&self.shards[usize::from(shard.0)].names)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
    };

    use super::*;
    use crate::ledger::{Deed, Subject, UnixMillis};

    fn entry(seq: u64, defines: &[&str]) -> Entry {
        Entry {
            seq: Seq(seq),
            at: UnixMillis(1),
            origin: None,
            subject: Subject::Nobody,
            defines: defines.iter().map(CompactString::new).collect(),
            deed: Deed::Heard,
            moves: Default::default(),
            after: None,
            course: None,
            hint: Default::default(),
        }
    }

    #[test]
    fn the_shard_is_asked_only_where_entries_were_passed_over() {
        let asked = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&asked);
        let mut names = Names::new(
            1,
            Box::new(move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                Some((["a", "b", "c"].map(CompactString::new).to_vec(), Seq(6)))
            }),
        );
        let shard = ShardIndex(0);
        let step = Cell::new(0);
        let mut learn = |seq, defines: &[&str], known: &[&str], asks| {
            names.learn(shard, &entry(seq, defines)).unwrap();
            let found = names.of(shard);
            assert_eq!(*found, known, "step {}", step.get());
            assert_eq!(asked.load(Ordering::Relaxed), asks, "step {}", step.get());
            step.set(step.get() + 1);
        };
        learn(1, &["a"], &["a"], 0);
        learn(2, &[], &["a"], 0);
        // 3 was not read.
        learn(4, &["c"], &["a", "b", "c"], 1);
        learn(5, &[], &["a", "b", "c"], 1);
        learn(2, &[], &["a", "b", "c"], 1);
        learn(7, &["d"], &["a", "b", "c", "d"], 1);
    }
}
