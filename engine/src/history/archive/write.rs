//! Writing an archive: a draft beside its place, checked value by value on the way in and read back as a whole.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    Archive, ArchiveFacts, ArchiveHash, Sink,
    format::{Bad, Ending, Foot, IndexPlace, head},
    frame::Filling,
    index::Index,
};
use crate::{
    history::HistoryError,
    journal::{
        block::{BadBlock, Block, ValueHead},
        epoch::EpochHead,
        turns::{TurnError, Turns},
    },
    ledger::{Entry, Seq, UnixMillis},
};

/// A device that is handed an archive in one piece at the end has no time for the journal meanwhile.
const SYNC_BYTES: u64 = 4 << 20;

/// Writes, syncs and checks a draft, and puts it in place.
pub(super) fn write(
    path: &Path,
    head: &EpochHead,
    before: Option<ArchiveHash>,
    values: &mut dyn FnMut(&mut Sink<'_>) -> Result<(), HistoryError>,
    pause: &mut dyn FnMut(),
) -> Result<Archive, HistoryError> {
    let mut unfinished = Draft {
        path: path.with_extension("draft"),
        placed: false,
    };
    let draft = unfinished.path.clone();
    let failed = |error| HistoryError::io("write", &draft)(error);
    let mut drafting = Drafting::begin(&draft, head, before).map_err(failed)?;
    values(&mut |value| {
        drafting
            .push(value, pause)
            .map_err(|error| error.at(&draft))
    })?;
    let facts = drafting.end(before).map_err(|error| error.at(&draft))?;
    let archive = Archive::open(&draft)?;
    archive.verify_frames(&mut |_| {
        pause();
        Ok(())
    })?;
    if *archive.facts() != facts {
        return Err(archive.damaged("it is not what was written"));
    }
    let placed = || {
        fs::rename(&draft, path)?;
        File::open(path.parent().unwrap_or(path))?.sync_all()
    };
    placed().map_err(HistoryError::io("put in place", path))?;
    unfinished.placed = true;
    Ok(archive.moved(path))
}

/// The file of an archive that is being written. What is not put in its place is removed when this is dropped: it takes
/// room for nothing.
struct Draft {
    path: PathBuf,
    placed: bool,
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.placed {
            // The next start removes what is left.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Why a draft is not finished.
enum Unfinished {
    Io(io::Error),
    /// What was to be archived cannot be trusted.
    Values(String),
}

impl Unfinished {
    fn at(self, draft: &Path) -> HistoryError {
        match self {
            Self::Io(error) => HistoryError::io("write", draft)(error),
            Self::Values(what) => HistoryError::Damaged(format!(
                "the journal's epoch for {} cannot be archived: {what}; nothing was removed; restore a backup",
                draft.display()
            )),
        }
    }
}

impl From<io::Error> for Unfinished {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Bad> for Unfinished {
    fn from(bad: Bad) -> Self {
        match bad {
            Bad::Damaged(what) => Self::Values(what.to_owned()),
            Bad::Version(version) => Self::Values(format!("it is of version {version}")),
        }
    }
}

impl From<BadBlock> for Unfinished {
    fn from(bad: BadBlock) -> Self {
        Self::Values(bad.to_string())
    }
}

impl From<TurnError<()>> for Unfinished {
    fn from(error: TurnError<()>) -> Self {
        match error {
            TurnError::Torn(what) | TurnError::Damaged(what) => Self::Values(what),
            TurnError::Visitor(()) => Self::Values("it cannot be read".to_owned()),
        }
    }
}

/// A file that is hashed while it is written, and synced piece by piece.
struct Hashed {
    file: File,
    hasher: blake3::Hasher,
    written: u64,
    synced: u64,
}

impl Hashed {
    fn create(path: &PathBuf) -> io::Result<Self> {
        Ok(Self {
            file: File::create(path)?,
            hasher: blake3::Hasher::new(),
            written: 0,
            synced: 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.written += bytes.len() as u64;
        if self.written - self.synced >= SYNC_BYTES {
            self.file.sync_data()?;
            self.synced = self.written;
        }
        Ok(())
    }
}

/// An archive that is being written.
struct Drafting {
    file: Hashed,
    head: EpochHead,
    turns: Turns,
    filling: Filling,
    /// A frame, packed.
    packed: Vec<u8>,
    index: Index,
    walk: Walk,
    values: u64,
    raw_bytes: u64,
}

/// Where the values have come to.
struct Walk {
    /// Each shard's next entry.
    next: Vec<Seq>,
    first_stamp: Option<UnixMillis>,
    /// Each shard's last recorded entry; empty in front of the first.
    last_records: Vec<Vec<u8>>,
}

impl Drafting {
    fn begin(path: &Path, head: &EpochHead, before: Option<ArchiveHash>) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
            // Its own name too: the sled directory of what is archived here is about to be removed.
            if let Some(parent) = directory.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        let mut file = Hashed::create(&path.to_owned())?;
        file.write(&self::head(head, before))?;
        Ok(Self {
            file,
            turns: Turns::behind(head.clone()),
            filling: Filling::new()?,
            packed: Vec::new(),
            index: Index::new(head.chains.len()),
            walk: Walk {
                next: head.chains.iter().map(|chain| chain.seq.next()).collect(),
                first_stamp: None,
                last_records: vec![Vec::new(); head.chains.len()],
            },
            head: head.clone(),
            values: 0,
            raw_bytes: 0,
        })
    }

    fn push(&mut self, value: &[u8], pause: &mut dyn FnMut()) -> Result<(), Unfinished> {
        self.turns.take(value, &mut |_| Ok(()))?;
        if !self.filling.has_room(value.len()) {
            self.write_frame()?;
            pause();
        }
        if self.filling.is_empty() {
            let turn = if EpochHead::is_one(value) {
                self.head.turn
            } else {
                ValueHead::split(value)?.0.turn
            };
            let firsts = self.walk.next.iter().copied();
            self.index.push(self.file.written, turn, firsts);
        }
        let walk = &mut self.walk;
        self.filling.push(value, &mut |block| walk.pass(block))?;
        self.values += 1;
        self.raw_bytes += value.len() as u64;
        Ok(())
    }

    fn write_frame(&mut self) -> io::Result<()> {
        self.filling.pack(&mut self.packed)?;
        self.file.write(&self.packed)
    }

    /// Writes what stands behind the frames, and syncs.
    fn end(mut self, before: Option<ArchiveHash>) -> Result<ArchiveFacts, Unfinished> {
        self.turns.finish(&mut |_| Ok(()))?;
        if !self.filling.is_empty() {
            self.write_frame()?;
        }
        let ending = Ending {
            values: self.values,
            raw_bytes: self.raw_bytes,
            stamps: self.walk.stamps()?,
            index: IndexPlace {
                frames: self.index.frames(),
                offset: self.file.written,
            },
            next: EpochHead {
                epoch: self.head.epoch.next(),
                turn: self.turns.turn(),
                chains: self.turns.chains().to_vec(),
            },
        };
        self.file.write(&self.index.to_bytes()?)?;
        let facts = self.file.written;
        self.file.write(&ending.to_bytes())?;
        self.file.hasher.update(&facts.to_be_bytes());
        let foot = Foot {
            facts,
            hash: ArchiveHash(*self.file.hasher.finalize().as_bytes()),
        };
        // What is hashed so far is in the foot; the rest of it is checked by itself.
        self.file.file.write_all(&foot.to_bytes())?;
        self.file.file.sync_all()?;
        let bytes = self.file.file.metadata()?.len();
        Ok(ending.into_facts(self.head, before, &foot, bytes)?)
    }
}

impl Walk {
    /// Passes a block. That it follows on the one before is checked elsewhere.
    fn pass(&mut self, block: &Block<'_>) -> Result<(), Unfinished> {
        let at = usize::from(block.shard.0);
        let (Some(next), Some(last)) = (self.next.get_mut(at), self.last_records.get_mut(at))
        else {
            return Err(Unfinished::Values(format!("shard {at} does not exist")));
        };
        *next = Seq(block.first.0.saturating_add(u64::from(block.count)));
        let is_first = last.is_empty();
        for record in block.records() {
            let record = record?;
            if is_first && last.is_empty() {
                let stamp = stamp(record)?;
                self.first_stamp = Some(self.first_stamp.map_or(stamp, |first| first.min(stamp)));
            }
            last.clear();
            last.extend_from_slice(record);
        }
        Ok(())
    }

    /// A shard's stamps never go back, so its first and last entries tell.
    fn stamps(&self) -> Result<Option<(UnixMillis, UnixMillis)>, Unfinished> {
        let last = self.last_records.iter().filter(|record| !record.is_empty());
        let last = last
            .map(|record| stamp(record))
            .try_fold(None, |last, at| Ok::<_, Unfinished>(last.max(Some(at?))))?;
        Ok(self.first_stamp.zip(last))
    }
}

fn stamp(record: &[u8]) -> Result<UnixMillis, Unfinished> {
    match Entry::decode(record) {
        Ok(entry) => Ok(entry.at),
        Err(error) => Err(Unfinished::Values(format!(
            "an entry cannot be read: {error}"
        ))),
    }
}
