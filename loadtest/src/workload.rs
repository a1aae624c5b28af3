//! Which commands are sent, drawn from a seed.

use clap::ValueEnum;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::Serialize;

use crate::names::{MERCHANTS, Member, Merchant, SkuNumber};
use crate::settings::Settings;
use crate::spread::{Choice, Spread};

/// A named mix of operations.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Mix {
    /// Of the operations 60 % earns, 20 % holds each followed by its capture, 20 % redemptions.
    Canonical,
    /// Earns only.
    Earn,
    /// Reservations of one unit each in a sale that the run puts first.
    Reserve,
    /// Transfers from one member to another.
    Transfer,
}

/// What one command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Earn,
    Hold,
    Capture,
    Redeem,
    Reserve,
    Transfer,
    /// Any other command of a file that is replayed.
    Other,
}

impl Operation {
    /// In the order of the report.
    pub(crate) const ALL: [Self; 7] = [
        Self::Earn,
        Self::Hold,
        Self::Capture,
        Self::Redeem,
        Self::Reserve,
        Self::Transfer,
        Self::Other,
    ];

    /// Whatever this word of the wire contract stands for.
    pub(crate) fn of_word(word: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|operation| operation.word() == word)
            .unwrap_or(Self::Other)
    }

    /// The word of the wire contract.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Hold => "hold",
            Self::Capture => "capture",
            Self::Redeem => "redeem",
            Self::Reserve => "reserve",
            Self::Transfer => "transfer",
            Self::Other => "other",
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

/// Who wants a unit of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reservation {
    pub(crate) member: Member,
    pub(crate) sku: SkuNumber,
}

/// Who gives whom how much. Never somebody to themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handover {
    pub(crate) from: Member,
    pub(crate) to: Member,
    pub(crate) points: u64,
}

/// A command as it was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawn {
    /// An earn, a hold or a redemption; never a capture, which follows from the answer to a hold.
    Movement(Operation, Movement),
    Reservation(Reservation),
    Handover(Handover),
}

impl Drawn {
    pub(crate) const fn operation(&self) -> Operation {
        match self {
            Self::Movement(operation, _) => *operation,
            Self::Reservation(_) => Operation::Reserve,
            Self::Handover(_) => Operation::Transfer,
        }
    }
}

/// Draws the commands of one connection. Every connection has its own stream of the same seed, so that what it says does
/// not depend on how fast the others are.
#[derive(Debug)]
pub(crate) struct Draw {
    rng: ChaCha8Rng,
    mix: Mix,
    members: u64,
    member: Choice,
    merchant: Choice,
    skus: u64,
}

/// Whom the commands are about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    /// At least 2 where they transfer.
    pub(crate) members: u64,
    pub(crate) member_spread: Spread,
    pub(crate) merchant_spread: Spread,
    /// At least 1 where they reserve.
    pub(crate) skus: u64,
}

impl From<&Settings> for Crowd {
    fn from(settings: &Settings) -> Self {
        Self {
            members: settings.members,
            member_spread: settings.member_spread,
            merchant_spread: settings.merchant_spread,
            skus: settings.sale.map_or(1, |sale| sale.skus),
        }
    }
}

impl Draw {
    pub(crate) fn new(seed: u64, connection: u32, mix: Mix, crowd: Crowd) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(connection));
        Self {
            rng,
            mix,
            members: crowd.members,
            member: Choice::new(crowd.member_spread, crowd.members),
            merchant: Choice::new(crowd.merchant_spread, MERCHANTS),
            skus: crowd.skus,
        }
    }

    /// The next command.
    pub(crate) fn command(&mut self) -> Drawn {
        let operation = match self.mix {
            Mix::Reserve => return Drawn::Reservation(self.reservation()),
            Mix::Transfer => return Drawn::Handover(self.handover()),
            Mix::Earn => Operation::Earn,
            Mix::Canonical => match self.rng.random_range(0..100_u32) {
                0..60 => Operation::Earn,
                60..80 => Operation::Hold,
                _ => Operation::Redeem,
            },
        };
        Drawn::Movement(operation, self.movement())
    }

    fn reservation(&mut self) -> Reservation {
        Reservation {
            member: self.member(),
            sku: SkuNumber(self.rng.random_range(0..self.skus)),
        }
    }

    fn handover(&mut self) -> Handover {
        let from = self.member();
        // Somewhere behind the sender, all the way round to just before.
        let further = self.rng.random_range(1..self.members);
        Handover {
            from,
            to: Member((from.0 + further) % self.members),
            points: self.rng.random_range(1..=POINTS_MAX),
        }
    }

    fn member(&mut self) -> Member {
        Member(self.member.number(&mut self.rng))
    }

    fn movement(&mut self) -> Movement {
        Movement {
            member: self.member(),
            merchant: Merchant(self.merchant.number(&mut self.rng)),
            points: self.rng.random_range(1..=POINTS_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn crowd(members: u64) -> Crowd {
        Crowd {
            members,
            member_spread: Spread::Uniform,
            merchant_spread: Spread::Uniform,
            skus: 1,
        }
    }

    #[test]
    fn the_canonical_mix_has_its_shares() {
        let mut draw = Draw::new(42, 0, Mix::Canonical, crowd(100));
        let mut counts = [0_u32; Operation::ALL.len()];
        for _ in 0..100_000 {
            counts[draw.command().operation() as usize] += 1;
        }
        for (operation, expected) in Operation::ALL
            .into_iter()
            .zip([60_000, 20_000, 0, 20_000, 0, 0, 0])
        {
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
            let mut draw = Draw::new(seed, connection, Mix::Canonical, crowd(1_000_000));
            (0..10).map(|_| draw.command()).collect::<Vec<_>>()
        };
        assert_eq!(draws(1, 0), draws(1, 0));
        assert_ne!(draws(1, 0), draws(1, 1));
        assert_ne!(draws(1, 0), draws(2, 0));
    }

    #[test]
    fn a_hot_merchant_gets_most_and_a_hot_member_comes_again_and_again() {
        let hot = Crowd {
            member_spread: Spread::Zipf(0.99),
            merchant_spread: Spread::Zipf(3.0),
            ..crowd(1_000_000)
        };
        let mut draw = Draw::new(42, 0, Mix::Earn, hot);
        let (mut at_first, mut by_first) = (0, 0);
        for _ in 0..10_000 {
            let Drawn::Movement(_, movement) = draw.command() else {
                panic!("a mix of earns has nothing else");
            };
            at_first += u32::from(movement.merchant == Merchant(0));
            by_first += u32::from(movement.member == Member(0));
        }
        assert!(
            (8_200..8_500).contains(&at_first),
            "{at_first} of 10,000 at the first merchant"
        );
        assert!(
            (500..800).contains(&by_first),
            "{by_first} of 10,000 by the first member"
        );
    }

    #[test]
    fn nobody_gives_to_themselves() {
        for members in [2, 3, 1_000] {
            let mut draw = Draw::new(1, 0, Mix::Transfer, crowd(members));
            for _ in 0..1_000 {
                let Drawn::Handover(Handover { from, to, .. }) = draw.command() else {
                    panic!("a mix of transfers has nothing else");
                };
                assert!(
                    from != to && to.0 < members,
                    "{from:?} to {to:?} of {members}"
                );
            }
        }
    }
}
