//! From the options of the command line to the settings of a run, with the scenario for what is not given.

use std::time::Duration;

use crate::args::RunArgs;
use crate::chaos::{Chaos, ChaosKind};
use crate::curve::{Amount, COMMAND};
use crate::error::RunError;
use crate::mq::{self, Mq};
use crate::names::RunId;
use crate::profile::Profile;
use crate::quantity::{Count, Span};
use crate::replay::Recording;
use crate::sale::Sale;
use crate::scenario::{Defaults, Scenario};
use crate::settings::{Load, Settings};
use crate::workload::Mix;

impl RunArgs {
    /// Checks what concerns several options at once.
    pub fn settings(&self) -> Result<Settings, RunError> {
        let defaults = self.scenario.defaults();
        let mix = self.mix(defaults.mix)?;
        let connections = self.connections.unwrap_or(defaults.connections);
        if self.threads > connections {
            return Err(RunError::Usage(
                "--threads must not be more than --connections; each thread needs one",
            ));
        }
        let members = self.members.map_or(defaults.members, Count::get);
        if mix == Mix::Transfer && members < 2 {
            return Err(RunError::Usage(
                "--mix transfer needs at least two --members",
            ));
        }
        if self.patience.get().is_zero() {
            return Err(RunError::Usage("--patience must not be zero"));
        }
        let key = self.key.clone().or_else(|| {
            // Nobody reads it.
            self.dry_run.then(|| "dry-run".parse().ok()).flatten()
        });
        let Some(key) = key else {
            return Err(RunError::Usage(
                "a key is needed: give the operator's as --key or in JIFEN_OPERATOR_KEY",
            ));
        };
        let settings = Settings {
            mq: self.queue()?,
            scenario: self.scenario,
            drain: self.drain.get(),
            patience: self.patience.get(),
            connections,
            threads: self.threads,
            batch: self.batch,
            members,
            member_spread: self.spread.unwrap_or(defaults.member_spread),
            merchant_spread: self.merchant_spread.unwrap_or(defaults.merchant_spread),
            mix,
            resend: self.resend.unwrap_or(defaults.resend),
            seed: self.seed,
            run_id: self
                .run_id
                .clone()
                .unwrap_or_else(|| RunId::from_clock(jiff::Timestamp::now())),
            is_run_id_chosen: self.run_id.is_some(),
            noop: self.noop,
            setup: !self.no_setup && !self.noop && !self.dry_run,
            sale: (mix == Mix::Reserve && !self.noop).then(|| self.sale(&defaults)),
            audit: self.is_audited(),
            chaos: self.chaos.map(|kind| self.chaos(kind)),
            dry: self.dry_run,
            slos: self.slo.clone(),
            ..Settings::canonical(self.url.clone(), key)
        };
        self.with_plan(settings, defaults)
    }

    /// The message queue, and what cannot go through it.
    fn queue(&self) -> Result<Option<Mq>, RunError> {
        let Some(mq) = self.mq.read()? else {
            return Ok(None);
        };
        if self.noop {
            return Err(RunError::Usage(
                "--noop is about endpoints of HTTP, and the queue has none: leave out --noop or --mq",
            ));
        }
        if self.dry_run {
            return Err(RunError::Usage(
                "a --dry-run sends nothing, through the queue neither: leave out --dry-run or --mq",
            ));
        }
        if self.batch > mq::BATCH_MAX {
            return Err(RunError::Usage(
                "with --mq an array has to fit into one message of 960 KiB: say --batch 5000 or less",
            ));
        }
        Ok(Some(mq))
    }

    const fn is_audited(&self) -> bool {
        let asked_for = self.audit || !self.no_audit;
        asked_for && !self.noop && !self.dry_run && self.replay.is_none()
    }

    fn mix(&self, default: Mix) -> Result<Mix, RunError> {
        let single_noop = self.noop && self.batch == 1;
        match self.mix {
            Some(Mix::Canonical | Mix::Reserve | Mix::Transfer) if single_noop => {
                Err(RunError::Usage(
                    "--noop without --batch has only earns; leave --mix out or say --mix earn",
                ))
            }
            Some(mix) => Ok(mix),
            None if single_noop => Ok(Mix::Earn),
            None => Ok(default),
        }
    }

    /// Adds when what is sent, and for how long.
    fn with_plan(&self, settings: Settings, defaults: Defaults) -> Result<Settings, RunError> {
        let given = self.rate.map(Profile::Constant);
        let given = given.or_else(|| self.profile.clone());
        if let Some(path) = &self.replay {
            return self.with_recording(settings, Recording::read(path)?, given);
        }
        let duration = self.duration.map_or(defaults.duration, Span::get);
        if duration.is_zero() {
            return Err(RunError::Usage("--duration must not be zero"));
        }
        let load = if self.closed {
            Load::Closed
        } else {
            let profile = given.unwrap_or(defaults.profile);
            profile.check(duration)?;
            Load::Open(profile)
        };
        Ok(Settings {
            load,
            duration,
            warmup: self.warmup.map_or(defaults.warmup, Span::get),
            ..settings
        })
    }

    /// A recording is sent once, so there is no warm-up unless one is asked for, and no more time than it needs.
    fn with_recording(
        &self,
        settings: Settings,
        recording: Recording,
        given: Option<Profile>,
    ) -> Result<Settings, RunError> {
        if self.threads > 1 {
            return Err(RunError::Usage(
                "--replay has one thread, so that the file is sent in its order",
            ));
        }
        let warmup = self.warmup.map_or(Duration::ZERO, Span::get);
        let longest = self.duration.map_or(Span::MAX, Span::get);
        let (load, length) = match (recording.length(), given) {
            (Some(length), None) => (Load::Recorded, length),
            (_, given) => {
                let profile = given.unwrap_or_else(|| Scenario::Canonical.defaults().profile);
                let curve = profile.curve(warmup, longest);
                let last = Amount::from(recording.commands()) * COMMAND;
                let length = Duration::from_nanos(curve.last_with(last));
                (Load::Open(profile), length)
            }
        };
        let duration = length.saturating_sub(warmup).min(longest);
        if duration.is_zero() {
            return Err(RunError::Usage(
                "there is nothing left to measure of the recording after the --warmup",
            ));
        }
        Ok(Settings {
            load,
            duration,
            warmup,
            replay: Some(recording),
            ..settings
        })
    }

    fn chaos(&self, kind: ChaosKind) -> Chaos {
        Chaos {
            kind,
            server: self.server.clone(),
            data: self.chaos_data.clone(),
        }
    }

    fn sale(&self, defaults: &Defaults) -> Sale {
        Sale {
            skus: self.skus,
            units: self.units.get(),
            price_points: self.price.get(),
            per_member_limit: self
                .per_member_limit
                .map(Count::get)
                .or(defaults.per_member_limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn settings(args: &str) -> Result<Settings, String> {
        let args = ["jifen-load", "run", "--key", "k"]
            .into_iter()
            .chain(args.split_whitespace());
        let cli = Cli::try_parse_from(args).map_err(|error| error.to_string())?;
        let Command::Run(run) = cli.command else {
            panic!("it is a run")
        };
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
            ("--patience 0s", "must not be zero"),
            ("--mix transfer --members 1", "needs at least two --members"),
            ("--mix reserve --skus 0", "0 is not in 1..=10000"),
            ("--mix reserve --noop", "only earns"),
            ("--batch 10001", "not in 1..=10000"),
            ("--rate fast", "is not a number"),
            ("--url https://x", "only http://"),
            ("--mq http://x", "only nats:// is spoken"),
            ("--mq nats://x --noop", "leave out --noop or --mq"),
            ("--mq nats://x --dry-run", "leave out --dry-run or --mq"),
            ("--mq nats://x --batch 5001", "say --batch 5000 or less"),
            ("--mq nats://x --mq-principal a/b", "1 to 64 characters"),
            ("--mq-user x", "--mq"),
        ] {
            let error = settings(args).expect_err(args);
            assert!(error.contains(expected), "{args}: {error}");
        }
    }
}
