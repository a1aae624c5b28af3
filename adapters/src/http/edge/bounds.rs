//! The bounds of connections and requests.

use std::time::Duration;

/// What a connection or a request may take of time and room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How long the head of a request may take to arrive, from its first byte; for the first one of a connection from
    /// the moment of connecting, with the handshake of TLS in it.
    pub head: Duration,
    /// How long a body may take to arrive, and how long a stream may be silent.
    pub body: Duration,
    /// How long a connection may stay without a request.
    pub idle: Duration,
    /// How long a client may let an answer wait before it takes the next few KiB of it.
    pub answer: Duration,
    /// How many connections there may be.
    pub connections: usize,
    /// How many commands may be on their way at once, in all shards.
    pub commands: usize,
    /// How much memory large bodies may take together while they arrive, in bytes.
    pub body_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            answer: Duration::from_secs(30),
            connections: 10_000,
            commands: 65_536,
            body_bytes: 256 << 20,
        }
    }
}
