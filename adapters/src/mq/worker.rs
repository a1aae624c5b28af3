//! A thread with a runtime of its own, which works until it is told to stop: what it does must not wait for HTTP, nor HTTP for it.

use std::{io, thread};

use tokio::sync::{oneshot, watch};

use super::ingress::StartError;

/// Who hears how the first attempt went.
pub(super) type First = oneshot::Sender<Result<(), StartError>>;

/// A thread at work.
pub(super) struct Worker {
    stop: watch::Sender<bool>,
    stopped: oneshot::Receiver<()>,
}

impl Worker {
    /// Starts a thread that works for as long as the future does that `work` makes on it. Answers when the first attempt is
    /// over.
    pub(super) async fn start<F: Future<Output = ()>>(
        name: &str,
        work: impl FnOnce(watch::Receiver<bool>, First) -> F + Send + 'static,
    ) -> Result<Self, StartError> {
        let (stop, stopping) = watch::channel(false);
        let (first, begun) = oneshot::channel();
        let (end, stopped) = oneshot::channel();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime {
                Ok(runtime) => runtime.block_on(work(stopping, first)),
                Err(error) => drop(first.send(Err(StartError::Thread(error)))),
            }
            // Whoever waited for it may be gone.
            let _ = end.send(());
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run);
        thread.map_err(StartError::Thread)?;
        match begun.await {
            Ok(begun) => begun.map(|()| Self { stop, stopped }),
            Err(_) => Err(StartError::Thread(io::Error::other("it ended at once"))),
        }
    }

    /// Tells it to stop, and waits until it has.
    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        // Gone without a word is gone as well.
        let _ = self.stopped.await;
    }
}
