//! Goal: the walls between the rooms stand, and nothing unfinished is left lying about. Method: read the sources.
//!
//! Words are looked for in code, not in comments. Where this file names what it forbids, it cuts the word in two.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::{
    fs,
    path::{Path, PathBuf},
};

const LINES_MAX: usize = 600;

struct Source {
    /// From the root of the repository.
    path: String,
    text: String,
}

impl Source {
    /// The lines without their comments, each with its number.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self
            .text
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default());
        (1..).zip(lines)
    }

    /// Where one of these words stands in code.
    fn mentions(&self, words: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for (number, line) in self.code() {
            for word in words {
                if is_mentioned(line, word) {
                    found.push(format!("{}:{number} mentions {word}", self.path));
                }
            }
        }
        found
    }
}

/// Whether a word stands in a line, and not as a part of a longer one.
fn is_mentioned(line: &str, word: &str) -> bool {
    let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, behind) = (
            line[..at].chars().next_back(),
            line[at + word.len()..].chars().next(),
        );
        let (first, last) = (word.chars().next(), word.chars().next_back());
        !(in_word(before) && in_word(first) || in_word(behind) && in_word(last))
    })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust source below a folder of the repository.
fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(files) = fs::read_dir(&folder) else {
            continue;
        };
        for file in files {
            let path = file.unwrap().path();
            if path.is_dir() {
                if !path.ends_with("target") && !path.ends_with(".git") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(Source {
                    path: path.strip_prefix(root()).unwrap().display().to_string(),
                    text: fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no sources");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn all_sources() -> Vec<Source> {
    let folders = ["engine", "adapters", "bench", "loadtest", "tests"];
    folders.iter().flat_map(|folder| sources(folder)).collect()
}

#[track_caller]
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn mentions(sources: &[Source], words: &[&str]) -> Vec<String> {
    sources
        .iter()
        .flat_map(|source| source.mentions(words))
        .collect()
}

#[test]
fn a_word_is_found_whole_or_not_at_all() {
    for (line, word, found) in [
        ("use sled::Db;", "sled", true),
        ("let sledge = 1;", "sled", false),
        ("let x: f64 = y", "f64", true),
        ("let leaf64 = y", "f64", false),
        ("use rand::Rng;", "rand::", true),
        ("use strand::Rng;", "rand::", false),
        ("async fn f() {}", "async fn", true),
    ] {
        assert_eq!(is_mentioned(line, word), found, "{word} in {line}");
    }
}

#[test]
fn the_ledger_is_pure() {
    let mut ledger = sources("engine/src/ledger");
    ledger.extend(sources("engine/src/link"));
    ledger.extend(sources("engine/src/pool"));
    let outside = [
        "std::fs",
        "std::io",
        "std::net",
        "std::thread",
        "std::time",
        "std::env",
        "std::process",
        "fs::",
        "thread::",
        "SystemTime",
        "Instant",
        "actix",
        "tokio",
        "sled",
        "crossbeam",
        "tracing",
        "getrandom",
        "rand::",
        "f32",
        "f64",
        "async fn",
        "await",
        "HashMap",
        "HashSet",
        "static mut",
        "unsafe",
    ];
    assert_none(&mentions(&ledger, &outside));
    // The other rooms are outside too, but for those that are as pure: link, pool, and the router, which places pools.
    let rooms = [
        "journal", "shard", "engine", "host", "open", "limits", "clock", "meters",
    ];
    let rooms: Vec<String> = rooms.iter().map(|room| format!("crate::{room}")).collect();
    let rooms: Vec<&str> = rooms.iter().map(String::as_str).collect();
    assert_none(&mentions(&ledger, &rooms));
}

#[test]
fn only_the_clock_asks_for_the_time_and_only_the_journal_knows_sled() {
    let engine = sources("engine/src");
    let (clock, rest): (Vec<_>, Vec<_>) = engine
        .into_iter()
        .partition(|source| source.path == "engine/src/clock.rs");
    assert_eq!(clock.len(), 1);
    assert_none(&mentions(&rest, &["SystemTime::now", "Instant::now"]));
    let rest: Vec<_> = rest
        .into_iter()
        .filter(|source| !source.path.starts_with("engine/src/journal/"))
        .collect();
    assert_none(&mentions(&rest, &["sled::", "bincode::config::legacy"]));
}

#[test]
fn no_source_is_too_long() {
    let long = all_sources().into_iter().filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > LINES_MAX).then(|| format!("{} has {lines} lines", source.path))
    });
    assert_none(&long.collect::<Vec<_>>());
}

#[test]
fn every_room_has_a_name() {
    let nameless = [
        "util", "utils", "common", "helper", "helpers", "manager", "misc", "shared", "lib2",
    ];
    let found = all_sources().into_iter().filter(|source| {
        Path::new(&source.path)
            .with_extension("")
            .iter()
            .any(|part| nameless.iter().any(|name| part == *name))
    });
    assert_none(&found.map(|source| source.path).collect::<Vec<_>>());
}

#[test]
fn the_load_tester_knows_only_the_wire_contract() {
    let manifest = fs::read_to_string(root().join("loadtest/Cargo.toml")).unwrap();
    for ours in ["jifen-engine", "jifen-adapters", "jifen-tests", "path ="] {
        assert!(!manifest.contains(ours), "loadtest depends on {ours}");
    }
    assert_none(&mentions(
        &sources("loadtest"),
        &["jifen_engine", "jifen_adapters"],
    ));
}

#[test]
fn the_engine_knows_no_adapter() {
    let manifest = fs::read_to_string(root().join("engine/Cargo.toml")).unwrap();
    for adapter in ["actix-web", "jifen-adapters", "hyper", "clap", "async-nats"] {
        assert!(
            !manifest.contains(adapter),
            "the engine depends on {adapter}"
        );
    }
}

#[test]
fn nothing_unfinished_is_left() {
    let unfinished = ["to", "unimpl", "d"].iter().zip(["do!", "emented!", "bg!"]);
    let words: Vec<String> = unfinished.map(|(a, b)| format!("{a}{b}")).collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ignored = ["#[ign", "ore"].concat();
    words.push(&ignored);
    assert_none(&mentions(&all_sources(), &words));
}

#[test]
fn tests_wait_for_nothing_and_fix_no_port() {
    let sleep = ["sle", "ep"].concat();
    let words = [
        format!("thread::{sleep}"),
        format!("time::{sleep}"),
        format!("{sleep}("),
    ];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let tests = all_sources()
        .into_iter()
        .filter(|source| source.path.contains("tests/"));
    let tests: Vec<Source> = tests.collect();
    // One makes a device slow, the other offers commands at a pace: time is what both are about, and no test waits for them.
    let timed = ["tests/interpose/src/slow.rs", "tests/src/overload/mod.rs"];
    let others = tests
        .iter()
        .filter(|source| !timed.contains(&source.path.as_str()));
    let waiting = others.flat_map(|source| source.mentions(&words));
    assert_none(&waiting.collect::<Vec<_>>());
    let fixed = tests.iter().flat_map(|source| {
        source.code().filter_map(|(number, line)| {
            let port = line.split("127.0.0.1:").nth(1)?.chars().next()?;
            // Port 0 is any free one.
            ('1'..='9')
                .contains(&port)
                .then(|| format!("{}:{number} fixes a port", source.path))
        })
    });
    assert_none(&fixed.collect::<Vec<_>>());
}
