//! Periods that are closed while the market goes on: shards hand over their days one by one, whoever closes is forgotten in a crash and
//! begins again, and what is made again must be the same to the byte.
//!
//! Invariant 9: every settlement balances, is what the journal says, and is published once; every entry is in exactly one.

use std::collections::BTreeMap;

use jifen_engine::{
    clearing::{Digest, Name, publish, settlement_name},
    closing::{Cut, Documents, Known, Recount, make},
    ledger::{
        BasisPoints, Billing, Boundary, Command, Contract, Cycle, Day, Deed, Fees, Fen, Payout,
        Period, Price, Root, Seq, Settle, ShardIndex, Till, UnixMillis,
    },
};
use rand::Rng;

use super::Market;
use crate::coverage::Coverage;

/// Whoever closes, and what was published.
#[derive(Default)]
pub(super) struct Closing {
    /// What shards have handed over so far.
    cuts: BTreeMap<u16, Cut>,
    /// The hash that was made and not published yet.
    made: Option<(Period, Digest)>,
    known: Known,
    /// What the next settlement has to know, if the last one that was made is published.
    next_known: Known,
    published: Vec<(Period, Digest)>,
    /// Up to which entry each shard's entries are in a settlement.
    settled: BTreeMap<u16, Seq>,
    /// The entries of the settlement that was made last.
    taken: BTreeMap<u16, (Seq, Seq)>,
}

/// One of the contracts there can be, and from when on.
pub(super) fn contract(number: u32) -> (Day, Contract) {
    let share = |points| BasisPoints::new(points).expect("at most all");
    let contract = Contract {
        issue: Price { fen: 3, points: 2 },
        billing: [Billing::Issued, Billing::Used][number as usize % 2],
        accept: Price { fen: 7, points: 3 },
        payout: [
            Payout::Discount,
            Payout::Share(share(7_000)),
            Payout::PerUnit(Fen::new(5).expect("small")),
        ][number as usize % 3],
        settlement_discount: share(9_000),
        customer_price: share(9_500),
        pass_through: BasisPoints::ALL,
        till: [Till::Merchant, Till::Operator][number as usize / 2 % 2],
        fees: Fees {
            turnover: share(33),
            ..Fees::default()
        },
        stars: Vec::new(),
        commission: None,
        cycle: [Cycle::Day, Cycle::Week, Cycle::Month][number as usize % 3],
        late_days_max: None,
    };
    (Day::new(0).expect("the first"), contract)
}

/// The contract of a merchant that has to buy the points that it gives out.
pub(super) fn prepaid() -> (Day, Contract) {
    let (from, contract) = contract(0);
    let billing = Billing::Prepaid;
    (
        from,
        Contract {
            billing,
            ..contract
        },
    )
}

impl Closing {
    /// Whoever closes ends in the middle.
    pub(super) fn forget(&mut self, met: &mut Coverage) {
        if !self.cuts.is_empty() {
            met.count("closing forgotten in a crash");
        }
        self.cuts.clear();
    }
}

impl Market {
    /// A day ends.
    pub(super) fn midnight(&mut self) {
        let transit = self.shards.iter().any(|shard| {
            let errands = shard.ledger().errands();
            errands.into_iter().next().is_some()
        });
        if transit {
            self.met.count("points in transit when a day ended");
        }
        let end = self.rules.day_end(UnixMillis(self.now));
        self.now = end.map_or(self.now, |end| end.0 + self.rng.random_range(0..1_000));
        self.met.count("day over");
        if self.rng.random_bool(0.5) {
            self.tick();
        }
    }

    /// The operator wants a period closed: mostly what is over, sometimes what cannot be.
    pub(super) fn settle(&mut self) -> Result<(), String> {
        let today = number(self.rules.day_at(UnixMillis(self.now)));
        let first = self.next_day();
        let (first, last) = match self.rng.random_range(0..10) {
            0 => (first, today),
            1 => (first + 1, today + 1),
            _ => (first, today - 1),
        };
        self.ask_to_settle(first, last)
    }

    fn ask_to_settle(&mut self, first: u32, last: u32) -> Result<(), String> {
        let day = |number| Boundary::Day(Day::new(number).expect("an ordinary day"));
        let settle = Settle {
            start: day(first),
            end: day(last),
        };
        let request = self.clients.request(Command::Settle(settle));
        self.ask(&request)
    }

    /// The day behind the last settlement, or the market's first.
    fn next_day(&self) -> u32 {
        let taken = self.shards[0].ledger().clearing().taken_until();
        taken.map_or_else(
            || number(self.rules.day_at(UnixMillis(super::START))),
            |last| number(last) + 1,
        )
    }

    /// Closing goes a step on.
    pub(super) fn close_on(&mut self) -> Result<(), String> {
        if self.closing.made.is_some() {
            // It may have been published, and not be durable yet.
            self.durable(0);
            self.note_published();
        }
        let closing = self.shards[0].ledger().clearing().closing();
        let Some(period) = closing.map(|one| one.period) else {
            return Ok(());
        };
        let missing =
            (0..self.shards.len()).find(|at| !self.closing.cuts.contains_key(&index(*at)));
        match missing {
            Some(at) => self.hand_over(at, period),
            None => self.publish(period),
        }
    }

    /// A shard hands over its days, when they are durable.
    fn hand_over(&mut self, at: usize, period: Period) -> Result<(), String> {
        self.shards[at].end_day(UnixMillis(self.now));
        self.durable(at);
        let settled = Documents::of(self.shards[0].ledger()).settled(period);
        let cut = Cut::of(self.shards[at].ledger(), settled, period.last);
        if !cut.is_behind(period) {
            return Err(format!("shard {at} is not behind {period:?}"));
        }
        self.closing.cuts.insert(index(at), cut);
        Ok(())
    }

    fn publish(&mut self, period: Period) -> Result<(), String> {
        let cuts = std::mem::take(&mut self.closing.cuts);
        let cuts: Vec<Cut> = cuts.into_values().collect();
        let mut count = Recount::new(&cuts);
        for (at, shard) in self.shards.iter().enumerate() {
            for entry in shard.entries() {
                let taken = count.take(ShardIndex(index(at)), &entry);
                taken.map_err(|error| error.to_string())?;
            }
        }
        count.finish(&cuts).map_err(|error| error.to_string())?;
        let documents = Documents::of(self.shards[0].ledger());
        let previous = self.closing.published.last().map(|(_, root)| *root);
        let known = self.closing.known.clone();
        let made = make(&cuts, &documents, period, &known, previous);
        let (input, settlement) = made.map_err(|error| error.to_string())?;
        let published = publish(&settlement, &input, |_| Ok::<_, ()>(()));
        let root = published.map_err(|()| "no error")?.tree.root();
        match self.closing.made {
            Some((before, hash)) if before == period => {
                self.met.count("settlement made again");
                if hash != root {
                    return Err(format!(
                        "{} was made with another hash",
                        settlement_name(period)
                    ));
                }
            }
            _ => self.closing.made = Some((period, root)),
        }
        let names = &input.names;
        self.closing.next_known = settlement
            .after
            .iter()
            .map(|(name, before)| {
                let spelled = |name: &Name| names[name.0 as usize].clone();
                let drawn = before.drawn.iter();
                let drawn = drawn.map(|(kind, points)| (spelled(kind), *points));
                (spelled(name), (before.clone(), drawn.collect()))
            })
            .collect();
        self.closing.taken = cuts
            .iter()
            .zip(0..)
            .filter_map(|(cut, at)| Some((at, cut.entries()?)))
            .collect();
        // Whoever closes may end here, and make it again.
        if self.rng.random_bool(0.3) {
            self.closing.forget(&mut self.met);
            return Ok(());
        }
        let now = UnixMillis(self.now);
        if !self.shards[0].publish(now, period, Root(root.0)) {
            return Err("the settlement that is closed cannot be published".to_owned());
        }
        if self.rng.random_bool(0.3) {
            // Nobody knows of it yet.
            return self.crash_one();
        }
        self.durable(0);
        self.note_published();
        Ok(())
    }

    /// What shard 0 has published for good.
    fn note_published(&mut self) {
        let Some((period, root)) = self.closing.made else {
            return;
        };
        let record = self.shards[0].ledger().clearing().settlement(period);
        if record.is_some_and(|record| record.published.is_some()) {
            self.met.count("settlement published");
            self.closing.made = None;
            self.closing.published.push((period, root));
            self.closing.known = std::mem::take(&mut self.closing.next_known);
            for (at, (first, last)) in std::mem::take(&mut self.closing.taken) {
                let before = self.closing.settled.insert(at, last);
                assert_eq!(
                    first,
                    before.unwrap_or_default().next(),
                    "invariant 9: each entry is in exactly one period"
                );
            }
        }
    }

    /// At rest: everything is settled, once.
    pub(super) fn settle_all(&mut self) -> Result<(), String> {
        for _ in 0..2 {
            self.durable(0);
            self.note_published();
            let mut rounds = 0;
            while self.shards[0].ledger().clearing().closing().is_some() {
                self.close_on()?;
                self.deliver_all()?;
                self.note_published();
                rounds += 1;
                if rounds > 1_000 {
                    return Err("a period is never closed".to_owned());
                }
            }
            let today = number(self.rules.day_at(UnixMillis(self.now)));
            let first = self.next_day();
            if first < today {
                self.ask_to_settle(first, today - 1)?;
                self.deliver_all()?;
            }
        }
        let mut published = BTreeMap::<Period, u32>::new();
        for entry in self.shards[0].entries() {
            if let Deed::SettlementPublished { period, .. } = entry.deed {
                *published.entry(period).or_default() += 1;
            }
        }
        let once: BTreeMap<Period, u32> = self
            .closing
            .published
            .iter()
            .map(|(period, _)| (*period, 1))
            .collect();
        if published != once {
            return Err(format!("published {published:?}, and were to be {once:?}"));
        }
        for shard in &self.shards {
            let over = shard.ledger().daybook().over();
            if let Some(over) = over.first() {
                return Err(format!("{:?} is over and not settled", over.day));
            }
        }
        Ok(())
    }
}

fn number(day: Day) -> u32 {
    day.days_since_1970().expect("an ordinary day")
}

fn index(at: usize) -> u16 {
    u16::try_from(at).expect("few shards")
}
