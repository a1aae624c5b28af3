//! What was decided: the only thing that is journaled, and the only thing that changes state.

use bincode::{BorrowDecode, Encode};
use compact_str::CompactString;
use smallvec::SmallVec;

use super::{
    amount::{Fen, Points},
    command::{CommandKind, Seq, ShardIndex},
    contract::Contract,
    errands::Errand,
    fingerprint::Fingerprint,
    id::{CorrectionId, MemberId, MerchantId, RequestId, SkuId},
    members::MemberIndex,
    message::{Course, Terms},
    pool_id::PrepaidId,
    prepaid::PackBought,
    refusal::Refusal,
    settlements::{Period, Root},
    sold_code::SaleSecret,
    symbol::Symbol,
    text::{Labels, Text},
    time::{Day, UnixMillis},
    wallet::{Balance, LotRef},
};
use crate::pool::{Place, Units};

/// Where points can be. A member's accounts belong to the entry's member; merchant accounts are stripes, one per
/// shard, whose sum over all shards is the merchant's balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub enum Account {
    /// What the member can spend.
    Available,
    /// What the member's open holds have set aside.
    Held,
    /// What the lot's issuer has issued; runs below zero as points are given out.
    Issued,
    /// What this merchant has accepted.
    Accepted(Symbol),
    /// What the member was granted and cannot spend yet.
    Pending,
    /// What the member owes. Runs below zero as a debt grows; points that come here pay it.
    Owed,
    /// Points that lapsed, or were given up when their member was closed.
    Breakage,
    /// What the operator put right by hand.
    Adjustment,
    /// What is on its way from one member to another.
    Transit,
}

/// Points of one lot that go from one account to another. Being one number taken from here and put there, a move
/// cannot be out of balance (invariant 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Move {
    /// Which points.
    pub lot: LotRef,
    /// Where they were.
    pub from: Account,
    /// Where they are now.
    pub to: Account,
    /// How many; at least 1.
    pub points: Points,
}

/// The moves of an entry. Most have one.
pub type Moves = SmallVec<[Move; 1]>;

/// One side of a move, as double-entry bookkeeping writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The account posted to.
    pub account: Account,
    /// The points' lot.
    pub lot: LotRef,
    /// What the account gains (positive) or gives (negative).
    pub amount: i64,
}

/// What an entry is about. The order of the variants is journaled: add at the end, never remove.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub enum Subject {
    /// A member and their points.
    Member(MemberId),
    /// A merchant's document.
    Merchant(MerchantId),
    /// A sale: its document, or its units.
    Stock(SkuId),
    /// Nothing of this shard: points came for somebody it does not know.
    Nobody,
    /// A settlement.
    Settlement(Period),
    /// Something put right by hand.
    Correction(CorrectionId),
    /// Points that a merchant bought ahead.
    Prepaid(PrepaidId),
}

/// The request that an entry answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Origin {
    /// Who sent it.
    pub principal: Symbol,
    /// What they call it.
    pub id: RequestId,
    /// Its content, for telling a retry from a reuse.
    pub fingerprint: Fingerprint,
    /// What they wanted to see again.
    pub reference: Option<Text>,
    /// What they attached.
    pub metadata: Option<Labels>,
}

/// What happened, beside the moves. The order of the variants is journaled: add at the end, never remove.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub enum Deed {
    /// A member is known, or known already; `attributes` are all that the member now has.
    Enrolled {
        /// Personal data after this entry.
        attributes: Option<Labels>,
    },
    /// A merchant issued points.
    Earned {
        /// Who issued.
        merchant: Symbol,
        /// The merchant's order.
        order: Option<Text>,
        /// When it happened, if that was told.
        at: Option<UnixMillis>,
    },
    /// Points were spent.
    Redeemed {
        /// Who accepted.
        merchant: Symbol,
        /// What for.
        used_for: Option<Symbol>,
        /// The merchant's order.
        order: Option<Text>,
        /// Money paid beside the points.
        cash: Option<Fen>,
    },
    /// Points were set aside. The hold is named by this entry's sequence.
    Held {
        /// Who may capture.
        merchant: Symbol,
        /// What for.
        used_for: Option<Symbol>,
        /// The merchant's order.
        order: Option<Text>,
        /// When the hold ends by itself.
        expires_at: UnixMillis,
    },
    /// Held points were spent.
    Captured {
        /// The entry that made the hold.
        hold: Seq,
        /// How many were spent now.
        captured: Points,
        /// How many went back now.
        released: Points,
        /// Whether the hold stays open.
        open: bool,
    },
    /// Held points went back on request.
    Released {
        /// The entry that made the hold.
        hold: Seq,
        /// How many.
        released: Points,
    },
    /// Held points went back because their time was over.
    Expired {
        /// The entry that made the hold.
        hold: Seq,
        /// How many.
        released: Points,
    },
    /// A merchant's document was put; on shard 0 by a command, elsewhere carried there.
    MerchantPut {
        /// Its name, for people.
        name: Text,
        /// 1, 2, 3 …
        version: u64,
        /// Whether this made a new version.
        changed: bool,
    },
    /// A "no" that will be said again.
    Refused {
        /// What was asked.
        command: CommandKind,
        /// Why not.
        refusal: Refusal,
    },
    /// A merchant issued points that cannot be spent yet.
    EarnedPending {
        /// Who issued.
        merchant: Symbol,
        /// The merchant's order.
        order: Option<Text>,
        /// When it happened, if that was told.
        at: Option<UnixMillis>,
        /// When the points become available.
        releases_at: UnixMillis,
    },
    /// Pending points became available, because their time had come.
    Matured,
    /// Points lapsed: their last day is over, or their member is closed.
    Lapsed,
    /// A spend or an earn was taken back, wholly or in part.
    Reversed {
        /// The entry that was taken back.
        transaction: Seq,
        /// Whether that was a spend.
        spend: bool,
        /// How many points of it were taken back now.
        points: Points,
        /// Why, for people.
        reason: Option<Text>,
    },
    /// The operator put a balance right.
    Adjusted {
        /// Why, for people.
        reason: Text,
    },
    /// The member may earn and no longer spend.
    Frozen {
        /// Why, for people.
        reason: Text,
    },
    /// The member may spend again.
    Unfrozen {
        /// Why, for people.
        reason: Text,
    },
    /// The member neither earns nor spends any more.
    Closed {
        /// Why, for people.
        reason: Text,
    },
    /// The member's attributes are gone.
    Erased,
    /// A command was begun that other shards have to do with; it is answered by the entry that ends it.
    Begun {
        /// What is being done, and for whom. Boxed, as are other rare and large parts of deeds: entries are moved often.
        errand: Box<Errand>,
    },
    /// An errand ended with a "no" that binds nothing.
    GivenUp,
    /// A message was taken in, or some were sent; the entry's course tells which.
    Heard,
    /// A sale's document was put; on shard 0 by a command, elsewhere carried there.
    StockPut {
        /// What it says.
        terms: Box<Terms<Symbol>>,
        /// 1, 2, 3 …
        version: u64,
        /// Whether this made a new version, or changed the number of units.
        changed: bool,
        /// Where its pool is.
        home: ShardIndex,
        /// Of a new sale: how many units there are, and how many shards share them.
        opening: Option<(Units, u16)>,
    },
    /// Units were taken and points set aside. The reservation is named by this entry's sequence.
    Reserved {
        /// Of what.
        sku: Symbol,
        /// How many.
        quantity: Units,
        /// Where they were taken from.
        from: Place,
        /// Who will get the points.
        merchant: Symbol,
        /// When the reservation ends by itself.
        expires_at: UnixMillis,
    },
    /// Reserved units were sold.
    Confirmed {
        /// The entry that made the reservation.
        reservation: Seq,
        /// Of what.
        sku: Symbol,
        /// How many.
        quantity: Units,
        /// The reservation had expired, and the units were taken again from here.
        late: Option<Place>,
        /// What the codes are made of.
        secret: SaleSecret,
    },
    /// A reservation ended without a sale, on request.
    Cancelled {
        /// The entry that made the reservation.
        reservation: Seq,
        /// Of what.
        sku: Symbol,
        /// How many units went back.
        quantity: Units,
        /// Where to.
        to: Place,
        /// How many points went back.
        released: Points,
    },
    /// A reservation ended without a sale, because its time was over.
    Lost {
        /// The entry that made the reservation.
        reservation: Seq,
        /// Of what.
        sku: Symbol,
        /// How many units went back.
        quantity: Units,
        /// Where to.
        to: Place,
        /// How many points went back.
        released: Points,
    },
    /// The home of a pool put on sale what had come back.
    UnitsReleased,
    /// The home of a pool is to have more units, or fewer, for a command of another shard.
    UnitsWanted {
        /// Whether more.
        more: bool,
        /// By how many.
        units: Units,
        /// Where the command was begun.
        shard: ShardIndex,
        /// By which entry.
        ticket: Seq,
    },
    /// More units are on sale, or some were taken out.
    UnitsChanged {
        /// Whether more.
        more: bool,
        /// By how many.
        units: Units,
        /// Where the command was begun.
        shard: ShardIndex,
        /// By which entry.
        ticket: Seq,
    },
    /// Points came from another member.
    Arrived {
        /// From whom.
        from: MemberId,
    },
    /// Points have arrived where they were sent.
    Transferred {
        /// The entry that sent them.
        sent: Seq,
        /// To whom.
        to: MemberId,
        /// How many.
        points: Points,
    },
    /// The code of a sold unit was used.
    CodeUsed {
        /// The entry that sold it.
        sale: Seq,
        /// Which unit.
        unit: u16,
    },
    /// A sale was taken back, wholly or in part.
    Unsold {
        /// The entry that sold.
        transaction: Seq,
        /// How many of its points came back now.
        points: Points,
        /// Why, for people.
        reason: Option<Text>,
        /// Whether its codes are void.
        revoked: bool,
        /// The units, if they came back: of what, how many, where to.
        units: Option<(Symbol, Units, Place)>,
    },
    /// A day is over in this shard: what stands in front of this entry is of it, or of a day before.
    DayEnded {
        /// Which day.
        day: Day,
    },
    /// A merchant's document was put, with a contract.
    MerchantContracted {
        /// Its name, for people.
        name: Text,
        /// 1, 2, 3 …
        version: u64,
        /// Whether this made a new version.
        changed: bool,
        /// From when on it is valid.
        from: Day,
        /// What is agreed from then on.
        contract: Box<Contract>,
    },
    /// A period is to be closed, or is already.
    SettlementOpened {
        /// Which.
        period: Period,
        /// Whether it was not known before.
        changed: bool,
    },
    /// A period is closed.
    SettlementPublished {
        /// Which.
        period: Period,
        /// The hash that stands for all that was published.
        root: Root,
    },
    /// Days up to this one are settled.
    Settled {
        /// The last of them.
        until: Day,
    },
    /// Money is to go to a merchant, or to come from it.
    CorrectionPut {
        /// Whom it concerns.
        merchant: Symbol,
        /// What the merchant gets, in fen; below zero it pays.
        fen: i64,
        /// Why, for people.
        reason: Text,
        /// Whether it was not known before.
        changed: bool,
    },
    /// A correction counts from now on, or never will.
    CorrectionDecided {
        /// On which day it counts; `None` if it was rejected.
        approved: Option<Day>,
    },
    /// Points that a merchant bought ahead can be given to members.
    PackBought {
        /// What was bought.
        pack: PackBought,
    },
    /// The home of a pool is to have more points that were bought ahead.
    PrepaidAdded {
        /// How many.
        points: Units,
        /// Where the command was begun.
        shard: ShardIndex,
        /// By which entry.
        ticket: Seq,
    },
}

/// A balance with the type of its points, as it stood after an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct After {
    /// The kind of points that the entry moved or looked at.
    pub point_type: Symbol,
    /// What the member has of it now.
    pub balance: Balance,
}

/// A decision, ready to be journaled and applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the shard's journal.
    pub seq: Seq,
    /// The engine's time when it was decided; never before that of the entry in front of it.
    pub at: UnixMillis,
    /// The request it answers; `None` for what the engine does by itself.
    pub origin: Option<Origin>,
    /// What it is about.
    pub subject: Subject,
    /// Names that the shard meets for the first time here, in the order of their symbols.
    pub defines: Vec<CompactString>,
    /// What happened.
    pub deed: Deed,
    /// Which points went where.
    pub moves: Moves,
    /// The balance that the answer tells, where there is one.
    pub after: Option<After>,
    /// What it has to do with other shards, if anything.
    pub course: Option<Box<Course>>,
    /// Where its member probably is. Not recorded.
    pub(crate) hint: Hint,
}

/// Where deciding or a look ahead found a member, so that applying need not search again. It may be wrong: who uses it compares
/// the name. Entries that say the same are equal wherever their member was found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hint(pub(super) Option<MemberIndex>);

impl PartialEq for Hint {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Hint {}

impl Entry {
    /// No entry's recorded form is longer: its names, labels and moves are bounded, to less than half of this.
    pub const BYTES_MAX: usize = u16::MAX as usize;

    /// Every move as the two postings that it is.
    pub fn postings(&self) -> impl Iterator<Item = Posting> {
        self.moves.iter().flat_map(|m| {
            let amount = i64::try_from(m.points.get()).expect("points fit 53 bits");
            let side = |account, amount| Posting {
                account,
                lot: m.lot,
                amount,
            };
            [side(m.from, -amount), side(m.to, amount)]
        })
    }

    /// The messages that it sends, in order.
    #[must_use]
    pub fn sent(&self) -> &[super::message::Sent] {
        self.course.as_ref().map_or(&[], |course| &course.sent)
    }

    /// The errand that it ends.
    #[must_use]
    pub fn ends(&self) -> Option<Seq> {
        self.course.as_ref().and_then(|course| course.ends)
    }
}
