//! How many connections there may be.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Edge;

/// The connections of a server.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: AtomicUsize,
    /// Those of them that are only told that there are too many.
    refused: AtomicUsize,
}

impl Connections {
    /// How many there are, without those that are being refused.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

/// The right of a connection to be there; given back when it is dropped.
pub(super) struct Seat {
    edge: Edge,
    counter: fn(&Connections) -> &AtomicUsize,
}

impl Seat {
    /// A place among the connections, if one is free.
    pub(super) fn take(edge: &Edge) -> Option<Self> {
        Self::of(edge, |all| &all.open, edge.bounds().connections)
    }

    /// A place among those that are told that there is none, of which there are few: the others are just closed.
    pub(super) fn to_be_refused(edge: &Edge) -> Option<Self> {
        Self::of(edge, |all| &all.refused, REFUSED_MAX)
    }

    fn of(edge: &Edge, counter: fn(&Connections) -> &AtomicUsize, most: usize) -> Option<Self> {
        let before = counter(edge.door()).fetch_add(1, Ordering::Relaxed);
        // Dropping the seat takes back what was added.
        let seat = Self {
            edge: edge.clone(),
            counter,
        };
        (before < most).then_some(seat)
    }
}

/// How many connections may be told at once that there are too many.
pub(super) const REFUSED_MAX: usize = 256;

impl Drop for Seat {
    fn drop(&mut self) {
        (self.counter)(self.edge.door()).fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Bounds;

    #[test]
    fn a_seat_is_free_again_when_it_is_left() {
        let edge = Edge::new(Bounds {
            connections: 2,
            ..Bounds::default()
        });
        let (first, second) = (Seat::take(&edge), Seat::take(&edge));
        assert!(first.is_some() && second.is_some());
        assert!(Seat::take(&edge).is_none());
        assert!(Seat::to_be_refused(&edge).is_some());
        assert_eq!(edge.connections(), 2);
        drop(first);
        assert!(Seat::take(&edge).is_some());
        drop(second);
        assert_eq!(edge.connections(), 0);
    }

    #[test]
    fn fewer_seats_hold_at_once() {
        let edge = Edge::new(Bounds::default());
        let _seats: Vec<_> = (0..3).map(|_| Seat::take(&edge).unwrap()).collect();
        edge.set(Bounds {
            connections: 3,
            ..Bounds::default()
        });
        assert!(Seat::take(&edge).is_none());
    }
}
