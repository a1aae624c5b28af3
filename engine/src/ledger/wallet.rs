//! A member's points of one type: their lots and the balances that the lots add up to.

use bincode::{BorrowDecode, Encode};
use smallvec::SmallVec;

use super::{
    amount::Points,
    symbol::Symbol,
    time::{Day, UnixMillis},
};

/// What makes points of one type the same lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct LotKey {
    /// Who issued the points.
    pub issuer: Symbol,
    /// The class they were issued in.
    pub class: Symbol,
    /// The last day on which they can be used.
    pub last_day: Day,
}

/// A lot as entries name it. First earned is part of the name so that a lot that was emptied comes back, when its
/// points are returned, to where it stood in the order of spending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct LotRef {
    /// Which lot.
    pub key: LotKey,
    /// When the earliest of its parts was earned.
    pub first_earned: UnixMillis,
}

/// Points of one issuer, class and last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// What the lot is.
    pub name: LotRef,
    /// What can be spent.
    pub available: Points,
    /// What open holds have set aside.
    pub held: Points,
}

impl Lot {
    /// The order of spending (C5): lapses first, then first earned; issuer and class only make it total.
    const fn order(&self) -> (Day, UnixMillis, Symbol, Symbol) {
        let key = self.name.key;
        (key.last_day, self.name.first_earned, key.issuer, key.class)
    }
}

/// What a member has of one point type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Balance {
    /// What can be spent.
    pub available: Points,
    /// What open holds have set aside.
    pub held: Points,
    /// What is granted and not released yet.
    pub pending: Points,
    /// What the member owes and pays back from the next earnings.
    pub owed: Points,
}

/// A part of a lot, as a spend or a hold took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Share {
    /// From which lot.
    pub lot: LotRef,
    /// How much of it; at least 1.
    pub points: Points,
}

/// Shares in the order in which they were taken. Most spends take from one lot.
pub type Shares = SmallVec<[Share; 1]>;

/// Which half of a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Available,
    Held,
}

/// A member's points of one type.
#[derive(Clone, Debug)]
pub struct Wallet {
    point_type: Symbol,
    balance: Balance,
    /// In the order of spending; no lot is empty, no two have the same key.
    lots: SmallVec<[Lot; 1]>,
}

impl Wallet {
    pub(super) fn new(point_type: Symbol) -> Self {
        Self {
            point_type,
            balance: Balance::default(),
            lots: SmallVec::new(),
        }
    }

    /// The kind of the points.
    #[must_use]
    pub const fn point_type(&self) -> Symbol {
        self.point_type
    }

    /// What the lots add up to.
    #[must_use]
    pub const fn balance(&self) -> Balance {
        self.balance
    }

    /// The lots in the order in which they are spent.
    #[must_use]
    pub fn lots(&self) -> &[Lot] {
        &self.lots
    }

    /// The lot of this key, if the wallet has it.
    pub(super) fn lot(&self, key: LotKey) -> Option<&Lot> {
        self.lots.iter().find(|lot| lot.name.key == key)
    }

    /// What a spend of `points` would take, or `None` when less is available.
    pub(super) fn pick(&self, points: Points) -> Option<Shares> {
        let mut shares = Shares::new();
        let mut missing = points;
        for lot in &self.lots {
            if missing.is_zero() {
                break;
            }
            let taken = lot.available.min(missing);
            if !taken.is_zero() {
                shares.push(Share {
                    lot: lot.name,
                    points: taken,
                });
                missing = missing.checked_sub(taken)?;
            }
        }
        missing.is_zero().then_some(shares)
    }

    /// Puts points into a lot, making it if need be.
    pub(super) fn put(&mut self, name: LotRef, half: Half, points: Points) {
        let found = self.lots.iter().position(|lot| lot.name.key == name.key);
        let mut lot = match found {
            Some(at) if self.lots[at].name.first_earned <= name.first_earned => {
                let lot = &mut self.lots[at];
                add(lot.half(half), points);
                add(self.balance.half(half), points);
                return;
            }
            // An earlier part moves the whole lot forward in the order.
            Some(at) => self.lots.remove(at),
            None => Lot {
                name,
                available: Points::ZERO,
                held: Points::ZERO,
            },
        };
        lot.name = name;
        add(lot.half(half), points);
        add(self.balance.half(half), points);
        let at = self
            .lots
            .partition_point(|other| other.order() < lot.order());
        self.lots.insert(at, lot);
    }

    /// Takes points out of a lot that holds them.
    pub(super) fn take(&mut self, key: LotKey, half: Half, points: Points) {
        let at = self
            .lots
            .iter()
            .position(|lot| lot.name.key == key)
            .expect("invariant 3: an entry takes only from lots that are there");
        let lot = &mut self.lots[at];
        subtract(lot.half(half), points);
        if lot.available.is_zero() && lot.held.is_zero() {
            self.lots.remove(at);
        }
        subtract(self.balance.half(half), points);
    }

    /// Moves points of a lot from one half to the other.
    pub(super) fn shift(&mut self, key: LotKey, from: Half, to: Half, points: Points) {
        let lot = self
            .lots
            .iter_mut()
            .find(|lot| lot.name.key == key)
            .expect("invariant 3: an entry moves only what is there");
        subtract(lot.half(from), points);
        add(lot.half(to), points);
        subtract(self.balance.half(from), points);
        add(self.balance.half(to), points);
    }
}

impl Lot {
    const fn half(&mut self, half: Half) -> &mut Points {
        match half {
            Half::Available => &mut self.available,
            Half::Held => &mut self.held,
        }
    }
}

impl Balance {
    const fn half(&mut self, half: Half) -> &mut Points {
        match half {
            Half::Available => &mut self.available,
            Half::Held => &mut self.held,
        }
    }
}

fn add(to: &mut Points, points: Points) {
    *to = to
        .checked_add(points)
        .expect("decided: no balance exceeds 2^53 - 1");
}

fn subtract(from: &mut Points, points: Points) {
    *from = from
        .checked_sub(points)
        .expect("invariant 2: nothing falls below zero");
}
