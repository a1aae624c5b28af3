//! Tables in the language of the domain, and the one place that runs them.
//!
//! ```text
//! clock    2024-06-30 12:00:00
//! merchant M1
//! enrol    A1
//! earn     A1 M1 100 day=2024-06-30     => accepted: M1/2024-06-30 100
//! redeem   A1 M1 101                    => refused: insufficient_points 101 of 100
//! hold     A1 M1 60 as=H1 ttl=900       => accepted: until 900.000
//! capture  H1 20 more as=T1             => accepted: captured 20, released 0
//! reverse  T1 5                         => accepted: restored 5
//! clock    2024-07-01 00:00:00
//! sweep                                 => 1
//! deeds                                 => lapsed
//! moves                                 => M1/2024-06-30 45 available>breakage
//! balance  A1                           => 0 available, 40 held
//! ```
//!
//! Every line is a command or a question. Behind `=>` stands what must be heard; without it, a command must be
//! accepted. `accepted` alone fits every accepted answer, `replayed` every answer that is said again, and what is said
//! again must be what was said. Amounts after a code read "asked of allowed". Commands take `id=`, `by=`, `ref=` and
//! `note=`; without an id each line is a new request. `as=` names what was accepted, for captures and reversals.
//!
//! Days are written as dates or counted from 1970-01-01. `clock` sets the programme's own time, at UTC+8, and from
//! there seconds are counted; before any `clock` they count from 2026-09-21. `back 5` turns the clock back by seconds,
//! `restart 10` goes on with a ledger replayed from the entries, in which no hold expires for 10 seconds. `sweep` does
//! what is due without anybody asking. `deeds` and `moves` ask what the last command or sweep recorded.
//!
//! Every table is played three times: as it is, with the ledger replayed from the entries before each line, and with the ledger
//! restored from images before each line.

mod line;
mod programme;
mod restarts;

use std::collections::BTreeMap;

use jifen_engine::{
    ledger::{
        Answer, HoldId, Ledger, MemberId, MerchantId, PointKind, PointType, Points, Rules,
        ShardIndex, UnixMillis, Uses,
        invariants::{check_programme, check_shard},
    },
    reads,
    shard::ShardCore,
};

use self::{
    line::{Line, dates_as_days, millis, time_of_day},
    restarts::{Images, Restarts},
};
use crate::{
    ask::Ask,
    coverage::Coverage,
    heard::{Heard, Recorded, Told, WalletSeen, heard, list, reasons, seen, words},
    journaled::{entry, records},
    moved::{Made, made},
};

/// When tables begin: 2026-09-21, in milliseconds. Times in them are seconds from here.
const START: u64 = 1_790_000_000_000;
const DAY_MILLIS: u64 = 86_400_000;
/// The programme's days begin so much earlier than those of UTC.
const DAY_OFFSET_MILLIS: u64 = 8 * 3_600_000;

/// The rules of tables that do not say otherwise: four kinds of points, and bounds that a table can reach.
#[must_use]
pub fn small_rules() -> Rules {
    let kind = |name, uses| PointKind {
        uses,
        ..PointKind::plain(PointType::new(name).unwrap())
    };
    let redeem_only = Uses {
        offset: false,
        ..Uses::ALL
    };
    let offset_only = Uses {
        redeem: false,
        ..Uses::ALL
    };
    Rules {
        point_types: vec![
            kind("points", Uses::ALL),
            kind("miles", redeem_only),
            kind("credit", offset_only),
            kind("growth", Uses::GRADE_ONLY),
        ],
        lots_per_wallet_max: 3,
        open_holds_per_member_max: 2,
        transfer_points_per_day_max: Points::new(100),
        ..Rules::default()
    }
}

/// Runs a table under [`small_rules`]; tells what it met.
///
/// # Panics
///
/// With the line that is not as the table says.
#[track_caller]
pub fn check(table: &str) -> Coverage {
    check_under(small_rules(), table)
}

/// Runs a table under rules of its own.
///
/// # Panics
///
/// With the line that is not as the table says.
#[track_caller]
pub fn check_under(rules: Rules, table: &str) -> Coverage {
    let played = Restarts::ALL.map(|restarts| play(rules.clone(), restarts, table));
    let [met, ..] = played;
    met
}

#[track_caller]
fn play(rules: Rules, restarts: Restarts, table: &str) -> Coverage {
    let mut play = Play::new(rules);
    play.restarts = restarts;
    for (number, line) in (1..).zip(table.lines()) {
        if let Err(what) = play.line(line) {
            panic!(
                "restarts {restarts:?}, line {number}: {}\n  {what}",
                line.trim()
            );
        }
    }
    if let Err(what) = play.replayed() {
        panic!("restarts {restarts:?}, at the end: {what}");
    }
    play.met
}

/// A table being played.
pub struct Play {
    rules: Rules,
    core: ShardCore<()>,
    records: Vec<Vec<u8>>,
    /// What the last command or sweep recorded.
    last: Vec<Made>,
    now: u64,
    /// From when on seconds are counted.
    base: u64,
    asks: u32,
    /// What tables call holds, and what the engine calls them.
    holds: BTreeMap<String, String>,
    /// The same for whatever can be reversed.
    transactions: BTreeMap<String, String>,
    said: Vec<(Ask, Recorded)>,
    /// What was said of the programme and has a name.
    sales: BTreeMap<String, Answer>,
    /// What was said of the programme, by principal and request id.
    answers: BTreeMap<(String, String), Recorded>,
    met: Coverage,
    restarts: Restarts,
    images: Images,
    /// Until when holds do not expire after a restart.
    grace: UnixMillis,
}

impl Play {
    /// A table that has not begun.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self::on(ShardIndex(0), rules)
    }

    /// The same on another shard than the first.
    #[must_use]
    pub fn on(shard: ShardIndex, rules: Rules) -> Self {
        Self {
            core: ShardCore::new(Ledger::new(shard, rules.clone()), UnixMillis(0)),
            rules,
            records: Vec::new(),
            last: Vec::new(),
            now: START,
            base: START,
            asks: 0,
            holds: BTreeMap::new(),
            transactions: BTreeMap::new(),
            said: Vec::new(),
            sales: BTreeMap::new(),
            answers: BTreeMap::new(),
            met: Coverage::default(),
            restarts: Restarts::Never,
            images: Images::default(),
            grace: UnixMillis(0),
        }
    }

    /// Plays one line.
    ///
    /// # Errors
    ///
    /// If it does not go as it says.
    pub fn line(&mut self, line: &str) -> Result<(), String> {
        let line = dates_as_days(line.split('#').next().unwrap_or_default());
        let (line, expected) = line.split_once("=>").unwrap_or((&line, ""));
        let expected = expected.trim();
        if line.trim().is_empty() {
            return Ok(());
        }
        self.restart()?;
        let found = self.say(line)?;
        let fits = match expected {
            "" => found.is_empty() || found.starts_with("accepted"),
            "accepted" | "replayed" => found.split(':').next() == Some(expected),
            _ => found == expected,
        };
        if !fits {
            return Err(format!("found: {found}"));
        }
        let ledger = self.core.ledger();
        let checked = check_shard(ledger).and_then(|_| check_programme(&[ledger]));
        checked.map_err(|violation| violation.to_string())
    }

    /// Plays the command or the question of a line, and answers in the words of the tables.
    ///
    /// # Errors
    ///
    /// If the line makes no sense, or something was said again that was never said.
    pub fn say(&mut self, line: &str) -> Result<String, String> {
        let line = dates_as_days(line);
        let line = Line::new(&line);
        match line.word(0)?.as_str() {
            "wait" => self.now += millis(&line.word(1)?)?,
            "back" => self.now -= millis(&line.word(1)?)?,
            "clock" => {
                let midnight = line.number::<u64>(1)? * DAY_MILLIS - DAY_OFFSET_MILLIS;
                self.now = midnight + time_of_day(&line.word(2)?)?;
                self.base = self.now;
            }
            "restart" => {
                let ledger = self.replayed()?;
                self.grace = UnixMillis(self.now + millis(&line.word(1)?)?);
                self.core = ShardCore::new(ledger, self.grace);
            }
            "sweep" => {
                let count = self.core.expire_due(UnixMillis(self.now), usize::MAX);
                self.core.settle(UnixMillis(self.now));
                self.gather()?;
                return Ok(count.to_string());
            }
            "deeds" => {
                // The end of a day is nobody's story.
                let deeds = self.last.iter().map(|made| made.deed.to_owned());
                return Ok(one_by_one(deeds.filter(|deed| deed != "day-ended")));
            }
            "moves" => {
                let moves = self.last.iter().flat_map(|made| &made.moves);
                return Ok(one_by_one(moves.map(ToString::to_string)));
            }
            "balance" => return self.balance(&line),
            "lots" => return self.lots(&line),
            "member" => return self.member(&line),
            "account" => return self.account(&line),
            "state" => return self.state(&line),
            _ => {
                return match self.of_programme(&line)? {
                    Some(said) => Ok(said),
                    None => self.command(&line),
                };
            }
        }
        Ok(String::new())
    }

    /// The ledger replayed from what was recorded, which must have the live state.
    ///
    /// # Errors
    ///
    /// If it has another one.
    pub fn replayed(&self) -> Result<Ledger, String> {
        let mut ledger = Ledger::new(self.core.ledger().shard(), self.rules.clone());
        for record in &self.records {
            ledger.replay(record).map_err(|error| error.to_string())?;
            while ledger.take_aged().is_some() {}
        }
        if ledger.state_hash() == self.core.ledger().state_hash() {
            Ok(ledger)
        } else {
            Err("a replay gives another state".to_owned())
        }
    }

    /// What was recorded so far.
    #[must_use]
    pub fn records(&self) -> &[Vec<u8>] {
        &self.records
    }

    fn command(&mut self, line: &Line<'_>) -> Result<String, String> {
        let what = self.what(line)?;
        self.asks += 1;
        let fresh = format!("line-{}", self.asks);
        let ask = Ask {
            principal: line.option("by").unwrap_or_else(|| "app".to_owned()),
            id: line.option("id").unwrap_or(fresh),
            reference: line.option("ref"),
            metadata: line
                .option("note")
                .map(|note| vec![("note".to_owned(), line::filled(&note))]),
            what,
        };
        let found = heard(&self.core.submit(UnixMillis(self.now), &ask.request()));
        self.gather()?;
        self.met.count_heard(&ask, &found);
        match found {
            Heard::Declined(whys) => Ok(format!("declined: {}", reasons(&whys, self.base))),
            Heard::Recorded {
                answer,
                replayed: true,
            } => self.said_again(&ask, &answer),
            Heard::Recorded {
                answer,
                replayed: false,
            } => {
                if let Some(name) = line.option("as") {
                    self.name(name, &answer);
                }
                let words = words(&answer, self.base);
                self.said.push((ask, answer));
                Ok(words)
            }
        }
    }

    fn name(&mut self, name: String, answer: &Recorded) {
        if let Told::Held { hold, .. } = &answer.told {
            self.holds.insert(name.clone(), hold.clone());
        }
        let transaction = format!("t{}-{}", answer.shard, answer.seq);
        self.transactions.insert(name, transaction);
    }

    fn said_again(&self, ask: &Ask, answer: &Recorded) -> Result<String, String> {
        let before = self.said.iter().find(|(before, _)| {
            before.id == ask.id && before.principal == ask.principal && before.what == ask.what
        });
        match before {
            Some((_, said)) if said == answer => {
                Ok(format!("replayed: {}", words(answer, self.base)))
            }
            said => Err(format!("said again: {answer:?}\n  said before: {said:?}")),
        }
    }

    /// What is pending or owed is told if there is any.
    fn balance(&self, line: &Line<'_>) -> Result<String, String> {
        let wallet = self.wallet(line)?;
        let [available, held, pending, owed] = wallet.map_or([0; 4], |wallet| wallet.balance);
        let mut told = format!("{available} available, {held} held");
        for (points, name) in [(pending, "pending"), (owed, "owed")] {
            if points > 0 {
                told += &format!(", {points} {name}");
            }
        }
        Ok(told)
    }

    fn lots(&self, line: &Line<'_>) -> Result<String, String> {
        let lots = self.wallet(line)?.map(|wallet| wallet.lots);
        let lots = lots.unwrap_or_default();
        Ok(one_by_one(lots.iter().map(|(part, held)| match held {
            0 => part.to_string(),
            held => format!("{part} and {held} held"),
        })))
    }

    fn wallet(&self, line: &Line<'_>) -> Result<Option<WalletSeen>, String> {
        let member = line.word(1)?;
        let point_type = line.words.get(2).copied().unwrap_or("points");
        let id = MemberId::new(&member).unwrap();
        let view = reads::member(self.core.ledger(), &id);
        let view = view.ok_or_else(|| format!("{member} is not enrolled"))?;
        Ok(seen(&view)
            .into_iter()
            .find(|wallet| wallet.point_type == point_type))
    }

    fn member(&self, line: &Line<'_>) -> Result<String, String> {
        let id = MemberId::new(&line.word(1)?).unwrap();
        let member = self.core.ledger().member(&id);
        Ok(member
            .map_or("unknown", |member| member.state().name())
            .to_owned())
    }

    /// What a merchant gave out and took, and what of it was taken back.
    fn account(&self, line: &Line<'_>) -> Result<String, String> {
        let (id, ledger) = (line.word(1)?, self.core.ledger());
        let point_type = line.words.get(2).copied().unwrap_or("points");
        let merchant = ledger.merchant(&MerchantId::new(&id).unwrap());
        let merchant = merchant.ok_or_else(|| format!("{id} is not known"))?;
        let stripe = merchant.stripes.iter();
        let stripe = stripe
            .filter(|stripe| ledger.symbols().name(stripe.point_type) == point_type)
            .map(|stripe| {
                format!(
                    "issued {} less {}, accepted {} less {}",
                    stripe.issued,
                    stripe.issued_reversed,
                    stripe.accepted,
                    stripe.accepted_reversed
                )
            });
        Ok(one_by_one(stripe))
    }

    fn state(&self, line: &Line<'_>) -> Result<String, String> {
        let name = self.hold(&line.word(1)?);
        let id = HoldId::parse(&name).ok_or_else(|| format!("{name} is no hold"))?;
        let Some(view) = reads::hold(self.core.ledger(), id) else {
            return Ok("unknown".to_owned());
        };
        let (points, captured, released) = (view.points, view.captured, view.released);
        Ok(format!(
            "{}: {} of {} captured, {} released",
            view.state.name(),
            captured.get(),
            points.get(),
            released.get()
        ))
    }

    fn gather(&mut self) -> Result<(), String> {
        self.last.clear();
        while let Some(sealed) = self.core.seal() {
            for record in records(&sealed.body)? {
                let symbols = self.core.ledger().symbols();
                self.last.push(made(&entry(record)?, symbols));
                self.records.push(record.to_vec());
            }
        }
        Ok(())
    }
}

fn one_by_one(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    if all.is_empty() {
        "none".to_owned()
    } else {
        list(&all)
    }
}
