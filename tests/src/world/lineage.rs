//! What every entry came from, and the state's hash on the way: the shards' history as the simulation knows it.
//!
//! A crash cuts it back to what was recovered. What is left must be what was acknowledged, and a naive twin that hears
//! the same must say the same.

use std::collections::BTreeMap;

use jifen_engine::{
    journal::{committer::VALUE_BYTES_MAX, memory::Medium},
    ledger::{Deed, Entry, Ledger, Seq, StateHash, Subject, invariants::check_entry},
};

use crate::{
    ask::Ask,
    heard::{Heard, recorded_by},
    journaled::{entries, values},
    twin::Twin,
};

/// Where an entry came from; each with the clock's time then.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Asked(u64, Box<Ask>),
    Expired(u64),
    Carried(u64),
}

#[derive(Default)]
struct Lineage {
    /// By sequence, from 1.
    events: Vec<Event>,
    hashes: BTreeMap<u64, StateHash>,
}

/// The lineages of all shards.
pub(super) struct Lineages(Vec<Lineage>);

impl Lineages {
    pub(super) fn new(shards: u16) -> Self {
        Self((0..shards).map(|_| Lineage::default()).collect())
    }

    /// Notes what an entry came from.
    pub(super) fn decided(&mut self, shard: usize, seq: u64, event: Event) {
        let events = &mut self.0[shard].events;
        events.push(event);
        assert_eq!(
            events.len() as u64,
            seq,
            "invariant 6: sequences have no gap"
        );
    }

    /// Notes a shard's state.
    pub(super) fn hashed(&mut self, shard: usize, seq: u64, hash: StateHash) {
        self.0[shard].hashes.insert(seq, hash);
    }

    /// Cuts a shard's history back to what was recovered, which must be what was there at that moment.
    pub(super) fn cut_back(&mut self, shard: usize, ledger: &Ledger) -> Result<(), String> {
        let lineage = &mut self.0[shard];
        let seq = ledger.last_seq().0;
        lineage.events.truncate(usize::try_from(seq).unwrap());
        lineage.hashes.split_off(&(seq + 1));
        let (found, live) = (ledger.state_hash(), lineage.hashes.get(&seq));
        if seq == 0 || live == Some(&found) {
            Ok(())
        } else {
            Err(format!(
                "shard {shard} recovered entry {seq} with {found}, live it was {live:?}"
            ))
        }
    }

    /// Checks that a read's state is part of the history that is left.
    pub(super) fn confirm(&self, shard: usize, seq: u64, hash: StateHash) -> Result<(), String> {
        let lineage = &self.0[shard];
        if (lineage.events.len() as u64) < seq {
            return Err(format!("entry {seq} of shard {shard} was read and is lost"));
        }
        match lineage.hashes.get(&seq) {
            Some(found) if *found != hash => {
                Err(format!("entry {seq} of shard {shard} was read differently"))
            }
            _ => Ok(()),
        }
    }

    /// Reads the whole journal: sequences without a gap, stamps that never go back, no request decided twice, and
    /// every answer as a naive twin gives it.
    pub(super) fn audit(
        &self,
        medium: &Medium,
        ledgers: &[&Ledger],
        mut twins: Vec<Twin>,
    ) -> Result<(), String> {
        if let Some((turn, value)) = values(medium)?
            .iter()
            .find(|(_, value)| value.len() > VALUE_BYTES_MAX)
        {
            return Err(format!("a value of turn {turn} has {} bytes", value.len()));
        }
        let mut decided = BTreeMap::new();
        let mut last = vec![(0, 0); self.0.len()];
        for (shard, entry) in entries(medium)? {
            let place = usize::from(shard.0);
            check_entry(&entry).map_err(|violation| violation.to_string())?;
            let (seq, at) = last[place];
            if entry.seq != Seq(seq + 1) || entry.at.0 < at {
                return Err(format!(
                    "shard {place}: entry {:?} at {:?} follows {seq} at {at}",
                    entry.seq, entry.at
                ));
            }
            last[place] = (entry.seq.0, entry.at.0);
            if let Some(scope) = scope(&entry, ledgers[place])
                && let Some(before) = decided.insert(scope, entry.seq)
            {
                return Err(format!(
                    "shard {place}: {:?} and {before:?} answer one request",
                    entry.seq
                ));
            }
            let event = self.0[place].events.get(usize::try_from(seq).unwrap());
            let event =
                event.ok_or_else(|| format!("shard {place}: nobody asked for {:?}", entry.seq))?;
            let number = entry.seq;
            let says = |what: String| format!("shard {place}, {number:?}: {what}");
            compare(&mut twins[place], event, entry, ledgers[place]).map_err(says)?;
        }
        Ok(())
    }
}

/// The scope of a request id: principal, object, id.
fn scope(entry: &Entry, ledger: &Ledger) -> Option<(String, String, String)> {
    let origin = entry.origin.as_ref()?;
    let object = match &entry.subject {
        Subject::Member(id) => format!("member {id}"),
        Subject::Merchant(id) => format!("merchant {id}"),
    };
    let principal = ledger.symbols().name(origin.principal).to_string();
    Some((principal, object, origin.id.to_string()))
}

fn compare(twin: &mut Twin, event: &Event, entry: Entry, ledger: &Ledger) -> Result<(), String> {
    match (event, &entry.deed) {
        (Event::Asked(now, ask), _) => {
            let slow = twin.hear(*now, ask);
            let fast = recorded_by(entry, ledger.shard(), ledger.symbols());
            let fast = fast.map(|answer| Heard::Recorded {
                answer,
                replayed: false,
            });
            if fast.as_ref() == Some(&slow) {
                Ok(())
            } else {
                Err(format!(
                    "{ask:#?}\nthe ledger said {fast:#?}\nthe twin says {slow:#?}"
                ))
            }
        }
        (Event::Expired(now), Deed::Expired { hold, .. }) => twin.expire(*now, hold.0),
        (Event::Carried(now), Deed::MerchantPut { name, version, .. }) => {
            let Subject::Merchant(id) = &entry.subject else {
                return Err("a document about no merchant".to_owned());
            };
            twin.carry(*now, id.as_str(), name.as_str(), *version);
            Ok(())
        }
        (event, deed) => Err(format!("{event:?} became {deed:?}")),
    }
}
