//! Requests in plain words and numbers, and how the engine gets them.

use compact_str::CompactString;
use jifen_engine::ledger::{
    Adjust, Capture, Class, Command, Day, Direction, Earn, Enrol, Erase, Fen, Hold, HoldId, Labels,
    Lifecycle, MemberId, MerchantId, PointType, Points, Principal, PutMerchant, Redeem, Release,
    Request, RequestId, Reverse, Text, TransactionId, UnixMillis, Use,
};

/// Keys and values.
pub type Pairs = Vec<(String, String)>;

/// A request as a client thinks of it. Two are the same content if they are equal but for `principal` and `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Who sends it.
    pub principal: String,
    /// What the sender calls it.
    pub id: String,
    /// What the sender wants to see again.
    pub reference: Option<String>,
    /// What the sender attaches.
    pub metadata: Option<Pairs>,
    /// What is asked.
    pub what: What,
}

/// What can be asked, all defaults filled in. Times are in milliseconds, days are counted from 1970-01-01.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum What {
    Enrol {
        member: String,
        attributes: Option<Pairs>,
    },
    Earn {
        member: String,
        merchant: String,
        points: u64,
        point_type: String,
        last_day: Option<u32>,
        class: String,
        order: Option<String>,
        at: Option<u64>,
        releases_at: Option<u64>,
    },
    Redeem {
        member: String,
        merchant: String,
        points: u64,
        point_type: String,
        used_for: Option<String>,
        order: Option<String>,
        cash: Option<u64>,
    },
    Hold {
        member: String,
        merchant: String,
        points: u64,
        point_type: String,
        used_for: Option<String>,
        order: Option<String>,
        ttl_seconds: u32,
    },
    Capture {
        hold: String,
        points: Option<u64>,
        last: bool,
    },
    Release {
        hold: String,
    },
    PutMerchant {
        merchant: String,
        name: String,
    },
    Reverse {
        transaction: String,
        points: Option<u64>,
        reason: Option<String>,
    },
    Adjust {
        member: String,
        up: bool,
        points: u64,
        point_type: String,
        reason: String,
    },
    Freeze {
        member: String,
        reason: String,
    },
    Unfreeze {
        member: String,
        reason: String,
    },
    Close {
        member: String,
        reason: String,
    },
    Erase {
        member: String,
    },
}

impl What {
    /// The word of the wire contract.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Enrol { .. } => "enrol",
            Self::Earn { .. } => "earn",
            Self::Redeem { .. } => "redeem",
            Self::Hold { .. } => "hold",
            Self::Capture { .. } => "capture",
            Self::Release { .. } => "release",
            Self::PutMerchant { .. } => "put_merchant",
            Self::Reverse { .. } => "reverse",
            Self::Adjust { .. } => "adjust",
            Self::Freeze { .. } => "freeze",
            Self::Unfreeze { .. } => "unfreeze",
            Self::Close { .. } => "close",
            Self::Erase { .. } => "erase",
        }
    }

    /// The member that is named; captures and releases name a hold instead, reversals a transaction.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::Enrol { member, .. }
            | Self::Earn { member, .. }
            | Self::Redeem { member, .. }
            | Self::Hold { member, .. }
            | Self::Adjust { member, .. }
            | Self::Freeze { member, .. }
            | Self::Unfreeze { member, .. }
            | Self::Close { member, .. }
            | Self::Erase { member } => Some(member),
            Self::Capture { .. }
            | Self::Release { .. }
            | Self::Reverse { .. }
            | Self::PutMerchant { .. } => None,
        }
    }
}

impl Ask {
    /// A request without reference and metadata.
    #[must_use]
    pub fn new(principal: &str, id: &str, what: What) -> Self {
        Self {
            principal: principal.to_owned(),
            id: id.to_owned(),
            reference: None,
            metadata: None,
            what,
        }
    }

    /// Whether the other one asks for the same, reference and metadata included.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        self.what == other.what
            && self.reference == other.reference
            && self.metadata == other.metadata
    }

    /// The request as the engine takes it.
    ///
    /// # Panics
    ///
    /// If a name or number breaks the wire contract: the tests below the adapters send only what these let through.
    #[must_use]
    pub fn request(&self) -> Request {
        Request::new(
            Principal::new(&self.principal).unwrap(),
            RequestId::new(&self.id).unwrap(),
            self.what.command(),
            text(self.reference.as_deref()),
            labels(self.metadata.as_ref()),
        )
    }
}

impl What {
    fn command(&self) -> Command {
        match self {
            Self::Enrol { member, attributes } => Command::Enrol(Enrol {
                member: MemberId::new(member).unwrap(),
                attributes: labels(attributes.as_ref()),
            }),
            Self::Earn {
                member,
                merchant,
                points,
                point_type,
                last_day,
                class,
                order,
                at,
                releases_at,
            } => Command::Earn(Earn {
                member: MemberId::new(member).unwrap(),
                merchant: MerchantId::new(merchant).unwrap(),
                points: Points::new(*points).unwrap(),
                point_type: PointType::new(point_type).unwrap(),
                last_day: last_day.map_or(Day::NEVER, |day| Day::new(day).unwrap()),
                class: Class::new(class).unwrap(),
                order: text(order.as_deref()),
                at: at.map(UnixMillis),
                releases_at: releases_at.map(UnixMillis),
            }),
            Self::Redeem {
                member,
                merchant,
                points,
                point_type,
                used_for,
                order,
                cash,
            } => Command::Redeem(Redeem {
                member: MemberId::new(member).unwrap(),
                merchant: MerchantId::new(merchant).unwrap(),
                points: Points::new(*points).unwrap(),
                point_type: PointType::new(point_type).unwrap(),
                used_for: used_for.as_ref().map(|word| Use::new(word).unwrap()),
                order: text(order.as_deref()),
                cash: cash.map(|fen| Fen::new(fen).unwrap()),
            }),
            Self::Hold {
                member,
                merchant,
                points,
                point_type,
                used_for,
                order,
                ttl_seconds,
            } => Command::Hold(Hold {
                member: MemberId::new(member).unwrap(),
                merchant: MerchantId::new(merchant).unwrap(),
                points: Points::new(*points).unwrap(),
                point_type: PointType::new(point_type).unwrap(),
                used_for: used_for.as_ref().map(|word| Use::new(word).unwrap()),
                order: text(order.as_deref()),
                ttl_seconds: *ttl_seconds,
            }),
            Self::Capture { hold, points, last } => Command::Capture(Capture {
                hold: HoldId::parse(hold).unwrap(),
                points: points.map(|points| Points::new(points).unwrap()),
                last: *last,
            }),
            Self::Release { hold } => Command::Release(Release {
                hold: HoldId::parse(hold).unwrap(),
            }),
            Self::PutMerchant { merchant, name } => Command::PutMerchant(PutMerchant {
                contract: None,
                merchant: MerchantId::new(merchant).unwrap(),
                name: Text::new(name).unwrap(),
            }),
            Self::Reverse {
                transaction,
                points,
                reason,
            } => Command::Reverse(Reverse {
                transaction: TransactionId::parse(transaction).unwrap(),
                points: points.map(|points| Points::new(points).unwrap()),
                reason: text(reason.as_deref()),
                return_units: false,
            }),
            Self::Adjust {
                member,
                up,
                points,
                point_type,
                reason,
            } => Command::Adjust(Adjust {
                member: MemberId::new(member).unwrap(),
                direction: if *up { Direction::Up } else { Direction::Down },
                points: Points::new(*points).unwrap(),
                point_type: PointType::new(point_type).unwrap(),
                reason: Text::new(reason).unwrap(),
            }),
            Self::Freeze { member, reason } => Command::Freeze(lifecycle(member, reason)),
            Self::Unfreeze { member, reason } => Command::Unfreeze(lifecycle(member, reason)),
            Self::Close { member, reason } => Command::Close(lifecycle(member, reason)),
            Self::Erase { member } => Command::Erase(Erase {
                member: MemberId::new(member).unwrap(),
            }),
        }
    }
}

fn lifecycle(member: &str, reason: &str) -> Lifecycle {
    Lifecycle {
        member: MemberId::new(member).unwrap(),
        reason: Text::new(reason).unwrap(),
    }
}

fn text(text: Option<&str>) -> Option<Text> {
    text.map(|text| Text::new(text).unwrap())
}

fn labels(pairs: Option<&Pairs>) -> Option<Labels> {
    let pair = |(key, value): &(String, String)| (CompactString::new(key), value.into());
    pairs.map(|pairs| Labels::new(pairs.iter().map(pair).collect()).unwrap())
}
