//! Which commands are sent, drawn from a seed.

use clap::ValueEnum;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::names::{MERCHANTS, Member, Merchant};

/// A named mix of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Mix {
    /// Of the operations 60 % earns, 20 % holds each followed by its capture, 20 % redemptions.
    Canonical,
    /// Earns only.
    Earn,
}

/// What one command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Earn,
    Hold,
    Capture,
    Redeem,
}

impl Operation {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 4] = [Self::Earn, Self::Hold, Self::Capture, Self::Redeem];

    /// The word of the wire contract.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Redeem => "redeem",
        }
    }
}

/// The largest amount of one command, in points. Small beside the opening balance, so that balance is not what runs out.
const POINTS_MAX: u64 = 100;

/// Who, with whom, how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Movement {
    pub(crate) member: Member,
    pub(crate) merchant: Merchant,
    pub(crate) points: u64,
}

/// Draws the commands of one connection. Every connection has its own stream of the same seed, so that what it says does
/// not depend on how fast the others are.
#[derive(Debug)]
pub(crate) struct Draw {
    rng: ChaCha8Rng,
    mix: Mix,
    members: u64,
}

impl Draw {
    pub(crate) fn new(seed: u64, connection: u32, mix: Mix, members: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(connection));
        Self { rng, mix, members }
    }

    /// The next operation. Never a capture: that follows from the answer to a hold, not from a draw.
    pub(crate) fn operation(&mut self) -> Operation {
        match self.mix {
            Mix::Earn => Operation::Earn,
            Mix::Canonical => match self.rng.random_range(0..100_u32) {
                0..60 => Operation::Earn,
                60..80 => Operation::Hold,
                _ => Operation::Redeem,
            },
        }
    }

    pub(crate) fn movement(&mut self) -> Movement {
        Movement {
            member: Member(self.rng.random_range(0..self.members)),
            merchant: Merchant(self.rng.random_range(0..MERCHANTS)),
            points: self.rng.random_range(1..=POINTS_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_mix_has_its_shares() {
        let mut draw = Draw::new(42, 0, Mix::Canonical, 100);
        let mut counts = [0_u32; 4];
        for _ in 0..100_000 {
            counts[draw.operation() as usize] += 1;
        }
        for (operation, expected) in Operation::ALL.into_iter().zip([60_000, 20_000, 0, 20_000]) {
            let off = counts[operation as usize].abs_diff(expected);
            assert!(
                off < 1_000,
                "{} {} of {expected}",
                operation.word(),
                counts[operation as usize]
            );
        }
    }

    #[test]
    fn a_seed_repeats_and_connections_differ() {
        let draws = |seed, connection| {
            let mut draw = Draw::new(seed, connection, Mix::Canonical, 1_000_000);
            (0..10).map(|_| draw.movement()).collect::<Vec<_>>()
        };
        assert_eq!(draws(1, 0), draws(1, 0));
        assert_ne!(draws(1, 0), draws(1, 1));
        assert_ne!(draws(1, 0), draws(2, 0));
    }
}
