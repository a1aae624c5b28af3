//! What a connection is about, and until when it may be about it.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::Bounds;

/// How many requests a connection of HTTP/2 may have open at once.
const REQUESTS_MAX: usize = 128;

/// What a connection is about. Its bytes and its requests share it; both are served by one thread.
pub(super) struct Course {
    head: Duration,
    idle: Duration,
    /// Requests that have been read and not answered in full.
    open: Cell<usize>,
    waiting: Cell<Waiting>,
    /// When the waiting is over.
    deadline: Cell<Instant>,
    /// How many requests have been answered in full.
    answered: Cell<u64>,
    /// Since when pieces of answers wait for their client to take them, in the order in which they were handed out.
    pieces: RefCell<BTreeMap<u64, Instant>>,
    /// How many pieces were handed out.
    handed_out: Cell<u64>,
    /// Of HTTP/2, whether the server stops: the framework does not see to such connections itself.
    ending: OnceCell<watch::Receiver<bool>>,
}

/// What is waited for while no request is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The rest of a head, or the first one.
    ForHead,
    /// Another request.
    Idle,
}

impl Course {
    /// A connection that was made at this moment.
    pub(super) fn begin(bounds: &Bounds, now: Instant) -> Rc<Self> {
        Rc::new(Self {
            head: bounds.head,
            idle: bounds.idle,
            open: Cell::new(0),
            waiting: Cell::new(Waiting::ForHead),
            deadline: Cell::new(now + bounds.head),
            answered: Cell::new(0),
            pieces: RefCell::default(),
            handed_out: Cell::new(0),
            ending: OnceCell::new(),
        })
    }

    /// The connection speaks HTTP/2, until the server stops.
    pub(super) fn has_frames(&self, ending: watch::Receiver<bool>) {
        // It is said once.
        let _ = self.ending.set(ending);
    }

    /// Whether bytes alone tell of a head, and refusals can be written between answers: in HTTP/2 bytes may be about
    /// anything.
    pub(super) fn is_plain(&self) -> bool {
        self.ending.get().is_none()
    }

    /// Of HTTP/2, tells whether the server stops.
    pub(super) fn ending(&self) -> Option<&watch::Receiver<bool>> {
        self.ending.get()
    }

    /// How many requests have been answered in full; `None` while one is open.
    pub(super) fn answered(&self) -> Option<u64> {
        (self.open.get() == 0).then(|| self.answered.get())
    }

    /// Since when the piece of an answer waits that has waited longest.
    pub(super) fn oldest_piece(&self) -> Option<Instant> {
        self.pieces.borrow().values().next().copied()
    }

    /// What is waited for, and until when; `None` while a request is open.
    pub(super) fn waiting(&self) -> Option<(Waiting, Instant)> {
        (self.open.get() == 0).then(|| (self.waiting.get(), self.deadline.get()))
    }

    /// Bytes have arrived: of a head, if no request is open.
    pub(super) fn heard(&self) {
        if self.open.get() == 0 && self.waiting.get() == Waiting::Idle && self.is_plain() {
            self.waiting.set(Waiting::ForHead);
            self.deadline.set(Instant::now() + self.head);
        }
    }

    /// A request has been read; `None` if there are too many of them.
    pub(super) fn open(self: &Rc<Self>) -> Option<Open> {
        self.open.set(self.open.get() + 1);
        let open = Open {
            course: Rc::clone(self),
            piece: Cell::new(None),
        };
        (self.open.get() <= REQUESTS_MAX).then_some(open)
    }
}

/// A request that is not answered in full. It ends when this is dropped.
pub(super) struct Open {
    course: Rc<Course>,
    /// The number of the piece of its answer that waits.
    piece: Cell<Option<u64>>,
}

impl Open {
    /// Whether pieces of the answer wait here: over HTTP/1 they wait in the connection, which knows how much is taken.
    pub(super) fn waits_in_pieces(&self) -> bool {
        !self.course.is_plain()
    }

    /// A piece of the answer is handed out.
    pub(super) fn hand_out(&self) {
        self.taken();
        let number = self.course.handed_out.get() + 1;
        self.course.handed_out.set(number);
        self.course
            .pieces
            .borrow_mut()
            .insert(number, Instant::now());
        self.piece.set(Some(number));
    }

    /// The client has taken what was handed out.
    pub(super) fn taken(&self) {
        if let Some(number) = self.piece.take() {
            self.course.pieces.borrow_mut().remove(&number);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.taken();
        let course = &self.course;
        course.open.set(course.open.get() - 1);
        course.answered.set(course.answered.get() + 1);
        course.waiting.set(Waiting::Idle);
        course.deadline.set(Instant::now() + course.idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> (Rc<Course>, Instant) {
        let now = Instant::now();
        (Course::begin(&Bounds::default(), now), now)
    }

    #[test]
    fn the_first_head_is_due_from_the_beginning_and_bytes_do_not_put_it_off() {
        let (course, now) = begun();
        let due = now + Bounds::default().head;
        assert_eq!(course.waiting(), Some((Waiting::ForHead, due)));
        course.heard();
        assert_eq!(course.waiting(), Some((Waiting::ForHead, due)));
    }

    #[test]
    fn nothing_is_due_while_a_request_is_open() {
        let (course, _) = begun();
        let (first, second) = (course.open(), course.open());
        drop(first);
        course.heard();
        assert_eq!(course.waiting(), None);
        drop(second);
        assert!(matches!(course.waiting(), Some((Waiting::Idle, _))));
    }

    #[test]
    fn a_later_head_is_due_from_its_first_byte() {
        let (course, _) = begun();
        drop(course.open());
        let (_, idle) = course.waiting().unwrap();
        course.heard();
        let (waiting, due) = course.waiting().unwrap();
        assert!(waiting == Waiting::ForHead && due < idle);
        course.heard();
        assert_eq!(course.waiting(), Some((Waiting::ForHead, due)));
    }

    #[test]
    fn frames_do_not_put_off_the_end_of_idling() {
        let (course, _) = begun();
        course.has_frames(watch::channel(false).1);
        drop(course.open());
        let waiting = course.waiting();
        course.heard();
        assert_eq!(course.waiting(), waiting);
    }

    #[test]
    fn the_piece_that_waits_longest_is_the_oldest_of_any_answer() {
        let (course, _) = begun();
        let (first, second) = (course.open().unwrap(), course.open().unwrap());
        first.hand_out();
        let oldest = course.oldest_piece();
        second.hand_out();
        assert!(oldest.is_some() && course.oldest_piece() == oldest);
        first.taken();
        assert!(course.oldest_piece() >= oldest);
        drop(second);
        assert_eq!(course.oldest_piece(), None);
    }

    #[test]
    fn there_are_so_many_requests_at_once() {
        let (course, _) = begun();
        let open: Vec<_> = (0..REQUESTS_MAX).map(|_| course.open().unwrap()).collect();
        assert!(course.open().is_none());
        drop(open);
        assert!(course.open().is_some());
    }
}
