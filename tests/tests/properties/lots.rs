//! Lots: the order of spending, and reversals that come to the same however they are cut up.

use jifen_tests::scenario::Play;
use proptest::prelude::*;

use super::{asked, played, roomy};

/// An earn: how many points, in which class, on how many days from the first on it can be used; never lapses beyond 9.
#[derive(Clone, Debug)]
struct Grant {
    points: u64,
    class: u8,
    days: u32,
}

/// The first last day; far enough away that nothing lapses.
const FIRST_DAY: u32 = 29_000;

fn grants() -> impl Strategy<Value = Vec<Grant>> {
    let grant = (1_u64..=100, 0_u8..3, 0_u32..12).prop_map(|(points, class, days)| Grant {
        points,
        class,
        days,
    });
    prop::collection::vec(grant, 1..8)
}

impl Grant {
    /// Every grant comes a second after the one before, so that no two are earned at the same moment.
    fn line(&self, name: usize) -> String {
        let day = match self.days {
            10.. => String::new(),
            days => format!("day={}", FIRST_DAY + days),
        };
        format!(
            "earn A M {} class=c{} {day} as=E{name}",
            self.points, self.class
        )
    }

    const fn key(&self) -> (u32, u8) {
        (
            if self.days >= 10 { u32::MAX } else { self.days },
            self.class,
        )
    }
}

/// A member with these grants.
fn granted(grants: &[Grant]) -> Play {
    let mut play = Play::new(roomy());
    played(&mut play, &["merchant M".to_owned(), "enrol A".to_owned()]);
    for (name, grant) in grants.iter().enumerate() {
        played(&mut play, &["wait 1".to_owned(), grant.line(name)]);
    }
    play
}

fn total(grants: &[Grant]) -> u64 {
    grants.iter().map(|grant| grant.points).sum()
}

/// Cuts `whole` at these shares of it into pieces of at least 1.
fn pieces(whole: u64, cuts: &[u64]) -> Vec<u64> {
    let mut at: Vec<u64> = cuts.iter().map(|cut| cut * whole / 1_000).collect();
    at.push(whole);
    at.sort_unstable();
    let mut before = 0;
    let mut pieces = Vec::new();
    for cut in at {
        if cut > before {
            pieces.push(cut - before);
            before = cut;
        }
    }
    pieces
}

/// Lots in the order in which they are to be spent, each with its points.
fn in_order(grants: &[Grant]) -> Vec<((u32, u8), u64)> {
    let mut lots: Vec<((u32, u8), u64)> = Vec::new();
    for grant in grants {
        match lots.iter_mut().find(|(key, _)| *key == grant.key()) {
            Some((_, points)) => *points += grant.points,
            // First earned later, so behind those of the same last day.
            None => lots.push((grant.key(), grant.points)),
        }
    }
    lots.sort_by_key(|((day, _), _)| *day);
    lots
}

fn told_of(lots: &[((u32, u8), u64)]) -> String {
    let lots = lots.iter().map(|((days, class), points)| match days {
        &u32::MAX => format!("M/c{class} {points}"),
        days => format!("M/c{class}/{} {points}", FIRST_DAY + days),
    });
    lots.collect::<Vec<_>>().join(", ")
}

proptest! {
    /// C5: what lapses first is spent first, then what was earned first; whatever has no last day comes last.
    #[test]
    fn a_spend_takes_from_the_front(grants in grants(), share in 1_u64..=1_000) {
        let mut play = granted(&grants);
        let spent = (total(&grants) * share).div_ceil(1_000);
        let told = played(&mut play, &[format!("redeem A M {spent}")]);
        let (mut missing, mut taken, mut left) = (spent, Vec::new(), Vec::new());
        for (key, points) in in_order(&grants) {
            let here = points.min(missing);
            missing -= here;
            if here > 0 {
                taken.push((key, here));
            }
            if here < points {
                left.push((key, points - here));
            }
        }
        prop_assert_eq!(told, format!("accepted: {}", told_of(&taken)));
        let left = if left.is_empty() { "none".to_owned() } else { told_of(&left) };
        prop_assert_eq!(asked(&mut play, "lots A"), left);
    }

    /// C7: however a refund of an earn is split, the same is taken back, from the same lots, and the same is owed.
    #[test]
    fn a_take_back_comes_to_the_same_in_pieces(
        grants in grants(),
        earn in 0_usize..8,
        spent in 0_u64..=1_000,
        part in 1_u64..=1_000,
        cuts in prop::collection::vec(0_u64..=1_000, 0..5),
    ) {
        let earn = earn % grants.len();
        let back = (grants[earn].points * part).div_ceil(1_000);
        let spent = total(&grants) * spent / 1_000;
        let ends = [vec![back], pieces(back, &cuts)].map(|pieces| {
            let mut play = granted(&grants);
            if spent > 0 {
                played(&mut play, &[format!("redeem A M {spent}")]);
            }
            for piece in pieces {
                played(&mut play, &[format!("reverse E{earn} {piece}")]);
            }
            ["balance A", "lots A", "account M"].map(|question| asked(&mut play, question))
        });
        prop_assert_eq!(&ends[0], &ends[1]);
    }

    /// However a refund of a spend is split, the same lots come back, and in the end they are as they were.
    #[test]
    fn a_refund_comes_to_the_same_in_pieces(
        grants in grants(),
        spent in 1_u64..=1_000,
        part in 1_u64..=1_000,
        cuts in prop::collection::vec(0_u64..=1_000, 0..5),
    ) {
        let spent = (total(&grants) * spent).div_ceil(1_000);
        let back = (spent * part).div_ceil(1_000);
        let mut untouched = granted(&grants);
        let ends = [vec![back], pieces(back, &cuts)].map(|pieces| {
            let mut play = granted(&grants);
            played(&mut play, &[format!("redeem A M {spent} as=R")]);
            for piece in pieces {
                played(&mut play, &[format!("reverse R {piece}")]);
            }
            let lots = asked(&mut play, "lots A");
            if back < spent {
                played(&mut play, &["reverse R".to_owned()]);
            }
            (lots, asked(&mut play, "lots A"))
        });
        prop_assert_eq!(&ends[0], &ends[1]);
        prop_assert_eq!(&ends[0].1, &asked(&mut untouched, "lots A"));
    }

    /// Several reversals, in any order, cut up in any way: in the end the same is available and the same is owed.
    #[test]
    fn reversals_come_to_the_same_in_any_order(
        grants in grants(),
        spends in prop::collection::vec(1_u64..=300, 1..4),
        shuffled in prop::collection::vec((any::<prop::sample::Index>(), 1_u64..=60), 0..40),
    ) {
        let mut deals: Vec<(String, u64)> = grants
            .iter()
            .enumerate()
            .map(|(name, grant)| (format!("E{name}"), grant.points))
            .collect();
        let mut spend_lines = Vec::new();
        let mut left = total(&grants);
        for (name, spend) in spends.iter().enumerate() {
            let spend = (*spend).min(left);
            left -= spend;
            if spend > 0 {
                spend_lines.push(format!("redeem A M {spend} as=R{name}"));
                deals.push((format!("R{name}"), spend));
            }
        }
        let mut straight = granted(&grants);
        played(&mut straight, &spend_lines);
        let mut mixed = granted(&grants);
        played(&mut mixed, &spend_lines);
        let mut reversed = vec![0; deals.len()];
        for (which, points) in shuffled {
            let which = which.index(deals.len());
            let points = points.min(deals[which].1 - reversed[which]);
            if points > 0 {
                reversed[which] += points;
                played(&mut mixed, &[format!("reverse {} {points}", deals[which].0)]);
            }
        }
        for ((name, _), points) in deals.iter().zip(&reversed) {
            if *points > 0 {
                played(&mut straight, &[format!("reverse {name} {points}")]);
            }
        }
        prop_assert_eq!(asked(&mut straight, "balance A"), asked(&mut mixed, "balance A"));
    }
}
