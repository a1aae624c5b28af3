//! Figures as people read them, and tables of them in Markdown.

use crate::{
    results::{Cell, Results, Spread},
    servers::System,
    work::Task,
};

/// What is wanted of Jifen: how many times PostgreSQL, and how many times Redis with every answer durable.
const WANTED: [(Task, System, f64); 6] = [
    (Task::Earn, System::Postgres, 5.0),
    (Task::Earn, System::RedisAlways, 1.5),
    (Task::Pair, System::Postgres, 5.0),
    (Task::Pair, System::RedisAlways, 1.5),
    (Task::FlashSale, System::Postgres, 20.0),
    (Task::FlashSale, System::RedisAlways, 2.0),
];

/// `12345.6` as `12,346`.
#[must_use]
pub fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && text != "-" {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Microseconds as milliseconds.
fn millis(micros: f64) -> String {
    format!("{:.2}", micros / 1_000.0)
}

fn spread(spread: Option<Spread>, figure: impl Fn(f64) -> String) -> String {
    match spread {
        None => "–".into(),
        Some(one) if (one.most - one.least).abs() < f64::EPSILON => figure(one.median),
        Some(some) => format!(
            "{} ({}–{})",
            figure(some.median),
            figure(some.least),
            figure(some.most)
        ),
    }
}

fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
    for row in rows {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    text
}

fn by_system(results: &Results, corner: &str, row: impl Fn(Task, System) -> String) -> String {
    let mut head = vec![corner];
    head.extend(System::ALL.map(System::title));
    let tasks = Task::ALL
        .into_iter()
        .filter(|task| results.cells.iter().any(|cell| cell.task == *task));
    table(
        &head,
        tasks.map(|task| {
            let cells = System::ALL.into_iter().map(|system| row(task, system));
            std::iter::once(task.title().to_owned())
                .chain(cells)
                .collect()
        }),
    )
}

/// Operations per second.
#[must_use]
pub fn throughput(results: &Results) -> String {
    by_system(results, "operations/s", |task, system| {
        spread(
            results.spread(system, task, |cell| cell.per_second),
            thousands,
        )
    })
}

/// Jifen by each of the others, and what is wanted.
#[must_use]
pub fn ratios(results: &Results) -> String {
    by_system(results, "Jifen ÷", |task, system| {
        let Some(ratio) = results
            .ratio(system, task)
            .filter(|_| system != System::Jifen)
        else {
            return "–".into();
        };
        let text = spread(Some(ratio), |ratio| format!("{ratio:.2}"));
        match WANTED
            .iter()
            .find(|wanted| (wanted.0, wanted.1) == (task, system))
        {
            Some((_, _, least)) if ratio.median >= *least => format!("**{text}**, {least} wanted"),
            Some((_, _, least)) => format!("{text}, **{least} wanted**"),
            None => text,
        }
    })
}

/// Median, 99th percentile and longest, in milliseconds.
#[must_use]
pub fn latency(results: &Results) -> String {
    by_system(results, "ms: p50 / p99 / longest", |task, system| {
        let figure = |of: fn(&Cell) -> u64| {
            let spread = results.spread(system, task, |cell| of(cell) as f64);
            spread.map_or_else(|| "–".into(), |spread| millis(spread.median))
        };
        let all: [fn(&Cell) -> u64; 3] = [
            |cell| cell.p50_micros,
            |cell| cell.p99_micros,
            |cell| cell.longest_micros,
        ];
        all.map(figure).join(" / ")
    })
}

/// Processors that server and client kept busy, and the server's processor time for an operation.
#[must_use]
pub fn processors(results: &Results) -> String {
    by_system(
        results,
        "cores: server + client; server's µs each",
        |task, system| {
            let median = |figure: fn(&Cell) -> f64| {
                results
                    .spread(system, task, figure)
                    .map(|spread| spread.median)
            };
            let cores = median(|cell| cell.server_cores).zip(median(|cell| cell.client_cores));
            let each = median(|cell| 1e6 * cell.server_cores / cell.per_second);
            cores.zip(each).map_or_else(
                || "–".into(),
                |((server, client), each)| format!("{server:.2} + {client:.2}; {each:.1}"),
            )
        },
    )
}

/// Memory, work left over, and the start after a crash, all after the earns.
#[must_use]
pub fn afterwards(results: &Results) -> String {
    let mut head = vec!["after the earns"];
    head.extend(System::ALL.map(System::title));
    let row = |title: &str, figure: &dyn Fn(&Cell) -> f64, show: fn(f64) -> String| {
        let cells =
            System::ALL.map(|system| spread(results.spread(system, Task::Earn, figure), show));
        std::iter::once(title.to_owned()).chain(cells).collect()
    };
    let seconds = |figure: f64| format!("{figure:.2}");
    table(
        &head,
        [
            row("earns accepted", &|cell| cell.accepted as f64, thousands),
            row("memory, MiB", &|cell| cell.memory_mib, thousands),
            row(
                "behind its answers, s",
                &|cell| cell.settled_seconds,
                seconds,
            ),
            row(
                "answers again after a kill, s",
                &|cell| cell.start_seconds.unwrap_or_default(),
                seconds,
            ),
        ],
    )
}

/// What PostgreSQL did with each delay, and what TigerBeetle did.
#[must_use]
pub fn commit_delays(results: &Results) -> String {
    let tried = results.commit_delays.iter();
    table(
        &["commit_delay, µs", "earns/s"],
        tried.map(|(delay, per_second)| vec![delay.to_string(), thousands(*per_second)]),
    )
}

/// TigerBeetle's transfers, or that there are none.
#[must_use]
pub fn tigerbeetle(results: &Results) -> String {
    let Some(first) = results.tigerbeetle.first() else {
        return "It was not there in this run.\n".into();
    };
    let mut shapes: Vec<(u32, u32)> = results
        .tigerbeetle
        .iter()
        .map(|run| (run.clients, run.batch))
        .collect();
    shapes.sort_unstable();
    shapes.dedup();
    let rows = shapes.into_iter().map(|shape| {
        let runs = results
            .tigerbeetle
            .iter()
            .filter(|run| (run.clients, run.batch) == shape);
        let figure = spread(Spread::of(runs.map(|run| run.per_second)), thousands);
        vec![shape.0.to_string(), shape.1.to_string(), figure]
    });
    let version = first.version.lines().next().unwrap_or_default();
    format!(
        "{version}:\n\n{}",
        table(&["clients", "transfers in a batch", "transfers/s"], rows)
    )
}

/// Where another system is ahead of Jifen in this run.
#[must_use]
pub fn losses(results: &Results) -> String {
    let mut lines = Vec::new();
    let others = System::ALL
        .into_iter()
        .filter(|system| *system != System::Jifen);
    for other in others {
        for task in Task::ALL {
            if let Some(ratio) = results
                .ratio(other, task)
                .filter(|ratio| ratio.median < 1.0)
            {
                lines.push(format!(
                    "- {}: {} does {:.2} times as many.",
                    task.title(),
                    other.title(),
                    1.0 / ratio.median
                ));
            }
        }
        let median = |system, figure: &dyn Fn(&Cell) -> f64| {
            results
                .spread(system, Task::Earn, figure)
                .map(|spread| spread.median)
        };
        let per_earn = |cell: &Cell| cell.memory_mib * 1_048_576.0 / cell.accepted as f64;
        let memory = median(System::Jifen, &per_earn).zip(median(other, &per_earn));
        if let Some((ours, theirs)) = memory.filter(|(ours, theirs)| ours > theirs) {
            lines.push(format!(
                "- memory: {} bytes for each earn, of {} {}.",
                thousands(ours),
                other.title(),
                thousands(theirs)
            ));
        }
        let start = |cell: &Cell| cell.start_seconds.unwrap_or_default();
        let starts = median(System::Jifen, &start).zip(median(other, &start));
        if let Some((ours, theirs)) = starts.filter(|(ours, theirs)| ours > theirs) {
            lines.push(format!(
                "- start after a kill: {ours:.2} s, of {} {theirs:.2} s.",
                other.title()
            ));
        }
    }
    if lines.is_empty() {
        lines.push("- nowhere among what was measured.".into());
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::results;

    #[test]
    fn numbers_are_grouped() {
        for (figure, text) in [
            (0.4, "0"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (1_234_567.8, "1,234,568"),
            (-12_345.0, "-12,345"),
            (-123.0, "-123"),
        ] {
            assert_eq!(thousands(figure), text);
        }
    }

    #[test]
    fn throughput_has_a_row_for_each_task_and_a_column_for_each_system() {
        let mut results = results(2);
        results.cells[0].per_second = 50_000.0;
        let text = throughput(&results);
        assert_eq!(text.lines().count(), 2 + Task::ALL.len(), "{text}");
        assert!(
            text.contains("| earn | 55,000 (50,000–60,000) | 10,000 | 40,000 | 75,000 |\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_wanted_and_missed_stands_out() {
        let text = ratios(&results(1));
        assert!(
            text.contains("| earn | – | **6.00**, 5 wanted | **1.50**, 1.5 wanted | 0.80 |"),
            "{text}"
        );
        assert!(
            text.contains("| – | 6.00, **20 wanted** | 1.50, **2 wanted** | 0.80 |"),
            "{text}"
        );
    }

    #[test]
    fn losses_are_told() {
        let mut results = results(1);
        let text = losses(&results);
        assert!(
            text.contains("- earn: Redis 7, everysec does 1.25 times as many."),
            "{text}"
        );
        assert!(!text.contains("PostgreSQL"), "{text}");
        results
            .cells
            .retain(|cell| cell.system != System::RedisEverysec);
        assert_eq!(losses(&results), "- nowhere among what was measured.\n");
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let mut results = results(1);
        results.cells.retain(|cell| cell.system != System::Postgres);
        for text in [
            throughput(&results),
            ratios(&results),
            latency(&results),
            processors(&results),
        ] {
            assert!(text.contains("–"), "{text}");
        }
        results.tigerbeetle.clear();
        assert!(tigerbeetle(&results).contains("not there"));
    }
}
