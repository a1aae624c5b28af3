//! The actor around a shard: mail in, sealed blocks out. The thinking is in [`ShardCore`].

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message};
use crossbeam::channel::Sender;
use tokio::sync::{mpsc, oneshot};

use super::{
    Found, Held, ImageOrder, ImagePart, Reply, Said, Sealed, Search, ShardCore, Share, Ticket,
    imaging, search::Searches,
};
use crate::{
    clock::Clock,
    disk::Disk,
    host::Failure,
    ledger::{Document, Ledger, MemberId, Need, Parcel, Period, Request, Root},
    limits::Pass,
    meters::{ShardMeters, Stage},
    past::{Loaded, Past},
};

/// How often a shard looks for what is due by itself.
const EXPIRY_EVERY: Duration = Duration::from_millis(100);
/// How often a shard looks at pools that wait for time to pass, and whether the others can still be heard.
const WAKE_EVERY: Duration = Duration::from_millis(10);
/// How much of that is done at most before other mail is looked at.
const EXPIRIES_PER_LOOK: usize = 256;
/// How many chunks of old records a shard reads at once.
const LOADS_MAX: usize = 4;

/// A read: looks at the ledger at once, and gives what is to be said when all that it saw is durable.
pub type Look = Box<dyn FnOnce(&Ledger) -> Found + Send>;

/// A shard's mail.
#[derive(Message)]
#[rtype(result = "()")]
#[allow(missing_docs)]
#[allow(
    clippy::large_enum_variant,
    reason = "a single command is the most frequent mail, and a box would cost each an allocation"
)]
pub enum Mail {
    One {
        request: Request,
        to: oneshot::Sender<Said<Reply>>,
        pass: Pass,
    },
    /// The replies come in one share, but for those of commands that had to wait.
    Many {
        places: Vec<u32>,
        requests: Vec<Request>,
        to: mpsc::UnboundedSender<Said<Share>>,
        pass: Pass,
    },
    Look {
        /// Of whom everything that is due is recorded first.
        due: Option<MemberId>,
        look: Look,
    },
    Search(Search),
    Image(ImageOrder),
    Carry {
        documents: Vec<Document>,
        done: oneshot::Sender<()>,
    },
    /// A settlement is proven, and is to be published; tells when that is durable, also if it was published before.
    Publish {
        period: Period,
        root: Root,
        done: oneshot::Sender<()>,
    },
    /// All shards are there: what was sent before the last end and not acknowledged goes again.
    Greet,
    /// What another shard sent.
    Parcel(Parcel),
    /// Drops the sender once nobody waits for an answer any more.
    Drain(oneshot::Sender<()>),
    /// Old records that the shard wanted; `None` if they cannot be read, which has been told.
    Loaded(Option<Vec<Loaded>>),
    /// Seals what has gathered. The shard sends it to itself, so it stands behind all mail that came before.
    Seal,
    /// Answers whoever still waits for old records, seals, stops, and drops the sender.
    Finish(oneshot::Sender<()>),
}

/// Where a shard's work goes.
#[derive(Clone)]
pub struct Outlets {
    /// Makes blocks durable.
    pub(crate) committer: Sender<Sealed<Held>>,
    /// Keeps old records.
    pub(crate) past: Arc<Past>,
    /// Whether there is room for what time does by itself.
    pub(crate) disk: Arc<Disk>,
    /// Is told what cannot go on.
    pub(crate) failure: Failure,
    /// All shards in their order, as soon as they are there.
    pub(crate) peers: Arc<OnceLock<Vec<Addr<ShardActor>>>>,
    /// Is told how the shard stands.
    pub(crate) meters: Arc<ShardMeters>,
}

/// One shard at work.
pub struct ShardActor {
    core: ShardCore<Held, Ticket>,
    searches: Searches,
    clock: Arc<dyn Clock>,
    outlets: Outlets,
    /// The shard's last durable sequence, as the committer tells it.
    durable: Arc<AtomicU64>,
    /// Whether a `Seal` is in the mailbox.
    sealing: bool,
    /// An image under way.
    imaging: Option<ImageOrder>,
    /// How many chunks are being read.
    loads: usize,
    /// Dropped when nobody waits for an answer.
    draining: Option<oneshot::Sender<()>>,
    /// Dropped when all is said.
    finishing: Option<oneshot::Sender<()>>,
}

impl ShardActor {
    /// A shard that works for `outlets`.
    #[must_use]
    pub fn new(
        core: ShardCore<Held, Ticket>,
        clock: Arc<dyn Clock>,
        outlets: Outlets,
        durable: Arc<AtomicU64>,
    ) -> Self {
        Self {
            core,
            searches: Searches::default(),
            clock,
            outlets,
            durable,
            sealing: false,
            imaging: None,
            loads: 0,
            draining: None,
            finishing: None,
        }
    }

    fn submit(&mut self, request: Request, to: oneshot::Sender<Said<Reply>>, mut pass: Pass) {
        pass.passed(Stage::Queued);
        match self.core.first_look(self.clock.now(), &request) {
            Ok(reply) => self.reply(Ticket::One { to, pass }, reply),
            Err(wait) => self.core.park(wait, request, Ticket::One { to, pass }),
        }
    }

    fn submit_many(
        &mut self,
        places: &[u32],
        requests: Vec<Request>,
        to: mpsc::UnboundedSender<Said<Share>>,
        mut pass: Pass,
    ) {
        pass.passed(Stage::Queued);
        let now = self.clock.now();
        let mut share = Share {
            places: Vec::with_capacity(places.len()),
            replies: Vec::with_capacity(places.len()),
        };
        let mut stranger = None;
        let looks_ahead = self.core.ledger().gains_by_looking_ahead();
        let mut requests = requests.into_iter();
        for (at, &place) in places.iter().enumerate() {
            if looks_ahead && at.is_multiple_of(Ledger::AHEAD) {
                self.core.ledger().look_ahead(requests.as_slice());
            }
            let Some(request) = requests.next() else {
                break;
            };
            let looked = match stranger {
                Some(stranger) => Err(self.core.wait_behind(stranger, &request)),
                None => self.core.first_look(now, &request),
            };
            match looked {
                Ok(reply) if self.core.is_carried(&reply) => {
                    let (to, pass) = (to.clone(), pass.split_off());
                    self.reply(Ticket::OfMany { place, to, pass }, reply);
                }
                Ok(reply) => {
                    share.places.push(place);
                    share.replies.push(reply);
                }
                Err(wait) => {
                    stranger = wait.stranger().or(stranger);
                    let (to, pass) = (to.clone(), pass.split_off());
                    let ticket = Ticket::OfMany { place, to, pass };
                    self.core.park(wait, request, ticket);
                }
            }
            if self.core.is_full() {
                self.seal();
            }
        }
        pass.passed(Stage::Decided);
        self.core.hold_back(Held::Many { share, to, pass });
    }

    /// Has a reply said when all that it is based on is durable, and, of a document, when all shards have it.
    fn reply(&mut self, ticket: Ticket, reply: Reply) {
        if self.core.is_carried(&reply) {
            self.core.answer_when_carried(reply, ticket);
        } else {
            self.core.hold_back(ticket.with(reply));
        }
    }

    fn search(&mut self, search: Search) {
        let found = self.searches.begin(self.core.ledger(), search);
        self.follow(found);
    }

    fn follow(&mut self, found: Result<Found, Need>) {
        match found {
            Ok(found) => self.core.hold_back(Held::Spoken(found)),
            Err(need) => self.core.want(need),
        }
    }

    /// Takes old records that were read, and goes on with what waited for them.
    fn loaded(&mut self, records: Option<Vec<Loaded>>) {
        self.loads -= 1;
        let Some(records) = records else {
            // The process is about to stop. Whoever waits hears that the outcome is not known.
            self.core.forget_parked();
            self.searches = Searches::default();
            return;
        };
        for Loaded { need, record } in records {
            let record = record.as_deref();
            for (ticket, reply) in self.core.loaded(self.clock.now(), need, record) {
                self.reply(ticket, reply);
            }
            for found in self.searches.loaded(self.core.ledger(), need, record) {
                self.follow(found);
            }
        }
    }

    /// Has old records read that are wanted, on other threads: reading may take its time.
    fn load_wanted(&mut self, ctx: &Context<Self>) {
        while self.loads < LOADS_MAX
            && let Some(needs) = self.core.next_load()
        {
            self.loads += 1;
            let shard = self.core.ledger().shard();
            let outlets = self.outlets.clone();
            let address = ctx.address();
            tokio::task::spawn_blocking(move || {
                let loaded = outlets.past.load(shard, &needs);
                let loaded = loaded.map_err(|error| outlets.failure.of_past(&error));
                address.do_send(Mail::Loaded(loaded.ok()));
            });
        }
    }

    fn expire_due(&mut self, ctx: &mut Context<Self>) {
        let footprint = self.core.ledger().footprint();
        self.outlets.meters.note(footprint, self.core.parked());
        if self.outlets.disk.is_short() {
            return;
        }
        let now = self.clock.now();
        if self.core.expire_due(now, EXPIRIES_PER_LOOK) > 0 {
            self.go_on(ctx);
        }
    }

    /// Looks again at pools that wait for time to pass.
    fn wake(&mut self, ctx: &mut Context<Self>) {
        let mut moved = self.core.wake();
        if self.core.parked() > 0 && self.outlets.failure.is_told() {
            // Nothing will come from other shards any more. Whoever waits hears that the outcome is not known.
            self.core.forget_parked();
            moved = true;
        }
        if moved {
            self.go_on(ctx);
        }
    }

    fn begin_image(&mut self, order: ImageOrder, ctx: &mut Context<Self>) {
        let begun = self.core.begin_image(order.extent);
        // Nobody waits any more if these cannot be sent.
        let _ = order.parts.send(ImagePart::Begun(begun));
        let parts = order.parts.clone();
        self.core.hold_back(Held::Spoken(Box::new(move || {
            let _ = parts.send(ImagePart::Durable);
        })));
        self.imaging = Some(order);
        ctx.run_later(imaging::PAUSE, Self::go_on_imaging);
    }

    /// Copies the next piece of an image, and lets other mail in before the one after it.
    fn go_on_imaging(&mut self, ctx: &mut Context<Self>) {
        let Some(order) = &self.imaging else { return };
        if !order.is_behind() {
            let part = self.core.next_image_part(imaging::PART_BYTES);
            let ended = part.is_none();
            let _ = order
                .parts
                .send(part.map_or(ImagePart::End, ImagePart::More));
            if ended {
                self.imaging = None;
                return;
            }
        }
        ctx.run_later(imaging::PAUSE, Self::go_on_imaging);
    }

    /// What follows on any mail.
    fn go_on(&mut self, ctx: &mut Context<Self>) {
        self.core.settle(self.clock.now());
        for (ticket, reply) in self.core.take_answered() {
            self.core.hold_back(ticket.with(reply));
        }
        for aged in self.core.take_aged() {
            self.outlets.past.take(self.core.ledger().shard(), aged);
        }
        self.load_wanted(ctx);
        self.seal_soon(ctx);
        if self.core.parked() > 0 || !self.searches.is_empty() {
            return;
        }
        self.draining = None;
        if self.finishing.is_some() {
            self.seal();
            self.finishing = None;
            ctx.stop();
        }
    }

    fn seal_soon(&mut self, ctx: &mut Context<Self>) {
        if self.core.is_full() {
            self.seal();
        } else if !self.sealing {
            self.sealing = true;
            ctx.notify(Mail::Seal);
        }
    }

    fn seal(&mut self) {
        let parcels = self.core.take_parcels();
        if !parcels.is_empty() {
            let peers = Arc::clone(&self.outlets.peers);
            self.core.hold_back(Held::Spoken(Box::new(move || {
                for parcel in parcels {
                    if let Some(peer) = peers
                        .get()
                        .and_then(|all| all.get(usize::from(parcel.to.0)))
                    {
                        peer.do_send(Mail::Parcel(parcel));
                    }
                }
            })));
        }
        while let Some(sealed) = self.core.seal() {
            let nothing_new = sealed.count == 0;
            if nothing_new && self.core.last_seq().0 <= self.durable.load(Ordering::Acquire) {
                sealed.held.into_iter().for_each(Held::speak);
            } else {
                // The committer is gone only after the journal failed. What is held back is then dropped, which tells
                // everybody that the outcome is not known.
                let _ = self.outlets.committer.send(sealed);
            }
        }
    }
}

impl Actor for ShardActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(EXPIRY_EVERY, Self::expire_due);
        ctx.run_interval(WAKE_EVERY, Self::wake);
    }
}

impl Drop for ShardActor {
    /// A panic here is a broken invariant: memory can no longer be trusted, and a process that goes on without some of
    /// its shards would be an outage without a reason. What is durable is replayed at the next start.
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(
                shard = self.core.ledger().shard().0,
                "a shard broke off; stopping the process"
            );
            std::process::abort();
        }
    }
}

impl Handler<Mail> for ShardActor {
    type Result = ();

    fn handle(&mut self, mail: Mail, ctx: &mut Self::Context) {
        match mail {
            Mail::One { request, to, pass } => self.submit(request, to, pass),
            Mail::Many {
                places,
                requests,
                to,
                pass,
            } => self.submit_many(&places, requests, to, pass),
            Mail::Look { due, look } => {
                // A read must not fill the disk: it shows what was recorded while there was room.
                if !self.outlets.disk.is_short() {
                    let now = self.clock.now();
                    match due {
                        Some(member) => self.core.record_due(now, &member),
                        None => self.core.end_day(now),
                    }
                }
                let found = look(self.core.ledger());
                self.core.hold_back(Held::Spoken(found));
            }
            Mail::Search(search) => self.search(search),
            Mail::Image(order) => self.begin_image(order, ctx),
            Mail::Carry { documents, done } => {
                let now = self.clock.now();
                documents
                    .iter()
                    .for_each(|document| self.core.carry(now, document));
                self.core.hold_back(Held::Spoken(Box::new(|| {
                    let _ = done.send(());
                })));
            }
            Mail::Publish { period, root, done } => {
                self.core.publish(self.clock.now(), period, root);
                self.core.hold_back(Held::Spoken(Box::new(|| {
                    let _ = done.send(());
                })));
            }
            Mail::Loaded(records) => self.loaded(records),
            Mail::Seal => {
                self.sealing = false;
                self.seal();
                return;
            }
            Mail::Greet => self.core.send_again(),
            Mail::Parcel(parcel) => self.core.receive(self.clock.now(), &parcel),
            Mail::Drain(done) => self.draining = Some(done),
            Mail::Finish(done) => self.finishing = Some(done),
        }
        self.go_on(ctx);
    }
}
