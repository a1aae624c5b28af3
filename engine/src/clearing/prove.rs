//! What must be true of a settlement before anybody hears of it.

use std::collections::BTreeMap;

use super::{
    input::{Input, Name},
    line::LineKind,
    settle::{Payment, Settlement},
};

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Nets and the operator's margin do not come to customers' money in the operator's till.
    #[error(
        "nets of {nets} fen and a margin of {margin} fen are not the {cash} fen that customers paid"
    )]
    Nets {
        /// What all merchants get, by their lines.
        nets: i128,
        /// What the operator keeps, by its own entries.
        margin: i128,
        /// Customers' money that the operator took in, by the trades.
        cash: i128,
    },
    /// Lines of a kind do not come to what the operator booked for it.
    #[error("{kind:?} lines come to {lines} fen, and the operator booked {booked} fen")]
    Booked {
        /// Which kind.
        kind: LineKind,
        /// By the statements.
        lines: i128,
        /// By the operator's books.
        booked: i128,
    },
    /// A line is not what its figures come to.
    #[error("line {line} of merchant {merchant:?} says {fen} fen, which its figures are not")]
    Line {
        /// Whose.
        merchant: Name,
        /// Which one, from 1.
        line: usize,
        /// What it says.
        fen: i128,
    },
    /// Opening, lines, closing, due and carried do not add up, or the opening is not what was carried before.
    #[error("the statement of merchant {0:?} does not foot")]
    Statement(Name),
    /// Statements are not one a merchant, in order.
    #[error("the statement of merchant {0:?} is out of order, or there twice")]
    Order(Name),
    /// Payments are not what statements say is due.
    #[error("merchant {merchant:?} is due {due} fen and paid {paid} fen")]
    Payment {
        /// Whose.
        merchant: Name,
        /// By the statement.
        due: i128,
        /// By the payments.
        paid: i128,
    },
    /// Positions do not say what became of an issuer's points.
    #[error(
        "of issuer {issuer:?}, {accepted_spent} points of kind {point_type:?} were accepted and {accepted_returned} given back, \
         but {used} spent and {returned} come back"
    )]
    Issuer {
        /// Whose.
        issuer: Name,
        /// Which points.
        point_type: Name,
        /// By the positions.
        accepted_spent: u128,
        /// By the positions.
        accepted_returned: u128,
        /// By the issues.
        used: u128,
        /// By the issues.
        returned: u128,
    },
    /// The matrix does not come to the positions.
    #[error("the matrix has {matrix} points spent and returned, and the positions {positions}")]
    Matrix {
        /// Both added up.
        matrix: u128,
        /// Both added up.
        positions: u128,
    },
    /// More was drawn from packs than was in them.
    #[error("merchant {merchant:?} drew {points} points of kind {point_type:?} beyond its packs")]
    Packs {
        /// Who.
        merchant: Name,
        /// Which points.
        point_type: Name,
        /// How many too many.
        points: u128,
    },
}

/// Looks for everything that is not as it must be. An empty list is the proof.
#[must_use]
pub fn prove(settlement: &Settlement, input: &Input) -> Vec<Violation> {
    let mut found = Vec::new();
    statements(settlement, input, &mut found);
    nets(settlement, input, &mut found);
    payments(settlement, &mut found);
    issuers(input, &mut found);
    matrix(settlement, input, &mut found);
    for &(merchant, point_type, points) in &settlement.drawn_beyond {
        found.push(Violation::Packs {
            merchant,
            point_type,
            points,
        });
    }
    found
}

fn statements(settlement: &Settlement, input: &Input, found: &mut Vec<Violation>) {
    let mut last = None;
    for statement in &settlement.statements {
        let merchant = statement.merchant;
        if last.is_some_and(|last| last >= merchant) {
            found.push(Violation::Order(merchant));
        }
        last = Some(merchant);
        for (number, line) in (1..).zip(&statement.lines) {
            if line.kind.amount(&line.figures) != Some(line.fen) {
                found.push(Violation::Line {
                    merchant,
                    line: number,
                    fen: line.fen,
                });
            }
        }
        let carried = input
            .before
            .get(&merchant)
            .map_or(0, |before| before.carried);
        let total: i128 = statement.lines.iter().map(|line| line.fen).sum();
        let foots = statement.opening == carried
            && statement.total == total
            && statement.closing == carried + total
            && statement.closing == statement.due + statement.carried;
        if !foots {
            found.push(Violation::Statement(merchant));
        }
    }
    for (&merchant, before) in &input.before {
        let told = settlement
            .statements
            .binary_search_by_key(&merchant, |statement| statement.merchant);
        if before.carried != 0 && told.is_err() {
            found.push(Violation::Statement(merchant));
        }
    }
}

/// Nets come from the statements, the margin from the operator's books, and customers' money from the trades.
fn nets(settlement: &Settlement, input: &Input, found: &mut Vec<Violation>) {
    let mut by_kind: BTreeMap<LineKind, i128> = BTreeMap::new();
    for line in settlement
        .statements
        .iter()
        .flat_map(|statement| &statement.lines)
    {
        *by_kind.entry(line.kind).or_default() += line.fen;
    }
    let operator = &settlement.operator;
    for kind in LineKind::ALL {
        let lines = by_kind.get(&kind).copied().unwrap_or_default();
        let booked = operator.entries.get(&kind).copied().unwrap_or_default();
        if lines + booked != 0 {
            found.push(Violation::Booked {
                kind,
                lines,
                booked,
            });
        }
    }
    let nets: i128 = by_kind.values().sum();
    let (margin, cash) = (operator.margin(), collected(input));
    if nets + margin != cash {
        found.push(Violation::Nets { nets, margin, cash });
    }
}

/// Customers' money in the operator's till, counted again.
fn collected(input: &Input) -> i128 {
    let net = |trade: &super::input::Trade| {
        let contract = input.contracts.get(&trade.merchant)?.on(trade.priced_on)?;
        if contract.till == crate::ledger::Till::Merchant {
            return None;
        }
        let (cash, back) = (
            i128::try_from(trade.cash).ok()?,
            i128::try_from(trade.cash_returned).ok()?,
        );
        Some(cash - back)
    };
    input.trades.iter().filter_map(net).sum()
}

fn payments(settlement: &Settlement, found: &mut Vec<Violation>) {
    let mut due: BTreeMap<Name, (i128, i128)> = BTreeMap::new();
    for statement in &settlement.statements {
        due.entry(statement.merchant).or_default().0 += statement.due;
    }
    for Payment { merchant, fen } in &settlement.payments {
        due.entry(*merchant).or_default().1 += fen;
    }
    for (merchant, (due, paid)) in due {
        if due != paid {
            found.push(Violation::Payment {
                merchant,
                due,
                paid,
            });
        }
    }
}

fn issuers(input: &Input, found: &mut Vec<Violation>) {
    #[derive(Clone, Copy, Default)]
    struct Sides {
        accepted: (u128, u128),
        used: (u128, u128),
    }
    // Positions of a day come sorted by issuer, so that the tree is asked once for many of them.
    let mut sides: BTreeMap<(Name, Name), Sides> = BTreeMap::new();
    for same in input
        .positions
        .chunk_by(|a, b| (a.issuer, a.point_type) == (b.issuer, b.point_type))
    {
        let side = sides
            .entry((same[0].issuer, same[0].point_type))
            .or_default();
        side.accepted.0 += same.iter().map(|position| position.spent).sum::<u128>();
        side.accepted.1 += same.iter().map(|position| position.returned).sum::<u128>();
    }
    for issue in &input.issues {
        let side = sides.entry((issue.issuer, issue.point_type)).or_default();
        side.used.0 += issue.flows.used;
        side.used.1 += issue.flows.returned;
    }
    for ((issuer, point_type), side) in sides {
        if side.accepted != side.used {
            found.push(Violation::Issuer {
                issuer,
                point_type,
                accepted_spent: side.accepted.0,
                accepted_returned: side.accepted.1,
                used: side.used.0,
                returned: side.used.1,
            });
        }
    }
}

fn matrix(settlement: &Settlement, input: &Input, found: &mut Vec<Violation>) {
    let cells = settlement.matrix.cells().iter();
    let matrix = cells.map(|cell| cell.spent + cell.returned).sum();
    let positions = input
        .positions
        .iter()
        .map(|position| position.spent + position.returned)
        .sum();
    if matrix != positions {
        found.push(Violation::Matrix { matrix, positions });
    }
}
