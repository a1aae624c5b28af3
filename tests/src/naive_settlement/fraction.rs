//! Exact fractions of whole numbers.

use std::ops::{Add, Mul, Neg};

/// `top / bottom`, in lowest terms; `bottom` is above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    top: i128,
    bottom: i128,
}

impl Fraction {
    pub(super) const ZERO: Self = Self { top: 0, bottom: 1 };

    pub(super) fn new(top: i128, bottom: i128) -> Self {
        assert!(bottom > 0, "a fraction of nothing");
        let (mut a, mut b) = (top.abs(), bottom);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let divisor = a.max(1);
        Self {
            top: top / divisor,
            bottom: bottom / divisor,
        }
    }

    pub(super) fn whole(number: impl Into<i128>) -> Self {
        Self::new(number.into(), 1)
    }

    /// Half up; below zero, the opposite of what the opposite is rounded to.
    pub(super) fn rounded(self) -> i128 {
        if self.top < 0 {
            return -(-self).rounded();
        }
        // The floor of what is half more.
        (self.top * 2 + self.bottom).div_euclid(self.bottom * 2)
    }
}

impl Add for Fraction {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let top = self.top * other.bottom + other.top * self.bottom;
        Self::new(top, self.bottom * other.bottom)
    }
}

impl Mul for Fraction {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::new(self.top * other.top, self.bottom * other.bottom)
    }
}

impl Neg for Fraction {
    type Output = Self;

    fn neg(self) -> Self {
        Self::new(-self.top, self.bottom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        for (top, bottom, rounded) in [
            (1, 2, 1),
            (-1, 2, -1),
            (3, 2, 2),
            (4, 3, 1),
            (5, 3, 2),
            (0, 9, 0),
        ] {
            assert_eq!(
                Fraction::new(top, bottom).rounded(),
                rounded,
                "{top}/{bottom}"
            );
        }
    }
}
