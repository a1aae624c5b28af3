//! What stands in the way, in the twin's own list of precedence.

use super::Twin;
use crate::heard::Why;

/// The largest balance, 2^53 − 1.
pub(super) const MOST: u64 = (1 << 53) - 1;

/// Every reason by precedence, and whether a refusal for it is remembered: only what comes from the member's own state
/// is.
const PRECEDENCE: [(&str, bool); 22] = [
    ("request_id_reused", false),
    ("member_not_found", false),
    ("merchant_not_found", false),
    ("hold_not_found", false),
    ("transaction_not_found", false),
    ("hold_captured", true),
    ("hold_released", true),
    ("hold_expired", true),
    ("member_frozen", true),
    ("member_closed", true),
    ("member_has_holds", true),
    ("already_reversed", true),
    ("at_in_future", false),
    ("unknown_point_type", false),
    ("not_eligible", true),
    ("not_reversible", true),
    ("reversal_window_passed", true),
    ("member_limit_reached", true),
    ("exceeds_hold", true),
    ("exceeds_transaction", true),
    ("insufficient_points", true),
    ("full", false),
];

fn place(code: &str) -> usize {
    let place = PRECEDENCE.iter().position(|(known, _)| *known == code);
    place.expect("a reason of the list")
}

pub(super) fn binds(why: &Why) -> bool {
    PRECEDENCE[place(why.code)].1
}

/// A refusal if there is a reason; the decisive one comes first.
pub(super) fn none(mut whys: Vec<Why>) -> Result<(), Vec<Why>> {
    whys.sort_by_key(|why| place(why.code));
    if whys.is_empty() { Ok(()) } else { Err(whys) }
}

impl Twin {
    /// Who or what is not known.
    pub(super) fn strangers(
        &self,
        who: Option<usize>,
        merchant: Option<&str>,
        point_type: &str,
    ) -> Vec<Why> {
        let mut whys = Vec::new();
        if who.is_none() {
            whys.push(Why::plain("member_not_found"));
        }
        if merchant.is_some_and(|merchant| self.merchant_place(merchant).is_none()) {
            whys.push(Why::plain("merchant_not_found"));
        }
        if !self.is_kind(point_type) {
            whys.push(Why::plain("unknown_point_type"));
        }
        whys
    }

    pub(super) fn is_kind(&self, point_type: &str) -> bool {
        self.figures
            .kinds
            .iter()
            .any(|kind| kind.name == point_type)
    }

    /// Why points of this type are not for this use; an unknown type is another matter.
    pub(super) fn unfit(&self, point_type: &str, used_for: Option<&str>) -> Option<Why> {
        let mut kinds = self.figures.kinds.iter();
        let kind = kinds.find(|kind| kind.name == point_type)?;
        let fit = if used_for == Some("offset") {
            kind.offset
        } else {
            kind.redeem
        };
        (!fit).then(|| Why::plain("not_eligible"))
    }

    /// Why a member in this state may not spend.
    pub(super) fn barred(&self, who: usize) -> Option<Why> {
        match self.members[who].state {
            "frozen" => Some(Why::plain("member_frozen")),
            _ => self.closed(who),
        }
    }

    pub(super) fn closed(&self, who: usize) -> Option<Why> {
        (self.members[who].state == "closed").then(|| Why::plain("member_closed"))
    }

    /// Whether a member has too few points, and when there will be enough if nothing else happens.
    pub(super) fn short_of(&self, who: usize, point_type: &str, points: u64) -> Option<Why> {
        let member = &self.members[who];
        let available = member.available(point_type);
        if available >= points {
            return None;
        }
        let mut why = Why::measured("insufficient_points", available, points);
        if let Some(purse) = member.purse(point_type) {
            let mut pending = purse.pending.clone();
            pending.sort_by_key(|part| part.releases_at);
            let mut missing = u128::from(points - available) + u128::from(purse.owed);
            for part in pending {
                if part.name.has_lapsed(self.today(part.releases_at)) {
                    continue;
                }
                if u128::from(part.points) >= missing {
                    why.frees_at = Some(part.releases_at);
                    break;
                }
                missing -= u128::from(part.points);
            }
        }
        Some(why)
    }

    /// Whether these points do not fit beside what the member has.
    pub(super) fn no_room(&self, who: usize, point_type: &str, points: u64) -> Option<Why> {
        let [available, held, pending, _] = self.members[who].balance(point_type);
        let room = MOST - available - held - pending;
        (points > room).then(|| Why::measured("member_limit_reached", room, points))
    }

    /// Whether one more lot is one too many.
    pub(super) fn no_room_for_lot(&self, who: usize, point_type: &str) -> Option<Why> {
        let lots = self.members[who].purse(point_type)?.lots_in_use();
        let most = self.figures.lots_max;
        (lots >= most).then(|| Why::measured("member_limit_reached", most, most + 1))
    }
}
