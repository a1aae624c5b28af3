//! What happens without anybody asking: points mature and lapse.

use super::{Twin, points::Part};
use crate::moved::Place;

impl Twin {
    /// Everything that is due of a member, purse by purse: what matures, then what lapses.
    pub(super) fn settle(&mut self, at: u64, who: usize) {
        for place in 0..self.members[who].purses.len() {
            let point_type = self.members[who].purses[place].point_type.clone();
            self.mature(at, who, &point_type);
            self.lapse(at, who, &point_type);
        }
    }

    /// The sweep says that pending points of a member mature.
    ///
    /// # Errors
    ///
    /// If nothing is due.
    pub fn matured(&mut self, now: u64, member: &str, point_type: &str) -> Result<(), String> {
        let who = self.member_place(member).ok_or("an unknown member")?;
        let at = now.max(self.at);
        if self.mature(at, who, point_type) {
            Ok(())
        } else {
            Err(format!("at {at} no {point_type} of {member} mature"))
        }
    }

    /// The sweep says that points of a member lapse.
    ///
    /// # Errors
    ///
    /// If nothing is due.
    pub fn lapsed(&mut self, now: u64, member: &str, point_type: &str) -> Result<(), String> {
        let who = self.member_place(member).ok_or("an unknown member")?;
        let at = now.max(self.at);
        if self.lapse(at, who, point_type) {
            Ok(())
        } else {
            Err(format!("at {at} no {point_type} of {member} lapse"))
        }
    }

    /// Points that should have matured or lapsed by now, and whose they are.
    #[must_use]
    pub fn unsettled(&self, now: u64) -> Option<String> {
        let today = self.today(now);
        for member in &self.members {
            for purse in &member.purses {
                let matures = purse.pending.iter().find(|part| part.releases_at <= now);
                let mut lapses = purse.lots.iter();
                let lapses = lapses.find(|lot| lot.available > 0 && lot.name.has_lapsed(today));
                if matures.is_some() || lapses.is_some() {
                    return Some(format!("{}: {matures:?}, {lapses:?}", member.id));
                }
            }
        }
        None
    }

    fn mature(&mut self, at: u64, who: usize, point_type: &str) -> bool {
        if self.members[who].state == "closed" {
            return false;
        }
        let purse = self.members[who].purse_mut(point_type);
        let all = std::mem::take(&mut purse.pending);
        let (due, later): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|part| part.releases_at <= at);
        purse.pending = later;
        if due.is_empty() {
            return false;
        }
        let parts = due.into_iter().map(|part| Part {
            name: part.name,
            first_earned: part.first_earned,
            points: part.points,
        });
        self.deposit(at, who, point_type, parts.collect(), &Place::Pending);
        let about = self.members[who].id.clone();
        self.record(at, about, "matured", Some(point_type));
        true
    }

    fn lapse(&mut self, at: u64, who: usize, point_type: &str) -> bool {
        let today = self.today(at);
        if self.members[who].state == "closed" {
            self.forfeit(who, point_type);
        } else {
            let lots = self.members[who].purse_mut(point_type).lots.clone();
            for lot in lots.iter().filter(|lot| lot.name.has_lapsed(today)) {
                let route = (Place::Available, Place::Breakage);
                self.post(who, point_type, &lot.name, lot.available, route);
            }
        }
        if self.moves.is_empty() {
            return false;
        }
        let about = self.members[who].id.clone();
        self.record(at, about, "lapsed", Some(point_type));
        true
    }
}
