//! What the twin makes of holds.

use super::{Done, Hold, Judged, Sort, Taken, Twin, points::Part, refusing::none};
use crate::{
    ask::What,
    heard::{Told, Why},
    moved::Place,
};

impl Twin {
    pub(super) fn set_aside(&mut self, at: u64, who: Option<usize>, what: &What) -> Judged {
        let What::Hold {
            merchant,
            points,
            point_type,
            used_for,
            ttl_seconds,
            ..
        } = what
        else {
            unreachable!("judged by the kind of command")
        };
        let mut whys = self.strangers(who, Some(merchant), point_type);
        whys.extend(self.no_spend(who, point_type, used_for.as_deref(), *points));
        let open = who.map_or(0, |who| self.open_holds(who));
        if open >= self.figures.holds_max {
            let most = self.figures.holds_max;
            whys.push(Why::measured("member_limit_reached", most, open + 1));
        }
        none(whys)?;
        let who = who.expect("not a stranger");
        let expires_at = at + u64::from(*ttl_seconds) * 1_000;
        let seq = self.seq + 1;
        let id = format!("h{}-{seq}", self.shard);
        let parts = self.take(who, point_type, *points, &Place::Held);
        self.holds.push(Hold {
            id: id.clone(),
            seq,
            who,
            merchant: merchant.clone(),
            point_type: point_type.clone(),
            points: *points,
            captured: 0,
            released: 0,
            state: "open",
            expires_at,
            parts,
        });
        let told = Told::Held {
            hold: id,
            expires_at,
        };
        Ok(Done::new(told, "held", Some(point_type.clone())))
    }

    pub(super) fn open_holds(&self, who: usize) -> u64 {
        let open = self.holds.iter();
        open.filter(|hold| hold.who == who && hold.state == "open")
            .count() as u64
    }

    pub(super) fn capture(&mut self, at: u64, id: &str, points: Option<u64>, last: bool) -> Judged {
        let place = self.hold_place(id);
        match self.holds[place].state {
            "open" => self.capture_open(at, place, points, last),
            "expired" => self.capture_late(place, points),
            "captured" => Err(vec![Why::plain("hold_captured")]),
            _ => Err(vec![Why::plain("hold_released")]),
        }
    }

    fn capture_open(&mut self, at: u64, place: usize, points: Option<u64>, last: bool) -> Judged {
        let rest = self.still_held(place);
        let captured = points.unwrap_or(rest);
        if captured > rest {
            return Err(vec![Why::measured("exceeds_hold", rest, captured)]);
        }
        let hold = self.holds[place].clone();
        let taken = self.draw(place, captured);
        for (name, points) in &taken {
            let route = (Place::Held, Place::Accepted(hold.merchant.clone()));
            self.post(hold.who, &hold.point_type, name, *points, route);
        }
        self.holds[place].captured += captured;
        let stays_open = !last && captured < rest;
        let released = if stays_open { 0 } else { rest - captured };
        if !stays_open {
            self.give_back(at, place);
            self.end(place, "captured");
        }
        let deed = if stays_open {
            "captured-in-part"
        } else {
            "captured"
        };
        let told = Told::Captured { captured, released };
        Ok(Done {
            sort: Sort::Spend(taken, hold.merchant),
            points: captured,
            ..Done::new(told, deed, Some(hold.point_type))
        })
    }

    /// After expiry: what a new hold would get, and final.
    fn capture_late(&mut self, place: usize, points: Option<u64>) -> Judged {
        let hold = self.holds[place].clone();
        let captured = points.unwrap_or(hold.points);
        let mut whys = Vec::new();
        if captured > hold.points {
            whys.push(Why::measured("exceeds_hold", hold.points, captured));
        }
        let barred = self.barred(hold.who);
        if let Some(short) = self.short_of(hold.who, &hold.point_type, captured) {
            whys.push(Why {
                code: "hold_expired",
                ..short
            });
        } else if barred.is_some() {
            whys.push(Why::plain("hold_expired"));
        }
        whys.extend(barred);
        none(whys)?;
        let acceptor = Place::Accepted(hold.merchant.clone());
        let taken = self.take(hold.who, &hold.point_type, captured, &acceptor);
        let late = &mut self.holds[place];
        late.captured += captured;
        late.released -= captured;
        late.state = "captured";
        let told = Told::Captured {
            captured,
            released: 0,
        };
        Ok(Done {
            sort: Sort::Spend(taken, hold.merchant),
            points: captured,
            ..Done::new(told, "captured", Some(hold.point_type))
        })
    }

    pub(super) fn release(&mut self, at: u64, id: &str) -> Judged {
        let place = self.hold_place(id);
        match self.holds[place].state {
            "open" => {
                let released = self.still_held(place);
                self.give_back(at, place);
                self.end(place, "released");
                let point_type = Some(self.holds[place].point_type.clone());
                Ok(Done::new(
                    Told::Released { released },
                    "released",
                    point_type,
                ))
            }
            "captured" => Err(vec![Why::plain("hold_captured")]),
            "expired" => Err(vec![Why::plain("hold_expired")]),
            _ => Err(vec![Why::plain("hold_released")]),
        }
    }

    /// Ends the hold that entry `seq` made, because its time is over.
    ///
    /// # Errors
    ///
    /// If it is not open, or its time is not over at `now`.
    pub fn expire(&mut self, now: u64, seq: u64) -> Result<(), String> {
        let place = self.holds.iter().position(|hold| hold.seq == seq);
        let place = place.ok_or_else(|| format!("entry {seq} made no hold"))?;
        let hold = self.holds[place].clone();
        if hold.state != "open" || now < hold.expires_at {
            return Err(format!("at {now} this hold is not due: {hold:?}"));
        }
        let at = self.at.max(now);
        self.give_back(at, place);
        self.end(place, "expired");
        let about = self.members[hold.who].id.clone();
        self.record(at, about, "expired", Some(&hold.point_type));
        Ok(())
    }

    /// How long ago the most overdue open hold should have ended, in milliseconds.
    #[must_use]
    pub fn most_overdue(&self, now: u64) -> Option<u64> {
        let open = self.holds.iter().filter(|hold| hold.state == "open");
        open.filter_map(|hold| now.checked_sub(hold.expires_at))
            .max()
    }

    fn hold_place(&self, id: &str) -> usize {
        let place = self.holds.iter().position(|hold| hold.id == id);
        place.expect("looked up before")
    }

    fn still_held(&self, place: usize) -> u64 {
        self.holds[place].parts.iter().map(|part| part.1).sum()
    }

    /// Takes from the front of what a hold has set aside.
    fn draw(&mut self, place: usize, points: u64) -> Vec<Taken> {
        let (mut missing, mut drawn) = (points, Vec::new());
        for (name, here) in &mut self.holds[place].parts {
            let piece = missing.min(*here);
            *here -= piece;
            missing -= piece;
            if piece > 0 {
                drawn.push((name.clone(), piece));
            }
        }
        assert_eq!(missing, 0, "a hold gives no more than it has");
        self.holds[place].parts.retain(|part| part.1 > 0);
        drawn
    }

    /// All that a hold has still set aside comes back.
    fn give_back(&mut self, at: u64, place: usize) {
        let parts = std::mem::take(&mut self.holds[place].parts);
        let hold = &mut self.holds[place];
        hold.released += parts.iter().map(|part| part.1).sum::<u64>();
        let (who, point_type) = (hold.who, hold.point_type.clone());
        let parts = parts.into_iter().map(|(name, points)| Part {
            name,
            first_earned: u64::MAX,
            points,
        });
        self.deposit(at, who, &point_type, parts.collect(), &Place::Held);
    }

    /// A hold of which anything was captured is captured, however it ends.
    fn end(&mut self, place: usize, state: &'static str) {
        let hold = &mut self.holds[place];
        hold.state = if hold.captured > 0 { "captured" } else { state };
    }
}
