//! Points bought ahead: what a pack costs, and from which packs points were drawn.

use std::collections::BTreeMap;

use super::{
    error::SettleError,
    input::{Name, Pack, Period},
    line::{Line, LineKind},
    price::line,
    rate::{Figures, Quantity, Rate},
};

/// What came of a merchant's packs in a period.
pub(super) struct Drawn {
    pub(super) lines: Vec<Line>,
    /// Drawn ever since, by kind.
    pub(super) ever: BTreeMap<Name, u128>,
    /// Drawn beyond all packs, by kind. Pools see to it that this is empty.
    pub(super) beyond: Vec<(Name, u128)>,
}

/// Draws from a merchant's packs, the earliest first; what came back goes to the last that was drawn from.
pub(super) fn draw(
    packs: &[&Pack],
    taken: Period,
    before: &BTreeMap<Name, u128>,
    drawn: &BTreeMap<Name, i128>,
) -> Result<Drawn, SettleError> {
    let mut came = Drawn {
        lines: Vec::new(),
        ever: before.clone(),
        beyond: Vec::new(),
    };
    for pack in packs {
        if taken.contains(pack.day) {
            let figures = Figures {
                points: i128::from(pack.points),
                money: i128::from(pack.price),
                ..Figures::at(Rate::MONEY)
            };
            came.lines
                .push(line(LineKind::Pack, None, Some(pack.point_type), figures)?);
        }
    }
    for (&point_type, &points) in drawn {
        let earlier = before.get(&point_type).copied().unwrap_or_default();
        let later = earlier
            .checked_add_signed(points)
            .ok_or(SettleError::Packs)?;
        let mut begin = 0_u128;
        let of_the_kind = packs.iter().filter(|pack| pack.point_type == point_type);
        for pack in of_the_kind.filter(|pack| pack.day <= taken.last) {
            let end = begin + u128::from(pack.points);
            let (from, to) = (earlier.clamp(begin, end), later.clamp(begin, end));
            if from != to {
                let points = to.cast_signed() - from.cast_signed();
                came.lines.push(drawn_line(pack, points)?);
            }
            begin = end;
        }
        if later > begin {
            came.beyond.push((point_type, later - begin));
        }
        came.ever.insert(point_type, later);
    }
    Ok(came)
}

/// Points out of a pack. They are paid for already: the price shows what they cost.
fn drawn_line(pack: &Pack, points: i128) -> Result<Line, SettleError> {
    let cost = Rate::price(Quantity::Points, pack.price, pack.points.max(1)).times(0, 1);
    let figures = Figures {
        points,
        ..Figures::at(cost)
    };
    line(LineKind::Drawn, None, Some(pack.point_type), figures)
}
