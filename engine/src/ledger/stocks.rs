//! Sales: their documents, this shard's part of their pools, and who has how many units.

use std::collections::{BTreeMap, BTreeSet};

use bincode::{BorrowDecode, Encode};

use super::{
    command::ShardIndex, holds::Holds, members::MemberIndex, message::Terms, pool_id::PoolId,
    sold::Sold, symbol::Symbol, time::UnixMillis,
};
use crate::pool::{Home, Pass, Place, Share, Units};

/// What is sold, on which terms, as of which version.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct StockDocument {
    /// The terms.
    pub terms: Terms<Symbol>,
    /// 1, 2, 3 …, counted on shard 0.
    pub version: u64,
    /// Where the pool is.
    pub home: ShardIndex,
}

/// A sale as one shard knows it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Stock {
    /// What is sold, or whose points were bought ahead.
    pub id: PoolId,
    /// The document; units may come before it.
    pub document: Option<StockDocument>,
    /// This shard's part of the pool.
    pub share: Share,
    /// The pool, if it is here.
    pub home: Option<Box<Home>>,
    /// How many errands of this shard wait for units.
    pub waiting: u32,
    /// When marks were taken back last.
    pub reopened_at: UnixMillis,
}

/// Whether units can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// At once, from here.
    Here(Place),
    /// Nowhere, for certain.
    SoldOut,
    /// Home knows.
    Ask,
}

impl Stock {
    fn new(id: PoolId) -> Self {
        Self {
            id,
            document: None,
            share: Share::default(),
            home: None,
            waiting: 0,
            reopened_at: UnixMillis(0),
        }
    }

    /// Whether it is a sale whose document has not come yet.
    pub(super) const fn is_unheard_of(&self) -> bool {
        self.document.is_none() && matches!(self.id, PoolId::Stock(_))
    }

    /// Rules S3 to S5.
    pub(super) fn cover(&self, quantity: Units) -> Cover {
        match &self.home {
            Some(home) if home.covers(quantity) => Cover::Here(Place::Home),
            Some(home) if home.lacks(quantity) => Cover::SoldOut,
            None if self.share.mark => Cover::SoldOut,
            None if self.share.covers(quantity) => Cover::Here(Place::Allotment),
            Some(_) | None => Cover::Ask,
        }
    }

    /// Where units go that come back (S11).
    pub(super) fn way_back(&self) -> Place {
        if self.home.is_some() {
            Place::Returned
        } else {
            self.share.way_back()
        }
    }

    pub(super) fn home_mut(&mut self) -> &mut Home {
        self.home
            .as_mut()
            .expect("decided: the pool's home is here")
    }

    pub(super) fn take(&mut self, quantity: Units, from: Place) {
        self.share.take(quantity, from);
        if let (Some(home), Place::Home) = (&mut self.home, from) {
            home.take(quantity);
        }
    }

    pub(super) fn free(&mut self, quantity: Units, to: Place) {
        self.share.free(quantity, to);
        self.come_home(quantity, to);
    }

    pub(super) fn unsell(&mut self, quantity: Units, to: Place) {
        self.share.unsell(quantity, to);
        self.come_home(quantity, to);
    }

    fn come_home(&mut self, quantity: Units, to: Place) {
        if let (Some(home), Place::Returned) = (&mut self.home, to) {
            home.give_back(quantity);
        }
    }
}

/// The sales of a shard.
#[derive(Default)]
pub(super) struct Stocks {
    by_symbol: Vec<Option<Box<Stock>>>,
    /// Units that members have reserved or bought, where they have any.
    bought: Bought,
    /// What was sold.
    pub(super) sold: Sold,
    /// Pools at home here in which something may be to be done.
    restless: BTreeSet<Symbol>,
    /// Those of them that wait for time to pass.
    asleep: BTreeSet<Symbol>,
    /// The pool that is being served.
    pub(super) serving: Option<(Symbol, Pass)>,
}

/// Units by what they are of and whose.
type Bought = BTreeMap<(Symbol, MemberIndex), Units>;

/// What members have reserved or bought follows from what is open and what was sold; `None` if that is more than there can be.
pub(super) fn bought(holds: &Holds, sold: &Sold) -> Option<Bought> {
    let open = holds.iter_open().filter_map(|held| {
        let (sku, quantity) = held.stock?;
        Some(((sku, held.member), quantity))
    });
    let kept = sold.iter().filter(|sale| !sale.returned);
    let kept = kept.map(|sale| ((sale.sku, sale.member), sale.quantity));
    let mut all: Vec<_> = open.chain(kept).collect();
    all.sort_unstable_by_key(|(place, _)| *place);
    let mut fits = true;
    all.dedup_by(|(place, more), (before, sum)| {
        let same = place == before;
        if same {
            match sum.checked_add(*more) {
                Some(both) => *sum = both,
                None => fits = false,
            }
        }
        same
    });
    fits.then(|| all.into_iter().collect())
}

impl Stocks {
    pub(super) fn get(&self, symbol: Symbol) -> Option<&Stock> {
        self.by_symbol.get(symbol.index())?.as_deref()
    }

    pub(super) fn get_mut(&mut self, symbol: Symbol) -> Option<&mut Stock> {
        self.by_symbol.get_mut(symbol.index())?.as_deref_mut()
    }

    /// The sale, made known if it is not. Whatever is done to it may set its home in motion.
    pub(super) fn know(&mut self, symbol: Symbol, id: &str) -> &mut Stock {
        if self.by_symbol.len() <= symbol.index() {
            self.by_symbol.resize_with(symbol.index() + 1, || None);
        }
        self.restless.insert(symbol);
        self.by_symbol[symbol.index()].get_or_insert_with(|| {
            let id = PoolId::parse(id).expect("a pool's name was checked where it came in");
            Box::new(Stock::new(id))
        })
    }

    /// All sales with their symbols.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Symbol, &Stock)> {
        self.by_symbol
            .iter()
            .enumerate()
            .filter_map(|(at, stock)| Some((Symbol::at(at), stock.as_deref()?)))
    }

    /// A pool in which something may be to be done.
    pub(super) fn next_restless(&mut self) -> Option<Symbol> {
        loop {
            let symbol = self.restless.pop_first()?;
            if self.get(symbol).is_some_and(|stock| stock.home.is_some()) {
                return Some(symbol);
            }
        }
    }

    /// Whether a pool may have something to do.
    pub(super) fn is_restless(&self) -> bool {
        !self.restless.is_empty()
    }

    /// A pool waits for time to pass.
    pub(super) fn sleep(&mut self, symbol: Symbol) {
        self.asleep.insert(symbol);
    }

    /// Sets pools in motion that wait for time to pass; tells whether there are any.
    pub(super) fn wake(&mut self) -> bool {
        let any = !self.asleep.is_empty();
        self.restless.append(&mut self.asleep);
        any
    }

    /// Sets all pools in motion, as after a start.
    pub(super) fn wake_all(&mut self) {
        let all: Vec<Symbol> = self.iter().map(|(symbol, _)| symbol).collect();
        self.restless.extend(all);
    }

    /// How many units a member has reserved or bought.
    pub(super) fn bought(&self, sku: Symbol, member: MemberIndex) -> Units {
        let bought = self.bought.get(&(sku, member));
        bought.copied().unwrap_or_default()
    }

    pub(super) fn buy(&mut self, sku: Symbol, member: MemberIndex, quantity: Units) {
        let bought = self.bought.entry((sku, member)).or_default();
        *bought = bought.plus(quantity);
    }

    pub(super) fn unbuy(&mut self, sku: Symbol, member: MemberIndex, quantity: Units) {
        let place = (sku, member);
        let left = self.bought(sku, member).minus(quantity);
        if left.is_zero() {
            self.bought.remove(&place);
        } else {
            self.bought.insert(place, left);
        }
    }

    /// What members have, with the places of the members.
    pub(super) const fn all_bought(&self) -> &Bought {
        &self.bought
    }

    /// What an image has, of which `bought` follows; `None` if it names a sale that is not there, or by a symbol of which there
    /// are not so many.
    pub(super) fn restored(
        stocks: Vec<(Symbol, Stock)>,
        (sold, bought): (Sold, Bought),
        names: usize,
    ) -> Option<Self> {
        let mut this = Self::default();
        for (symbol, stock) in stocks {
            if symbol.index() >= names {
                return None;
            }
            let id = stock.id.clone();
            *this.know(symbol, id.as_str()) = stock;
        }
        if sold.iter().any(|sale| this.get(sale.sku).is_none()) {
            return None;
        }
        (this.sold, this.bought) = (sold, bought);
        Some(this)
    }
}
