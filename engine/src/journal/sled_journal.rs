//! The journal on sled, with the syncs that sled leaves out.
//!
//! What sled 0.34.7 does and does not do is measured in `docs/decisions/0003-sled-and-its-syncs.md`. In short: `flush`
//! writes and does not sync the device, blobs are never synced, a torn `conf` or half-made snapshot stops it from
//! opening, and it can open and be empty. Hence one key per value, small values, large segments, our own `sync_data`
//! after every flush, and a head file outside.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    EpochReader, Journal, JournalError, Visit,
    block::ValueHead,
    runway::Runway,
    sled_threads::{self, Writing},
};
use crate::clock::Stopwatch;

/// Must be the same at every open. Large, so that no message comes near a quarter of it: those go to unsynced blobs.
const SEGMENT_BYTES: usize = 16 << 20;
/// The journal is written once and read at recovery; a large cache would only take memory from the ledgers.
const CACHE_BYTES: u64 = 16 << 20;

/// A journal in a directory of its own.
pub struct SledJournal {
    db: sled::Db,
    /// sled's own file, opened once more: a sync is per file, whoever asks for it.
    data: File,
    runway: Runway,
    directory: PathBuf,
    last_sync_nanos: Option<u64>,
}

impl SledJournal {
    /// Opens the journal in `directory`, making it if need be. The caller holds the data directory's lock.
    pub fn open(directory: &Path) -> Result<Self, JournalError> {
        let name = directory.display();
        fs::create_dir_all(directory).map_err(JournalError::io(format!("create {name}")))?;
        remove_half_made_snapshots(directory)?;
        let db = match configuration(directory).open() {
            Err(sled::Error::Corruption { .. }) => open_without_extras(directory)?,
            other => other?,
        };
        let data = File::options()
            .read(true)
            .append(true)
            .open(directory.join("db"))
            .map_err(JournalError::io(format!("open the file db in {name}")))?;
        let journal = Self {
            db,
            data,
            runway: Runway::new(SEGMENT_BYTES as u64),
            directory: directory.to_owned(),
            last_sync_nanos: None,
        };
        journal.sync_everything()?;
        journal.check_blobs()?;
        sled_threads::rest_most(&journal.db)?;
        Ok(journal)
    }

    /// sled syncs neither `conf` nor the directory; without them a power failure leaves a journal that does not open.
    fn sync_everything(&self) -> Result<(), JournalError> {
        let mut paths = vec![self.directory.join("conf"), self.directory.join("db")];
        paths.push(self.directory.clone());
        paths.extend(self.directory.parent().map(Path::to_owned));
        for path in paths {
            File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(JournalError::io(format!("sync {}", path.display())))?;
        }
        Ok(())
    }

    /// Blobs are never synced, and nothing here is large enough to become one.
    fn check_blobs(&self) -> Result<(), JournalError> {
        let blobs = self.directory.join("blobs");
        let Ok(mut files) = fs::read_dir(&blobs) else {
            return Ok(());
        };
        match files.next() {
            None => Ok(()),
            Some(_) => Err(JournalError::Damaged(format!(
                "{} holds files, but no value of this journal is that large: it is not the one that was written here, or \
                 another program wrote to it; restore a backup",
                blobs.display()
            ))),
        }
    }
}

impl Journal for SledJournal {
    fn append(&mut self, turn: u64, values: &[Vec<u8>]) -> Result<(), JournalError> {
        let bytes = values.iter().map(Vec::len).sum();
        if let Err(error) = self.runway.lengthen(&self.data, bytes) {
            // It only saves time. If there is no room, or worse, the write of the turn tells.
            tracing::debug!(%error, "the journal has no runway");
        }
        let writing = Writing::begin();
        for (part, value) in (0..).zip(values) {
            self.db.insert(key(turn, part), value.as_slice())?;
        }
        self.db.flush()?;
        drop(writing);
        let watch = Stopwatch::start();
        self.data.sync_data().map_err(JournalError::io(format!(
            "sync the journal in {}",
            self.directory.display()
        )))?;
        self.last_sync_nanos = Some(watch.nanos());
        Ok(())
    }

    fn last_sync_nanos(&self) -> Option<u64> {
        self.last_sync_nanos
    }

    fn read(
        &mut self,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        for item in self.db.iter() {
            let (at, value) = item?;
            if let Ok((head, _)) = ValueHead::split(&value)
                && at != key(head.turn, head.part)
            {
                return Err(JournalError::Damaged(format!(
                    "turn {} part {} is stored under another key",
                    head.turn, head.part
                )));
            }
            visit(&value)?;
        }
        Ok(())
    }

    fn truncate_behind(&mut self, turn: u64) -> Result<(), JournalError> {
        for at in self.db.range(key(turn + 1, 0)..).keys() {
            self.db.remove(at?)?;
        }
        self.db.flush()?;
        self.data
            .sync_data()
            .map_err(JournalError::io("sync the journal"))
    }

    fn reader(&self) -> Arc<dyn EpochReader> {
        Arc::new(SledReader(self.db.clone()))
    }
}

/// Reads while the journal is written: sled's handles share what they open.
struct SledReader(sled::Db);

impl EpochReader for SledReader {
    fn read_behind(&self, turn: u64, visit: &mut Visit<'_>) -> Result<(), JournalError> {
        for item in self.0.range(key(turn + 1, 0)..) {
            let (_, value) = item?;
            if visit(&value)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn value(&self, turn: u64, part: u16) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.0.get(key(turn, part))?.map(|value| value.to_vec()))
    }
}

fn key(turn: u64, part: u16) -> [u8; 10] {
    let mut key = [0; 10];
    key[..8].copy_from_slice(&turn.to_be_bytes());
    key[8..].copy_from_slice(&part.to_be_bytes());
    key
}

pub(super) fn configuration(directory: &Path) -> sled::Config {
    sled::Config::new()
        .path(directory)
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(CACHE_BYTES)
}

/// A snapshot that was being written when the power failed stops sled from opening; everything is in the log anyway.
fn remove_half_made_snapshots(directory: &Path) -> Result<(), JournalError> {
    for path in files_of(directory)? {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            tracing::warn!(file = %path.display(), "removing a half-made snapshot");
            fs::remove_file(&path)
                .map_err(JournalError::io(format!("remove {}", path.display())))?;
        }
    }
    Ok(())
}

/// The second try after `Corruption`: with a copy set aside, snapshots are dropped and made anew from the log, and so is
/// `conf`, which says nothing but what we say ourselves. A power failure in the very first start can tear it.
fn open_without_extras(directory: &Path) -> Result<sled::Db, JournalError> {
    let aside = directory.with_extension("before-repair");
    tracing::error!(copy = %aside.display(), "sled finds its files corrupt; trying again without its snapshots and `conf`");
    if !aside.exists() {
        fs::create_dir_all(&aside)
            .map_err(JournalError::io(format!("create {}", aside.display())))?;
        for path in files_of(directory)? {
            if let (true, Some(name)) = (path.is_file(), path.file_name()) {
                fs::copy(&path, aside.join(name))
                    .map_err(JournalError::io(format!("copy {}", path.display())))?;
            }
        }
    }
    for path in files_of(directory)? {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name.starts_with("snap.") || name == "conf" {
            fs::remove_file(&path)
                .map_err(JournalError::io(format!("remove {}", path.display())))?;
        }
    }
    configuration(directory).open().map_err(|error| {
        JournalError::Damaged(format!(
            "sled cannot open {} ({error}), so that nothing in it can be read; restore a backup",
            directory.display()
        ))
    })
}

fn files_of(directory: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let list = || -> std::io::Result<_> {
        fs::read_dir(directory)?
            .map(|file| Ok(file?.path()))
            .collect()
    };
    list().map_err(JournalError::io(format!("list {}", directory.display())))
}
