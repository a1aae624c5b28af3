//! Which fields there are, and which command takes which.

use jifen_engine::ledger::CommandKind;

macro_rules! fields {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// A field of a command object.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field {
            $($variant),*
        }

        impl Field {
            /// Every field, in the order in which missing ones are named.
            pub(super) const ALL: &[Self] = &[$(Self::$variant),*];

            /// The field of a name.
            pub(super) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The field's name.
            pub(super) const fn name(self) -> &'static str {
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
}

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(u32);

impl Fields {
    pub(super) const fn of(fields: &[Field]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < fields.len() {
            bits |= 1 << fields[at] as u32;
            at += 1;
        }
        Self(bits)
    }

    pub(super) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u32) != 0
    }

    pub(super) const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds a field; `false` if it was there before.
    pub(super) const fn insert(&mut self, field: Field) -> bool {
        let new = !self.contains(field);
        self.0 |= 1 << field as u32;
        new
    }
}

/// What a command's object must and may hold.
pub(super) struct Shape {
    pub(super) required: Fields,
    pub(super) allowed: Fields,
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
    pub(super) const fn of(kind: CommandKind) -> &'static Self {
        use Field::{
            At, Attributes, CashFen, Class, Final, Hold, LastDay, Member, Merchant, Name, Order,
            PointType, Points, Reason, ReleasesAt, Transaction, TtlSeconds, Use,
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
        const PUT_MERCHANT: Shape = Shape::new(&[Merchant, Name], &[]);
        const REVERSE: Shape = Shape::new(&[Transaction], &[Points, Reason]);
        const ADJUST: Shape = Shape::new(&[Member, Points, Reason], &[PointType]);
        const LIFECYCLE: Shape = Shape::new(&[Member, Reason], &[]);
        const ERASE: Shape = Shape::new(&[Member], &[]);
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
        }
    }
}

/// The field that names the object which a one-command endpoint has in its path.
pub(super) const fn object_field(kind: CommandKind) -> Option<Field> {
    match kind {
        CommandKind::Enrol
        | CommandKind::Freeze
        | CommandKind::Unfreeze
        | CommandKind::Close
        | CommandKind::Erase => Some(Field::Member),
        CommandKind::Capture | CommandKind::Release => Some(Field::Hold),
        CommandKind::PutMerchant => Some(Field::Merchant),
        CommandKind::Earn
        | CommandKind::Redeem
        | CommandKind::Hold
        | CommandKind::Reverse
        | CommandKind::Adjust => None,
    }
}

/// The command of a `type`.
pub(super) fn kind_of(word: &str) -> Result<CommandKind, &'static str> {
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
        "activity" | "transfer" | "reserve" | "confirm" | "cancel" => {
            Err("is not served by this version")
        }
        _ => Err(
            "must be one of enrol, earn, redeem, hold, capture, release, put_merchant, reverse, adjust, \
             freeze, unfreeze, close, erase",
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
        assert!(kind_of("transfer").is_err());
        let words = kind_of("Earn").unwrap_err();
        for kind in CommandKind::ALL {
            assert!(words.contains(kind.name()), "{words}");
        }
    }

    #[test]
    fn every_field_is_known_by_its_name_and_fits_the_set() {
        assert!(Field::ALL.len() <= 32);
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
