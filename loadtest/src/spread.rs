//! How the load is spread over members or merchants: evenly, or a few get most of it.

use std::fmt;
use std::str::FromStr;

use rand::Rng;
use rand_distr::{Distribution, Zipf};

/// How one of many is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// All alike.
    Uniform,
    /// The *k*th most frequent is chosen in proportion to 1/*k* to this power. The most frequent is number 0.
    Zipf(f64),
}

/// A spread that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a spread; write uniform, or zipf:0.99 with an exponent above 0 and up to 10")]
pub struct SpreadError(String);

impl FromStr for Spread {
    type Err = SpreadError;

    fn from_str(text: &str) -> Result<Self, SpreadError> {
        let unknown = || SpreadError(text.to_owned());
        match text.split_once(':') {
            None if text == "uniform" => Ok(Self::Uniform),
            Some(("zipf", exponent)) => {
                let exponent: f64 = exponent.parse().map_err(|_| unknown())?;
                if exponent > 0.0 && exponent <= 10.0 {
                    Ok(Self::Zipf(exponent))
                } else {
                    Err(unknown())
                }
            }
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Zipf(exponent) => write!(f, "zipf:{exponent}"),
        }
    }
}

/// Chooses a number below a bound.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    Evenly { below: u64 },
    Skewed { ranks: Zipf<f64>, below: u64 },
}

impl Choice {
    /// `below` is at least 1.
    pub(crate) fn new(spread: Spread, below: u64) -> Self {
        match spread {
            Spread::Uniform => Self::Evenly { below },
            Spread::Zipf(exponent) => Self::Skewed {
                ranks: Zipf::new(below as f64, exponent)
                    .expect("there is at least one, and exponents are positive"),
                below,
            },
        }
    }

    pub(crate) fn number(&self, rng: &mut impl Rng) -> u64 {
        match self {
            Self::Evenly { below } => rng.random_range(0..*below),
            Self::Skewed { ranks, below } => {
                let rank = ranks.sample(rng) as u64;
                rank.saturating_sub(1).min(below - 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Of 100,000 choices of one in a hundred, how many were each.
    fn counts(spread: &str) -> [u32; 100] {
        let choice = Choice::new(spread.parse().expect("a spread"), 100);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0; 100];
        for _ in 0..100_000 {
            counts[choice.number(&mut rng) as usize] += 1;
        }
        counts
    }

    #[test]
    fn a_few_get_most_where_that_was_asked_for() {
        let even = counts("uniform");
        assert!(
            even.iter().all(|count| (850..1_150).contains(count)),
            "{even:?}"
        );
        // 1/k over the first hundred adds up to 5.187.
        let skewed = counts("zipf:1");
        for rank in [1_u32, 2, 5, 10] {
            let (got, expected) = (
                skewed[rank as usize - 1],
                100_000.0 / 5.187 / f64::from(rank),
            );
            assert!(
                (f64::from(got) / expected - 1.0).abs() < 0.1,
                "{rank}: {got} of {expected}"
            );
        }
    }

    #[test]
    fn spreads_are_written_as_they_are_read() {
        for text in ["uniform", "zipf:0.99", "zipf:3"] {
            assert_eq!(text.parse::<Spread>().expect(text).to_string(), text);
        }
        for bad in ["zipf", "zipf:0", "zipf:-1", "zipf:11", "zipf:NaN", "normal"] {
            assert!(bad.parse::<Spread>().is_err(), "{bad}");
        }
    }
}
