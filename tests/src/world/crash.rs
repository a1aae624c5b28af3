//! A crash of the process, and what the next one must find.

use jifen_engine::{
    journal::{
        head::Head,
        memory::{Fault, MemoryJournal},
        recovery::{Recovered, recover_with},
    },
    ledger::{Ledger, Seq, invariants::check_shard},
    past::{Past, Place, Shelf},
};
use rand::{Rng, seq::IndexedRandom};

use super::{World, images::named, process::Process};
use crate::{ask::What, heard::Told};

/// What a recovery finds: the ledgers, the journal, and where the images stood that it began with.
type Found = (Vec<Ledger>, Recovered, Vec<Option<Seq>>);

impl World {
    /// The process is gone, with all that was not durable; another one recovers.
    pub(super) fn crash(&mut self, fault: Option<(Fault, bool)>) -> Result<(), String> {
        let durable = self.process.head().turn;
        let live: u64 = (0..usize::from(self.programme.router.shards()))
            .map(|shard| self.process.ledger(shard).last_seq().0)
            .sum();
        if self.clients.lose_sight() {
            self.met.count("crash while a document was on its way");
        }
        let (loads, jobs) = self.process.unfinished();
        if loads > 0 {
            self.met.count("crash between need and facts");
        }
        if jobs > 0 {
            self.met.count("crash with chunks that were not written");
        }
        self.damage_shelf();
        let (ledgers, recovered, imaged) = self.recover()?;
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
        let found: u64 = ledgers.iter().map(|ledger| ledger.last_seq().0).sum();
        if found < live {
            self.met.count("crash with entries that were not durable");
        }
        self.check_recovered(&ledgers)?;
        self.head = Head {
            turn: recovered.turn,
            chains: recovered.chains.clone(),
        };
        let next = Process::start(
            self.clock,
            ledgers,
            recovered,
            imaged,
            &self.medium,
            &mut self.lineages,
        )?;
        let before = std::mem::replace(&mut self.process, next);
        self.met.add(&before.met);
        Ok(())
    }

    /// What was written and never synced may be there, in part, or something else in its place.
    fn damage_shelf(&mut self) {
        let places = self.shelf.places().unwrap_or_default();
        let Some(&place) = places.choose(&mut self.rng) else {
            return;
        };
        let next = Place {
            number: place.number + 1,
            ..place
        };
        match self.rng.random_range(0..8) {
            0 => self.shelf.tear(place, self.rng.random_range(0..64)),
            1 => self.shelf.flip_bit(place, self.rng.random_range(0..8_192)),
            2 => self.shelf.misplace(place, next),
            3 => self.shelf.clear(place).unwrap(),
            _ => return,
        }
        self.damaged.extend([place, next]);
        self.met.count("chunk damaged in a crash");
    }

    fn recover(&mut self) -> Result<Found, String> {
        let first = self.recover_once()?;
        if self.rng.random_ratio(1, 8) {
            // A crash right after recovery: the second one finds the same, and no tail any more.
            let again = self.recover_once()?;
            if again.1.dropped.is_some() || again.1.turn != first.1.turn {
                return Err(format!("recovered {:?}, then {:?}", first.1, again.1));
            }
            self.met.count("recovered twice");
            return Ok(again);
        }
        Ok(first)
    }

    fn recover_once(&mut self) -> Result<Found, String> {
        let past = Past::new(Box::new(self.shelf.clone()), usize::MAX)
            .beside_checkpoints(named(&self.images));
        let mut ledgers = self.begin_with_images(&past)?;
        let stand = ledgers.iter().map(Ledger::last_seq);
        let imaged = stand.map(|seq| (seq > Seq(0)).then_some(seq)).collect();
        let mut journal = MemoryJournal::open(self.medium.clone());
        let recovered = recover_with(&mut journal, Some(&self.head), &mut ledgers, past);
        let recovered = recovered.map_err(|error| error.to_string())?;
        Ok((ledgers, recovered, imaged))
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
