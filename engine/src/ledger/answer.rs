//! What a client hears: made from the entry alone, so that a retry hears the same, also after a crash.

use compact_str::CompactString;
use smallvec::SmallVec;

use super::{
    amount::Points,
    command::{CommandKind, HoldId, Offset, ShardIndex},
    entry::{Account, Deed, Entry},
    id::RequestId,
    refusal::Refusal,
    symbol::Symbols,
    text::Text,
    time::{Day, UnixMillis},
    wallet::Balance,
};

/// A balance as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedBalance {
    /// The kind of points.
    pub point_type: CompactString,
    /// How many.
    pub balance: Balance,
}

/// A part of a lot as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotShare {
    /// Who issued the points.
    pub issuer: CompactString,
    /// Their class.
    pub class: CompactString,
    /// The last day on which they can be used.
    pub last_day: Day,
    /// How many.
    pub points: Points,
}

/// What an accepted command answers beside the common fields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Details {
    Enrolled,
    /// Of an earn: the lot that got the points. Of a redemption: the lots they came from.
    Lots(SmallVec<[LotShare; 1]>),
    Held {
        hold: HoldId,
        expires_at: UnixMillis,
    },
    Captured {
        captured: Points,
        released: Points,
    },
    Released {
        released: Points,
    },
    Document {
        version: u64,
        changed: bool,
    },
}

/// Yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Verdict {
    Accepted(Details),
    Refused(Refusal),
}

/// The recorded answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What the sender calls the request.
    pub id: RequestId,
    /// What was asked.
    pub kind: CommandKind,
    /// Where the answer is recorded.
    pub offset: Offset,
    /// When it was decided.
    pub at: UnixMillis,
    /// Whether the request had been answered before.
    pub replayed: bool,
    /// What the sender wanted to see again.
    pub reference: Option<Text>,
    /// The member's balance then, where the command concerns points.
    pub balance: Option<TypedBalance>,
    /// Yes or no.
    pub verdict: Verdict,
}

impl Answer {
    /// The answer that an entry records, or `None` for what the engine did by itself. `symbols` must know every
    /// name of the entry, its own definitions included.
    #[must_use]
    pub fn recorded(entry: Entry, shard: ShardIndex, symbols: &Symbols) -> Option<Self> {
        let origin = entry.origin?;
        let name = |symbol| symbols.name(symbol).clone();
        let shares = |from: Account| {
            entry
                .moves
                .iter()
                .filter(|m| m.from == from)
                .map(|m| LotShare {
                    issuer: name(m.lot.key.issuer),
                    class: name(m.lot.key.class),
                    last_day: m.lot.key.last_day,
                    points: m.points,
                })
                .collect()
        };
        let (kind, verdict) = match entry.deed {
            Deed::Enrolled { .. } => (CommandKind::Enrol, Verdict::Accepted(Details::Enrolled)),
            Deed::Earned { .. } => (
                CommandKind::Earn,
                Verdict::Accepted(Details::Lots(shares(Account::Issued))),
            ),
            Deed::Redeemed { .. } => (
                CommandKind::Redeem,
                Verdict::Accepted(Details::Lots(shares(Account::Available))),
            ),
            Deed::Held { expires_at, .. } => (
                CommandKind::Hold,
                Verdict::Accepted(Details::Held {
                    hold: HoldId {
                        shard,
                        seq: entry.seq,
                    },
                    expires_at,
                }),
            ),
            Deed::Captured {
                captured, released, ..
            } => (
                CommandKind::Capture,
                Verdict::Accepted(Details::Captured { captured, released }),
            ),
            Deed::Released { released, .. } | Deed::Expired { released, .. } => (
                CommandKind::Release,
                Verdict::Accepted(Details::Released { released }),
            ),
            Deed::MerchantPut {
                version, changed, ..
            } => (
                CommandKind::PutMerchant,
                Verdict::Accepted(Details::Document { version, changed }),
            ),
            Deed::Refused { command, refusal } => (command, Verdict::Refused(refusal)),
        };
        Some(Self {
            id: origin.id,
            kind,
            offset: Offset {
                shard,
                seq: entry.seq,
            },
            at: entry.at,
            replayed: false,
            reference: origin.reference,
            balance: entry.after.map(|after| TypedBalance {
                point_type: name(after.point_type),
                balance: after.balance,
            }),
            verdict,
        })
    }
}
