//! Lines of tables, and the commands that they mean.

use std::collections::BTreeMap;

use jifen_engine::ledger::UnixMillis;

use super::Play;
use crate::{ask::What, civil::day};

/// A line cut up: words in order, `key=value` by key.
pub(super) struct Line<'a> {
    pub(super) words: Vec<&'a str>,
    options: BTreeMap<&'a str, &'a str>,
}

impl<'a> Line<'a> {
    pub(super) fn new(line: &'a str) -> Self {
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

    pub(super) fn word(&self, place: usize) -> Result<String, String> {
        let word = self
            .words
            .get(place)
            .ok_or_else(|| format!("word {place} is missing"))?;
        Ok((*word).to_owned())
    }

    pub(super) fn option(&self, key: &str) -> Option<String> {
        self.options.get(key).map(|value| (*value).to_owned())
    }

    pub(super) fn number<T: std::str::FromStr>(&self, place: usize) -> Result<T, String> {
        parsed(&self.word(place)?)
    }

    fn numeric<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, String> {
        self.options.get(key).map(|value| parsed(value)).transpose()
    }

    /// A word that may be missing.
    fn maybe_number(&self, place: usize) -> Result<Option<u64>, String> {
        self.words.get(place).map(|word| parsed(word)).transpose()
    }

    fn reason(&self) -> String {
        self.option("reason").unwrap_or_else(|| "asked".to_owned())
    }
}

pub(super) fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

impl Play {
    pub(super) fn what(&self, line: &Line<'_>) -> Result<What, String> {
        let point_type = line.option("type").unwrap_or_else(|| "points".to_owned());
        Ok(match line.word(0)?.as_str() {
            "merchant" => What::PutMerchant {
                merchant: line.word(1)?,
                name: line.option("name").unwrap_or_else(|| "A shop".to_owned()),
            },
            "enrol" => {
                let shared = ["id", "by", "ref", "note", "as"];
                let own = line.options.iter().filter(|(key, _)| !shared.contains(key));
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
                at: self.moment(line, "at")?,
                releases_at: self.moment(line, "release")?,
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
            "reverse" => What::Reverse {
                transaction: self.transaction(&line.word(1)?),
                points: line.maybe_number(2)?,
                reason: line.option("reason"),
            },
            verb => self.lifecycle(verb, line, point_type)?,
        })
    }

    fn lifecycle(&self, verb: &str, line: &Line<'_>, point_type: String) -> Result<What, String> {
        let (member, reason) = (line.word(1)?, line.reason());
        Ok(match verb {
            "adjust" => {
                let points: i64 = line.number(2)?;
                What::Adjust {
                    member,
                    up: points > 0,
                    points: points.unsigned_abs(),
                    point_type,
                    reason,
                }
            }
            "freeze" => What::Freeze { member, reason },
            "unfreeze" => What::Unfreeze { member, reason },
            "close" => What::Close { member, reason },
            "erase" => What::Erase { member },
            verb => return Err(format!("{verb} is no command")),
        })
    }

    fn moment(&self, line: &Line<'_>, key: &str) -> Result<Option<u64>, String> {
        Ok(moment(self.now, line, key)?.map(|at| at.0))
    }

    pub(super) fn hold(&self, name: &str) -> String {
        let known = self.holds.get(name).cloned();
        known.unwrap_or_else(|| name.to_owned())
    }

    pub(super) fn transaction(&self, name: &str) -> String {
        let known = self.transactions.get(name).cloned();
        known.unwrap_or_else(|| name.to_owned())
    }
}

/// `at=-5` is five seconds ago, `at=+5` in five seconds.
pub(super) fn moment(now: u64, line: &Line<'_>, key: &str) -> Result<Option<UnixMillis>, String> {
    let Some(seconds) = line.numeric::<i64>(key)? else {
        return Ok(None);
    };
    Ok(now.checked_add_signed(seconds * 1_000).map(UnixMillis))
}

/// `x*600` is a text of 600 characters.
pub(super) fn filled(text: &str) -> String {
    match text.split_once('*') {
        Some((piece, times)) => piece.repeat(times.parse().unwrap_or(1)),
        None => text.to_owned(),
    }
}

/// Seconds with up to three decimals, in milliseconds.
pub(super) fn millis(seconds: &str) -> Result<u64, String> {
    let (whole, rest) = seconds.split_once('.').unwrap_or((seconds, ""));
    let rest: u64 = parsed(&format!("{rest:0<3}"))?;
    Ok(parsed::<u64>(whole)? * 1_000 + rest)
}

/// `23:59:59.999` in milliseconds behind midnight.
pub(super) fn time_of_day(text: &str) -> Result<u64, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let [hours, minutes, seconds] = parts[..] else {
        return Err(format!("{text} is no time of day"));
    };
    let (hours, minutes): (u64, u64) = (parsed(hours)?, parsed(minutes)?);
    Ok((hours * 60 + minutes) * 60_000 + millis(seconds)?)
}

/// The line with every date in it written as the day's number.
pub(super) fn dates_as_days(line: &str) -> String {
    let mut written = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let in_number = written.ends_with(|c: char| c.is_ascii_digit());
        let date = rest.get(..10).filter(|_| !in_number).and_then(day);
        let (piece, length) = match date {
            Some(day) => (day.to_string(), 10),
            None => (first.to_string(), first.len_utf8()),
        };
        written += &piece;
        rest = &rest[length..];
    }
    written
}
