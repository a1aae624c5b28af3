//! Reading ahead: what a run of commands will need is read for all of them before the first is decided.
//!
//! A command reads a few places that are nowhere near each other, each found through the one before: with many members
//! none of them is in the processor's caches, and deciding one command after the other waits for each in turn. Reading
//! the same places for many commands at once, memory brings them side by side.

use std::hint::black_box;

use smallvec::SmallVec;

use super::{
    command::{Capture, Command, Release, Request},
    entry::{Entry, Hint, Subject},
    id::{MemberId, RequestId},
    members::MemberIndex,
    requests::ObjectKey,
    state::{Ledger, ReplayError},
    symbol::Symbol,
};

impl Ledger {
    /// For how many commands one look ahead is worth while: what it finds has to stay in the nearest caches.
    pub const AHEAD: usize = 16;

    /// Whether there are so many members that looking ahead is worth its while. Fewer are in the caches anyhow, and a command
    /// took an eighth longer.
    #[must_use]
    pub fn gains_by_looking_ahead(&self) -> bool {
        self.members.len() >= 4_096
    }

    /// Reads what deciding the first [`AHEAD`](Self::AHEAD) of these commands will read. Neither decides nor changes
    /// anything: without it everything is the same, only later. Tells how many of them are about a known member.
    pub fn look_ahead(&self, requests: &[Request]) -> usize {
        let requests = requests.get(..Self::AHEAD).unwrap_or(requests);
        let mut members = self.likely(requests.iter().map(|request| request.command.member()));
        for (member, request) in members.iter_mut().zip(requests) {
            if let Command::Capture(Capture { hold, .. }) | Command::Release(Release { hold }) =
                &request.command
            {
                *member = self.holds.find(hold.seq).map(|held| held.member);
            }
        }
        self.glance(&members);
        let principals = requests.iter().map(|request| {
            let principal = self.symbols.find(request.principal.as_str());
            Some((principal?, &request.id))
        });
        self.glance_at_answers(&members, principals);
        members.iter().flatten().count()
    }

    /// Reads recorded entries and applies them, as recovery does, up to the first that does not fit. What applying them
    /// will read is read ahead.
    pub fn replay_run(&mut self, records: &[&[u8]]) -> Result<(), ReplayError> {
        for records in records.chunks(Self::AHEAD) {
            let mut entries: SmallVec<[Entry; 1]> = SmallVec::with_capacity(records.len());
            let mut unreadable = None;
            for record in records {
                match Entry::decode(record) {
                    Ok(entry) => entries.push(entry),
                    Err(error) => {
                        unreadable = Some(error);
                        break;
                    }
                }
            }
            self.look_ahead_of(&mut entries);
            for (entry, record) in entries.iter().zip(records) {
                self.replay_entry(entry, record)?;
            }
            if let Some(error) = unreadable {
                let after = self.last_seq();
                return Err(ReplayError::Unreadable { after, error });
            }
        }
        Ok(())
    }

    fn look_ahead_of(&self, entries: &mut [Entry]) {
        if entries.len() < 2 {
            return;
        }
        let members = self.likely(entries.iter().map(|entry| match &entry.subject {
            Subject::Member(id) => Some(id),
            _ => None,
        }));
        self.glance(&members);
        for (entry, member) in entries.iter_mut().zip(members) {
            entry.hint = Hint(member);
        }
        let origins = entries.iter().map(|entry| {
            let origin = entry.origin.as_ref()?;
            Some((origin.principal, &origin.id))
        });
        self.glance_at_answers(&members, origins);
    }

    /// Reads where the answers to requests of members are remembered, or will be.
    fn glance_at_answers<'a>(
        &self,
        members: &[Option<MemberIndex>],
        requests: impl Iterator<Item = Option<(Symbol, &'a RequestId)>>,
    ) {
        let mut hashes = [None; Self::AHEAD];
        let members = members.iter().zip(requests);
        for (hash, (member, request)) in hashes.iter_mut().zip(members) {
            *hash = member.zip(request).map(|(member, (principal, id))| {
                let object = ObjectKey::member(member.0);
                self.requests.hash(principal, object, id.as_str())
            });
        }
        let hashes = hashes.iter().flatten();
        black_box(hashes.fold(0, |read, hash| read ^ self.requests.glance(*hash)));
    }

    /// Who these nearly certainly are. What a look depends on is read by the round before, for all of them.
    fn likely<'a>(
        &self,
        ids: impl Iterator<Item = Option<&'a MemberId>>,
    ) -> [Option<MemberIndex>; Self::AHEAD] {
        let mut hashes = [None; Self::AHEAD];
        for (hash, id) in hashes.iter_mut().zip(ids) {
            *hash = id.map(|id| self.members.hash(id));
        }
        let read = hashes.iter().flatten();
        black_box(read.fold(0, |read, hash| read ^ self.members.glance(*hash)));
        hashes.map(|hash| self.members.likely(hash?))
    }

    /// Reads for the sake of having read.
    fn glance(&self, members: &[Option<MemberIndex>]) {
        let known = members.iter().flatten();
        let lots: usize = known.map(|at| self.members.get(*at).glance()).sum();
        black_box(lots);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{
        Enrol, HoldId, MerchantId, Principal, PutMerchant, RequestId, Text, at_work::Work,
    };

    fn request(command: Command) -> Request {
        let principal = Principal::new("till").unwrap();
        Request::new(principal, RequestId::new("r").unwrap(), command, None, None)
    }

    fn enrol(member: &str) -> Command {
        Command::Enrol(Enrol {
            member: MemberId::new(member).unwrap(),
            attributes: None,
        })
    }

    /// Goal: a look ahead finds whom commands are about, however they name them. Method: a member with a hold, and commands
    /// about it and about nobody.
    #[test]
    fn what_is_known_is_found() {
        let mut work = Work::new();
        work.enrol(1);
        work.earn(1, 100);
        let seq = work.hold(1, 10);
        let shard = work.ledger.shard();
        let capture = |seq| {
            Command::Capture(Capture {
                hold: HoldId { shard, seq },
                points: None,
                last: true,
            })
        };
        let release = Command::Release(Release {
            hold: HoldId { shard, seq },
        });
        let document = Command::PutMerchant(PutMerchant {
            contract: None,
            merchant: MerchantId::new("m").unwrap(),
            name: Text::new("Corner shop").unwrap(),
        });
        for (command, known) in [
            (enrol("member-1"), 1),
            (enrol("member-2"), 0),
            (capture(seq), 1),
            (capture(seq.next()), 0),
            (release, 1),
            (document, 0),
        ] {
            let asked = request(command);
            let found = work.ledger.look_ahead(std::slice::from_ref(&asked));
            assert_eq!(found, known, "{asked:?}");
        }
    }

    #[test]
    fn no_more_are_looked_at_than_are_worth_while() {
        let mut work = Work::new();
        work.enrol(1);
        let requests = vec![request(enrol("member-1")); Ledger::AHEAD + 4];
        for count in [0, 1, Ledger::AHEAD - 1, Ledger::AHEAD, Ledger::AHEAD + 4] {
            let found = work.ledger.look_ahead(&requests[..count]);
            assert_eq!(found, count.min(Ledger::AHEAD));
        }
    }
}
