//! The real server under a fuzzer that makes its requests from the server's own OpenAPI document, valid and not.
//!
//! The fuzzer is a program in Python. It is installed once, pinned, into a place of its own beside what is built.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use ureq::Agent;

use crate::{
    built,
    python::{self, said, succeed},
    server::{KEY, Server},
};

/// How long an answer may take, in seconds; whatever takes longer hangs.
const ANSWER_SECONDS: u32 = 10;
const ADVICE: &str = "this test needs Python 3.10 or later as python3, with venv, and a package index that pip can reach";

/// How much is to be tried.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// For how long at most, in seconds.
    pub seconds: u32,
    /// How many cases of each kind for each endpoint at most.
    pub examples: u32,
    /// What chance starts from.
    pub seed: u64,
}

/// What was met.
#[derive(Debug, Default)]
pub struct Met {
    /// How many cases were made.
    pub cases: u64,
    /// How many answers had each status.
    pub statuses: BTreeMap<u64, u64>,
    /// How many entries the requests made.
    pub entries: usize,
    /// How long the slowest answer took, in seconds.
    pub slowest: f64,
}

impl Met {
    /// Adds what was met in another run.
    pub fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.entries += other.entries;
        self.slowest = self.slowest.max(other.slowest);
    }
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>12}  cases", self.cases)?;
        for (status, count) in &self.statuses {
            writeln!(f, "{count:>12}  answers {status}")?;
        }
        writeln!(
            f,
            "{:>12}  entries, each told of in an answer",
            self.entries
        )?;
        writeln!(f, "{:>11.3}s  the slowest answer", self.slowest)
    }
}

/// Runs the fuzzer against a new server, and looks afterwards whether anything was recorded of which no answer told.
///
/// # Errors
///
/// What the fuzzer found; or why it cannot run, and what to do.
///
/// # Panics
///
/// If the server cannot be built or does not serve.
pub fn fuzz(wanted: Wanted) -> Result<Met, String> {
    let python = installed()?;
    let work = tempfile::tempdir().map_err(|error| error.to_string())?;
    let data = work.path().join("data");
    let server = Server::start(&data).map_err(|ended| ended.stderr)?;
    let mut told = furnish(&server)?;
    validate(&python, &server, work.path())?;
    let tally = work.path().join("tally");
    let report = work.path().join("report.json");
    let output = run(&python, &server, wanted, &tally, &report)?;
    let mut met = Met {
        cases: cases(&report)?,
        ..Met::default()
    };
    for line in fs::read_to_string(&tally).unwrap_or_default().lines() {
        let line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        *met.statuses
            .entry(line["status"].as_u64().unwrap_or(0))
            .or_default() += 1;
        met.slowest = met.slowest.max(line["seconds"].as_f64().unwrap_or(0.0));
        let offsets = line["offsets"].as_array().into_iter().flatten();
        told.extend(offsets.filter_map(Value::as_str).map(str::to_owned));
    }
    let (status, stderr) = server.terminate();
    if !status.success() {
        return Err(format!("the server ended with {status}:\n{stderr}"));
    }
    if !output.status.success() {
        return Err(format!("seed {}:\n{}", wanted.seed, said(&output)));
    }
    met.entries = untold(&data, &told)?;
    match met.statuses.range(500..503).next() {
        Some((status, count)) => Err(format!("{count} answers {status}")),
        None => Ok(met),
    }
}

/// Puts what the document's examples are about; tells where it is recorded.
fn furnish(server: &Server) -> Result<BTreeSet<String>, String> {
    let agent = Agent::new_with_defaults();
    let mut told = BTreeSet::new();
    for (method, path, body) in [
        (
            "PUT",
            "/v1/merchants/harbour-market",
            json!({ "name": "Harbour Market" }),
        ),
        ("PUT", "/v1/members/m-00042", json!({})),
        ("PUT", "/v1/members/m-00043", json!({})),
        (
            "PUT",
            "/v1/stock/umbrella-2026",
            json!({ "units": 10_000, "price_points": 1, "merchant": "harbour-market" }),
        ),
        (
            "POST",
            "/v1/earns",
            json!({ "member": "m-00042", "merchant": "harbour-market", "points": 1_000_000 }),
        ),
    ] {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", server.url()))
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/json")
            .header("idempotency-key", path.replace('/', "."))
            .body(body.to_string())
            .map_err(|error| error.to_string())?;
        let mut answer = agent.run(request).map_err(|error| error.to_string())?;
        let answer = answer
            .body_mut()
            .read_to_string()
            .map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        told.extend(answer["offset"].as_str().map(str::to_owned));
    }
    Ok(told)
}

/// Has the document checked against the standard.
fn validate(python: &Path, server: &Server, work: &Path) -> Result<(), String> {
    let document = Agent::new_with_defaults()
        .get(format!("{}/openapi.json", server.url()))
        .call()
        .and_then(|mut answer| answer.body_mut().read_to_string());
    let file = work.join("openapi.json");
    fs::write(&file, document.map_err(|error| error.to_string())?)
        .map_err(|error| error.to_string())?;
    let mut command = Command::new(python);
    command
        .args(["-m", "openapi_spec_validator", "--schema", "3.1"])
        .arg(file);
    succeed(&mut command).map(drop)
}

fn run(
    python: &Path,
    server: &Server,
    wanted: Wanted,
    tally: &Path,
    report: &Path,
) -> Result<Output, String> {
    let mut command = Command::new(python);
    command
        .args(["-m", "schemathesis.cli", "run"])
        .arg(format!("{}/openapi.json", server.url()))
        .arg(format!("--header=Authorization: Bearer {KEY}"))
        .arg(format!("--max-time={}", wanted.seconds))
        .arg(format!("--max-examples={}", wanted.examples))
        .arg(format!("--seed={}", wanted.seed))
        .arg(format!("--request-timeout={ANSWER_SECONDS}"))
        // What a schema cannot say may still be refused: a day that its month does not have, an instant that has not come
        // yet, 1.0 for 1, a request id that was used. What schemas and decoders take is compared value by value elsewhere.
        .arg("--exclude-checks=positive_data_acceptance")
        // Streams do not end, and whoever waits for that learns nothing.
        .arg("--exclude-path-regex=/events$")
        .args(["--continue-on-failure", "--no-color", "--warnings=off"])
        .args(["--generation-database=none", "--report=json"])
        .arg(format!("--report-json-path={}", report.display()))
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", sources())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("JIFEN_TALLY", tally)
        .current_dir(tally.parent().unwrap_or(tally));
    command
        .output()
        .map_err(|error| format!("{error}: {ADVICE}"))
}

fn cases(report: &Path) -> Result<u64, String> {
    let text = fs::read_to_string(report).map_err(|error| format!("no report: {error}"))?;
    let report: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    report["test_cases"]["generated"]
        .as_u64()
        .ok_or_else(|| "the report tells of no cases".to_owned())
}

/// How many entries were asked for, if an answer told of each: a refusal that changed something would be one of which
/// none did.
fn untold(data: &Path, told: &BTreeSet<String>) -> Result<usize, String> {
    let mut dump = Command::new(built::binary());
    let entries = succeed(dump.args(["journal", "dump", "--data"]).arg(data))?;
    let entries = String::from_utf8_lossy(&entries.stdout);
    let entries = entries.lines().map(serde_json::from_str);
    let entries: Vec<Value> = entries
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let offset = |entry: &Value, seq: &Value| format!("{}:{seq}", entry["shard"]);
    // What begins something that other shards have to do is answered with what ends it.
    let ended = entries
        .iter()
        .map(|entry| offset(entry, &entry["course"]["ends"]));
    let ended: BTreeSet<String> = ended.collect();
    let mut count = 0;
    // What shards tell each other, and what time does, nobody asked for.
    for entry in entries.iter().filter(|entry| !entry["request"].is_null()) {
        let offset = offset(entry, &entry["seq"]);
        if !told.contains(&offset) && !ended.contains(&offset) {
            return Err(format!("no answer told of this entry: {entry}"));
        }
        count += usize::from(!ended.contains(&offset));
    }
    Ok(count)
}

/// The Python that has the fuzzer.
fn installed() -> Result<PathBuf, String> {
    let requirements = sources().join("requirements.txt");
    Ok(python::installed("schemathesis", &requirements)?.join("python"))
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis")
}
