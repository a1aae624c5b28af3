//! Which fields there are, and which command takes which.

use jifen_engine::ledger::CommandKind;

macro_rules! fields {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// A field of a command object.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Field {
            $($variant),*
        }

        impl Field {
            /// Every field, in the order in which missing ones are named.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// The field of a name.
            pub(crate) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The field's name.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),*
                }
            }
        }
    };
}

fields! {
    Id = "id",
    Type = "type",
    Member = "member",
    Merchant = "merchant",
    Points = "points",
    PointType = "point_type",
    LastDay = "last_day",
    Class = "class",
    Order = "order",
    At = "at",
    ReleasesAt = "releases_at",
    Use = "use",
    CashFen = "cash_fen",
    TtlSeconds = "ttl_seconds",
    Hold = "hold",
    Transaction = "transaction",
    Final = "final",
    Attributes = "attributes",
    Reason = "reason",
    Name = "name",
    Reference = "reference",
    Metadata = "metadata",
    To = "to",
    Sku = "sku",
    Quantity = "quantity",
    Reservation = "reservation",
    Units = "units",
    PricePoints = "price_points",
    PerMemberLimit = "per_member_limit",
    OpensAt = "opens_at",
    ClosesAt = "closes_at",
    ReservationTtlSeconds = "reservation_ttl_seconds",
    Change = "change",
    Code = "code",
    ReturnUnits = "return_units",
    PeriodStart = "period_start",
    PeriodEnd = "period_end",
    Correction = "correction",
    AmountFen = "amount_fen",
    Approve = "approve",
    Contract = "contract",
    PriceFen = "price_fen",
}

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(u64);

impl Fields {
    pub(crate) const fn of(fields: &[Field]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < fields.len() {
            bits |= 1 << fields[at] as u32;
            at += 1;
        }
        Self(bits)
    }

    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u32) != 0
    }

    pub(crate) const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds a field; `false` if it was there before.
    pub(crate) const fn insert(&mut self, field: Field) -> bool {
        let new = !self.contains(field);
        self.0 |= 1 << field as u32;
        new
    }
}

/// What a command's object must and may hold.
pub(crate) struct Shape {
    pub(crate) required: Fields,
    pub(crate) allowed: Fields,
}

impl Shape {
    const fn new(required: &[Field], optional: &[Field]) -> Self {
        let common = Fields::of(&[Field::Id, Field::Type]);
        let attached = Fields::of(&[Field::Reference, Field::Metadata]);
        let required = Fields::of(required).union(common);
        Self {
            required,
            allowed: required.union(Fields::of(optional)).union(attached),
        }
    }

    /// The shape of a command.
    pub(crate) const fn of(kind: CommandKind) -> &'static Self {
        use Field::{
            AmountFen, Approve, At, Attributes, CashFen, Change, Class, ClosesAt, Code, Contract,
            Correction, Final, Hold, LastDay, Member, Merchant, Name, OpensAt, Order,
            PerMemberLimit, PeriodEnd, PeriodStart, PointType, Points, PriceFen, PricePoints,
            Quantity, Reason, ReleasesAt, Reservation, ReservationTtlSeconds, ReturnUnits, Sku, To,
            Transaction, TtlSeconds, Units, Use,
        };
        const ENROL: Shape = Shape::new(&[Member], &[Attributes]);
        const EARN: Shape = Shape::new(
            &[Member, Merchant, Points],
            &[PointType, LastDay, Class, Order, At, ReleasesAt],
        );
        const REDEEM: Shape = Shape::new(
            &[Member, Merchant, Points],
            &[PointType, Use, Order, CashFen],
        );
        const HOLD: Shape = Shape::new(
            &[Member, Merchant, Points],
            &[PointType, Use, Order, TtlSeconds],
        );
        const CAPTURE: Shape = Shape::new(&[Hold], &[Points, Final]);
        const RELEASE: Shape = Shape::new(&[Hold], &[]);
        const PUT_MERCHANT: Shape = Shape::new(&[Merchant, Name], &[Contract]);
        const REVERSE: Shape = Shape::new(&[Transaction], &[Points, Reason, ReturnUnits]);
        const ADJUST: Shape = Shape::new(&[Member, Points, Reason], &[PointType]);
        const LIFECYCLE: Shape = Shape::new(&[Member, Reason], &[]);
        const ERASE: Shape = Shape::new(&[Member], &[]);
        const RESERVE: Shape = Shape::new(&[Member, Sku, Quantity], &[]);
        const RESERVATION: Shape = Shape::new(&[Reservation], &[]);
        const TRANSFER: Shape = Shape::new(&[Member, To, Points], &[PointType]);
        const PUT_STOCK: Shape = Shape::new(
            &[Sku, Units, PricePoints, Merchant],
            &[
                PointType,
                PerMemberLimit,
                OpensAt,
                ClosesAt,
                ReservationTtlSeconds,
            ],
        );
        const CHANGE_UNITS: Shape = Shape::new(&[Sku, Change], &[]);
        const BUY_PACK: Shape = Shape::new(&[Merchant, Points, PriceFen], &[PointType]);
        const USE_CODE: Shape = Shape::new(&[Code], &[]);
        const SETTLE: Shape = Shape::new(&[PeriodStart, PeriodEnd], &[]);
        const PUT_CORRECTION: Shape = Shape::new(&[Correction, Merchant, AmountFen, Reason], &[]);
        const DECIDE_CORRECTION: Shape = Shape::new(&[Correction, Approve], &[]);
        match kind {
            CommandKind::Enrol => &ENROL,
            CommandKind::Earn => &EARN,
            CommandKind::Redeem => &REDEEM,
            CommandKind::Hold => &HOLD,
            CommandKind::Capture => &CAPTURE,
            CommandKind::Release => &RELEASE,
            CommandKind::PutMerchant => &PUT_MERCHANT,
            CommandKind::Reverse => &REVERSE,
            CommandKind::Adjust => &ADJUST,
            CommandKind::Freeze | CommandKind::Unfreeze | CommandKind::Close => &LIFECYCLE,
            CommandKind::Erase => &ERASE,
            CommandKind::Reserve => &RESERVE,
            CommandKind::Confirm | CommandKind::Cancel => &RESERVATION,
            CommandKind::Transfer => &TRANSFER,
            CommandKind::PutStock => &PUT_STOCK,
            CommandKind::ChangeUnits => &CHANGE_UNITS,
            CommandKind::BuyPack => &BUY_PACK,
            CommandKind::UseCode => &USE_CODE,
            CommandKind::Settle => &SETTLE,
            CommandKind::PutCorrection => &PUT_CORRECTION,
            CommandKind::DecideCorrection => &DECIDE_CORRECTION,
        }
    }
}

/// The field that names the object which a one-command endpoint has in its path.
pub(crate) const fn object_field(kind: CommandKind) -> Option<Field> {
    match kind {
        CommandKind::Enrol
        | CommandKind::Freeze
        | CommandKind::Unfreeze
        | CommandKind::Close
        | CommandKind::Erase => Some(Field::Member),
        CommandKind::Capture | CommandKind::Release => Some(Field::Hold),
        CommandKind::PutMerchant | CommandKind::BuyPack => Some(Field::Merchant),
        CommandKind::Confirm | CommandKind::Cancel => Some(Field::Reservation),
        CommandKind::PutStock | CommandKind::ChangeUnits => Some(Field::Sku),
        CommandKind::UseCode => Some(Field::Code),
        CommandKind::PutCorrection | CommandKind::DecideCorrection => Some(Field::Correction),
        CommandKind::Earn
        | CommandKind::Redeem
        | CommandKind::Hold
        | CommandKind::Reverse
        | CommandKind::Reserve
        | CommandKind::Transfer
        | CommandKind::Settle
        | CommandKind::Adjust => None,
    }
}

/// The command of a `type`.
pub(crate) fn kind_of(word: &str) -> Result<CommandKind, &'static str> {
    match word {
        "enrol" => Ok(CommandKind::Enrol),
        "earn" => Ok(CommandKind::Earn),
        "redeem" => Ok(CommandKind::Redeem),
        "hold" => Ok(CommandKind::Hold),
        "capture" => Ok(CommandKind::Capture),
        "release" => Ok(CommandKind::Release),
        "put_merchant" => Ok(CommandKind::PutMerchant),
        "reverse" => Ok(CommandKind::Reverse),
        "adjust" => Ok(CommandKind::Adjust),
        "freeze" => Ok(CommandKind::Freeze),
        "unfreeze" => Ok(CommandKind::Unfreeze),
        "close" => Ok(CommandKind::Close),
        "erase" => Ok(CommandKind::Erase),
        "reserve" => Ok(CommandKind::Reserve),
        "confirm" => Ok(CommandKind::Confirm),
        "cancel" => Ok(CommandKind::Cancel),
        "transfer" => Ok(CommandKind::Transfer),
        "put_stock" => Ok(CommandKind::PutStock),
        "change_units" => Ok(CommandKind::ChangeUnits),
        "use_code" => Ok(CommandKind::UseCode),
        "settle" => Ok(CommandKind::Settle),
        "put_correction" => Ok(CommandKind::PutCorrection),
        "decide_correction" => Ok(CommandKind::DecideCorrection),
        "buy_pack" => Ok(CommandKind::BuyPack),
        "activity" => Err("is not served by this version"),
        _ => Err(
            "must be one of enrol, earn, redeem, hold, capture, release, put_merchant, reverse, adjust, \
             freeze, unfreeze, close, erase, reserve, confirm, cancel, transfer, put_stock, change_units, use_code, settle, \
             put_correction, decide_correction, buy_pack",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_known_by_the_engines_word() {
        for kind in CommandKind::ALL {
            assert_eq!(kind_of(kind.name()), Ok(kind));
        }
        assert!(kind_of("activity").is_err());
        let words = kind_of("Earn").unwrap_err();
        for kind in CommandKind::ALL {
            assert!(words.contains(kind.name()), "{words}");
        }
    }

    #[test]
    fn every_field_is_known_by_its_name_and_fits_the_set() {
        assert!(Field::ALL.len() <= 64);
        for &field in Field::ALL {
            assert_eq!(Field::from_name(field.name()), Some(field));
        }
    }

    #[test]
    fn the_object_in_the_path_is_a_required_field() {
        for kind in CommandKind::ALL {
            if let Some(field) = object_field(kind) {
                assert!(Shape::of(kind).required.contains(field), "{kind:?}");
            }
        }
    }
}
