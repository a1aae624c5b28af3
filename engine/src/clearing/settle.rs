//! A settlement: what a period comes to for everybody.

use std::collections::BTreeMap;

use compact_str::CompactString;

use super::{
    calendar,
    error::SettleError,
    fees::{Year, fees},
    inclusion::Digest,
    input::{Before, Correction, Input, Name, Pack, Period},
    line::{Line, LineKind, Note},
    matrix::Matrix,
    packs::draw,
    price::{Priced, line, price},
    rate::{Figures, Rate},
    sums::{Sums, index},
};
use crate::ledger::Commission;

/// What a merchant or an agent is told. Amounts are in fen; above zero it gets them, below it pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whose.
    pub merchant: Name,
    /// What was carried over from the settlement before.
    pub opening: i128,
    /// What the period comes to, sorted by kind, contract, kind of points and counterpart.
    pub lines: Vec<Line>,
    /// The sum of the lines.
    pub total: i128,
    /// Opening and total.
    pub closing: i128,
    /// What of it is paid now: all if a cycle ends in the period, else nothing.
    pub due: i128,
    /// The rest.
    pub carried: i128,
}

/// What the operator has of it all, from entries of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorBooks {
    /// Customers' money that it took in, less what went back, in fen.
    pub cash_collected: i128,
    /// The other side of every line, by kind, in fen: above zero the operator got it.
    pub entries: BTreeMap<LineKind, i128>,
}

impl OperatorBooks {
    /// What it keeps, in fen; below zero it paid out of its own pocket.
    #[must_use]
    pub fn margin(&self) -> i128 {
        self.cash_collected + self.entries.values().sum::<i128>()
    }

    fn book(&mut self, line: &Line) {
        *self.entries.entry(line.kind).or_default() -= line.fen;
    }
}

/// Points that nobody pays for but the operator: their issuer never had a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnPoints {
    /// Under which name.
    pub issuer: Name,
    /// Of which kind.
    pub point_type: Name,
    /// Issued, less taken back.
    pub issued: i128,
    /// Spent, less come back.
    pub used: i128,
    /// What those are worth where they were accepted, in fen: the cells of the matrix added up.
    pub value: i128,
}

/// One net payment between the operator and somebody, in fen: above zero the operator pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Who gets or pays it.
    pub merchant: Name,
    /// How much; not nothing.
    pub fen: i128,
}

/// A period as it was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// What it is called.
    pub id: CompactString,
    /// Which days.
    pub period: Period,
    /// The root of the settlement before.
    pub previous: Option<Digest>,
    /// Sorted by merchant.
    pub statements: Vec<Statement>,
    /// The operator's side.
    pub operator: OperatorBooks,
    /// Whose points were accepted by whom.
    pub matrix: Matrix,
    /// The operator's own points.
    pub own_points: Vec<OwnPoints>,
    /// Sorted by merchant.
    pub payments: Vec<Payment>,
    /// Points drawn from packs beyond what was in them: merchant, kind and how many. [`prove`](super::prove) finds fault with it.
    pub drawn_beyond: Vec<(Name, Name, u128)>,
    /// What the next settlement has to know.
    pub after: BTreeMap<Name, Before>,
}

/// Settles a period.
///
/// # Errors
///
/// If a sum is too large, a contract divides by nothing, a name is missing, something did not happen in the period, or more went
/// back to packs than came out.
pub fn settle(
    input: &Input,
    period: Period,
    id: &str,
    previous: Option<Digest>,
) -> Result<Settlement, SettleError> {
    let taken = input.taken(period);
    let sums = Sums::gather(input, taken)?;
    let mut made = Making::new(input, taken, sums);
    for at in 0..input.names.len() {
        let name = u32::try_from(at).map_err(|_| SettleError::TooLarge)?;
        made.merchant(Name(name))?;
    }
    for correction in &input.corrections {
        made.correct(correction)?;
    }
    let matrix = Matrix::gather(input, &made.sums)?;
    let own_points = own_points(&made.sums, &matrix);
    let mut statements = Vec::new();
    let mut after = BTreeMap::new();
    for at in 0..input.names.len() {
        let name = Name(u32::try_from(at).map_err(|_| SettleError::TooLarge)?);
        let (statement, known) = made.close(name)?;
        statements.extend(statement);
        if known != Before::default() {
            after.insert(name, known);
        }
    }
    let due = statements.iter().filter(|statement| statement.due != 0);
    let payments = due.map(|statement| Payment {
        merchant: statement.merchant,
        fen: statement.due,
    });
    Ok(Settlement {
        id: id.into(),
        period,
        previous,
        payments: payments.collect(),
        statements,
        operator: made.operator,
        matrix,
        own_points,
        drawn_beyond: made.drawn_beyond,
        after,
    })
}

/// A settlement under way.
struct Making<'a> {
    input: &'a Input,
    /// The days that it takes: of the first settlement, more than its period.
    taken: Period,
    sums: Sums<'a>,
    packs: BTreeMap<Name, Vec<&'a Pack>>,
    /// By the number of the name.
    lines: Vec<Vec<Line>>,
    ever_drawn: BTreeMap<Name, BTreeMap<Name, u128>>,
    operator: OperatorBooks,
    drawn_beyond: Vec<(Name, Name, u128)>,
}

impl<'a> Making<'a> {
    fn new(input: &'a Input, taken: Period, sums: Sums<'a>) -> Self {
        let mut packs: BTreeMap<Name, Vec<&Pack>> = BTreeMap::new();
        for pack in &input.packs {
            packs.entry(pack.merchant).or_default().push(pack);
        }
        Self {
            input,
            taken,
            sums,
            packs,
            lines: vec![Vec::new(); input.names.len()],
            ever_drawn: BTreeMap::new(),
            operator: OperatorBooks::default(),
            drawn_beyond: Vec::new(),
        }
    }

    /// The lines that a merchant's own doings make, and those that they make for its agents.
    fn merchant(&mut self, name: Name) -> Result<(), SettleError> {
        let contracts = self.sums.contracts[index(name)];
        let sums = &self.sums.merchants[index(name)];
        let before = self.input.before.get(&name).cloned().unwrap_or_default();
        let Priced {
            mut lines,
            commissions,
            drawn,
            cash_collected,
        } = price(name, sums, contracts)?;
        if let Some(contracts) = contracts {
            let days = (self.taken, self.input.begin.is_some());
            lines.extend(fees(contracts, days, &before, sums, &lines)?);
        }
        let packs = self.packs.get(&name).map(Vec::as_slice).unwrap_or_default();
        let drawn = draw(packs, self.taken, &before.drawn, &drawn)?;
        lines.extend(drawn.lines);
        let beyond = drawn.beyond.into_iter();
        self.drawn_beyond
            .extend(beyond.map(|(point_type, points)| (name, point_type, points)));
        self.ever_drawn.insert(name, drawn.ever);
        self.operator.cash_collected += cash_collected;
        for line in lines {
            self.post(name, line)?;
        }
        for (Commission { agent, .. }, line) in commissions {
            let found = self
                .input
                .names
                .binary_search_by(|known| known.as_str().cmp(agent.as_str()));
            let at = found.map_err(|_| SettleError::Name)?;
            let agent = Name(u32::try_from(at).map_err(|_| SettleError::TooLarge)?);
            self.post(agent, line)?;
        }
        Ok(())
    }

    fn correct(&mut self, correction: &Correction) -> Result<(), SettleError> {
        if !self.taken.contains(correction.day) {
            return Err(SettleError::OutsidePeriod(correction.day));
        }
        let figures = Figures {
            money: i128::from(correction.amount),
            ..Figures::at(Rate::MONEY)
        };
        let mut put_right = line(LineKind::Correction, None, None, figures)?;
        put_right.note = Some(Note {
            id: correction.id.clone(),
            reason: correction.reason.clone(),
            reference: correction.reference.clone(),
        });
        self.post(correction.merchant, put_right)
    }

    /// Books both sides of a line.
    fn post(&mut self, name: Name, line: Line) -> Result<(), SettleError> {
        let lines = self.lines.get_mut(index(name)).ok_or(SettleError::Name)?;
        self.operator.book(&line);
        lines.push(line);
        Ok(())
    }

    /// The statement of a merchant, if there is anything to tell, and what the next settlement has to know of it.
    fn close(&mut self, name: Name) -> Result<(Option<Statement>, Before), SettleError> {
        let before = self.input.before.get(&name).cloned().unwrap_or_default();
        let contracts = self.sums.contracts[index(name)];
        let agreed = self.sums.agreed(name, self.taken.last);
        let mut lines = std::mem::take(&mut self.lines[index(name)]);
        lines.sort_by_key(|line| (line.kind, line.contract, line.point_type, line.counterpart));
        let year = calendar::year(calendar::next(self.taken.last)).unwrap_or_default();
        let sums = &self.sums.merchants[index(name)];
        let come_to = Year::until(year, self.taken, &before, sums, contracts)?;
        let mut after = Before {
            carried: 0,
            year_turnover: come_to.turnover,
            year_orders: i64::try_from(come_to.orders).map_err(|_| SettleError::TooLarge)?,
            drawn: self.ever_drawn.remove(&name).unwrap_or_default(),
        };
        if agreed.is_none() && lines.is_empty() && before.carried == 0 {
            return Ok((None, after));
        }
        let total = lines
            .iter()
            .try_fold(0_i128, |sum, line| sum.checked_add(line.fen));
        let total = total.ok_or(SettleError::TooLarge)?;
        let closing = before
            .carried
            .checked_add(total)
            .ok_or(SettleError::TooLarge)?;
        // Nobody agreed on a cycle with an agent that is no merchant: it is paid at once.
        let is_due =
            agreed.is_none_or(|(_, contract)| calendar::ends_within(contract.cycle, self.taken));
        let due = if is_due { closing } else { 0 };
        after.carried = closing - due;
        let statement = Statement {
            merchant: name,
            opening: before.carried,
            lines,
            total,
            closing,
            due,
            carried: closing - due,
        };
        Ok((Some(statement), after))
    }
}

/// What became of points whose issuer has no contract.
fn own_points(sums: &Sums<'_>, matrix: &Matrix) -> Vec<OwnPoints> {
    let mut own: BTreeMap<(Name, Name), OwnPoints> = BTreeMap::new();
    let has_contract = |name: Name| sums.contracts[index(name)].is_some();
    fn entry(own: &mut BTreeMap<(Name, Name), OwnPoints>, key: (Name, Name)) -> &mut OwnPoints {
        own.entry(key).or_insert(OwnPoints {
            issuer: key.0,
            point_type: key.1,
            issued: 0,
            used: 0,
            value: 0,
        })
    }
    for (at, merchant) in (0..).zip(&sums.merchants) {
        for group in merchant.groups.iter().filter(|_| !has_contract(Name(at))) {
            if group.issued != 0 || group.used != 0 {
                let points = entry(&mut own, (Name(at), group.point_type));
                points.issued += group.issued;
                points.used += group.used;
            }
        }
    }
    for cells in matrix.cells().chunk_by(|a, b| a.issuer == b.issuer) {
        for cell in cells.iter().filter(|_| !has_contract(cells[0].issuer)) {
            entry(&mut own, (cell.issuer, cell.point_type)).value += cell.value;
        }
    }
    own.into_values().collect()
}
