//! A shard's state, and the only way in which it changes: by applying entries.

use bincode::error::DecodeError;

use super::{
    answer::Answer,
    command::{Seq, ShardIndex},
    entry::{Account, Deed, Entry, Move, Subject},
    holds::{HoldState, Holds, Opening},
    id::MemberId,
    members::{Member, MemberIndex, Members},
    merchants::{Merchant, Merchants},
    requests::{Forgetting, ObjectKey, Requests},
    rules::Rules,
    symbol::{Symbol, Symbols},
    time::UnixMillis,
    wallet::{Half, Share},
};

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
    pub(super) merchants: Merchants,
    pub(super) members: Members,
    pub(super) holds: Holds,
    pub(super) requests: Requests,
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
            merchants: Merchants::default(),
            members: Members::default(),
            holds: Holds::default(),
            requests: Requests::default(),
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
        for name in &entry.defines {
            self.symbols.define(name.clone());
        }
        let object = match &entry.subject {
            Subject::Member(id) => self.apply_to_member(id, entry),
            Subject::Merchant(_) => self.apply_document(entry),
        };
        self.remember(entry, object, record);
    }

    /// Reads a recorded entry and applies it, as recovery does.
    pub fn replay(&mut self, record: &[u8]) -> Result<Seq, ReplayError> {
        let entry = Entry::decode(record).map_err(|error| ReplayError::Unreadable {
            after: self.last_seq,
            error,
        })?;
        if entry.seq != self.last_seq.next() {
            return Err(ReplayError::Gap {
                after: self.last_seq,
                found: entry.seq,
            });
        }
        self.apply(&entry, record);
        if self.balance_differs(&entry) {
            return Err(ReplayError::Diverged { seq: entry.seq });
        }
        Ok(entry.seq)
    }

    /// The answer that a remembered record holds, marked as said before.
    pub(super) fn repeat(&self, record: &[u8]) -> Answer {
        let entry = Entry::decode(record).expect("recorded by this ledger");
        let mut answer = Answer::recorded(entry, self.shard, &self.symbols)
            .expect("only entries with an origin are remembered");
        answer.replayed = true;
        answer
    }

    pub(super) fn balance_differs(&self, entry: &Entry) -> bool {
        match (&entry.subject, entry.after) {
            (Subject::Member(id), Some(after)) => self
                .member(id)
                .is_none_or(|member| member.balance(after.point_type) != after.balance),
            _ => false,
        }
    }

    fn apply_to_member(&mut self, id: &MemberId, entry: &Entry) -> ObjectKey {
        let member = self
            .members
            .find(id)
            .unwrap_or_else(|| self.members.enrol(id.clone()));
        for one in &entry.moves {
            self.post(member, entry, one);
        }
        self.apply_deed(member, entry);
        ObjectKey::member(member.0)
    }

    fn post(&mut self, at: MemberIndex, entry: &Entry, one: &Move) {
        use Account::{Accepted, Available, Held, Issued};
        let point_type = entry
            .after
            .expect("an entry with moves tells the balance")
            .point_type;
        let wallet = self.members.get_mut(at).wallet_mut(point_type);
        let (key, points) = (one.lot.key, one.points);
        match (one.from, one.to) {
            (Issued, Available) => wallet.put(one.lot, Half::Available, points),
            (Available, Held) => wallet.shift(key, Half::Available, Half::Held, points),
            (Held, Available) => wallet.shift(key, Half::Held, Half::Available, points),
            (Available, Accepted(_)) => wallet.take(key, Half::Available, points),
            (Held, Accepted(_)) => wallet.take(key, Half::Held, points),
            (from, to) => panic!("no command moves points from {from:?} to {to:?}"),
        }
        for account in [one.from, one.to] {
            self.post_stripe(account, point_type, key.issuer, points.get());
        }
    }

    fn post_stripe(&mut self, account: Account, point_type: Symbol, issuer: Symbol, points: u64) {
        let merchant = match account {
            Account::Issued => issuer,
            Account::Accepted(acceptor) => acceptor,
            Account::Available | Account::Held => return,
        };
        let stripe = self
            .merchants
            .get_mut(merchant)
            .expect("decided: the merchant is known")
            .stripe_mut(point_type);
        match account {
            Account::Issued => stripe.issued += u128::from(points),
            _ => stripe.accepted += u128::from(points),
        }
    }

    fn apply_deed(&mut self, at: MemberIndex, entry: &Entry) {
        match &entry.deed {
            Deed::Enrolled { attributes } => {
                self.members.get_mut(at).attributes.clone_from(attributes);
            }
            Deed::Held {
                merchant,
                expires_at,
                ..
            } => {
                let shares = entry.moves.iter().map(|m| Share {
                    lot: m.lot,
                    points: m.points,
                });
                self.holds.open(Opening {
                    seq: entry.seq,
                    member: at,
                    point_type: entry.after.expect("a hold tells the balance").point_type,
                    merchant: *merchant,
                    expires_at: *expires_at,
                    shares: shares.collect(),
                });
                self.members.get_mut(at).open_holds += 1;
            }
            Deed::Captured { hold, open, .. } => self.apply_capture(at, entry, *hold, *open),
            Deed::Released { hold, .. } => {
                self.apply_end_of_hold(at, entry, *hold, HoldState::Released);
            }
            Deed::Expired { hold, .. } => {
                self.apply_end_of_hold(at, entry, *hold, HoldState::Expired);
            }
            Deed::Earned { .. } | Deed::Redeemed { .. } | Deed::Refused { .. } => {}
            Deed::MerchantPut { .. } => panic!("a merchant's document is about no member"),
        }
    }

    fn apply_capture(&mut self, at: MemberIndex, entry: &Entry, hold: Seq, open: bool) {
        let mut late = false;
        for m in &entry.moves {
            match (m.from, m.to) {
                (Account::Held, Account::Available) => {
                    self.holds.give_back(hold, m.lot.key, m.points);
                }
                (Account::Held, _) => self.holds.capture(hold, m.lot.key, m.points),
                _ => {
                    late = true;
                    self.holds.capture_late(hold, m.points);
                }
            }
        }
        if !open && !late {
            self.holds.close(hold, HoldState::Captured, entry.at);
            self.members.get_mut(at).open_holds -= 1;
        }
    }

    fn apply_end_of_hold(&mut self, at: MemberIndex, entry: &Entry, hold: Seq, state: HoldState) {
        for m in &entry.moves {
            self.holds.give_back(hold, m.lot.key, m.points);
        }
        self.holds.close(hold, state, entry.at);
        self.members.get_mut(at).open_holds -= 1;
    }

    fn apply_document(&mut self, entry: &Entry) -> ObjectKey {
        let (Subject::Merchant(id), Deed::MerchantPut { name, version, .. }) =
            (&entry.subject, &entry.deed)
        else {
            panic!("only a merchant's document is put on a merchant");
        };
        let symbol = self
            .symbols
            .find(id.as_str())
            .expect("decided: the entry defines the merchant's symbol");
        self.merchants.put(symbol, id, name, *version);
        ObjectKey::document(symbol)
    }

    /// What may be forgotten at `at`.
    pub(super) const fn forgetting(&self, at: UnixMillis) -> Forgetting {
        Forgetting {
            before: self.retained_since(at),
            bytes_max: self.rules.request_bytes_max,
        }
    }

    /// From when on answers are remembered at `at`, at least.
    pub(super) const fn retained_since(&self, at: UnixMillis) -> UnixMillis {
        let retention = self.rules.request_retention_seconds.saturating_mul(1_000);
        UnixMillis(at.0.saturating_sub(retention))
    }

    fn remember(&mut self, entry: &Entry, object: ObjectKey, record: &[u8]) {
        let forgetting = self.forgetting(entry.at);
        self.holds.forget(self.retained_since(forgetting.before));
        if let Some(origin) = &entry.origin {
            self.requests
                .remember(object, origin, entry.at, record, forgetting);
        }
    }
}
