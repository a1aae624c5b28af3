//! Goal: names keep to the conventions of Prometheus, and the table is whole.

use std::collections::BTreeSet;

use jifen_engine::ledger::CommandKind;

use super::{Door, DoorMeters, Kind, METRICS, as_json, as_markdown, as_table, door::UNREADABLE};
use crate::wire::wording;

#[test]
fn names_keep_to_the_conventions() {
    let mut seen = BTreeSet::new();
    for metric in METRICS {
        let name = metric.name();
        assert!(seen.insert(name.clone()), "{name} is there twice");
        let own = name.starts_with("jifen_") || name.starts_with("process_");
        assert!(own, "{name}");
        let known = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(name.chars().all(known), "{name}");
        assert_eq!(
            name.ends_with("_total"),
            metric.kind == Kind::Counter,
            "{name}"
        );
        // Base units only.
        assert!(
            matches!(metric.unit, None | Some("seconds" | "bytes")),
            "{name}"
        );
        for wrong in ["_count", "_sum", "_bucket", "milli", "micro"] {
            assert!(!name.contains(wrong), "{name}");
        }
    }
}

#[test]
fn every_metric_says_what_it_means_and_what_to_do() {
    for metric in METRICS {
        let name = metric.name();
        assert!(
            metric.meaning.len() > 10 && !metric.meaning.ends_with('.'),
            "{name}"
        );
        assert!(
            metric.advice.len() > 20 && metric.advice.ends_with('.'),
            "{name}"
        );
        for text in [metric.meaning, metric.advice] {
            assert!(!text.contains(['|', '\n', '\\']), "{name}: {text}");
        }
        for shown in [as_table(), as_markdown(), as_json()] {
            assert!(shown.contains(&name), "{name}");
        }
    }
}

#[test]
fn what_others_refer_to_is_there() {
    let names: BTreeSet<_> = METRICS.iter().map(super::Metric::name).collect();
    for metric in METRICS {
        for word in metric.advice.split([' ', '.', ',', ':', ';']) {
            if word.starts_with("jifen_") {
                assert!(names.contains(word), "{} speaks of {word}", metric.name());
            }
        }
    }
}

#[test]
fn the_documentation_is_this_table() {
    let page = include_str!("../../../docs/metrics.md");
    assert!(
        page == as_markdown(),
        "docs/metrics.md is not what `jifen metrics describe --format markdown` prints"
    );
}

#[test]
fn every_command_is_counted_under_its_code() {
    let meters = DoorMeters::default();
    for wording in wording::all() {
        meters.command(CommandKind::Earn, Some(wording.code), false);
        meters.unreadable_line(wording.code);
    }
    meters.command(CommandKind::Hold, None, false);
    meters.command(CommandKind::Hold, None, true);
    let count = |wanted: [&str; 2]| -> u64 {
        let counted = meters.each_command();
        let counted = counted.filter(|([door, kind, _], _)| [*door, *kind] == wanted);
        counted.map(|(_, count)| count).sum()
    };
    let told = wording::all().len() as u64;
    assert_eq!(count([Door::Single.name(), "earn"]), told);
    assert_eq!(count([Door::Lines.name(), UNREADABLE]), told);
    assert_eq!(count([Door::Single.name(), "hold"]), 2);
    let replays: Vec<_> = meters.each_replay().collect();
    assert_eq!(replays, [(["single", "hold"], 1)]);
}

#[test]
fn nothing_is_counted_where_nothing_is_to_be() {
    let meters = DoorMeters::new(false);
    meters.command(CommandKind::Hold, None, true);
    meters.request(200, 1);
    assert_eq!(meters.each_command().count(), 0);
    assert_eq!(meters.each_status().count(), 0);
}
