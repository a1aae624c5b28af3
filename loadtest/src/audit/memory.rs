//! What one worker was told, in bounded memory: sums of everything, a sample of full answers, and every command of which it
//! was not told what became of it.

use compact_str::{CompactString, ToCompactString};
use hyper::StatusCode;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::fingerprint::Heard;
use super::record::{Record, RequestNumber};
use super::sample::Sample;
use super::sums::Sums;
use crate::names::RunRequestIds;
use crate::session::{Asked, Sent};
use crate::settings::Settings;

/// Full answers of a whole run, over all workers: 64 MiB. Of a longer run a sample is kept.
const RECORDS_MAX: usize = 1 << 21;
/// Commands of a worker whose answers were lost. More than that, and the points of the run cannot be judged.
const LOST_MAX: usize = 1 << 17;
/// Oddities of which there is something to say; the others are only counted.
const NOTED_MAX: usize = 10;

/// A command that may have been carried out.
#[derive(Clone, Debug)]
pub(crate) struct Lost {
    pub(crate) request: RequestNumber,
    pub(crate) asked: Asked,
}

/// How a request came to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Sent once. If the answer is a replay, somebody has used its id before this run.
    First,
    /// Sent again, because nothing was heard: a replay may be of the first time.
    Again,
}

/// The time of the server's first and last answer, as it wrote them; its clock need not be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) first: CompactString,
    pub(crate) last: CompactString,
}

/// What was told.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub(crate) sums: Sums,
    pub(crate) records: Sample<Record>,
    pub(crate) lost: Vec<Lost>,
    /// Lost ones for which there was no room.
    pub(crate) forgotten: u64,
    /// First answers that say that they are not the first.
    pub(crate) used_before: Noted,
    /// Answers that name a command.
    pub(crate) named: u64,
    /// Those that name another than the one that was asked.
    pub(crate) misnamed: Noted,
    pub(crate) period: Option<Period>,
    ids: RunRequestIds,
}

/// What is odd: how often, and what there is to say of the first ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) total: u64,
    pub(crate) first: Vec<String>,
}

impl Noted {
    fn add(&mut self, sentence: impl FnOnce() -> String) {
        self.total += 1;
        if self.first.len() < NOTED_MAX {
            self.first.push(sentence());
        }
    }

    fn merge(&mut self, other: Self) {
        self.total += other.total;
        self.first.extend(other.first);
        self.first.truncate(NOTED_MAX);
    }
}

/// What an answer means for the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Accepted,
    /// No, and it will be no for ever.
    Refused,
    /// It binds nothing.
    Nothing,
    Unknown,
}

impl Memory {
    /// Of one of so many workers; `None` if nobody will ask.
    pub(crate) fn new(settings: &Settings) -> Option<Self> {
        let price = settings.sale.map_or(0, |sale| sale.price_points);
        settings.is_audited().then(|| Self {
            sums: Sums::new(settings.members, price),
            records: Sample::new(RECORDS_MAX / settings.threads as usize),
            lost: Vec::new(),
            forgotten: 0,
            used_before: Noted::default(),
            named: 0,
            misnamed: Noted::default(),
            period: None,
            ids: RunRequestIds::new(settings.seed, &settings.run_id),
        })
    }

    /// Takes note of the answer to a request, or that there is none.
    pub(crate) fn hear_request(
        &mut self,
        sent: &Sent,
        in_array: bool,
        answer: Option<(StatusCode, &[u8])>,
        attempt: Attempt,
    ) {
        let Some((status, body)) = answer else {
            return self.lost(sent);
        };
        if in_array && status == StatusCode::OK {
            let mut given = 0;
            for_each_heard(body, |heard| {
                if let Some(asked) = sent.commands.get(given) {
                    let meaning = in_words(&heard);
                    self.hear(number(sent, given), asked, meaning, &heard, attempt);
                }
                given += 1;
            });
            for (place, asked) in sent.commands.iter().enumerate().skip(given) {
                self.lose(number(sent, place), asked);
            }
            return;
        }
        let heard = serde_json::from_slice::<Heard<'_>>(body).unwrap_or_default();
        let meaning = match in_status(status, &heard) {
            Meaning::Accepted | Meaning::Refused if in_array => Meaning::Nothing,
            meaning => meaning,
        };
        for (place, asked) in sent.commands.iter().enumerate() {
            self.hear(number(sent, place), asked, meaning, &heard, attempt);
        }
    }

    /// The request was sent, or half sent, and there is no answer.
    pub(crate) fn lost(&mut self, sent: &Sent) {
        for (place, asked) in sent.commands.iter().enumerate() {
            self.lose(number(sent, place), asked);
        }
    }

    pub(crate) fn hear(
        &mut self,
        request: RequestNumber,
        asked: &Asked,
        meaning: Meaning,
        heard: &Heard<'_>,
        attempt: Attempt,
    ) {
        let RequestNumber { connection, number } = request;
        if let Some(id) = heard.id {
            self.named += 1;
            if !self.ids.is(connection, number, id) {
                self.misnamed.add(|| {
                    let asked = self.ids.name(connection, number);
                    format!("{asked} was asked, and the answer to it is that to {id}")
                });
            }
        }
        let accepted = match meaning {
            Meaning::Accepted => true,
            Meaning::Refused => false,
            Meaning::Nothing => return,
            Meaning::Unknown => return self.lose(request, asked),
        };
        if heard.replayed && attempt == Attempt::First {
            self.used_before.add(|| {
                let (word, id) = (asked.operation().word(), self.ids.name(connection, number));
                format!("{word} {id} was sent for the first time, and answered as if it had been there before")
            });
        } else {
            if accepted {
                self.sums.add(asked, heard.captured, heard.released);
            }
            self.note_time(heard);
        }
        let record = Record::new(request, asked, accepted, heard.fingerprint(accepted));
        if let Some(record) = record {
            self.records.offer(record);
        }
    }

    fn note_time(&mut self, heard: &Heard<'_>) {
        let Some(at) = heard.at else { return };
        match &mut self.period {
            None => {
                self.period = Some(Period {
                    first: at.to_compact_string(),
                    last: at.to_compact_string(),
                });
            }
            // All of them are UTC with milliseconds, so that their order is that of their letters.
            Some(period) => {
                if at > period.last.as_str() {
                    period.last = at.to_compact_string();
                } else if at < period.first.as_str() {
                    period.first = at.to_compact_string();
                }
            }
        }
    }

    fn lose(&mut self, request: RequestNumber, asked: &Asked) {
        if self.lost.len() < LOST_MAX {
            self.lost.push(Lost {
                request,
                asked: asked.clone(),
            });
        } else {
            self.forgotten += 1;
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.sums.merge(&other.sums);
        self.records.merge(other.records);
        self.lost.extend(other.lost);
        self.forgotten += other.forgotten;
        self.used_before.merge(other.used_before);
        self.named += other.named;
        self.misnamed.merge(other.misnamed);
        if let Some(theirs) = other.period {
            let ours = self.period.get_or_insert_with(|| theirs.clone());
            ours.first = ours.first.clone().min(theirs.first);
            ours.last = ours.last.clone().max(theirs.last);
        }
    }

    /// How much memory it takes.
    pub(crate) const fn bytes(&self) -> usize {
        self.sums.bytes() + self.records.bytes() + self.lost.capacity() * size_of::<Lost>()
    }
}

const fn number(sent: &Sent, place: usize) -> RequestNumber {
    RequestNumber {
        connection: sent.connection,
        number: sent.first + place as u64,
    }
}

/// What an answer object in an array means. A refusal that is recorded binds its id; the others bind nothing.
pub(crate) fn in_words(heard: &Heard<'_>) -> Meaning {
    match (heard.status, heard.code) {
        (Some("accepted"), _) => Meaning::Accepted,
        (_, Some("outcome_unknown" | "unavailable" | "request_in_flight")) => Meaning::Unknown,
        (Some("refused"), _) if heard.is_recorded => Meaning::Refused,
        (Some("refused"), Some(_)) => Meaning::Nothing,
        _ => Meaning::Unknown,
    }
}

/// What an answer with a status of its own means.
fn in_status(status: StatusCode, heard: &Heard<'_>) -> Meaning {
    match status {
        StatusCode::OK | StatusCode::CREATED => Meaning::Accepted,
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY if heard.is_recorded => {
            Meaning::Refused
        }
        StatusCode::CONFLICT if heard.code == Some("request_in_flight") => Meaning::Unknown,
        // The last two are our own: the message did not come into the queue.
        StatusCode::SERVICE_UNAVAILABLE
            if matches!(
                heard.code,
                Some("overloaded" | "queue_refused" | "queue_away")
            ) =>
        {
            Meaning::Nothing
        }
        // 408 too: whoever cannot tell what it has done has perhaps done it.
        StatusCode::REQUEST_TIMEOUT => Meaning::Unknown,
        status if status.is_client_error() => Meaning::Nothing,
        _ => Meaning::Unknown,
    }
}

/// Hands the answers of an array to `each`, one by one. What cannot be read was not heard.
pub(crate) fn for_each_heard<'a>(body: &'a [u8], each: impl FnMut(Heard<'a>)) {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let _ = Each(each).deserialize(&mut deserializer);
}

struct Each<F>(F);

impl<'de, F: FnMut(Heard<'de>)> DeserializeSeed<'de> for Each<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Heard<'de>)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of answers")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut answers: A) -> Result<(), A::Error> {
        while let Some(heard) = answers.next_element()? {
            (self.0)(heard);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{Member, Merchant};
    use crate::workload::{Drawn, Movement, Operation};

    const EARN: Drawn = Drawn::Movement(
        Operation::Earn,
        Movement {
            member: Member(1),
            merchant: Merchant(2),
            points: 10,
        },
    );

    fn memory() -> Memory {
        let target = "http://localhost:1".parse().expect("a target");
        let settings = Settings::canonical(target, "k".parse().expect("a key"));
        Memory::new(&settings).expect("an audit is the default")
    }

    fn sent(commands: usize) -> Sent {
        Sent {
            connection: 3,
            first: 40,
            commands: vec![Asked::Drawn(EARN); commands],
        }
    }

    /// Available points of the member, answers remembered, answers lost.
    fn told(memory: &Memory) -> (i64, u64, usize) {
        let available = memory.sums.touched().map(|(_, change)| change.available);
        (available.sum(), memory.records.offered(), memory.lost.len())
    }

    #[test]
    fn each_answer_of_an_array_means_what_it_says() {
        let body = br#"[
            {"status":"accepted","offset":"1:1","at":"2026-01-01T00:00:00.002Z"},
            {"status":"refused","code":"insufficient_points","offset":"1:2","at":"2026-01-01T00:00:00.001Z"},
            {"status":"refused","code":"sold_out"},
            {"status":"refused","code":"outcome_unknown"},
            {"status":"accepted","offset":"1:3","replayed":true}
        ]"#;
        let mut first = memory();
        let answer = Some((StatusCode::OK, &body[..]));
        first.hear_request(&sent(6), true, answer, Attempt::First);
        // The replay was carried out before this run; the sixth was not answered.
        assert_eq!((told(&first), first.used_before.total), ((10, 3, 2), 1));
        let numbers: Vec<u64> = first.lost.iter().map(|lost| lost.request.number).collect();
        assert_eq!(numbers, [43, 45]);
        let period = first.period.clone().expect("times");
        assert_eq!(
            (period.first.as_str(), period.last.as_str()),
            ("2026-01-01T00:00:00.001Z", "2026-01-01T00:00:00.002Z")
        );

        let mut again = memory();
        again.hear_request(&sent(5), true, answer, Attempt::Again);
        assert_eq!((told(&again), again.used_before.total), ((20, 3, 1), 0));
        again.merge(first);
        assert_eq!((told(&again), again.used_before.total), ((30, 6, 3), 1));
    }

    #[test]
    fn a_status_of_its_own_means_what_it_says() {
        let recorded = r#"{"code":"c","offset":"1:1"}"#;
        let code = |code: &str| format!(r#"{{"code":"{code}"}}"#);
        let cases = [
            (201, recorded.to_owned(), (10, 1, 0)),
            (422, recorded.to_owned(), (0, 1, 0)),
            (409, code("sold_out"), (0, 0, 0)),
            (409, code("request_in_flight"), (0, 0, 1)),
            (404, code("member_not_found"), (0, 0, 0)),
            (408, code("request_timeout"), (0, 0, 1)),
            (429, code("rate_limited"), (0, 0, 0)),
            (500, "oops".to_owned(), (0, 0, 1)),
            (503, code("overloaded"), (0, 0, 0)),
            (503, code("outcome_unknown"), (0, 0, 1)),
        ];
        for (status, body, expected) in cases {
            let mut memory = memory();
            let status = StatusCode::from_u16(status).expect("a status");
            memory.hear_request(
                &sent(1),
                false,
                Some((status, body.as_bytes())),
                Attempt::First,
            );
            assert_eq!(told(&memory), expected, "{status} {body}");
        }
        let mut memory = memory();
        memory.hear_request(&sent(2), false, None, Attempt::First);
        assert_eq!(told(&memory), (0, 0, 2));
    }
}
