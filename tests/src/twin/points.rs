//! What the twin does with points.

use super::{Lot, LotName, Member, Twin};
use crate::heard::LotPart;

impl Twin {
    /// Takes available points in the order of spending, out of the member's hands or into their held half.
    pub(super) fn take(
        &mut self,
        member: &str,
        point_type: &str,
        points: u64,
        hold: bool,
    ) -> Vec<LotPart> {
        let member = self.member_mut(member);
        let order: Vec<LotName> = member
            .in_order(point_type)
            .iter()
            .map(|lot| lot.name.clone())
            .collect();
        let (mut missing, mut taken) = (points, Vec::new());
        for name in order {
            let lot = member.lot_mut(&name);
            let here = lot.available.min(missing);
            if here > 0 {
                lot.available -= here;
                lot.held += if hold { here } else { 0 };
                missing -= here;
                taken.push(name.part(here));
            }
        }
        assert_eq!(missing, 0, "judged: the points are there");
        member.drop_empty();
        taken
    }

    /// Takes from the front of what a hold has set aside; `give_back` says whether the member has it again.
    fn draw(&mut self, place: usize, points: u64, give_back: bool) {
        let hold = &mut self.holds[place];
        let owner = hold.member.clone();
        let (mut missing, mut drawn) = (points, Vec::new());
        for (name, here) in &mut hold.parts {
            let piece = missing.min(*here);
            *here -= piece;
            missing -= piece;
            drawn.push((name.clone(), piece));
        }
        assert_eq!(missing, 0, "a hold gives no more than it has");
        hold.parts.retain(|part| part.1 > 0);
        let member = self.member_mut(&owner);
        for (name, piece) in drawn {
            let lot = member.lot_mut(&name);
            lot.held -= piece;
            lot.available += if give_back { piece } else { 0 };
        }
        member.drop_empty();
    }

    pub(super) fn spend_held(&mut self, place: usize, points: u64) {
        self.draw(place, points, false);
        self.holds[place].captured += points;
    }

    pub(super) fn give_back(&mut self, place: usize, points: u64) {
        self.draw(place, points, true);
        self.holds[place].released += points;
    }

    /// A hold of which anything was captured is captured, however it ends.
    pub(super) fn close(&mut self, place: usize, state: &'static str) {
        let hold = &mut self.holds[place];
        hold.state = if hold.captured > 0 { "captured" } else { state };
    }
}

impl Member {
    /// The lots of a point type in the order of spending: what lapses first, then what was earned first.
    pub(super) fn in_order(&self, point_type: &str) -> Vec<&Lot> {
        let mut lots: Vec<&Lot> = self
            .lots
            .iter()
            .filter(|lot| lot.name.point_type == point_type)
            .collect();
        lots.sort_by_key(|lot| (lot.name.last_day.unwrap_or(u32::MAX), lot.first_earned));
        lots
    }

    pub(super) fn lot_mut(&mut self, name: &LotName) -> &mut Lot {
        let found = self.lots.iter_mut().find(|lot| lot.name == *name);
        found.expect("a lot that has points is known")
    }

    fn drop_empty(&mut self) {
        self.lots.retain(|lot| lot.available + lot.held > 0);
    }
}

impl Lot {
    pub(super) fn part(&self, points: u64) -> LotPart {
        self.name.part(points)
    }
}

impl LotName {
    pub(super) fn of(point_type: &str, part: &LotPart) -> Self {
        Self {
            point_type: point_type.to_owned(),
            issuer: part.issuer.clone(),
            class: part.class.clone(),
            last_day: part.last_day,
        }
    }

    pub(super) fn part(&self, points: u64) -> LotPart {
        LotPart {
            issuer: self.issuer.clone(),
            class: self.class.clone(),
            last_day: self.last_day,
            points,
        }
    }
}
