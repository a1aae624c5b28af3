//! Three shards, the links between them, and what is volatile.

use std::{
    hash::{Hash, Hasher},
    ops::Range,
    rc::Rc,
};

use jifen_engine::{
    ledger::ShardIndex,
    pool::{Home, Pass, PoolMessage, Share},
};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::model::{Budget, DEMANDS_MAX, Model, SHARDS, units};

/// What a shard's journal tells of a demand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Standing {
    /// Nothing.
    #[default]
    Unknown,
    /// It is parked.
    Waiting,
    /// It has its units.
    Served,
    /// It had them.
    Ended,
    /// It is refused for good.
    Refused,
}

/// All that a shard journals about the pool.
#[derive(Clone, Debug, Hash)]
pub(super) struct Shard {
    pub(super) home: Option<Home>,
    pub(super) share: Share,
    pub(super) standings: [Standing; DEMANDS_MAX],
}

/// A shard's state at some instant, with its fingerprint.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) shard: Shard,
    print: u128,
}

/// Which of a shard's two states is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    Memory,
    Durable,
}

impl As {
    pub(super) const BOTH: [Self; 2] = [Self::Memory, Self::Durable];
}

/// One direction between home and another shard. Message 0 is the first that the receiver has not durably applied.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Link {
    pub(super) messages: Vec<PoolMessage>,
    /// How many of them were sent durably.
    pub(super) durable: usize,
    /// How many of them are applied in the receiver's memory.
    pub(super) received: usize,
}

impl Link {
    /// The messages that were sent and not applied, as these two stand.
    pub(super) fn on_the_way(&self, from: As, to: As) -> &[PoolMessage] {
        let sent = match from {
            As::Memory => self.messages.len(),
            As::Durable => self.durable,
        };
        let received = match to {
            As::Memory => self.received,
            As::Durable => 0,
        };
        let range: Range<usize> = received..sent;
        self.messages.get(range).unwrap_or_default()
    }

    fn receiver_is_durable(&mut self) {
        let gone = self.received.min(self.messages.len());
        self.messages.drain(..gone);
        self.durable = self.durable.saturating_sub(gone);
        self.received = 0;
    }
}

/// A state of the model.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) memory: [Rc<Kept>; SHARDS],
    pub(super) durable: [Rc<Kept>; SHARDS],
    /// From home to each shard; home's own place is not used.
    pub(super) down: [Link; SHARDS],
    /// From each shard to home.
    pub(super) up: [Link; SHARDS],
    /// Whether home may have something to do, as its ledger remembers it.
    pub(super) restless: bool,
    /// The pass that home is in.
    pub(super) pass: Option<Pass>,
    /// What may still happen.
    pub(super) budget: Budget,
    /// How often each demand may still be made.
    pub(super) tries: [u8; DEMANDS_MAX],
    /// The demands that an instant of their stay bears witness for, which is in home's memory, and in what is durable there.
    pub(super) witnessed: [u8; 2],
}

impl World {
    pub(super) fn new(model: &Model) -> Self {
        let mut home = Home::new(ShardIndex(0), SHARDS as u16, units(model.units));
        home.opening = model.opening;
        let shard = |home: Option<Home>| {
            Kept::new(Shard {
                home,
                share: Share::default(),
                standings: Default::default(),
            })
        };
        let shards = [shard(Some(home)), shard(None), shard(None)];
        let mut tries = [0; DEMANDS_MAX];
        tries[..model.demands.len()].fill(1 + model.budget.retries);
        let mut world = Self {
            memory: shards.clone(),
            durable: shards,
            down: Default::default(),
            up: Default::default(),
            restless: true,
            pass: None,
            budget: model.budget,
            tries,
            witnessed: [0; 2],
        };
        world.calm_down(model);
        world
    }

    pub(super) fn shard(&self, at: usize, how: As) -> &Shard {
        match how {
            As::Memory => &self.memory[at].shard,
            As::Durable => &self.durable[at].shard,
        }
    }

    pub(super) fn home(&self, how: As) -> &Home {
        let home = self.shard(0, how).home.as_ref();
        home.expect("the first shard is home")
    }

    pub(super) fn standing(&self, demand: usize, shard: usize) -> Standing {
        self.memory[shard].shard.standings[demand]
    }

    /// Whether home has something to do before it looks at more mail, or may have.
    pub(super) const fn is_serving(&self) -> bool {
        self.restless || self.pass.is_some()
    }

    /// Forgets that there may be something to do where there is nothing.
    pub(super) fn calm_down(&mut self, model: &Model) {
        let home = self.memory[0].shard.home.as_ref();
        let home = home.expect("the first shard is home");
        let may_reopen = !model.late_reopening;
        let ended = |mut pass: Pass| home.next(&mut pass, may_reopen).is_none();
        if self.pass.is_some_and(ended) {
            self.pass = None;
        }
        if self.pass.is_none() && self.restless && ended(home.begin()) {
            self.restless = false;
        }
    }

    /// Whether a shard has anything that is not durable.
    pub(super) fn is_ahead(&self, at: usize) -> bool {
        let outgoing = |link: &Link| link.durable < link.messages.len();
        let incoming = |link: &Link| link.received > 0;
        self.memory[at].print != self.durable[at].print
            || self.outgoing(at).any(outgoing)
            || self.incoming(at).any(incoming)
    }

    /// All that a shard did is durable, and its messages are.
    pub(super) fn make_durable(&mut self, at: usize) {
        self.durable[at] = Rc::clone(&self.memory[at]);
        for link in self.outgoing_mut(at) {
            link.durable = link.messages.len();
        }
        for link in self.incoming_mut(at) {
            link.receiver_is_durable();
        }
        if at == 0 {
            self.witnessed[1] = self.witnessed[0];
        }
    }

    /// All that a shard did since it was durable is lost, and who waited for its answers does not know them.
    pub(super) fn fall_back(&mut self, model: &Model, at: usize) {
        if at == 0 {
            self.witnessed[0] = self.witnessed[1];
            (self.restless, self.pass) = (true, None);
        }
        for demand in model.demands_of(at) {
            let lost = self.memory[at].shard.standings[demand];
            let left = self.durable[at].shard.standings[demand];
            if lost != left {
                self.forget_witness(demand);
                // A request that left no trace is as good as never made.
                self.tries[demand] += u8::from(left == Standing::Unknown);
            }
        }
        self.memory[at] = Rc::clone(&self.durable[at]);
        for link in self.outgoing_mut(at) {
            let durable = link.durable;
            link.messages.truncate(durable);
        }
        for link in self.incoming_mut(at) {
            link.received = 0;
        }
        if at == 0 {
            self.calm_down(model);
        }
    }

    pub(super) fn forget_witness(&mut self, demand: usize) {
        let others = !(1 << demand);
        self.witnessed = self.witnessed.map(|demands| demands & others);
    }

    fn outgoing(&self, at: usize) -> impl Iterator<Item = &Link> {
        if at == 0 {
            self.down.iter()
        } else {
            self.up[at..=at].iter()
        }
    }

    fn incoming(&self, at: usize) -> impl Iterator<Item = &Link> {
        if at == 0 {
            self.up.iter()
        } else {
            self.down[at..=at].iter()
        }
    }

    fn outgoing_mut(&mut self, at: usize) -> impl Iterator<Item = &mut Link> {
        if at == 0 {
            self.down.iter_mut()
        } else {
            self.up[at..=at].iter_mut()
        }
    }

    fn incoming_mut(&mut self, at: usize) -> impl Iterator<Item = &mut Link> {
        if at == 0 {
            self.up.iter_mut()
        } else {
            self.down[at..=at].iter_mut()
        }
    }

    /// What tells this state from others; `room` is overwritten.
    pub(super) fn print(&self, room: &mut Spelling) -> u64 {
        room.0.clear();
        for kept in self.memory.iter().chain(&self.durable) {
            room.0.extend_from_slice(&kept.print.to_le_bytes());
        }
        self.down[1..].hash(room);
        self.up[1..].hash(room);
        (self.budget, self.tries, self.witnessed).hash(room);
        self.restless.hash(room);
        // A pass shows what it is made of in no other way.
        if let Some(pass) = &self.pass {
            format!("{pass:?}").hash(room);
        }
        xxh3_64(&room.0)
    }
}

impl Kept {
    pub(super) fn new(shard: Shard) -> Rc<Self> {
        let mut room = Spelling::default();
        shard.hash(&mut room);
        let print = xxh3_128(&room.0);
        Rc::new(Self { shard, print })
    }
}

/// Everything that is hashed, one behind the other.
#[derive(Default)]
pub(super) struct Spelling(Vec<u8>);

impl Hasher for Spelling {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        xxh3_64(&self.0)
    }
}
