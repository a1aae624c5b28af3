//! What the twin makes of each command.

use super::{Hold, Judged, Lot, LotName, Member, Twin, measured, plain};
use crate::{
    ask::{Ask, Pairs, What},
    heard::{Told, Why},
};

/// The largest balance, 2^53 − 1.
const MOST: u64 = (1 << 53) - 1;
/// What attributes may take together, in bytes.
const ATTRIBUTE_BYTES: u64 = 1_024;

impl Twin {
    pub(super) fn judge(&mut self, at: u64, ask: &Ask) -> Judged {
        match &ask.what {
            What::Enrol { member, attributes } => self.enrol(member, attributes.as_ref()),
            What::Earn { .. } => self.earn(at, &ask.what),
            What::Redeem {
                member,
                merchant,
                points,
                point_type,
                ..
            } => {
                let mut whys = self.strangers(member, merchant, point_type, at, None);
                whys.extend(self.short_of(member, point_type, *points));
                none(whys)?;
                let taken = self.take(member, point_type, *points, false);
                Ok((Told::Lots(taken), Some(point_type.clone())))
            }
            What::Hold { .. } => self.set_aside(at, &ask.what),
            What::Capture { hold, points, last } => self.capture(hold, *points, *last),
            What::Release { hold } => self.release(hold),
            What::PutMerchant { merchant, name } => {
                let merchant = self.merchant_mut(merchant);
                let changed = merchant.version == 0 || merchant.name != *name;
                merchant.version += u64::from(changed);
                merchant.name.clone_from(name);
                let version = merchant.version;
                Ok((Told::Document { version, changed }, None))
            }
        }
    }

    fn enrol(&mut self, id: &str, attributes: Option<&Pairs>) -> Judged {
        if !self.members.iter().any(|member| member.id == id) {
            self.members.push(Member {
                id: id.to_owned(),
                attributes: None,
                lots: Vec::new(),
                answered: Vec::new(),
            });
        }
        let member = self.member_mut(id);
        let mut together = member.attributes.clone().unwrap_or_default();
        for (key, value) in attributes.into_iter().flatten() {
            together.retain(|(known, _)| known != key);
            together.push((key.clone(), value.clone()));
        }
        let bytes: usize = together
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        if bytes as u64 > ATTRIBUTE_BYTES {
            // Only the merged size can be too large, and it is told as "more than the limit".
            let over = measured("member_limit_reached", ATTRIBUTE_BYTES, ATTRIBUTE_BYTES + 1);
            return Err(vec![over]);
        }
        if attributes.is_some() {
            member.attributes = Some(together);
        }
        Ok((Told::Enrolled, None))
    }

    /// What stands in the way whatever the member has: who or what is not known, and a moment that has not come.
    fn strangers(
        &self,
        member: &str,
        merchant: &str,
        point_type: &str,
        now: u64,
        at: Option<u64>,
    ) -> Vec<Why> {
        let mut whys = Vec::new();
        if !self.members.iter().any(|known| known.id == member) {
            whys.push(plain("member_not_found"));
        }
        if !self.merchants.iter().any(|known| known.id == merchant) {
            whys.push(plain("merchant_not_found"));
        }
        if at.is_some_and(|at| at > now) {
            whys.push(plain("at_in_future"));
        }
        if !self.point_types.iter().any(|known| known == point_type) {
            whys.push(plain("unknown_point_type"));
        }
        whys
    }

    /// Whether a known member has too few points of a known type.
    fn short_of(&self, member: &str, point_type: &str, points: u64) -> Option<Why> {
        let known = self.members.iter().any(|known| known.id == member)
            && self.point_types.iter().any(|known| known == point_type);
        let (available, _) = self.sums(member, point_type);
        (known && available < points).then(|| measured("insufficient_points", available, points))
    }

    fn earn(&mut self, now: u64, what: &What) -> Judged {
        let What::Earn {
            member,
            merchant,
            points,
            point_type,
            last_day,
            class,
            at,
            ..
        } = what
        else {
            unreachable!("judged by the kind of command")
        };
        let name = LotName {
            point_type: point_type.clone(),
            issuer: merchant.clone(),
            class: class.clone(),
            last_day: *last_day,
        };
        let mut whys = self.strangers(member, merchant, point_type, now, *at);
        if let Some(known) = self.members.iter().find(|known| known.id == *member)
            && self.point_types.contains(point_type)
        {
            let lots = known.in_order(point_type);
            if lots.len() >= self.lots_max && !lots.iter().any(|lot| lot.name == name) {
                let limit = self.lots_max as u64;
                whys.push(measured("member_limit_reached", limit, limit + 1));
            }
            let room = MOST - lots.iter().map(|lot| lot.available + lot.held).sum::<u64>();
            if *points > room {
                whys.push(measured("member_limit_reached", room, *points));
            }
        }
        none(whys)?;
        let happened = at.unwrap_or(now);
        let member = self.member_mut(member);
        match member.lots.iter_mut().find(|lot| lot.name == name) {
            Some(lot) => {
                lot.available += points;
                lot.first_earned = lot.first_earned.min(happened);
            }
            None => member.lots.push(Lot {
                name: name.clone(),
                first_earned: happened,
                available: *points,
                held: 0,
            }),
        }
        Ok((
            Told::Lots(vec![name.part(*points)]),
            Some(point_type.clone()),
        ))
    }

    fn set_aside(&mut self, at: u64, what: &What) -> Judged {
        let What::Hold {
            member,
            merchant,
            points,
            point_type,
            ttl_seconds,
            ..
        } = what
        else {
            unreachable!("judged by the kind of command")
        };
        let mut whys = self.strangers(member, merchant, point_type, at, None);
        let open = self.holds.iter();
        let open = open
            .filter(|hold| hold.member == *member && hold.state == "open")
            .count();
        if open >= self.holds_max {
            whys.push(measured(
                "member_limit_reached",
                self.holds_max as u64,
                open as u64 + 1,
            ));
        }
        whys.extend(self.short_of(member, point_type, *points));
        none(whys)?;
        let expires_at = at + u64::from(*ttl_seconds) * 1_000;
        let taken = self.take(member, point_type, *points, true);
        let seq = self.seq + 1;
        let id = format!("h{}-{seq}", self.shard);
        self.holds.push(Hold {
            id: id.clone(),
            seq,
            member: member.clone(),
            point_type: point_type.clone(),
            points: *points,
            captured: 0,
            released: 0,
            state: "open",
            expires_at,
            parts: taken
                .into_iter()
                .map(|part| (LotName::of(point_type, &part), part.points))
                .collect(),
        });
        let told = Told::Held {
            hold: id,
            expires_at,
        };
        Ok((told, Some(point_type.clone())))
    }

    fn capture(&mut self, id: &str, points: Option<u64>, last: bool) -> Judged {
        let place = self.holds.iter().position(|hold| hold.id == id);
        let place = place.expect("looked up before");
        let hold = self.holds[place].clone();
        let rest: u64 = hold.parts.iter().map(|part| part.1).sum();
        let about = Some(hold.point_type.clone());
        match hold.state {
            "open" => {
                let wanted = points.unwrap_or(rest);
                if wanted > rest {
                    return Err(vec![measured("exceeds_hold", rest, wanted)]);
                }
                self.spend_held(place, wanted);
                let stays_open = !last && wanted < rest;
                let released = if stays_open { 0 } else { rest - wanted };
                if !stays_open {
                    self.give_back(place, released);
                    self.close(place, "captured");
                }
                let captured = wanted;
                Ok((Told::Captured { captured, released }, about))
            }
            "expired" => {
                let wanted = points.unwrap_or(hold.points);
                let mut whys = Vec::new();
                if let Some(short) = self.short_of(&hold.member, &hold.point_type, wanted) {
                    whys.push(Why {
                        code: "hold_expired",
                        ..short
                    });
                }
                if wanted > hold.points {
                    whys.push(measured("exceeds_hold", hold.points, wanted));
                }
                none(whys)?;
                self.take(&hold.member, &hold.point_type, wanted, false);
                let hold = &mut self.holds[place];
                hold.captured += wanted;
                hold.released -= wanted;
                hold.state = "captured";
                let (captured, released) = (wanted, 0);
                Ok((Told::Captured { captured, released }, about))
            }
            "captured" => Err(vec![plain("hold_captured")]),
            _ => Err(vec![plain("hold_released")]),
        }
    }

    fn release(&mut self, id: &str) -> Judged {
        let place = self.holds.iter().position(|hold| hold.id == id);
        let place = place.expect("looked up before");
        match self.holds[place].state {
            "open" => {
                let released = self.holds[place].parts.iter().map(|part| part.1).sum();
                self.give_back(place, released);
                self.close(place, "released");
                Ok((
                    Told::Released { released },
                    Some(self.holds[place].point_type.clone()),
                ))
            }
            "captured" => Err(vec![plain("hold_captured")]),
            "expired" => Err(vec![plain("hold_expired")]),
            _ => Err(vec![plain("hold_released")]),
        }
    }
}

fn none(whys: Vec<Why>) -> Result<(), Vec<Why>> {
    if whys.is_empty() { Ok(()) } else { Err(whys) }
}
