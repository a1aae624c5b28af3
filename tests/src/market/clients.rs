//! Who asks in the market, and what they remember.

use std::collections::BTreeMap;

use jifen_engine::{
    ledger::{
        BuyPack, Cancel, ChangeUnits, Class, Command, Confirm, Day, Details, Direction, Earn,
        Enrol, Fen, Ledger, Lifecycle, MemberId, MerchantId, PointType, Points, PrepaidId,
        Principal, PutMerchant, PutStock, Redeem, Request, RequestId, ReservationId, Reserve,
        Reverse, SkuId, SoldCode, Text, TransactionId, Transfer, UnixMillis, UseCode, Verdict,
        invariants::on_sale as units_on_sale,
    },
    pool::Units,
    shard::Reply,
};
use rand::Rng;

use super::closing;

/// How many units of each pool are to be had at an instant.
pub(super) type Seen = BTreeMap<String, u64>;

/// The merchant that has to buy the points that it gives out.
pub(super) const PREPAYS: &str = "club";

pub(super) fn on_sale(ledgers: &[&Ledger]) -> Seen {
    let known = ledgers.iter().flat_map(|ledger| ledger.pools());
    known
        .filter_map(|stock| {
            let units = units_on_sale(ledgers, stock.id.as_str())?;
            Some((stock.id.to_string(), units.get()))
        })
        .collect()
}

/// A request under way.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) number: u64,
    pub(super) request: Request,
    /// The fewest units that were on sale of what it asks for, since it came.
    fewest: Option<u64>,
}

impl Stay {
    pub(super) fn begin(request: &Request, ledgers: &[&Ledger]) -> Self {
        static NUMBERS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let mut stay = Self {
            number: NUMBERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            request: request.clone(),
            fewest: None,
        };
        stay.see(&on_sale(ledgers));
        stay
    }

    pub(super) fn see(&mut self, seen: &Seen) {
        let Some((pool, _)) = self.wanted() else {
            return;
        };
        if let Some(units) = seen.get(&pool) {
            self.fewest = Some(self.fewest.map_or(*units, |fewest| fewest.min(*units)));
        }
    }

    /// What it wants of which pool.
    fn wanted(&self) -> Option<(String, u64)> {
        match self.request.command() {
            Command::Reserve(reserve) => Some((reserve.sku.to_string(), reserve.quantity.get())),
            Command::Earn(earn) if earn.merchant.as_str() == PREPAYS => {
                let pool = PrepaidId::new(&earn.merchant, &earn.point_type);
                Some((pool.to_string(), earn.points.get()))
            }
            _ => None,
        }
    }
}

/// The clients of a market.
pub(super) struct Clients {
    members: u32,
    skus: u32,
    asked: u64,
    /// Requests that may be sent again.
    sent: Vec<Request>,
    reservations: Vec<ReservationId>,
    sales: Vec<TransactionId>,
    codes: Vec<SoldCode>,
    /// What was heard, by request id and kind.
    heard: BTreeMap<String, (Request, String)>,
    broken: Option<String>,
}

impl Clients {
    pub(super) fn new(rng: &mut impl Rng) -> Self {
        Self {
            members: rng.random_range(3..12),
            skus: rng.random_range(1..4),
            asked: 0,
            sent: Vec::new(),
            reservations: Vec::new(),
            sales: Vec::new(),
            codes: Vec::new(),
            heard: BTreeMap::new(),
            broken: None,
        }
    }

    pub(super) fn opening(&mut self) -> Vec<Request> {
        let mut opening = vec![Command::PutMerchant(PutMerchant {
            contract: Some(closing::contract(self.members)),
            merchant: MerchantId::new("shop").unwrap(),
            name: Text::new("Shop").unwrap(),
        })];
        opening.push(Command::PutMerchant(PutMerchant {
            contract: None,
            merchant: MerchantId::new("mart").unwrap(),
            name: Text::new("Mart").unwrap(),
        }));
        opening.push(Command::PutMerchant(PutMerchant {
            contract: Some(closing::prepaid()),
            merchant: MerchantId::new(PREPAYS).unwrap(),
            name: Text::new("Club").unwrap(),
        }));
        opening.push(buy_pack(60));
        for number in 0..self.members {
            opening.push(Command::Enrol(Enrol {
                member: member(number),
                attributes: None,
            }));
            opening.push(earn(member(number), "shop", 60 + u64::from(number) * 10));
        }
        for number in 0..self.skus {
            opening.push(put_stock(number, 4 + u64::from(number) * 13));
        }
        opening
            .into_iter()
            .map(|command| self.request(command))
            .collect()
    }

    pub(super) fn request(&mut self, command: Command) -> Request {
        self.asked += 1;
        Request::new(
            Principal::new("app").unwrap(),
            RequestId::new(&format!("q{}", self.asked)).unwrap(),
            command,
            None,
            None,
        )
    }

    pub(super) fn next(&mut self, rng: &mut impl Rng, now: u64) -> Request {
        if rng.random_bool(0.15) && !self.sent.is_empty() {
            return self.sent[rng.random_range(0..self.sent.len())].clone();
        }
        let somebody = member(rng.random_range(0..self.members));
        let sku = rng.random_range(0..self.skus);
        let command = match rng.random_range(0..100) {
            0..5 => Command::Redeem(Redeem {
                member: somebody,
                merchant: MerchantId::new("mart").unwrap(),
                points: points(rng.random_range(1..9)),
                point_type: PointType::new("points").unwrap(),
                used_for: None,
                order: None,
                cash: Fen::new(rng.random_range(0..500)),
            }),
            5..9 => earn(somebody, PREPAYS, rng.random_range(1..20)),
            9 => buy_pack(rng.random_range(1..30)),
            10..45 => Command::Reserve(Reserve {
                member: somebody,
                sku: sku_id(sku),
                quantity: units([1, 1, 1, 2, 3][rng.random_range(0..5)]),
            }),
            45..60 if !self.reservations.is_empty() => Command::Confirm(Confirm {
                reservation: self.reservations[rng.random_range(0..self.reservations.len())],
            }),
            60..68 if !self.reservations.is_empty() => Command::Cancel(Cancel {
                reservation: self.reservations[rng.random_range(0..self.reservations.len())],
            }),
            68..82 => {
                let to = member(rng.random_range(0..self.members + 1));
                if to == somebody {
                    return self.next(rng, now);
                }
                Command::Transfer(Transfer {
                    member: somebody,
                    to,
                    points: points(rng.random_range(1..15)),
                    point_type: PointType::new("points").unwrap(),
                })
            }
            82..88 => Command::ChangeUnits(ChangeUnits {
                sku: sku_id(sku),
                direction: if rng.random_bool(0.6) {
                    Direction::Up
                } else {
                    Direction::Down
                },
                units: units(rng.random_range(1..4)),
            }),
            88..90 => put_stock(sku, rng.random_range(3..40)),
            90..94 if !self.codes.is_empty() => Command::UseCode(UseCode {
                code: self.codes[rng.random_range(0..self.codes.len())],
            }),
            94..97 if !self.sales.is_empty() => Command::Reverse(Reverse {
                transaction: self.sales[rng.random_range(0..self.sales.len())],
                points: rng.random_bool(0.3).then(|| points(1)),
                reason: None,
                return_units: rng.random_bool(0.6),
            }),
            97 if self.members > 3 => Command::Close(Lifecycle {
                member: member(self.members - 1),
                reason: Text::new("moved").unwrap(),
            }),
            _ => earn(somebody, "shop", rng.random_range(5..30)),
        };
        let _ = now;
        let request = self.request(command);
        self.sent.push(request.clone());
        request
    }

    /// What was answered is not answered otherwise later.
    pub(super) fn hear(&mut self, stay: &Stay, reply: &Reply) {
        let Ok(answer) = reply else { return };
        if let Verdict::Accepted(details) = &answer.verdict {
            self.learn(
                details,
                TransactionId {
                    shard: answer.offset.shard,
                    seq: answer.offset.seq,
                },
            );
        }
        let told = format!(
            "{:?} {:?} {:?}",
            answer.offset, answer.balance, answer.verdict
        );
        let id = stay.request.id().to_string();
        match self.heard.get(&id) {
            Some((_, before)) if *before != told => {
                self.broken = Some(format!("{id} was told {before}, and then {told}"));
            }
            Some(_) => {
                if !answer.replayed {
                    self.broken = Some(format!("{id} was decided twice: {told}"));
                }
            }
            None => {
                self.heard.insert(id, (stay.request.clone(), told));
            }
        }
    }

    fn learn(&mut self, details: &Details, transaction: TransactionId) {
        match details {
            Details::Reserved { reservation, .. } => self.reservations.push(*reservation),
            Details::Confirmed { codes } => {
                self.codes.extend(codes);
                self.sales.push(transaction);
            }
            // Of an earn or a redemption: the lots.
            Details::Lots(_) => self.sales.push(transaction),
            _ => {}
        }
    }

    /// Invariant 5: there was an instant at which fewer were to be had than this one asked for.
    pub(super) fn note_sold_out(&mut self, stay: &Stay) {
        let Some((_, asked)) = stay.wanted() else {
            return;
        };
        if stay.fewest.is_none_or(|fewest| fewest >= asked) {
            self.broken = Some(format!(
                "{} was refused {asked}, and never fewer than {:?} were to be had",
                stay.request.id(),
                stay.fewest
            ));
        }
    }

    pub(super) fn broken(&self) -> Option<String> {
        self.broken.clone()
    }

    /// Everything that was answered.
    pub(super) fn answered(&self) -> Vec<Request> {
        self.heard
            .values()
            .map(|(request, _)| request.clone())
            .collect()
    }
}

fn earn(member: MemberId, merchant: &str, number: u64) -> Command {
    Command::Earn(Earn {
        member,
        merchant: MerchantId::new(merchant).unwrap(),
        points: points(number),
        point_type: PointType::new("points").unwrap(),
        last_day: Day::NEVER,
        class: Class::new("ordinary").unwrap(),
        order: None,
        at: None,
        releases_at: None,
    })
}

fn buy_pack(number: u64) -> Command {
    Command::BuyPack(BuyPack {
        merchant: MerchantId::new(PREPAYS).unwrap(),
        points: units(number),
        point_type: PointType::new("points").unwrap(),
        price: Fen::new(number * 2 / 3).unwrap(),
    })
}

fn member(number: u32) -> MemberId {
    MemberId::new(&format!("m{number}")).unwrap()
}

fn sku_id(number: u32) -> SkuId {
    SkuId::new(&format!("sku-{number}")).unwrap()
}

fn points(number: u64) -> Points {
    Points::new(number).unwrap()
}

fn units(number: u64) -> Units {
    Units::new(number).unwrap()
}

fn put_stock(number: u32, count: u64) -> Command {
    Command::PutStock(PutStock {
        sku: sku_id(number),
        units: units(count),
        price: points(3),
        point_type: PointType::new("points").unwrap(),
        merchant: MerchantId::new("shop").unwrap(),
        per_member_limit: number.is_multiple_of(2).then(|| units(5)),
        opens_at: None,
        closes_at: (number == 2).then_some(UnixMillis(u64::MAX)),
        ttl_seconds: 60,
    })
}
