//! What time does by itself: pending points mature, lots lapse, and what a closed member left behind is given up.
//!
//! A member's due points are recorded before anything else is decided about the member, so that no command ever sees
//! them as they were; a sweep does the same for members nobody asks about.

use std::collections::BTreeMap;

use super::{
    decide::Draft,
    deposit::Incoming,
    entry::{Account, Deed, Entry, Subject},
    id::MemberId,
    members::{Member, MemberIndex, MemberState},
    state::Ledger,
    time::{Day, UnixMillis},
    wallet::Wallet,
};

/// Where to look for what is due. Nothing depends on it but how soon it is found: it may name members of whom nothing
/// is due any more.
#[derive(Default)]
pub(super) struct DueIndex {
    lapsing: BTreeMap<Day, Vec<MemberIndex>>,
    /// By the second in which everything of it has matured.
    maturing: BTreeMap<u64, Vec<MemberIndex>>,
    closed: Vec<MemberIndex>,
}

impl DueIndex {
    /// Notes that a member has a lot of this last day.
    pub(super) fn lapses(&mut self, last_day: Day, member: MemberIndex) {
        if last_day != Day::NEVER {
            self.lapsing.entry(last_day).or_default().push(member);
        }
    }

    /// Notes that points of a member mature then.
    pub(super) fn matures(&mut self, at: UnixMillis, member: MemberIndex) {
        let second = at.0.div_ceil(1_000);
        self.maturing.entry(second).or_default().push(member);
    }

    /// Notes everything of a member that time may do. Empty lots count: points may come back to them.
    pub(super) fn meets(&mut self, at: MemberIndex, member: &Member) {
        for wallet in member.wallets() {
            for lot in wallet.lots() {
                self.lapses(lot.name.key.last_day, at);
            }
            for part in wallet.pending() {
                self.matures(part.releases_at, at);
            }
        }
        if member.state() == MemberState::Closed && member.wallets().iter().any(is_left_behind) {
            self.closes(at);
        }
    }

    /// Notes that a member was closed.
    pub(super) fn closes(&mut self, member: MemberIndex) {
        self.closed.push(member);
    }

    /// The list that names a member of whom something may be due.
    fn first(&mut self, today: Day, now: UnixMillis) -> Option<&mut Vec<MemberIndex>> {
        while let Some(first) = self.lapsing.first_entry()
            && first.get().is_empty()
        {
            first.remove();
        }
        while let Some(first) = self.maturing.first_entry()
            && first.get().is_empty()
        {
            first.remove();
        }
        if !self.closed.is_empty() {
            return Some(&mut self.closed);
        }
        if let Some(first) = self.maturing.first_entry()
            && first.key().saturating_mul(1_000) <= now.0
        {
            return Some(first.into_mut());
        }
        self.lapsing
            .first_entry()
            .filter(|first| *first.key() < today)
            .map(std::collections::btree_map::OccupiedEntry::into_mut)
    }
}

impl Ledger {
    /// What is due of a member at `at`, one entry; to be asked again until there is none.
    #[must_use]
    pub fn decide_due(&self, at: UnixMillis, member: &MemberId) -> Option<Entry> {
        self.due_of(at.max(self.last_at()), self.members.find(member)?)
    }

    /// What is due of anybody at `now`, one entry; to be asked again until there is none. Open holds end only if
    /// `holds_too`. Looks at as many members as `looks` allows, and takes from it: most lots have been spent when their
    /// last day is over, so that a day's list may be long and have little in it.
    #[must_use]
    pub fn decide_swept(
        &mut self,
        now: UnixMillis,
        holds_too: bool,
        looks: &mut usize,
    ) -> Option<Entry> {
        if holds_too && let Some(expiry) = self.decide_expiry(now) {
            return Some(expiry);
        }
        let at = now.max(self.last_at());
        let today = self.rules.day_at(at);
        while *looks > 0
            && let Some(list) = self.due.first(today, at)
        {
            *looks -= 1;
            let member = *list.last().expect("empty lists are dropped");
            if let Some(entry) = self.due_of(at, member) {
                return Some(entry);
            }
            if let Some(list) = self.due.first(today, at) {
                list.pop();
            }
        }
        None
    }

    /// What is due of whom an entry is about, if that is a member.
    pub(super) fn due_of_subject(&self, at: UnixMillis, subject: &Subject) -> Option<Entry> {
        match subject {
            Subject::Member(id) => self.due_of(at, self.members.find(id)?),
            _ => None,
        }
    }

    /// What is due of a member at `at`, which must not be before the last entry.
    pub(super) fn due_of(&self, at: UnixMillis, index: MemberIndex) -> Option<Entry> {
        let member = self.members.get(index);
        let today = self.rules.day_at(at);
        let wallet = member.wallets().iter().find(|wallet| {
            wallet.has_lapsed(today)
                || !wallet.matured(at).is_empty()
                || (member.state() == MemberState::Closed && is_left_behind(wallet))
        })?;
        let mut draft = Draft::new(self, at);
        draft.point_type = Some(wallet.point_type());
        let deed = self.end(&mut draft, member, wallet, today);
        let subject = Subject::Member(member.id().clone());
        Some(self.finish(draft, subject, Some(index), deed))
    }

    fn end(&self, draft: &mut Draft<'_>, member: &Member, wallet: &Wallet, today: Day) -> Deed {
        if member.state() == MemberState::Closed {
            give_up(draft, wallet);
            return Deed::Lapsed;
        }
        let matured = wallet.matured(draft.at);
        if !matured.is_empty() {
            let incoming = matured.iter().map(|part| Incoming {
                lot: part.lot,
                points: part.points,
                from: Account::Pending,
            });
            self.deposit(draft, member, incoming.collect());
            return Deed::Matured;
        }
        let mut lapsed = wallet.available_of(|lot| lot.name.key.last_day < today);
        lapsed.truncate(LOTS_AT_ONCE);
        draft.shift(&lapsed, Account::Available, Account::Breakage);
        Deed::Lapsed
    }
}

fn is_left_behind(wallet: &Wallet) -> bool {
    let balance = wallet.balance();
    !balance.available.is_zero() || !balance.pending.is_zero()
}

/// How many lots one entry ends: wallets of before transfers kept the room of what they sent may have more than fit into one. The rest is
/// due at once.
const LOTS_AT_ONCE: usize = 1_024;

/// Everything of a wallet that is not held or owed goes to breakage.
pub(super) fn give_up(draft: &mut Draft<'_>, wallet: &Wallet) {
    let mut available = wallet.available_of(|_| true);
    available.truncate(LOTS_AT_ONCE);
    draft.shift(&available, Account::Available, Account::Breakage);
    for part in wallet.pending() {
        draft.shift_one(part.lot, part.points, Account::Pending, Account::Breakage);
    }
}
