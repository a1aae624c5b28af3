//! What stands in front of a chunk on its shelf. All numbers are big-endian.
//!
//! ```text
//! "JP" version:1 zero:1 shard:2 zero:2 number:8 length:8 checksum:8 chunk…
//! ```
//!
//! `checksum` is XXH3-64 of the chunk, seeded with that of the head in front of it.

use super::{PastError, Place};

/// The only version there is so far. Another one is no damage: a start writes every chunk again that it does not know.
const VERSION: u8 = 1;
/// In front of a chunk.
pub(super) const FRAME_BYTES: usize = 32;
const CHECKSUM_AT: usize = FRAME_BYTES - 8;

/// The frame of a chunk.
pub(super) fn frame(place: Place, chunk: &[u8]) -> [u8; FRAME_BYTES] {
    let mut head = [0; FRAME_BYTES];
    head[..2].copy_from_slice(b"JP");
    head[2] = VERSION;
    head[4..6].copy_from_slice(&place.shard.0.to_be_bytes());
    head[8..16].copy_from_slice(&place.number.to_be_bytes());
    head[16..CHECKSUM_AT].copy_from_slice(&(chunk.len() as u64).to_be_bytes());
    let seed = xxhash_rust::xxh3::xxh3_64(&head[..CHECKSUM_AT]);
    let sum = xxhash_rust::xxh3::xxh3_64_with_seed(chunk, seed);
    head[CHECKSUM_AT..].copy_from_slice(&sum.to_be_bytes());
    head
}

/// The chunk in its frame, which must be the one of this place.
pub(super) fn unframed(place: Place, framed: &[u8]) -> Result<&[u8], PastError> {
    let damaged = |what| PastError::Damaged { place, what };
    let (head, chunk) = framed
        .split_first_chunk::<FRAME_BYTES>()
        .ok_or_else(|| damaged("it ends early"))?;
    if *head == frame(place, chunk) {
        Ok(chunk)
    } else {
        Err(damaged("its checksum is wrong"))
    }
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
        let framed = [&frame(place, b"records")[..], b"records"].concat();
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
