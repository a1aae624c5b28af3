//! The engine's process in the simulation: shards, their sealed blocks, the committer, and the store of old records. A
//! crash drops all of it.

use std::collections::{BTreeMap, VecDeque};

use jifen_engine::{
    Router,
    journal::{
        committer::{Committer, VALUE_BYTES_MAX},
        head::Head,
        memory::{Medium, MemoryJournal},
        recovery::Recovered,
    },
    ledger::{Document, Ledger, MerchantId, Seq, StateHash, UnixMillis},
    past::{Job, Past},
    shard::{Reply, Sealed, ShardCore},
};
use rand::{Rng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    images::Imaging,
    lineage::{Event, Lineages},
    loads::Load,
    lookups::Lookup,
    order::Order,
};
use crate::{
    ask::{Ask, What},
    coverage::Coverage,
    journaled::records,
};

/// How long after a start no hold expires, in milliseconds.
const GRACE_MILLIS: u64 = 10_000;

/// Something to say once what it is based on is durable.
pub(super) enum Due {
    /// The reply to a request.
    Reply { ticket: u64, reply: Reply },
    /// A document that shard 0 has durable and the others do not have yet.
    Document { ticket: u64, document: Document },
    /// One of the other shards has it.
    Carried { ticket: u64 },
    /// What a shard's image was begun behind.
    Imaged { shard: usize },
    /// A read: what it saw.
    Read {
        shard: usize,
        seq: u64,
        hash: StateHash,
    },
}

/// The process.
pub(super) struct Process {
    pub(super) cores: Vec<ShardCore<Due, u64>>,
    /// Sealed blocks on their way to the committer; those of one shard stay in their order.
    sealed: Vec<VecDeque<Sealed<Due>>>,
    committer: Committer,
    /// On how many shards a document still has to arrive, by the request's ticket.
    carrying: BTreeMap<u64, usize>,
    pub(super) past: Past,
    /// The image of each shard that is under way.
    pub(super) imaging: Vec<Option<Imaging>>,
    /// Where the image of each shard stands that increments go on from.
    pub(super) imaged: Vec<Option<Seq>>,
    /// What is to be done in the store, in no order.
    pub(super) jobs: Vec<Job>,
    /// Old records on their way to their shards.
    pub(super) loads: Vec<Load>,
    /// Reads that wait for old records.
    pub(super) lookups: Vec<Lookup>,
    /// What is decided and not answered, by ticket.
    asked: BTreeMap<u64, Ask>,
    order: Order,
    /// What was met in here.
    pub(super) met: Coverage,
}

impl Process {
    /// Goes on from what was recovered, `imaged` telling with which images, and carries the documents of shard 0 to the others once more.
    pub(super) fn start(
        now: u64,
        ledgers: Vec<Ledger>,
        recovered: Recovered,
        imaged: Vec<Option<Seq>>,
        medium: &Medium,
        lineages: &mut Lineages,
    ) -> Result<Self, String> {
        let documents: Vec<Document> = ledgers[0]
            .merchants()
            .map(jifen_engine::ledger::Merchant::document)
            .collect();
        let journal = Box::new(MemoryJournal::open(medium.clone()));
        let no_expiry_before = UnixMillis(now + GRACE_MILLIS);
        let mut process = Self {
            sealed: ledgers.iter().map(|_| VecDeque::new()).collect(),
            cores: ledgers
                .into_iter()
                .map(|ledger| ShardCore::new(ledger, no_expiry_before))
                .collect(),
            committer: Committer::new(journal, recovered.chains, recovered.turn),
            carrying: BTreeMap::new(),
            imaging: imaged.iter().map(|_| None).collect(),
            imaged,
            past: recovered.past,
            jobs: Vec::new(),
            loads: Vec::new(),
            lookups: Vec::new(),
            asked: BTreeMap::new(),
            order: Order::default(),
            met: Coverage::default(),
        };
        for shard in 1..process.cores.len() {
            for document in &documents {
                process.carry(now, shard, document, lineages);
            }
        }
        Ok(process)
    }

    pub(super) fn ledger(&self, shard: usize) -> &Ledger {
        self.cores[shard].ledger()
    }

    /// What a head file written now would say.
    pub(super) fn head(&self) -> Head {
        Head {
            turn: self.committer.turn(),
            chains: self.committer.chains().to_vec(),
        }
    }

    /// Gives requests to their shards, in this order.
    pub(super) fn submit(
        &mut self,
        now: u64,
        router: Router,
        asks: &[(u64, Ask)],
        lineages: &mut Lineages,
    ) -> Result<(), String> {
        let mut strangers = BTreeMap::new();
        for (ticket, ask) in asks {
            let request = ask.request();
            let shard = router.command(request.command()).ok_or("no such shard")?;
            let shard = usize::from(shard.0);
            if let What::Close { .. } = ask.what {
                // A member's end is several entries. The twin makes all of them at once, so no crash may come between.
                self.seal(shard, lineages)?;
            }
            let core = &mut self.cores[shard];
            self.order.asked(core.ledger(), shard, *ticket, ask);
            self.asked.insert(*ticket, ask.clone());
            let before = core.last_seq().0;
            let looked = match strangers.get(&shard) {
                Some(&stranger) => Err(core.wait_behind(stranger, &request)),
                None => core.first_look(UnixMillis(now), &request),
            };
            match looked {
                Ok(reply) => {
                    self.decided(now, shard, before, vec![(*ticket, reply)], lineages)?;
                }
                Err(wait) => {
                    if strangers.contains_key(&shard) {
                        self.met.count("parked behind a stranger");
                    }
                    if let Some(stranger) = wait.stranger() {
                        strangers.insert(shard, stranger);
                    }
                    core.park(wait, request, *ticket);
                    self.met.count("parked");
                    // A day may have ended in front of it.
                    self.decided(now, shard, before, Vec::new(), lineages)?;
                }
            }
            if self.cores[shard].is_full() {
                self.seal(shard, lineages)?;
            }
        }
        Ok(())
    }

    /// Notes where the entries behind `before` came from, and holds back what is to be said.
    pub(super) fn decided(
        &mut self,
        now: u64,
        shard: usize,
        before: u64,
        replies: Vec<(u64, Reply)>,
        lineages: &mut Lineages,
    ) -> Result<(), String> {
        let mut answered = BTreeMap::new();
        for (ticket, reply) in replies {
            self.order.answered(shard, ticket)?;
            let ask = self.asked.remove(&ticket);
            let ask = ask.ok_or("a request is answered twice")?;
            if let Ok(answer) = &reply
                && !answer.replayed
            {
                answered.insert(answer.offset.seq.0, ask);
            }
            self.cores[shard].hold_back(Due::Reply { ticket, reply });
        }
        for seq in before + 1..=self.cores[shard].last_seq().0 {
            let ask = answered.remove(&seq);
            let event = ask.map_or(Event::ByItself(now), |ask| Event::Asked(now, Box::new(ask)));
            lineages.decided(shard, seq, event);
        }
        self.follow_up(shard);
        if answered.is_empty() {
            Ok(())
        } else {
            Err(format!("no entries for {answered:?}"))
        }
    }

    /// Looks at a shard; what was seen is told when it is durable.
    pub(super) fn read(&mut self, shard: usize) {
        let ledger = self.cores[shard].ledger();
        let (seq, hash) = (ledger.last_seq().0, ledger.state_hash());
        self.cores[shard].hold_back(Due::Read { shard, seq, hash });
    }

    /// Marks the end of a day that is over.
    pub(super) fn end_day(
        &mut self,
        now: u64,
        shard: usize,
        lineages: &mut Lineages,
    ) -> Result<(), String> {
        let core = &mut self.cores[shard];
        let before = core.last_seq().0;
        core.end_day(UnixMillis(now));
        self.decided(now, shard, before, Vec::new(), lineages)
    }

    /// Lets happen what is due by itself in a shard; tells how much.
    pub(super) fn expire(
        &mut self,
        now: u64,
        shard: usize,
        most: usize,
        lineages: &mut Lineages,
    ) -> Result<usize, String> {
        let core = &mut self.cores[shard];
        let before = core.last_seq().0;
        core.expire_due(UnixMillis(now), most);
        let count = usize::try_from(core.last_seq().0 - before).unwrap();
        self.decided(now, shard, before, Vec::new(), lineages)?;
        Ok(count)
    }

    /// A document is durable on shard 0 as the request's reply says: looks it up there, to carry what is durable.
    pub(super) fn look_up_document(&mut self, ticket: u64, merchant: &str) {
        let id = MerchantId::new(merchant).unwrap();
        let document = self.cores[0]
            .ledger()
            .document(&id)
            .expect("its reply was spoken");
        self.cores[0].hold_back(Due::Document { ticket, document });
    }

    /// Takes a document to all other shards; tells whether there are any.
    pub(super) fn carry_to_all(
        &mut self,
        now: u64,
        ticket: u64,
        document: &Document,
        lineages: &mut Lineages,
    ) -> bool {
        for shard in 1..self.cores.len() {
            self.carry(now, shard, document, lineages);
            self.cores[shard].hold_back(Due::Carried { ticket });
        }
        self.carrying.insert(ticket, self.cores.len() - 1);
        self.cores.len() > 1
    }

    /// One more shard has the document; tells whether that was the last.
    pub(super) fn carried(&mut self, ticket: u64) -> bool {
        let missing = self.carrying.get_mut(&ticket).expect("on its way");
        *missing -= 1;
        *missing == 0
    }

    fn carry(&mut self, now: u64, shard: usize, document: &Document, lineages: &mut Lineages) {
        let core = &mut self.cores[shard];
        let before = core.last_seq();
        core.end_day(UnixMillis(now));
        if core.last_seq() != before {
            lineages.decided(shard, core.last_seq().0, Event::ByItself(now));
        }
        let before = core.last_seq();
        core.carry(UnixMillis(now), document);
        if core.last_seq() != before {
            lineages.decided(shard, core.last_seq().0, Event::Carried(now));
        }
        self.follow_up(shard);
    }

    /// Closes a shard's block.
    pub(super) fn seal(&mut self, shard: usize, lineages: &mut Lineages) -> Result<(), String> {
        let core = &mut self.cores[shard];
        while let Some(sealed) = core.seal() {
            let found = records(&sealed.body)?.len();
            if found != sealed.count as usize {
                let counted = sealed.count;
                return Err(format!("a block of {found} entries counts {counted}"));
            }
            let last = sealed.first.0 + u64::from(sealed.count) - 1;
            // Of blocks that filled up on the way, the state is not known any more.
            let hash = (last == core.last_seq().0).then(|| core.ledger().state_hash());
            lineages.hashed(shard, last, hash);
            self.sealed[shard].push_back(sealed);
        }
        Ok(())
    }

    /// Some of the sealed blocks for a turn: any number of each shard's, in any order among the shards.
    pub(super) fn gather(&mut self, rng: &mut ChaCha8Rng, all: bool) -> Vec<Sealed<Due>> {
        let mut order = Vec::new();
        for (shard, sealed) in self.sealed.iter().enumerate() {
            let count = if all {
                sealed.len()
            } else {
                rng.random_range(0..=sealed.len())
            };
            order.extend(std::iter::repeat_n(shard, count));
        }
        order.shuffle(rng);
        order
            .into_iter()
            .filter_map(|shard| self.sealed[shard].pop_front())
            .collect()
    }

    /// Makes a turn durable. What it held back may be said if this went well.
    pub(super) fn commit(&mut self, turn: &mut [Sealed<Due>]) -> Result<(), String> {
        self.committer
            .commit(turn)
            .map_err(|error| error.to_string())
    }
}

/// Whether a turn has entries, and so reaches the journal.
pub(super) fn has_entries(turn: &[Sealed<Due>]) -> bool {
    turn.iter().any(|block| block.count > 0)
}

/// Whether a turn is too large for one value.
pub(super) fn is_large(turn: &[Sealed<Due>]) -> bool {
    turn.iter().map(|block| block.body.len()).sum::<usize>() > VALUE_BYTES_MAX
}
