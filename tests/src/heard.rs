//! Answers in plain words and numbers, as the twin gives them and as the engine's are compared with.

use std::fmt;

use jifen_engine::{
    ledger::{Answer, Balance, Code, Details, Entry, Points, Reason, ShardIndex, Symbols, Verdict},
    reads,
    shard::Reply,
};

/// What a request is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A recorded answer, new or said again.
    Recorded {
        /// The answer.
        answer: Recorded,
        /// Whether it had been given before.
        replayed: bool,
    },
    /// A refusal that leaves no trace: what stands in the way.
    Declined(Vec<Why>),
}

/// A recorded answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What the sender calls the request.
    pub id: String,
    /// What was asked, in the word of the wire contract.
    pub verb: &'static str,
    /// Which shard decided.
    pub shard: u16,
    /// Which entry of the shard records it.
    pub seq: u64,
    /// When it was decided, in milliseconds.
    pub at: u64,
    /// What the sender wanted to see again.
    pub reference: Option<String>,
    /// The point type, and available, held, pending and owed points of it.
    pub balance: Option<(String, [u64; 4])>,
    /// What went to breakage with it, where anything did.
    pub forfeited: u64,
    /// What was decided.
    pub told: Told,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Told {
    Enrolled,
    Lots(Vec<LotPart>),
    Held {
        hold: String,
        expires_at: u64,
    },
    Captured {
        captured: u64,
        released: u64,
    },
    Released {
        released: u64,
    },
    Document {
        version: u64,
        changed: bool,
    },
    Restored {
        restored: u64,
    },
    TakenBack {
        taken_back: u64,
        owed: u64,
    },
    Adjusted,
    Frozen,
    Unfrozen,
    Closed,
    Erased,
    Refused(Vec<Why>),
    /// Of commands that the twin does not know, as the engine writes it for programmers.
    Beyond(String),
}

/// Points of a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct LotPart {
    pub issuer: String,
    pub class: String,
    pub last_day: Option<u32>,
    pub points: u64,
}

/// One thing that stands in the way, as the wire contract calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Why {
    pub code: &'static str,
    pub limit: Option<u64>,
    pub requested: Option<u64>,
    /// When it will no longer stand in the way, in milliseconds, if that is known.
    pub frees_at: Option<u64>,
}

impl Why {
    /// A reason without a measure.
    #[must_use]
    pub const fn plain(code: &'static str) -> Self {
        Self {
            code,
            limit: None,
            requested: None,
            frees_at: None,
        }
    }

    /// A reason with what would be allowed and what was asked for.
    #[must_use]
    pub const fn measured(code: &'static str, limit: u64, requested: u64) -> Self {
        Self {
            code,
            limit: Some(limit),
            requested: Some(requested),
            frees_at: None,
        }
    }

    /// In the words of the tables. A time is told in seconds since `base`.
    #[must_use]
    pub fn words(&self, base: u64) -> String {
        match self.frees_at {
            Some(at) => format!("{self} until {}", seconds(at, base)),
            None => self.to_string(),
        }
    }
}

/// A member's points of one type, as readers see them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct WalletSeen {
    pub point_type: String,
    /// Available, held, pending and owed.
    pub balance: [u64; 4],
    /// In the order of spending; `points` are the lot's available part, and beside them stands its held part.
    pub lots: Vec<(LotPart, u64)>,
}

impl WalletSeen {
    /// Whether the member has nothing of this type and owes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lots.is_empty() && self.balance == [0; 4]
    }
}

/// What an engine's reply says.
#[must_use]
pub fn heard(reply: &Reply) -> Heard {
    match reply {
        Ok(answer) => Heard::Recorded {
            answer: recorded(answer),
            replayed: answer.replayed,
        },
        Err(declined) => Heard::Declined(declined.refusal.reasons().iter().map(why).collect()),
    }
}

/// The answer that an entry records, if it answers a request. `symbols` must know the entry's names.
#[must_use]
pub fn recorded_by(entry: &Entry, shard: ShardIndex, symbols: &Symbols) -> Option<Recorded> {
    Answer::recorded(entry, shard, symbols).map(|answer| recorded(&answer))
}

fn recorded(answer: &Answer) -> Recorded {
    Recorded {
        id: answer.id.to_string(),
        verb: answer.kind.name(),
        shard: answer.offset.shard.0,
        seq: answer.offset.seq.0,
        at: answer.at.0,
        reference: answer
            .reference
            .as_ref()
            .map(|text| text.as_str().to_owned()),
        balance: answer
            .balance
            .as_ref()
            .map(|typed| (typed.point_type.to_string(), parts(typed.balance))),
        forfeited: answer.forfeited.map_or(0, Points::get),
        told: match &answer.verdict {
            Verdict::Accepted(details) => accepted(details),
            Verdict::Refused(refusal) => Told::Refused(refusal.reasons().iter().map(why).collect()),
        },
    }
}

fn accepted(details: &Details) -> Told {
    match details {
        Details::Enrolled => Told::Enrolled,
        Details::Lots(lots) => Told::Lots(
            lots.iter()
                .map(|lot| LotPart {
                    issuer: lot.issuer.to_string(),
                    class: lot.class.to_string(),
                    last_day: lot.last_day.days_since_1970(),
                    points: lot.points.get(),
                })
                .collect(),
        ),
        Details::Held { hold, expires_at } => Told::Held {
            hold: hold.to_string(),
            expires_at: expires_at.0,
        },
        Details::Captured { captured, released } => Told::Captured {
            captured: captured.get(),
            released: released.get(),
        },
        Details::Released { released } => Told::Released {
            released: released.get(),
        },
        Details::Document { version, changed } => Told::Document {
            version: *version,
            changed: *changed,
        },
        Details::Restored { restored } => Told::Restored {
            restored: restored.get(),
        },
        Details::TakenBack { taken_back, owed } => Told::TakenBack {
            taken_back: taken_back.get(),
            owed: owed.get(),
        },
        Details::Adjusted => Told::Adjusted,
        Details::Frozen => Told::Frozen,
        Details::Unfrozen => Told::Unfrozen,
        Details::Closed => Told::Closed,
        Details::Erased => Told::Erased,
        Details::Reserved { .. }
        | Details::Confirmed { .. }
        | Details::Cancelled { .. }
        | Details::Transferred
        | Details::UnitsChanged
        | Details::PackBought
        | Details::Settlement { .. }
        | Details::CodeUsed => Told::Beyond(format!("{details:?}")),
    }
}

const fn parts(balance: Balance) -> [u64; 4] {
    [
        balance.available.get(),
        balance.held.get(),
        balance.pending.get(),
        balance.owed.get(),
    ]
}

fn why(reason: &Reason) -> Why {
    Why {
        code: code_name(reason.code),
        limit: reason.limit,
        requested: reason.requested,
        frees_at: reason.frees_at.map(|at| at.0),
    }
}

/// A code in the words of the wire contract, or in ours where the contract has none of its own.
#[must_use]
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::RequestIdReused => "request_id_reused",
        Code::MemberNotFound => "member_not_found",
        Code::MerchantNotFound => "merchant_not_found",
        Code::HoldNotFound => "hold_not_found",
        Code::TransactionNotFound => "transaction_not_found",
        Code::HoldCaptured => "hold_captured",
        Code::HoldReleased => "hold_released",
        Code::HoldExpired => "hold_expired",
        Code::MemberFrozen => "member_frozen",
        Code::MemberClosed => "member_closed",
        Code::MemberHasHolds => "member_has_holds",
        Code::AlreadyReversed => "already_reversed",
        Code::AtInFuture => "at_in_future",
        Code::UnknownPointType => "unknown_point_type",
        Code::NotEligible => "not_eligible",
        Code::NotReversible => "not_reversible",
        Code::ReversalWindowPassed => "reversal_window_passed",
        Code::MemberLimitReached => "member_limit_reached",
        Code::ExceedsHold => "exceeds_hold",
        Code::ExceedsTransaction => "exceeds_transaction",
        Code::InsufficientPoints => "insufficient_points",
        Code::Full => "full",
        Code::RequestInFlight => "request_in_flight",
        Code::SettlementNotFound => "settlement_not_found",
        Code::CorrectionNotFound => "correction_not_found",
        Code::CorrectionExists => "correction_exists",
        Code::CorrectionDecided => "correction_decided",
        Code::PeriodSettled => "period_settled",
        Code::EventTooLate => "event_too_late",
        Code::InvalidPeriod => "invalid_period",
        Code::PeriodNotOver => "period_not_over",
        Code::OwnCorrection => "own_correction",
        Code::SkuNotFound => "sku_not_found",
        Code::ReservationNotFound => "reservation_not_found",
        Code::CodeNotFound => "code_not_found",
        Code::ReservationConfirmed => "reservation_confirmed",
        Code::ReservationCancelled => "reservation_cancelled",
        Code::ReservationExpired => "reservation_expired",
        Code::CodeUsed => "code_used",
        Code::CodeRevoked => "code_revoked",
        Code::SoldOut => "sold_out",
        Code::SaleNotOpen => "sale_not_open",
        Code::PackExhausted => "pack_exhausted",
        Code::PrepaidTooSoon => "prepaid_too_soon",
        Code::SaleClosed => "sale_closed",
        Code::ExceedsStock => "exceeds_stock",
        Code::TooManyWait => "too_many_wait",
    }
}

/// A member's points as the engine shows them, by point type.
#[must_use]
pub fn seen(view: &reads::MemberView) -> Vec<WalletSeen> {
    let mut wallets: Vec<WalletSeen> = view
        .wallets
        .iter()
        .map(|wallet| WalletSeen {
            point_type: wallet.point_type.to_string(),
            balance: parts(wallet.balance),
            lots: wallet
                .lots
                .iter()
                .map(|lot| {
                    let part = LotPart {
                        issuer: lot.issuer.to_string(),
                        class: lot.class.to_string(),
                        last_day: lot.last_day.days_since_1970(),
                        points: lot.available.get(),
                    };
                    (part, lot.held.get())
                })
                .collect(),
        })
        .collect();
    wallets.sort_by(|a, b| a.point_type.cmp(&b.point_type));
    wallets
}

/// A lot as the tables of the tests write it: issuer, class unless ordinary, last day unless never.
impl fmt::Display for LotPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.issuer)?;
        if self.class != "ordinary" {
            write!(f, "/{}", self.class)?;
        }
        if let Some(day) = self.last_day {
            write!(f, "/{day}")?;
        }
        write!(f, " {}", self.points)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)?;
        match (self.limit, self.requested) {
            (Some(limit), Some(requested)) => write!(f, " {requested} of {limit}"),
            _ => Ok(()),
        }
    }
}

/// A recorded answer in the words of the tables. A time is told in seconds since `base`.
#[must_use]
pub fn words(answer: &Recorded, base: u64) -> String {
    let told = told_words(&answer.told, base);
    match (&answer.told, answer.forfeited) {
        (Told::Closed, forfeited) => format!("{told}: forfeited {forfeited}"),
        (_, 0) => told,
        (_, forfeited) => format!("{told}, forfeited {forfeited}"),
    }
}

fn told_words(told: &Told, base: u64) -> String {
    match told {
        Told::Enrolled => "accepted".to_owned(),
        Told::Lots(lots) => format!("accepted: {}", list(lots)),
        Told::Held { expires_at, .. } => format!("accepted: until {}", seconds(*expires_at, base)),
        Told::Captured { captured, released } => {
            format!("accepted: captured {captured}, released {released}")
        }
        Told::Released { released } => format!("accepted: released {released}"),
        Told::Document { version, changed } => {
            let kind = if *changed { "new" } else { "unchanged" };
            format!("accepted: version {version}, {kind}")
        }
        Told::Restored { restored } => format!("accepted: restored {restored}"),
        Told::TakenBack { taken_back, owed } => {
            format!("accepted: taken back {taken_back}, owed {owed}")
        }
        Told::Adjusted | Told::Frozen | Told::Unfrozen | Told::Closed | Told::Erased => {
            "accepted".to_owned()
        }
        Told::Refused(whys) => format!("refused: {}", reasons(whys, base)),
        Told::Beyond(what) => format!("accepted: {what}"),
    }
}

/// Reasons in the words of the tables. A time is told in seconds since `base`.
#[must_use]
pub fn reasons(whys: &[Why], base: u64) -> String {
    let whys: Vec<String> = whys.iter().map(|why| why.words(base)).collect();
    whys.join(", ")
}

fn seconds(at: u64, base: u64) -> String {
    let millis = at - base;
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

/// One after the other, with commas.
#[must_use]
pub fn list<T: fmt::Display>(all: &[T]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join(", ")
}
