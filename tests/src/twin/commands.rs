//! What the twin makes of enrolments, documents, earns and redemptions.

use super::{
    Done, Judged, LotName, Member, Object, Sort, Twin, points::Part, purse::Pending, refusing::none,
};
use crate::{
    ask::{Ask, Pairs, What},
    heard::{Told, Why},
    moved::Place,
};

/// What attributes may take together, in bytes.
const ATTRIBUTE_BYTES: usize = 1_024;

impl Twin {
    pub(super) fn judge(&mut self, at: u64, object: &Object, ask: &Ask) -> Judged {
        let who = match object {
            Object::Member(who) => Some(*who),
            _ => None,
        };
        match (&ask.what, who) {
            (What::Enrol { member, attributes }, _) => self.enrol(member, attributes.as_ref()),
            (What::PutMerchant { merchant, name }, _) => Ok(self.put_merchant(merchant, name)),
            (What::Earn { .. }, _) => self.earn(at, who, &ask.what),
            (What::Redeem { .. }, _) => self.redeem(who, &ask.what),
            (What::Hold { .. }, _) => self.set_aside(at, who, &ask.what),
            (What::Adjust { .. }, _) => self.adjust(at, who, &ask.what),
            (What::Capture { hold, points, last }, _) => self.capture(at, hold, *points, *last),
            (What::Release { hold }, _) => self.release(at, hold),
            (
                What::Reverse {
                    transaction,
                    points,
                    ..
                },
                _,
            ) => self.reverse(at, transaction, *points),
            (_, None) => Err(vec![Why::plain("member_not_found")]),
            (What::Freeze { .. }, Some(who)) => self.freeze(who, "frozen"),
            (What::Unfreeze { .. }, Some(who)) => self.freeze(who, "active"),
            (What::Close { .. }, Some(who)) => self.close_member(who),
            (What::Erase { .. }, Some(who)) => Ok(self.erase(who)),
        }
    }

    fn enrol(&mut self, id: &str, attributes: Option<&Pairs>) -> Judged {
        let known = self.member_place(id);
        none(known.and_then(|who| self.closed(who)).into_iter().collect())?;
        let mut together = known
            .and_then(|who| self.members[who].attributes.clone())
            .unwrap_or_default();
        for (key, value) in attributes.into_iter().flatten() {
            together.retain(|(known, _)| known != key);
            together.push((key.clone(), value.clone()));
        }
        let bytes = together.iter().map(|(key, value)| key.len() + value.len());
        if bytes.sum::<usize>() > ATTRIBUTE_BYTES {
            // Only the merged size can be too large, and it is told as "more than the limit".
            let limit = ATTRIBUTE_BYTES as u64;
            let over = Why::measured("member_limit_reached", limit, limit + 1);
            return Err(vec![over]);
        }
        let who = known.unwrap_or_else(|| {
            self.members.push(Member {
                id: id.to_owned(),
                state: "active",
                attributes: None,
                purses: Vec::new(),
                answered: Vec::new(),
            });
            self.members.len() - 1
        });
        if attributes.is_some() {
            self.members[who].attributes = Some(together);
        }
        Ok(Done::new(Told::Enrolled, "enrolled", None))
    }

    fn put_merchant(&mut self, id: &str, name: &str) -> Done {
        let place = self.merchant_made(id);
        let merchant = &mut self.merchants[place];
        let changed = merchant.version == 0 || merchant.name != name;
        merchant.version += u64::from(changed);
        name.clone_into(&mut merchant.name);
        let version = merchant.version;
        Done::new(Told::Document { version, changed }, "merchant-put", None)
    }

    fn earn(&mut self, now: u64, who: Option<usize>, what: &What) -> Judged {
        let What::Earn {
            merchant,
            points,
            point_type,
            last_day,
            class,
            at,
            releases_at,
            ..
        } = what
        else {
            unreachable!("judged by the kind of command")
        };
        let name = LotName {
            issuer: merchant.clone(),
            class: class.clone(),
            last_day: *last_day,
        };
        let mut whys = self.strangers(who, Some(merchant), point_type);
        if at.is_some_and(|at| at > now) {
            whys.push(Why::plain("at_in_future"));
        }
        whys.extend(who.and_then(|who| self.closed(who)));
        if let Some(who) = who.filter(|_| self.is_kind(point_type)) {
            // Pending points are kept apart, whatever lot they will go to.
            if releases_at.is_some_and(|release| release > now) {
                whys.extend(self.no_room_for_lot(who, point_type));
                whys.extend(self.no_room(who, point_type, *points));
            } else {
                whys.extend(self.no_room_for_points(who, point_type, &name, *points));
            }
        }
        none(whys)?;
        let who = who.expect("not a stranger");
        let first_earned = at.unwrap_or(now);
        let told = Told::Lots(vec![name.part(*points)]);
        let deed = if let Some(releases_at) = releases_at.filter(|&release| release > now) {
            let route = (Place::Issued, Place::Pending);
            self.post(who, point_type, &name, *points, route);
            let purse = self.members[who].purse_mut(point_type);
            purse.pending.push(Pending {
                seq: self.seq + 1,
                name: name.clone(),
                first_earned,
                releases_at,
                points: *points,
            });
            "earned-pending"
        } else {
            let part = Part {
                name: name.clone(),
                first_earned,
                points: *points,
            };
            self.deposit(now, who, point_type, vec![part], &Place::Issued);
            "earned"
        };
        Ok(Done {
            sort: Sort::Earn(name),
            points: *points,
            ..Done::new(told, deed, Some(point_type.clone()))
        })
    }

    /// Whether points of a lot find no room: as one lot more, or as points.
    pub(super) fn no_room_for_points(
        &self,
        who: usize,
        point_type: &str,
        name: &LotName,
        points: u64,
    ) -> Vec<Why> {
        let mut whys = Vec::new();
        let purse = self.members[who].purse(point_type);
        let lot = purse.and_then(|purse| purse.lot(name));
        if lot.is_none_or(super::purse::Lot::is_empty) {
            whys.extend(self.no_room_for_lot(who, point_type));
        }
        whys.extend(self.no_room(who, point_type, points));
        whys
    }

    fn redeem(&mut self, who: Option<usize>, what: &What) -> Judged {
        let What::Redeem {
            merchant,
            points,
            point_type,
            used_for,
            ..
        } = what
        else {
            unreachable!("judged by the kind of command")
        };
        let mut whys = self.strangers(who, Some(merchant), point_type);
        whys.extend(self.no_spend(who, point_type, used_for.as_deref(), *points));
        none(whys)?;
        let who = who.expect("not a stranger");
        let acceptor = Place::Accepted(merchant.clone());
        let taken = self.take(who, point_type, *points, &acceptor);
        let shares = taken.iter().map(|(name, points)| name.part(*points));
        let told = Told::Lots(shares.collect());
        Ok(Done {
            sort: Sort::Spend(taken, merchant.clone()),
            points: *points,
            ..Done::new(told, "redeemed", Some(point_type.clone()))
        })
    }

    /// Why points cannot be spent or set aside, beside who and what is not known.
    pub(super) fn no_spend(
        &self,
        who: Option<usize>,
        point_type: &str,
        used_for: Option<&str>,
        points: u64,
    ) -> Vec<Why> {
        let mut whys = Vec::new();
        if let Some(who) = who {
            whys.extend(self.barred(who));
            whys.extend(self.unfit(point_type, used_for));
            if self.is_kind(point_type) {
                whys.extend(self.short_of(who, point_type, points));
            }
        }
        whys
    }
}
