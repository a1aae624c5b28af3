//! The table for people, for machines, and for the documentation.

use std::fmt::Write as _;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::catalogue::{METRICS, Metric};

/// What the page of metrics begins with.
const PREFACE: &str = "\
# Metrics

`GET /metrics` tells them to operators and auditors, as OpenMetrics text, and as protobuf to a Prometheus that asks for native
histograms. `jifen metrics describe` shows this table. Counters begin at 0 with the process. Histograms have buckets whose
bounds grow by about 9 %; as text they have fewer, each a power of two.

";

/// For a terminal.
#[must_use]
pub fn as_table() -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(["METRIC", "KIND", "LABELS", "MEANING", "WHEN IT LOOKS BAD"]);
    for metric in METRICS {
        let [name, kind, labels] = head(metric);
        table.add_row([&name, &kind, &labels, metric.meaning, metric.advice]);
    }
    table.to_string()
}

/// For machines: an array of objects.
#[must_use]
pub fn as_json() -> String {
    let metrics = METRICS.iter().map(|metric| {
        json!({
            "name": metric.name(),
            "kind": metric.kind.name(),
            "unit": metric.unit,
            "labels": metric.labels,
            "meaning": metric.meaning,
            "advice": metric.advice,
        })
    });
    format!("{:#}", Value::Array(metrics.collect()))
}

/// For the documentation: the whole page.
#[must_use]
pub fn as_markdown() -> String {
    let mut page = PREFACE.to_owned();
    page.push_str(
        "| metric | kind | labels | meaning | when it looks bad |\n|---|---|---|---|---|\n",
    );
    for metric in METRICS {
        let [name, kind, labels] = head(metric);
        let (meaning, advice) = (metric.meaning, metric.advice);
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| `{name}` | {kind} | {labels} | {meaning} | {advice} |"
        );
    }
    page
}

fn head(metric: &Metric) -> [String; 3] {
    let kind = metric.kind.name().to_owned();
    [metric.name(), kind, metric.labels.join(", ")]
}
