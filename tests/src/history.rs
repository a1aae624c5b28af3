//! The ledger and its naive twin under the same random commands, step by step.

mod comparing;
mod counting;

use jifen_engine::{
    ledger::{
        Code, CommandKind, Decision, Deed, Entry, Facts, Ledger, Rules, Seq, ShardIndex, Subject,
        UnixMillis,
        invariants::{check_entry, check_shard},
    },
    shard::ShardCore,
};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    ask::{Ask, What},
    coverage::Coverage,
    heard::{code_name, heard},
    journaled::{entry, records},
    market::{is_for_markets, is_said_in_markets},
    moved::{Made, made},
    specimens::{KINDS, KINDS_OF_ONE_SHARD},
    twin::Twin,
    workload::{START, Shape, Workload, point_kinds},
};

/// How many commands a history has.
pub const COMMANDS: u64 = 2_000;
/// Which shard is played; another than the first, so that its number shows in the names of holds.
const SHARD: ShardIndex = ShardIndex(3);
/// Walking everything costs more than a command.
const CHECK_EVERY: u64 = 50;
const DAY_MILLIS: u64 = 24 * 3_600_000;
const DAY_SECONDS: u64 = 24 * 3_600;
/// A hundred years.
const FOREVER_SECONDS: u64 = 100 * 365 * DAY_SECONDS;

/// Cases that a few hundred histories must meet beside those of every command, refusal and deed.
const CASES: [&str; 15] = [
    "several reasons",
    "batch",
    "clock went back",
    "days went by",
    "months went by",
    "swept to the end",
    "restarted",
    "late capture",
    "reversal of a late capture",
    "reversal by parts",
    "reversal into a debt",
    "debt paid",
    "lapsed at once",
    "frees at",
    "left behind by closing",
];

/// Every case that a few hundred histories must meet.
#[must_use]
pub fn cases() -> Vec<String> {
    let mut cases: Vec<String> = CASES.map(str::to_owned).to_vec();
    let commands = CommandKind::ALL.into_iter();
    for command in commands.filter(|command| !is_for_markets(*command)) {
        let refused = !matches!(command, CommandKind::PutMerchant | CommandKind::Erase);
        for outcome in ["accepted", "refused", "declined", "replayed"] {
            if outcome != "refused" || refused {
                cases.push(format!("{} {outcome}", command.name()));
            }
        }
    }
    let codes = Code::ALL
        .into_iter()
        .filter(|code| !is_said_in_markets(*code));
    cases.extend(codes.map(|code| code_name(code).to_owned()));
    let kinds = KINDS.iter().take(KINDS_OF_ONE_SHARD);
    cases.extend(kinds.map(|kind| format!("deed {kind}")));
    cases
}

struct History {
    rng: ChaCha8Rng,
    rules: Rules,
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
    let mut history = History::new(seed);
    for ask in history.workload.opening() {
        history.clock += 1;
        history.command(history.clock, &ask)?;
    }
    for step in 0..COMMANDS {
        history
            .step()
            .and_then(|()| {
                if step % CHECK_EVERY == 0 {
                    history.check()
                } else {
                    Ok(())
                }
            })
            .map_err(|what| format!("step {step}: {what}"))?;
    }
    history.end()?;
    Ok(history.met)
}

impl History {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(!seed);
        let forgetful = rng.random_bool(0.5);
        let defaults = Rules::default();
        let windows = [3_600, DAY_SECONDS, 10 * DAY_SECONDS, 60 * DAY_SECONDS];
        let rules = Rules {
            point_types: point_kinds(),
            utc_offset_minutes: 8 * 60,
            lots_per_wallet_max: rng.random_range(2..=8),
            open_holds_per_member_max: rng.random_range(1..=4),
            reversal_window_seconds: match windows.choose(&mut rng) {
                Some(&window) if !forgetful => window,
                _ => defaults.reversal_window_seconds,
            },
            request_retention_seconds: if forgetful {
                defaults.request_retention_seconds
            } else {
                FOREVER_SECONDS
            },
            ..defaults
        };
        let shape = Shape {
            members: rng.random_range(2..=10),
            merchants: rng.random_range(1..=4),
            earns_tell_when: false,
            fat: false,
        };
        let mut workload = Workload::new(seed, shape);
        if !forgetful {
            workload = workload.remembering(FOREVER_SECONDS * 1_000);
        }
        Self {
            rng,
            workload,
            twin: Twin::new(SHARD.0, &rules),
            core: ShardCore::new(Ledger::new(SHARD, rules.clone()), UnixMillis(0)),
            rules,
            records: Vec::new(),
            clock: START,
            met: Coverage::default(),
        }
    }

    fn step(&mut self) -> Result<(), String> {
        self.clock += self.rng.random_range(1..5_000);
        match self.rng.random_range(0..1_000) {
            0..6 => self.jump(3_600_000 * 47, "days went by")?,
            6..9 => self.jump(DAY_MILLIS * 40, "days went by")?,
            9 => self.jump(DAY_MILLIS * 450, "months went by")?,
            10..12 => self.restart()?,
            12..100 => {
                let most = self.rng.random_range(1..4);
                self.sweep(most)?;
            }
            _ => {}
        }
        if self.rng.random_ratio(1, 50) {
            return self.batch();
        }
        let ask = self.workload.sample(self.clock);
        // What is earned now takes the stamp, which must be a new one for the twin's sake.
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

    /// Time goes by; sometimes everything that is due then happens, and sometimes it waits for whoever asks.
    fn jump(&mut self, most_millis: u64, case: &str) -> Result<(), String> {
        self.clock += self.rng.random_range(3_600_000..=most_millis);
        self.met.count(case);
        if self.rng.random_bool(0.5) {
            self.sweep(usize::MAX)?;
            self.met.count("swept to the end");
        }
        Ok(())
    }

    fn command(&mut self, now: u64, ask: &Ask) -> Result<(), String> {
        self.ask(now, ask)?;
        self.gather().map(drop)
    }

    fn ask(&mut self, now: u64, ask: &Ask) -> Result<(), String> {
        let fast = heard(&self.core.submit(UnixMillis(now), &ask.request()));
        let slow = self.twin.hear(now, ask);
        if fast != slow {
            return Err(format!(
                "at {now}\n{ask:#?}\nthe ledger says {fast:#?}\nthe twin says {slow:#?}"
            ));
        }
        self.met.count_heard(ask, &fast);
        self.workload.learn(now, &fast);
        Ok(())
    }

    /// Several commands at one moment. Only the first may take the stamp.
    fn batch(&mut self) -> Result<(), String> {
        let mut asks: Vec<Ask> = (0..8).map(|_| self.workload.sample(self.clock)).collect();
        let mut first = true;
        asks.retain(|ask| !takes_the_stamp(ask) || std::mem::take(&mut first));
        for ask in &asks {
            self.ask(self.clock, ask)?;
        }
        self.met.count("batch");
        self.gather().map(drop)
    }

    /// Lets happen what is due by itself, at most `most` entries of it. The twin is told whose points and which holds,
    /// and checks that it was their time.
    fn sweep(&mut self, most: usize) -> Result<(), String> {
        let done = self.core.expire_due(UnixMillis(self.clock), most);
        let mut entries = self.taken()?;
        self.twin.end_day(self.clock);
        for entry in &entries {
            if matches!(entry.deed, Deed::DayEnded { .. }) {
                continue;
            }
            let point_type = entry.after.map(|after| after.point_type);
            let symbols = self.core.ledger().symbols();
            let point_type = point_type.map(|symbol| symbols.name(symbol).to_string());
            let (Subject::Member(member), Some(point_type)) = (&entry.subject, point_type) else {
                return Err(format!("the sweep is about members' points: {entry:?}"));
            };
            match entry.deed {
                Deed::Expired {
                    hold: Seq(hold), ..
                } => self.twin.expire(self.clock, hold)?,
                Deed::Matured => self
                    .twin
                    .matured(self.clock, member.as_str(), &point_type)?,
                Deed::Lapsed => self.twin.lapsed(self.clock, member.as_str(), &point_type)?,
                _ => return Err(format!("this does not happen by itself: {entry:?}")),
            }
        }
        self.compare(&mut entries)?;
        if done < most {
            self.is_swept()?;
        }
        Ok(())
    }

    fn is_swept(&self) -> Result<(), String> {
        // Within a second of its time is soon enough.
        if let Some(points) = self.twin.unsettled(self.clock - 1_000) {
            return Err(format!("at {} nobody swept {points}", self.clock));
        }
        match self.twin.most_overdue(self.clock) {
            Some(late) if late >= 1_000 => {
                Err(format!("at {} a hold is {late} ms overdue", self.clock))
            }
            _ => Ok(()),
        }
    }

    /// Takes over what was recorded and compares it with what the twin made.
    fn gather(&mut self) -> Result<(), String> {
        let mut entries = self.taken()?;
        self.compare(&mut entries)
    }

    fn compare(&mut self, entries: &mut Vec<Entry>) -> Result<(), String> {
        let symbols = self.core.ledger().symbols();
        let fast: Vec<Made> = entries.iter().map(|entry| made(entry, symbols)).collect();
        let slow = self.twin.take_made();
        if fast != slow {
            return Err(format!(
                "at {} the ledger recorded {fast:#?}\nthe twin made {slow:#?}",
                self.clock
            ));
        }
        for entry in entries.drain(..) {
            self.count_entry(&entry);
        }
        Ok(())
    }

    /// What was recorded since the last time.
    fn taken(&mut self) -> Result<Vec<Entry>, String> {
        let mut entries = Vec::new();
        while let Some(sealed) = self.core.seal() {
            for record in records(&sealed.body)? {
                let entry = entry(record)?;
                check_entry(&entry).map_err(|error| error.to_string())?;
                self.records.push(record.to_vec());
                entries.push(entry);
            }
        }
        if self.records.len() as u64 == self.core.last_seq().0 {
            Ok(entries)
        } else {
            let (count, last) = (self.records.len(), self.core.last_seq());
            Err(format!("{count} entries, last {last:?}"))
        }
    }

    fn check(&self) -> Result<(), String> {
        check_shard(self.core.ledger()).map_err(|violation| violation.to_string())?;
        if self.core.last_seq().0 != self.twin.seq() {
            let (fast, slow) = (self.core.last_seq(), self.twin.seq());
            return Err(format!("{fast:?}, the twin has {slow}"));
        }
        self.compare_members(self.core.ledger())
    }

    /// Goes on with a ledger that was replayed from the entries.
    fn restart(&mut self) -> Result<(), String> {
        let ledger = self.replayed(self.rules.clone())?;
        let (live, replayed) = (self.core.ledger().state_hash(), ledger.state_hash());
        if live != replayed {
            return Err(format!("replayed to {replayed}, live is {live}"));
        }
        self.core = ShardCore::new(ledger, UnixMillis(0));
        self.met.count("restarted");
        Ok(())
    }

    fn replayed(&self, rules: Rules) -> Result<Ledger, String> {
        let mut ledger = Ledger::new(SHARD, rules);
        for record in &self.records {
            ledger.replay(record).map_err(|error| error.to_string())?;
            while ledger.take_aged().is_some() {}
        }
        Ok(ledger)
    }

    /// At the end members, holds, accounts and the replayed state are as the twin has them.
    fn end(&mut self) -> Result<(), String> {
        self.restart()?;
        self.check()?;
        self.compare_holds()?;
        self.compare_accounts()?;
        self.compare_reversed()?;
        self.fill_up()
    }

    /// With no memory left for answers, a new request is declined, and an old one still hears what it heard.
    fn fill_up(&mut self) -> Result<(), String> {
        let mut rules = self.rules.clone();
        rules.request_bytes_max = 1;
        rules.request_retention_seconds = FOREVER_SECONDS;
        let ledger = self.replayed(rules)?;
        let ask = self.workload.fresh_enrolment();
        let decided = ledger.decide(ledger.last_at(), &ask.request(), Facts::NONE);
        let Decision::Decline(refusal) = decided else {
            return Err(format!("with a full memory, {ask:#?} became {decided:#?}"));
        };
        if refusal.code() != Code::Full {
            return Err(format!("with a full memory: {refusal:?}"));
        }
        self.met.count(code_name(Code::Full));
        Ok(())
    }
}

const fn takes_the_stamp(ask: &Ask) -> bool {
    matches!(
        ask.what,
        What::Earn { at: None, .. } | What::Adjust { up: true, .. }
    )
}
