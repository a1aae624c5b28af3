//! What of the journal is told to others.

use std::sync::Arc;

use compact_str::CompactString;

use super::Cursor;
use crate::{
    ledger::{
        CommandKind, Deed, Entry, MemberId, Offset, Period, Pursuit, Seq, ShardIndex, Subject,
        Symbol,
    },
    view::item::Counterpart,
};

/// What sort of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum EventKind {
    Enrol,
    Earn,
    Matured,
    Redeem,
    Hold,
    Capture,
    Release,
    /// A hold ended because its time was over.
    HoldExpired,
    Reverse,
    Adjust,
    Lapse,
    Freeze,
    Unfreeze,
    Close,
    Erase,
    /// Points left a member for another.
    Transfer,
    /// Points came from another member.
    TransferIn,
    /// Points have arrived where they were sent.
    Transferred,
    Reserve,
    Confirm,
    Cancel,
    /// A reservation ended because its time was over.
    ReservationExpired,
    UseCode,
    /// A sale's document was put.
    Stock,
    /// More units are on sale, or some were taken out.
    UnitsChanged,
    /// Units that came back are on sale again.
    UnitsReturned,
    /// A merchant's document was put.
    Merchant,
    /// A merchant bought points ahead.
    Pack,
    /// A period is closed and published.
    Settlement,
    /// A "no" that will be said again.
    Refused,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 30] = [
        Self::Enrol,
        Self::Earn,
        Self::Matured,
        Self::Redeem,
        Self::Hold,
        Self::Capture,
        Self::Release,
        Self::HoldExpired,
        Self::Reverse,
        Self::Adjust,
        Self::Lapse,
        Self::Freeze,
        Self::Unfreeze,
        Self::Close,
        Self::Erase,
        Self::Transfer,
        Self::TransferIn,
        Self::Transferred,
        Self::Reserve,
        Self::Confirm,
        Self::Cancel,
        Self::ReservationExpired,
        Self::UseCode,
        Self::Stock,
        Self::UnitsChanged,
        Self::UnitsReturned,
        Self::Merchant,
        Self::Pack,
        Self::Settlement,
        Self::Refused,
    ];

    /// The word of the wire contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enrol => "enrol",
            Self::Earn => "earn",
            Self::Matured => "matured",
            Self::Redeem => "redeem",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Release => "release",
            Self::HoldExpired => "hold_expired",
            Self::Reverse => "reverse",
            Self::Adjust => "adjust",
            Self::Lapse => "lapse",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::Close => "close",
            Self::Erase => "erase",
            Self::Transfer => "transfer",
            Self::TransferIn => "transfer_in",
            Self::Transferred => "transferred",
            Self::Reserve => "reserve",
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
            Self::ReservationExpired => "reservation_expired",
            Self::UseCode => "use_code",
            Self::Stock => "stock",
            Self::UnitsChanged => "units_changed",
            Self::UnitsReturned => "units_returned",
            Self::Merchant => "merchant",
            Self::Pack => "pack",
            Self::Settlement => "settlement",
            Self::Refused => "refused",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What an entry would be called; `None` if it only tells how shards work together: messages between them, commands
    /// that wait for others, and copies of documents.
    #[must_use]
    pub const fn of(entry: &Entry) -> Option<Self> {
        let asked = entry.origin.is_some();
        if matches!(entry.subject, Subject::Prepaid(_)) {
            // Only how its home keeps them; that they were bought, the merchant's entry tells.
            return None;
        }
        match &entry.deed {
            Deed::Enrolled { .. } => Some(Self::Enrol),
            Deed::Earned { .. } | Deed::EarnedPending { .. } => Some(Self::Earn),
            Deed::Matured => Some(Self::Matured),
            Deed::Redeemed { .. } => Some(Self::Redeem),
            Deed::Held { .. } => Some(Self::Hold),
            Deed::Captured { .. } => Some(Self::Capture),
            Deed::Released { .. } => Some(Self::Release),
            Deed::Expired { .. } => Some(Self::HoldExpired),
            Deed::Reversed { .. } | Deed::Unsold { .. } => Some(Self::Reverse),
            Deed::Adjusted { .. } => Some(Self::Adjust),
            Deed::Lapsed => Some(Self::Lapse),
            Deed::Frozen { .. } => Some(Self::Freeze),
            Deed::Unfrozen { .. } => Some(Self::Unfreeze),
            Deed::Closed { .. } => Some(Self::Close),
            Deed::Erased => Some(Self::Erase),
            Deed::Arrived { .. } => Some(Self::TransferIn),
            Deed::Transferred { .. } => Some(Self::Transferred),
            // The points go when the errand begins; those of a refused one come back with the refusal.
            Deed::Begun { errand } if matches!(errand.pursuit, Pursuit::Transfer { .. }) => {
                Some(Self::Transfer)
            }
            Deed::Reserved { .. } => Some(Self::Reserve),
            Deed::Confirmed { .. } => Some(Self::Confirm),
            Deed::Cancelled { .. } => Some(Self::Cancel),
            Deed::Lost { .. } => Some(Self::ReservationExpired),
            Deed::CodeUsed { .. } => Some(Self::UseCode),
            Deed::UnitsChanged { .. } => Some(Self::UnitsChanged),
            Deed::UnitsReleased => Some(Self::UnitsReturned),
            Deed::PackBought { .. } => Some(Self::Pack),
            Deed::SettlementPublished { .. } => Some(Self::Settlement),
            Deed::Refused { .. } => Some(Self::Refused),
            // Other shards have copies, which nobody asked for.
            Deed::StockPut { .. } if asked => Some(Self::Stock),
            Deed::MerchantPut { .. } | Deed::MerchantContracted { .. } if asked => {
                Some(Self::Merchant)
            }
            Deed::StockPut { .. }
            | Deed::MerchantPut { .. }
            | Deed::MerchantContracted { .. }
            | Deed::SettlementOpened { .. }
            | Deed::Settled { .. }
            | Deed::CorrectionPut { .. }
            | Deed::CorrectionDecided { .. }
            | Deed::Begun { .. }
            | Deed::GivenUp
            | Deed::Heard
            | Deed::UnitsWanted { .. }
            | Deed::PrepaidAdded { .. }
            | Deed::DayEnded { .. } => None,
        }
    }
}

/// Whose an entry is, beside its member: what it does not say itself stands in an entry before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) merchant: Option<Symbol>,
    pub(super) sku: Option<Symbol>,
}

impl Whose {
    /// What an entry tells by itself.
    pub(super) fn told_by(entry: &Entry) -> Self {
        let merchant = match (&entry.deed, Counterpart::of(entry)) {
            (Deed::StockPut { terms, .. }, _) => Some(terms.merchant),
            (_, Counterpart::Merchant(merchant)) => Some(merchant),
            (_, Counterpart::OfHold(_) | Counterpart::Nobody) => None,
        };
        let sku = match &entry.deed {
            Deed::Reserved { sku, .. }
            | Deed::Confirmed { sku, .. }
            | Deed::Cancelled { sku, .. }
            | Deed::Lost { sku, .. } => Some(*sku),
            Deed::Unsold { units, .. } => units.map(|(sku, ..)| sku),
            _ => None,
        };
        Self { merchant, sku }
    }

    /// The entry before it that tells the rest, if there is something left to tell.
    pub(super) fn told_elsewhere(entry: &Entry) -> Option<Seq> {
        match &entry.deed {
            Deed::CodeUsed { sale, .. } => Some(*sale),
            Deed::Unsold {
                transaction,
                units: None,
                ..
            } => Some(*transaction),
            _ => match Counterpart::of(entry) {
                Counterpart::OfHold(hold) => Some(hold),
                Counterpart::Merchant(_) | Counterpart::Nobody => None,
            },
        }
    }

    /// Both together; what is told first counts.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            merchant: self.merchant.or(other.merchant),
            sku: self.sku.or(other.sku),
        }
    }
}

/// Something that was decided and is durable, with the names behind its symbols.
#[derive(Clone, Debug)]
pub struct Event {
    /// The place behind it.
    pub cursor: Cursor,
    /// The shard that decided.
    pub shard: ShardIndex,
    /// What sort of thing it is.
    pub kind: EventKind,
    pub(super) entry: Entry,
    pub(super) whose: Whose,
    pub(super) names: Arc<Vec<CompactString>>,
}

impl Event {
    /// Where it is recorded.
    #[must_use]
    pub const fn offset(&self) -> Offset {
        Offset {
            shard: self.shard,
            seq: self.entry.seq,
        }
    }

    /// What is recorded.
    #[must_use]
    pub const fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The name behind a symbol of its entry.
    ///
    /// # Panics
    ///
    /// If the entry has no such symbol.
    #[must_use]
    pub fn name(&self, symbol: Symbol) -> &str {
        self.names[symbol.index()].as_str()
    }

    /// The period it is about, if it is about one.
    #[must_use]
    pub const fn period(&self) -> Option<Period> {
        match self.entry.subject {
            Subject::Settlement(period) => Some(period),
            _ => None,
        }
    }

    /// The member it is about.
    #[must_use]
    pub const fn member(&self) -> Option<&MemberId> {
        match &self.entry.subject {
            Subject::Member(member) => Some(member),
            _ => None,
        }
    }

    /// The merchant it is about, if it is one.
    #[must_use]
    pub fn merchant(&self) -> Option<&str> {
        match &self.entry.subject {
            Subject::Merchant(merchant) => Some(merchant.as_str()),
            _ => self.whose.merchant.map(|merchant| self.name(merchant)),
        }
    }

    /// The sale it is about, if it is about one.
    #[must_use]
    pub fn sku(&self) -> Option<&str> {
        match &self.entry.subject {
            Subject::Stock(sku) => Some(sku.as_str()),
            _ => self.whose.sku.map(|sku| self.name(sku)),
        }
    }

    /// Of a refusal: what was asked.
    #[must_use]
    pub const fn refused(&self) -> Option<CommandKind> {
        match &self.entry.deed {
            Deed::Refused { command, .. } => Some(*command),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_its_word() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(EventKind::from_name("heard"), None);
    }
}
