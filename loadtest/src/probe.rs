//! Asks once, before anything else, whether the run can take place at all: is there a server, and does it take the key?

use bytes::Bytes;
use hyper::{Method, StatusCode, Uri};

use crate::connection::Connection;
use crate::error::RunError;
use crate::session::{Outgoing, Session};
use crate::settings::Settings;

/// One request of the kind that changes nothing.
pub(crate) async fn probe(settings: &Settings) -> Result<(), RunError> {
    let mut connection = Connection::new(settings)?;
    let unreachable = |error: &dyn std::fmt::Display| RunError::Unreachable {
        target: settings.target.clone(),
        cause: error.to_string(),
    };
    connection
        .open()
        .await
        .map_err(|error| unreachable(&error))?;
    let status = if settings.noop {
        // No connection of the run has this number, so the request id is used only here.
        let outgoing = Session::new(settings, u32::MAX).next();
        connection
            .call(Method::POST, outgoing.expect("drawn commands do not end"))
            .await
    } else {
        let uri = Uri::from_static("/v1/merchants/load-m-0");
        connection
            .call(
                Method::GET,
                Outgoing {
                    uri,
                    key: None,
                    body: Bytes::new(),
                },
            )
            .await
    };
    let status = status.map_err(|error| unreachable(&error))?;
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(RunError::Key {
            target: settings.target.clone(),
            status,
        }),
        status if settings.noop && !status.is_success() => Err(RunError::NoDebugEndpoints {
            target: settings.target.clone(),
            path: if settings.batch > 1 {
                "/debug/noop/commands"
            } else {
                "/debug/noop/earns"
            },
            status,
        }),
        _ => Ok(()),
    }
}
