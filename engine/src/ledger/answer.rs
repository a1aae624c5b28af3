//! What a client hears: made from the entry alone, so that a retry hears the same, also after a crash.

use compact_str::CompactString;
use smallvec::SmallVec;

use super::{
    amount::Points,
    command::{CommandKind, ShardIndex},
    entry::{Account, Deed, Entry, Move},
    handle::{HoldId, Offset, ReservationId},
    id::RequestId,
    refusal::Refusal,
    settlements::Period,
    sold_code::SoldCode,
    symbol::Symbols,
    text::Text,
    time::{Day, UnixMillis},
    use_code::codes,
    wallet::Balance,
};
use crate::pool::Units;

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
    /// Of a spend: the points came back.
    Restored {
        restored: Points,
    },
    /// Of an earn: the points were taken, and what was not there is owed.
    TakenBack {
        taken_back: Points,
        owed: Points,
    },
    Adjusted,
    Frozen,
    Unfrozen,
    Closed,
    Erased,
    Reserved {
        reservation: ReservationId,
        expires_at: UnixMillis,
        points_held: Points,
        quantity: Units,
    },
    /// With one code per unit.
    Confirmed {
        codes: Vec<SoldCode>,
    },
    Cancelled {
        released: Points,
    },
    Transferred,
    UnitsChanged,
    PackBought,
    CodeUsed,
    /// Of a settlement that was asked for: whether it is a new one.
    Settlement {
        period: Period,
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
    /// How many points went to breakage with it: they had lapsed while they were spent or held, or their member is closed. `None`
    /// stands for none where that is the usual case, so of anything but closing.
    pub forfeited: Option<Points>,
    /// Yes or no.
    pub verdict: Verdict,
}

impl Answer {
    /// The answer that an entry records, or `None` for what the engine did by itself. `symbols` must know every
    /// name of the entry, its own definitions included.
    #[must_use]
    pub fn recorded(entry: &Entry, shard: ShardIndex, symbols: &Symbols) -> Option<Self> {
        let origin = entry.origin.as_ref()?;
        let name = |symbol| symbols.name(symbol).clone();
        let shares = |from: Account| {
            let mut shares: SmallVec<[LotShare; 1]> = SmallVec::new();
            let mut last = None;
            for m in entry.moves.iter().filter(|m| m.from == from) {
                // A debt that was paid splits what came in, and is no business of the lot.
                if let (true, Some(share)) = (last == Some(m.lot), shares.last_mut()) {
                    let sum = share.points.checked_add(m.points);
                    share.points = sum.expect("parts of one lot sum to at most 2^53 - 1");
                    continue;
                }
                last = Some(m.lot);
                shares.push(LotShare {
                    issuer: name(m.lot.key.issuer),
                    class: name(m.lot.key.class),
                    last_day: m.lot.key.last_day,
                    points: m.points,
                });
            }
            shares
        };
        let sum = |wanted: fn(&Move) -> bool| {
            let moves = entry.moves.iter().filter(|m| wanted(m));
            moves.fold(Points::ZERO, |sum, m| {
                sum.checked_add(m.points)
                    .expect("decided: no balance exceeds 2^53 - 1")
            })
        };
        let (kind, verdict) = match entry.deed {
            Deed::Enrolled { .. } => (CommandKind::Enrol, Verdict::Accepted(Details::Enrolled)),
            Deed::Earned { .. } | Deed::EarnedPending { .. } => (
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
            Deed::MerchantContracted {
                version, changed, ..
            } => (
                CommandKind::PutMerchant,
                Verdict::Accepted(Details::Document { version, changed }),
            ),
            Deed::SettlementOpened { period, changed } => (
                CommandKind::Settle,
                Verdict::Accepted(Details::Settlement { period, changed }),
            ),
            Deed::CorrectionPut { changed, .. } => (
                CommandKind::PutCorrection,
                Verdict::Accepted(Details::Document {
                    version: 1,
                    changed,
                }),
            ),
            Deed::CorrectionDecided { .. } => (
                CommandKind::DecideCorrection,
                Verdict::Accepted(Details::Document {
                    version: 2,
                    changed: true,
                }),
            ),
            Deed::Refused {
                command,
                ref refusal,
            } => (command, Verdict::Refused(refusal.clone())),
            Deed::Reversed {
                spend: true,
                points,
                ..
            } => (
                CommandKind::Reverse,
                Verdict::Accepted(Details::Restored { restored: points }),
            ),
            Deed::Reversed { points, .. } => {
                let debt = sum(|m| m.from == Account::Owed);
                let owed = debt.less(sum(|m| m.to == Account::Owed));
                let taken_back = points.less(owed);
                let details = Details::TakenBack { taken_back, owed };
                (CommandKind::Reverse, Verdict::Accepted(details))
            }
            Deed::Adjusted { .. } => (CommandKind::Adjust, Verdict::Accepted(Details::Adjusted)),
            Deed::Frozen { .. } => (CommandKind::Freeze, Verdict::Accepted(Details::Frozen)),
            Deed::Unfrozen { .. } => (CommandKind::Unfreeze, Verdict::Accepted(Details::Unfrozen)),
            Deed::Closed { .. } => (CommandKind::Close, Verdict::Accepted(Details::Closed)),
            Deed::Erased => (CommandKind::Erase, Verdict::Accepted(Details::Erased)),
            Deed::Reserved {
                quantity,
                expires_at,
                ..
            } => {
                let seq = entry.seq;
                let details = Details::Reserved {
                    reservation: ReservationId { shard, seq },
                    expires_at,
                    points_held: sum(|m| m.to == Account::Held),
                    quantity,
                };
                (CommandKind::Reserve, Verdict::Accepted(details))
            }
            Deed::Confirmed {
                quantity, secret, ..
            } => {
                let codes = codes(shard, entry.seq, quantity.get(), secret);
                let details = Details::Confirmed { codes };
                (CommandKind::Confirm, Verdict::Accepted(details))
            }
            Deed::Cancelled { released, .. } | Deed::Lost { released, .. } => {
                let details = Details::Cancelled { released };
                (CommandKind::Cancel, Verdict::Accepted(details))
            }
            Deed::StockPut {
                version, changed, ..
            } => (
                CommandKind::PutStock,
                Verdict::Accepted(Details::Document { version, changed }),
            ),
            Deed::UnitsChanged { .. } => {
                let details = Details::UnitsChanged;
                (CommandKind::ChangeUnits, Verdict::Accepted(details))
            }
            Deed::Transferred { .. } => (
                CommandKind::Transfer,
                Verdict::Accepted(Details::Transferred),
            ),
            Deed::CodeUsed { .. } => (CommandKind::UseCode, Verdict::Accepted(Details::CodeUsed)),
            Deed::Unsold { points, .. } => (
                CommandKind::Reverse,
                Verdict::Accepted(Details::Restored { restored: points }),
            ),
            Deed::PackBought { .. } => {
                (CommandKind::BuyPack, Verdict::Accepted(Details::PackBought))
            }
            Deed::Matured
            | Deed::PrepaidAdded { .. }
            | Deed::Lapsed
            | Deed::Begun { .. }
            | Deed::GivenUp
            | Deed::Heard
            | Deed::UnitsReleased
            | Deed::UnitsWanted { .. }
            | Deed::Arrived { .. }
            | Deed::DayEnded { .. }
            | Deed::SettlementPublished { .. }
            | Deed::Settled { .. } => return None,
        };
        let forfeited = sum(|m| m.to == Account::Breakage);
        let closed = matches!(entry.deed, Deed::Closed { .. });
        Some(Self {
            id: origin.id.clone(),
            kind,
            offset: Offset {
                shard,
                seq: entry.seq,
            },
            at: entry.at,
            replayed: false,
            reference: origin.reference.clone(),
            balance: entry.after.map(|after| TypedBalance {
                point_type: name(after.point_type),
                balance: after.balance,
            }),
            forfeited: (closed || !forfeited.is_zero()).then_some(forfeited),
            verdict,
        })
    }
}
