//! A device that lies: it lost or changed what it had called durable. Recovery must say so.

use jifen_engine::{
    journal::{
        JournalError,
        block::{Block, Chain, VALUE_HEAD_BYTES, ValueHead, append_block},
        head::Head,
        memory::{Medium, MemoryJournal},
        recovery::{Recovered, recover},
    },
    ledger::{Entry, Seq, ShardIndex, Text},
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::programme::Programme;
use crate::{
    coverage::Coverage,
    journaled::{copied, entry, stored_again, values},
};

/// How many times a whole journal is damaged in one way or another.
const TRIES: u32 = 3;

/// Damages copies of a whole journal, of which `head` is the end.
pub(super) fn check(
    rng: &mut ChaCha8Rng,
    medium: &Medium,
    programme: &Programme,
    head: &Head,
    met: &mut Coverage,
) -> Result<(), String> {
    if head.turn < 3 {
        return Ok(());
    }
    for _ in 0..TRIES {
        flipped_bit(rng, medium, programme, head, met)?;
        forgotten_turn(rng, medium, programme, head, met)?;
        torn_tail(rng, medium, programme, head, met)?;
        rewritten(rng, medium, programme, head, met)?;
    }
    Ok(())
}

/// A bit changed. If the head vouches for all turns, that is damage; if it is older, the last turn may pass for a tail
/// that was being written, and is dropped.
fn flipped_bit(
    rng: &mut ChaCha8Rng,
    medium: &Medium,
    programme: &Programme,
    head: &Head,
    met: &mut Coverage,
) -> Result<(), String> {
    let damaged = copied(medium)?;
    let stored = values(medium)?;
    let bits: usize = stored.iter().map(|(_, value)| value.len() * 8).sum();
    let last: usize = stored
        .iter()
        .filter(|(turn, _)| *turn == head.turn)
        .map(|(_, value)| value.len() * 8)
        .sum();
    let in_last = rng.random_bool(0.5);
    let place = if in_last {
        rng.random_range(bits - last..bits)
    } else {
        rng.random_range(0..bits - last)
    };
    damaged.flip_bit(place);
    let vouched = rng.random_bool(0.5);
    match recovered(&damaged, programme, vouched.then_some(head)) {
        Err(JournalError::Damaged(_) | JournalError::Foreign(_)) => {
            met.count("damage refused");
            Ok(())
        }
        Ok(found)
            if in_last && !vouched && found.turn == head.turn - 1 && found.dropped.is_some() =>
        {
            met.count("damaged tail dropped");
            Ok(())
        }
        other => Err(format!(
            "bit {place} of {bits} was flipped (in the last turn: {in_last}, vouched for: {vouched}): {other:?}"
        )),
    }
}

/// A turn is gone. If a later one is there, or the head vouches for it, that is damage.
fn forgotten_turn(
    rng: &mut ChaCha8Rng,
    medium: &Medium,
    programme: &Programme,
    head: &Head,
    met: &mut Coverage,
) -> Result<(), String> {
    let damaged = copied(medium)?;
    let vouched = rng.random_bool(0.5);
    // Without the head nothing tells that the last turn was there.
    let turn = rng.random_range(1..head.turn + u64::from(vouched));
    damaged.forget_turn(turn);
    match recovered(&damaged, programme, vouched.then_some(head)) {
        Err(JournalError::Damaged(_)) => {
            met.count("damage refused");
            Ok(())
        }
        other => Err(format!(
            "turn {turn} of {} was lost (vouched for: {vouched}): {other:?}",
            head.turn
        )),
    }
}

/// The last value ends early, at a block's end or anywhere. If the head vouches for it, that is damage, else a tail.
fn torn_tail(
    rng: &mut ChaCha8Rng,
    medium: &Medium,
    programme: &Programme,
    head: &Head,
    met: &mut Coverage,
) -> Result<(), String> {
    let mut stored = values(medium)?;
    let last = &mut stored.last_mut().ok_or("the journal is empty")?.1;
    let cut = if rng.random_bool(0.5) {
        let ends = block_ends(last)?;
        ends[rng.random_range(0..ends.len() - 1)]
    } else {
        rng.random_range(0..last.len())
    };
    last.truncate(cut);
    let vouched = rng.random_bool(0.5);
    match recovered(&stored_again(stored)?, programme, vouched.then_some(head)) {
        Err(JournalError::Damaged(_)) if vouched => {
            met.count("damage refused");
            Ok(())
        }
        Ok(found) if !vouched && found.turn == head.turn - 1 && found.dropped.is_some() => {
            met.count("damaged tail dropped");
            Ok(())
        }
        other => Err(format!(
            "the last turn ends after {cut} bytes (vouched for: {vouched}): {other:?}"
        )),
    }
}

/// Where a value's head ends, and every block behind it.
fn block_ends(value: &[u8]) -> Result<Vec<usize>, String> {
    let (_, mut blocks) = ValueHead::split(value).map_err(|bad| bad.to_string())?;
    let mut ends = vec![VALUE_HEAD_BYTES];
    while !blocks.is_empty() {
        blocks = Block::split(blocks).map_err(|bad| bad.to_string())?.1;
        ends.push(value.len() - blocks.len());
    }
    Ok(ends)
}

/// Somebody rewrote an entry, and put the block's checksum right. The next block of that shard knows better; for the
/// last block, the head does.
fn rewritten(
    rng: &mut ChaCha8Rng,
    medium: &Medium,
    programme: &Programme,
    head: &Head,
    met: &mut Coverage,
) -> Result<(), String> {
    let mut stored = values(medium)?;
    let place = rng.random_range(0..stored.len());
    let Some((value, shard, seq)) = with_another_reference(&stored[place].1)? else {
        return Ok(());
    };
    stored[place].1 = value;
    let is_last = head.chains[usize::from(shard.0)].seq == seq;
    let vouched = is_last || rng.random_bool(0.5);
    match recovered(&stored_again(stored)?, programme, vouched.then_some(head)) {
        Err(JournalError::Damaged(_)) => {
            met.count("rewritten history refused");
            Ok(())
        }
        other => Err(format!(
            "the block of {shard:?} up to {seq:?} was rewritten (vouched for: {vouched}): {other:?}"
        )),
    }
}

/// A value whose first block's last entry has another reference, the block's shard, and its last sequence; `None` if
/// that entry answers no request.
fn with_another_reference(value: &[u8]) -> Result<Option<(Vec<u8>, ShardIndex, Seq)>, String> {
    let (mut head, blocks) = ValueHead::split(value).map_err(|bad| bad.to_string())?;
    let (block, rest) = Block::split(blocks).map_err(|bad| bad.to_string())?;
    let mut body = Vec::new();
    let mut put = |record: &[u8]| {
        let length = u16::try_from(record.len()).expect("an entry is small");
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(record);
    };
    let records: Result<Vec<&[u8]>, _> = block.records().collect();
    let records = records.map_err(|bad| bad.to_string())?;
    let (last, before) = records.split_last().ok_or("a block without entries")?;
    before.iter().for_each(|record| put(record));
    let mut changed = entry(last)?;
    let Some(origin) = &mut changed.origin else {
        return Ok(None);
    };
    origin.reference = Text::new("rewritten");
    let mut space = vec![0; Entry::BYTES_MAX];
    put(changed.encode(&mut space));
    let mut chain = Chain {
        seq: Seq(block.first.0 - 1),
        hash: block.before,
    };
    let mut out = vec![0; VALUE_HEAD_BYTES];
    append_block(
        &mut out,
        block.shard,
        &mut chain,
        block.count,
        [&body[..]].into_iter(),
    );
    out.extend_from_slice(rest);
    head.length = u32::try_from(out.len() - VALUE_HEAD_BYTES).expect("a value is small");
    out[..VALUE_HEAD_BYTES].copy_from_slice(&head.to_bytes());
    Ok(Some((out, block.shard, chain.seq)))
}

fn recovered(
    medium: &Medium,
    programme: &Programme,
    head: Option<&Head>,
) -> Result<Recovered, JournalError> {
    let mut journal = MemoryJournal::open(medium.clone());
    recover(&mut journal, head, &mut programme.ledgers())
}
