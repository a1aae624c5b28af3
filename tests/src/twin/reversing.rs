//! What the twin makes of reversals.

use super::{
    Done, Judged, LotName, Sort, Taken, Twin,
    points::Part,
    refusing::{MOST, none},
};
use crate::{
    heard::{Told, Why},
    moved::Place,
};

/// How many times as many lots as usual a member may have when points come back.
const LOTS_STRETCHED: u64 = 2;

impl Twin {
    pub(super) fn reverse(&mut self, at: u64, transaction: &str, points: Option<u64>) -> Judged {
        let place = self.deal(transaction).expect("looked up before");
        let deal = self.deals[place].clone();
        if at - deal.at > self.figures.findable_millis {
            return Err(vec![Why::plain("transaction_not_found")]);
        }
        if matches!(deal.sort, Sort::Other) {
            return Err(vec![Why::plain("not_reversible")]);
        }
        let left = deal.points - deal.reversed;
        let wanted = points.unwrap_or(left);
        let mut whys = Vec::new();
        if at - deal.at > self.figures.window_millis {
            whys.push(Why::plain("reversal_window_passed"));
        }
        if left == 0 {
            whys.push(Why::plain("already_reversed"));
        }
        if left > 0 && wanted > left {
            whys.push(Why::measured("exceeds_transaction", left, wanted));
        }
        none(whys)?;
        let point_type = deal.point_type.expect("earns and spends have a type");
        let (told, deed) = match deal.sort {
            Sort::Earn(name) => {
                let (taken_back, owed) =
                    self.take_back(deal.who, &point_type, deal.seq, &name, wanted)?;
                (Told::TakenBack { taken_back, owed }, "reversed-earn")
            }
            Sort::Spend(taken, acceptor) => {
                let parts = from_the_end(taken, deal.reversed, wanted);
                self.restore(at, deal.who, &point_type, parts, acceptor)?;
                (Told::Restored { restored: wanted }, "reversed-spend")
            }
            Sort::Other => unreachable!("refused above"),
        };
        self.deals[place].reversed += wanted;
        Ok(Done::new(told, deed, Some(point_type)))
    }

    /// Points of an earn are taken from what is pending of it, from its lot, from other lots, and else become a debt.
    fn take_back(
        &mut self,
        who: usize,
        point_type: &str,
        earn: u64,
        name: &LotName,
        points: u64,
    ) -> Result<(u64, u64), Vec<Why>> {
        let [_, _, _, owing] = self.members[who].balance(point_type);
        let purse = self.members[who].purse_mut(point_type);
        let waiting = purse.pending.iter_mut().find(|part| part.seq == earn);
        let pending = waiting.as_ref().map_or(0, |part| part.points.min(points));
        let lot = purse.lots.iter().find(|lot| lot.name == *name);
        let own = lot.map_or(0, |lot| lot.available).min(points - pending);
        let owed = points - pending - own;
        if owed > MOST - owing {
            let why = Why::measured("member_limit_reached", MOST - owing, owed);
            return Err(vec![why]);
        }
        if let Some(part) = waiting {
            part.points -= pending;
        }
        purse.pending.retain(|part| part.points > 0);
        for (points, from) in [
            (pending, Place::Pending),
            (own, Place::Available),
            (owed, Place::Owed),
        ] {
            self.post(who, point_type, name, points, (from, Place::Issued));
        }
        let others = self.members[who].available(point_type).min(owed);
        self.take(who, point_type, others, &Place::Owed);
        Ok((pending + own + others, owed - others))
    }

    /// Points that were spent come back to their lots.
    fn restore(
        &mut self,
        at: u64,
        who: usize,
        point_type: &str,
        parts: Vec<Taken>,
        acceptor: String,
    ) -> Result<(), Vec<Why>> {
        let points = parts.iter().map(|part| part.1).sum();
        let purse = self.members[who].purse_mut(point_type);
        // Each of them counts as a lot more, also if it turns out to have lapsed.
        let fresh = parts.iter().filter(|(name, _)| {
            let lot = purse.lot(name);
            lot.is_none_or(super::purse::Lot::is_empty)
        });
        let lots = purse.lots_in_use() + fresh.count() as u64;
        let most = LOTS_STRETCHED * self.figures.lots_max;
        let mut whys = Vec::new();
        if lots > most {
            whys.push(Why::measured("member_limit_reached", most, most + 1));
        }
        whys.extend(self.no_room(who, point_type, points));
        none(whys)?;
        let parts = parts.into_iter().map(|(name, points)| Part {
            name,
            first_earned: u64::MAX,
            points,
        });
        let from = Place::Accepted(acceptor);
        self.deposit(at, who, point_type, parts.collect(), &from);
        Ok(())
    }
}

/// `points` of what was taken, from the end, behind what was given back before.
fn from_the_end(mut taken: Vec<Taken>, given_back: u64, points: u64) -> Vec<Taken> {
    let (mut skip, mut missing, mut parts) = (given_back, points, Vec::new());
    while let Some((name, here)) = taken.pop() {
        let skipped = skip.min(here);
        skip -= skipped;
        let piece = missing.min(here - skipped);
        missing -= piece;
        if piece > 0 {
            parts.push((name, piece));
        }
    }
    assert_eq!(missing, 0, "judged: so much is left");
    parts
}
