//! Where a worker puts its requests: through a connection to the server, or, in a dry run, nowhere.

use hyper::StatusCode;

use crate::connection::{Connection, ConnectionError};
use crate::error::RunError;
use crate::session::Outgoing;
use crate::settings::Settings;

/// The far end of one connection of the load.
#[derive(Debug)]
pub(crate) enum Door {
    /// To the server.
    Server(Box<Connection>),
    /// Nobody is there, and accepts everything at once.
    Nobody {
        /// Of every request.
        status: StatusCode,
        body: Vec<u8>,
    },
}

impl Door {
    pub(crate) fn new(settings: &Settings) -> Result<Self, RunError> {
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
            Self::Nobody { .. } => Ok(()),
        }
    }

    /// See [`Connection::post`].
    pub(crate) async fn post(&mut self, outgoing: Outgoing) -> Result<StatusCode, ConnectionError> {
        match self {
            Self::Server(connection) => connection.post(outgoing).await,
            Self::Nobody { status, .. } => {
                drop(outgoing);
                Ok(*status)
            }
        }
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        match self {
            Self::Server(connection) => connection.body(),
            Self::Nobody { body, .. } => body,
        }
    }
}
