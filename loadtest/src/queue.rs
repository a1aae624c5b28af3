//! The queue in front of the connections of one worker. It holds no requests: since they are alike until a connection
//! fills one in, the queue is three numbers, and may be arbitrarily long in no memory.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::pacer::Pacer;

/// Time since the start of the run, the same for all workers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) const fn starting_at(start: Instant) -> Self {
        Self { start }
    }

    /// Zero until the start.
    pub(crate) fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(self.start)
    }

    /// From now until this time of the run; nothing if it is over.
    pub(crate) fn until(&self, time: Duration) -> Duration {
        (self.start + time).saturating_duration_since(Instant::now())
    }
}

/// Who may send, and when it was planned.
#[derive(Debug)]
pub(crate) enum Queue {
    /// Open loop.
    Planned(Planned),
    /// Closed loop: always, until the end.
    Unplanned {
        /// When nothing more is sent.
        end: Duration,
        /// Shut until the run starts; closed when it is given up. Whoever passes leaves it open for the next.
        gate: Semaphore,
    },
}

/// The requests of an open loop: `taken <= released <= total`.
#[derive(Debug)]
pub(crate) struct Planned {
    pacer: Pacer,
    total: u64,
    /// How many the plan has let go; only the ticker writes it.
    released: AtomicU64,
    /// How many a connection has taken; the next one takes the request of this number.
    taken: AtomicU64,
    /// One permit for each request released and not taken. Waiting connections are served first come first served, so
    /// that all of them are used alike. Closed when nothing is left to take.
    permits: Semaphore,
    queued_max: AtomicU64,
}

impl Queue {
    pub(crate) fn new(pacer: Option<Pacer>, length: Duration) -> Self {
        match pacer {
            Some(pacer) => {
                let total = pacer.total(length);
                Self::Planned(Planned::new(pacer, total))
            }
            None => Self::Unplanned {
                end: length,
                gate: Semaphore::new(0),
            },
        }
    }

    /// Waits until a request is to be sent and says when it was planned; `None` when there are no more.
    pub(crate) async fn take(&self, clock: Clock) -> Option<Duration> {
        match self {
            Self::Planned(planned) => planned.take().await,
            Self::Unplanned { end, gate } => {
                let _passing = gate.acquire().await.ok()?;
                Some(clock.elapsed()).filter(|now| now < end)
            }
        }
    }

    /// Lets go of everything that is due, and says when to come again; `None` if there is no need to. Not called before
    /// the start of the run.
    pub(crate) fn release(&self, elapsed: Duration) -> Option<Duration> {
        match self {
            Self::Planned(planned) => planned.release(elapsed),
            Self::Unplanned { gate, .. } => {
                if gate.available_permits() == 0 {
                    gate.add_permits(1);
                }
                None
            }
        }
    }

    /// Is there nothing left to send?
    pub(crate) fn is_over(&self, clock: Clock) -> bool {
        match self {
            Self::Planned(planned) => planned.permits.is_closed(),
            Self::Unplanned { end, gate } => gate.is_closed() || clock.elapsed() >= *end,
        }
    }

    /// Gives up what has not been taken.
    pub(crate) fn close(&self) {
        match self {
            Self::Planned(planned) => planned.permits.close(),
            Self::Unplanned { gate, .. } => gate.close(),
        }
    }

    /// The most requests that were due while no connection was free.
    pub(crate) fn queued_max(&self) -> u64 {
        match self {
            Self::Planned(planned) => planned.queued_max.load(Relaxed),
            Self::Unplanned { .. } => 0,
        }
    }

    /// When the requests were planned that were never taken.
    pub(crate) fn untaken(&self) -> impl Iterator<Item = Duration> {
        let planned = match self {
            Self::Planned(planned) => Some(planned),
            Self::Unplanned { .. } => None,
        };
        planned.into_iter().flat_map(|planned| {
            (planned.taken.load(Relaxed)..planned.total)
                .map(|number| planned.pacer.planned_at(number))
        })
    }
}

impl Planned {
    fn new(pacer: Pacer, total: u64) -> Self {
        let permits = Semaphore::new(0);
        if total == 0 {
            permits.close();
        }
        let (released, taken, queued_max) =
            (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self {
            pacer,
            total,
            released,
            taken,
            permits,
            queued_max,
        }
    }

    async fn take(&self) -> Option<Duration> {
        self.permits.acquire().await.ok()?.forget();
        let number = self.taken.fetch_add(1, Relaxed);
        if number + 1 == self.total {
            self.permits.close();
        }
        Some(self.pacer.planned_at(number))
    }

    /// Lets go of everything that is due, and says when the next request is planned; `None` if that was the last.
    fn release(&self, elapsed: Duration) -> Option<Duration> {
        let due = self.pacer.due(elapsed).min(self.total);
        let released = self.released.swap(due, Relaxed);
        let fresh = usize::try_from(due - released).unwrap_or(Semaphore::MAX_PERMITS);
        self.permits.add_permits(fresh);
        // Permits go to waiting connections at once, so what is still available found nobody free.
        let queued = self.permits.available_permits() as u64;
        self.queued_max.fetch_max(queued, Relaxed);
        (due < self.total).then(|| self.pacer.planned_at(due))
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// One poll is enough to see whether a connection would have to wait; no runtime and no clock are needed.
    fn poll_take(planned: &Planned) -> Poll<Option<Duration>> {
        pin!(planned.take()).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn requests_wait_for_their_time_and_keep_it_while_they_wait_for_a_connection() {
        let planned = Planned::new(Pacer::constant("100".parse().expect("a rate"), 1), 4);
        assert_eq!(
            poll_take(&planned),
            Poll::Pending,
            "nothing is released yet"
        );
        assert_eq!(planned.release(ms(0)), Some(ms(10)));
        assert_eq!(poll_take(&planned), Poll::Ready(Some(ms(0))));
        assert_eq!(poll_take(&planned), Poll::Pending);

        // No connection is free for a long time: all are due, none forgets when it was planned.
        assert_eq!(planned.release(ms(1_000)), None);
        assert_eq!(planned.queued_max.load(Relaxed), 3);
        assert_eq!(poll_take(&planned), Poll::Ready(Some(ms(10))));
        assert_eq!(poll_take(&planned), Poll::Ready(Some(ms(20))));
        assert_eq!(poll_take(&planned), Poll::Ready(Some(ms(30))));
        assert_eq!(
            poll_take(&planned),
            Poll::Ready(None),
            "the last one closes the queue"
        );
    }

    #[test]
    fn what_is_given_up_is_still_known() {
        let queue = Queue::Planned(Planned::new(
            Pacer::constant("100".parse().expect("a rate"), 1),
            4,
        ));
        let Queue::Planned(planned) = &queue else {
            panic!("an open loop is planned")
        };
        planned.release(ms(1_000));
        assert_eq!(poll_take(planned), Poll::Ready(Some(ms(0))));
        queue.close();
        assert_eq!(poll_take(planned), Poll::Ready(None));
        assert_eq!(
            queue.untaken().collect::<Vec<_>>(),
            [ms(10), ms(20), ms(30)]
        );
    }
}
