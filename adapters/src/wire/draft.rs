//! A command object under way: its fields as they were read, until all are there.

use jifen_engine::ledger::{
    Adjust, Boundary, BuyPack, Cancel, Capture, ChangeUnits, Class, Command, CommandKind, Confirm,
    Contract, CorrectionId, Day, DecideCorrection, Direction, Earn, Enrol, Erase, Fen, Hold,
    HoldId, Labels, Lifecycle, MemberId, MerchantId, PointType, Points, PutCorrection, PutMerchant,
    PutStock, Redeem, Release, Request, RequestId, ReservationId, Reserve, Reverse, Settle, SkuId,
    SoldCode, Text, TransactionId, Transfer, UnixMillis, Use, UseCode,
};
use jifen_engine::pool::Units;
use serde::de::{Error, MapAccess};

use super::{
    contract,
    decode::Given,
    fields::{Field, Fields, Shape, kind_of},
    read::{FromInteger, FromSigned, FromText, LabelsSeed},
    tree::NodeSeed,
    values,
};

/// The class of lots that is meant where none is named.
const CLASS_DEFAULT: &str = "ordinary";

/// The fields that were read.
#[derive(Default)]
pub(super) struct Draft {
    /// Which ones.
    pub(super) seen: Fields,
    id: Option<RequestId>,
    kind: Option<CommandKind>,
    member: Option<MemberId>,
    merchant: Option<MerchantId>,
    points: Option<Points>,
    /// Whether the points had a minus sign, which only an adjustment may have.
    minus: bool,
    point_type: Option<PointType>,
    last_day: Option<Day>,
    class: Option<Class>,
    order: Option<Text>,
    at: Option<UnixMillis>,
    releases_at: Option<UnixMillis>,
    used_for: Option<Use>,
    cash: Option<Fen>,
    price_fen: Option<Fen>,
    ttl_seconds: Option<u32>,
    hold: Option<HoldId>,
    transaction: Option<TransactionId>,
    last: Option<bool>,
    attributes: Option<Labels>,
    reason: Option<Text>,
    name: Option<Text>,
    reference: Option<Text>,
    metadata: Option<Labels>,
    to: Option<MemberId>,
    sku: Option<SkuId>,
    quantity: Option<Units>,
    reservation: Option<ReservationId>,
    units: Option<Units>,
    price: Option<Points>,
    per_member_limit: Option<Units>,
    opens_at: Option<UnixMillis>,
    closes_at: Option<UnixMillis>,
    reservation_ttl_seconds: Option<u32>,
    change: Option<(Direction, Units)>,
    code: Option<SoldCode>,
    return_units: Option<bool>,
    period_start: Option<Boundary>,
    period_end: Option<Boundary>,
    correction: Option<CorrectionId>,
    amount_fen: Option<i64>,
    approve: Option<bool>,
    contract: Option<(Day, Contract)>,
}

impl Draft {
    /// Reads the value of a field.
    pub(super) fn read<'de, A: MapAccess<'de>>(
        &mut self,
        field: Field,
        object: &mut A,
    ) -> Result<(), A::Error> {
        macro_rules! text {
            ($read:expr) => {
                Some(object.next_value_seed(FromText($read))?)
            };
        }
        macro_rules! integer {
            ($read:expr) => {
                Some(object.next_value_seed(FromInteger($read))?)
            };
        }
        match field {
            Field::Id => self.id = text!(RequestId::new),
            Field::Type => self.kind = text!(kind_of),
            Field::Member => self.member = text!(MemberId::new),
            Field::Merchant => self.merchant = text!(MerchantId::new),
            Field::Points => {
                let (direction, points) = object.next_value_seed(FromSigned(values::change))?;
                self.points = Some(points);
                self.minus = direction == Direction::Down;
            }
            Field::PointType => self.point_type = text!(PointType::new),
            Field::LastDay => self.last_day = text!(values::day),
            Field::Class => self.class = text!(Class::new),
            Field::Order => self.order = text!(values::text),
            Field::At => self.at = text!(values::instant),
            Field::ReleasesAt => self.releases_at = text!(values::instant),
            Field::Use => self.used_for = text!(Use::new),
            Field::CashFen => self.cash = integer!(values::cash),
            Field::PriceFen => self.price_fen = integer!(values::cash),
            Field::TtlSeconds => self.ttl_seconds = integer!(values::ttl_seconds),
            Field::Hold => self.hold = text!(values::hold),
            Field::Transaction => self.transaction = text!(values::transaction),
            Field::Final => self.last = Some(object.next_value()?),
            Field::Attributes => self.attributes = Some(object.next_value_seed(LabelsSeed)?),
            Field::Reason => self.reason = text!(values::reason),
            Field::Name => self.name = text!(values::name),
            Field::Reference => self.reference = text!(values::text),
            Field::Contract => {
                let node = object.next_value_seed(NodeSeed { depth: 1 })?;
                let read = contract::decode(&node);
                self.contract = Some(read.ok_or_else(|| A::Error::custom(""))?);
            }
            Field::Metadata => self.metadata = Some(object.next_value_seed(LabelsSeed)?),
            Field::To => self.to = text!(MemberId::new),
            Field::Sku => self.sku = text!(SkuId::new),
            Field::Quantity => self.quantity = integer!(values::quantity),
            Field::Reservation => self.reservation = text!(values::reservation),
            Field::Units => self.units = integer!(values::units),
            Field::PricePoints => self.price = integer!(values::points),
            Field::PerMemberLimit => self.per_member_limit = integer!(values::limit),
            Field::OpensAt => self.opens_at = text!(values::instant),
            Field::ClosesAt => self.closes_at = text!(values::instant),
            Field::ReservationTtlSeconds => {
                self.reservation_ttl_seconds = integer!(values::ttl_seconds);
            }
            Field::Change => {
                self.change = Some(object.next_value_seed(FromSigned(values::change_of_units))?);
            }
            Field::Code => self.code = text!(values::code),
            Field::ReturnUnits => self.return_units = Some(object.next_value()?),
            Field::PeriodStart => self.period_start = text!(values::boundary),
            Field::PeriodEnd => self.period_end = text!(values::boundary),
            Field::Correction => self.correction = text!(CorrectionId::new),
            Field::AmountFen => {
                self.amount_fen = Some(object.next_value_seed(FromSigned(values::amount))?);
            }
            Field::Approve => self.approve = Some(object.next_value()?),
        }
        Ok(())
    }

    /// The request, if what was read and what is given make one.
    #[inline]
    pub(super) fn finish(&mut self, given: &Given<'_>) -> Option<Request> {
        let id = settle(self.id.take(), given, Field::Id, RequestId::new)?;
        let kind = settle(self.kind.take(), given, Field::Type, kind_of)?;
        let shape = Shape::of(kind);
        let present = self.seen.union(given.fields());
        if !shape.allowed.contains_all(self.seen) || !present.contains_all(shape.required) {
            return None;
        }
        if self.minus && kind != CommandKind::Adjust {
            return None;
        }
        let command = self.command(kind, given)?;
        let (reference, metadata) = (self.reference.take(), self.metadata.take());
        let principal = given.principal.clone();
        Some(Request::new(principal, id, command, reference, metadata))
    }

    #[inline]
    fn command(&mut self, kind: CommandKind, given: &Given<'_>) -> Option<Command> {
        Some(match kind {
            CommandKind::Enrol => Command::Enrol(Enrol {
                member: self.member(given)?,
                attributes: self.attributes.take(),
            }),
            CommandKind::Earn => Command::Earn(self.earn(given)?),
            CommandKind::Redeem => Command::Redeem(self.redeem(given)?),
            CommandKind::Hold => Command::Hold(self.hold(given)?),
            CommandKind::Capture => Command::Capture(Capture {
                hold: settle(self.hold, given, Field::Hold, values::hold)?,
                points: self.points,
                last: self.last.unwrap_or(true),
            }),
            CommandKind::Release => Command::Release(Release {
                hold: settle(self.hold, given, Field::Hold, values::hold)?,
            }),
            CommandKind::PutMerchant => Command::PutMerchant(self.put_merchant(given)?),
            CommandKind::Reverse => Command::Reverse(Reverse {
                transaction: self.transaction?,
                points: self.points,
                reason: self.reason.take(),
                return_units: self.return_units.unwrap_or(false),
            }),
            CommandKind::Adjust => Command::Adjust(self.adjust(given)?),
            CommandKind::Freeze => Command::Freeze(self.lifecycle(given)?),
            CommandKind::Unfreeze => Command::Unfreeze(self.lifecycle(given)?),
            CommandKind::Close => Command::Close(self.lifecycle(given)?),
            CommandKind::Erase => Command::Erase(Erase {
                member: self.member(given)?,
            }),
            CommandKind::Reserve => Command::Reserve(Reserve {
                member: self.member.take()?,
                sku: self.sku.take()?,
                quantity: self.quantity?,
            }),
            CommandKind::Confirm => Command::Confirm(Confirm {
                reservation: self.reservation(given)?,
            }),
            CommandKind::Cancel => Command::Cancel(Cancel {
                reservation: self.reservation(given)?,
            }),
            CommandKind::Transfer => Command::Transfer(self.transfer(given)?),
            CommandKind::PutStock => Command::PutStock(self.put_stock(given)?),
            CommandKind::ChangeUnits => Command::ChangeUnits(self.change_units(given)?),
            CommandKind::BuyPack => Command::BuyPack(self.buy_pack(given)?),
            CommandKind::UseCode => Command::UseCode(UseCode {
                code: settle(self.code, given, Field::Code, values::code)?,
            }),
            CommandKind::Settle => Command::Settle(Settle {
                start: self.period_start?,
                end: self.period_end?,
            }),
            CommandKind::PutCorrection => Command::PutCorrection(PutCorrection {
                correction: self.correction(given)?,
                merchant: self.merchant.take()?,
                fen: self.amount_fen?,
                reason: self.reason.take()?,
            }),
            CommandKind::DecideCorrection => Command::DecideCorrection(DecideCorrection {
                correction: self.correction(given)?,
                approve: self.approve?,
            }),
        })
    }

    #[inline]
    fn earn(&mut self, given: &Given<'_>) -> Option<Earn> {
        let class = self.class.take();
        Some(Earn {
            member: self.member.take()?,
            merchant: self.merchant.take()?,
            points: self.points?,
            point_type: self.point_type(given),
            last_day: self.last_day.unwrap_or(Day::NEVER),
            class: class.or_else(|| Class::new(CLASS_DEFAULT).ok())?,
            order: self.order.take(),
            at: self.at,
            releases_at: self.releases_at,
        })
    }

    #[inline]
    fn redeem(&mut self, given: &Given<'_>) -> Option<Redeem> {
        Some(Redeem {
            member: self.member.take()?,
            merchant: self.merchant.take()?,
            points: self.points?,
            point_type: self.point_type(given),
            used_for: self.used_for.take(),
            order: self.order.take(),
            cash: self.cash,
        })
    }

    #[inline]
    fn hold(&mut self, given: &Given<'_>) -> Option<Hold> {
        Some(Hold {
            member: self.member.take()?,
            merchant: self.merchant.take()?,
            points: self.points?,
            point_type: self.point_type(given),
            used_for: self.used_for.take(),
            order: self.order.take(),
            ttl_seconds: self.ttl_seconds.unwrap_or(values::TTL_SECONDS_DEFAULT),
        })
    }

    fn put_merchant(&mut self, given: &Given<'_>) -> Option<PutMerchant> {
        let named = self.merchant.take();
        Some(PutMerchant {
            merchant: settle(named, given, Field::Merchant, MerchantId::new)?,
            name: self.name.take()?,
            contract: self.contract.take(),
        })
    }

    fn adjust(&mut self, given: &Given<'_>) -> Option<Adjust> {
        Some(Adjust {
            member: self.member.take()?,
            direction: if self.minus {
                Direction::Down
            } else {
                Direction::Up
            },
            points: self.points?,
            point_type: self.point_type(given),
            reason: self.reason.take()?,
        })
    }

    fn correction(&mut self, given: &Given<'_>) -> Option<CorrectionId> {
        let named = self.correction.take();
        settle(named, given, Field::Correction, CorrectionId::new)
    }

    fn reservation(&mut self, given: &Given<'_>) -> Option<ReservationId> {
        settle(
            self.reservation,
            given,
            Field::Reservation,
            values::reservation,
        )
    }

    fn transfer(&mut self, given: &Given<'_>) -> Option<Transfer> {
        let transfer = Transfer {
            member: self.member.take()?,
            to: self.to.take()?,
            points: self.points?,
            point_type: self.point_type(given),
        };
        (transfer.member != transfer.to).then_some(transfer)
    }

    fn put_stock(&mut self, given: &Given<'_>) -> Option<PutStock> {
        let put = PutStock {
            sku: settle(self.sku.take(), given, Field::Sku, SkuId::new)?,
            units: self.units?,
            price: self.price?,
            point_type: self.point_type(given),
            merchant: self.merchant.take()?,
            per_member_limit: self.per_member_limit,
            opens_at: self.opens_at,
            closes_at: self.closes_at,
            ttl_seconds: self
                .reservation_ttl_seconds
                .unwrap_or(values::RESERVATION_TTL_SECONDS_DEFAULT),
        };
        values::is_a_window(put.opens_at, put.closes_at).then_some(put)
    }

    fn change_units(&mut self, given: &Given<'_>) -> Option<ChangeUnits> {
        let (direction, units) = self.change?;
        Some(ChangeUnits {
            sku: settle(self.sku.take(), given, Field::Sku, SkuId::new)?,
            direction,
            units,
        })
    }

    fn buy_pack(&mut self, given: &Given<'_>) -> Option<BuyPack> {
        let named = self.merchant.take();
        Some(BuyPack {
            merchant: settle(named, given, Field::Merchant, MerchantId::new)?,
            points: Units::new(self.points?.get())?,
            point_type: self.point_type(given),
            price: self.price_fen?,
        })
    }

    fn lifecycle(&mut self, given: &Given<'_>) -> Option<Lifecycle> {
        Some(Lifecycle {
            member: self.member(given)?,
            reason: self.reason.take()?,
        })
    }

    /// The member, where an endpoint may have it in its path.
    fn member(&mut self, given: &Given<'_>) -> Option<MemberId> {
        settle(self.member.take(), given, Field::Member, MemberId::new)
    }

    fn point_type(&mut self, given: &Given<'_>) -> PointType {
        let named = self.point_type.take();
        named.unwrap_or_else(|| given.point_type.clone())
    }
}

/// What was read of a field, or else what is given; `None` if both are there and may not differ but do.
fn settle<T: PartialEq, E>(
    read: Option<T>,
    given: &Given<'_>,
    field: Field,
    parse: fn(&str) -> Result<T, E>,
) -> Option<T> {
    match (read, given.text(field)) {
        (Some(read), Some(text)) if given.binding => (parse(text).ok()? == read).then_some(read),
        (Some(read), _) => Some(read),
        (None, Some(text)) => parse(text).ok(),
        (None, None) => None,
    }
}
