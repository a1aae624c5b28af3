//! Runs the comparison, or writes its page again from kept results.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use jifen_compare::{
    document,
    machine::{Machine, Versions},
    plot,
    results::{Plan, Results},
    rounds,
    servers::{Settings, System},
    table, tigerbeetle,
    trouble::Trouble,
    work::{Task, members_for, members_needed},
};

/// The same work side by side on Jifen, PostgreSQL 15 and Redis 7, in turns, with one client.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
    /// Where results, page and plot go.
    #[arg(long, default_value = "docs", global = true)]
    out: PathBuf,
}

#[derive(Subcommand)]
enum What {
    /// Measures, prints the tables and writes everything.
    Run(Run),
    /// Writes page and plot again from kept results.
    Write,
}

#[derive(clap::Args)]
struct Run {
    /// Seconds for each of the main tasks, system and round.
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Seconds for each of the other tasks.
    #[arg(long, default_value_t = 10.0)]
    side_seconds: f64,
    /// Seconds before what is measured.
    #[arg(long, default_value_t = 2.0)]
    warm_up: f64,
    /// How often everything is done.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Members, at least as many as connections; the same for all systems and tasks. 100,000 if not given, and with the flash sale
    /// 1,000 for each second of --seconds and --warm-up if that is more: each reservation is an open hold, of which a member may
    /// have 256 in Jifen. With fewer a long sale may end with `member_limit_reached`.
    #[arg(long, value_parser = clap::value_parser!(u32).range(100..))]
    members: Option<u32>,
    /// Connections, each with one request under way.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..100))]
    connections: u32,
    /// Only these tasks.
    #[arg(long, value_delimiter = ',')]
    tasks: Vec<Task>,
    /// Only these systems.
    #[arg(long, value_delimiter = ',')]
    systems: Vec<System>,
    /// The server of this repository; otherwise the one beside this program.
    #[arg(long)]
    jifen: Option<PathBuf>,
    /// TigerBeetle's binary, if there is one.
    #[arg(long)]
    tigerbeetle: Option<PathBuf>,
    /// A directory on a disk, for data that is removed again.
    #[arg(long, default_value = "/var/tmp")]
    scratch: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("{trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Trouble> {
    let kept = args.out.join("comparison.json");
    let results = match &args.what {
        What::Run(run) => {
            // Before hours of measuring, not behind them.
            fs::create_dir_all(&args.out).map_err(Trouble::io("making the directory of --out"))?;
            let results = measure(run)?;
            fs::write(&kept, serde_json::to_vec_pretty(&results)?)
                .map_err(Trouble::io("keeping the results"))?;
            results
        }
        What::Write => {
            let text = fs::read(&kept).map_err(Trouble::io("reading the results"))?;
            serde_json::from_slice(&text)?
        }
    };
    println!(
        "{}\n{}",
        table::throughput(&results),
        table::ratios(&results)
    );
    let put = |name: &str, text: String| {
        fs::write(args.out.join(name), text).map_err(Trouble::io("writing the page"))
    };
    put("comparison.md", document::write(&results))?;
    put("comparison.svg", plot::draw(&results)?)
}

fn measure(run: &Run) -> Result<Results, Trouble> {
    let jifen = run.jifen.clone().map_or_else(beside_this, Ok)?;
    let systems = chosen(&run.systems, &System::ALL);
    let tasks = chosen(&run.tasks, &Task::ALL);
    let plan = Plan {
        connections: run.connections,
        members: members(run, &tasks),
        rounds: run.rounds.into(),
        seconds: run.seconds,
        side_seconds: run.side_seconds,
        warm_up_seconds: run.warm_up,
    };
    let mut results = Results {
        machine: Machine::look(&run.scratch)?,
        versions: Versions::ask(&jifen)?,
        plan,
        commit_delays: Vec::new(),
        redis_benchmark: None,
        cells: Vec::new(),
        tigerbeetle: Vec::new(),
    };
    let mut settings = Settings {
        jifen,
        commit_delay: 0,
    };
    if systems.contains(&System::Postgres) {
        let tried = rounds::try_commit_delays(&run.scratch, &settings, &results.plan)?;
        (settings.commit_delay, results.commit_delays) = tried;
        eprintln!("commit_delay {} µs", settings.commit_delay);
    }
    if systems.contains(&System::RedisAlways) {
        results.redis_benchmark = rounds::redis_benchmark(&run.scratch, run.connections)?;
    }
    for round in 0..usize::from(run.rounds) {
        go_round(run, &settings, &systems, &tasks, round, &mut results)?;
    }
    Ok(results)
}

/// Whoever asks for fewer than a flash sale may need is told before hours of measuring.
fn members(run: &Run, tasks: &[Task]) -> u32 {
    let seconds = run.seconds + run.warm_up;
    let members = run.members.unwrap_or_else(|| members_for(tasks, seconds));
    let needed = members_needed(tasks, seconds);
    if members < needed {
        eprintln!(
            "{members} members are fewer than {needed}: a long flash sale may end with member_limit_reached; see --members"
        );
    }
    members
}

fn go_round(
    run: &Run,
    settings: &Settings,
    systems: &[System],
    tasks: &[Task],
    round: usize,
    results: &mut Results,
) -> Result<(), Trouble> {
    for task in tasks {
        for system in rounds::order(systems, round) {
            let cell = rounds::cell(&run.scratch, settings, &results.plan, system, *task, round)?;
            eprintln!(
                "round {}: {:24} {:18} {:>9}/s, p99 {} µs, cores {:.2} + {:.2}",
                round + 1,
                task.title(),
                system.title(),
                table::thousands(cell.per_second),
                cell.p99_micros,
                cell.server_cores,
                cell.client_cores,
            );
            results.cells.push(cell);
        }
    }
    if let Some(binary) = &run.tigerbeetle {
        let transfers = tigerbeetle::transfers(binary, &run.scratch, run.side_seconds, round)?;
        results.tigerbeetle.extend(transfers);
    }
    Ok(())
}

fn chosen<T: Copy>(some: &[T], all: &[T]) -> Vec<T> {
    if some.is_empty() {
        all.to_vec()
    } else {
        some.to_vec()
    }
}

/// The server that was built with this program.
fn beside_this() -> Result<PathBuf, Trouble> {
    let this = std::env::current_exe().map_err(Trouble::io("looking for the server"))?;
    let server = this.parent().map(|directory| directory.join("jifen"));
    server
        .filter(|server| Path::exists(server))
        .ok_or_else(|| Trouble::Wrong {
            system: "the build",
            what: "there is no jifen beside this program; see --jifen".into(),
        })
}
