//! Tables in the language of the domain, and the one place that runs them.
//!
//! ```text
//! merchant M1
//! enrol    A1
//! earn     A1 M1 100 day=20800          => accepted: M1/20800 100
//! redeem   A1 M1 101                    => refused: insufficient_points 101 of 100
//! hold     A1 M1 60 as=H1 ttl=900       => accepted: until 900.000
//! capture  H1 20 more                   => accepted: captured 20, released 0
//! wait     901
//! expire                                => 1
//! balance  A1                           => 80 available, 0 held
//! ```
//!
//! Every line is a command or a question. Behind `=>` stands what must be heard; without it, a command must be
//! accepted. `accepted` alone fits every accepted answer, `replayed` every answer that is said again, and what is said
//! again must be what was said. Amounts after a code read "asked of allowed". Commands take `id=`, `by=`, `ref=` and
//! `note=`; without an id each line is a new request. `back 5` turns the clock back by seconds, `restart 10` goes on
//! with a ledger replayed from the entries, in which no hold expires for 10 seconds.

use std::collections::BTreeMap;

use jifen_engine::{
    ledger::{
        HoldId, Ledger, MemberId, PointType, Rules, ShardIndex, UnixMillis, invariants::check_shard,
    },
    reads,
    shard::ShardCore,
};

use crate::{
    ask::{Ask, What},
    coverage::Coverage,
    heard::{Heard, Recorded, Told, heard, seen, words},
    journaled::records,
};

/// When tables begin: 2026-09-21, in milliseconds. Times in them are seconds from here.
const START: u64 = 1_790_000_000_000;
const SHARD: ShardIndex = ShardIndex(0);

/// The rules of tables that do not say otherwise: two point types, and bounds that a table can reach.
#[must_use]
pub fn small_rules() -> Rules {
    Rules {
        point_types: ["points", "miles"]
            .map(|name| PointType::new(name).unwrap())
            .to_vec(),
        lots_per_wallet_max: 3,
        open_holds_per_member_max: 2,
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
    let mut play = Play::new(rules);
    for (number, line) in (1..).zip(table.lines()) {
        if let Err(what) = play.line(line) {
            panic!("line {number}: {}\n  {what}", line.trim());
        }
    }
    if let Err(what) = play.replayed() {
        panic!("at the end: {what}");
    }
    play.met
}

/// A table being played.
pub struct Play {
    rules: Rules,
    core: ShardCore<()>,
    records: Vec<Vec<u8>>,
    now: u64,
    asks: u32,
    /// What tables call holds, and what the engine calls them.
    holds: BTreeMap<String, String>,
    said: Vec<(Ask, Recorded)>,
    met: Coverage,
}

/// A line cut up: words in order, `key=value` by key.
struct Line<'a> {
    words: Vec<&'a str>,
    options: BTreeMap<&'a str, &'a str>,
}

impl<'a> Line<'a> {
    fn new(line: &'a str) -> Self {
        let (options, words): (Vec<_>, Vec<_>) =
            line.split_whitespace().partition(|word| word.contains('='));
        Self {
            words,
            options: options
                .into_iter()
                .filter_map(|option| option.split_once('='))
                .collect(),
        }
    }

    fn word(&self, place: usize) -> Result<String, String> {
        let word = self
            .words
            .get(place)
            .ok_or_else(|| format!("word {place} is missing"))?;
        Ok((*word).to_owned())
    }

    fn option(&self, key: &str) -> Option<String> {
        self.options.get(key).map(|value| (*value).to_owned())
    }

    fn number<T: std::str::FromStr>(&self, place: usize) -> Result<T, String> {
        parsed(&self.word(place)?)
    }

    fn numeric<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, String> {
        self.options.get(key).map(|value| parsed(value)).transpose()
    }
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

impl Play {
    /// A table that has not begun.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            core: ShardCore::new(Ledger::new(SHARD, rules.clone()), UnixMillis(0)),
            rules,
            records: Vec::new(),
            now: START,
            asks: 0,
            holds: BTreeMap::new(),
            said: Vec::new(),
            met: Coverage::default(),
        }
    }

    /// Plays one line.
    ///
    /// # Errors
    ///
    /// If it does not go as it says.
    pub fn line(&mut self, line: &str) -> Result<(), String> {
        let line = line.split('#').next().unwrap_or_default();
        let (line, expected) = line.split_once("=>").unwrap_or((line, ""));
        let expected = expected.trim();
        if line.trim().is_empty() {
            return Ok(());
        }
        let found = self.say(line)?;
        let fits = match expected {
            "" => found.is_empty() || found.starts_with("accepted"),
            "accepted" | "replayed" => found.split(':').next() == Some(expected),
            _ => found == expected,
        };
        if !fits {
            return Err(format!("found: {found}"));
        }
        check_shard(self.core.ledger())
            .map(drop)
            .map_err(|violation| violation.to_string())
    }

    /// Plays the command or the question of a line, and answers in the words of the tables.
    ///
    /// # Errors
    ///
    /// If the line makes no sense, or something was said again that was never said.
    pub fn say(&mut self, line: &str) -> Result<String, String> {
        let line = Line::new(line);
        match line.word(0)?.as_str() {
            "wait" => self.now += millis(&line.word(1)?)?,
            "back" => self.now -= millis(&line.word(1)?)?,
            "restart" => {
                let ledger = self.replayed()?;
                let grace = UnixMillis(self.now + millis(&line.word(1)?)?);
                self.core = ShardCore::new(ledger, grace);
            }
            "expire" => {
                let count = self.core.expire_due(UnixMillis(self.now), usize::MAX);
                self.gather()?;
                return Ok(count.to_string());
            }
            "balance" => return self.balance(&line),
            "lots" => return self.lots(&line),
            "state" => return self.state(&line),
            _ => return self.command(&line),
        }
        Ok(String::new())
    }

    /// The ledger replayed from what was recorded, which must have the live state.
    ///
    /// # Errors
    ///
    /// If it has another one.
    pub fn replayed(&self) -> Result<Ledger, String> {
        let mut ledger = Ledger::new(SHARD, self.rules.clone());
        for record in &self.records {
            ledger.replay(record).map_err(|error| error.to_string())?;
        }
        if ledger.state_hash() == self.core.ledger().state_hash() {
            Ok(ledger)
        } else {
            Err("a replay gives another state".to_owned())
        }
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
                .map(|note| vec![("note".to_owned(), filled(&note))]),
            what,
        };
        let found = heard(&self.core.submit(UnixMillis(self.now), &ask.request()));
        self.gather()?;
        self.met.count_heard(&ask, &found);
        match found {
            Heard::Declined(whys) => Ok(format!("declined: {}", crate::heard::list(&whys))),
            Heard::Recorded {
                answer,
                replayed: true,
            } => {
                let before = self.said.iter().find(|(before, _)| {
                    before.id == ask.id
                        && before.principal == ask.principal
                        && before.what == ask.what
                });
                match before {
                    Some((_, said)) if *said == answer => {
                        Ok(format!("replayed: {}", words(&answer.told, START)))
                    }
                    said => Err(format!("said again: {answer:?}\n  said before: {said:?}")),
                }
            }
            Heard::Recorded {
                answer,
                replayed: false,
            } => {
                if let (Told::Held { hold, .. }, Some(name)) = (&answer.told, line.option("as")) {
                    self.holds.insert(name, hold.clone());
                }
                let words = words(&answer.told, START);
                self.said.push((ask, answer));
                Ok(words)
            }
        }
    }

    fn what(&self, line: &Line<'_>) -> Result<What, String> {
        let point_type = line.option("type").unwrap_or_else(|| "points".to_owned());
        Ok(match line.word(0)?.as_str() {
            "merchant" => What::PutMerchant {
                merchant: line.word(1)?,
                name: line.option("name").unwrap_or_else(|| "A shop".to_owned()),
            },
            "enrol" => {
                let common = ["id", "by", "ref", "note"];
                let own = line.options.iter().filter(|(key, _)| !common.contains(key));
                let own: Vec<_> = own
                    .map(|(key, value)| ((*key).to_owned(), filled(value)))
                    .collect();
                What::Enrol {
                    member: line.word(1)?,
                    attributes: (!own.is_empty()).then_some(own),
                }
            }
            "earn" => What::Earn {
                member: line.word(1)?,
                merchant: line.word(2)?,
                points: line.number(3)?,
                point_type,
                last_day: line.numeric("day")?,
                class: line
                    .option("class")
                    .unwrap_or_else(|| "ordinary".to_owned()),
                order: line.option("order"),
                at: self.moment(line)?,
            },
            "redeem" => What::Redeem {
                member: line.word(1)?,
                merchant: line.word(2)?,
                points: line.number(3)?,
                point_type,
                used_for: line.option("use"),
                order: line.option("order"),
                cash: line.numeric("cash")?,
            },
            "hold" => What::Hold {
                member: line.word(1)?,
                merchant: line.word(2)?,
                points: line.number(3)?,
                point_type,
                used_for: line.option("use"),
                order: line.option("order"),
                ttl_seconds: line.numeric("ttl")?.unwrap_or(900),
            },
            "capture" => What::Capture {
                hold: self.hold(&line.word(1)?),
                points: line
                    .words
                    .get(2)
                    .filter(|word| **word != "more")
                    .map(|p| parsed(p))
                    .transpose()?,
                last: line.words.last() != Some(&"more"),
            },
            "release" => What::Release {
                hold: self.hold(&line.word(1)?),
            },
            verb => return Err(format!("{verb} is no command")),
        })
    }

    /// `at=-5` is five seconds ago, `at=+5` in five seconds.
    fn moment(&self, line: &Line<'_>) -> Result<Option<u64>, String> {
        let Some(seconds) = line.numeric::<i64>("at")? else {
            return Ok(None);
        };
        Ok(self.now.checked_add_signed(seconds * 1_000))
    }

    fn hold(&self, name: &str) -> String {
        self.holds
            .get(name)
            .cloned()
            .unwrap_or_else(|| name.to_owned())
    }

    fn balance(&self, line: &Line<'_>) -> Result<String, String> {
        let wallet = self.wallet(line)?;
        let (available, held) = wallet.map_or((0, 0), |wallet| (wallet.available, wallet.held));
        Ok(format!("{available} available, {held} held"))
    }

    fn lots(&self, line: &Line<'_>) -> Result<String, String> {
        let lots = self
            .wallet(line)?
            .map(|wallet| wallet.lots)
            .unwrap_or_default();
        let lots: Vec<String> = lots
            .iter()
            .map(|(part, held)| match held {
                0 => part.to_string(),
                held => format!("{part} and {held} held"),
            })
            .collect();
        Ok(if lots.is_empty() {
            "none".to_owned()
        } else {
            lots.join(", ")
        })
    }

    fn wallet(&self, line: &Line<'_>) -> Result<Option<crate::heard::WalletSeen>, String> {
        let member = line.word(1)?;
        let point_type = line.words.get(2).copied().unwrap_or("points");
        let id = MemberId::new(&member).unwrap();
        let view = reads::member(self.core.ledger(), &id);
        let view = view.ok_or_else(|| format!("{member} is not enrolled"))?;
        Ok(seen(&view)
            .into_iter()
            .find(|wallet| wallet.point_type == point_type))
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
        if let Some(sealed) = self.core.seal() {
            self.records
                .extend(records(&sealed.body)?.into_iter().map(<[u8]>::to_vec));
        }
        Ok(())
    }
}

/// `x*600` is a text of 600 characters.
fn filled(text: &str) -> String {
    match text.split_once('*') {
        Some((piece, times)) => piece.repeat(times.parse().unwrap_or(1)),
        None => text.to_owned(),
    }
}

/// Seconds with up to three decimals, in milliseconds.
fn millis(seconds: &str) -> Result<u64, String> {
    let (whole, rest) = seconds.split_once('.').unwrap_or((seconds, ""));
    let rest: u64 = parsed(&format!("{rest:0<3}"))?;
    Ok(parsed::<u64>(whole)? * 1_000 + rest)
}
