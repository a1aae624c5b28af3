//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::chaos::ChaosKind;
use crate::mq::MqArgs;
use crate::names::RunId;
use crate::profile::Profile;
use crate::quantity::{Count, Rate, Span};
use crate::scenario::Scenario;
use crate::settings::Key;
use crate::slo::Slo;
use crate::spread::Spread;
use crate::target::Target;
use crate::workload::Mix;

/// Most connections of one run; more would run out of file descriptors and ports before they measured anything.
const CONNECTIONS_MAX: i64 = 20_000;
/// The contract takes no more in one array.
const BATCH_MAX: i64 = 10_000;
/// Most SKUs of one run: each is put and looked at one after the other.
const SKUS_MAX: u64 = 10_000;

/// Puts load on a Jifen server and says honestly how it coped.
#[derive(Debug, Parser)]
#[command(name = "jifen-load", version, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One run: set up, warm up, measure, report
    #[command(long_about = RUN_ABOUT, after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Climb the rate until an objective is missed, and say how high it was kept
    #[command(long_about = FIND_MAX_ABOUT, after_help = EXIT_CODES)]
    FindMax(Box<FindMaxArgs>),
    /// Put the results of two runs side by side
    Compare(CompareArgs),
    /// Print the JSON schema of the result that run --out writes
    Schema,
}

const RUN_ABOUT: &str = "\
One run: set up members, warm up, measure, report.

Without options it is the canonical workload; other scenarios have names, and an option that is given wins over what the \
scenario has. The whole plan is a function of the seed.

Open loop unless --closed: requests are planned at a rate, whether or not the server keeps up. Those planned while \
all connections are busy wait in front of them, and latency counts from the planned time. A refusal (409, 422) is an \
answer; overload (429, 503) has a line of its own.

Mix canonical draws operations: 60 % earn, 20 % hold followed by its capture, 20 % redeem. The pair is two commands, so of \
the commands half are earns and a sixth each holds, captures and redemptions. A capture goes over the connection that was \
told its hold, in place of the next draw; a refused hold has none. Mix earn has earns only. Mix transfer has transfers \
between members. Mix reserve puts SKUs of its own on sale and reserves a unit with each command; afterwards it reads their \
stock, and the run is good only if exactly what was accepted is reserved, and no member got more than the limit.

With --mq the same commands go through NATS JetStream: latency counts from the planned time until the answer is heard on \
the subject of results. A broker that goes away is counted like a connection that breaks. All that is not load goes over HTTP: \
set-up, sales, audit.

Unless --no-audit, what was answered is remembered, and at the end the server is asked: is every acknowledged command there \
once with the same answer, did no point get lost or made, do statements and merchants' lists foot? Nobody else may move the \
points of the members under load meanwhile. With --chaos the server is a child that is killed again and again; what is cut \
off is sent again under the same ids, and the books must balance all the same. A server that does not answer these questions within \
--patience is not accused: the report says that nothing is proved, and the exit code is 1.";

const RUN_EXAMPLES: &str = "\
Examples:
  20,000 single commands a second for 30 s:
      jifen-load run
  Faster, longer, and kept:
      jifen-load run --rate 50k --duration 60s --out run.json --html run.html
  Up and down once a minute, and not good unless 99 % are answered within 5 ms:
      jifen-load run --profile sine:5k..20k@60s --duration 2m --slo 'p99<5ms'
  Everybody at once for a thousand units:
      jifen-load run flash-sale
  How many requests a second the generator can plan, write and record by itself:
      jifen-load run --dry-run --rate 300k
  Kill the server every ten seconds under load; do its books balance then?
      jifen-load run --chaos kill:10s --rate 5k --duration 60s
  As fast as 64 connections can, and the same against endpoints that do nothing with it:
      jifen-load run --closed --mix earn
      jifen-load run --closed --mix earn --noop
  Arrays of 1,000 commands as fast as two connections can, and 300 such arrays a second:
      jifen-load run --closed --batch 1000 --connections 2
      jifen-load run --rate 300k --batch 1000 --connections 8
  The same single commands through the message queue of jifen serve --mq nats://127.0.0.1:4222, and arrays of 100:
      jifen-load run --mq nats://127.0.0.1:4222 --rate 10k
      jifen-load run --mq nats://127.0.0.1:4222 --rate 100k --batch 100
  A flash sale of 1,000 units, one for each member, and one hot SKU that lasts:
      jifen-load run --closed --mix reserve --units 1000 --per-member-limit 1 --connections 256
      jifen-load run --closed --mix reserve --units 10M

Profiles, of commands a second, from the end of the warm-up, which runs at the first rate:
  20k                    always the same
  ramp:1k..20k           evenly up or down during the whole run; ramp:1k..20k@60s in a minute, then on at the last
  step:5k,10k,20k@10s    each for so long, the last until the end; without a span each for the same part of the run
  spike:5k+20k@10s/2s    20,000 more at every full ten seconds, for two
  sine:5k..15k@30s       up and down, once in so long

Objectives: p50, p90, p99, p99.9, p99.99, mean and max, each also of one operation as in earn.p99<5ms; errors<0.1%;
achieved>=99% of the plan; rate>19k. Latencies are of what was answered, and of what was turned away, failed or lost after
it had waited for longer than the bound: whoever is turned away at once does not make them better, nor worse.

Exit codes:
  0  good, and every objective kept
  1  an objective or the rate was missed, something failed, or the server did not answer when it was asked at the end
  2  wrong usage, or no server
  3  the books do not balance: the audit found something that the server had answered otherwise, or a sale does not add up
  4  the generator itself could not keep up: the run is invalid";

const FIND_MAX_ABOUT: &str = "\
Climb the rate until an objective is missed, and say how high it was kept.

One run after the other at a constant rate, each so much higher than the last, until one is missed; then half way between \
the highest that was kept and the lowest that was not, until they are close. A rate that is missed is tried a second time \
before it counts. Without --slo the objective is p99<10ms; that the plan is carried out and nothing fails is always one.";

const EXIT_CODES: &str = "\
Exit codes:
  0  a rate was found
  1  even the first rate was missed
  2  wrong usage, or no server
  3  the books do not balance
  4  the generator itself could not keep up before the server was at its end";

/// The options of `jifen-load run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// A named workload that needs no options
    #[arg(value_enum, value_name = "SCENARIO", default_value = "canonical")]
    pub(crate) scenario: Scenario,

    /// Address of the server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7600")]
    pub(crate) url: Target,

    /// Key to authorise with; setting up needs an operator's, a dry run none
    #[arg(
        long,
        env = "JIFEN_OPERATOR_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub(crate) key: Option<Key>,

    /// Commands per second in all, like 20k or 1.5M [default: the scenario's; canonical has 20k]
    #[arg(long, conflicts_with = "closed")]
    pub(crate) rate: Option<Rate>,

    /// Commands per second that change, like ramp:1k..20k, step:5k,10k@10s, spike:5k+20k@10s/2s or sine:5k..15k@30s
    #[arg(long, conflicts_with_all = ["closed", "rate"])]
    pub(crate) profile: Option<Profile>,

    /// Send the commands of this file, a command object in each line, at the times of their at_ms or at --rate
    #[arg(long, value_name = "FILE", conflicts_with_all = ["closed", "mix", "resend"])]
    pub(crate) replay: Option<PathBuf>,

    /// Closed loop: each connection sends when its last request is answered. For throughput; latency is not corrected
    #[arg(long)]
    pub(crate) closed: bool,

    /// How long to measure [default: the scenario's; canonical has 30s]
    #[arg(long, value_name = "SPAN")]
    pub(crate) duration: Option<Span>,

    /// How long to run before measuring [default: the scenario's; canonical has 5s]
    #[arg(long, value_name = "SPAN")]
    pub(crate) warmup: Option<Span>,

    /// How long to wait at the end for answers, and for connections to send what is still queued
    #[arg(long, value_name = "SPAN", default_value = "10s")]
    pub(crate) drain: Span,

    /// How long to wait for an answer to what is not load: set-up, audit, the look at a sale. What is not answered then is not proved
    #[arg(long, value_name = "SPAN", default_value = "30s")]
    pub(crate) patience: Span,

    /// Connections, each with one request in flight; with --mq clients with one message in flight, which share a connection
    /// [default: the scenario's; canonical has 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX))]
    pub(crate) connections: Option<u32>,

    /// Threads of the generator. With --mq each hears all answers, so that more than it needs cost the broker
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) threads: u32,

    /// Commands per request; 1 uses the one-command endpoints, more POST /v1/commands; with --mq at most 5000
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=BATCH_MAX))]
    pub(crate) batch: u32,

    /// Members that the commands are spread over, like 100k [default: the scenario's; canonical has 100k]
    #[arg(long, value_name = "N")]
    pub(crate) members: Option<Count>,

    /// How they are spread over the members: uniform, or zipf:0.99 where few come often [default: the scenario's]
    #[arg(long, value_name = "SPREAD")]
    pub(crate) spread: Option<Spread>,

    /// How they are spread over the 16 merchants: uniform or zipf:3 [default: the scenario's]
    #[arg(long, value_name = "SPREAD")]
    pub(crate) merchant_spread: Option<Spread>,

    /// Share of the requests, 0 to 1, that are sent a second time under the same ids [default: the scenario's]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) resend: Option<f64>,

    /// Which commands [default: the scenario's; earn with --noop and no batch]
    #[arg(long, value_enum)]
    pub(crate) mix: Option<Mix>,

    /// With --mix reserve: how many SKUs are on sale
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=SKUS_MAX))]
    pub(crate) skus: u64,

    /// With --mix reserve: units of each SKU, like 1k
    #[arg(long, value_name = "N", default_value = "1k")]
    pub(crate) units: Count,

    /// With --mix reserve: points for a unit
    #[arg(long, value_name = "POINTS", default_value = "1")]
    pub(crate) price: Count,

    /// With --mix reserve: units of a SKU that a member may have. Of very many members an even part is watched for it
    /// [default: no limit; 1 in the flash sale]
    #[arg(long, value_name = "N")]
    pub(crate) per_member_limit: Option<Count>,

    /// Seed of the draw
    #[arg(long, value_name = "N", default_value = "42")]
    pub(crate) seed: u64,

    /// Part of every request id; the wall clock in milliseconds if not given. The same id again is a replay, and its sums are not
    /// proved; an answer that says so under an id of our own is a discrepancy
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<RunId>,

    /// Do not make merchants and members first; an earlier run has
    #[arg(long)]
    pub(crate) no_setup: bool,

    /// Send the same bodies to /debug/noop/earns, or with --batch to /debug/noop/commands. The server has these endpoints
    /// only when started with --debug-endpoints; they parse and answer but decide nothing
    #[arg(long)]
    pub(crate) noop: bool,

    /// Do not remember what was answered, nor ask the server at the end whether it still says so. A run with --noop never does
    #[arg(long, overrides_with = "audit")]
    pub(crate) no_audit: bool,

    /// Remember what was answered and audit the server's books at the end; this is the default
    #[arg(long, overrides_with = "no_audit")]
    pub(crate) audit: bool,

    /// Run the server as a child on a free port and kill it with SIGKILL every so often, like kill:10s; --url is not used.
    /// With --mq it takes its commands from there; the broker is not killed
    #[arg(long, value_name = "KIND:SPAN", conflicts_with_all = ["url", "noop"])]
    pub(crate) chaos: Option<ChaosKind>,

    /// With --chaos: the server's data directory [default: a new one for temporary files, removed if the books balance]
    #[arg(long, value_name = "DIR", requires = "chaos")]
    pub(crate) chaos_data: Option<PathBuf>,

    /// With --chaos: the server's binary
    #[arg(long, value_name = "PATH", default_value = "jifen", requires = "chaos")]
    pub(crate) server: PathBuf,

    /// Plan, write and record everything, but send nothing and need no server: shows what the generator itself can do
    #[arg(long, conflicts_with_all = ["chaos", "audit", "noop"])]
    pub(crate) dry_run: bool,

    /// What the run has to keep to be good, like 'p99<5ms' or 'errors<0.1%'; may be given several times
    #[arg(long, value_name = "OBJECTIVE")]
    pub(crate) slo: Vec<Slo>,

    /// Also write the result as JSON to this file; see `jifen-load schema`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Write the latencies of all requests, from the planned send time, as an .hgrm file
    #[arg(long, value_name = "FILE")]
    pub hgrm: Option<PathBuf>,

    /// Write the latencies over time as an .hlog file, warm-up tagged
    #[arg(long, value_name = "FILE")]
    pub hlog: Option<PathBuf>,

    /// Write a page with tables and plots to this file; it needs nothing from elsewhere
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Print the result as JSON instead of a table
    #[arg(long)]
    pub json: bool,

    /// Where the load goes if not over HTTP.
    #[command(flatten)]
    pub(crate) mq: MqArgs,
}

/// The options of `jifen-load find-max`. Those of a run mean the same here; `--duration` is that of one step.
#[derive(Args, Debug)]
pub struct FindMaxArgs {
    /// Every step is such a run.
    #[command(flatten)]
    pub run: RunArgs,

    /// The first rate
    #[arg(long, value_name = "RATE", default_value = "1k")]
    pub from: Rate,

    /// The highest rate to try
    #[arg(long, value_name = "RATE", default_value = "1M")]
    pub to: Rate,

    /// Stop when the rate is known to so many per cent
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=50))]
    pub within: u32,
}

/// The options of `jifen-load compare`.
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// The result of one run, as --out wrote it
    #[arg(value_name = "A.json")]
    pub one: PathBuf,

    /// That of another; ratios are of this one to the first
    #[arg(value_name = "B.json")]
    pub other: PathBuf,

    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

fn share(text: &str) -> Result<f64, &'static str> {
    let share = text.parse::<f64>().ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or("a share is between 0 and 1, like 0.5")
}
