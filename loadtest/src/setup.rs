//! Makes the merchants and members of the load and gives every member an opening balance. Everything has a request id that
//! depends on its object alone: a second setup, or one that was broken off, is answered from memory where it was done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use hyper::header::HeaderValue;
use hyper::{Method, StatusCode, Uri};
use tokio::task::JoinSet;

use crate::answer::{self, Outcome};
use crate::command;
use crate::connection::Connection;
use crate::error::RunError;
use crate::names::{MERCHANTS, Member, Merchant};
use crate::progress::SetupProgress;
use crate::session::Outgoing;
use crate::settings::Settings;
use crate::workload::Movement;

/// Two commands for each: enrol and the opening earn.
const MEMBERS_PER_ARRAY: u64 = 500;
/// Enough that the server has the next array before it has answered the last.
const CONNECTIONS: u32 = 4;
/// How often an array is sent before the setup is given up, and how long it waits before the second time; then twice as long.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Makes what is missing.
pub(crate) async fn setup(settings: &Settings) -> Result<(), RunError> {
    let mut connection = Connection::new(settings)?;
    for merchant in (0..MERCHANTS).map(Merchant) {
        put_merchant(&mut connection, merchant).await?;
    }
    let progress = SetupProgress::start(settings.members);
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let connection = Connection::new(settings)?;
        tasks.spawn(enrol_all(
            connection,
            Arc::clone(&next),
            settings.members,
            progress.clone(),
        ));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    }
    progress.finish();
    Ok(())
}

async fn put_merchant(connection: &mut Connection, merchant: Merchant) -> Result<(), RunError> {
    let failed = |cause| RunError::Setup {
        step: "PUT /v1/merchants",
        cause,
    };
    let uri = merchant
        .path()
        .parse::<Uri>()
        .map_err(|error| failed(error.to_string()))?;
    let body = Bytes::from(format!("{{\"name\":\"Load merchant {}\"}}", merchant.0));
    let status = connection
        .call(
            Method::PUT,
            Outgoing {
                uri,
                // The same in every run: a merchant that is there already is left as it is.
                key: Some(HeaderValue::from_static("load-setup")),
                body,
            },
        )
        .await
        .map_err(|error| failed(error.to_string()))?;
    if status.is_success() {
        Ok(())
    } else {
        Err(failed(said(status, connection.body())))
    }
}

/// One of several that share the members out between them, an array at a time.
async fn enrol_all(
    mut connection: Connection,
    next: Arc<AtomicU64>,
    members: u64,
    progress: SetupProgress,
) -> Result<(), RunError> {
    let mut buffer = BytesMut::new();
    loop {
        let first = next.fetch_add(MEMBERS_PER_ARRAY, Relaxed);
        if first >= members {
            return Ok(());
        }
        let last = members.min(first + MEMBERS_PER_ARRAY);
        buffer.put_u8(b'[');
        for number in first..last {
            if number > first {
                buffer.put_u8(b',');
            }
            let merchant = Merchant(number % MERCHANTS);
            command::put_opening(
                &mut buffer,
                Movement {
                    member: Member(number),
                    merchant,
                    points: 0,
                },
            );
        }
        buffer.put_u8(b']');
        send_until_accepted(&mut connection, &buffer.split().freeze()).await?;
        progress.add(last - first);
    }
}

/// Sending an array again is safe: what was accepted the first time is answered from memory.
async fn send_until_accepted(connection: &mut Connection, body: &Bytes) -> Result<(), RunError> {
    let mut pause = FIRST_PAUSE;
    let mut attempt = 1;
    loop {
        let uri = Uri::from_static("/v1/commands");
        let judgement = match connection
            .call(
                Method::POST,
                Outgoing {
                    uri,
                    key: None,
                    body: body.clone(),
                },
            )
            .await
        {
            Ok(status) => judge(status, connection.body()),
            Err(error) => Judgement::Again(error.to_string()),
        };
        match judgement {
            Judgement::Accepted => return Ok(()),
            Judgement::Again(_) if attempt < ATTEMPTS => tokio::time::sleep(pause).await,
            Judgement::Again(cause) | Judgement::Never(cause) => {
                return Err(RunError::Setup {
                    step: "POST /v1/commands",
                    cause,
                });
            }
        }
        pause *= 2;
        attempt += 1;
    }
}

/// What became of an array of openings.
#[derive(Debug, PartialEq, Eq)]
enum Judgement {
    Accepted,
    /// Some of it was not accepted now; why.
    Again(String),
    /// Some of it will never be accepted; why.
    Never(String),
}

fn judge(status: StatusCode, body: &[u8]) -> Judgement {
    match status {
        StatusCode::OK => {}
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            return Judgement::Again(said(status, body));
        }
        _ => return Judgement::Never(said(status, body)),
    }
    let mut judgement = Judgement::Accepted;
    let read = answer::for_each(body, |answer| match (answer.outcome(), &judgement) {
        (Outcome::Accepted, _) | (_, Judgement::Never(_)) => {}
        // A repeated setup may find its own earlier attempt under way.
        (Outcome::Overloaded(code) | Outcome::Refused(code @ "request_in_flight"), _) => {
            judgement = Judgement::Again(code.to_owned());
        }
        (Outcome::Refused(code) | Outcome::Failed(_, code), _) => {
            judgement = Judgement::Never(code.to_owned());
        }
    });
    if read.is_err() {
        Judgement::Never(said(status, body))
    } else {
        judgement
    }
}

/// The status, and the code or else the beginning of the body.
pub(crate) fn said(status: StatusCode, body: &[u8]) -> String {
    match answer::problem_code(body) {
        "no_code" => format!(
            "{status}: {}",
            String::from_utf8_lossy(&body[..body.len().min(200)])
        ),
        code => format!("{status}: {code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_as_good_as_its_worst_answer() {
        let accepted = r#"{"status":"accepted"}"#;
        let refused = |code: &str| format!(r#"{{"status":"refused","code":"{code}"}}"#);
        let cases = [
            (vec![accepted.to_owned()], Judgement::Accepted),
            (
                vec![accepted.to_owned(), refused("overloaded")],
                Judgement::Again("overloaded".to_owned()),
            ),
            (
                vec![refused("request_in_flight")],
                Judgement::Again("request_in_flight".to_owned()),
            ),
            (
                vec![refused("member_closed"), refused("overloaded")],
                Judgement::Never("member_closed".to_owned()),
            ),
            (
                vec![refused("overloaded"), refused("member_closed")],
                Judgement::Never("member_closed".to_owned()),
            ),
        ];
        for (answers, expected) in cases {
            let body = format!("[{}]", answers.join(","));
            assert_eq!(judge(StatusCode::OK, body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn an_array_refused_whole_is_tried_again_only_if_that_can_help() {
        let problem = br#"{"code":"overloaded"}"#;
        let said = |status: &str| format!("{status}: overloaded");
        let again = judge(StatusCode::SERVICE_UNAVAILABLE, problem);
        assert_eq!(again, Judgement::Again(said("503 Service Unavailable")));
        let never = judge(StatusCode::BAD_REQUEST, problem);
        assert_eq!(never, Judgement::Never(said("400 Bad Request")));
        assert_eq!(
            judge(StatusCode::OK, b"hello"),
            Judgement::Never("200 OK: hello".to_owned())
        );
    }
}
