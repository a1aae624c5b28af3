//! The naive twin: one shard's ledger once more, written from the contract with vectors and linear searches.
//!
//! It shares no code with the engine, never forgets anything and is never made faster. Where the contract leaves an
//! order open (which of two lots that lapse and were earned at the same moments goes first, whose lots the sweep looks
//! at first), the workload avoids the case or the twin is told.

mod books;
mod commands;
mod due;
mod holds;
mod lifecycle;
mod points;
mod purse;
mod reading;
mod refusing;
mod reversing;

use jifen_engine::ledger::Rules;

pub use self::books::Account;
use self::purse::{LotName, Purse};
use crate::{
    ask::{Ask, Pairs, What},
    heard::{Heard, Recorded, Told, Why},
    moved::{Made, Moved, Place},
};

/// One shard's ledger, the slow way.
#[derive(Clone, Debug)]
pub struct Twin {
    shard: u16,
    figures: Figures,
    members: Vec<Member>,
    merchants: Vec<Merchant>,
    holds: Vec<Hold>,
    deals: Vec<Deal>,
    /// Per point type: breakage, and what adjustments gave and took.
    unowned: Vec<(String, [u128; 3])>,
    /// The moves of the entry in the making.
    moves: Vec<Moved>,
    made: Vec<Made>,
    seq: u64,
    at: u64,
}

/// The rules in plain numbers.
#[derive(Clone, Debug)]
struct Figures {
    kinds: Vec<Kind>,
    day_offset_millis: i64,
    lots_max: u64,
    holds_max: u64,
    window_millis: u64,
    /// For how long a transaction is found at all.
    findable_millis: u64,
}

#[derive(Clone, Debug)]
struct Kind {
    name: String,
    offset: bool,
    redeem: bool,
}

#[derive(Clone, Debug)]
struct Member {
    id: String,
    state: &'static str,
    attributes: Option<Pairs>,
    /// In the order in which the member met the point types.
    purses: Vec<Purse>,
    answered: Vec<(Ask, Recorded)>,
}

#[derive(Clone, Debug)]
struct Merchant {
    id: String,
    name: String,
    version: u64,
    accounts: Vec<(String, Account)>,
    answered: Vec<(Ask, Recorded)>,
}

#[derive(Clone, Debug)]
struct Hold {
    id: String,
    seq: u64,
    who: usize,
    merchant: String,
    point_type: String,
    points: u64,
    captured: u64,
    released: u64,
    state: &'static str,
    expires_at: u64,
    /// What is still set aside, in the order in which it was taken.
    parts: Vec<Taken>,
}

/// An accepted command of a member, and how much of it was reversed.
#[derive(Clone, Debug)]
struct Deal {
    seq: u64,
    at: u64,
    who: usize,
    point_type: Option<String>,
    sort: Sort,
    points: u64,
    reversed: u64,
}

/// What a reversal can make of a deal.
#[derive(Clone, Debug)]
enum Sort {
    Earn(LotName),
    /// What was taken, in that order, and who accepted it.
    Spend(Vec<Taken>, String),
    Other,
}

/// Points of a lot that were taken.
type Taken = (LotName, u64);

/// What the twin makes of an accepted command.
struct Done {
    told: Told,
    deed: &'static str,
    /// The point type whose balance the answer tells.
    point_type: Option<String>,
    sort: Sort,
    points: u64,
}

/// What is done, or everything that stands in the way.
type Judged = Result<Done, Vec<Why>>;

impl Done {
    const fn new(told: Told, deed: &'static str, point_type: Option<String>) -> Self {
        Self {
            told,
            deed,
            point_type,
            sort: Sort::Other,
            points: 0,
        }
    }
}

/// Whose requests these are.
enum Object {
    Member(usize),
    Merchant(usize),
    /// Not known (yet).
    Nobody,
}

impl Twin {
    /// An empty shard that judges by these rules.
    #[must_use]
    pub fn new(shard: u16, rules: &Rules) -> Self {
        let kinds = rules.point_types.iter().map(|kind| Kind {
            name: kind.name.to_string(),
            offset: kind.uses.offset,
            redeem: kind.uses.redeem,
        });
        Self {
            shard,
            figures: Figures {
                kinds: kinds.collect(),
                day_offset_millis: i64::from(rules.utc_offset_minutes) * 60_000,
                lots_max: rules.lots_per_wallet_max as u64,
                holds_max: u64::from(rules.open_holds_per_member_max),
                window_millis: rules.reversal_window_seconds * 1_000,
                findable_millis: (rules.reversal_window_seconds + rules.request_retention_seconds)
                    * 1_000,
            },
            members: Vec::new(),
            merchants: Vec::new(),
            holds: Vec::new(),
            deals: Vec::new(),
            unowned: Vec::new(),
            moves: Vec::new(),
            made: Vec::new(),
            seq: 0,
            at: 0,
        }
    }

    /// The last entry's sequence.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The entries made since this was asked last.
    pub fn take_made(&mut self) -> Vec<Made> {
        std::mem::take(&mut self.made)
    }

    /// Marks the end of the last entry's day, if it is over.
    pub fn end_day(&mut self, now: u64) {
        let at = now.max(self.at);
        if self.seq > 0 && self.today(at) > self.today(self.at) {
            self.record(at, String::new(), "day-ended", None);
        }
    }

    /// Answers a request at `now` and does what it asks; before that, what is due of its member.
    pub fn hear(&mut self, now: u64, ask: &Ask) -> Heard {
        self.end_day(now);
        let at = now.max(self.at);
        let object = match self.object(&ask.what) {
            Ok(object) => object,
            Err(code) => return Heard::Declined(vec![Why::plain(code)]),
        };
        if let Some(heard) = self.repeated(&object, ask) {
            return heard;
        }
        if let Object::Member(who) = object {
            self.settle(at, who);
        }
        let (done, refused) = match self.judge(at, &object, ask) {
            Ok(done) => (done, false),
            Err(whys) if whys.iter().all(refusing::binds) => {
                let point_type = self.point_type_of(&ask.what);
                (Done::new(Told::Refused(whys), "refused", point_type), true)
            }
            Err(whys) => return Heard::Declined(whys),
        };
        // An enrolment or a document may have made it known.
        let object = self.object(&ask.what).unwrap_or(object);
        self.record(
            at,
            self.name_of(&object),
            done.deed,
            done.point_type.as_deref(),
        );
        let answer = self.answer(at, &object, ask, &done);
        if let (Object::Member(who), false) = (&object, refused) {
            self.deals.push(Deal {
                seq: self.seq,
                at,
                who: *who,
                point_type: done.point_type,
                sort: done.sort,
                points: done.points,
                reversed: 0,
            });
            // What a closed member has left in other purses follows at once.
            self.settle(at, *who);
        }
        self.answered_mut(&object)
            .push((ask.clone(), answer.clone()));
        Heard::Recorded {
            answer,
            replayed: false,
        }
    }

    fn answer(&self, at: u64, object: &Object, ask: &Ask, done: &Done) -> Recorded {
        let balance = |point_type: &String| match object {
            Object::Member(who) => (point_type.clone(), self.members[*who].balance(point_type)),
            _ => (point_type.clone(), [0; 4]),
        };
        let moves = self.made.last().into_iter().flat_map(|made| &made.moves);
        let gone = moves.filter(|one| one.to == Place::Breakage);
        Recorded {
            id: ask.id.clone(),
            verb: ask.what.verb(),
            shard: self.shard,
            seq: self.seq,
            at,
            reference: ask.reference.clone(),
            balance: done.point_type.as_ref().map(balance),
            forfeited: gone.map(|one| one.points).sum(),
            told: done.told.clone(),
        }
    }

    /// Takes over a merchant's document from another shard.
    pub fn carry(&mut self, at: u64, id: &str, name: &str, version: u64) {
        self.end_day(at);
        let place = self.merchant_made(id);
        let merchant = &mut self.merchants[place];
        merchant.name = name.to_owned();
        merchant.version = version;
        self.record(self.at.max(at), id.to_owned(), "merchant-put", None);
    }

    /// Whose requests these are; an error if the hold or the transaction is not known.
    fn object(&self, what: &What) -> Result<Object, &'static str> {
        let known = |place: Option<usize>| place.map_or(Object::Nobody, Object::Member);
        Ok(match what {
            What::Capture { hold, .. } | What::Release { hold } => {
                let hold = self.holds.iter().find(|known| known.id == *hold);
                Object::Member(hold.ok_or("hold_not_found")?.who)
            }
            What::Reverse { transaction, .. } => {
                let deal = self.deal(transaction).ok_or("transaction_not_found")?;
                Object::Member(self.deals[deal].who)
            }
            What::PutMerchant { merchant, .. } => self
                .merchant_place(merchant)
                .map_or(Object::Nobody, Object::Merchant),
            other => known(other.member().and_then(|id| self.member_place(id))),
        })
    }

    fn repeated(&self, object: &Object, ask: &Ask) -> Option<Heard> {
        let answered = match object {
            Object::Member(who) => &self.members[*who].answered,
            Object::Merchant(place) => &self.merchants[*place].answered,
            Object::Nobody => return None,
        };
        let (before, answer) = answered
            .iter()
            .find(|(before, _)| before.principal == ask.principal && before.id == ask.id)?;
        Some(if before.same_content(ask) {
            Heard::Recorded {
                answer: answer.clone(),
                replayed: true,
            }
        } else {
            Heard::Declined(vec![Why::plain("request_id_reused")])
        })
    }

    fn answered_mut(&mut self, object: &Object) -> &mut Vec<(Ask, Recorded)> {
        match object {
            Object::Member(who) => &mut self.members[*who].answered,
            Object::Merchant(place) => &mut self.merchants[*place].answered,
            Object::Nobody => unreachable!("what is recorded is about somebody"),
        }
    }

    fn name_of(&self, object: &Object) -> String {
        match object {
            Object::Member(who) => self.members[*who].id.clone(),
            Object::Merchant(place) => self.merchants[*place].id.clone(),
            Object::Nobody => unreachable!("what is recorded is about somebody"),
        }
    }

    fn member_place(&self, id: &str) -> Option<usize> {
        self.members.iter().position(|member| member.id == id)
    }

    fn merchant_place(&self, id: &str) -> Option<usize> {
        self.merchants.iter().position(|known| known.id == id)
    }

    fn merchant_made(&mut self, id: &str) -> usize {
        self.merchant_place(id).unwrap_or_else(|| {
            self.merchants.push(Merchant {
                id: id.to_owned(),
                name: String::new(),
                version: 0,
                accounts: Vec::new(),
                answered: Vec::new(),
            });
            self.merchants.len() - 1
        })
    }

    /// The accepted command of a transaction's name.
    fn deal(&self, transaction: &str) -> Option<usize> {
        let name = |deal: &Deal| format!("t{}-{}", self.shard, deal.seq);
        self.deals.iter().position(|deal| name(deal) == transaction)
    }

    /// The point type that a refused command is about.
    fn point_type_of(&self, what: &What) -> Option<String> {
        match what {
            What::Earn { point_type, .. }
            | What::Redeem { point_type, .. }
            | What::Hold { point_type, .. }
            | What::Adjust { point_type, .. } => Some(point_type.clone()),
            What::Capture { hold, .. } | What::Release { hold } => {
                let hold = self.holds.iter().find(|known| known.id == *hold);
                hold.map(|hold| hold.point_type.clone())
            }
            What::Reverse { transaction, .. } => {
                let deal = &self.deals[self.deal(transaction)?];
                let reversible = !matches!(deal.sort, Sort::Other);
                deal.point_type.clone().filter(|_| reversible)
            }
            What::Enrol { .. }
            | What::PutMerchant { .. }
            | What::Freeze { .. }
            | What::Unfreeze { .. }
            | What::Close { .. }
            | What::Erase { .. } => None,
        }
    }
}
