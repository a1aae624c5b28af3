//! The accounts that belong to nobody: this shard's stripe of breakage and adjustment.

use bincode::{BorrowDecode, Encode};
use smallvec::SmallVec;

use super::{merchants::Stripe, symbol::Symbol};

/// What this shard has posted to the programme's own accounts for one point type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct SystemStripe {
    /// The kind of points.
    pub point_type: Symbol,
    /// Points that lapsed, or were given up at closing.
    pub breakage: u128,
    /// Points that adjustments gave to members.
    pub adjusted_up: u128,
    /// Points that adjustments took from members.
    pub adjusted_down: u128,
}

/// What a shard has posted to accounts that are no member's.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// Of each merchant, by its name.
    pub merchants: Vec<(Symbol, Vec<Stripe>)>,
    /// The programme's own.
    pub system: Vec<SystemStripe>,
}

/// The stripes of all point types, in the order in which they were first posted to.
#[derive(Default)]
pub(super) struct SystemStripes(SmallVec<[SystemStripe; 1]>);

impl SystemStripes {
    pub(super) fn of(&mut self, point_type: Symbol) -> &mut SystemStripe {
        let at = self
            .0
            .iter()
            .position(|stripe| stripe.point_type == point_type)
            .unwrap_or_else(|| {
                self.0.push(SystemStripe {
                    point_type,
                    breakage: 0,
                    adjusted_up: 0,
                    adjusted_down: 0,
                });
                self.0.len() - 1
            });
        &mut self.0[at]
    }

    /// The stripes as an image has them.
    pub(super) fn restored(stripes: &[SystemStripe]) -> Self {
        Self(stripes.into())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &SystemStripe> {
        self.0.iter()
    }
}
