//! Commands that wait for an old record, and those that wait behind them.
//!
//! Commands for one member are looked at in their order, so one that waits holds up that member's later ones, and
//! nobody else's. A reversal whose transaction is not in memory does not tell its member yet: it is a stranger, waits
//! behind earlier reversals of the same transaction only, and joins its member's queue, where its arrival puts it, as
//! soon as the transaction is known. Until then everything that came behind it in the same batch waits as well, since
//! any of it may be about the same member; what came in another batch does not.

use std::collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry};

use crate::ledger::{Facts, MemberId, MerchantId, Need, Request, Seq, SkuId, Wanted};

/// What commands have in common that are to be looked at in their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// They are about this member.
    Member(MemberId),
    /// They are about this document.
    Merchant(MerchantId),
    /// They are about this sale.
    Stock(SkuId),
    /// They are about settlements.
    Clearing,
    /// They name this hold, of which nothing is known.
    Hold(Seq),
    /// They reverse this transaction, of which nothing is known yet.
    Transaction(Seq),
}

/// Why a command cannot be decided yet; to be handed to [`ShardCore::park`](super::ShardCore::park) with it.
#[derive(Debug)]
pub struct Wait {
    pub(super) key: Key,
    /// The record that it waits for; `None` if it waits only behind others.
    pub(super) need: Option<Need>,
    /// The stranger in front of it.
    pub(super) behind: Option<Stranger>,
    /// It was begun by this entry, and is answered when other shards have done their part.
    pub(super) errand: Option<Seq>,
}

impl Wait {
    /// The command as one of which nobody knows whom it is about. What follows in the same batch has to wait
    /// [behind](super::ShardCore::wait_behind) it.
    #[must_use]
    pub fn stranger(&self) -> Option<Stranger> {
        match self.key {
            Key::Transaction(seq) => Some(Stranger(seq)),
            _ => None,
        }
    }
}

/// A reversal of this transaction, of which nothing is known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stranger(Seq);

/// A command that waits.
#[derive(Debug)]
pub(super) struct Parked<T> {
    /// 1, 2, 3 … in the order in which commands were parked.
    arrival: u64,
    need: Option<Need>,
    /// Reversals of it that came before are strangers still.
    behind: Option<Stranger>,
    pub(super) request: Request,
    /// Who is to be told.
    pub(super) ticket: T,
    /// The records that were loaded for it.
    pub(super) facts: Facts,
}

/// A need by which it can be found: its chunk, and where in it.
type Place = (u64, bool, u64);

const fn place(need: Need) -> Place {
    match need.wanted {
        Wanted::At(at) => (need.chunk.0, false, at as u64),
        Wanted::Seq(seq) => (need.chunk.0, true, seq.0),
    }
}

/// All that wait in a shard.
#[derive(Debug)]
pub(super) struct Parking<T> {
    /// By arrival; none is empty.
    queues: BTreeMap<Key, VecDeque<Parked<T>>>,
    /// Who waits for a record.
    awaited: BTreeMap<Place, Vec<Key>>,
    /// In which queues somebody waits behind a stranger.
    followers: BTreeMap<Stranger, BTreeSet<Key>>,
    /// What is awaited and not being loaded.
    wanted: VecDeque<Need>,
    arrivals: u64,
}

impl<T> Default for Parking<T> {
    fn default() -> Self {
        Self {
            queues: BTreeMap::new(),
            awaited: BTreeMap::new(),
            followers: BTreeMap::new(),
            wanted: VecDeque::new(),
            arrivals: 0,
        }
    }
}

impl<T> Parking<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.queues.values().map(VecDeque::len).sum()
    }

    /// Whether somebody waits whom a command of this key must not overtake.
    pub(super) fn holds_up(&self, key: &Key) -> bool {
        self.queues.contains_key(key)
    }

    /// Takes a command in, behind all that came before.
    pub(super) fn park(&mut self, wait: Wait, request: Request, ticket: T) {
        self.arrivals += 1;
        if let Some(stranger) = wait.behind {
            let queues = self.followers.entry(stranger).or_default();
            queues.insert(wait.key.clone());
        }
        let parked = Parked {
            arrival: self.arrivals,
            need: None,
            behind: wait.behind,
            request,
            ticket,
            facts: Facts::default(),
        };
        match wait.need {
            Some(need) => self.wait_for(need, wait.key, parked),
            None => self.join(wait.key, parked),
        }
    }

    /// Puts a command that needs a record where its arrival puts it.
    pub(super) fn wait_for(&mut self, need: Need, key: Key, mut parked: Parked<T>) {
        assert!(
            parked.facts.get(need).is_none(),
            "{need:?} is asked for again, and was given"
        );
        parked.need = Some(need);
        self.want(need);
        let waiting = self.awaited.entry(place(need)).or_default();
        if !waiting.contains(&key) {
            waiting.push(key.clone());
        }
        self.join(key, parked);
    }

    /// Puts a command where its arrival puts it.
    pub(super) fn join(&mut self, key: Key, parked: Parked<T>) {
        let queue = self.queues.entry(key).or_default();
        let at = queue.partition_point(|other| other.arrival < parked.arrival);
        queue.insert(at, parked);
    }

    /// The first of a queue, unless it waits for a record or behind a stranger.
    pub(super) fn next_ready(&mut self, key: &Key) -> Option<Parked<T>> {
        let queue = self.queues.get_mut(key)?;
        let first =
            queue.pop_front_if(|parked| parked.need.is_none() && parked.behind.is_none())?;
        if queue.is_empty() {
            self.queues.remove(key);
        }
        Some(first)
    }

    /// Lets go on who waited behind strangers that are none any more. Tells which queues may go on.
    pub(super) fn released(&mut self, key: &Key) -> Vec<Key> {
        let Key::Transaction(seq) = key else {
            return Vec::new();
        };
        let stranger = Stranger(*seq);
        let left = self.queues.get(key).and_then(VecDeque::front);
        // Later reversals of the same transaction hold up only what came behind them.
        let left = left.map_or(u64::MAX, |first| first.arrival);
        let Some(followers) = self.followers.remove(&stranger) else {
            return Vec::new();
        };
        let mut released = Vec::new();
        for key in followers {
            let queue = self.queues.get_mut(&key).into_iter().flatten();
            let (mut goes_on, mut waits) = (false, false);
            for parked in queue.filter(|parked| parked.behind == Some(stranger)) {
                if parked.arrival <= left {
                    parked.behind = None;
                    goes_on = true;
                } else {
                    waits = true;
                }
            }
            if waits {
                let queues = self.followers.entry(stranger).or_default();
                queues.insert(key.clone());
            }
            if goes_on {
                released.push(key);
            }
        }
        released
    }

    /// Asks for a record that somebody else waits for.
    pub(super) fn want(&mut self, need: Need) {
        if let Entry::Vacant(nobody) = self.awaited.entry(place(need)) {
            nobody.insert(Vec::new());
            self.wanted.push_back(need);
        }
    }

    /// Records of one chunk that nobody has begun to load.
    pub(super) fn next_load(&mut self) -> Option<Vec<Need>> {
        let chunk = self.wanted.front()?.chunk;
        let (load, rest) = self
            .wanted
            .drain(..)
            .partition::<VecDeque<Need>, _>(|need| need.chunk == chunk);
        self.wanted = rest;
        Some(load.into())
    }

    /// A record has come, or it turned out that there is none. Tells which queues may go on.
    pub(super) fn arrived(&mut self, need: Need, record: Option<&[u8]>) -> Vec<Key> {
        let keys = self.awaited.remove(&place(need)).unwrap_or_default();
        for key in &keys {
            // Reversals of one transaction all look at the same record.
            let for_all = matches!(key, Key::Transaction(_));
            for parked in self.queues.get_mut(key).into_iter().flatten() {
                let waits = parked.need == Some(need);
                if waits {
                    parked.need = None;
                }
                if waits || (for_all && parked.facts.get(need).is_none()) {
                    parked.facts.add(need, record.map(Box::from));
                }
            }
        }
        keys
    }
}
