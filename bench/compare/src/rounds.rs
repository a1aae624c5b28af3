//! The run: all systems in turns at every task, round after round, each on a fresh directory.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    client::{self, Edge, Load},
    results::{Cell, Plan},
    servers::{self, Redis, Server, Settings, System},
    trouble::Trouble,
    work::{Member, Task},
};

/// What the draws of members and points begin with.
const SEED: u64 = 42;
/// PostgreSQL's `commit_delay` as it is tried out, in microseconds: none, and what others found to help.
const COMMIT_DELAYS: [u32; 4] = [0, 20, 100, 500];
/// How often `redis-benchmark` earns.
const SANITY_EARNS: &str = "200000";

/// Who is next, in every round another first: what slows the machine down for a while meets all alike.
#[must_use]
pub fn order<T: Copy>(all: &[T], round: usize) -> Vec<T> {
    let mut turned = all.to_vec();
    turned.rotate_left(round % all.len().max(1));
    turned
}

/// One system at one task, on a directory that is made and removed.
///
/// # Errors
///
/// Anything that goes wrong, also a server that gives away more or fewer units than it said.
pub fn cell(
    scratch: &Path,
    settings: &Settings,
    plan: &Plan,
    system: System,
    task: Task,
    round: usize,
) -> Result<Cell, Trouble> {
    let home = home_in(scratch)?;
    let mut server = servers::start(system, &home.path().join("data"), settings)?;
    server.fill(plan.members, task)?;
    server.settle()?;
    let seconds = if task.is_main() {
        plan.seconds
    } else {
        plan.side_seconds
    };
    let load = Load {
        task,
        connections: plan.connections,
        members: plan.members,
        seed: SEED + round as u64,
        // A sale that sells out is over before it is warm.
        warm_up: Duration::from_secs_f64(if task.may_sell_out() {
            0.0
        } else {
            plan.warm_up_seconds
        }),
        window: Duration::from_secs_f64(seconds),
    };
    let (done, clocks) = put(load, server.as_ref())?;
    let memory = server.process().memory();
    let begun = Instant::now();
    server.settle()?;
    let settled = begun.elapsed();
    check(server.as_ref(), system, task, done.accepted_ever)?;
    let start_seconds = match task {
        Task::Earn => Some(server.crash_and_start()?.as_secs_f64()),
        _ => None,
    };
    let elapsed = done.elapsed.as_secs_f64();
    Ok(Cell {
        system,
        task,
        round,
        per_second: (done.accepted + done.sold_out) as f64 / elapsed,
        p50_micros: done.latency.value_at_quantile(0.50),
        p99_micros: done.latency.value_at_quantile(0.99),
        longest_micros: done.latency.max(),
        server_cores: clocks.server.as_secs_f64() / elapsed,
        client_cores: clocks.client.as_secs_f64() / elapsed,
        memory_mib: memory as f64 / 1_048_576.0,
        settled_seconds: settled.as_secs_f64(),
        start_seconds,
        accepted: done.accepted_ever,
    })
}

/// Finds the `commit_delay` with which PostgreSQL earns the most, and what each gave.
///
/// # Errors
///
/// Anything that goes wrong.
pub fn try_commit_delays(
    scratch: &Path,
    settings: &Settings,
    plan: &Plan,
) -> Result<(u32, Vec<(u32, f64)>), Trouble> {
    let plan = Plan {
        seconds: plan.side_seconds,
        ..plan.clone()
    };
    let mut tried = Vec::new();
    for commit_delay in COMMIT_DELAYS {
        let settings = Settings {
            commit_delay,
            ..settings.clone()
        };
        let cell = cell(scratch, &settings, &plan, System::Postgres, Task::Earn, 0)?;
        tried.push((commit_delay, cell.per_second));
    }
    let best = tried.iter().max_by(|one, other| one.1.total_cmp(&other.1));
    Ok((best.map_or(0, |best| best.0), tried))
}

/// Earns per second as Redis's own client counts them, with as many connections and the same script. It earns for one member.
///
/// # Errors
///
/// Anything that goes wrong.
pub fn redis_benchmark(scratch: &Path, connections: u32) -> Result<Option<f64>, Trouble> {
    let home = home_in(scratch)?;
    let mut redis = Redis::start(&home.path().join("data"), "always")?;
    redis.fill(1, Task::Earn)?;
    let mut benchmark = Command::new("redis-benchmark");
    benchmark.args([
        "-p",
        &redis.address().port().to_string(),
        "-c",
        &connections.to_string(),
    ]);
    benchmark.args([
        "-n",
        SANITY_EARNS,
        "-r",
        "1000000000",
        "--csv",
        "EVALSHA",
        redis.earn_script(),
        "4",
    ]);
    let member = Member(0);
    benchmark.arg(format!("r:{member}:__rand_int__"));
    benchmark.args([
        format!("m:{member}"),
        format!("l:{member}"),
        format!("e:{member}"),
    ]);
    let output = benchmark.args(["shop-01", "5"]).output();
    let output = output.map_err(Trouble::io("running redis-benchmark"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // The name of the test is in quotes and may have commas; the second field is requests per second.
    let line = text.lines().find(|line| line.contains("EVALSHA"));
    let field = line.and_then(|line| line.split("\",\"").nth(1));
    Ok(field.and_then(|field| field.trim_matches('"').parse().ok()))
}

/// A directory that others may pass through, since PostgreSQL is somebody else.
fn home_in(scratch: &Path) -> Result<tempfile::TempDir, Trouble> {
    let failed = || Trouble::io("making a directory to work in");
    let home = tempfile::Builder::new()
        .prefix("compare-")
        .tempdir_in(scratch)
        .map_err(failed())?;
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o711))
        .map_err(failed())?;
    Ok(home)
}

/// Processor time within the window.
struct Clocks {
    server: Duration,
    client: Duration,
}

fn put(load: Load, server: &dyn Server) -> Result<(client::Done, Clocks), Trouble> {
    let mut clocks = Clocks {
        server: Duration::ZERO,
        client: Duration::ZERO,
    };
    let done = client::run(load, server.address(), &|| server.dialect(), |edge| {
        let (served, used) = (server.process().busy(), own_time());
        match edge {
            Edge::Begin => (clocks.server, clocks.client) = (served, used),
            Edge::End => {
                clocks.server = served.saturating_sub(clocks.server);
                clocks.client = used.saturating_sub(clocks.client);
            }
        }
    })?;
    Ok((done, clocks))
}

/// How long this process has been on processors.
fn own_time() -> Duration {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    clock.try_into().unwrap_or_default()
}

/// What was given away must be what was answered, to the unit.
fn check(server: &dyn Server, system: System, task: Task, answered: u64) -> Result<(), Trouble> {
    if !matches!(task, Task::FlashSale | Task::SoldOut) {
        return Ok(());
    }
    let given_away = server.given_away(task)?;
    if given_away == answered && given_away <= task.units() {
        return Ok(());
    }
    Err(Trouble::Wrong {
        system: system.title(),
        what: format!(
            "{answered} reservations were answered, and {given_away} units are gone of {}",
            task.units()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_first_in_turn() {
        assert_eq!(order(&[1, 2, 3], 0), [1, 2, 3]);
        assert_eq!(order(&[1, 2, 3], 1), [2, 3, 1]);
        assert_eq!(order(&[1, 2, 3], 5), [3, 1, 2]);
        assert!(order::<u8>(&[], 2).is_empty());
    }
}
