//! The clients: what they sent, what they heard, and what they do not know.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    ask::{Ask, What},
    coverage::Coverage,
    heard::{Heard, Recorded},
    workload::Workload,
};

/// All clients together.
pub(super) struct Clients {
    workload: Workload,
    tickets: u64,
    /// For how long the engine remembers what it answered, in milliseconds. Nobody asks again after that.
    remembered_millis: u64,
    /// When an id was first used.
    first_sent: BTreeMap<(String, String), u64>,
    /// What was sent and not answered yet, and when it was sent first.
    in_flight: BTreeMap<u64, (Ask, u64)>,
    /// Which of these were under way in a crash and are sent again.
    again: BTreeSet<u64>,
    /// What was under way in a crash and is not yet sent again.
    unknown: Vec<(Ask, u64)>,
    /// Answers that wait for a document to be on all shards.
    documents: BTreeMap<u64, Heard>,
    /// Every recorded answer that a client heard, in the order of hearing.
    acknowledged: Vec<(Ask, Recorded)>,
    /// Where in `acknowledged` the answers to a sender's id stand: one per member that it was used for.
    places: BTreeMap<(String, String), Vec<usize>>,
}

impl Clients {
    pub(super) const fn new(workload: Workload, remembered_millis: u64) -> Self {
        Self {
            workload,
            remembered_millis,
            tickets: 0,
            first_sent: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            again: BTreeSet::new(),
            unknown: Vec::new(),
            documents: BTreeMap::new(),
            acknowledged: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// Commands that make the others worth while.
    pub(super) fn opening(&mut self, now: u64) -> Vec<(u64, Ask)> {
        let asks = self.workload.opening();
        asks.into_iter().map(|ask| self.send(ask, now)).collect()
    }

    /// New commands, each with a ticket for its answer.
    pub(super) fn ask(&mut self, now: u64, count: usize) -> Vec<(u64, Ask)> {
        (0..count)
            .map(|_| {
                let ask = self.workload.sample(now);
                self.send(ask, now)
            })
            .collect()
    }

    /// Some of the requests of which nobody knows what became of them, sent again; those that are too old are given up.
    pub(super) fn retry(
        &mut self,
        now: u64,
        rng: &mut ChaCha8Rng,
        most: usize,
        met: &mut Coverage,
    ) -> Vec<(u64, Ask)> {
        let before = self.unknown.len();
        self.unknown
            .retain(|&(_, sent)| sent.saturating_add(self.remembered_millis) >= now);
        if self.unknown.len() < before {
            met.count("given up");
        }
        let count = most.min(self.unknown.len());
        (0..count)
            .map(|_| {
                let place = rng.random_range(0..self.unknown.len());
                let (ask, sent) = self.unknown.swap_remove(place);
                let again = self.send(ask, sent);
                self.again.insert(again.0);
                again
            })
            .collect()
    }

    /// Everything that was answered and must be remembered, sent again.
    pub(super) fn ask_everything_again(&mut self, now: u64) -> Vec<(u64, Ask)> {
        let oldest = now.saturating_sub(self.remembered_millis);
        let answered = self.acknowledged.iter();
        let asks: Vec<Ask> = answered
            .filter(|(_, answer)| answer.at >= oldest)
            .map(|(ask, _)| ask.clone())
            .collect();
        asks.into_iter().map(|ask| self.send(ask, now)).collect()
    }

    /// Somebody, known or not.
    pub(super) fn some_member(&self, rng: &mut ChaCha8Rng) -> String {
        let named = |(ask, _): &(Ask, Recorded)| ask.what.member().map(str::to_owned);
        let found = self.acknowledged.choose(rng).and_then(named);
        found.unwrap_or_else(|| "A0".to_owned())
    }

    /// Something that was answered and must be remembered.
    pub(super) fn some_answer(&self, now: u64, rng: &mut ChaCha8Rng) -> Option<&(Ask, Recorded)> {
        let oldest = now.saturating_sub(self.remembered_millis);
        let answered = self.acknowledged.choose(rng);
        answered.filter(|(_, answer)| answer.at >= oldest)
    }

    fn send(&mut self, ask: Ask, now: u64) -> (u64, Ask) {
        self.tickets += 1;
        let id = (ask.principal.clone(), ask.id.clone());
        let first = *self.first_sent.entry(id).or_insert(now);
        self.in_flight.insert(self.tickets, (ask.clone(), first));
        (self.tickets, ask)
    }

    /// Whether nobody waits for anything.
    pub(super) fn are_content(&self) -> bool {
        self.in_flight.is_empty() && self.unknown.is_empty()
    }

    /// Every recorded answer that a client heard.
    pub(super) fn acknowledged(&self) -> &[(Ask, Recorded)] {
        &self.acknowledged
    }

    /// The process is gone: nobody knows what became of what was under way. Tells whether a document was.
    pub(super) fn lose_sight(&mut self) -> bool {
        self.again.clear();
        self.documents.clear();
        let under_way = std::mem::take(&mut self.in_flight);
        let document = |(ask, _): &(Ask, u64)| matches!(ask.what, What::PutMerchant { .. });
        let with_document = under_way.values().any(document);
        self.unknown.extend(under_way.into_values());
        with_document
    }

    /// The merchant of a document that was recorded: its answer has to wait until all shards have it.
    pub(super) fn wait_for_document(&mut self, ticket: u64, heard: &Heard) -> Option<String> {
        let What::PutMerchant { merchant, .. } = &self.in_flight.get(&ticket)?.0.what else {
            return None;
        };
        let Heard::Recorded { .. } = heard else {
            return None;
        };
        self.documents.insert(ticket, heard.clone());
        Some(merchant.clone())
    }

    /// All shards have the document.
    pub(super) fn hear_of_document(
        &mut self,
        now: u64,
        ticket: u64,
        met: &mut Coverage,
    ) -> Result<(), String> {
        met.count("document on all shards");
        let heard = self
            .documents
            .remove(&ticket)
            .ok_or("nobody waits for this document")?;
        self.hear(now, ticket, heard, met)
    }

    /// A client hears an answer. What was said to the same request before must be said again.
    pub(super) fn hear(
        &mut self,
        now: u64,
        ticket: u64,
        heard: Heard,
        met: &mut Coverage,
    ) -> Result<(), String> {
        let (ask, _) = self
            .in_flight
            .remove(&ticket)
            .ok_or("nobody waits for this answer")?;
        met.count_heard(&ask, &heard);
        // It may have been decided long before it was durable.
        let decided = match &heard {
            Heard::Recorded { answer, .. } => answer.at.min(now),
            Heard::Declined(_) => now,
        };
        self.workload.learn(decided, &heard);
        let places = self
            .places
            .entry((ask.principal.clone(), ask.id.clone()))
            .or_default();
        if let Some(&place) = places
            .iter()
            .find(|&&place| self.acknowledged[place].0 == ask)
        {
            let said = Heard::Recorded {
                answer: self.acknowledged[place].1.clone(),
                replayed: true,
            };
            return if said == heard {
                Ok(())
            } else {
                Err(format!(
                    "{ask:#?}\nwas told {said:#?}\nand now hears {heard:#?}"
                ))
            };
        }
        if let Heard::Recorded { answer, replayed } = heard {
            if self.again.remove(&ticket) {
                met.count(if replayed {
                    "retry heard what was decided before the crash"
                } else {
                    "retry was decided after the crash"
                });
            }
            places.push(self.acknowledged.len());
            self.acknowledged.push((ask, answer));
        }
        Ok(())
    }
}
