//! Every acknowledged command is present once, with the same answer: sent again it is a replay of what was said. Some captures
//! are looked up by their request ids, so that this door is tried too, and those whose hold is not known by name.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use hyper::Method;
use serde_json::value::RawValue;

use super::again::{ARRAY, Again};
use super::asking::{AskError, Asker, for_each};
use super::fingerprint::Heard;
use super::memory::for_each_heard;
use super::record::{HoldHash, Record};
use super::report::Check;
use super::sample::Sample;
use crate::names::{HoldId, Merchant};
use crate::progress::AuditProgress;
use crate::session::Asked;
use crate::settings::Settings;
use crate::workload::Movement;

/// How much of an answer is shown.
const SHOWN_MAX: usize = 300;
/// Captures that are looked up in any case.
const LOOKED_UP: usize = 1_000;

/// The names of holds by what is remembered of them.
type Holds = HashMap<HoldHash, HoldId>;

/// Compares what is remembered with what is said now. A command that the server has forgotten is carried out again here, so
/// this comes after everything else.
pub(crate) async fn compare(
    settings: &Settings,
    records: Sample<Record>,
) -> Result<Check, AskError> {
    let mut check = Check::new("answers", records.offered());
    let progress = AuditProgress::start("answers", records.kept().len() as u64);
    let (mut captures, others): (Vec<Record>, Vec<Record>) = records
        .into_kept()
        .into_iter()
        .partition(|record| record.hold().is_some());
    let mut looked_up = captures.split_off(captures.len().saturating_sub(LOOKED_UP));
    let mut round = Round {
        again: Again::new(settings),
        progress,
        wanted: captures.iter().filter_map(Record::hold).collect(),
        holds: Holds::new(),
    };
    // The answers to the holds, which come first, tell their names.
    let holds = round
        .clone()
        .ask_all(settings, send_again(&others), &mut check)
        .await?;
    drop(others);
    round.wanted.clear();
    round.holds = holds;
    let is_known = |record: &Record| {
        record
            .hold()
            .is_some_and(|hold| round.holds.contains_key(&hold))
    };
    let (captures, unknown): (Vec<Record>, Vec<Record>) = captures.into_iter().partition(is_known);
    looked_up.extend(unknown);
    let mut questions = send_again(&captures);
    questions.extend(looked_up.into_iter().map(Question::LookUp));
    round
        .clone()
        .ask_all(settings, questions, &mut check)
        .await?;
    round.progress.finish();
    Ok(check)
}

enum Question {
    SendAgain(Vec<Record>),
    LookUp(Record),
}

fn send_again(records: &[Record]) -> Vec<Question> {
    let arrays = records.chunks(ARRAY);
    arrays
        .map(|some| Question::SendAgain(some.to_vec()))
        .collect()
}

/// What those who ask have in common.
#[derive(Clone, Debug)]
struct Round {
    again: Again,
    progress: AuditProgress,
    /// Holds whose names will be needed.
    wanted: HashSet<HoldHash>,
    /// Holds whose names are known.
    holds: Holds,
}

/// What came of one question: of each command what is wrong with it, if anything.
#[derive(Default)]
struct Said {
    wrong: Vec<Option<String>>,
    holds: Vec<(HoldHash, HoldId)>,
}

impl Round {
    /// Tells which holds were named.
    async fn ask_all(
        self,
        settings: &Settings,
        questions: Vec<Question>,
        check: &mut Check,
    ) -> Result<Holds, AskError> {
        let round = Arc::new(self);
        let questions = questions
            .into_iter()
            .map(|question| (question, Arc::clone(&round)));
        let hidden = AuditProgress::hidden();
        let mut holds = Holds::new();
        for said in for_each(settings, &hidden, questions.collect(), ask).await? {
            said.wrong.into_iter().for_each(|wrong| check.one(wrong));
            holds.extend(said.holds);
        }
        Ok(holds)
    }

    fn asked(&self, record: &Record) -> Option<Asked> {
        if let Some(drawn) = record.drawn() {
            return Some(Asked::Drawn(drawn));
        }
        // A capture names its hold and nothing else.
        let movement = Movement {
            member: record.member(),
            merchant: Merchant(0),
            points: 0,
        };
        let hold = self.holds.get(&record.hold()?)?;
        Some(Asked::Capture(hold.clone(), movement))
    }
}

async fn ask(
    asker: &mut Asker,
    (question, round): &(Question, Arc<Round>),
) -> Result<Said, AskError> {
    let said = match question {
        Question::SendAgain(records) => round.send_again(asker, records).await?,
        Question::LookUp(record) => Said {
            wrong: vec![look_up(asker, &round.again, record).await?],
            ..Said::default()
        },
    };
    round.progress.add(said.wrong.len() as u64);
    Ok(said)
}

impl Round {
    async fn send_again(&self, asker: &mut Asker, records: &[Record]) -> Result<Said, AskError> {
        let commands: Vec<(_, Asked)> = records
            .iter()
            .filter_map(|record| Some((record.request(), self.asked(record)?)))
            .collect();
        let commands = commands.iter().map(|(request, asked)| (*request, asked));
        let array = self.again.array(commands);
        let (_, body) = asker.ask(Method::POST, "/v1/commands", array).await?;
        let mut said = Said {
            wrong: Vec::with_capacity(records.len()),
            holds: Vec::new(),
        };
        for_each_heard(body, |heard| {
            let place = said.wrong.len();
            let Some(record) = records.get(place) else {
                return;
            };
            let now = || nth(body, place);
            said.wrong.push(judge(record, &self.again, &heard, now));
            let hold = heard
                .hold
                .and_then(HoldId::new)
                .map(|hold| (HoldHash::of(&hold), hold));
            said.holds
                .extend(hold.filter(|(hash, _)| self.wanted.contains(hash)));
        });
        for record in &records[said.wrong.len()..] {
            let told = told(record, &self.again);
            said.wrong
                .push(Some(format!("{told}; sent again, it got no answer")));
        }
        Ok(said)
    }
}

async fn look_up(
    asker: &mut Asker,
    again: &Again,
    record: &Record,
) -> Result<Option<String>, AskError> {
    let (member, id) = (record.member().name(), again.id(record.request()));
    let path = format!("/v1/members/{member}/requests/{id}");
    let (_, body) = asker.ask(Method::GET, &path, Bytes::new()).await?;
    let heard = serde_json::from_slice::<Heard<'_>>(body).unwrap_or_default();
    Ok(judge(record, again, &heard, || shown(body)))
}

fn judge(
    record: &Record,
    again: &Again,
    heard: &Heard<'_>,
    now: impl FnOnce() -> String,
) -> Option<String> {
    let same = heard.fingerprint(record.accepted()) == record.fingerprint();
    let status = if record.accepted() {
        "accepted"
    } else {
        "refused"
    };
    let other = heard.id.filter(|id| *id != again.id(record.request()));
    if heard.replayed && same && heard.status == Some(status) && other.is_none() {
        return None;
    }
    let told = told(record, again);
    if let Some(other) = other {
        return Some(format!("{told}, but the answer to it is that to {other}"));
    }
    Some(match heard.code {
        Some("request_not_found") => format!("{told}, but the server does not know it any more"),
        _ if !heard.replayed => {
            format!(
                "{told}, but sent again it was not known: the answer is a new one, {}",
                now()
            )
        }
        _ => format!("{told}, but the answer to it is another now: {}", now()),
    })
}

fn told(record: &Record, again: &Again) -> String {
    format!(
        "{} {} of member {} was {}",
        record.operation().word(),
        again.id(record.request()),
        record.member().name(),
        if record.accepted() {
            "accepted"
        } else {
            "refused"
        },
    )
}

/// An answer of an array, as it was written.
fn nth(body: &[u8], place: usize) -> String {
    let answers: Vec<&RawValue> = serde_json::from_slice(body).unwrap_or_default();
    answers
        .get(place)
        .map_or_else(String::new, |answer| shown(answer.get().as_bytes()))
}

fn shown(answer: &[u8]) -> String {
    String::from_utf8_lossy(&answer[..answer.len().min(SHOWN_MAX)]).into_owned()
}
