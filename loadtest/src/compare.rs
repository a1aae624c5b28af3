//! Two results side by side: ratios of the figures, and what differs in how they came about.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::RunError;
use crate::report::SCHEMA;

/// What differs without making two runs two different things.
const HARMLESS: [&str; 9] = [
    "url",
    "mq",
    "duration_ms",
    "warmup_ms",
    "drain_ms",
    "setup",
    "audit",
    "seed",
    "version",
];

/// As much of a result as is compared. Fields that are missing are of an older generator.
#[derive(Debug, Deserialize)]
struct Outcome {
    schema: String,
    run_id: String,
    seed: u64,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    machine: Map<String, Value>,
    settings: Map<String, Value>,
    achieved_commands_per_second: f64,
    commands: u64,
    refused: Counts,
    overloaded: Counts,
    failed: Counts,
    operations: Vec<Row>,
    all_requests: Row,
    verdict: String,
}

#[derive(Debug, Deserialize)]
struct Counts {
    total: u64,
}

#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    latency: Latency,
}

#[derive(Debug, Deserialize)]
struct Latency {
    corrected: Option<Figures>,
    raw: Figures,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Figures {
    p50_us: u64,
    p99_us: u64,
    p999_us: u64,
    max_us: u64,
}

/// Two results side by side.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Comparison {
    /// Run id of each.
    pub runs: [String; 2],
    /// Line by line.
    pub figures: Vec<Compared>,
    /// What was asked for or was there in one and not in the other.
    pub differences: Vec<Difference>,
    /// Why the figures may not mean what they seem to; empty if the runs are comparable.
    pub warnings: Vec<String>,
}

/// A figure of two runs.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Compared {
    /// What it is, with its unit.
    pub name: String,
    /// Of the first run.
    pub one: f64,
    /// Of the second.
    pub other: f64,
    /// The second by the first; none if the first is zero.
    pub ratio: Option<f64>,
}

/// Something that is not the same in both runs.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct Difference {
    /// Which setting, or what of the machine.
    pub name: String,
    /// In the first run.
    pub one: Value,
    /// In the second.
    pub other: Value,
}

/// Reads two results and compares them.
pub fn compare(one: &Path, other: &Path) -> Result<Comparison, RunError> {
    Ok(Comparison::new(&read(one)?, &read(other)?))
}

fn read(path: &Path) -> Result<Outcome, RunError> {
    let failed = |cause: String| RunError::Result {
        path: path.to_owned(),
        cause,
    };
    let text = fs::read(path).map_err(|error| failed(error.to_string()))?;
    let outcome: Outcome =
        serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
    if outcome.schema != SCHEMA {
        return Err(failed(format!("it is {}, not {SCHEMA}", outcome.schema)));
    }
    Ok(outcome)
}

impl Comparison {
    fn new(one: &Outcome, other: &Outcome) -> Self {
        let differences = differences(one, other);
        let mut warnings = Vec::new();
        for (outcome, which) in [(one, "first"), (other, "second")] {
            if outcome.verdict != "good" {
                warnings.push(format!(
                    "the {which} run is not good but {}",
                    outcome.verdict
                ));
            }
        }
        let serious: Vec<_> = differences
            .iter()
            .map(|difference| difference.name.as_str())
            .collect();
        let serious: Vec<_> = serious
            .into_iter()
            .filter(|name| !HARMLESS.contains(name))
            .collect();
        if !serious.is_empty() {
            warnings.push(format!(
                "the runs are not alike: they differ in {}",
                serious.join(", ")
            ));
        }
        let is_corrected = |outcome: &Outcome| outcome.all_requests.latency.corrected.is_some();
        if is_corrected(one) != is_corrected(other) {
            warnings.push(
                "one is an open loop and one a closed one: latencies are from the actual send"
                    .to_owned(),
            );
        }
        Self {
            runs: [one.run_id.clone(), other.run_id.clone()],
            figures: figures(one, other),
            differences,
            warnings,
        }
    }
}

fn figures(one: &Outcome, other: &Outcome) -> Vec<Compared> {
    let mut figures = Vec::new();
    let mut add = |name: String, one: f64, other: f64| {
        figures.push(Compared {
            name,
            one,
            other,
            ratio: (one != 0.0).then(|| other / one),
        });
    };
    let each = |of: fn(&Outcome) -> f64| (of(one), of(other));
    let (before, after) = each(|outcome| outcome.achieved_commands_per_second);
    add("commands/s".to_owned(), before, after);
    let mut rows = vec![(&one.all_requests, &other.all_requests)];
    for row in &one.operations {
        rows.extend(
            other
                .operations
                .iter()
                .find(|same| same.name == row.name)
                .map(|same| (row, same)),
        );
    }
    for (row, same) in rows {
        // Corrected only if both are: the two ways of counting cannot be compared with each other.
        let (before, after) = match (row.latency.corrected, same.latency.corrected) {
            (Some(before), Some(after)) => (before, after),
            _ => (row.latency.raw, same.latency.raw),
        };
        for (title, of) in QUANTILES {
            add(
                format!("{} {title} ms", row.name),
                of(&before) as f64 / 1e3,
                of(&after) as f64 / 1e3,
            );
        }
    }
    let shares: [Named<Outcome>; 3] = [
        ("refused %", |outcome| outcome.refused.total),
        ("overloaded %", |outcome| outcome.overloaded.total),
        ("failed %", |outcome| outcome.failed.total),
    ];
    for (name, count) in shares {
        let share =
            |outcome: &Outcome| 100.0 * count(outcome) as f64 / outcome.commands.max(1) as f64;
        add(name.to_owned(), share(one), share(other));
    }
    figures
}

/// A number of something, by the name it has in the table.
type Named<T> = (&'static str, fn(&T) -> u64);

const QUANTILES: [Named<Figures>; 4] = [
    ("p50", |figures| figures.p50_us),
    ("p99", |figures| figures.p99_us),
    ("p99.9", |figures| figures.p999_us),
    ("max", |figures| figures.max_us),
];

fn differences(one: &Outcome, other: &Outcome) -> Vec<Difference> {
    let mut found = Vec::new();
    let maps = [
        (&one.settings, &other.settings),
        (&one.machine, &other.machine),
    ];
    let mut note = |name: &str, one: Option<&Value>, other: Option<&Value>| {
        if one != other {
            let value = |value: Option<&Value>| value.cloned().unwrap_or(Value::Null);
            found.push(Difference {
                name: name.to_owned(),
                one: value(one),
                other: value(other),
            });
        }
    };
    note("seed", Some(&one.seed.into()), Some(&other.seed.into()));
    let version = |outcome: &Outcome| outcome.version.clone().map(Value::from);
    note("version", version(one).as_ref(), version(other).as_ref());
    for (before, after) in maps {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            note(name, before.get(name), after.get(name));
        }
    }
    found
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, other] = &self.runs;
        writeln!(f, "{:22}{one:>18}{other:>18}{:>9}", "run", "ratio")?;
        for Compared {
            name,
            one,
            other,
            ratio,
        } in &self.figures
        {
            let digits = if one.max(*other) < 1_000.0 { 3 } else { 0 };
            write!(f, "{name:22}{one:>18.digits$}{other:>18.digits$}")?;
            match ratio {
                Some(ratio) => writeln!(f, "{ratio:>9.3}")?,
                None => writeln!(f, "{:>9}", "–")?,
            }
        }
        for Difference { name, one, other } in &self.differences {
            writeln!(f, "differs: {name}: {one} and {other}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(change: impl FnOnce(&mut Value)) -> Outcome {
        let figures =
            json!({ "p50_us": 1_000, "p99_us": 4_000, "p999_us": 8_000, "max_us": 9_000 });
        let latency = json!({ "corrected": figures, "raw": figures });
        let mut value = json!({
            "schema": SCHEMA, "run_id": "a", "seed": 42, "version": "1", "verdict": "good",
            "machine": { "processors": 2 }, "settings": { "mix": "earn", "url": "http://a:1" },
            "achieved_commands_per_second": 20_000.0, "commands": 1_000,
            "refused": { "total": 10 }, "overloaded": { "total": 0 }, "failed": { "total": 0 },
            "operations": [{ "name": "earn", "latency": latency }],
            "all_requests": { "name": "request", "latency": latency },
        });
        change(&mut value);
        serde_json::from_value(value).expect("a result")
    }

    fn ratio(comparison: &Comparison, name: &str) -> Option<f64> {
        let mut figures = comparison.figures.iter();
        figures
            .find(|figure| figure.name == name)
            .unwrap_or_else(|| panic!("{name} is compared"))
            .ratio
    }

    #[test]
    fn ratios_are_of_the_second_to_the_first() {
        let other = outcome(|value| {
            value["achieved_commands_per_second"] = json!(30_000.0);
            value["all_requests"]["latency"]["corrected"]["p99_us"] = json!(2_000);
            value["operations"][0]["latency"]["corrected"]["max_us"] = json!(18_000);
            value["refused"]["total"] = json!(20);
        });
        let comparison = Comparison::new(&outcome(|_| {}), &other);
        let expected = [
            ("commands/s", Some(1.5)),
            ("request p99 ms", Some(0.5)),
            ("request p50 ms", Some(1.0)),
            ("earn max ms", Some(2.0)),
            ("refused %", Some(2.0)),
            ("failed %", None),
        ];
        for (name, wanted) in expected {
            assert_eq!(ratio(&comparison, name), wanted, "{name}");
        }
        assert_eq!(
            (comparison.differences, comparison.warnings),
            (vec![], vec![])
        );
    }

    #[test]
    fn runs_that_are_not_alike_are_warned_of() {
        let cases: [(&str, Value, &str); 4] = [
            ("/settings/mix", json!("transfer"), "differ in mix"),
            ("/machine/processors", json!(64), "differ in processors"),
            (
                "/verdict",
                json!("invalid"),
                "second run is not good but invalid",
            ),
            (
                "/all_requests/latency/corrected",
                Value::Null,
                "one is an open loop",
            ),
        ];
        for (pointer, changed, warning) in cases {
            let other =
                outcome(|value| *value.pointer_mut(pointer).expect("it is there") = changed);
            let comparison = Comparison::new(&outcome(|_| {}), &other);
            assert!(
                comparison
                    .warnings
                    .iter()
                    .any(|said| said.contains(warning)),
                "{pointer}: {:?}",
                comparison.warnings
            );
        }
        let elsewhere = outcome(|value| value["settings"]["url"] = json!("http://b:1"));
        let comparison = Comparison::new(&outcome(|_| {}), &elsewhere);
        assert_eq!(
            (comparison.differences.len(), comparison.warnings.len()),
            (1, 0)
        );
    }
}
