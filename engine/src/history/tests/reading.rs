//! Goal: archives and live epochs read as one journal, up to what is durable, while epochs roll and are archived.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use proptest::prelude::*;

use super::{
    super::{Catalogue, History, HistoryError},
    Layout, SHARDS, Scribe, a_turn, behind, check_entries, gather,
};
use crate::{
    journal::{
        Journal,
        epoch::{Epoch, EpochHead},
        memory::MemoryJournal,
        turns::Turns,
    },
    ledger::{Seq, ShardIndex},
};

/// What happens to a journal.
#[derive(Clone, Debug)]
enum Step {
    Turn(Vec<Layout>),
    Roll,
    Archive,
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => a_turn().prop_map(Step::Turn),
        1 => Just(Step::Roll),
        1 => Just(Step::Archive),
    ]
}

/// A journal with its history.
struct Ground {
    directory: tempfile::TempDir,
    scribe: Scribe,
    history: Arc<History>,
    /// The values of epochs that are over.
    over: Vec<(u64, Vec<u8>)>,
}

impl Ground {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::open(directory.path(), SHARDS).unwrap();
        let ground = Self {
            directory,
            scribe: Scribe::new(),
            history: Arc::new(History::new(catalogue, SHARDS)),
            over: Vec::new(),
        };
        ground.scribe.begin(&ground.history);
        ground
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Turn(turn) => {
                self.scribe.write(turn);
                self.durable();
            }
            Step::Roll => {
                let over = self.scribe.roll();
                self.over.extend(over.values);
                self.scribe.begin(&self.history);
            }
            Step::Archive => drop(self.history.archive_oldest(&mut || {}).unwrap()),
        }
    }

    /// The last turn that was written is durable.
    fn durable(&self) {
        let (turn, places) = self.scribe.now.places.last().unwrap();
        self.history.durable(*turn, places);
    }

    /// Every value, but for heads of epochs in which nothing is.
    fn values(&self) -> Vec<(u64, Vec<u8>)> {
        let all = self.over.iter().chain(&self.scribe.now.values);
        let all: Vec<_> = all.cloned().collect();
        let is_empty = |at: usize| {
            EpochHead::is_one(&all[at].1)
                && all
                    .get(at + 1)
                    .is_none_or(|next| EpochHead::is_one(&next.1))
        };
        (0..all.len())
            .filter(|at| !is_empty(*at))
            .map(|at| all[at].clone())
            .collect()
    }
}

fn values_of(history: &History, turn: u64) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    history.read_behind(turn, &mut gather(&mut found)).unwrap();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Method: random turns, rolls and archivings; read from every turn, and every entry looked up.
    #[test]
    fn a_history_reads_as_one_journal(steps in prop::collection::vec(a_step(), 1..40)) {
        let mut ground = Ground::new();
        steps.iter().for_each(|step| ground.take(step));
        let (history, values) = (&ground.history, ground.values());
        prop_assert_eq!(history.durable_turn(), ground.scribe.turn);
        for turn in 0..=ground.scribe.turn {
            prop_assert_eq!(values_of(history, turn), behind(&values, turn), "behind {}", turn);
        }
        check_entries(&|shard, seq| history.entry(shard, seq), &ground.scribe.entries);
        // All of it is one journal to whoever checks it.
        let mut turns = Turns::from_the_first(SHARDS);
        for value in values_of(history, 0) {
            turns.take::<()>(&value, &mut |_| Ok(())).unwrap();
        }
        turns.finish::<()>(&mut |_| Ok(())).unwrap();
        prop_assert_eq!(turns.chains(), &ground.scribe.chains[..]);
    }

    /// Method: the same, read again by a history that opens what is there.
    #[test]
    fn a_start_finds_what_was_there(steps in prop::collection::vec(a_step(), 1..30)) {
        let mut ground = Ground::new();
        let mut live = Vec::new();
        for step in &steps {
            if matches!(step, Step::Roll) {
                let now = &ground.scribe.now;
                live.push((now.head.clone(), now.medium.clone()));
            }
            ground.take(step);
        }
        live.push((ground.scribe.now.head.clone(), ground.scribe.now.medium.clone()));
        let catalogue = Catalogue::open(ground.directory.path(), SHARDS).unwrap();
        let next = catalogue.next_epoch();
        let history = History::new(catalogue, SHARDS);
        for (head, medium) in live {
            if head.epoch >= next {
                let reader = MemoryJournal::open(medium).reader();
                history.found(head, reader, ground.scribe.turn).unwrap();
            }
        }
        prop_assert_eq!(history.durable_turn(), ground.scribe.turn);
        prop_assert_eq!(history.live(), ground.history.live());
        prop_assert_eq!(values_of(&history, 0), behind(&ground.values(), 0));
        check_entries(&|shard, seq| history.entry(shard, seq), &ground.scribe.entries);
    }
}

fn turn() -> Step {
    Step::Turn(vec![vec![(0, 3), (1, 1)], vec![(2, 2)]])
}

#[test]
fn nothing_behind_the_durable_turn_is_shown() {
    let mut ground = Ground::new();
    ground.take(&turn());
    let before = values_of(&ground.history, 0);
    // Written, and not yet durable.
    ground.scribe.write(&[vec![(0, 1)], vec![(1, 1)]]);
    assert_eq!(values_of(&ground.history, 0), before);
    assert_eq!(ground.history.entry(ShardIndex(0), Seq(4)).unwrap(), None);
    assert_eq!(ground.history.wait_behind(1, Duration::ZERO), 1);
    ground.durable();
    assert_eq!(values_of(&ground.history, 1).len(), 2);
    assert!(
        ground
            .history
            .entry(ShardIndex(0), Seq(4))
            .unwrap()
            .is_some()
    );
    assert_eq!(ground.history.wait_behind(1, Duration::MAX), 2);
}

#[test]
fn a_start_does_not_take_a_tail_for_durable() {
    let mut scribe = Scribe::of(&[vec![vec![(0, 1)]], vec![vec![(0, 1)]], vec![vec![(0, 1)]]]);
    let written = scribe.roll();
    let history = History::new(Catalogue::nowhere(), SHARDS);
    let reader = MemoryJournal::open(written.medium.clone()).reader();
    history.found(written.head, reader, 2).unwrap();
    assert_eq!(history.durable_turn(), 2);
    assert_eq!(values_of(&history, 0).len(), 2);
    assert_eq!(history.entry(ShardIndex(0), Seq(3)).unwrap(), None);
}

#[test]
fn only_an_epoch_that_is_over_is_archived_and_only_to_a_directory() {
    let mut ground = Ground::new();
    ground.take(&turn());
    assert_eq!(ground.history.archive_oldest(&mut || {}).unwrap(), None);
    ground.take(&Step::Roll);
    let mut pauses = 0;
    let facts = ground
        .history
        .archive_oldest(&mut || pauses += 1)
        .unwrap()
        .unwrap();
    assert!(pauses > 0);
    assert_eq!((facts.epoch(), facts.last_turn), (Epoch(1), 1));
    assert_eq!(ground.history.live(), [ground.scribe.now.head.clone()]);
    // The medium can go: nobody reads it any more.
    assert_eq!(ground.history.archive_oldest(&mut || {}).unwrap(), None);

    let mut scribe = Scribe::new();
    let nowhere = History::new(Catalogue::nowhere(), SHARDS);
    scribe.begin(&nowhere);
    scribe.roll();
    scribe.begin(&nowhere);
    assert_eq!(nowhere.archive_oldest(&mut || {}).unwrap(), None);
    assert_eq!(nowhere.live().len(), 2);
}

#[test]
fn a_turn_that_is_gone_is_told_and_archives_nothing() {
    let mut ground = Ground::new();
    for _ in 0..4 {
        ground.take(&turn());
    }
    let medium = ground.scribe.now.medium.clone();
    ground.take(&Step::Roll);
    assert!(medium.forget_turn(4));
    let mut found = Vec::new();
    let read = ground.history.read_behind(0, &mut gather(&mut found));
    let told = read.unwrap_err().to_string();
    assert!(
        told.contains("turn 4 was durable and is not there"),
        "{told}"
    );
    assert_eq!(found.len(), 6);
    assert!(ground.history.entry(ShardIndex(0), Seq(12)).is_err());
    assert!(ground.history.archive_oldest(&mut || {}).is_err());
    assert!(ground.history.archives().is_empty());
    assert!(medium.forget_turn(2));
    assert!(ground.history.archive_oldest(&mut || {}).is_err());
}

#[test]
fn what_was_forgotten_is_told() {
    let mut ground = Ground::new();
    for _ in 0..3 {
        ground.take(&turn());
        ground.take(&turn());
        ground.take(&Step::Roll);
        ground.take(&Step::Archive);
    }
    assert_eq!(ground.history.forget_before(Epoch(3)).unwrap(), 2);
    assert_eq!(ground.history.complete_behind(), 4);
    assert_eq!(ground.history.entry(ShardIndex(0), Seq(1)).unwrap(), None);
    assert!(
        ground
            .history
            .entry(ShardIndex(0), Seq(13))
            .unwrap()
            .is_some()
    );
    // Everything there is begins with a head that tells where.
    let all = values_of(&ground.history, 0);
    assert!(EpochHead::is_one(&all[0]));
    assert_eq!(all.len(), 1 + 4);
    assert_eq!(values_of(&ground.history, 4).len(), 4);
    let error = ground
        .history
        .read_behind(3, &mut |_| Ok(ControlFlow::Continue(())));
    let complete = matches!(
        error,
        Err(HistoryError::Forgotten {
            turn: 3,
            complete_behind: 4
        })
    );
    assert!(complete, "{error:?}");
}

/// Method: one thread writes, rolls and archives; others look up and read all the while.
#[test]
fn epochs_are_archived_under_the_eyes_of_readers() {
    let mut ground = Ground::new();
    ground.take(&turn());
    let history = Arc::clone(&ground.history);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for reader in 0..2_u64 {
            let (history, over) = (&history, &over);
            scope.spawn(move || {
                let mut round = reader;
                while !over.load(Ordering::Relaxed) {
                    round += 1;
                    look(history, round);
                }
            });
        }
        for round in 0..60 {
            ground.take(&turn());
            if round % 4 == 0 {
                ground.take(&Step::Roll);
            }
            if round % 6 == 5 {
                ground.take(&Step::Archive);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(history.archives().len() >= 9);
    assert_eq!(values_of(&history, 0), behind(&ground.values(), 0));
}

/// Reads everything, and looks up an entry of any age, as they have to be at this moment.
fn look(history: &History, round: u64) {
    let durable = history.durable_turn();
    let mut turns = Turns::from_the_first(SHARDS);
    let mut visit = |value: &[u8]| {
        turns.take::<()>(value, &mut |_| Ok(())).unwrap();
        Ok(ControlFlow::Continue(()))
    };
    history.read_behind(0, &mut visit).unwrap();
    turns.finish::<()>(&mut |_| Ok(())).unwrap();
    assert!(turns.turn() >= durable);
    // Each turn has three entries of shard 0.
    let seq = Seq(1 + round * 7 % (durable * 3));
    let turn = (seq.0 - 1) / 3 + 1;
    let record = history.entry(ShardIndex(0), seq).unwrap();
    assert_eq!(record, Some(super::recorded(ShardIndex(0), seq, turn)));
}
