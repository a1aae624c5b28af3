//! A world in one thread: shards, a journal, clients that ask and ask again, crashes, and a clock that jumps. Everything
//! that happens follows from the seed.
//!
//! The rules it checks: what was acknowledged is found again, word for word, after any crash; nothing is done twice;
//! what was read stays true; what is recovered is what was live; and a journal that lost or changed what was durable is
//! never taken for a whole one.

mod clients;
mod crash;
mod damage;
mod lineage;
mod process;

use jifen_engine::{
    Router,
    journal::{
        block::Chain,
        head::Head,
        memory::{Fault, Medium},
        recovery::Recovered,
    },
    ledger::{Ledger, PointType, Rules, ShardIndex, StateHash},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::{
    clients::Clients,
    lineage::Lineages,
    process::{Due, Process, has_entries, is_large},
};
use crate::{
    ask::Ask,
    coverage::Coverage,
    heard::heard,
    twin::Twin,
    workload::{POINT_TYPES, START, Shape, Workload},
};

/// Cases that a few hundred worlds must meet.
pub const CASES: [&str; 41] = [
    "enrol accepted",
    "earn accepted",
    "earn refused",
    "earn declined",
    "earn replayed",
    "redeem accepted",
    "redeem refused",
    "redeem declined",
    "hold accepted",
    "hold refused",
    "capture accepted",
    "capture refused",
    "capture replayed",
    "release accepted",
    "release refused",
    "put_merchant accepted",
    "put_merchant replayed",
    "request_id_reused",
    "insufficient_points",
    "several reasons",
    "hold expired by itself",
    "clock went back",
    "clock went forward",
    "document on all shards",
    "read answered",
    "turn of several values",
    "crash between writes",
    "crash with entries that were not durable",
    "crash while a document was on its way",
    "fault: lost",
    "fault: parts",
    "fault: torn",
    "fault: unanswered",
    "tail dropped",
    "tail of several values dropped",
    "recovered twice",
    "retry heard what was decided before the crash",
    "retry was decided after the crash",
    "damage refused",
    "rewritten history refused",
    "damaged tail dropped",
];

const LOTS_MAX: usize = 6;
const HOLDS_MAX: u32 = 4;
const ROUNDS_TO_SETTLE: u32 = 10;

/// A world.
struct World {
    rng: ChaCha8Rng,
    clients: Clients,
    clock: u64,
    router: Router,
    medium: Medium,
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
    let opening = world.clients.opening();
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
        let shards: u16 = 1 << rng.random_range(0..4);
        let router = Router::new(shards, seed).ok_or("a power of two")?;
        let fat = rng.random_ratio(1, 12);
        let shape = Shape {
            members: rng.random_range(3..=12),
            merchants: rng.random_range(1..=3),
            earns_tell_when: true,
            fat,
        };
        let medium = Medium::default();
        let mut lineages = Lineages::new(shards);
        let nothing = Recovered {
            turn: 0,
            chains: vec![Chain::default(); usize::from(shards)],
            entries: 0,
            dropped: None,
        };
        let process = Process::start(START, ledgers(router), nothing, &medium, &mut lineages)?;
        Ok(Self {
            clients: Clients::new(Workload::new(seed, shape)),
            rng,
            clock: START,
            router,
            head: process.head(),
            medium,
            process,
            lineages,
            reads: Vec::new(),
            fat,
            met: Coverage::default(),
        })
    }

    fn step(&mut self) -> Result<(), String> {
        self.clock += self.rng.random_range(0..3_000);
        match self.rng.random_range(0..100) {
            0..4 => self.jump(),
            4..40 => {
                let most = if self.fat { 60 } else { 8 };
                let count = self.rng.random_range(1..=most);
                let asks = self.clients.ask(self.clock, count);
                self.submit(&asks)?;
            }
            40..48 => {
                let most = self.rng.random_range(1..6);
                let asks = self.clients.retry(&mut self.rng, most);
                self.submit(&asks)?;
            }
            48..54 => {
                let shard = self.some_shard();
                self.process.read(shard);
            }
            54..60 => self.expire()?,
            60..76 => {
                for _ in 0..self.rng.random_range(1..=4) {
                    let shard = self.some_shard();
                    self.process.seal(shard, &mut self.lineages)?;
                }
            }
            76..94 => self.commit(false)?,
            94..98 => self.head = self.process.head(),
            _ => self.crash_between_writes()?,
        }
        Ok(())
    }

    /// The clock jumps: forward, so that holds end; or back, which must not show.
    fn jump(&mut self) {
        if self.rng.random_bool(0.5) {
            self.clock += self.rng.random_range(60_000..3_600_000);
            self.met.count("clock went forward");
        } else {
            self.clock -= self.rng.random_range(1_000..1_200_000);
            self.met.count("clock went back");
        }
    }

    fn some_shard(&mut self) -> usize {
        self.rng.random_range(0..usize::from(self.router.shards()))
    }

    fn submit(&mut self, asks: &[(u64, Ask)]) -> Result<(), String> {
        self.process
            .submit(self.clock, self.router, asks, &mut self.lineages)
    }

    fn expire(&mut self) -> Result<(), String> {
        let shard = self.some_shard();
        let most = self.rng.random_range(1..6);
        for _ in 0..self
            .process
            .expire(self.clock, shard, most, &mut self.lineages)
        {
            self.met.count("hold expired by itself");
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
        let before = self.last_seqs();
        let asks = self.clients.ask_everything_again();
        self.submit(&asks)?;
        self.settle()?;
        if self.last_seqs() != before {
            return Err(format!(
                "asking again made entries: {before:?} became {:?}",
                self.last_seqs()
            ));
        }
        let shards = 0..usize::from(self.router.shards());
        let ledgers: Vec<&Ledger> = shards.map(|shard| self.process.ledger(shard)).collect();
        self.lineages
            .audit(&self.medium, &ledgers, twins(self.router))?;
        damage::check(
            &mut self.rng,
            &self.medium,
            self.router,
            &self.process.head(),
            &mut self.met,
        )
    }

    fn last_seqs(&self) -> Vec<u64> {
        let shards = 0..usize::from(self.router.shards());
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
            let asks = self.clients.retry(&mut self.rng, usize::MAX);
            self.submit(&asks)?;
            for shard in 0..usize::from(self.router.shards()) {
                self.process.seal(shard, &mut self.lineages)?;
            }
            self.commit(true)?;
        }
        Err("somebody waits for an answer that never comes".to_owned())
    }
}

/// The empty ledgers of a new data directory.
fn ledgers(router: Router) -> Vec<Ledger> {
    let rules = Rules {
        point_types: POINT_TYPES
            .map(|name| PointType::new(name).unwrap())
            .to_vec(),
        lots_per_wallet_max: LOTS_MAX,
        open_holds_per_member_max: HOLDS_MAX,
        ..Rules::default()
    };
    (0..router.shards())
        .map(|shard| Ledger::new(ShardIndex(shard), rules.clone()))
        .collect()
}

fn twins(router: Router) -> Vec<Twin> {
    (0..router.shards())
        .map(|shard| Twin::new(shard, &POINT_TYPES, LOTS_MAX, HOLDS_MAX as usize))
        .collect()
}
