//! What one connection says next, and what it makes of the answer.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use hyper::header::HeaderValue;
use hyper::{StatusCode, Uri};

use crate::answer::{self, Outcome};
use crate::command::{self, Array};
use crate::names::{HoldId, RequestIds, SkuNames};
use crate::replay::Tape;
use crate::resend::Resend;
use crate::settings::Settings;
use crate::tally::{Answered, Outcomes, PerOperation};
use crate::workload::{Draw, Drawn, Movement, Operation, Reservation};

/// A request, ready to send by POST, or as a message of which only the body counts.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) uri: Uri,
    /// The `Idempotency-Key`; the commands of an array carry their own ids.
    pub(crate) key: Option<HeaderValue>,
    pub(crate) body: Bytes,
}

/// What is remembered of a command in flight.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Drawn(Drawn),
    /// Of a hold, which this movement made.
    Capture(HoldId, Movement),
    /// From a file. Nothing more is known of it.
    Replayed(Operation),
}

impl Asked {
    pub(crate) const fn operation(&self) -> Operation {
        match self {
            Self::Drawn(drawn) => drawn.operation(),
            Self::Capture(..) => Operation::Capture,
            Self::Replayed(operation) => *operation,
        }
    }

    pub(crate) const fn reservation(&self) -> Option<Reservation> {
        match self {
            Self::Drawn(Drawn::Reservation(reservation)) => Some(*reservation),
            Self::Drawn(Drawn::Movement(..) | Drawn::Handover(_))
            | Self::Capture(..)
            | Self::Replayed(_) => None,
        }
    }
}

/// A request in flight: which commands, and under which ids.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) connection: u32,
    /// The number of the first request id; the others follow it.
    pub(crate) first: u64,
    pub(crate) commands: Vec<Asked>,
}

impl Sent {
    pub(crate) fn per_operation(&self) -> PerOperation {
        let mut counts = PerOperation::default();
        for asked in &self.commands {
            counts[asked.operation() as usize] += 1;
        }
        counts
    }
}

/// The dialogue of one connection: the draw, the request ids, and the holds that are still to be captured.
#[derive(Debug)]
pub(crate) struct Session {
    draw: Draw,
    ids: RequestIds,
    skus: SkuNames,
    batch: usize,
    noop: bool,
    /// Whether what is sent goes through the queue, where a command says itself what it is.
    by_queue: bool,
    /// Holds answered on this connection, oldest first. Their number is bounded by the commands of one request: the next
    /// request takes them before it draws anything.
    holds: VecDeque<(HoldId, Movement)>,
    sent: Sent,
    /// Where the commands come from that are not drawn.
    tape: Option<Arc<Tape>>,
    resend: Resend,
    /// Where requests are written. Once the last request is sent and dropped its memory is used again.
    buffer: BytesMut,
}

impl Session {
    pub(crate) fn new(settings: &Settings, connection: u32) -> Self {
        Self {
            draw: Draw::new(settings.seed, connection, settings.mix, settings.into()),
            skus: SkuNames::new(&settings.run_id),
            ids: RequestIds::new(settings.seed, &settings.run_id, connection),
            batch: settings.batch as usize,
            noop: settings.noop || settings.dry,
            by_queue: settings.mq.is_some(),
            tape: None,
            resend: Resend::new(settings.seed, connection, settings.resend),
            holds: VecDeque::new(),
            sent: Sent {
                connection,
                first: 0,
                commands: Vec::with_capacity(settings.batch as usize),
            },
            buffer: BytesMut::new(),
        }
    }

    /// The same with commands from a file.
    pub(crate) fn replaying(self, tape: Option<Arc<Tape>>) -> Self {
        Self { tape, ..self }
    }

    /// Whether the request in flight had been sent, and answered, before. What is said of it is then nothing new.
    pub(crate) const fn is_again(&self) -> bool {
        self.resend.is_again()
    }

    /// How many commands the request in flight carries.
    pub(crate) fn commands(&self) -> u64 {
        self.sent.commands.len() as u64
    }

    /// The request in flight.
    pub(crate) const fn sent(&self) -> &Sent {
        &self.sent
    }

    /// Gives the request in flight to whoever has to answer for it if this session is given up; see [`Self::take_back`].
    pub(crate) fn lend(&mut self) -> Sent {
        std::mem::take(&mut self.sent)
    }

    /// The other half of [`Self::lend`]; nothing else is done in between.
    pub(crate) fn take_back(&mut self, sent: Sent) {
        self.sent = sent;
    }

    /// Makes the next request; `None` when a file that is replayed has no more.
    pub(crate) fn next(&mut self) -> Option<Outgoing> {
        if let Some(outgoing) = self.resend.take() {
            return Some(outgoing);
        }
        self.sent.commands.clear();
        self.sent.first = self.ids.next();
        let outgoing = match self.tape.clone() {
            Some(tape) => self.next_replayed(&tape)?,
            None if self.batch > 1 => self.next_array(),
            None if self.by_queue => self.next_message(),
            None => self.next_single(),
        };
        self.resend.sent(&outgoing);
        Some(outgoing)
    }

    /// Commands of any type have an endpoint in common only as an array, be it an array of one.
    fn next_replayed(&mut self, tape: &Tape) -> Option<Outgoing> {
        let mut array = Array::open(&mut self.buffer, &mut self.ids);
        while self.sent.commands.len() < self.batch {
            let Some((operation, command)) = tape.next() else {
                break;
            };
            array.replayed(&command);
            self.sent.commands.push(Asked::Replayed(operation));
        }
        array.close();
        let body = self.buffer.split().freeze();
        (!self.sent.commands.is_empty()).then_some(Outgoing {
            uri: Uri::from_static(self.array_path()),
            key: None,
            body,
        })
    }

    const fn array_path(&self) -> &'static str {
        if self.noop {
            "/debug/noop/commands"
        } else {
            "/v1/commands"
        }
    }

    fn next_array(&mut self) -> Outgoing {
        let mut array = Array::open(&mut self.buffer, &mut self.ids);
        while self.sent.commands.len() < self.batch {
            let asked = if let Some((hold, movement)) = self.holds.pop_front() {
                array.capture(&hold);
                Asked::Capture(hold, movement)
            } else {
                let command = self.draw.command();
                array.command(&command, &self.skus);
                Asked::Drawn(command)
            };
            self.sent.commands.push(asked);
        }
        array.close();
        Outgoing {
            uri: Uri::from_static(self.array_path()),
            key: None,
            body: self.buffer.split().freeze(),
        }
    }

    fn next_single(&mut self) -> Outgoing {
        self.ids.put_next(&mut self.buffer);
        let key = HeaderValue::from_maybe_shared(self.buffer.split().freeze());
        let key = Some(key.expect("request ids are visible ASCII"));
        if let Some((hold, movement)) = self.holds.pop_front() {
            let uri = self.capture_uri(&hold);
            self.sent.commands.push(Asked::Capture(hold, movement));
            return Outgoing {
                uri,
                key,
                body: Bytes::from_static(command::CAPTURE_BODY),
            };
        }
        let command = self.draw.command();
        self.sent.commands.push(Asked::Drawn(command));
        command::put_single(&mut self.buffer, &command, &self.skus);
        let path = match command.operation() {
            Operation::Earn if self.noop => "/debug/noop/earns",
            Operation::Earn => "/v1/earns",
            Operation::Hold => "/v1/holds",
            Operation::Redeem => "/v1/redemptions",
            Operation::Reserve => "/v1/reservations",
            Operation::Transfer => "/v1/transfers",
            Operation::Capture | Operation::Other => unreachable!("it is never drawn"),
        };
        Outgoing {
            uri: Uri::from_static(path),
            key,
            body: self.buffer.split().freeze(),
        }
    }

    fn next_message(&mut self) -> Outgoing {
        let asked = if let Some((hold, movement)) = self.holds.pop_front() {
            command::put_capture(&mut self.buffer, &mut self.ids, &hold);
            Asked::Capture(hold, movement)
        } else {
            let command = self.draw.command();
            command::put_message(&mut self.buffer, &mut self.ids, &command, &self.skus);
            Asked::Drawn(command)
        };
        self.sent.commands.push(asked);
        Outgoing {
            uri: Uri::from_static(self.array_path()),
            key: None,
            body: self.buffer.split().freeze(),
        }
    }

    fn capture_uri(&mut self, hold: &HoldId) -> Uri {
        self.buffer.put_slice(b"/v1/holds/");
        self.buffer.put_slice(hold.as_str().as_bytes());
        self.buffer.put_slice(b"/capture");
        Uri::from_maybe_shared(self.buffer.split().freeze())
            .expect("hold ids need no escaping in a path")
    }

    /// Reads the answer to the last request into `outcomes`. Returns the commands that were answered.
    pub(crate) fn settle(
        &mut self,
        status: StatusCode,
        body: &[u8],
        outcomes: &mut Outcomes,
    ) -> Answered {
        let mut answered = Answered::default();
        let is_array = self.batch > 1 || self.tape.is_some();
        if is_array && status == StatusCode::OK {
            self.settle_array(body, outcomes, &mut answered);
        } else {
            // One answer for all: that of a one-command endpoint, or of an array refused whole.
            let outcome = match (is_array, answer::single(status, body)) {
                (true, Outcome::Accepted) => Outcome::Failed(status, "not_an_array"),
                (true, Outcome::Refused(code)) => Outcome::Failed(status, code),
                (_, outcome) => outcome,
            };
            let sent = self.lend();
            for asked in &sent.commands {
                self.settle_one(
                    asked,
                    outcome,
                    || answer::hold(body),
                    outcomes,
                    &mut answered,
                );
            }
            self.take_back(sent);
        }
        if answered.total() < self.commands() {
            self.resend.forget();
        }
        answered
    }

    fn settle_array(&mut self, body: &[u8], outcomes: &mut Outcomes, answered: &mut Answered) {
        let (mut given, mut surplus) = (0, 0);
        let sent = self.lend();
        let read = answer::for_each(body, |answer| match sent.commands.get(given) {
            Some(asked) => {
                given += 1;
                self.settle_one(asked, answer.outcome(), || answer.hold, outcomes, answered);
            }
            None => surplus += 1,
        });
        let label = if read.is_err() {
            "unreadable_array"
        } else {
            "answer_missing"
        };
        outcomes
            .failed
            .add(label, (sent.commands.len() - given) as u64);
        outcomes.failed.add("answer_too_many", surplus);
        self.take_back(sent);
    }

    fn settle_one<'a>(
        &mut self,
        asked: &Asked,
        outcome: Outcome<'_>,
        hold: impl FnOnce() -> Option<&'a str>,
        outcomes: &mut Outcomes,
        answered: &mut Answered,
    ) {
        let operation = asked.operation();
        if let Asked::Drawn(Drawn::Movement(Operation::Hold, movement)) = asked
            && outcome == Outcome::Accepted
            && !self.is_again()
        {
            match hold().and_then(HoldId::new) {
                Some(hold) => self.holds.push_back((hold, *movement)),
                // An endpoint that decides nothing need not name a hold.
                None if self.noop => {}
                None => return outcomes.failed.add("hold_without_id", 1),
            }
        }
        match outcome {
            Outcome::Accepted => answered.accepted[operation as usize] += 1,
            Outcome::Refused(_) => answered.refused[operation as usize] += 1,
            Outcome::Overloaded(_) | Outcome::Failed(..) => {}
        }
        if let Some(reservation) = asked.reservation()
            && !self.is_again()
        {
            outcomes.takings.add(reservation, outcome);
        }
        outcomes.add(operation, outcome);
    }

    /// The last request was sent, or half sent, and the connection broke.
    pub(crate) fn lost(&mut self, outcomes: &mut Outcomes) {
        self.resend.forget();
        outcomes.failed.add("connection_lost", self.commands());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::settings::Load;

    fn session(batch: u32) -> Session {
        Session::new(&settings(batch), 0)
    }

    fn settings(batch: u32) -> Settings {
        let (target, key) = ("http://localhost:1".parse(), "k".parse());
        Settings {
            load: Load::Closed,
            batch,
            members: 10,
            seed: 1,
            run_id: "r".parse().expect("a run id"),
            ..Settings::canonical(target.expect("a target"), key.expect("a key"))
        }
    }

    /// The answers of a server that accepts everything and numbers the holds.
    fn accept_all(request: &[u8]) -> Vec<u8> {
        let commands: Vec<Value> = serde_json::from_slice(request).expect("an array");
        let answers =
            commands
                .iter()
                .enumerate()
                .map(|(number, command)| match command["type"].as_str() {
                    Some("hold") => format!(r#"{{"status":"accepted","hold":"h{number}"}}"#),
                    _ => r#"{"status":"accepted"}"#.to_owned(),
                });
        format!("[{}]", answers.collect::<Vec<_>>().join(",")).into_bytes()
    }

    #[test]
    fn a_single_hold_is_captured_next_and_a_refused_one_never() {
        let (mut session, mut outcomes) = (session(1), Outcomes::default());
        let next_hold = |session: &mut Session| {
            while session.next().expect("a request").uri.path() != "/v1/holds" {}
            assert_eq!(session.commands(), 1);
        };
        next_hold(&mut session);
        let answered = session.settle(
            StatusCode::CREATED,
            br#"{"status":"accepted","hold":"3:7"}"#,
            &mut outcomes,
        );
        assert_eq!(answered.accepted[Operation::Hold as usize], 1);
        let capture = session.next().expect("a request");
        assert_eq!(
            (capture.uri.path(), &capture.body[..]),
            ("/v1/holds/3:7/capture", &b"{}"[..])
        );
        assert!(capture.key.is_some());
        let answered = session.settle(StatusCode::OK, b"{}", &mut outcomes);
        assert_eq!(answered.accepted[Operation::Capture as usize], 1);

        next_hold(&mut session);
        let refusal = br#"{"code":"insufficient_points"}"#;
        let answered = session.settle(StatusCode::UNPROCESSABLE_ENTITY, refusal, &mut outcomes);
        assert_eq!(
            (
                answered.accepted.iter().sum::<u64>(),
                answered.refused[Operation::Hold as usize]
            ),
            (0, 1)
        );
        assert!(session.holds.is_empty());
        assert_eq!(
            (
                outcomes.accepted,
                outcomes.refused.total(),
                outcomes.failed.total()
            ),
            ([0, 1, 1, 0, 0, 0, 0], 1, 0)
        );
    }

    #[test]
    fn a_message_of_the_queue_says_itself_what_it_is_and_under_which_id() {
        let queue = Settings {
            mq: crate::mq::MqArgs::of("nats://localhost:1")
                .read()
                .expect("an address"),
            ..settings(1)
        };
        let (mut session, mut outcomes) = (Session::new(&queue, 7), Outcomes::default());
        let mut number = 0;
        let mut next = |session: &mut Session| {
            let command: Value =
                serde_json::from_slice(&session.next().expect("a request").body).expect("JSON");
            assert_eq!(command["id"], format!("1-r-7-{number}"));
            assert_eq!(session.sent().first, number);
            number += 1;
            command
        };
        while next(&mut session)["type"] != "hold" {}
        let accepted = br#"{"status":"accepted","hold":"3:7"}"#;
        session.settle(StatusCode::CREATED, accepted, &mut outcomes);
        let capture = next(&mut session);
        assert_eq!(
            (&capture["type"], &capture["hold"]),
            (&"capture".into(), &"3:7".into())
        );
    }

    #[test]
    fn an_array_begins_with_the_captures_of_the_last_one() {
        let (mut session, mut outcomes) = (session(100), Outcomes::default());
        let first = session.next().expect("a request");
        let body = accept_all(&first.body);
        session.settle(StatusCode::OK, &body, &mut outcomes);
        let holds: Vec<String> = session
            .holds
            .iter()
            .map(|(hold, _)| hold.as_str().to_owned())
            .collect();
        assert!(!holds.is_empty());

        let second: Vec<Value> =
            serde_json::from_slice(&session.next().expect("a request").body).expect("an array");
        assert_eq!(second.len(), 100);
        for (command, hold) in second.iter().zip(&holds) {
            assert_eq!(
                (command["type"].as_str(), command["hold"].as_str()),
                (Some("capture"), Some(hold.as_str()))
            );
        }
        assert!(
            second[holds.len()..]
                .iter()
                .all(|command| command["type"] != "capture")
        );
        assert!(session.holds.is_empty());
        assert_eq!(outcomes.accepted.iter().sum::<u64>(), 100);
    }

    #[test]
    fn an_array_that_is_not_answered_one_for_one_is_not_taken_for_good() {
        let cases: [(u16, &[u8], u64, &str); 5] = [
            (200, br#"[{"status":"accepted"}]"#, 2, "answer_missing"),
            (
                200,
                br#"[{"status":"accepted"},{"status":"acc"#,
                2,
                "unreadable_array",
            ),
            (201, b"{}", 3, "201 not_an_array"),
            (409, br#"{"code":"x"}"#, 3, "409 x"),
            (400, br#"{"code":"malformed"}"#, 3, "400 malformed"),
        ];
        for (status, body, failed, label) in cases {
            let (mut session, mut outcomes) = (session(3), Outcomes::default());
            session.next();
            session.settle(
                StatusCode::from_u16(status).expect("a status"),
                body,
                &mut outcomes,
            );
            assert_eq!(
                outcomes.failed.iter().collect::<Vec<_>>(),
                [(label, failed)],
                "{status}"
            );
        }
        let (mut session, mut outcomes) = (session(3), Outcomes::default());
        session.next();
        session.settle(
            StatusCode::SERVICE_UNAVAILABLE,
            br#"{"code":"overloaded"}"#,
            &mut outcomes,
        );
        assert_eq!(
            (outcomes.overloaded.total(), outcomes.failed.total()),
            (3, 0)
        );
    }
}
