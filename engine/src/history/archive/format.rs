//! The format of an archive: what stands around its frames. All numbers are big-endian. Version 2 is written; version 1,
//! which differs in its frames alone, is read.
//!
//! ```text
//! file    head frame… index facts foot
//! head    "JIFENAR" version:1 before:32 length:4 epoch-head check:8
//! frame   see `frame`
//! index   see `index`
//! facts   values:8 raw:8 first:8 last:8 frames:4 index:8 length:4 epoch-head check:8
//! foot    facts:8 hash:32 check:8 "JIFENAR" version:1
//! ```
//!
//! The head has the hash of the archive before (zeros if there is none) and where the epoch began. The facts have where
//! the next one begins, how many values and bytes there are, the first and the last stamp (both zero if there is no
//! entry), and where the index lies. `hash` is BLAKE3 of everything in front of it; each `check` is XXH3-64 of what
//! stands in front of it since the last one. An archive is found out from its end: the foot has a fixed length.

use super::{ArchiveFacts, ArchiveHash};
use crate::{journal::epoch::EpochHead, ledger::UnixMillis};

/// The version that is written. What was written by programs before is read.
pub(super) const VERSION: u8 = 2;
const MARK: [u8; 7] = *b"JIFENAR";
/// At the end of the file.
pub(super) const FOOT_BYTES: usize = 56;
/// In front of an epoch's head that stands in the file's head.
const HEAD_FIXED_BYTES: usize = 44;

/// How it shows that a file is no archive, or no longer the one that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// It is damaged.
    Damaged(&'static str),
    /// It was written by a program that knows more.
    Version(u8),
}

/// Reads from the front of bytes.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Bad> {
        let (front, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(front)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Bad> {
        let (front, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*front)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Bad> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Bad> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Bad> {
        self.array().map(u64::from_be_bytes)
    }

    /// A number as recorded entries have it.
    pub(super) fn number(&mut self) -> Result<u64, Bad> {
        let read = bincode::decode_from_slice(self.0, bincode::config::standard());
        let (number, used) = read.map_err(|_| SHORT)?;
        self.0 = &self.0[used..];
        Ok(number)
    }

    /// A length, or how many of something.
    pub(super) fn size(&mut self) -> Result<usize, Bad> {
        self.u32().map(|size| size as usize)
    }
}

const SHORT: Bad = Bad::Damaged("it ends early");

/// A length, or how many of something, as it is written.
pub(super) fn size(size: usize) -> [u8; 4] {
    let size = u32::try_from(size).expect("frames, their number and heads are far below 4 GiB");
    size.to_be_bytes()
}

/// Appends the check of what stands in `out` from `start` on.
pub(super) fn seal(out: &mut Vec<u8>, start: usize) {
    let check = xxhash_rust::xxh3::xxh3_64(&out[start..]);
    out.extend_from_slice(&check.to_be_bytes());
}

/// What [`seal`] was called for, if it is whole.
pub(super) fn unseal(bytes: &[u8]) -> Result<&[u8], Bad> {
    let (content, check) = bytes.split_last_chunk().ok_or(SHORT)?;
    if xxhash_rust::xxh3::xxh3_64(content) == u64::from_be_bytes(*check) {
        Ok(content)
    } else {
        Err(Bad::Damaged("a checksum is wrong"))
    }
}

fn mark() -> [u8; 8] {
    let [a, b, c, d, e, f, g] = MARK;
    [a, b, c, d, e, f, g, VERSION]
}

/// Whether this is the mark of an archive that this program can read.
fn check_mark(bytes: [u8; 8]) -> Result<(), Bad> {
    match bytes {
        [name @ .., _] if name != MARK => Err(Bad::Damaged("it is not marked as an archive")),
        [.., 1..=VERSION] => Ok(()),
        [.., version] => Err(Bad::Version(version)),
    }
}

fn epoch_head(bytes: &[u8]) -> Result<EpochHead, Bad> {
    EpochHead::from_value(bytes).map_err(|_| Bad::Damaged("it has no readable head of an epoch"))
}

/// The file's head.
pub(super) fn head(head: &EpochHead, before: Option<ArchiveHash>) -> Vec<u8> {
    let value = head.to_value();
    let mut out = Vec::with_capacity(HEAD_FIXED_BYTES + value.len() + 8);
    out.extend_from_slice(&mark());
    out.extend_from_slice(&before.map_or([0; 32], |hash| hash.0));
    out.extend_from_slice(&size(value.len()));
    out.extend_from_slice(&value);
    seal(&mut out, 0);
    out
}

/// How long the file's head is for a journal of so many shards.
pub(super) fn head_bytes(next: &EpochHead) -> usize {
    HEAD_FIXED_BYTES + next.to_value().len() + 8
}

/// Reads the file's head.
pub(super) fn read_head(bytes: &[u8]) -> Result<(EpochHead, Option<ArchiveHash>), Bad> {
    check_mark(Cursor(bytes).array()?)?;
    let mut content = Cursor(unseal(bytes)?);
    content.bytes(8)?;
    let before = content.array()?;
    let length = content.size()?;
    let head = epoch_head(content.bytes(length)?)?;
    Ok((head, (before != [0; 32]).then_some(ArchiveHash(before))))
}

/// What stands between the index and the foot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) values: u64,
    pub(super) raw_bytes: u64,
    pub(super) stamps: Option<(UnixMillis, UnixMillis)>,
    pub(super) index: IndexPlace,
    pub(super) next: EpochHead,
}

/// Where the index is, and of how many frames it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IndexPlace {
    pub(super) frames: usize,
    pub(super) offset: u64,
}

impl Ending {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let (first, last) = self.stamps.unwrap_or_default();
        for number in [self.values, self.raw_bytes, first.0, last.0] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&size(self.index.frames));
        out.extend_from_slice(&self.index.offset.to_be_bytes());
        let next = self.next.to_value();
        out.extend_from_slice(&size(next.len()));
        out.extend_from_slice(&next);
        seal(&mut out, 0);
        out
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, Bad> {
        let mut content = Cursor(unseal(bytes)?);
        let (values, raw_bytes) = (content.u64()?, content.u64()?);
        let stamps = (UnixMillis(content.u64()?), UnixMillis(content.u64()?));
        let index = IndexPlace {
            frames: content.size()?,
            offset: content.u64()?,
        };
        let length = content.size()?;
        Ok(Self {
            values,
            raw_bytes,
            stamps: (stamps != Default::default()).then_some(stamps),
            index,
            next: epoch_head(content.bytes(length)?)?,
        })
    }

    /// With the rest of what is known of the archive.
    pub(super) fn into_facts(
        self,
        head: EpochHead,
        before: Option<ArchiveHash>,
        foot: &Foot,
        bytes: u64,
    ) -> Result<ArchiveFacts, Bad> {
        let grew = head.chains.len() == self.next.chains.len()
            && head.epoch.0.checked_add(1) == Some(self.next.epoch.0)
            && head.turn <= self.next.turn
            && (head.chains.iter().zip(&self.next.chains)).all(|(a, b)| a.seq <= b.seq);
        if !grew {
            return Err(Bad::Damaged("its beginning does not fit its end"));
        }
        Ok(ArchiveFacts {
            head,
            last_turn: self.next.turn,
            chains: self.next.chains,
            values: self.values,
            raw_bytes: self.raw_bytes,
            bytes,
            stamps: self.stamps,
            hash: foot.hash,
            before,
        })
    }
}

/// The end of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Foot {
    /// Where the facts begin.
    pub(super) facts: u64,
    pub(super) hash: ArchiveHash,
}

/// So much of the foot stands in front of the hash, and is part of what is hashed.
pub(super) const FOOT_HASHED_BYTES: usize = 8;

impl Foot {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FOOT_BYTES);
        out.extend_from_slice(&self.facts.to_be_bytes());
        out.extend_from_slice(&self.hash.0);
        seal(&mut out, 0);
        out.extend_from_slice(&mark());
        out
    }

    pub(super) fn read(bytes: &[u8; FOOT_BYTES]) -> Result<Self, Bad> {
        let (sealed, mark) = bytes.split_last_chunk().ok_or(SHORT)?;
        check_mark(*mark)?;
        let mut content = Cursor(unseal(sealed)?);
        Ok(Self {
            facts: content.u64()?,
            hash: ArchiveHash(content.array()?),
        })
    }
}
