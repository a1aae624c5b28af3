//! The operator's changes to how many units there are: whatever order they may have had, the last document holds.

use std::collections::BTreeMap;

use jifen_engine::{
    ledger::{Command, Direction, Ledger, Request, Seq, Verdict},
    shard::Reply,
};

/// What a command wants.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// So many in all.
    To(u64),
    /// So many more, or fewer.
    By(i128),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It may have been done, or may be yet.
    Unknown,
    /// It was not.
    Refused,
    /// It was, by this entry, and somebody heard so at this instant.
    Done(Seq, u64),
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    change: Change,
    /// When it was asked for first.
    asked: u64,
    /// How often it was asked for without an answer since.
    open: u32,
    outcome: Outcome,
}

/// All changes to the units of sales that were ever asked for: per sale, by request id.
#[derive(Default)]
pub(super) struct Changes {
    now: u64,
    wanted: BTreeMap<String, BTreeMap<String, Wanted>>,
}

impl Changes {
    pub(super) fn ask(&mut self, request: &Request) {
        let Some((sku, change)) = change(request) else {
            return;
        };
        self.now += 1;
        let asked = self.now;
        let of_sale = self.wanted.entry(sku).or_default();
        let wanted = of_sale.entry(request.id().to_string()).or_insert(Wanted {
            change,
            asked,
            open: 0,
            outcome: Outcome::Unknown,
        });
        wanted.open += 1;
        if wanted.outcome == Outcome::Refused {
            wanted.outcome = Outcome::Unknown;
        }
    }

    pub(super) fn hear(&mut self, request: &Request, reply: &Reply) {
        let Some((sku, _)) = change(request) else {
            return;
        };
        self.now += 1;
        let of_sale = self.wanted.get_mut(&sku);
        let wanted = of_sale.and_then(|all| all.get_mut(&request.id().to_string()));
        let wanted = wanted.expect("heard of what was asked for");
        wanted.open -= 1;
        wanted.outcome = match (reply, wanted.outcome) {
            (_, Outcome::Done(seq, at)) => Outcome::Done(seq, at),
            (Ok(answer), _) => match answer.verdict {
                Verdict::Accepted(_) => Outcome::Done(answer.offset.seq, self.now),
                Verdict::Refused(_) => Outcome::Refused,
            },
            // Nothing binds it, and no earlier attempt is under way.
            (Err(_), Outcome::Unknown) if wanted.open == 0 => Outcome::Refused,
            (Err(_), before) => before,
        };
    }

    /// At rest: how many units there are follows from the last document, what was asked for after it was answered, and some of
    /// what overlapped with it. Tells of how many sales that could be said.
    pub(super) fn check(&self, ledgers: &[&Ledger]) -> Result<u32, String> {
        let mut said = 0;
        for (sku, all) in &self.wanted {
            let homes = ledgers.iter().filter_map(|ledger| ledger.pool(sku));
            let Some(home) = homes.filter_map(|pool| pool.home.as_ref()).next() else {
                continue;
            };
            let Some(possible) = totals(all) else {
                continue;
            };
            let total = i128::from(home.total.get());
            if !possible.contains(&total) {
                return Err(format!(
                    "{sku} has {total} units, and should have one of {possible:?}: {all:?}"
                ));
            }
            said += 1;
        }
        Ok(said)
    }
}

/// How many units there may be at last; `None` if no document is known to be the last one.
fn totals(all: &BTreeMap<String, Wanted>) -> Option<Vec<i128>> {
    let documents = all
        .values()
        .filter(|one| matches!(one.change, Change::To(_)));
    let mut last: Option<(Seq, u64, u64, u64)> = None;
    for one in documents {
        match (one.change, one.outcome) {
            (_, Outcome::Unknown) => return None,
            (Change::To(units), Outcome::Done(seq, heard))
                if last.is_none_or(|(before, ..)| before < seq) =>
            {
                last = Some((seq, units, one.asked, heard));
            }
            _ => {}
        }
    }
    let (_, units, asked, heard) = last?;
    let mut possible = vec![i128::from(units)];
    for one in all.values() {
        let Change::By(difference) = one.change else {
            continue;
        };
        let (done, certainly) = match one.outcome {
            Outcome::Refused => (false, true),
            Outcome::Unknown => (true, false),
            Outcome::Done(_, at) => (at > asked, one.asked > heard),
        };
        if done {
            let with = possible.iter().map(|units| units + difference);
            let with: Vec<i128> = with.collect();
            if certainly {
                possible = with;
            } else {
                possible.extend(with);
                possible.sort_unstable();
                possible.dedup();
            }
        }
    }
    Some(possible)
}

fn change(request: &Request) -> Option<(String, Change)> {
    match request.command() {
        Command::PutStock(put) => Some((put.sku.to_string(), Change::To(put.units.get()))),
        Command::ChangeUnits(change) => {
            let units = i128::from(change.units.get());
            let by = match change.direction {
                Direction::Up => units,
                Direction::Down => -units,
            };
            Some((change.sku.to_string(), Change::By(by)))
        }
        _ => None,
    }
}
