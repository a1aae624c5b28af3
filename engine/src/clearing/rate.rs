//! How quantities become money, with one rounding.

use serde::{Deserialize, Serialize};

/// What a price is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// There is no price; only money counts.
    Nothing,
    /// Points.
    Points,
    /// Units of goods.
    Units,
    /// Orders.
    Orders,
}

/// `(quantity × fen / per + money) × times / over`, rounded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// What the price is for.
    pub of: Quantity,
    /// The price in fen, ...
    pub fen: u64,
    /// ... for so many; at least 1.
    pub per: u64,
    /// Which part of it all: so many ...
    pub times: u64,
    /// ... of so many; at least 1.
    pub over: u64,
}

impl Rate {
    /// Nothing, whatever it is for.
    pub const NOTHING: Self = Self {
        of: Quantity::Nothing,
        fen: 0,
        per: 1,
        times: 0,
        over: 1,
    };
    /// Money as it is.
    pub const MONEY: Self = Self::part(1, 1);

    /// A part of money.
    #[must_use]
    pub const fn part(times: u64, over: u64) -> Self {
        Self {
            of: Quantity::Nothing,
            fen: 0,
            per: 1,
            times,
            over,
        }
    }

    /// A price, all of it.
    #[must_use]
    pub const fn price(of: Quantity, fen: u64, per: u64) -> Self {
        Self {
            of,
            fen,
            per,
            times: 1,
            over: 1,
        }
    }

    /// The same price, and only a part of what it comes to.
    #[must_use]
    pub const fn times(self, times: u64, over: u64) -> Self {
        Self {
            times,
            over,
            ..self
        }
    }
}

/// Everything that a line's amount is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// How many points; of what came back, below zero. So are the others.
    pub points: i128,
    /// How many units.
    pub units: i128,
    /// How many orders.
    pub orders: i128,
    /// Money to which the rate applies, in fen.
    pub money: i128,
    /// What becomes of them.
    pub rate: Rate,
    /// What the merchant has of it already, in its own till, in fen.
    pub kept: i128,
}

impl Figures {
    /// No points, units, orders or money.
    #[must_use]
    pub const fn at(rate: Rate) -> Self {
        Self {
            points: 0,
            units: 0,
            orders: 0,
            money: 0,
            rate,
            kept: 0,
        }
    }

    /// What it comes to, in fen: rounded, less what is kept. `None` beyond 128 bits, or if the rate divides by nothing.
    #[must_use]
    pub fn amount(&self) -> Option<i128> {
        let rate = self.rate;
        let quantity = match rate.of {
            Quantity::Nothing => 0,
            Quantity::Points => self.points,
            Quantity::Units => self.units,
            Quantity::Orders => self.orders,
        };
        let priced = quantity.checked_mul(i128::from(rate.fen))?;
        let money = self.money.checked_mul(i128::from(rate.per))?;
        let numerator = priced
            .checked_add(money)?
            .checked_mul(i128::from(rate.times))?;
        let denominator = u128::from(rate.per).checked_mul(u128::from(rate.over))?;
        rounded(numerator, denominator)?.checked_sub(self.kept)
    }
}

/// Half up to the fen (C2). Below zero it is the mirror image, half away from zero: what is undone takes exactly that back which it
/// gave, whatever is undone. `None` if something is divided by nothing.
#[must_use]
pub fn rounded(numerator: i128, denominator: u128) -> Option<i128> {
    let magnitude = numerator.unsigned_abs();
    let whole = magnitude.checked_div(denominator)?;
    let rest = magnitude % denominator;
    // Twice the rest could overflow, so that the rest is compared with what is missing.
    let up = u128::from(rest >= denominator - rest);
    let amount = i128::try_from(whole.checked_add(up)?).ok()?;
    Some(if numerator < 0 { -amount } else { amount })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_up_and_their_undoing_goes_back() {
        for (numerator, denominator, amount) in [
            (0, 7, Some(0)),
            (1, 2, Some(1)),
            (-1, 2, Some(-1)),
            (49, 100, Some(0)),
            (50, 100, Some(1)),
            (149, 100, Some(1)),
            (-149, 100, Some(-1)),
            (150, 100, Some(2)),
            (-150, 100, Some(-2)),
            (1, 3, Some(0)),
            (2, 3, Some(1)),
            (i128::MAX, 1, Some(i128::MAX)),
            (i128::MIN, 1, None),
            (1, 0, None),
            (i128::MAX, u128::MAX, Some(0)),
        ] {
            assert_eq!(
                rounded(numerator, denominator),
                amount,
                "{numerator}/{denominator}"
            );
        }
    }

    #[test]
    fn a_line_is_rounded_once_after_the_last_multiplication() {
        // 10.00 points and 85.00 yuan at 9折 of 9.5折: 9.4736… + 80.5263… = 90.00, not 9.47 + 80.53 by luck.
        let rate = Rate::price(Quantity::Points, 1, 1).times(9_000, 9_500);
        let figures = Figures {
            points: 1_000,
            money: 8_500,
            ..Figures::at(rate)
        };
        assert_eq!(figures.amount(), Some(9_000));
        let kept = Figures {
            kept: 8_500,
            ..figures
        };
        assert_eq!(kept.amount(), Some(500));
        let much = Figures {
            points: i128::MAX,
            ..figures
        };
        assert_eq!(much.amount(), None);
    }
}
