//! How specimens are bent: what transport, disks and people do to bytes, and what readers of numbers and brackets fear.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Pieces that readers of text and of numbers trip over.
const PIECES: [&[u8]; 30] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\u0000",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e309",
    b"1.0",
    b"9007199254740991",
    b"9007199254740992",
    b"18446744073709551615",
    b"18446744073709551616",
    b"[[[[[[[[[[[[[[[[[[[[",
    b"\"\":",
    b"\xfb\xff\xff",
    b"\xfd\xff\xff\xff\xff\xff\xff\xff\xff",
];

/// Bends an input once or a few times; `other` is another one to take pieces of.
pub(super) fn bend(input: &mut Vec<u8>, other: &[u8], chance: &mut ChaCha8Rng) {
    for _ in 0..chance.random_range(1..=4) {
        once(input, other, chance);
    }
}

fn once(input: &mut Vec<u8>, other: &[u8], chance: &mut ChaCha8Rng) {
    let at = chance.random_range(0..=input.len());
    let end = (at + chance.random_range(0..=16)).min(input.len());
    match chance.random_range(0..10) {
        0 => flip(input, at, chance),
        1 => set(input, at, chance.random()),
        2 => insert(input, at, PIECES[chance.random_range(0..PIECES.len())]),
        3 => drop(input.drain(at..end)),
        4 => input.truncate(at),
        5 => {
            let piece = input[at..end].to_vec();
            insert(input, at, &piece);
        }
        6 => {
            let from = chance.random_range(0..=other.len());
            let to = (from + chance.random_range(0..=64)).min(other.len());
            insert(input, at, &other[from..to]);
        }
        7 => {
            // The one goes over into the other.
            let from = chance.random_range(0..=other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        8 => {
            let piece = PIECES[chance.random_range(0..PIECES.len())];
            input.splice(at..end, piece.iter().copied());
        }
        _ => step(input, at, chance),
    }
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    input.splice(at..at, piece.iter().copied());
}

fn flip(input: &mut [u8], at: usize, chance: &mut ChaCha8Rng) {
    if let Some(byte) = input.get_mut(at) {
        *byte ^= 1 << chance.random_range(0..8);
    }
}

fn set(input: &mut [u8], at: usize, value: u8) {
    if let Some(byte) = input.get_mut(at) {
        *byte = value;
    }
}

/// A number one more or one less.
fn step(input: &mut [u8], at: usize, chance: &mut ChaCha8Rng) {
    if let Some(byte) = input.get_mut(at) {
        *byte = byte.wrapping_add(if chance.random() { 1 } else { u8::MAX });
    }
}
