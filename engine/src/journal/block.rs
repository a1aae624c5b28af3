//! The format of what is journaled, version 1.
//!
//! A turn of the committer is one or more values; a value is a head and whole blocks; a block is a run of one shard's
//! entries. All numbers are big-endian.
//!
//! ```text
//! value   "JT" version:1 zero:1 turn:8 part:2 parts:2 length:4 check:4 blocks…     `length` bytes of blocks
//! block   "JB" version:1 zero:1 shard:2 first:8 count:4 length:4 before:32 checksum:8 body
//! body    (length:2 entry)…                       `length` entries, recorded form of `ledger::Entry`
//! ```
//!
//! `check` is the lower half of XXH3-64 of the head in front of it, `checksum` is XXH3-64 of everything else in the
//! block; `before` is the BLAKE3 hash of the shard's block before this one, so a block that is lost, doubled, swapped or
//! rewritten shows.

use crate::ledger::{Seq, ShardIndex};

/// The hash of a block, and so of everything its shard journaled up to it.
pub type BlockHash = [u8; 32];

/// The only version there is so far.
pub const FORMAT_VERSION: u8 = 1;
/// In front of a value's blocks.
pub const VALUE_HEAD_BYTES: usize = 24;
/// In front of a block's body.
pub const BLOCK_HEAD_BYTES: usize = 62;

const CHECK_AT: usize = VALUE_HEAD_BYTES - 4;
const CHECKSUM_AT: usize = BLOCK_HEAD_BYTES - 8;

/// Where a shard's journal stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// The last entry.
    pub seq: Seq,
    /// The hash of the last block; zeros in front of the first.
    pub hash: BlockHash,
}

/// Which value of which turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueHead {
    /// 1, 2, 3 … over the life of a journal.
    pub turn: u64,
    /// 0, 1 … within the turn.
    pub part: u16,
    /// How many values the turn has.
    pub parts: u16,
    /// How many bytes of blocks follow. Without it, a value that was torn between two blocks would look whole.
    pub length: u32,
}

impl ValueHead {
    /// The head's bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; VALUE_HEAD_BYTES] {
        let mut bytes = [0; VALUE_HEAD_BYTES];
        bytes[..2].copy_from_slice(b"JT");
        bytes[2] = FORMAT_VERSION;
        bytes[4..12].copy_from_slice(&self.turn.to_be_bytes());
        bytes[12..14].copy_from_slice(&self.part.to_be_bytes());
        bytes[14..16].copy_from_slice(&self.parts.to_be_bytes());
        bytes[16..CHECK_AT].copy_from_slice(&self.length.to_be_bytes());
        let check = head_check(&bytes[..CHECK_AT]).to_be_bytes();
        bytes[CHECK_AT..].copy_from_slice(&check);
        bytes
    }

    /// Reads a value's head; answers with the blocks behind it, of which some may be missing.
    pub fn split(value: &[u8]) -> Result<(Self, &[u8]), BadBlock> {
        let (head, blocks) = value
            .split_at_checked(VALUE_HEAD_BYTES)
            .ok_or(BadBlock::Short)?;
        check_mark(head, *b"JT")?;
        if head_check(&head[..CHECK_AT]) != u32::from_be_bytes(array(head, CHECK_AT)) {
            return Err(BadBlock::Checksum);
        }
        let head = Self {
            turn: u64::from_be_bytes(array(head, 4)),
            part: u16::from_be_bytes(array(head, 12)),
            parts: u16::from_be_bytes(array(head, 14)),
            length: u32::from_be_bytes(array(head, 16)),
        };
        Ok((head, blocks))
    }
}

/// What is wrong with bytes that should be a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum BadBlock {
    #[error("it ends early")]
    Short,
    #[error("it does not begin like one")]
    NoMark,
    #[error("its format version is {0}, this program reads up to {FORMAT_VERSION}")]
    Version(u8),
    #[error("its checksum is wrong")]
    Checksum,
    #[error("its entries do not fill it")]
    Body,
}

/// A block, read in place.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Whose entries.
    pub shard: ShardIndex,
    /// The first entry's sequence.
    pub first: Seq,
    /// How many entries.
    pub count: u32,
    /// The hash of the block before.
    pub before: BlockHash,
    bytes: &'a [u8],
}

impl<'a> Block<'a> {
    /// Reads and checks the block at the front of `bytes`; answers with what is behind it.
    pub fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), BadBlock> {
        let head = bytes.get(..BLOCK_HEAD_BYTES).ok_or(BadBlock::Short)?;
        check_mark(head, *b"JB")?;
        let length = u32::from_be_bytes(array(head, 18)) as usize;
        let (block, rest) = bytes
            .split_at_checked(BLOCK_HEAD_BYTES + length)
            .ok_or(BadBlock::Short)?;
        if checksum(block) != u64::from_be_bytes(array(head, CHECKSUM_AT)) {
            return Err(BadBlock::Checksum);
        }
        let block = Self {
            shard: ShardIndex(u16::from_be_bytes(array(head, 4))),
            first: Seq(u64::from_be_bytes(array(head, 6))),
            count: u32::from_be_bytes(array(head, 14)),
            before: array(head, 22),
            bytes: block,
        };
        Ok((block, rest))
    }

    /// The recorded entries.
    pub fn records(&self) -> Records<'a> {
        Records(self.body())
    }

    /// The recorded entries as they stand in the block.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        &self.bytes[BLOCK_HEAD_BYTES..]
    }

    /// Where the shard's journal stands behind this block.
    #[must_use]
    pub fn chain(&self) -> Chain {
        Chain {
            seq: Seq(self.first.0 + u64::from(self.count) - 1),
            hash: *blake3::hash(self.bytes).as_bytes(),
        }
    }
}

/// The recorded entries of a block, in order.
#[derive(Clone, Debug)]
pub struct Records<'a>(&'a [u8]);

impl<'a> Records<'a> {
    /// The entries of a [body](Block::body).
    #[must_use]
    pub const fn of(body: &'a [u8]) -> Self {
        Self(body)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<&'a [u8], BadBlock>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let body = std::mem::take(&mut self.0);
        let read = body.split_first_chunk().and_then(|(length, behind)| {
            behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        });
        Some(match read {
            Some((record, rest)) => {
                self.0 = rest;
                Ok(record)
            }
            None => Err(BadBlock::Body),
        })
    }
}

/// Appends a block to `out` and moves the chain on. `bodies` are pieces of one shard's entries, in order.
pub fn append_block<'a>(
    out: &mut Vec<u8>,
    shard: ShardIndex,
    chain: &mut Chain,
    count: u32,
    bodies: impl Iterator<Item = &'a [u8]>,
) {
    let start = out.len();
    out.resize(start + BLOCK_HEAD_BYTES, 0);
    for body in bodies {
        out.extend_from_slice(body);
    }
    let length = u32::try_from(out.len() - start - BLOCK_HEAD_BYTES).expect("a block is small");
    let block = &mut out[start..];
    block[..2].copy_from_slice(b"JB");
    block[2] = FORMAT_VERSION;
    block[4..6].copy_from_slice(&shard.0.to_be_bytes());
    block[6..14].copy_from_slice(&chain.seq.next().0.to_be_bytes());
    block[14..18].copy_from_slice(&count.to_be_bytes());
    block[18..22].copy_from_slice(&length.to_be_bytes());
    block[22..CHECKSUM_AT].copy_from_slice(&chain.hash);
    let sum = checksum(block).to_be_bytes();
    block[CHECKSUM_AT..BLOCK_HEAD_BYTES].copy_from_slice(&sum);
    chain.hash = *blake3::hash(block).as_bytes();
    chain.seq = Seq(chain.seq.0 + u64::from(count));
}

fn head_check(head: &[u8]) -> u32 {
    (xxhash_rust::xxh3::xxh3_64(head) & u64::from(u32::MAX)) as u32
}

fn checksum(block: &[u8]) -> u64 {
    // The head's part is short; its digest seeds that of the body.
    let head = xxhash_rust::xxh3::xxh3_64(&block[..CHECKSUM_AT]);
    xxhash_rust::xxh3::xxh3_64_with_seed(&block[BLOCK_HEAD_BYTES..], head)
}

fn check_mark(head: &[u8], mark: [u8; 2]) -> Result<(), BadBlock> {
    if head[..2] != mark {
        return Err(BadBlock::NoMark);
    }
    if head[2] != FORMAT_VERSION {
        return Err(BadBlock::Version(head[2]));
    }
    Ok(())
}

/// `N` bytes of a head from `at`. Heads are checked for their length before.
fn array<const N: usize>(head: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&head[at..at + N]);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> (Vec<u8>, Chain) {
        let mut chain = Chain::default();
        let mut out = Vec::new();
        let body = [&[0, 2][..], b"ab", &[0, 1], b"c"].concat();
        append_block(
            &mut out,
            ShardIndex(3),
            &mut chain,
            2,
            [&body[..]].into_iter(),
        );
        (out, chain)
    }

    #[test]
    fn a_block_is_read_back_as_written() {
        let (bytes, chain) = block();
        let (read, rest) = Block::split(&bytes).unwrap();
        assert_eq!(
            (read.shard, read.first, read.count),
            (ShardIndex(3), Seq(1), 2)
        );
        assert_eq!(read.chain(), chain);
        assert_eq!(
            read.records().collect::<Result<Vec<_>, _>>().unwrap(),
            [&b"ab"[..], b"c"]
        );
        assert!(rest.is_empty());
    }

    #[test]
    fn a_value_head_is_read_back_as_written_and_every_flipped_bit_shows() {
        let head = ValueHead {
            turn: 1 << 40,
            part: 1,
            parts: 3,
            length: 99,
        };
        let bytes = head.to_bytes();
        assert_eq!(ValueHead::split(&bytes), Ok((head, &[][..])));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(ValueHead::split(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_shows() {
        let (bytes, _) = block();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Block::split(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Block::split(&bytes[..length]).is_err(), "cut at {length}");
        }
    }
}
