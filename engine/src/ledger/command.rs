//! What can be asked of the ledger: one struct per command, in the words of the wire contract.

use bincode::{BorrowDecode, Encode};

use super::{
    amount::{Fen, Points},
    contract::Contract,
    fingerprint::{Fingerprint, Sketch},
    handle::{HoldId, ReservationId, TransactionId},
    id::{Class, CorrectionId, MemberId, MerchantId, PointType, Principal, RequestId, SkuId, Use},
    sold_code::SoldCode,
    text::{Labels, Text},
    time::{Day, UnixMillis},
};
use crate::pool::Units;

/// A shard's place, 0 … 1,023.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub struct ShardIndex(pub u16);

/// An entry's place in the journal of its shard: 1, 2, 3 … without a gap.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode,
)]
pub struct Seq(pub u64);

impl Seq {
    /// The place behind this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Makes a member known.
#[derive(Clone, Debug)]
pub struct Enrol {
    /// Who joins.
    pub member: MemberId,
    /// Personal data; replaces attributes of the same name.
    pub attributes: Option<Labels>,
}

/// A merchant issues points to a member.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Earn {
    /// Who gets the points.
    pub member: MemberId,
    /// Who issues them.
    pub merchant: MerchantId,
    /// How many, at least 1.
    pub points: Points,
    /// Of which kind.
    pub point_type: PointType,
    /// The last day on which they can be used.
    pub last_day: Day,
    /// Tells lots apart that lapse on the same day.
    pub class: Class,
    /// The merchant's order.
    pub order: Option<Text>,
    /// When it happened, if not now.
    pub at: Option<UnixMillis>,
    /// From when on the points can be spent, if not at once; until then they are pending.
    pub releases_at: Option<UnixMillis>,
}

/// A member spends points at a merchant, at once.
#[derive(Clone, Debug)]
pub struct Redeem {
    /// Who spends.
    pub member: MemberId,
    /// Who accepts.
    pub merchant: MerchantId,
    /// How many, at least 1.
    pub points: Points,
    /// Of which kind.
    pub point_type: PointType,
    /// What for.
    pub used_for: Option<Use>,
    /// The merchant's order.
    pub order: Option<Text>,
    /// What was paid in money beside the points.
    pub cash: Option<Fen>,
}

/// Sets points of a member aside, to be captured or released later.
#[derive(Clone, Debug)]
pub struct Hold {
    /// Whose points.
    pub member: MemberId,
    /// Who may capture them.
    pub merchant: MerchantId,
    /// How many, at least 1.
    pub points: Points,
    /// Of which kind.
    pub point_type: PointType,
    /// What for.
    pub used_for: Option<Use>,
    /// The merchant's order.
    pub order: Option<Text>,
    /// How long, counted from the answer's `at`.
    pub ttl_seconds: u32,
}

/// Spends points that are held.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Which hold.
    pub hold: HoldId,
    /// How many; all that is left if not given.
    pub points: Option<Points>,
    /// Whether the rest is released.
    pub last: bool,
}

/// Gives held points back.
#[derive(Clone, Debug)]
pub struct Release {
    /// Which hold.
    pub hold: HoldId,
}

/// Takes back what an earlier command of the same member did: a spend gives its points back, an earn loses them.
#[derive(Clone, Debug)]
pub struct Reverse {
    /// Which command.
    pub transaction: TransactionId,
    /// How many; all that is left if not given.
    pub points: Option<Points>,
    /// Why, for people.
    pub reason: Option<Text>,
    /// Of a sale: whether its units come back too. Then all of it is taken back.
    pub return_units: bool,
}

/// Which way an adjustment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The member gets points.
    Up,
    /// The member loses points.
    Down,
}

/// The operator puts a balance right.
#[derive(Clone, Debug)]
pub struct Adjust {
    /// Whose.
    pub member: MemberId,
    /// Up or down.
    pub direction: Direction,
    /// By how many, at least 1.
    pub points: Points,
    /// Of which kind.
    pub point_type: PointType,
    /// Why, for people.
    pub reason: Text,
}

/// Freezes, unfreezes or closes a member; which of them, the [`Command`] tells.
#[derive(Clone, Debug)]
pub struct Lifecycle {
    /// Whom.
    pub member: MemberId,
    /// Why, for people.
    pub reason: Text,
}

/// Erases a member's attributes. The books stay.
#[derive(Clone, Debug)]
pub struct Erase {
    /// Whose.
    pub member: MemberId,
}

/// Makes a merchant known, or changes it.
#[derive(Clone, Debug)]
pub struct PutMerchant {
    /// Which merchant.
    pub merchant: MerchantId,
    /// Its name, for people.
    pub name: Text,
    /// What is agreed, and from which day on; what was agreed before stays, if nothing is said.
    pub contract: Option<(Day, Contract)>,
}

/// Takes units of a sale, and sets aside the points that pay for them.
#[derive(Clone, Debug)]
pub struct Reserve {
    /// For whom.
    pub member: MemberId,
    /// Of what.
    pub sku: SkuId,
    /// How many, 1 … [`Reserve::QUANTITY_MAX`].
    pub quantity: Units,
}

impl Reserve {
    /// So many units at most, for each of which there will be a code.
    pub const QUANTITY_MAX: u64 = 1_000;
}

/// Pays for what is reserved.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// Which reservation.
    pub reservation: ReservationId,
}

/// Gives back what is reserved.
#[derive(Clone, Debug)]
pub struct Cancel {
    /// Which reservation.
    pub reservation: ReservationId,
}

/// Sends points to another member.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Whose points.
    pub member: MemberId,
    /// Who gets them; not the same.
    pub to: MemberId,
    /// How many, at least 1.
    pub points: Points,
    /// Of which kind.
    pub point_type: PointType,
}

/// Makes a sale known, or changes it.
#[derive(Clone, Debug)]
pub struct PutStock {
    /// Of what.
    pub sku: SkuId,
    /// How many units there are in all, sold ones included.
    pub units: Units,
    /// What one costs, at least 1.
    pub price: Points,
    /// The kind of points that pay.
    pub point_type: PointType,
    /// Who accepts the points.
    pub merchant: MerchantId,
    /// How many units a member may have, if that is limited.
    pub per_member_limit: Option<Units>,
    /// From when on units can be reserved, if not at once.
    pub opens_at: Option<UnixMillis>,
    /// From when on they no longer can, if that ends.
    pub closes_at: Option<UnixMillis>,
    /// How long a reservation lasts.
    pub ttl_seconds: u32,
}

/// Adds units to a sale, or withdraws units that nobody has.
#[derive(Clone, Debug)]
pub struct ChangeUnits {
    /// Of what.
    pub sku: SkuId,
    /// Which way.
    pub direction: Direction,
    /// By how many, at least 1.
    pub units: Units,
}

/// Points that a merchant buys ahead, to give them to members later.
#[derive(Clone, Debug)]
pub struct BuyPack {
    /// Who buys.
    pub merchant: MerchantId,
    /// How many points, at least 1.
    pub points: Units,
    /// Of which kind.
    pub point_type: PointType,
    /// For how much in all.
    pub price: Fen,
}

/// Uses the code of a unit that was sold.
#[derive(Clone, Debug)]
pub struct UseCode {
    /// Which code.
    pub code: SoldCode,
}

/// Where a period begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub enum Boundary {
    /// With this day, which belongs to the period.
    Day(Day),
    /// At this instant, with which a day of the programme begins.
    Moment(UnixMillis),
}

/// Closes a period, which has to be over.
#[derive(Clone, Debug)]
pub struct Settle {
    /// Where it begins.
    pub start: Boundary,
    /// Where it ends. An instant is the first that does not belong to it any more.
    pub end: Boundary,
}

/// Proposes that money goes to a merchant or comes from it.
#[derive(Clone, Debug)]
pub struct PutCorrection {
    /// What it is called.
    pub correction: CorrectionId,
    /// Whom it concerns.
    pub merchant: MerchantId,
    /// What the merchant gets, in fen; below zero it pays. Not nothing.
    pub fen: i64,
    /// Why, for people.
    pub reason: Text,
}

/// Approves a correction that somebody else proposed, or rejects it.
#[derive(Clone, Debug)]
pub struct DecideCorrection {
    /// Which.
    pub correction: CorrectionId,
    /// Whether it counts.
    pub approve: bool,
}

/// A request to change something.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Command {
    Enrol(Enrol),
    Earn(Earn),
    Redeem(Redeem),
    Hold(Hold),
    Capture(Capture),
    Release(Release),
    PutMerchant(PutMerchant),
    Reverse(Reverse),
    Adjust(Adjust),
    Freeze(Lifecycle),
    Unfreeze(Lifecycle),
    Close(Lifecycle),
    Erase(Erase),
    Reserve(Reserve),
    Confirm(Confirm),
    Cancel(Cancel),
    Transfer(Transfer),
    PutStock(PutStock),
    ChangeUnits(ChangeUnits),
    UseCode(UseCode),
    Settle(Settle),
    PutCorrection(PutCorrection),
    DecideCorrection(DecideCorrection),
    BuyPack(BuyPack),
}

/// Which command, without its fields. The numbers are journaled: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
#[allow(missing_docs)]
pub enum CommandKind {
    Enrol,
    Earn,
    Redeem,
    Hold,
    Capture,
    Release,
    PutMerchant,
    Reverse,
    Adjust,
    Freeze,
    Unfreeze,
    Close,
    Erase,
    Reserve,
    Confirm,
    Cancel,
    Transfer,
    PutStock,
    ChangeUnits,
    UseCode,
    Settle,
    PutCorrection,
    DecideCorrection,
    BuyPack,
}

impl CommandKind {
    /// Every kind, for tables and coverage counts.
    pub const ALL: [Self; 24] = [
        Self::Enrol,
        Self::Earn,
        Self::Redeem,
        Self::Hold,
        Self::Capture,
        Self::Release,
        Self::PutMerchant,
        Self::Reverse,
        Self::Adjust,
        Self::Freeze,
        Self::Unfreeze,
        Self::Close,
        Self::Erase,
        Self::Reserve,
        Self::Confirm,
        Self::Cancel,
        Self::Transfer,
        Self::PutStock,
        Self::ChangeUnits,
        Self::UseCode,
        Self::Settle,
        Self::PutCorrection,
        Self::DecideCorrection,
        Self::BuyPack,
    ];

    /// The word of the wire contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enrol => "enrol",
            Self::Earn => "earn",
            Self::Redeem => "redeem",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Release => "release",
            Self::PutMerchant => "put_merchant",
            Self::Reverse => "reverse",
            Self::Adjust => "adjust",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::Close => "close",
            Self::Erase => "erase",
            Self::Reserve => "reserve",
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
            Self::Transfer => "transfer",
            Self::PutStock => "put_stock",
            Self::ChangeUnits => "change_units",
            Self::UseCode => "use_code",
            Self::Settle => "settle",
            Self::PutCorrection => "put_correction",
            Self::DecideCorrection => "decide_correction",
            Self::BuyPack => "buy_pack",
        }
    }
}

impl Command {
    /// Which command this is.
    #[must_use]
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::Enrol(_) => CommandKind::Enrol,
            Self::Earn(_) => CommandKind::Earn,
            Self::Redeem(_) => CommandKind::Redeem,
            Self::Hold(_) => CommandKind::Hold,
            Self::Capture(_) => CommandKind::Capture,
            Self::Release(_) => CommandKind::Release,
            Self::PutMerchant(_) => CommandKind::PutMerchant,
            Self::Reverse(_) => CommandKind::Reverse,
            Self::Adjust(_) => CommandKind::Adjust,
            Self::Freeze(_) => CommandKind::Freeze,
            Self::Unfreeze(_) => CommandKind::Unfreeze,
            Self::Close(_) => CommandKind::Close,
            Self::Erase(_) => CommandKind::Erase,
            Self::Reserve(_) => CommandKind::Reserve,
            Self::Confirm(_) => CommandKind::Confirm,
            Self::Cancel(_) => CommandKind::Cancel,
            Self::Transfer(_) => CommandKind::Transfer,
            Self::PutStock(_) => CommandKind::PutStock,
            Self::ChangeUnits(_) => CommandKind::ChangeUnits,
            Self::UseCode(_) => CommandKind::UseCode,
            Self::Settle(_) => CommandKind::Settle,
            Self::PutCorrection(_) => CommandKind::PutCorrection,
            Self::DecideCorrection(_) => CommandKind::DecideCorrection,
            Self::BuyPack(_) => CommandKind::BuyPack,
        }
    }

    /// The member that the command names; some name a hold, a reservation, a code or a transaction instead.
    #[must_use]
    pub const fn member(&self) -> Option<&MemberId> {
        match self {
            Self::Enrol(c) => Some(&c.member),
            Self::Earn(c) => Some(&c.member),
            Self::Redeem(c) => Some(&c.member),
            Self::Hold(c) => Some(&c.member),
            Self::Adjust(c) => Some(&c.member),
            Self::Freeze(c) | Self::Unfreeze(c) | Self::Close(c) => Some(&c.member),
            Self::Erase(c) => Some(&c.member),
            Self::Reserve(c) => Some(&c.member),
            Self::Transfer(c) => Some(&c.member),
            Self::Capture(_)
            | Self::Release(_)
            | Self::PutMerchant(_)
            | Self::Reverse(_)
            | Self::Confirm(_)
            | Self::Cancel(_)
            | Self::PutStock(_)
            | Self::ChangeUnits(_)
            | Self::UseCode(_)
            | Self::Settle(_)
            | Self::PutCorrection(_)
            | Self::DecideCorrection(_)
            | Self::BuyPack(_) => None,
        }
    }
}

/// A command with who sent it and what they call it.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) principal: Principal,
    pub(super) id: RequestId,
    pub(super) reference: Option<Text>,
    pub(super) metadata: Option<Labels>,
    pub(super) command: Command,
    pub(super) fingerprint: Fingerprint,
}

impl Request {
    /// A request; its fingerprint covers the command, the reference and the metadata.
    #[must_use]
    pub fn new(
        principal: Principal,
        id: RequestId,
        command: Command,
        reference: Option<Text>,
        metadata: Option<Labels>,
    ) -> Self {
        let mut sketch = Sketch::default();
        command.sketch(&mut sketch);
        sketch.maybe(100, reference.as_ref().map(Text::as_str));
        sketch.labels(101, metadata.as_ref());
        Self {
            principal,
            id,
            reference,
            metadata,
            command,
            fingerprint: sketch.finish(),
        }
    }

    /// Who sent it.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What the sender calls it.
    #[must_use]
    pub const fn id(&self) -> &RequestId {
        &self.id
    }

    /// What is asked.
    #[must_use]
    pub const fn command(&self) -> &Command {
        &self.command
    }

    /// What the sender wants to see again in the answer.
    #[must_use]
    pub const fn reference(&self) -> Option<&Text> {
        self.reference.as_ref()
    }
}
