//! A shard without actix, a journal or a clock: the actor wraps it, the simulation drives it.

use crate::ledger::{
    Answer, CommandKind, Decision, Entry, Ledger, Refusal, Request, RequestId, Seq, ShardIndex,
    UnixMillis,
    invariants::{Violation, check_entry},
};

/// A block is sealed at this size, even while more commands wait: two of them fit one journal value.
pub const SEALED_BYTES_MAX: usize = 48 << 10;

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

/// One shard: its ledger, and what is decided but not yet handed to the journal.
///
/// Memory runs ahead of the journal, answers never do: whatever the caller wants to say after [`ShardCore::submit`] it
/// gives to [`ShardCore::hold_back`], and gets it back from whoever made the sealed block durable.
pub struct ShardCore<H> {
    ledger: Ledger,
    /// Where entries are encoded, one after the other.
    scratch: Box<[u8]>,
    body: Vec<u8>,
    count: u32,
    held: Vec<H>,
    no_expiry_before: UnixMillis,
}

impl<H> ShardCore<H> {
    /// A shard that goes on from `ledger`. No hold expires before `no_expiry_before`, so that a long outage does not
    /// end every hold at the door.
    #[must_use]
    pub fn new(ledger: Ledger, no_expiry_before: UnixMillis) -> Self {
        Self {
            ledger,
            scratch: vec![0; Entry::BYTES_MAX].into_boxed_slice(),
            body: Vec::new(),
            count: 0,
            held: Vec::new(),
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

    /// Decides and applies. The reply may be spoken only after [`ShardCore::hold_back`].
    pub fn submit(&mut self, now: UnixMillis, request: &Request) -> Reply {
        let declined = |refusal| Declined {
            id: request.id().clone(),
            kind: request.command().kind(),
            refusal,
        };
        match self.ledger.decide(now, request) {
            Decision::Record(entry) => {
                self.record(&entry);
                let answer = Answer::recorded(entry, self.ledger.shard(), self.ledger.symbols());
                Ok(answer.expect("a request gives its entry an origin"))
            }
            Decision::Repeat(answer) => Ok(answer),
            Decision::Decline(refusal) => Err(declined(refusal)),
        }
    }

    /// Ends holds whose time is over, at most `most` of them; tells how many.
    pub fn expire_due(&mut self, now: UnixMillis, most: usize) -> usize {
        if now < self.no_expiry_before {
            return 0;
        }
        for done in 0..most {
            match self.ledger.decide_expiry(now) {
                Some(entry) => self.record(&entry),
                None => return done,
            }
        }
        most
    }

    /// Puts a document version in place that shard 0 decided; does nothing if the shard has it or a newer one.
    pub fn carry(&mut self, now: UnixMillis, document: &crate::ledger::Document) {
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
    pub const fn is_full(&self) -> bool {
        self.body.len() >= SEALED_BYTES_MAX
    }

    /// Hands over what was decided and what waits for it; `None` if there is neither.
    pub fn seal(&mut self) -> Option<Sealed<H>> {
        if self.count == 0 && self.held.is_empty() {
            return None;
        }
        let count = std::mem::take(&mut self.count);
        let capacity = self.body.len();
        Some(Sealed {
            shard: self.ledger.shard(),
            first: Seq(self.ledger.last_seq().0 + 1 - u64::from(count)),
            count,
            body: std::mem::replace(&mut self.body, Vec::with_capacity(capacity)),
            held: std::mem::take(&mut self.held),
        })
    }

    /// The last sequence decided.
    #[must_use]
    pub const fn last_seq(&self) -> Seq {
        self.ledger.last_seq()
    }

    fn record(&mut self, entry: &Entry) {
        if let Err(violation) = check_entry(entry) {
            stop(&violation);
        }
        let record = entry.encode(&mut self.scratch);
        self.ledger.apply(entry, record);
        let length = u16::try_from(record.len()).expect("Entry::BYTES_MAX is that of two bytes");
        self.body.extend_from_slice(&length.to_be_bytes());
        self.body.extend_from_slice(record);
        self.count += 1;
    }
}

/// Nothing may be decided on books that do not hold.
#[cold]
fn stop(violation: &Violation) -> ! {
    panic!("{violation}");
}
