//! Old records on their way: written late and in any order, and read while everything else goes on.

use jifen_engine::{
    ledger::{Aged, Need, ShardIndex, UnixMillis, Wanted},
    past::{Job, Loaded, Place},
};
use rand::{Rng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{lineage::Lineages, process::Process};
use crate::coverage::Coverage;

/// Records of one chunk that a shard asked for.
pub(super) struct Load {
    shard: usize,
    needs: Vec<Need>,
    /// Read, and on its way back.
    found: Option<Vec<Loaded>>,
}

impl Process {
    /// What follows on everything that a shard does: chunks leave its memory, and records are asked for.
    pub(super) fn follow_up(&mut self, shard: usize) {
        let core = &mut self.cores[shard];
        for aged in core.take_aged() {
            self.met.count(match &aged {
                Aged::Store { .. } => "chunk left memory",
                Aged::Keep { .. } => "chunk kept for an image",
                Aged::Drop { .. } => "chunk dropped",
            });
            self.past.take(core.ledger().shard(), aged);
        }
        self.jobs.extend(self.past.waiting());
        while let Some(needs) = core.next_load() {
            for need in &needs {
                self.met.count(match need.wanted {
                    Wanted::At(_) => "needed: answer",
                    Wanted::Seq(_) => "needed: transaction",
                });
            }
            self.loads.push(Load {
                shard,
                needs,
                found: None,
            });
        }
    }

    /// Brings some chunks to the shelf, in any order.
    pub(super) fn write(&mut self, rng: &mut ChaCha8Rng) -> Result<(), String> {
        self.jobs.shuffle(rng);
        let count = rng.random_range(0..=self.jobs.len());
        for job in self.jobs.drain(..count) {
            self.past.run(job).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Reads what some load asks for; it may take a while until the shard gets it.
    pub(super) fn read_ahead(&mut self, rng: &mut ChaCha8Rng) -> Result<(), String> {
        if self.loads.is_empty() {
            return Ok(());
        }
        let at = rng.random_range(0..self.loads.len());
        let mut load = self.loads.swap_remove(at);
        let read = self.read_now(&mut load);
        self.loads.push(load);
        read
    }

    fn read_now(&mut self, load: &mut Load) -> Result<(), String> {
        let shard = ShardIndex(u16::try_from(load.shard).unwrap());
        let chunk = Place::of(shard, load.needs[0].chunk);
        if self.jobs.contains(&Job::Write(chunk)) {
            self.met.count("chunk read before it was written");
        }
        let found = self.past.load(shard, &load.needs);
        load.found = Some(found.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Gives a shard the records that it asked for; any load may be the first.
    pub(super) fn deliver(
        &mut self,
        now: u64,
        rng: &mut ChaCha8Rng,
        lineages: &mut Lineages,
    ) -> Result<(), String> {
        if self.loads.is_empty() {
            return Ok(());
        }
        let at = rng.random_range(0..self.loads.len());
        let mut load = self.loads.swap_remove(at);
        if load.found.is_none() {
            self.read_now(&mut load)?;
        }
        let shard = load.shard;
        // As where requests are submitted: a member's end stands in one block.
        self.seal(shard, lineages)?;
        for Loaded { need, record } in load.found.into_iter().flatten() {
            let record = record.as_deref();
            count_facts(&mut self.met, need, record);
            let core = &mut self.cores[shard];
            let before = core.last_seq().0;
            let replies = core.loaded(UnixMillis(now), need, record);
            if replies.len() > 1 {
                self.met.count("several answered by one record");
            }
            self.decided(now, shard, before, replies, lineages)?;
            self.look_further(shard, need, record)?;
        }
        Ok(())
    }

    /// Delivers until nobody waits for anything.
    pub(super) fn deliver_all(
        &mut self,
        now: u64,
        rng: &mut ChaCha8Rng,
        lineages: &mut Lineages,
    ) -> Result<(), String> {
        while !self.loads.is_empty() {
            self.deliver(now, rng, lineages)?;
        }
        let parked: usize = self
            .cores
            .iter()
            .map(jifen_engine::shard::ShardCore::parked)
            .sum();
        if parked == 0 && self.lookups.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "{parked} are parked, and nothing is loaded for them"
            ))
        }
    }

    /// How many records were asked for and not given yet, and how many chunks are not written.
    pub(super) fn unfinished(&self) -> (usize, usize) {
        (self.loads.len(), self.jobs.len())
    }
}

fn count_facts(met: &mut Coverage, need: Need, record: Option<&[u8]>) {
    met.count(match (need.wanted, record) {
        (_, None) => "facts: gone",
        (Wanted::At(_), _) => "facts: answer",
        (Wanted::Seq(_), _) => "facts: transaction",
    });
}
