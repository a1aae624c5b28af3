//! What a worker has of audit and chaos: where to leave what it remembers, and whether the server is there.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::StatusCode;

use super::memory::{Attempt, Memory};
use crate::answer::problem_code;
use crate::chaos::Outage;
use crate::connection::ConnectionError;
use crate::door::Door;
use crate::session::Outgoing;

/// The same for all workers of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Witness {
    /// What the workers that have ended remembered.
    collected: Arc<Mutex<Option<Memory>>>,
    /// Where the server is killed now and then.
    outage: Option<Outage>,
}

impl Witness {
    pub(crate) fn new(outage: Option<Outage>) -> Self {
        Self {
            collected: Arc::default(),
            outage,
        }
    }

    /// Sends a request of so many commands. If the server is killed meanwhile, it is sent until it is answered.
    pub(crate) async fn send(
        &self,
        door: &mut Door,
        outgoing: Outgoing,
        commands: u64,
    ) -> (Result<StatusCode, ConnectionError>, Attempt) {
        let Some(outage) = &self.outage else {
            return (door.post(outgoing).await, Attempt::First);
        };
        let mut attempt = Attempt::First;
        loop {
            let kills = outage.kills();
            let sent = match door.open().await {
                Ok(()) => door.post(outgoing.clone()).await,
                Err(error) => Err(error),
            };
            match sent {
                Err(_) | Ok(StatusCode::SERVICE_UNAVAILABLE) => {
                    attempt = Attempt::Again;
                    outage.interrupted(commands).await;
                }
                // What was cut off may still be under way, as a transfer is between two shards.
                Ok(StatusCode::CONFLICT)
                    if attempt == Attempt::Again
                        && problem_code(door.body()) == "request_in_flight" =>
                {
                    outage.pause().await;
                }
                sent => {
                    // The queue has given it to the next server as well, whose answer may be a replay.
                    if door.is_kept() && kills.any() {
                        attempt = Attempt::Again;
                    }
                    return (sent, attempt);
                }
            }
        }
    }

    /// Waits until it makes sense to open a connection.
    pub(crate) async fn server_is_there(&self) {
        if let Some(outage) = &self.outage {
            outage.over().await;
        }
    }

    /// A worker ends.
    pub(crate) fn collect(&self, memory: Option<Memory>) {
        let mut collected = self
            .collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match (&mut *collected, memory) {
            (Some(all), Some(memory)) => all.merge(memory),
            (all, memory @ Some(_)) => *all = memory,
            (_, None) => {}
        }
    }

    /// What all of them remembered.
    pub(crate) fn take(&self) -> Option<Memory> {
        let mut collected = self
            .collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        collected.take()
    }
}
