//! The naive twin: one shard's ledger once more, written from the contract with vectors and linear searches.
//!
//! It shares no code with the engine and is never made faster. Where the contract leaves an order open (which of two
//! lots that lapse and were earned at the same moments goes first, which of two due holds ends first), the workload
//! avoids the case or the twin is told.

mod commands;
mod points;

use crate::{
    ask::{Ask, Pairs, What},
    heard::{Heard, Recorded, Told, WalletSeen, Why},
};

/// One shard's ledger, the slow way.
#[derive(Clone, Debug)]
pub struct Twin {
    shard: u16,
    point_types: Vec<String>,
    lots_max: usize,
    holds_max: usize,
    members: Vec<Member>,
    merchants: Vec<Merchant>,
    holds: Vec<Hold>,
    seq: u64,
    at: u64,
}

#[derive(Clone, Debug)]
struct Member {
    id: String,
    attributes: Option<Pairs>,
    lots: Vec<Lot>,
    answered: Vec<(Ask, Recorded)>,
}

#[derive(Clone, Debug)]
struct Merchant {
    id: String,
    name: String,
    version: u64,
    answered: Vec<(Ask, Recorded)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct LotName {
    point_type: String,
    issuer: String,
    class: String,
    last_day: Option<u32>,
}

#[derive(Clone, Debug)]
struct Lot {
    name: LotName,
    first_earned: u64,
    available: u64,
    held: u64,
}

#[derive(Clone, Debug)]
struct Hold {
    id: String,
    seq: u64,
    member: String,
    point_type: String,
    points: u64,
    captured: u64,
    released: u64,
    state: &'static str,
    expires_at: u64,
    /// What is still set aside, in the order in which it was taken.
    parts: Vec<(LotName, u64)>,
}

/// What the twin makes of a command: what is told, about which point type, or what stands in the way.
type Judged = Result<(Told, Option<String>), Vec<Why>>;

const fn plain(code: &'static str) -> Why {
    Why {
        code,
        limit: None,
        requested: None,
    }
}

const fn measured(code: &'static str, limit: u64, requested: u64) -> Why {
    Why {
        code,
        limit: Some(limit),
        requested: Some(requested),
    }
}

/// Whether a refusal is remembered: only what comes from the member's own state is.
fn binds(whys: &[Why]) -> bool {
    whys.iter().all(|why| {
        matches!(
            why.code,
            "hold_captured"
                | "hold_released"
                | "hold_expired"
                | "member_limit_reached"
                | "exceeds_hold"
                | "insufficient_points"
        )
    })
}

impl Twin {
    /// An empty shard. `lots_max` counts lots per point type, `holds_max` open holds.
    #[must_use]
    pub fn new(shard: u16, point_types: &[&str], lots_max: usize, holds_max: usize) -> Self {
        Self {
            shard,
            point_types: point_types.iter().map(|&name| name.to_owned()).collect(),
            lots_max,
            holds_max,
            members: Vec::new(),
            merchants: Vec::new(),
            holds: Vec::new(),
            seq: 0,
            at: 0,
        }
    }

    /// The last entry's sequence.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Answers a request at `now` and does what it asks.
    pub fn hear(&mut self, now: u64, ask: &Ask) -> Heard {
        let at = now.max(self.at);
        let Some(object) = self.object(&ask.what) else {
            return Heard::Declined(vec![plain("hold_not_found")]);
        };
        if let Some((before, answer)) = self.answered(&object, ask) {
            return if before.same_content(ask) {
                Heard::Recorded {
                    answer: answer.clone(),
                    replayed: true,
                }
            } else {
                Heard::Declined(vec![plain("request_id_reused")])
            };
        }
        let (told, point_type) = match self.judge(at, ask) {
            Ok(judged) => judged,
            Err(whys) if binds(&whys) => {
                let point_type = self.point_type_of(&ask.what);
                (Told::Refused(whys), point_type)
            }
            Err(whys) => return Heard::Declined(whys),
        };
        self.seq += 1;
        self.at = at;
        let answer = Recorded {
            id: ask.id.clone(),
            verb: ask.what.verb(),
            seq: self.seq,
            at,
            reference: ask.reference.clone(),
            balance: point_type.map(|point_type| {
                let (available, held) = self.sums(&object, &point_type);
                (point_type, [available, held, 0, 0])
            }),
            told,
        };
        self.answered_mut(&ask.what, &object)
            .push((ask.clone(), answer.clone()));
        Heard::Recorded {
            answer,
            replayed: false,
        }
    }

    /// Ends the hold that entry `seq` made.
    ///
    /// # Errors
    ///
    /// If it is not open, or its time is not over at `now`.
    pub fn expire(&mut self, now: u64, seq: u64) -> Result<(), String> {
        let place = self.holds.iter().position(|hold| hold.seq == seq);
        let place = place.ok_or_else(|| format!("entry {seq} made no hold"))?;
        let hold = &self.holds[place];
        if hold.state != "open" || now < hold.expires_at {
            return Err(format!("at {now} this hold is not due: {hold:?}"));
        }
        self.seq += 1;
        self.at = self.at.max(now);
        let rest: u64 = hold.parts.iter().map(|part| part.1).sum();
        self.give_back(place, rest);
        self.close(place, "expired");
        Ok(())
    }

    /// How long ago the most overdue open hold should have ended, in milliseconds.
    #[must_use]
    pub fn most_overdue(&self, now: u64) -> Option<u64> {
        let open = self.holds.iter().filter(|hold| hold.state == "open");
        open.filter_map(|hold| now.checked_sub(hold.expires_at))
            .max()
    }

    /// Takes over a merchant's document from another shard.
    pub fn carry(&mut self, at: u64, id: &str, name: &str, version: u64) {
        self.seq += 1;
        self.at = self.at.max(at);
        let merchant = self.merchant_mut(id);
        merchant.name = name.to_owned();
        merchant.version = version;
    }

    /// A member's points by point type, `None` if nobody of that name is enrolled. Point types of which the member
    /// has nothing are left out.
    #[must_use]
    pub fn member(&self, id: &str) -> Option<Vec<WalletSeen>> {
        let member = self.members.iter().find(|member| member.id == id)?;
        let mut names = self.point_types.clone();
        names.sort();
        let wallets = names.into_iter().map(|point_type| {
            let lots = member.in_order(&point_type);
            WalletSeen {
                available: lots.iter().map(|lot| lot.available).sum(),
                held: lots.iter().map(|lot| lot.held).sum(),
                lots: lots
                    .iter()
                    .map(|lot| (lot.part(lot.available), lot.held))
                    .collect(),
                point_type,
            }
        });
        Some(wallets.filter(|wallet| !wallet.lots.is_empty()).collect())
    }

    /// Everybody who is enrolled.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.id.as_str())
    }

    /// What became of a hold: state, points, captured, released.
    #[must_use]
    pub fn hold(&self, id: &str) -> Option<(&'static str, u64, u64, u64)> {
        let hold = self.holds.iter().find(|hold| hold.id == id)?;
        Some((hold.state, hold.points, hold.captured, hold.released))
    }

    /// The member or merchant whose requests these are; `None` if the hold is not known.
    fn object(&self, what: &What) -> Option<String> {
        match what {
            What::Enrol { member, .. }
            | What::Earn { member, .. }
            | What::Redeem { member, .. }
            | What::Hold { member, .. } => Some(member.clone()),
            What::Capture { hold, .. } | What::Release { hold } => {
                let hold = self.holds.iter().find(|known| known.id == *hold)?;
                Some(hold.member.clone())
            }
            What::PutMerchant { merchant, .. } => Some(merchant.clone()),
        }
    }

    fn answered(&self, object: &str, ask: &Ask) -> Option<&(Ask, Recorded)> {
        let answered = if matches!(ask.what, What::PutMerchant { .. }) {
            &self
                .merchants
                .iter()
                .find(|merchant| merchant.id == object)?
                .answered
        } else {
            &self
                .members
                .iter()
                .find(|member| member.id == object)?
                .answered
        };
        answered
            .iter()
            .find(|(before, _)| before.principal == ask.principal && before.id == ask.id)
    }

    fn answered_mut(&mut self, what: &What, object: &str) -> &mut Vec<(Ask, Recorded)> {
        if matches!(what, What::PutMerchant { .. }) {
            &mut self.merchant_mut(object).answered
        } else {
            &mut self.member_mut(object).answered
        }
    }

    fn member_mut(&mut self, id: &str) -> &mut Member {
        let found = self.members.iter().position(|member| member.id == id);
        &mut self.members[found.expect("judged: the member is enrolled")]
    }

    /// Makes the merchant known if need be.
    fn merchant_mut(&mut self, id: &str) -> &mut Merchant {
        let found = self.merchants.iter().position(|merchant| merchant.id == id);
        let place = found.unwrap_or_else(|| {
            self.merchants.push(Merchant {
                id: id.to_owned(),
                name: String::new(),
                version: 0,
                answered: Vec::new(),
            });
            self.merchants.len() - 1
        });
        &mut self.merchants[place]
    }

    fn point_type_of(&self, what: &What) -> Option<String> {
        match what {
            What::Earn { point_type, .. }
            | What::Redeem { point_type, .. }
            | What::Hold { point_type, .. } => Some(point_type.clone()),
            What::Capture { hold, .. } | What::Release { hold } => {
                let hold = self.holds.iter().find(|known| known.id == *hold);
                hold.map(|hold| hold.point_type.clone())
            }
            What::Enrol { .. } | What::PutMerchant { .. } => None,
        }
    }

    fn sums(&self, member: &str, point_type: &str) -> (u64, u64) {
        let member = self.members.iter().find(|known| known.id == member);
        let lots = member
            .map(|member| member.in_order(point_type))
            .unwrap_or_default();
        (
            lots.iter().map(|lot| lot.available).sum(),
            lots.iter().map(|lot| lot.held).sum(),
        )
    }
}
