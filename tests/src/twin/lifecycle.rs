//! What the twin makes of adjustments, and of members that are frozen, closed or forgotten.

use super::{Done, Judged, LotName, Twin, points::Part, refusing::none};
use crate::{
    ask::What,
    heard::{Told, Why},
    moved::Place,
};

impl Twin {
    pub(super) fn adjust(&mut self, at: u64, who: Option<usize>, what: &What) -> Judged {
        let What::Adjust {
            up,
            points,
            point_type,
            ..
        } = what
        else {
            unreachable!("judged by the kind of command")
        };
        let name = LotName {
            issuer: "operator".to_owned(),
            class: "adjustment".to_owned(),
            last_day: None,
        };
        let mut whys = self.strangers(who, None, point_type);
        whys.extend(who.and_then(|who| self.closed(who)));
        if let Some(who) = who.filter(|_| self.is_kind(point_type)) {
            if *up {
                whys.extend(self.no_room_for_points(who, point_type, &name, *points));
            } else {
                whys.extend(self.short_of(who, point_type, *points));
            }
        }
        none(whys)?;
        let who = who.expect("not a stranger");
        if *up {
            let part = Part {
                name,
                first_earned: at,
                points: *points,
            };
            self.deposit(at, who, point_type, vec![part], &Place::Adjustment);
        } else {
            self.take(who, point_type, *points, &Place::Adjustment);
        }
        Ok(Done::new(
            Told::Adjusted,
            "adjusted",
            Some(point_type.clone()),
        ))
    }

    /// Freezes or unfreezes; a member that is so already stays so.
    pub(super) fn freeze(&mut self, who: usize, state: &'static str) -> Judged {
        none(self.closed(who).into_iter().collect())?;
        self.members[who].state = state;
        Ok(if state == "frozen" {
            Done::new(Told::Frozen, "frozen", None)
        } else {
            Done::new(Told::Unfrozen, "unfrozen", None)
        })
    }

    pub(super) fn close_member(&mut self, who: usize) -> Judged {
        let mut whys: Vec<Why> = self.closed(who).into_iter().collect();
        let open = self.open_holds(who);
        if open > 0 {
            whys.push(Why::measured("member_has_holds", 0, open));
        }
        none(whys)?;
        let point_type = self.figures.kinds[0].name.clone();
        self.forfeit(who, &point_type);
        self.members[who].state = "closed";
        Ok(Done::new(Told::Closed, "closed", Some(point_type)))
    }

    /// Everything available and everything pending of one type is gone.
    pub(super) fn forfeit(&mut self, who: usize, point_type: &str) {
        let Some(purse) = self.members[who].purse(point_type) else {
            return;
        };
        let [available, ..] = purse.balance();
        self.take(who, point_type, available, &Place::Breakage);
        let purse = self.members[who].purse_mut(point_type);
        for part in std::mem::take(&mut purse.pending) {
            let route = (Place::Pending, Place::Breakage);
            self.post(who, point_type, &part.name, part.points, route);
        }
    }

    pub(super) fn erase(&mut self, who: usize) -> Done {
        self.members[who].attributes = None;
        Done::new(Told::Erased, "erased", None)
    }
}
