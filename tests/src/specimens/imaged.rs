//! Images of the ledgers of the golden files: the content of the golden images.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use jifen_engine::ledger::{Extent, Ledger, Seq};

use super::{SETS, SHARDS, Set, directory, hex, unhex};

/// The versions of which there are golden images; the newest last.
pub const VERSIONS: [u8; 2] = [4, 5];
/// Of so many of the sets, the first ones.
const SETS_IMAGED: usize = 8;

/// Where the golden images of a version are.
#[must_use]
pub fn file(version: u8) -> PathBuf {
    directory().join(format!("images-{version}.txt"))
}

/// Where those are that today's program writes.
#[must_use]
pub fn newest() -> PathBuf {
    let [.., newest] = VERSIONS;
    file(newest)
}

/// An image of the whole shard, as it was behind half of its entries, and an increment that has the rest.
pub struct Imaged {
    /// The parts of the one.
    pub whole: Vec<Vec<u8>>,
    /// The parts of the other.
    pub increment: Vec<Vec<u8>>,
}

/// The recorded entries of a set, by shard.
///
/// # Errors
///
/// If its file cannot be read.
pub fn recorded(set: &Set) -> Result<Vec<Vec<Vec<u8>>>, String> {
    let [entries, ..] = set.files();
    let mut shards = vec![Vec::new(); usize::from(SHARDS)];
    for line in read(&entries)?.lines() {
        let mut words = line.split_whitespace();
        let shard = words.next().and_then(|word| word.parse().ok());
        let record = words.nth(1).and_then(unhex);
        let wrong = || format!("no entry: {line}");
        let shard: &mut Vec<_> = shard
            .and_then(|shard: usize| shards.get_mut(shard))
            .ok_or_else(wrong)?;
        shard.push(record.ok_or_else(wrong)?);
    }
    Ok(shards)
}

/// The image of what a ledger is now, or of what changed since another one was begun; and where it stands.
pub fn image(ledger: &mut Ledger, extent: Extent) -> (Vec<Vec<u8>>, Seq) {
    let begun = ledger.begin_image(extent);
    let parts = std::iter::from_fn(|| ledger.next_image_part(256));
    (
        std::iter::once(begun.head).chain(parts).collect(),
        begun.seq,
    )
}

/// A line per part: the number of the set, from 1; the shard; whether it is of the increment; and the part in hexadecimal.
///
/// # Errors
///
/// If a golden file cannot be read.
pub fn made() -> Result<String, String> {
    let mut lines = String::new();
    for (number, set) in (1..).zip(SETS.iter().take(SETS_IMAGED)) {
        for (mut ledger, records) in set.empty_ledgers().into_iter().zip(recorded(set)?) {
            let shard = ledger.shard().0;
            let (half, rest) = records.split_at(records.len() / 2);
            replay(&mut ledger, half)?;
            let (whole, seq) = image(&mut ledger, Extent::Whole);
            replay(&mut ledger, rest)?;
            let (increment, _) = image(&mut ledger, Extent::Since(seq));
            for (what, parts) in [("whole", whole), ("increment", increment)] {
                for part in parts {
                    let written = writeln!(lines, "{number} {shard} {what} {}", hex(&part));
                    written.map_err(|error| error.to_string())?;
                }
            }
        }
    }
    Ok(lines)
}

/// The images of a version, by set and by shard; of sets that came later there are none.
///
/// # Errors
///
/// If its file cannot be read.
pub fn golden(version: u8) -> Result<Vec<Vec<Imaged>>, String> {
    let none = || Imaged {
        whole: Vec::new(),
        increment: Vec::new(),
    };
    let shards = || (0..SHARDS).map(|_| none()).collect();
    let mut images: Vec<Vec<Imaged>> = (0..SETS_IMAGED).map(|_| shards()).collect();
    for line in read(&file(version))?.lines() {
        let wrong = || format!("no part of an image: {line}");
        let words: Vec<&str> = line.split_whitespace().collect();
        let [set, shard, what, part] = words[..] else {
            return Err(wrong());
        };
        let number = |word: &str| word.parse::<usize>().map_err(|_| wrong());
        let image = images
            .get_mut(number(set)?.wrapping_sub(1))
            .ok_or_else(wrong)?
            .get_mut(number(shard)?)
            .ok_or_else(wrong)?;
        let parts = match what {
            "whole" => &mut image.whole,
            _ => &mut image.increment,
        };
        parts.push(unhex(part).ok_or_else(wrong)?);
    }
    Ok(images)
}

/// Has a ledger take entries.
///
/// # Errors
///
/// If one does not fit.
pub fn replay(ledger: &mut Ledger, records: &[Vec<u8>]) -> Result<(), String> {
    for record in records {
        ledger.replay(record).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}
