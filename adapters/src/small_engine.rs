//! An engine for tests of what stands in front of one.

use std::sync::Arc;

use jifen_engine::{
    Engine, Limits, Parts, Router, SystemClock,
    disk::Endless,
    journal::{
        identity::Identity,
        memory::{Medium, MemoryJournal},
        recovery::recover,
    },
    ledger::{Ledger, Rules, ShardIndex},
};

/// One shard in memory that lets in so many commands at once.
pub(crate) fn small_engine(commands_per_shard: usize) -> Engine {
    let mut ledgers = vec![Ledger::new(ShardIndex(0), Rules::default())];
    let mut journal = MemoryJournal::open(Medium::default());
    let recovered = recover(&mut journal, None, &mut ledgers).unwrap();
    Engine::start(Parts {
        router: Router::new(1, 7).unwrap(),
        ledgers,
        journal: Box::new(journal),
        recovered,
        identity: Identity::default(),
        head: None,
        keeping: None,
        limits: Limits {
            commands_per_shard,
            ..Limits::default()
        },
        clock: Arc::new(SystemClock),
        disk: Arc::new(Endless),
        lock: None,
    })
    .unwrap()
}
