//! Goal: an engine whose disk is nearly full refuses new work at once, goes on reading, does nothing by itself, finishes
//! what it has let in, and goes on by itself when there is room.
//!
//! Method: a whole engine on the journal in memory, with a disk and a clock that only the test moves; and the real binary
//! with a reserve that no disk has.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use jifen_engine::{
    Clock, Engine, EngineError, Limits, Parts, Router,
    disk::FreeSpace,
    journal::{
        identity::Identity,
        memory::{Medium, MemoryJournal},
        recovery::recover,
    },
    ledger::{HoldId, HoldState, Ledger, MemberId, Rules, ShardIndex, UnixMillis},
};
use jifen_tests::{
    ask::{Ask, What},
    heard::{Heard, Told, heard},
    server::{KEY, Server},
};

const SHARDS: u16 = 4;
const RESERVE: u64 = 800;
/// With the margin that makes sure that it stays open.
const ROOM: u64 = 900;
const DAY: u32 = 20_700;

/// A number that only the test changes: milliseconds of a clock, or bytes of a disk.
#[derive(Clone)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn at(value: u64) -> Self {
        Self(Arc::new(AtomicU64::new(value)))
    }

    fn set(&self, value: u64) {
        self.0.store(value, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

/// A disk with as much room as the test says, which counts who looks.
#[derive(Clone)]
struct HandDisk {
    free: Hand,
    looks: Hand,
}

impl HandDisk {
    fn with_room() -> Self {
        Self {
            free: Hand::at(ROOM),
            looks: Hand::at(0),
        }
    }

    /// Waits until somebody has looked so many times more. Between two looks a shard has more than one occasion to do
    /// what is due by itself.
    async fn looked_at(&self, times: u64) {
        let enough = self.looks.0.load(Ordering::SeqCst) + times;
        until(|| self.looks.0.load(Ordering::SeqCst) >= enough).await;
    }
}

impl FreeSpace for HandDisk {
    fn free_bytes(&self) -> io::Result<u64> {
        self.looks.0.fetch_add(1, Ordering::SeqCst);
        Ok(self.free.0.load(Ordering::SeqCst))
    }
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            actix_rt::task::yield_now().await;
        }
    };
    let waited = actix_rt::time::timeout(Duration::from_secs(60), waiting).await;
    waited.expect("it should have come to this long ago");
}

fn start(clock: &Hand, disk: &HandDisk) -> Engine {
    let router = Router::new(SHARDS, 7).unwrap();
    let rules = Rules {
        router,
        ..Rules::default()
    };
    let ledger = |shard| Ledger::new(ShardIndex(shard), rules.clone());
    let mut ledgers: Vec<Ledger> = (0..SHARDS).map(ledger).collect();
    let mut journal = MemoryJournal::open(Medium::default());
    let recovered = recover(&mut journal, None, &mut ledgers).unwrap();
    Engine::start(Parts {
        router,
        ledgers,
        journal: Box::new(journal),
        recovered,
        identity: Identity::default(),
        head: None,
        keeping: None,
        limits: Limits {
            disk_reserve_bytes: RESERVE,
            recovery_grace_seconds: 0,
            ..Limits::default()
        },
        clock: Arc::new(clock.clone()),
        disk: Arc::new(disk.clone()),
        lock: None,
    })
    .unwrap()
}

fn merchant() -> Ask {
    let what = What::PutMerchant {
        merchant: "M1".to_owned(),
        name: "Tea".to_owned(),
    };
    Ask::new("app", "m", what)
}

fn enrol(member: &str) -> Ask {
    let what = What::Enrol {
        member: member.to_owned(),
        attributes: None,
    };
    Ask::new("app", "enrol", what)
}

fn earn(id: &str, last_day: Option<u32>) -> Ask {
    let what = What::Earn {
        member: "A".to_owned(),
        merchant: "M1".to_owned(),
        points: 10,
        point_type: "points".to_owned(),
        last_day,
        class: "ordinary".to_owned(),
        order: None,
        at: None,
        releases_at: None,
    };
    Ask::new("app", id, what)
}

fn hold(id: &str, points: u64) -> Ask {
    let what = What::Hold {
        member: "A".to_owned(),
        merchant: "M1".to_owned(),
        points,
        point_type: "points".to_owned(),
        used_for: None,
        order: None,
        ttl_seconds: 60,
    };
    Ask::new("app", id, what)
}

/// What an engine tells of an accepted request.
async fn told(engine: &Engine, ask: &Ask) -> Told {
    let outcome = engine.submit(ask.request()).await.unwrap();
    match heard(&outcome) {
        Heard::Recorded { answer, .. } => answer.told,
        declined @ Heard::Declined(_) => panic!("{ask:?}: {declined:?}"),
    }
}

async fn available(engine: &Engine) -> u64 {
    let member = engine.member(MemberId::new("A").unwrap()).await;
    member.unwrap().unwrap().wallets[0].balance.available.get()
}

async fn last_seqs(engine: &Engine) -> Vec<u64> {
    let mut seqs = Vec::new();
    for shard in (0..SHARDS).map(ShardIndex) {
        let seq = engine.look(shard, |ledger| ledger.last_seq().0).await;
        seqs.push(seq.unwrap());
    }
    seqs
}

#[actix_rt::test]
async fn a_short_disk_closes_the_door_and_room_opens_it_again() {
    let (clock, disk) = (Hand::at(1), HandDisk::with_room());
    let engine = start(&clock, &disk);
    for ask in [merchant(), enrol("A"), earn("e1", None)] {
        told(&engine, &ask).await;
    }
    assert!(!engine.is_short_of_disk());
    let before = last_seqs(&engine).await;

    disk.free.set(RESERVE - 1);
    until(|| engine.is_short_of_disk()).await;
    let retry = engine.submit(earn("e1", None).request()).await;
    assert_eq!(retry, Err(EngineError::DiskFull));
    let many = [earn("e2", None), enrol("B"), merchant()].map(|ask| ask.request());
    let many = engine.submit_many(many.to_vec()).await;
    assert_eq!(many, vec![Err(EngineError::DiskFull); 3]);
    assert_eq!(available(&engine).await, 10, "reads go on");
    assert_eq!(last_seqs(&engine).await, before);

    // What is just enough does not open it: the next command could close it again.
    disk.free.set(RESERVE);
    disk.looked_at(2).await;
    assert!(engine.is_short_of_disk());
    disk.free.set(ROOM);
    until(|| !engine.is_short_of_disk()).await;
    told(&engine, &earn("e2", None)).await;
    assert_eq!(available(&engine).await, 20);
    engine.shut_down().await;
}

#[actix_rt::test]
async fn what_time_does_waits_for_room() {
    let midnight = (u64::from(DAY) + 1) * 86_400_000 - 8 * 3_600_000;
    let (clock, disk) = (Hand::at(midnight - 30_000), HandDisk::with_room());
    let engine = start(&clock, &disk);
    for ask in [merchant(), enrol("A"), earn("e1", None)] {
        told(&engine, &ask).await;
    }
    let Told::Held { hold, .. } = told(&engine, &hold("h", 3)).await else {
        panic!("not held");
    };
    let hold = HoldId::parse(&hold).unwrap();
    // The points of the last day are not those that are held.
    told(&engine, &earn("e2", Some(DAY))).await;
    let state = async || engine.hold(hold).await.unwrap().unwrap().state;
    let before = last_seqs(&engine).await;

    disk.free.set(0);
    until(|| engine.is_short_of_disk()).await;
    clock.set(midnight + 3_600_000);
    disk.looked_at(3).await;
    assert_eq!(state().await, HoldState::Open);
    assert_eq!(
        available(&engine).await,
        17,
        "as it was while there was room"
    );
    assert_eq!(last_seqs(&engine).await, before);

    disk.free.set(ROOM);
    let over = async { while state().await == HoldState::Open {} };
    let over = actix_rt::time::timeout(Duration::from_secs(60), over).await;
    over.expect("its time is over");
    assert_eq!(
        available(&engine).await,
        10,
        "seven, and three that were held"
    );
    engine.shut_down().await;
}

/// A document is brought to all shards behind its own turn, which is the longest way there is.
#[actix_rt::test]
async fn what_was_let_in_is_finished() {
    let (clock, disk) = (Hand::at(1), HandDisk::with_room());
    let engine = start(&clock, &disk);
    let mut let_in = pin!(engine.submit(merchant().request()));
    // It is on its way as soon as it was polled once.
    poll_fn(|context| {
        assert!(let_in.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    disk.free.set(0);
    until(|| engine.is_short_of_disk()).await;
    let outcome = let_in.await.unwrap();
    assert!(matches!(heard(&outcome), Heard::Recorded { .. }));
    for shard in (0..SHARDS).map(ShardIndex) {
        let known = engine.look(shard, |ledger| ledger.merchants().count());
        assert_eq!(known.await, Ok(1), "{shard:?}");
    }
    assert!(engine.shut_down().await.is_some());
}

fn asked(request: ureq::RequestBuilder<ureq::typestate::WithoutBody>) -> (u16, String, String) {
    let mut answer = request
        .header("Authorization", format!("Bearer {KEY}"))
        .config()
        .http_status_as_error(false)
        .build()
        .call()
        .unwrap();
    let header = answer.headers().get("retry-after");
    let header = header.map_or("", |value| value.to_str().unwrap());
    let (status, header) = (answer.status().as_u16(), header.to_owned());
    (status, header, answer.body_mut().read_to_string().unwrap())
}

#[test]
fn the_binary_refuses_commands_and_says_why() {
    let data = tempfile::tempdir().unwrap();
    let enrolled = |url: &str, id: &str| {
        let request = ureq::put(format!("{url}/v1/members/A"))
            .header("Authorization", format!("Bearer {KEY}"))
            .header("Idempotency-Key", id)
            .config()
            .http_status_as_error(false)
            .build();
        let mut answer = request.send_empty().unwrap();
        let wait = answer.headers().get("retry-after").cloned();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), wait, body)
    };
    let server = Server::start_with(data.path(), &["--disk-reserve", "0"]).unwrap();
    assert_eq!(enrolled(server.url(), "1").0, 201);
    assert_eq!(
        asked(ureq::get(format!("{}/health/ready", server.url()))).0,
        200
    );
    assert!(server.terminate().0.success());

    // More than there is on any disk.
    let server = Server::start_with(data.path(), &["--disk-reserve=1000000TiB"]).unwrap();
    let url = server.url();
    let (status, wait, body) = enrolled(url, "2");
    assert_eq!(status, 503);
    assert!(wait.is_some());
    for said in [
        r#""code":"unavailable""#,
        r#""retryable":true"#,
        "disk is nearly full",
        "free some space",
    ] {
        assert!(body.contains(said), "{body}");
    }
    assert_eq!(asked(ureq::get(format!("{url}/v1/members/A"))).0, 200);
    assert_eq!(asked(ureq::get(format!("{url}/health/live"))).0, 200);
    let (status, wait, body) = asked(ureq::get(format!("{url}/health/ready")));
    assert_eq!(status, 503);
    assert_ne!(wait, "");
    assert!(body.contains("disk is nearly full"), "{body}");
    let (status, log) = server.terminate();
    assert!(status.success());
    assert_eq!(log.matches("the disk is nearly full").count(), 1, "{log}");
    assert!(log.contains("--disk-reserve"), "{log}");
}
