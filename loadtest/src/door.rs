//! Where a worker puts its requests: through a connection to the server, into the message queue, or, in a dry run, nowhere.

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;

use crate::connection::{Connection, ConnectionError};
use crate::error::RunError;
use crate::mq::{Post, PostError};
use crate::session::Outgoing;
use crate::settings::Settings;

/// The far end of one connection of the load.
#[derive(Debug)]
pub(crate) enum Door {
    /// To the server.
    Server(Box<Connection>),
    /// Through the queue.
    Queue {
        /// All doors of a worker have the same.
        post: Arc<Post>,
        /// The body of the last answer.
        body: Bytes,
    },
    /// Nobody is there, and accepts everything at once.
    Nobody {
        /// Of every request.
        status: StatusCode,
        body: Vec<u8>,
    },
}

impl Door {
    /// `post`: where the load goes through the queue.
    pub(crate) fn new(settings: &Settings, post: Option<&Arc<Post>>) -> Result<Self, RunError> {
        if let Some(post) = post {
            return Ok(Self::Queue {
                post: Arc::clone(post),
                body: Bytes::new(),
            });
        }
        if !settings.dry {
            return Ok(Self::Server(Box::new(Connection::new(settings)?)));
        }
        let is_array = settings.batch > 1 || settings.replay.is_some();
        let (status, body) = if is_array {
            let answers = vec![r#"{"status":"accepted"}"#; settings.batch as usize];
            (StatusCode::OK, format!("[{}]", answers.join(",")))
        } else {
            (StatusCode::CREATED, "{}".to_owned())
        };
        Ok(Self::Nobody {
            status,
            body: body.into_bytes(),
        })
    }

    /// See [`Connection::open`].
    pub(crate) async fn open(&mut self) -> Result<(), ConnectionError> {
        match self {
            Self::Server(connection) => connection.open().await,
            Self::Queue { post, .. } if post.is_open() => Ok(()),
            // It comes back by itself.
            Self::Queue { .. } => Err(PostError::Away.into()),
            Self::Nobody { .. } => Ok(()),
        }
    }

    /// See [`Connection::post`].
    pub(crate) async fn post(&mut self, outgoing: Outgoing) -> Result<StatusCode, ConnectionError> {
        match self {
            Self::Server(connection) => connection.post(outgoing).await,
            Self::Queue { post, body } => {
                let heard = post.post(outgoing.body).await?;
                *body = heard.body;
                Ok(heard.status)
            }
            Self::Nobody { status, .. } => {
                drop(outgoing);
                Ok(*status)
            }
        }
    }

    /// Whether what was sent is kept for a server that is away, and given to it when it is back.
    pub(crate) const fn is_kept(&self) -> bool {
        matches!(self, Self::Queue { .. })
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        match self {
            Self::Server(connection) => connection.body(),
            Self::Queue { body, .. } => body,
            Self::Nobody { body, .. } => body,
        }
    }
}
