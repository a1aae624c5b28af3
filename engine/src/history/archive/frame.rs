//! Frames: values in runs of about 128 KiB, each packed by itself, so that one entry costs one frame to look up.
//!
//! ```text
//! frame     "JF" version:1 zero:1 stored:4 thin:4 raw:4 sum:8 check:8 packed…     `stored` bytes, packed by zstd
//! outline   (1 turn:8 part:2 parts:2 blocks:4 block… | 0 length:4 value)…
//! block     shard:2 first:8 count:4 [before:32] entry…
//! ```
//!
//! What is packed are [columns](super::columns): the outline is one of them, with all entries taken apart. `thin` is how
//! many bytes they have unpacked. In version 1 there is the outline alone, and behind `count` of a block stands its
//! `length:4`, and behind that its body as it is.
//!
//! A block's checksum, and the hash of the block before it, follow from the rest and cannot be packed: where turns are
//! small they would be two thirds of the archive. So they are left out and made again, but for the first block of each
//! shard in a frame, whose `before` nothing in the frame tells. An epoch's head stands as it is.
//!
//! `check` is XXH3-64 of the packed bytes, seeded with that of the head in front of it: damage shows before anything is
//! unpacked. `sum` is XXH3-64 of the values, each behind its length in four bytes: whatever is shown is what was
//! written, byte for byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use zstd::bulk::Compressor;

use super::{
    columns::{Columns, Joining, Unpacked},
    format::{Bad, Cursor, VERSION, size},
};
use crate::{
    journal::{
        block::{Block, BlockHash, Chain, VALUE_HEAD_BYTES, ValueHead, append_block},
        epoch::EpochHead,
    },
    ledger::{Seq, ShardIndex},
};

/// In front of what is packed.
const FRAME_HEAD_BYTES: usize = 32;
/// A frame is full when the next value would take it beyond this. Frames of 512 KiB take one percent less. Tests have
/// small ones, so that little makes many.
const RAW_BYTES: usize = if cfg!(test) { 512 } else { 128 << 10 };
/// No frame unpacks to more, whatever its head says: a value is far smaller than that.
const RAW_BYTES_MAX: usize = 1 << 20;
/// Nor do its columns: an entry of few bytes takes three times as many taken apart, at the worst.
const THIN_BYTES_MAX: usize = 4 * RAW_BYTES_MAX;
/// Higher levels cost five times the time for a twentieth less.
const LEVEL: i32 = 1;

const MARK: [u8; 2] = *b"JF";
const PLAIN: u8 = 0;
const TURN: u8 = 1;

/// Shards whose last block in the frame is known, with its hash.
type Known = BTreeMap<ShardIndex, BlockHash>;

/// Values on their way into a frame.
pub(super) struct Filling {
    columns: Columns,
    raw: Vec<u8>,
    /// Shards with a block in the frame.
    met: BTreeSet<ShardIndex>,
    packer: Compressor<'static>,
}

impl Filling {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            columns: Columns::default(),
            raw: Vec::new(),
            met: BTreeSet::new(),
            packer: Compressor::new(LEVEL)?,
        })
    }

    /// Whether a value of this length still fits. The first one always does.
    pub(super) const fn has_room(&self, length: usize) -> bool {
        self.raw.is_empty() || self.raw.len() + 4 + length <= RAW_BYTES
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Appends a value, and shows its blocks on the way. What is no value of a turn is kept as it is.
    pub(super) fn push<E: From<Bad>>(
        &mut self,
        value: &[u8],
        visit: &mut dyn FnMut(&Block<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if 4 + value.len() > RAW_BYTES_MAX {
            return Err(Bad::Damaged("a value is larger than any can be").into());
        }
        self.raw.extend_from_slice(&size(value.len()));
        self.raw.extend_from_slice(value);
        if EpochHead::is_one(value) {
            let outline = &mut self.columns.outline;
            outline.push(PLAIN);
            outline.extend_from_slice(&size(value.len()));
            outline.extend_from_slice(value);
            return Ok(());
        }
        self.push_turn(value, visit)
    }

    fn push_turn<E: From<Bad>>(
        &mut self,
        value: &[u8],
        visit: &mut dyn FnMut(&Block<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let unreadable = |_| Bad::Damaged("a value cannot be read");
        let (head, mut rest) = ValueHead::split(value).map_err(unreadable)?;
        let outline = &mut self.columns.outline;
        outline.push(TURN);
        outline.extend_from_slice(&head.turn.to_be_bytes());
        outline.extend_from_slice(&head.part.to_be_bytes());
        outline.extend_from_slice(&head.parts.to_be_bytes());
        let count_at = outline.len();
        outline.extend_from_slice(&[0; 4]);
        let mut count = 0;
        while !rest.is_empty() {
            let (block, behind) = Block::split(rest).map_err(unreadable)?;
            self.push_block(&block)?;
            visit(&block)?;
            count += 1;
            rest = behind;
        }
        self.columns.outline[count_at..count_at + 4].copy_from_slice(&size(count));
        Ok(())
    }

    fn push_block(&mut self, block: &Block<'_>) -> Result<(), Bad> {
        let outline = &mut self.columns.outline;
        outline.extend_from_slice(&block.shard.0.to_be_bytes());
        outline.extend_from_slice(&block.first.0.to_be_bytes());
        outline.extend_from_slice(&block.count.to_be_bytes());
        // That blocks follow on each other, so that the others' hashes can be made again, is checked on the way in.
        if self.met.insert(block.shard) {
            outline.extend_from_slice(&block.before);
        }
        let mut seq = block.first;
        let mut left = block.count;
        for record in block.records() {
            let record = record.map_err(|_| Bad::Damaged("a block's entries do not fill it"))?;
            self.columns.push(seq, record);
            seq = seq.next();
            left = left.checked_sub(1).ok_or(MISCOUNTED)?;
        }
        if left == 0 { Ok(()) } else { Err(MISCOUNTED) }
    }

    /// Packs what has gathered into `out`, and begins anew.
    pub(super) fn pack(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        out.clear();
        out.resize(FRAME_HEAD_BYTES, 0);
        let thin = self.columns.bytes();
        self.columns.pack(&mut self.packer, out)?;
        let (head, packed) = out.split_at_mut(FRAME_HEAD_BYTES);
        head[..4].copy_from_slice(&[MARK[0], MARK[1], VERSION, 0]);
        head[4..8].copy_from_slice(&size(packed.len()));
        head[8..12].copy_from_slice(&size(thin));
        head[12..16].copy_from_slice(&size(self.raw.len()));
        let sum = xxhash_rust::xxh3::xxh3_64(&self.raw);
        head[16..24].copy_from_slice(&sum.to_be_bytes());
        let check = check(&head[..24], packed);
        head[24..].copy_from_slice(&check.to_be_bytes());
        self.raw.clear();
        self.met.clear();
        Ok(())
    }
}

const MISCOUNTED: Bad = Bad::Damaged("a block has not as many entries as it says");

fn check(head: &[u8], packed: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(packed, xxhash_rust::xxh3::xxh3_64(head))
}

/// The values of a frame.
#[derive(Debug)]
pub(super) struct Frame {
    raw: Vec<u8>,
}

impl Frame {
    /// Unpacks a frame, of which `bytes` are all.
    pub(super) fn unpack(bytes: &[u8]) -> Result<Self, Bad> {
        let mut cursor = Cursor(bytes);
        let head = cursor.bytes(FRAME_HEAD_BYTES)?;
        let packed = cursor.0;
        let mut fields = Cursor(head);
        let version = match fields.array()? {
            [a, b, version @ 1..=VERSION, 0] if [a, b] == MARK => version,
            _ => return Err(Bad::Damaged("a frame is not marked as one")),
        };
        let (stored, thin, raw) = (fields.size()?, fields.size()?, fields.size()?);
        let sum = fields.u64()?;
        if stored != packed.len() || fields.u64()? != check(&head[..24], packed) {
            return Err(Bad::Damaged("a frame's checksum is wrong"));
        }
        let thin_max = if version == 1 {
            RAW_BYTES_MAX
        } else {
            THIN_BYTES_MAX
        };
        if raw > RAW_BYTES_MAX || thin > thin_max {
            return Err(Bad::Damaged("a frame is larger than any can be"));
        }
        let raw = if version == 1 {
            let outline = zstd::bulk::decompress(packed, thin)
                .map_err(|_| Bad::Damaged("a frame cannot be unpacked"))?;
            restore(Bodies::InPlace(Cursor(&outline)), raw)?
        } else {
            let columns = Unpacked::read(packed, thin)?;
            restore(Bodies::Apart(columns.joining(), Vec::new()), raw)?
        };
        let frame = Self { raw };
        if xxhash_rust::xxh3::xxh3_64(&frame.raw) == sum {
            Ok(frame)
        } else {
            Err(Bad::Damaged("a frame does not unpack to what was packed"))
        }
    }

    /// The values in order.
    pub(super) fn values(&self) -> Values<'_> {
        Values(Cursor(&self.raw))
    }

    /// How many bytes it takes in memory.
    pub(super) const fn bytes(&self) -> usize {
        self.raw.len()
    }
}

/// The values of a frame, in order.
#[derive(Debug)]
pub(super) struct Values<'a>(Cursor<'a>);

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let length = self.0.size().ok()?;
        self.0.bytes(length).ok()
    }
}

/// An outline, and the entries that belong to it.
enum Bodies<'a> {
    /// Version 1: they stand in the outline.
    InPlace(Cursor<'a>),
    /// They are in columns; with room to put those of a block together.
    Apart(Joining<'a>, Vec<u8>),
}

impl<'a> Bodies<'a> {
    const fn outline(&mut self) -> &mut Cursor<'a> {
        match self {
            Self::InPlace(outline) => outline,
            Self::Apart(columns, _) => &mut columns.outline,
        }
    }

    /// The entries of the next block, each behind its length in two bytes.
    fn next(&mut self, length: usize, first: Seq, count: u32) -> Result<&[u8], Bad> {
        let (columns, body) = match self {
            Self::InPlace(outline) => return outline.bytes(length),
            Self::Apart(columns, body) => (columns, body),
        };
        body.clear();
        let mut seq = first;
        for _ in 0..count {
            let start = body.len();
            body.extend_from_slice(&[0; 2]);
            columns.next(seq, body)?;
            let length = u16::try_from(body.len() - start - 2);
            let length = length.map_err(|_| Bad::Damaged("an entry is longer than any can be"))?;
            body[start..start + 2].copy_from_slice(&length.to_be_bytes());
            seq = seq.next();
        }
        Ok(body)
    }
}

/// Makes values again of what is left of them, each behind its length.
fn restore(mut bodies: Bodies<'_>, raw: usize) -> Result<Vec<u8>, Bad> {
    let mut out = Vec::with_capacity(raw);
    let mut known = Known::new();
    while !bodies.outline().0.is_empty() {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        match bodies.outline().array()? {
            [PLAIN] => {
                let length = bodies.outline().size()?;
                out.extend_from_slice(bodies.outline().bytes(length)?);
            }
            [TURN] => restore_turn(&mut bodies, &mut known, &mut out)?,
            _ => return Err(Bad::Damaged("a frame holds something unknown")),
        }
        let length = size(out.len() - start - 4);
        out[start..start + 4].copy_from_slice(&length);
    }
    Ok(out)
}

fn restore_turn(bodies: &mut Bodies<'_>, known: &mut Known, out: &mut Vec<u8>) -> Result<(), Bad> {
    let start = out.len();
    let outline = bodies.outline();
    let (turn, part, parts) = (outline.u64()?, outline.u16()?, outline.u16()?);
    let blocks = outline.size()?;
    out.extend_from_slice(&[0; VALUE_HEAD_BYTES]);
    for _ in 0..blocks {
        restore_block(bodies, known, out)?;
    }
    let head = ValueHead {
        turn,
        part,
        parts,
        length: u32::from_be_bytes(size(out.len() - start - VALUE_HEAD_BYTES)),
    };
    out[start..start + VALUE_HEAD_BYTES].copy_from_slice(&head.to_bytes());
    Ok(())
}

fn restore_block(bodies: &mut Bodies<'_>, known: &mut Known, out: &mut Vec<u8>) -> Result<(), Bad> {
    let in_place = matches!(bodies, Bodies::InPlace(_));
    let outline = bodies.outline();
    let shard = ShardIndex(outline.u16()?);
    let (first, count) = (outline.u64()?, outline.u32()?);
    let length = if in_place { outline.size()? } else { 0 };
    let before = match known.get(&shard) {
        Some(hash) => *hash,
        None => outline.array()?,
    };
    let mut chain = Chain {
        seq: Seq(first
            .checked_sub(1)
            .ok_or(Bad::Damaged("an entry has no number"))?),
        hash: before,
    };
    let body = bodies.next(length, Seq(first), count)?;
    append_block(out, shard, &mut chain, count, [body].into_iter());
    known.insert(shard, chain.hash);
    Ok(())
}

/// The recorded form of an entry, if it is in this value.
pub(crate) fn entry_in(value: &[u8], shard: ShardIndex, seq: Seq) -> Option<Vec<u8>> {
    let (_, mut rest) = ValueHead::split(value).ok()?;
    while !rest.is_empty() {
        let (block, behind) = Block::split(rest).ok()?;
        let place = seq.0.checked_sub(block.first.0);
        if let Some(place) =
            place.filter(|place| block.shard == shard && *place < u64::from(block.count))
        {
            let record = block.records().nth(usize::try_from(place).ok()?)?;
            return record.ok().map(<[u8]>::to_vec);
        }
        rest = behind;
    }
    None
}
