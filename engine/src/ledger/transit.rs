//! Points on their way from one member to another: this shard's stripe of the account, and what members have sent today.

use std::collections::BTreeMap;

use bincode::{BorrowDecode, Encode};

use super::{amount::Points, members::MemberIndex, symbol::Symbol, time::Day};

/// What this shard has posted to the transit account for one point type. Over all shards, what went out less what came in is on
/// its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct TransitStripe {
    /// The kind of points.
    pub point_type: Symbol,
    /// Points that members of this shard have sent.
    pub out: u128,
    /// Points that have come for members of this shard, or back to them.
    pub come: u128,
}

/// The transit account, and the daily limits of those who send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub(super) struct Transit {
    stripes: Vec<TransitStripe>,
    sent: BTreeMap<(u32, Symbol), (Day, Points)>,
}

impl Transit {
    pub(super) fn of(&mut self, point_type: Symbol) -> &mut TransitStripe {
        let at = self
            .stripes
            .iter()
            .position(|stripe| stripe.point_type == point_type)
            .unwrap_or_else(|| {
                self.stripes.push(TransitStripe {
                    point_type,
                    out: 0,
                    come: 0,
                });
                self.stripes.len() - 1
            });
        &mut self.stripes[at]
    }

    pub(super) fn stripes(&self) -> impl Iterator<Item = &TransitStripe> {
        self.stripes.iter()
    }

    /// How many points a member has sent on a day.
    pub(super) fn sent_on(&self, day: Day, member: MemberIndex, point_type: Symbol) -> Points {
        match self.sent.get(&(member.0, point_type)) {
            Some((on, points)) if *on == day => *points,
            _ => Points::ZERO,
        }
    }

    pub(super) fn send(
        &mut self,
        day: Day,
        member: MemberIndex,
        point_type: Symbol,
        points: Points,
    ) {
        let sent = self.sent_on(day, member, point_type);
        let sum = sent.checked_add(points).unwrap_or(Points::MAX);
        self.sent.insert((member.0, point_type), (day, sum));
    }

    /// What came back counts for the day on which it was sent, if that is not over.
    pub(super) fn unsend(
        &mut self,
        day: Day,
        member: MemberIndex,
        point_type: Symbol,
        points: Points,
    ) {
        if let Some((on, sent)) = self.sent.get_mut(&(member.0, point_type))
            && *on == day
        {
            *sent = sent.less(points.min(*sent));
        }
    }
}
