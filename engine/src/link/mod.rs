//! Links: the ordered channel from one shard to another, over which every message arrives exactly once.
//!
//! Each ordered pair of shards has a link with a counter of its own: 1, 2, 3 … A message is part of the sender's entry and leaves
//! when that is durable. It is applied only if it is the next one, in an entry of the receiver's, and acknowledged when that is
//! durable. Until then the sender keeps it and sends it again when there is reason to. A shard has a link to itself as well: what
//! concerns two members takes the same way whether they share a shard or not.

use std::collections::VecDeque;

use bincode::{BorrowDecode, Encode};

use crate::ledger::{ShardIndex, UnixMillis};

/// A message that was not acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Unacknowledged<M> {
    /// The time of the entry that sent it; the receiver's entry is not older.
    pub at: UnixMillis,
    /// What it says.
    pub message: M,
}

/// One shard's ends of the links from and to another.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Link<M> {
    sent: u64,
    received: u64,
    /// The last messages sent, up to `sent`.
    unacknowledged: VecDeque<Unacknowledged<M>>,
}

impl<M> Default for Link<M> {
    fn default() -> Self {
        Self {
            sent: 0,
            received: 0,
            unacknowledged: VecDeque::new(),
        }
    }
}

/// Whether a message is to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turnout {
    /// It is the next one.
    Next,
    /// It was applied before.
    Known,
    /// One in front of it is missing; it will be sent again.
    TooEarly,
}

/// All links of one shard, by the other shard's place.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Links<M>(Vec<Link<M>>);

impl<M> Default for Links<M> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Why two shards cannot have come from the same history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Torn {
    /// The receiver has applied what the sender does not know to have sent: the sender lost durable data.
    #[error("shard {} has {received} messages of shard {}, which knows of {sent}", to.0, from.0)]
    Ahead {
        /// The sender.
        from: ShardIndex,
        /// The receiver.
        to: ShardIndex,
        /// How many the sender has sent.
        sent: u64,
        /// How many the receiver has applied.
        received: u64,
    },
    /// A message that was not applied is not kept either.
    #[error("shard {} does not keep message {number} to shard {} any more", from.0, to.0)]
    Missing {
        /// The sender.
        from: ShardIndex,
        /// The receiver.
        to: ShardIndex,
        /// The message.
        number: u64,
    },
}

impl<M> Links<M> {
    /// How many messages were sent to a shard so far.
    #[must_use]
    pub fn sent(&self, to: ShardIndex) -> u64 {
        self.get(to).map_or(0, |link| link.sent)
    }

    /// How many messages of a shard were applied so far.
    #[must_use]
    pub fn received(&self, from: ShardIndex) -> u64 {
        self.get(from).map_or(0, |link| link.received)
    }

    /// Up to which message another shard has acknowledged.
    #[must_use]
    pub fn acknowledged(&self, by: ShardIndex) -> u64 {
        self.get(by).map_or(0, Link::acknowledged)
    }

    /// How many messages to a shard were not acknowledged.
    #[must_use]
    pub fn waiting(&self, to: ShardIndex) -> usize {
        self.get(to).map_or(0, |link| link.unacknowledged.len())
    }

    /// The shards that something was sent to or came from, and what was counted: sent, applied.
    pub fn counts(&self) -> impl Iterator<Item = (ShardIndex, u64, u64)> {
        let links = (0..).map(ShardIndex).zip(&self.0);
        links.map(|(shard, link)| (shard, link.sent, link.received))
    }

    /// Notes a message that is sent; tells its number.
    pub fn send(&mut self, to: ShardIndex, at: UnixMillis, message: M) -> u64 {
        let link = self.get_mut(to);
        link.sent += 1;
        link.unacknowledged
            .push_back(Unacknowledged { at, message });
        link.sent
    }

    /// What is to be done with a message.
    #[must_use]
    pub fn turnout(&self, from: ShardIndex, number: u64) -> Turnout {
        let next = self.received(from) + 1;
        match number.cmp(&next) {
            std::cmp::Ordering::Less => Turnout::Known,
            std::cmp::Ordering::Equal => Turnout::Next,
            std::cmp::Ordering::Greater => Turnout::TooEarly,
        }
    }

    /// Notes a message that is applied.
    ///
    /// # Panics
    ///
    /// If it is not the next one.
    pub fn receive(&mut self, from: ShardIndex, number: u64) {
        assert_eq!(
            self.turnout(from, number),
            Turnout::Next,
            "invariant 6: a link has no gap"
        );
        self.get_mut(from).received = number;
    }

    /// Lets go of messages that another shard has durably applied.
    pub fn acknowledge(&mut self, by: ShardIndex, number: u64) {
        let link = self.get_mut(by);
        while link.acknowledged() < number && link.unacknowledged.pop_front().is_some() {}
    }

    /// The messages to a shard behind this number, each with its own, that it has not acknowledged.
    pub fn behind(
        &self,
        to: ShardIndex,
        number: u64,
    ) -> impl Iterator<Item = (u64, &Unacknowledged<M>)> {
        let link = self.get(to);
        let first = link.map_or(0, Link::acknowledged) + 1;
        let all = link.into_iter().flat_map(|link| &link.unacknowledged);
        (first..).zip(all).filter(move |(at, _)| *at > number)
    }

    /// All messages that were not acknowledged.
    pub fn unacknowledged(&self) -> impl Iterator<Item = &Unacknowledged<M>> {
        self.0.iter().flat_map(|link| &link.unacknowledged)
    }

    fn get(&self, other: ShardIndex) -> Option<&Link<M>> {
        self.0.get(usize::from(other.0))
    }

    fn get_mut(&mut self, other: ShardIndex) -> &mut Link<M> {
        let at = usize::from(other.0);
        if self.0.len() <= at {
            self.0.resize_with(at + 1, Link::default);
        }
        &mut self.0[at]
    }
}

impl<M> Link<M> {
    fn acknowledged(&self) -> u64 {
        self.sent - self.unacknowledged.len() as u64
    }
}

/// Compares both ends of the link from one shard to another, as recovery found them.
pub fn check<M>(from: (ShardIndex, &Links<M>), to: (ShardIndex, &Links<M>)) -> Result<(), Torn> {
    let (sent, received) = (from.1.sent(to.0), to.1.received(from.0));
    if received > sent {
        return Err(Torn::Ahead {
            from: from.0,
            to: to.0,
            sent,
            received,
        });
    }
    let kept = from.1.acknowledged(to.0);
    if kept > received {
        return Err(Torn::Missing {
            from: from.0,
            to: to.0,
            number: received + 1,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: ShardIndex = ShardIndex(0);
    const THERE: ShardIndex = ShardIndex(3);

    fn two(messages: u64) -> (Links<u64>, Links<u64>) {
        let (mut here, there) = (Links::default(), Links::default());
        for message in 1..=messages {
            assert_eq!(here.send(THERE, UnixMillis(message), message), message);
        }
        (here, there)
    }

    #[test]
    fn messages_are_applied_once_and_in_order() {
        let (here, mut there) = two(3);
        assert_eq!(there.turnout(HERE, 2), Turnout::TooEarly);
        for (number, sent) in here.behind(THERE, 0) {
            assert_eq!(there.turnout(HERE, number), Turnout::Next);
            assert_eq!(sent.message, number);
            there.receive(HERE, number);
            assert_eq!(there.turnout(HERE, number), Turnout::Known);
        }
        assert_eq!(there.received(HERE), 3);
    }

    #[test]
    fn what_is_acknowledged_is_not_sent_again() {
        let (mut here, _) = two(5);
        here.acknowledge(THERE, 3);
        here.acknowledge(THERE, 2);
        let left: Vec<u64> = here.behind(THERE, 0).map(|(number, _)| number).collect();
        assert_eq!(left, [4, 5]);
        let left: Vec<u64> = here.behind(THERE, 4).map(|(number, _)| number).collect();
        assert_eq!(left, [5]);
        here.acknowledge(THERE, 9);
        assert_eq!((here.acknowledged(THERE), here.waiting(THERE)), (5, 0));
        assert_eq!(here.send(THERE, UnixMillis(9), 6), 6);
    }

    #[test]
    fn ends_of_different_histories_are_found() {
        let (mut here, mut there) = two(2);
        assert_eq!(check((HERE, &here), (THERE, &there)), Ok(()));
        here.acknowledge(THERE, 1);
        let missing = check((HERE, &here), (THERE, &there));
        assert!(matches!(missing, Err(Torn::Missing { number: 1, .. })));
        there.receive(HERE, 1);
        assert_eq!(check((HERE, &here), (THERE, &there)), Ok(()));
        let (short, _) = two(0);
        let ahead = check((HERE, &short), (THERE, &there));
        assert!(matches!(ahead, Err(Torn::Ahead { received: 1, .. })));
    }
}
