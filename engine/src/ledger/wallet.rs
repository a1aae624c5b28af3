//! A member's points of one type: their lots and the balances that the lots add up to.

use bincode::{BorrowDecode, Encode};
use smallvec::SmallVec;

use super::{
    amount::Points,
    command::Seq,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Lot {
    /// What the lot is.
    pub name: LotRef,
    /// What can be spent.
    pub available: Points,
    /// What open holds have set aside.
    pub held: Points,
}

impl LotRef {
    /// The order of spending (C5): lapses first, then first earned; issuer and class only make it total.
    pub(super) const fn order(self) -> (Day, UnixMillis, Symbol, Symbol) {
        let key = self.key;
        (key.last_day, self.first_earned, key.issuer, key.class)
    }
}

impl Lot {
    /// Whether nothing is left. An empty lot is remembered for its first earned (ruling 5) until it has lapsed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.available.is_zero() && self.held.is_zero()
    }
}

/// Points that were granted and cannot be spent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Pending {
    /// When they become available.
    pub releases_at: UnixMillis,
    /// The entry that granted them.
    pub earn: Seq,
    /// The lot they will go to.
    pub lot: LotRef,
    /// How many.
    pub points: Points,
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
    pub(super) point_type: Symbol,
    pub(super) balance: Balance,
    /// In the order of spending; no two have the same key, at most [`EMPTY_LOTS_MAX`] are empty.
    pub(super) lots: SmallVec<[Lot; 1]>,
    /// In the order of release, then of the entries that granted them.
    pub(super) pending: Vec<Pending>,
}

/// How many empty lots a wallet remembers.
pub(super) const EMPTY_LOTS_MAX: usize = 64;

impl Wallet {
    pub(super) fn new(point_type: Symbol) -> Self {
        Self {
            point_type,
            balance: Balance::default(),
            lots: SmallVec::new(),
            pending: Vec::new(),
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

    /// The lots in the order in which they are spent, with those that are empty.
    #[must_use]
    pub fn lots(&self) -> &[Lot] {
        &self.lots
    }

    /// What is pending, in the order of release.
    #[must_use]
    pub fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// How many lots have points, or will when what is pending is released.
    pub(super) fn lots_in_use(&self) -> usize {
        let empty = self.lots.iter().filter(|lot| lot.is_empty()).count();
        self.lots.len() - empty + self.pending.len()
    }

    /// The available parts of all lots that `wanted` names, in the order of spending.
    pub(super) fn available_of(&self, mut wanted: impl FnMut(&Lot) -> bool) -> Shares {
        let lots = self.lots.iter();
        lots.filter(|&lot| !lot.available.is_zero() && wanted(lot))
            .map(|lot| Share {
                lot: lot.name,
                points: lot.available,
            })
            .collect()
    }

    /// Whether points of a lot have lapsed on `today`.
    pub(super) fn has_lapsed(&self, today: Day) -> bool {
        self.lots
            .iter()
            .take_while(|lot| lot.name.key.last_day < today)
            .any(|lot| !lot.available.is_zero())
    }

    /// What is pending and due at `at`.
    pub(super) fn matured(&self, at: UnixMillis) -> &[Pending] {
        let due = self.pending.partition_point(|part| part.releases_at <= at);
        &self.pending[..due]
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

    /// Puts points into a lot, making it if need be; tells whether it was made.
    pub(super) fn put(&mut self, name: LotRef, half: Half, points: Points) -> bool {
        let found = self.lots.iter().position(|lot| lot.name.key == name.key);
        add(self.balance.half(half), points);
        let mut lot = match found {
            Some(at) if self.lots[at].name.first_earned <= name.first_earned => {
                add(self.lots[at].half(half), points);
                return false;
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
        let at = self
            .lots
            .partition_point(|other| other.name.order() < name.order());
        self.lots.insert(at, lot);
        found.is_none()
    }

    /// Takes points out of a lot that holds them.
    pub(super) fn take(&mut self, key: LotKey, half: Half, points: Points) {
        let lot = self
            .lots
            .iter_mut()
            .find(|lot| lot.name.key == key)
            .expect("invariant 3: an entry takes only from lots that are there");
        subtract(lot.half(half), points);
        let emptied = lot.is_empty();
        subtract(self.balance.half(half), points);
        if emptied && self.lots.len() > EMPTY_LOTS_MAX {
            self.forget_an_empty_lot();
        }
    }

    /// Forgets the empty lots up to a last day: they have lapsed.
    pub(super) fn forget_empty_until(&mut self, last_day: Day) {
        self.lots
            .retain(|lot| !lot.is_empty() || lot.name.key.last_day > last_day);
    }

    fn forget_an_empty_lot(&mut self) {
        let mut empty = self
            .lots
            .iter()
            .enumerate()
            .filter(|(_, lot)| lot.is_empty());
        let first = empty.next().map(|(at, _)| at);
        if empty.count() >= EMPTY_LOTS_MAX
            && let Some(first) = first
        {
            self.lots.remove(first);
        }
    }

    /// Notes a grant that cannot be spent yet.
    pub(super) fn await_release(&mut self, part: Pending) {
        let at = self
            .pending
            .partition_point(|other| other.releases_at <= part.releases_at);
        self.pending.insert(at, part);
        add(&mut self.balance.pending, part.points);
    }

    /// Takes points out of what one earn left pending.
    pub(super) fn take_pending(&mut self, earn: Seq, points: Points) {
        let at = self
            .pending
            .iter()
            .position(|part| part.earn == earn)
            .expect("decided: the earn is pending");
        subtract(&mut self.pending[at].points, points);
        if self.pending[at].points.is_zero() {
            self.pending.remove(at);
        }
        subtract(&mut self.balance.pending, points);
    }

    /// Lets go of everything that is due at `at`, all of which an entry moved on.
    pub(super) fn release(&mut self, at: UnixMillis) {
        let due = self.matured(at).len();
        for part in self.pending.drain(..due) {
            subtract(&mut self.balance.pending, part.points);
        }
    }

    /// Makes a debt larger.
    pub(super) fn owe(&mut self, points: Points) {
        add(&mut self.balance.owed, points);
    }

    /// Makes a debt smaller.
    pub(super) fn pay(&mut self, points: Points) {
        subtract(&mut self.balance.owed, points);
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
