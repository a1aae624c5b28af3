//! The memory of answered requests: who retries hears the same answer.
//!
//! What is remembered is the entry's recorded form itself, laid end to end in the order of decision; the index finds
//! it by (principal, object, request id). Forgetting goes by the entries' own times, so a replay forgets the same.

use std::{collections::VecDeque, hash::BuildHasher};

use super::{
    entry::{Entry, Origin},
    id::RequestId,
    split_table::SplitTable,
    symbol::Symbol,
    time::UnixMillis,
};

/// Records lie in chunks that are given back whole.
const CHUNK_BYTES: usize = 1 << 20;
/// Records start at multiples of this, so that 32 bits name a place in 32 GiB.
const ALIGN: usize = 8;
const UNITS_PER_CHUNK: u32 = (CHUNK_BYTES / ALIGN) as u32;
/// In front of each record: its length, the object it is about, and when it was decided.
const HEAD_BYTES: usize = 4 + 8 + 8;
/// How many expired requests one new entry makes room by forgetting, at the most.
const FORGOTTEN_PER_ENTRY: usize = 2;
/// The same while the memory is full: enough for the room to grow again.
const FORGOTTEN_WHEN_FULL: usize = 64;

/// What a request is about, within its shard: the second half of a request id's scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ObjectKey(u64);

impl ObjectKey {
    pub(super) const fn member(index: u32) -> Self {
        Self(index as u64)
    }

    pub(super) const fn document(symbol: Symbol) -> Self {
        Self(1 << 32 | symbol.index() as u64)
    }
}

/// When answers may be forgotten.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forgetting {
    /// Answers given before this are no longer due.
    pub(super) before: UnixMillis,
    /// How much memory they may take, in bytes.
    pub(super) bytes_max: usize,
}

/// The remembered requests of a shard.
#[derive(Default)]
pub(super) struct Requests {
    index: SplitTable,
    hasher: foldhash::quality::RandomState,
    chunks: VecDeque<Vec<u8>>,
    /// The number of the first chunk; numbers wrap at [`Self::CHUNKS_MAX`].
    first_chunk: u32,
    /// Where the oldest record starts in the first chunk.
    oldest: usize,
    count: u64,
}

impl Requests {
    /// As many chunks as 32 bits can tell apart.
    const CHUNKS_MAX: u32 = u32::MAX / UNITS_PER_CHUNK;

    /// The record of an answered request.
    pub(super) fn find(
        &self,
        principal: Symbol,
        object: ObjectKey,
        id: &RequestId,
    ) -> Option<&[u8]> {
        let hash = self.hash(principal, object, id.as_str());
        let at = self.index.find(hash, |at| {
            let stored = self.stored(at);
            stored.object == object
                && Entry::peek(stored.record)
                    .is_some_and(|peek| peek.principal == principal && peek.id == id.as_str())
        })?;
        Some(self.stored(at).record)
    }

    /// Remembers an entry that answers a request, and forgets some that are no longer due.
    pub(super) fn remember(
        &mut self,
        object: ObjectKey,
        origin: &Origin,
        at: UnixMillis,
        record: &[u8],
        forgetting: Forgetting,
    ) {
        let full = self.bytes() >= forgetting.bytes_max;
        self.forget(
            forgetting.before,
            if full {
                FORGOTTEN_WHEN_FULL
            } else {
                FORGOTTEN_PER_ENTRY
            },
        );
        let place = self.append(object, at, record);
        let hash = self.hash(origin.principal, object, origin.id.as_str());
        self.index.insert(hash, place);
        self.count += 1;
    }

    /// How many requests are remembered.
    pub(super) const fn len(&self) -> u64 {
        self.count
    }

    /// Whether nothing more can be remembered: the memory is used up, and by answers that are still due. One that is
    /// not makes room, or a shard that was full once would never take a request again.
    pub(super) fn are_full(&self, forgetting: Forgetting) -> bool {
        self.bytes() >= forgetting.bytes_max
            && self
                .oldest()
                .is_some_and(|oldest| oldest.at >= forgetting.before)
    }

    /// The memory that the records take, in bytes.
    fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK_BYTES
    }

    /// The records in the order of their decision.
    pub(super) fn records(&self) -> impl Iterator<Item = &[u8]> {
        let mut skip = self.oldest;
        self.chunks.iter().flat_map(move |chunk| {
            let start = std::mem::take(&mut skip);
            ChunkRecords { chunk, at: start }
        })
    }

    fn hash(&self, principal: Symbol, object: ObjectKey, id: &str) -> u64 {
        self.hasher.hash_one((principal, object, id))
    }

    /// The oldest record that is not forgotten.
    fn oldest(&self) -> Option<Stored<'_>> {
        let behind = self.oldest;
        match self.chunks.front() {
            Some(chunk) if behind < chunk.len() => Some(Stored::read(chunk, behind)),
            // The first chunk is kept a little longer than its last record.
            _ => self.chunks.get(1).map(|chunk| Stored::read(chunk, 0)),
        }
    }

    fn stored(&self, at: u32) -> Stored<'_> {
        let (chunk, offset) = (
            at / UNITS_PER_CHUNK,
            (at % UNITS_PER_CHUNK) as usize * ALIGN,
        );
        let place = (chunk + Self::CHUNKS_MAX - self.first_chunk) % Self::CHUNKS_MAX;
        Stored::read(&self.chunks[place as usize], offset)
    }

    fn append(&mut self, object: ObjectKey, at: UnixMillis, record: &[u8]) -> u32 {
        let needed = HEAD_BYTES + record.len() + ALIGN;
        assert!(
            needed <= CHUNK_BYTES,
            "an entry is bounded far below a chunk"
        );
        if self
            .chunks
            .back()
            .is_none_or(|chunk| chunk.len() + needed > CHUNK_BYTES)
        {
            self.chunks.push_back(Vec::with_capacity(CHUNK_BYTES));
        }
        let place =
            u32::try_from(self.chunks.len() - 1).expect("capacity is checked before deciding");
        let chunk = self
            .chunks
            .back_mut()
            .expect("pushed above if there was none");
        let offset = chunk.len();
        let length = u32::try_from(record.len()).expect("an entry is bounded far below a chunk");
        chunk.extend_from_slice(&length.to_be_bytes());
        chunk.extend_from_slice(&object.0.to_be_bytes());
        chunk.extend_from_slice(&at.0.to_be_bytes());
        chunk.extend_from_slice(record);
        chunk.resize(chunk.len().next_multiple_of(ALIGN), 0);
        let number = (self.first_chunk + place) % Self::CHUNKS_MAX;
        number * UNITS_PER_CHUNK + (offset / ALIGN) as u32
    }

    fn forget(&mut self, before: UnixMillis, most: usize) {
        for _ in 0..most {
            let Some(chunk) = self.chunks.front() else {
                return;
            };
            if self.oldest >= chunk.len() {
                // The chunk that is being filled stays, even when all of it is forgotten.
                if self.chunks.len() > 1 {
                    self.chunks.pop_front();
                    self.first_chunk = (self.first_chunk + 1) % Self::CHUNKS_MAX;
                    self.oldest = 0;
                    continue;
                }
                return;
            }
            let stored = Stored::read(chunk, self.oldest);
            if stored.at >= before {
                return;
            }
            let end = stored.end;
            let peek = Entry::peek(stored.record).expect("only entries with an origin are kept");
            let hash = self.hash(peek.principal, stored.object, peek.id);
            let at = self.first_chunk * UNITS_PER_CHUNK + (self.oldest / ALIGN) as u32;
            self.index.remove(hash, at);
            self.oldest = end;
            self.count -= 1;
        }
    }
}

/// A record as it lies in its chunk.
struct Stored<'a> {
    object: ObjectKey,
    at: UnixMillis,
    record: &'a [u8],
    /// Where the next one starts.
    end: usize,
}

impl<'a> Stored<'a> {
    fn read(chunk: &'a [u8], offset: usize) -> Self {
        let head = &chunk[offset..offset + HEAD_BYTES];
        let number =
            |at: usize| u64::from_be_bytes(head[at..at + 8].try_into().expect("eight bytes"));
        let length = u32::from_be_bytes(head[..4].try_into().expect("four bytes")) as usize;
        let start = offset + HEAD_BYTES;
        Self {
            object: ObjectKey(number(4)),
            at: UnixMillis(number(12)),
            record: &chunk[start..start + length],
            end: (start + length).next_multiple_of(ALIGN),
        }
    }
}

struct ChunkRecords<'a> {
    chunk: &'a [u8],
    at: usize,
}

impl<'a> Iterator for ChunkRecords<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.chunk.len() {
            return None;
        }
        let stored = Stored::read(self.chunk, self.at);
        self.at = stored.end;
        Some(stored.record)
    }
}
