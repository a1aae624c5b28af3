//! What the twin does with points: they come in, and they are taken.

use super::{LotName, Taken, Twin};
use crate::moved::{Moved, Place};

const DAY_MILLIS: i64 = 86_400_000;

/// Points of a lot on their way in.
pub(super) struct Part {
    pub(super) name: LotName,
    pub(super) first_earned: u64,
    pub(super) points: u64,
}

impl Twin {
    /// The programme's calendar day of a moment, counted from 1970-01-01.
    pub(super) fn today(&self, at: u64) -> i64 {
        let millis = i64::try_from(at).expect("this side of the year 9999");
        (millis + self.figures.day_offset_millis).div_euclid(DAY_MILLIS)
    }

    /// The only place where a balance changes. No points are no move.
    pub(super) fn post(
        &mut self,
        who: usize,
        point_type: &str,
        name: &LotName,
        points: u64,
        (from, to): (Place, Place),
    ) {
        if points == 0 {
            return;
        }
        let purse = self.members[who].purse_mut(point_type);
        purse.give(name, &from, points);
        purse.get(name, &to, points);
        self.moves.push(Moved {
            issuer: name.issuer.clone(),
            class: name.class.clone(),
            last_day: name.last_day,
            from,
            to,
            points,
        });
    }

    /// Points come in, in lapse order: what lapsed is gone, then a debt is paid, and the rest can be spent.
    pub(super) fn deposit(
        &mut self,
        at: u64,
        who: usize,
        point_type: &str,
        mut parts: Vec<Part>,
        from: &Place,
    ) {
        let today = self.today(at);
        let closed = self.members[who].state == "closed";
        let purse = self.members[who].purse_mut(point_type);
        for part in &mut parts {
            let known = purse.lot(&part.name);
            let known = known.map_or(u64::MAX, |lot| lot.first_earned);
            part.first_earned = part.first_earned.min(known);
        }
        parts.sort_by_key(|part| part.name.lapse_order(part.first_earned));
        for part in parts {
            let purse = self.members[who].purse_mut(point_type);
            let gone = closed || part.name.has_lapsed(today);
            let paid = if gone { 0 } else { purse.owed.min(part.points) };
            let rest = part.points - paid;
            let rest_to = if gone {
                Place::Breakage
            } else {
                Place::Available
            };
            if rest > 0 && !gone {
                purse.know(&part.name, part.first_earned);
            }
            for (points, to) in [(paid, Place::Owed), (rest, rest_to)] {
                self.post(who, point_type, &part.name, points, (from.clone(), to));
            }
        }
    }

    /// Takes available points in the order of spending; tells from which lots.
    pub(super) fn take(
        &mut self,
        who: usize,
        point_type: &str,
        points: u64,
        to: &Place,
    ) -> Vec<Taken> {
        let lots = self.members[who].purse_mut(point_type).in_order();
        let lots: Vec<Taken> = lots
            .iter()
            .map(|lot| (lot.name.clone(), lot.available))
            .collect();
        let (mut missing, mut taken) = (points, Vec::new());
        for (name, available) in lots {
            let here = available.min(missing);
            if here > 0 {
                let route = (Place::Available, to.clone());
                self.post(who, point_type, &name, here, route);
                missing -= here;
                taken.push((name, here));
            }
        }
        assert_eq!(missing, 0, "judged: the points are there");
        taken
    }
}
