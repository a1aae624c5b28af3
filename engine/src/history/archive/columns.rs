//! Entries taken apart, so that each part lies beside its like.
//!
//! Request ids are often noise and fingerprints always are; what stands between them resembles the entry before. Packed
//! together each spoils the other: apart they take a fifth less.
//!
//! ```text
//! columns   (length:4 stored:4)×4 outline… ids… prints… rests…     `stored` bytes, packed by zstd if less than `length`
//! entry     0 at rest | 1 at principal id rest | 2 rest            in the outline; numbers as in a recorded entry
//! ```
//!
//! `at` is counted from the entry before, `id` and `rest` are lengths of what lies in their columns; a fingerprint is
//! eight bytes, big-endian. An entry's number follows from its block. 0 is an entry that answers no request, 1 one that
//! does, 2 one whose recorded form is not understood: it is kept as it is.

use std::io;

use zstd::bulk::Compressor;

use super::format::{Bad, Cursor, size};
use crate::ledger::{RecordParts, RequestParts, Seq};

/// How many columns there are.
const COLUMNS: usize = 4;
/// In front of the columns.
const TABLE_BYTES: usize = COLUMNS * 8;

const SILENT: u8 = 0;
const ANSWERS: u8 = 1;
const WHOLE: u8 = 2;

/// What was taken apart.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// What stands around the entries, and how each of them is put together again.
    pub(super) outline: Vec<u8>,
    ids: Vec<u8>,
    prints: Vec<u8>,
    rests: Vec<u8>,
    /// The stamp of the entry before.
    at: u64,
}

impl Columns {
    /// Takes an entry's recorded form apart.
    pub(super) fn push(&mut self, seq: Seq, record: &[u8]) {
        let parts = RecordParts::of(record).filter(|parts| parts.seq == seq.0);
        let Some(parts) = parts else {
            self.outline.push(WHOLE);
            self.rest(record);
            return;
        };
        self.outline.push(match parts.request {
            Some(_) => ANSWERS,
            None => SILENT,
        });
        self.number(parts.at.wrapping_sub(self.at));
        self.at = parts.at;
        if let Some(request) = parts.request {
            self.number(request.principal);
            self.number(request.id.len() as u64);
            self.ids.extend_from_slice(request.id);
            self.prints
                .extend_from_slice(&request.fingerprint.to_be_bytes());
        }
        self.rest(parts.rest);
    }

    fn rest(&mut self, rest: &[u8]) {
        self.number(rest.len() as u64);
        self.rests.extend_from_slice(rest);
    }

    fn number(&mut self, number: u64) {
        RecordParts::append_number(number, &mut self.outline);
    }

    /// How many bytes there are.
    pub(super) fn bytes(&self) -> usize {
        self.all().map(<[u8]>::len).iter().sum()
    }

    fn all(&self) -> [&[u8]; COLUMNS] {
        [&self.outline, &self.ids, &self.prints, &self.rests]
    }

    /// Packs what has gathered behind what is in `out`, and begins anew.
    pub(super) fn pack(
        &mut self,
        packer: &mut Compressor<'_>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let table = out.len();
        out.resize(table + TABLE_BYTES, 0);
        for (place, column) in self.all().into_iter().enumerate() {
            let stored = pack_one(packer, column, out)?;
            let row = table + place * 8;
            out[row..row + 4].copy_from_slice(&size(column.len()));
            out[row + 4..row + 8].copy_from_slice(&size(stored));
        }
        for column in [
            &mut self.outline,
            &mut self.ids,
            &mut self.prints,
            &mut self.rests,
        ] {
            column.clear();
        }
        self.at = 0;
        Ok(())
    }
}

/// Appends a column; tells how many bytes that took.
fn pack_one(packer: &mut Compressor<'_>, column: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
    let start = out.len();
    out.resize(start + zstd::zstd_safe::compress_bound(column.len()), 0);
    let stored = packer.compress_to_buffer(column, &mut out[start..])?;
    out.truncate(start + stored);
    if stored < column.len() {
        return Ok(stored);
    }
    out.truncate(start);
    out.extend_from_slice(column);
    Ok(column.len())
}

/// Columns as they were before they were packed.
#[derive(Debug)]
pub(super) struct Unpacked([Vec<u8>; COLUMNS]);

impl Unpacked {
    /// Unpacks columns, of which `packed` is all and which have `bytes` bytes together.
    pub(super) fn read(packed: &[u8], bytes: usize) -> Result<Self, Bad> {
        let mut columns = Cursor(packed);
        let mut table = Cursor(columns.bytes(TABLE_BYTES)?);
        let mut left = bytes;
        let mut unpacked = [const { Vec::new() }; COLUMNS];
        for column in &mut unpacked {
            let (length, stored) = (table.size()?, table.size()?);
            left = left.checked_sub(length).ok_or(NOT_SO)?;
            let packed = columns.bytes(stored)?;
            *column = if stored == length {
                packed.to_vec()
            } else {
                zstd::bulk::decompress(packed, length).map_err(|_| NOT_SO)?
            };
            if column.len() != length {
                return Err(NOT_SO);
            }
        }
        if left == 0 && columns.0.is_empty() {
            Ok(Self(unpacked))
        } else {
            Err(NOT_SO)
        }
    }

    pub(super) fn joining(&self) -> Joining<'_> {
        let [outline, ids, prints, rests] = &self.0;
        Joining {
            outline: Cursor(outline),
            ids: Cursor(ids),
            prints: Cursor(prints),
            rests: Cursor(rests),
            at: 0,
        }
    }
}

const NOT_SO: Bad = Bad::Damaged("a frame cannot be unpacked");

/// Puts entries together again.
#[derive(Debug)]
pub(super) struct Joining<'a> {
    pub(super) outline: Cursor<'a>,
    ids: Cursor<'a>,
    prints: Cursor<'a>,
    rests: Cursor<'a>,
    at: u64,
}

impl Joining<'_> {
    /// Appends the recorded form of the next entry.
    pub(super) fn next(&mut self, seq: Seq, out: &mut Vec<u8>) -> Result<(), Bad> {
        let [kind] = self.outline.array()?;
        if kind == WHOLE {
            let length = self.length()?;
            out.extend_from_slice(self.rests.bytes(length)?);
            return Ok(());
        }
        self.at = self.at.wrapping_add(self.outline.number()?);
        let request = match kind {
            SILENT => None,
            ANSWERS => {
                let principal = self.outline.number()?;
                let length = self.length()?;
                Some(RequestParts {
                    principal,
                    id: self.ids.bytes(length)?,
                    fingerprint: self.prints.u64()?,
                })
            }
            _ => return Err(Bad::Damaged("a frame holds something unknown")),
        };
        let length = self.length()?;
        let parts = RecordParts {
            seq: seq.0,
            at: self.at,
            request,
            rest: self.rests.bytes(length)?,
        };
        parts.append_to(out);
        Ok(())
    }

    fn length(&mut self) -> Result<usize, Bad> {
        usize::try_from(self.outline.number()?).map_err(|_| NOT_SO)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packer() -> Compressor<'static> {
        Compressor::new(1).unwrap()
    }

    fn joined(packed: &[u8], bytes: usize, first: Seq, count: usize) -> Result<Vec<Vec<u8>>, Bad> {
        let unpacked = Unpacked::read(packed, bytes)?;
        let mut joining = unpacked.joining();
        let mut records = Vec::new();
        let mut seq = first;
        for _ in 0..count {
            let mut record = Vec::new();
            joining.next(seq, &mut record)?;
            records.push(record);
            seq = seq.next();
        }
        Ok(records)
    }

    fn packed(first: Seq, records: &[Vec<u8>]) -> (Vec<u8>, usize) {
        let mut columns = Columns::default();
        let mut seq = first;
        for record in records {
            columns.push(seq, record);
            seq = seq.next();
        }
        let bytes = columns.bytes();
        let mut out = Vec::new();
        columns.pack(&mut packer(), &mut out).unwrap();
        assert_eq!(columns.bytes(), 0);
        (out, bytes)
    }

    /// The beginning of a recorded entry with anything behind it.
    fn a_record(seq: u64) -> impl Strategy<Value = Vec<u8>> {
        let request = prop::option::of((any::<u32>(), "[a-f0-9-]{1,40}", any::<u64>()));
        let rest = prop::collection::vec(any::<u8>(), 0..40);
        (any::<u64>(), request, rest).prop_map(move |(at, request, rest)| {
            let head = (seq, at, request);
            let mut record = bincode::encode_to_vec(head, bincode::config::standard()).unwrap();
            record.extend_from_slice(&rest);
            record
        })
    }

    /// Records that are what they should be, that have the number of another, and that are none.
    fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let one = |seq: u64| {
            prop_oneof![
                6 => a_record(seq),
                1 => a_record(seq + 1),
                1 => prop::collection::vec(any::<u8>(), 0..300),
            ]
        };
        (0_usize..20).prop_flat_map(move |count| {
            (0..count as u64)
                .map(|place| one(1_000 + place))
                .collect::<Vec<_>>()
        })
    }

    proptest! {
        #[test]
        fn what_was_taken_apart_is_put_together_again(records in records()) {
            let (packed, bytes) = packed(Seq(1_000), &records);
            prop_assert_eq!(joined(&packed, bytes, Seq(1_000), records.len()), Ok(records));
        }

        #[test]
        fn what_is_damaged_makes_no_trouble(
            records in records(),
            at in any::<prop::sample::Index>(),
            bit in 0..8,
        ) {
            let (mut packed, bytes) = packed(Seq(1_000), &records);
            let at = at.index(packed.len());
            packed[at] ^= 1_u8 << bit;
            drop(joined(&packed, bytes, Seq(1_000), records.len()));
        }
    }

    #[test]
    fn a_number_that_is_written_longer_than_it_has_to_be_stays_so() {
        // 7 as 251 and two bytes.
        let record = [1, 251, 7, 0, 0, 9, 9].to_vec();
        let (packed, bytes) = packed(Seq(1), std::slice::from_ref(&record));
        assert_eq!(joined(&packed, bytes, Seq(1), 1), Ok(vec![record]));
    }

    #[test]
    fn nothing_is_missing_and_nothing_left_over() {
        let records: Vec<_> = (1..=3_u64)
            .map(|seq| {
                let head = (
                    seq,
                    5_u64,
                    Some((1_u32, "some request of some client", seq)),
                );
                bincode::encode_to_vec(head, bincode::config::standard()).unwrap()
            })
            .collect();
        let (packed, bytes) = packed(Seq(1), &records);
        assert_eq!(joined(&packed, bytes, Seq(1), 3), Ok(records));
        let mut longer = packed.clone();
        longer.push(0);
        for (packed, bytes, count) in [
            (&packed[..packed.len() - 1], bytes, 3),
            (&longer[..], bytes, 3),
            (&packed[..], bytes + 1, 3),
            (&packed[..], bytes - 1, 3),
            (&packed[..], bytes, 4),
        ] {
            assert!(joined(packed, bytes, Seq(1), count).is_err());
        }
    }
}
