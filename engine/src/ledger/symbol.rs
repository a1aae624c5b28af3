//! Short numbers for names that recur: merchants, classes, point types, principals.
//!
//! A shard numbers the names in the order in which it first meets them. The entry that uses a name for the first
//! time carries it, so the journal of one shard explains itself and a replay gives every name the same number.

use std::hash::{BuildHasher, Hasher};

use bincode::{BorrowDecode, Encode};
use compact_str::CompactString;
use hashbrown::HashTable;

/// A name's number within one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub struct Symbol(u32);

impl Symbol {
    /// The symbol of a place in a dense table.
    pub(super) fn at(index: usize) -> Self {
        Self(u32::try_from(index).expect("fewer than 2^32 names: each took an entry"))
    }

    /// The number itself.
    pub(super) const fn number(self) -> u32 {
        self.0
    }

    /// The number as a place in a dense table.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The names a shard has met.
#[derive(Default)]
pub struct Symbols {
    names: Vec<CompactString>,
    index: HashTable<u32>,
    hasher: foldhash::quality::RandomState,
}

impl Symbols {
    /// The number of a name, if the shard has met it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Symbol> {
        let names = &self.names;
        self.index
            .find(hash(&self.hasher, name), |&at| names[at as usize] == *name)
            .map(|&at| Symbol(at))
    }

    /// The name behind a number that this shard gave.
    #[must_use]
    pub fn name(&self, symbol: Symbol) -> &CompactString {
        &self.names[symbol.index()]
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name was met yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All names in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(CompactString::as_str)
    }

    pub(super) fn define(&mut self, name: CompactString) {
        let at =
            u32::try_from(self.names.len()).expect("fewer than 2^32 names: each took an entry");
        let (names, hasher) = (&self.names, &self.hasher);
        self.index.insert_unique(hash(hasher, &name), at, |&at| {
            hash(hasher, &names[at as usize])
        });
        self.names.push(name);
    }
}

/// The hash of a name that is hashed alone, so that nothing has to say where it ends.
pub(super) fn hash(hasher: &foldhash::quality::RandomState, name: &str) -> u64 {
    let mut hasher = hasher.build_hasher();
    hasher.write(name.as_bytes());
    hasher.finish()
}

/// Gives numbers to the names of one entry and gathers those the shard meets for the first time.
pub(super) struct Naming<'a> {
    symbols: &'a Symbols,
    fresh: Vec<CompactString>,
}

impl<'a> Naming<'a> {
    pub(super) const fn new(symbols: &'a Symbols) -> Self {
        Self {
            symbols,
            fresh: Vec::new(),
        }
    }

    pub(super) fn symbol(&mut self, name: &str) -> Symbol {
        if let Some(symbol) = self.symbols.find(name) {
            return symbol;
        }
        let place = self
            .fresh
            .iter()
            .position(|fresh| fresh == name)
            .unwrap_or_else(|| {
                self.fresh.push(CompactString::new(name));
                self.fresh.len() - 1
            });
        let number = self.symbols.len() + place;
        Symbol(u32::try_from(number).expect("fewer than 2^32 names: each took an entry"))
    }

    /// The name behind a number that was given before or for this entry.
    pub(super) fn name(&self, symbol: Symbol) -> &CompactString {
        match symbol.index().checked_sub(self.symbols.len()) {
            None => self.symbols.name(symbol),
            Some(fresh) => &self.fresh[fresh],
        }
    }

    /// The names that the entry has to define, in the order of their numbers.
    pub(super) fn into_fresh(self) -> Vec<CompactString> {
        self.fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_in_the_order_of_their_first_use() {
        let mut symbols = Symbols::default();
        let mut naming = Naming::new(&symbols);
        let (a, b, again) = (naming.symbol("a"), naming.symbol("b"), naming.symbol("a"));
        assert_eq!((a, b, again), (Symbol(0), Symbol(1), Symbol(0)));
        for name in naming.into_fresh() {
            symbols.define(name);
        }
        let mut naming = Naming::new(&symbols);
        assert_eq!(naming.symbol("b"), Symbol(1));
        assert_eq!(naming.symbol("c"), Symbol(2));
        assert_eq!(naming.into_fresh(), ["c"]);
        assert_eq!(symbols.name(b), "b");
        assert!(!symbols.is_empty() && Symbols::default().is_empty());
    }
}
