//! What shards tell each other over their links.
//!
//! In entries and in memory, names are the symbols of the shard that wrote them; on the way they are spelled out, since every shard
//! numbers names by itself.

use bincode::{
    BorrowDecode, Encode,
    de::BorrowDecoder,
    enc::Encoder,
    error::{DecodeError, EncodeError},
};
use compact_str::CompactString;

use super::{
    amount::Points,
    command::{Seq, ShardIndex},
    contract::Contract,
    daybook::Undone,
    id::MemberId,
    prepaid::Drawn,
    refusal::Code,
    symbol::Symbol,
    text::Text,
    time::{Day, UnixMillis},
};
use crate::pool::{PoolMessage, Units};

/// The terms of a sale.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Terms<N> {
    /// Who accepts the points.
    pub merchant: N,
    /// The kind of points that pay.
    pub point_type: N,
    /// What one unit costs.
    pub price: Points,
    /// How many units a member may have, if that is limited.
    pub per_member_limit: Option<Units>,
    /// From when on units can be reserved, if not at once.
    pub opens_at: Option<UnixMillis>,
    /// From when on they no longer can, if that ends.
    pub closes_at: Option<UnixMillis>,
    /// How long a reservation lasts, in seconds.
    pub ttl_seconds: u32,
}

/// Points of one lot on their way to another member.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct SentLot<N> {
    /// Who issued them.
    pub issuer: N,
    /// Their class.
    pub class: N,
    /// The last day on which they can be used.
    pub last_day: Day,
    /// When the earliest of their lot's parts was earned.
    pub first_earned: UnixMillis,
    /// How many.
    pub points: Points,
}

/// A message over a link. The order of the variants is journaled: add at the end, never remove.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub enum Message<N> {
    /// About a pool's units.
    Pool {
        /// Which pool.
        pool: N,
        /// What about it.
        message: PoolMessage,
    },
    /// A version of a merchant's document.
    Merchant {
        /// Whose.
        merchant: N,
        /// Its name, for people.
        name: Text,
        /// Which version.
        version: u64,
    },
    /// A version of a sale's document.
    Stock {
        /// Of what.
        sku: N,
        /// What it says.
        terms: Terms<N>,
        /// Which version.
        version: u64,
        /// Where its pool is.
        home: ShardIndex,
        /// Of a new sale: how many units there are.
        opening: Option<Units>,
    },
    /// The operator wants a pool to have so many units.
    SetUnits {
        /// The command.
        ticket: Seq,
        /// Of what.
        sku: N,
        /// How many in all.
        units: Units,
    },
    /// It has, or so many could not be taken out.
    UnitsSet {
        /// The command.
        ticket: Seq,
        /// Of what.
        sku: N,
        /// Whether it has.
        done: bool,
        /// Whether that changed anything.
        changed: bool,
    },
    /// Points for another member.
    Transfer {
        /// The command.
        ticket: Seq,
        /// Who sends them.
        from: MemberId,
        /// Who is to have them.
        to: MemberId,
        /// Of which kind.
        point_type: N,
        /// Lot by lot.
        lots: Vec<SentLot<N>>,
    },
    /// The points have arrived.
    Credited {
        /// The command.
        ticket: Seq,
    },
    /// It was not done: points are their sender's again, a document is as it was.
    Returned {
        /// The command.
        ticket: Seq,
        /// Why.
        code: Code,
    },
    /// A version of a merchant's document, with a contract.
    Contract {
        /// Whose.
        merchant: N,
        /// Its name, for people.
        name: Text,
        /// Which version.
        version: u64,
        /// From when on it is valid.
        from: Day,
        /// What is agreed.
        contract: Box<Contract>,
    },
    /// Days up to this one are settled.
    Settled {
        /// The last of them.
        until: Day,
    },
    /// Points were bought ahead.
    Prepaid {
        /// The command.
        ticket: Seq,
        /// Whose, and of which kind.
        pool: N,
        /// How many.
        points: Units,
    },
}

impl<N> Terms<N> {
    /// The same with other names.
    pub fn map<M>(&self, mut name: impl FnMut(&N) -> M) -> Terms<M> {
        Terms {
            merchant: name(&self.merchant),
            point_type: name(&self.point_type),
            price: self.price,
            per_member_limit: self.per_member_limit,
            opens_at: self.opens_at,
            closes_at: self.closes_at,
            ttl_seconds: self.ttl_seconds,
        }
    }
}

impl<N> Message<N> {
    /// The same with other names.
    pub fn map<M>(&self, mut name: impl FnMut(&N) -> M) -> Message<M> {
        match self {
            Self::Pool { pool, message } => Message::Pool {
                pool: name(pool),
                message: *message,
            },
            Self::Merchant {
                merchant,
                name: text,
                version,
            } => Message::Merchant {
                merchant: name(merchant),
                name: text.clone(),
                version: *version,
            },
            Self::Stock {
                sku,
                terms,
                version,
                home,
                opening,
            } => Message::Stock {
                sku: name(sku),
                terms: terms.map(name),
                version: *version,
                home: *home,
                opening: *opening,
            },
            Self::SetUnits { ticket, sku, units } => Message::SetUnits {
                ticket: *ticket,
                sku: name(sku),
                units: *units,
            },
            Self::UnitsSet {
                ticket,
                sku,
                done,
                changed,
            } => Message::UnitsSet {
                ticket: *ticket,
                sku: name(sku),
                done: *done,
                changed: *changed,
            },
            Self::Transfer {
                ticket,
                from,
                to,
                point_type,
                lots,
            } => Message::Transfer {
                ticket: *ticket,
                from: from.clone(),
                to: to.clone(),
                point_type: name(point_type),
                lots: lots
                    .iter()
                    .map(|lot| SentLot {
                        issuer: name(&lot.issuer),
                        class: name(&lot.class),
                        last_day: lot.last_day,
                        first_earned: lot.first_earned,
                        points: lot.points,
                    })
                    .collect(),
            },
            Self::Credited { ticket } => Message::Credited { ticket: *ticket },
            Self::Returned { ticket, code } => Message::Returned {
                ticket: *ticket,
                code: *code,
            },
            Self::Contract {
                merchant,
                name: text,
                version,
                from,
                contract,
            } => Message::Contract {
                merchant: name(merchant),
                name: text.clone(),
                version: *version,
                from: *from,
                contract: contract.clone(),
            },
            Self::Settled { until } => Message::Settled { until: *until },
            Self::Prepaid {
                ticket,
                pool,
                points,
            } => Message::Prepaid {
                ticket: *ticket,
                pool: name(pool),
                points: *points,
            },
        }
    }
}

/// A message as it travels.
pub type Spelled = Message<CompactString>;

/// A message as it is journaled by its sender.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Sent {
    /// To which shard.
    pub to: ShardIndex,
    /// What.
    pub message: Message<Symbol>,
}

/// A message to all other shards, of which there may be more than an entry has room for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Carried {
    /// How many shards there are, the sender included.
    pub shards: u16,
    /// What.
    pub message: Message<Symbol>,
}

/// Which message an entry takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Receipt {
    /// From which shard.
    pub from: ShardIndex,
    /// The message's number on that link.
    pub number: u64,
    /// Up to which number that shard has acknowledged what was sent to it.
    pub acknowledged: u64,
    /// What it says about a pool, if that is what it is about.
    pub pool: Option<(Symbol, PoolMessage)>,
}

/// What stands behind an entry: what it has to do with other shards or with an errand, and what it undoes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// The message that it takes in.
    pub received: Option<Receipt>,
    /// The messages that it sends, in order.
    pub sent: Vec<Sent>,
    /// A document that goes to all other shards.
    pub carried: Option<Carried>,
    /// The errand that it ends.
    pub ends: Option<Seq>,
    /// Of a reversal: what it undoes beside points.
    pub undone: Option<Undone>,
    /// Of an earn: what it draws from points that were bought ahead; of its reversal: what it puts back there.
    pub drawn: Option<Drawn>,
}

impl Course {
    /// Whether there is nothing to it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.received.is_none()
            && self.sent.is_empty()
            && self.carried.is_none()
            && self.ends.is_none()
            && self.undone.is_none()
            && self.drawn.is_none()
    }
}

impl Encode for Course {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.received.encode(encoder)?;
        self.sent.encode(encoder)?;
        self.carried.encode(encoder)?;
        self.ends.encode(encoder)?;
        if let Some(undone) = &self.undone {
            undone.encode(encoder)?;
        }
        match &self.drawn {
            Some(drawn) => drawn.encode(encoder),
            None => Ok(()),
        }
    }
}

/// Reads all but what is undone and drawn: whether anything is, only the end of the record tells.
impl<'de, C> BorrowDecode<'de, C> for Course {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            received: Option::borrow_decode(decoder)?,
            sent: Vec::borrow_decode(decoder)?,
            carried: Option::borrow_decode(decoder)?,
            ends: Option::borrow_decode(decoder)?,
            undone: None,
            drawn: None,
        })
    }
}

/// Messages of one shard to another, and how far it has come with the other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// From which shard.
    pub from: ShardIndex,
    /// To which.
    pub to: ShardIndex,
    /// The number of the first message; the others follow without a gap.
    pub first: u64,
    /// Each with the time of the entry that sent it.
    pub messages: Vec<(UnixMillis, Spelled)>,
    /// Up to which number the sender has durably applied what came from the receiver.
    pub acknowledged: u64,
}
