//! What one connection says next, and what it makes of the answer.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};
use hyper::header::HeaderValue;
use hyper::{StatusCode, Uri};

use crate::answer::{self, Outcome};
use crate::command::{self, Array};
use crate::names::{HoldId, RequestIds};
use crate::settings::Settings;
use crate::tally::{Outcomes, PerOperation};
use crate::workload::{Draw, Operation};

/// A request, ready to send by POST.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) uri: Uri,
    /// The `Idempotency-Key`; the commands of an array carry their own ids.
    pub(crate) key: Option<HeaderValue>,
    pub(crate) body: Bytes,
}

/// The dialogue of one connection: the draw, the request ids, and the holds that are still to be captured.
#[derive(Debug)]
pub(crate) struct Session {
    draw: Draw,
    ids: RequestIds,
    batch: usize,
    noop: bool,
    /// Holds answered on this connection, oldest first. Their number is bounded by the commands of one request: the next
    /// request takes them before it draws anything.
    holds: VecDeque<HoldId>,
    /// The operations of the request in flight, in order.
    asked: Vec<Operation>,
    /// Where requests are written. Once the last request is sent and dropped its memory is used again.
    buffer: BytesMut,
}

impl Session {
    pub(crate) fn new(settings: &Settings, connection: u32) -> Self {
        Self {
            draw: Draw::new(settings.seed, connection, settings.mix, settings.members),
            ids: RequestIds::new(settings.seed, &settings.run_id, connection),
            batch: settings.batch as usize,
            noop: settings.noop,
            holds: VecDeque::new(),
            asked: Vec::with_capacity(settings.batch as usize),
            buffer: BytesMut::new(),
        }
    }

    /// How many commands the request in flight carries.
    pub(crate) fn commands(&self) -> u64 {
        self.asked.len() as u64
    }

    /// Makes the next request.
    pub(crate) fn next(&mut self) -> Outgoing {
        self.asked.clear();
        if self.batch > 1 { self.next_array() } else { self.next_single() }
    }

    fn next_array(&mut self) -> Outgoing {
        let mut array = Array::open(&mut self.buffer, &mut self.ids);
        while self.asked.len() < self.batch {
            let operation = if let Some(hold) = self.holds.pop_front() {
                array.capture(&hold);
                Operation::Capture
            } else {
                let operation = self.draw.operation();
                array.movement(operation, self.draw.movement());
                operation
            };
            self.asked.push(operation);
        }
        array.close();
        let uri = Uri::from_static(if self.noop { "/debug/noop/commands" } else { "/v1/commands" });
        Outgoing { uri, key: None, body: self.buffer.split().freeze() }
    }

    fn next_single(&mut self) -> Outgoing {
        self.ids.put_next(&mut self.buffer);
        let key = HeaderValue::from_maybe_shared(self.buffer.split().freeze());
        let key = Some(key.expect("request ids are visible ASCII"));
        if let Some(hold) = self.holds.pop_front() {
            self.asked.push(Operation::Capture);
            return Outgoing { uri: self.capture_uri(&hold), key, body: Bytes::from_static(command::CAPTURE_BODY) };
        }
        let operation = self.draw.operation();
        self.asked.push(operation);
        command::put_single(&mut self.buffer, self.draw.movement());
        let path = match operation {
            Operation::Earn if self.noop => "/debug/noop/earns",
            Operation::Earn => "/v1/earns",
            Operation::Hold => "/v1/holds",
            Operation::Redeem => "/v1/redemptions",
            Operation::Capture => unreachable!("a capture is never drawn"),
        };
        Outgoing { uri: Uri::from_static(path), key, body: self.buffer.split().freeze() }
    }

    fn capture_uri(&mut self, hold: &HoldId) -> Uri {
        self.buffer.put_slice(b"/v1/holds/");
        self.buffer.put_slice(hold.as_str().as_bytes());
        self.buffer.put_slice(b"/capture");
        Uri::from_maybe_shared(self.buffer.split().freeze()).expect("hold ids need no escaping in a path")
    }

    /// Reads the answer to the last request into `outcomes`. Returns the commands that were answered, accepted or refused.
    pub(crate) fn settle(&mut self, status: StatusCode, body: &[u8], outcomes: &mut Outcomes) -> PerOperation {
        let mut answered = PerOperation::default();
        if self.batch > 1 && status == StatusCode::OK {
            self.settle_array(body, outcomes, &mut answered);
        } else {
            // One answer for all: that of a one-command endpoint, or of an array refused whole.
            let outcome = match (self.batch, answer::single(status, body)) {
                (2.., Outcome::Accepted) => Outcome::Failed(status, "not_an_array"),
                (2.., Outcome::Refused(code)) => Outcome::Failed(status, code),
                (_, outcome) => outcome,
            };
            for index in 0..self.asked.len() {
                let hold = || answer::hold(body);
                settle_one(self.asked[index], outcome, hold, &mut self.holds, outcomes, &mut answered);
            }
        }
        answered
    }

    fn settle_array(&mut self, body: &[u8], outcomes: &mut Outcomes, answered: &mut PerOperation) {
        let mut asked = self.asked.iter();
        let mut surplus = 0;
        let read = answer::for_each(body, |answer| match asked.next() {
            Some(operation) => {
                settle_one(*operation, answer.outcome(), || answer.hold, &mut self.holds, outcomes, answered);
            }
            None => surplus += 1,
        });
        let label = if read.is_err() { "unreadable_array" } else { "answer_missing" };
        outcomes.failed.add(label, asked.len() as u64);
        outcomes.failed.add("answer_too_many", surplus);
    }

    /// The last request was sent, or half sent, and the connection broke.
    pub(crate) fn lost(&self, outcomes: &mut Outcomes) {
        outcomes.failed.add("connection_lost", self.commands());
    }
}

fn settle_one<'a>(
    operation: Operation,
    outcome: Outcome<'_>,
    hold: impl FnOnce() -> Option<&'a str>,
    holds: &mut VecDeque<HoldId>,
    outcomes: &mut Outcomes,
    answered: &mut PerOperation,
) {
    let is_answer = matches!(outcome, Outcome::Accepted | Outcome::Refused(_));
    answered[operation as usize] += u64::from(is_answer);
    if operation == Operation::Hold && outcome == Outcome::Accepted {
        match hold().and_then(HoldId::new) {
            Some(hold) => holds.push_back(hold),
            None => return outcomes.failed.add("hold_without_id", 1),
        }
    }
    outcomes.add(operation, outcome);
}
