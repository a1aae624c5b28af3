//! What the server said. Everything is borrowed from the body; fields that are not counted are skipped.

use std::fmt;

use hyper::StatusCode;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

/// The part of an answer object or problem document that is looked at.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Answer<'a> {
    #[serde(borrow, default)]
    code: Option<&'a str>,
    #[serde(borrow, default)]
    pub(crate) hold: Option<&'a str>,
}

/// What became of one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome<'a> {
    Accepted,
    /// Decided, with this code. An answer like any other.
    Refused(&'a str),
    /// The server had no room for it, with this code.
    Overloaded(&'a str),
    /// Neither: what was sent should not have got this.
    Failed(StatusCode, &'a str),
}

/// The code in a problem document, or none if it is not one.
pub(crate) fn problem_code(body: &[u8]) -> &str {
    serde_json::from_slice::<Answer<'_>>(body)
        .ok()
        .and_then(|answer| answer.code)
        .unwrap_or("no_code")
}

/// The answer of a one-command endpoint.
pub(crate) fn single(status: StatusCode, body: &[u8]) -> Outcome<'_> {
    match status {
        StatusCode::OK | StatusCode::CREATED => Outcome::Accepted,
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
            Outcome::Refused(problem_code(body))
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Outcome::Overloaded(problem_code(body))
        }
        _ => Outcome::Failed(status, problem_code(body)),
    }
}

/// The status in a problem document; one that says nothing is taken for a server's failure.
pub(crate) fn problem_status(body: &[u8]) -> StatusCode {
    #[derive(Deserialize)]
    struct Problem {
        status: u16,
    }
    let problem = serde_json::from_slice::<Problem>(body).ok();
    let status = problem.and_then(|problem| StatusCode::from_u16(problem.status).ok());
    status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The status that a one-command endpoint would have given an answer object.
pub(crate) fn status_over_http(body: &[u8]) -> StatusCode {
    let Ok(answer) = serde_json::from_slice::<ArrayAnswer<'_>>(body) else {
        return StatusCode::INTERNAL_SERVER_ERROR;
    };
    match (answer.status, answer.code) {
        ("accepted", _) if answer.replayed => StatusCode::OK,
        ("accepted", _) => StatusCode::CREATED,
        (_, Some("request_in_flight")) => StatusCode::CONFLICT,
        (_, Some(code)) => status_of(code),
        (_, None) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The hold in the answer to an accepted hold.
pub(crate) fn hold(body: &[u8]) -> Option<&str> {
    serde_json::from_slice::<Answer<'_>>(body)
        .ok()
        .and_then(|answer| answer.hold)
}

/// One answer of an array, which has its own status word.
#[derive(Debug, Deserialize)]
pub(crate) struct ArrayAnswer<'a> {
    #[serde(borrow)]
    status: &'a str,
    #[serde(borrow, default)]
    code: Option<&'a str>,
    #[serde(borrow, default)]
    pub(crate) hold: Option<&'a str>,
    #[serde(default)]
    replayed: bool,
}

impl<'a> ArrayAnswer<'a> {
    /// An answer in an array has no HTTP status, so its code has to say what the status would have said.
    pub(crate) fn outcome(&self) -> Outcome<'a> {
        let code = self.code.unwrap_or("no_code");
        match (self.status, status_of(code)) {
            ("accepted", _) => Outcome::Accepted,
            (_, StatusCode::SERVICE_UNAVAILABLE) => Outcome::Overloaded(code),
            ("refused", StatusCode::UNPROCESSABLE_ENTITY) => Outcome::Refused(code),
            (_, status) => Outcome::Failed(status, code),
        }
    }
}

/// The kind of HTTP status that the contract gives a code. 409 and 422, and 429 and 503, are told apart nowhere here.
fn status_of(code: &str) -> StatusCode {
    match code {
        "rate_limited" | "overloaded" | "unavailable" | "outcome_unknown" => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        "malformed" | "invalid_field" | "idempotency_key_missing" | "no_code" => {
            StatusCode::BAD_REQUEST
        }
        "unauthenticated" => StatusCode::UNAUTHORIZED,
        "forbidden" => StatusCode::FORBIDDEN,
        "request_timeout" => StatusCode::REQUEST_TIMEOUT,
        _ if code.ends_with("_not_found") => StatusCode::NOT_FOUND,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Hands the answers of an array to `each`, one by one and in order, without collecting them.
pub(crate) fn for_each<'a>(
    body: &'a [u8],
    each: impl FnMut(ArrayAnswer<'a>),
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    Each(each).deserialize(&mut deserializer)?;
    deserializer.end()
}

struct Each<F>(F);

impl<'de, F: FnMut(ArrayAnswer<'de>)> DeserializeSeed<'de> for Each<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(ArrayAnswer<'de>)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of answers")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut answers: A) -> Result<(), A::Error> {
        while let Some(answer) = answers.next_element()? {
            (self.0)(answer);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_answers() {
        let problem =
            br#"{"type":"/problems/x","status":409,"code":"x","reasons":[{"code":"y","limit":4}]}"#;
        for (status, body, expected) in [
            (201, &b"{}"[..], Outcome::Accepted),
            (200, b"not even JSON", Outcome::Accepted),
            (409, problem, Outcome::Refused("x")),
            (422, problem, Outcome::Refused("x")),
            (429, problem, Outcome::Overloaded("x")),
            (503, b"", Outcome::Overloaded("no_code")),
            (404, problem, Outcome::Failed(StatusCode::NOT_FOUND, "x")),
            (
                500,
                b"<html>",
                Outcome::Failed(StatusCode::INTERNAL_SERVER_ERROR, "no_code"),
            ),
            (204, b"", Outcome::Failed(StatusCode::NO_CONTENT, "no_code")),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert_eq!(single(status, body), expected);
        }
    }

    #[test]
    fn the_hold_is_found_among_other_fields() {
        let body = br#"{"id":"a","type":"hold","status":"accepted","balance":{"held":3,"hold":"no"},"hold":"h:1"}"#;
        assert_eq!(hold(body), Some("h:1"));
        assert_eq!(hold(b"{}"), None);
    }

    #[test]
    fn array_answers() {
        let body = br#"[
            {"id":"a","status":"accepted","hold":"h:1","balance":{"point_type":"points","available":40}},
            {"id":"b","status":"refused","code":"insufficient_points","reasons":[{"code":"z"}]},
            {"id":"c","status":"refused","code":"overloaded","retryable":true},
            {"id":"d","status":"refused","code":"member_not_found"},
            {"id":"e","status":"perhaps"}
        ]"#;
        let mut seen = Vec::new();
        for_each(body, |answer| seen.push((answer.outcome(), answer.hold))).expect("an array");
        let expected = [
            (Outcome::Accepted, Some("h:1")),
            (Outcome::Refused("insufficient_points"), None),
            (Outcome::Overloaded("overloaded"), None),
            (
                Outcome::Failed(StatusCode::NOT_FOUND, "member_not_found"),
                None,
            ),
            (Outcome::Failed(StatusCode::BAD_REQUEST, "no_code"), None),
        ];
        assert_eq!(seen, expected);
        assert!(for_each(b"{}", |_| ()).is_err());
        assert!(for_each(b"[]x", |_| ()).is_err());
    }
}
