//! The HTTP server: endpoints in, answers and problem documents out.
//!
//! | where | what |
//! |---|---|
//! | `endpoints` | every endpoint, once |
//! | `routes` | which endpoint is served by whom |
//! | `edge` | what a connection may take of time and room; TLS |
//! | `keys` | who came in, and how much they may still ask for |
//! | `body` | reading a body, with a bound and a deadline |
//! | `single` | endpoints of one command |
//! | `batch`, `stream` | `/v1/commands` as an array and as NDJSON |
//! | `reads` | what can be looked at |
//! | `statement` | statements and movements, page by page |
//! | `events` | the feed |
//! | `health` | for load balancers |
//! | `metrics` | what Prometheus asks for |
//! | `observe` | counting, measuring and tracing of every request |
//! | `document` | the OpenAPI document |
//! | `noop` | the same work without a shard, to measure what the door itself costs |
//! | `problem` | refusals of every kind |

mod batch;
mod body;
pub(crate) mod clearing;
mod document;
mod edge;
pub(crate) mod endpoints;
mod events;
mod health;
mod keys;
mod metrics;
mod noop;
mod observe;
mod problem;
mod reads;
mod routes;
pub(crate) mod sales;
mod single;
mod statement;
mod stream;
#[cfg(test)]
pub(crate) mod tests;

use std::{io, net::SocketAddr, sync::Arc};

use actix_web::{App, dev::Server, web};
use jifen_engine::{Engine, ledger::PointType};

use crate::{
    access::Keyring,
    metrics::DoorMeters,
    mq::{Desk, Options, Publishing, Standing},
};

pub use body::BODY_BYTES_MAX;
pub(crate) use edge::StreamFigures;
pub use edge::{Bounds, Edge, Tls, TlsError};
pub use keys::{Client, authenticate};
pub use observe::Tracing;
pub use problem::Problem;
pub use routes::routes;
pub use stream::LINE_BYTES_MAX;

/// What the endpoints work with.
pub struct State {
    /// Decides and remembers.
    pub engine: Engine,
    /// Who may come in.
    pub keys: Arc<Keyring>,
    /// The kind of points that commands mean if they name none.
    pub point_type: PointType,
    /// What connections and requests may take of time and room.
    pub edge: Edge,
    /// What is counted of commands and requests.
    pub meters: Arc<DoorMeters>,
    /// Which requests are traced.
    pub tracing: Tracing,
    /// How the message queue stands, if there is one.
    pub queue: Option<Arc<Standing>>,
    /// How far events are published there.
    pub publishing: Option<Arc<Publishing>>,
}

impl State {
    /// What the message queue works with, if there is one: the same as the endpoints.
    #[must_use]
    pub fn desk(&self, mq: Option<&Options>) -> Option<Desk> {
        let (standing, mq) = (self.queue.as_ref()?, mq?);
        Some(Desk {
            engine: self.engine.clone(),
            keys: Arc::clone(&self.keys),
            point_type: self.point_type.clone(),
            meters: Arc::clone(&self.meters),
            standing: Arc::clone(standing),
            retries: mq.retries,
            ack_wait: mq.ack_wait,
        })
    }
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

/// Opens the door, with TLS if there are certificates. The server works as soon as its future is polled; it leaves
/// signals to the caller.
pub fn bind(
    settings: Settings,
    state: State,
    tls: Option<Arc<Tls>>,
) -> io::Result<(Server, SocketAddr)> {
    let state = web::Data::new(state);
    let edge = state.edge.clone();
    edge::listen(settings, &edge, tls, move || {
        App::new()
            .app_data(state.clone())
            .wrap_fn({
                let state = state.clone();
                move |request, service| observe::observe(&state, request, service)
            })
            .configure(|app| routes(app, settings.debug_endpoints))
    })
}
