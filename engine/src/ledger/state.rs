//! A shard's state, and the only way in which it changes: by applying entries.

use bincode::error::DecodeError;
use smallvec::SmallVec;

use super::{
    accounts::{Accounts, SystemStripe, SystemStripes},
    amount::Points,
    answer::Answer,
    command::{Seq, ShardIndex},
    daybook::Daybook,
    due::DueIndex,
    entry::{Deed, Entry, Subject},
    errands::{Errand, Errands},
    holds::Holds,
    id::{MemberId, Principal, RequestId, SkuId},
    image::Copying,
    members::{Member, Members},
    merchants::{Merchant, Merchants},
    message::{Message, Parcel},
    records::{Aged, Facts, Keeping, Need},
    requests::{ObjectKey, Requests},
    reversals::Reversals,
    rules::Rules,
    settlements::ClearingBook,
    stocks::{Stock, Stocks},
    symbol::{Symbol, Symbols},
    time::{Day, UnixMillis},
    transit::{Transit, TransitStripe},
};
use crate::{link::Links, router::Router};

/// Why a recorded entry cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The bytes are no entry.
    #[error("entry behind {after:?} cannot be read: {error}")]
    Unreadable {
        /// The last entry that was applied.
        after: Seq,
        /// What the decoder says.
        error: DecodeError,
    },
    /// An entry is missing or comes twice (invariant 6).
    #[error("entry {found:?} follows entry {after:?}")]
    Gap {
        /// The last entry that was applied.
        after: Seq,
        /// The one that came.
        found: Seq,
    },
    /// Applying the entry gives another balance than the one recorded (invariant 7).
    #[error("entry {seq:?} does not give the balance it records")]
    Diverged {
        /// Which entry.
        seq: Seq,
    },
}

/// The state of one shard.
pub struct Ledger {
    pub(super) shard: ShardIndex,
    pub(super) rules: Rules,
    pub(super) symbols: Symbols,
    /// The symbols of the programme's kinds of points, in the order of the rules; `None` where no entry named the kind yet. Nearly
    /// every command names one.
    kinds: SmallVec<[Option<Symbol>; 4]>,
    pub(super) merchants: Merchants,
    pub(super) members: Members,
    pub(super) holds: Holds,
    pub(super) requests: Requests,
    pub(super) system: SystemStripes,
    pub(super) due: DueIndex,
    pub(super) reversals: Reversals,
    pub(super) links: Links<Message<Symbol>>,
    pub(super) errands: Errands,
    pub(super) stocks: Stocks,
    pub(super) transit: Transit,
    pub(super) daybook: Daybook,
    pub(super) clearing: ClearingBook,
    /// What of the daybook the image under way does not have yet.
    pub(super) copying: Copying,
    /// When the day that goes on ends. Made from the last entry, the daybook and the rules.
    pub(super) midnight: UnixMillis,
    last_seq: Seq,
    last_at: UnixMillis,
}

impl Ledger {
    /// A shard to which nothing has happened.
    #[must_use]
    pub fn new(shard: ShardIndex, rules: Rules) -> Self {
        Self {
            shard,
            rules,
            symbols: Symbols::default(),
            kinds: SmallVec::new(),
            merchants: Merchants::default(),
            members: Members::default(),
            holds: Holds::default(),
            requests: Requests::default(),
            system: SystemStripes::default(),
            due: DueIndex::default(),
            reversals: Reversals::default(),
            links: Links::default(),
            errands: Errands::default(),
            stocks: Stocks::default(),
            transit: Transit::default(),
            daybook: Daybook::default(),
            clearing: ClearingBook::default(),
            copying: Copying::default(),
            midnight: UnixMillis(0),
            last_seq: Seq(0),
            last_at: UnixMillis(0),
        }
    }

    /// Which shard this is.
    #[must_use]
    pub const fn shard(&self) -> ShardIndex {
        self.shard
    }

    /// The last entry applied; 0 if none.
    #[must_use]
    pub const fn last_seq(&self) -> Seq {
        self.last_seq
    }

    /// The time of the last entry applied. Stamps never go back behind it.
    #[must_use]
    pub const fn last_at(&self) -> UnixMillis {
        self.last_at
    }

    /// What it judges by.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Tells which other shards there are, and where the pools of sales are.
    pub const fn is_placed_by(&mut self, router: Router) {
        self.rules.router = router;
    }

    /// This shard's part of the accounts that belong to nobody.
    pub fn system(&self) -> impl Iterator<Item = &SystemStripe> {
        self.system.iter()
    }

    /// This shard's part of all accounts that are no member's.
    #[must_use]
    pub fn accounts(&self) -> Accounts {
        let merchants = self.merchants.iter_numbered();
        Accounts {
            merchants: merchants
                .map(|(number, one)| (Symbol::at(number as usize), one.stripes.to_vec()))
                .collect(),
            system: self.system().copied().collect(),
        }
    }

    /// The names behind symbols.
    #[must_use]
    pub const fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// A member by name.
    #[must_use]
    pub fn member(&self, id: &MemberId) -> Option<&Member> {
        self.members.find(id).map(|at| self.members.get(at))
    }

    /// All members in the order of enrolment.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// All merchants in the order in which the shard met them.
    pub fn merchants(&self) -> impl Iterator<Item = &Merchant> {
        self.merchants.iter()
    }

    /// A hold by the entry that made it, and whose it is.
    #[must_use]
    pub fn hold(&self, seq: Seq) -> Option<(&super::holds::Held, &MemberId)> {
        let held = self.holds.find(seq)?;
        Some((held, self.members.get(held.member).id()))
    }

    /// The open holds in the order in which they end, each with its member.
    pub fn open_holds(&self) -> impl Iterator<Item = (&super::holds::Held, &Member)> {
        self.holds
            .iter_open()
            .map(|held| (held, self.members.get(held.member)))
    }

    /// An open hold whose time is over at `now`.
    #[must_use]
    pub fn hold_due(&self, now: UnixMillis) -> Option<Seq> {
        self.holds.due(now)
    }

    /// The links of this shard.
    #[must_use]
    pub const fn links(&self) -> &Links<Message<Symbol>> {
        &self.links
    }

    /// Lets go of messages that another shard has durably applied.
    pub fn acknowledged(&mut self, by: ShardIndex, number: u64) {
        self.links.acknowledge(by, number);
    }

    /// Messages to a shard behind this number, with names spelled out, and word of what came from it. Empty ones tell only that.
    #[must_use]
    pub fn parcel(&self, to: ShardIndex, behind: u64) -> Parcel {
        let mut messages = self.links.behind(to, behind).peekable();
        let first = messages.peek().map_or(behind + 1, |(number, _)| *number);
        let spell = |symbol: &Symbol| self.symbols.name(*symbol).clone();
        Parcel {
            from: self.shard,
            to,
            first,
            messages: messages
                .map(|(_, sent)| (sent.at, sent.message.map(spell)))
                .collect(),
            acknowledged: self.links.received(to),
        }
    }

    /// What is sold, by name.
    #[must_use]
    pub fn stock(&self, id: &SkuId) -> Option<&Stock> {
        self.stocks.get(self.symbols.find(id.as_str())?)
    }

    /// A pool, by name.
    #[must_use]
    pub fn pool(&self, name: &str) -> Option<&Stock> {
        self.stocks.get(self.symbols.find(name)?)
    }

    /// All pools: what is sold, and points that were bought ahead.
    pub fn pools(&self) -> impl Iterator<Item = &Stock> {
        self.stocks.iter().map(|(_, stock)| stock)
    }

    /// Commands that were begun and are not answered, by the entries that began them.
    pub fn errands(&self) -> impl Iterator<Item = (Seq, &Errand)> {
        self.errands
            .iter()
            .map(|(ticket, one)| (ticket, &one.errand))
    }

    /// A command that was begun and is not answered.
    #[must_use]
    pub fn errand(&self, ticket: Seq) -> Option<&Errand> {
        self.errands.get(ticket).map(|one| &one.errand)
    }

    /// This shard's part of the account of what is on its way.
    pub fn transit(&self) -> impl Iterator<Item = &TransitStripe> {
        self.transit.stripes()
    }

    /// Sets all pools in motion whose home is here, as after a start.
    pub fn wake_all_pools(&mut self) {
        self.stocks.wake_all();
    }

    /// How many requests are remembered.
    #[must_use]
    pub const fn remembered_requests(&self) -> u64 {
        self.requests.len()
    }

    /// Applies an entry that `decide` made on this very state. `record` is its recorded form.
    ///
    /// # Panics
    ///
    /// If the entry was not decided on this state: the invariant that is broken is named.
    pub fn apply(&mut self, entry: &Entry, record: &[u8]) {
        assert_eq!(entry.seq, self.last_seq.next(), "invariant 6: no gap");
        assert!(entry.at >= self.last_at, "stamps never go back");
        self.last_seq = entry.seq;
        self.last_at = entry.at;
        if entry.at >= self.midnight {
            self.find_midnight();
        }
        if !entry.defines.is_empty() {
            for name in &entry.defines {
                self.symbols.define(name.clone());
            }
            self.find_kinds();
        }
        if let Some(course) = &entry.course {
            self.apply_course(entry, course);
        }
        let object = match &entry.subject {
            Subject::Member(id) => self.apply_to_member(id, entry),
            Subject::Merchant(_) => self.apply_document(entry),
            Subject::Stock(id) => self.apply_stock(entry, id.as_str()),
            Subject::Prepaid(id) => self.apply_stock(entry, id.as_str()),
            Subject::Settlement(period) => self.apply_settlement(entry, *period),
            Subject::Correction(id) => self.apply_correction(entry, id),
            Subject::Nobody => ObjectKey::NOBODY,
        };
        match entry.deed {
            Deed::DayEnded { day } => {
                self.daybook.end_day(day, entry.seq);
                self.find_midnight();
            }
            Deed::Settled { until } => self.settle_days(until),
            _ => {}
        }
        if let Deed::Begun { errand } = &entry.deed {
            self.apply_begun(object, entry, errand);
        }
        if let Some(ticket) = entry.ends() {
            self.apply_end_of_errand(ticket, entry);
        }
        self.remember(entry, object, record);
    }

    /// Reads a recorded entry and applies it, as recovery does.
    pub fn replay(&mut self, record: &[u8]) -> Result<Seq, ReplayError> {
        self.replay_run(&[record])?;
        Ok(self.last_seq)
    }

    /// Applies an entry that was read from its record.
    pub(super) fn replay_entry(&mut self, entry: &Entry, record: &[u8]) -> Result<(), ReplayError> {
        if entry.seq != self.last_seq.next() {
            return Err(ReplayError::Gap {
                after: self.last_seq,
                found: entry.seq,
            });
        }
        self.apply(entry, record);
        if self.balance_differs(entry) {
            return Err(ReplayError::Diverged { seq: entry.seq });
        }
        Ok(())
    }

    /// The answer that a remembered record holds, marked as said before.
    pub(super) fn repeat(&self, record: &[u8]) -> Answer {
        let entry = Entry::decode(record).expect("recorded by this ledger");
        let mut answer = Answer::recorded(&entry, self.shard, &self.symbols)
            .expect("only entries with an origin are remembered");
        answer.replayed = true;
        answer
    }

    /// Puts a ledger that comes from an image where the image was begun.
    pub(super) fn stand_at(&mut self, seq: Seq, at: UnixMillis) {
        self.last_seq = seq;
        self.last_at = at;
        self.find_midnight();
    }

    /// To be done when there are names that were not there.
    pub(super) fn find_kinds(&mut self) {
        let kinds = self.rules.point_types.iter();
        self.kinds = kinds
            .map(|kind| self.symbols.find(kind.name.as_str()))
            .collect();
    }

    /// The symbol of the kind with this place in the rules, if an entry named it.
    pub(super) fn symbol_of_kind(&self, place: usize) -> Option<Symbol> {
        *self.kinds.get(place)?
    }

    /// Lets go of days that are settled.
    pub(super) fn settle_days(&mut self, until: Day) {
        self.daybook.settle(until);
        self.find_midnight();
    }

    fn find_midnight(&mut self) {
        let end = self.rules.end_of(self.open_day());
        self.midnight = end.unwrap_or(UnixMillis(u64::MAX));
    }

    pub(super) fn balance_differs(&self, entry: &Entry) -> bool {
        match (&entry.subject, entry.after) {
            (Subject::Member(id), Some(after)) => {
                let member = self.members.find_near(entry.hint, id);
                member.is_none_or(|at| {
                    self.members.get(at).balance(after.point_type) != after.balance
                })
            }
            _ => false,
        }
    }

    /// What is to be kept at `at`.
    pub(super) const fn keeping(&self, at: UnixMillis) -> Keeping {
        let window = self.rules.reversal_window_seconds.saturating_mul(1_000);
        let answers_since = self.retained_since(at);
        Keeping {
            memory_max: self.rules.request_bytes_max,
            disk_max: self.rules.request_disk_bytes_max,
            chunk_bytes: self.rules.record_chunk_bytes,
            answers_since,
            // A retry of the last reversal that was possible finds its member through the transaction.
            since: self.retained_since(UnixMillis(answers_since.0.saturating_sub(window))),
        }
    }

    /// From when on answers are remembered at `at`, at least.
    pub(super) const fn retained_since(&self, at: UnixMillis) -> UnixMillis {
        let retention = self.rules.request_retention_seconds.saturating_mul(1_000);
        UnixMillis(at.0.saturating_sub(retention))
    }

    fn remember(&mut self, entry: &Entry, object: ObjectKey, record: &[u8]) {
        let keeping = self.keeping(entry.at);
        self.holds
            .forget(self.retained_since(keeping.answers_since));
        if let Some(origin) = &entry.origin {
            let place = (entry.seq, entry.at);
            self.requests
                .remember(object, origin, place, record, &keeping);
            if let Some(first) = self.requests.first_seq() {
                self.reversals.forget_before(first);
            }
        }
    }

    /// The next chunk of records that memory does not keep; to be asked until there is none after entries were applied.
    pub fn take_aged(&mut self) -> Option<Aged> {
        self.requests.take_aged()
    }

    /// The answer that is bound to a request id, marked as said before.
    pub fn request(
        &self,
        member: &MemberId,
        principal: &Principal,
        id: &RequestId,
        facts: &Facts,
    ) -> Result<Option<Answer>, Need> {
        let known = (
            self.members.find(member),
            self.symbols.find(principal.as_str()),
        );
        let (Some(member), Some(principal)) = known else {
            return Ok(None);
        };
        let object = ObjectKey::member(member.0);
        let chunk_bytes = self.rules.record_chunk_bytes;
        let record = self
            .requests
            .find(principal, object, id, facts, chunk_bytes)?;
        Ok(record.map(|record| self.repeat(record)))
    }

    /// An accepted command of a member, unless it is too old to be asked for.
    pub fn transaction(&self, seq: Seq, facts: &Facts) -> Result<Option<Entry>, Need> {
        if seq > self.last_seq {
            return Ok(None);
        }
        let record = self.requests.record_of(seq, facts)?;
        let entry = record.map(|record| Entry::decode(record).expect("recorded by this ledger"));
        Ok(entry.filter(|entry| {
            matches!(entry.subject, Subject::Member(_))
                && !matches!(entry.deed, Deed::Refused { .. })
        }))
    }

    /// How much of a transaction was reversed so far.
    #[must_use]
    pub fn reversed(&self, seq: Seq) -> Points {
        self.reversals.of(seq)
    }
}
