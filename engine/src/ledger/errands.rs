//! Errands: commands that were begun here and are answered when other shards have done their part.
//!
//! An errand is part of the state: it survives a crash, and whoever sends its request again meanwhile hears that it is in flight.

use std::collections::BTreeMap;

use bincode::{BorrowDecode, Encode};
use smallvec::SmallVec;

use super::{
    command::{CommandKind, Earn, Seq},
    entry::{Origin, Subject},
    id::MemberId,
    message::Terms,
    prepaid::{PackBought, units},
    requests::ObjectKey,
    symbol::Symbol,
    time::Day,
    wallet::Shares,
};
use crate::pool::Units;

/// What is being done. The order of the variants is journaled: add at the end, never remove.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub enum Pursuit {
    /// Units are asked for.
    Reserve {
        /// Of what.
        sku: Symbol,
        /// How many.
        quantity: Units,
    },
    /// The units of an expired reservation are asked for again.
    Confirm {
        /// The entry that made the reservation.
        reservation: Seq,
        /// Of what.
        sku: Symbol,
        /// How many.
        quantity: Units,
    },
    /// Points are on their way to another member.
    Transfer {
        /// To whom.
        to: MemberId,
        /// On which day, for the limit of what can be sent in one.
        day: Day,
    },
    /// A pool is to have so many units.
    PutStock {
        /// The new terms.
        terms: Terms<Symbol>,
        /// How many units.
        units: Units,
    },
    /// A pool is to get more units, or fewer.
    ChangeUnits {
        /// Whether more.
        more: bool,
        /// By how many.
        units: Units,
    },
    /// Points are bought ahead.
    BuyPack {
        /// What was bought.
        pack: PackBought,
    },
    /// Points that were bought ahead are asked for, to give them to a member.
    Earn {
        /// What is to be done with them.
        earn: Box<Earn>,
        /// Which pool they are of.
        pool: Symbol,
    },
}

/// A command that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Errand {
    /// The request that it will answer.
    pub origin: Origin,
    /// What is being done.
    pub pursuit: Pursuit,
}

/// An errand in the state.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub(super) struct Underway {
    pub(super) errand: Errand,
    pub(super) subject: Subject,
    /// What its request is about, as the request memory counts.
    pub(super) object: u64,
    /// The kind and the lots of points that are on their way.
    pub(super) points: Option<(Symbol, Vec<super::wallet::Share>)>,
}

impl Errand {
    /// Which command it is.
    #[must_use]
    pub const fn kind(&self) -> CommandKind {
        match self.pursuit {
            Pursuit::Reserve { .. } => CommandKind::Reserve,
            Pursuit::Confirm { .. } => CommandKind::Confirm,
            Pursuit::Transfer { .. } => CommandKind::Transfer,
            Pursuit::PutStock { .. } => CommandKind::PutStock,
            Pursuit::ChangeUnits { .. } => CommandKind::ChangeUnits,
            Pursuit::BuyPack { .. } => CommandKind::BuyPack,
            Pursuit::Earn { .. } => CommandKind::Earn,
        }
    }
}

impl Underway {
    pub(super) fn shares(&self) -> Shares {
        let points = self.points.iter();
        points.flat_map(|(_, shares)| shares).copied().collect()
    }

    /// The pool whose units it waits for, if it waits for units.
    pub(super) fn pool(&self) -> Option<(Symbol, Units)> {
        match &self.errand.pursuit {
            Pursuit::Reserve { sku, quantity } | Pursuit::Confirm { sku, quantity, .. } => {
                Some((*sku, *quantity))
            }
            Pursuit::Earn { earn, pool } => Some((*pool, units(earn.points))),
            _ => None,
        }
    }
}

/// The errands of a shard, by the entries that began them.
#[derive(Default)]
pub(super) struct Errands {
    underway: BTreeMap<Seq, Underway>,
    by_object: BTreeMap<u64, SmallVec<[Seq; 1]>>,
}

impl Errands {
    pub(super) fn get(&self, ticket: Seq) -> Option<&Underway> {
        self.underway.get(&ticket)
    }

    /// Those about one object, the oldest first.
    pub(super) fn of(&self, object: ObjectKey) -> impl Iterator<Item = (Seq, &Underway)> {
        let tickets = self.by_object.get(&object.0).into_iter().flatten();
        tickets.map(|ticket| (*ticket, &self.underway[ticket]))
    }

    pub(super) fn begin(&mut self, ticket: Seq, underway: Underway) {
        let tickets = self.by_object.entry(underway.object).or_default();
        tickets.push(ticket);
        self.underway.insert(ticket, underway);
    }

    pub(super) fn end(&mut self, ticket: Seq) -> Option<Underway> {
        let ended = self.underway.remove(&ticket)?;
        if let Some(tickets) = self.by_object.get_mut(&ended.object) {
            tickets.retain(|other| *other != ticket);
            if tickets.is_empty() {
                self.by_object.remove(&ended.object);
            }
        }
        Some(ended)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Seq, &Underway)> {
        self.underway.iter().map(|(ticket, one)| (*ticket, one))
    }
}
