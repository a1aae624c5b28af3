//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::error::RunError;
use crate::names::RunId;
use crate::quantity::{Count, Rate, Span};
use crate::sale::Sale;
use crate::settings::{Key, Load, Settings};
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
}

const RUN_ABOUT: &str = "\
One run: set up members, warm up, measure, report.

Open loop unless --closed: requests are planned at a constant rate, whether or not the server keeps up. Those planned while \
all connections are busy wait in front of them, and latency counts from the planned time. A refusal (409, 422) is an \
answer; overload (429, 503) has a line of its own.

Mix canonical draws operations: 60 % earn, 20 % hold followed by its capture, 20 % redeem. The pair is two commands, so of \
the commands half are earns and a sixth each holds, captures and redemptions. A capture goes over the connection that was \
told its hold, in place of the next draw; a refused hold has none. Mix earn has earns only. Mix transfer has transfers \
between members. Mix reserve puts SKUs of its own on sale and reserves a unit with each command; afterwards it reads their \
stock, and the run is good only if exactly what was accepted is reserved, and no member got more than the limit.";

const RUN_EXAMPLES: &str = "\
Examples:
  20,000 single commands a second for 30 s:
      jifen-load run
  Faster, longer, and kept:
      jifen-load run --rate 50k --duration 60s --out run.json
  As fast as 64 connections can, and the same against endpoints that do nothing with it:
      jifen-load run --closed --mix earn
      jifen-load run --closed --mix earn --noop
  Arrays of 1,000 commands as fast as two connections can, and 300 such arrays a second:
      jifen-load run --closed --batch 1000 --connections 2
      jifen-load run --rate 300k --batch 1000 --connections 8
  A flash sale of 1,000 units, one for each member, and one hot SKU that lasts:
      jifen-load run --closed --mix reserve --units 1000 --per-member-limit 1 --connections 256
      jifen-load run --closed --mix reserve --units 10M

Exit codes:
  0  good
  1  the rate was missed, something failed, or a sale does not add up
  2  wrong usage, or no server
  4  the generator itself could not keep up: the run is invalid";

/// The options of `jifen-load run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Address of the server
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7600")]
    url: Target,

    /// Key to authorise with; setting up needs an operator's
    #[arg(
        long,
        env = "JIFEN_OPERATOR_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    key: Key,

    /// Commands per second in all, like 20k or 1.5M
    #[arg(long, default_value = "20k", conflicts_with = "closed")]
    rate: Rate,

    /// Closed loop: each connection sends when its last request is answered. For throughput; latency is not corrected
    #[arg(long)]
    closed: bool,

    /// How long to measure
    #[arg(long, value_name = "SPAN", default_value = "30s")]
    duration: Span,

    /// How long to run before measuring
    #[arg(long, value_name = "SPAN", default_value = "5s")]
    warmup: Span,

    /// How long to wait at the end for answers, and for connections to send what is still queued
    #[arg(long, value_name = "SPAN", default_value = "10s")]
    drain: Span,

    /// Connections, each with one request in flight
    #[arg(long, value_name = "N", default_value = "64", value_parser = clap::value_parser!(u32).range(1..=CONNECTIONS_MAX))]
    connections: u32,

    /// Threads of the generator
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,

    /// Commands per request; 1 uses the one-command endpoints, more POST /v1/commands
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=BATCH_MAX))]
    batch: u32,

    /// Members that the commands are spread over, like 100k
    #[arg(long, value_name = "N", default_value = "100k")]
    members: Count,

    /// Which commands [default: canonical; earn with --noop and no batch]
    #[arg(long, value_enum)]
    mix: Option<Mix>,

    /// With --mix reserve: how many SKUs are on sale
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..=SKUS_MAX))]
    skus: u64,

    /// With --mix reserve: units of each SKU, like 1k
    #[arg(long, value_name = "N", default_value = "1k")]
    units: Count,

    /// With --mix reserve: points for a unit
    #[arg(long, value_name = "POINTS", default_value = "1")]
    price: Count,

    /// With --mix reserve: units of a SKU that a member may have [default: no limit]
    #[arg(long, value_name = "N")]
    per_member_limit: Option<Count>,

    /// Seed of the draw
    #[arg(long, value_name = "N", default_value = "42")]
    seed: u64,

    /// Part of every request id; the wall clock in milliseconds if not given. The same id again is a replay
    #[arg(long, value_name = "ID")]
    run_id: Option<RunId>,

    /// Do not make merchants and members first; an earlier run has
    #[arg(long)]
    no_setup: bool,

    /// Send the same bodies to /debug/noop/earns, or with --batch to /debug/noop/commands. The server has these endpoints
    /// only when started with --debug-endpoints; they parse and answer but decide nothing
    #[arg(long)]
    noop: bool,

    /// Also write the result as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Print the result as JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

impl RunArgs {
    /// Checks what concerns several options at once.
    pub fn settings(&self) -> Result<Settings, RunError> {
        let single_noop = self.noop && self.batch == 1;
        let mix = match self.mix {
            Some(Mix::Canonical | Mix::Reserve | Mix::Transfer) if single_noop => {
                return Err(RunError::Usage(
                    "--noop without --batch has only earns; leave --mix out or say --mix earn",
                ));
            }
            Some(mix) => mix,
            None if single_noop => Mix::Earn,
            None => Mix::Canonical,
        };
        if self.threads > self.connections {
            return Err(RunError::Usage(
                "--threads must not be more than --connections; each thread needs one",
            ));
        }
        if mix == Mix::Transfer && self.members.get() < 2 {
            return Err(RunError::Usage(
                "--mix transfer needs at least two --members",
            ));
        }
        if self.duration.get().is_zero() {
            return Err(RunError::Usage("--duration must not be zero"));
        }
        Ok(Settings {
            target: self.url.clone(),
            key: self.key.clone(),
            load: if self.closed {
                Load::Closed
            } else {
                Load::Open(self.rate)
            },
            duration: self.duration.get(),
            warmup: self.warmup.get(),
            drain: self.drain.get(),
            connections: self.connections,
            threads: self.threads,
            batch: self.batch,
            members: self.members.get(),
            mix,
            seed: self.seed,
            run_id: self
                .run_id
                .clone()
                .unwrap_or_else(|| RunId::from_clock(jiff::Timestamp::now())),
            noop: self.noop,
            setup: !self.no_setup && !self.noop,
            sale: (mix == Mix::Reserve && !self.noop).then(|| self.sale()),
        })
    }

    fn sale(&self) -> Sale {
        Sale {
            skus: self.skus,
            units: self.units.get(),
            price_points: self.price.get(),
            per_member_limit: self.per_member_limit.map(Count::get),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(args: &str) -> Result<Settings, String> {
        let args = ["jifen-load", "run", "--key", "k"]
            .into_iter()
            .chain(args.split_whitespace());
        let cli = Cli::try_parse_from(args).map_err(|error| error.to_string())?;
        let Command::Run(run) = cli.command;
        run.settings().map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_the_canonical_workload() {
        let settings = settings("").expect("settings");
        assert_eq!(settings.load, Load::Open("20k".parse().expect("a rate")));
        assert_eq!(
            (settings.connections, settings.batch, settings.members),
            (64, 1, 100_000)
        );
        assert_eq!(
            (settings.mix, settings.seed, settings.setup),
            (Mix::Canonical, 42, true)
        );
    }

    #[test]
    fn noop_takes_only_what_the_endpoint_has() {
        let single = settings("--noop").expect("settings");
        assert_eq!((single.mix, single.setup), (Mix::Earn, false));
        assert_eq!(
            settings("--noop --batch 10").expect("settings").mix,
            Mix::Canonical
        );
        assert!(
            settings("--noop --mix canonical")
                .expect_err("refused")
                .contains("only earns")
        );
    }

    #[test]
    fn only_reservations_have_a_sale() {
        assert_eq!(
            settings("--mix transfer --units 5").expect("settings").sale,
            None
        );
        let sale = settings("--mix reserve --units 5k --price 20 --per-member-limit 2")
            .expect("settings")
            .sale;
        let expected = Sale {
            skus: 1,
            units: 5_000,
            price_points: 20,
            per_member_limit: Some(2),
        };
        assert_eq!(sale, Some(expected));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        for (args, expected) in [
            ("--closed --rate 5k", "cannot be used with"),
            (
                "--threads 8 --connections 4",
                "must not be more than --connections",
            ),
            ("--duration 0s", "must not be zero"),
            ("--mix transfer --members 1", "needs at least two --members"),
            ("--mix reserve --skus 0", "0 is not in 1..=10000"),
            ("--mix reserve --noop", "only earns"),
            ("--batch 10001", "not in 1..=10000"),
            ("--rate fast", "is not a number"),
            ("--url https://x", "only http://"),
        ] {
            let error = settings(args).expect_err(args);
            assert!(error.contains(expected), "{args}: {error}");
        }
    }
}
