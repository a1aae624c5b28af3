//! The page about the comparison: the prose is kept in a template, the figures come from results.

use crate::{
    results::Results,
    servers::{postgres, redis},
    table,
};

const TEMPLATE: &str = include_str!("../comparison.md");

/// The whole page, in Markdown.
#[must_use]
pub fn write(results: &Results) -> String {
    let mut text = TEMPLATE.to_owned();
    for (name, value) in values(results) {
        text = text.replace(&format!("{{{{{name}}}}}"), value.trim_end());
    }
    text
}

fn values(results: &Results) -> Vec<(&'static str, String)> {
    let (machine, versions, plan) = (&results.machine, &results.versions, &results.plan);
    let kept = results
        .commit_delays
        .iter()
        .max_by(|one, other| one.1.total_cmp(&other.1));
    vec![
        ("processor", machine.processor.clone()),
        ("cores", machine.cores.to_string()),
        ("memory", format!("{:.0}", machine.memory_gib)),
        ("kernel", machine.kernel.clone()),
        ("file_system", machine.file_system.clone()),
        ("sync_p50", machine.sync_p50_micros.to_string()),
        ("sync_p99", machine.sync_p99_micros.to_string()),
        ("jifen_version", versions.jifen.clone()),
        ("postgres_version", versions.postgres.clone()),
        ("redis_version", versions.redis.clone()),
        ("connections", plan.connections.to_string()),
        ("members", table::thousands(f64::from(plan.members))),
        ("rounds", plan.rounds.to_string()),
        ("seconds", plan.seconds.to_string()),
        ("side_seconds", plan.side_seconds.to_string()),
        ("warm_up_seconds", plan.warm_up_seconds.to_string()),
        ("throughput", table::throughput(results)),
        ("ratios", table::ratios(results)),
        ("latency", table::latency(results)),
        ("processors", table::processors(results)),
        ("afterwards", table::afterwards(results)),
        ("commit_delays", table::commit_delays(results)),
        ("commit_delay", kept.map_or(0, |kept| kept.0).to_string()),
        ("postgres_settings", settings(&postgres::SETTINGS)),
        ("redis_settings", settings(&redis::SETTINGS)),
        (
            "redis_benchmark",
            results
                .redis_benchmark
                .map_or_else(|| "nothing".into(), table::thousands),
        ),
        ("tigerbeetle", table::tigerbeetle(results)),
        ("losses", table::losses(results)),
    ]
}

fn settings(settings: &[(&str, &str)]) -> String {
    let all = settings.iter().map(|(name, value)| match *value {
        "" => format!("`{name}` empty"),
        value => format!("`{name} = {value}`"),
    });
    all.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::results;

    #[test]
    fn nothing_is_left_to_fill_in_and_nothing_is_filled_in_that_is_not_asked_for() {
        let results = results(3);
        let text = write(&results);
        assert!(!text.contains("{{") && !text.contains("}}"), "{text}");
        for (name, _) in values(&results) {
            assert!(
                TEMPLATE.contains(&format!("{{{{{name}}}}}")),
                "{name} is not in the template"
            );
        }
    }
}
