//! Verify, dump and stat, on a directory that nobody works on and on one in use.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

use jifen_engine::DataDirectory;
use serde_json::Value;

use super::{
    load::{Load, everything_once},
    server::Server,
    tool::{command, run},
};

/// What `verify --replay` tells of every shard.
fn states(verified: &Value) -> &Vec<Value> {
    assert_eq!(verified["whole"], true, "{verified}");
    let states = verified["states"].as_array().unwrap();
    assert_eq!(states.len(), 16);
    states
}

fn of_type<'a>(lines: &'a [Value], word: &str) -> &'a Value {
    let found = lines
        .iter()
        .find(|line| line["type"] == *word && line["shard"] != Value::Null);
    found.unwrap_or_else(|| panic!("{word} is not dumped"))
}

#[test]
fn what_was_done_is_dumped_with_names_and_postings_that_sum_to_zero() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let answers = everything_once(&mut server.connect());
    let live = run("journal dump", data.path()).lines();
    server.stop();
    let lines = run("journal dump", data.path()).lines();
    assert_eq!(live, lines, "the same in use and not");

    for answer in &answers {
        let offset = answer["offset"].as_str().unwrap();
        let (shard, seq) = offset.split_once(':').unwrap();
        let (shard, seq): (u64, u64) = (shard.parse().unwrap(), seq.parse().unwrap());
        let line = lines
            .iter()
            .find(|line| line["shard"] == shard && line["seq"] == seq);
        let line = line.unwrap_or_else(|| panic!("{answer} is not dumped"));
        assert_eq!(line["type"], answer["type"]);
        assert_eq!(line["at"], answer["at"]);
        assert_eq!(line["request"]["id"], answer["id"]);
        assert_eq!(line["request"]["principal"], "operator");
        assert_eq!(line.get("refused").is_some(), answer["status"] == "refused");
        if answer["type"] != "put_merchant" {
            assert_eq!(line["member"], "ann");
        }
        if let Some(balance) = answer.get("balance") {
            assert_eq!(&line["balance"], balance);
        }
    }
    for line in &lines {
        let postings = line["postings"].as_array().into_iter().flatten();
        let sum: i64 = postings
            .map(|posting| posting["points"].as_i64().unwrap())
            .sum();
        assert_eq!(sum, 0, "{line}");
    }
    let earn = of_type(&lines, "earn");
    assert_eq!(
        (&earn["merchant"], &earn["order"]),
        (&"shop".into(), &"o-1".into())
    );
    assert_eq!(earn["request"]["reference"], "r");
    assert_eq!(earn["request"]["metadata"]["till"], "3");
    assert_eq!(earn["postings"][0]["account"], "issued");
    assert_eq!(earn["postings"][0]["merchant"], "shop");
    assert_eq!(earn["postings"][1]["lot"]["issuer"], "shop");
    assert_eq!(earn["balance"]["point_type"], "points");
    assert_eq!(of_type(&lines, "enrol")["attributes"]["city"], "Köln");
    assert_eq!(of_type(&lines, "put_merchant")["name"], "The \"Shop\"");
    assert_eq!(of_type(&lines, "capture")["captured"], 15);
    let refused = lines.iter().find_map(|line| line.get("refused")).unwrap();
    assert_eq!(refused["code"], "insufficient_points");
    assert_eq!(refused["reasons"][0]["requested"], 1000);
}

#[test]
fn a_dump_can_be_narrowed_down() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    everything_once(&mut server.connect());
    let load = Load::begin(&server);
    load.wait_for(200);
    load.end();
    server.stop();
    let dump = |words: &str| run(&format!("journal dump {words}"), data.path()).lines();
    let all = dump("");
    let ann = dump("--member ann");
    assert_eq!(ann.len(), 10);
    let shard = &ann[0]["shard"];
    let of_shard: Vec<_> = all
        .iter()
        .filter(|line| line["shard"] == *shard)
        .cloned()
        .collect();
    assert_eq!(dump(&format!("--shard {shard}")), of_shard);
    assert_eq!(
        dump(&format!("--shard {shard} --from 2 --to 3")),
        of_shard[1..3]
    );
    assert_eq!(dump("--limit 3"), all[..3]);
    assert_eq!(dump("--limit 0"), [] as [Value; 0]);
    let at = ann[4]["at"].as_str().unwrap();
    let since = dump(&format!("--member ann --since {at}"));
    let until = dump(&format!("--member ann --until {at}"));
    assert_eq!([until, since.clone()].concat(), ann);
    assert!(since.iter().all(|line| line["at"].as_str().unwrap() >= at));
    run("journal dump --shard 16", data.path()).fails(2, &["0 to 15"]);
    run("journal dump --since yesterday", data.path()).fails(2, &["2026-11-21T09:00:00Z"]);
}

#[test]
fn who_reads_no_further_ends_a_dump_in_good_order() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let load = Load::begin(&server);
    load.wait_for(2_000);
    load.end();
    let mut dump = command("journal dump --data")
        .arg(data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut out = BufReader::with_capacity(64, dump.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    drop(out);
    let mut err = String::new();
    dump.stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert!(dump.wait().unwrap().success(), "{err}");
    assert_eq!(err, "");
    serde_json::from_str::<Value>(&first).unwrap();
    server.stop();
}

/// Goal: what the tools tell of a directory in use holds. Method: beside a load, each sees at least what was acknowledged
/// before it began; when nothing changes any more, all tell the same, in use and not.
#[test]
fn a_directory_in_use_can_be_looked_at() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let load = Load::begin(&server);
    for _ in 0..3 {
        let accepted = load.wait_for(400);
        let verified = run("journal verify --json", data.path()).json();
        assert_eq!(verified["whole"], true, "{verified}");
        assert!(
            verified["entries"].as_u64().unwrap() >= accepted,
            "{verified}"
        );
        let accepted = load.wait_for(400);
        let counted = run("journal stat --kinds --json", data.path()).json();
        let earned = counted["kinds"]
            .as_array()
            .unwrap()
            .iter()
            .find(|kind| kind["type"] == "earn");
        assert!(earned.unwrap()["entries"].as_u64().unwrap() >= accepted);
        let accepted = load.wait_for(400);
        let dumped = run("journal dump", data.path()).lines();
        assert!(dumped.iter().filter(|line| line["type"] == "earn").count() as u64 >= accepted);
    }
    load.end();
    let live = run("journal verify --replay --json", data.path()).json();
    let counted = run("journal stat --json", data.path()).json();
    server.stop();
    let stopped = run("journal verify --replay --json", data.path()).json();
    assert_eq!(states(&live), states(&stopped));
    assert_eq!(live["last"], stopped["last"]);
    assert_eq!(stopped["replayed"], stopped["entries"]);
    assert_eq!(counted["total"]["entries"], stopped["entries"]);
    let said = run("journal verify", data.path()).well();
    assert!(said.contains("whole: epochs 1 to"), "{said}");
}

#[test]
fn figures_add_up() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    everything_once(&mut server.connect());
    server.stop();
    let lines = run("journal dump", data.path()).lines();
    let told = run("journal stat --kinds --json", data.path()).json();
    let epoch = &told["epochs"][0];
    assert_eq!(epoch["entries"], lines.len());
    assert_eq!(
        epoch["from"],
        lines
            .iter()
            .map(|line| line["at"].as_str().unwrap())
            .min()
            .unwrap()
    );
    assert_eq!(
        epoch["to"],
        lines
            .iter()
            .map(|line| line["at"].as_str().unwrap())
            .max()
            .unwrap()
    );
    let mut kinds: BTreeMap<(String, bool), u64> = BTreeMap::new();
    for line in &lines {
        let word = line["type"].as_str().unwrap().to_owned();
        *kinds
            .entry((word, line.get("refused").is_some()))
            .or_default() += 1;
    }
    let counted = told["kinds"].as_array().unwrap().iter().map(|kind| {
        let word = kind["type"].as_str().unwrap().to_owned();
        (
            (word, kind["refused"] == true),
            kind["entries"].as_u64().unwrap(),
        )
    });
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), kinds);
    let said = run("journal stat --kinds", data.path()).well();
    for word in ["epoch", "live", "total", "redeem refused", "per entry"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn where_nothing_can_be_read_that_is_said() {
    let place = tempfile::tempdir().unwrap();
    let missing = place.path().join("missing");
    for tool in ["journal verify", "journal dump", "journal stat"] {
        run(tool, &missing).fails(2, &["no data directory"]);
    }
    assert!(!missing.exists(), "looking makes nothing");

    let data = place.path().join("data");
    Server::start(&data).stop();
    let taken = DataDirectory::lock(&data).unwrap();
    for tool in ["journal verify", "journal dump", "journal stat"] {
        run(tool, &data).fails(4, &["in use by another process", "stop it and try again"]);
    }
    drop(taken);
    run("journal verify", &data).well();
}
