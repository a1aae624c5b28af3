//! The rungs: the same work over more and more of the path. Each answers with how long the work took, and checks that
//! every command was accepted: a faster wrong answer is none.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use jifen_engine::{
    DataDirectory, Engine, Limits, Options, Outcome, Parts, SystemClock,
    disk::Endless,
    journal::{
        Journal,
        block::Chain,
        committer::Committer,
        identity::Identity,
        memory::{Medium, MemoryJournal},
        recovery::Recovered,
        sled_journal::SledJournal,
    },
    ledger::{Answer, Decision, Facts, Ledger, Request, UnixMillis, Verdict},
    past::Past,
    shard::{Reply, Sealed, ShardCore},
};

use crate::workload::{BATCH, Workload, batches, fresh_ledgers, fresh_shards, put_everywhere};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
/// How many batches are on their way at once.
const IN_FLIGHT: usize = 4;

/// The ledger alone: decide, apply, answer. The request is remembered, its record left empty.
#[must_use]
pub fn ledger(workload: &Workload) -> Duration {
    let mut ledgers: Vec<_> = prepared(workload);
    let parts = parts(workload);
    let start = Instant::now();
    decide_all(&mut ledgers, &parts);
    start.elapsed()
}

/// The work as it comes to shards: of every batch, each shard's part.
fn parts(workload: &Workload) -> Vec<(usize, Vec<Request>)> {
    let shards = usize::from(workload.router.shards());
    let split = workload.work.chunks(BATCH).flat_map(|batch| {
        let mut parts: Vec<(usize, Vec<Request>)> =
            (0..shards).map(|shard| (shard, Vec::new())).collect();
        for request in batch {
            parts[place(workload, request)].1.push(request.clone());
        }
        parts
    });
    split.filter(|(_, part)| !part.is_empty()).collect()
}

/// What is timed of [`ledger`]. A function of its own, so that its instructions can be counted by name.
#[inline(never)]
fn decide_all(ledgers: &mut [Ledger], parts: &[(usize, Vec<Request>)]) {
    for (shard, part) in parts {
        let ledger = &mut ledgers[*shard];
        for ahead in part.chunks(Ledger::AHEAD) {
            if ledger.gains_by_looking_ahead() {
                ledger.look_ahead(ahead);
            }
            ahead.iter().for_each(|request| decide_one(ledger, request));
        }
    }
}

fn decide_one(ledger: &mut Ledger, request: &Request) {
    let decision = ledger.decide(NOW, request, Facts::NONE);
    let Decision::Record(entry) = &decision else {
        panic!("every command of the workload is new and recorded");
    };
    ledger.apply(entry, &[]);
    let answer = Answer::recorded(entry, ledger.shard(), ledger.symbols());
    assert!(accepted(black_box(&answer.expect("it has an origin"))));
}

fn prepared(workload: &Workload) -> Vec<Ledger> {
    let mut shards = fresh_shards(workload.router);
    for put in &workload.merchants {
        put_everywhere(&mut shards, put);
    }
    for request in &workload.setup {
        let shard = &mut shards[place(workload, request)];
        drop(shard.submit(NOW, request));
        shard.seal();
    }
    shards.into_iter().map(ShardCore::into_ledger).collect()
}

/// The shard core: the ledger, and each entry encoded and remembered.
#[must_use]
pub fn encoded(workload: &Workload) -> Duration {
    let mut shards: Vec<ShardCore<()>> = cores(workload);
    let start = Instant::now();
    submit_each(&mut shards, workload);
    start.elapsed()
}

/// What is timed of [`encoded`], for the same reason.
#[inline(never)]
fn submit_each(shards: &mut [ShardCore<()>], workload: &Workload) {
    for request in &workload.work {
        let shard = &mut shards[place(workload, request)];
        check(black_box(&shard.submit(NOW, request)));
        if shard.is_full() {
            black_box(shard.seal());
        }
    }
}

fn cores<H>(workload: &Workload) -> Vec<ShardCore<H>> {
    prepared(workload)
        .into_iter()
        .map(|ledger| ShardCore::new(ledger, UnixMillis(0)))
        .collect()
}

/// The shard cores and a committer over a journal, on one thread: a turn after every batch.
#[must_use]
pub fn journaled(workload: &Workload, journal: Box<dyn Journal>) -> Duration {
    let mut shards: Vec<ShardCore<Reply>> = cores(workload);
    let chains = shards.iter().map(|shard| Chain {
        seq: shard.last_seq(),
        ..Chain::default()
    });
    let mut committer = Committer::new(journal, chains.collect(), 0);
    let start = Instant::now();
    for batch in workload.work.chunks(BATCH) {
        let mut turn: Vec<Sealed<Reply>> = Vec::new();
        for request in batch {
            let shard = &mut shards[place(workload, request)];
            let reply = shard.submit(NOW, request);
            shard.hold_back(reply);
            if shard.is_full() {
                turn.extend(shard.seal());
            }
        }
        turn.extend(shards.iter_mut().filter_map(ShardCore::seal));
        committer.commit(&mut turn).expect("the journal works");
        turn.iter().flat_map(|sealed| &sealed.held).for_each(check);
    }
    start.elapsed()
}

/// [`journaled`] on a journal in memory.
#[must_use]
pub fn memory(workload: &Workload) -> Duration {
    journaled(workload, Box::new(MemoryJournal::open(Medium::default())))
}

/// [`journaled`] on sled, on disk, with every sync.
#[must_use]
pub fn sled(workload: &Workload) -> Duration {
    let directory = tempfile::tempdir_in(".").expect("a directory to write to");
    let journal = SledJournal::open(&directory.path().join("journal")).expect("sled opens");
    journaled(workload, Box::new(journal))
}

/// The whole engine in process: actors on their threads, the committer on its own, sled with every sync.
#[must_use]
pub fn engine(workload: &Workload) -> Duration {
    let directory = tempfile::tempdir_in(".").expect("a directory to write to");
    actix_rt::System::new().block_on(async {
        let directory = DataDirectory::lock(directory.path()).expect("nobody else is there");
        // Holds carry their shard, so the engine has to place members as the rehearsal did.
        directory
            .make(workload.router)
            .expect("a directory to write to");
        let opened = directory
            .open(Options::default())
            .expect("a fresh directory opens");
        run_engine(opened.engine, workload).await
    })
}

/// The engine over a journal in memory: what actors and threads cost without a disk.
#[must_use]
pub fn actors(workload: &Workload) -> Duration {
    actix_rt::System::new().block_on(async {
        let recovered = Recovered {
            turn: 0,
            chains: vec![Chain::default(); usize::from(workload.router.shards())],
            entries: 0,
            dropped: None,
            past: Past::in_memory(),
        };
        let engine = Engine::start(Parts {
            router: workload.router,
            ledgers: fresh_ledgers(workload.router),
            journal: Box::new(MemoryJournal::open(Medium::default())),
            recovered,
            identity: Identity::default(),
            head: None,
            keeping: None,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            disk: Arc::new(Endless),
            lock: None,
        });
        run_engine(engine.expect("threads start"), workload).await
    })
}

async fn run_engine(engine: Engine, workload: &Workload) -> Duration {
    for put in &workload.merchants {
        let outcome = engine.submit(put.clone()).await;
        check(&outcome.expect("the engine runs"));
    }
    submit_all(&engine, batches(&workload.setup)).await;
    let work = batches(&workload.work);
    let start = Instant::now();
    submit_all(&engine, work).await;
    let elapsed = start.elapsed();
    let figures = engine.shut_down().await.expect("shut down once");
    eprintln!(
        "    {} turns, median {} entries, {} bytes, {} us",
        figures.turns(),
        figures.entries.value_at_quantile(0.5),
        figures.bytes.value_at_quantile(0.5),
        figures.micros.value_at_quantile(0.5),
    );
    elapsed
}

pub(crate) async fn submit_all(engine: &Engine, batches: Vec<Vec<Request>>) {
    let mut flying = FuturesUnordered::new();
    for batch in batches {
        if flying.len() >= IN_FLIGHT
            && let Some(outcomes) = flying.next().await
        {
            check_all(&joined(outcomes));
        }
        // A mail leaves when its future is first looked at; spawning keeps the order of the batches.
        let engine = engine.clone();
        flying.push(actix_rt::spawn(
            async move { engine.submit_many(batch).await },
        ));
    }
    while let Some(outcomes) = flying.next().await {
        check_all(&joined(outcomes));
    }
}

fn joined<E: std::fmt::Debug>(outcomes: Result<Vec<Outcome>, E>) -> Vec<Outcome> {
    outcomes.expect("no batch panics")
}

pub(crate) fn check_all(outcomes: &[Outcome]) {
    for outcome in outcomes {
        check(outcome.as_ref().expect("the engine runs"));
    }
}

fn check(reply: &Reply) {
    assert!(reply.as_ref().is_ok_and(accepted), "{reply:?}");
}

fn accepted(answer: &Answer) -> bool {
    matches!(answer.verdict, Verdict::Accepted(_)) && !answer.replayed
}

fn place(workload: &Workload, request: &Request) -> usize {
    let shard = workload.router.command(request.command());
    usize::from(shard.expect("made for this router").0)
}
