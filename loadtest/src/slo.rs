//! Objectives that a run has to keep: `p99<5ms`, `earn.p99.9<20ms`, `errors<0.1%`, `achieved>=99%`, `rate>19k`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::quantity::{QuantityError, Rate, Span};
use crate::report::{Percentiles, Report};
use crate::tally::Tally;
use crate::workload::Operation;

/// One objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    text: String,
    measure: Measure,
    above: bool,
    or_equal: bool,
    /// In the unit of the measure: microseconds, a share, or commands a second.
    bound: f64,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
enum Measure {
    /// Of all requests, or of the commands of one operation; from the planned send time where there is one. Those that waited in
    /// vain for longer than the bound count.
    Latency(Option<Operation>, Statistic),
    /// Share of the commands sent that were turned away or failed.
    Errors,
    /// Share of the plan that was sent.
    Achieved,
    /// Commands sent a second; in a closed loop, answered.
    Rate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statistic {
    P50,
    P90,
    P99,
    P999,
    P9999,
    Mean,
    Max,
}

impl Statistic {
    const ALL: [(&'static str, Self); 7] = [
        ("p50", Self::P50),
        ("p90", Self::P90),
        ("p99", Self::P99),
        ("p99.9", Self::P999),
        ("p99.99", Self::P9999),
        ("mean", Self::Mean),
        ("max", Self::Max),
    ];

    const fn micros(self, of: &Percentiles) -> u64 {
        match self {
            Self::P50 => of.p50_us,
            Self::P90 => of.p90_us,
            Self::P99 => of.p99_us,
            Self::P999 => of.p999_us,
            Self::P9999 => of.p9999_us,
            Self::Mean => of.mean_us,
            Self::Max => of.max_us,
        }
    }
}

/// Why an objective was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SloError {
    /// Not of the form `measure<bound`.
    #[error(
        "'{0}' is not an objective; write one like p99<5ms, earn.p99.9<20ms, errors<0.1%, achieved>=99% or rate>19k"
    )]
    Form(String),
    /// Nothing that is measured.
    #[error(
        "'{0}' is not measured; there are p50, p90, p99, p99.9, p99.99, mean and max, each also of an operation like \
         earn.p99, and errors, achieved and rate"
    )]
    Measure(String),
    /// Not a share.
    #[error("'{0}' is not a share; write it like 0.1%")]
    Share(String),
    /// Not a time span or a rate.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
}

impl FromStr for Slo {
    type Err = SloError;

    fn from_str(text: &str) -> Result<Self, SloError> {
        let form = || SloError::Form(text.to_owned());
        let at = text.find(['<', '>']).ok_or_else(form)?;
        let (measure, rest) = (text[..at].trim(), &text[at + 1..]);
        let or_equal = rest.starts_with('=');
        let bound = rest.trim_start_matches('=').trim();
        let measure = Measure::from_str(measure)?;
        let bound = match measure {
            Measure::Latency(..) => bound.parse::<Span>()?.get().as_secs_f64() * 1e6,
            Measure::Errors | Measure::Achieved => share(bound)?,
            Measure::Rate => bound.parse::<Rate>()?.per_second() as f64,
        };
        Ok(Self {
            text: text.to_owned(),
            measure,
            above: text[at..].starts_with('>'),
            or_equal,
            bound,
        })
    }
}

fn share(text: &str) -> Result<f64, SloError> {
    let unknown = || SloError::Share(text.to_owned());
    let number = text.strip_suffix('%').ok_or_else(unknown)?;
    let percent: f64 = number.trim().parse().map_err(|_| unknown())?;
    (0.0..=100.0)
        .contains(&percent)
        .then_some(percent / 100.0)
        .ok_or_else(unknown)
}

impl FromStr for Measure {
    type Err = SloError;

    fn from_str(text: &str) -> Result<Self, SloError> {
        match text {
            "errors" => return Ok(Self::Errors),
            "achieved" => return Ok(Self::Achieved),
            "rate" => return Ok(Self::Rate),
            _ => {}
        }
        let statistic = |name: &str| {
            let mut all = Statistic::ALL.into_iter();
            all.find(|(known, _)| *known == name)
                .map(|(_, statistic)| statistic)
        };
        if let Some(statistic) = statistic(text) {
            return Ok(Self::Latency(None, statistic));
        }
        let unknown = || SloError::Measure(text.to_owned());
        let (of, name) = text.split_once('.').ok_or_else(unknown)?;
        let mut operations = Operation::ALL.into_iter();
        let operation = operations.find(|operation| operation.word() == of);
        match (operation, statistic(name)) {
            (Some(operation), Some(statistic)) => Ok(Self::Latency(Some(operation), statistic)),
            _ => Err(unknown()),
        }
    }
}

/// As it was written.
impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a run kept an objective.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct SloReport {
    /// As it was written on the command line.
    pub objective: String,
    /// What was measured: microseconds, a share (0 to 1), or commands a second. None if there was nothing to measure.
    pub measured: Option<f64>,
    /// The bound, in the same unit.
    pub bound: f64,
    /// Kept. What could not be measured is not.
    pub met: bool,
    /// The measured value as people write it.
    pub shown: String,
    /// Of a latency: requests, or commands of the operation, that were turned away, failed or lost after they had waited for
    /// longer than the bound. They are in what was measured, and in no table; those that were told sooner are in neither.
    pub in_vain: u64,
}

impl Slo {
    pub(crate) fn judge(&self, report: &Report, tally: &Tally) -> SloReport {
        let (measured, in_vain) = self.measured(report, tally);
        let met = measured.is_some_and(|measured| {
            if measured == self.bound {
                self.or_equal
            } else {
                (measured > self.bound) == self.above
            }
        });
        SloReport {
            objective: self.text.clone(),
            measured,
            bound: self.bound,
            met,
            shown: measured.map_or_else(
                || "nothing".to_owned(),
                |measured| self.show(measured, in_vain),
            ),
            in_vain,
        }
    }

    /// Whoever is turned away at once has not waited, and must not make a latency look better. Whoever waits for longer than is
    /// allowed and then gets nothing has waited, and must not be left out of it.
    fn latency(
        &self,
        of: Option<Operation>,
        statistic: Statistic,
        report: &Report,
        tally: &Tally,
    ) -> (Option<f64>, u64) {
        let (answered, unserved) = match of {
            None => (&tally.requests, tally.unserved.requests()),
            Some(operation) => (
                &tally.operations[operation as usize],
                tally.unserved.operation(operation),
            ),
        };
        let is_open = report.all_requests.latency.corrected.is_some();
        let mut spans = if is_open {
            answered.corrected.clone()
        } else {
            answered.raw.clone()
        };
        let bound = Duration::from_secs_f64(self.bound / 1e6);
        let unserved = unserved.filter(|_| !self.above);
        let in_vain = unserved.map_or(0, |unserved| spans.add_longer(unserved, bound));
        let micros = || statistic.micros(&Percentiles::from(&spans)) as f64;
        ((spans.count() > 0).then(micros), in_vain)
    }

    /// And how many are in it that waited in vain.
    fn measured(&self, report: &Report, tally: &Tally) -> (Option<f64>, u64) {
        let achieved = report.achieved_commands_per_second;
        let measured = match self.measure {
            Measure::Latency(of, statistic) => return self.latency(of, statistic, report, tally),
            Measure::Errors => {
                let wrong = (report.overloaded.total + report.failed.total) as f64;
                (report.commands > 0).then(|| wrong / report.commands as f64)
            }
            Measure::Achieved => report
                .planned_commands_per_second
                .map(|planned| achieved / planned),
            Measure::Rate => Some(achieved),
        };
        (measured, 0)
    }

    fn show(&self, measured: f64, in_vain: u64) -> String {
        match self.measure {
            Measure::Latency(..) => {
                let span = Duration::from_micros(measured as u64);
                match in_vain {
                    0 => format!("{span:?}"),
                    _ => format!("{span:?}, with {in_vain} that waited for longer in vain"),
                }
            }
            Measure::Errors | Measure::Achieved => format!("{:.3} %", measured * 100.0),
            Measure::Rate => format!("{measured:.0}/s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives() {
        let latency = Measure::Latency;
        for (text, measure, above, or_equal, bound) in [
            (
                "p99<5ms",
                latency(None, Statistic::P99),
                false,
                false,
                5_000.0,
            ),
            (
                "p99.9 <= 1s",
                latency(None, Statistic::P999),
                false,
                true,
                1_000_000.0,
            ),
            (
                "earn.p50<500us",
                latency(Some(Operation::Earn), Statistic::P50),
                false,
                false,
                500.0,
            ),
            (
                "hold.p99.99<1s",
                latency(Some(Operation::Hold), Statistic::P9999),
                false,
                false,
                1_000_000.0,
            ),
            (
                "max<2s",
                latency(None, Statistic::Max),
                false,
                false,
                2_000_000.0,
            ),
            ("errors<=0%", Measure::Errors, false, true, 0.0),
            ("achieved>=99.5%", Measure::Achieved, true, true, 0.995),
            ("rate>19k", Measure::Rate, true, false, 19_000.0),
        ] {
            let slo: Slo = text
                .parse()
                .unwrap_or_else(|error| panic!("{text}: {error}"));
            let expected = Slo {
                text: text.to_owned(),
                measure,
                above,
                or_equal,
                bound,
            };
            assert_eq!(slo, expected);
        }
    }

    #[test]
    fn what_is_no_objective_is_said() {
        for (text, expected) in [
            ("p99", "is not an objective"),
            ("p99=5ms", "is not an objective"),
            ("p98<5ms", "'p98' is not measured"),
            ("fly.p99<5ms", "'fly.p99' is not measured"),
            ("p99<5", "'5' is not a time span"),
            ("errors<1", "'1' is not a share"),
            ("errors<101%", "'101%' is not a share"),
            ("rate>fast", "is not a number"),
        ] {
            let error = text.parse::<Slo>().expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
