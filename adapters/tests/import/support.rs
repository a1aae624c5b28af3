//! An engine on a medium in memory with a clock that stands still, so that equal histories give equal hashes.

use std::{
    fs,
    future::{Future, pending},
    io::{Cursor, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use jifen_adapters::file::{
    Defaults, Finished, Format, Import, ImportName, MerchantArg, Pace, Progress, Source,
    put_merchants,
};
use jifen_engine::{
    Clock, Engine, Limits, Parts, Router,
    disk::Endless,
    journal::{
        identity::Identity,
        memory::{Medium, MemoryJournal},
        recovery::recover,
    },
    ledger::{Ledger, MemberId, PointType, Rules, ShardIndex, UnixMillis},
};
use tempfile::TempDir;

/// 2026-11-21T12:00:00Z, always.
pub(crate) struct Noon;

impl Clock for Noon {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_795_262_400_000)
    }
}

/// What survives an engine, and the directory for reports.
pub(crate) struct Place {
    pub(crate) medium: Medium,
    pub(crate) reports: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            medium: Medium::default(),
            reports: tempfile::tempdir().unwrap(),
        }
    }

    /// An engine on what the medium holds.
    pub(crate) fn open(&self) -> Engine {
        let router = Router::new(4, 7).unwrap();
        let mut ledgers: Vec<Ledger> = (0..router.shards())
            .map(|shard| {
                let rules = Rules {
                    router,
                    ..Rules::default()
                };
                Ledger::new(ShardIndex(shard), rules)
            })
            .collect();
        let mut journal = MemoryJournal::open(self.medium.clone());
        let recovered = recover(&mut journal, None, &mut ledgers).unwrap();
        Engine::start(Parts {
            router,
            ledgers,
            journal: Box::new(journal),
            recovered,
            identity: Identity::default(),
            head: None,
            keeping: None,
            limits: Limits::default(),
            clock: Arc::new(Noon),
            disk: Arc::new(Endless),
            lock: None,
        })
        .unwrap()
    }

    pub(crate) fn report_path(&self) -> PathBuf {
        self.reports.path().join("refused.ndjson")
    }

    /// Opens an engine, imports, and closes it.
    pub(crate) async fn import(&self, job: Job) -> Finished {
        let engine = self.open();
        let finished = self.import_into(&engine, job, pending()).await;
        engine.shut_down().await;
        finished
    }

    /// Makes the market known and imports.
    pub(crate) async fn import_into(
        &self,
        engine: &Engine,
        job: Job,
        stop: impl Future<Output = ()>,
    ) -> Finished {
        let name = ImportName::new(job.name).unwrap();
        let market: MerchantArg = "harbour-market=Harbour Market".parse().unwrap();
        put_merchants(engine, &name, &[market]).await.unwrap();
        let defaults = Defaults {
            name,
            kind: None,
            point_type: PointType::new("points").unwrap(),
        };
        let source = Source::new(job.read, job.format, defaults)
            .unwrap()
            .unwrap();
        let import = Import {
            source,
            report: self.report_path(),
            pace: job.pace,
        };
        import.run(engine, stop, &Progress::hidden()).await.unwrap()
    }

    /// The hash of every shard; fails if the books do not hold.
    pub(crate) async fn state(&self) -> Vec<String> {
        let engine = self.open();
        let mut state = Vec::new();
        for shard in 0..engine.router().shards() {
            let (hash, _) = engine.audit(ShardIndex(shard)).await.unwrap().unwrap();
            state.push(hash.to_string());
        }
        engine.shut_down().await;
        state
    }

    /// What a member can spend.
    pub(crate) async fn available(&self, member: &str) -> u64 {
        let engine = self.open();
        let member = engine
            .member(MemberId::new(member).unwrap())
            .await
            .unwrap()
            .unwrap();
        engine.shut_down().await;
        member
            .wallets
            .iter()
            .map(|wallet| wallet.balance.available.get())
            .sum()
    }

    pub(crate) fn report(&self) -> String {
        fs::read_to_string(self.report_path()).unwrap()
    }
}

/// What is to be imported, and how.
pub(crate) struct Job {
    name: &'static str,
    read: Box<dyn Read + Send>,
    format: Format,
    pace: Pace,
}

impl Job {
    pub(crate) fn new(name: &'static str, read: impl Read + Send + 'static) -> Self {
        Self {
            name,
            read: Box::new(read),
            format: Format::Ndjson,
            pace: Pace::within(&Limits::default()),
        }
    }

    pub(crate) fn text(name: &'static str, text: &'static str) -> Self {
        Self::new(name, Cursor::new(text))
    }

    pub(crate) fn csv(mut self) -> Self {
        self.format = Format::Csv;
        self
    }

    /// Small steps: what is read is never far ahead of what is durable.
    pub(crate) fn in_small_steps(mut self) -> Self {
        self.pace = Pace {
            lines_per_chunk: 100,
            chunks_in_flight: 2,
        };
        self
    }
}

/// A file of the examples.
pub(crate) fn example(name: &str) -> Vec<u8> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    fs::read(examples.join(name)).unwrap()
}
