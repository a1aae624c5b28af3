//! Whatever happens to the view's files: it comes back, and says what it said.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jifen_engine::{ledger::Rules, view::item::StatementItem};

use jifen_tests::hand_clock::HandClock;

use crate::house::{House, earn, eventually, limited, redeem};

/// So many entries that the view has files of every kind.
const EARNS: u64 = 300;

/// A data directory with something in it; tells the statement.
async fn fill(data: &Path, more: u64) -> (Vec<StatementItem>, HandClock) {
    let house = House::open(data, Rules::default());
    house.opening().await;
    for number in 0..EARNS + more {
        house.clock.advance(10);
        house
            .accepted(&earn("A0", &number.to_string(), 1 + number))
            .await;
    }
    house.accepted(&redeem("A0", "r", 5)).await;
    house.caught_up().await;
    let statement = house.statement("A0", limited(100)).await;
    house.engine.shut_down().await;
    (statement, house.clock)
}

/// Opens the directory again and waits until the statement is there; tells how often the view was built anew.
async fn comes_back(data: &Path, statement: &[StatementItem], clock: HandClock) -> u64 {
    let house = House::open_with(data, Rules::default(), clock);
    let member = || jifen_engine::ledger::MemberId::new("A0").unwrap();
    eventually("the statement is back", || {
        let asked = house.engine.statement(member(), limited(500));
        async {
            match asked.await {
                Ok(page) => {
                    let page = page.unwrap();
                    // Never something else meanwhile: what is there is the oldest part.
                    let there = page.items.len();
                    assert_eq!(page.items, statement[statement.len() - there..]);
                    there == statement.len()
                }
                Err(_) => false,
            }
        }
    })
    .await;
    let rebuilt = house.engine.view().unwrap().progress().rebuilt;
    house.engine.shut_down().await;
    rebuilt
}

fn files(below: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![below.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[actix_rt::test]
async fn a_view_goes_on_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    let (statement, clock) = fill(data.path(), 0).await;
    assert_eq!(comes_back(data.path(), &statement, clock).await, 0);
}

#[actix_rt::test]
async fn a_view_that_is_missing_is_built() {
    let data = tempfile::tempdir().unwrap();
    let (statement, clock) = fill(data.path(), 0).await;
    fs::remove_dir_all(data.path().join("view")).unwrap();
    comes_back(data.path(), &statement, clock).await;
}

/// More turns than two journals of nearly the same commands differ by.
const NEXT: usize = 12;

#[actix_rt::test]
async fn a_view_of_another_journal_is_built_again() {
    for (more, other_more) in [(0, 3), (3, 0)] {
        let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (statement, clock) = fill(data.path(), more).await;
        fill(other.path(), other_more).await;
        fs::remove_dir_all(data.path().join("view")).unwrap();
        fs::rename(other.path().join("view"), data.path().join("view")).unwrap();
        let house = House::open_with(data.path(), Rules::default(), clock.clone());
        // A view that has seen as many turns shows itself only when another one follows: so more than the other journal has.
        for number in 0..NEXT {
            let id = format!("next-{number}");
            house.accepted(&earn("A0", &id, 1)).await;
        }
        house.caught_up().await;
        let items = house.statement("A0", limited(500)).await;
        assert_eq!(items[NEXT..], statement);
        assert_eq!(house.engine.view().unwrap().progress().rebuilt, 1);
        house.engine.shut_down().await;
    }
}

#[actix_rt::test]
async fn a_view_whose_files_are_damaged_comes_back() {
    let data = tempfile::tempdir().unwrap();
    let (statement, clock) = fill(data.path(), 0).await;
    let count = files(&data.path().join("view")).len();
    assert!(count > 3, "{count} files");
    for number in 0..count {
        for damage in [cut, empty, remove, flip] {
            let view = files(&data.path().join("view"));
            // Built again, it may have fewer.
            let Some(path) = view.get(number) else {
                continue;
            };
            damage(path);
            comes_back(data.path(), &statement, clock.clone()).await;
        }
    }
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

fn empty(path: &Path) {
    fs::write(path, b"").unwrap();
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    fs::write(path, bytes).unwrap();
}
