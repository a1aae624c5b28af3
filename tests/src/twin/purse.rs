//! A member's points of one type: lots that are never forgotten, pending parts, and a debt.

use super::Member;
use crate::{
    heard::{LotPart, WalletSeen},
    moved::Place,
};

/// Points of one type.
#[derive(Clone, Debug)]
pub(super) struct Purse {
    pub(super) point_type: String,
    /// Empty ones too: when their points were first earned counts if points come back.
    pub(super) lots: Vec<Lot>,
    pub(super) pending: Vec<Pending>,
    pub(super) owed: u64,
}

/// What makes points of one type the same lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LotName {
    pub(super) issuer: String,
    pub(super) class: String,
    pub(super) last_day: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Lot {
    pub(super) name: LotName,
    pub(super) first_earned: u64,
    pub(super) available: u64,
    pub(super) held: u64,
}

/// Points of one earn that cannot be spent yet.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// The entry of the earn.
    pub(super) seq: u64,
    pub(super) name: LotName,
    pub(super) first_earned: u64,
    pub(super) releases_at: u64,
    pub(super) points: u64,
}

impl LotName {
    pub(super) fn part(&self, points: u64) -> LotPart {
        LotPart {
            issuer: self.issuer.clone(),
            class: self.class.clone(),
            last_day: self.last_day,
            points,
        }
    }

    /// Lots without a last day come last.
    pub(super) fn lapse_order(&self, first_earned: u64) -> (u32, u64) {
        (self.last_day.unwrap_or(u32::MAX), first_earned)
    }

    pub(super) fn has_lapsed(&self, today: i64) -> bool {
        self.last_day.is_some_and(|day| i64::from(day) < today)
    }
}

impl Lot {
    pub(super) const fn is_empty(&self) -> bool {
        self.available + self.held == 0
    }
}

impl Purse {
    fn new(point_type: &str) -> Self {
        Self {
            point_type: point_type.to_owned(),
            lots: Vec::new(),
            pending: Vec::new(),
            owed: 0,
        }
    }

    /// The lots in the order of spending: what lapses first, then what was earned first.
    pub(super) fn in_order(&self) -> Vec<&Lot> {
        let mut lots: Vec<&Lot> = self.lots.iter().collect();
        lots.sort_by_key(|lot| lot.name.lapse_order(lot.first_earned));
        lots
    }

    pub(super) fn lot(&self, name: &LotName) -> Option<&Lot> {
        self.lots.iter().find(|lot| lot.name == *name)
    }

    /// Notes that a part of a lot was earned at this moment.
    pub(super) fn know(&mut self, name: &LotName, first_earned: u64) {
        match self.lots.iter_mut().find(|lot| lot.name == *name) {
            Some(lot) => lot.first_earned = lot.first_earned.min(first_earned),
            None => self.lots.push(Lot {
                name: name.clone(),
                first_earned,
                available: 0,
                held: 0,
            }),
        }
    }

    /// Points leave a place; those that are pending leave it part by part, elsewhere.
    pub(super) fn give(&mut self, name: &LotName, place: &Place, points: u64) {
        match place {
            Place::Available => self.lot_mut(name).available -= points,
            Place::Held => self.lot_mut(name).held -= points,
            Place::Owed => self.owed += points,
            _ => {}
        }
    }

    /// Points come to a place. To *owed* they pay a debt.
    pub(super) fn get(&mut self, name: &LotName, place: &Place, points: u64) {
        match place {
            Place::Available => self.lot_mut(name).available += points,
            Place::Held => self.lot_mut(name).held += points,
            Place::Owed => self.owed -= points,
            _ => {}
        }
    }

    fn lot_mut(&mut self, name: &LotName) -> &mut Lot {
        let found = self.lots.iter_mut().find(|lot| lot.name == *name);
        found.expect("a lot that has points is known")
    }

    /// Lots that have points, and pending parts, which will be lots.
    pub(super) fn lots_in_use(&self) -> u64 {
        let lots = self.lots.iter().filter(|lot| !lot.is_empty()).count();
        (lots + self.pending.len()) as u64
    }

    /// Available, held, pending and owed.
    pub(super) fn balance(&self) -> [u64; 4] {
        [
            self.lots.iter().map(|lot| lot.available).sum(),
            self.lots.iter().map(|lot| lot.held).sum(),
            self.pending.iter().map(|part| part.points).sum(),
            self.owed,
        ]
    }

    pub(super) fn seen(&self) -> WalletSeen {
        let lots = self.in_order().into_iter().filter(|lot| !lot.is_empty());
        WalletSeen {
            point_type: self.point_type.clone(),
            balance: self.balance(),
            lots: lots
                .map(|lot| (lot.name.part(lot.available), lot.held))
                .collect(),
        }
    }
}

impl Member {
    pub(super) fn purse(&self, point_type: &str) -> Option<&Purse> {
        self.purses
            .iter()
            .find(|purse| purse.point_type == point_type)
    }

    pub(super) fn purse_mut(&mut self, point_type: &str) -> &mut Purse {
        let place = self
            .purses
            .iter()
            .position(|purse| purse.point_type == point_type);
        let place = place.unwrap_or_else(|| {
            self.purses.push(Purse::new(point_type));
            self.purses.len() - 1
        });
        &mut self.purses[place]
    }

    pub(super) fn balance(&self, point_type: &str) -> [u64; 4] {
        self.purse(point_type).map_or([0; 4], Purse::balance)
    }

    pub(super) fn available(&self, point_type: &str) -> u64 {
        self.balance(point_type)[0]
    }
}
