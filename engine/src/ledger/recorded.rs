//! The recorded form of entries: what stands in journals and in the request memory.

use bincode::{
    BorrowDecode, Encode,
    config::{Configuration, Limit, LittleEndian, Varint},
    de::BorrowDecoder,
    enc::Encoder,
    error::{DecodeError, EncodeError},
};
use compact_str::CompactString;

use super::{
    command::Seq,
    entry::{Deed, Entry, Hint, Move, Origin, Subject},
    fingerprint::Fingerprint,
    message::Course,
    symbol::Symbol,
    text::Labels,
    time::UnixMillis,
};

/// What identifies the request that a record answers, read without reading the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peek<'a> {
    pub(super) principal: Symbol,
    pub(super) id: &'a str,
    pub(super) fingerprint: Fingerprint,
}

/// A recorded entry in parts that do not resemble each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordParts<'a> {
    pub(crate) seq: u64,
    pub(crate) at: u64,
    pub(crate) request: Option<RequestParts<'a>>,
    /// Everything behind them.
    pub(crate) rest: &'a [u8],
}

/// What a recorded entry tells of the request that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestParts<'a> {
    pub(crate) principal: u64,
    pub(crate) id: &'a [u8],
    pub(crate) fingerprint: u64,
}

/// How a recorded entry begins. A text is recorded as its bytes are, a symbol as a number.
type Head<'a> = (u64, u64, Option<(u64, &'a [u8], u64)>);

impl<'a> RecordParts<'a> {
    /// Takes a record apart; `None` unless its parts make the same bytes again.
    pub(crate) fn of(record: &'a [u8]) -> Option<Self> {
        let config = bincode::config::standard();
        let (head, used): (Head<'a>, usize) =
            bincode::borrow_decode_from_slice(record, config).ok()?;
        // A number could have been written longer than it has to be; none can be shorter.
        let mut shortest = bincode::enc::write::SizeWriter::default();
        bincode::encode_into_writer(head, &mut shortest, config).ok()?;
        let (seq, at, request) = head;
        (shortest.bytes_written == used).then_some(Self {
            seq,
            at,
            request: request.map(|(principal, id, fingerprint)| RequestParts {
                principal,
                id,
                fingerprint,
            }),
            rest: &record[used..],
        })
    }

    /// Appends the record.
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        let request = self.request.as_ref();
        let request = request.map(|of| (of.principal, of.id, of.fingerprint));
        let head: Head<'_> = (self.seq, self.at, request);
        append(head, out);
        out.extend_from_slice(self.rest);
    }

    /// Appends a number as records have it.
    pub(crate) fn append_number(number: u64, out: &mut Vec<u8>) {
        append(number, out);
    }
}

fn append(what: impl Encode, out: &mut Vec<u8>) {
    let written = bincode::encode_into_std_write(what, out, bincode::config::standard());
    written.expect("numbers and bytes can be written to memory");
}

/// What an entry may take in memory when it is read: its parts are larger there than as they are recorded.
const DECODED_BYTES_MAX: usize = 16 << 20;
/// How entries are read. A wrong length must not ask for more memory than any entry could.
const BOUNDED: Configuration<LittleEndian, Varint, Limit<DECODED_BYTES_MAX>> =
    bincode::config::standard().with_limit();

impl Entry {
    /// The recorded form, version 1: what stands in journals and in the request memory. An entry that has to do with
    /// other shards has its course behind that.
    ///
    /// Written to the front of `out`, of which it takes [`Entry::BYTES_MAX`] at the most; answers with that part.
    pub fn encode<'a>(&self, out: &'a mut [u8]) -> &'a [u8] {
        let used = bincode::encode_into_slice(self, out, bincode::config::standard());
        &out[..used.expect("an entry is bounded far below the space it is given")]
    }

    /// Whose request a record answers; `None` if it answers none.
    pub(super) fn peek(record: &[u8]) -> Option<Peek<'_>> {
        type Head<'a> = (Seq, UnixMillis, Option<(Symbol, &'a str, Fingerprint)>);
        let read: Result<(Head<'_>, usize), _> =
            bincode::borrow_decode_from_slice(record, bincode::config::standard());
        let ((_, _, origin), _) = read.ok()?;
        origin.map(|(principal, id, fingerprint)| Peek {
            principal,
            id,
            fingerprint,
        })
    }

    /// The place of a recorded entry.
    pub(super) fn peek_seq(record: &[u8]) -> Option<Seq> {
        let read = bincode::borrow_decode_from_slice(record, bincode::config::standard());
        read.ok().map(|(seq, _)| seq)
    }

    /// Reads one recorded entry, which must fill `bytes` exactly.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (entry, used) = bincode::borrow_decode_from_slice(bytes, BOUNDED)?;
        Self::decode_course(entry, &bytes[used..])
    }

    /// The same without the request that it answers, for whoever asks for what happened only. Half of an entry's bytes
    /// are its request's.
    pub fn decode_without_origin(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (WithoutOrigin(entry), used) = bincode::borrow_decode_from_slice(bytes, BOUNDED)?;
        Self::decode_course(entry, &bytes[used..])
    }

    fn decode_course(mut entry: Self, behind: &[u8]) -> Result<Self, DecodeError> {
        if behind.is_empty() {
            return Ok(entry);
        }
        let config = BOUNDED;
        let (mut course, used): (Course, usize) =
            bincode::borrow_decode_from_slice(behind, config)?;
        let mut left = &behind[used..];
        let reverses = matches!(entry.deed, Deed::Reversed { .. } | Deed::Unsold { .. });
        if reverses && !left.is_empty() {
            let (undone, used) = bincode::borrow_decode_from_slice(left, config)?;
            course.undone = Some(undone);
            left = &left[used..];
        }
        if !left.is_empty() {
            let (drawn, used) = bincode::borrow_decode_from_slice(left, config)?;
            course.drawn = Some(drawn);
            left = &left[used..];
        }
        if !left.is_empty() || course.is_empty() {
            return Err(DecodeError::Other("bytes left over behind an entry"));
        }
        entry.course = Some(Box::new(course));
        Ok(entry)
    }
}

impl Encode for Entry {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.seq.encode(encoder)?;
        self.at.encode(encoder)?;
        self.origin.encode(encoder)?;
        self.subject.encode(encoder)?;
        (self.defines.len() as u64).encode(encoder)?;
        for name in &self.defines {
            name.as_str().encode(encoder)?;
        }
        self.deed.encode(encoder)?;
        (self.moves.len() as u64).encode(encoder)?;
        for one in &self.moves {
            one.encode(encoder)?;
        }
        self.after.encode(encoder)?;
        match &self.course {
            Some(course) => course.encode(encoder),
            None => Ok(()),
        }
    }
}

/// Reads all but the course: whether there is one, only the end of the record tells.
impl<'de, C> BorrowDecode<'de, C> for Entry {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Self::read(decoder, Option::borrow_decode)
    }
}

/// An entry that is read like any other, but for its origin.
struct WithoutOrigin(Entry);

/// An [`Origin`] that nobody looks at: principal, id, fingerprint, reference and metadata.
type PassedOver<'a> = (u64, &'a [u8], u64, Option<&'a [u8]>, Option<Labels>);

impl<'de, C> BorrowDecode<'de, C> for WithoutOrigin {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        let pass_over = |decoder: &mut D| {
            let _: Option<PassedOver<'_>> = Option::borrow_decode(decoder)?;
            Ok(None)
        };
        Entry::read(decoder, pass_over).map(Self)
    }
}

impl Entry {
    fn read<'de, D: BorrowDecoder<'de>>(
        decoder: &mut D,
        origin: impl FnOnce(&mut D) -> Result<Option<Origin>, DecodeError>,
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            seq: Seq::borrow_decode(decoder)?,
            at: UnixMillis::borrow_decode(decoder)?,
            origin: origin(decoder)?,
            subject: Subject::borrow_decode(decoder)?,
            defines: (0..u64::borrow_decode(decoder)?)
                .map(|_| Ok(CompactString::new(<&str>::borrow_decode(decoder)?)))
                .collect::<Result<_, DecodeError>>()?,
            deed: Deed::borrow_decode(decoder)?,
            moves: (0..u64::borrow_decode(decoder)?)
                .map(|_| Move::borrow_decode(decoder))
                .collect::<Result<_, DecodeError>>()?,
            after: Option::borrow_decode(decoder)?,
            course: None,
            hint: Hint::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::at_work::Work;

    #[test]
    fn a_record_is_taken_apart_and_put_together_again() {
        let mut work = Work::new();
        work.enrol(1);
        work.earn(1, 100);
        for record in &work.records {
            let parts = RecordParts::of(record).expect("a shard recorded it");
            assert!(parts.request.is_some());
            let mut again = Vec::new();
            parts.append_to(&mut again);
            assert_eq!(&again, record);
        }
    }

    #[test]
    fn a_record_with_a_number_longer_than_it_has_to_be_is_left_whole() {
        let shortest = [5, 6, 0];
        assert!(RecordParts::of(&shortest).is_some());
        // 251: two bytes follow.
        let longer = [251, 5, 0, 6, 0];
        assert_eq!(RecordParts::of(&longer), None);
    }
}
