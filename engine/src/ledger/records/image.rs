//! The records in an image: which chunks there are, and the one that is still open.

use std::{collections::VecDeque, ops::Range};

use bincode::{BorrowDecode, Encode};

use super::{Aged, Bytes, Chunk, ChunkNumber, MARK_EVERY, Place, Records, Stored, Walk};
use crate::ledger::{command::Seq, entry::Entry, image::ImageError, time::UnixMillis};

/// What an image says of the records. All but the last chunk are to be found elsewhere.
#[derive(Encode, BorrowDecode)]
pub(in crate::ledger) struct RecordsHead<'a> {
    first: u64,
    stored: u64,
    chunks: Vec<ChunkHead>,
    /// The last chunk's bytes, if more may come.
    open: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Encode, BorrowDecode)]
struct ChunkHead {
    length: u64,
    first_seq: Seq,
    last_at: UnixMillis,
    records: u32,
}

impl RecordsHead<'_> {
    /// The numbers of the chunks that are to be found elsewhere.
    pub(in crate::ledger) const fn named(&self) -> Range<u64> {
        let full = self.chunks.len() as u64 - self.open.is_some() as u64;
        self.first..self.first.saturating_add(full)
    }
}

impl Records {
    /// Asks for all chunks that are full to be kept elsewhere as well.
    pub(in crate::ledger) fn keep_full_chunks(&mut self) {
        for (number, chunk) in (self.first..).zip(&mut self.chunks) {
            if let Bytes::Full(bytes) = &chunk.bytes
                && !chunk.kept
            {
                chunk.kept = true;
                self.aged.push_back(Aged::Keep {
                    chunk: ChunkNumber(number),
                    bytes: bytes.clone(),
                });
            }
        }
    }

    /// The numbers of the chunks that are full.
    pub(in crate::ledger) fn full_chunks(&self) -> Range<u64> {
        let open = matches!(self.chunks.back(), Some(last) if matches!(last.bytes, Bytes::Open(_)));
        self.first..self.first + self.chunks.len() as u64 - u64::from(open)
    }

    /// What an image says of the records.
    pub(in crate::ledger) fn image(&self) -> RecordsHead<'_> {
        let chunk = |chunk: &Chunk| ChunkHead {
            length: chunk.length as u64,
            first_seq: chunk.first_seq,
            last_at: chunk.last_at,
            records: chunk.records,
        };
        RecordsHead {
            first: self.first,
            stored: self.stored as u64,
            chunks: self.chunks.iter().map(chunk).collect(),
            open: match self.chunks.back().map(|last| &last.bytes) {
                Some(Bytes::Open(bytes)) => Some(bytes),
                _ => None,
            },
        }
    }

    /// The records as an image says; shows each of them with its place. `chunk` gives chunks that are full.
    pub(in crate::ledger) fn restored(
        head: &RecordsHead<'_>,
        chunk_bytes: usize,
        mut chunk: impl FnMut(ChunkNumber) -> Result<Vec<u8>, ImageError>,
        mut show: impl FnMut(Place, &Stored<'_>) -> Result<(), ImageError>,
    ) -> Result<Self, ImageError> {
        let mut this = Self {
            first: head.first,
            stored: usize::try_from(head.stored).unwrap_or(usize::MAX),
            chunks: VecDeque::with_capacity(head.chunks.len()),
            ..Self::default()
        };
        let last = head.chunks.len().saturating_sub(1);
        for (at, known) in head.chunks.iter().enumerate() {
            let number = head.first + at as u64;
            let (bytes, open) = match head.open {
                Some(open) if at == last => (open.to_vec(), true),
                _ => (chunk(ChunkNumber(number))?, false),
            };
            let marks = known.walk(&bytes, number, chunk_bytes, &mut show)?;
            this.adopt(known, bytes, open, marks, chunk_bytes);
        }
        Ok(this)
    }

    fn adopt(
        &mut self,
        known: &ChunkHead,
        mut bytes: Vec<u8>,
        open: bool,
        marks: Vec<(Seq, u32)>,
        chunk_bytes: usize,
    ) {
        let length = bytes.len();
        let capacity = chunk_bytes.max(length);
        let here = self.chunks.len() >= self.stored;
        if here {
            self.memory_bytes += capacity;
        } else {
            self.disk_bytes += length as u64;
        }
        if open {
            bytes.reserve_exact(capacity - length);
        }
        self.count += u64::from(known.records);
        self.chunks.push_back(Chunk {
            bytes: match (here, open) {
                (true, true) => Bytes::Open(bytes),
                (true, false) => Bytes::Full(bytes.into()),
                (false, _) => Bytes::Elsewhere,
            },
            kept: !open,
            length,
            first_seq: known.first_seq,
            last_at: known.last_at,
            records: known.records,
            marks: if here { marks } else { Vec::new() },
        });
    }
}

impl ChunkHead {
    /// Goes through a chunk, which must be the one that was meant; gives its marks.
    fn walk(
        self,
        bytes: &[u8],
        number: u64,
        chunk_bytes: usize,
        show: &mut impl FnMut(Place, &Stored<'_>) -> Result<(), ImageError>,
    ) -> Result<Vec<(Seq, u32)>, ImageError> {
        const OTHER: ImageError = ImageError::Incomplete("a chunk of records is not the one meant");
        let mut marks = Vec::new();
        let mut count = 0_u32;
        if bytes.len() as u64 != self.length {
            return Err(OTHER);
        }
        for (at, stored) in (Walk { bytes, at: 0 }) {
            let offset = u32::try_from(at).map_err(|_| OTHER)?;
            if count.is_multiple_of(MARK_EVERY) {
                let seq = Entry::peek_seq(stored.record).ok_or(OTHER)?;
                if count == 0 && seq != self.first_seq {
                    return Err(OTHER);
                }
                marks.push((seq, offset));
            }
            count += 1;
            show(Place::new(number, offset, chunk_bytes), &stored)?;
        }
        if count == self.records {
            Ok(marks)
        } else {
            Err(OTHER)
        }
    }
}
