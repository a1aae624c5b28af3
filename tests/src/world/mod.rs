//! A world in one thread: shards, a journal, clients that ask and ask again, crashes, and a clock that jumps. Everything
//! that happens follows from the seed.
//!
//! The rules it checks: what was acknowledged is found again, word for word, after any crash; nothing is done twice;
//! what was read stays true; what is recovered is what was live; and a journal that lost or changed what was durable is
//! never taken for a whole one.

mod cases;
mod clients;
mod crash;
mod damage;
mod images;
mod lineage;
mod loads;
mod lookups;
mod order;
mod process;
mod programme;

use std::collections::BTreeSet;

pub use cases::cases;
use jifen_engine::{
    journal::{
        block::Chain,
        head::Head,
        memory::{Fault, Medium},
        recovery::Recovered,
    },
    ledger::{Ledger, MemberId, StateHash},
    past::{MemoryShelf, Past, Place},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::{
    clients::Clients,
    images::Image,
    lineage::Lineages,
    process::{Due, Process, has_entries, is_large},
    programme::Programme,
};
use crate::{
    ask::Ask,
    coverage::Coverage,
    heard::heard,
    workload::{START, Shape, Workload},
};

const DAY_MILLIS: u64 = 24 * 3_600_000;
const ROUNDS_TO_SETTLE: u32 = 10;

/// A world.
struct World {
    rng: ChaCha8Rng,
    clients: Clients,
    clock: u64,
    programme: Programme,
    medium: Medium,
    /// Where old records are when they are written.
    shelf: MemoryShelf,
    /// Where some of them may have been damaged.
    damaged: BTreeSet<Place>,
    /// The image of every shard that is in its place.
    images: Vec<Option<Image>>,
    /// The head file: how far the journal was when it was last written.
    head: Head,
    process: Process,
    lineages: Lineages,
    reads: Vec<(usize, u64, StateHash)>,
    fat: bool,
    met: Coverage,
}

/// Lives the world of a seed.
///
/// # Errors
///
/// With the rule that was broken.
pub fn live(seed: u64) -> Result<Coverage, String> {
    let mut world = World::new(seed)?;
    let opening = world.clients.opening(world.clock);
    world.submit(&opening)?;
    if world.rng.random_bool(0.8) {
        world.settle()?;
    }
    let steps = world.rng.random_range(60..240);
    for step in 0..steps {
        world
            .step()
            .map_err(|what| format!("step {step}: {what}"))?;
    }
    world.end().map_err(|what| format!("at the end: {what}"))?;
    Ok(world.met)
}

impl World {
    fn new(seed: u64) -> Result<Self, String> {
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let programme = Programme::new(seed, &mut rng)?;
        let shards = programme.router.shards();
        let fat = rng.random_ratio(1, 12);
        let shape = Shape {
            members: rng.random_range(3..=12),
            merchants: rng.random_range(1..=3),
            earns_tell_when: true,
            fat,
        };
        let (medium, shelf) = (Medium::default(), MemoryShelf::default());
        let mut lineages = Lineages::new(shards);
        let nothing = Recovered {
            turn: 0,
            chains: vec![Chain::default(); usize::from(shards)],
            entries: 0,
            dropped: None,
            past: Past::new(Box::new(shelf.clone()), usize::MAX)
                .beside_checkpoints(vec![0..0; usize::from(shards)]),
        };
        let ledgers = programme.ledgers();
        let imaged = vec![None; usize::from(shards)];
        let process = Process::start(START, ledgers, nothing, imaged, &medium, &mut lineages)?;
        let remembered = programme.remembered_millis;
        let workload = Workload::new(seed, shape).remembering(remembered);
        Ok(Self {
            clients: Clients::new(workload, remembered),
            rng,
            clock: START,
            programme,
            head: process.head(),
            medium,
            shelf,
            damaged: BTreeSet::new(),
            images: vec![None; usize::from(shards)],
            process,
            lineages,
            reads: Vec::new(),
            fat,
            met: Coverage::default(),
        })
    }

    fn step(&mut self) -> Result<(), String> {
        self.clock += self.rng.random_range(0..3_000);
        match self.rng.random_range(0..1_000) {
            0..40 => self.jump()?,
            40..340 => {
                let most = if self.fat { 60 } else { 8 };
                let count = self.rng.random_range(1..=most);
                let asks = self.clients.ask(self.clock, count);
                self.submit(&asks)?;
            }
            340..420 => {
                let most = self.rng.random_range(1..6);
                let (rng, met) = (&mut self.rng, &mut self.met);
                let asks = self.clients.retry(self.clock, rng, most, met);
                self.submit(&asks)?;
            }
            420..500 => self.read()?,
            500..550 => self.expire()?,
            550..620 => self.process.write(&mut self.rng)?,
            620..630 => self.process.read_ahead(&mut self.rng)?,
            630..660 => self.image()?,
            660..740 => self.deliver()?,
            740..840 => {
                for _ in 0..self.rng.random_range(1..=4) {
                    let shard = self.some_shard();
                    self.process.seal(shard, &mut self.lineages)?;
                }
            }
            840..960 => self.commit(false)?,
            960..980 => self.head = self.process.head(),
            _ => self.crash_between_writes()?,
        }
        Ok(())
    }

    /// The clock jumps: forward, so that holds end and points lapse; or back, which must not show.
    fn jump(&mut self) -> Result<(), String> {
        let (millis, case) = match self.rng.random_range(0..20) {
            0..8 => (
                self.rng.random_range(60_000..3_600_000),
                "clock went forward",
            ),
            8..13 => (self.rng.random_range(1..4 * DAY_MILLIS), "days went by"),
            13 => (
                self.rng.random_range(20 * DAY_MILLIS..120 * DAY_MILLIS),
                "months went by",
            ),
            _ => {
                self.clock -= self.rng.random_range(1_000..1_200_000);
                self.met.count("clock went back");
                return Ok(());
            }
        };
        if millis > DAY_MILLIS {
            // Nobody reads for days; a request that waited so long would be judged by what is forgotten meanwhile.
            self.process
                .deliver_all(self.clock, &mut self.rng, &mut self.lineages)?;
        }
        self.clock += millis;
        self.met.count(case);
        Ok(())
    }

    /// Somebody looks at a shard, at a member, or for an old answer.
    fn read(&mut self) -> Result<(), String> {
        match self.rng.random_range(0..4) {
            0 => {
                let shard = self.some_shard();
                self.process.read(shard);
                Ok(())
            }
            1 => {
                let name = self.clients.some_member(&mut self.rng);
                let id = MemberId::new(&name).map_err(|error| error.to_string())?;
                let shard = usize::from(self.programme.router.member(&id).0);
                self.met.count("member read");
                self.process
                    .read_member(self.clock, shard, &name, &mut self.lineages)
            }
            _ => match self.clients.some_answer(self.clock, &mut self.rng) {
                Some((ask, answer)) => self.process.look_up(&mut self.rng, ask, answer),
                None => Ok(()),
            },
        }
    }

    fn deliver(&mut self) -> Result<(), String> {
        self.process
            .deliver(self.clock, &mut self.rng, &mut self.lineages)
    }

    fn some_shard(&mut self) -> usize {
        self.rng
            .random_range(0..usize::from(self.programme.router.shards()))
    }

    fn submit(&mut self, asks: &[(u64, Ask)]) -> Result<(), String> {
        self.process
            .submit(self.clock, self.programme.router, asks, &mut self.lineages)
    }

    fn expire(&mut self) -> Result<(), String> {
        let shard = self.some_shard();
        let most = self.rng.random_range(1..6);
        let lineages = &mut self.lineages;
        let done = self.process.expire(self.clock, shard, most, lineages)?;
        for _ in 0..done {
            self.met.count("done by itself");
        }
        Ok(())
    }

    /// One turn of the committer; now and then the power fails in it.
    fn commit(&mut self, all: bool) -> Result<(), String> {
        let mut turn = self.process.gather(&mut self.rng, all);
        let large = is_large(&turn);
        if large {
            self.met.count("turn of several values");
        }
        let odds = if large { 3 } else { 7 };
        if !all && has_entries(&turn) && self.rng.random_ratio(1, odds) {
            let fault = self.some_fault();
            self.medium.fail_next(fault);
            if self.process.commit(&mut turn).is_ok() {
                return Err(format!("the committer did not notice {fault:?}"));
            }
            return self.crash(Some((fault, large)));
        }
        self.process.commit(&mut turn)?;
        for due in turn.into_iter().flat_map(|block| block.held) {
            self.speak(due)?;
        }
        Ok(())
    }

    fn some_fault(&mut self) -> Fault {
        let (fault, name) = match self.rng.random_range(0..4) {
            0 => (Fault::Lost, "fault: lost"),
            1 => (Fault::Parts(self.rng.random_range(0..3)), "fault: parts"),
            // Often so early that not even the value's head is left.
            2 => (
                Fault::Torn(self.rng.random::<u8>() >> self.rng.random_range(0..8)),
                "fault: torn",
            ),
            _ => (Fault::Unanswered, "fault: unanswered"),
        };
        self.met.count(name);
        fault
    }

    fn crash_between_writes(&mut self) -> Result<(), String> {
        self.met.count("crash between writes");
        self.crash(None)
    }

    /// Something is durable and is told to whoever waits for it.
    fn speak(&mut self, due: Due) -> Result<(), String> {
        match due {
            Due::Imaged { shard } => {
                self.process.image_is_durable(shard);
                Ok(())
            }
            Due::Read { shard, seq, hash } => {
                self.reads.push((shard, seq, hash));
                self.met.count("read answered");
                self.lineages.confirm(shard, seq, hash)
            }
            Due::Reply { ticket, reply } => {
                let heard = heard(&reply);
                if let Some(merchant) = self.clients.wait_for_document(ticket, &heard) {
                    self.process.look_up_document(ticket, &merchant);
                    return Ok(());
                }
                self.clients.hear(self.clock, ticket, heard, &mut self.met)
            }
            Due::Document { ticket, document } => {
                let lineages = &mut self.lineages;
                if self
                    .process
                    .carry_to_all(self.clock, ticket, &document, lineages)
                {
                    return Ok(());
                }
                self.clients
                    .hear_of_document(self.clock, ticket, &mut self.met)
            }
            Due::Carried { ticket } => {
                if self.process.carried(ticket) {
                    return self
                        .clients
                        .hear_of_document(self.clock, ticket, &mut self.met);
                }
                Ok(())
            }
        }
    }

    /// Everybody hears an answer; then a last crash, everything is asked once more, and the books are audited.
    fn end(&mut self) -> Result<(), String> {
        self.settle()?;
        self.crash_between_writes()?;
        // Days that are over end before anything is asked again.
        for shard in 0..self.last_seqs().len() {
            self.process
                .end_day(self.clock, shard, &mut self.lineages)?;
        }
        self.settle()?;
        let before = self.last_seqs();
        let asks = self.clients.ask_everything_again(self.clock);
        self.submit(&asks)?;
        self.settle()?;
        if self.last_seqs() != before {
            return Err(format!(
                "asking again made entries: {before:?} became {:?}",
                self.last_seqs()
            ));
        }
        let shards = 0..usize::from(self.programme.router.shards());
        let ledgers: Vec<&Ledger> = shards.map(|shard| self.process.ledger(shard)).collect();
        self.lineages
            .audit(&self.medium, &ledgers, self.programme.twins())?;
        self.met.add(&self.process.met);
        damage::check(
            &mut self.rng,
            &self.medium,
            &self.programme,
            &self.process.head(),
            &mut self.met,
        )
    }

    fn last_seqs(&self) -> Vec<u64> {
        let shards = 0..usize::from(self.programme.router.shards());
        shards
            .map(|shard| self.process.ledger(shard).last_seq().0)
            .collect()
    }

    /// Works on without faults until nobody waits. A document takes three turns; more rounds than that show that an
    /// answer got lost.
    fn settle(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS_TO_SETTLE {
            if self.clients.are_content() {
                return Ok(());
            }
            let (rng, met) = (&mut self.rng, &mut self.met);
            let asks = self.clients.retry(self.clock, rng, usize::MAX, met);
            self.submit(&asks)?;
            self.process
                .deliver_all(self.clock, &mut self.rng, &mut self.lineages)?;
            for shard in 0..usize::from(self.programme.router.shards()) {
                self.process.seal(shard, &mut self.lineages)?;
            }
            self.commit(true)?;
        }
        Err("somebody waits for an answer that never comes".to_owned())
    }
}
