//! Shards that can crash, and the post between them.

use std::collections::VecDeque;

use jifen_engine::{
    journal::block::Records,
    ledger::{Entry, Ledger, Parcel, Period, Request, Root, Rules, ShardIndex, UnixMillis},
    shard::{Reply, Sealed, ShardCore},
};
use rand::Rng;

use super::clients::{Seen, Stay};

/// What is to be said or sent when it is durable.
enum Held {
    Said(Box<(Stay, Reply)>),
    Parcels(Vec<Parcel>),
}

/// A shard and its journal.
pub(super) struct Shard {
    shard: ShardIndex,
    core: ShardCore<Held, Stay>,
    /// Durable records, in order.
    durable: Vec<Vec<u8>>,
    /// Sealed, and not durable.
    sealed: VecDeque<Sealed<Held>>,
    /// Those who wait for an answer, and have not been told.
    waiting: Vec<Stay>,
}

impl Shard {
    pub(super) fn new(shard: ShardIndex, rules: &Rules) -> Self {
        Self {
            shard,
            core: ShardCore::new(Ledger::new(shard, rules.clone()), UnixMillis(0)),
            durable: Vec::new(),
            sealed: VecDeque::new(),
            waiting: Vec::new(),
        }
    }

    pub(super) fn ledger(&self) -> &Ledger {
        self.core.ledger()
    }

    /// Has a command looked at; tells whether it was decided at once.
    pub(super) fn ask(&mut self, now: UnixMillis, request: &Request, stay: Stay) -> bool {
        match self.core.first_look(now, request) {
            Ok(reply) if self.core.is_carried(&reply) => {
                self.core.answer_when_carried(reply, stay.clone());
                self.waiting.push(stay);
                false
            }
            Ok(reply) => {
                self.core.hold_back(Held::Said(Box::new((stay, reply))));
                true
            }
            Err(wait) => {
                self.waiting.push(stay.clone());
                self.core.park(wait, request.clone(), stay);
                false
            }
        }
    }

    pub(super) fn receive(&mut self, now: UnixMillis, parcel: &Parcel) {
        self.core.receive(now, parcel);
    }

    pub(super) fn tick(&mut self, now: UnixMillis) {
        while self.core.expire_due(now, 64) == 64 {}
        self.core.wake();
    }

    /// Does one thing that has to be done; tells whether there was one.
    pub(super) fn settle_one(&mut self, now: UnixMillis) -> bool {
        self.core.settle_one(now)
    }

    /// Takes the answers to errands that have ended.
    pub(super) fn answer(&mut self) {
        for (stay, reply) in self.core.take_answered() {
            // What it has seen meanwhile is with those who wait.
            let at = self
                .waiting
                .iter()
                .position(|other| other.number == stay.number);
            let stay = at.map_or(stay, |at| self.waiting.swap_remove(at));
            self.core.hold_back(Held::Said(Box::new((stay, reply))));
        }
    }

    /// Whoever waits has seen so many units on sale.
    pub(super) fn see(&mut self, seen: &Seen) {
        self.waiting.iter_mut().for_each(|stay| stay.see(seen));
    }

    /// Everything that was decided becomes durable; tells what is said then.
    pub(super) fn become_durable(&mut self, post: &mut Post) -> Vec<(Stay, Reply)> {
        let parcels = self.core.take_parcels();
        if !parcels.is_empty() {
            self.core.hold_back(Held::Parcels(parcels));
        }
        while let Some(sealed) = self.core.seal() {
            self.sealed.push_back(sealed);
        }
        let mut said = Vec::new();
        for block in self.sealed.drain(..) {
            let records = Records::of(&block.body);
            self.durable
                .extend(records.map(|record| record.expect("just written").to_vec()));
            for held in block.held {
                match held {
                    Held::Said(told) => said.push(*told),
                    Held::Parcels(parcels) => post.take(parcels),
                }
            }
        }
        said
    }

    /// Marks the end of a day that is over.
    pub(super) fn end_day(&mut self, now: UnixMillis) {
        self.core.end_day(now);
    }

    pub(super) fn publish(&mut self, now: UnixMillis, period: Period, root: Root) -> bool {
        self.core.publish(now, period, root)
    }

    /// What is durable, in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        let records = self.durable.iter();
        records.map(|record| Entry::decode(record).expect("just written"))
    }

    pub(super) fn send_again(&mut self) {
        self.core.send_again();
    }

    /// Falls back to what is durable; whoever waited hears nothing.
    pub(super) fn crash(&mut self, rules: &Rules) -> Result<(), String> {
        self.sealed.clear();
        self.waiting.clear();
        let ledger = self.replayed(rules)?;
        self.core = ShardCore::new(ledger, UnixMillis(0));
        Ok(())
    }

    fn replayed(&self, rules: &Rules) -> Result<Ledger, String> {
        let mut ledger = Ledger::new(self.shard, rules.clone());
        for record in &self.durable {
            ledger.replay(record).map_err(|error| error.to_string())?;
        }
        Ok(ledger)
    }

    pub(super) fn compare_with_replay(&self, rules: &Rules) -> Result<(), String> {
        let replayed = self.replayed(rules)?;
        if replayed.state_hash() == self.ledger().state_hash() {
            Ok(())
        } else {
            Err(format!(
                "shard {} is not what its journal says",
                self.shard.0
            ))
        }
    }
}

/// Parcels on their way.
#[derive(Default)]
pub(super) struct Post {
    parcels: Vec<Parcel>,
    lost: u32,
}

impl Post {
    fn take(&mut self, parcels: Vec<Parcel>) {
        self.parcels.extend(parcels);
    }

    /// How many parcels were lost since this was asked last.
    pub(super) fn lost(&mut self) -> u32 {
        std::mem::take(&mut self.lost)
    }

    /// Some parcel: the first or a later one, which may also be lost or come twice.
    pub(super) fn next(&mut self, rng: &mut impl Rng) -> Option<(Parcel, &'static str)> {
        loop {
            if self.parcels.is_empty() {
                return None;
            }
            let late = rng.random_bool(0.2);
            let at = if late {
                rng.random_range(0..self.parcels.len())
            } else {
                0
            };
            match rng.random_range(0..100) {
                0..5 => {
                    self.parcels.remove(at);
                    self.lost += 1;
                }
                5..12 => return Some((self.parcels[at].clone(), "parcel twice")),
                _ => {
                    let how = if at > 0 {
                        "parcel late"
                    } else {
                        "parcel delivered"
                    };
                    return Some((self.parcels.remove(at), how));
                }
            }
        }
    }

    pub(super) fn take_all(&mut self) -> Vec<Parcel> {
        std::mem::take(&mut self.parcels)
    }

    pub(super) fn clear(&mut self) {
        self.parcels.clear();
    }
}
