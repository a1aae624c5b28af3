//! `/v1/commands` with NDJSON: lines are read as they arrive, and answered line by line in their order.
//!
//! A stream has no end that must be known, so it has no length limit; a line has. Answers push back: while a client
//! does not read them, no more of its lines are read. When the server stops, lines that were not taken yet are left.

mod lines;

use std::time::Duration;

use actix_web::{
    HttpResponse,
    error::PayloadError,
    web::{Bytes, Data, Payload},
};
use futures_util::{FutureExt, StreamExt, stream::unfold};
use jifen_engine::{EngineError, ledger::Request};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

pub use lines::LINE_BYTES_MAX;
use lines::{Line, Lines};

use super::{
    Client, State,
    batch::{ANSWER_ROOM, encode, names},
};
use crate::{
    access::{Denial, Judged, submit_many},
    metrics::Door,
    wire::{Context, Invalid, wording},
};

/// How many lines are decided together. They are answered together, so that more would make the first wait.
const LINES_TOGETHER: usize = 1_000;
/// How long lines are held back until the client's rate allows them; what would take longer is refused in its place.
const HELD_BACK_MAX: Duration = Duration::from_secs(30);
/// How long a stream that is held back waits before it looks again: not so short that it spins, not so long that a
/// revoked key goes unnoticed.
const WAIT_MIN: Duration = Duration::from_millis(1);
const WAIT_MAX: Duration = Duration::from_secs(1);
/// How much is read ahead of the answers, in bytes.
const READ_AHEAD: usize = 256 << 10;

/// Answers the lines of a body.
pub(super) fn serve(client: Client, state: Data<State>, payload: Payload) -> HttpResponse {
    let ending = state.edge.ending();
    let session = Session {
        client,
        state,
        payload,
        lines: Lines::default(),
        open: true,
        ending,
    };
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .streaming(unfold(session, Session::step))
}

/// A stream under way.
struct Session {
    client: Client,
    state: Data<State>,
    payload: Payload,
    /// What was read and not answered yet.
    lines: Lines,
    /// Whether more may come.
    open: bool,
    /// Whether the server stops.
    ending: watch::Receiver<bool>,
}

/// How a line is answered.
enum Answer {
    /// By what became of the next command.
    Told,
    /// By what is wrong with it.
    Bad(u64, Invalid),
}

impl Session {
    /// The next answers, or `None` at the end.
    async fn step(mut self) -> Option<(Result<Bytes, PayloadError>, Self)> {
        loop {
            if self.open && *self.ending.borrow() {
                return Some((
                    Ok(self.last(wording::of_error(EngineError::Stopping))),
                    self,
                ));
            }
            while self.open
                && self.lines.buffered() < READ_AHEAD
                && let Some(piece) = self.payload.next().now_or_never()
            {
                if let Err(error) = self.take(piece) {
                    return Some((Err(error), self));
                }
            }
            let context = Context {
                principal: self.client.principal(),
                point_type: &self.state.point_type,
                default_id: None,
                default_kind: None,
            };
            let most = LINES_TOGETHER.min(self.client.most_at_once());
            let lines = self.lines.take(most, !self.open, &context);
            if !lines.is_empty() {
                let answers = self.answer(lines).await;
                return Some((Ok(answers.into()), self));
            }
            if !self.open {
                return None;
            }
            let silent_for = self.state.edge.bounds().body;
            let next = tokio::select! {
                _ = self.ending.wait_for(|ending| *ending) => continue,
                next = timeout(silent_for, self.payload.next()) => next,
            };
            match next {
                Ok(piece) => {
                    if let Err(error) = self.take(piece) {
                        return Some((Err(error), self));
                    }
                }
                Err(_) => return Some((Ok(self.last(&wording::REQUEST_TIMEOUT)), self)),
            }
        }
    }

    /// The last answer of a stream that ends before its client has said all: what is wrong with the line that was to come
    /// next. Nothing was done about it, nor about any behind it.
    fn last(&mut self, denial: Denial) -> Bytes {
        self.open = false;
        let (line, code) = (self.lines.abandon(), denial.code);
        let told = format!(
            "{{\"line\":{line},\"id\":null,\"status\":\"refused\",\"code\":\"{code}\",\"retryable\":true}}\n"
        );
        told.into()
    }

    /// Takes what the client sent.
    fn take(&mut self, piece: Option<Result<Bytes, PayloadError>>) -> Result<(), PayloadError> {
        match piece.transpose() {
            Ok(Some(piece)) => self.lines.push(&piece),
            Ok(None) => self.open = false,
            Err(error) => {
                // What was cut off is no command, and there is nobody to be told.
                self.open = false;
                self.lines.abandon();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Has lines decided, and answers each in its place.
    async fn answer(&mut self, lines: Vec<Line>) -> Vec<u8> {
        let mut requests = Vec::with_capacity(lines.len());
        let mut answers = Vec::with_capacity(lines.len());
        for line in lines {
            match line {
                Line::Command(request) => {
                    answers.push(Answer::Told);
                    requests.push(request);
                }
                Line::Bad(number, invalid) => answers.push(Answer::Bad(number, invalid)),
            }
        }
        let names = names(&requests);
        let judged = self.judge(requests).await;
        let meters = &self.state.meters;
        meters.commands(Door::Lines, judged.each(&names));
        let mut told = judged.each(&names);
        let mut out = Vec::with_capacity(answers.len() * ANSWER_ROOM);
        for answer in answers {
            match answer {
                Answer::Told => {
                    let Some((name, told)) = told.next() else {
                        break;
                    };
                    encode(name, told, &mut out);
                }
                Answer::Bad(number, invalid) => {
                    meters.unreadable_line(invalid.code.wording().code);
                    invalid.encode_line(number, &mut out);
                }
            }
            out.push(b'\n');
        }
        out
    }
}

impl Session {
    /// Has commands decided, as soon as the client's rate allows it. A stream is not refused for its rate, it is held
    /// back: no more of it is read meanwhile.
    async fn judge(&mut self, requests: Vec<Request>) -> Judged {
        let mut waited = Duration::ZERO;
        loop {
            if self.client.renew(&self.state.keys).is_err() {
                // The key was revoked under way: what was read is told so, and no more is read.
                self.open = false;
                self.lines.abandon();
                return refused(requests.len(), &wording::UNAUTHENTICATED);
            }
            match self.client.try_charge(requests.len()) {
                Ok(()) => break,
                Err(exceeded) if waited + exceeded.wait > HELD_BACK_MAX => {
                    self.state.meters.lines_limited(requests.len());
                    return refused(requests.len(), &wording::RATE_LIMITED);
                }
                Err(exceeded) => {
                    let wait = exceeded.wait.clamp(WAIT_MIN, WAIT_MAX);
                    waited += wait;
                    tokio::select! {
                        _ = self.ending.wait_for(|ending| *ending) => {
                            return refused(requests.len(), wording::of_error(EngineError::Stopping));
                        }
                        () = sleep(wait) => {}
                    }
                }
            }
        }
        let Some(_inside) = self.state.edge.enter(requests.len()) else {
            return refused(requests.len(), wording::of_error(EngineError::Overloaded));
        };
        submit_many(self.client.identity(), &self.state.engine, requests).await
    }
}

/// So many commands that were not submitted, all for the same reason.
fn refused(count: usize, denial: Denial) -> Judged {
    Judged {
        outcomes: Vec::new(),
        denied: (0..count).map(|place| (place, denial)).collect(),
    }
}
