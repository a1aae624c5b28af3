//! Makes the merchants and members of the load and gives every member an opening balance. Everything has a request id that
//! depends on its object alone: a second setup, or one that was broken off, is answered from memory where it was done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use hyper::{Method, StatusCode, Uri};
use tokio::task::JoinSet;

use crate::answer::{self, Outcome};
use crate::command;
use crate::connection::Connection;
use crate::error::RunError;
use crate::names::{MERCHANTS, Member, Merchant};
use crate::progress::SetupProgress;
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
        tasks.spawn(enrol_all(connection, Arc::clone(&next), settings.members, progress.clone()));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
    }
    progress.finish();
    Ok(())
}

async fn put_merchant(connection: &mut Connection, merchant: Merchant) -> Result<(), RunError> {
    let failed = |cause| RunError::Setup { step: "PUT /v1/merchants", cause };
    let uri = merchant.path().parse::<Uri>().map_err(|error| failed(error.to_string()))?;
    let body = Bytes::from(format!("{{\"name\":\"Load merchant {}\"}}", merchant.0));
    let status = connection.call(Method::PUT, uri, body).await.map_err(|error| failed(error.to_string()))?;
    if status.is_success() { Ok(()) } else { Err(failed(said(status, connection.body()))) }
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
            command::put_opening(&mut buffer, Movement { member: Member(number), merchant, points: 0 });
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
        let cause = match connection.call(Method::POST, uri, body.clone()).await {
            Ok(status) => match judge(status, connection.body()) {
                Judgement::Accepted => return Ok(()),
                Judgement::Again(cause) if attempt < ATTEMPTS => cause,
                Judgement::Again(cause) | Judgement::Never(cause) => return Err(failed(cause)),
            },
            Err(error) if attempt < ATTEMPTS => error.to_string(),
            Err(error) => return Err(failed(error.to_string())),
        };
        tracing_free_note(&cause);
        tokio::time::sleep(pause).await;
        pause *= 2;
        attempt += 1;
    }
}
