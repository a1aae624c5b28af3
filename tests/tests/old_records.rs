//! Goal: the running engine finds answers and transactions that are no longer in memory, keeps new work out while they
//! wait for a slow disk, and stops when they cannot be kept or found.
//!
//! Method: a whole engine with next to no memory for records, on a shelf that waits and fails on demand.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use jifen_engine::{
    Engine, EngineError, Limits, Parts, Router, SystemClock,
    disk::Endless,
    journal::{
        identity::Identity,
        memory::{Medium, MemoryJournal},
        recovery::recover_with,
    },
    ledger::{Answer, Ledger, MemberId, Principal, RequestId, Rules, ShardIndex, TransactionId},
    past::{MemoryShelf, Past, Place, Shelf},
};
use jifen_tests::ask::{Ask, What};

/// Enough earns to push the first ones out of memory.
const EARNS: usize = 200;

/// A shelf in memory whose doors can be closed, and which can break.
#[derive(Clone, Default)]
struct Demanding {
    shelf: MemoryShelf,
    closed: Arc<(Mutex<bool>, Condvar)>,
    broken: Arc<AtomicBool>,
}

impl Demanding {
    fn close(&self, closed: bool) {
        *self.closed.0.lock().unwrap() = closed;
        self.closed.1.notify_all();
    }

    fn pass(&self) -> io::Result<()> {
        let closed = self.closed.0.lock().unwrap();
        drop(self.closed.1.wait_while(closed, |closed| *closed).unwrap());
        if self.broken.load(Ordering::SeqCst) {
            return Err(io::Error::other("broken on demand"));
        }
        Ok(())
    }
}

impl Shelf for Demanding {
    fn put(&self, place: Place, pieces: [&[u8]; 2]) -> io::Result<()> {
        self.pass()?;
        self.shelf.put(place, pieces)
    }

    fn get(&self, place: Place) -> io::Result<Option<Vec<u8>>> {
        self.pass()?;
        self.shelf.get(place)
    }

    fn sync(&self, place: Place) -> io::Result<()> {
        self.shelf.sync(place)
    }

    fn clear(&self, place: Place) -> io::Result<()> {
        self.shelf.clear(place)
    }

    fn places(&self) -> io::Result<Vec<Place>> {
        self.shelf.places()
    }
}

/// An engine of one shard.
fn start(medium: &Medium, shelf: &Demanding, unwritten_bytes_max: usize) -> Engine {
    let rules = Rules {
        request_bytes_max: 4_096,
        request_disk_bytes_max: 1 << 30,
        record_chunk_bytes: 1_024,
        ..Rules::default()
    };
    let mut ledgers = vec![Ledger::new(ShardIndex(0), rules)];
    let mut journal = MemoryJournal::open(medium.clone());
    let past = Past::new(Box::new(shelf.clone()), unwritten_bytes_max);
    let recovered = recover_with(&mut journal, None, &mut ledgers, past).unwrap();
    Engine::start(Parts {
        router: Router::new(1, 7).unwrap(),
        ledgers,
        journal: Box::new(journal),
        recovered,
        identity: Identity::default(),
        head: None,
        keeping: None,
        limits: Limits::default(),
        clock: Arc::new(SystemClock),
        disk: Arc::new(Endless),
        lock: None,
    })
    .unwrap()
}

fn earn(member: &str, id: &str) -> Ask {
    let what = What::Earn {
        member: member.to_owned(),
        merchant: "M1".to_owned(),
        points: 10,
        point_type: "points".to_owned(),
        last_day: None,
        class: "ordinary".to_owned(),
        order: None,
        at: None,
        releases_at: None,
    };
    Ask::new("app", id, what)
}

async fn answer(engine: &Engine, ask: &Ask) -> Answer {
    let reply = engine.submit(ask.request()).await.unwrap();
    reply.unwrap_or_else(|declined| panic!("{ask:?}: {declined:?}"))
}

/// A and B are enrolled, and A has earned so often that the first answers have left memory.
async fn fill(engine: &Engine) -> Answer {
    let what = What::PutMerchant {
        merchant: "M1".to_owned(),
        name: "Tea".to_owned(),
    };
    answer(engine, &Ask::new("app", "m", what)).await;
    for member in ["A", "B"] {
        let what = What::Enrol {
            member: member.to_owned(),
            attributes: None,
        };
        answer(engine, &Ask::new("app", "enrol", what)).await;
    }
    let first = answer(engine, &earn("A", "0")).await;
    let more: Vec<_> = (1..EARNS)
        .map(|number| earn("A", &number.to_string()).request())
        .collect();
    for outcome in engine.submit_many(more).await {
        outcome.unwrap().unwrap();
    }
    first
}

#[actix_rt::test]
async fn old_answers_are_found_again_and_a_batch_keeps_its_order() {
    let (medium, shelf) = (Medium::default(), Demanding::default());
    let engine = start(&medium, &shelf, usize::MAX);
    let first = fill(&engine).await;
    let again = Answer {
        replayed: true,
        ..first.clone()
    };
    // Old ones, a new one behind them, and somebody else's.
    let asks = [
        earn("A", "0"),
        earn("A", "1"),
        earn("A", "new"),
        earn("B", "new"),
    ];
    let outcomes = engine
        .submit_many(asks.iter().map(Ask::request).collect())
        .await;
    let answers: Vec<Answer> = outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap().unwrap())
        .collect();
    assert_eq!(answers[0], again);
    let replayed: Vec<bool> = answers.iter().map(|answer| answer.replayed).collect();
    assert_eq!(replayed, [true, true, false, false]);

    let (app, a) = (Principal::new("app").unwrap(), MemberId::new("A").unwrap());
    let found = |id| engine.request(app.clone(), a.clone(), RequestId::new(id).unwrap());
    assert_eq!(found("0").await, Ok(Some(again)));
    assert_eq!(found("never").await, Ok(None));
    let id = TransactionId {
        shard: first.offset.shard,
        seq: first.offset.seq,
    };
    let view = engine.transaction(id).await.unwrap().unwrap();
    assert_eq!((view.answer, view.member), (first, a));
    assert_eq!(view.merchant.as_deref(), Some("M1"));
    assert_eq!(view.lots[0].points.get(), 10);
    let elsewhere = TransactionId {
        shard: ShardIndex(9),
        ..id
    };
    assert_eq!(engine.transaction(elsewhere).await, Ok(None));
    engine.shut_down().await;
}

#[actix_rt::test]
async fn a_restart_finds_what_the_process_before_had_put_away() {
    let (medium, shelf) = (Medium::default(), Demanding::default());
    let engine = start(&medium, &shelf, usize::MAX);
    let first = fill(&engine).await;
    engine.shut_down().await;
    let places = shelf.places().unwrap();
    assert!(places.len() > 5, "{places:?}");
    shelf.shelf.tear(places[0], 40);
    shelf.shelf.clear(places[1]).unwrap();

    let engine = start(&medium, &shelf, usize::MAX);
    assert_eq!(shelf.places().unwrap(), places);
    let again = answer(&engine, &earn("A", "0")).await;
    assert_eq!((again.offset, again.replayed), (first.offset, true));
    engine.shut_down().await;
}

#[actix_rt::test]
async fn while_the_disk_is_behind_new_work_is_refused_and_what_is_inside_is_answered() {
    let (medium, shelf) = (Medium::default(), Demanding::default());
    let engine = start(&medium, &shelf, 8_192);
    shelf.close(true);
    fill(&engine).await;
    let refused = engine.submit(earn("A", "new").request()).await;
    assert_eq!(refused, Err(EngineError::Overloaded));
    let batch = engine.submit_many(vec![earn("B", "new").request()]).await;
    assert_eq!(batch, [Err(EngineError::Overloaded)]);
    // Reading is let in, and old answers are read from memory as long as they are not written.
    let (app, a) = (Principal::new("app").unwrap(), MemberId::new("A").unwrap());
    let id = RequestId::new("0").unwrap();
    assert!(engine.request(app, a, id).await.unwrap().is_some());
    shelf.close(false);
    // The writer catches up; asking is all there is to do until it has.
    let caught_up = async {
        while engine.submit(earn("A", "new").request()).await == Err(EngineError::Overloaded) {}
    };
    actix_rt::time::timeout(std::time::Duration::from_secs(60), caught_up)
        .await
        .expect("the disk is fast again");
    engine.shut_down().await;
}

#[actix_rt::test]
async fn whoever_waits_is_answered_before_the_end() {
    let (medium, shelf) = (Medium::default(), Demanding::default());
    let engine = start(&medium, &shelf, usize::MAX);
    fill(&engine).await;
    engine.shut_down().await;
    let engine = start(&medium, &shelf, usize::MAX);
    shelf.close(true);
    let waiting = actix_rt::spawn({
        let engine = engine.clone();
        async move { engine.submit(earn("A", "0").request()).await }
    });
    // It is inside when something that came later is answered.
    answer(&engine, &earn("B", "new")).await;
    let stopping = actix_rt::spawn(async move { engine.shut_down().await });
    shelf.close(false);
    let reply = waiting.await.unwrap().unwrap().unwrap();
    assert!(reply.replayed);
    assert!(stopping.await.unwrap().is_some());
}

#[actix_rt::test]
async fn a_shelf_that_cannot_be_written_stops_the_process() {
    let (medium, shelf) = (Medium::default(), Demanding::default());
    let engine = start(&medium, &shelf, usize::MAX);
    shelf.broken.store(true, Ordering::SeqCst);
    fill(&engine).await;
    let failure = engine.failed().await;
    assert_eq!(failure, "write chunk 0/0 of old records: broken on demand");
    engine.shut_down().await;
}

#[actix_rt::test]
async fn a_shelf_that_cannot_be_read_stops_the_process_and_whoever_waits_is_told() {
    let (medium, shelf) = (Medium::default(), Demanding::default());
    let engine = start(&medium, &shelf, usize::MAX);
    fill(&engine).await;
    engine.shut_down().await;
    let engine = start(&medium, &shelf, usize::MAX);
    shelf.shelf.flip_bit(shelf.places().unwrap()[0], 300);
    let old = engine.submit(earn("A", "0").request()).await;
    assert_eq!(old, Err(EngineError::OutcomeUnknown));
    let failure = engine.failed().await;
    assert!(
        failure.contains("chunk 0/0 of old records is damaged"),
        "{failure}"
    );
    engine.shut_down().await;
}
