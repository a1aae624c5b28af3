//! A command object under way: its fields as they were read, until all are there.

use jifen_engine::ledger::{
    Capture, Class, Command, CommandKind, Day, Earn, Enrol, Fen, Hold, HoldId, Labels, MemberId,
    MerchantId, PointType, Points, PutMerchant, Redeem, Release, Request, RequestId, Text,
    UnixMillis, Use,
};
use serde::de::MapAccess;

use super::{
    decode::Given,
    fields::{Field, Fields, Shape, kind_of},
    read::{FromInteger, FromText, LabelsSeed},
    values,
};

/// The kind of points that is meant where none is named.
const POINT_TYPE_DEFAULT: &str = "points";
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
    point_type: Option<PointType>,
    last_day: Option<Day>,
    class: Option<Class>,
    order: Option<Text>,
    at: Option<UnixMillis>,
    used_for: Option<Use>,
    cash: Option<Fen>,
    ttl_seconds: Option<u32>,
    hold: Option<HoldId>,
    last: Option<bool>,
    attributes: Option<Labels>,
    name: Option<Text>,
    reference: Option<Text>,
    metadata: Option<Labels>,
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
            Field::Points => self.points = integer!(values::points),
            Field::PointType => self.point_type = text!(PointType::new),
            Field::LastDay => self.last_day = text!(values::day),
            Field::Class => self.class = text!(Class::new),
            Field::Order => self.order = text!(values::text),
            Field::At => self.at = text!(values::instant),
            Field::Use => self.used_for = text!(Use::new),
            Field::CashFen => self.cash = integer!(values::cash),
            Field::TtlSeconds => self.ttl_seconds = integer!(values::ttl_seconds),
            Field::Hold => self.hold = text!(values::hold),
            Field::Final => self.last = Some(object.next_value()?),
            Field::Attributes => self.attributes = Some(object.next_value_seed(LabelsSeed)?),
            Field::Name => self.name = text!(values::name),
            Field::Reference => self.reference = text!(values::text),
            Field::Metadata => self.metadata = Some(object.next_value_seed(LabelsSeed)?),
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
        let command = self.command(kind, given)?;
        let (reference, metadata) = (self.reference.take(), self.metadata.take());
        let principal = given.principal.clone();
        Some(Request::new(principal, id, command, reference, metadata))
    }

    #[inline]
    fn command(&mut self, kind: CommandKind, given: &Given<'_>) -> Option<Command> {
        Some(match kind {
            CommandKind::Enrol => Command::Enrol(Enrol {
                member: settle(self.member.take(), given, Field::Member, MemberId::new)?,
                attributes: self.attributes.take(),
            }),
            CommandKind::Earn => Command::Earn(Earn {
                member: self.member.take()?,
                merchant: self.merchant.take()?,
                points: self.points?,
                point_type: or_default(self.point_type.take())?,
                last_day: self.last_day.unwrap_or(Day::NEVER),
                class: self
                    .class
                    .take()
                    .or_else(|| Class::new(CLASS_DEFAULT).ok())?,
                order: self.order.take(),
                at: self.at,
            }),
            CommandKind::Redeem => Command::Redeem(Redeem {
                member: self.member.take()?,
                merchant: self.merchant.take()?,
                points: self.points?,
                point_type: or_default(self.point_type.take())?,
                used_for: self.used_for.take(),
                order: self.order.take(),
                cash: self.cash,
            }),
            CommandKind::Hold => Command::Hold(Hold {
                member: self.member.take()?,
                merchant: self.merchant.take()?,
                points: self.points?,
                point_type: or_default(self.point_type.take())?,
                used_for: self.used_for.take(),
                order: self.order.take(),
                ttl_seconds: self.ttl_seconds.unwrap_or(values::TTL_SECONDS_DEFAULT),
            }),
            CommandKind::Capture => Command::Capture(Capture {
                hold: settle(self.hold, given, Field::Hold, values::hold)?,
                points: self.points,
                last: self.last.unwrap_or(true),
            }),
            CommandKind::Release => Command::Release(Release {
                hold: settle(self.hold, given, Field::Hold, values::hold)?,
            }),
            CommandKind::PutMerchant => Command::PutMerchant(PutMerchant {
                merchant: settle(
                    self.merchant.take(),
                    given,
                    Field::Merchant,
                    MerchantId::new,
                )?,
                name: self.name.take()?,
            }),
        })
    }
}

fn or_default(point_type: Option<PointType>) -> Option<PointType> {
    point_type.or_else(|| PointType::new(POINT_TYPE_DEFAULT).ok())
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
