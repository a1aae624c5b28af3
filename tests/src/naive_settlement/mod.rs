//! A second settlement, slow and simple, that shares no code with the engine's: it goes through the entries one by one, adds exact
//! fractions up, and rounds where the contract says. Both are given the same random contracts and history.
//!
//! | where | what |
//! |---|---|
//! | `town` | contracts and what happens, from a seed |
//! | `input` | what the engine is given: the same, summed up |
//! | `reckoning` | the naive settlement |
//! | `fraction` | exact fractions and their rounding |
//! | `calendar` | ends of weeks, months and years, by counting |

mod calendar;
mod fraction;
mod input;
mod reckoning;
mod town;

use std::collections::BTreeMap;

use jifen_engine::{
    clearing::{Before, Input, LineKind, Name, Period, Settlement, prove, settle},
    ledger::Day,
};

use self::{
    reckoning::{Account, Reckoning},
    town::{NAMES, Town},
};
use crate::coverage::Coverage;

/// How many settlements follow each other in a run.
const SETTLEMENTS: usize = 3;

/// What must come up in many runs.
pub const CASES: [&str; 21] = [
    "accepted",
    "returned",
    "passed_through",
    "issued",
    "used",
    "pack",
    "drawn",
    "order_fee",
    "turnover_fee",
    "minimum_fee",
    "entry_fee",
    "yearly_fee",
    "fee_returned",
    "commission",
    "correction",
    "carried",
    "paid",
    "collected",
    "margin above zero",
    "margin below zero",
    "before the first period",
];

/// Settles a random history twice over: by the engine and naively.
///
/// # Errors
///
/// With what the two do not agree on.
pub fn run(seed: u64) -> Result<Coverage, String> {
    let mut met = Coverage::default();
    let town = Town::new(seed, SETTLEMENTS);
    let mut known: BTreeMap<&str, Account> = BTreeMap::new();
    let mut before: BTreeMap<Name, Before> = BTreeMap::new();
    // The first settlement takes what was before its period, too.
    let mut begin = town.begin;
    for &(first, last) in &town.periods {
        if begin < first {
            met.count("before the first period");
        }
        let mut input = town.input(begin, last);
        input.before = before;
        let period = Period {
            first: Day::new(first).expect("a day"),
            last: Day::new(last).expect("a day"),
        };
        let settlement =
            settle(&input, period, "s", None).map_err(|error| format!("{first}: {error}"))?;
        let faults = prove(&settlement, &input);
        if !faults.is_empty() {
            return Err(format!("{first}: {faults:?}"));
        }
        let reckoning = Reckoning::of(&town, begin, last, &known);
        compare(&settlement, &input, &reckoning).map_err(|what| format!("{first}: {what}"))?;
        count(&settlement, &mut met);
        known = reckoning.accounts;
        begin = last + 1;
        before = settlement.after;
    }
    Ok(met)
}

fn compare(
    settlement: &Settlement,
    input: &Input,
    reckoning: &Reckoning<'_>,
) -> Result<(), String> {
    for (at, name) in (0..).zip(NAMES) {
        let told = settlement
            .statements
            .iter()
            .find(|statement| statement.merchant == Name(at));
        let account = &reckoning.accounts[name];
        let mut kinds: BTreeMap<LineKind, i128> = BTreeMap::new();
        for line in told.iter().flat_map(|statement| &statement.lines) {
            *kinds.entry(line.kind).or_default() += line.fen;
        }
        kinds.retain(|_, fen| *fen != 0);
        same(name, &kinds, &reckoning.kinds_of(name))?;
        let amounts = told.map_or((0, 0, 0, 0), |statement| {
            (
                statement.total,
                statement.closing,
                statement.due,
                statement.carried,
            )
        });
        let naive = (
            account.total,
            account.closing,
            account.due,
            account.closing - account.due,
        );
        same(name, &amounts, &naive)?;
        let payments = settlement.payments.iter();
        let paid: i128 = payments
            .filter(|payment| payment.merchant == Name(at))
            .map(|payment| payment.fen)
            .sum();
        same(name, &paid, &account.due)?;
        let after = settlement.after.get(&Name(at)).cloned().unwrap_or_default();
        same(
            name,
            &(after.year_turnover, after.year_orders),
            &(account.year_turnover, account.year_orders),
        )?;
    }
    same("margin", &settlement.operator.margin(), &reckoning.margin())?;
    let cells: Vec<_> = settlement
        .matrix
        .cells()
        .iter()
        .map(|cell| {
            let name = |name: Name| input.names[name.0 as usize].to_string();
            let places = (
                name(cell.issuer),
                name(cell.acceptor),
                name(cell.point_type),
            );
            let from = cell.contract.days_since_1970();
            (places, from, (cell.spent, cell.returned, cell.value))
        })
        .collect();
    let mut cells = cells;
    cells.sort();
    same("matrix", &cells, &reckoning.cells())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, engine: &T, naive: &T) -> Result<(), String> {
    if engine == naive {
        return Ok(());
    }
    Err(format!("{what}: engine {engine:?}, naive {naive:?}"))
}

fn count(settlement: &Settlement, met: &mut Coverage) {
    for statement in &settlement.statements {
        for line in &statement.lines {
            let word = serde_json::to_string(&line.kind).expect("a word");
            met.count(word.trim_matches('"'));
        }
        if statement.carried != 0 {
            met.count("carried");
        }
        if statement.due > 0 {
            met.count("paid");
        }
        if statement.due < 0 {
            met.count("collected");
        }
    }
    match settlement.operator.margin() {
        0 => {}
        1.. => met.count("margin above zero"),
        _ => met.count("margin below zero"),
    }
}
