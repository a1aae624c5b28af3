//! The first day of a points programme in the food hall of a market: people enrol at the till when they first eat there,
//! earn by their meals, and spend what they have on the next one. Busy at noon and in the evening.
//!
//! Only integers and one seeded generator, so that the same seed gives the same bytes everywhere.

use std::{collections::VecDeque, io};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// The market.
const MERCHANT: &str = "harbour-market";
/// How many tills there are.
const TILLS: usize = 8;
/// What a new member gets.
const WELCOME_POINTS: u64 = 100;
/// A meal gives one point per so many fen of its price.
const FEN_PER_POINT_EARNED: u64 = 10;
/// A point pays so many fen of a meal.
const FEN_PER_POINT_SPENT: u64 = 1;
/// How long points are kept for a meal that was ordered ahead, in seconds.
const HOLD_SECONDS: u32 = 1_800;
/// One in so many visits leaves a redemption behind that must be refused, beginning with an early one.
const VISITS_PER_MISHAP: usize = 500;
const FIRST_MISHAP: usize = 20;
/// Who ate comes back after so many minutes.
const MINUTES_BETWEEN_MEALS: u32 = 120;

/// When people eat: for each hour from the first, how many of them.
const FIRST_HOUR: u32 = 7;
const BUSY: [u32; 14] = [9, 10, 4, 4, 14, 26, 12, 4, 3, 4, 12, 22, 10, 3];

/// What costs no money but points.
const GOODS: [(&str, u64); 4] = [
    ("soy milk", 150),
    ("milk tea", 300),
    ("breakfast set", 500),
    ("lunch box", 900),
];

/// How many people, how many meals.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// People who enrol.
    pub(crate) members: u32,
    /// Meals that are paid; at least as many as members.
    pub(crate) visits: u32,
}

impl Size {
    /// The size of `examples/day.ndjson`.
    pub(crate) const EXAMPLE: Self = Self {
        members: 2_400,
        visits: 6_200,
    };
    /// The size of `examples/day.csv`.
    pub(crate) const SMALL: Self = Self {
        members: 12,
        visits: 22,
    };
}

/// A line of the file: a command.
#[derive(Clone, Serialize)]
pub(crate) struct Line {
    /// Till and running number.
    pub(crate) id: String,
    /// Which command.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// Whose card.
    pub(crate) member: String,
    /// Nobody but the market; an enrolment names no merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) merchant: Option<&'static str>,
    /// How many points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) points: Option<u64>,
    /// Tells the welcome gift from ordinary points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) class: Option<&'static str>,
    /// What the points are spent on.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub(crate) used_for: Option<&'static str>,
    /// What is paid in money beside the points, in fen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cash_fen: Option<u64>,
    /// How long a hold lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ttl_seconds: Option<u32>,
    /// The meal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order: Option<String>,
    /// What stands on the receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// When and where.
    pub(crate) metadata: Metadata,
}

/// The till's own notes.
#[derive(Clone, Serialize)]
pub(crate) struct Metadata {
    /// Which till.
    pub(crate) till: String,
    /// Hour and minute. Not the command's `at`: a file that is imported years later must still be judged the same.
    pub(crate) time: String,
}

impl Line {
    /// The columns of [`Line::write_csv`]. There is no `id`: the import names the lines itself.
    pub(crate) const CSV_HEADER: &str = "type,member,merchant,points,class,use,cash_fen,ttl_seconds,order,reference,\
        metadata.till,metadata.time";

    /// One object and a line feed.
    pub(crate) fn write_json(&self, out: &mut impl io::Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        out.write_all(b"\n")
    }

    /// One row and a line feed. No value needs quotes.
    pub(crate) fn write_csv(&self, out: &mut impl io::Write) -> io::Result<()> {
        fn cell<T: ToString>(value: Option<T>) -> String {
            value.map_or_else(String::new, |value| value.to_string())
        }
        let cells = [
            self.kind.to_owned(),
            self.member.clone(),
            cell(self.merchant),
            cell(self.points),
            cell(self.class),
            cell(self.used_for),
            cell(self.cash_fen),
            cell(self.ttl_seconds),
            cell(self.order.as_ref()),
            cell(self.reference.as_ref()),
            self.metadata.till.clone(),
            self.metadata.time.clone(),
        ];
        writeln!(out, "{}", cells.join(","))
    }
}

/// When somebody comes to which till.
#[derive(Clone, Copy)]
struct Visit {
    minute: u32,
    till: usize,
}

/// The day, line by line.
pub(crate) struct Day {
    random: ChaCha8Rng,
    size: Size,
    /// In the order of the day.
    visits: Vec<Visit>,
    /// How many visits are over.
    done: usize,
    /// What each member has to spend. Points that are held are not counted: the file cannot know when holds expire.
    balances: Vec<u64>,
    /// In which minute each member came last.
    last_came: Vec<u32>,
    /// How many commands each till has sent.
    counters: [u32; TILLS],
    /// Lines of the current visit that were not given out yet.
    ready: VecDeque<Line>,
}

impl Day {
    /// The seed of the committed files.
    pub(crate) const SEED: u64 = 20_261_121;

    /// Lays out the day.
    pub(crate) fn new(seed: u64, size: Size) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut visits: Vec<Visit> = (0..size.visits).map(|_| visit(&mut random)).collect();
        visits.sort_by_key(|visit| visit.minute);
        Self {
            random,
            size,
            visits,
            done: 0,
            balances: Vec::new(),
            last_came: Vec::new(),
            counters: [0; TILLS],
            ready: VecDeque::new(),
        }
    }

    fn play_visit(&mut self) {
        let member = self.who_comes();
        let order = format!("hm-{:06}", self.done + 1);
        let price = self.price();
        let paid = match self.random.random_range(0..100) {
            0..28 => self.pay_partly_with_points(member, &order, price),
            28..36 => self.take_goods(member, &order, price),
            36..38 => self.order_ahead(member, &order, price),
            _ => price,
        };
        self.earn(member, paid / FEN_PER_POINT_EARNED, None, &order);
        self.play_mishap(member);
    }

    /// Somebody new, or somebody who was here before. Everybody has come once when the day is over.
    fn who_comes(&mut self) -> usize {
        let now = self.visits[self.done].minute;
        let known = self.balances.len();
        let new = self.size.members as usize - known;
        let visits = self.visits.len() - self.done;
        if known > 0 && self.random.random_range(0..visits) >= new {
            let member = self.random.random_range(0..known);
            if new == 0 || now - self.last_came[member] >= MINUTES_BETWEEN_MEALS {
                self.last_came[member] = now;
                return member;
            }
        }
        self.balances.push(0);
        self.last_came.push(now);
        let mut line = self.line("enrol", card(known));
        line.merchant = None;
        self.ready.push_back(line);
        self.earn(known, WELCOME_POINTS, Some("welcome"), "welcome");
        known
    }

    /// The price of a meal in fen: a bowl of noodles, a tray, or a table of friends.
    fn price(&mut self) -> u64 {
        let jiao = match self.random.random_range(0..100) {
            0..35 => self.random.random_range(30..120),
            35..88 => self.random.random_range(120..280),
            88..98 => self.random.random_range(280..600),
            _ => self.random.random_range(800..3_200),
        };
        jiao * 10
    }

    fn earn(&mut self, member: usize, points: u64, class: Option<&'static str>, order: &str) {
        if points == 0 {
            return;
        }
        self.balances[member] += points;
        let mut line = self.line("earn", card(member));
        line.points = Some(points);
        line.class = class;
        line.order = Some(order.to_owned());
        self.ready.push_back(line);
    }

    /// Pays up to half of the price with whole hundreds of points; what is left to pay in money.
    fn pay_partly_with_points(&mut self, member: usize, order: &str, price: u64) -> u64 {
        let most = (price / 2 / FEN_PER_POINT_SPENT).min(self.balances[member]);
        let points = most / 100 * 100;
        if points == 0 {
            return price;
        }
        let cash = price - points * FEN_PER_POINT_SPENT;
        self.redeem(member, points, "offset", order).cash_fen = Some(cash);
        cash
    }

    /// Takes the dearest thing that the points suffice for, beside the meal.
    fn take_goods(&mut self, member: usize, order: &str, price: u64) -> u64 {
        let balance = self.balances[member];
        if let Some((what, points)) = GOODS.iter().rev().find(|(_, points)| *points <= balance) {
            self.redeem(member, *points, "goods", order).reference = Some((*what).to_owned());
        }
        price
    }

    /// Keeps points for a meal to be fetched later. Nobody fetches it: only the engine knows the name of a hold, so a
    /// file that was written before cannot capture it.
    fn order_ahead(&mut self, member: usize, order: &str, price: u64) -> u64 {
        let points = self.balances[member] / 2;
        if points > 0 {
            self.balances[member] -= points;
            let mut line = self.line("hold", card(member));
            line.points = Some(points);
            line.used_for = Some("goods");
            line.ttl_seconds = Some(HOLD_SECONDS);
            line.order = Some(format!("{order}-ahead"));
            self.ready.push_back(line);
        }
        price
    }

    fn redeem(
        &mut self,
        member: usize,
        points: u64,
        used_for: &'static str,
        order: &str,
    ) -> &mut Line {
        self.balances[member] -= points;
        let mut line = self.line("redeem", card(member));
        line.points = Some(points);
        line.used_for = Some(used_for);
        line.order = Some(order.to_owned());
        self.ready.push_back(line);
        self.ready.back_mut().expect("pushed above")
    }

    /// Now and then something that must be refused: more points than there are, or a card that nobody has.
    fn play_mishap(&mut self, member: usize) {
        if self.done % VISITS_PER_MISHAP != FIRST_MISHAP {
            return;
        }
        let (card, points, reference) = if self.done / VISITS_PER_MISHAP % 4 == 3 {
            (
                card(self.size.members as usize + member),
                100,
                "card misread",
            )
        } else {
            (
                card(member),
                self.balances[member] + 5_000,
                "asked for too much",
            )
        };
        let mut line = self.line("redeem", card);
        line.points = Some(points);
        line.used_for = Some("goods");
        line.reference = Some(reference.to_owned());
        self.ready.push_back(line);
    }

    /// A command of the current visit's till, with nothing filled in yet.
    fn line(&mut self, kind: &'static str, member: String) -> Line {
        let Visit { minute, till } = self.visits[self.done];
        self.counters[till] += 1;
        Line {
            id: format!("t{}-{:05}", till + 1, self.counters[till]),
            kind,
            member,
            merchant: Some(MERCHANT),
            points: None,
            class: None,
            used_for: None,
            cash_fen: None,
            ttl_seconds: None,
            order: None,
            reference: None,
            metadata: Metadata {
                till: (till + 1).to_string(),
                time: format!("{:02}:{:02}", minute / 60, minute % 60),
            },
        }
    }
}

impl Iterator for Day {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        while self.ready.is_empty() {
            if self.done == self.visits.len() {
                return None;
            }
            self.play_visit();
            self.done += 1;
        }
        self.ready.pop_front()
    }
}

fn card(member: usize) -> String {
    format!("m-{:05}", member + 1)
}

fn visit(random: &mut ChaCha8Rng) -> Visit {
    let mut left = random.random_range(0..BUSY.iter().sum());
    let mut hour = FIRST_HOUR;
    for busy in BUSY {
        if left < busy {
            break;
        }
        left -= busy;
        hour += 1;
    }
    Visit {
        minute: hour * 60 + random.random_range(0..60),
        till: random.random_range(0..TILLS),
    }
}
