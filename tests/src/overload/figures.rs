//! What was measured.

use std::{fmt, time::Duration};

use super::client::Client;

/// What became of an overload.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Commands made durable in a second when nobody was refused.
    pub peak: f64,
    /// Commands that were to be offered in a second.
    pub planned: f64,
    /// Commands that were offered in a second.
    pub offered: f64,
    /// Commands made durable in a second under overload.
    pub goodput: f64,
    /// How long refusals took: 50th and 99th percentile, and longest.
    pub refusals: [Duration; 3],
    /// The same of acceptances.
    pub acceptances: [Duration; 3],
    /// The server's memory before the overload and at most during it, in bytes.
    pub memory: [u64; 2],
    /// How long after the overload commands took until they were answered as fast as before it.
    pub recovery: Duration,
}

impl Figures {
    pub(super) fn of(
        clients: &[Client],
        lasted: Duration,
        [peak, planned]: [f64; 2],
        memory: [u64; 2],
        recovery: Duration,
    ) -> Self {
        let all = |each: fn(&Client) -> &[Duration]| -> Vec<_> {
            clients.iter().flat_map(each).copied().collect()
        };
        let (refused, answered) = (all(Client::refused), all(Client::answered));
        let per_second = |count: usize| count as f64 / lasted.as_secs_f64();
        Self {
            peak,
            planned,
            offered: per_second(refused.len() + answered.len()),
            goodput: per_second(answered.len()),
            refusals: percentiles(refused),
            acceptances: percentiles(answered),
            memory,
            recovery,
        }
    }
}

fn percentiles(mut times: Vec<Duration>) -> [Duration; 3] {
    times.sort_unstable();
    let at = |part: usize| {
        let place = (times.len() * part).div_ceil(100).saturating_sub(1);
        times.get(place).copied().unwrap_or_default()
    };
    [at(50), at(99), at(100)]
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            peak,
            planned,
            offered,
            goodput,
            ..
        } = self;
        let share = 100.0 * goodput / peak;
        let mib = |bytes: u64| bytes >> 20;
        writeln!(f, "{peak:>12.0}  commands a second at the peak")?;
        writeln!(
            f,
            "{offered:>12.0}  offered a second, of {planned:.0} planned"
        )?;
        writeln!(
            f,
            "{goodput:>12.0}  made durable a second, {share:.1} % of the peak"
        )?;
        for (of, [p50, p99, most]) in [
            ("refusals", self.refusals),
            ("acceptances", self.acceptances),
        ] {
            writeln!(
                f,
                "{p99:>12.1?}  {of}: p99; p50 {p50:.1?}, longest {most:.1?}"
            )?;
        }
        let [before, most] = self.memory.map(mib);
        writeln!(f, "{most:>8} MiB  memory at most, {before} MiB before")?;
        writeln!(f, "{:>12.1?}  until all was as before", self.recovery)
    }
}
