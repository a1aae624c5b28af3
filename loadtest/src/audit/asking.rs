//! Asking the server many things at once, patiently: it may just have been killed, or still be busy with the load.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, StatusCode, Uri};
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::connection::Connection;
use crate::error::RunError;
use crate::progress::AuditProgress;
use crate::session::Outgoing;
use crate::settings::Settings;
use crate::setup::said;

/// Questions at once.
const CONNECTIONS: usize = 32;
/// The pauses between the attempts of a question that gets no answer: twice as long each time.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A question that was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("{method} {path}: {cause}")]
    Unanswered {
        method: Method,
        path: String,
        cause: String,
    },
    #[error(transparent)]
    Connection(#[from] RunError),
}

/// One of those who ask.
#[derive(Debug)]
pub(crate) struct Asker {
    connection: Connection,
    /// How long a question is repeated that gets no answer.
    patience: Duration,
}

impl Asker {
    pub(crate) fn new(settings: &Settings) -> Result<Self, AskError> {
        Ok(Self {
            connection: Connection::new(settings)?,
            patience: settings.patience,
        })
    }

    /// Asks until there is an answer that is not "come again".
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, &[u8]), AskError> {
        let unanswered = |cause: String| AskError::Unanswered {
            method: method.clone(),
            path: path.to_owned(),
            cause,
        };
        let uri: Uri = path
            .parse()
            .map_err(|error: hyper::http::uri::InvalidUri| unanswered(error.to_string()))?;
        let deadline = Instant::now() + self.patience;
        let mut pause = PAUSE_FIRST;
        loop {
            let outgoing = Outgoing {
                uri: uri.clone(),
                key: None,
                body: body.clone(),
            };
            let cause = match self.connection.call(method.clone(), outgoing).await {
                Ok(status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)) => {
                    said(status, self.connection.body())
                }
                Ok(status) => return Ok((status, self.connection.body())),
                Err(error) => error.to_string(),
            };
            if Instant::now() + pause > deadline {
                return Err(unanswered(cause));
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Asks for a document that must be there.
    pub(crate) async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, AskError> {
        let (status, body) = self.ask(Method::GET, path, Bytes::new()).await?;
        let unanswered = |cause: String| AskError::Unanswered {
            method: Method::GET,
            path: path.to_owned(),
            cause,
        };
        if !status.is_success() {
            return Err(unanswered(said(status, body)));
        }
        serde_json::from_slice(body).map_err(|error| unanswered(error.to_string()))
    }
}

/// Has `question` answered for each of the things, many at once. The answers are in the order of the things.
pub(crate) async fn for_each<T, R, F>(
    settings: &Settings,
    progress: &AuditProgress,
    things: Vec<T>,
    question: F,
) -> Result<Vec<R>, AskError>
where
    T: Send + Sync + 'static,
    R: Send + 'static,
    F: AsyncFn(&mut Asker, &T) -> Result<R, AskError> + Copy + 'static,
{
    let things = Arc::new(things);
    let next = Arc::new(AtomicUsize::new(0));
    let local = tokio::task::LocalSet::new();
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS.min(things.len()) {
        let (things, next) = (Arc::clone(&things), Arc::clone(&next));
        let (mut asker, progress) = (Asker::new(settings)?, progress.clone());
        tasks.spawn_local_on(
            async move {
                let mut answers = Vec::new();
                loop {
                    let place = next.fetch_add(1, Relaxed);
                    let Some(thing) = things.get(place) else {
                        return Ok(answers);
                    };
                    answers.push((place, question(&mut asker, thing).await?));
                    progress.add(1);
                }
            },
            &local,
        );
    }
    let mut answers = local
        .run_until(async {
            let mut answers = Vec::with_capacity(things.len());
            while let Some(done) = tasks.join_next().await {
                let some: Result<Vec<(usize, R)>, AskError> =
                    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                answers.extend(some?);
            }
            Ok::<_, AskError>(answers)
        })
        .await?;
    answers.sort_unstable_by_key(|(place, _)| *place);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}
