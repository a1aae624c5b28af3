//! Asks once, before the load, whether the server takes commands from the queue, and as whose.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::StatusCode;
use tokio::time::{Instant, sleep, timeout_at};

use super::options::Mq;
use super::post::Post;
use crate::answer::{self, Outcome};
use crate::command;
use crate::error::RunError;
use crate::names::Member;
use crate::settings::Settings;
use crate::setup::said;

/// A server that has just started may still be looking for the broker.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// Enrols a member that the set-up has enrolled, under the same id: that changes nothing, and tells by its answer whether
/// those who set up and those who post are the same to the server.
pub(crate) async fn probe(settings: &Settings, mq: &Mq) -> Result<(), RunError> {
    let failed = |cause: String| RunError::Queue {
        mq: mq.to_string(),
        cause,
    };
    let post = Post::open(mq);
    let post = post.await.map_err(|error| failed(error.to_string()))?;
    let mut command = BytesMut::new();
    command::put_enrol(&mut command, Member(0));
    let heard = ask(&post, command.freeze()).await;
    let heard = heard.ok_or_else(|| failed(silence(&post)))?;
    let refused = match answer::single(heard.status, &heard.body) {
        // 201: it is new to whoever this principal is.
        Outcome::Accepted if settings.setup && heard.status == StatusCode::CREATED => {
            return Err(RunError::Usage(
                "--mq-principal is not the principal of --key: say which it is",
            ));
        }
        Outcome::Accepted => return Ok(()),
        _ => said(heard.status, &heard.body),
    };
    let principal = &mq.principal;
    Err(failed(format!(
        "a command of the principal {principal} is answered with {refused}"
    )))
}

/// Waits for an answer that is one; `None` if there is none in time.
async fn ask(post: &Post, command: Bytes) -> Option<super::heard::Heard> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let heard = timeout_at(deadline, post.post(command.clone()))
            .await
            .ok()?;
        match heard {
            Ok(heard) if heard.status != StatusCode::SERVICE_UNAVAILABLE => return Some(heard),
            // The server has not made its streams yet, or the broker is just coming.
            _ if Instant::now() + PAUSE > deadline => return None,
            _ => sleep(PAUSE).await,
        }
    }
}

fn silence(post: &Post) -> String {
    let said = post.complaint();
    let said = said.map_or_else(String::new, |said| format!("; the broker said: {said}"));
    format!("no answer within {} s{said}", PATIENCE.as_secs())
}
