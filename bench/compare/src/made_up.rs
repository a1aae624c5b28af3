//! Results that nobody measured, for tests.

use crate::{
    machine::{Machine, Versions},
    results::{Cell, Plan, Results, Transfers},
    servers::System,
    work::Task,
};

/// Jifen does 60,000 of everything, PostgreSQL a sixth and Redis two thirds.
pub(crate) fn results(rounds: usize) -> Results {
    let mut cells = Vec::new();
    for round in 0..rounds {
        for task in Task::ALL {
            for system in System::ALL {
                cells.push(cell(system, task, round));
            }
        }
    }
    Results {
        machine: Machine {
            processor: "A processor".into(),
            cores: 2,
            memory_gib: 23.4,
            kernel: "6.1.0".into(),
            file_system: "ext4".into(),
            sync_p50_micros: 60,
            sync_p99_micros: 150,
        },
        versions: Versions {
            jifen: "jifen 0.1.0".into(),
            postgres: "postgres (PostgreSQL) 15.1".into(),
            redis: "Redis server v=7.0.1".into(),
        },
        plan: Plan {
            connections: 64,
            members: 1_000,
            rounds,
            seconds: 20.0,
            side_seconds: 10.0,
            warm_up_seconds: 2.0,
        },
        commit_delays: vec![(0, 10_000.0), (50, 9_000.0)],
        redis_benchmark: Some(41_000.0),
        cells,
        tigerbeetle: vec![Transfers {
            version: "TigerBeetle version 0".into(),
            clients: 1,
            batch: 8_189,
            round: 0,
            per_second: 200_000.0,
        }],
    }
}

fn cell(system: System, task: Task, round: usize) -> Cell {
    let per_second = match system {
        System::Jifen => 60_000.0,
        System::Postgres => 10_000.0,
        System::RedisAlways => 40_000.0,
        System::RedisEverysec => 75_000.0,
    };
    Cell {
        system,
        task,
        round,
        per_second,
        p50_micros: 900,
        p99_micros: 2_500,
        longest_micros: 40_000,
        server_cores: 1.2,
        client_cores: 0.6,
        memory_mib: 512.0,
        settled_seconds: 0.1,
        start_seconds: (task == Task::Earn).then_some(0.7),
        accepted: 1_200_000,
    }
}
