//! Waking up on time. Tokio's own timers count in milliseconds; at 20,000 requests a second that would send twenty at once
//! and put up to a millisecond of our own into every latency. On Linux a timer descriptor wakes us within microseconds.

use std::io;
use std::time::Duration;

/// Wakes the task that waits for it.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// The timer descriptor. Tokio has no type of its own for it; a pipe is also something that is waited for and read.
    #[cfg(target_os = "linux")]
    timer: tokio::net::unix::pipe::Receiver,
}

#[cfg(target_os = "linux")]
impl Alarm {
    /// Must be called inside a runtime.
    pub(crate) fn new() -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = std::fs::File::from(timerfd_create(TimerfdClockId::Monotonic, flags)?);
        Ok(Self {
            timer: tokio::net::unix::pipe::Receiver::from_file_unchecked(timer)?,
        })
    }

    /// Waits this long.
    pub(crate) async fn after(&mut self, span: Duration) -> io::Result<()> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        use tokio::io::AsyncReadExt;
        // A timer set to zero is switched off and would never go off.
        let it_value =
            Timespec::try_from(span.max(Duration::from_nanos(1))).map_err(io::Error::other)?;
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value,
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        // It gives eight bytes. Room for more tells tokio by the short read that there is nothing left.
        self.timer.read(&mut [0_u8; 16]).await.map(drop)
    }
}

#[cfg(not(target_os = "linux"))]
impl Alarm {
    /// Must be called inside a runtime.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits this long.
    pub(crate) async fn after(&mut self, span: Duration) -> io::Result<()> {
        tokio::time::sleep(span).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Early would be wrong; late depends on the machine. That it rings again shows that it was reset.
    #[test]
    fn it_rings_not_early_and_again() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut alarm = Alarm::new().expect("an alarm");
            for micros in [300, 0, 2_000, 100] {
                let (span, start) = (Duration::from_micros(micros), Instant::now());
                alarm.after(span).await.expect("it rings");
                assert!(start.elapsed() >= span);
            }
        });
    }
}
