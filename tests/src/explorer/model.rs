//! What a model has in it, and what may go wrong in it.

use jifen_engine::pool::Units;

/// How many shards there are. The first one is the pool's home.
pub(super) const SHARDS: usize = 3;
/// How many demands a model has at most.
pub(super) const DEMANDS_MAX: usize = 6;

/// A small pool, and all that may happen to it.
#[derive(Clone, Debug)]
pub struct Model {
    /// What it is called where models are chosen.
    pub name: String,
    /// How many units there are at first.
    pub units: u64,
    /// Who wants some.
    pub demands: Vec<Demand>,
    /// How often what may happen.
    pub budget: Budget,
    /// How fine the instants are.
    pub grain: Grain,
    /// Whether the shards get first units, as many as there can be.
    pub opening: bool,
    /// Whether home may send units unasked while nobody waits.
    pub prefetch: bool,
    /// Whether taking marks back may be delayed at will.
    pub late_reopening: bool,
    /// Whether rounds and epochs are counted. They decide nothing, and make more states of one.
    pub counted: bool,
    /// What is wrong in this model, if it is one of those that must be caught.
    pub flaw: Option<Flaw>,
    /// Whether what home believes is held against the truth too, and not only what was promised.
    pub beliefs: bool,
}

/// A command that wants units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Where it comes in.
    pub shard: usize,
    /// How many it wants, all or none.
    pub quantity: Units,
    /// Whether it is the operator's, to take them out of the pool.
    pub withdraws: bool,
}

/// How often what may happen in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Reservations that end without a sale.
    pub cancels: u8,
    /// One unit more.
    pub restocks: u8,
    /// Second looks that fail.
    pub failures: u8,
    /// One shard falls back.
    pub crashes_of_one: u8,
    /// All shards fall back.
    pub crashes_of_all: u8,
    /// How often each demand is made again after a refusal that binds nothing.
    pub retries: u8,
}

/// How fine the instants are at which shards become durable, fall back or get mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// What a shard does about one piece of mail, serving included.
    Mail,
    /// Every entry; and mail may gather before home serves.
    Entry,
}

/// A mistake in what is around homes and shares. Each must be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// N1: a closed shard keeps what comes back.
    ClosedShardKeeps,
    /// N3: a message is acknowledged before what it did is durable.
    AcknowledgedEarly,
    /// N3, its twin: a message is delivered before its sender's entry is durable.
    SentEarly,
    /// N5: what is granted counts as sold.
    GrantedIsSold,
    /// N6: a mark that was called back counts as gone at once.
    MarkGoneAtOnce,
    /// N7: what a failed second look does not need stays at the shard.
    FailureKeeps,
    /// N7: a marked shard refuses before it looks who asks.
    MarkBeforeId,
}

impl Model {
    /// A model as it is written: `2: 0:1 0:2w 1:1` has two units, of which shard 0 wants one and its operator two, and shard 1
    /// one. Nothing else may happen in it yet.
    ///
    /// # Panics
    ///
    /// If it is written otherwise.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let (units, demands) = text.split_once(": ").expect("units: demands");
        let demands: Vec<Demand> = demands.split(' ').map(Demand::of).collect();
        assert!(demands.len() <= DEMANDS_MAX, "too many demands");
        Self {
            name: text.to_owned(),
            units: units.parse().expect("a number of units"),
            demands,
            budget: Budget {
                cancels: 0,
                restocks: 0,
                failures: 0,
                crashes_of_one: 0,
                crashes_of_all: 0,
                retries: 0,
            },
            grain: Grain::Mail,
            opening: false,
            prefetch: false,
            late_reopening: false,
            counted: false,
            flaw: None,
            beliefs: true,
        }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        let name = name.to_owned();
        Self { name, ..self }
    }

    /// The same with cancels, restocks and failures of second looks.
    #[must_use]
    pub const fn with(mut self, (cancels, restocks, failures): (u8, u8, u8)) -> Self {
        self.budget.cancels = cancels;
        self.budget.restocks = restocks;
        self.budget.failures = failures;
        self
    }

    /// The same with crashes, of one shard and of all.
    #[must_use]
    pub const fn crashing(mut self, (one, all): (u8, u8)) -> Self {
        self.budget.crashes_of_one = one;
        self.budget.crashes_of_all = all;
        self
    }

    /// The same with demands that are made again.
    #[must_use]
    pub const fn retrying(mut self, retries: u8) -> Self {
        self.budget.retries = retries;
        self
    }

    /// The same with something wrong in it, which must be found by what was promised alone.
    #[must_use]
    pub const fn flawed(mut self, flaw: Flaw) -> Self {
        self.flaw = Some(flaw);
        self.beliefs = false;
        self
    }

    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// The demands of one shard.
    pub(super) fn demands_of(&self, shard: usize) -> impl Iterator<Item = usize> {
        let all = self.demands.iter().enumerate();
        all.filter(move |(_, demand)| demand.shard == shard)
            .map(|(at, _)| at)
    }
}

impl Demand {
    fn of(text: &str) -> Self {
        let (shard, quantity) = text.split_once(':').expect("shard:quantity");
        let number = quantity.trim_end_matches('w');
        let shard = shard.parse().expect("a shard");
        let withdraws = number != quantity;
        assert!(shard < SHARDS, "shards are 0, 1 and 2");
        assert!(!withdraws || shard == 0, "units are taken out at home");
        Self {
            shard,
            quantity: units(number.parse().expect("a quantity")),
            withdraws,
        }
    }
}

/// Few units.
pub(super) fn units(count: u64) -> Units {
    Units::new(count).expect("models are small")
}
