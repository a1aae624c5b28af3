//! The HTTP server: endpoints in, answers and problem documents out.
//!
//! | where | what |
//! |---|---|
//! | `routes` | which endpoint is served by whom |
//! | `keys` | who came in, and how much they may still ask for |
//! | `body` | reading a body, with a bound and a deadline |
//! | `single` | endpoints of one command |
//! | `batch`, `stream` | `/v1/commands` as an array and as NDJSON |
//! | `reads` | what can be looked at |
//! | `statement` | statements and movements, page by page |
//! | `health` | for load balancers |
//! | `noop` | the same work without a shard, to measure what the door itself costs |
//! | `problem` | refusals of every kind |

mod batch;
mod body;
mod health;
mod keys;
mod noop;
mod problem;
mod reads;
mod routes;
mod single;
mod statement;
mod stream;
#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{App, HttpServer, dev::Server, http::KeepAlive, web};
use jifen_engine::{Engine, ledger::PointType};

use crate::access::Keyring;

pub use body::BODY_BYTES_MAX;
pub use keys::{Client, authenticate};
pub use problem::Problem;
pub use routes::routes;
pub use stream::LINE_BYTES_MAX;

/// How long a connection may take to send the head of a request.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection may stay without a request.
const IDLE_DEADLINE: Duration = Duration::from_secs(75);
/// How long a stop waits for requests that were accepted, in seconds. Longer than a body may take.
const STOP_SECONDS: u64 = 35;

/// What the endpoints work with.
pub struct State {
    /// Decides and remembers.
    pub engine: Engine,
    /// Who may come in.
    pub keys: Arc<Keyring>,
    /// The kind of points that commands mean if they name none.
    pub point_type: PointType,
}

/// How the server is to be.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How many threads serve connections.
    pub workers: usize,
    /// Whether the endpoints that do nothing are there.
    pub debug_endpoints: bool,
}

/// Opens the door. The server works as soon as its future is polled; it leaves signals to the caller.
pub fn bind(settings: Settings, state: State) -> io::Result<(Server, SocketAddr)> {
    let state = web::Data::new(state);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .configure(|app| routes(app, settings.debug_endpoints))
    })
    .workers(settings.workers)
    .client_request_timeout(HEAD_DEADLINE)
    .keep_alive(KeepAlive::Timeout(IDLE_DEADLINE))
    .shutdown_timeout(STOP_SECONDS)
    .disable_signals()
    .bind(settings.listen)?;
    let address = server.addrs().first().copied().unwrap_or(settings.listen);
    Ok((server.run(), address))
}
