//! Named workloads that need no options. An option that is given wins over the scenario's own.

use std::time::Duration;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use crate::profile::Profile;
use crate::spread::Spread;
use crate::workload::Mix;

/// A named workload.
#[derive(Clone, Copy, Debug, Default, JsonSchema, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// 20,000 commands a second for 30 s: 60 % earns, 20 % holds with their captures, 20 % redemptions
    #[default]
    Canonical,
    /// The canonical mix up to 20,000 a second and down again within a minute; some members come far more often than others
    PeakHour,
    /// 1,000 units of one SKU, one for each member: 20,000 attempts a second for 10 s, then 5,000
    FlashSale,
    /// The canonical mix, five sixths of it at one merchant
    HotMerchant,
    /// The canonical mix over a million members at full rate from the first second, without a warm-up
    ColdStart,
    /// The canonical mix in spikes; every second request is sent once more, as clients do that have heard nothing
    RetryStorm,
}

/// What a scenario sets.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) profile: Profile,
    pub(crate) duration: Duration,
    pub(crate) warmup: Duration,
    pub(crate) connections: u32,
    pub(crate) members: u64,
    pub(crate) member_spread: Spread,
    pub(crate) merchant_spread: Spread,
    pub(crate) mix: Mix,
    pub(crate) resend: f64,
    /// Where it reserves: units of a SKU that a member may have.
    pub(crate) per_member_limit: Option<u64>,
}

impl Scenario {
    pub(crate) fn defaults(self) -> Defaults {
        let profile = |text: &str| -> Profile {
            text.parse()
                .expect("the scenarios' own profiles are well formed")
        };
        let canonical = Defaults {
            profile: profile("20k"),
            duration: Duration::from_secs(30),
            warmup: Duration::from_secs(5),
            connections: 64,
            members: 100_000,
            member_spread: Spread::Uniform,
            merchant_spread: Spread::Uniform,
            mix: Mix::Canonical,
            resend: 0.0,
            per_member_limit: None,
        };
        match self {
            Self::Canonical => canonical,
            Self::PeakHour => Defaults {
                profile: profile("sine:4k..20k@60s"),
                duration: Duration::from_secs(60),
                member_spread: Spread::Zipf(0.99),
                ..canonical
            },
            Self::FlashSale => Defaults {
                profile: profile("step:20k,5k@10s"),
                duration: Duration::from_secs(20),
                // A warm-up would sell the units before anything is measured.
                warmup: Duration::ZERO,
                connections: 256,
                mix: Mix::Reserve,
                per_member_limit: Some(1),
                ..canonical
            },
            Self::HotMerchant => Defaults {
                // 1 / ζ(3) is 83 %.
                merchant_spread: Spread::Zipf(3.0),
                ..canonical
            },
            Self::ColdStart => Defaults {
                warmup: Duration::ZERO,
                members: 1_000_000,
                ..canonical
            },
            Self::RetryStorm => Defaults {
                profile: profile("spike:8k+12k@10s/3s"),
                resend: 0.5,
                ..canonical
            },
        }
    }

    /// The word of the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::PeakHour => "peak-hour",
            Self::FlashSale => "flash-sale",
            Self::HotMerchant => "hot-merchant",
            Self::ColdStart => "cold-start",
            Self::RetryStorm => "retry-storm",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_shows_its_shape_and_is_called_what_the_command_line_calls_it() {
        for scenario in Scenario::value_variants() {
            let defaults = scenario.defaults();
            let fits = defaults.profile.check(defaults.duration);
            assert_eq!(fits, Ok(()), "{scenario:?}");
            let value = scenario.to_possible_value().expect("none is hidden");
            assert_eq!(value.get_name(), scenario.word());
        }
    }
}
