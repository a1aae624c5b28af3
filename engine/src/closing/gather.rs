//! From the shards' days to what a settlement is made from: one numbering of names, and one row for everything.

use std::collections::BTreeSet;

use compact_str::CompactString;

use super::{
    Known,
    cut::{Cut, Documents},
};
use crate::{
    Router,
    clearing::{Correction, Input, Issue, Name, Pack, Position, Trade},
    ledger::{CorrectionState, Day, Period, Symbol, TradeSums},
};

/// Names in the order of the alphabet, which is that of their numbers.
struct Names(Vec<CompactString>);

impl Names {
    fn of<'a>(all: impl IntoIterator<Item = &'a CompactString>) -> Self {
        let sorted: BTreeSet<&CompactString> = all.into_iter().collect();
        Self(sorted.into_iter().cloned().collect())
    }

    fn find(&self, name: &str) -> Option<Name> {
        let at = self
            .0
            .binary_search_by(|other| other.as_str().cmp(name))
            .ok()?;
        Some(number(at))
    }
}

fn number(at: usize) -> Name {
    Name(u32::try_from(at).expect("memory ends before that"))
}

/// A shard's symbols as numbers of the common names; of those that rows use.
fn numbers(cut: &Cut, names: &Names) -> Vec<Option<Name>> {
    cut.names.iter().map(|name| names.find(name)).collect()
}

/// Everything that decides about a period.
pub(super) fn gather(cuts: &[Cut], documents: &Documents, period: Period, before: &Known) -> Input {
    let names = used(cuts, documents, before);
    let mut input = Input::default();
    for cut in cuts {
        let numbers = numbers(cut, &names);
        let name = |symbol: Symbol| numbers[symbol.index()].expect("gathered before");
        for over in &cut.days {
            let day = over.day;
            let priced = |undone: Option<Day>| undone.unwrap_or(over.day);
            let positions = over.sums.positions.iter();
            input.positions.extend(positions.map(|row| Position {
                day,
                issuer: name(row.issuer),
                acceptor: name(row.acceptor),
                point_type: name(row.point_type),
                priced_on: priced(row.undone),
                spent: u128::from(row.spent),
                returned: u128::from(row.returned),
            }));
            let trades = over.sums.trades.iter();
            input.trades.extend(trades.map(|row| {
                let place = (name(row.merchant), name(row.point_type));
                trade(
                    day,
                    place,
                    priced(row.undone),
                    row.undone.is_some(),
                    row.sums,
                )
            }));
            let issues = over.sums.issues.iter();
            input.issues.extend(issues.map(|row| Issue {
                day,
                issuer: name(row.issuer),
                point_type: name(row.point_type),
                month: row.month,
                priced_on: priced(row.undone),
                flows: row.flows.into(),
            }));
        }
    }
    merge(&mut input);
    document(
        &mut input,
        (documents, &cuts[usize::from(Router::DOCUMENTS.0)]),
        period,
        &names,
    );
    if documents.settled(period).is_none() {
        input.begin = Some(earliest(cuts, &input, period));
    }
    for (merchant, (known, drawn)) in before {
        let mut known = known.clone();
        known.drawn = drawn
            .iter()
            .map(|(kind, points)| (names.find(kind).expect("gathered before"), *points))
            .collect();
        let merchant = names.find(merchant).expect("gathered before");
        input.before.insert(merchant, known);
    }
    input.names = names.0;
    input
}

/// All names that rows and documents use.
fn used(cuts: &[Cut], documents: &Documents, before: &Known) -> Names {
    let mut all: Vec<&CompactString> = Vec::new();
    for cut in cuts {
        let mut used = vec![false; cut.names.len()];
        for symbol in cut.days.iter().flat_map(|over| over.sums.symbols()) {
            used[symbol.index()] = true;
        }
        let named = cut.names.iter().zip(used);
        all.extend(named.filter_map(|(name, used)| used.then_some(name)));
    }
    let own = &cuts[usize::from(Router::DOCUMENTS.0)];
    let packs = documents.book.packs.iter();
    all.extend(packs.flat_map(|one| [own.name(one.merchant), own.name(one.point_type)]));
    let kinds = before.values().flat_map(|(_, drawn)| drawn.keys());
    all.extend(before.keys().chain(kinds));
    let mut written: Vec<CompactString> = Vec::new();
    for (merchant, _, contracts) in &documents.merchants {
        written.push(merchant.as_str().into());
        let agents = contracts
            .iter()
            .filter_map(|(_, one)| one.commission.as_ref());
        written.extend(agents.map(|one| CompactString::new(one.agent.as_str())));
    }
    Names::of(all.into_iter().chain(&written))
}

fn trade(
    day: Day,
    (merchant, point_type): (Name, Name),
    priced_on: Day,
    undone: bool,
    sums: TradeSums,
) -> Trade {
    let (done, back) = if undone {
        (TradeSums::default(), sums)
    } else {
        (sums, TradeSums::default())
    };
    Trade {
        day,
        merchant,
        point_type,
        priced_on,
        orders: done.orders,
        units: u128::from(done.units),
        cash: u128::from(done.cash),
        orders_returned: back.orders,
        units_returned: u128::from(back.units),
        cash_returned: u128::from(back.cash),
    }
}

/// Sorts rows, and adds up those about the same: each shard has its own.
fn merge(input: &mut Input) {
    input.positions.sort_unstable();
    input.positions.dedup_by(|row, kept| {
        let key = |row: &Position| {
            (
                row.day,
                row.issuer,
                row.acceptor,
                row.point_type,
                row.priced_on,
            )
        };
        let same = key(row) == key(kept);
        if same {
            kept.spent += row.spent;
            kept.returned += row.returned;
        }
        same
    });
    input.trades.sort_unstable();
    input.trades.dedup_by(|row, kept| {
        let key = |row: &Trade| (row.day, row.merchant, row.point_type, row.priced_on);
        let same = key(row) == key(kept);
        if same {
            kept.orders += row.orders;
            kept.units += row.units;
            kept.cash += row.cash;
            kept.orders_returned += row.orders_returned;
            kept.units_returned += row.units_returned;
            kept.cash_returned += row.cash_returned;
        }
        same
    });
    input.issues.sort_unstable();
    input.issues.dedup_by(|row, kept| {
        let key = |row: &Issue| {
            (
                row.day,
                row.issuer,
                row.point_type,
                row.month,
                row.priced_on,
            )
        };
        let same = key(row) == key(kept);
        if same {
            kept.flows = kept.flows.plus(row.flows);
        }
        same
    });
}

/// The first day on which anything happened, if that is not behind the first settlement's own first day.
fn earliest(cuts: &[Cut], input: &Input, period: Period) -> Day {
    let days = cuts.iter().filter_map(|cut| cut.days.first());
    let packs = input.packs.iter().map(|pack| pack.day);
    let corrections = input.corrections.iter().map(|one| one.day);
    let all = days.map(|over| over.day).chain(packs).chain(corrections);
    all.fold(period.first, Day::min)
}

/// What is agreed, and what was put right.
fn document(
    input: &mut Input,
    (documents, cut): (&Documents, &Cut),
    period: Period,
    names: &Names,
) {
    for (merchant, title, contracts) in &documents.merchants {
        let name = names.find(merchant.as_str()).expect("gathered before");
        input.titles.insert(name, title.clone());
        if !contracts.is_empty() {
            input.contracts.insert(name, contracts.clone());
        }
    }
    let until = documents.book.settlements.iter();
    let before = until
        .map(|one| one.period)
        .take_while(|one| *one != period)
        .last();
    for one in &documents.book.packs {
        let name = |symbol| names.find(cut.name(symbol)).expect("gathered before");
        input.packs.push(Pack {
            merchant: name(one.merchant),
            point_type: name(one.point_type),
            points: one.points.get(),
            price: one.price.get(),
            day: one.day,
        });
    }
    for one in &documents.book.corrections {
        // What was approved before the first settlement is in it.
        if let CorrectionState::Approved { day, .. } = one.state
            && day <= period.last
            && before.is_none_or(|before| day > before.last)
        {
            input.corrections.push(Correction {
                id: one.id.as_str().into(),
                merchant: names
                    .find(cut.name(one.merchant))
                    .expect("only known merchants are corrected"),
                amount: one.fen,
                reason: one.reason.clone(),
                reference: one.reference.clone(),
                day,
            });
        }
    }
}
