//! Random commands: mostly sensible, with everything in between that clients send by mistake.

use jifen_engine::ledger::{PointKind, PointType, Uses};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    ask::{Ask, Pairs, What},
    heard::{Heard, Told},
};

/// When the first command comes: an evening in 2026, in milliseconds.
pub const START: u64 = 1_790_000_000_000;
/// Within this many milliseconds everything is remembered, so retries, holds and transactions older than that are not
/// touched, unless [`Workload::remembering`] says otherwise.
const REMEMBERED_MILLIS: u64 = 6 * DAY_MILLIS;
const DAY_MILLIS: u64 = 24 * 3_600_000;
/// Two of these do not fit one balance.
const HUGE: u64 = 1 << 52;
/// The programme's days begin so much earlier than those of UTC.
const DAY_OFFSET_MILLIS: u64 = 8 * 3_600_000;
/// The point types there are; one more is asked for by mistake.
pub const POINT_TYPES: [&str; 3] = ["points", "miles", "growth"];

/// The rules of [`POINT_TYPES`]: the first is good for everything, the second not for paying in place of money, and the
/// third cannot be spent at all.
#[must_use]
pub fn point_kinds() -> Vec<PointKind> {
    let redeem_only = Uses {
        offset: false,
        ..Uses::ALL
    };
    let uses = [Uses::ALL, redeem_only, Uses::GRADE_ONLY];
    POINT_TYPES
        .into_iter()
        .zip(uses)
        .map(|(name, uses)| PointKind {
            uses,
            ..PointKind::plain(PointType::new(name).unwrap())
        })
        .collect()
}

/// What the commands are like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How many members there may be.
    pub members: u32,
    /// How many merchants there may be.
    pub merchants: u32,
    /// Whether every earn tells when it happened. Then no two lots are earned at the same moment, even where the
    /// clock stands still or goes back.
    pub earns_tell_when: bool,
    /// Whether commands carry about a kilobyte of metadata, so that turns need several values.
    pub fat: bool,
}

/// A source of commands.
pub struct Workload {
    rng: ChaCha8Rng,
    shape: Shape,
    asks: u32,
    instants: u64,
    sent: Vec<(Ask, u64)>,
    holds: Vec<(String, u64)>,
    /// What can be reversed, and now and then what cannot.
    deals: Vec<(String, u64)>,
    /// How many members were closed; as many newcomers take their places.
    closed: u32,
    remembered_millis: u64,
}

impl Workload {
    /// The commands of a seed.
    #[must_use]
    pub fn new(seed: u64, shape: Shape) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            shape,
            asks: 0,
            instants: 0,
            sent: Vec::new(),
            holds: Vec::new(),
            deals: Vec::new(),
            closed: 0,
            remembered_millis: REMEMBERED_MILLIS,
        }
    }

    /// The same commands for a ledger that remembers everything for so long.
    #[must_use]
    pub const fn remembering(mut self, millis: u64) -> Self {
        self.remembered_millis = millis;
        self
    }

    /// The next command, to be sent at `now`.
    pub fn sample(&mut self, now: u64) -> Ask {
        if self.one_in(12)
            && let Some(again) = self.repeated(now)
        {
            return again;
        }
        let ask = match self.rng.random_range(0..1_000) {
            0..20 => self.put_merchant(),
            20..80 => self.enrol(),
            80..420 => self.earn(now),
            420..560 => self.redeem(),
            560..670 => self.hold(),
            670..780 => self.capture(now),
            780..830 => self.release(now),
            830..950 => self.reverse(now),
            950..975 => self.adjust(),
            _ => self.live_on(),
        };
        self.sent.push((ask.clone(), now));
        ask
    }

    /// A request that nobody made before.
    pub fn fresh_enrolment(&mut self) -> Ask {
        self.enrol()
    }

    /// Enrolments and documents that make the other commands worth while.
    pub fn opening(&mut self) -> Vec<Ask> {
        let merchants = (0..self.shape.merchants).map(|number| What::PutMerchant {
            merchant: format!("M{number}"),
            name: format!("Shop {number}"),
        });
        let members = (0..self.shape.members).map(|number| What::Enrol {
            member: format!("A{number}"),
            attributes: None,
        });
        let all: Vec<What> = merchants.chain(members).collect();
        all.into_iter().map(|what| self.ask(what)).collect()
    }

    /// Takes note of what a command was told: holds are captured later, and what was done is reversed.
    pub fn learn(&mut self, now: u64, heard: &Heard) {
        let Heard::Recorded {
            answer,
            replayed: false,
        } = heard
        else {
            return;
        };
        match &answer.told {
            Told::Held { hold, .. } => self.holds.push((hold.clone(), now)),
            Told::Closed => self.closed += 1,
            _ => {}
        }
        let mut seq = answer.seq;
        let reversible = match answer.told {
            Told::Lots(_) | Told::Captured { .. } => true,
            // What cannot be reversed is tried too, and so are the entries in front, whatever they are.
            _ if self.one_in(25) => true,
            _ if self.one_in(50) => {
                seq -= 1;
                true
            }
            _ => false,
        };
        if reversible {
            self.deals.push((format!("t{}-{seq}", answer.shard), now));
        }
    }

    fn ask(&mut self, what: What) -> Ask {
        self.asks += 1;
        let principal = if self.one_in(4) { "till" } else { "app" };
        let mut ask = Ask::new(principal, &format!("r{}", self.asks), what);
        if self.one_in(10) {
            ask.reference = Some(format!("reference {}", self.asks));
        }
        if self.shape.fat {
            let size = self.rng.random_range(700..1_000);
            ask.metadata = Some(vec![("note".to_owned(), "x".repeat(size))]);
        } else if self.one_in(20) {
            ask.metadata = Some(vec![("channel".to_owned(), "web".to_owned())]);
        }
        ask
    }

    /// An earlier command again; sometimes with other content, another sender, or under a new id.
    fn repeated(&mut self, now: u64) -> Option<Ask> {
        let mut ask = self.recent(now)?;
        // What is new to the ledger must not be about a hold or a transaction that it may have forgotten.
        let new = match &ask.what {
            What::Capture { hold, .. } | What::Release { hold } => {
                self.is_recent(&self.holds, hold, now)
            }
            What::Reverse { transaction, .. } => self.is_recent(&self.deals, transaction, now),
            _ => true,
        };
        match self.rng.random_range(0..10) {
            0 => ask.reference = Some("changed".to_owned()),
            1 => {
                let (id, principal) = (ask.id.clone(), ask.principal.clone());
                ask = self.earn(now);
                (ask.id, ask.principal) = (id, principal);
            }
            2 if new => ask.principal = "other".to_owned(),
            3 if new => ask = self.ask(ask.what),
            _ => {}
        }
        Some(ask)
    }

    fn is_recent(&self, all: &[(String, u64)], name: &str, now: u64) -> bool {
        let known = all.iter().rev().find(|(known, _)| known == name);
        known.is_some_and(|&(_, at)| at + self.remembered_millis >= now)
    }

    fn recent(&mut self, now: u64) -> Option<Ask> {
        let oldest = now.saturating_sub(self.remembered_millis);
        let from = self.sent.partition_point(|&(_, at)| at < oldest);
        self.sent[from..]
            .choose(&mut self.rng)
            .map(|(ask, _)| ask.clone())
    }

    fn put_merchant(&mut self) -> Ask {
        let what = What::PutMerchant {
            merchant: self.merchant(),
            name: format!("Shop {}", self.rng.random_range(0..3)),
        };
        self.ask(what)
    }

    fn enrol(&mut self) -> Ask {
        let member = self.member();
        let attributes = self.one_in(2).then(|| self.attributes());
        self.ask(What::Enrol { member, attributes })
    }

    fn attributes(&mut self) -> Pairs {
        let key = *["city", "birthday", "note"]
            .choose(&mut self.rng)
            .expect("not empty");
        let size = if self.one_in(4) { 600 } else { 6 };
        vec![(key.to_owned(), "v".repeat(size))]
    }

    fn earn(&mut self, now: u64) -> Ask {
        let classes = ["ordinary", "ordinary", "ordinary", "invitation", "bought"];
        let at = if self.one_in(100) {
            Some(now + DAY_MILLIS * 400)
        } else if self.shape.earns_tell_when || self.one_in(4) {
            // Every instant is another one, and later earns may have happened earlier.
            self.instants += 1;
            Some(START - 1 - self.instants * 7_919 % 1_000_003)
        } else {
            None
        };
        let what = What::Earn {
            member: self.member(),
            merchant: self.merchant(),
            points: self.income(),
            point_type: self.point_type(),
            last_day: self.last_day(now),
            class: (*classes.choose(&mut self.rng).expect("not empty")).to_owned(),
            order: self.one_in(5).then(|| "order-1".to_owned()),
            at,
            releases_at: self.one_in(6).then(|| self.release_time(now)),
        };
        self.ask(what)
    }

    fn income(&mut self) -> u64 {
        if self.one_in(60) {
            HUGE + self.rng.random_range(0..1_000)
        } else {
            self.rng.random_range(1..=200)
        }
    }

    /// Few enough days that lots meet again: none, every third from yesterday on for a while, or far away.
    fn last_day(&mut self, now: u64) -> Option<u32> {
        let today = u32::try_from((now + DAY_OFFSET_MILLIS) / DAY_MILLIS).unwrap();
        match self.rng.random_range(0..8) {
            0..2 => None,
            2 => Some(today.saturating_sub(self.rng.random_range(0..2))),
            3..7 => Some((today + self.rng.random_range(0..12)).next_multiple_of(3)),
            _ => Some((today + 100).next_multiple_of(100)),
        }
    }

    /// Mostly soon, sometimes over already.
    fn release_time(&mut self, now: u64) -> u64 {
        match self.rng.random_range(0..8) {
            0 => now - self.rng.random_range(0..DAY_MILLIS),
            1..6 => now + self.rng.random_range(1..60_000),
            _ => now + self.rng.random_range(1..5 * DAY_MILLIS),
        }
    }

    fn redeem(&mut self) -> Ask {
        let what = What::Redeem {
            member: self.member(),
            merchant: self.merchant(),
            points: self.spend(),
            point_type: self.point_type(),
            used_for: self.used_for(),
            order: self.one_in(5).then(|| "order-2".to_owned()),
            cash: self.one_in(5).then_some(1_990),
        };
        self.ask(what)
    }

    fn hold(&mut self) -> Ask {
        let what = What::Hold {
            member: self.member(),
            merchant: self.merchant(),
            points: self.spend(),
            point_type: self.point_type(),
            used_for: self.used_for(),
            order: None,
            ttl_seconds: self.rng.random_range(1..=1_800),
        };
        self.ask(what)
    }

    fn capture(&mut self, now: u64) -> Ask {
        let what = What::Capture {
            hold: self.known_hold(now),
            points: self.one_in(2).then(|| self.rng.random_range(1..=120)),
            last: !self.one_in(3),
        };
        self.ask(what)
    }

    fn release(&mut self, now: u64) -> Ask {
        let hold = self.known_hold(now);
        self.ask(What::Release { hold })
    }

    fn reverse(&mut self, now: u64) -> Ask {
        let what = What::Reverse {
            transaction: lately(&mut self.rng, &self.deals, now, self.remembered_millis)
                .unwrap_or_else(|| "t0-987654321".to_owned()),
            points: self.one_in(2).then(|| self.rng.random_range(1..=120)),
            reason: self.one_in(3).then(|| "sent back".to_owned()),
        };
        self.ask(what)
    }

    fn adjust(&mut self) -> Ask {
        let up = self.one_in(2);
        let what = What::Adjust {
            member: self.member(),
            up,
            points: if up { self.income() } else { self.spend() },
            point_type: self.point_type(),
            reason: "a correction".to_owned(),
        };
        self.ask(what)
    }

    /// Freezing, unfreezing, closing, erasing.
    fn live_on(&mut self) -> Ask {
        let (member, reason) = (self.member(), "a reason".to_owned());
        let what = match self.rng.random_range(0..100) {
            0..25 => What::Freeze { member, reason },
            25..75 => What::Unfreeze { member, reason },
            75..85 => What::Close { member, reason },
            _ => What::Erase { member },
        };
        self.ask(what)
    }

    fn used_for(&mut self) -> Option<String> {
        let uses = [
            None,
            None,
            None,
            Some("goods"),
            Some("gift"),
            Some("offset"),
        ];
        let used_for = *uses.choose(&mut self.rng).expect("not empty");
        used_for.map(str::to_owned)
    }

    fn known_hold(&mut self, now: u64) -> String {
        lately(&mut self.rng, &self.holds, now, self.remembered_millis)
            .unwrap_or_else(|| "h0-987654321".to_owned())
    }

    fn member(&mut self) -> String {
        let stranger = u32::from(self.one_in(50));
        let number = self.rng.random_range(0..self.shape.members);
        format!("A{}", number + self.closed + stranger * 1_000)
    }

    fn merchant(&mut self) -> String {
        let stranger = u32::from(self.one_in(50));
        let number = self.rng.random_range(0..self.shape.merchants);
        format!("M{}", number + stranger * 1_000)
    }

    fn point_type(&mut self) -> String {
        let name = match self.rng.random_range(0..40) {
            0 => "stars",
            1..8 => POINT_TYPES[1],
            8..10 => POINT_TYPES[2],
            _ => POINT_TYPES[0],
        };
        name.to_owned()
    }

    fn spend(&mut self) -> u64 {
        let most = if self.one_in(4) { 1_500 } else { 150 };
        self.rng.random_range(1..=most)
    }

    fn one_in(&mut self, times: u32) -> bool {
        self.rng.random_ratio(1, times)
    }
}

/// The name of something that happened lately, mostly one of the last; now and then none that anybody knows.
fn lately(
    rng: &mut ChaCha8Rng,
    all: &[(String, u64)],
    now: u64,
    remembered_millis: u64,
) -> Option<String> {
    let oldest = now.saturating_sub(remembered_millis);
    let lately = &all[all.partition_point(|&(_, at)| at < oldest)..];
    let newest = &lately[lately.len().saturating_sub(8)..];
    let pool = if rng.random_bool(0.8) { newest } else { lately };
    let (name, _) = pool.choose(rng)?;
    (!rng.random_bool(0.02)).then(|| name.clone())
}
