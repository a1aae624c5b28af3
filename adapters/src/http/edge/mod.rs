//! The edge of the server: what a connection may take of time and room, whatever it says.
//!
//! The framework bounds the first head of a connection and the time between requests. What it leaves open is bounded
//! here, underneath it: every head, and every answer that its client does not read.
//!
//! | where | what |
//! |---|---|
//! | `bounds` | the bounds themselves, which may change while the server runs |
//! | `admission` | how many commands may be on their way, and how much room bodies may take |
//! | `connections` | how many connections there may be |
//! | `course` | what a connection is about, and until when it may be about it |
//! | `guarded` | the bytes of a connection, cut off when its time is over |
//! | `listener` | from a socket to requests |
//! | `streams` | answers that do not end by themselves |
//! | `tls` | certificates, and new ones while the server runs |

mod admission;
mod bounds;
mod connections;
mod course;
mod guarded;
mod listener;
mod streams;
mod tls;

use std::sync::Arc;

use arc_swap::ArcSwap;

pub use bounds::Bounds;
pub(super) use listener::listen;
pub use tls::{Tls, TlsError};

use admission::Admission;
pub(super) use admission::{Inside, Room};
use connections::Connections;
use jifen_engine::ledger::Principal;
use streams::Streams;
pub(crate) use streams::{Following, StreamFigures};
use tokio::sync::watch;

/// What all connections and requests of a server share. Clones are the same edge.
#[derive(Clone)]
pub struct Edge(Arc<Shared>);

struct Shared {
    bounds: ArcSwap<Bounds>,
    connections: Connections,
    admission: Admission,
    streams: Arc<Streams>,
}

impl Edge {
    /// An edge with these bounds.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared {
            bounds: ArcSwap::from_pointee(bounds),
            connections: Connections::default(),
            admission: Admission::default(),
            streams: Arc::default(),
        }))
    }

    /// The bounds that hold for what comes from now on.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        **self.0.bounds.load()
    }

    /// Sets other bounds. Connections and requests that have begun keep the deadlines they began with.
    pub fn set(&self, bounds: Bounds) {
        self.0.bounds.store(Arc::new(bounds));
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.connections.open()
    }

    /// Tells all streams, of events and of lines, to end: they would keep the server from stopping.
    pub fn end_streams(&self) {
        self.0.streams.end();
    }

    /// Tells whether streams are to end.
    pub(super) fn ending(&self) -> watch::Receiver<bool> {
        self.0.streams.ending()
    }

    /// How the streams of events stand.
    pub(crate) fn streams(&self) -> StreamFigures {
        self.0.streams.figures()
    }

    /// Lets a principal open a stream of events; `None` if it has too many.
    pub(super) fn follow(&self, principal: &Principal) -> Option<Following> {
        Following::begin(&self.0.streams, principal)
    }

    /// Whether one more request with commands may come in at all. It is asked before a body is read, so that a refusal
    /// costs next to nothing.
    pub(super) fn is_full(&self) -> bool {
        self.0.admission.is_full(self.bounds().commands)
    }

    /// Lets `count` commands in, all or none.
    pub(super) fn enter(&self, count: usize) -> Option<Inside> {
        Inside::enter(self, count)
    }

    /// Room for a body, none of it taken yet.
    pub(super) fn room(&self) -> Room {
        Room::new(self)
    }

    fn admission(&self) -> &Admission {
        &self.0.admission
    }

    fn door(&self) -> &Connections {
        &self.0.connections
    }
}
