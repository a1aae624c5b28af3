//! Goal: the running engine, actors and committer included, answers only what is durable, pushes back by its bounds,
//! and stops answering when its journal fails.
//!
//! Method: a whole engine on the journal in memory, which fails on demand, with a clock that only the test moves.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    os::fd::AsRawFd,
    sync::Arc,
    time::Duration,
};

use jifen_engine::{
    Engine, EngineError, Limits, Outcome, Parts, Router,
    disk::Endless,
    journal::{
        head::HeadFile,
        identity::Identity,
        memory::{Fault, Medium, MemoryJournal},
        recovery::recover,
    },
    ledger::{
        Command, HoldId, HoldState, Ledger, MemberId, PointType, Points, Principal, Request,
        RequestId, Rules, ShardIndex, Transfer,
    },
};
use jifen_tests::{
    ask::{Ask, What},
    hand_clock::HandClock,
    heard::{Heard, Told, heard, words},
};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

const SHARDS: u16 = 4;
const START: u64 = 1_790_000_000_000;

fn transfer(from: &str, to: &str, id: &str, points: u64) -> Request {
    let command = Command::Transfer(Transfer {
        member: MemberId::new(from).unwrap(),
        to: MemberId::new(to).unwrap(),
        points: Points::new(points).unwrap(),
        point_type: PointType::new("points").unwrap(),
    });
    let principal = Principal::new("app").unwrap();
    Request::new(principal, RequestId::new(id).unwrap(), command, None, None)
}

/// Recovers what is on the medium and starts an engine on it.
fn start(medium: &Medium, clock: &HandClock, limits: Limits) -> Engine {
    Engine::start(recovered(medium, clock, limits)).unwrap()
}

/// What an engine is made of that goes on with what is on the medium.
fn recovered(medium: &Medium, clock: &HandClock, limits: Limits) -> Parts {
    let router = Router::new(SHARDS, 7).unwrap();
    let rules = Rules {
        router,
        ..Rules::default()
    };
    let ledger = |shard| Ledger::new(ShardIndex(shard), rules.clone());
    let mut ledgers: Vec<Ledger> = (0..SHARDS).map(ledger).collect();
    let mut journal = MemoryJournal::open(medium.clone());
    let recovered = recover(&mut journal, None, &mut ledgers).unwrap();
    Parts {
        router,
        ledgers,
        journal: Box::new(journal),
        recovered,
        identity: Identity::default(),
        head: None,
        keeping: None,
        limits,
        clock: Arc::new(clock.clone()),
        disk: Arc::new(Endless),
        lock: None,
    }
}

/// A head file that can be read and not be written.
fn unwritable_head() -> HeadFile {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("head");
    drop(HeadFile::create(&path, SHARDS).unwrap());
    let sealed = memfd_create("head", MemfdFlags::ALLOW_SEALING).unwrap();
    let mut file = File::from(sealed);
    file.write_all(&fs::read(&path).unwrap()).unwrap();
    fcntl_add_seals(&file, SealFlags::WRITE).unwrap();
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    HeadFile::open(path.as_ref(), SHARDS).unwrap().0
}

fn merchant(id: &str) -> Ask {
    let what = What::PutMerchant {
        merchant: "M1".to_owned(),
        name: "Tea".to_owned(),
    };
    Ask::new("app", id, what)
}

fn enrol(member: &str) -> Ask {
    let what = What::Enrol {
        member: member.to_owned(),
        attributes: None,
    };
    Ask::new("app", "enrol", what)
}

fn earn(member: &str, id: &str, points: u64) -> Ask {
    let what = What::Earn {
        member: member.to_owned(),
        merchant: "M1".to_owned(),
        points,
        point_type: "points".to_owned(),
        last_day: None,
        class: "ordinary".to_owned(),
        order: None,
        at: None,
        releases_at: None,
    };
    Ask::new("app", id, what)
}

fn hold(member: &str, id: &str, points: u64) -> Ask {
    let what = What::Hold {
        member: member.to_owned(),
        merchant: "M1".to_owned(),
        points,
        point_type: "points".to_owned(),
        used_for: None,
        order: None,
        ttl_seconds: 60,
    };
    Ask::new("app", id, what)
}

/// What an outcome says, in the words of the domain tables.
fn said(outcome: &Outcome) -> String {
    match outcome {
        Err(error) => format!("{error:?}"),
        Ok(reply) => match heard(reply) {
            Heard::Recorded { answer, replayed } => {
                let again = if replayed { "again " } else { "" };
                format!("{again}{}", words(&answer, START))
            }
            Heard::Declined(whys) => format!("declined {}", whys[0].code),
        },
    }
}

async fn submit(engine: &Engine, ask: &Ask) -> String {
    said(&engine.submit(ask.request()).await)
}

async fn submit_many(engine: &Engine, asks: &[Ask]) -> Vec<String> {
    let outcomes = engine
        .submit_many(asks.iter().map(Ask::request).collect())
        .await;
    outcomes.iter().map(said).collect()
}

#[actix_rt::test]
async fn a_batch_is_answered_in_its_order_and_a_document_is_on_all_shards() {
    let engine = start(&Medium::default(), &HandClock::at(START), Limits::default());
    let members: Vec<String> = (0..40).map(|number| format!("A{number}")).collect();
    assert_eq!(
        submit(&engine, &merchant("m")).await,
        "accepted: version 1, new"
    );
    let mut asks: Vec<Ask> = members.iter().map(|member| enrol(member)).collect();
    for (points, member) in (1..).zip(&members) {
        asks.push(earn(member, "e", points));
        asks.push(earn(member, "e", points));
    }
    let said = submit_many(&engine, &asks).await;
    assert!(said[..40].iter().all(|said| said == "accepted"));
    for (place, points) in (40..).step_by(2).zip(1..=40) {
        assert_eq!(said[place], format!("accepted: M1 {points}"));
        assert_eq!(said[place + 1], format!("again accepted: M1 {points}"));
    }
    for shard in 0..SHARDS {
        engine.audit(ShardIndex(shard)).await.unwrap().unwrap();
        let known = engine.look(ShardIndex(shard), |ledger| ledger.merchants().count());
        assert_eq!(known.await, Ok(1));
    }
    let figures = engine.shut_down().await.unwrap();
    assert!(figures.turns() >= 2);
    assert_eq!(submit(&engine, &enrol("B")).await, "Stopping");
}

#[actix_rt::test]
async fn too_many_at_once_are_refused_whole() {
    let limits = Limits {
        commands_per_shard: 3,
        ..Limits::default()
    };
    let engine = start(&Medium::default(), &HandClock::at(START), limits);
    submit(&engine, &enrol("A")).await;
    let four: Vec<Ask> = (0..4)
        .map(|number| earn("A", &number.to_string(), 1))
        .collect();
    assert_eq!(submit_many(&engine, &four).await, ["Overloaded"; 4]);
    // Nothing of it was done, and three fit.
    let three = submit_many(&engine, &four[..3]).await;
    assert_eq!(three, ["declined merchant_not_found"; 3]);
    engine.shut_down().await;
}

/// Goal: nobody else takes a directory for free whose journal is still written. Method: an engine on a head file that takes
/// no writes.
#[actix_rt::test]
async fn the_lock_is_held_until_everything_is_closed_whatever_fails() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("lock");
    let lock = File::create(&path).unwrap();
    lock.lock().unwrap();
    let (medium, clock) = (Medium::default(), HandClock::at(START));
    let engine = Engine::start(Parts {
        head: Some(unwritable_head()),
        lock: Some(lock),
        ..recovered(&medium, &clock, Limits::default())
    })
    .unwrap();
    submit(&engine, &merchant("m")).await;
    submit(&engine, &enrol("A")).await;
    let failed = engine.failed().await;
    assert!(failed.starts_with("write /proc/"), "{failed}");
    // What was let in is answered yet.
    assert_eq!(
        submit(&engine, &earn("A", "e1", 10)).await,
        "accepted: M1 10"
    );
    let another = || File::open(&path).unwrap().try_lock();
    assert!(matches!(another(), Err(TryLockError::WouldBlock)));
    engine.shut_down().await;
    another().unwrap();
}

#[actix_rt::test]
async fn a_failed_journal_acknowledges_nothing_more_and_a_restart_tells() {
    for (fault, after) in [
        (Fault::Lost, "accepted: M1 20"),
        (Fault::Torn(128), "accepted: M1 20"),
        (Fault::Unanswered, "again accepted: M1 20"),
    ] {
        let (medium, clock) = (Medium::default(), HandClock::at(START));
        let engine = start(&medium, &clock, Limits::default());
        submit(&engine, &merchant("m")).await;
        submit(&engine, &enrol("A")).await;
        assert_eq!(
            submit(&engine, &earn("A", "e1", 10)).await,
            "accepted: M1 10"
        );
        medium.fail_next(fault);
        assert_eq!(
            submit(&engine, &earn("A", "e2", 20)).await,
            "OutcomeUnknown",
            "{fault:?}"
        );
        assert_eq!(engine.failed().await, "the journal failed on demand");
        // Memory is ahead of the journal now, so nothing that it holds may be told.
        assert_eq!(
            submit(&engine, &earn("A", "e2", 20)).await,
            "OutcomeUnknown"
        );
        assert_eq!(
            submit(&engine, &earn("A", "e3", 30)).await,
            "OutcomeUnknown"
        );
        let read = engine.member(MemberId::new("A").unwrap()).await;
        assert_eq!(read, Err(EngineError::OutcomeUnknown));
        // What another shard would have to answer is not waited for.
        let sent = engine.submit(transfer("A", "B", "s1", 5)).await;
        assert_eq!(sent.err(), Some(EngineError::OutcomeUnknown));
        engine.shut_down().await;

        let engine = start(&medium, &clock, Limits::default());
        assert_eq!(
            submit(&engine, &earn("A", "e1", 10)).await,
            "again accepted: M1 10"
        );
        assert_eq!(
            submit(&engine, &earn("A", "e2", 20)).await,
            after,
            "{fault:?}"
        );
        assert_eq!(
            submit(&engine, &earn("A", "e3", 30)).await,
            "accepted: M1 30"
        );
        let read = engine
            .member(MemberId::new("A").unwrap())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(read.wallets[0].balance.available.get(), 60);
        engine.shut_down().await;
    }
}

#[actix_rt::test]
async fn holds_end_by_themselves_but_not_at_the_door() {
    let (medium, clock) = (Medium::default(), HandClock::at(START));
    let engine = start(&medium, &clock, Limits::default());
    submit(&engine, &merchant("m")).await;
    submit(&engine, &enrol("A")).await;
    submit(&engine, &earn("A", "e", 10)).await;
    let made = engine.submit(hold("A", "h", 10).request()).await.unwrap();
    let Heard::Recorded { answer, .. } = heard(&made) else {
        panic!("{made:?}")
    };
    let Told::Held { hold, .. } = answer.told else {
        panic!("{answer:?}")
    };
    let id = HoldId::parse(&hold).unwrap();
    engine.shut_down().await;

    // An hour later the process is back, and the hold has its grace of ten seconds.
    clock.advance(3_600 * 1_000);
    let engine = start(&medium, &clock, Limits::default());
    clock.advance(9 * 1_000);
    assert_eq!(
        engine.hold(id).await.unwrap().unwrap().state,
        HoldState::Open
    );
    clock.advance(2 * 1_000);
    // The shard looks by itself; asking is all there is to do until it has.
    let over = async { while engine.hold(id).await.unwrap().unwrap().state == HoldState::Open {} };
    actix_rt::time::timeout(Duration::from_secs(60), over)
        .await
        .expect("its time is over");
    assert_eq!(
        engine.hold(id).await.unwrap().unwrap().state,
        HoldState::Expired
    );
    engine.shut_down().await;
}

#[actix_rt::test]
async fn a_read_after_midnight_shows_what_has_lapsed_and_what_was_released() {
    let clock = HandClock::at(START);
    let engine = start(&Medium::default(), &clock, Limits::default());
    submit(&engine, &merchant("m")).await;
    submit(&engine, &enrol("A")).await;
    let today = u32::try_from((START + 8 * 3_600_000) / 86_400_000).unwrap();
    for (id, last, releases) in [
        ("today", Some(today), None),
        ("later", None, Some(START + 3_600_000)),
    ] {
        let mut ask = earn("A", id, 10);
        if let What::Earn {
            last_day,
            releases_at,
            ..
        } = &mut ask.what
        {
            (*last_day, *releases_at) = (last, releases);
        }
        assert!(submit(&engine, &ask).await.starts_with("accepted"));
    }
    let read = || engine.member(MemberId::new("A").unwrap());
    let wallet = read().await.unwrap().unwrap().wallets.remove(0);
    assert_eq!(wallet.balance.available.get(), 10);
    assert_eq!((wallet.lots.len(), wallet.pending.len()), (1, 1));
    clock.advance(24 * 3_600 * 1_000);
    let view = read().await.unwrap().unwrap();
    let wallet = &view.wallets[0];
    assert_eq!((wallet.lots.len(), wallet.pending.len()), (1, 0));
    assert_eq!(wallet.lots[0].last_day, jifen_engine::ledger::Day::NEVER);
    assert_eq!(view.state.name(), "active");
    engine.shut_down().await;
}
