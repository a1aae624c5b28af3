//! How a chunk lies on its shelf: compressed, behind a head that tells a whole one from a torn one. All numbers are
//! big-endian.
//!
//! ```text
//! "JP" version:1 zero:1 shard:2 zero:2 number:8 length:8 checksum:8 packed…
//! ```
//!
//! `length` is that of the chunk; `packed` is the chunk compressed by zstd. `checksum` is XXH3-64 of what is packed, seeded
//! with that of the head in front of it.

use super::{PastError, Place};

/// Chunks of version 1 were not compressed. Another version is no damage: a start writes every chunk again that it does
/// not know.
const VERSION: u8 = 2;
/// In front of a chunk.
const HEAD_BYTES: usize = 32;
const CHECKSUM_AT: usize = HEAD_BYTES - 8;
/// Records are much alike; higher levels take longer and gain little.
const LEVEL: i32 = 1;
/// No chunk is nearly as long, whatever a damaged head says.
const CHUNK_BYTES_MAX: u64 = 1 << 30;

/// A chunk ready for its place: the head, and what follows it.
pub(super) fn framed(place: Place, chunk: &[u8]) -> std::io::Result<([u8; HEAD_BYTES], Vec<u8>)> {
    let packed = zstd::bulk::compress(chunk, LEVEL)?;
    Ok((head(place, chunk.len() as u64, &packed), packed))
}

fn head(place: Place, length: u64, packed: &[u8]) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    head[..2].copy_from_slice(b"JP");
    head[2] = VERSION;
    head[4..6].copy_from_slice(&place.shard.0.to_be_bytes());
    head[8..16].copy_from_slice(&place.number.to_be_bytes());
    head[16..CHECKSUM_AT].copy_from_slice(&length.to_be_bytes());
    let seed = xxhash_rust::xxh3::xxh3_64(&head[..CHECKSUM_AT]);
    let sum = xxhash_rust::xxh3::xxh3_64_with_seed(packed, seed);
    head[CHECKSUM_AT..].copy_from_slice(&sum.to_be_bytes());
    head
}

/// The chunk in its frame, which must be the one of this place.
pub(super) fn unframed(place: Place, framed: &[u8]) -> Result<Vec<u8>, PastError> {
    let damaged = |what| PastError::Damaged { place, what };
    let (found, packed) = framed
        .split_first_chunk::<HEAD_BYTES>()
        .ok_or_else(|| damaged("it ends early"))?;
    let mut length = [0; 8];
    length.copy_from_slice(&found[16..CHECKSUM_AT]);
    let length = u64::from_be_bytes(length);
    if length > CHUNK_BYTES_MAX || *found != head(place, length, packed) {
        return Err(damaged("its checksum is wrong"));
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    zstd::bulk::decompress(packed, length)
        .ok()
        .filter(|chunk| chunk.len() == length)
        .ok_or_else(|| damaged("it cannot be unpacked"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::ShardIndex;

    #[test]
    fn every_flipped_bit_and_every_cut_and_every_other_place_shows() {
        let place = Place {
            shard: ShardIndex(3),
            number: 7,
        };
        let (head, packed) = framed(place, b"records").unwrap();
        let framed = [&head[..], &packed].concat();
        assert_eq!(unframed(place, &framed).unwrap(), b"records");
        for bit in 0..framed.len() * 8 {
            let mut damaged = framed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(unframed(place, &damaged).is_err(), "bit {bit}");
        }
        for length in 0..framed.len() {
            assert!(
                unframed(place, &framed[..length]).is_err(),
                "cut at {length}"
            );
        }
        let elsewhere = Place { number: 8, ..place };
        assert!(unframed(elsewhere, &framed).is_err());
    }
}
