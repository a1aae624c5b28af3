//! A period that is closed while members and merchants go on as at their busiest.

use std::{
    fmt, fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Period, Recorded, ask_to_settle, check, published, record};
use crate::{
    built,
    server::{KEY, Server},
};

/// How far the load has come when the period is closed: members are known, and it is warm.
const INTO_THE_LOAD: Duration = Duration::from_secs(12);

/// How it went.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    /// The 99th percentile of the load's latencies, from the planned time, without closing and beside it, in microseconds.
    pub p99_us: [u64; 2],
    /// The 99.9th.
    pub p999_us: [u64; 2],
    /// From the request until it is published.
    pub took: Duration,
    /// The same with nothing beside it.
    pub alone: Duration,
}

impl Beside {
    /// How much longer the 99th percentile is while a period is closed.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        let [before, beside] = self.p99_us.map(|us| us as f64);
        beside / before
    }
}

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |us: u64| us as f64 / 1_000.0;
        for (what, [before, beside]) in [("p99", self.p99_us), ("p99.9", self.p999_us)] {
            let (before, beside) = (millis(before), millis(beside));
            writeln!(f, "{before:>10.2} ms  {what} under peak-hour")?;
            writeln!(f, "{beside:>10.2} ms  {what} beside closing")?;
        }
        let (took, alone) = (self.took.as_secs_f64(), self.alone.as_secs_f64());
        writeln!(f, "{took:>10.2} s   until published, beside it")?;
        writeln!(f, "{alone:>10.2} s   until published, alone")?;
        write!(f, "{:>10.2}     times the p99", self.ratio())
    }
}

/// Closes a period while `jifen-load` has a peak hour with the server, and a copy of it without, which must come to the same hash.
///
/// # Panics
///
/// If it is not published, or not as its statements say, or the load is not answered.
pub fn beside_load(work: &Path, period: &Period) -> Beside {
    let data = work.join("recorded");
    built::load_tester();
    let recorded = record(&data, period);
    let copy = super::copied(work, &data);
    let mut met = super::Closings::default();
    let (root, alone) = super::close(&copy, &recorded, period, || None, &mut met);

    let Recorded { settlement, zone } = &recorded;
    let server = Server::start_with(&data, &[zone]).unwrap();
    let before = finish(peak_hour(&server, work, "before"), work, "before");
    let load = peak_hour(&server, work, "beside");
    thread::park_timeout(INTO_THE_LOAD);
    let begun = Instant::now();
    ask_to_settle(&server, settlement);
    let told = published(&server, settlement, begun);
    let took = begun.elapsed();
    let beside = finish(load, work, "beside");
    assert_eq!(check(&server, settlement, &told, period), root);
    let of = |name: &str| [&before, &beside].map(|told| told[name].as_u64().unwrap());
    Beside {
        p99_us: of("p99_us"),
        p999_us: of("p999_us"),
        took,
        alone,
    }
}

fn peak_hour(server: &Server, work: &Path, name: &str) -> Child {
    let mut load = Command::new(built::load_tester());
    load.args(["run", "peak-hour", "--no-audit", "--url", server.url()])
        .arg("--out")
        .arg(work.join(format!("{name}.json")))
        .env("JIFEN_OPERATOR_KEY", KEY)
        .stdout(Stdio::null());
    load.spawn().unwrap()
}

/// The latencies of all requests, when the load is over.
fn finish(mut load: Child, work: &Path, name: &str) -> Value {
    let status = load.wait().unwrap();
    // 4 says that the machine was too busy for the load to keep to its plan; latencies count from the plan even so.
    assert!(matches!(status.code(), Some(0 | 4)), "{status}");
    let text = fs::read_to_string(work.join(format!("{name}.json"))).unwrap();
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["failed"]["total"], 0, "{name}");
    told["all_requests"]["latency"]["corrected"].clone()
}
