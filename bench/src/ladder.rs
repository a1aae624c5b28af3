//! The ladder, as Criterion climbs it.

use std::time::Duration;

use criterion::{Criterion, Throughput};

use crate::{rungs, workload::Workload};

const MEMBERS: u32 = 100_000;
const OPERATIONS: usize = 1_000_000;
const SEED: u64 = 42;

/// All rungs below HTTP, on one workload. One iteration is the whole work.
pub fn benchmarks(criterion: &mut Criterion) {
    let workload = Workload::canonical(MEMBERS, OPERATIONS, SEED);
    let mut group = criterion.benchmark_group("ladder");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_millis(1))
        .throughput(Throughput::Elements(workload.work.len() as u64));
    let mut rung = |name: &str, climb: fn(&Workload) -> Duration| {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| climb(&workload)).sum());
        });
    };
    rung("1 ledger", rungs::ledger);
    rung("2 + encode and remember", rungs::encoded);
    rung("3 + memory journal", rungs::memory);
    rung("4 + sled, synced", rungs::sled);
    rung("5 actors over memory", rungs::actors);
    rung("6 actors over sled, synced", rungs::engine);
    group.finish();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rung_bears_a_small_load() {
        let workload = Workload::canonical(100, 2_000, SEED);
        for rung in [
            rungs::ledger,
            rungs::encoded,
            rungs::memory,
            rungs::sled,
            rungs::actors,
            rungs::engine,
        ] {
            assert!(rung(&workload) > Duration::ZERO);
        }
    }
}
