//! Starting an engine: its parts, its threads, and its shards in their actors.

use std::{
    fs::File,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64},
    },
};

use actix::{Actor, Arbiter};
use compact_str::CompactString;
use tokio::sync::oneshot;

use crate::{
    checkpoint::{Images, ShardImage, keeper::Keeper},
    clock::Clock,
    closing::{Closer, Store},
    disk::{Disk, FreeSpace},
    engine::{Engine, Inner, Shard},
    error::OpenError,
    feed::{self, Feed},
    history::{Catalogue, History},
    host,
    journal::{
        Journal,
        committer::Committer,
        epoch::{Epoch, EpochHead},
        epochs::Epochs,
        head::HeadFile,
        identity::Identity,
        recovery::Recovered,
    },
    ledger::{Document, Ledger, Rules, Seq, ShardIndex},
    limits::{Gate, Limits},
    meters::Meters,
    router::Router,
    shard::{
        Found, Sealed, ShardCore,
        actor::{Mail, Outlets, ShardActor},
    },
    view::View,
};

/// What an engine is made of.
pub struct Parts {
    /// Places members on shards.
    pub router: Router,
    /// The shards' state, replayed.
    pub ledgers: Vec<Ledger>,
    /// Where entries become durable.
    pub journal: Box<dyn Journal>,
    /// Where that journal stands, and what the ledgers do not keep in memory.
    pub recovered: Recovered,
    /// Which journal that is.
    pub identity: Identity,
    /// Where to note how far the journal is, if anywhere.
    pub head: Option<HeadFile>,
    /// What is kept of the journal's history, if anything.
    pub keeping: Option<Keeping>,
    /// Bounds.
    pub limits: Limits,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// How much room there is for what is still to come.
    pub disk: Arc<dyn FreeSpace>,
    /// The data directory's lock, given back when the engine has ended and let go of all files.
    pub lock: Option<File>,
}

/// What an engine keeps beside the epoch that it writes: checkpoints, archives, and the view of them.
pub struct Keeping {
    /// Everything that was ever journaled; the epoch that is written has begun in it.
    pub history: Arc<History>,
    /// Where epochs are kept until they are archived.
    pub epochs: Box<dyn Epochs>,
    /// The epoch that is written.
    pub epoch: Epoch,
    /// How many bytes of values it has.
    pub epoch_bytes: u64,
    /// Where images go.
    pub images: Images,
    /// The image that each shard came from.
    pub known: Vec<Option<ShardImage>>,
    /// The epoch of the newest checkpoint.
    pub newest: Option<Epoch>,
    /// What statements are made from, if it is kept.
    pub view: Option<Arc<View>>,
    /// Where settlements go.
    pub settlements: Store,
}

impl Engine {
    /// Starts the shards and the threads beside them. To be called on a thread that runs an actix system.
    pub fn start(parts: Parts) -> Result<Self, OpenError> {
        let Parts {
            router,
            mut ledgers,
            journal,
            recovered,
            identity,
            head,
            keeping,
            limits,
            clock,
            disk,
            lock,
        } = parts;
        for ledger in &mut ledgers {
            ledger.is_placed_by(router);
        }
        let documents: Vec<Document> = ledgers[usize::from(Router::DOCUMENTS.0)]
            .merchants()
            // With contracts they come over links alone.
            .filter(|merchant| merchant.contracts.is_empty())
            .map(crate::ledger::Merchant::document)
            .collect();
        let rules = ledgers[0].rules().clone();
        let closing = ledgers[usize::from(Router::DOCUMENTS.0)]
            .clearing()
            .closing()
            .is_some();
        let history = match &keeping {
            Some(keeping) => Arc::clone(&keeping.history),
            None => history_of(journal.as_ref(), router.shards(), recovered.turn)?,
        };
        let durable: Vec<Arc<AtomicU64>> = ledgers
            .iter()
            .map(|ledger| Arc::new(AtomicU64::new(ledger.last_seq().0)))
            .collect();
        let past = Arc::new(recovered.past);
        let disk = Arc::new(Disk::new(disk, limits.disk_reserve_bytes));
        let meters = Arc::new(Meters::new(ledgers.len()));
        let view = keeping.as_ref().and_then(|keeping| keeping.view.clone());
        let store = keeping.as_ref().map(|keeping| keeping.settlements.clone());
        let epoch_bytes = keeping.as_ref().map_or(0, |keeping| keeping.epoch_bytes);
        let mut running = host::start(host::Work {
            committer: Committer::new(journal, recovered.chains, recovered.turn)
                .with_epoch_bytes(epoch_bytes),
            head,
            durable: durable.clone(),
            past: Arc::clone(&past),
            disk: Arc::clone(&disk),
            history: Arc::clone(&history),
            view: view.clone(),
            meters: Arc::clone(&meters),
            checkpoint_bytes: limits.checkpoint_bytes,
        })?;
        let arbiters: Vec<Arbiter> = (0..limits.host_threads.max(1))
            .map(|_| Arbiter::new())
            .collect();
        let no_expiry_before = clock.now().plus_seconds(limits.recovery_grace_seconds);
        let outlets = Outlets {
            committer: running.inbox.clone(),
            past: Arc::clone(&past),
            disk: Arc::clone(&disk),
            failure: running.failure.clone(),
            peers: Arc::default(),
            meters: Arc::default(),
        };
        let shards: Vec<Shard> = ledgers
            .into_iter()
            .zip(durable.iter().cloned())
            .enumerate()
            .map(|(place, (ledger, durable))| {
                let core = ShardCore::new(ledger, no_expiry_before);
                let meters = &meters.shards[place];
                let outlets = Outlets {
                    meters: Arc::clone(meters),
                    ..outlets.clone()
                };
                let actor = ShardActor::new(core, Arc::clone(&clock), outlets, durable);
                let arbiter = arbiters[place % arbiters.len()].handle();
                Shard {
                    address: ShardActor::start_in_arbiter(&arbiter, |_| actor),
                    gate: Gate::new(
                        limits.commands_per_shard,
                        Arc::clone(meters),
                        limits.metered,
                    ),
                }
            })
            .collect();
        let addresses: Vec<_> = shards.iter().map(|shard| shard.address.clone()).collect();
        let _ = outlets.peers.set(addresses);
        for shard in &shards {
            shard.address.do_send(Mail::Greet);
        }
        let feed = Arc::new(Feed::new(Arc::clone(&history), identity, durable));
        running.threads.start_feed(&feed, names_of(&shards))?;
        let stopping = Arc::new(AtomicBool::new(false));
        let orders = match keeping {
            Some(keeping) => {
                let watched = (&meters, &clock, &disk);
                let keeper = keeper(keeping, &past, rules, &running, &shards, &stopping, watched);
                running
                    .threads
                    .start_keeper(keeper, running.orders.clone())?;
                Some(running.threads.orders().clone())
            }
            None => None,
        };
        let addresses = shards.iter().map(|shard| shard.address.clone()).collect();
        let closer = Arc::new(Closer::new(
            addresses,
            Arc::clone(&history),
            store,
            Arc::clone(&stopping),
        ));
        let engine = Self(Arc::new(Inner {
            closer,
            router,
            shards,
            arbiters,
            past,
            disk,
            clock,
            history,
            view,
            feed,
            orders,
            meters,
            stopping,
            failed: running.failed,
            threads: Mutex::new(Some(running.threads)),
            lock: Mutex::new(lock),
        }));
        // A crash may have come between shard 0's decision and its arrival elsewhere. Mail is read in order, so every
        // command that is submitted from now on finds the documents.
        drop(engine.carry(&documents));
        if closing {
            engine.close_what_is_due();
        }
        Ok(engine)
    }
}

/// The history of a journal of one epoch, of which nothing is archived.
fn history_of(
    journal: &dyn Journal,
    shards: u16,
    last_turn: u64,
) -> Result<Arc<History>, OpenError> {
    let history = History::new(Catalogue::nowhere(), shards);
    history.found(EpochHead::first(shards), journal.reader(), last_turn)?;
    Ok(Arc::new(history))
}

/// Asks a shard for all names that it knows. The answer comes when all that the shard has seen is durable.
fn names_of(shards: &[Shard]) -> feed::Ask {
    let addresses: Vec<_> = shards.iter().map(|shard| shard.address.clone()).collect();
    Box::new(move |shard| {
        let (to, told) = oneshot::channel();
        let look = Box::new(move |ledger: &Ledger| {
            let names = ledger.symbols().iter().map(CompactString::new).collect();
            let seen = (names, ledger.last_seq());
            Box::new(move || {
                let _ = to.send(seen);
            }) as Found
        });
        addresses[usize::from(shard.0)].do_send(Mail::Look { due: None, look });
        told.blocking_recv().ok()
    })
}

fn keeper(
    keeping: Keeping,
    past: &Arc<crate::past::Past>,
    rules: Rules,
    running: &host::Running,
    shards: &[Shard],
    stopping: &Arc<AtomicBool>,
    (meters, clock, disk): (&Arc<Meters>, &Arc<dyn Clock>, &Arc<Disk>),
) -> Keeper {
    let addresses: Vec<_> = shards.iter().map(|shard| shard.address.clone()).collect();
    let (rolls, inbox) = (running.rolls.clone(), running.inbox.clone());
    Keeper {
        images: keeping.images,
        epochs: keeping.epochs,
        history: keeping.history,
        past: Arc::clone(past),
        rules,
        known: keeping.known,
        epoch: keeping.epoch,
        to_roll: false,
        newest: keeping.newest,
        order_image: Box::new(move |shard, order| {
            addresses[usize::from(shard.0)].do_send(Mail::Image(order));
        }),
        order_roll: Box::new(move |roll| {
            // Both are received unless the committer is gone, which drops the roll and so tells.
            let _ = rolls.send(roll);
            let _ = inbox.send(Sealed {
                shard: ShardIndex(0),
                first: Seq(0),
                count: 0,
                body: Vec::new(),
                held: Vec::new(),
            });
        }),
        stopping: Arc::clone(stopping),
        meters: Arc::clone(meters),
        clock: Arc::clone(clock),
        disk: Arc::clone(disk),
    }
}
