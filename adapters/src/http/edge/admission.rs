//! How many commands may be on their way at once, and how much room bodies may take meanwhile.
//!
//! The shards have bounds of their own, but which shard a command is for stands in its body. This bound is for all of
//! them, so that a refusal needs no body: under overload it is the cheap one that nearly everybody meets.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Edge;

/// What has been let in.
#[derive(Debug, Default)]
pub(super) struct Admission {
    commands: AtomicUsize,
    body_bytes: AtomicUsize,
}

impl Admission {
    pub(super) fn is_full(&self, most: usize) -> bool {
        self.commands.load(Ordering::Relaxed) >= most
    }
}

/// The right of some commands to be on their way; given back when they are answered.
pub(in crate::http) struct Inside {
    edge: Edge,
    count: usize,
}

impl Inside {
    /// All or none. Whatever the bound is, commands that come when nobody is inside are let in: an array may be larger.
    pub(super) fn enter(edge: &Edge, count: usize) -> Option<Self> {
        let commands = &edge.admission().commands;
        let before = commands.fetch_add(count, Ordering::Relaxed);
        // Dropping it takes back what was added.
        let inside = Self {
            edge: edge.clone(),
            count,
        };
        (before == 0 || before + count <= edge.bounds().commands).then_some(inside)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let commands = &self.edge.admission().commands;
        commands.fetch_sub(self.count, Ordering::Relaxed);
    }
}

/// How much of a body is free of charge, in bytes: small ones are bounded by the number of connections.
const FREE: usize = 64 << 10;

/// The room that a body takes; given back when it is dropped.
pub(in crate::http) struct Room {
    edge: Edge,
    taken: usize,
}

impl Room {
    pub(super) fn new(edge: &Edge) -> Self {
        Self {
            edge: edge.clone(),
            taken: 0,
        }
    }

    /// Takes room for a body that has `length` bytes by now. False if there is none.
    pub(in crate::http) fn grow_to(&mut self, length: usize) -> bool {
        let more = length.saturating_sub(FREE).saturating_sub(self.taken);
        if more == 0 {
            return true;
        }
        let all = &self.edge.admission().body_bytes;
        let before = all.fetch_add(more, Ordering::Relaxed);
        self.taken += more;
        before + more <= self.edge.bounds().body_bytes
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let all = &self.edge.admission().body_bytes;
        all.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Bounds;

    fn edge(commands: usize, body_bytes: usize) -> Edge {
        Edge::new(Bounds {
            commands,
            body_bytes,
            ..Bounds::default()
        })
    }

    #[test]
    fn commands_come_in_together_or_not_at_all() {
        let edge = edge(10, 0);
        let eight = edge.enter(8);
        assert!(eight.is_some() && !edge.is_full());
        assert!(edge.enter(3).is_none());
        let two = edge.enter(2);
        assert!(two.is_some() && edge.is_full());
        drop((eight, two));
        assert!(
            edge.enter(1_000).is_some(),
            "an array larger than the bound"
        );
    }

    #[test]
    fn small_bodies_are_free_and_large_ones_give_back_what_they_took() {
        let edge = edge(1, 100);
        let mut small = edge.room();
        assert!(small.grow_to(FREE));
        let mut large = edge.room();
        assert!(large.grow_to(FREE + 60) && large.grow_to(FREE + 100));
        assert!(!small.grow_to(FREE + 1));
        drop(large);
        let mut other = edge.room();
        assert!(other.grow_to(FREE + 99));
    }
}
