//! The ledger and its naive twin under the same random commands, step by step.

use jifen_engine::{
    ledger::{
        Account, Deed, Entry, HoldId, Ledger, MemberId, PointType, Rules, Seq, ShardIndex,
        UnixMillis,
        invariants::{check_entry, check_shard},
    },
    reads,
    shard::ShardCore,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    ask::Ask,
    coverage::Coverage,
    heard::{Heard, heard, seen},
    journaled::{entry, records},
    twin::Twin,
    workload::{POINT_TYPES, START, Shape, Workload},
};

/// How many commands a history has.
pub const COMMANDS: u64 = 2_000;
/// Which shard is played; another than the first, so that its number shows in the names of holds.
const SHARD: ShardIndex = ShardIndex(3);
/// Walking everything costs more than a command.
const CHECK_EVERY: u64 = 50;

/// Cases that a few hundred histories must meet.
pub const CASES: [&str; 33] = [
    "enrol accepted",
    "enrol refused",
    "enrol replayed",
    "earn accepted",
    "earn refused",
    "earn declined",
    "earn replayed",
    "redeem accepted",
    "redeem refused",
    "redeem declined",
    "redeem replayed",
    "hold accepted",
    "hold refused",
    "hold declined",
    "hold replayed",
    "capture accepted",
    "capture refused",
    "capture declined",
    "capture replayed",
    "release accepted",
    "release refused",
    "release replayed",
    "put_merchant accepted",
    "put_merchant replayed",
    "several reasons",
    "batch",
    "clock went back",
    "days went by",
    "hold expired by itself",
    "restarted",
    "late capture",
    "member_limit_reached",
    "at_in_future",
];

struct History {
    rng: ChaCha8Rng,
    workload: Workload,
    core: ShardCore<()>,
    twin: Twin,
    records: Vec<Vec<u8>>,
    clock: u64,
    met: Coverage,
}

/// Plays the history of a seed.
///
/// # Errors
///
/// Where the ledger and its twin do not say the same, or an invariant does not hold.
pub fn play(seed: u64) -> Result<Coverage, String> {
    let mut rng = ChaCha8Rng::seed_from_u64(!seed);
    let rules = Rules {
        point_types: POINT_TYPES
            .map(|name| PointType::new(name).unwrap())
            .to_vec(),
        lots_per_wallet_max: rng.random_range(2..=8),
        open_holds_per_member_max: rng.random_range(1..=4),
        ..Rules::default()
    };
    let shape = Shape {
        members: rng.random_range(2..=10),
        merchants: rng.random_range(1..=4),
        earns_tell_when: false,
        fat: false,
    };
    let holds_max = rules.open_holds_per_member_max as usize;
    let mut history = History {
        rng,
        workload: Workload::new(seed, shape),
        twin: Twin::new(SHARD.0, &POINT_TYPES, rules.lots_per_wallet_max, holds_max),
        core: ShardCore::new(Ledger::new(SHARD, rules.clone()), UnixMillis(0)),
        records: Vec::new(),
        clock: START,
        met: Coverage::default(),
    };
    for ask in history.workload.opening() {
        history.clock += 1;
        history.command(history.clock, &ask)?;
    }
    for step in 0..COMMANDS {
        history
            .step(&rules)
            .and_then(|()| {
                if step % CHECK_EVERY == 0 {
                    history.check()
                } else {
                    Ok(())
                }
            })
            .map_err(|what| format!("step {step}: {what}"))?;
    }
    history.end(&rules)?;
    Ok(history.met)
}

impl History {
    fn step(&mut self, rules: &Rules) -> Result<(), String> {
        self.clock += self.rng.random_range(1..5_000);
        match self.rng.random_range(0..1_000) {
            0..4 => {
                self.clock += self.rng.random_range(1..48) * 3_600_000;
                self.met.count("days went by");
                self.expire(usize::MAX)?;
            }
            4..6 => self.restart(rules)?,
            6..100 => {
                let most = self.rng.random_range(1..4);
                self.expire(most)?;
            }
            _ => {}
        }
        if self.rng.random_ratio(1, 50) {
            return self.batch();
        }
        let ask = self.workload.sample(self.clock);
        // An earn that does not tell when it happened takes the stamp, which must be a new one for the twin's sake.
        let back = self.rng.random_ratio(1, 20) && !takes_the_stamp(&ask);
        let now = self.clock
            - if back {
                self.rng.random_range(0..20_000)
            } else {
                0
            };
        if back {
            self.met.count("clock went back");
        }
        self.command(now, &ask)
    }

    fn command(&mut self, now: u64, ask: &Ask) -> Result<(), String> {
        let fast = heard(&self.core.submit(UnixMillis(now), &ask.request()));
        self.compare(now, ask, &fast)?;
        self.gather().map(drop)
    }

    fn compare(&mut self, now: u64, ask: &Ask, fast: &Heard) -> Result<(), String> {
        let slow = self.twin.hear(now, ask);
        if *fast != slow {
            return Err(format!(
                "{ask:#?}\nthe ledger says {fast:#?}\nthe twin says {slow:#?}"
            ));
        }
        self.met.count_heard(ask, fast);
        self.workload.learn(now, fast);
        Ok(())
    }

    /// Several commands at one moment. Only the first may take the stamp.
    fn batch(&mut self) -> Result<(), String> {
        let now = UnixMillis(self.clock);
        let mut asks: Vec<Ask> = (0..8).map(|_| self.workload.sample(self.clock)).collect();
        let mut first = true;
        asks.retain(|ask| !takes_the_stamp(ask) || std::mem::take(&mut first));
        for ask in &asks {
            let fast = heard(&self.core.submit(now, &ask.request()));
            self.compare(self.clock, ask, &fast)?;
        }
        self.met.count("batch");
        self.gather().map(drop)
    }

    /// Lets holds end, at most `most` of them. The twin is told which, and checks that it was their time.
    fn expire(&mut self, most: usize) -> Result<(), String> {
        let done = self.core.expire_due(UnixMillis(self.clock), most);
        for entry in self.gather()? {
            let Deed::Expired {
                hold: Seq(hold), ..
            } = entry.deed
            else {
                return Err(format!("only holds end by themselves: {entry:?}"));
            };
            self.twin.expire(self.clock, hold)?;
            self.met.count("hold expired by itself");
        }
        match self.twin.most_overdue(self.clock) {
            Some(late) if done < most && late >= 1_000 => {
                Err(format!("at {} a hold is {late} ms overdue", self.clock))
            }
            _ => Ok(()),
        }
    }

    /// Takes over what was recorded and checks it.
    fn gather(&mut self) -> Result<Vec<Entry>, String> {
        let Some(sealed) = self.core.seal() else {
            return Ok(Vec::new());
        };
        let mut entries = Vec::new();
        for record in records(&sealed.body)? {
            let entry = entry(record)?;
            check_entry(&entry).map_err(|error| error.to_string())?;
            if let Deed::Captured { .. } = entry.deed
                && entry.moves.iter().all(|m| m.from == Account::Available)
            {
                self.met.count("late capture");
            }
            self.records.push(record.to_vec());
            entries.push(entry);
        }
        if self.records.len() as u64 != self.core.last_seq().0 {
            return Err(format!(
                "{} entries, last {:?}",
                self.records.len(),
                self.core.last_seq()
            ));
        }
        Ok(entries)
    }

    fn check(&self) -> Result<(), String> {
        check_shard(self.core.ledger()).map_err(|violation| violation.to_string())?;
        if self.core.last_seq().0 != self.twin.seq() {
            return Err(format!(
                "{:?}, the twin has {}",
                self.core.last_seq(),
                self.twin.seq()
            ));
        }
        Ok(())
    }

    /// Goes on with a ledger that was replayed from the entries.
    fn restart(&mut self, rules: &Rules) -> Result<(), String> {
        let ledger = self.replayed(rules)?;
        self.core = ShardCore::new(ledger, UnixMillis(0));
        self.met.count("restarted");
        Ok(())
    }

    fn replayed(&self, rules: &Rules) -> Result<Ledger, String> {
        let mut ledger = Ledger::new(SHARD, rules.clone());
        for record in &self.records {
            ledger.replay(record).map_err(|error| error.to_string())?;
        }
        let (live, replayed) = (self.core.ledger().state_hash(), ledger.state_hash());
        if live == replayed {
            Ok(ledger)
        } else {
            Err(format!("replayed to {replayed}, live is {live}"))
        }
    }

    /// At the end members, holds and the replayed state are as the twin has them.
    fn end(&self, rules: &Rules) -> Result<(), String> {
        self.check()?;
        let ledger = self.replayed(rules)?;
        for name in self.twin.members() {
            let id = MemberId::new(name).unwrap();
            let view = reads::member(&ledger, &id).ok_or_else(|| format!("{name} is lost"))?;
            let mut fast = seen(&view);
            fast.retain(|wallet| !wallet.lots.is_empty() || wallet.available + wallet.held > 0);
            let slow = self.twin.member(name).unwrap();
            if fast != slow {
                return Err(format!(
                    "{name}: the ledger has {fast:#?}\nthe twin has {slow:#?}"
                ));
            }
        }
        let known = ledger.members().count();
        if known != self.twin.members().count() {
            return Err(format!("{known} members are enrolled"));
        }
        for (held, _) in ledger.open_holds() {
            let id = HoldId {
                shard: SHARD,
                seq: held.seq,
            };
            let view = reads::hold(&ledger, id).ok_or_else(|| format!("{id} is lost"))?;
            let parts = (view.points.get(), view.captured.get(), view.released.get());
            let fast = Some((view.state.name(), parts.0, parts.1, parts.2));
            if fast != self.twin.hold(&id.to_string()) {
                return Err(format!(
                    "{id} is {fast:?}, the twin has {:?}",
                    self.twin.hold(&id.to_string())
                ));
            }
        }
        Ok(())
    }
}

const fn takes_the_stamp(ask: &Ask) -> bool {
    matches!(ask.what, crate::ask::What::Earn { at: None, .. })
}
