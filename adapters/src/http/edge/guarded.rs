//! The bytes of a connection, cut off when its time is over.

use std::{
    future::Future,
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use actix_web::rt::net::TcpStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep_until},
};
use tokio_rustls::server::TlsStream;

use super::{
    connections::Seat,
    course::{Course, Waiting},
};
use crate::{http::Problem, wire::wording};

/// How much of an answer a client must take in the time it has for that, in bytes. The system takes so much at a time
/// from us as a client makes room for.
const TAKEN_MIN: usize = 4 << 10;

/// How bytes travel.
pub(super) enum Wire {
    /// As they are.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection with its deadlines. What is read or written too late fails with [`ErrorKind::TimedOut`].
pub(super) struct Guarded {
    wire: Wire,
    course: Rc<Course>,
    /// How long an answer may wait for its client.
    answer: Duration,
    /// Wakes the connection up when its waiting may be over.
    reading: Alarm,
    /// Wakes it up when its client has left an answer alone for too long.
    writing: Alarm,
    /// Wakes it up when its client has made no room for an answer for too long.
    making_room: Alarm,
    stuck: Option<Stuck>,
    stop: Stop,
    /// How many requests had been answered when there was nothing more to be written, if none was open.
    written_of: Option<u64>,
    _seat: Seat,
}

/// Whether the connection is to end as soon as nothing on it is open.
enum Stop {
    /// Whoever reads and writes it sees to that.
    Never,
    /// When this is done.
    After(Pin<Box<dyn Future<Output = ()>>>),
    Now,
}

/// An answer that cannot be written on.
struct Stuck {
    since: Instant,
    /// How much of it was taken since then, in bytes.
    taken: usize,
}

impl Guarded {
    pub(super) fn new(wire: Wire, course: Rc<Course>, answer: Duration, seat: Seat) -> Self {
        let stop = course.ending().cloned().map_or(Stop::Never, |mut ending| {
            Stop::After(Box::pin(async move {
                // Whoever would have said so may be gone.
                let _ = ending.wait_for(|ending| *ending).await;
            }))
        });
        Self {
            wire,
            course,
            answer,
            reading: Alarm::default(),
            writing: Alarm::default(),
            making_room: Alarm::default(),
            stuck: None,
            stop,
            written_of: None,
            _seat: seat,
        }
    }

    /// What the connection is about.
    pub(super) fn course(&self) -> &Rc<Course> {
        &self.course
    }

    /// Whether nothing more is to come: the server stops, and all that was asked has been answered and written. If not, the
    /// connection is woken up when it stops.
    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        if let Stop::After(ending) = &mut self.stop
            && ending.as_mut().poll(cx).is_ready()
        {
            self.stop = Stop::Now;
        }
        let answered = self.course.answered();
        matches!(self.stop, Stop::Now) && answered.is_some() && self.written_of == answered
    }

    /// Looks whether the waiting is over, and has the connection woken up when it will be.
    fn check_reading(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if let Some(since) = self.course.oldest_piece()
            && self.making_room.is_due(since + self.answer, cx)
        {
            // What it makes no room for is never written, so that nothing else would find that it is left alone.
            return Err(ErrorKind::TimedOut.into());
        }
        let Some((waiting, deadline)) = self.course.waiting() else {
            return Ok(());
        };
        if !self.reading.is_due(deadline, cx) {
            return Ok(());
        }
        if waiting == Waiting::ForHead && self.course.is_plain() && self.stuck.is_none() {
            // Nobody else writes now. It fits, or the client has never read anything.
            let told = Problem::from(&wording::REQUEST_TIMEOUT).as_last_words();
            let _ = Pin::new(&mut self.wire).poll_write(cx, &told);
            let _ = Pin::new(&mut self.wire).poll_flush(cx);
        }
        Err(ErrorKind::TimedOut.into())
    }

    /// Keeps account of what a client takes of its answers.
    fn written(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.written_of = None;
        match &written {
            Poll::Ready(Ok(taken)) => {
                if let Some(stuck) = &mut self.stuck {
                    stuck.taken += taken;
                    if stuck.taken >= TAKEN_MIN {
                        self.stuck = None;
                    }
                }
                written
            }
            Poll::Ready(Err(_)) => written,
            Poll::Pending => self.wait_to_write(cx),
        }
    }

    fn wait_to_write<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let stuck = self.stuck.get_or_insert_with(|| Stuck {
            since: Instant::now(),
            taken: 0,
        });
        if self.writing.is_due(stuck.since + self.answer, cx) {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        match Pin::new(&mut this.wire).poll_read(cx, into) {
            Poll::Ready(Ok(())) => {
                if into.filled().len() > before {
                    this.course.heard();
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending if this.is_over(cx) => Poll::Ready(Ok(())),
            Poll::Pending => match this.check_reading(cx) {
                Ok(()) => Poll::Pending,
                Err(error) => Poll::Ready(Err(error)),
            },
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.wire).poll_write(cx, bytes);
        this.written(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.wire).poll_write_vectored(cx, slices);
        this.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.wire).poll_flush(cx) {
            Poll::Pending => this.wait_to_write(cx),
            Poll::Ready(Ok(())) => {
                // All that was to be written has been taken by the system.
                this.stuck = None;
                let answered = this.course.answered();
                if this.written_of != answered {
                    this.written_of = answered;
                    if matches!(this.stop, Stop::Now) {
                        // It is read once more, and found to be over.
                        cx.waker().wake_by_ref();
                    }
                }
                Poll::Ready(Ok(()))
            }
            failed => failed,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.wire).poll_shutdown(cx) {
            Poll::Pending => this.wait_to_write(cx),
            done => done,
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Wakes a connection up. Deadlines mostly move away before they are met, so it is not set anew for a later one: it
/// rings in vain at times, and is set again then.
#[derive(Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Whether the deadline is met; if not, the connection is woken up by then.
    fn is_due(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        self.poll(deadline, cx).is_ready()
    }

    fn poll(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(sleep_until(deadline.into())));
        if sleep.deadline().into_std() > deadline {
            sleep.as_mut().reset(deadline.into());
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline().into_std() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline.into());
        }
    }
}
