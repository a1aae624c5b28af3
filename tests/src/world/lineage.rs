//! What every entry came from, and the state's hash on the way: the shards' history as the simulation knows it.
//!
//! A crash cuts it back to what was recovered. What is left must be what was acknowledged, and a naive twin that hears
//! the same must say the same.

use std::collections::{BTreeMap, VecDeque};

use jifen_engine::{
    journal::{committer::VALUE_BYTES_MAX, memory::Medium},
    ledger::{Deed, Entry, Ledger, MemberId, Seq, StateHash, Subject, invariants::check_entry},
    reads,
};

use crate::{
    ask::Ask,
    heard::{Heard, recorded_by, seen},
    journaled::{entries, values},
    moved::{Made, made},
    twin::Twin,
};

/// Where an entry came from; each with the clock's time then.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Asked(u64, Box<Ask>),
    /// Nobody asked for it: its time had come.
    ByItself(u64),
    Carried(u64),
}

#[derive(Default)]
struct Lineage {
    /// By sequence, from 1.
    events: Vec<Event>,
    /// At the end of every block; `None` where it was not looked at.
    hashes: BTreeMap<u64, Option<StateHash>>,
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

    /// Notes a shard's state at the end of a block.
    pub(super) fn hashed(&mut self, shard: usize, seq: u64, hash: Option<StateHash>) {
        let known = self.0[shard].hashes.entry(seq).or_default();
        *known = known.or(hash);
    }

    /// Cuts a shard's history back to what was recovered, which must be what was there at that moment.
    pub(super) fn cut_back(&mut self, shard: usize, ledger: &Ledger) -> Result<(), String> {
        let lineage = &mut self.0[shard];
        let seq = ledger.last_seq().0;
        lineage.events.truncate(usize::try_from(seq).unwrap());
        lineage.hashes.split_off(&(seq + 1));
        let (found, live) = (ledger.state_hash(), lineage.hashes.get(&seq));
        match live {
            Some(Some(live)) if *live != found => Err(format!(
                "shard {shard} recovered entry {seq} with {found}, live it was {live}"
            )),
            None if seq > 0 => Err(format!(
                "shard {shard} recovered a part of a block to {seq}"
            )),
            _ => Ok(()),
        }
    }

    /// Checks that a read's state is part of the history that is left.
    pub(super) fn confirm(&self, shard: usize, seq: u64, hash: StateHash) -> Result<(), String> {
        let lineage = &self.0[shard];
        if (lineage.events.len() as u64) < seq {
            return Err(format!("entry {seq} of shard {shard} was read and is lost"));
        }
        match lineage.hashes.get(&seq) {
            Some(Some(found)) if *found != hash => {
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
        let mut expected = vec![VecDeque::new(); self.0.len()];
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
            let twin = &mut twins[place];
            compare(twin, &mut expected[place], event, entry, ledgers[place]).map_err(says)?;
        }
        if expected.iter().any(|expected| !expected.is_empty()) {
            return Err(format!("the twins expect more: {expected:#?}"));
        }
        let mut pairs = twins.iter().zip(ledgers);
        pairs.try_for_each(|(twin, ledger)| compare_members(twin, ledger))
    }
}

/// The scope of a request id: principal, object, id.
fn scope(entry: &Entry, ledger: &Ledger) -> Option<(String, String, String)> {
    let origin = entry.origin.as_ref()?;
    let object = match &entry.subject {
        Subject::Member(id) => format!("member {id}"),
        Subject::Merchant(id) => format!("merchant {id}"),
        Subject::Stock(id) => format!("stock {id}"),
        Subject::Prepaid(id) => format!("pool {id}"),
        Subject::Settlement(_) | Subject::Correction(_) | Subject::Nobody => return None,
    };
    let principal = ledger.symbols().name(origin.principal).to_string();
    Some((principal, object, origin.id.to_string()))
}

/// Has the twin do what an entry came from, and compares what it made of it.
fn compare(
    twin: &mut Twin,
    expected: &mut VecDeque<Made>,
    event: &Event,
    entry: Entry,
    ledger: &Ledger,
) -> Result<(), String> {
    let fast = made(&entry, ledger.symbols());
    if expected.is_empty() && matches!(entry.deed, Deed::DayEnded { .. }) {
        twin.end_day(entry.at.0);
        expected.extend(twin.take_made());
        return same(event, &fast, expected.pop_front());
    }
    // One request may have made several entries; the twin has made them all at the first.
    if expected.is_empty() {
        repeat(twin, event, entry, &fast, ledger)?;
        expected.extend(twin.take_made());
    }
    same(event, &fast, expected.pop_front())
}

fn same(event: &Event, fast: &Made, slow: Option<Made>) -> Result<(), String> {
    if slow.as_ref() == Some(fast) {
        Ok(())
    } else {
        Err(format!(
            "{event:#?}\nthe ledger made {fast:#?}\nthe twin made {slow:#?}"
        ))
    }
}

fn repeat(
    twin: &mut Twin,
    event: &Event,
    entry: Entry,
    fast: &Made,
    ledger: &Ledger,
) -> Result<(), String> {
    let kind = fast.point_type.as_deref().unwrap_or_default();
    match (event, &entry.deed) {
        (Event::Asked(now, ask), _) => {
            let slow = twin.hear(*now, ask);
            let fast = recorded_by(&entry, ledger.shard(), ledger.symbols());
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
        (Event::ByItself(now), Deed::Expired { hold, .. }) => twin.expire(*now, hold.0),
        (Event::ByItself(now), Deed::Matured) => twin.matured(*now, &fast.about, kind),
        (Event::ByItself(now), Deed::Lapsed) => twin.lapsed(*now, &fast.about, kind),
        (Event::Carried(now), Deed::MerchantPut { name, version, .. }) => {
            twin.carry(*now, &fast.about, name.as_str(), *version);
            Ok(())
        }
        (event, deed) => Err(format!("{event:?} became {deed:?}")),
    }
}

/// At the end everybody has what the twin says.
fn compare_members(twin: &Twin, ledger: &Ledger) -> Result<(), String> {
    for name in twin.members() {
        let view = reads::member(ledger, &MemberId::new(name).unwrap());
        let view = view.ok_or_else(|| format!("{name} is lost"))?;
        let mut fast = seen(&view);
        fast.retain(|wallet| !wallet.is_empty());
        let slow = twin.member(name);
        if Some(&fast) != slow.as_ref() || Some(view.state.name()) != twin.state(name) {
            return Err(format!(
                "{name}: the ledger has {fast:#?}\nthe twin has {slow:#?}"
            ));
        }
    }
    Ok(())
}
