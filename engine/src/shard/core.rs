//! A shard without actix, a journal or a clock: the actor wraps it, the simulation drives it.

use std::collections::VecDeque;

use super::{
    exchange::Exchange,
    parking::{Key, Parked, Parking, Stranger, Wait},
};
use crate::ledger::{
    Aged, Answer, Command, CommandKind, Decision, Deed, Document, Entry, Extent, Facts, ImageBegun,
    Ledger, MemberId, Need, Period, Refusal, Request, RequestId, Root, Seq, ShardIndex, Subject,
    UnixMillis,
    invariants::{Violation, check_entry, check_member},
};

/// A block is sealed at this size, even while more commands wait: two of them fit one journal value.
pub const SEALED_BYTES_MAX: usize = 48 << 10;
/// After every so many entries, the member that the last one is about is checked. Often enough to stop soon after
/// memory went wrong, and rarely enough to cost next to nothing.
const CHECKED_EVERY: u64 = 64;
/// How many members a sweep looks at for each thing that it may do. Bounds how long a shard looks in vain at midnight.
const LOOKS_PER_EXPIRY: usize = 4;

/// A "no" that is not recorded: it binds no request id, and a retry is judged afresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// What the sender calls the request.
    pub id: RequestId,
    /// What was asked.
    pub kind: CommandKind,
    /// Why not.
    pub refusal: Refusal,
}

/// What a request is told: the recorded answer, or a refusal that leaves no trace.
pub type Reply = Result<Answer, Declined>;

/// What a command has to wait for.
enum Later {
    /// An old record.
    Record(Need),
    /// Other shards; this entry began it.
    Errand(Seq),
}

/// Entries on their way to the journal, and whoever may hear of them once they are durable.
#[derive(Debug)]
pub struct Sealed<H> {
    /// The shard that decided.
    pub shard: ShardIndex,
    /// The first entry's sequence; the others follow without a gap.
    pub first: Seq,
    /// How many entries.
    pub count: u32,
    /// The entries' recorded forms, each behind its length in two bytes.
    pub body: Vec<u8>,
    /// Replies that say something of these entries or of earlier ones.
    pub held: Vec<H>,
}

/// One shard: its ledger, what is decided but not yet handed to the journal, and who waits for old records.
///
/// Memory runs ahead of the journal, answers never do: whatever the caller wants to say after
/// [`ShardCore::first_look`] or [`ShardCore::loaded`] it gives to [`ShardCore::hold_back`], and gets it back from
/// whoever made the sealed block durable. `T` is what tells the caller to whom a parked command's reply goes.
pub struct ShardCore<H, T = ()> {
    pub(super) ledger: Ledger,
    /// Where entries are encoded, one after the other.
    scratch: Box<[u8]>,
    body: Vec<u8>,
    count: u32,
    held: Vec<H>,
    /// Blocks that filled up before anybody asked for them.
    filled: VecDeque<Sealed<H>>,
    /// What the ledger has put out of memory and nobody has taken yet.
    aged: Vec<Aged>,
    parking: Parking<T>,
    pub(super) exchange: Exchange<T>,
    no_expiry_before: UnixMillis,
}

impl<H, T> ShardCore<H, T> {
    /// A shard that goes on from `ledger`. No hold expires before `no_expiry_before`, so that a long outage does not
    /// end every hold at the door.
    #[must_use]
    pub fn new(mut ledger: Ledger, no_expiry_before: UnixMillis) -> Self {
        ledger.wake_all_pools();
        Self {
            scratch: vec![0; Entry::BYTES_MAX].into_boxed_slice(),
            body: Vec::new(),
            count: 0,
            held: Vec::new(),
            filled: VecDeque::new(),
            aged: Vec::new(),
            parking: Parking::default(),
            exchange: Exchange::new(&ledger),
            ledger,
            no_expiry_before,
        }
    }

    /// The state, undurable decisions included. What is read here must be held back like an answer.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The state alone. What was not sealed is lost to the journal.
    #[must_use]
    pub fn into_ledger(self) -> Ledger {
        self.ledger
    }

    /// Decides and applies, where the ledger is alone and keeps all its records in memory. The reply may be spoken only after
    /// [`ShardCore::hold_back`].
    ///
    /// # Panics
    ///
    /// If the ledger puts records out of memory, and one of those decides; or if the command waits for other shards.
    pub fn submit(&mut self, now: UnixMillis, request: &Request) -> Reply {
        let wait = match self.first_look(now, request) {
            Ok(reply) => {
                self.settle(now);
                return reply;
            }
            Err(wait) => wait,
        };
        let errand = wait.errand;
        let errand = errand.expect("this ledger keeps all its records in memory");
        self.exchange.expect(errand, None);
        self.settle(now);
        while let Some(parcel) = self.parcel_to_itself() {
            self.receive(now, &parcel);
            self.settle(now);
        }
        self.exchange
            .answer_to(errand)
            .expect("this ledger is alone")
    }

    /// Decides and applies, unless the command has to wait for an old record or behind another one that does. Then it is
    /// to be [parked](ShardCore::park) before anything else is looked at.
    pub fn first_look(&mut self, now: UnixMillis, request: &Request) -> Result<Reply, Wait> {
        if !self.parking.is_empty() {
            let key = self.key(request.command(), Facts::NONE);
            if self.parking.holds_up(&key) {
                return Err(Wait {
                    key,
                    need: None,
                    behind: None,
                    errand: None,
                });
            }
        }
        self.judge(now, request, Facts::NONE).map_err(|later| {
            let (need, errand) = match later {
                Later::Record(need) => (Some(need), None),
                Later::Errand(ticket) => (None, Some(ticket)),
            };
            Wait {
                key: self.key(request.command(), Facts::NONE),
                need,
                behind: None,
                errand,
            }
        })
    }

    /// Tells a command that it has to wait, since one in front of it in the same batch did not tell whom it is about.
    #[must_use]
    pub fn wait_behind(&self, stranger: Stranger, request: &Request) -> Wait {
        // A reversal can have its own transaction loaded meanwhile.
        let need = match request.command() {
            Command::Reverse(c) => self
                .ledger
                .transaction(c.transaction.seq, Facts::NONE)
                .err(),
            _ => None,
        };
        Wait {
            key: self.key(request.command(), Facts::NONE),
            need,
            behind: Some(stranger),
            errand: None,
        }
    }

    /// Keeps a command until the record that it waits for is [loaded](ShardCore::loaded) and those in front of it are
    /// answered; nothing of it is recorded yet, and a crash forgets it. Or, of a command that was begun, keeps to whom its
    /// answer goes, until [other shards](ShardCore::take_answered) have done their part.
    pub fn park(&mut self, wait: Wait, request: Request, ticket: T) {
        match wait.errand {
            Some(errand) => self.exchange.expect(errand, Some(ticket)),
            None => self.parking.park(wait, request, ticket),
        }
    }

    /// How many commands are not answered yet.
    #[must_use]
    pub fn parked(&self) -> usize {
        self.parking.len() + self.exchange.waiting()
    }

    /// Lets go of all parked commands, since nothing will be loaded any more.
    pub fn forget_parked(&mut self) {
        self.parking = Parking::default();
        self.exchange.forget();
    }

    /// Asks for a record that a read needs.
    pub fn want(&mut self, need: Need) {
        self.parking.want(need);
    }

    /// Records to be loaded, all of one chunk; each is named once. `None` if all that are wanted are on their way.
    #[must_use]
    pub fn next_load(&mut self) -> Option<Vec<Need>> {
        self.parking.next_load()
    }

    /// Takes a record that was wanted, `None` if there is none any more. Decides what waited for it and those behind;
    /// what they are told must be held back.
    pub fn loaded(
        &mut self,
        now: UnixMillis,
        need: Need,
        record: Option<&[u8]>,
    ) -> Vec<(T, Reply)> {
        let mut replies = Vec::new();
        let mut keys = self.parking.arrived(need, record);
        keys.reverse();
        while let Some(key) = keys.pop() {
            while let Some(parked) = self.parking.next_ready(&key) {
                if let Some(known) = self.known_now(&key, &parked) {
                    // The transaction tells the member whose commands have to stay in order.
                    self.parking.join(known.clone(), parked);
                    if !keys.contains(&known) {
                        keys.push(known);
                    }
                    continue;
                }
                match self.judge(now, &parked.request, &parked.facts) {
                    Ok(reply) => replies.push((parked.ticket, reply)),
                    Err(Later::Record(need)) => self.parking.wait_for(need, key.clone(), parked),
                    Err(Later::Errand(errand)) => self.exchange.expect(errand, Some(parked.ticket)),
                }
            }
            // What was joined last is looked at first: strangers' own queues come before those of their followers.
            let released = self.parking.released(&key);
            keys.splice(0..0, released);
        }
        replies
    }

    /// Does what is due by itself: ends holds, releases pending points, lets lots lapse; at most `most` of these. Tells
    /// how many; fewer means that nothing is left. Having looked at many members in vain counts as `most`: the next time
    /// goes on behind them.
    pub fn expire_due(&mut self, now: UnixMillis, most: usize) -> usize {
        self.end_day(now);
        let holds_too = now >= self.no_expiry_before;
        let mut looks = most.saturating_mul(LOOKS_PER_EXPIRY);
        for done in 0..most {
            match self.ledger.decide_swept(now, holds_too, &mut looks) {
                Some(entry) => self.record(&entry),
                None if looks > 0 => return done,
                None => return most,
            }
        }
        most
    }

    /// Marks the end of the last entry's day, if that is over: nothing of a later day is recorded before the mark.
    pub fn end_day(&mut self, now: UnixMillis) {
        if let Some(mark) = self.ledger.decide_day_end(now) {
            self.record(&mark);
        }
    }

    /// Records what is due of a member, so that a read shows it.
    pub fn record_due(&mut self, now: UnixMillis, member: &MemberId) {
        self.end_day(now);
        while let Some(entry) = self.ledger.decide_due(now, member) {
            self.record(&entry);
        }
    }

    /// Publishes the settlement that is being closed; tells whether it did. `false` if it was published before.
    pub fn publish(&mut self, now: UnixMillis, period: Period, root: Root) -> bool {
        self.end_day(now);
        let entry = self.ledger.decide_published(now, period, root);
        entry.map(|entry| self.record(&entry)).is_some()
    }

    /// Puts a document version in place that shard 0 decided; does nothing if the shard has it or a newer one.
    pub fn carry(&mut self, now: UnixMillis, document: &Document) {
        self.end_day(now);
        if let Some(entry) = self.ledger.decide_carried(now, document) {
            self.record(&entry);
        }
    }

    /// Keeps something to say until everything decided so far is durable.
    pub fn hold_back(&mut self, held: H) {
        self.held.push(held);
    }

    /// Whether the open block should be sealed before more is decided.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.filled.is_empty() || self.body.len() >= SEALED_BYTES_MAX
    }

    /// Hands over what was decided and what waits for it, block by block; `None` if there is nothing left.
    pub fn seal(&mut self) -> Option<Sealed<H>> {
        if let Some(filled) = self.filled.pop_front() {
            return Some(filled);
        }
        (self.count > 0 || !self.held.is_empty()).then(|| self.close_block())
    }

    /// Hands over records that the ledger has put out of memory, and word of those that nobody needs any more.
    #[must_use]
    pub fn take_aged(&mut self) -> Vec<Aged> {
        std::mem::take(&mut self.aged)
    }

    /// Begins an image of the state, undurable decisions included: it is worth nothing before its last entry is durable.
    pub fn begin_image(&mut self, extent: Extent) -> ImageBegun {
        let begun = self.ledger.begin_image(extent);
        self.gather_aged();
        begun
    }

    /// The next part of the image that was begun, of about so many bytes; `None` if there is nothing left.
    pub fn next_image_part(&mut self, bytes: usize) -> Option<Vec<u8>> {
        self.ledger.next_image_part(bytes)
    }

    /// The last sequence decided.
    #[must_use]
    pub const fn last_seq(&self) -> Seq {
        self.ledger.last_seq()
    }

    /// Decides with the facts that are there, recording first what is due.
    fn judge(&mut self, now: UnixMillis, request: &Request, facts: &Facts) -> Result<Reply, Later> {
        self.end_day(now);
        loop {
            // Entries are large, and read where they were made: what was copied just now is slow to read.
            let decision = self.ledger.decide(now, request, facts);
            match decision {
                Decision::First(ref entry) => self.record(entry),
                Decision::Record(ref entry) => return Ok(Ok(self.answer(now, entry))),
                Decision::Begin(ref entry) => {
                    self.record(entry);
                    return Err(Later::Errand(entry.seq));
                }
                Decision::Repeat(answer) => return Ok(Ok(answer)),
                Decision::Need(need) => return Err(Later::Record(need)),
                Decision::Decline(refusal) => {
                    return Ok(Err(Declined {
                        id: request.id().clone(),
                        kind: request.command().kind(),
                        refusal,
                    }));
                }
            }
        }
    }

    fn answer(&mut self, now: UnixMillis, entry: &Entry) -> Answer {
        self.record(entry);
        if let (Deed::Closed { .. }, Subject::Member(member)) = (&entry.deed, &entry.subject) {
            // One entry moves one kind of points; what the member has of others follows at once.
            self.record_due(now, member);
        }
        let answer = Answer::recorded(entry, self.ledger.shard(), self.ledger.symbols());
        answer.expect("a request gives its entry an origin")
    }

    /// What a command must stay in order with.
    fn key(&self, command: &Command, facts: &Facts) -> Key {
        if let Some(member) = command.member() {
            return Key::Member(member.clone());
        }
        match command {
            Command::Capture(c) => self.key_of_hold(c.hold.seq),
            Command::Confirm(c) => self.key_of_hold(c.reservation.seq),
            Command::Cancel(c) => self.key_of_hold(c.reservation.seq),
            Command::PutStock(c) => Key::Stock(c.sku.clone()),
            Command::ChangeUnits(c) => Key::Stock(c.sku.clone()),
            // Codes of one sale: each is used once, in whichever order.
            Command::UseCode(c) => Key::Hold(c.code.sale),
            Command::Release(c) => self.key_of_hold(c.hold.seq),
            Command::Reverse(c) => self.key_of_transaction(c.transaction.seq, facts),
            Command::PutMerchant(c) => Key::Merchant(c.merchant.clone()),
            Command::BuyPack(c) => Key::Merchant(c.merchant.clone()),
            Command::Settle(_) | Command::PutCorrection(_) | Command::DecideCorrection(_) => {
                Key::Clearing
            }
            _ => unreachable!("all others name a member"),
        }
    }

    /// What a command must stay in order with, where that was not known when it came. A member that is known stays
    /// so, even if what told it has left memory meanwhile.
    fn known_now(&self, key: &Key, parked: &Parked<T>) -> Option<Key> {
        match key {
            Key::Member(_) | Key::Merchant(_) | Key::Stock(_) | Key::Clearing => None,
            Key::Hold(_) | Key::Transaction(_) => {
                let known = self.key(parked.request.command(), &parked.facts);
                (known != *key).then_some(known)
            }
        }
    }

    fn key_of_hold(&self, hold: Seq) -> Key {
        let known = self.ledger.hold(hold);
        known.map_or(Key::Hold(hold), |(_, member)| Key::Member(member.clone()))
    }

    fn key_of_transaction(&self, transaction: Seq, facts: &Facts) -> Key {
        match self.ledger.transaction(transaction, facts) {
            Ok(Some(Entry {
                subject: Subject::Member(member),
                ..
            })) => Key::Member(member),
            Ok(_) | Err(_) => Key::Transaction(transaction),
        }
    }

    pub(super) fn record(&mut self, entry: &Entry) {
        self.exchange.note(entry, &self.ledger);
        if let Err(violation) = check_entry(entry) {
            stop(&violation);
        }
        // One command may come with several entries.
        if self.body.len() >= SEALED_BYTES_MAX {
            let filled = self.close_block();
            self.filled.push_back(filled);
        }
        let record = entry.encode(&mut self.scratch);
        self.ledger.apply(entry, record);
        let length = u16::try_from(record.len()).expect("Entry::BYTES_MAX is that of two bytes");
        self.body.extend_from_slice(&length.to_be_bytes());
        self.body.extend_from_slice(record);
        self.count += 1;
        self.exchange.end(entry, &self.ledger);
        self.gather_aged();
        if entry.seq.0.is_multiple_of(CHECKED_EVERY) {
            self.check(&entry.subject);
        }
    }

    fn gather_aged(&mut self) {
        while let Some(aged) = self.ledger.take_aged() {
            self.aged.push(aged);
        }
    }

    fn check(&self, subject: &Subject) {
        if let Subject::Member(id) = subject
            && let Some(member) = self.ledger.member(id)
            && let Err(violation) = check_member(member)
        {
            stop(&violation);
        }
    }

    fn close_block(&mut self) -> Sealed<H> {
        let count = std::mem::take(&mut self.count);
        let capacity = self.body.len();
        Sealed {
            shard: self.ledger.shard(),
            first: Seq(self.ledger.last_seq().0 + 1 - u64::from(count)),
            count,
            body: std::mem::replace(&mut self.body, Vec::with_capacity(capacity)),
            held: std::mem::take(&mut self.held),
        }
    }
}

/// Nothing may be decided on books that do not hold.
#[cold]
fn stop(violation: &Violation) -> ! {
    panic!("{violation}");
}
