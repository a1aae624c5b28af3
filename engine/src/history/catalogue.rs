//! The list of archives: which there are, and that they are the ones that were written.
//!
//! A file of the archives' directory that is not listed is none: it was being written when the power failed, or should
//! have been deleted. It is overwritten, or deleted with the next ones.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    Archive, ArchiveFacts, ArchiveHash, HistoryError,
    archive::{ARCHIVE_ENDING, Cache},
};
use crate::journal::{
    epoch::{Epoch, EpochHead},
    whole_file,
};

/// The only version there is so far.
const VERSION: u32 = 1;
const FILE: &str = "catalogue.json";

/// The catalogue as it is written, in JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    /// The newest archive that was deleted.
    forgotten: Option<Forgotten>,
    archives: Vec<Row>,
}

/// What is known of the newest archive that was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Forgotten {
    epoch: u32,
    last_turn: u64,
    /// In hexadecimal.
    hash: String,
}

/// An archive; all of it stands in its file too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    epoch: u32,
    /// In hexadecimal.
    hash: String,
    first_turn: u64,
    last_turn: u64,
    entries: u64,
    raw_bytes: u64,
    bytes: u64,
    /// The stamps of the first and the last entry, in Unix milliseconds.
    stamps: Option<(u64, u64)>,
}

impl Row {
    fn of(facts: &ArchiveFacts) -> Self {
        Self {
            epoch: facts.epoch().0,
            hash: facts.hash.to_string(),
            first_turn: facts.head.turn + 1,
            last_turn: facts.last_turn,
            entries: facts.entries(),
            raw_bytes: facts.raw_bytes,
            bytes: facts.bytes,
            stamps: facts.stamps.map(|(first, last)| (first.0, last.0)),
        }
    }
}

/// The path of an epoch's archive in the archives' directory.
#[must_use]
pub fn archive_path(directory: &Path, epoch: Epoch) -> PathBuf {
    directory.join(format!("{epoch}.{ARCHIVE_ENDING}"))
}

/// The archives of a data directory, in order and without a gap, as `archive/catalogue.json` lists them.
#[derive(Clone, Debug)]
pub struct Catalogue {
    directory: Option<PathBuf>,
    forgotten: Option<Forgotten>,
    archives: Vec<Arc<Archive>>,
    cache: Arc<Cache>,
}

impl Catalogue {
    /// Opens the catalogue in `directory`, and every archive that it lists. A directory that is not there has none; it
    /// is made with the first archive.
    pub fn open(directory: &Path, shards: u16) -> Result<Self, HistoryError> {
        let mut catalogue = Self {
            directory: Some(directory.to_owned()),
            ..Self::nowhere()
        };
        if let Some(written) = read(directory)? {
            catalogue.forgotten = written.forgotten;
            for row in &written.archives {
                catalogue.open_archive(directory, row, shards)?;
            }
        } else if let Some(path) = any_archive(directory)? {
            return Err(HistoryError::Damaged(format!(
                "{} is missing, but {} is there: what is archived is not known any more; put the catalogue back from a \
                 backup",
                directory.join(FILE).display(),
                path.display()
            )));
        }
        Ok(catalogue)
    }

    /// Removes what a process before has begun to write and left behind. Nobody else may work on the directory.
    pub(crate) fn remove_drafts(&self) -> Result<(), HistoryError> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let failed = |error| HistoryError::io("list", directory)(error);
        let files = match fs::read_dir(directory) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        for file in files {
            let path = file.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == "draft") {
                fs::remove_file(&path).map_err(HistoryError::io("remove", &path))?;
            }
        }
        Ok(())
    }

    /// For engines without a directory: there are no archives, and none can be added.
    #[must_use]
    pub fn nowhere() -> Self {
        Self {
            directory: None,
            forgotten: None,
            archives: Vec::new(),
            cache: Arc::new(Cache::new()),
        }
    }

    fn open_archive(
        &mut self,
        directory: &Path,
        row: &Row,
        shards: u16,
    ) -> Result<(), HistoryError> {
        let path = archive_path(directory, Epoch(row.epoch));
        if !path.exists() {
            return Err(HistoryError::Damaged(format!(
                "{} is missing: without it the {} entries of turns {} to {} are lost to statements and to rebuilding; \
                 put the file back from a backup",
                path.display(),
                row.entries,
                row.first_turn,
                row.last_turn
            )));
        }
        let archive = Archive::open_with(&path, Arc::clone(&self.cache))?;
        let facts = archive.facts();
        if facts.chains.len() != usize::from(shards) {
            return Err(HistoryError::Foreign(format!(
                "{} is of a journal of {} shards, and this one has {shards}; put the right file back from a backup",
                path.display(),
                facts.chains.len()
            )));
        }
        if Row::of(facts) != *row {
            return Err(archive.damaged("it is not the archive that the catalogue lists"));
        }
        self.check_follows(&archive)?;
        self.archives.push(Arc::new(archive));
        Ok(())
    }

    /// Checks that an archive goes on where the last one ends, or the last one that was deleted.
    fn check_follows(&self, archive: &Archive) -> Result<(), HistoryError> {
        let facts = archive.facts();
        if facts.before != self.last_hash() {
            return Err(archive.damaged("it does not follow on the archive before it"));
        }
        self.check_followed_by(&facts.head)
    }

    /// The archives, the oldest first.
    #[must_use]
    pub fn archives(&self) -> &[Arc<Archive>] {
        &self.archives
    }

    /// Behind which turn history is complete: 0 unless archives were deleted.
    #[must_use]
    pub fn complete_behind(&self) -> u64 {
        self.forgotten.as_ref().map_or(0, |last| last.last_turn)
    }

    /// Where the archives end: the first epoch that is not archived has this head. `None` if there are none.
    #[must_use]
    pub fn end(&self) -> Option<EpochHead> {
        self.archives.last().map(|archive| archive.facts().next())
    }

    /// The epoch that is archived next.
    #[must_use]
    pub fn next_epoch(&self) -> Epoch {
        let archived = self.archives.last().map(|archive| archive.facts().epoch());
        let last = archived.or_else(|| self.forgotten.as_ref().map(|last| Epoch(last.epoch)));
        last.map_or(Epoch::FIRST, Epoch::next)
    }

    /// The hash of the newest archive, also if it was deleted.
    #[must_use]
    pub fn last_hash(&self) -> Option<ArchiveHash> {
        match self.archives.last() {
            Some(archive) => Some(archive.facts().hash),
            None => ArchiveHash::from_hex(&self.forgotten.as_ref()?.hash),
        }
    }

    /// Checks that an epoch follows on the archives: at a start, the oldest one that is not archived.
    pub fn check_followed_by(&self, head: &EpochHead) -> Result<(), HistoryError> {
        let fits = match (self.end(), &self.forgotten) {
            (Some(end), _) => end == *head,
            (None, Some(last)) => {
                head.epoch == Epoch(last.epoch).next() && head.turn == last.last_turn
            }
            (None, None) => *head == EpochHead::first(shards_of(head)),
        };
        if fits {
            return Ok(());
        }
        let turn = self
            .end()
            .map_or_else(|| self.complete_behind(), |end| end.turn);
        Err(HistoryError::Damaged(format!(
            "the archives{} end with turn {turn}, and epoch {} that should follow begins behind turn {} of another \
             journal or of a later time: what lies between is missing; restore a backup",
            self.directory
                .as_ref()
                .map_or_else(String::new, |directory| format!(
                    " in {}",
                    directory.display()
                )),
            head.epoch.0,
            head.turn
        )))
    }

    /// Archives an epoch: see [`Archive::write`]. It is listed when this returns, and all of it durable.
    pub(super) fn archive(
        &mut self,
        head: &EpochHead,
        end: &EpochHead,
        values: &mut dyn FnMut(&mut super::Sink<'_>) -> Result<(), HistoryError>,
        pause: &mut dyn FnMut(),
    ) -> Result<Option<Arc<Archive>>, HistoryError> {
        let Some(directory) = &self.directory else {
            return Ok(None);
        };
        self.check_followed_by(head)?;
        let path = archive_path(directory, head.epoch);
        let archive = Archive::write(&path, head, self.last_hash(), values, pause)?;
        if archive.facts().next() != *end {
            return Err(HistoryError::Damaged(format!(
                "epoch {} ends with turn {}, and the one behind it begins behind turn {}: turns are missing from the \
                 journal; nothing was removed; restore a backup",
                head.epoch.0,
                archive.facts().last_turn,
                end.turn
            )));
        }
        let archive = Arc::new(archive.with_cache(Arc::clone(&self.cache)));
        let mut longer = self.clone();
        longer.archives.push(Arc::clone(&archive));
        longer.write()?;
        *self = longer;
        Ok(Some(archive))
    }

    /// Lists an archive whose file was put in its place by other means, as by restoring a backup; durable when this
    /// returns. It must follow on the others; the first one of all begins history where it begins.
    pub fn adopt(&mut self, archive: Archive) -> Result<(), HistoryError> {
        let mut longer = self.clone();
        let facts = archive.facts();
        if let (true, None, Some(before)) =
            (longer.archives.is_empty(), &longer.forgotten, facts.before)
        {
            longer.forgotten = Some(Forgotten {
                epoch: facts.epoch().0 - 1,
                last_turn: facts.head.turn,
                hash: before.to_string(),
            });
        }
        longer.check_follows(&archive)?;
        let archive = archive.with_cache(Arc::clone(&self.cache));
        longer.archives.push(Arc::new(archive));
        longer.write()?;
        *self = longer;
        Ok(())
    }

    /// Deletes the archives before `epoch`, for good: from the list first, then the files. Answers with how many.
    ///
    /// What they held cannot be shown or rebuilt any more; see [`complete_behind`](Self::complete_behind).
    pub fn forget_before(&mut self, epoch: Epoch) -> Result<usize, HistoryError> {
        let count = self
            .archives
            .partition_point(|archive| archive.facts().epoch() < epoch);
        let mut shorter = self.clone();
        let forgotten: Vec<_> = shorter.archives.drain(..count).collect();
        if let Some(last) = forgotten.last() {
            let facts = last.facts();
            shorter.forgotten = Some(Forgotten {
                epoch: facts.epoch().0,
                last_turn: facts.last_turn,
                hash: facts.hash.to_string(),
            });
            shorter.write()?;
        }
        *self = shorter;
        self.remove_forgotten()?;
        Ok(count)
    }

    /// Removes the files that are no longer listed, also those of an attempt that ended early.
    fn remove_forgotten(&self) -> Result<(), HistoryError> {
        let (Some(directory), Some(last)) = (&self.directory, &self.forgotten) else {
            return Ok(());
        };
        for (epoch, path) in archives_in(directory)? {
            if epoch <= Epoch(last.epoch) {
                fs::remove_file(&path).map_err(HistoryError::io("remove", &path))?;
            }
        }
        Ok(())
    }

    fn write(&self) -> Result<(), HistoryError> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let written = Written {
            version: VERSION,
            forgotten: self.forgotten.clone(),
            archives: self
                .archives
                .iter()
                .map(|archive| Row::of(archive.facts()))
                .collect(),
        };
        let path = directory.join(FILE);
        whole_file::write(&path, &written).map_err(HistoryError::io("write", &path))
    }
}

fn shards_of(head: &EpochHead) -> u16 {
    u16::try_from(head.chains.len()).expect("at most 1,024 shards")
}

fn read(directory: &Path) -> Result<Option<Written>, HistoryError> {
    /// What every version has.
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let path = directory.join(FILE);
    let name = path.display();
    let Some(text) = whole_file::read(&path).map_err(HistoryError::io("read", &path))? else {
        return Ok(None);
    };
    let damaged = |what: String| {
        HistoryError::Damaged(format!(
            "{name}: {what}; what is archived is not known any more; put the file back from a backup"
        ))
    };
    let Version { version } =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if version != VERSION {
        return Err(HistoryError::Foreign(format!(
            "{name} is of version {version}; this program knows version {VERSION}"
        )));
    }
    let written: Written =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if let Some(last) = &written.forgotten
        && ArchiveHash::from_hex(&last.hash).is_none()
    {
        return Err(damaged("a hash is no hash".to_owned()));
    }
    Ok(Some(written))
}

/// The files that are called like archives, with their epochs.
fn archives_in(directory: &Path) -> Result<Vec<(Epoch, PathBuf)>, HistoryError> {
    let failed = |error| HistoryError::io("list", directory)(error);
    let files = match fs::read_dir(directory) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for file in files {
        let path = file.map_err(failed)?.path();
        let epoch = path
            .file_stem()
            .and_then(|name| name.to_str()?.parse().ok());
        found.extend(
            epoch
                .map(Epoch)
                .filter(|epoch| path == archive_path(directory, *epoch))
                .map(|epoch| (epoch, path)),
        );
    }
    found.sort_unstable();
    Ok(found)
}

/// Archives without a catalogue, but for that of epoch 1, which is written before the catalogue is.
fn any_archive(directory: &Path) -> Result<Option<PathBuf>, HistoryError> {
    let found = archives_in(directory)?;
    Ok(found
        .into_iter()
        .find(|(epoch, _)| *epoch != Epoch::FIRST)
        .map(|(_, path)| path))
}
