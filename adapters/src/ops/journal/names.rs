//! The names behind a journal's symbols, learned from its entries.

use std::borrow::Cow;

use compact_str::CompactString;
use jifen_engine::ledger::{Entry, Seq, Symbol};

/// The names of one shard, as far as its entries were read.
#[derive(Default)]
pub(super) struct Names {
    names: Vec<CompactString>,
    /// The entry up to which all names are known.
    known: Seq,
    /// Entries before the first that was read are gone, and the names in them.
    beheaded: bool,
}

impl Names {
    /// Learns the names that an entry brings. Entries are shown in order.
    pub(super) fn learn(&mut self, entry: &Entry) {
        if entry.seq <= self.known {
            return;
        }
        self.beheaded |= entry.seq != self.known.next();
        if !self.beheaded {
            self.names.extend_from_slice(&entry.defines);
        }
        self.known = entry.seq;
    }

    /// The name behind a symbol; `#` and its number, which is no name, if that is not known.
    pub(super) fn of(&self, symbol: Symbol) -> Cow<'_, str> {
        match self.names.get(symbol.index()) {
            Some(name) => Cow::Borrowed(name.as_str()),
            None => Cow::Owned(format!("#{}", symbol.index())),
        }
    }
}
