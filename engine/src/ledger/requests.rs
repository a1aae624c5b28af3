//! The memory of answered requests: who retries hears the same answer.
//!
//! What is remembered is the entry's recorded form itself, kept by `records`; the index finds it by (principal, object,
//! request id). The index is also the filter in front of the disk: who is not in it was never answered.

use std::hash::BuildHasher;

use smallvec::SmallVec;

use super::{
    command::Seq,
    entry::{Entry, Origin},
    id::RequestId,
    image::ImageError,
    members::MemberIndex,
    records::{
        Aged, ChunkNumber, Facts, Found, Keeping, Need, Place, Records, RecordsHead, Stored,
    },
    split_table::SplitTable,
    symbol::Symbol,
    time::UnixMillis,
};

/// What a request is about, within its shard: the second half of a request id's scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ObjectKey(pub(super) u64);

impl ObjectKey {
    pub(super) const fn member(index: u32) -> Self {
        Self(index as u64)
    }

    /// The member that it is.
    pub(super) fn as_member(self) -> MemberIndex {
        MemberIndex(u32::try_from(self.0).expect("only members are asked for"))
    }

    pub(super) const fn document(symbol: Symbol) -> Self {
        Self(1 << 32 | symbol.index() as u64)
    }

    /// A sale may be called like a merchant.
    pub(super) const fn stock(symbol: Symbol) -> Self {
        Self(2 << 32 | symbol.index() as u64)
    }

    /// A settlement, by its place among them.
    pub(super) const fn settlement(place: usize) -> Self {
        Self(3 << 32 | place as u64)
    }

    /// A correction, by its place among them.
    pub(super) const fn correction(place: usize) -> Self {
        Self(4 << 32 | place as u64)
    }

    /// Nothing that a request could be about.
    pub(super) const NOBODY: Self = Self(u64::MAX);
}

/// The remembered requests of a shard.
#[derive(Default)]
pub(super) struct Requests {
    index: SplitTable,
    hasher: foldhash::quality::RandomState,
    records: Records,
}

impl Requests {
    /// The record of an answered request.
    pub(super) fn find<'a>(
        &'a self,
        principal: Symbol,
        object: ObjectKey,
        id: &RequestId,
        facts: &'a Facts,
        chunk_bytes: usize,
    ) -> Result<Option<&'a [u8]>, Need> {
        let hash = self.hash(principal, object, id.as_str());
        let is_it = |stored: &Stored<'_>| {
            stored.object == object
                && Entry::peek(stored.record)
                    .is_some_and(|peek| peek.principal == principal && peek.id == id.as_str())
        };
        let mut found = Ok(None);
        self.index.find(hash, |place| {
            let stored = match self.records.at(Place(place), chunk_bytes) {
                Found::Here(stored) => stored,
                Found::Nowhere => return false,
                Found::Elsewhere(need) => match fact(need, facts) {
                    Ok(Some(stored)) => stored,
                    Ok(None) => return false,
                    Err(need) => {
                        found = Err(need);
                        return true;
                    }
                },
            };
            let matches = is_it(&stored);
            if matches {
                found = Ok(Some(stored.record));
            }
            matches
        });
        found
    }

    /// Reads where the record with this hash would be found.
    pub(super) fn glance(&self, hash: u64) -> u64 {
        self.index.glance(hash)
    }

    /// The record of an entry that answers a request, unless it was dropped or there is none.
    pub(super) fn record_of<'a>(
        &'a self,
        seq: Seq,
        facts: &'a Facts,
    ) -> Result<Option<&'a [u8]>, Need> {
        let stored = match self.records.of(seq) {
            Found::Here(stored) => Some(stored),
            Found::Nowhere => None,
            Found::Elsewhere(need) => fact(need, facts)?,
        };
        Ok(stored.map(|stored| stored.record))
    }

    /// Remembers an entry that answers a request.
    pub(super) fn remember(
        &mut self,
        object: ObjectKey,
        origin: &Origin,
        (seq, at): (Seq, UnixMillis),
        record: &[u8],
        keeping: &Keeping,
    ) {
        let place = self.records.append(object, seq, at, record, keeping);
        let hash = self.hash(origin.principal, object, origin.id.as_str());
        let records = &self.records;
        self.index.insert_sparing(hash, place.0, |place| {
            records.keeps(Place(place), keeping.chunk_bytes)
        });
    }

    /// Bytes of records in memory.
    pub(super) const fn memory_bytes(&self) -> usize {
        self.records.memory_bytes()
    }

    /// How many requests are remembered.
    pub(super) const fn len(&self) -> u64 {
        self.records.len()
    }

    /// Whether nothing more can be remembered.
    pub(super) fn are_full(&self, keeping: &Keeping) -> bool {
        self.records.are_full(keeping)
    }

    /// The oldest entry whose record may still be found.
    pub(super) fn first_seq(&self) -> Option<Seq> {
        self.records.first_seq()
    }

    /// The next chunk that memory does not keep.
    pub(super) fn take_aged(&mut self) -> Option<Aged> {
        self.records.take_aged()
    }

    /// Asks for all chunks that are full to be kept elsewhere as well.
    pub(super) fn keep_full_chunks(&mut self) {
        self.records.keep_full_chunks();
    }

    /// The numbers of the chunks that are full.
    pub(super) fn full_chunks(&self) -> std::ops::Range<u64> {
        self.records.full_chunks()
    }

    /// What an image says of the records.
    pub(super) fn image(&self) -> RecordsHead<'_> {
        self.records.image()
    }

    /// Puts in place what an image says of the records, and finds every answered request again.
    pub(super) fn restore(
        &mut self,
        head: &RecordsHead<'_>,
        chunk_bytes: usize,
        chunk: impl FnMut(ChunkNumber) -> Result<Vec<u8>, ImageError>,
    ) -> Result<(), ImageError> {
        const RUN: usize = 16;
        let (index, hasher) = (&mut self.index, &self.hasher);
        let mut run = SmallVec::<[(u64, u32); RUN]>::new();
        self.records = Records::restored(head, chunk_bytes, chunk, |place, stored| {
            let peek = Entry::peek(stored.record)
                .ok_or(ImageError::Incomplete("a record answers no request"))?;
            let hash = hasher.hash_one((peek.principal, stored.object, peek.id));
            run.push((hash, place.0));
            if run.len() == RUN {
                index.insert_run(&run);
                run.clear();
            }
            Ok(())
        })?;
        index.insert_run(&run);
        Ok(())
    }

    /// The records in memory, in the order of their decision.
    pub(super) fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.records.iter()
    }

    pub(super) fn hash(&self, principal: Symbol, object: ObjectKey, id: &str) -> u64 {
        self.hasher.hash_one((principal, object, id))
    }
}

/// What was found of a need, or the need itself if nobody looked.
fn fact(need: Need, facts: &Facts) -> Result<Option<Stored<'_>>, Need> {
    let found = facts.get(need).ok_or(need)?;
    Ok(found.and_then(|stored| Stored::read(stored, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_has_a_key_of_its_own() {
        let mut keys = vec![ObjectKey::NOBODY];
        for at in [0, 1, 2, 1_000_000] {
            let symbol = Symbol::at(at);
            keys.extend([
                ObjectKey::member(u32::try_from(at).expect("small")),
                ObjectKey::document(symbol),
                ObjectKey::stock(symbol),
                ObjectKey::settlement(at),
                ObjectKey::correction(at),
            ]);
        }
        let all = keys.len();
        keys.sort_unstable_by_key(|key| key.0);
        keys.dedup();
        assert_eq!(keys.len(), all);
        assert_eq!(ObjectKey::member(7).as_member(), MemberIndex(7));
    }

    /// Goal: two requests whose hashes agree are told apart by what they are. Method: one that is found under the hashes of
    /// others.
    #[test]
    fn a_request_is_its_principal_its_object_and_its_id() {
        let keeping = Keeping {
            memory_max: 1 << 20,
            disk_max: 0,
            chunk_bytes: 4_096,
            answers_since: UnixMillis(0),
            since: UnixMillis(0),
        };
        let (till, app) = (Symbol::at(1), Symbol::at(2));
        let (one, other) = (ObjectKey::member(1), ObjectKey::member(2));
        let id = |text| RequestId::new(text).expect("in the alphabet");
        let origin = Origin {
            principal: till,
            id: id("r-1"),
            fingerprint: crate::ledger::fingerprint::Sketch::default().finish(),
            reference: None,
            metadata: None,
        };
        let mut requests = Requests::default();
        let head = (
            Seq(1),
            UnixMillis(1),
            Some((till, "r-1", origin.fingerprint)),
        );
        let record =
            bincode::encode_to_vec(head, bincode::config::standard()).expect("it is small");
        requests.remember(one, &origin, (Seq(1), UnixMillis(1)), &record, &keeping);
        for asked in [
            (till, one, "r-1"),
            (app, one, "r-1"),
            (till, other, "r-1"),
            (till, one, "r-2"),
        ] {
            let (principal, object, text) = asked;
            let hash = requests.hash(principal, object, text);
            requests.index.insert(hash, 0);
            let found = requests.find(principal, object, &id(text), Facts::NONE, 4_096);
            assert_eq!(
                found,
                Ok((asked == (till, one, "r-1")).then_some(&record[..])),
                "{asked:?}"
            );
        }
    }
}
