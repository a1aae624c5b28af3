//! Whether the server is there. While it is not, nobody knocks: besides being useless, a connection to a local port without
//! a listener may be given that very port as its own and so keep the server from coming back to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::watch;

/// After a request was cut off; the kill may be known before the end of the process is.
const PAUSE: Duration = Duration::from_millis(5);

/// What a connection knows of the server that is killed now and then.
#[derive(Clone, Debug)]
pub(crate) struct Outage {
    is_up: watch::Receiver<bool>,
    interrupted: Arc<AtomicU64>,
}

/// Whether the server was killed, or came back, since this was made.
#[derive(Debug)]
pub(crate) struct Kills(watch::Receiver<bool>);

impl Kills {
    pub(crate) fn any(&self) -> bool {
        self.0.has_changed().unwrap_or(true)
    }
}

impl Outage {
    pub(super) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, is_up) = watch::channel(true);
        let interrupted = Arc::default();
        (sender, Self { is_up, interrupted })
    }

    /// Sees from now on whether the server is killed.
    pub(crate) fn kills(&self) -> Kills {
        let mut is_up = self.is_up.clone();
        is_up.mark_unchanged();
        Kills(is_up)
    }

    /// Waits until the server is there.
    pub(crate) async fn over(&self) {
        // Once the supervisor is gone nothing changes any more, and whoever asks will learn the rest.
        let _ = self.is_up.clone().wait_for(|up| *up).await;
    }

    /// A request of so many commands was cut off. Returns when it can be sent again.
    pub(crate) async fn interrupted(&self, commands: u64) {
        self.interrupted.fetch_add(commands, Relaxed);
        self.pause().await;
        self.over().await;
    }

    /// Before something is sent again that was sent a moment ago.
    pub(crate) async fn pause(&self) {
        tokio::time::sleep(PAUSE).await;
    }

    pub(super) fn commands(&self) -> u64 {
        self.interrupted.load(Relaxed)
    }
}
