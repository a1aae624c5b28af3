//! Backups beside a load, and the way back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    load::{Load, everything_once, sales_and_packs},
    server::Server,
    tool::{Said, command, run, said},
};

fn backup(data: &Path, to: &Path, more: &str) -> Said {
    let words = format!("backup --json {more}");
    said(command(&words).arg("--data").arg(data).arg("--to").arg(to))
}

fn restore(from: &Path, data: &Path, more: &str) -> Said {
    let words = format!("restore --json {more}");
    said(
        command(&words)
            .arg("--from")
            .arg(from)
            .arg("--data")
            .arg(data),
    )
}

/// Where a backup keeps the manifest.
fn stored_manifest(backup: &Path) -> PathBuf {
    let mut files = fs::read_dir(backup)
        .unwrap()
        .map(|file| file.unwrap().path());
    let found = files.find(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("manifest")
    });
    found.expect("a backup has one")
}

/// Asks a server of a directory again what was asked before; everything must be answered as it was.
fn asks_again(data: &Path, asked: &[(Value, Value)]) {
    let server = Server::start(data);
    let mut to = server.connect();
    for (command, answer) in asked {
        let again = to.commands(std::slice::from_ref(command));
        let mut expected = answer.clone();
        expected["replayed"] = true.into();
        assert_eq!(again, [expected]);
    }
    server.stop();
}

/// Goal: a backup beside a load holds what was acknowledged before it began, and comes back to the same states and
/// answers. Method: two backups to one place, the second while the load goes on; both ways of proving.
#[test]
fn what_is_backed_up_under_load_comes_back_the_same() {
    let place = tempfile::tempdir().unwrap();
    let (data, to) = (place.path().join("data"), place.path().join("backup"));
    let server = Server::start(&data);
    everything_once(&mut server.connect());
    let load = Load::begin(&server);
    load.wait_for(400);
    let first = backup(&data, &to, "").json();
    let accepted = load.wait_for(1_000);
    let second = backup(&data, &to, "").json();
    assert!(second["entries"].as_u64().unwrap() >= accepted, "{second}");
    assert!(second["entries"].as_u64() > first["entries"].as_u64());
    assert!(
        second["copied_bytes"].as_u64() < second["bytes"].as_u64(),
        "{second}"
    );
    let asked = load.end();
    let told = usize::try_from(accepted / 40).unwrap();
    server.kill();

    for (name, more, proven) in [
        ("replayed", "", "from the first entry on"),
        ("loaded", "--quick", "from its images"),
    ] {
        let back = place.path().join(name);
        let restored = restore(&to, &back, more).json();
        assert_eq!(restored["proven"], proven);
        assert_eq!(restored["states"], second["states"]);
        assert_eq!(restored["entries"], second["entries"]);
        let verified = run("journal verify --replay --json", &back).json();
        assert_eq!(verified["entries"], second["entries"]);
        asks_again(&back, &asked[..told]);
        run("journal verify", &back).well();
    }
}

/// Goal: what any command wrote can be replayed, proven and restored. Method: one of each kind that has to do with several shards or
/// with pools, then every tool that replays from the first entry on.
#[test]
fn what_pools_and_packs_wrote_comes_back_the_same() {
    let place = tempfile::tempdir().unwrap();
    let (data, to) = (place.path().join("data"), place.path().join("backup"));
    let server = Server::start(&data);
    everything_once(&mut server.connect());
    sales_and_packs(&mut server.connect());
    let taken = backup(&data, &to, "").json();
    server.kill();
    let verified = run("journal verify --replay --json", &data).json();
    assert_eq!(verified["entries"], taken["entries"]);
    let stopped = backup(&data, &place.path().join("stopped"), "").json();
    assert_eq!(stopped["states"], verified["states"]);
    for (name, more) in [("replayed", ""), ("loaded", "--quick")] {
        let back = place.path().join(name);
        let restored = restore(&to, &back, more).json();
        assert_eq!(restored["states"], taken["states"]);
        run("journal verify --replay", &back).well();
        let server = Server::start(&back);
        let club = server.connect().call("GET /v1/merchants/club", "").1;
        assert_eq!(club["prepaid"][0]["left"], 40, "{club}");
        server.stop();
    }
}

/// Goal: a directory that nobody works on is backed up as it is, and the restored one tells the same states.
#[test]
fn a_stopped_directory_comes_back_the_same_and_can_be_served_and_backed_up_again() {
    let place = tempfile::tempdir().unwrap();
    let (data, to, back) = (
        place.path().join("data"),
        place.path().join("backup"),
        place.path().join("back"),
    );
    let server = Server::start(&data);
    let load = Load::begin(&server);
    load.wait_for(400);
    backup(&data, &to, "").json();
    load.wait_for(400);
    let asked = load.end();
    server.kill();
    let states = run("journal verify --replay --json", &data).json();
    let taken = backup(&data, &to, "--link").json();
    assert_eq!(taken["states"], states["states"]);
    assert_eq!(taken["entries"], states["entries"]);
    restore(&to, &back, "").json();
    let restored = run("journal verify --replay --json", &back).json();
    assert_eq!(restored["states"], states["states"]);
    asks_again(&back, &asked);
    // Life goes on there, in epochs of its own.
    let server = Server::start(&back);
    let load = Load::begin(&server);
    load.wait_for(400);
    backup(&back, &place.path().join("another"), "").json();
    load.end();
    server.stop();
    run("journal verify --replay", &back).well();
}

#[test]
fn what_is_no_whole_backup_is_not_restored() {
    let place = tempfile::tempdir().unwrap();
    let (data, to, back) = (
        place.path().join("data"),
        place.path().join("backup"),
        place.path().join("back"),
    );
    let server = Server::start(&data);
    everything_once(&mut server.connect());
    backup(&data, &to, "").json();
    server.stop();

    restore(&to, &data, "").fails(1, &["is not empty"]);
    // One that was broken off before its first file is no new directory either.
    let manifest = stored_manifest(&to);
    let content = fs::read(&manifest).unwrap();
    fs::write(&manifest, "{").unwrap();
    restore(&to, &back, "").fails(4, &["manifest"]);
    run("serve --listen 127.0.0.1:0", &back).fails(4, &["did not come to its end"]);
    fs::remove_dir_all(&back).unwrap();
    fs::write(&manifest, content).unwrap();
    // A second one that was broken off before its end leaves the first one whole.
    fs::write(to.join("archive/000009.jfa.draft"), "half").unwrap();
    fs::write(to.join("backup.draft"), "{").unwrap();
    restore(&to, &back, "").json();
    fs::remove_dir_all(&back).unwrap();

    let archive = to.join("archive/000001.jfa");
    let content = fs::read(&archive).unwrap();
    let mut flipped = content.clone();
    flipped[content.len() / 2] ^= 1;
    fs::write(&archive, flipped).unwrap();
    restore(&to, &back, "").fails(4, &["000001.jfa", "use another one"]);
    run("journal verify", &back).fails(4, &["manifest.json is missing"]);
    run("serve --listen 127.0.0.1:0", &back).fails(4, &["did not come to its end"]);
    fs::remove_dir_all(&back).unwrap();
    fs::remove_file(&archive).unwrap();
    restore(&to, &back, "").fails(4, &["000001.jfa", "is missing"]);
    fs::remove_dir_all(&back).unwrap();
    fs::write(&archive, content).unwrap();

    // Another state than the one that was backed up does not pass for it.
    let record = to.join("backup.json");
    let told = fs::read_to_string(&record).unwrap();
    let hash = told.split("\"state_hash\": \"").nth(1).unwrap();
    let other = if hash.starts_with('0') { "1" } else { "0" };
    fs::write(
        &record,
        told.replace(&hash[..64], &format!("{other}{}", &hash[1..64])),
    )
    .unwrap();
    restore(&to, &back, "").fails(4, &["state hash", "use another backup"]);
    fs::remove_dir_all(&back).unwrap();
    fs::remove_file(&record).unwrap();
    restore(&to, &back, "").fails(1, &["no complete backup"]);
}

#[test]
fn a_place_that_cannot_hold_a_backup_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let (data, other, to) = (
        place.path().join("data"),
        place.path().join("other"),
        place.path().join("backup"),
    );
    for data in [&data, &other] {
        Server::start(data).stop();
    }
    backup(&data, &data.join("backup"), "").fails(2, &["lies in the data directory"]);
    backup(&data, &to, "").json();
    backup(&other, &to, "").fails(2, &["backup of another data directory"]);
    backup(&place.path().join("missing"), &to, "").fails(2, &["no data directory"]);
}

/// Goal: archives go only by command, only as far as a start allows, and life goes on without them.
#[test]
fn what_is_forgotten_is_said_first_and_the_rest_stays_whole() {
    let place = tempfile::tempdir().unwrap();
    let (data, to) = (place.path().join("data"), place.path().join("backup"));
    let server = Server::start(&data);
    let load = Load::begin(&server);
    for _ in 0..4 {
        load.wait_for(200);
        backup(&data, &to, "").json();
    }
    run("journal forget --before 99", &data).fails(1, &["nothing was deleted"]);
    run("journal forget --before 3 --yes", &data)
        .fails(1, &["nothing was ever settled", "--unsettled"]);
    run("journal forget --before 3 --unsettled", &data).fails(
        1,
        &[
            "2 archives",
            "no period can be closed any more",
            "add --yes",
        ],
    );
    assert!(data.join("archive/000001.jfa").exists());
    // All of it is of today.
    run("journal forget", &data).fails(2, &["--before"]);
    run("journal forget --keep-days 1 --yes", &data).fails(1, &["kept by --keep-days"]);
    run("journal forget --before 2 --keep-days 1 --yes", &data)
        .fails(1, &["epoch 1 has entries that --keep-days 1 keeps"]);
    run("journal forget --keep-days 0", &data).fails(2, &["1..=36525"]);
    assert!(data.join("archive/000001.jfa").exists());
    // On a server, and then on files.
    run("journal forget --before 2 --unsettled --yes", &data).well();
    assert!(!data.join("archive/000001.jfa").exists());
    load.wait_for(200);
    let asked = load.end();
    server.stop();
    run("journal forget --before 3 --unsettled --yes", &data).well();
    let verified = run("journal verify --json", &data).json();
    assert_eq!(
        (&verified["whole"], &verified["epochs"][0]),
        (&true.into(), &3.into())
    );
    asks_again(&data, &asked);
    let dumped = run("journal dump --limit 1", &data);
    assert!(dumped.err.contains("deleted by command"), "{}", dumped.err);
    // What is left can be backed up and comes back; what the backup had is still there.
    let taken = backup(&data, &to, "").json();
    let restored = restore(&to, &place.path().join("back"), "").json();
    assert_eq!(restored["states"], taken["states"]);
    assert_eq!(restored["proven"], "from its images");
    run("journal verify --replay", &place.path().join("back")).well();
    assert!(to.join("archive/000001.jfa").exists());
}
