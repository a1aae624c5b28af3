//! Shapes of load: commands per second as a function of the time since the end of the warm-up. The warm-up itself runs at
//! the rate that the shape begins with.

use std::f64::consts::TAU;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::curve::{Curve, Stretch, nanos};
use crate::quantity::{QuantityError, Rate, Span};

/// A wave is made of so many straight lines; it is then off by less than a thousandth of its height.
const LINES_OF_A_WAVE: u32 = 120;

/// A shape of load, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `20k`: always the same.
    Constant(Rate),
    /// `ramp:1k..20k` over the whole run, or `ramp:1k..20k@60s` over its first minute; then on at the last rate.
    Ramp {
        /// The rate at the beginning.
        from: Rate,
        /// The rate at the end.
        to: Rate,
        /// How long it takes; the whole run if not given.
        over: Option<Duration>,
    },
    /// `step:5k,10k,20k@10s`: each for so long, the last until the end; without a span all for the same part of the run.
    Step {
        /// One after the other, at least one.
        rates: Vec<Rate>,
        /// How long each lasts.
        each: Option<Duration>,
    },
    /// `spike:5k+20k@10s/2s`: 5,000, and at every full ten seconds 20,000 more for two.
    Spike {
        /// The rate between the spikes.
        base: Rate,
        /// How much more it is in a spike.
        extra: Rate,
        /// From one spike to the next; the first comes after as long.
        every: Duration,
        /// How long a spike lasts; less than `every`.
        lasting: Duration,
    },
    /// `sine:5k..15k@30s`: up and down, once in 30 seconds, beginning at the lowest.
    Sine {
        /// The lowest rate.
        low: Rate,
        /// The highest.
        high: Rate,
        /// From one lowest point to the next.
        period: Duration,
    },
}

/// Why a shape of load was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Not the name of a shape, or not its form.
    #[error(
        "'{0}' is not a profile; write one like 20k, ramp:1k..20k, step:5k,10k,20k@10s, spike:5k+20k@10s/2s or \
         sine:5k..15k@30s"
    )]
    Form(String),
    /// A rate or a span in it.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// More than the arithmetic has room for.
    #[error("a profile goes up to {max} commands a second", max = Profile::RATE_MAX)]
    TooFast,
    /// A part of no length.
    #[error("a part of a profile must not have the length zero")]
    NoTime,
    /// Nothing would be left between the spikes.
    #[error("a spike must be shorter than the time from one to the next")]
    AllSpike,
    /// Nobody would see it.
    #[error("the run ends before the first spike; measure for longer than {0:?}")]
    NoSpike(Duration),
}

impl Profile {
    /// The highest rate of a shape that is not constant, in commands a second.
    pub const RATE_MAX: u64 = 1_000_000_000;

    /// The rate that it begins with, in commands a second.
    #[must_use]
    pub fn first_rate(&self) -> u64 {
        match self {
            Self::Constant(rate) => rate.per_second(),
            Self::Ramp { from, .. } => from.per_second(),
            Self::Step { rates, .. } => rates.first().map_or(1, |rate| rate.per_second()),
            Self::Spike { base, .. } => base.per_second(),
            Self::Sine { low, .. } => low.per_second(),
        }
    }

    /// Checks that a run of this length shows the shape.
    pub(crate) fn check(&self, duration: Duration) -> Result<(), ProfileError> {
        match self {
            Self::Spike { every, .. } if *every >= duration => Err(ProfileError::NoSpike(*every)),
            _ => Ok(()),
        }
    }

    /// The plan of a run.
    pub(crate) fn curve(&self, warmup: Duration, duration: Duration) -> Curve {
        let first = self.first_rate();
        match self {
            Self::Constant(_) => Curve::flat(first),
            Self::Ramp { from, to, over } => {
                let length = over.unwrap_or(duration);
                let ramp = Stretch::new(length, from.per_second(), to.per_second());
                Curve::once(warmup, first, [ramp])
            }
            Self::Step { rates, each } => {
                let steps = u32::try_from(rates.len()).unwrap_or(u32::MAX);
                let each = each.unwrap_or(duration / steps.max(1));
                Curve::once(warmup, first, rates.iter().map(|rate| flat(each, *rate)))
            }
            Self::Spike {
                base,
                extra,
                every,
                lasting,
            } => {
                let top = base.per_second() + extra.per_second();
                // A round begins with a spike; the time before the first one belongs to the warm-up's rate.
                let round = [
                    Stretch::new(*lasting, top, top),
                    flat(*every - *lasting, *base),
                ];
                Curve::repeating(warmup + *every, first, round)
            }
            Self::Sine { low, high, period } => {
                Curve::repeating(warmup, first, wave(*low, *high, *period))
            }
        }
    }
}

fn flat(length: Duration, rate: Rate) -> Stretch {
    Stretch::new(length, rate.per_second(), rate.per_second())
}

fn wave(low: Rate, high: Rate, period: Duration) -> impl Iterator<Item = Stretch> {
    let (low, high) = (low.per_second() as f64, high.per_second() as f64);
    let rate_at = move |line: u32| {
        let turn = f64::from(line) / f64::from(LINES_OF_A_WAVE);
        (low + (high - low) * (1.0 - (turn * TAU).cos()) / 2.0).round() as u64
    };
    let time_at =
        move |line: u32| u128::from(nanos(period)) * u128::from(line) / u128::from(LINES_OF_A_WAVE);
    (0..LINES_OF_A_WAVE).map(move |line| Stretch {
        length: (time_at(line + 1) - time_at(line)) as u64,
        from: rate_at(line),
        to: rate_at(line + 1),
    })
}

impl FromStr for Profile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let form = || ProfileError::Form(text.to_owned());
        let Some((name, rest)) = text.split_once(':') else {
            return Ok(Self::Constant(text.parse()?));
        };
        let (rates, times) = match rest.split_once('@') {
            Some((rates, times)) => (rates, Some(times)),
            None => (rest, None),
        };
        let two = |by: &str| -> Result<(Rate, Rate), ProfileError> {
            let (one, other) = rates.split_once(by).ok_or_else(form)?;
            Ok((bounded(one)?, bounded(other)?))
        };
        match name {
            "constant" if times.is_none() => Ok(Self::Constant(rates.parse()?)),
            "ramp" => {
                let (from, to) = two("..")?;
                let over = times.map(time).transpose()?;
                Ok(Self::Ramp { from, to, over })
            }
            "step" => {
                let rates = rates.split(',').map(bounded).collect::<Result<_, _>>()?;
                let each = times.map(time).transpose()?;
                Ok(Self::Step { rates, each })
            }
            "spike" => {
                let (base, extra) = two("+")?;
                let (every, lasting) = times
                    .and_then(|times| times.split_once('/'))
                    .ok_or_else(form)?;
                let (every, lasting) = (time(every)?, time(lasting)?);
                if lasting >= every {
                    return Err(ProfileError::AllSpike);
                }
                Ok(Self::Spike {
                    base,
                    extra,
                    every,
                    lasting,
                })
            }
            "sine" => {
                let (low, high) = two("..")?;
                let period = time(times.ok_or_else(form)?)?;
                Ok(Self::Sine { low, high, period })
            }
            _ => Err(form()),
        }
    }
}

fn bounded(text: &str) -> Result<Rate, ProfileError> {
    let rate: Rate = text.parse()?;
    if rate.per_second() > Profile::RATE_MAX {
        return Err(ProfileError::TooFast);
    }
    Ok(rate)
}

fn time(text: &str) -> Result<Duration, ProfileError> {
    let span = text.parse::<Span>()?.get();
    if span.is_zero() {
        return Err(ProfileError::NoTime);
    }
    Ok(span)
}

/// As it is written on the command line.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = |f: &mut fmt::Formatter<'_>, span: &Option<Duration>| match span {
            Some(span) => write!(f, "@{span:?}"),
            None => Ok(()),
        };
        match self {
            Self::Constant(rate) => write!(f, "{}", rate.per_second()),
            Self::Ramp {
                from,
                to,
                over: span,
            } => {
                write!(f, "ramp:{}..{}", from.per_second(), to.per_second())?;
                over(f, span)
            }
            Self::Step { rates, each } => {
                f.write_str("step:")?;
                for (index, rate) in rates.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}", rate.per_second())?;
                }
                over(f, each)
            }
            Self::Spike {
                base,
                extra,
                every,
                lasting,
            } => {
                let (base, extra) = (base.per_second(), extra.per_second());
                write!(f, "spike:{base}+{extra}@{every:?}/{lasting:?}")
            }
            Self::Sine { low, high, period } => {
                let (low, high) = (low.per_second(), high.per_second());
                write!(f, "sine:{low}..{high}@{period:?}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::COMMAND;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn profile(text: &str) -> Profile {
        text.parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Commands planned between two seconds of a run of 30 s after 5 s of warm-up.
    fn planned(text: &str, from: u64, to: u64) -> u128 {
        let curve = profile(text).curve(seconds(5), seconds(30));
        let until = |at| curve.planned(seconds(at).as_nanos());
        (until(to) - until(from)) / COMMAND
    }

    #[test]
    fn shapes() {
        let cases = [
            // profile, from and to second (the first five are the warm-up), commands between them
            ("20k", 0, 35, 700_000),
            ("constant:20k", 10, 11, 20_000),
            ("ramp:1k..20k", 0, 5, 5_000),
            ("ramp:1k..20k", 5, 35, 315_000),
            ("ramp:20k..1k", 5, 35, 315_000),
            ("ramp:1k..20k@10s", 5, 15, 105_000),
            ("ramp:1k..20k@10s", 15, 35, 400_000),
            ("step:5k,10k,20k", 0, 15, 75_000),
            ("step:5k,10k,20k", 15, 25, 100_000),
            ("step:5k,10k,20k", 25, 35, 200_000),
            ("step:5k,20k@5s", 5, 10, 25_000),
            ("step:5k,20k@5s", 10, 35, 500_000),
            ("spike:5k+20k@10s/2s", 0, 15, 75_000),
            ("spike:5k+20k@10s/2s", 15, 17, 50_000),
            ("spike:5k+20k@10s/2s", 17, 25, 40_000),
            ("spike:5k+20k@10s/2s", 25, 27, 50_000),
            ("sine:5k..15k@30s", 0, 5, 25_000),
            ("sine:5k..15k@30s", 5, 35, 300_000),
        ];
        for (text, from, to, commands) in cases {
            assert_eq!(
                planned(text, from, to),
                commands,
                "{text} from {from} s to {to} s"
            );
        }
    }

    #[test]
    fn a_wave_follows_the_sine() {
        // The quarter around the top of 5,000 + 5,000 (1 - cos): 7.5 s × (10,000 + 5,000 × sin(π/4) / (π/4)).
        let expected = 7.5 * (10_000.0 + 5_000.0 * 0.900_316);
        let curve = profile("sine:5k..15k@30s").curve(Duration::ZERO, seconds(30));
        let until = |millis| curve.planned(Duration::from_millis(millis).as_nanos());
        let got = ((until(18_750) - until(11_250)) / COMMAND) as f64;
        assert!((got / expected - 1.0).abs() < 0.001, "{got} of {expected}");
    }

    #[test]
    fn a_profile_is_written_as_it_is_read() {
        for text in [
            "20000",
            "ramp:1000..20000",
            "ramp:1000..20000@60s",
            "step:5000,10000",
            "step:5000@500ms",
            "spike:5000+20000@10s/2s",
            "sine:5000..15000@30s",
        ] {
            assert_eq!(profile(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_profile_is_said() {
        for (text, expected) in [
            ("fast", "is not a number"),
            ("jump:1k", "is not a profile"),
            ("constant:1k@2s", "is not a profile"),
            ("ramp:1k", "is not a profile"),
            ("ramp:1k..2x", "'2x' is not a number"),
            ("ramp:1k..2k@soon", "'soon' is not a time span"),
            ("ramp:1k..2k@0s", "length zero"),
            ("ramp:1..2000M", "up to 1000000000"),
            ("step:", "'' is not a number"),
            ("spike:1k+2k@10s", "is not a profile"),
            ("spike:1k+2k@10s/10s", "must be shorter"),
            ("sine:1k..2k", "is not a profile"),
        ] {
            let error = text.parse::<Profile>().expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let spike = profile("spike:1k+2k@10s/2s");
        assert!(spike.check(seconds(10)).is_err() && spike.check(seconds(11)).is_ok());
    }
}
