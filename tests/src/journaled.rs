//! Recorded entries on their way: taken out of sealed blocks and of journals.

use jifen_engine::{
    journal::{
        Journal,
        block::{Block, ValueHead},
        memory::{Medium, MemoryJournal},
    },
    ledger::{Entry, ShardIndex},
};

/// The recorded entries of a sealed body: each stands behind its length in two bytes.
///
/// # Errors
///
/// If the body does not end with an entry.
pub fn records(mut body: &[u8]) -> Result<Vec<&[u8]>, String> {
    let mut records = Vec::new();
    while !body.is_empty() {
        let (length, behind) = body
            .split_first_chunk()
            .ok_or("a body ends inside a length")?;
        let (record, rest) = behind
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or("a body ends inside an entry")?;
        records.push(record);
        body = rest;
    }
    Ok(records)
}

/// The entry of a record, which must give the same record again, and the same entry if its origin is passed over.
///
/// # Errors
///
/// If it cannot be read, or is written differently, or says something else without its origin.
pub fn entry(record: &[u8]) -> Result<Entry, String> {
    let entry = Entry::decode(record).map_err(|error| error.to_string())?;
    // Room enough for an encoding that has become longer, so that it is told and not cut off.
    let mut space = vec![0; 2 * record.len() + 64];
    if entry.encode(&mut space) != record {
        return Err(format!(
            "decoded and encoded again, this is another entry: {entry:?}"
        ));
    }
    let without = Entry::decode_without_origin(record).map_err(|error| error.to_string())?;
    let mut expected = entry.clone();
    expected.origin = None;
    if without != expected {
        return Err(format!(
            "without its origin, {entry:?} says something else: {without:?}"
        ));
    }
    Ok(entry)
}

/// The values that a medium holds, each with its turn.
///
/// # Errors
///
/// If a value has no readable head.
pub fn values(medium: &Medium) -> Result<Vec<(u64, Vec<u8>)>, String> {
    let mut values = Vec::new();
    MemoryJournal::open(medium.clone())
        .read(&mut |value| {
            values.push(value.to_vec());
            Ok(())
        })
        .map_err(|error| error.to_string())?;
    let turn = |value: &Vec<u8>| ValueHead::split(value).map(|(head, _)| head.turn);
    values
        .into_iter()
        .map(|value| Ok((turn(&value).map_err(|bad| bad.to_string())?, value)))
        .collect()
}

/// Another medium with the same content.
///
/// # Errors
///
/// If a value has no readable head.
pub fn copied(medium: &Medium) -> Result<Medium, String> {
    stored_again(values(medium)?)
}

/// A medium that holds these values under their turns.
///
/// # Errors
///
/// Never, unless the journal in memory has changed.
pub fn stored_again(values: Vec<(u64, Vec<u8>)>) -> Result<Medium, String> {
    let medium = Medium::default();
    let mut journal = MemoryJournal::open(medium.clone());
    for turn in values.chunk_by(|a, b| a.0 == b.0) {
        let values: Vec<Vec<u8>> = turn.iter().map(|(_, value)| value.clone()).collect();
        let stored = journal.append(turn[0].0, &values);
        stored.map_err(|error| error.to_string())?;
    }
    Ok(medium)
}

/// Every entry of a whole journal with its shard, in the order of turns.
///
/// # Errors
///
/// If something cannot be read.
pub fn entries(medium: &Medium) -> Result<Vec<(ShardIndex, Entry)>, String> {
    let mut found = Vec::new();
    for (_, value) in values(medium)? {
        let (_, mut blocks) = ValueHead::split(&value).map_err(|bad| bad.to_string())?;
        while !blocks.is_empty() {
            let (block, rest) = Block::split(blocks).map_err(|bad| bad.to_string())?;
            for record in block.records() {
                let record = record.map_err(|bad| bad.to_string())?;
                found.push((block.shard, entry(record)?));
            }
            blocks = rest;
        }
    }
    Ok(found)
}
