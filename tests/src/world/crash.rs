//! A crash of the process, and what the next one must find.

use jifen_engine::{
    journal::{
        head::Head,
        memory::{Fault, MemoryJournal},
        recovery::{Recovered, recover},
    },
    ledger::{Ledger, invariants::check_shard},
};
use rand::Rng;

use super::{World, ledgers, process::Process};
use crate::{ask::What, heard::Told};

impl World {
    /// The process is gone, with all that was not durable; another one recovers.
    pub(super) fn crash(&mut self, fault: Option<(Fault, bool)>) -> Result<(), String> {
        let durable = self.process.head().turn;
        let live: u64 = (0..usize::from(self.router.shards()))
            .map(|shard| self.process.ledger(shard).last_seq().0)
            .sum();
        if self.clients.lose_sight() {
            self.met.count("crash while a document was on its way");
        }
        let (ledgers, recovered) = self.recover()?;
        let expected = durable + u64::from(matches!(fault, Some((Fault::Unanswered, _))));
        if recovered.turn != expected {
            return Err(format!(
                "{fault:?} behind turn {durable} recovered turn {}",
                recovered.turn
            ));
        }
        if recovered.dropped.is_some() {
            self.met.count("tail dropped");
            if matches!(fault, Some((_, true))) {
                self.met.count("tail of several values dropped");
            }
        }
        if recovered.entries < live {
            self.met.count("crash with entries that were not durable");
        }
        self.check_recovered(&ledgers)?;
        self.head = Head {
            turn: recovered.turn,
            chains: recovered.chains.clone(),
        };
        self.process = Process::start(
            self.clock,
            ledgers,
            recovered,
            &self.medium,
            &mut self.lineages,
        )?;
        Ok(())
    }

    fn recover(&mut self) -> Result<(Vec<Ledger>, Recovered), String> {
        let once = || {
            let mut ledgers = ledgers(self.router);
            let mut journal = MemoryJournal::open(self.medium.clone());
            let recovered = recover(&mut journal, Some(&self.head), &mut ledgers);
            recovered
                .map(|recovered| (ledgers, recovered))
                .map_err(|error| error.to_string())
        };
        let first = once()?;
        if self.rng.random_ratio(1, 8) {
            // A crash right after recovery: the second one finds the same, and no tail any more.
            let again = once()?;
            if again.1.dropped.is_some() || again.1.turn != first.1.turn {
                return Err(format!("recovered {:?}, then {:?}", first.1, again.1));
            }
            self.met.count("recovered twice");
        }
        Ok(first)
    }

    /// What was recovered is what was live, agrees with every read and answer, and keeps its books.
    fn check_recovered(&mut self, ledgers: &[Ledger]) -> Result<(), String> {
        for (shard, ledger) in ledgers.iter().enumerate() {
            self.lineages.cut_back(shard, ledger)?;
            check_shard(ledger).map_err(|violation| violation.to_string())?;
        }
        for &(shard, seq, hash) in &self.reads {
            self.lineages.confirm(shard, seq, hash)?;
        }
        for merchant in ledgers[1..].iter().flat_map(Ledger::merchants) {
            let home = ledgers[0]
                .merchant(&merchant.id)
                .map_or(0, |merchant| merchant.version);
            if merchant.version > home {
                return Err(format!("{} has a version that shard 0 lost", merchant.id));
            }
        }
        for (ask, answer) in self.clients.acknowledged() {
            if let (What::PutMerchant { merchant, .. }, Told::Document { version, .. }) =
                (&ask.what, &answer.told)
            {
                for ledger in ledgers {
                    let known = ledger
                        .merchants()
                        .find(|known| known.id.as_str() == merchant);
                    if known.is_none_or(|known| known.version < *version) {
                        return Err(format!(
                            "{merchant} was answered and is not on {:?}",
                            ledger.shard()
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}
