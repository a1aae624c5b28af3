//! Archives: epochs that are over, each in a file that never changes.

mod cache;
mod columns;
mod facts;
mod format;
mod frame;
mod index;
mod write;

use std::{
    fs::File,
    io,
    ops::{ControlFlow, Range},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

pub(super) use cache::Cache;
pub use facts::{ArchiveFacts, ArchiveHash};
pub(super) use frame::entry_in;

use super::{HistoryError, Visit};
use crate::{
    journal::{
        block::ValueHead,
        epoch::EpochHead,
        turns::{TurnError, Turns},
    },
    ledger::{Seq, ShardIndex},
};
use format::{Bad, Ending, FOOT_BYTES, FOOT_HASHED_BYTES, Foot, IndexPlace};
use frame::Frame;
use index::Index;

/// What the names of archives end with.
pub(super) const ARCHIVE_ENDING: &str = "jfa";

/// One archived epoch.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    facts: ArchiveFacts,
    index: IndexPlace,
    /// Where the facts begin in the file, and the index ends.
    facts_at: u64,
    cache: Arc<Cache>,
}

/// Takes the next value.
pub type Sink<'a> = dyn FnMut(&[u8]) -> Result<(), HistoryError> + 'a;

impl Archive {
    /// Writes an epoch to `path`: to a draft beside it, which is synced, read back, checked and put in place.
    ///
    /// `values` hands over every value of the epoch, its head first unless it is epoch 1. `before` is the hash of the
    /// archive before. `pause` is called between frames, so that the caller may give way.
    pub fn write(
        path: &Path,
        head: &EpochHead,
        before: Option<ArchiveHash>,
        values: &mut dyn FnMut(&mut Sink<'_>) -> Result<(), HistoryError>,
        pause: &mut dyn FnMut(),
    ) -> Result<Self, HistoryError> {
        write::write(path, head, before, values, pause)
    }

    /// Opens an archive; only what tells of it is read and checked.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        Self::open_with(path, Arc::new(Cache::new()))
    }

    /// Opens an archive that keeps what was unpacked together with others.
    pub(super) fn open_with(path: &Path, cache: Arc<Cache>) -> Result<Self, HistoryError> {
        let opened = Opened::read(path)?;
        opened.archive(path, cache).map_err(|bad| unread(path, bad))
    }

    /// What is in it.
    #[must_use]
    pub const fn facts(&self) -> &ArchiveFacts {
        &self.facts
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same archive where it was moved to.
    fn moved(self, path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            ..self
        }
    }

    /// The same archive, keeping what was unpacked together with others.
    pub(super) fn with_cache(self, cache: Arc<Cache>) -> Self {
        Self { cache, ..self }
    }

    /// Shows the values of turns behind `turn`, in the order of turn and part. The epoch's head is shown first if the
    /// epoch began behind `turn`.
    pub fn read_behind(&self, turn: u64, visit: &mut Visit<'_>) -> Result<(), HistoryError> {
        self.read(turn, turn < self.facts.head.turn, visit)
            .map(drop)
    }

    /// Shows the values of turns behind `turn`, and the epoch's head in front of them if it is asked for. Tells whether
    /// `visit` broke off.
    pub(super) fn read(
        &self,
        turn: u64,
        with_head: bool,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, HistoryError> {
        let file = self.file()?;
        let index = self.index(&file)?;
        let first = if with_head {
            0
        } else {
            index.frame_behind(turn)
        };
        for number in first..index.frames() {
            let frame = self.read_frame(&file, &index, number)?;
            for value in frame.values() {
                if self.is_shown(value, turn, with_head)? && visit(value)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn is_shown(&self, value: &[u8], turn: u64, with_head: bool) -> Result<bool, HistoryError> {
        if EpochHead::is_one(value) {
            return Ok(with_head);
        }
        match ValueHead::split(value) {
            Ok((head, _)) => Ok(head.turn > turn),
            Err(bad) => Err(self.damaged(&format!("a value cannot be read: {bad}"))),
        }
    }

    /// The recorded form of an entry, if it is in this archive.
    pub fn entry(&self, shard: ShardIndex, seq: Seq) -> Result<Option<Vec<u8>>, HistoryError> {
        if !self.facts.holds(shard, seq) {
            return Ok(None);
        }
        let epoch = self.facts.epoch();
        let index = self.cache.index(epoch, || self.read_index(&self.file()?))?;
        let missing = || {
            self.damaged(&format!(
                "entry {} of shard {} is not in it",
                seq.0, shard.0
            ))
        };
        let number = index.frame_of(shard, seq).ok_or_else(missing)?;
        let read = || self.read_frame(&self.file()?, &index, number);
        let frame = self.cache.frame(epoch, number, read)?;
        let found = frame.values().find_map(|value| entry_in(value, shard, seq));
        found.map(Some).ok_or_else(missing)
    }

    /// Reads everything and checks it: frames, blocks, chains, counts and the hash.
    pub fn verify(&self) -> Result<(), HistoryError> {
        let mut turns = Turns::behind(self.facts.head.clone());
        let (mut values, mut raw_bytes) = (0, 0);
        self.verify_frames(&mut |frame| {
            for value in frame.values() {
                values += 1;
                raw_bytes += value.len() as u64;
                let taken = turns.take(value, &mut |_| Ok(()));
                taken.map_err(|error| self.unfit(turns.turn() + 1, error))?;
            }
            Ok(())
        })?;
        let finished = turns.finish(&mut |_| Ok(()));
        finished.map_err(|error| self.unfit(turns.turn() + 1, error))?;
        let facts = &self.facts;
        let found = (turns.turn(), turns.chains(), values, raw_bytes);
        if found
            == (
                facts.last_turn,
                &facts.chains[..],
                facts.values,
                facts.raw_bytes,
            )
        {
            Ok(())
        } else {
            Err(self.damaged("it does not hold what it says"))
        }
    }

    fn unfit(&self, turn: u64, error: TurnError<()>) -> HistoryError {
        match error {
            TurnError::Torn(what) | TurnError::Damaged(what) => {
                self.damaged(&format!("turn {turn}: {what}"))
            }
            TurnError::Visitor(()) => self.damaged(&format!("turn {turn} cannot be read")),
        }
    }

    /// Reads the whole file once: every frame unpacks to what was packed, and the hash is right.
    fn verify_frames(
        &self,
        visit: &mut dyn FnMut(&Frame) -> Result<(), HistoryError>,
    ) -> Result<(), HistoryError> {
        let file = self.file()?;
        let index = self.index(&file)?;
        let mut hasher = blake3::Hasher::new();
        let first = if index.frames() == 0 {
            self.index.offset
        } else {
            index.place(0).start
        };
        hasher.update(&self.bytes(&file, 0..first)?);
        for number in 0..index.frames() {
            let bytes = self.bytes(&file, index.place(number))?;
            hasher.update(&bytes);
            let unpacked = Frame::unpack(&bytes);
            visit(&unpacked.map_err(|bad| self.bad_frame(&index, number, bad))?)?;
        }
        let hashed = self.facts.bytes - (FOOT_BYTES - FOOT_HASHED_BYTES) as u64;
        hasher.update(&self.bytes(&file, self.index.offset..hashed)?);
        if *hasher.finalize().as_bytes() == self.facts.hash.0 {
            Ok(())
        } else {
            Err(self.damaged("its hash is wrong"))
        }
    }

    fn read_frame(&self, file: &File, index: &Index, number: usize) -> Result<Frame, HistoryError> {
        let bytes = self.bytes(file, index.place(number))?;
        Frame::unpack(&bytes).map_err(|bad| self.bad_frame(index, number, bad))
    }

    fn index(&self, file: &File) -> Result<Arc<Index>, HistoryError> {
        self.cache
            .index(self.facts.epoch(), || self.read_index(file))
    }

    fn read_index(&self, file: &File) -> Result<Index, HistoryError> {
        let bytes = self.bytes(file, self.index.offset..self.facts_at)?;
        let start = format::head_bytes(&self.facts.head) as u64;
        Index::read(&bytes, self.index, self.facts.chains.len(), start)
            .map_err(|bad| unread(&self.path, bad))
    }

    /// Files are opened for each reading: there may be more archives than files may be open.
    fn file(&self) -> Result<File, HistoryError> {
        File::open(&self.path).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                self.damaged("it is missing")
            } else {
                HistoryError::io("open", &self.path)(error)
            }
        })
    }

    fn bytes(&self, file: &File, place: Range<u64>) -> Result<Vec<u8>, HistoryError> {
        exact(file, place).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged("it ends early"),
            _ => HistoryError::io("read", &self.path)(error),
        })
    }

    fn bad_frame(&self, index: &Index, number: usize, bad: Bad) -> HistoryError {
        match bad {
            Bad::Damaged(what) => {
                let turn = index.turn(number);
                self.damaged(&format!("frame {number}, from turn {turn} on: {what}"))
            }
            version @ Bad::Version(_) => unread(&self.path, version),
        }
    }

    /// Names the file, what is lost with it, and what to do.
    pub(super) fn damaged(&self, what: &str) -> HistoryError {
        let facts = &self.facts;
        HistoryError::Damaged(format!(
            "{}: {what}; without it the {} entries of turns {} to {} are lost to statements and to rebuilding; put the \
             file back from a backup",
            self.path.display(),
            facts.entries(),
            facts.head.turn + 1,
            facts.last_turn
        ))
    }
}

/// What can be said before it is known what an archive holds.
fn unread(path: &Path, bad: Bad) -> HistoryError {
    let path = path.display();
    match bad {
        Bad::Damaged(what) => HistoryError::Damaged(format!(
            "{path}: {what}; without it the entries of an archived epoch are lost to statements and to rebuilding; put \
             the file back from a backup"
        )),
        Bad::Version(version) => HistoryError::Foreign(format!(
            "{path} is an archive of version {version}; this program knows versions up to {}",
            format::VERSION
        )),
    }
}

fn exact(file: &File, place: Range<u64>) -> io::Result<Vec<u8>> {
    let length = place.end.saturating_sub(place.start);
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::UnexpectedEof)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, place.start)?;
    Ok(bytes)
}

/// What stands around the frames of a file.
struct Opened {
    length: u64,
    foot: Foot,
    ending: Ending,
    head: EpochHead,
    before: Option<ArchiveHash>,
}

impl Opened {
    fn read(path: &Path) -> Result<Self, HistoryError> {
        let io = |error| HistoryError::io("read", path)(error);
        let bad = |bad| unread(path, bad);
        let file = File::open(path).map_err(HistoryError::io("open", path))?;
        let length = file.metadata().map_err(io)?.len();
        let early = || bad(Bad::Damaged("it ends early"));
        let foot_at = length.checked_sub(FOOT_BYTES as u64).ok_or_else(early)?;
        let mut foot = [0; FOOT_BYTES];
        file.read_exact_at(&mut foot, foot_at).map_err(io)?;
        let foot = Foot::read(&foot).map_err(bad)?;
        if foot.facts > foot_at {
            return Err(early());
        }
        let ending = exact(&file, foot.facts..foot_at).map_err(io)?;
        let ending = Ending::read(&ending).map_err(bad)?;
        // The head names as many shards as the ending does, so it is as long.
        let head_bytes = format::head_bytes(&ending.next) as u64;
        if head_bytes > ending.index.offset || ending.index.offset > foot.facts {
            return Err(early());
        }
        let head = exact(&file, 0..head_bytes).map_err(io)?;
        let (head, before) = format::read_head(&head).map_err(bad)?;
        Ok(Self {
            length,
            foot,
            ending,
            head,
            before,
        })
    }

    fn archive(self, path: &Path, cache: Arc<Cache>) -> Result<Archive, Bad> {
        let index = self.ending.index;
        let (before, foot) = (self.before, self.foot);
        Ok(Archive {
            path: path.to_owned(),
            facts: self
                .ending
                .into_facts(self.head, before, &foot, self.length)?,
            index,
            facts_at: foot.facts,
            cache,
        })
    }
}
