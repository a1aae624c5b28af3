//! What is damaged is found, and nothing is touched by looking.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{load::Load, server::Server, tool::run};

/// A directory in which some epochs are archived and one is not.
fn well(data: &Path) {
    let server = Server::start(data);
    let load = Load::begin(&server);
    for _ in 0..2 {
        load.wait_for(400);
        let to = data.with_extension("backup");
        run(&format!("backup --to {}", to.display()), data).well();
    }
    load.wait_for(400);
    load.end();
    server.stop();
}

fn files(below: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for file in fs::read_dir(below).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with("lock") {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for (path, content) in files(from) {
        let place = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, content).unwrap();
    }
}

/// The first of a directory's files by name.
fn first(directory: PathBuf) -> PathBuf {
    let files = fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path());
    files.min().unwrap()
}

fn flip(path: &Path, at: impl Fn(usize) -> usize) {
    let mut content = fs::read(path).unwrap();
    let at = at(content.len());
    content[at] ^= 1;
    fs::write(path, content).unwrap();
}

/// Flips a bit inside of the first value of a live epoch.
fn flip_live(data: &Path) {
    let db = first(data.join("journal")).join("db");
    let content = fs::read(&db).unwrap();
    let block = content
        .windows(4)
        .position(|bytes| bytes == b"JB\x01\0")
        .unwrap();
    flip(&db, |_| block + 100);
}

/// Goal: verify says of every kind of damage where it is and what to do, with code 4, and touches nothing, damaged or well.
/// Method: one damage each in a copy of a directory that is well.
#[test]
fn every_damage_is_found_and_nothing_is_touched() {
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    well(&whole);
    let before = files(&whole);
    let verified = run("journal verify --json", &whole).json();
    assert!(files(&whole) == before, "a look at what is well changes it");
    assert!(verified["archives"].as_u64().unwrap() >= 2, "{verified}");
    type Damage = fn(&Path);
    let kinds: [(&str, Damage, &[&str]); 7] = [
        (
            "archive-bit",
            |data| flip(&data.join("archive/000001.jfa"), |length| length / 2),
            &["000001.jfa"],
        ),
        (
            "archive-gone",
            |data| fs::remove_file(data.join("archive/000002.jfa")).unwrap(),
            &["000002.jfa"],
        ),
        (
            "archive-short",
            |data| {
                let path = data.join("archive/000002.jfa");
                let length = fs::metadata(&path).unwrap().len();
                fs::File::options()
                    .write(true)
                    .open(path)
                    .unwrap()
                    .set_len(length - 1)
                    .unwrap();
            },
            &["000002.jfa"],
        ),
        ("live-bit", flip_live, &["turn"]),
        (
            "live-gone",
            |data| fs::remove_dir_all(first(data.join("journal"))).unwrap(),
            &["missing", "restore a backup"],
        ),
        (
            "head-gone",
            |data| fs::remove_file(data.join("head")).unwrap(),
            &["head is missing"],
        ),
        (
            "manifest",
            |data| fs::write(data.join("manifest.json"), "{").unwrap(),
            &["manifest.json"],
        ),
    ];
    for (name, damage, said) in kinds {
        let data = place.path().join(name);
        copy(&whole, &data);
        damage(&data);
        let before = files(&data);
        let found = run("journal verify", &data);
        assert_eq!(found.code, Some(4), "{name}: {}{}", found.out, found.err);
        found.fails(4, said);
        let after = files(&data);
        let changed = |path: &&PathBuf| after.get(*path) != before.get(*path);
        let changed: BTreeSet<_> = after.keys().chain(before.keys()).filter(changed).collect();
        assert!(changed.is_empty(), "{name}: verify has changed {changed:?}");
        let told = run("journal verify --json", &data);
        assert_eq!(told.code, Some(4), "{name}");
        let told: serde_json::Value = serde_json::from_str(&told.out).unwrap();
        assert_eq!(told["whole"], false, "{name}");
        assert_eq!(
            told["damage"].as_array().unwrap().len(),
            1,
            "{name}: {told}"
        );
    }
}
