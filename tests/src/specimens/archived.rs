//! Two archived epochs, made of the turns of the golden files: the content of the golden archives.

use std::{fs, path::PathBuf};

use jifen_engine::{
    history::{BlockPlace, Catalogue, History},
    journal::{
        Journal,
        block::{Block, Chain, VALUE_HEAD_BYTES, ValueHead, append_block},
        epoch::EpochHead,
        memory::{Medium, MemoryJournal},
        turns::Turns,
    },
};

use super::{SETS, SHARDS, directory};

/// Where the golden archives of each version are, with their catalogues; the newest version last.
#[must_use]
pub fn archives() -> [PathBuf; 2] {
    ["archive", "archive-2"].map(|name| directory().join(name))
}

/// Where those are that today's program writes.
#[must_use]
pub fn newest() -> PathBuf {
    let [.., newest] = archives();
    newest
}

/// An epoch that is over.
pub struct Over {
    /// Where it begins.
    pub head: EpochHead,
    /// Its values; its head first, if it has one.
    pub values: Vec<Vec<u8>>,
}

/// The first turn is that of the first set. The second, in an epoch of its own, has the blocks of the second set, put
/// behind those of the first.
///
/// # Errors
///
/// If a golden file cannot be read.
pub fn epochs() -> Result<[Over; 2], String> {
    let [one, two] = [SETS[0], SETS[1]].map(|set| {
        let [_, turn, _] = set.files();
        fs::read(&turn).map_err(|error| format!("{}: {error}", turn.display()))
    });
    let first = Over {
        head: EpochHead::first(SHARDS),
        values: vec![one?],
    };
    let head = end(&first)?;
    let value = behind(&two?, &mut head.chains.clone(), head.turn + 1)?;
    let second = Over {
        values: vec![head.to_value(), value],
        head,
    };
    Ok([first, second])
}

/// Where an epoch ends, and the next one begins.
///
/// # Errors
///
/// If its values do not fit.
pub fn end(over: &Over) -> Result<EpochHead, String> {
    let mut turns = Turns::behind(over.head.clone());
    let wrong = |error| format!("{error:?}");
    for value in &over.values {
        turns.take::<()>(value, &mut |_| Ok(())).map_err(wrong)?;
    }
    turns.finish::<()>(&mut |_| Ok(())).map_err(wrong)?;
    Ok(EpochHead {
        epoch: over.head.epoch.next(),
        turn: turns.turn(),
        chains: turns.chains().to_vec(),
    })
}

/// The blocks of a value as a turn that follows on these chains.
fn behind(value: &[u8], chains: &mut [Chain], turn: u64) -> Result<Vec<u8>, String> {
    let (_, mut rest) = ValueHead::split(value).map_err(|bad| bad.to_string())?;
    let mut out = vec![0; VALUE_HEAD_BYTES];
    while !rest.is_empty() {
        let (block, next) = Block::split(rest).map_err(|bad| bad.to_string())?;
        let mut body = Vec::new();
        for record in block.records() {
            let record = record.map_err(|bad| bad.to_string())?;
            let length = u16::try_from(record.len()).map_err(|error| error.to_string())?;
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(record);
        }
        let chain = &mut chains[usize::from(block.shard.0)];
        append_block(
            &mut out,
            block.shard,
            chain,
            block.count,
            [&body[..]].into_iter(),
        );
        rest = next;
    }
    let head = ValueHead {
        turn,
        part: 0,
        parts: 1,
        length: u32::try_from(out.len() - VALUE_HEAD_BYTES).map_err(|error| error.to_string())?,
    };
    out[..VALUE_HEAD_BYTES].copy_from_slice(&head.to_bytes());
    Ok(out)
}

/// Archives the epochs into a directory, as the engine does.
///
/// # Errors
///
/// If that fails.
pub fn archive(into: &std::path::Path) -> Result<(), String> {
    let catalogue = Catalogue::open(into, SHARDS).map_err(|error| error.to_string())?;
    let history = History::new(catalogue, SHARDS);
    let epochs = epochs()?;
    for over in &epochs {
        let mut journal = MemoryJournal::open(Medium::default());
        history.began(over.head.clone(), journal.reader());
        let turns = over.values.iter().filter(|value| !EpochHead::is_one(value));
        for (turn, value) in (over.head.turn + 1..).zip(turns) {
            let values = std::slice::from_ref(value);
            journal
                .append(turn, values)
                .map_err(|error| error.to_string())?;
            let places = BlockPlace::of_turn(values).map_err(|bad| bad.to_string())?;
            history.durable(turn, &places);
        }
    }
    let last = MemoryJournal::open(Medium::default());
    history.began(end(&epochs[1])?, last.reader());
    for _ in &epochs {
        history
            .archive_oldest(&mut || {})
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}
