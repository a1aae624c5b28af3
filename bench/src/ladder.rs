//! The ladder, as Criterion climbs it.

use std::time::Duration;

use criterion::{Criterion, Throughput};

use crate::{guards::Guards, http, rungs, workload::Workload};

const MEMBERS: u32 = 100_000;
const OPERATIONS: usize = 1_000_000;
const SEED: u64 = 42;

/// All rungs. One iteration is the whole work; its size is told, so that Criterion shows commands per second.
pub fn benchmarks(criterion: &mut Criterion) {
    // As the server does.
    jifen_adapters::ops::use_small_pages();
    let workload = Workload::canonical(MEMBERS, OPERATIONS, SEED);
    let mut group = criterion.benchmark_group("ladder");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_millis(1));
    let mut rung_of = |name: &str, workload: &Workload, climb: &dyn Fn(&Workload) -> Duration| {
        group.throughput(Throughput::Elements(workload.work.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| climb(workload)).sum());
        });
    };
    let mut rung = |name: &str, workload: &Workload, climb: fn(&Workload) -> Duration| {
        rung_of(name, workload, &climb);
    };
    rung("1 ledger", &workload, rungs::ledger);
    rung("2 + encode and remember", &workload, rungs::encoded);
    rung("3 + memory journal", &workload, rungs::memory);
    rung("4 + sled, synced", &workload, rungs::sled);
    rung("5 actors over memory", &workload, rungs::actors);
    rung("6 actors over sled, synced", &workload, rungs::engine);

    let arrays = workload.without_holds();
    rung("7 HTTP arrays of 1,000", &arrays, http::arrays);
    rung("7 without a shard", &arrays, http::arrays_without_a_shard);
    let singles = Workload::canonical(MEMBERS, OPERATIONS / 5, SEED).earns();
    rung("8 HTTP single, 64 connections", &singles, http::singles);
    rung("8 without a shard", &singles, http::singles_without_a_shard);
    for (name, guards) in Guards::STEPS {
        rung_of(&format!("9 HTTP single, {name}"), &singles, &|workload| {
            http::singles_behind(workload, guards).elapsed
        });
    }
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
        for rung in [http::arrays, http::arrays_without_a_shard] {
            assert!(rung(&workload.without_holds()) > Duration::ZERO);
        }
        for rung in [http::singles, http::singles_without_a_shard] {
            assert!(rung(&workload.earns()) > Duration::ZERO);
        }
        for (_, guards) in Guards::STEPS {
            let took = http::singles_behind(&workload.earns(), guards);
            assert!(took.elapsed > Duration::ZERO);
        }
    }
}
