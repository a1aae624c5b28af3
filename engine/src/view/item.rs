//! What an entry is on a statement (ruling 17), and to the merchant it is about.
//!
//! All of this follows from the entry alone, so that a statement read in ten years says what one read today says.

use compact_str::CompactString;

use crate::ledger::{
    Account, CommandKind, Deed, Entry, HoldId, MemberId, Move, Offset, Origin, Points, Pursuit,
    Seq, ShardIndex, Subject, Symbol, Symbols, Text, TransactionId, UnixMillis,
};

/// What an item is called: the word of the command, or of what time did by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum ItemKind {
    Earn,
    Redeem,
    Hold,
    Capture,
    Release,
    Reverse,
    Adjust,
    Close,
    /// Points lapsed, or were given up since their member is closed.
    Lapse,
    /// A hold's time was over and its points went back.
    HoldExpired,
    /// Pending points became available.
    Matured,
    /// Units were reserved, and the points that pay for them set aside.
    Reserve,
    /// Reserved units were paid for.
    Confirm,
    /// A reservation was given back.
    Cancel,
    /// A reservation's time was over and its points went back.
    ReservationExpired,
    /// Points went to another member, or came back from there.
    Transfer,
    /// Points came from another member.
    TransferIn,
}

impl ItemKind {
    /// Every kind; the place of each is its number in the view's files.
    pub const ALL: [Self; 17] = [
        Self::Earn,
        Self::Redeem,
        Self::Hold,
        Self::Capture,
        Self::Release,
        Self::Reverse,
        Self::Adjust,
        Self::Close,
        Self::Lapse,
        Self::HoldExpired,
        Self::Matured,
        Self::Reserve,
        Self::Confirm,
        Self::Cancel,
        Self::ReservationExpired,
        Self::Transfer,
        Self::TransferIn,
    ];

    /// The word of the wire contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Redeem => "redeem",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Release => "release",
            Self::Reverse => "reverse",
            Self::Adjust => "adjust",
            Self::Close => "close",
            Self::Lapse => "lapse",
            Self::HoldExpired => "hold_expired",
            Self::Matured => "matured",
            Self::Reserve => "reserve",
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
            Self::ReservationExpired => "reservation_expired",
            Self::Transfer => "transfer",
            Self::TransferIn => "transfer_in",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What an entry would be called; `None` if it is never about points.
    #[must_use]
    pub const fn of(deed: &Deed) -> Option<Self> {
        match deed {
            Deed::Earned { .. } | Deed::EarnedPending { .. } => Some(Self::Earn),
            Deed::Redeemed { .. } => Some(Self::Redeem),
            Deed::Held { .. } => Some(Self::Hold),
            Deed::Captured { .. } => Some(Self::Capture),
            Deed::Released { .. } => Some(Self::Release),
            Deed::Reversed { .. } => Some(Self::Reverse),
            Deed::Adjusted { .. } => Some(Self::Adjust),
            Deed::Closed { .. } => Some(Self::Close),
            Deed::Lapsed => Some(Self::Lapse),
            Deed::Expired { .. } => Some(Self::HoldExpired),
            Deed::Matured => Some(Self::Matured),
            Deed::Reserved { .. } => Some(Self::Reserve),
            Deed::Confirmed { .. } => Some(Self::Confirm),
            Deed::Cancelled { .. } => Some(Self::Cancel),
            Deed::Lost { .. } => Some(Self::ReservationExpired),
            Deed::Unsold { .. } => Some(Self::Reverse),
            Deed::Arrived { .. } => Some(Self::TransferIn),
            // The points go when the errand begins, and come back with the refusal that ends it.
            Deed::Begun { errand } if matches!(errand.pursuit, Pursuit::Transfer { .. }) => {
                Some(Self::Transfer)
            }
            Deed::Refused {
                command: CommandKind::Transfer,
                ..
            } => Some(Self::Transfer),
            Deed::Begun { .. }
            | Deed::GivenUp
            | Deed::Heard
            | Deed::StockPut { .. }
            | Deed::UnitsReleased
            | Deed::UnitsWanted { .. }
            | Deed::UnitsChanged { .. }
            | Deed::PackBought { .. }
            | Deed::PrepaidAdded { .. }
            | Deed::Transferred { .. }
            | Deed::CodeUsed { .. }
            | Deed::Enrolled { .. }
            | Deed::MerchantPut { .. }
            | Deed::MerchantContracted { .. }
            | Deed::DayEnded { .. }
            | Deed::SettlementOpened { .. }
            | Deed::SettlementPublished { .. }
            | Deed::Settled { .. }
            | Deed::CorrectionPut { .. }
            | Deed::CorrectionDecided { .. }
            | Deed::Refused { .. }
            | Deed::Frozen { .. }
            | Deed::Unfrozen { .. }
            | Deed::Erased => None,
        }
    }
}

/// By how much an entry changed what its member has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// What can be spent.
    pub available: i64,
    /// What open holds have set aside.
    pub held: i64,
    /// The debt.
    pub owed: i64,
}

impl Change {
    /// The sum of an entry's postings to its member's accounts.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let mut change = Self::default();
        // No balance exceeds 2^53 - 1, and the moves of an entry are few: none of these sums comes near the end.
        for posting in entry.postings() {
            match posting.account {
                Account::Available => change.available += posting.amount,
                Account::Held => change.held += posting.amount,
                // The account runs below zero as the debt grows.
                Account::Owed => change.owed -= posting.amount,
                Account::Pending
                | Account::Issued
                | Account::Accepted(_)
                | Account::Breakage
                | Account::Adjustment
                | Account::Transit => {}
            }
        }
        change
    }

    /// Whether a statement shows it.
    #[must_use]
    pub fn is_shown(self) -> bool {
        self != Self::default()
    }
}

/// The merchant's side of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counterpart {
    /// This merchant issued or accepted the points, or may capture them.
    Merchant(Symbol),
    /// The merchant of this hold.
    OfHold(Seq),
    /// No merchant, or many.
    Nobody,
}

impl Counterpart {
    /// Who an entry is about, beside its member.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let accepted = |m: &Move| match (m.from, m.to) {
            (Account::Accepted(merchant), _) | (_, Account::Accepted(merchant)) => Some(merchant),
            _ => None,
        };
        let found = match entry.deed {
            Deed::Earned { merchant, .. }
            | Deed::EarnedPending { merchant, .. }
            | Deed::Redeemed { merchant, .. }
            | Deed::Held { merchant, .. }
            | Deed::Reserved { merchant, .. } => Some(merchant),
            Deed::Captured { .. }
            | Deed::Confirmed { .. }
            | Deed::Unsold { .. }
            | Deed::Reversed { spend: true, .. } => entry.moves.iter().find_map(accepted),
            // Of an earn: all of it went to one lot, whose issuer it was.
            Deed::Reversed { .. } => entry.moves.first().map(|m| m.lot.key.issuer),
            Deed::Released { hold, .. } | Deed::Expired { hold, .. } => return Self::OfHold(hold),
            Deed::Cancelled { reservation, .. } | Deed::Lost { reservation, .. } => {
                return Self::OfHold(reservation);
            }
            _ => None,
        };
        found.map_or(Self::Nobody, Self::Merchant)
    }
}

/// What passed between a member and a merchant: above 0 the member was given points (an earn, a spend taken back), below
/// 0 points were taken (a spend, an earn taken back). `None` if nothing passed.
#[must_use]
pub fn passed(entry: &Entry) -> Option<(Symbol, i64)> {
    let Counterpart::Merchant(merchant) = Counterpart::of(entry) else {
        return None;
    };
    let points: i64 = entry
        .postings()
        .filter(|posting| matches!(posting.account, Account::Issued | Account::Accepted(_)))
        .map(|posting| -posting.amount)
        .sum();
    (points != 0).then_some((merchant, points))
}

/// One line of a member's statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementItem {
    /// Where it is recorded.
    pub offset: Offset,
    /// When it was decided.
    pub at: UnixMillis,
    /// What happened.
    pub kind: ItemKind,
    /// The transaction, if it is one that can be looked up; `None` for what time did by itself, and for points that a transfer
    /// sends off or has back: its answer is another entry, or a refusal.
    pub transaction: Option<TransactionId>,
    /// Who issued or accepted the points, or may capture them, where that is one.
    pub merchant: Option<CompactString>,
    /// The kind of points.
    pub point_type: CompactString,
    /// The change of what can be spent. Less than was earned where a debt was paid first.
    pub points: i64,
    /// What could be spent then.
    pub available_after: Points,
    /// What open holds had set aside then.
    pub held_after: Points,
    /// What was owed then.
    pub owed_after: Points,
    /// What the sender wanted to see again.
    pub reference: Option<Text>,
}

impl StatementItem {
    /// An entry as a line; `None` if it changed nothing that a statement shows. `hold` is the entry that made its hold,
    /// where it is about one.
    #[must_use]
    pub fn of(
        entry: &Entry,
        shard: ShardIndex,
        hold: Option<&Entry>,
        symbols: &Symbols,
    ) -> Option<Self> {
        let (kind, after) = (ItemKind::of(&entry.deed)?, entry.after?);
        let change = Change::of(entry);
        let merchant = merchant_of(entry, hold);
        change.is_shown().then(|| Self {
            offset: Offset {
                shard,
                seq: entry.seq,
            },
            at: entry.at,
            kind,
            transaction: is_transaction(entry).then_some(TransactionId {
                shard,
                seq: entry.seq,
            }),
            merchant: merchant.map(|symbol| symbols.name(symbol).clone()),
            point_type: symbols.name(after.point_type).clone(),
            points: change.available,
            available_after: after.balance.available,
            held_after: after.balance.held,
            owed_after: after.balance.owed,
            reference: origin_of(entry).and_then(|o| o.reference.clone()),
        })
    }
}

/// The request that an entry answers, or that the errand will which it begins.
fn origin_of(entry: &Entry) -> Option<&Origin> {
    match &entry.deed {
        Deed::Begun { errand } => Some(&errand.origin),
        _ => entry.origin.as_ref(),
    }
}

/// Whether an entry accepts a command: then it is what the answer calls the transaction.
pub(super) fn is_transaction(entry: &Entry) -> bool {
    entry.origin.is_some() && !matches!(entry.deed, Deed::Refused { .. })
}

/// The one merchant that an entry is about; `hold` is the entry that made its hold, where it is about one.
pub(crate) fn merchant_of(entry: &Entry, hold: Option<&Entry>) -> Option<Symbol> {
    match Counterpart::of(entry) {
        Counterpart::Merchant(merchant) => Some(merchant),
        Counterpart::OfHold(_) => match hold?.deed {
            Deed::Held { merchant, .. } | Deed::Reserved { merchant, .. } => Some(merchant),
            _ => None,
        },
        Counterpart::Nobody => None,
    }
}

/// Points that passed between a merchant and a member, as the merchant's books show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The command.
    pub transaction: TransactionId,
    /// When it was decided.
    pub at: UnixMillis,
    /// Which command: an earn, a redemption, a capture or a reversal.
    pub kind: ItemKind,
    /// Whose points.
    pub member: MemberId,
    /// The kind of points.
    pub point_type: CompactString,
    /// Above 0 what the member was given, below 0 what was taken.
    pub points: i64,
    /// The merchant's order, where the command named one; of a capture its hold's, of a reversal that of what it took back.
    pub order: Option<Text>,
    /// Of a capture: the hold.
    pub hold: Option<HoldId>,
    /// Of a reversal: what was taken back.
    pub reversed: Option<TransactionId>,
    /// What the sender wanted to see again.
    pub reference: Option<Text>,
}

impl Movement {
    /// An entry as a line, with the order that it belongs to; `None` if no points passed.
    #[must_use]
    pub fn of(
        entry: &Entry,
        shard: ShardIndex,
        order: Option<Text>,
        symbols: &Symbols,
    ) -> Option<Self> {
        let (_, points) = passed(entry)?;
        let (kind, after) = (ItemKind::of(&entry.deed)?, entry.after?);
        let Subject::Member(member) = &entry.subject else {
            return None;
        };
        let hold = match entry.deed {
            Deed::Captured { hold, .. } => Some(HoldId { shard, seq: hold }),
            _ => None,
        };
        let reversed = match entry.deed {
            Deed::Reversed { transaction, .. } | Deed::Unsold { transaction, .. } => {
                Some(TransactionId {
                    shard,
                    seq: transaction,
                })
            }
            _ => None,
        };
        Some(Self {
            transaction: TransactionId {
                shard,
                seq: entry.seq,
            },
            at: entry.at,
            kind,
            member: member.clone(),
            point_type: symbols.name(after.point_type).clone(),
            points,
            order,
            hold,
            reversed,
            reference: entry.origin.as_ref().and_then(|o| o.reference.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_its_word() {
        for kind in ItemKind::ALL {
            assert_eq!(ItemKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(ItemKind::from_name("enrol"), None);
    }
}
