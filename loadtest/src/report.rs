//! The result of a run. Serialised it is the schema `jifen-load/run/1`; adding a field is fine, renaming one is not.
//! Latencies are whole microseconds.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::AuditReport;
use crate::chaos::ChaosReport;
use crate::course::{CourseReport, PercentilePoint, percentile_curve};
use crate::latency::{Latencies, Spans};
use crate::machine::MachineReport;
use crate::settings::{Load, Settings};
use crate::settings_report::SettingsReport;
use crate::slo::SloReport;
use crate::takings::SaleReport;
use crate::tally::{Answers, Codes, Tally};
use crate::timeline::Timeline;
use crate::verdict::{Evidence, Verdict};
use crate::workload::Operation;

/// The name of the serialised form.
pub(crate) const SCHEMA: &str = "jifen-load/run/1";

/// Everything that is known about a run. Counts are of the measured part, without the warm-up.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Report {
    /// `jifen-load/run/1`.
    pub schema: &'static str,
    /// Version of the generator.
    pub version: &'static str,
    /// Where the generator ran.
    pub machine: MachineReport,
    /// When the load started, UTC.
    pub started_at: Timestamp,
    /// Part of every request id.
    pub run_id: String,
    /// Where the draw started.
    pub seed: u64,
    /// What was asked for.
    pub settings: SettingsReport,
    /// Commands per second: in an open loop what was planned.
    pub planned_commands_per_second: Option<f64>,
    /// Commands sent per second after the warm-up; in a closed loop commands accepted or refused.
    pub achieved_commands_per_second: f64,
    /// Requests sent per second after the warm-up; in a closed loop requests answered.
    pub achieved_requests_per_second: f64,
    /// Requests sent.
    pub requests: u64,
    /// Of these, requests that were sent for the second time under the same ids, as clients do that have heard nothing.
    pub requests_resent: u64,
    /// Requests planned but never sent, because no connection became free before the run was given up.
    pub requests_unsent: u64,
    /// Commands sent.
    pub commands: u64,
    /// Commands accepted.
    pub accepted: u64,
    /// Commands refused: answers, by code.
    pub refused: CodeCounts,
    /// Commands turned away with 429 or 503, by code. Not in the latencies: they would flatter them. Objectives count those that
    /// waited for longer than is allowed.
    pub overloaded: CodeCounts,
    /// Commands that got no answer or one that should not have been, by kind.
    pub failed: CodeCounts,
    /// The same outside the measured part.
    pub failed_unmeasured: CodeCounts,
    /// Per operation: a command's latency is that of its request.
    pub operations: Vec<RowReport>,
    /// Per request, including in an open loop those that were never answered, with the time they had waited by the end.
    pub all_requests: RowReport,
    /// The commands that were accepted, and those that were refused, apart.
    pub answers: [AnswersReport; 2],
    /// Whether exactly the right number was sold, where something was on sale.
    pub sale: Option<SaleReport>,
    /// Whether the server's books agree with what it answered, where that was asked.
    pub audit: Option<AuditReport>,
    /// How often the server was killed, where it was.
    pub chaos: Option<ChaosReport>,
    /// The latencies of all requests, share by share.
    pub percentiles: Vec<PercentilePoint>,
    /// The run over time.
    pub course: CourseReport,
    /// Which objectives were kept.
    pub objectives: Vec<SloReport>,
    /// How the generator itself was.
    pub generator: GeneratorReport,
    /// Whether the run is good, and why not.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What the reader should know even if it is.
    pub note: Option<&'static str>,
    /// What the figures were made of, for `--hgrm` and `--hlog`.
    #[serde(skip)]
    pub(crate) recorded: Recorded,
}

/// The histograms of a run.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// Of all requests.
    pub(crate) requests: Latencies,
    pub(crate) timeline: Timeline,
}

/// Counts by code, most frequent first in the table.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub struct CodeCounts {
    /// All together.
    pub total: u64,
    /// Each on its own.
    pub by_code: BTreeMap<String, u64>,
}

impl From<&Codes> for CodeCounts {
    fn from(codes: &Codes) -> Self {
        Self {
            total: codes.total(),
            by_code: codes
                .iter()
                .map(|(code, count)| (code.to_owned(), count))
                .collect(),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct RowReport {
    /// `earn`, `hold`, `capture`, `redeem`, `reserve`, `transfer`, or `request`.
    pub name: &'static str,
    /// How long they took.
    pub latency: LatencyReport,
}

impl RowReport {
    fn new(name: &'static str, latencies: &Latencies, is_open: bool) -> Self {
        let corrected = is_open.then(|| Percentiles::from(&latencies.corrected));
        let raw = Percentiles::from(&latencies.raw);
        Self {
            name,
            latency: LatencyReport { corrected, raw },
        }
    }
}

/// Answers of one kind.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct AnswersReport {
    /// `accepted` or `refused`, and how long they took.
    #[serde(flatten)]
    pub row: RowReport,
    /// Between the first and the last of them. None if all came at once.
    pub per_second: Option<f64>,
}

impl AnswersReport {
    fn new(name: &'static str, answers: &Answers, is_open: bool) -> Self {
        Self {
            row: RowReport::new(name, &answers.latencies, is_open),
            per_second: answers.per_second(),
        }
    }
}

/// Latency, counted twice.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
pub struct LatencyReport {
    /// From the planned send time. None in a closed loop, where nothing is planned.
    pub corrected: Option<Percentiles>,
    /// From the actual send.
    pub raw: Percentiles,
}

impl LatencyReport {
    /// What the table shows: the corrected, if there is one.
    #[must_use]
    pub fn headline(&self) -> Percentiles {
        self.corrected.unwrap_or(self.raw)
    }
}

/// Of so many time spans, in microseconds.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Percentiles {
    pub count: u64,
    pub mean_us: u64,
    pub p50_us: u64,
    pub p90_us: u64,
    pub p99_us: u64,
    pub p999_us: u64,
    pub p9999_us: u64,
    pub max_us: u64,
}

impl From<&Spans> for Percentiles {
    fn from(spans: &Spans) -> Self {
        Self {
            count: spans.count(),
            mean_us: micros(spans.mean()),
            p50_us: micros(spans.quantile(0.5)),
            p90_us: micros(spans.quantile(0.9)),
            p99_us: micros(spans.quantile(0.99)),
            p999_us: micros(spans.quantile(0.999)),
            p9999_us: micros(spans.quantile(0.9999)),
            max_us: micros(spans.max()),
        }
    }
}

/// How the generator itself was.
#[derive(Clone, Copy, Debug, JsonSchema, Serialize)]
pub struct GeneratorReport {
    /// The most requests in flight at once, in the warm-up too; with several threads an upper bound.
    pub in_flight_max: u64,
    /// The most requests that were due while no connection was free, in the warm-up too; with several threads an upper bound.
    pub queued_max: u64,
    /// Between the moment when a request was due and its connection free, and the moment it was sent. Microseconds.
    pub send_lag_p50_us: u64,
    /// The same at the 99th percentile. Microseconds.
    pub send_lag_p99_us: u64,
    /// The same at worst. Microseconds.
    pub send_lag_max_us: u64,
    /// Memory of the process at the beginning of the measured part, KiB, where the system can tell.
    pub resident_begin_kib: Option<u64>,
    /// The same at its end.
    pub resident_end_kib: Option<u64>,
    /// Share of the time in which the busiest thread ran or waited for a processor, where the system can tell.
    pub busy_share: Option<f64>,
    /// Share of the time in which it ran.
    pub ran_share: Option<f64>,
}

impl Report {
    pub(crate) fn new(
        settings: &Settings,
        started_at: Timestamp,
        tally: &Tally,
        sale: Option<SaleReport>,
    ) -> Self {
        let pacer = settings.pacer();
        let (is_open, length) = (pacer.is_some(), settings.length());
        let seconds = seconds_of_sending(settings, tally);
        let accepted = tally.outcomes.accepted.iter().sum();
        let commands_unsent = tally.requests_unsent * u64::from(settings.batch);
        let evidence = Evidence {
            planned_per_second: pacer.as_ref().map(|pacer| {
                pacer.commands_between(settings.warmup, length) / settings.duration.as_secs_f64()
            }),
            achieved_per_second: tally.throughput.commands as f64 / seconds,
            commands_planned: tally.commands_sent + commands_unsent,
            commands_answered: accepted + tally.outcomes.refused.total(),
            commands_failed: tally.outcomes.failed.total() + tally.unmeasured.failed.total(),
            send_lag_p99: tally.send_lag.quantile(0.99),
            busy: tally.effort.busy,
            wrong_in_sale: sale
                .as_ref()
                .map_or_else(Vec::new, |sale| sale.wrong.clone()),
        };
        let rows = Operation::ALL
            .into_iter()
            .zip(&tally.operations)
            .filter(|(_, row)| row.corrected.count() > 0);
        let report = Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            machine: MachineReport::here(),
            started_at,
            run_id: settings.run_id.to_string(),
            seed: settings.seed,
            settings: SettingsReport::from(settings),
            planned_commands_per_second: evidence.planned_per_second,
            achieved_commands_per_second: evidence.achieved_per_second,
            achieved_requests_per_second: tally.throughput.requests as f64 / seconds,
            requests: tally.requests_sent,
            requests_resent: tally.requests_resent,
            requests_unsent: tally.requests_unsent,
            commands: tally.commands_sent,
            accepted,
            refused: CodeCounts::from(&tally.outcomes.refused),
            overloaded: CodeCounts::from(&tally.outcomes.overloaded),
            failed: CodeCounts::from(&tally.outcomes.failed),
            failed_unmeasured: CodeCounts::from(&tally.unmeasured.failed),
            operations: rows
                .map(|(operation, row)| RowReport::new(operation.word(), row, is_open))
                .collect(),
            all_requests: RowReport::new("request", &tally.requests, is_open),
            answers: [
                AnswersReport::new("accepted", &tally.accepted, is_open),
                AnswersReport::new("refused", &tally.refused, is_open),
            ],
            sale,
            audit: None,
            chaos: None,
            percentiles: percentile_curve(&tally.requests, is_open),
            course: CourseReport::new(&tally.timeline, length, pacer.as_ref()),
            objectives: Vec::new(),
            generator: GeneratorReport {
                in_flight_max: tally.in_flight_max,
                queued_max: tally.queued_max,
                send_lag_p50_us: micros(tally.send_lag.quantile(0.5)),
                send_lag_p99_us: micros(tally.send_lag.quantile(0.99)),
                send_lag_max_us: micros(tally.send_lag.max()),
                resident_begin_kib: tally.effort.resident_kib.map(|(begin, _)| begin),
                resident_end_kib: tally.effort.resident_kib.map(|(_, end)| end),
                busy_share: tally.effort.busy,
                ran_share: tally.effort.ran,
            },
            verdict: evidence.verdict(),
            note: evidence.note(),
            recorded: Recorded {
                requests: tally.requests.clone(),
                timeline: tally.timeline.clone(),
            },
        };
        report.judged(settings, tally)
    }

    fn judged(mut self, settings: &Settings, tally: &Tally) -> Self {
        let objectives = settings.slos.iter().map(|slo| slo.judge(&self, tally));
        self.objectives = objectives.collect();
        let missed = self.objectives.iter().filter(|objective| !objective.met);
        let missed = missed.map(
            |SloReport {
                 objective, shown, ..
             }| format!("{objective}: it was {shown}"),
        );
        self.verdict = self.verdict.with_objectives(missed.collect());
        self
    }
}

impl Report {
    /// Adds what the audit found. Books that do not balance are the verdict, whatever else there is.
    pub(crate) fn audited(
        mut self,
        audit: Option<AuditReport>,
        chaos: Option<ChaosReport>,
    ) -> Self {
        let mut wrong = audit.as_ref().map_or_else(Vec::new, AuditReport::wrong);
        if audit
            .as_ref()
            .is_none_or(|audit| audit.broken_off.is_some())
        {
            wrong.extend(self.sale.iter().flat_map(|sale| sale.wrong.clone()));
        }
        let broken_off = self.broken_off(audit.as_ref(), chaos.as_ref());
        let verdict = self.verdict.with_objectives(broken_off);
        self.verdict = verdict.with_books(wrong);
        self.audit = audit;
        self.chaos = chaos;
        self
    }

    /// What could not be done to its end, and why: nothing is wrong, and nothing is proved.
    fn broken_off(&self, audit: Option<&AuditReport>, chaos: Option<&ChaosReport>) -> Vec<String> {
        let chaos = chaos.and_then(|chaos| chaos.broken_off.as_ref());
        let sale = self.sale.as_ref();
        let sale = sale.and_then(|sale| sale.broken_off.as_ref());
        let audit = audit.and_then(|audit| audit.broken_off.as_ref());
        [
            ("the server could not be kept running", chaos),
            ("the sale could not be looked at", sale),
            ("the audit could not be carried out", audit),
        ]
        .into_iter()
        .filter_map(|(what, cause)| cause.map(|cause| format!("{what}: {cause}")))
        .collect()
    }
}

/// From the warm-up to the last request, but at least to the end of the plan.
fn seconds_of_sending(settings: &Settings, tally: &Tally) -> f64 {
    let end = match settings.load {
        Load::Open(_) | Load::Recorded => settings.length().max(tally.throughput.last_sent),
        Load::Closed => settings.length(),
    };
    (end - settings.warmup).as_secs_f64()
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
