//! What was measured, as it is kept, and the figures that are made from it.

use serde::{Deserialize, Serialize};

use crate::{
    machine::{Machine, Versions},
    servers::System,
    work::Task,
};

/// Everything about one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// What.
    pub versions: Versions,
    /// How.
    pub plan: Plan,
    /// PostgreSQL's earns per second with each `commit_delay` in microseconds that was tried.
    pub commit_delays: Vec<(u32, f64)>,
    /// Earns per second that `redis-benchmark` counted with the same script, `appendfsync always`.
    pub redis_benchmark: Option<f64>,
    /// One for each system, task and round.
    pub cells: Vec<Cell>,
    /// TigerBeetle's transfers, if its binary was given.
    pub tigerbeetle: Vec<Transfers>,
}

/// How a run goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Connections, each with one request or bundle under way.
    pub connections: u32,
    /// Members.
    pub members: u32,
    /// How often everything is done.
    pub rounds: usize,
    /// Seconds that each of the main tasks is measured.
    pub seconds: f64,
    /// Seconds that each of the others is measured.
    pub side_seconds: f64,
    /// Seconds before what is measured.
    pub warm_up_seconds: f64,
}

/// One system at one task in one round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// Who.
    pub system: System,
    /// What.
    pub task: Task,
    /// When: from 0.
    pub round: usize,
    /// Operations answered in a second; with [`Task::SoldOut`] also those that there were no units for.
    pub per_second: f64,
    /// The median latency in microseconds; of a pair, both requests together, and of a bundle all of it.
    pub p50_micros: u64,
    /// The 99th percentile.
    pub p99_micros: u64,
    /// The longest.
    pub longest_micros: u64,
    /// Processors that the server kept busy, on average.
    pub server_cores: f64,
    /// Processors that the client kept busy.
    pub client_cores: f64,
    /// The server's memory at the end, in MiB.
    pub memory_mib: f64,
    /// How long the server worked on behind its answers, in seconds.
    pub settled_seconds: f64,
    /// From a kill right after the task until it answers again, in seconds; only after earns.
    pub start_seconds: Option<f64>,
    /// Operations accepted since it was filled.
    pub accepted: u64,
}

/// What TigerBeetle's own benchmark said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Transfers {
    /// `tigerbeetle version`
    pub version: String,
    /// Clients, each with one batch under way.
    pub clients: u32,
    /// Transfers in a batch.
    pub batch: u32,
    /// In which round.
    pub round: usize,
    /// Transfers per second.
    pub per_second: f64,
}

/// The median of several rounds, and how far they went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The one in the middle; of an even number the mean of two.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of at least one figure.
    #[must_use]
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self {
            median,
            least,
            most,
        })
    }
}

impl Results {
    /// A figure of a system at a task, over the rounds.
    pub fn spread(
        &self,
        system: System,
        task: Task,
        figure: impl Fn(&Cell) -> f64,
    ) -> Option<Spread> {
        Spread::of(self.cells_of(system, task).map(figure))
    }

    /// How many times as much Jifen does as another system, in pairs of the same round.
    #[must_use]
    pub fn ratio(&self, other: System, task: Task) -> Option<Spread> {
        let pairs = self.cells_of(System::Jifen, task).filter_map(|ours| {
            let theirs = self
                .cells_of(other, task)
                .find(|theirs| theirs.round == ours.round)?;
            Some(ours.per_second / theirs.per_second)
        });
        Spread::of(pairs)
    }

    fn cells_of(&self, system: System, task: Task) -> impl Iterator<Item = &Cell> {
        self.cells
            .iter()
            .filter(move |cell| cell.system == system && cell.task == task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::results;

    #[test]
    fn medians_and_ranges() {
        let spread = |figures: &[f64]| Spread::of(figures.iter().copied());
        assert_eq!(spread(&[]), None);
        let of = |median, least, most| {
            Some(Spread {
                median,
                least,
                most,
            })
        };
        assert_eq!(spread(&[3.0, 1.0, 2.0]), of(2.0, 1.0, 3.0));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), of(2.5, 1.0, 4.0));
    }

    #[test]
    fn ratios_are_made_within_rounds() {
        let mut results = results(2);
        // Twice as fast a machine in the second round changes no ratio.
        for cell in &mut results.cells {
            cell.per_second *= if cell.round == 1 { 2.0 } else { 1.0 };
        }
        let ratio = results
            .ratio(System::Postgres, Task::Earn)
            .expect("both are there");
        assert!(ratio.most - ratio.least < 1e-9, "{ratio:?}");
        results.cells.retain(|cell| cell.system != System::Postgres);
        assert_eq!(results.ratio(System::Postgres, Task::Earn), None);
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let results = results(1);
        let text = serde_json::to_string(&results).expect("plain data");
        let again: Results = serde_json::from_str(&text).expect("the same shape");
        assert_eq!(again.cells.len(), results.cells.len());
        assert!(text.contains(r#""system":"redis-always""#), "{text}");
    }
}
