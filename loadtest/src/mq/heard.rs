//! What comes out of the queue, as HTTP would have said it: a status, and a body.

use bytes::Bytes;
use hyper::StatusCode;
use serde::Deserialize;

use crate::answer;

/// What JetStream calls a message that is longer than its stream takes.
const MESSAGE_TOO_LONG: u64 = 10_054;

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// The broker's word about a message: it has it, or why not.
#[derive(Debug, Deserialize)]
struct Word {
    error: Option<WordError>,
}

#[derive(Debug, Deserialize)]
struct WordError {
    #[serde(default)]
    err_code: u64,
}

impl Heard {
    /// The answer to a command, or the answers to an array.
    pub(super) fn answered(body: Bytes) -> Self {
        let status = if body.first() == Some(&b'[') {
            StatusCode::OK
        } else {
            answer::status_over_http(&body)
        };
        Self { status, body }
    }

    /// What a dead letter gives as its reason: a problem document.
    pub(super) fn dead(reason: &str) -> Self {
        Self {
            status: answer::problem_status(reason.as_bytes()),
            body: Bytes::copy_from_slice(reason.as_bytes()),
        }
    }

    /// The message did not come into the queue. These answers are the generator's own: no server has seen it.
    pub(super) fn too_long() -> Self {
        Self {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            body: Bytes::from_static(br#"{"code":"body_too_large"}"#),
        }
    }

    /// Nobody keeps messages with such a subject: there is no stream, or its servers have no leader.
    pub(super) fn not_kept() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            body: Bytes::from_static(br#"{"code":"queue_away"}"#),
        }
    }

    /// Why the broker does not keep a message; `None` if it does.
    pub(super) fn refused(word: &[u8]) -> Option<Self> {
        // A word that cannot be read says nothing for certain; if the message is there it will be answered.
        let error = serde_json::from_slice::<Word>(word).ok()?.error?;
        Some(match error.err_code {
            MESSAGE_TOO_LONG => Self::too_long(),
            _ => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                body: Bytes::from_static(br#"{"code":"queue_refused"}"#),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_status_that_http_gives_them() {
        for (body, status) in [
            (r#"{"id":"a","status":"accepted","replayed":false}"#, 201),
            (r#"{"id":"a","status":"accepted","replayed":true}"#, 200),
            (
                r#"{"id":"a","status":"refused","code":"insufficient_points"}"#,
                422,
            ),
            (
                r#"{"id":"a","status":"refused","code":"hold_not_found"}"#,
                404,
            ),
            (r#"{"id":"a","status":"refused","code":"forbidden"}"#, 403),
            (r#"{"id":"a"}"#, 500),
            (r#"[{"id":"a"}]"#, 200),
        ] {
            let heard = Heard::answered(Bytes::from_static(body.as_bytes()));
            assert_eq!(
                (heard.status.as_u16(), &heard.body[..]),
                (status, body.as_bytes())
            );
        }
    }

    #[test]
    fn a_dead_letter_says_its_status_itself() {
        let heard = Heard::dead(r#"{"status":401,"code":"unauthenticated"}"#);
        assert_eq!(heard.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            Heard::dead("what?").status,
            StatusCode::INTERNAL_SERVER_ERROR
        );
    }

    #[test]
    fn the_broker_takes_a_message_or_says_why_not() {
        let kept = br#"{"stream":"JIFEN_COMMANDS","seq":7}"#;
        assert_eq!(Heard::refused(kept), None);
        let full = br#"{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"x","seq":0}"#;
        let refused = Heard::refused(full).expect("a refusal");
        assert_eq!(answer::problem_code(&refused.body), "queue_refused");
        let long = br#"{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"}}"#;
        assert_eq!(Heard::refused(long), Some(Heard::too_long()));
    }
}
