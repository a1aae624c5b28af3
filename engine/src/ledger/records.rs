//! Entries that answer requests, in their recorded form, laid end to end in the order of decision: the newest in memory,
//! older ones handed out to whoever keeps them on disk.
//!
//! What is where follows from the entries and the rules alone, so a replay hands out the very same chunks.

use std::{collections::VecDeque, sync::Arc};

use super::{command::Seq, entry::Entry, requests::ObjectKey, time::UnixMillis};

/// Records start at multiples of this, so that 32 bits name a place in 32 GiB.
const ALIGN: usize = 8;
/// In front of each record: its length, the object it is about, and when it was decided.
const HEAD_BYTES: usize = 4 + 8 + 8;
/// How many records lie between two marks.
const MARK_EVERY: u32 = 64;

/// A chunk's place in the order in which a shard's chunks fill: 0, 1, 2 …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkNumber(pub u64);

/// What becomes of chunks that memory does not keep.
#[derive(Clone, Debug)]
pub enum Aged {
    /// To be kept where [`Need`]s can be answered from.
    Store {
        /// Which chunk.
        chunk: ChunkNumber,
        /// All of it; it never changes.
        bytes: Arc<Vec<u8>>,
    },
    /// To be kept there as well, since an image names it, although memory keeps it for now.
    Keep {
        /// Which chunk.
        chunk: ChunkNumber,
        /// All of it; it never changes.
        bytes: Arc<Vec<u8>>,
    },
    /// Not needed any more.
    Drop {
        /// Which chunk.
        chunk: ChunkNumber,
    },
}

/// A record that memory does not hold and a decision depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Need {
    /// In which chunk.
    pub chunk: ChunkNumber,
    /// Where in it.
    pub wanted: Wanted,
}

/// Which record of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// The one that starts at this byte.
    At(u32),
    /// The one of this entry.
    Seq(Seq),
}

impl Need {
    /// Finds the record in its chunk, if it is there.
    #[must_use]
    pub fn pick<'a>(&self, chunk: &'a [u8]) -> Option<&'a [u8]> {
        let at = match self.wanted {
            Wanted::At(at) => at as usize,
            Wanted::Seq(seq) => find_seq(chunk, 0, seq)?,
        };
        let stored = Stored::read(chunk, at)?;
        chunk.get(at..stored.end)
    }
}

/// What was found of what was needed.
#[derive(Clone, Debug, Default)]
pub struct Facts(Vec<(Need, Option<Box<[u8]>>)>);

impl Facts {
    /// Nothing was needed yet.
    pub const NONE: &'static Self = &Self(Vec::new());

    /// Adds what [`Need::pick`] gave.
    pub fn add(&mut self, need: Need, record: Option<Box<[u8]>>) {
        self.0.push((need, record));
    }

    /// What was found of a need; `None` if nobody looked.
    #[must_use]
    pub fn get(&self, need: Need) -> Option<Option<&[u8]>> {
        let (_, found) = self.0.iter().find(|(known, _)| *known == need)?;
        Some(found.as_deref())
    }
}

/// How much may be kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keeping {
    /// In memory, in bytes.
    pub(super) memory_max: usize,
    /// On disk, in bytes; 0 if there is none.
    pub(super) disk_max: u64,
    /// How large chunks are, in bytes.
    pub(super) chunk_bytes: usize,
    /// What was decided before this answers no retry any more.
    pub(super) answers_since: UnixMillis,
    /// What was decided before this cannot be reversed any more either.
    pub(super) since: UnixMillis,
}

struct Chunk {
    bytes: Bytes,
    /// Whether it was asked to be kept elsewhere as well.
    kept: bool,
    length: usize,
    first_seq: Seq,
    last_at: UnixMillis,
    records: u32,
    marks: Vec<(Seq, u32)>,
}

/// Where a chunk's bytes are.
enum Bytes {
    /// More may come.
    Open(Vec<u8>),
    /// They never change again.
    Full(Arc<Vec<u8>>),
    /// They were handed out.
    Elsewhere,
}

impl Bytes {
    fn here(&self) -> Option<&[u8]> {
        match self {
            Self::Open(bytes) => Some(bytes),
            Self::Full(bytes) => Some(bytes),
            Self::Elsewhere => None,
        }
    }

    fn fill(&mut self) {
        if let Self::Open(bytes) = self {
            *self = Self::Full(Arc::new(std::mem::take(bytes)));
        }
    }
}

/// The records of a shard.
#[derive(Default)]
pub(super) struct Records {
    chunks: VecDeque<Chunk>,
    /// The number of the first chunk.
    first: u64,
    /// How many of the first chunks were handed out.
    stored: usize,
    memory_bytes: usize,
    disk_bytes: u64,
    count: u64,
    aged: VecDeque<Aged>,
}

/// Where a record is.
pub(super) enum Found<'a> {
    Here(Stored<'a>),
    Elsewhere(Need),
    Nowhere,
}

impl Records {
    /// The oldest entry that may still be found.
    pub(super) fn first_seq(&self) -> Option<Seq> {
        self.chunks.front().map(|chunk| chunk.first_seq)
    }

    /// How many records there are.
    pub(super) const fn len(&self) -> u64 {
        self.count
    }

    /// How many bytes of them are in memory.
    pub(super) const fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Whether nothing more can be kept without dropping what may still be asked for.
    pub(super) fn are_full(&self, keeping: &Keeping) -> bool {
        let full = if keeping.disk_max == 0 {
            self.memory_bytes >= keeping.memory_max
        } else {
            self.disk_bytes >= keeping.disk_max
        };
        let behind_one_more = self.chunks.len() as u64 + 1;
        (full || !is_named_by_itself(behind_one_more, units_per_chunk(keeping.chunk_bytes)))
            && self
                .chunks
                .front()
                .is_some_and(|chunk| chunk.last_at >= Self::due_since(keeping))
    }

    /// Without a disk, memory is for answers; reversals find what is left.
    const fn due_since(keeping: &Keeping) -> UnixMillis {
        if keeping.disk_max == 0 {
            keeping.answers_since
        } else {
            keeping.since
        }
    }

    /// The next chunk to be kept elsewhere or dropped there.
    pub(super) fn take_aged(&mut self) -> Option<Aged> {
        self.aged.pop_front()
    }

    /// Whether there is still a record at a place that [`Records::append`] gave.
    pub(super) fn keeps(&self, place: Place, chunk_bytes: usize) -> bool {
        // While nothing was dropped, there is no need to look.
        self.first == 0 || !matches!(self.at(place, chunk_bytes), Found::Nowhere)
    }

    /// The record at a place that [`Records::append`] gave.
    pub(super) fn at(&self, place: Place, chunk_bytes: usize) -> Found<'_> {
        let units = units_per_chunk(chunk_bytes);
        let (number, offset) = (place.0 / units, place.0 % units * ALIGN as u32);
        let places = places(chunk_bytes);
        // Chunk numbers wrap in places; of the numbers that are meant, at most one is kept.
        let behind = (u64::from(number) + places - self.first % places) % places;
        let at = usize::try_from(behind).unwrap_or(usize::MAX);
        let Some(chunk) = self.chunks.get(at) else {
            return Found::Nowhere;
        };
        match chunk.bytes.here() {
            Some(bytes) => Stored::read(bytes, offset as usize).map_or(Found::Nowhere, Found::Here),
            None => Found::Elsewhere(Need {
                chunk: ChunkNumber(self.first + behind),
                wanted: Wanted::At(offset),
            }),
        }
    }

    /// The record of an entry.
    pub(super) fn of(&self, seq: Seq) -> Found<'_> {
        let behind = self.chunks.partition_point(|chunk| chunk.first_seq <= seq);
        let Some(at) = behind.checked_sub(1) else {
            return Found::Nowhere;
        };
        let chunk = &self.chunks[at];
        let Some(bytes) = chunk.bytes.here() else {
            return Found::Elsewhere(Need {
                chunk: ChunkNumber(self.first + at as u64),
                wanted: Wanted::Seq(seq),
            });
        };
        let mark = chunk.marks.partition_point(|(first, _)| *first <= seq);
        let start = mark.checked_sub(1).map_or(0, |mark| chunk.marks[mark].1);
        find_seq(bytes, start as usize, seq)
            .and_then(|at| Stored::read(bytes, at))
            .map_or(Found::Nowhere, Found::Here)
    }

    /// Adds a record behind all others, and makes room by the rules.
    pub(super) fn append(
        &mut self,
        object: ObjectKey,
        seq: Seq,
        at: UnixMillis,
        record: &[u8],
        keeping: &Keeping,
    ) -> Place {
        let needed = (HEAD_BYTES + record.len()).next_multiple_of(ALIGN);
        let fits = |chunk: &Chunk| {
            matches!(chunk.bytes, Bytes::Open(_)) && chunk.length + needed <= keeping.chunk_bytes
        };
        if !self.chunks.back().is_some_and(fits) {
            self.begin_chunk(seq, needed, keeping);
        }
        let number = self.first + self.chunks.len() as u64 - 1;
        let chunk = self
            .chunks
            .back_mut()
            .expect("begun above if there was none");
        let Bytes::Open(bytes) = &mut chunk.bytes else {
            unreachable!("begun above if the last one is not open");
        };
        let offset = bytes.len() as u32;
        let length = u32::try_from(record.len()).expect("an entry is bounded");
        let mut head = [0; HEAD_BYTES];
        head[..4].copy_from_slice(&length.to_be_bytes());
        head[4..12].copy_from_slice(&object.0.to_be_bytes());
        head[12..].copy_from_slice(&at.0.to_be_bytes());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(record);
        bytes.resize(offset as usize + needed, 0);
        chunk.length = bytes.len();
        if chunk.records.is_multiple_of(MARK_EVERY) {
            chunk.marks.push((seq, offset));
        }
        chunk.records += 1;
        chunk.last_at = at;
        self.count += 1;
        Place::new(number, offset, keeping.chunk_bytes)
    }

    fn begin_chunk(&mut self, first_seq: Seq, needed: usize, keeping: &Keeping) {
        if let Some(last) = self.chunks.back_mut() {
            last.bytes.fill();
        }
        while self.make_room(keeping) {}
        let capacity = keeping.chunk_bytes.max(needed);
        self.memory_bytes += capacity;
        self.chunks.push_back(Chunk {
            bytes: Bytes::Open(Vec::with_capacity(capacity)),
            kept: false,
            length: 0,
            first_seq,
            last_at: UnixMillis(0),
            records: 0,
            marks: Vec::new(),
        });
    }

    /// Drops or hands out one chunk, if the rules ask for it.
    fn make_room(&mut self, keeping: &Keeping) -> bool {
        let Some(oldest) = self.chunks.front() else {
            return false;
        };
        let disk = keeping.disk_max > 0;
        let over = self.memory_bytes + keeping.chunk_bytes > keeping.memory_max;
        if oldest.last_at < Self::due_since(keeping) && (disk || over) {
            self.drop_oldest(keeping);
            return true;
        }
        if disk && over && self.stored < self.chunks.len() {
            self.hand_out(keeping);
            return true;
        }
        false
    }

    fn drop_oldest(&mut self, keeping: &Keeping) {
        let Some(chunk) = self.chunks.pop_front() else {
            return;
        };
        if chunk.bytes.here().is_some() {
            self.memory_bytes -= keeping.chunk_bytes.max(chunk.length);
        } else {
            self.stored -= 1;
            self.disk_bytes -= chunk.length as u64;
        }
        if chunk.kept {
            let chunk = ChunkNumber(self.first);
            self.aged.push_back(Aged::Drop { chunk });
        }
        self.first += 1;
        self.count -= u64::from(chunk.records);
    }

    fn hand_out(&mut self, keeping: &Keeping) {
        let chunk = &mut self.chunks[self.stored];
        chunk.bytes.fill();
        let Bytes::Full(bytes) = std::mem::replace(&mut chunk.bytes, Bytes::Elsewhere) else {
            unreachable!("not handed out yet");
        };
        chunk.marks = Vec::new();
        chunk.kept = true;
        self.memory_bytes -= keeping.chunk_bytes.max(chunk.length);
        self.disk_bytes += chunk.length as u64;
        self.aged.push_back(Aged::Store {
            chunk: ChunkNumber(self.first + self.stored as u64),
            bytes,
        });
        self.stored += 1;
    }

    /// The records in memory, in the order of their decision.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks
            .iter()
            .filter_map(|chunk| chunk.bytes.here())
            .flat_map(|bytes| Walk { bytes, at: 0 })
            .map(|(_, stored)| stored.record)
    }
}

/// A record's place, for the index: chunk number and offset, of which 32 bits are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(pub(super) u32);

impl Place {
    fn new(chunk: u64, offset: u32, chunk_bytes: usize) -> Self {
        let units = units_per_chunk(chunk_bytes);
        let number = if is_named_by_itself(chunk, units) {
            chunk
        } else {
            chunk % places(chunk_bytes)
        };
        Self(number as u32 * units + offset / ALIGN as u32)
    }
}

/// Whether a chunk's number is below [`places`], so that it need not wrap. Asked for every record: it spares two divisions.
const fn is_named_by_itself(chunk: u64, units: u32) -> bool {
    match (chunk + 1).checked_mul(units as u64) {
        Some(end) => end <= u32::MAX as u64,
        None => false,
    }
}

/// How many chunks 32 bits can tell apart.
fn places(chunk_bytes: usize) -> u64 {
    u64::from(u32::MAX / units_per_chunk(chunk_bytes))
}

/// Room for chunks that one long record made larger.
fn units_per_chunk(chunk_bytes: usize) -> u32 {
    let largest = chunk_bytes.max(HEAD_BYTES + Entry::BYTES_MAX + ALIGN);
    (largest.div_ceil(ALIGN)) as u32
}

/// A record as it lies in its chunk.
#[derive(Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) object: ObjectKey,
    pub(super) record: &'a [u8],
    /// Where the next one starts.
    end: usize,
}

impl<'a> Stored<'a> {
    pub(super) fn read(chunk: &'a [u8], offset: usize) -> Option<Self> {
        let head = chunk.get(offset..offset.checked_add(HEAD_BYTES)?)?;
        let length = u32::from_be_bytes(head[..4].try_into().ok()?) as usize;
        let object = ObjectKey(u64::from_be_bytes(head[4..12].try_into().ok()?));
        let start = offset + HEAD_BYTES;
        Some(Self {
            object,
            record: chunk.get(start..start.checked_add(length)?)?,
            end: (start + length).next_multiple_of(ALIGN),
        })
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Walk<'a> {
    type Item = (usize, Stored<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let stored = Stored::read(self.bytes, at)?;
        self.at = stored.end;
        Some((at, stored))
    }
}

fn find_seq(chunk: &[u8], start: usize, seq: Seq) -> Option<usize> {
    Walk {
        bytes: chunk,
        at: start,
    }
    .map(|(at, stored)| (at, Entry::peek_seq(stored.record)))
    .take_while(|(_, found)| found.is_some_and(|found| found <= seq))
    .find(|(_, found)| *found == Some(seq))
    .map(|(at, _)| at)
}

mod image;

pub(super) use image::RecordsHead;

#[cfg(test)]
mod tests;
