//! What was heard of a sale, unit by unit, and whether the server's own account of it agrees.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Outcome;
use crate::audit::Watched;
use crate::names::{Member, SkuNames, SkuNumber};
use crate::sale::Sale;
use crate::settings::Settings;
use crate::workload::Reservation;

/// The refusal that says that no unit is left.
const SOLD_OUT: &str = "sold_out";
/// Pairs of a SKU and a member whose units are counted, at most. Of more, every second member is watched, or every third …
const PAIRS_MAX: u64 = 500_000;

/// The answers to reservations, counted. Each is of one unit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Takings {
    by_sku: BTreeMap<SkuNumber, Answers>,
    /// Whose units are counted; nobody's where there is no limit to them.
    watched: Option<Watched>,
    /// Accepted units; one entry for each SKU and watched member that got any of it.
    by_member: HashMap<(SkuNumber, Member), u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    accepted: u64,
    sold_out: u64,
}

impl Takings {
    /// Of what is on sale in such a run.
    pub(crate) fn of(settings: &Settings) -> Self {
        let sale = settings.sale.filter(|sale| sale.per_member_limit.is_some());
        Self {
            watched: sale.map(|sale| Watched::at_most(PAIRS_MAX / sale.skus, settings.members)),
            ..Self::default()
        }
    }

    fn is_watched(&self, member: Member) -> bool {
        let place = self.watched.and_then(|watched| watched.place(member));
        place.is_some()
    }

    pub(crate) fn add(&mut self, reservation: Reservation, outcome: Outcome<'_>) {
        let Reservation { member, sku } = reservation;
        let answers = self.by_sku.entry(sku).or_default();
        match outcome {
            Outcome::Accepted => {
                answers.accepted += 1;
                if self.is_watched(member) {
                    *self.by_member.entry((sku, member)).or_default() += 1;
                }
            }
            Outcome::Refused(SOLD_OUT) => answers.sold_out += 1,
            _ => {}
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.watched = self.watched.or(other.watched);
        for (sku, answers) in &other.by_sku {
            let sum = self.by_sku.entry(*sku).or_default();
            sum.accepted += answers.accepted;
            sum.sold_out += answers.sold_out;
        }
        for (who, units) in &other.by_member {
            *self.by_member.entry(*who).or_default() += units;
        }
    }

    /// Compares what was heard with what was put on sale, and with what the server says of each SKU, in the order of their
    /// numbers, if it says anything. `unknown` is how many reservations may have been accepted without anybody hearing it.
    pub(crate) fn judge(
        &self,
        sale: &Sale,
        names: &SkuNames,
        stocks: &[Stock],
        unknown: u64,
    ) -> SaleReport {
        let mut wrong = Vec::new();
        let mut skus = Vec::new();
        for (number, answers) in &self.by_sku {
            if answers.accepted > sale.units {
                wrong.push(format!(
                    "{} units of {} were accepted, there are only {}",
                    answers.accepted,
                    names.name(*number),
                    sale.units
                ));
            }
        }
        for (number, stock) in (0..).map(SkuNumber).zip(stocks) {
            let answers = self.by_sku.get(&number).copied().unwrap_or_default();
            stock.judge(answers, sale.units, unknown, &mut wrong);
            skus.push(SkuReport {
                stock: stock.clone(),
                accepted: answers.accepted,
                sold_out: answers.sold_out,
            });
        }
        let limit = sale.per_member_limit.unwrap_or(u64::MAX);
        let over = self
            .by_member
            .values()
            .filter(|units| **units > limit)
            .count() as u64;
        if over > 0 {
            wrong.push(format!(
                "{over} times a member got more units than the limit of {limit}"
            ));
        }
        SaleReport {
            skus,
            members_over_limit: over,
            members_watched: self.watched.map_or(0, |watched| watched.count() as u64),
            wrong,
            broken_off: None,
        }
    }
}

/// A sale as the server shows it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
pub struct Stock {
    /// What is sold.
    pub sku: String,
    /// Where the sale stands.
    pub state: String,
    /// Where its units are.
    pub units: Units,
}

/// Where the units of a sale are.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[expect(missing_docs, reason = "the names are those of the wire contract")]
pub struct Units {
    pub total: u64,
    pub available: u64,
    pub returning: u64,
    pub reserved: u64,
    pub sold: u64,
}

impl Stock {
    /// `on_sale`: how many units were put. Every run has SKUs of its own, so that nobody else has put more.
    fn judge(&self, answers: Answers, on_sale: u64, unknown: u64, wrong: &mut Vec<String>) {
        let Self { sku, units, .. } = self;
        if units.total != on_sale {
            wrong.push(format!(
                "{sku} has {} units, {on_sale} were put on sale",
                units.total
            ));
        }
        let taken = units.reserved + units.sold;
        let sum = units.available + units.returning + taken;
        if sum != units.total {
            wrong.push(format!(
                "{sku} has {} units, of which {sum} are somewhere",
                units.total
            ));
        }
        if !(answers.accepted..=answers.accepted + unknown).contains(&taken) {
            wrong.push(format!(
                "{taken} units of {sku} are reserved or sold, {} were accepted",
                answers.accepted
            ));
        }
        // Nothing is given back during a run, so whoever heard that there is none must stay right.
        if answers.sold_out > 0 && taken < on_sale {
            wrong.push(format!(
                "{sku} was said to be sold out, {} of {on_sale} units are left",
                on_sale - taken
            ));
        }
    }
}

/// What a sale came to. Counts are of the whole run, the warm-up included.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct SaleReport {
    /// Each SKU of the sale.
    pub skus: Vec<SkuReport>,
    /// How many times a member got more units of a SKU than the limit.
    pub members_over_limit: u64,
    /// How many members were watched for that: all of them, or an even part of very many; none if there is no limit.
    pub members_watched: u64,
    /// What does not add up; empty if exactly the right number was sold.
    pub wrong: Vec<String>,
    /// Why the server did not say how the sale stands after the run, if so: then nothing is proved.
    pub broken_off: Option<String>,
}

/// One SKU: what the server says, and what was heard.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct SkuReport {
    /// What the server says after the run.
    #[serde(flatten)]
    pub stock: Stock,
    /// Reservations that were accepted, of one unit each.
    pub accepted: u64,
    /// Reservations that were refused because no unit was left.
    pub sold_out: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn units(available: u64, returning: u64, reserved: u64) -> Units {
        Units {
            total: 3,
            available,
            returning,
            reserved,
            sold: 0,
        }
    }

    const SALE: Sale = Sale {
        skus: 1,
        units: 3,
        price_points: 1,
        per_member_limit: Some(1),
    };

    fn takings() -> Takings {
        of(10, SALE)
    }

    fn of(members: u64, sale: Sale) -> Takings {
        let target = "http://localhost:1".parse().expect("a target");
        Takings::of(&Settings {
            members,
            sale: Some(sale),
            ..Settings::canonical(target, "k".parse().expect("a key"))
        })
    }

    fn judge(takings: &Takings, stocks: &[Stock], unknown: u64) -> SaleReport {
        let run = "r".parse().expect("a run id");
        takings.judge(&SALE, &SkuNames::new(&run), stocks, unknown)
    }

    /// What is wrong when these members were accepted, this often it was said that nothing is left, and the units are there.
    fn wrong(members: &[u64], sold_out: u64, unknown: u64, units: Units) -> Vec<String> {
        let mut takings = takings();
        let of = |member| Reservation {
            member: Member(member),
            sku: SkuNumber(0),
        };
        for member in members {
            takings.add(of(*member), Outcome::Accepted);
        }
        for _ in 0..sold_out {
            takings.add(of(9), Outcome::Refused("sold_out"));
            takings.add(of(9), Outcome::Refused("member_limit_reached"));
        }
        let stock = Stock {
            sku: "load-s-r-0".to_owned(),
            units,
            ..Stock::default()
        };
        judge(&takings, &[stock], unknown).wrong
    }

    #[test]
    fn a_sale_is_exact_or_it_is_said_what_is_not() {
        let cases: &[(&[u64], u64, u64, Units, &str)] = &[
            // accepted members, sold out, unknown, units, what is wrong
            (&[1, 2], 0, 0, units(1, 0, 2), ""),
            (&[1, 2, 3], 5, 0, units(0, 0, 3), ""),
            (&[1, 2], 0, 1, units(0, 0, 3), ""),
            (&[1, 2], 1, 1, units(0, 0, 3), ""),
            (
                &[1, 2],
                0,
                0,
                units(0, 0, 3),
                "3 units of s are reserved or sold, 2 were accepted",
            ),
            (
                &[1, 2],
                0,
                0,
                units(2, 0, 1),
                "1 units of s are reserved or sold, 2 were accepted",
            ),
            (
                &[1, 2],
                0,
                0,
                units(0, 0, 2),
                "s has 3 units, of which 2 are somewhere",
            ),
            (
                &[1, 2],
                1,
                0,
                units(0, 1, 2),
                "s was said to be sold out, 1 of 3 units are left",
            ),
            (
                &[1, 1],
                0,
                0,
                units(1, 0, 2),
                "1 times a member got more units than the limit of 1",
            ),
            (
                &[1, 2, 3, 4],
                0,
                0,
                units(0, 0, 4),
                "s has 3 units, of which 4 are somewhere",
            ),
            // Whoever says that there were more has not been told so.
            (
                &[1, 2, 3, 4],
                0,
                0,
                Units {
                    total: 4,
                    ..units(0, 0, 4)
                },
                "s has 4 units, 3 were put on sale",
            ),
            (
                &[1, 2],
                1,
                0,
                Units {
                    total: 2,
                    ..units(0, 0, 2)
                },
                "s was said to be sold out, 1 of 3 units are left",
            ),
            (
                &[1, 2, 3, 4],
                0,
                0,
                units(0, 0, 4),
                "4 units of s were accepted, there are only 3",
            ),
        ];
        for (members, sold_out, unknown, units, expected) in cases {
            let wrong = wrong(members, *sold_out, *unknown, *units);
            if expected.is_empty() {
                assert_eq!(wrong, Vec::<String>::new(), "{members:?} {units:?}");
            } else {
                assert!(
                    wrong
                        .iter()
                        .any(|one| one.replace("load-s-r-0", "s") == *expected),
                    "{wrong:?}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn counts_of_several_workers_add_up() {
        let reservation = Reservation {
            member: Member(1),
            sku: SkuNumber(0),
        };
        let mut one = takings();
        one.add(reservation, Outcome::Accepted);
        let another = one.clone();
        one.merge(&another);
        let stock = Stock {
            units: units(1, 0, 2),
            ..Stock::default()
        };
        let report = judge(&one, &[stock], 0);
        assert_eq!((report.skus[0].accepted, report.members_over_limit), (2, 1));
    }

    #[test]
    fn what_was_heard_is_judged_even_if_the_server_says_nothing() {
        let mut takings = takings();
        for member in [1, 1, 2, 3] {
            let reservation = Reservation {
                member: Member(member),
                sku: SkuNumber(0),
            };
            takings.add(reservation, Outcome::Accepted);
        }
        let expected = [
            "4 units of load-s-r-0 were accepted, there are only 3",
            "1 times a member got more units than the limit of 1",
        ];
        assert_eq!(judge(&takings, &[], 0).wrong, expected);
    }

    #[test]
    fn members_are_counted_where_there_is_a_limit_and_no_more_than_there_is_room_for() {
        let no_limit = Sale {
            per_member_limit: None,
            ..SALE
        };
        let many_skus = Sale { skus: 100, ..SALE };
        for (members, sale, watched) in [
            (10, SALE, 10),
            (10, no_limit, 0),
            (500_001, SALE, 250_001),
            (20_000, many_skus, 5_000),
            (
                3,
                Sale {
                    skus: PAIRS_MAX * 2,
                    ..SALE
                },
                1,
            ),
        ] {
            let mut all = Takings::default();
            let mut takings = of(members, sale);
            for member in (0..members).map(Member) {
                let sku = SkuNumber(member.0 % 2);
                takings.add(Reservation { member, sku }, Outcome::Accepted);
            }
            assert_eq!(takings.by_member.len(), watched, "{members} {sale:?}");
            all.merge(&takings);
            let report = judge(&all, &[], 0);
            assert_eq!(report.members_watched, watched as u64, "{sale:?}");
        }
    }
}
