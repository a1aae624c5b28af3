//! Random commands: mostly sensible, with everything in between that clients send by mistake.

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    ask::{Ask, Pairs, What},
    heard::{Heard, Told},
};

/// When the first command comes: an evening in 2026, in milliseconds.
pub const START: u64 = 1_790_000_000_000;
/// The day of [`START`], from 1970-01-01.
const TODAY: u32 = 20_717;
/// Within this many milliseconds everything is remembered, so retries and holds older than that are not touched.
const REMEMBERED_MILLIS: u64 = 6 * 24 * 3_600_000;
/// How many point types there are; a third one is asked for by mistake.
pub const POINT_TYPES: [&str; 2] = ["points", "miles"];

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
        }
    }

    /// The next command, to be sent at `now`.
    pub fn sample(&mut self, now: u64) -> Ask {
        if self.one_in(12)
            && let Some(again) = self.repeated(now)
        {
            return again;
        }
        let ask = match self.rng.random_range(8..100) {
            8..11 => self.put_merchant(),
            11..17 => self.enrol(),
            17..55 => self.earn(now),
            55..70 => self.redeem(),
            70..82 => self.hold(),
            82..93 => self.capture(now),
            _ => self.release(now),
        };
        self.sent.push((ask.clone(), now));
        ask
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

    /// Takes note of what a command was told: holds are captured later.
    pub fn learn(&mut self, now: u64, heard: &Heard) {
        if let Heard::Recorded {
            answer,
            replayed: false,
        } = heard
            && let Told::Held { hold, .. } = &answer.told
        {
            self.holds.push((hold.clone(), now));
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
        // What is new to the ledger must not be about a hold that it may have forgotten.
        let new = match &ask.what {
            What::Capture { hold, .. } | What::Release { hold } => self.is_recent(hold, now),
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

    fn is_recent(&self, hold: &str, now: u64) -> bool {
        let known = self.holds.iter().rev().find(|(known, _)| known == hold);
        known.is_some_and(|&(_, at)| at + REMEMBERED_MILLIS >= now)
    }

    fn recent(&mut self, now: u64) -> Option<Ask> {
        let from = self
            .sent
            .partition_point(|&(_, at)| at + REMEMBERED_MILLIS < now);
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
        let days = [
            None,
            None,
            Some(TODAY),
            Some(TODAY + 30),
            Some(TODAY + 30),
            Some(TODAY + 365),
        ];
        let classes = ["ordinary", "ordinary", "ordinary", "invitation", "bought"];
        let points = if self.one_in(60) {
            (1 << 52) + self.rng.random_range(0..1_000)
        } else {
            self.rng.random_range(1..=200)
        };
        let at = if self.one_in(100) {
            Some(now + 3_600_000 * 24 * 400)
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
            points,
            point_type: self.point_type(),
            last_day: *days.choose(&mut self.rng).expect("not empty"),
            class: (*classes.choose(&mut self.rng).expect("not empty")).to_owned(),
            order: self.one_in(5).then(|| "order-1".to_owned()),
            at,
        };
        self.ask(what)
    }

    fn redeem(&mut self) -> Ask {
        let what = What::Redeem {
            member: self.member(),
            merchant: self.merchant(),
            points: self.spend(),
            point_type: self.point_type(),
            used_for: self.one_in(3).then(|| "goods".to_owned()),
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
            used_for: self.one_in(3).then(|| "gift".to_owned()),
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

    /// A hold that was made lately, mostly one of the last; or one that nobody made.
    fn known_hold(&mut self, now: u64) -> String {
        let from = self
            .holds
            .partition_point(|&(_, at)| at + REMEMBERED_MILLIS < now);
        let lately = &self.holds[from..];
        let newest = &lately[lately.len().saturating_sub(8)..];
        let pool = if self.rng.random_bool(0.8) {
            newest
        } else {
            lately
        };
        match pool.choose(&mut self.rng) {
            Some((hold, _)) if !self.rng.random_bool(0.02) => hold.clone(),
            _ => "h0-987654321".to_owned(),
        }
    }

    fn member(&mut self) -> String {
        let stranger = u32::from(self.one_in(50));
        let number = self.rng.random_range(0..self.shape.members);
        format!("A{}", number + stranger * 1_000)
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
