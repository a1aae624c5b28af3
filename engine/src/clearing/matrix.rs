//! Whose points were accepted by whom.

use super::{
    error::SettleError,
    input::{Input, Name},
    price::price_of_points,
    rate::Figures,
    sums::{Sums, index, signed},
};
use crate::ledger::Day;

/// Points of one issuer that one acceptor took under one of its contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Whose points.
    pub issuer: Name,
    /// Who took them.
    pub acceptor: Name,
    /// Of which kind.
    pub point_type: Name,
    /// The first day of the acceptor's contract; [`Day::NEVER`] where nothing was agreed yet.
    pub contract: Day,
    /// How many were spent.
    pub spent: u128,
    /// How many came back.
    pub returned: u128,
    /// What the difference is worth at the acceptor, in fen, rounded.
    pub value: i128,
}

impl Cell {
    const fn key(&self) -> (Name, Name, Name, Day) {
        (self.issuer, self.acceptor, self.point_type, self.contract)
    }
}

/// All cells, and their order by acceptor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// Sorted by issuer, acceptor, kind of points and contract; each once.
    cells: Vec<Cell>,
    /// Places of cells, sorted by acceptor.
    by_acceptor: Vec<u32>,
    /// Where each acceptor's begin in that, and one more.
    starts: Vec<u32>,
}

impl Matrix {
    /// Sums positions up.
    pub(super) fn gather(input: &Input, sums: &Sums<'_>) -> Result<Self, SettleError> {
        let mut cells = Vec::with_capacity(input.positions.len());
        for position in &input.positions {
            let agreed = sums.agreed(position.acceptor, position.priced_on);
            cells.push(Cell {
                issuer: position.issuer,
                acceptor: position.acceptor,
                point_type: position.point_type,
                contract: agreed.map_or(Day::NEVER, |(from, _)| from),
                spent: position.spent,
                returned: position.returned,
                value: 0,
            });
        }
        // Days come sorted, each with its own order inside: the stable sort merges such runs.
        cells.sort_by_key(Cell::key);
        merge(&mut cells)?;
        for cell in &mut cells {
            cell.value = value(cell, sums)?;
        }
        Self::index(cells, input.names.len())
    }

    /// Remembers which cells an acceptor has.
    fn index(cells: Vec<Cell>, names: usize) -> Result<Self, SettleError> {
        let count = u32::try_from(cells.len()).map_err(|_| SettleError::TooLarge)?;
        let mut starts = vec![0_u32; names + 1];
        for cell in &cells {
            let next = starts.get_mut(index(cell.acceptor) + 1);
            *next.ok_or(SettleError::Name)? += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut free = starts.clone();
        let mut by_acceptor = vec![0_u32; cells.len()];
        for (place, cell) in (0..count).zip(&cells) {
            let slot = &mut free[index(cell.acceptor)];
            by_acceptor[*slot as usize] = place;
            *slot += 1;
        }
        Ok(Self {
            cells,
            by_acceptor,
            starts,
        })
    }

    /// Everything, sorted by issuer, acceptor, kind of points and contract.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Where the points of an issuer went.
    #[must_use]
    pub fn of_issuer(&self, issuer: Name) -> &[Cell] {
        let from = self.cells.partition_point(|cell| cell.issuer < issuer);
        let to = self.cells.partition_point(|cell| cell.issuer <= issuer);
        &self.cells[from..to]
    }

    /// Whose points an acceptor took.
    pub fn of_acceptor(&self, acceptor: Name) -> impl ExactSizeIterator<Item = &Cell> {
        let start = |at: usize| {
            self.starts
                .get(at)
                .map_or(self.by_acceptor.len(), |at| *at as usize)
        };
        let places = &self.by_acceptor[start(index(acceptor))..start(index(acceptor) + 1)];
        places.iter().map(|place| &self.cells[*place as usize])
    }
}

/// Makes one of neighbours with the same key.
fn merge(cells: &mut Vec<Cell>) -> Result<(), SettleError> {
    let mut overflow = false;
    cells.dedup_by(|next, kept| {
        if next.key() != kept.key() {
            return false;
        }
        let spent = kept.spent.checked_add(next.spent);
        let returned = kept.returned.checked_add(next.returned);
        overflow |= spent.is_none() || returned.is_none();
        kept.spent = spent.unwrap_or_default();
        kept.returned = returned.unwrap_or_default();
        true
    });
    if overflow {
        return Err(SettleError::TooLarge);
    }
    cells.shrink_to_fit();
    Ok(())
}

fn value(cell: &Cell, sums: &Sums<'_>) -> Result<i128, SettleError> {
    let Some((_, contract)) = sums.agreed(cell.acceptor, cell.contract) else {
        return Ok(0);
    };
    if cell.contract == Day::NEVER {
        return Ok(0);
    }
    let figures = Figures {
        points: signed(cell.spent)? - signed(cell.returned)?,
        ..Figures::at(price_of_points(contract.accept))
    };
    figures.amount().ok_or(SettleError::TooLarge)
}
