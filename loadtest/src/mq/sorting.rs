//! Sorting: which of those who wait an answer is for. Answers come on one subject for all of a principal's commands, those
//! of other clients too, and more than once when something was killed; they are told apart by the request id alone.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use compact_str::CompactString;
use hyper::StatusCode;
use serde::Deserialize;
use tokio::sync::oneshot;

use super::heard::Heard;

/// A number for each request that is posted, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ticket(pub(super) u64);

/// Which part of the answers to an array a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Where the commands stood in their stream: the same for all parts.
    pub(super) sequence: u64,
    /// From 1 on.
    pub(super) number: u32,
    pub(super) of: u32,
}

impl Part {
    /// All there is.
    pub(super) const WHOLE: Self = Self {
        sequence: 0,
        number: 1,
        of: 1,
    };
}

/// Everybody who waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Sorting {
    is_away: bool,
    waiting: HashMap<Ticket, Waiting>,
    /// By the first request id; several only if a file that is replayed has the same id for several members. Their answers
    /// come in the order in which they were posted.
    by_id: HashMap<CompactString, VecDeque<Ticket>>,
    /// Whose first part has come, by the place of the commands in their stream.
    in_parts: HashMap<u64, Ticket>,
}

#[derive(Debug)]
struct Waiting {
    id: CompactString,
    is_array: bool,
    gathered: Option<Gathered>,
    tell: oneshot::Sender<Heard>,
}

/// The parts that have come of an array of answers.
#[derive(Debug)]
struct Gathered {
    sequence: u64,
    parts: u32,
    text: Vec<u8>,
}

impl Sorting {
    /// Somebody waits for the answer to this request. `None` if the broker is away.
    pub(super) fn wait_for(
        &mut self,
        ticket: Ticket,
        request: &[u8],
    ) -> Option<oneshot::Receiver<Heard>> {
        if self.is_away {
            return None;
        }
        let (tell, told) = oneshot::channel();
        let id = CompactString::from(first_id(request).unwrap_or_default());
        self.by_id.entry(id.clone()).or_default().push_back(ticket);
        let waiting = Waiting {
            id,
            is_array: request.first() == Some(&b'['),
            gathered: None,
            tell,
        };
        self.waiting.insert(ticket, waiting);
        Some(told)
    }

    /// The broker is there.
    pub(super) const fn is_back(&mut self) {
        self.is_away = false;
    }

    /// The broker is gone. What is said meanwhile nobody will hear.
    pub(super) fn is_gone(&mut self) {
        self.is_away = true;
        self.lose_all();
    }

    /// Something was said that nobody has heard, and nobody knows to whom: all who wait are told that it is lost.
    pub(super) fn lose_all(&mut self) {
        self.waiting.clear();
        self.by_id.clear();
        self.in_parts.clear();
    }

    pub(super) const fn is_there(&self) -> bool {
        !self.is_away
    }

    /// An answer, or a part of one. Nobody may wait for it: it is another client's, or has come before.
    pub(super) fn answer(&mut self, part: Part, body: Bytes) {
        let ticket = if part.number == 1 {
            first_id(&body).and_then(|id| self.first_waiting(id))
        } else {
            self.in_parts.get(&part.sequence).copied()
        };
        let Some(ticket) = ticket else { return };
        if part.of == 1 {
            return self.finish(ticket, Heard::answered(body));
        }
        if part.number == 1 {
            self.in_parts.insert(part.sequence, ticket);
        }
        let waiting = self.waiting.get_mut(&ticket);
        if let Some(body) = waiting.and_then(|waiting| waiting.gather(part, &body)) {
            self.finish(ticket, Heard::answered(body));
        }
    }

    /// A dead letter: the request as it was posted, and why it was not processed.
    pub(super) fn dead(&mut self, request: &[u8], reason: &str) {
        let ticket = first_id(request).and_then(|id| self.first_waiting(id));
        let Some(ticket) = ticket else { return };
        let heard = Heard::dead(reason);
        let is_array = self.waiting.get(&ticket).is_some_and(|w| w.is_array);
        // Of an array that was read, of which one command could not be carried out, the answers come as well.
        let is_read = !matches!(
            heard.status,
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        );
        if !(is_array && is_read) {
            self.finish(ticket, heard);
        }
    }

    /// The broker's word about a message.
    pub(super) fn word(&mut self, ticket: Ticket, word: &[u8]) {
        if let Some(refused) = Heard::refused(word) {
            self.finish(ticket, refused);
        }
    }

    /// This is what became of a request.
    pub(super) fn finish(&mut self, ticket: Ticket, heard: Heard) {
        let Some(waiting) = self.waiting.remove(&ticket) else {
            return;
        };
        if let Some(same_id) = self.by_id.get_mut(&waiting.id) {
            same_id.retain(|other| *other != ticket);
            if same_id.is_empty() {
                self.by_id.remove(&waiting.id);
            }
        }
        if let Some(gathered) = waiting.gathered {
            self.in_parts.remove(&gathered.sequence);
        }
        // Whoever waited may have been given up.
        let _ = waiting.tell.send(heard);
    }

    /// Those who were given up no longer wait.
    fn first_waiting(&self, id: &str) -> Option<Ticket> {
        let waits = |ticket: &&Ticket| {
            let waiting = self.waiting.get(*ticket);
            waiting.is_some_and(|waiting| !waiting.tell.is_closed())
        };
        self.by_id.get(id)?.iter().find(waits).copied()
    }
}

impl Waiting {
    /// Puts a part behind the others; answers the whole array once it is there. Parts come in order, and if they come again,
    /// perhaps cut elsewhere, all of them do, from the first on.
    fn gather(&mut self, part: Part, body: &[u8]) -> Option<Bytes> {
        if part.number == 1 {
            self.gathered = Some(Gathered {
                sequence: part.sequence,
                parts: 1,
                text: body.to_vec(),
            });
            return None;
        }
        let gathered = self.gathered.as_mut()?;
        if gathered.sequence != part.sequence || gathered.parts + 1 != part.number {
            return None;
        }
        gathered.parts = part.number;
        let behind = body.strip_prefix(b"[")?;
        gathered.text.pop();
        gathered.text.push(b',');
        gathered.text.extend_from_slice(behind);
        (part.number == part.of).then(|| Bytes::from(std::mem::take(&mut gathered.text)))
    }
}

/// The request id of a command or answer; of an array, of its first. `None` if it has none.
fn first_id(body: &[u8]) -> Option<&str> {
    #[derive(Deserialize)]
    struct Named<'a> {
        id: Option<&'a str>,
    }
    // This is how all of ours begin, and all answers. Whatever looks otherwise is read with care.
    let object = body.strip_prefix(b"[").unwrap_or(body);
    if let Some(id) = object.strip_prefix(br#"{"id":""#) {
        let end = id.iter().position(|byte| *byte == b'"')?;
        return str::from_utf8(&id[..end]).ok();
    }
    if body.trim_ascii_start().first() == Some(&b'[') {
        let all: Vec<Named<'_>> = serde_json::from_slice(body).ok()?;
        all.first()?.id
    } else {
        serde_json::from_slice::<Named<'_>>(body).ok()?.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who waits for the answer to a request of this text.
    struct Waiter(oneshot::Receiver<Heard>);

    impl Waiter {
        fn new(sorting: &mut Sorting, ticket: u64, request: &str) -> Self {
            let told = sorting.wait_for(Ticket(ticket), request.as_bytes());
            Self(told.expect("the broker is there"))
        }

        /// Status and body if it was told, "waits" or "lost" if not.
        fn heard(&mut self) -> String {
            match self.0.try_recv() {
                Ok(heard) => {
                    let body = String::from_utf8_lossy(&heard.body).into_owned();
                    format!("{} {body}", heard.status.as_u16())
                }
                Err(oneshot::error::TryRecvError::Empty) => "waits".to_owned(),
                Err(oneshot::error::TryRecvError::Closed) => "lost".to_owned(),
            }
        }
    }

    fn answer(sorting: &mut Sorting, body: &str) {
        sorting.answer(Part::WHOLE, Bytes::copy_from_slice(body.as_bytes()));
    }

    fn part(sorting: &mut Sorting, (number, of): (u32, u32), body: &str) {
        let part = Part {
            sequence: 9,
            number,
            of,
        };
        sorting.answer(part, Bytes::copy_from_slice(body.as_bytes()));
    }

    #[test]
    fn answers_find_those_who_wait_in_any_order_and_nobody_twice() {
        let mut sorting = Sorting::default();
        let mut one = Waiter::new(&mut sorting, 1, r#"{"id":"a","type":"earn"}"#);
        let mut two = Waiter::new(&mut sorting, 2, r#"[{"id":"b"},{"id":"c"}]"#);
        for foreign in [r#"{"id":"x"}"#, r#"[{"id":"c"}]"#, "", "[]", "{}", "null"] {
            answer(&mut sorting, foreign);
        }
        assert_eq!((one.heard(), two.heard()), ("waits".into(), "waits".into()));
        let both = r#"[{"id":"b","status":"accepted"},{"id":"c","status":"accepted"}]"#;
        answer(&mut sorting, both);
        assert_eq!(
            (one.heard(), two.heard()),
            ("waits".into(), format!("200 {both}"))
        );
        let alone = r#"{"id":"a","status":"accepted","replayed":false}"#;
        answer(&mut sorting, alone);
        assert_eq!(one.heard(), format!("201 {alone}"));
        answer(&mut sorting, alone);
        answer(&mut sorting, both);
        assert!(sorting.waiting.is_empty() && sorting.by_id.is_empty());
    }

    #[test]
    fn a_request_that_is_sent_again_is_answered_again() {
        let mut sorting = Sorting::default();
        for ticket in 1..=2 {
            let mut waiter = Waiter::new(&mut sorting, ticket, r#"{"id":"a"}"#);
            answer(&mut sorting, r#"{"id":"a","status":"accepted"}"#);
            assert!(waiter.heard().starts_with("201"));
        }
    }

    #[test]
    fn those_who_wait_under_one_id_are_answered_in_their_order() {
        let mut sorting = Sorting::default();
        let mut one = Waiter::new(&mut sorting, 1, r#"{"id":"a"}"#);
        let mut two = Waiter::new(&mut sorting, 2, r#"{"id":"a"}"#);
        answer(
            &mut sorting,
            r#"{"id":"a","status":"refused","code":"sold_out"}"#,
        );
        assert!(one.heard().starts_with("422"));
        assert_eq!(two.heard(), "waits");
        answer(&mut sorting, r#"{"id":"a","status":"accepted"}"#);
        assert!(two.heard().starts_with("201"));
        let given_up = Waiter::new(&mut sorting, 3, r#"{"id":"a"}"#);
        let mut four = Waiter::new(&mut sorting, 4, r#"{"id":"a"}"#);
        drop(given_up);
        answer(&mut sorting, r#"{"id":"a","status":"accepted"}"#);
        assert!(four.heard().starts_with("201"));
    }

    #[test]
    fn parts_are_put_together_also_if_they_come_again_and_are_cut_elsewhere() {
        let mut sorting = Sorting::default();
        let mut waiter = Waiter::new(&mut sorting, 1, r#"[{"id":"a"}]"#);
        part(&mut sorting, (2, 3), r#"[{"id":"of nobody"}]"#);
        part(&mut sorting, (1, 3), r#"[{"id":"a"}]"#);
        part(&mut sorting, (3, 3), r#"[{"id":"too early"}]"#);
        // The server was killed, and tells all of it again.
        part(&mut sorting, (1, 3), r#"[{"id":"a"},{"id":"b"}]"#);
        part(&mut sorting, (2, 3), r#"[{"id":"c"}]"#);
        assert_eq!(waiter.heard(), "waits");
        part(&mut sorting, (3, 3), r#"[{"id":"d"}]"#);
        let all = r#"200 [{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"}]"#;
        assert_eq!(waiter.heard(), all);
        part(&mut sorting, (3, 3), r#"[{"id":"d"}]"#);
        assert!(sorting.in_parts.is_empty());
    }

    #[test]
    fn a_dead_letter_answers_but_for_an_array_that_was_read() {
        let dead = |request: &str, status: u16| {
            let mut sorting = Sorting::default();
            let mut waiter = Waiter::new(&mut sorting, 1, request);
            let reason = format!(r#"{{"status":{status},"code":"x"}}"#);
            sorting.dead(request.as_bytes(), &reason);
            waiter.heard()
        };
        let (single, array) = (r#"{"id":"a"}"#, r#"[{"id":"a"}]"#);
        assert_eq!(dead(single, 404), r#"404 {"status":404,"code":"x"}"#);
        assert!(dead(array, 400).starts_with("400"));
        assert!(dead(array, 401).starts_with("401"));
        assert_eq!(dead(array, 404), "waits", "its answers follow");
    }

    #[test]
    fn when_the_broker_goes_all_is_lost_and_nobody_waits_until_it_is_back() {
        let mut sorting = Sorting::default();
        let mut waiter = Waiter::new(&mut sorting, 1, r#"{"id":"a"}"#);
        sorting.is_gone();
        assert_eq!(waiter.heard(), "lost");
        assert!(sorting.wait_for(Ticket(2), br#"{"id":"a"}"#).is_none());
        sorting.is_back();
        let mut waiter = Waiter::new(&mut sorting, 3, r#"{"id":"a"}"#);
        answer(&mut sorting, r#"{"id":"a","status":"accepted"}"#);
        assert!(waiter.heard().starts_with("201"));
    }

    #[test]
    fn only_a_word_that_says_no_is_an_answer() {
        let mut sorting = Sorting::default();
        let mut waiter = Waiter::new(&mut sorting, 1, r#"{"id":"a"}"#);
        sorting.word(Ticket(1), br#"{"stream":"JIFEN_COMMANDS","seq":1}"#);
        assert_eq!(waiter.heard(), "waits");
        sorting.word(Ticket(1), br#"{"error":{"code":503,"err_code":10077}}"#);
        assert_eq!(waiter.heard(), r#"503 {"code":"queue_refused"}"#);
    }

    #[test]
    fn the_first_id_is_found_wherever_it_stands() {
        for (body, id) in [
            (r#"{"id":"a"}"#, Some("a")),
            (r#"[{"id":"a"},{"id":"b"}]"#, Some("a")),
            (r#" { "type": "earn", "id": "a" }"#, Some("a")),
            (r#" [ { "type": "earn", "id": "a" }, {} ]"#, Some("a")),
            (r#"{"type":"earn"}"#, None),
            ("[]", None),
            ("", None),
            ("\u{fffd}", None),
        ] {
            assert_eq!(first_id(body.as_bytes()), id, "{body}");
        }
    }
}
