//! Climbs the rate until an objective is missed: one run after the other, and a table of them.

use std::fmt;
use std::io::IsTerminal;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::args::FindMaxArgs;
use crate::error::RunError;
use crate::machine::MachineReport;
use crate::names::RunId;
use crate::profile::Profile;
use crate::quantity::{Count, Rate};
use crate::report::{Percentiles, Report};
use crate::run::run;
use crate::search::Search;
use crate::settings::{Load, Settings};
use crate::settings_report::SettingsReport;
use crate::slo::Slo;
use crate::table::Span;
use crate::verdict::Verdict;

/// The name of the serialised form.
const SCHEMA: &str = "jifen-load/find-max/1";
/// What is asked for if nothing is.
const DEFAULT_OBJECTIVE: &str = "p99<10ms";
/// Of one step, if nothing else is asked for: long enough for a p99, short enough for a dozen of them.
const STEP: Duration = Duration::from_secs(10);
const STEP_WARMUP: Duration = Duration::from_secs(2);

/// How high the rate went.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct FindMaxReport {
    /// `jifen-load/find-max/1`.
    pub schema: &'static str,
    /// Version of the generator.
    pub version: &'static str,
    /// Where the generator ran.
    pub machine: MachineReport,
    /// What every step had to keep, beside its plan.
    pub objectives: Vec<String>,
    /// Of the first step; the others differ in the rate.
    pub settings: SettingsReport,
    /// One after the other.
    pub steps: Vec<StepReport>,
    /// The highest rate that was kept, in commands a second; none if even the first was not.
    pub answer: Option<u64>,
    /// The lowest rate that was missed twice; none if the search ended before.
    pub missed: Option<u64>,
    /// Why the search ended early, if it did: the highest rate allowed was kept, the generator was at its end, the
    /// books did not balance, or a step could not take place.
    pub ended_by: Option<String>,
    /// What the process exits with.
    pub exit_code: u8,
}

/// One run.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct StepReport {
    /// Commands a second, planned.
    pub rate: u64,
    /// Commands a second, sent.
    pub achieved: f64,
    /// Of all requests, from the planned send time.
    pub latency: Percentiles,
    /// Commands that were turned away or failed.
    pub errors: u64,
    /// Whether it was good, and why not.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl StepReport {
    fn new(rate: u64, report: &Report) -> Self {
        Self {
            rate,
            achieved: report.achieved_commands_per_second,
            latency: report.all_requests.latency.headline(),
            errors: report.overloaded.total + report.failed.total,
            verdict: report.verdict.clone(),
        }
    }
}

/// Carries out the search. Blocks for as long as it takes; tells of every step on standard error if that is a terminal.
pub fn find_max(args: &FindMaxArgs) -> Result<FindMaxReport, RunError> {
    let first = settings(args)?;
    let mut search = Search::new(args.from.per_second(), args.to.per_second(), args.within);
    let climbed = climb(&mut search, |rate, number| {
        let report = run(&step(&first, rate, number)?)?;
        let step = StepReport::new(rate, &report);
        if std::io::stderr().is_terminal() {
            eprintln!("{step}");
        }
        Ok(step)
    });
    let (steps, ended) = climbed?;
    let (ended_by, exit_code) = match (ended, search.answer(), search.missed()) {
        (Some((reason, exit_code)), ..) => (Some(reason), exit_code),
        (None, Some(_), Some(_)) => (None, 0),
        (None, Some(_), None) => (
            Some("--to was reached: the server may be capable of more".to_owned()),
            0,
        ),
        (None, None, _) => (Some("even the first rate was missed".to_owned()), 1),
    };
    Ok(FindMaxReport {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        machine: MachineReport::here(),
        objectives: first.slos.iter().map(Slo::to_string).collect(),
        settings: SettingsReport::from(&first),
        steps,
        answer: search.answer(),
        missed: search.missed(),
        ended_by,
        exit_code,
    })
}

/// Why the search ended before its end, and what the process then exits with.
type Ended = Option<(String, u8)>;

/// Tries one rate after the other; `attempt` gets the rate and the number of the step.
fn climb(
    search: &mut Search,
    mut attempt: impl FnMut(u64, usize) -> Result<StepReport, RunError>,
) -> Result<(Vec<StepReport>, Ended), RunError> {
    let mut steps: Vec<StepReport> = Vec::new();
    while let Some(rate) = search.rate() {
        let step = match attempt(rate, steps.len()) {
            Ok(step) => step,
            // What the steps before have found is not lost with the server.
            Err(error) if !steps.is_empty() => {
                return Ok((steps, Some((error.to_string(), error.exit_code()))));
            }
            Err(error) => return Err(error),
        };
        let ended = end(&step, steps.last());
        // An invalid step says nothing about the server; it is tried again.
        if !matches!(step.verdict, Verdict::Invalid(_)) {
            search.learn(step.verdict == Verdict::Good);
        }
        steps.push(step);
        if ended.is_some() {
            return Ok((steps, ended));
        }
    }
    Ok((steps, None))
}

/// Whether a step is the last one, why, and what the process then exits with: when the books do not balance, or when the
/// generator could not keep up twice in succession.
fn end(step: &StepReport, before: Option<&StepReport>) -> Ended {
    let was_invalid = before.is_some_and(|before| matches!(before.verdict, Verdict::Invalid(_)));
    match &step.verdict {
        Verdict::Unbalanced(reasons) => Some(reasons),
        Verdict::Invalid(reasons) if was_invalid => Some(reasons),
        _ => None,
    }
    .map(|reasons| (reasons.join("; "), step.verdict.exit_code()))
}

fn settings(args: &FindMaxArgs) -> Result<Settings, RunError> {
    let run = &args.run;
    if run.rate.is_some() || run.profile.is_some() || run.closed || run.replay.is_some() {
        return Err(RunError::Usage(
            "find-max chooses the rate itself; leave --rate, --profile, --closed and --replay out",
        ));
    }
    if run.hgrm.is_some() || run.hlog.is_some() || run.html.is_some() {
        return Err(RunError::Usage(
            "--hgrm, --hlog and --html are of one run; find-max has --out and --json",
        ));
    }
    if args.from > args.to {
        return Err(RunError::Usage("--from must not be more than --to"));
    }
    let mut settings = run.settings()?;
    if run.duration.is_none() {
        settings.duration = STEP;
    }
    if run.warmup.is_none() {
        settings.warmup = STEP_WARMUP.min(settings.warmup);
    }
    if settings.slos.is_empty() {
        settings.slos = vec![DEFAULT_OBJECTIVE.parse().expect("it is an objective")];
    }
    // A search is about speed; asking the server about a dozen runs would take longer than they do.
    settings.audit = run.audit;
    settings.load = Load::Open(Profile::Constant(args.from));
    Ok(settings)
}

/// The members are there after the first step, and every step has request ids of its own.
fn step(first: &Settings, rate: u64, number: usize) -> Result<Settings, RunError> {
    let run_id = format!("{}-{number}", first.run_id).parse::<RunId>();
    let rate: Rate = Count::new(rate)
        .map(Rate::from)
        .ok_or(RunError::Usage("the rate is out of range"))?;
    Ok(Settings {
        load: Load::Open(Profile::Constant(rate)),
        setup: first.setup && number == 0,
        run_id: run_id.map_err(|_| {
            RunError::Usage("--run-id must be shorter for find-max, by four characters")
        })?,
        ..first.clone()
    })
}

impl fmt::Display for StepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10}/s{:>10.0}/s", self.rate, self.achieved)?;
        let figures = &self.latency;
        for micros in [
            figures.p50_us,
            figures.p99_us,
            figures.p999_us,
            figures.max_us,
        ] {
            write!(f, "{:>11}", Span(micros))?;
        }
        write!(f, "{:>8}", self.errors)?;
        match &self.verdict {
            Verdict::Good => write!(f, "   kept"),
            Verdict::Missed(reasons) => write!(f, "   missed: {}", reasons.join("; ")),
            Verdict::Invalid(reasons) => write!(f, "   INVALID: {}", reasons.join("; ")),
            Verdict::Unbalanced(reasons) => write!(f, "   UNBALANCED: {}", reasons.join("; ")),
        }
    }
}

impl fmt::Display for FindMaxReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "scenario {}, {} connections, {} members, {} ms a step; objective {}",
            self.settings.scenario.word(),
            self.settings.connections,
            self.settings.members,
            self.settings.duration_ms,
            self.objectives.join(", ")
        )?;
        writeln!(
            f,
            "{:>12}{:>12}{:>11}{:>11}{:>11}{:>11}{:>8}",
            "planned", "achieved", "p50", "p99", "p99.9", "max", "errors"
        )?;
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        match (self.answer, self.missed) {
            (Some(answer), Some(missed)) => {
                writeln!(
                    f,
                    "the highest rate kept is {answer}/s; {missed}/s was missed twice"
                )?;
            }
            (Some(answer), None) => writeln!(f, "{answer}/s was kept")?,
            (None, _) => writeln!(f, "no rate was kept")?,
        }
        match &self.ended_by {
            Some(reason) => writeln!(f, "ended: {reason}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Spans;

    /// Climbs from 1,000 to 8,000 with these verdicts one after the other; the last one again and again.
    fn climbed(verdicts: &[Verdict]) -> (Vec<u64>, Option<u64>, Option<u8>) {
        let mut search = Search::new(1_000, 8_000, 50);
        let (steps, ended) = climb(&mut search, |rate, number| {
            Ok(StepReport {
                rate,
                achieved: rate as f64,
                latency: Percentiles::from(&Spans::new()),
                errors: 0,
                verdict: verdicts[number.min(verdicts.len() - 1)].clone(),
            })
        })
        .expect("every step takes place");
        let rates = steps.iter().map(|step| step.rate).collect();
        (
            rates,
            search.answer(),
            ended.map(|(_, exit_code)| exit_code),
        )
    }

    #[test]
    fn what_says_nothing_about_the_server_is_tried_again_once() {
        let good = || Verdict::Good;
        let missed = || Verdict::Missed(vec!["slow".to_owned()]);
        let invalid = || Verdict::Invalid(vec!["out of breath".to_owned()]);
        let unbalanced = || Verdict::Unbalanced(vec!["a point is missing".to_owned()]);
        let cases = [
            (
                vec![good()],
                vec![1_000, 2_000, 4_000, 8_000],
                Some(8_000),
                None,
            ),
            (
                vec![good(), invalid(), good()],
                vec![1_000, 2_000, 2_000, 4_000, 8_000],
                Some(8_000),
                None,
            ),
            (
                vec![good(), invalid()],
                vec![1_000, 2_000, 2_000],
                Some(1_000),
                Some(4),
            ),
            (
                vec![good(), unbalanced()],
                vec![1_000, 2_000],
                Some(1_000),
                Some(3),
            ),
            (vec![missed()], vec![1_000, 1_000], None, None),
        ];
        for (verdicts, rates, answer, exit_code) in cases {
            assert_eq!(
                climbed(&verdicts),
                (rates, answer, exit_code),
                "{verdicts:?}"
            );
        }
    }

    /// Goal: a server that goes away costs the step under way, not those before it. Method: the third step finds nobody.
    #[test]
    fn what_was_found_before_the_server_went_away_is_told() {
        let gone = |number| {
            let mut search = Search::new(1_000, 8_000, 50);
            let climbed = climb(&mut search, |rate, at| {
                if at == number {
                    return Err(RunError::Usage("nobody answers"));
                }
                Ok(StepReport {
                    rate,
                    achieved: rate as f64,
                    latency: Percentiles::from(&Spans::new()),
                    errors: 0,
                    verdict: Verdict::Good,
                })
            });
            (climbed, search.answer())
        };
        let (climbed, answer) = gone(2);
        let (steps, ended) = climbed.expect("two steps took place");
        assert_eq!((steps.len(), answer), (2, Some(2_000)));
        assert_eq!(ended, Some(("nobody answers".to_owned(), 2)));
        assert!(gone(0).0.is_err());
    }
}
