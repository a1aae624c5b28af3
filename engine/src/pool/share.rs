//! What a shard has of a pool whose home is elsewhere, and what it sold: the shard's side of the protocol.

use bincode::{BorrowDecode, Encode};

use super::{PoolMessage, ToHome, ToShard, Units};

/// A shard's part of a pool. At the pool's home itself only `reserved` and `sold` are used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Share {
    /// Units that can be sold without asking (A).
    pub allotment: Units,
    /// Whether units that come back stay here.
    pub open: bool,
    /// Nothing is on sale anywhere: refuse at once.
    pub mark: bool,
    /// The newest epoch heard of.
    pub epoch: u32,
    /// Units granted to commands that wait for more than this pool, or whose second look is not done.
    pub tagged: Units,
    /// Units in open reservations.
    pub reserved: Units,
    /// Units sold for good.
    pub sold: Units,
}

/// Where a unit comes from when it is taken, or goes to when it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub enum Place {
    /// The shard's allotment (S4, S11).
    Allotment,
    /// Units granted to this very command (S8).
    Tag,
    /// What is on sale at home, of which this shard is (S4).
    Home,
    /// What came home and was not released yet, of which this shard is (S11).
    Returned,
    /// On the way home (S11).
    Link,
}

impl Share {
    /// Whether the allotment covers it (S4).
    #[must_use]
    pub fn covers(&self, quantity: Units) -> bool {
        self.allotment >= quantity
    }

    /// Where units go that a reservation gives back, at a shard that is not the home (S11).
    #[must_use]
    pub const fn way_back(&self) -> Place {
        if self.open {
            Place::Allotment
        } else {
            Place::Link
        }
    }

    /// Units were reserved.
    pub fn take(&mut self, quantity: Units, from: Place) {
        match from {
            Place::Allotment => self.allotment = self.allotment.minus(quantity),
            Place::Tag => self.tagged = self.tagged.minus(quantity),
            Place::Home => {}
            Place::Returned | Place::Link => panic!("units that are not on sale are not sold"),
        }
        self.reserved = self.reserved.plus(quantity);
    }

    /// A reservation was confirmed.
    pub fn sell(&mut self, quantity: Units) {
        self.reserved = self.reserved.minus(quantity);
        self.sold = self.sold.plus(quantity);
    }

    /// A reservation ended without a sale.
    pub fn free(&mut self, quantity: Units, to: Place) {
        self.reserved = self.reserved.minus(quantity);
        self.put(quantity, to);
    }

    /// A sale was taken back, units and all.
    pub fn unsell(&mut self, quantity: Units, to: Place) {
        self.sold = self.sold.minus(quantity);
        self.put(quantity, to);
    }

    fn put(&mut self, quantity: Units, to: Place) {
        if to == Place::Allotment {
            self.allotment = self.allotment.plus(quantity);
        }
    }

    /// Takes what home says. The answer, if home waits for one, is to be sent with the same entry.
    pub fn hear(&mut self, message: &ToShard) {
        match *message {
            ToShard::Grant {
                quantity, extra, ..
            } => {
                self.tagged = self.tagged.plus(quantity);
                self.receive(extra);
            }
            ToShard::No { mark, epoch, .. } => {
                self.mark |= mark;
                self.epoch = self.epoch.max(epoch);
            }
            ToShard::Recall { .. } => {
                self.allotment = Units::ZERO;
                self.open = false;
                self.mark = false;
            }
            ToShard::Allot { extra } => self.receive(extra),
        }
    }

    fn receive(&mut self, extra: Units) {
        if !extra.is_zero() {
            self.allotment = self.allotment.plus(extra);
            self.open = true;
        }
    }

    /// What home waits for when it says this (S10).
    #[must_use]
    pub const fn answer(&self, message: &ToShard) -> Option<ToHome> {
        match *message {
            ToShard::Recall { round } => Some(ToHome::Said {
                round,
                units: self.allotment,
            }),
            _ => None,
        }
    }

    /// Notes what is sent home.
    pub fn tell(&mut self, message: &PoolMessage) {
        if let PoolMessage::ToHome(ToHome::Settled {
            quantity,
            used: false,
            ..
        }) = message
        {
            self.tagged = self.tagged.minus(*quantity);
        }
    }
}
