//! Which events of a page go to a client, and which stand together in a level.

use std::sync::Arc;

use jifen_engine::{
    feed::{Cursor, Event, EventKind, Events},
    ledger::{MerchantId, SkuId},
};

use crate::{
    access::Read,
    wire::{Audience, EventsQuery, encode_event},
};

/// How much is sent at once, at most by an event more, in bytes.
const CHUNK: usize = 64 << 10;

/// Which events a stream has.
pub(super) struct Chosen {
    pub(super) query: EventsQuery,
    pub(super) read: Read,
    pub(super) sku: Option<SkuId>,
}

impl Chosen {
    /// Whether many events may be told as one level: of a sale, to a client that follows it and did not ask for certain events.
    pub(super) fn may_fold(&self) -> bool {
        let query = &self.query;
        self.sku.is_some() && !query.every && !query.ends && query.kinds.is_empty()
    }
}

/// Which events a stream may have.
pub(super) enum Own {
    /// Whatever they are about.
    All,
    /// All of a sale, of which the client is the merchant.
    OfSale,
    /// Those about a merchant.
    Merchant(MerchantId),
    Nothing,
}

/// Lets through what a client sees.
pub(super) struct Sieve {
    pub(super) chosen: Arc<Chosen>,
    pub(super) own: Own,
    pub(super) ends: Option<Cursor>,
    /// How many more events that could stand in a level are told one by one.
    pub(super) single: u64,
    /// Whether some already wait for a level.
    pub(super) folding: bool,
}

/// Events as they are sent.
pub(super) struct Written {
    pub(super) text: Vec<u8>,
    /// How many events of the page were looked at.
    pub(super) looked_at: usize,
    pub(super) sent: u64,
    /// How many of them could have stood in a level.
    pub(super) single: u64,
    /// How many are left to a level.
    pub(super) folded: u64,
    /// The place behind the last of those.
    pub(super) folded_to: Option<Cursor>,
    /// Whether a level must come before what is next.
    pub(super) stopped: bool,
}

impl Sieve {
    /// Writes events of a page from one on.
    pub(super) fn write(&self, events: &Events, from: usize) -> Written {
        let all = events.as_slice();
        let mut written = Written {
            text: Vec::with_capacity(CHUNK + 1_024),
            looked_at: from,
            sent: 0,
            single: 0,
            folded: 0,
            folded_to: None,
            stopped: false,
        };
        for event in &all[from..] {
            if self.ends.is_some_and(|end| event.cursor.turn >= end.turn) {
                written.looked_at = all.len();
                break;
            }
            if written.text.len() >= CHUNK {
                break;
            }
            if let Some(audience) = self.audience(event)
                && !self.pass(event, audience, &mut written)
            {
                break;
            }
            written.looked_at += 1;
        }
        written
    }

    /// Writes an event or leaves it to a level; `false` if a level must come first.
    fn pass(&self, event: &Event, audience: Audience, written: &mut Written) -> bool {
        let folding = self.folding || written.folded > 0;
        if self.chosen.may_fold() && is_shown_by_level(event.kind) {
            if folding || written.single >= self.single {
                written.folded += 1;
                written.folded_to = Some(event.cursor);
                return true;
            }
            written.single += 1;
        } else if folding {
            // Its place lies behind theirs: whoever goes on from it would never hear of them.
            written.stopped = true;
            return false;
        }
        let text = &mut written.text;
        text.extend_from_slice(format!("id: {}\ndata: ", event.cursor).as_bytes());
        encode_event(event, audience, text);
        text.extend_from_slice(b"\n\n");
        written.sent += 1;
        true
    }

    /// As what the client sees an event; `None` if it is not for it.
    fn audience(&self, event: &Event) -> Option<Audience> {
        let Chosen { query, sku, .. } = &*self.chosen;
        if !query.kinds.is_empty() && !query.kinds.contains(&event.kind) {
            return None;
        }
        if sku
            .as_ref()
            .is_some_and(|sku| event.sku() != Some(sku.as_str()))
        {
            return None;
        }
        match &self.own {
            Own::All => Some(Audience::All),
            Own::OfSale => Some(Audience::Merchant),
            // What is published is for everybody who has a statement.
            Own::Merchant(_) if event.kind == EventKind::Settlement => Some(Audience::Merchant),
            Own::Merchant(own) => {
                (event.merchant() == Some(own.as_str())).then_some(Audience::Merchant)
            }
            Own::Nothing => None,
        }
    }
}

/// Whether an event changes nothing of a sale but its units and who has them.
const fn is_shown_by_level(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Stock | EventKind::UnitsChanged)
}
