//! Answers that do not end by themselves: how many a principal may have, and that all end when the server does.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jifen_engine::{ledger::Principal, meters::Counter};
use tokio::sync::watch;

/// How many streams of events a principal may have open at once.
pub(crate) const STREAMS_EACH: usize = 32;

/// The streams of a server.
pub(super) struct Streams {
    open: Mutex<HashMap<Principal, usize>>,
    sent: Counter,
    cut: Counter,
    ending: watch::Sender<bool>,
}

/// How the streams stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StreamFigures {
    /// How many are open.
    pub(crate) open: u64,
    /// How many events were sent.
    pub(crate) sent: u64,
    /// How many streams were ended from here.
    pub(crate) cut: u64,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            sent: Counter::default(),
            cut: Counter::default(),
            ending: watch::Sender::new(false),
        }
    }
}

impl Streams {
    /// Tells all streams to end, also those that are still to be opened.
    pub(super) fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Tells when they are to end.
    pub(super) fn ending(&self) -> watch::Receiver<bool> {
        self.ending.subscribe()
    }

    pub(super) fn figures(&self) -> StreamFigures {
        StreamFigures {
            open: self.open().values().sum::<usize>() as u64,
            sent: self.sent.get(),
            cut: self.cut.get(),
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Principal, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that is open. It counts until this is dropped.
pub(crate) struct Following {
    streams: Arc<Streams>,
    principal: Principal,
    ending: watch::Receiver<bool>,
}

impl Following {
    /// `None` if the principal has as many as it may.
    pub(super) fn begin(streams: &Arc<Streams>, principal: &Principal) -> Option<Self> {
        let mut open = streams.open();
        let count = open.entry(principal.clone()).or_default();
        if *count == STREAMS_EACH {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Self {
            streams: Arc::clone(streams),
            principal: principal.clone(),
            ending: streams.ending.subscribe(),
        })
    }

    /// Waits until the server ends.
    pub(crate) async fn server_ends(&mut self) {
        // The sender is gone only when the server is.
        let _ = self.ending.wait_for(|ending| *ending).await;
    }

    /// So many events were sent.
    pub(crate) fn sent(&self, events: u64) {
        self.streams.sent.add(events);
    }

    /// It is ended from here.
    pub(crate) fn cut(&self) {
        self.streams.cut.add(1);
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut open = self.streams.open();
        if let Some(count) = open.get_mut(&self.principal) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_has_so_many_streams_and_another_has_its_own() {
        let streams = Arc::new(Streams::default());
        let (one, other) = ["one", "other"]
            .map(|name| Principal::new(name).unwrap())
            .into();
        let mut open: Vec<_> = (0..STREAMS_EACH)
            .map(|_| Following::begin(&streams, &one).unwrap())
            .collect();
        assert!(Following::begin(&streams, &one).is_none());
        let others = Following::begin(&streams, &other);
        assert!(others.is_some());
        open.pop();
        assert!(Following::begin(&streams, &one).is_some());
        drop((open, others));
        assert_eq!(streams.figures().open, 0);
    }
}
