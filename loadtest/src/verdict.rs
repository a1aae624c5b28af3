//! Is the run good, and if not, whose fault is it? A pure judgement of the figures.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

/// More send lag than this at the 99th percentile, and the latencies are the generator's rather than the server's.
const SEND_LAG_P99_MAX: Duration = Duration::from_millis(10);
/// Less of the plan than this, and it was not carried out.
const ACHIEVED_SHARE_MIN: f64 = 0.98;
/// Busier than this, and the generator may be what was slow.
const BUSY_SHARE_MAX: f64 = 0.95;

/// How a run went.
#[derive(Clone, Debug, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "reasons", rename_all = "snake_case")]
pub enum Verdict {
    /// The plan was carried out and everything was answered.
    Good,
    /// The server did not keep up, or something failed.
    Missed(Vec<String>),
    /// The generator itself did not keep up: the figures say nothing about the server.
    Invalid(Vec<String>),
    /// The server's books do not agree with what it answered. Worse than anything else.
    Unbalanced(Vec<String>),
}

impl Verdict {
    /// The exit code of the process.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Missed(_) => 1,
            Self::Invalid(_) => 4,
            Self::Unbalanced(_) => 3,
        }
    }

    /// The same verdict, unless objectives were missed. A run that is invalid says nothing about them.
    pub(crate) fn with_objectives(self, missed: Vec<String>) -> Self {
        match self {
            verdict if missed.is_empty() => verdict,
            Self::Good => Self::Missed(missed),
            Self::Missed(reasons) => Self::Missed(reasons.into_iter().chain(missed).collect()),
            Self::Invalid(_) | Self::Unbalanced(_) => self,
        }
    }

    /// The same verdict, unless the books do not balance: then that is what is to be said, and the rest after it.
    pub(crate) fn with_books(self, wrong: Vec<String>) -> Self {
        if wrong.is_empty() {
            return self;
        }
        let rest = match self {
            Self::Good => Vec::new(),
            Self::Missed(reasons) | Self::Invalid(reasons) | Self::Unbalanced(reasons) => reasons,
        };
        let mut reasons = wrong;
        for reason in rest {
            // What is wrong in a sale is a reason for both.
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        Self::Unbalanced(reasons)
    }
}

/// What is judged. All of it about the measured part of the run.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// In an open loop, commands planned per second.
    pub(crate) planned_per_second: Option<f64>,
    /// Commands sent per second; in a closed loop those answered.
    pub(crate) achieved_per_second: f64,
    /// Commands planned; in a closed loop those sent.
    pub(crate) commands_planned: u64,
    /// Commands accepted or refused.
    pub(crate) commands_answered: u64,
    /// Commands failed, outside the measured part too.
    pub(crate) commands_failed: u64,
    pub(crate) send_lag_p99: Duration,
    pub(crate) busy: Option<f64>,
    /// What does not add up in a sale.
    pub(crate) wrong_in_sale: Vec<String>,
}

impl Evidence {
    fn is_generator_busy(&self) -> bool {
        self.busy.is_some_and(|share| share >= BUSY_SHARE_MAX)
    }

    fn is_slower_than_planned(&self) -> bool {
        self.planned_per_second
            .is_some_and(|planned| self.achieved_per_second < planned * ACHIEVED_SHARE_MIN)
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let invalid = self.against_the_generator();
        if !invalid.is_empty() {
            return Verdict::Invalid(invalid);
        }
        let missed = self.against_the_server();
        if missed.is_empty() {
            Verdict::Good
        } else {
            Verdict::Missed(missed)
        }
    }

    fn against_the_generator(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.planned_per_second.is_none() {
            return reasons;
        }
        if self.send_lag_p99 > SEND_LAG_P99_MAX {
            let (lag, max) = (
                self.send_lag_p99.as_secs_f64() * 1e3,
                SEND_LAG_P99_MAX.as_millis(),
            );
            reasons.push(format!(
                "the generator could not keep up: send lag p99 {lag:.1} ms is more than {max} ms"
            ));
        }
        if self.is_slower_than_planned() && self.is_generator_busy() {
            let busy = self.busy.unwrap_or_default() * 100.0;
            reasons.push(format!(
                "the generator could not keep up: it was busy for {busy:.0} % of the time; give it more --threads, a larger \
                 --batch, or a lower --rate"
            ));
        }
        reasons
    }

    fn against_the_server(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.is_slower_than_planned() {
            reasons.push(
                "the server did not keep up: requests waited for a free connection".to_owned(),
            );
        }
        let answered = self.commands_answered as f64;
        if answered < self.commands_planned as f64 * ACHIEVED_SHARE_MIN
            || self.commands_answered == 0
        {
            let (count, planned) = (self.commands_answered, self.commands_planned);
            reasons.push(format!(
                "only {count} of {planned} commands were accepted or refused"
            ));
        }
        if self.commands_failed > 0 {
            reasons.push(format!("{} commands failed", self.commands_failed));
        }
        reasons.extend(self.wrong_in_sale.iter().cloned());
        reasons
    }

    /// What the reader should know even if the run is good.
    pub(crate) fn note(&self) -> Option<&'static str> {
        match (self.planned_per_second, self.is_generator_busy()) {
            (None, true) => {
                Some("the generator was busy all the time: the server may be capable of more")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts() {
        let good = Evidence {
            planned_per_second: Some(1_000.0),
            achieved_per_second: 999.0,
            commands_planned: 10_000,
            commands_answered: 10_000,
            commands_failed: 0,
            send_lag_p99: Duration::from_micros(200),
            busy: Some(0.3),
            wrong_in_sale: Vec::new(),
        };
        let slow = Evidence {
            achieved_per_second: 700.0,
            ..good.clone()
        };
        let closed = Evidence {
            planned_per_second: None,
            busy: Some(0.99),
            ..good.clone()
        };
        let late = Duration::from_millis(11);
        let cases = [
            ("good", good.clone(), 0),
            (
                "busy but in time",
                Evidence {
                    busy: Some(0.97),
                    ..good.clone()
                },
                0,
            ),
            ("the server was slow", slow.clone(), 1),
            (
                "who was slow is not known",
                Evidence {
                    busy: None,
                    ..slow.clone()
                },
                1,
            ),
            (
                "the generator was slow",
                Evidence {
                    busy: Some(0.97),
                    ..slow.clone()
                },
                4,
            ),
            (
                "the generator was late",
                Evidence {
                    send_lag_p99: late,
                    ..good.clone()
                },
                4,
            ),
            (
                "one failed",
                Evidence {
                    commands_failed: 1,
                    ..good.clone()
                },
                1,
            ),
            (
                "overloaded",
                Evidence {
                    commands_answered: 9_000,
                    ..good.clone()
                },
                1,
            ),
            (
                "nothing happened",
                Evidence {
                    commands_planned: 0,
                    commands_answered: 0,
                    ..good
                },
                1,
            ),
            (
                "invalid comes first",
                Evidence {
                    busy: Some(0.97),
                    commands_failed: 1,
                    ..slow
                },
                4,
            ),
            (
                "a sale does not add up",
                Evidence {
                    wrong_in_sale: vec!["a unit is missing".to_owned()],
                    ..closed.clone()
                },
                1,
            ),
            ("a closed loop has no plan to miss", closed, 0),
        ];
        for (case, evidence, exit_code) in cases {
            assert_eq!(
                evidence.verdict().exit_code(),
                exit_code,
                "{case}: {:?}",
                evidence.verdict()
            );
        }
    }
}
